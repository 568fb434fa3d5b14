"""What kernels on groups accept: rows of truths and of predictions, sorted so that a group is a slice of both.

A group is mostly an image and a class. Its rows begin at one offset and end at the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, ResourceError

#: Pairs of a truth and a prediction, 16 GiB of overlaps.
MOST_PAIRS = 2**31


class Groups(NamedTuple):
    """Where groups begin.

    Attributes
    ----------
    truth_offsets, prediction_offsets : ndarray of int64, shape (n_groups + 1,)
        First row of each group, and the number of rows.
    pair_offsets : ndarray of int64, shape (n_groups + 1,)
        First pair of each group, and the number of pairs: all predictions with all truths of a group.
    """

    truth_offsets: NDArray[np.int64]
    prediction_offsets: NDArray[np.int64]
    pair_offsets: NDArray[np.int64]

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the rows of truth and prediction of each pair, in the order of pairs."""
        columns = (self.truth_offsets.tolist(), self.prediction_offsets.tolist())
        for group in range(len(columns[0]) - 1):
            truths, predictions = (range(*column[group : group + 2]) for column in columns)
            for prediction in predictions:
                for truth in truths:
                    yield truth, prediction


def as_groups(
    truth_offsets: Any, prediction_offsets: Any, *, truths: int | None = None, predictions: int | None = None
) -> Groups:
    """Return checked offsets, as private copies: the loops index with them while other threads run.

    Parameters
    ----------
    truth_offsets, prediction_offsets : array_like of int, shape (n_groups + 1,)
        As in `Groups`.
    truths, predictions : int, optional
        How many rows there are, where offsets do not say it.

    Returns
    -------
    Groups
        The offsets, and those of pairs.

    Raises
    ------
    BadParameter
        When offsets fall, do not span the rows, or differ in number.
    ResourceError
        For more than 2**31 pairs.
    """
    own = as_offsets(truth_offsets, truths, name="truth_offsets")
    theirs = as_offsets(prediction_offsets, predictions, name="prediction_offsets")
    if len(own) != len(theirs):
        raise BadParameter(f"{len(own)} truth_offsets and {len(theirs)} prediction_offsets", expected="as many of both")
    pairs = np.diff(own).astype(np.float64) @ np.diff(theirs).astype(np.float64)
    if pairs > MOST_PAIRS:
        raise ResourceError(f"{pairs:.0f} pairs of a truth and a prediction", expected=f"at most {MOST_PAIRS}")
    pair_offsets = np.zeros(len(own), np.int64)
    np.cumsum(np.diff(own) * np.diff(theirs), out=pair_offsets[1:])
    return Groups(own, theirs, pair_offsets)


def as_offsets(offsets: Any, rows: int | None, *, name: str) -> NDArray[np.int64]:
    """Return where slices of rows begin, checked, as a private copy.

    Parameters
    ----------
    offsets : array_like of int, shape (n + 1,)
        From 0 to `rows`, never falling.
    rows : int or None
        How many rows there are; None where offsets say it.
    name : str
        What to call them in an error.

    Returns
    -------
    ndarray of int64, shape (n + 1,)
        The copy.

    Raises
    ------
    BadParameter
        When they are none.
    """
    array = np.asarray(offsets)
    if array.dtype.kind not in "iu" or array.ndim != 1 or not len(array):
        raise BadParameter(
            f"{name}: {array.dtype} of shape {array.shape}", expected="a 1-D array of integers, one more than slices"
        )
    copy = np.array(array, np.int64, order="C")
    rows = int(copy[-1]) if rows is None else rows
    if copy[0] != 0 or copy[-1] != rows or (copy[1:] < copy[:-1]).any():
        raise BadParameter(
            f"{name} from {copy[0]} to {copy[-1]}", expected=f"numbers that rise from 0 to the number of rows, {rows}"
        )
    return copy


def as_column(values: Any, kind: str, shape: tuple[int, ...], *, name: str) -> NDArray[Any]:
    """Return an array of one kind and shape, in C order.

    Parameters
    ----------
    values : array_like
        The values.
    kind : {'bool', 'uint8', 'int64', 'float64'}
        The dtype wanted; integers and booleans pass for floats, 0 and 1 for booleans.
    shape : tuple of int
        The shape wanted; -1 stands for any length.
    name : str
        What to call them in an error.

    Returns
    -------
    ndarray
        The same memory where it is as wanted, else a copy.

    Raises
    ------
    BadParameter
        When the values are of another kind, or the shape differs.
    """
    array = np.asarray(values)
    if array.size == 0 and isinstance(values, list | tuple):
        # Of a list without elements NumPy makes floats.
        array = array.astype(kind)
    accepted = {"bool": "biu", "uint8": "u", "int64": "iu", "float64": "biuf"}[kind]
    too_wide = (kind == "uint8" and array.dtype.itemsize > 1) or (kind == "int64" and array.dtype == np.uint64)
    lengths = zip(array.shape, shape, strict=False)
    if array.ndim != len(shape) or any(wanted not in (-1, length) for length, wanted in lengths):
        wanted = ", ".join("any" if length < 0 else str(length) for length in shape)
        raise BadParameter(f"{name} of shape {array.shape}", expected=f"shape ({wanted})")
    if array.dtype.kind not in accepted or too_wide:
        raise BadParameter(f"{name} of dtype {array.dtype}", expected=kind)
    if kind == "bool" and array.dtype.kind != "b":
        array = array != 0
    return np.ascontiguousarray(array, kind)


def as_boxes(boxes: Any, *, name: str) -> NDArray[np.float64]:
    """Return boxes of finite numbers.

    Parameters
    ----------
    boxes : array_like of float, shape (n, 4)
        x, y, width and height.
    name : str
        What to call them in an error.

    Returns
    -------
    ndarray of float64, shape (n, 4)
        In C order.

    Raises
    ------
    BadParameter
        When there are not four numbers, or one is not finite.
    """
    values: NDArray[np.float64] = as_column(boxes, "float64", (-1, 4), name=name)
    if not np.isfinite(values).all():
        raise BadParameter(f"{name} holds a box with a number that is not finite", expected="finite numbers")
    return values
