"""Files that the scanner of COCO records refuses: why, where, and what it says then."""

from __future__ import annotations

import json
import pickle

import pytest

from segbench.errors import BadJson
from segbench.kernels import jsonfaults, records, reference_records
from segbench.kernels.jsonfaults import Reason
from tests.kernels.jsonfiles import ANNOTATION, RESULT, agree, beside, listed, masked, true, with_

SCANS = {name: (getattr(records, name), getattr(reference_records, name)) for name in ("scan_results", "scan_truth")}

# The text of a results file, the reason, and what the message holds.
REFUSED = [
    ("", Reason.EMPTY, "line 1, column 1: the file is empty"),
    (" \n ", Reason.EMPTY, "line 2, column 2"),
    (f"[{RESULT},", Reason.TRUNCATED, f"line 1, column {len(RESULT) + 3} (result 2): the file ends"),
    ('[\n{"image_id":1,"sco', Reason.TRUNCATED, "line 2, column 19"),
    ("image_id,category_id", Reason.SYNTAX, "line 1, column 1: 'i' is no JSON"),
    (f"[{RESULT} {RESULT}]", Reason.SYNTAX, "'{' is no JSON"),
    (listed(with_("score", ".5")), Reason.SYNTAX, "'.' is no JSON"),
    (listed(with_("score", "01")), Reason.SYNTAX, "'1' is no JSON"),
    (listed(with_("score", "1.")), Reason.SYNTAX, "'}' is no JSON"),
    (listed(with_("score", "1e+")), Reason.SYNTAX, "'}' is no JSON"),
    (listed(with_("score", "+1")), Reason.SYNTAX, "'+' is no JSON"),
    (listed(with_("score", "")), Reason.SYNTAX, "(result 1): '}' is no JSON"),
    (f"[{RESULT}\0]", Reason.SYNTAX, "'\\x00' is no JSON"),
    (f"[{RESULT},\n]", Reason.TRAILING_COMMA, "line 2, column 1: ']' follows a comma; expected no comma"),
    (listed(beside("x", "{},")), Reason.TRAILING_COMMA, "'}' follows a comma"),
    (f"[{RESULT}]\n[{RESULT}]", Reason.SEVERAL_VALUES, "line 2, column 1: '[' follows the end"),
    (f"{RESULT}\n{RESULT}", Reason.TOP_LEVEL, "an object; expected a list of results"),
    (f'{{"annotations":[{RESULT}]}}', Reason.TOP_LEVEL, "an object; expected a list of results"),
    ('"text"', Reason.TOP_LEVEL, "a string"),
    ("null", Reason.TOP_LEVEL, "null"),
    ("[" * 200_000, Reason.NO_OBJECT, "a list instead of an object"),
    (listed(beside("x", "[" * 62 + "]" * 62)), None, ""),
    (listed(beside("x", "[" * 63 + "]" * 63)), Reason.TOO_DEEP, "at most 64 levels"),
    (listed(beside("x", "[" * 200_000)), Reason.TOO_DEEP, "(result 1): lists and objects lie deeper"),
    (listed(beside("x", "1" * 400)), None, ""),
    (listed(beside("x", "1" * 401)), Reason.TOO_LONG_NUMBER, "a number of too many digits; expected at most 400"),
    (listed(with_("image_id", "1" * 200_000)), Reason.TOO_LONG_NUMBER, "too many digits"),
    (listed(with_("score", "0." + "1" * 400)), Reason.TOO_LONG_NUMBER, "too many digits"),
    (f"[{RESULT},null]", Reason.NO_OBJECT, "(result 2): null instead of an object"),
    (f"[{RESULT},7]", Reason.NO_OBJECT, "the number 7 instead of an object"),
    ('[{"category_id":2,"score":0.5}]', Reason.MISSING_KEY, "no key 'image_id'; expected a whole number"),
    ('[{"image_id":1,"score":0.5}]', Reason.MISSING_KEY, "no key 'category_id'"),
    (f"[{RESULT},{{}}]", Reason.MISSING_KEY, f"column {len(RESULT) + 3} (result 2): no key 'image_id'"),
    ('[{"image_id":1,"category_id":2}]', Reason.MISSING_KEY, "no key 'score'; expected a finite number"),
    (listed(with_("image_id", '"1"')), Reason.WRONG_TYPE, "a string under 'image_id'; expected a whole number"),
    (listed(with_("image_id", "1.5")), Reason.WRONG_TYPE, "the number 1.5 under 'image_id'"),
    (listed(with_("image_id", "[1]")), Reason.WRONG_TYPE, "a list under 'image_id'"),
    (listed(with_("image_id", "true")), Reason.WRONG_TYPE, "true under 'image_id'"),
    (listed(with_("category_id", "null")), Reason.WRONG_TYPE, "null under 'category_id'"),
    (listed(with_("image_id", "9007199254740992")), None, ""),
    (listed(with_("image_id", "9007199254740993")), Reason.OUT_OF_RANGE, "9007199254740993 under 'image_id' is out"),
    (listed(with_("image_id", "-9007199254740993")), Reason.OUT_OF_RANGE, "out of range"),
    (listed(with_("image_id", "18446744073709551617")), Reason.OUT_OF_RANGE, "out of range"),
    (listed(with_("image_id", "1e17")), Reason.OUT_OF_RANGE, "the number 1e17 under 'image_id' is out of range"),
    (listed(with_("score", "NaN")), Reason.CONSTANT, "(result 1): NaN is no JSON; expected a finite number"),
    (listed(with_("score", "Infinity")), Reason.CONSTANT, "Infinity is no JSON"),
    (listed(with_("score", "-Infinity")), Reason.CONSTANT, "-Infinity is no JSON"),
    (listed(beside("x", "[NaN]")), Reason.CONSTANT, "NaN is no JSON"),
    (listed(with_("score", "1e999")), Reason.OUT_OF_RANGE, "the number 1e999 under 'score' is out of range"),
    (listed(with_("score", "-1e400")), Reason.OUT_OF_RANGE, "out of range"),
    (listed(with_("score", "1e-999")), None, ""),
    (listed(with_("score", '"0.5"')), Reason.WRONG_TYPE, "a string under 'score'; expected a finite number"),
    (listed(with_("score", "null")), Reason.WRONG_TYPE, "null under 'score'"),
    (listed(with_("score", "false")), Reason.WRONG_TYPE, "false under 'score'"),
    (listed(beside("score", "1")), Reason.DUPLICATE_KEY, "the key 'score' comes twice in one object"),
    (listed(beside("sc\\u006fre", "1")), Reason.DUPLICATE_KEY, "the key 'score' comes twice"),
    (listed(beside("x", '{"\\u00e9":1,"é":2}')), Reason.DUPLICATE_KEY, "comes twice"),
    (listed(beside("x", '{"\\ud83d\\ude00":1,"😀":2}')), Reason.DUPLICATE_KEY, "comes twice"),
    (listed(beside("x", '{"\\ud83d":1,"\\ude00":2,"\\ud83e":3}')), None, ""),
    (listed(beside("x", '{"k":1,"y":{"k":2,"z":3},"k":3}')), Reason.DUPLICATE_KEY, "the key 'k' comes twice"),
    (listed(beside("x", '{"y":{"z":3,"k":1},"z":1,"x":{}}')), None, ""),
    (listed(beside("x", '{"a\\/":1,"a/":2}')), Reason.DUPLICATE_KEY, "the key 'a/' comes twice"),
    (listed(beside("x", '{"a":{"a":1},"b":[{"a":1},{"a":2}]}')), None, ""),
    (listed(beside("x\x01", "1")), Reason.CONTROL_CHARACTER, "'\\x01' stands in a string; expected an escape"),
    (listed(beside("x", '"a\nb"')), Reason.CONTROL_CHARACTER, "'\\n' stands in a string"),
    (listed(beside("x", '"\\x41"')), Reason.BAD_ESCAPE, "a backslash before 'x'"),
    (listed(beside("x", '"\\u00g1"')), Reason.BAD_ESCAPE, "a backslash before 'u'"),
    (
        listed(beside("bbox", "[1,2,3]")),
        Reason.WRONG_LENGTH,
        "a list of another length under 'bbox'; expected a list of 4",
    ),
    (listed(beside("bbox", "[1,2,3,4,5]")), Reason.WRONG_LENGTH, "a list of another length"),
    (listed(beside("bbox", "[]")), Reason.WRONG_LENGTH, "a list of another length"),
    (listed(beside("bbox", '[1,2,3,"4"]')), Reason.WRONG_TYPE, "a string under 'bbox'"),
    (listed(beside("bbox", "null")), Reason.WRONG_TYPE, "null under 'bbox'"),
    (listed(beside("bbox", "[1,2,3,1e999]")), Reason.OUT_OF_RANGE, "1e999 under 'bbox'"),
    (listed(beside("bbox", "[-1,-2,-3,-4]")), None, ""),
    (listed(masked()), None, ""),
    (listed(masked(size="[2]")), Reason.WRONG_LENGTH, "under 'segmentation.size'; expected a list of 2 whole numbers"),
    (listed(masked(size="[1,2,3]")), Reason.WRONG_LENGTH, "a list of another length"),
    (listed(masked(size="[2.0,3]")), Reason.WRONG_TYPE, "the number 2.0 under 'segmentation.size'"),
    (listed(masked(size="[9007199254740993,1]")), Reason.OUT_OF_RANGE, "out of range"),
    (listed(masked(size='"2x3"')), Reason.WRONG_TYPE, "a string under 'segmentation.size'"),
    (listed(masked(size="[-2,0]")), None, ""),
    (listed(masked(counts="null")), Reason.WRONG_TYPE, "null under 'segmentation.counts'; expected a string, or"),
    (listed(masked(counts="[0,6]")), None, ""),
    (listed(masked(counts="[0,-6]")), Reason.WRONG_TYPE, "the number -6 under 'segmentation.counts'"),
    (listed(masked(counts="[0,6.0]")), Reason.WRONG_TYPE, "the number 6.0"),
    (listed(masked(counts='["0","6"]')), Reason.WRONG_TYPE, "a string under 'segmentation.counts'"),
    (listed(masked(counts='""')), None, ""),
    (listed(beside("segmentation", '{"size":[2,3]}')), Reason.MISSING_KEY, "no key 'segmentation.counts'"),
    (listed(beside("segmentation", '{"counts":"06"}')), Reason.MISSING_KEY, "no key 'segmentation.size'"),
    (listed(beside("segmentation", "null")), Reason.WRONG_TYPE, "null under 'segmentation'; expected an object with"),
    (listed(beside("segmentation", "[1,2,3,4]")), Reason.WRONG_TYPE, "the number 1 under 'segmentation'"),
    (listed(beside("segmentation", '[["1",2]]')), Reason.WRONG_TYPE, "a string under 'segmentation'"),
    (listed(beside("segmentation", "[[NaN,2]]")), Reason.CONSTANT, "NaN is no JSON"),
    (listed(beside("segmentation", "[[1e999]]")), Reason.OUT_OF_RANGE, "out of range"),
    (listed(beside("segmentation", "[]")), None, ""),
]


