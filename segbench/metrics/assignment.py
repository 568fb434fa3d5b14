"""Which proposal answers which object: the assignment with the largest sum of gains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]


def best_assignment(gains: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the assignment with the largest sum, found by the Hungarian method.

    Parameters
    ----------
    gains : ndarray of float64, shape (n_rows, n_columns)
        What each pair is worth.

    Returns
    -------
    list of (int, int)
        As many pairs of row and column as the shorter side has, in the order of the rows; each row and each column is
        in one pair at most. Among equal sums the choice is that of SciPy's `linear_sum_assignment`.
    """
    rows, columns = linear_sum_assignment(-gains)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))
