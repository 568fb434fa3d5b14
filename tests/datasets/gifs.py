"""A GIF encoder of our own for tests, after the GIF89a specification alone: no compression, every block at will."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

GREYS = bytes(level for level in range(256) for _ in range(3))
TRANSPARENT = b"!\xf9\x04\x01\x00\x00\x00\x00"
COMMENT = b"!\xfe\x03abc\x00"


def codes(pixels: Sequence[int], bits: int = 8, end: bool = True) -> bytes:
    """Return pixels as codes of bits + 1, a clear code before each, so that the width of a code never grows."""
    clear, packed, filled, stream = 1 << bits, 0, 0, bytearray()
    for code in [*(code for pixel in pixels for code in (clear, pixel)), *([clear + 1] if end else [])]:
        packed |= code << filled
        filled += bits + 1
        while filled >= 8:
            stream.append(packed & 255)
            packed >>= 8
            filled -= 8
    return bytes(stream) + (bytes([packed]) if filled else b"")


def blocks(stream: bytes) -> bytes:
    """Return a stream as sub-blocks, closed by an empty one."""
    parts = [stream[i : i + 255] for i in range(0, len(stream), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def frame(
    pixels: NDArray[np.uint8],
    *,
    at: tuple[int, int] = (0, 0),
    bits: int = 8,
    interlaced: bool = False,
    palette: bytes = b"",
    stream: bytes | None = None,
) -> bytes:
    """Return an image descriptor with its pixels, or with another stream of codes."""
    height, width = pixels.shape
    if interlaced:
        pixels = np.concatenate([pixels[0::8], pixels[4::8], pixels[2::4], pixels[1::2]])
    flags = (0x40 if interlaced else 0) | (0x87 if palette else 0)
    descriptor = b"," + struct.pack("<HHHHB", at[1], at[0], width, height, flags) + palette + bytes([bits])
    return descriptor + blocks(codes(pixels.ravel().tolist(), bits) if stream is None else stream)


def screen(height: int, width: int, palette: bytes = GREYS) -> bytes:
    """Return signature, screen and global palette of 256 colours, or none."""
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7 if palette else 0x70, 0, 0) + palette


def gif(pixels: NDArray[np.uint8], *, before: bytes = b"", after: bytes = b"", **options: object) -> bytes:
    """Return a file of one frame; the options are those of `frame`, and blocks may stand before and after it."""
    return screen(*pixels.shape) + before + frame(pixels, **options) + after + b";"  # type: ignore[arg-type]
