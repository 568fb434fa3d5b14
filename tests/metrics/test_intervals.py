"""Intervals, p-values and ranks: those of scipy.stats on the same draws, and as often right as they say."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from segbench.metrics.intervals import bootstrap_weights, holm, interval, p_value, rank_ranges, swaps


def means(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    return weights @ values / weights.sum(axis=1)


@pytest.mark.parametrize(("n", "resamples"), [(2, 50), (7, 999), (40, 1000), (1449, 300)])
def test_the_draws_are_those_of_scipy(n: int, resamples: int) -> None:
    values = np.random.default_rng(n).random(n)
    seen: list[np.ndarray] = []

    def counted(chosen: np.ndarray) -> float:
        seen.append(np.bincount(chosen, minlength=n))
        return float(values[chosen].mean())

    stats.bootstrap(
        (np.arange(n),),
        counted,
        n_resamples=resamples,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(5),
    )
    drawn = [row for row in seen if row.sum() == n][-resamples:]
    np.testing.assert_array_equal(bootstrap_weights(n, resamples, 5), drawn)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_the_interval_is_that_of_scipy(level: float) -> None:
    # Whole numbers, whose sums are the same in any order.
    values = np.random.default_rng(0).integers(-500, 500, 30)
    found = stats.bootstrap(
        (np.arange(30),),
        lambda chosen: float(np.dot(np.bincount(chosen, minlength=30), values) / 30),
        n_resamples=400,
        vectorized=False,
        method="percentile",
        confidence_level=level,
        rng=np.random.default_rng(7),
    )
    replicates = bootstrap_weights(30, 400, 7) @ values / 30
    np.testing.assert_array_equal(np.sort(replicates), np.sort(found.bootstrap_distribution))
    # Both interpolate between the same two of 400 values; SciPy rounds its place among them in another way.
    slack = 400 * 2.0**-52 * float(np.ptp(replicates))
    np.testing.assert_allclose(interval(replicates, level), found.confidence_interval, rtol=2.0**-51, atol=slack)


@pytest.mark.parametrize(("n", "permutations"), [(5, 32), (9, 600), (24, 500)])
def test_the_p_value_is_that_of_scipy_on_the_same_null(n: int, permutations: int) -> None:
    rng = np.random.default_rng(n)
    for shift in (0.0, 0.3, 1.5):
        first, second = rng.normal(shift, size=n), rng.normal(size=n)
        found = stats.permutation_test(
            (first, second),
            lambda a, b: float(np.mean(a) - np.mean(b)),
            permutation_type="samples",
            vectorized=False,
            n_resamples=permutations,
            rng=np.random.default_rng(3),
        )
        mine = p_value(found.statistic, found.null_distribution, is_exact=2**n <= permutations)
        assert mine == found.pvalue


def test_all_swaps_are_tried_where_they_are_few() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(0.8, size=6), rng.normal(size=6)
    swapped, is_exact = swaps(6, 64, 0)
    assert is_exact and sorted(map(tuple, swapped.tolist())) == sorted(product([False, True], repeat=6))
    apart = first - second
    null = (np.where(swapped, -1, 1) * apart).mean(axis=1)
    expected = stats.permutation_test(
        (first, second),
        lambda a, b: float(np.mean(a) - np.mean(b)),
        permutation_type="samples",
        vectorized=False,
        n_resamples=np.inf,
    )
    assert p_value(float(apart.mean()), null, is_exact=True) == expected.pvalue
    swapped, is_exact = swaps(6, 63, 0)
    assert not is_exact and swapped.shape == (63, 6)


def test_draws_and_swaps_depend_on_the_seed_alone() -> None:
    for made in (lambda seed: bootstrap_weights(20, 300, seed), lambda seed: swaps(20, 300, seed)[0]):
        np.testing.assert_array_equal(made(4), made(4))
        assert (made(4) != made(5)).any()


def test_an_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    """600 samples of 60 numbers: 95 % of the intervals hold the mean, within what 600 trials can show."""
    rng, trials = np.random.default_rng(11), 600
    held = 0
    for trial in range(trials):
        values = rng.beta(4, 2, 60)
        low, high = interval(means(bootstrap_weights(60, 400, trial), values)) or (math.nan, math.nan)
        held += low <= 4 / 6 <= high
    # The percentile interval of 60 numbers is a little narrow; four standard deviations of 600 trials are 3.6 %.
    assert abs(held / trials - 0.95) < 0.036


def test_chance_alone_is_found_as_rarely_as_it_should() -> None:
    rng, trials = np.random.default_rng(12), 400
    swapped, _ = swaps(20, 399, 0)
    signs = np.where(swapped, -1, 1)
    found = 0
    for _ in range(trials):
        apart = rng.normal(size=20)
        found += p_value(float(apart.mean()), (signs * apart).mean(axis=1), is_exact=False) <= 0.05
    # Four standard deviations of 400 trials.
    assert found / trials < 0.05 + 4 * math.sqrt(0.05 * 0.95 / trials)


def test_undefined_resamples_are_left_out_until_they_are_too_many() -> None:
    values = np.array([0.1, np.nan, 0.3, 0.2])
    assert interval(values) == interval(np.array([0.1, 0.3, 0.2]))
    assert interval(np.array([0.1, np.nan, np.nan, np.nan])) is None
    assert interval(np.array([np.inf, np.nan])) is None
    assert interval(np.empty(0)) is None


def test_a_difference_that_is_undefined_has_no_p_value() -> None:
    assert math.isnan(p_value(math.nan, np.zeros(3), is_exact=False))
    assert math.isnan(p_value(0.1, np.array([0.1, np.nan]), is_exact=False))


def test_equal_sums_in_another_order_are_equal() -> None:
    observed = 0.1 + 0.2 + 0.3
    null = np.array([0.3 + 0.2 + 0.1, -1.0, -1.0, -1.0])
    assert observed != null[0]
    # The first is as large as what was observed: two of five, on both sides.
    assert p_value(observed, null, is_exact=False) == 2 * 2 / 5


def test_holm_is_as_in_the_paper() -> None:
    # Sorted .01 .02 .03 .04, times 4, 3, 2, 1: .04 .06 .06 .04, and never falling.
    assert holm([0.03, 0.01, 0.04, 0.02]) == [0.06, 0.04, 0.06, 0.06]
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    one, undefined, other = holm([0.01, math.nan, 0.03])
    assert (one, other) == (0.02, 0.03) and math.isnan(undefined)
    assert holm([]) == []


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_ranks_are_counted_in_every_resample(higher_is_better: bool) -> None:
    sign = 1 if higher_is_better else -1
    # The third is always last; the first two change places in 40 % of the resamples.
    values = sign * np.array([[0.9, 0.8, 0.1]] * 60 + [[0.7, 0.8, 0.1]] * 40)
    assert rank_ranges(values, higher_is_better=higher_is_better) == [(1, 2), (1, 2), (3, 3)]
    assert rank_ranges(values[:60], higher_is_better=higher_is_better) == [(1, 1), (2, 2), (3, 3)]


def test_equal_scores_share_the_better_rank_and_undefined_ones_are_last() -> None:
    values = np.array([[0.5, 0.5, np.nan]] * 10)
    assert rank_ranges(values, higher_is_better=True) == [(1, 1), (1, 1), (3, 3)]
