"""The kernels again in plain NumPy: for reading, and for holding the compiled loops to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def byte_table(*, truth: Any, prediction: Any) -> NDArray[np.int64]:
    """Count the pairs of raw values of two 8-bit label maps."""
    truth, prediction = as_byte_pair(truth, prediction)
    return _pairs(truth, prediction, np.zeros((256, 256), dtype=np.int64))


def coded_table(
    *,
    truth: Any,
    prediction: Any,
    truth_codes: NDArray[np.int32],
    prediction_codes: NDArray[np.int32],
    truth_low: int,
    prediction_low: int,
) -> NDArray[np.int64]:
    """Count the pairs of codes of two label maps."""
    truth, prediction = as_pair(truth, prediction)
    truth_codes = as_codes(truth_codes, name="truth_codes")
    prediction_codes = as_codes(prediction_codes, name="prediction_codes")
    truth_low = as_int64(truth_low, name="truth_low")
    prediction_low = as_int64(prediction_low, name="prediction_low")
    table = empty_table(truth_codes, prediction_codes)
    rows = _codes_of(truth, truth_codes, truth_low)
    columns = _codes_of(prediction, prediction_codes, prediction_low)
    return _pairs(rows, columns, table)


def find_code(*, labels: Any, codes: NDArray[np.int32], low: int, code: int) -> tuple[int, tuple[int, ...]]:
    """Count the pixels that have a code, and find the first of them in C order."""
    labels = as_single(labels, name="labels")
    codes = as_codes(codes, name="codes")
    low = as_int64(low, name="low")
    found = _codes_of(labels, codes, low) == as_code(code, codes)
    count = int(np.count_nonzero(found))
    first = np.unravel_index(int(np.argmax(found)), found.shape)
    return count, tuple(int(i) for i in first) if count else ()


def _codes_of(labels: Labels, codes: NDArray[np.int32], low: int) -> NDArray[np.int64]:
    """Give every pixel the code of its value, max(codes) + 1 where the code table ends."""
    values = labels.astype(np.int64)
    # The last value of the code table may lie beyond int64, where no label can be.
    last = min(low + codes.size - 1, np.iinfo(np.int64).max)
    covered = (values >= low) & (values <= last)
    outside = int(codes.max()) + 1
    coded = np.full(values.shape, outside, dtype=np.int64)
    coded[covered] = np.where(codes < 0, outside, codes)[values[covered] - low]
    return coded


def _pairs(rows: Labels, columns: Labels, table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add one to table[row, column] for every pixel."""
    np.add.at(table, (rows, columns), 1)
    return table
