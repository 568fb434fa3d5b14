"""The inner bands of masks, run-length encoded: what of a mask lies within a width of its boundary."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.bands import boundary_band
from segbench.kernels.rle import Runs, boxes, decode
from segbench.kernels.runs import starts_of


def inner_bands(masks: Runs, width_diagonal: float) -> Runs:
    """Return the inner bands of masks; see `segbench.kernels.bands.boundary_band`.

    Parameters
    ----------
    masks : Runs
        The masks.
    width_diagonal : float
        Width as a share of the diagonal of each image: ``max(1, round(share · diagonal))`` pixels, half to even.

    Returns
    -------
    Runs
        As many, of the same sizes.
    """
    corners = boxes(masks).astype(np.int64).tolist()
    parts = [_band(masks, i, corner, width_diagonal) for i, corner in enumerate(corners)]
    offsets = starts_of(np.array([len(part) for part in parts], np.int64))
    counts = np.concatenate([np.zeros(0, np.uint32), *parts])
    return Runs(counts, offsets, masks.heights, masks.widths)


def _band(masks: Runs, i: int, box: list[int], width_diagonal: float) -> NDArray[np.uint32]:
    """Return the runs of the band of one mask; what is beyond its box is background, as what is beyond the image."""
    left, top, width, height = box
    size = int(masks.heights[i]), int(masks.widths[i])
    if not width:
        return np.array([size[0] * size[1]], np.uint32)
    inside = decode(masks, i)[top : top + height, left : left + width]
    width_px = max(1, round(width_diagonal * math.sqrt(size[0] ** 2 + size[1] ** 2)))
    return _runs_of(boundary_band(mask=inside, width_px=width_px), left, top, size)


def _runs_of(band: NDArray[np.bool_], left: int, top: int, size: tuple[int, int]) -> NDArray[np.uint32]:
    """Return the runs of a map that lies in a larger image, at `left` and `top`."""
    height, width = band.shape
    # A row of background below, so that no run goes on from one column to the next.
    columns = np.zeros((width, height + 1), np.int8)
    columns[:, :height] = band.T
    ends = np.flatnonzero(np.diff(columns.reshape(-1), prepend=0))
    places = (left + ends // (height + 1)) * size[0] + top + ends % (height + 1)
    # Of a map as high as the image one run may end where the next one begins.
    apart = np.ones(len(places), np.bool_)
    touching = places[1:] == places[:-1]
    apart[1:] &= ~touching
    apart[:-1] &= ~touching
    counts = np.diff(places[apart], prepend=0, append=size[0] * size[1])
    # What ends in the last pixel has no background behind it.
    found: NDArray[np.uint32] = counts[: len(counts) - (counts[-1] == 0)].astype(np.uint32)
    return found