@pytest.mark.parametrize(("text", "reason", "said"), REFUSED, ids=range(len(REFUSED)))
def test_bad_results(text, reason, said):
    data = text.encode("utf-8")
    if b"[" * 1000 not in data:  # The twin cannot say where it gave up.
        agree(*SCANS["scan_results"], data)
    if reason is None:
        assert len(records.scan_results(data)) == 1
        return
    with pytest.raises(BadJson) as caught:
        records.scan_results(data)
    assert caught.value.__cause__.reason is reason
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        (f"[{ANNOTATION}]", Reason.TOP_LEVEL, "a list; expected an object with 'annotations'"),
        ("{}", Reason.MISSING_KEY, "column 1: no key 'annotations'; expected a list of objects"),
        ('{"annotations":{}}', Reason.WRONG_TYPE, "an object under 'annotations'; expected a list of objects"),
        ('{"annotations":null}', Reason.WRONG_TYPE, "null under 'annotations'"),
        ('{"annotations":[],"annotations":[]}', Reason.DUPLICATE_KEY, "'annotations' comes twice"),
        ('{"info":1,"info":1,"annotations":[]}', Reason.DUPLICATE_KEY, "'info' comes twice"),
        ('{"annotations":[],"info":1,"\\u0069nfo":1}', Reason.DUPLICATE_KEY, "'info' comes twice"),
        ('{"annotations":[],"images":[{"id":1,"id":2}]}', Reason.DUPLICATE_KEY, "'id' comes twice"),
        ('{"annotations":[],"images":[1,]}', Reason.TRAILING_COMMA, "']' follows a comma"),
        ('{"annotations":[],"images":' + "[" * 63 + "]" * 63 + "}", None, ""),
        ('{"annotations":[],"images":' + "[" * 64 + "]" * 64 + "}", Reason.TOO_DEEP, "at most 64"),
        (true(f"{ANNOTATION},[]"), Reason.NO_OBJECT, "(annotation 2): a list instead"),
        ('{"annotations":[{"image_id":1}]}', Reason.MISSING_KEY, "(annotation 1): no key 'category_id'"),
        (true(beside("iscrowd", "2", ANNOTATION)), Reason.WRONG_TYPE, "expected 0 or 1"),
        (true(beside("iscrowd", "null", ANNOTATION)), Reason.WRONG_TYPE, "null under 'iscrowd'"),
        (true(beside("ignore", "0.5", ANNOTATION)), Reason.WRONG_TYPE, "under 'ignore'"),
        (true(beside("area", "null", ANNOTATION)), Reason.WRONG_TYPE, "null under 'area'"),
        (true(beside("id", "1.5", ANNOTATION)), Reason.WRONG_TYPE, "1.5 under 'id'"),
        (true(beside("score", "NaN", ANNOTATION)), Reason.CONSTANT, "NaN"),
        (true(beside("score", "null", ANNOTATION)), None, ""),
        (true(beside("id", "0", ANNOTATION)) + " x", Reason.SEVERAL_VALUES, "'x' follows the end"),
    ],
)
def test_bad_truth(text, reason, said):
    agree(*SCANS["scan_truth"], text.encode())
    if reason is None:
        records.scan_truth(text.encode())
        return
    with pytest.raises(BadJson) as caught:
        records.scan_truth(text.encode())
    assert caught.value.__cause__.reason is reason
    assert said in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_other_encodings_are_named(encoding):
    with pytest.raises(BadJson, match=rf"the file is {encoding[:6].upper()}; expected UTF-8"):
        records.scan_results(f"[{RESULT}]".encode(encoding))
    for text in ("[]", f"[{RESULT}]"):
        agree(*SCANS["scan_results"], text.encode(encoding))


