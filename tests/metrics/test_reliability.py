"""Calibration of scores: by hand, against exact fractions, in any order."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from segbench.errors import BadParameter
from segbench.metrics.reliability import reliability


def test_by_hand() -> None:
    scores = np.array([0.0, 0.125, 0.5, 0.75, 1.0])
    curve = reliability(scores, np.array([True, False, False, True, True]), bins=4)
    # A bin holds its upper edge, the first one also 0: {0, 0.125}, {0.5}, {0.75}, {1}.
    assert curve.lower.tolist() == [0, 0.25, 0.5, 0.75]
    assert curve.upper.tolist() == [0.25, 0.5, 0.75, 1]
    assert curve.predicted.tolist() == [0.0625, 0.5, 0.75, 1]
    assert curve.observed.tolist() == [0.5, 0, 1, 1]
    assert curve.detections.tolist() == [2, 1, 1, 1]
    # (2·0.4375 + 0.5 + 0.25 + 0) / 5, and the second bin is worst.
    assert (curve.expected_error, curve.largest_error) == (0.325, 0.5)


@pytest.mark.parametrize("bins", [1, 3, 10, 15])
def test_edges_are_in_the_bin_that_they_end(bins: int) -> None:
    edges = np.array([k / bins for k in range(1, bins + 1)])
    curve = reliability(edges, np.ones(bins, np.bool_), bins)
    assert curve.predicted.tolist() == edges.tolist()
    assert curve.upper.tolist() == edges.tolist()
    # What is next to an edge is on the side it lies on.
    above = reliability(np.nextafter(edges[:-1], 2), np.ones(bins - 1, np.bool_), bins)
    assert above.lower.tolist() == edges[:-1].tolist()


@pytest.mark.parametrize("bins", [10, 15])
def test_equals_exact_fractions_in_any_order(bins: int) -> None:
    rng = np.random.default_rng(bins)
    scores, right = np.round(rng.random(500), 3), rng.random(500) < 0.6
    held: dict[int, list[int]] = {}
    for i, score in enumerate(scores.tolist()):
        # Scores were written in decimals; so are the edges meant.
        place = max(0, -(-Fraction(str(score)) * bins // 1) - 1)
        held.setdefault(int(place), []).append(i)
    gaps = {
        place: abs(sum(Fraction(float(scores[i])) for i in rows) - int(right[rows].sum()))
        for place, rows in held.items()
    }
    curve = reliability(scores, right, bins)
    assert curve.detections.tolist() == [len(held[place]) for place in sorted(held)]
    assert curve.expected_error == pytest.approx(float(sum(gaps.values()) / 500), abs=1e-15)
    assert curve.largest_error == pytest.approx(max(float(gaps[k] / len(held[k])) for k in held), abs=1e-15)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(500)
        other = reliability(scores[order], right[order], bins)
        assert (other.expected_error, other.largest_error) == (curve.expected_error, curve.largest_error)
        assert np.array_equal(other.predicted, curve.predicted)


def test_perfect_calibration() -> None:
    curve = reliability(np.full(10, 0.5), np.arange(10) < 5)
    assert (curve.expected_error, curve.largest_error) == (0, 0)


def test_undefined_without_detections() -> None:
    curve = reliability(np.zeros(0), np.zeros(0, np.bool_))
    assert len(curve.detections) == 0
    assert np.isnan([curve.expected_error, curve.largest_error]).all()


def test_bad_input() -> None:
    with pytest.raises(BadParameter, match="2 of 3 scores are no probabilities: 7; expected scores from 0 to 1"):
        reliability(np.array([0.5, 7.0, -1.0]), np.ones(3, np.bool_))
    for bins in (0, -1, True, 2.0):
        with pytest.raises(BadParameter, match="a whole number from 1 on"):
            reliability(np.zeros(0), np.zeros(0, np.bool_), bins)  # type: ignore[arg-type]
