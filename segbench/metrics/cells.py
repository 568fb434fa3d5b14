"""How the predicted cells of one slice score against the true ones, at each threshold, after border thinning.

Source: Fiji's Trainable_Segmentation, classes RandError, VariationOfInformation and ClassificationStatistics, whose
order of floating-point operations is kept. Only the last bit of a logarithm may differ: Java leaves it open.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass
from segbench.kernels.thinning import connected_segments, joint_counts, thinned_segments

Floats: TypeAlias = NDArray[np.float64]

#: Added up as the official loop does: 0.3 is 0.30000000000000004 and the last one 0.9999999999999999.
THRESHOLDS = tuple(accumulate([0.1] * 10, initial=0.0))

#: ImageJ keeps labels in 16 bits: numbers of true cells begin anew beyond, those of predicted cells stop there.
HIGHEST_LABEL = 0xFFFF


class SliceScores(NamedTuple):
    """What one slice scores at one threshold; NaN is undefined."""

    v_rand: float
    v_info: float


def true_cells(inside: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the cells of a slice, 4-connected regions `inside`, numbered from 1 by rows; 0 is outside."""
    return connected_segments(foreground=inside) & np.int32(HIGHEST_LABEL)


def score_slice(*, cells: NDArray[np.int32], probabilities: NDArray[np.float32]) -> Iterator[SliceScores]:
    """Score one slice at each threshold.

    Parameters
    ----------
    cells : ndarray of int32, shape (rows, columns)
        True cells, 0 outside.
    probabilities : ndarray of float32, shape (rows, columns)
        Of being inside a cell.

    Yields
    ------
    SliceScores
        One for each of `THRESHOLDS`.
    """
    wide = probabilities.astype(np.float64)  # a threshold would be rounded to 32 bits otherwise
    last: NDArray[np.bool_] | None = None
    for threshold in THRESHOLDS:
        inside = wide > threshold
        if last is None or not np.array_equal(inside, last):
            predicted = np.minimum(thinned_segments(foreground=inside), HIGHEST_LABEL)
            shares = Shares.of(joint_counts(truth=cells, prediction=predicted))
            scores = SliceScores(shares.v_rand(), shares.v_info())
        last = inside
        yield scores


@dataclass(frozen=True)
class Shares:
    """How the pixels inside true cells are shared out; all sums are made in the order of the official loops.

    Parameters
    ----------
    n : float
        How many pixels there are.
    joint : ndarray of float64, shape (pairs,)
        Share of each pair of a true and a predicted cell, by true cell, then by predicted cell.
    truth, predicted : ndarray of float64, shape (cells,)
        Share of each cell, lines left out of the predicted ones.
    lines : float
        Share on predicted lines.
    """

    n: float
    joint: Floats
    truth: Floats
    predicted: Floats
    lines: float

    @classmethod
    def of(cls, pairs: NDArray[np.int64]) -> Shares:
        """Return the shares of `pairs` of labels as `joint_counts` lists them."""
        true, predicted, pixels = pairs[pairs[:, 0] > 0].T
        n = float(pixels.sum())
        shares = pixels / n
        in_cell = predicted > 0
        return cls(
            n,
            shares[in_cell],
            _sums(true, shares),
            _sums(predicted[in_cell], shares[in_cell]),
            _sum(shares[~in_cell]),
        )

    def v_rand(self) -> float:
        """Return the harmonic mean of Rand precision and recall, 0 without true cells."""
        if not self.n:
            return 0.0
        squared = self.n * self.n
        singles = self.lines / self.n
        hits = squared * (_sum(self.joint * self.joint) + singles)
        false = squared * (_sum(self.predicted * self.predicted) + singles) - hits
        missed = squared * _sum(self.truth * self.truth) - hits
        precision = hits / (hits + false) if false else 1.0
        recall = hits / (hits + missed) if missed else 1.0
        return 2.0 * precision * recall / (precision + recall)

    def v_info(self) -> float:
        """Return the harmonic mean of the shares of information, 0 where an entropy is 0, NaN where both shares are."""
        if not self.n:
            return 0.0
        singles = self.lines * math.log(self.n)
        truth = _sum(_logs(self.truth))
        predicted = _sum(_logs(self.predicted)) - singles
        joint = _sum(_logs(self.joint)) - singles
        if truth == 0 or predicted == 0:
            return 0.0
        precision = (-truth - (predicted - joint)) / -truth
        recall = (-predicted - (truth - joint)) / -predicted
        total = precision + recall
        return 2.0 * precision * recall / total if total else math.nan


def _sums(cells: NDArray[np.int64], shares: Floats) -> Floats:
    """Add up the shares of each cell, one after the other."""
    sums: NDArray[Any] = np.bincount(cells, weights=shares)
    return sums


def _logs(shares: Floats) -> Floats:
    # Not NumPy's logarithm, whose last bit depends on what the processor can do.
    return np.array([share * math.log(share) for share in shares.tolist() if share])


def _sum(values: Floats) -> float:
    """Add one after the other: NumPy's own sum goes in pairs."""
    return float(np.cumsum(values)[-1]) if len(values) else 0.0
