"""Probability maps and binary truth from the bytes of image files."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.images import PngHeader, decode_labels, read_header
from segbench.errors import UnreadableImage
from segbench.late import late

Labels: TypeAlias = NDArray[np.integer[Any]]

_read_gif = late("segbench.datasets.pillow:read_gif")

_GREY = 0  # Colour type of the PNG specification.
_EXPECTED = "a grey PNG of levels 0…255"
_MEND = "save round(255·p) as an 8-bit grey PNG"


def decode_levels(data: bytes) -> NDArray[np.uint8]:
    """Decode a probability map: level / 255 is the probability that a pixel is positive.

    Grey of 1, 2 and 4 bits spreads over 0…255, as the PNG specification says. Grey of 16 bits is cut to its high byte:
    the development kit of KITTI road does so, where rounding would be nearer.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    ndarray of uint8, shape (rows, columns)
        Levels 0…255.

    Raises
    ------
    UnreadableImage
        When the file is damaged or no grey PNG: the index of a palette is no probability, nor is a colour.
    """
    header = _grey_header(data)
    values = decode_labels(data, {})
    if header.depth == 16:
        return (values >> 8).astype(np.uint8)
    return values.astype(np.uint8, copy=False) * np.uint8(255 // ((1 << header.depth) - 1))


def decode_binary(data: bytes) -> NDArray[np.uint8]:
    """Decode a binary truth: whatever is above 0 is positive.

    Parameters
    ----------
    data : bytes
        The whole file, a PNG (grey or palette) or a GIF of one frame. Of palettes the index counts, not the colour.

    Returns
    -------
    ndarray of uint8, shape (rows, columns)
        1 where positive, else 0.

    Raises
    ------
    UnreadableImage
        When the file is damaged, or neither a grey or palette PNG nor a GIF.
    """
    values: Labels = _read_gif(data) if data.startswith(b"GIF8") else decode_labels(data, {})
    return (values > 0).view(np.uint8)


def _grey_header(data: bytes) -> PngHeader:
    """Read the header of a probability map; words about labels would mislead here."""
    try:
        header = read_header(data)
    except UnreadableImage as error:
        raise UnreadableImage(error.found, expected=_EXPECTED, mend=_MEND) from None
    if header.kind != _GREY:
        found = "an RGB image" if header.is_rgb else "a palette image, whose index is no probability"
        raise UnreadableImage(found, expected=_EXPECTED, mend=_MEND)
    return header
