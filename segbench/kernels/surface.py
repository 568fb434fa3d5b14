"""Surfaces of masks in two and three dimensions, and the distances between those of truth and prediction.

Distances come one for each place of a surface, in C order, so that what is made of them (a percentile, a mean, a share)
is chosen elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.lattice import Lengths, distances, pack, step_costs, surface_of, unpack
from segbench.kernels.sources import as_spacing
from segbench.kernels.structures import as_structure, as_structures


def surface(*, mask: Any) -> NDArray[np.bool_]:
    """Find the pixels of a mask with a neighbour along an axis outside it.

    Parameters
    ----------
    mask : array_like of bool or int, shape (rows, columns) or (slices, rows, columns)
        Whatever is not 0 is in the mask; any strides. What is beyond the image is outside.

    Returns
    -------
    ndarray of bool, of the shape of `mask`
        The surface pixels: the mask without its erosion by a cross of 4 (6) neighbours.

    Raises
    ------
    BadParameter
        For a dtype without labels, or no pixel.
    ShapeMismatch
        When there are neither two nor three axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.

    Notes
    -----
    O(pixels). The surface of MedPy, MONAI and Metrics Reloaded.
    """
    pixels = as_structure(mask)
    marks = np.zeros(pixels.shape, np.bool_)
    if (packed := pack(pixels)) is not None:
        unpack(surface_of(packed), packed.inside(marks))
    return marks


def surface_distances(*, truth: Any, prediction: Any, spacing: Sequence[float]) -> tuple[Lengths, Lengths]:
    """Measure the distance of every surface pixel to the nearest surface pixel of the other mask.

    Parameters
    ----------
    truth, prediction : array_like of bool or int, shape (rows, columns) or (slices, rows, columns)
        Whatever is not 0 is in the mask; equal shapes, any strides. What is beyond the image is outside.
    spacing : sequence of float
        How far apart pixels lie along each axis, in mm or whatever unit the distances are to have.

    Returns
    -------
    from_truth, from_prediction : ndarray of float64, shape (surface pixels of that mask,)
        In C order of the pixels: the square root of the least of ``((dz * sz)**2 + (dy * sy)**2) + (dx * sx)**2`` over
        the other mask's surface, in double precision as written, to the last bit; an image has no dz. Infinity where
        the other mask is empty.

    Raises
    ------
    BadParameter
        For a dtype without labels, no pixel, or a spacing that is not one positive number for each axis.
    ShapeMismatch
        When the shapes differ, or have neither two nor three axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.

    Notes
    -----
    Both masks are read once; then O(pixels / 64) of the box around each, and a search around each surface pixel, whose
    cost grows with its distance. Memory: the result, and less than a byte for each pixel of the boxes.

    The distances are those that MedPy, MONAI (before it rounds to 32 bits) and Metrics Reloaded take from SciPy's
    ``distance_transform_edt``, but for the last bit where rounding gives pixels that are equally far unequal sums:
    SciPy may take either of them, and here it is the least.
    """
    pair = as_structures(truth, prediction)
    costs = step_costs(pair[0].shape, as_spacing(spacing, pair[0].shape))
    t, p = (surface_of(packed) if packed else None for packed in map(pack, pair))
    return distances(t, p, costs), distances(p, t, costs)
