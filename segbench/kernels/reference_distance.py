"""Distances again, in plain NumPy: for reading, and for holding the loops to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.sources import NO_DISTANCE, as_sources, as_spacing, refuse_far


def squared_distances(
    *, sources: Any, spacing: Sequence[float] | None = None
) -> NDArray[np.int32] | NDArray[np.float64]:
    """Square the Euclidean distance of every pixel to the nearest source."""
    marks = as_sources(sources)
    if spacing is not None:
        return _squared(marks, as_spacing(spacing, marks.shape))
    refuse_far(marks.shape)
    # Whole numbers of 32 bits are exact as doubles.
    return _whole(_squared(marks, (1.0,) * marks.ndim))


def chessboard_distances(*, sources: Any) -> NDArray[np.int32]:
    """Measure the chessboard distance of every pixel to the nearest source: the larger of its steps along the axes."""
    values = _start(as_sources(sources))
    for axis in range(values.ndim):
        values = _least(values, axis, np.maximum)
    return _whole(values)


def _squared(marks: NDArray[np.uint8], steps: Sequence[float]) -> NDArray[np.float64]:
    values = _start(marks)
    for axis, step in enumerate(steps):
        # Sums rounded one by one keep the order of what is added to, so that the least goes on to be the least.
        values = _least(values, axis, partial(_farther, step))
    return values


def _farther(step: float, values: NDArray[np.float64], d: int) -> NDArray[np.float64]:
    return values + (d * step) * (d * step)


def _start(marks: NDArray[np.uint8]) -> NDArray[np.float64]:
    values = np.full(marks.shape, np.inf)
    values[marks != 0] = 0.0
    return values


def _least(
    values: NDArray[np.float64], axis: int, farther: Callable[[NDArray[np.float64], int], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return, at every place along an axis, the least of all values there, as they are from so many steps away."""
    least = values.copy()
    here, there = np.moveaxis(least, axis, 0), np.moveaxis(values, axis, 0)
    for d in range(1, len(here)):
        np.minimum(here[d:], farther(there[:-d], d), out=here[d:])
        np.minimum(here[:-d], farther(there[d:], d), out=here[:-d])
    return least


def _whole(values: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.where(np.isinf(values), NO_DISTANCE, values).astype(np.int32)
