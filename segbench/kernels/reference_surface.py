"""Surfaces, surfels and their distances again, in plain NumPy: for reading, and for holding the loops to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.sources import as_spacing
from segbench.kernels.structures import as_structure, as_structures
from segbench.kernels.surfelsizes import surfel_sizes

Lengths = NDArray[np.float64]


def surface(*, mask: Any) -> NDArray[np.bool_]:
    """Find the pixels of a mask with a neighbour along an axis outside it."""
    return _surface(as_structure(mask) != 0)


def surface_distances(*, truth: Any, prediction: Any, spacing: Sequence[float]) -> tuple[Lengths, Lengths]:
    """Measure the distance of every surface pixel to the nearest surface pixel of the other mask."""
    pair = as_structures(truth, prediction)
    steps = as_spacing(spacing, pair[0].shape)
    t, p = (np.argwhere(_surface(mask != 0)) for mask in pair)
    return _distances(t, p, steps), _distances(p, t, steps)


def surfel_distances(
    *, truth: Any, prediction: Any, spacing: Sequence[float]
) -> tuple[Lengths, Lengths, Lengths, Lengths]:
    """Measure the distance of every surfel to the nearest one of the other mask, and its length or area."""
    pair = as_structures(truth, prediction)
    steps = as_spacing(spacing, pair[0].shape)
    codes = [_codes(mask != 0) for mask in pair]
    sizes = surfel_sizes(steps)
    # Code 0 has no pixel, the last one no other.
    is_surfel = [(code > 0) & (code < len(sizes) - 1) for code in codes]
    t, p = (np.argwhere(found) for found in is_surfel)
    t_sizes, p_sizes = (sizes[code[found]] for code, found in zip(codes, is_surfel, strict=True))
    return _distances(t, p, steps), t_sizes, _distances(p, t, steps), p_sizes


def _surface(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    framed = np.pad(mask, 1)
    found = np.zeros(mask.shape, np.bool_)
    for axis in range(mask.ndim):
        for step in (-1, 1):
            beside = np.roll(framed, step, axis)[(slice(1, -1),) * mask.ndim]
            found |= mask & ~beside
    return found


def _codes(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the pixels around every corner as bits, the first in C order the highest."""
    framed = np.pad(mask, 1).astype(np.int64)
    codes = np.zeros([n + 1 for n in mask.shape], np.int64)
    for first in np.ndindex((2,) * mask.ndim):
        pixels = framed[tuple(slice(begin, begin + n + 1) for begin, n in zip(first, mask.shape, strict=True))]
        codes = 2 * codes + pixels
    return codes


def _distances(places: NDArray[np.int64], others: NDArray[np.int64], spacing: Sequence[float]) -> Lengths:
    """Measure one place after the other; all of the others are asked."""
    squares = np.full(len(places), np.inf)
    for i, place in enumerate(places if len(others) else ()):
        first, *more = (((others - place) * spacing) ** 2).T
        for square in more:
            first = first + square
        squares[i] = first.min()
    found: Lengths = np.sqrt(squares)
    return found
