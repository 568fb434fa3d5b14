"""What the kernels on distances accept: sources, and how far apart pixels lie."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, ResourceError
from segbench.kernels.arrays import as_single

#: Steps along an axis are counted in 16 bits.
LONGEST_SIDE = 2**16 - 1
#: What stands for the distance where there is no source. It is 7 modulo 8, and so no sum of three squares: a distance
#: can never be mistaken for it.
NO_DISTANCE = int(np.iinfo(np.int32).max)


def as_sources(sources: Any) -> NDArray[np.uint8]:
    """Return sources as bytes that are not 0.

    Parameters
    ----------
    sources : array_like of bool or int, shape (rows, columns) or (slices, rows, columns)
        Whatever is not 0 is a source.

    Returns
    -------
    ndarray of uint8
        The same memory, whatever its strides, when it holds bool or uint8; else a copy.

    Raises
    ------
    BadParameter, ShapeMismatch, StrayLabel
        As in `squared_distances`.
    ResourceError
        When a side is too long.
    """
    # Booleans are bytes already; `as_single` would copy them.
    is_bool = type(sources) is np.ndarray and sources.dtype == np.bool_
    labels = as_single(sources.view(np.uint8) if is_bool else sources, name="sources")
    if max(labels.shape) > LONGEST_SIDE:
        raise ResourceError(f"a side of {max(labels.shape)} pixels", expected=f"at most {LONGEST_SIDE}")
    if labels.dtype != np.uint8:
        labels = np.not_equal(labels, 0, order="C")
    return labels.view(np.uint8)


def refuse_far(shape: Sequence[int]) -> None:
    """Refuse a shape whose squared diagonal has no room.

    Parameters
    ----------
    shape : sequence of int
        Pixels along each axis.

    Raises
    ------
    ResourceError
        When the squared distance of two corners exceeds int32.
    """
    squared = sum((n - 1) ** 2 for n in shape)
    if squared > NO_DISTANCE:
        raise ResourceError(
            f"a squared diagonal of {squared} pixels", expected=f"at most {NO_DISTANCE}", mend="pass spacing"
        )


def as_spacing(spacing: Any, shape: Sequence[int]) -> tuple[float, ...]:
    """Return how far apart pixels lie along each axis.

    Parameters
    ----------
    spacing : sequence of float
        One number for each axis.
    shape : sequence of int
        Pixels along each axis.

    Returns
    -------
    tuple of float
        The numbers.

    Raises
    ------
    BadParameter
        When there are not as many numbers as axes, one is not positive or not finite, or a square of one, or of the
        diagonal, is outside the range of normal floats.
    """
    try:
        steps = tuple(float(step) for step in spacing)
    except (TypeError, ValueError, OverflowError):
        raise BadParameter(f"spacing={spacing!r}", expected="one number for each axis") from None
    if len(steps) != len(shape):
        raise BadParameter(f"spacing of {len(steps)} numbers", expected=f"{len(shape)}, one for each axis")
    squares = [step * step for step in steps]
    diagonal = sum(n * n * square for n, square in zip(shape, squares, strict=True))
    if not (min(steps) > 0 and min(squares) >= sys.float_info.min and math.isfinite(diagonal)):
        raise BadParameter(f"spacing={steps}", expected="positive numbers whose squares are neither 0 nor infinite")
    return steps
