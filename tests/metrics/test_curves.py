"""Curves from a table of levels: the points of scikit-learn, to the last bit where it divides once."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from segbench.errors import BadParameter
from segbench.metrics.binary import Auc, AveragePrecision
from segbench.metrics.curves import calibration, precision_recall, roc
from tests.metrics.level_cases import Case, cases, counted, table_of

N_CASES = 400
EMPTY = np.zeros((2, 256), np.int64)
#: Numbers of bins with an edge that scikit-learn rounds below the level it should equal, and these levels.
ROUNDED_EDGES = {17: (45, 90, 180), 34: (45, 90, 180), 35: (51, 102, 204), 51: (45, 90, 180), 55: (51, 102, 204)}


def both(n: int) -> list[Case]:
    found = [case for case in cases(n) if case.has_both]
    assert len(found) > n // 3
    return found


def test_the_points_of_the_roc_curve() -> None:
    for case in both(N_CASES):
        positive, levels = case.pixels
        theirs = roc_curve(positive, levels / 255, drop_intermediate=False)
        curve = roc(table_of(positive, levels))
        for mine, other in zip(
            (curve.false_positive_rate, curve.true_positive_rate, curve.thresholds), theirs, strict=True
        ):
            assert mine.dtype == np.float64 and np.array_equal(mine, other), f"seed {case.seed}"


def test_the_points_of_the_precision_recall_curve() -> None:
    for case in both(N_CASES):
        positive, levels = case.pixels
        theirs = precision_recall_curve(positive, levels / 255)
        curve = precision_recall(table_of(positive, levels))
        for mine, other in zip((curve.precision, curve.recall, curve.thresholds), theirs, strict=True):
            assert mine.dtype == np.float64 and np.array_equal(mine, other), f"seed {case.seed}"


def test_the_areas_under_the_curves_are_the_metrics() -> None:
    for case in both(100):
        table = counted(Auc(), case.samples).counts("levels").values
        ours = roc(table)
        area = np.trapezoid(ours.true_positive_rate, ours.false_positive_rate)
        assert math.isclose(area, Auc().value(table), rel_tol=1e-13), f"seed {case.seed}"
        curve = precision_recall(table)
        steps = -np.diff(curve.recall) * curve.precision[:-1]
        assert math.isclose(math.fsum(steps), AveragePrecision().value(table), rel_tol=1e-13), f"seed {case.seed}"


@pytest.mark.parametrize("row", [0, 1])
def test_one_class_alone_has_no_rate_of_the_other(row: int) -> None:
    table = EMPTY.copy()
    table[row, [3, 250]] = 4, 5
    curve = roc(table)
    rates = curve.false_positive_rate, curve.true_positive_rate
    assert np.isnan(rates[1 - row]).all() and rates[row].tolist() == [0, 5 / 9, 1]
    assert np.isnan(precision_recall(table).recall).all() == (row == 0)
    assert precision_recall(table).precision.tolist() == [float(row)] * 2 + [1.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, recall, _ = precision_recall_curve(np.full(9, row), np.repeat([3, 250], [4, 5]))
    assert recall.tolist() == (
        [1, 1, 0] if row == 0 else [1, 5 / 9, 0]
    )  # without a positive pixel 1 there, undefined here


def test_an_empty_table_has_no_points() -> None:
    assert roc(EMPTY).thresholds.tolist() == [math.inf]
    curve = precision_recall(EMPTY)
    assert curve.precision.tolist() == [1.0] and curve.thresholds.size == 0 and np.isnan(curve.recall).all()
    bins = calibration(EMPTY)
    assert bins.predicted.size == bins.observed.size == bins.pixels.size == 0 and math.isnan(bins.expected_error)


# Calibration.


def pixel_by_pixel(case: Case, bins: int) -> tuple[list[list[Fraction]], Fraction]:
    """For each bin that holds a pixel mean prediction, share of positives and pixels; and the expected error."""
    members: list[list[tuple[Fraction, bool]]] = [[] for _ in range(bins)]
    for positive, level in zip(*(a.tolist() for a in case.pixels), strict=True):
        p = Fraction(level, 255)
        index = next(b for b in range(bins) if p <= Fraction(b + 1, bins))
        members[index].append((p, positive))
    held = [m for m in members if m]
    rows = [
        [sum((p for p, _ in m), Fraction(0)) / len(m), Fraction(sum(t for _, t in m), len(m)), Fraction(len(m))]
        for m in held
    ]
    total = sum(len(m) for m in held)
    return rows, sum((n * abs(o - p) for p, o, n in rows), Fraction(0)) / total


@pytest.mark.parametrize("bins", [1, 2, 3, 7, 10, 15])
def test_calibration_is_exact(bins: int) -> None:
    for case in (case for case in cases(60) if 0 < len(case.pixels[0]) < 500):
        rows, error = pixel_by_pixel(case, bins)
        curve = calibration(table_of(*case.pixels), bins)
        found = [curve.predicted.tolist(), curve.observed.tolist(), curve.pixels.tolist()]
        assert found == [[float(row[i]) for row in rows] for i in range(3)], f"seed {case.seed}"
        assert curve.expected_error == float(error), f"seed {case.seed}"


@pytest.mark.parametrize("bins", [1, 2, 5, 10, 15, 20, 51, 60])
def test_calibration_equals_scikit_learn(bins: int) -> None:
    for case in both(N_CASES if bins == 10 else 80):
        positive, levels = case.pixels
        if set(ROUNDED_EDGES.get(bins, ())) & set(levels.tolist()):
            continue
        observed, predicted = calibration_curve(positive, levels / 255, n_bins=bins, strategy="uniform")
        curve = calibration(table_of(positive, levels), bins)
        assert np.array_equal(curve.observed, observed), f"seed {case.seed}"
        # It adds rounded probabilities.
        np.testing.assert_allclose(curve.predicted, predicted, rtol=1e-12, err_msg=f"seed {case.seed}")
        assert int(curve.pixels.sum()) == len(levels)


@pytest.mark.parametrize("bins", range(1, 61))
def test_only_levels_on_a_rounded_edge_are_in_another_bin_than_in_scikit_learn(bins: int) -> None:
    theirs = np.searchsorted(np.linspace(0.0, 1.0, bins + 1)[1:-1], np.arange(256) / 255)
    exact = [next(b for b in range(bins) if Fraction(v, 255) <= Fraction(b + 1, bins)) for v in range(256)]
    assert calibration(EMPTY + [[0], [1]], bins).pixels.tolist() == np.bincount(exact).tolist()
    assert np.flatnonzero(theirs != np.array(exact)).tolist() == list(ROUNDED_EDGES.get(bins, ()))
    assert all(level * bins % 255 == 0 for level in ROUNDED_EDGES.get(bins, ()))


def test_a_level_on_an_edge_belongs_to_the_bin_below() -> None:
    # 51 is 0.2, 102 is 0.4: of five bins 51 shares the first with 0, and 102 the second with 52.
    table = EMPTY.copy()
    table[0, [0, 51, 52, 102, 103]] = 1
    assert calibration(table, 5).pixels.tolist() == [2, 2, 1]


def test_expected_error_of_a_large_table_does_not_overflow() -> None:
    table = np.full((2, 256), 2**54)
    curve = calibration(table, 10)
    # Half of every bin is positive, so a bin is off by |mean level / 255 − 1/2|; it holds 25 or 26 levels.
    means = [float(Fraction(p).limit_denominator(10**4)) for p in curve.predicted.tolist()]
    weights = (curve.pixels // 2**55).tolist()
    assert sum(weights) == 256
    expected = math.fsum(w * abs(p - 0.5) for w, p in zip(weights, means, strict=True)) / 256
    assert math.isclose(curve.expected_error, expected, rel_tol=1e-14)


# What is refused.


@pytest.mark.parametrize(
    "table",
    [
        np.zeros((2, 255), np.int64),
        np.zeros((256, 2), np.int64),
        np.zeros(512, np.int64),
        np.zeros((2, 256)),
        np.zeros((2, 256), bool),
        EMPTY - 1,
        None,
    ],
    ids=["255 levels", "transposed", "flat", "floats", "booleans", "negative", "None"],
)
def test_anything_but_a_table_of_counts_is_refused(table: Any) -> None:
    for function in (roc, precision_recall, calibration):
        with pytest.raises(BadParameter, match=r"expected counts, integers of shape \(2, 256\)"):
            function(table)


@pytest.mark.parametrize("bins", [0, -1, 2.0, True, "10", None])
def test_a_number_of_bins_that_is_none_is_refused(bins: Any) -> None:
    with pytest.raises(BadParameter, match="bins=.*expected a whole number from 1 on"):
        calibration(EMPTY, bins)


def test_tables_stay_as_they_are() -> None:
    table: NDArray[np.int64] = table_of(*both(20)[0].pixels)
    before = table.copy()
    table.setflags(write=False)
    for function in (roc, precision_recall, calibration):
        function(table)
    assert np.array_equal(table, before)
