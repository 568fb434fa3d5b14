"""The curves behind metrics on probability maps: exact points from a table of levels.

A table is what `LevelsTally` counts, int64 of shape (2, 256): pixels by class (0 negative, 1 positive) and level, which
stands for the probability level / 255. Every point is one rounded division of integers, at every level that occurs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.metrics.levels import N_LEVELS, Levels


@dataclass(frozen=True)
class Roc:
    """A receiver operating characteristic.

    Parameters
    ----------
    false_positive_rate, true_positive_rate : ndarray of float64, shape (points,)
        From (0, 0) to (1, 1); NaN without a negative, or without a positive pixel.
    thresholds : ndarray of float64, shape (points,)
        The probability from which on a pixel is called positive, falling; the first is infinity, where none is.
    """

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    thresholds: NDArray[np.float64]


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision against recall.

    Parameters
    ----------
    precision, recall : ndarray of float64, shape (points,)
        Recall falls from 1 to 0. The last point, precision 1 and recall 0, has no threshold. Recall is NaN without
        a positive pixel.
    thresholds : ndarray of float64, shape (points - 1,)
        The probability from which on a pixel is called positive, rising.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    thresholds: NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What is predicted against what is true, by bins of the prediction.

    Parameters
    ----------
    predicted, observed : ndarray of float64, shape (bins,)
        Mean predicted probability, and share of positive pixels, of each bin that holds a pixel.
    pixels : ndarray of int64, shape (bins,)
        How many pixels each of these bins holds.
    expected_error : float
        Expected calibration error: Σ pixels·|observed − predicted| / Σ pixels; NaN without a pixel.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    pixels: NDArray[np.int64]
    expected_error: float


def roc(table: Levels) -> Roc:
    """Return the points of the ROC curve.

    Parameters
    ----------
    table : ndarray of int, shape (2, 256)
        Pixels by class and level.

    Returns
    -------
    Roc
        The origin, and a point for each level that occurs, the highest first.

    Raises
    ------
    BadParameter
        For anything but such a table.

    Notes
    -----
    The points of ``sklearn.metrics.roc_curve(drop_intermediate=False)``.

    Examples
    --------
    >>> table = np.zeros((2, 256), np.int64)
    >>> table[0, 51], table[1, 102], table[:, 204] = 1, 1, 1
    >>> curve = roc(table)
    >>> curve.false_positive_rate.tolist(), curve.true_positive_rate.tolist()
    ([0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    >>> curve.thresholds.tolist()
    [inf, 0.8, 0.4, 0.2]
    """
    table = _table(table)
    occurring = _occurring(table)[::-1]
    negative, positive = (_from_top(row)[occurring].tolist() for row in table)
    n, p = table.sum(axis=1).tolist()
    return Roc(_shares([0, *negative], n), _shares([0, *positive], p), np.array([np.inf, *(occurring / 255)]))


def precision_recall(table: Levels) -> PrecisionRecall:
    """Return the points of the precision-recall curve.

    Parameters
    ----------
    table : ndarray of int, shape (2, 256)
        Pixels by class and level.

    Returns
    -------
    PrecisionRecall
        A point for each level that occurs, the lowest first, and the end at recall 0.

    Raises
    ------
    BadParameter
        For anything but such a table.

    Notes
    -----
    The points of ``sklearn.metrics.precision_recall_curve``, which without a positive pixel has recall 1.

    Examples
    --------
    >>> table = np.zeros((2, 256), np.int64)
    >>> table[0, 51], table[1, 102], table[:, 204] = 1, 1, 1
    >>> curve = precision_recall(table)
    >>> curve.precision.tolist(), curve.recall.tolist()
    ([0.5, 0.6666666666666666, 0.5, 1.0], [1.0, 1.0, 0.5, 0.0])
    >>> curve.thresholds.tolist()
    [0.2, 0.4, 0.8]
    """
    table = _table(table)
    occurring = _occurring(table)
    negative, positive = (_from_top(row)[occurring].tolist() for row in table)
    precision = [tp / (tp + fp) for tp, fp in zip(positive, negative, strict=True)]
    return PrecisionRecall(np.array([*precision, 1.0]), _shares([*positive, 0], int(table[1].sum())), occurring / 255)


def calibration(table: Levels, bins: int = 10) -> Calibration:
    """Return the points of the reliability diagram, and the expected calibration error.

    Parameters
    ----------
    table : ndarray of int, shape (2, 256)
        Pixels by class and level.
    bins : int
        How many bins of equal width [0, 1] is cut into.

    Returns
    -------
    Calibration
        The bins that hold a pixel, the lowest first.

    Raises
    ------
    BadParameter
        For anything but such a table, or less than one bin.

    Notes
    -----
    A bin holds its upper edge, and the first one also 0, as in ``sklearn.calibration.calibration_curve`` with
    ``strategy="uniform"``. Edges are exact here: level 51 is 0.2 and belongs to the bin that ends there. scikit-learn's
    edges are rounded; where one falls below the level that it should equal, that level is in the next bin there.

    References
    ----------
    Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015.

    Examples
    --------
    >>> table = np.zeros((2, 256), np.int64)
    >>> table[0, 51], table[1, 102], table[:, 204] = 1, 1, 1
    >>> curve = calibration(table, bins=2)
    >>> curve.predicted.tolist(), curve.observed.tolist(), curve.pixels.tolist()
    ([0.3, 0.8], [0.5, 0.5], [2, 2])
    >>> curve.expected_error  # (2·0.2 + 2·0.3) / 4
    0.25
    """
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
        raise BadParameter(f"bins={bins!r}", expected="a whole number from 1 on")
    held = [_Bin.of(levels) for levels in _split(_table(table), bins)]
    total = sum(b.pixels for b in held)
    return Calibration(
        np.array([b.weight / (255 * b.pixels) for b in held], np.float64),
        np.array([b.positive / b.pixels for b in held], np.float64),
        np.array([b.pixels for b in held], np.int64),
        sum(abs(255 * b.positive - b.weight) for b in held) / (255 * total) if total else math.nan,
    )


@dataclass(frozen=True)
class _Bin:
    """Pixels of a bin, the positive ones of them, and the sum of their levels, as Python integers."""

    pixels: int
    positive: int
    weight: int

    @classmethod
    def of(cls, rows: list[tuple[int, int, int]]) -> _Bin:
        """Add rows of level, negative pixels, positive pixels."""
        return cls(sum(n + p for _, n, p in rows), sum(p for *_, p in rows), sum(v * (n + p) for v, n, p in rows))


def _split(table: Levels, bins: int) -> list[list[tuple[int, int, int]]]:
    """Return level, negative and positive pixels of each level that occurs, by bins that hold one."""
    members: dict[int, list[tuple[int, int, int]]] = {}
    for level in _occurring(table).tolist():
        # In bin b when b / bins < level / 255 ≤ (b + 1) / bins, level 0 in the first.
        index = max(0, -(-level * bins // 255) - 1)
        members.setdefault(index, []).append((level, int(table[0, level]), int(table[1, level])))
    return list(members.values())


def _table(table: Any) -> Levels:
    array = np.asarray(table)
    if array.shape != (2, N_LEVELS) or array.dtype.kind not in "iu" or (array.dtype.kind == "i" and array.min() < 0):
        raise BadParameter(
            f"a table of {array.dtype} of shape {array.shape}", expected=f"counts, integers of shape (2, {N_LEVELS})"
        )
    return array.astype(np.int64)


def _occurring(table: Levels) -> NDArray[np.intp]:
    """Return the levels that occur, the lowest first."""
    return np.flatnonzero(table.any(axis=0))


def _from_top(row: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many pixels have each level or more."""
    return np.cumsum(row[::-1])[::-1]


def _shares(counts: Iterable[int], total: int) -> NDArray[np.float64]:
    return np.array([count / total if total else np.nan for count in counts])
