"""PNG files of one channel of 8 bits, the same bytes for the same pixels."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE = 0, 3


def encode_png(pixels: NDArray[np.uint8], palette: bytes = b"") -> bytes:
    """Return a PNG file.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width)
        Grey values, or indices of the palette. Never changed.
    palette : bytes
        Red, green and blue of each index; empty for a grey image.

    Returns
    -------
    bytes
        The file: not interlaced, no row filtered.
    """
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)  # Each row begins with its filter, 0 for none.
    rows[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, _PALETTE if palette else _GREY, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows.data)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_chunk(*chunk) for chunk in chunks if chunk[1] or chunk[0] == b"IEND")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
