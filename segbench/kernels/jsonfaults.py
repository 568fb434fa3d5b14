"""What can be wrong with the JSON of a COCO file, and how it is said."""

from __future__ import annotations

import codecs
import json
import re
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadJson

Bytes = NDArray[np.uint8]

#: How deep lists and objects may lie in one another, how long a number may be written, and how many keys that nobody
#: asks for an object may have. `src_ext/json_text.h` has the same.
MOST_DEEP, MOST_DIGITS, MOST_KEYS = 64, 400, 4096


class Reason(IntEnum):
    """What is wrong; `src_ext/json_text.h` has the same numbers."""

    EMPTY = 1
    TRUNCATED = 2
    SYNTAX = 3
    TRAILING_COMMA = 4
    SEVERAL_VALUES = 5
    ENCODING = 6
    BAD_UTF8 = 7
    CONTROL_CHARACTER = 8
    BAD_ESCAPE = 9
    TOO_DEEP = 10
    TOO_LONG_NUMBER = 11
    CONSTANT = 12
    OUT_OF_RANGE = 13
    DUPLICATE_KEY = 14
    TOO_MANY_KEYS = 15
    TOP_LEVEL = 16
    NO_OBJECT = 17
    MISSING_KEY = 18
    WRONG_TYPE = 19
    WRONG_LENGTH = 20


#: The keys that are read; a fault names one by its place here. `src_ext/record_values.h` has the same order.
KEYS = (
    *("id", "image_id", "category_id", "score", "area", "iscrowd", "ignore", "bbox", "segmentation"),
    *("segmentation.size", "segmentation.counts", "annotations"),
)

_EXPECTED = {
    "score": "a finite number",
    "area": "a finite number",
    "iscrowd": "0 or 1",
    "ignore": "0 or 1",
    "bbox": "a list of 4 finite numbers: left, top, width, height",
    "segmentation": "an object with 'size' and 'counts', or a list of polygons, each a list of finite numbers",
    "segmentation.size": "a list of 2 whole numbers: height, width",
    "segmentation.counts": "a string, or a list of whole numbers from 0 up",
    "annotations": "a list of objects",
}
_WHOLE = "a whole number of at most 2**53"

_SAID = {
    Reason.EMPTY: ("the file is empty", "JSON"),
    Reason.TRUNCATED: ("the file ends in the middle of a value", "a whole file"),
    Reason.SYNTAX: ("{here} is no JSON", "JSON"),
    Reason.TRAILING_COMMA: ("{here} follows a comma", "no comma after the last value"),
    Reason.SEVERAL_VALUES: ("{here} follows the end of the JSON value", "one value a file, not one a line"),
    Reason.BAD_UTF8: ("{here} is no UTF-8", "UTF-8"),
    Reason.CONTROL_CHARACTER: ("{here} stands in a string", "an escape such as \\n"),
    Reason.BAD_ESCAPE: ("a backslash before {after}", 'one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX'),
    Reason.TOO_DEEP: ("lists and objects lie deeper than they may", f"at most {MOST_DEEP} levels"),
    Reason.TOO_LONG_NUMBER: ("a number of too many digits", f"at most {MOST_DIGITS}"),
    Reason.CONSTANT: ("{word} is no JSON", "a finite number"),
    Reason.OUT_OF_RANGE: ("{value} under {key!r} is out of range", "{expected}"),
    Reason.DUPLICATE_KEY: ("the key {word} comes twice in one object", "every key once"),
    Reason.TOO_MANY_KEYS: ("an object has too many keys", f"at most {MOST_KEYS}"),
    Reason.NO_OBJECT: ("{value} instead of an object", "an object"),
    Reason.MISSING_KEY: ("no key {key!r}", "{expected}"),
    Reason.WRONG_TYPE: ("{value} under {key!r}", "{expected}"),
    Reason.WRONG_LENGTH: ("a list of another length under {key!r}", "{expected}"),
}
_KINDS = {
    '"': "a string",
    "{": "an object",
    "[": "a list",
    "t": "true",
    "f": "false",
    "n": "null",
    **dict.fromkeys("-0123456789", "the number {word}"),
}


