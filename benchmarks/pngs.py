"""PNG files of label maps: as Pillow writes them, as no program writes them, and the compressed stream inside."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Labels = NDArray[np.uint8]
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def saved(labels: NDArray[np.integer], *, palette: bool) -> bytes:
    """Return the file Pillow writes: palette files without filters, grey ones with Sub, Up and Paeth."""
    image, file = Image.fromarray(labels.astype(np.uint8)), io.BytesIO()
    if palette:
        image.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
    image.save(file, "PNG")
    return file.getvalue()


def any_filters(labels: Labels, seed: int) -> bytes:
    """Return a grey file with a filter for each row drawn from all five."""
    padded = np.pad(labels.astype(np.int64), ((1, 0), (1, 0)))
    left, above, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    distances = np.abs(np.stack([left, above, corner]) - (left + above - corner))
    paeth = np.choose(distances.argmin(axis=0), [left, above, corner])
    predicted = np.stack([np.zeros_like(left), left, above, (left + above) // 2, paeth])
    filters = np.random.default_rng(seed).integers(0, 5, len(labels))
    residuals = labels - predicted[filters, np.arange(len(labels))]
    stream = zlib.compress(np.column_stack([filters, residuals]).astype(np.uint8).tobytes())
    height, width = labels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", stream) + _chunk(b"IEND", b"")


def stream_of(data: bytes) -> tuple[bytes, int]:
    """Return the compressed pixels of an 8-bit file with one channel, and how many bytes they become."""
    width, height = struct.unpack_from(">II", data, 16)
    stream, at = b"", len(_SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            stream += data[at + 8 : at + 8 + length]
        at += 12 + length
    return stream, height * (width + 1)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
