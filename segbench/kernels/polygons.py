"""What the kernels on stability accept: a reading, an outline, or shape contexts."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, ResourceError, ShapeMismatch
from segbench.kernels.arrays import as_labels

Reading: TypeAlias = Literal["python", "matlab"]
Outline: TypeAlias = NDArray[np.int64]
Contexts: TypeAlias = NDArray[np.int64]
Shares: TypeAlias = NDArray[np.float64]

#: The official tools; see `outline` and `shape_contexts` for what each of them does.
READINGS = ("python", "matlab")
#: Of the bins that a shape context has.
N_RINGS, N_SECTORS = 5, 12
N_BINS = N_RINGS * N_SECTORS
#: The longest step along an outline, in pixels.
STEP = 3
#: Tables of all pairs of points are in memory, of 28 bytes a pair: 2 GB at most.
MOST_POINTS = 2**13
#: Up to here 32-bit floats hold every whole number. Beyond it corners would be rounded, and sides be longer than the
#: room that is made for their points.
_MOST_COORDINATE = 2**24
#: What keeps divisors from being 0, as it stands in the official tool.
LITTLE = 2.2204e-16


def as_reading(reading: str) -> bool:
    """Return whether a reading is that of the Matlab tool.

    Parameters
    ----------
    reading : {'python', 'matlab'}
        An official tool.

    Returns
    -------
    bool
        Whether it is ``matlab``.

    Raises
    ------
    BadParameter
        For any other name.
    """
    if reading not in READINGS:
        raise BadParameter(f"reading={reading!r}", expected=", ".join(READINGS))
    return reading == "matlab"


def as_outline(outline: Any) -> Outline:
    """Return an outline as whole numbers in C order.

    Parameters
    ----------
    outline : array_like of int, shape (points, 2)
        Its corners, the first one again at the end; or none.

    Returns
    -------
    ndarray of int64, shape (points, 2)
        The same numbers.

    Raises
    ------
    BadParameter, ShapeMismatch, StrayLabel, ResourceError
        As in `shape_contexts`.
    """
    points = np.ascontiguousarray(as_labels(outline, name="outline"), np.int64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ShapeMismatch(f"an outline of shape {points.shape}", expected="(points, 2)")
    if not len(points):
        return points
    if len(points) < 3 or (points[0] != points[-1]).any():
        raise BadParameter("an outline that is not closed", expected="3 points or more, the first one again at the end")
    if points.min() < 0 or points.max() > _MOST_COORDINATE:
        raise BadParameter("an outline outside of any image", expected=f"numbers from 0 to {_MOST_COORDINATE}")
    if not np.ptp(points, axis=0).any():
        raise BadParameter("an outline of one point", expected="points that differ")
    refuse_many(points)
    return points


def most_points(outline: Outline) -> int:
    """Return a number that the points along an `outline` do not exceed, whatever way they are rounded."""
    sides = np.abs(np.diff(outline, axis=0)).astype(np.float64)
    return len(outline) + int(np.ceil(np.hypot(sides[:, 0], sides[:, 1]) / STEP).sum())


def refuse_many(outline: Outline) -> None:
    """Refuse an outline along which there may be more points than tables are made for.

    Parameters
    ----------
    outline : ndarray of int64, shape (points, 2)
        Its corners.

    Raises
    ------
    ResourceError
        With the number of points.
    """
    _refuse(most_points(outline))


def _refuse(points: int) -> None:
    if points > MOST_POINTS:
        raise ResourceError(f"an outline of some {points} points", expected=f"at most {MOST_POINTS}")


def as_contexts(contexts: Any, *, name: str) -> Shares:
    """Return shape contexts as shares of the points that are seen.

    Parameters
    ----------
    contexts : array_like of int, shape (points, 60)
        Counts by bin.
    name : str
        What to call it in an error.

    Returns
    -------
    ndarray of float64, shape (points, 60)
        Each row divided by its sum.

    Raises
    ------
    BadParameter, ShapeMismatch, StrayLabel, ResourceError
        As in `matching_cost`.
    """
    seen = np.asarray(as_labels(contexts, name=name), np.int64)
    if seen.ndim != 2 or seen.shape[1] != N_BINS:
        raise ShapeMismatch(f"{name} of shape {seen.shape}", expected=f"(points, {N_BINS})")
    if len(seen) == 1:
        raise BadParameter(f"{name} of one point", expected="2 points or more, or none")
    _refuse(len(seen))
    if seen.size and (seen.min() < 0 or seen.max() > MOST_POINTS):
        raise BadParameter(f"{name} with counts of {seen.min()} to {seen.max()}", expected=f"0 to {MOST_POINTS}")
    shares: Shares = seen / (seen.sum(axis=1, keepdims=True) + LITTLE)
    return np.ascontiguousarray(shares)
