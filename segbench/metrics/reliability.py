"""Whether the scores of detections are the probabilities that they are right."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter
from segbench.frozen import dataclass


@dataclass(frozen=True)
class Reliability:
    """Precision against score, by bins of the score.

    Parameters
    ----------
    lower, upper : ndarray of float64, shape (bins,)
        The edges of each bin that holds a detection.
    predicted, observed : ndarray of float64, shape (bins,)
        The mean score, and the share of right ones.
    detections : ndarray of int64, shape (bins,)
        How many it holds.
    expected_error : float
        Expected calibration error: Σ detections·|observed − predicted| / Σ detections; NaN without a detection.
    largest_error : float
        The largest |observed − predicted| of a bin; NaN without a detection.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    detections: NDArray[np.int64]
    expected_error: float
    largest_error: float


def reliability(scores: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> Reliability:
    """Return the points of the reliability diagram of detections, and the calibration errors.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        How sure the detector is, from 0 to 1.
    right : ndarray of bool, shape (n,)
        Whether it is right; those that are neither are left out beforehand.
    bins : int
        How many bins of equal width [0, 1] is cut into.

    Returns
    -------
    Reliability
        The bins that hold a detection, the lowest first.

    Raises
    ------
    BadParameter
        For scores that are no probabilities, or less than one bin.

    Notes
    -----
    A bin holds its upper edge, and the first one also 0, as in `segbench.metrics.curves.calibration`. Sums are exact,
    so that no order of the detections changes anything.

    References
    ----------
    Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015. Guo et
    al., On Calibration of Modern Neural Networks, ICML 2017.

    Examples
    --------
    >>> curve = reliability(np.array([0.2, 0.4, 0.75, 0.75]), np.array([False, True, True, True]), bins=2)
    >>> curve.observed.tolist(), curve.detections.tolist(), curve.largest_error
    ([0.5, 1.0], [2, 2], 0.25)
    """
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
        raise BadParameter(f"bins={bins!r}", expected="a whole number from 1 on")
    wrong = ~((scores >= 0) & (scores <= 1))
    if wrong.any():
        found = f"{int(wrong.sum())} of {len(scores)} scores are no probabilities: {scores[wrong][0]:g}"
        raise BadParameter(found, expected="scores from 0 to 1")
    edges = np.arange(bins + 1) / bins
    places = np.searchsorted(edges[1:-1], scores, side="left")
    counts = np.bincount(places, minlength=bins)
    held = np.flatnonzero(counts)
    sums = [math.fsum(scores[places == i].tolist()) for i in held.tolist()]
    hits = np.bincount(places[right], minlength=bins)[held]
    n, predicted, observed = counts[held], np.array(sums) / counts[held], hits / counts[held]
    gaps = np.abs(observed - predicted).tolist()
    # The difference of sums, not of means: it is rounded once less.
    expected = math.fsum(abs(hit - total) for hit, total in zip(hits.tolist(), sums, strict=True))
    return Reliability(
        edges[:-1][held],
        edges[1:][held],
        predicted,
        observed,
        n.astype(np.int64),
        expected / len(scores) if len(scores) else math.nan,
        max(gaps, default=math.nan),
    )