def test_a_byte_order_mark_is_skipped():
    plain, marked = (records.scan_results(f"[{RESULT}]".encode(name)) for name in ("utf-8", "utf-8-sig"))
    assert marked.starts - plain.starts == [3]
    agree(*SCANS["scan_results"], f"[{RESULT}]".encode("utf-8-sig"))
    assert agree(*SCANS["scan_results"], b"\xef\xbb\xbf").reason is Reason.EMPTY


# Too long a form, a surrogate, beyond the last character, a byte missing, a byte that begins nothing, Latin-1.
@pytest.mark.parametrize("wrong", ["c0af", "e0809f", "eda080", "f4908080", "f5808080", "e282", "80", "ff", "e9"])
def test_what_is_no_utf_8(wrong):
    for inside in (b'"x":"%s"', b'"%s":1', b'"segmentation":{"size":[1,1],"counts":"%s"}'):
        data = b"[" + RESULT.encode()[:-1] + b"," + inside % bytes.fromhex(wrong) + b"}]"
        assert agree(*SCANS["scan_results"], data).reason is Reason.BAD_UTF8
    for right in ("\u00e9", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff", "\x7f"):
        agree(*SCANS["scan_results"], listed(beside(right, json.dumps(right, ensure_ascii=False))).encode())


def test_objects_of_many_keys():
    def data(n: int) -> bytes:
        return listed(beside("x", json.dumps({f"k{i}": i for i in range(n)}))).encode()

    assert len(agree(*SCANS["scan_results"], data(jsonfaults.MOST_KEYS))) == 1
    assert agree(*SCANS["scan_results"], data(jsonfaults.MOST_KEYS + 1)).reason is Reason.TOO_MANY_KEYS
    # As many in each of the objects that lie in one another: there is room for all.
    keys = "".join(f'"k{i}":0,' for i in range(jsonfaults.MOST_KEYS - 1))
    deep = "{}"
    for _ in range(61):
        deep = f'{{{keys}"d":{deep}}}'
    assert len(records.scan_results(listed(beside("x", deep)).encode())) == 1
    twice = listed(beside("x", deep.replace('"d":{}', '"k7":{}')))
    with pytest.raises(BadJson, match="'k7' comes twice"):
        records.scan_results(twice.encode())


def test_lines_and_columns_count_characters():
    data = b"\n\n [ \n{},\n"
    assert agree(*SCANS["scan_results"], data).offset == data.index(b"{")
    with pytest.raises(BadJson, match=r"^line 4, column 1 \(result 1\): no key 'image_id'"):
        records.scan_results(data)
    with pytest.raises(BadJson, match=r"^line 2, column 11 \(result 1\): 'x' is no JSON"):
        records.scan_results('[\n{"éé\U0001f600":"é"x'.encode())


def test_what_an_error_carries_crosses_processes():
    with pytest.raises(BadJson) as caught:
        records.scan_results(f"[{RESULT},{{}}]".encode())
    fault = caught.value.__cause__
    assert (fault.reason, fault.record, fault.key) == (Reason.MISSING_KEY, 1, "image_id")
    assert pickle.loads(pickle.dumps(caught.value)).as_record() == caught.value.as_record()
    assert vars(pickle.loads(pickle.dumps(fault))) == vars(fault)
    assert (caught.value.code, caught.value.exit_code) == ("bad-json", 3)


def test_strangers_texts_are_escaped_and_shortened():
    with pytest.raises(BadJson) as caught:
        records.scan_results(("[" + beside("\u202e\u001b".join("ab") * 99, "1")[:-1] + ",").encode())
    assert "\x1b" not in str(caught.value)
    key = "k" * 5000
    twice = f'{{"{key}":1,"{key}":2}}'
    with pytest.raises(BadJson) as caught:
        records.scan_results(listed(beside("x", twice)).encode())
    assert len(str(caught.value)) < 200
