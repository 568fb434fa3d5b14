"""Strips and tiles of TIFF files that are compressed by LZW, undone by libtiff.

The decoder for such strips in imagecodecs, which knows the other compressions, reads and writes beside its tables where
a stream is damaged, and may end the process (2026.3.6). Its libtiff does not, but reads whole files; so the strip gets
a header of our own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.tiffs import damaged
from segbench.datasets.tiffwriter import lzw_page
from segbench.errors import require


def undo_lzw(stream: bytes, rows: int, row_bytes: int) -> memoryview:
    """Undo the compression of a strip or tile.

    Parameters
    ----------
    stream : bytes
        As it stands in the file.
    rows, row_bytes : int
        What is wanted of it; it may hold more.

    Returns
    -------
    memoryview
        Row by row, as many bytes as were asked for.

    Raises
    ------
    UnreadableImage
        When it is damaged, or ends before.
    ResourceError
        When it is longer than a TIFF can be.
    MissingPackage
        Without imagecodecs.
    """
    imagecodecs = require("imagecodecs", extra="geo")
    page = lzw_page(stream, (rows, row_bytes))
    try:
        pixels: NDArray[np.uint8] = imagecodecs.tiff_decode(page)
    except imagecodecs.TiffError as error:
        raise damaged(f"LZW: {error}") from None
    return pixels.reshape(-1).data
