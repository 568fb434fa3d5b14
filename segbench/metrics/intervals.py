"""How sure a number is: resamples, intervals, p-values, and the ranks that chance leaves open.

Sources: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 15. Holm, A simple sequentially
rejective multiple test procedure, 1979. Intervals and p-values are those of `scipy.stats.bootstrap` (``percentile``)
and `scipy.stats.permutation_test` (``samples``) on the same draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Weights: TypeAlias = NDArray[np.int32]

LEVEL = 0.95

#: What share of the resamples has to define a number for it to have an interval.
_ENOUGH = 0.5

#: Resamples that are drawn at a time.
_BATCH = 256


def bootstrap_weights(n_units: int, resamples: int, seed: int) -> Weights:
    """Return how often each unit is drawn, with replacement, in each resample.

    Parameters
    ----------
    n_units : int
        Units to draw from, and draws of a resample.
    resamples : int
        How many.
    seed : int
        Of the generator.

    Returns
    -------
    ndarray of int32, shape (resamples, n_units)
        Each row adds up to `n_units`; the same for the same arguments.
    """
    rng = np.random.default_rng(seed)
    weights = np.zeros((resamples, n_units), np.int32)
    for start in range(0, resamples, _BATCH):
        rows = weights[start : start + _BATCH]
        draws = rng.integers(0, n_units, rows.shape)
        np.add.at(rows, (np.arange(len(rows))[:, np.newaxis], draws), 1)
    return weights


def swaps(n_units: int, permutations: int, seed: int) -> tuple[NDArray[np.bool_], bool]:
    """Return in which units two submissions change places.

    Parameters
    ----------
    n_units : int
        Units of both.
    permutations : int
        How many ways of swapping are tried at most.
    seed : int
        Of the generator.

    Returns
    -------
    ndarray of bool, shape (n_permutations, n_units)
        True where the two change places.
    bool
        Whether these are all ways there are, each once, so that a p-value is exact.
    """
    if n_units < 63 and 2**n_units <= permutations:
        ways = np.arange(2**n_units)[:, np.newaxis]
        return (ways >> np.arange(n_units)) & 1 == 1, True
    return np.random.default_rng(seed).integers(0, 2, (permutations, n_units), dtype=np.int8) == 1, False


def interval(values: Floats, level: float = LEVEL) -> tuple[float, float] | None:
    """Return the percentile interval of a number.

    Parameters
    ----------
    values : ndarray of float, shape (resamples,)
        The number in each resample, NaN where it is undefined there.
    level : float
        How often the interval should hold the true value.

    Returns
    -------
    (float, float) or None
        Lower and upper bound, from the resamples that define the number; None when fewer than half do.
    """
    defined = values[np.isfinite(values)]
    if len(defined) < max(1, _ENOUGH * len(values)):
        return None
    # As SciPy writes it: in percent it would round to another number.
    alpha = (1 - level) / 2
    low, high = np.quantile(defined, [alpha, 1 - alpha])
    return float(low), float(high)


def p_value(observed: float, null: Floats, *, is_exact: bool) -> float:
    """Return how often chance alone comes to a difference at least as large, on either side.

    Parameters
    ----------
    observed : float
        The difference.
    null : ndarray of float, shape (n_permutations,)
        The difference under each way of swapping.
    is_exact : bool
        Whether these are all ways; if not, the observed one is counted among them.

    Returns
    -------
    float
        The p-value; NaN where the difference is undefined, or is under some way of swapping.
    """
    if not np.isfinite(observed) or not np.isfinite(null).all():
        return float("nan")
    # Sums in another order differ in their last bits, and are the same difference.
    slack = 100 * np.finfo(np.float64).eps * abs(observed)
    added = 0 if is_exact else 1
    below, above = int(np.sum(null <= observed + slack)), int(np.sum(null >= observed - slack))
    return min(1.0, 2 * (min(below, above) + added) / (len(null) + added))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, so that one false finding among all is as rare as one alone was.

    Parameters
    ----------
    p_values : sequence of float
        One for each comparison; NaN is no comparison.

    Returns
    -------
    list of float
        Corrected, in the same order.
    """
    defined = sorted((p, i) for i, p in enumerate(p_values) if not np.isnan(p))
    corrected = [float("nan")] * len(p_values)
    largest = 0.0
    for rank, (p, i) in enumerate(defined):
        largest = max(largest, min(1.0, p * (len(defined) - rank)))
        corrected[i] = largest
    return corrected


def rank_ranges(values: Floats, *, higher_is_better: bool, level: float = LEVEL) -> list[tuple[int, int]]:
    """Return the ranks that chance leaves open to each of several submissions.

    Parameters
    ----------
    values : ndarray of float, shape (resamples, n_submissions)
        The score of each in each resample, all of the same images; undefined ones are last.
    higher_is_better : bool
        Of the score.
    level : float
        In what share of the resamples a rank lies in its range.

    Returns
    -------
    list of (int, int)
        Best and worst rank of each, from 1.
    """
    signed = np.where(np.isnan(values), -np.inf, values if higher_is_better else -values)
    # Those that are strictly better stand before; equal ones share the best of their ranks.
    ranks = 1 + np.count_nonzero(signed[:, np.newaxis, :] > signed[:, :, np.newaxis], axis=2)
    bounds = [50 * (1 - level), 50 * (1 + level)]
    low, high = np.percentile(ranks, bounds, axis=0, method="inverted_cdf").astype(int)
    return list(zip(low.tolist(), high.tolist(), strict=True))
