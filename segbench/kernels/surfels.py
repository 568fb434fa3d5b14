"""Distances between the surfels of truth and prediction, and their lengths and areas.

Like the distances of `segbench.kernels.surface`, they are reduced elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segbench.kernels.lattice import Lengths, corners_of, distances, pack, sizes, step_costs
from segbench.kernels.sources import as_spacing
from segbench.kernels.structures import as_structures
from segbench.kernels.surfelsizes import surfel_sizes


def surfel_distances(
    *, truth: Any, prediction: Any, spacing: Sequence[float]
) -> tuple[Lengths, Lengths, Lengths, Lengths]:
    """Measure the distance of every surfel to the nearest one of the other mask, and its length or area.

    The pixel lattice has a corner between any 2 × 2 (× 2) pixels, those beyond the image included, which are outside.
    A corner with pixels of both kinds around it is a surfel. It lies on the corner; its size is that of marching
    squares or cubes between the centres of these pixels.

    Parameters
    ----------
    truth, prediction : array_like of bool or int, shape (rows, columns) or (slices, rows, columns)
        Whatever is not 0 is in the mask; equal shapes, any strides.
    spacing : sequence of float
        How far apart pixels lie along each axis, in mm or whatever unit the distances are to have.

    Returns
    -------
    from_truth, truth_sizes, from_prediction, prediction_sizes : ndarray of float64, shape (surfels of that mask,)
        In C order of the corners: distances as in `surface_distances`, between corners; lengths in the unit of
        `spacing`, or areas in its square.

    Raises
    ------
    BadParameter, ShapeMismatch, StrayLabel
        As in `surface_distances`.

    Notes
    -----
    As `surface_distances`. Surfels, and their sizes to the last bit, are those of google-deepmind/surface-distance,
    which sorts them by distance, then by size, before it adds sizes up.
    """
    pair = as_structures(truth, prediction)
    steps = as_spacing(spacing, pair[0].shape)
    costs, table = step_costs(pair[0].shape, steps), surfel_sizes(steps)
    packed = pack(pair[0]), pack(pair[1])
    t, p = (corners_of(one) if one else None for one in packed)
    return (
        distances(t, p, costs),
        sizes(packed[0], t, table),
        distances(p, t, costs),
        sizes(packed[1], p, table),
    )
