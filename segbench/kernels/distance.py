"""Distances of every pixel to the nearest source: squared Euclidean, with spacing if there is one, and chessboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from segbench.errors import KernelsNotBuilt
from segbench.kernels.sources import NO_DISTANCE, as_sources, as_spacing, refuse_far

try:
    import segbench.kernels._distance as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error

_Number = TypeVar("_Number", bound=np.number[Any])

#: Whole numbers up to here are exact as doubles.
_EXACT = 2**53


def squared_distances(
    *, sources: Any, spacing: Sequence[float] | None = None
) -> NDArray[np.int32] | NDArray[np.float64]:
    """Square the Euclidean distance of every pixel to the nearest source.

    Parameters
    ----------
    sources : array_like of bool or int, shape (rows, columns) or (slices, rows, columns)
        Whatever is not 0 is a source; any strides.
    spacing : sequence of float, optional
        How far apart pixels lie along each axis, in whatever unit the result is to be the square of.

    Returns
    -------
    ndarray of int32, of the shape of `sources`
        Without `spacing`: exact, in pixels. Without any source, the largest int32, which no distance can be.
    ndarray of float64, of the shape of `sources`
        With `spacing`: the least of ``((dz * sz)**2 + (dy * sy)**2) + (dx * sx)**2`` over all sources, in double
        precision as written, to the last bit; an image has no dz. Without any source, infinity.

    Raises
    ------
    BadParameter
        For a dtype without labels, no pixel, or a spacing that is not one positive number for each axis.
    ShapeMismatch
        When there are neither two nor three axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.
    ResourceError
        When a side has more than 65,535 pixels, or, without `spacing`, the squared diagonal exceeds int32.

    Notes
    -----
    O(pixels). No memory but the result, two bytes for each pixel of a slice (of a row, in images), and a few lines,
    when `sources` holds bool or uint8 in rows without gaps; else a byte for each pixel more.

    The square root is SciPy's ``distance_transform_edt(sampling=spacing)``, but for the last bit where rounding gives
    sources that are equally far unequal sums: SciPy takes one of them, and here it is the least.
    """
    marks = as_sources(sources)
    if spacing is None:
        refuse_far(marks.shape)
        distances = np.empty(marks.shape, np.int32)
        _loops.square_whole(*_taken(marks, np.ones(3, np.uint32)), _volume(distances), _work(marks, real=False))
        return distances
    steps = as_spacing(spacing, marks.shape)
    lengths = np.empty(marks.shape)
    if (whole := _in_whole_numbers(steps, marks.shape)) is None:
        _loops.square_real(*_taken(marks, _three(steps, np.float64)), _volume(lengths), _work(marks, real=True))
    else:
        weights, unit = whole
        taken = _taken(marks, _three(weights, np.uint32))
        _loops.square_scaled(*taken, _volume(lengths), _work(marks, real=False), unit)
    return lengths


def chessboard_distances(*, sources: Any) -> NDArray[np.int32]:
    """Measure the chessboard distance of every pixel to the nearest source: the larger of its steps along the axes.

    Parameters
    ----------
    sources : array_like of bool or int, shape (rows, columns) or (slices, rows, columns)
        Whatever is not 0 is a source; any strides.

    Returns
    -------
    ndarray of int32, of the shape of `sources`
        In pixels. Without any source, the largest int32.

    Raises
    ------
    BadParameter
        For a dtype without labels, or no pixel.
    ShapeMismatch
        When there are neither two nor three axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.
    ResourceError
        When a side has more than 65,535 pixels.

    Notes
    -----
    O(pixels). No memory but the result and a row, when `sources` holds bool or uint8 in rows without gaps.
    """
    marks = as_sources(sources)
    distances = np.empty(marks.shape, np.int32)
    _loops.count_moves(_volume(marks), _volume(distances), np.empty(marks.shape[-1] + 2, np.int32))
    return distances


def _in_whole_numbers(steps: Sequence[float], shape: Sequence[int]) -> tuple[list[int], float] | None:
    """Return the squares of a spacing as whole multiples of a unit, when no distance then needs rounding.

    Floats are fractions over powers of two, so there always is a unit; mostly the multiples are far too large.
    """
    ratios = [step.as_integer_ratio() for step in steps]
    below = max(ratio[1] for ratio in ratios)
    # An axis of one pixel is never walked along.
    squares = [(above * (below // own)) ** 2 if n > 1 else 0 for (above, own), n in zip(ratios, shape, strict=True)]
    common = math.gcd(*squares) or 1
    most = sum(square * (n - 1) ** 2 for square, n in zip(squares, shape, strict=True))
    if max(most, below**2) > _EXACT or most > NO_DISTANCE * common:
        return None
    return [square // common or 1 for square in squares], common / below**2


def _taken(marks: NDArray[np.uint8], numbers: NDArray[_Number]) -> tuple[NDArray[np.uint8], NDArray[_Number]]:
    """Return sources as a volume whose columns lie side by side, a copy only where they do not, and the numbers."""
    volume = _volume(marks)
    dense = volume.strides[2] == 1 or volume.shape[2] == 1
    return volume if dense else np.ascontiguousarray(volume), numbers


def _three(numbers: Sequence[float], dtype: type[_Number]) -> NDArray[_Number]:
    """Return a number for each axis of a volume; an image has an axis of one pixel between its two."""
    return np.array([numbers[0], 1 if len(numbers) == 2 else numbers[1], numbers[-1]], dtype)


def _volume(array: NDArray[_Number]) -> NDArray[_Number]:
    return array if array.ndim == 3 else array[:, None]


def _work(marks: NDArray[np.uint8], *, real: bool) -> NDArray[np.int8]:
    slices, rows, columns = _volume(marks).shape
    return np.empty(_loops.scratch(slices, rows, columns, real), np.int8)
