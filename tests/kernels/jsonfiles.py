"""COCO files written in any way JSON allows, right and wrong, and the comparison of the scanner with its twin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields
from random import Random
from typing import Any

import numpy as np

from segbench.errors import BadJson
from segbench.kernels.jsonfaults import JsonFault, Reason

#: What the json module tells as one: the text is no JSON.
SYNTAX = set(Reason) - {
    *(Reason.ENCODING, Reason.TOO_DEEP, Reason.TOO_LONG_NUMBER, Reason.CONSTANT, Reason.OUT_OF_RANGE),
    *(Reason.DUPLICATE_KEY, Reason.TOO_MANY_KEYS, Reason.TOP_LEVEL, Reason.NO_OBJECT, Reason.MISSING_KEY),
    *(Reason.WRONG_TYPE, Reason.WRONG_LENGTH),
}


RESULT = '{"image_id":1,"category_id":2,"score":0.5}'
ANNOTATION = '{"image_id":1,"category_id":2}'


def with_(key: str, value: str, text: str = RESULT) -> str:
    """Return a record with a key of another value."""
    return re.sub(rf'"{key}":[^,}}]*', f'"{key}":{value}', text)


def beside(key: str, value: str, text: str = RESULT) -> str:
    """Return a record with one more key."""
    return f'{text[:-1]},"{key}":{value}}}'


def masked(size: str = "[2,3]", counts: str = '"06"') -> str:
    return beside("segmentation", f'{{"size":{size},"counts":{counts}}}')


def listed(records: str) -> str:
    return f"[{records}]"


def true(records: str) -> str:
    return f'{{"annotations":[{records}]}}'


def outcome(scan: Callable[[bytes], Any], data: bytes) -> Any:
    """Return the columns, or the fault."""
    try:
        return scan(data)
    except BadJson as error:
        assert isinstance(error.__cause__, JsonFault)
        return error.__cause__


def agree(kernel: Callable[[bytes], Any], twin: Callable[[bytes], Any], data: bytes) -> Any:
    """Assert that both give the same columns to the last bit, or the same fault; return what the kernel gave."""
    found, expected = outcome(kernel, data), outcome(twin, data)
    start = data[:300]
    assert type(found) is type(expected), (start, found, expected)
    if not isinstance(found, JsonFault):
        same_columns(found, expected)
    elif expected.reason in SYNTAX:
        # The twin knows of other faults only once all is JSON; the kernel tells the first.
        assert found.reason in SYNTAX or found.offset <= expected.offset, (start, found, expected)
    else:
        assert (found.reason, found.record, found.key) == (expected.reason, expected.record, expected.key), start
    return found


def same_columns(found: Any, expected: Any) -> None:
    for field in fields(expected):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(other, np.ndarray):
            assert (one.dtype, one.shape) == (other.dtype, other.shape), field.name
            assert one.tobytes() == other.tobytes(), (field.name, one, other)
        else:
            assert one == other, (field.name, one, other)


class Raw(str):
    """Text that stands in a file as it is."""


class Writer:
    """Writes files that mean the same to every reader, in many ways.

    Parameters
    ----------
    random : random.Random
        What decides.
    wrong : float
        How often a value is put in a place where it does not belong.
    """

    def __init__(self, random: Random, wrong: float = 0) -> None:
        self.random, self.wrong = random, wrong

    def results(self) -> bytes:
        """Return a results file."""
        return self._file([self.result() for _ in range(self.random.randrange(5))])

    def truth(self) -> bytes:
        """Return a truth file."""
        top = [("annotations", [self.annotation() for _ in range(self.random.randrange(5))]), *self._others()]
        top += [(key, self.anything(2)) for key in ("images", "categories") if self.random.random() < 0.6]
        return self._file(self._object(top))

    def result(self) -> Any:
        members = [*self._keys(), ("score", self.number())]
        return self._maybe_wrong(self._object(members + self._others()))

    def annotation(self) -> Any:
        flags = [Raw("0"), Raw("1"), True, False, Raw("1.0"), Raw("0e3")]
        members = [
            *self._keys(),
            *self._perhaps("id", self.whole()),
            *self._perhaps("area", self.number()),
            *self._perhaps("iscrowd", self.random.choice(flags)),
            *self._perhaps("ignore", self.random.choice(flags)),
        ]
        return self._maybe_wrong(self._object(members + self._others()))

    def _keys(self) -> list[tuple[str, Any]]:
        return [
            ("image_id", self.whole()),
            ("category_id", self.whole()),
            *self._perhaps("bbox", [self.number() for _ in range(self._length(4))]),
            *self._perhaps("segmentation", self.mask()),
        ]

    def _length(self, right: int) -> int:
        return right if self.random.random() >= self.wrong else self.random.randrange(right + 3)

    def _perhaps(self, key: str, value: Any) -> list[tuple[str, Any]]:
        return [(key, value)] if self.random.random() < 0.6 else []

    def _others(self) -> list[tuple[str, Any]]:
        keys = ["x", "Score", "image_id ", "größe", "\U0001f600", "", "id2", "score", "size", "a" * 40, 'q"\\']
        return [(key, self.anything(2)) for key in self.random.sample(keys, self.random.choice((0, 0, 1, 3)))]

    def _object(self, members: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Members in any order, each key once, unless something is to be wrong."""
        if self.random.random() < self.wrong:
            members = members[1:] if self.random.random() < 0.5 else members * 2
        else:
            members = list(dict(members[::-1]).items())
        self.random.shuffle(members)
        return members

    def mask(self) -> Any:
        kind = self.random.randrange(3)
        if kind == 0:
            return [[self.number() for _ in range(self.random.randrange(9))] for _ in range(self.random.randrange(4))]
        counts = [Raw(self.random.randrange(5000)) for _ in range(self.random.randrange(9))]
        size = [Raw(self.random.randrange(-3, 9000)) for _ in range(self._length(2))]
        members = [("size", size), ("counts", self.text() if kind == 1 else counts)]
        return self._object(members + self._others())

    def text(self) -> str:
        choices = [*range(48, 112), 92, 92, 34, 9, 0, 127, 233, 0x20AC, 0x1F600, 0xD800]
        return "".join(map(chr, self.random.choices(choices, k=self.random.choice((0, 3, 15, 16, 17, 40)))))

    def whole(self) -> Any:
        number = self.random.choice((0, 1, 17, -5, 2**53, 10**15)) + self.random.randrange(-1, 1)
        return self._maybe_wrong(Raw(self.random.choice((f"{number}", f"{number}.0", f"{number}.00e0"))))

    def number(self) -> Any:
        random = self.random
        texts = (
            f"{random.uniform(0, 640):.2f}",
            repr(random.random()),
            repr(random.uniform(-1, 1) * 10.0 ** random.randrange(-320, 300)),
            f"{random.random():.{random.randrange(1, 60)}f}",
            f"{random.randrange(10**20)}e{random.randrange(-340, 280)}",
            f"-{random.randrange(1000)}E+{random.randrange(3)}",
        )
        return self._maybe_wrong(Raw(random.choice(texts)))

    def _maybe_wrong(self, value: Any) -> Any:
        if self.random.random() >= self.wrong:
            return value
        raw = [
            *("NaN", "-Infinity", "1e999", "-1e400", "1.5", "-3", "9007199254740993", "36893488147419103232"),
            *("01", "+1", ".5", "1.", "1e", "nul", "tru"),
        ]
        kinds = [None, True, "1", [], {}, [Raw(1)], *map(Raw, raw), Raw("1" * 399), Raw("1" * 401)]
        return self.random.choice([*kinds, self.anything(3)])

    def anything(self, depth: int) -> Any:
        """Return any value, at most so deep."""
        kind = self.random.randrange(8 if depth else 6)
        if kind == 6:
            return [self.anything(depth - 1) for _ in range(self.random.randrange(4))]
        if kind == 7:
            return self._object(self._others())
        return (None, True, False, self.text(), Raw("-0.5e+3"), Raw(self.random.randrange(10**6)))[kind]

    def _file(self, value: Any) -> bytes:
        text = self._space() + self.written(value) + self._space()
        mark = b"\xef\xbb\xbf" if self.random.random() < 0.1 else b""
        # A lone surrogate is always an escape, so all there is can be encoded.
        return mark + text.encode("utf-8")

    def written(self, value: Any) -> str:
        """Return JSON of a value; lists of pairs are objects."""
        if isinstance(value, Raw):
            return str(value)
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], tuple)):
            pairs = value.items() if isinstance(value, dict) else value
            items = [self._string(key) + self._space() + ":" + self._space() + self.written(v) for key, v in pairs]
            return "{" + self._joined(items) + "}"
        if isinstance(value, list):
            return "[" + self._joined(map(self.written, value)) + "]"
        return json.dumps(value)

    def _joined(self, items: Any) -> str:
        return self._space() + (self._space() + "," + self._space()).join(items) + self._space()

    def _space(self) -> str:
        return self.random.choice(("", "", "", "", " ", "\n", "\t\r\n  "))

    def _string(self, text: str) -> str:
        return '"' + "".join(map(self._character, text)) + '"'

    def _character(self, character: str) -> str:
        short = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\n": "\\n", "\t": "\\t", "\b": "\\b", "\r": "\\r", "\f": "\\f"}
        bare = ord(character) >= 0x20 and character not in '"\\' and not 0xD800 <= ord(character) < 0xE000
        if bare and self.random.random() < 0.9:
            return character
        if character in short and self.random.random() < 0.7:
            return short[character]
        code = json.dumps(character)[1:-1] if ord(character) > 0xFFFF else f"\\u{ord(character):04x}"
        return code if self.random.random() < 0.5 else code.upper().replace("\\U", "\\u")


def mutated(random: Random, data: bytes) -> bytes:
    """Return a file with one byte changed, put in or left out, cut, or with a piece of it elsewhere."""
    at = random.randrange(len(data))
    special = random.choice(b'"\\,:[]{}0-.eEn\x00\x1f\x80\xff tN')
    kind = random.randrange(6)
    if kind == 0:
        return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data[:at] + bytes([special]) + data[at + (random.random() < 0.5) :]
    if kind == 3:
        return data[:at] + data[at + random.randrange(1, 9) :]
    piece = random.randrange(len(data))
    return data[:at] + data[piece : piece + random.randrange(1, 30)] + data[at:]