class JsonFault(ValueError):
    """The fault behind a `BadJson`, for callers that tell more about it.

    Parameters
    ----------
    reason : Reason
        What is wrong.
    offset : int
        Where, in bytes from the beginning; for a missing key, where its object begins.
    record : int
        In which detection or annotation, counted from 0; -1 outside.
    key : str
        Under which key, of those that are read; empty where there is none.
    """

    def __init__(self, reason: Reason, offset: int, record: int = -1, key: str = "") -> None:
        super().__init__(reason, offset, record, key)
        self.reason = reason
        self.offset = offset
        self.record = record
        self.key = key


def bad_json(data: Bytes, fault: JsonFault, noun: str) -> BadJson:
    """Return the error that tells a fault, to be raised from it.

    Parameters
    ----------
    data : ndarray of uint8
        The whole file.
    fault : JsonFault
        What is wrong.
    noun : str
        What a record is called: ``result`` or ``annotation``. Records are counted from 1 in messages.

    Returns
    -------
    BadJson
        The error.
    """
    line, column = line_and_column(data, fault.offset)
    number = f" ({noun} {fault.record + 1})" if fault.record >= 0 else ""
    found, expected = _told(data, fault, noun)
    return BadJson(f"line {line}, column {column}{number}: {found}", expected=expected)


def line_and_column(data: Bytes, offset: int) -> tuple[int, int]:
    """Return where a byte stands.

    Parameters
    ----------
    data : ndarray of uint8
        The whole file.
    offset : int
        Which byte, from 0.

    Returns
    -------
    line, column : int
        Both from 1; columns are characters.
    """
    line, start, step = 1, 0, 1 << 20
    for begin in range(0, offset, step):
        ends = np.flatnonzero(data[begin : min(offset, begin + step)] == ord("\n"))
        if len(ends):
            line, start = line + len(ends), begin + int(ends[-1]) + 1
    # Bytes that carry on a character are no column of their own.
    carried = sum(
        int(np.count_nonzero((data[begin : min(offset, begin + step)] & 0xC0) == 0x80))
        for begin in range(start, offset, step)
    )
    return line, offset - start - carried + 1


def _told(data: Bytes, fault: JsonFault, noun: str) -> tuple[str, str]:
    """Return what was found and what was expected."""
    text = bytes(data[fault.offset : fault.offset + 2 * MOST_DIGITS]).decode("utf-8", "replace")
    if fault.reason is Reason.ENCODING:
        return f"the file is {_encoding(data)}", "UTF-8"
    if fault.reason is Reason.TOP_LEVEL:
        return _value(text), f"a list of {noun}s" if noun == "result" else "an object with 'annotations'"
    found, expected = _SAID[fault.reason]
    words = {
        "here": _quoted(text[:1]),
        "after": _quoted(text[1:2]),
        "word": _word(text),
        "value": _value(text),
        "key": fault.key,
        "expected": _EXPECTED.get(fault.key, _WHOLE if fault.key else "a finite number"),
    }
    return found.format_map(words), expected.format_map(words)


def _quoted(character: str) -> str:
    return ascii(character) if character else "the end of the file"


def _word(text: str) -> str:
    """Return the word, number or string that a text begins with, shortened."""
    if text.startswith('"'):
        try:
            return repr(_shortened(str(json.JSONDecoder(strict=False).raw_decode(text)[0])))
        except ValueError:
            return _shortened(text)
    match = re.match(r"-?[\w.+-]+", text)
    return _shortened(match.group() if match else text[:1])


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def _value(text: str) -> str:
    return _KINDS.get(text[:1], "{word}").format(word=_word(text))


#: Byte order marks; those of UTF-32 first, because they begin with those of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def _encoding(data: Bytes) -> str:
    """Return UTF-16 or UTF-32 for data that begins as text in one of them does, else nothing."""
    head = bytes(data[:4])
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    # Without a mark: JSON begins with two characters of ASCII, or has only one, and they are padded with zeros.
    zeros = [byte == 0 for byte in head]
    if sum(zeros) == 3 and len(head) == 4:
        return "UTF-32"
    return "UTF-16" if zeros[:2] in ([True, False], [False, True]) else ""


def text_begins(data: Bytes) -> int:
    """Return where the text of a file begins.

    Parameters
    ----------
    data : ndarray of uint8
        The whole file.

    Returns
    -------
    int
        The first byte after a byte order mark of UTF-8.

    Raises
    ------
    JsonFault
        For UTF-16 and UTF-32.
    """
    if _encoding(data):
        raise JsonFault(Reason.ENCODING, 0)
    return 3 if bytes(data[:3]) == codecs.BOM_UTF8 else 0
