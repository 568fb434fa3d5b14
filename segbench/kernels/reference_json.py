"""JSON again, on the json module of the standard library: where values lie, and what they have to be.

A file is parsed whole, to know that it is JSON, and then object by object, to know where each value lies. Errors of
syntax are those of the json module, which knows fewer kinds of them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from segbench.kernels.jsonfaults import MOST_DEEP, MOST_DIGITS, MOST_KEYS, Bytes, JsonFault, Reason, text_begins

_SPACE = re.compile(r"[ \t\n\r]*")
_MOST = 2**53


class Number(str):
    """A number as it is written."""


class Constant(str):
    """NaN or Infinity, which are no JSON."""


class Pairs(list[Any]):
    """The keys and values of an object, duplicates and all."""


_DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_int=Number, parse_float=Number, parse_constant=Constant)


class Text:
    """The text of a file, which is JSON, and where its values lie.

    Parameters
    ----------
    buffer : ndarray of uint8
        The whole file.
    """

    def __init__(self, buffer: Bytes) -> None:
        self.skipped = text_begins(buffer)
        try:
            self.text = bytes(buffer[self.skipped :]).decode("utf-8")
        except UnicodeDecodeError as error:
            raise JsonFault(Reason.BAD_UTF8, self.skipped + error.start) from None
        self.begin = self.after_space(0)
        if self.begin == len(self.text):
            raise JsonFault(Reason.EMPTY, len(buffer))
        self.whole, end = self.value(self.begin)
        if self.after_space(end) != len(self.text):
            raise JsonFault(Reason.SEVERAL_VALUES, self.bytes_before(self.after_space(end)))

    def after_space(self, at: int) -> int:
        """Return the place after any space."""
        match = _SPACE.match(self.text, at)
        assert match is not None
        return match.end()

    def bytes_before(self, at: int) -> int:
        """Return the offset in bytes of a place in the text."""
        return self.skipped + (at if self.text.isascii() else len(self.text[:at].encode("utf-8")))

    def value(self, at: int) -> tuple[Any, int]:
        """Return the value that begins somewhere, and where it ends."""
        try:
            return _DECODER.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            raise JsonFault(Reason.SYNTAX, self.bytes_before(error.pos)) from None
        except RecursionError:
            raise JsonFault(Reason.TOO_DEEP, 0) from None

    def items(self, at: int) -> Iterator[tuple[Any, int, int]]:
        """Yield the values of a list, and where they begin and end."""
        at = self.after_space(at + 1)
        while self.text[at] != "]":
            value, end = self.value(at)
            yield value, at, end
            at = self.after_space(end)
            at = self.after_space(at + 1) if self.text[at] == "," else at

    def members(self, at: int, known: tuple[str, ...]) -> Iterator[tuple[str, Any, int, int]]:
        """Yield the keys and values of an object, and where the values begin and end."""
        seen: set[str] = set()
        at = self.after_space(at + 1)
        while self.text[at] != "}":
            key, end = self.value(at)
            take_key(key, seen, known)
            at = self.after_space(self.after_space(end) + 1)
            value, end = self.value(at)
            yield key, value, at, end
            at = self.after_space(end)
            at = self.after_space(at + 1) if self.text[at] == "," else at


def take_key(key: str, seen: set[str], known: tuple[str, ...]) -> None:
    """Note a key of an object, and refuse one that was there before, or one too many."""
    if key in seen:
        raise JsonFault(Reason.DUPLICATE_KEY, 0)
    seen.add(key)
    if len(seen.difference(known)) > MOST_KEYS:
        raise JsonFault(Reason.TOO_MANY_KEYS, 0)


def skip(value: Any, depth: int) -> None:
    """Check a value that nobody reads, which lies in `depth` lists and objects."""
    if isinstance(value, Constant):
        raise JsonFault(Reason.CONSTANT, 0)
    if isinstance(value, Number) and len(value) > MOST_DIGITS:
        raise JsonFault(Reason.TOO_LONG_NUMBER, 0)
    if not isinstance(value, list):
        return
    if depth == MOST_DEEP:
        raise JsonFault(Reason.TOO_DEEP, 0)
    seen: set[str] = set()
    for item in value:
        if isinstance(value, Pairs):
            take_key(item[0], seen, ())
        skip(item[1] if isinstance(value, Pairs) else item, depth + 1)


def wrong_type(value: Any, key: str) -> NoReturn:
    """Refuse a value of another type, unless it is wrong in itself."""
    if not isinstance(value, list):
        skip(value, 0)
    raise JsonFault(Reason.WRONG_TYPE, 0, key=key)


def _finite(value: Any, key: str) -> float:
    if not isinstance(value, Number):
        wrong_type(value, key)
    skip(value, 0)
    if math.isinf(float(value)):
        raise JsonFault(Reason.OUT_OF_RANGE, 0, key=key)
    return float(value)


def _whole(value: Any, key: str) -> int:
    number = _finite(value, key)
    if not number.is_integer():
        raise JsonFault(Reason.WRONG_TYPE, 0, key=key)
    exact = int(value) if value.lstrip("-").isdigit() else int(number)
    if abs(exact) > _MOST:
        raise JsonFault(Reason.OUT_OF_RANGE, 0, key=key)
    return exact


def _flag(value: Any, key: str) -> int:
    if isinstance(value, bool):
        return int(value)
    if _finite(value, key) not in (0, 1):
        raise JsonFault(Reason.WRONG_TYPE, 0, key=key)
    return int(_finite(value, key))


def _list(value: Any, key: str) -> list[Any]:
    if not isinstance(value, list) or isinstance(value, Pairs):
        wrong_type(value, key)
    return value


def _box(value: Any, key: str) -> list[float]:
    items = _list(value, key)
    box = [_finite(item, key) for item in items[:4]]
    if len(items) != 4:
        raise JsonFault(Reason.WRONG_LENGTH, 0, key=key)
    return box


def _polygons(value: Any, key: str) -> list[list[float]]:
    return [[_finite(number, key) for number in _list(polygon, key)] for polygon in _list(value, key)]


def whole_list(value: Any, key: str, length: int | None) -> list[int]:
    """Return a list of whole numbers of a given length, or of any length and none negative."""
    items = _list(value, key)
    numbers = []
    for item in items[:length]:
        _finite(item, key)
        if not item.lstrip("-").isdigit() or (length is None and int(item) < 0):
            raise JsonFault(Reason.WRONG_TYPE, 0, key=key)
        numbers.append(_whole(item, key))
    if length is not None and len(items) != length:
        raise JsonFault(Reason.WRONG_LENGTH, 0, key=key)
    return numbers


READERS = {
    **dict.fromkeys(("id", "image_id", "category_id"), _whole),
    **dict.fromkeys(("score", "area"), _finite),
    **dict.fromkeys(("iscrowd", "ignore"), _flag),
    "bbox": _box,
    "segmentation": _polygons,
}
