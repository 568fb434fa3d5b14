"""Nets without padding on images of any size: mirrored margins, and overlapping tiles.

Ronneberger et al. 2015 call it the overlap-tile strategy. The tiles begin at multiples of the net's pooling, else its
pools would see other pixels together than on the whole image, and the seams would show.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from segbench.errors import BadParameter
from segbench.frozen import dataclass


@dataclass(frozen=True)
class Valid:
    """The sizes of a net of unpadded convolutions: inputs of ``step · k + rest`` pixels, from `smallest` up.

    Parameters
    ----------
    margin : int
        Pixels that the output lacks on each side.
    step : int
        Pixels that the coarsest pool puts together.
    rest : int
        What is over in the sizes that every pool divides.
    smallest : int
        The smallest input.
    """

    margin: int
    step: int
    rest: int
    smallest: int

    def fits(self, size: int) -> bool:
        """Return whether an input may have `size` rows or columns."""
        return size >= self.smallest and size % self.step == self.rest

    def input_for(self, output: int) -> int:
        """Return the smallest input whose output has `output` pixels or more."""
        wanted = max(output + 2 * self.margin, self.smallest)
        return wanted + (self.rest - wanted) % self.step


def tiled(net: Callable[[Tensor], Tensor], images: Tensor, valid: Valid, tile: int = 572) -> Tensor:
    """Run an unpadded net over whole images.

    Parameters
    ----------
    net : callable
        From (n, channels, h, w) to (n, classes, h − 2 margin, w − 2 margin).
    images : tensor, shape (n, channels, height, width)
        Images of any size; they are mirrored at their borders.
    valid : Valid
        Sizes of the net.
    tile : int
        Largest rows and columns of a tile with its margins; smaller ones are taken where the image is smaller.

    Returns
    -------
    tensor, shape (n, classes, height, width)
        The same as of one tile that is large enough, up to the rounding of sums.

    Raises
    ------
    BadParameter
        When the net takes no input of the size of the tile, or the output of such an input is no step wide.
    """
    if not valid.fits(tile) or tile - 2 * valid.margin < valid.step:
        expected = f"{valid.step} k + {valid.rest}, from {valid.input_for(valid.step)} up"
        raise BadParameter(f"tiles of {tile} pixels", expected=expected)
    height, width = images.shape[-2:]
    (tops, high), (lefts, wide) = _spans(height, valid, tile), _spans(width, valid, tile)
    rows, columns = _mirrored(height, tops[-1] + high, valid), _mirrored(width, lefts[-1] + wide, valid)
    around = images[..., rows[:, None].to(images.device), columns.to(images.device)]
    bands = []
    for top in tops:
        tiles = [net(around[..., top : top + high, left : left + wide]) for left in lefts]
        bands.append(_joined(tiles, lefts, width, dim=-1))
    return _joined(bands, tops, height, dim=-2)


def _spans(size: int, valid: Valid, tile: int) -> tuple[list[int], int]:
    """Return where tiles begin along an axis, and how long they are."""
    length = min(tile, valid.input_for(size))
    output = length - 2 * valid.margin
    if output >= size:
        return [0], length
    stride = output - output % valid.step
    return list(range(0, size - (output - stride), stride)), length


def _mirrored(size: int, length: int, valid: Valid) -> Tensor:
    """Return which pixels lie along an axis that is mirrored as often as it takes; the border pixel is the mirror."""
    period = max(2 * (size - 1), 1)
    places = np.abs(np.arange(-valid.margin, length - valid.margin)) % period
    return torch.from_numpy(np.minimum(places, period - places) if size > 1 else np.zeros_like(places))


def _joined(parts: list[Tensor], starts: list[int], size: int, dim: int) -> Tensor:
    """Put outputs together: each ends where the next one begins, and the last one at the end of the image."""
    ends = [*starts[1:], size]
    pieces = [part.narrow(dim, 0, end - start) for part, start, end in zip(parts, starts, ends, strict=True)]
    return torch.cat(pieces, dim)
