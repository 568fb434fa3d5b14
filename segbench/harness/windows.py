"""Padded nets on large images: overlapping windows, of which each gives its middle.

A net that looks no farther than half the overlap answers as on the whole image: windows begin at multiples of a step,
so that its pools see the same pixels together, and end where the image ends.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from segbench.errors import BadParameter

#: Windows begin at multiples of this many pixels: what the pools of all reference models divide by.
STEP = 32


def check_windows(tile: int, overlap: int) -> None:
    """Refuse windows that do not cover an image.

    Parameters
    ----------
    tile, overlap : int
        As for `windowed`; a tile of 0 is none.

    Raises
    ------
    BadParameter
        When a window is not larger than its overlap by a step.
    """
    if tile and (overlap < 0 or tile < overlap + STEP):
        raise BadParameter(
            f"tiles of {tile} pixels that overlap by {overlap}", expected=f"tiles larger by {STEP} than their overlap"
        )


def windowed(net: Callable[[Tensor], Tensor], images: Tensor, tile: int, overlap: int) -> Tensor:
    """Run a net over windows of images.

    Parameters
    ----------
    net : callable
        From (n, channels, h, w) to (n, classes, h, w).
    images : tensor, shape (n, channels, height, width)
        Images of any size.
    tile : int
        Rows and columns of a window at most; 0 for the whole image.
    overlap : int
        Pixels that neighbours share at least.

    Returns
    -------
    tensor, shape (n, classes, height, width)
        What the windows give, each up to the middle of what it shares.
    """
    height, width = images.shape[-2:]
    if not tile or (height <= tile and width <= tile):
        return net(images)
    bands = []
    for top, bottom, above, below in _spans(height, tile, overlap):
        band = [
            net(images[..., top:bottom, left:right])[..., above:below, before:behind]
            for left, right, before, behind in _spans(width, tile, overlap)
        ]
        bands.append(torch.cat(band, dim=-1))
    return torch.cat(bands, dim=-2)


def _spans(size: int, tile: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Return where each window begins and ends, and what of it is kept, counted from its own beginning."""
    if size <= tile:
        return [(0, size, 0, size)]
    stride = (tile - overlap) // STEP * STEP
    starts = [0]
    while starts[-1] + tile < size:
        starts.append(starts[-1] + stride)
    ends = [min(start + tile, size) for start in starts]
    # The border between neighbours lies in the middle of what they share.
    borders = [0, *((end + start) // 2 for end, start in zip(ends, starts[1:], strict=False)), size]
    kept = zip(borders, borders[1:], strict=False)
    return [(s, e, a - s, b - s) for s, e, (a, b) in zip(starts, ends, kept, strict=True)]
