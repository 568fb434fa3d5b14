"""A PNG encoder of our own for tests: every depth, kind and interlacing, and every way to do it wrong.

Written after the PNG specification (third edition) alone.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
#: First row, first column, step down, step right.
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))

Chunk = tuple[bytes, bytes]


def chunk(kind: bytes, content: bytes, checksum: int | None = None) -> bytes:
    """Return a chunk, with a checksum of one's own if wanted."""
    crc = zlib.crc32(kind + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def header(height: int, width: int, depth: int = 8, kind: int = GREY, interlaced: bool = False) -> Chunk:
    """Return an IHDR chunk."""
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)


def chunks_of(
    pixels: NDArray[np.integer],
    *,
    depth: int = 8,
    kind: int = GREY,
    interlaced: bool = False,
    extra: Sequence[Chunk] = (),
    n_rows: int | None = None,
    parts: int = 1,
) -> list[Chunk]:
    """Return the chunks of an image.

    Parameters
    ----------
    pixels : ndarray of int, shape (height, width) or (height, width, samples)
        The samples as they are stored.
    extra : sequence of chunk
        Stands between header and pixels.
    n_rows : int, optional
        Only so many rows are written (of the last pass, when interlaced).
    parts : int
        How many IDAT chunks the pixels are spread over.
    """
    starts = ADAM7 if interlaced else ((0, 0, 1, 1),)
    passes = [part for r, c, down, right in starts if (part := pixels[r::down, c::right]).size]
    passes[-1] = passes[-1][:n_rows]
    data = zlib.compress(b"".join(rows(part, depth) for part in passes))
    cuts = [round(i * len(data) / parts) for i in range(parts + 1)]
    idat = [(b"IDAT", data[a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]
    palette = [(b"PLTE", (bytes(range(256)) * 3)[: 3 << depth])] if kind == PALETTE else []
    return [header(*pixels.shape[:2], depth, kind, interlaced), *palette, *extra, *idat, (b"IEND", b"")]


def png(pixels: NDArray[np.integer], **options: object) -> bytes:
    """Return a PNG file; the options are those of `chunks_of`."""
    return join(chunks_of(pixels, **options))  # type: ignore[arg-type]


def join(chunks: Sequence[Chunk]) -> bytes:
    """Return the file of some chunks."""
    return SIGNATURE + b"".join(chunk(kind, content) for kind, content in chunks)


def rows(pixels: NDArray[np.integer], depth: int) -> bytes:
    """Return packed rows, each after its filter byte, unfiltered."""
    height = pixels.shape[0]
    samples = pixels.reshape(height, int(np.prod(pixels.shape[1:])))
    if depth == 16:
        packed = samples.astype(">u2").view(np.uint8).reshape(height, -1)
    else:
        bits = np.unpackbits(samples.astype(np.uint8)[..., None], axis=2)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(height, -1), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def bomb(height: int, width: int) -> bytes:
    """Return a true 8-bit grey PNG of zeros, a thousandth of its pixels long, without compressing them one by one."""
    left, block = height * (width + 1), 1 << 20
    compressor = zlib.compressobj(9)
    stream = compressor.compress(bytes(block)) + compressor.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers back, so the same compressed block may follow again and again.
    repeated = compressor.compress(bytes(block)) + compressor.flush(zlib.Z_FULL_FLUSH)
    whole, rest = divmod(left - block, block)
    last = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream += repeated * whole + last.compress(bytes(rest)) + last.flush()
    checksum = struct.pack(">HH", left % 65521, 1)  # Adler-32 of zeros
    return join([header(height, width), (b"IDAT", stream + checksum), (b"IEND", b"")])
