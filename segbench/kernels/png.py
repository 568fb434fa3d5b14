"""Label maps from plain PNG files: 8-bit grey or palette, not interlaced.

Nearly every label map is of this kind. Whatever else a file may be or hold is left to a general reader.
"""

from __future__ import annotations

import ctypes
import zlib

import deflate
import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, KernelsNotBuilt, ResourceError, UnreadableImage

try:
    import segbench.kernels._png as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error

_FUNCTIONS = ("alloc_decompressor", "free_decompressor", "zlib_decompress", "crc32")

_DAMAGE = {"cut": "cut in chunk {}", "checksum": "wrong checksum of chunk {}", "headers": "two headers"}

#: Bytes that one byte of a deflate stream becomes at most.
_LARGEST_RATIO = 1032

#: What the inflater takes: its size is a C unsigned int.
_MOST_BYTES = (1 << 32) - 1

#: Compressed bytes inflated at a time when a damaged stream is judged.
_PIECE = 1 << 16


def _addresses() -> tuple[int, ...] | None:
    """Where the C functions of libdeflate lie in the package that binds it; None where its library hides them."""
    try:
        library = ctypes.CDLL(deflate._deflate.__file__)
        functions = [getattr(library, f"libdeflate_{name}") for name in _FUNCTIONS]
    except (AttributeError, OSError):
        return None
    return tuple(ctypes.cast(function, ctypes.c_void_p).value or 0 for function in functions)


#: The inflater for loops that do without the interpreter; without it they do nothing.
ADDRESSES = _addresses()


def decode(data: bytes | memoryview) -> NDArray[np.uint8] | None:
    """Read the stored values of a plain PNG file: palette indices or grey values.

    Parameters
    ----------
    data : bytes or contiguous memoryview of bytes
        The whole file.

    Returns
    -------
    ndarray of uint8, shape (height, width), or None
        The values; rows lie ``width + 1`` bytes apart. None when the file is no plain 8-bit grey or palette PNG, or
        holds what readers differ on: a general reader decides about it.

    Raises
    ------
    UnreadableImage
        When the file is damaged.
    ResourceError
        When memory does not hold the pixels.
    BadParameter
        When `data` is no contiguous buffer of bytes.

    Notes
    -----
    O(file + pixels). One buffer of height × (width + 1) bytes is asked for, after the compressed bytes have been
    found to be enough for it; it becomes the array. Follows the PNG specification, third edition (W3C).
    """
    view = _as_bytes(data)
    chunks = _loops.Chunks(view, deflate.crc32)
    if chunks.verdict == "other":
        return None
    if chunks.verdict != "plain":
        raise _damaged(_DAMAGE[chunks.verdict].format(ascii(bytes(view[chunks.at + 4 : chunks.at + 8]))[2:-1]))
    size = chunks.height * (chunks.width + 1)
    if size > _LARGEST_RATIO * chunks.n_bytes:
        # Said before memory is asked for: a header of a hundred bytes may promise terabytes.
        raise _damaged("rows are missing")
    if size > _MOST_BYTES:
        return None
    try:
        pixels = _inflated(_stream(view, chunks), size)
    except MemoryError:
        raise ResourceError(
            f"a PNG of {chunks.height}×{chunks.width} pixels", expected="an image that fits into memory"
        ) from None
    return None if pixels is None else _unfiltered(pixels, chunks.height, chunks.width)


def _as_bytes(data: bytes | memoryview) -> memoryview:
    try:
        return memoryview(data).cast("B")
    except (TypeError, ValueError) as error:
        raise BadParameter(f"{type(data).__name__}: {error}", expected="bytes, or a contiguous memoryview") from None


def _stream(view: memoryview, chunks: _loops.Chunks) -> memoryview:
    """The compressed pixels in one piece; most files hold them so."""
    if chunks.n_parts == 1:
        return view[chunks.first + 8 : chunks.first + 8 + chunks.n_bytes]
    gathered = bytearray(chunks.n_bytes)
    _loops.gather(view, chunks.first, gathered)
    return memoryview(gathered)


def _inflated(stream: memoryview, size: int) -> bytearray | None:
    """The filtered rows; None when the rows are there and the end of the stream is not as it should be."""
    try:
        rows = deflate.zlib_decompress(stream, size)
    except deflate.DeflateError:
        _refuse_damaged(stream, size)
        return None
    if len(rows) < size:
        raise _damaged("rows are missing")
    return rows


def _refuse_damaged(stream: memoryview, size: int) -> None:
    """Refuse a stream that breaks off before its rows are complete.

    The last byte is not asked for: behind it stand the checksum, and whatever else a reader may or may not look at.
    """
    inflater, missing = zlib.decompressobj(), size - 1
    try:
        for start in range(0, len(stream), _PIECE):
            if missing > 0:
                missing -= len(inflater.decompress(stream[start : start + _PIECE], missing))
    except zlib.error:
        raise _damaged("the compressed pixels are broken") from None
    if missing > 0:
        raise _damaged("rows are missing")


def _unfiltered(rows: bytearray, height: int, width: int) -> NDArray[np.uint8]:
    filtered = np.frombuffer(rows, np.uint8).reshape(height, width + 1)
    wrong = _loops.unfilter(filtered)
    if wrong >= 0:
        raise _damaged(f"row {wrong} has filter {filtered[wrong, 0]}")
    return filtered[:, 1:]


def _damaged(what: str) -> UnreadableImage:
    return UnreadableImage(f"a damaged PNG: {what}", expected="a complete PNG")
