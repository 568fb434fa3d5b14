"""The PNG label reader again, in plain Python and NumPy: for reading, and for holding the compiled loops to it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from segbench.errors import UnreadableImage

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE = 3

#: Chunks without a word on the stored values, and how long they are.
_SILENT = {b"gAMA": (4,), b"cHRM": (32,), b"sRGB": (1,), b"pHYs": (9,)}
_NEVER_READ = (b"tIME", b"bKGD", b"sBIT")
_MOST_BESIDE = 1 << 16


class _Other(Exception):
    """The file is for a general reader to decide about."""


@dataclass
class _File:
    height: int
    width: int
    color: int
    parts: list[memoryview] = field(default_factory=list)
    has_palette: bool = False
    beside: int = 0


def decode(data: bytes | memoryview) -> NDArray[np.uint8] | None:
    """Read the stored values of a plain PNG file: palette indices or grey values."""
    try:
        file = _walked(memoryview(data))
        rows = _inflated(b"".join(file.parts), file.height * (file.width + 1))
        return _unfiltered(rows.reshape(file.height, file.width + 1))[:, 1:]
    except _Other:
        return None


def _walked(data: memoryview) -> _File:
    chunks = _chunks(data)
    file = _header(*next(chunks))
    previous = b"IHDR"
    for kind, content in chunks:
        if kind == b"IEND":
            _require(file.has_palette == (file.color == _PALETTE))
            return file
        _take(file, kind, content, previous)
        previous = kind
    raise _Other


def _chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    _require(len(data) >= 33 and bytes(data[:8]) == _SIGNATURE)
    # Whether the header is of the one kind known here is asked before its checksum is tested.
    _require(bytes(data[8:12]) == b"\0\0\0\r")
    _header(bytes(data[12:16]), data[16:29])
    at = 8
    while len(data) - at >= 12:
        (length,) = struct.unpack_from(">I", data, at)
        kind = bytes(data[at + 4 : at + 8])
        if length > len(data) - at - 12:
            raise _damaged(f"cut in chunk {ascii(kind)[2:-1]}")
        if zlib.crc32(data[at + 4 : at + 8 + length]) != struct.unpack_from(">I", data, at + 8 + length)[0]:
            raise _damaged(f"wrong checksum of chunk {ascii(kind)[2:-1]}")
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _header(kind: bytes, content: memoryview) -> _File:
    _require(kind == b"IHDR" and len(content) == 13)
    width, height, depth, color, *methods = struct.unpack(">IIBBBBB", content)
    _require(0 < width < 1 << 31 and 0 < height < 1 << 31)
    _require(depth == 8 and color in (0, _PALETTE) and methods == [0, 0, 0])
    return _File(height, width, color)


def _take(file: _File, kind: bytes, content: memoryview, previous: bytes) -> None:
    if kind == b"IHDR":
        raise _damaged("two headers")
    if kind == b"PLTE":
        _require(not file.has_palette and not file.parts and len(content) % 3 == 0 and 3 <= len(content) <= 768)
        file.has_palette = True
    elif kind == b"IDAT":
        _require(not file.parts or previous == b"IDAT")
        file.parts.append(content)
    else:
        file.beside += len(content)
        _require(file.beside <= _MOST_BESIDE and _says_nothing(file, kind, bytes(content)))


def _says_nothing(file: _File, kind: bytes, content: bytes) -> bool:
    if kind == b"tRNS":
        return not file.parts and len(content) in (range(1, 257) if file.color == _PALETTE else (2,))
    if kind == b"tEXt":
        return len(content) > 4 and (content[:1].isupper() or content.startswith(b"date:"))
    return kind in _NEVER_READ or len(content) in _SILENT.get(kind, ())


def _inflated(stream: bytes, size: int) -> NDArray[np.uint8]:
    if size > 1032 * len(stream):
        raise _damaged("rows are missing")
    _require(size < 1 << 32)
    inflater = zlib.decompressobj()
    try:
        # All but the last byte: behind that one, the stream is for a general reader to decide about.
        pixels = inflater.decompress(stream, size - 1)
    except zlib.error:
        raise _damaged("the compressed pixels are broken") from None
    if len(pixels) < size - 1:
        raise _damaged("rows are missing")
    try:
        pixels += inflater.decompress(inflater.unconsumed_tail, 2)
    except zlib.error:
        raise _Other from None
    _require(inflater.eof and len(pixels) <= size)
    if len(pixels) < size:
        raise _damaged("rows are missing")
    return np.frombuffer(bytearray(pixels), np.uint8)


def _unfiltered(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    above = np.zeros(rows.shape[1] - 1, np.uint8)
    for y, row in enumerate(rows):
        if row[0] > 4:
            raise _damaged(f"row {y} has filter {row[0]}")
        above = row[1:] = _FILTERS[row[0]](row[1:], above)
    return rows


def _none(row: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return row


def _sub(row: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.cumsum(row, dtype=np.uint8)


def _up(row: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return row + above


def _average(row: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pixels, left = [], 0
    for residual, up in zip(row.tolist(), above.tolist(), strict=True):
        left = (residual + (left + up) // 2) % 256
        pixels.append(left)
    return np.array(pixels, np.uint8)


def _paeth(row: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pixels, left, corner = [], 0, 0
    for residual, up in zip(row.tolist(), above.tolist(), strict=True):
        # The nearest of the three to left + up - corner; where two are as near, the first.
        distances = (abs(up - corner), left), (abs(left - corner), up), (abs(left + up - 2 * corner), corner)
        _, nearest = min(distances, key=itemgetter(0))
        left, corner = (residual + nearest) % 256, up
        pixels.append(left)
    return np.array(pixels, np.uint8)


_FILTERS = (_none, _sub, _up, _average, _paeth)


def _require(plain: bool) -> None:
    if not plain:
        raise _Other


def _damaged(what: str) -> UnreadableImage:
    return UnreadableImage(f"a damaged PNG: {what}", expected="a complete PNG")
