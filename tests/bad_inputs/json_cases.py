"""Everything that goes wrong with results and truths in the JSON of COCO, and the answer each must get.

Names and reasons are those of a matrix of cases that the usual tools were tried on: ``cj_`` results, ``cj_gt_`` the
truth. A case spoils the text of the clean file, mostly one value of the third record.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.protocols.coco_sets import compressed, listed

HEIGHT, WIDTH = 48, 64
IMAGES = (17, 42)
#: The record that is spoilt, counted from 1.
SPOILT = 3

Record = dict[str, Any]
Spoil = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Refused:
    """No score: the code of the fault, what the message finds, and what it expected."""

    code: str
    found: str
    expected: str = ""
    exit: int = 3


@dataclass(frozen=True)
class Same:
    """The score of the clean files."""

    warning: str = ""


@dataclass(frozen=True)
class Scored:
    """A score, of whatever height, with a warning if one is named."""

    warning: str = ""


@dataclass(frozen=True)
class Case:
    """One way to spoil a file, and the answer it must get."""

    name: str
    spoil: Spoil
    answer: Refused | Same | Scored
    iou_type: str = "segm"

    def __str__(self) -> str:
        return self.name

    @property
    def of_truth(self) -> bool:
        return self.name.startswith("cj_gt_")


def mask(number: int) -> np.ndarray:
    """One of the true masks, which are not near each other."""
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[3 + 10 * (number % 4) : 10 + 10 * (number % 4), 5 + 9 * number : 19 + 9 * number] = 1
    return values


def box(number: int) -> list[float]:
    return [float(5 + 9 * number), float(3 + 10 * (number % 4)), 14.0, 7.0]


def truth() -> Record:
    polygon = [[5.0, 3.0, 5.0, 10.0, 19.0, 10.0, 19.0, 3.0]]
    shapes: list[Any] = [polygon, compressed(mask(1)), compressed(mask(2)), listed(mask(3))]
    annotations = [
        {"id": 101 + i, "image_id": IMAGES[i // 2], "category_id": 1 + i % 2, "area": 98, "iscrowd": 0,
         "bbox": box(i), "segmentation": shape}
        for i, shape in enumerate(shapes)
    ]  # fmt: skip
    return {
        "images": [{"id": i, "height": HEIGHT, "width": WIDTH, "file_name": f"{i}.jpg"} for i in IMAGES],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": annotations,
    }


def results(iou_type: str) -> list[Record]:
    """All instances, a little moved, and surer of some than of others."""
    shape = {"segm": lambda i: {"segmentation": compressed(np.roll(mask(i), 1, 0))}, "bbox": lambda i: {"bbox": box(i)}}
    return [
        {"image_id": IMAGES[i // 2], "category_id": 1 + i % 2, "score": 0.9 - i / 8, **shape[iou_type](i)}
        for i in range(4)
    ]


def as_text(content: Any) -> bytes:
    return json.dumps(content).encode()


def put(key: str, text: str) -> Spoil:
    """Put `text` in the place of a value of the record that is spoilt; a dot leads into the segmentation."""
    return _changed(lambda record: _assign(record, key.split("."), text))


def drop(key: str) -> Spoil:
    return _changed(lambda record: _assign(record, key.split("."), None))


def again(key: str) -> Spoil:
    """Write a key twice."""
    return lambda data: data.replace(f'"{key}":'.encode(), f'"{key}": 1, "{key}":'.encode(), 1)


def whole(text: bytes | str) -> Spoil:
    return lambda data: text if isinstance(text, bytes) else text.encode()


def counts(values: list[int]) -> Spoil:
    return put("segmentation.counts", json.dumps(values))


def twin(change: Record) -> Spoil:
    """Add the spoilt record once more, with changes."""

    def spoil(data: bytes) -> bytes:
        content = json.loads(data)
        records = content["annotations"] if isinstance(content, dict) else content
        records.append({**records[SPOILT - 1], **change})
        return as_text(content)

    return spoil


def of_truth(change: Callable[[Record], Any]) -> Spoil:
    def spoil(data: bytes) -> bytes:
        content = json.loads(data)
        change(content)
        return as_text(content)

    return spoil


def _changed(change: Callable[[Record], dict[str, str]]) -> Spoil:
    def spoil(data: bytes) -> bytes:
        content = json.loads(data)
        records = content["annotations"] if isinstance(content, dict) else content
        texts = change(records[SPOILT - 1])
        changed = json.dumps(content)
        for mark, text in texts.items():
            changed = changed.replace(json.dumps(mark), text)
        return changed.encode("utf-8", "surrogatepass")

    return spoil


def _assign(record: Record, keys: list[str], text: str | None) -> dict[str, str]:
    for key in keys[:-1]:
        record = record[key]
    if text is None:
        del record[keys[-1]]
        return {}
    record[keys[-1]] = "<here>"
    return {"<here>": text}


def _broken(found: str, expected: str = "") -> Refused:
    return Refused("dataset-error", found, expected, 4)


_PIXELS = HEIGHT * WIDTH
_RESULT = f"result {SPOILT}"
_BEYOND = "1 annotation of the truth with polygons beyond the image"
_COUNTS = "segmentation.counts"
_STRING = str(compressed(np.roll(mask(2), 1, 0))["counts"])

CASES = (
    Case("cj_empty_file", whole(""), Refused("bad-json", "line 1, column 1: the file is empty")),
    Case("cj_truncated", lambda data: data[: len(data) // 2], Refused("bad-json", "result 3): the file ends in the")),
    Case("cj_not_json", whole("image_id,score\n1,2\n"), Refused("bad-json", "line 1, column 1: 'i' is no JSON")),
    Case("cj_trailing_comma", lambda data: data[:-1] + b",]", Refused("bad-json", "']' follows a comma")),
    Case(
        "cj_json_lines",
        lambda data: b"\n".join(map(as_text, json.loads(data))),
        Refused("bad-json", "line 1, column 1: an object", "a list of results"),
    ),
    Case("cj_utf16", lambda data: data.decode().encode("utf-16"), Refused("bad-json", "is UTF-16", "UTF-8")),
    Case("cj_bom", lambda data: b"\xef\xbb\xbf" + data, Same()),
    Case("cj_deep_nesting", whole("[" * 200_000), Refused("bad-json", "result 1): a list instead of an object")),
    Case("cj_deep_nesting_within", put("x", "[" * 200_000), Refused("bad-json", "lie deeper", "at most 64 levels")),
    Case("cj_digits_bomb", put("image_id", "1" * 200_000), Refused("bad-json", "too many digits", "at most 400")),
    Case("cj_dict_top", lambda data: b'{"annotations":' + data + b"}", Refused("bad-json", "an object", "a list of")),
    Case("cj_null_entry", lambda data: data[:-1] + b",null]", Refused("bad-json", "result 5): null", "an object")),
    *(
        Case(f"cj_no_{key}", drop(key), Refused("bad-json", f"{_RESULT}): no key '{key}'"))
        for key in ("image_id", "category_id", "score")
    ),
    Case("cj_no_shape", drop("segmentation"), Refused("bad-json", f"{_RESULT}: no segmentation and no bbox")),
    *(
        Case(f"cj_image_id_{name}", put("image_id", text), Refused("bad-json", f"{_RESULT}): ", "a whole number"))
        for name, text in (
            *(("string", '"17"'), ("fraction", "17.5"), ("list", "[17]"), ("bool", "true"), ("null", "null")),
            ("huge", "9" * 30),
        )
    ),
    Case("cj_unknown_image", put("image_id", "18"), Refused("bad-json", f"{_RESULT}: image_id 18")),
    Case("cj_unknown_category", put("category_id", "3"), Refused("bad-json", f"{_RESULT}: category_id 3")),
    Case("cj_dup_key", again("score"), Refused("bad-json", "result 1): the key 'score' comes twice")),
    Case("cj_dup_result", twin({}), Scored("ap is between")),
    Case("cj_empty_list", whole("[]"), Scored("no detection at all")),
    *(
        Case(f"cj_score_{name}", put("score", text), Refused("bad-json", f"{_RESULT}): ", "a finite number"))
        for name, text in (
            *(("nan", "NaN"), ("inf", "Infinity"), ("minus_inf", "-Infinity"), ("1e999", "1e999")),
            *(("string", '"0.5"'), ("null", "null"), ("bool", "true")),
        )
    ),
    Case("cj_rle_too_long", counts([0, _PIXELS + 1]), Refused("bad-rle", f"{_RESULT}: run lengths of more than")),
    Case("cj_rle_far_too_long", counts([0, 1 << 31]), Refused("bad-rle", "of more than the 3072 pixels")),
    Case("cj_rle_too_short", counts([0, _PIXELS - 1]), Refused("bad-rle", "of fewer than the 3072 pixels")),
    Case("cj_rle_2_pow_32", counts([(1 << 32) + 50, _PIXELS - 50]), Refused("bad-rle", "of more than the 3072")),
    Case("cj_rle_2_pow_64", counts([1 << 64, _PIXELS]), Refused("bad-json", f"{_RESULT}): ", "whole numbers")),
    Case("cj_rle_negative_string", put(_COUNTS, '"nb0O"'), Refused("bad-rle", "a negative run length")),
    Case("cj_rle_cut_string", put(_COUNTS, json.dumps(_STRING[:-1] + "o")), Refused("bad-rle", "a string that ends")),
    Case("cj_rle_garbage", put(_COUNTS, '"~~~{}|!"'), Refused("bad-rle", "a character that no run length has")),
    Case("cj_rle_non_ascii", put(_COUNTS, json.dumps("\u00e9" + _STRING)), Refused("bad-rle", "a character that no")),
    Case(
        "cj_rle_python_bytes_repr",
        put(_COUNTS, json.dumps(f"b'{_STRING}'")),
        Refused("bad-rle", "a character that no run length has"),
    ),
    Case("cj_rle_empty_string", put(_COUNTS, '""'), Refused("bad-rle", f"{_RESULT}: no run length")),
    Case("cj_rle_counts_null", put(_COUNTS, "null"), Refused("bad-json", "null under 'segmentation.counts'")),
    Case("cj_rle_list_negative", counts([10, -5, _PIXELS - 5]), Refused("bad-json", "the number -5 under")),
    Case("cj_rle_list_float", put(_COUNTS, "[10.5, 5]"), Refused("bad-json", "the number 10.5 under")),
    Case("cj_rle_list_too_long", counts([1] * (_PIXELS + 1)), Refused("bad-rle", "of more than the 3072 pixels")),
    Case("cj_rle_list_strings", put(_COUNTS, '["10", "5"]'), Refused("bad-json", "a string under")),
    *(
        Case(
            f"cj_rle_size_{name}",
            put("segmentation.size", json.dumps(size)),
            Refused("shape-mismatch", f"{_RESULT}: a mask of size {size}", "[48, 64], height and width of image 42"),
        )
        for name, size in (
            *(("other", [10, 10]), ("swapped", [WIDTH, HEIGHT]), ("negative", [-HEIGHT, WIDTH])),
            *(("huge", [1 << 20, 1 << 20]), ("huger", [1 << 40, 1 << 40]), ("zero", [0, 0])),
        )
    ),
    *(
        Case(f"cj_rle_size_{name}", put("segmentation.size", text), Refused("bad-json", _RESULT, "2 whole numbers"))
        for name, text in (("3", "[48, 64, 1]"), ("float", "[48.5, 64]"), ("strings", '["48", "64"]'), ("null", "null"))
    ),
    Case("cj_shape_polygon", put("segmentation", "[[1, 2, 3, 4, 5, 6]]"), Refused("bad-json", f"{_RESULT}: a polygon")),
    Case("cj_shape_null", put("segmentation", "null"), Refused("bad-json", "null under 'segmentation'")),
    Case("cj_shape_object", put("segmentation", "{}"), Refused("bad-json", "no key 'segmentation.size'")),
    Case("cj_bbox_negative", put("bbox", "[1, 2, -3, 4]"), Refused("bad-json", f"{_RESULT}: a box -3 wide"), "bbox"),
    Case("cj_bbox_three", put("bbox", "[1, 2, 3]"), Refused("bad-json", _RESULT, "a list of 4 finite"), "bbox"),
    Case("cj_bbox_nan", put("bbox", "[1, 2, NaN, 4]"), Refused("bad-json", "NaN is no JSON"), "bbox"),
    Case("cj_bbox_missing", drop("bbox"), Refused("bad-json", f"{_RESULT}: no bbox, which the first"), "bbox"),
    Case("cj_bbox_outside", put("bbox", "[-500, -500, 10, 10]"), Scored(), "bbox"),
    Case("cj_bbox_huge", put("bbox", "[1, 2, 1e300, 1e300]"), Refused("bad-json", f"{_RESULT}: a box far"), "bbox"),
    Case("cj_gt_truncated", lambda data: data[: len(data) // 2], _broken("the file ends in the middle")),
    Case("cj_gt_a_list", lambda data: b"[" + data + b"]", _broken("a list", "an object with 'annotations'")),
    Case("cj_gt_dup_ann_id", put("id", "101"), _broken("annotation id 101 twice")),
    Case("cj_gt_dup_image_id", of_truth(lambda t: t["images"].append(t["images"][0])), _broken("image id 17 twice")),
    Case(
        "cj_gt_dup_category_id",
        of_truth(lambda t: t["categories"].append(t["categories"][0])),
        _broken("category id 1 twice"),
    ),
    Case(
        "cj_gt_dup_category_name",
        of_truth(lambda t: t["categories"][1].update(name="cat")),
        _broken("two categories named 'cat'"),
    ),
    Case("cj_gt_orphan_ann", put("image_id", "18"), _broken("annotation 3 (id 103): an image_id that is no image")),
    Case("cj_gt_orphan_category", put("category_id", "9"), _broken("annotation 3 (id 103): a category_id that is no")),
    *(
        Case(f"cj_gt_no_{key}", drop(key), _broken(f"annotation 3: no key '{key}'"))
        for key in ("iscrowd", "area", "id")
    ),
    *(
        Case(f"cj_gt_no_{key}", of_truth(lambda t, key=key: t.pop(key)), _broken(f"no key '{key}'"))
        for key in ("images", "categories", "annotations")
    ),
    Case("cj_gt_empty", of_truth(lambda t: t["annotations"].clear()), _broken("no annotation")),
    Case("cj_gt_ann_id_zero", put("id", "0"), Scored()),
    Case("cj_gt_iscrowd_2", put("iscrowd", "2"), _broken("the number 2 under 'iscrowd'")),
    Case("cj_gt_area_nan", put("area", "NaN"), _broken("NaN is no JSON")),
    Case(
        "cj_gt_image_without_height", of_truth(lambda t: t["images"][0].update(height=0)), _broken("image 17 of 0×64")
    ),
    Case(
        "cj_gt_image_height_string",
        of_truth(lambda t: t["images"][0].update(height="48")),
        _broken("images: [0].height"),
    ),
    Case(
        "cj_gt_image_huge",
        of_truth(lambda t: t["images"][1].update(height=1 << 30, width=1 << 30)),
        _broken("annotation 3 (id 103): a segmentation of another size"),
    ),
    Case("cj_gt_rle_garbage", put(_COUNTS, '"~~~"'), _broken("annotation 3 (id 103): a character that no run length")),
    Case(
        "cj_gt_rle_size",
        put("segmentation.size", "[10, 10]"),
        _broken("annotation 3 (id 103): a segmentation of anoth"),
    ),
    Case("cj_gt_no_shape", drop("segmentation"), _broken("annotation 3 (id 103): no segmentation")),
    *(
        Case(f"cj_gt_poly_{name}", put("segmentation", text), _broken(f"annotation 3{found}"))
        for name, text, found in (
            ("two_points", "[[1, 2, 3, 4]]", " (id 103): a polygon of 4 numbers"),
            ("nan", "[[1, 1, NaN, 1, 9, 9]]", "): NaN is no JSON"),
            ("infinite", "[[1, 1, 1e999, 1, 9, 9]]", "): the number 1e999 under 'segmentation' is out of range"),
            ("giant", "[[1, 1, 1e18, 1, 9, 9]]", " (id 103): the coordinate 1e+18"),
            ("strings", '[["1", "1", "9", "1", "9", "9"]]', "): a string under 'segmentation'"),
            ("flat", "[1, 1, 9, 1, 9, 9]", "): the number 1 under 'segmentation'"),
            ("empty", "[]", " (id 103): a segmentation without polygons"),
            ("empty_within", "[[]]", " (id 103): a polygon of 0 numbers"),
            ("odd", "[[1, 1, 9, 1, 9, 9, 5]]", " (id 103): a polygon of 7 numbers"),
        )
    ),
    Case("cj_gt_poly_1e7", put("segmentation", "[[1, 1, 1e7, 1, 9, 9]]"), Scored(_BEYOND)),
    Case("cj_gt_poly_negative", put("segmentation", "[[-5, -5, 9, -5, 9, 9]]"), Scored(_BEYOND)),
    Case("cj_gt_poly_outside", put("segmentation", "[[100, 100, 120, 100, 120, 120]]"), Scored(_BEYOND)),
    Case("cj_gt_poly_edge", put("segmentation", "[[-1, -1, 9, -1, 9, 9]]"), Scored()),
    Case("cj_gt_bbox_missing", drop("bbox"), _broken("annotation 3 (id 103): no bbox"), "bbox"),
    Case("cj_gt_bbox_negative", put("bbox", "[1, 2, -3, 4]"), _broken("annotation 3 (id 103): a box of neg"), "bbox"),
)
