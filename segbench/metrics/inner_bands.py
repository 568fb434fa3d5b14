"""The inner bands of masks, run-length encoded: what of a mask lies within a width of its boundary."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.bands import boundary_band
from segbench.kernels.rle import Runs, boxes, decode, from_masks


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
    return from_masks([_band(decode(masks, i), corner, width_diagonal) for i, corner in enumerate(corners)])


def _band(mask: NDArray[np.uint8], box: list[int], width_diagonal: float) -> NDArray[np.uint8]:
    """Leave of a mask its band alone; what is beyond its box is background, as what is beyond the image."""
    left, top, width, height = box
    inside = mask[top : top + height, left : left + width]
    if inside.size:
        diagonal = math.sqrt(mask.shape[0] ** 2 + mask.shape[1] ** 2)
        inside[...] = boundary_band(mask=inside, width_px=max(1, round(width_diagonal * diagonal)))
    return mask
