"""TIFF files written page by page, forward only, the same bytes for the same pixels.

Classic TIFF 6.0 in little-endian order: each directory lies before the pixels of its page, so that nothing is written
twice and no more than a page, or one of its strips, is held.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import ResourceError

#: Fields of a directory, by their numbers in the specification.
_COLUMNS, _ROWS, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIPS = 256, 257, 258, 259, 262, 273
_SAMPLES, _STRIP_ROWS, _STRIP_BYTES, _FORMAT = 277, 278, 279, 339
_SHORT, _LONG = 3, 4
_UNCOMPRESSED, _LZW, _DEFLATE = 1, 5, 8
_BLACK_IS_ZERO, _RGB = 1, 2
_UNSIGNED, _FLOAT = 1, 3

#: Bytes before compression that a strip of colours holds, about.
STRIP_BYTES = 1 << 20

#: What the positions in a classic TIFF can count.
_MOST_BYTES = (1 << 32) - 1

_HEADER = struct.Struct("<2sHI")


def strip_rows(columns: int) -> int:
    """Return how many rows a strip of RGB pixels has, for so many `columns`."""
    return max(1, STRIP_BYTES // (3 * columns))


def rgb_tiff(shape: tuple[int, int], strips: Iterator[NDArray[np.uint8]]) -> bytes:
    """Return an RGB TIFF of one page, its strips compressed by deflate.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    strips : iterator of ndarray of uint8, shape (rows, columns, 3)
        From the top, each but the last with as many rows as `strip_rows` says.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    ResourceError
        When it would be longer than a TIFF can be.
    """
    pixels = [zlib.compress(np.ascontiguousarray(strip).data) for strip in strips]
    fields = {
        _COLUMNS: [shape[1]],
        _ROWS: [shape[0]],
        _BITS: [8, 8, 8],
        _COMPRESSION: [_DEFLATE],
        _PHOTOMETRIC: [_RGB],
        _SAMPLES: [3],
        _STRIP_ROWS: [strip_rows(shape[1])],
        _FORMAT: [_UNSIGNED] * 3,
    }
    head = _directory(fields, [len(strip) for strip in pixels], at=_HEADER.size, is_last=True)
    return b"".join((_HEADER.pack(b"II", 42, _HEADER.size), head, *pixels))


def float_pages(pages: Iterator[NDArray[Any]], n_pages: int) -> Iterator[bytes]:
    """Yield the parts of a TIFF of 32-bit floats, one page after the other, not compressed.

    Parameters
    ----------
    pages : iterator of ndarray, shape (rows, columns)
        Each is held no longer than it is written.
    n_pages : int
        How many there are.

    Yields
    ------
    bytes
        The header, then directory and pixels of each page.

    Raises
    ------
    ResourceError
        When the file would be longer than a TIFF can be.
    """
    yield _HEADER.pack(b"II", 42, _HEADER.size)
    at = _HEADER.size
    for number, page in enumerate(pages, 1):
        pixels = np.ascontiguousarray(page, "<f4").tobytes()
        fields = {
            _COLUMNS: [page.shape[1]],
            _ROWS: [page.shape[0]],
            _BITS: [32],
            _COMPRESSION: [_UNCOMPRESSED],
            _PHOTOMETRIC: [_BLACK_IS_ZERO],
            _SAMPLES: [1],
            _STRIP_ROWS: [page.shape[0]],
            _FORMAT: [_FLOAT],
        }
        head = _directory(fields, [len(pixels)], at=at, is_last=number == n_pages)
        yield head
        yield pixels
        at += len(head) + len(pixels)


def lzw_page(stream: bytes, shape: tuple[int, int]) -> bytes:
    """Return a TIFF of one page of grey bytes, whose only strip is compressed already.

    Parameters
    ----------
    stream : bytes
        The strip, compressed by LZW.
    shape : (int, int)
        Rows and columns.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    ResourceError
        When it would be longer than a TIFF can be.
    """
    fields = {
        _COLUMNS: [shape[1]],
        _ROWS: [shape[0]],
        _BITS: [8],
        _COMPRESSION: [_LZW],
        _PHOTOMETRIC: [_BLACK_IS_ZERO],
        _SAMPLES: [1],
        _STRIP_ROWS: [shape[0]],
    }
    head = _directory(fields, [len(stream)], at=_HEADER.size, is_last=True)
    return b"".join((_HEADER.pack(b"II", 42, _HEADER.size), head, stream))


def _directory(fields: Mapping[int, Sequence[int]], strips: list[int], *, at: int, is_last: bool) -> bytes:
    """Return the directory of a page that begins at `at` and is followed by its strips, given by their lengths."""
    fields = {**fields, _STRIPS: strips, _STRIP_BYTES: strips}
    size = 2 + 12 * len(fields) + 4
    size += sum(_width(tag) * len(values) for tag, values in fields.items() if _width(tag) * len(values) > 4)
    size += size % 2  # Directories begin on a word.
    end = at + size + sum(strips)
    if end > _MOST_BYTES:
        raise ResourceError(f"a TIFF of {end} bytes", expected="at most 4 GiB")
    fields[_STRIPS] = [at + size + sum(strips[:i]) for i in range(len(strips))]
    entries, beside = bytearray(struct.pack("<H", len(fields))), bytearray()
    for tag, values in sorted(fields.items()):
        stored = struct.pack(f"<{len(values)}{'H' if _width(tag) == 2 else 'I'}", *values)
        if len(stored) > 4:
            place = at + 2 + 12 * len(fields) + 4 + len(beside)
            beside += stored
            stored = struct.pack("<I", place)
        entries += struct.pack("<HHI4s", tag, _SHORT if _width(tag) == 2 else _LONG, len(values), stored)
    entries += struct.pack("<I", 0 if is_last else end)
    return bytes(entries + beside).ljust(size, b"\0")


def _width(tag: int) -> int:
    return 4 if tag in (_COLUMNS, _ROWS, _STRIPS, _STRIP_ROWS, _STRIP_BYTES) else 2
