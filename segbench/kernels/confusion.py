"""Confusion tables of label maps, and where a label first occurs.

A *code* stands for a value of a label map: the code of value v is ``codes[v - low]``, and a value that the
code table does not cover (beyond its ends, or given the code −1) has the code ``max(codes) + 1``, the last row or
column of a table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import KernelsNotBuilt
from segbench.kernels.arrays import (
    Labels,
    as_byte_pair,
    as_code,
    as_codes,
    as_int64,
    as_pair,
    as_single,
    empty_table,
)

try:
    import segbench.kernels._confusion as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error


def byte_table(*, truth: Any, prediction: Any) -> NDArray[np.int64]:
    """Count the pairs of raw values of two 8-bit label maps.

    Parameters
    ----------
    truth, prediction : array_like of uint8, shape (rows, columns) or (slices, rows, columns)
        Equal shapes, any strides.

    Returns
    -------
    ndarray of int64, shape (256, 256)
        ``table[t, p]`` pixels have truth value t and prediction value p.

    Raises
    ------
    BadParameter
        For a dtype other than uint8 or bool, or no pixel.
    ShapeMismatch
        When the shapes differ, or have neither two nor three axes.

    Notes
    -----
    O(pixels). No value can be out of bounds, so nothing is decided here about void or strays. The count is
    ``fast_hist`` of FCN's score.py (Long, Shelhamer, Darrell, CVPR 2015).
    """
    truth, prediction = as_byte_pair(truth, prediction)
    table = np.zeros((256, 256), dtype=np.int64)
    _loops.count_bytes(_volume(truth), _volume(prediction), table)
    return table


def coded_table(
    *,
    truth: Any,
    prediction: Any,
    truth_codes: NDArray[np.int32],
    prediction_codes: NDArray[np.int32],
    truth_low: int,
    prediction_low: int,
) -> NDArray[np.int64]:
    """Count the pairs of codes of two label maps.

    Parameters
    ----------
    truth, prediction : array_like, shape (rows, columns) or (slices, rows, columns)
        Equal shapes, any strides; uint8, uint16, int32 or int64, or what `as_labels` turns into one of them.
        The two may differ in dtype.
    truth_codes, prediction_codes : ndarray of int32, shape (n,)
        Code of value ``low + i`` at position i; codes are at least 0, or −1 for none.
    truth_low, prediction_low : int
        The value whose code comes first.

    Returns
    -------
    ndarray of int64, shape (max(truth_codes) + 2, max(prediction_codes) + 2)
        ``table[t, p]`` pixels have truth code t and prediction code p. The last row and the last column hold
        the values that the code tables do not cover.

    Raises
    ------
    BadParameter
        For codes that are empty, below −1 or not int32, a low beyond 64 bits, a dtype without labels, or no
        pixel.
    ShapeMismatch
        When the shapes differ, or have neither two nor three axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.
    ResourceError
        When the table would have more than 2**27 cells (1 GiB).

    Notes
    -----
    O(pixels + cells). The count is ``fast_hist`` of FCN's score.py (Long, Shelhamer, Darrell, CVPR 2015), but
    a value out of range is counted, never dropped.
    """
    truth, prediction = as_pair(truth, prediction)
    shared = prediction_codes is truth_codes
    truth_codes = as_codes(truth_codes, name="truth_codes")
    prediction_codes = truth_codes if shared else as_codes(prediction_codes, name="prediction_codes")
    truth_low = as_int64(truth_low, name="truth_low")
    prediction_low = as_int64(prediction_low, name="prediction_low")
    table = empty_table(truth_codes, prediction_codes)
    _loops.count_codes(
        _volume(truth), _volume(prediction), truth_codes, prediction_codes, truth_low, prediction_low, table
    )
    return table


def find_code(*, labels: Any, codes: NDArray[np.int32], low: int, code: int) -> tuple[int, tuple[int, ...]]:
    """Count the pixels that have a code, and find the first of them in C order.

    Parameters
    ----------
    labels : array_like, shape (rows, columns) or (slices, rows, columns)
        Any strides; uint8, uint16, int32 or int64, or what `as_labels` turns into one of them.
    codes : ndarray of int32, shape (n,)
        Code of value ``low + i`` at position i; codes are at least 0, or −1 for none.
    low : int
        The value whose code comes first.
    code : int
        The code looked for; ``max(codes) + 1`` asks for the values that the code table does not cover.

    Returns
    -------
    count : int
        How many pixels have the code.
    position : tuple of int
        (row, column), or (slice, row, column), of the first; empty when there is none.

    Raises
    ------
    BadParameter
        For codes that are empty, below −1 or not int32, a low beyond 64 bits, a code that is never given, a
        dtype without labels, or no pixel.
    ShapeMismatch
        For labels with neither two nor three axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.

    Notes
    -----
    O(pixels).
    """
    labels = as_single(labels, name="labels")
    codes = as_codes(codes, name="codes")
    low = as_int64(low, name="low")
    code = as_code(code, codes)
    first = np.zeros(3, dtype=np.int64)
    count = _loops.find_code(_volume(labels), codes, low, int(codes.max()) + 1, code, first)
    position = tuple(int(i) for i in first[3 - labels.ndim :])
    return count, position if count else ()


def _volume(labels: Labels) -> Labels:
    """The loops know volumes only: an image is one slice."""
    return labels if labels.ndim == 3 else labels[np.newaxis]
