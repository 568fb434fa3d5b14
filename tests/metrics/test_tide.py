"""Errors of a detector by their kinds: each kind by hand, and what correcting it is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from segbench.errors import BadParameter
from segbench.metrics.tide import CORRECTIONS, ERRORS, KINDS, Decomposition, Errors, decompose, errors
from tests.metrics.detected import Box, Found, True_, compared, random_sets

A, B, C = 0, 1, 2
HERE: Box = (0, 0, 10, 10)
THERE: Box = (50, 50, 10, 10)
#: With HERE: 60 of 140 pixels, IoU 3/7; 50 of 150, exactly a third; none.
SHIFTED: Box = (4, 0, 10, 10)
THIRD: Box = (5, 0, 10, 10)
AWAY: Box = (100, 100, 10, 10)

#: 101 recalls.
N = 101


def taken_apart(
    true: Sequence[True_], found: Sequence[Found], n_classes: int = 2, excused: Sequence[int] = ()
) -> tuple[Errors, Decomposition]:
    both = compared(true, found, excused=excused)
    kinds = errors(both)
    return kinds, decompose(both, kinds, n_classes)


def kinds(true: Sequence[True_], *found: Found) -> list[str]:
    """The kinds of detections, the surest first."""
    return [("right", *KINDS)[kind] for kind in taken_apart(true, found, 3)[0].kinds.tolist()]


class TestKinds:
    TRUE = ((0, A, HERE, False),)

    def test_each_by_hand(self) -> None:
        assert kinds(self.TRUE, (0, A, HERE, 0.9)) == ["right"]
        assert kinds(self.TRUE, (0, B, HERE, 0.9)) == ["Cls"]
        assert kinds(self.TRUE, (0, A, SHIFTED, 0.9)) == ["Loc"]
        assert kinds(self.TRUE, (0, B, SHIFTED, 0.9)) == ["Both"]
        assert kinds(self.TRUE, (0, A, HERE, 0.9), (0, A, HERE, 0.8)) == ["right", "Dupe"]
        assert kinds(self.TRUE, (0, A, AWAY, 0.9)) == ["Bkg"]
        assert kinds(self.TRUE, (1, A, HERE, 0.9)) == ["Bkg"], "the other image is empty"

    def test_badly_placed_comes_before_another_class(self) -> None:
        true = [(0, A, HERE, False), (0, B, SHIFTED, False)]
        assert kinds(true, (0, A, SHIFTED, 0.9)) == ["Loc"]
        assert kinds([(0, C, HERE, False), (0, B, SHIFTED, False)], (0, A, SHIFTED, 0.9)) == ["Cls"]

    def test_limits_are_included(self) -> None:
        # IoU exactly 0.5 is a match; of an instance that is taken it is badly placed, not a duplicate.
        half: Box = (0, 0, 10, 5)
        assert kinds(self.TRUE, (0, A, half, 0.9)) == ["right"]
        assert kinds(self.TRUE, (0, A, HERE, 0.9), (0, A, half, 0.8)) == ["right", "Loc"]
        # IoU exactly 0.1 with its own class is badly placed, with another one background.
        tenth: Box = (0, 0, 10, 1)
        assert kinds(self.TRUE, (0, A, tenth, 0.9)) == ["Loc"]
        assert kinds(self.TRUE, (0, B, tenth, 0.9)) == ["Bkg"]

    def test_who_lies_in_a_crowd_of_its_class_is_left_out(self) -> None:
        true = [(0, A, (0, 0, 100, 100), True), (0, A, THERE, False)]
        found, result = taken_apart(true, [(0, A, HERE, 0.9), (0, B, HERE, 0.8), (0, A, THERE, 0.7)])
        assert found.left_out.tolist() == [True, False, False]
        assert result.ap == (1 + 0) / 2, "class B, which has a detection alone, counts 0"
        # Exactly half of it in the crowd is not enough, as in the official tool.
        edge = compared([(0, A, (0, 0, 10, 5), True)], [(0, A, HERE, 0.9)])
        assert errors(edge).left_out.tolist() == [False]

    def test_classes_that_are_not_labelled_are_left_out(self) -> None:
        rows: list[Found] = [(0, B, AWAY, 0.9), (0, A, HERE, 0.8), (0, A, AWAY, 0.7)]
        found, result = taken_apart(self.TRUE, rows, excused=[0, 1])
        assert found.left_out.tolist() == [True, False, False], "what is right counts"
        assert result.ap == 1
        assert result.counts["Bkg"].tolist() == [1, 1], "the kind is told all the same"

    def test_only_what_nothing_else_would_mend_is_missed(self) -> None:
        true = [(0, A, HERE, False), (0, A, THERE, False), (0, A, AWAY, False)]
        found, result = taken_apart(true, [(0, A, SHIFTED, 0.9), (0, B, THERE, 0.8)])
        assert found.unmatched.tolist() == [True] * 3
        assert found.missed.tolist() == [False, False, True]
        assert result.counts["Miss"].tolist() == [1, 0]

    def test_the_surest_error_mends_an_instance_the_others_vanish(self) -> None:
        rows: list[Found] = [(0, A, SHIFTED, 0.7), (0, B, HERE, 0.8), (0, A, THIRD, 0.6)]
        found, _ = taken_apart(self.TRUE, rows)
        assert [("right", *KINDS)[k] for k in found.kinds] == ["Cls", "Loc", "Loc"]
        assert found.mendable.tolist() == [True, False, False]

    def test_of_equal_scores_the_first_mends(self) -> None:
        found, _ = taken_apart(self.TRUE, [(0, A, THIRD, 0.7), (0, A, SHIFTED, 0.7)])
        assert found.mendable.tolist() == [True, False]


class TestCosts:
    def test_each_by_hand(self) -> None:
        # Two instances of class A; a false detection of it is surest, then a right one.
        true = [(0, A, HERE, False), (0, A, THERE, False)]
        found: list[Found] = [(0, A, AWAY, 0.9), (0, A, HERE, 0.8)]
        _, result = taken_apart(true, found, 1)
        # Precision 1/2 up to recall 1/2: the recalls 0, 0.01 … 0.5 are 51 of 101.
        assert result.ap == pytest.approx(51 * 0.5 / N, abs=1e-15)
        gains = {"Bkg": 51 / N, "Miss": 0.5, "FalsePos": 51 / N, "FalseNeg": 0.5}
        for kind, corrected in gains.items():
            assert result.delta[kind] == pytest.approx(corrected - 51 * 0.5 / N, abs=1e-15), kind
        assert [result.delta[kind] for kind in ("Cls", "Loc", "Both", "Dupe")] == [0] * 4

    def test_another_class_goes_to_the_right_one(self) -> None:
        true = [(0, A, HERE, False), (0, B, THERE, False)]
        _, result = taken_apart(true, [(0, B, HERE, 0.9), (0, B, THERE, 0.8)])
        # Class A 0, class B 1/2; then 1 and 1.
        assert (result.ap, result.delta["Cls"], result.delta["Miss"]) == (0.25, 0.75, 0)

    def test_badly_placed_and_twice(self) -> None:
        true = [(0, A, HERE, False), (0, A, THERE, False)]
        rows: list[Found] = [(0, A, HERE, 0.9), (0, A, HERE, 0.8), (0, A, (54, 50, 10, 10), 0.7)]
        _, result = taken_apart(true, rows, 1)
        assert result.ap == pytest.approx(51 / N, abs=1e-15)
        # With the last one right: 1 up to recall 1/2, then 2/3; the duplicate costs nothing now.
        assert result.delta["Loc"] == pytest.approx((51 + 50 * 2 / 3) / N - 51 / N, abs=1e-15)
        assert result.delta["Dupe"] == 0

    def test_a_class_that_is_only_predicted_counts_nought_until_it_is_gone(self) -> None:
        _, result = taken_apart([(0, A, HERE, False)], [(0, A, HERE, 0.9), (0, B, AWAY, 0.8)])
        assert (result.ap, result.delta["Bkg"], result.delta["FalsePos"]) == (0.5, 0.5, 0)

    def test_undefined_without_anything(self) -> None:
        _, result = taken_apart([(0, A, (0, 0, 9, 9), True)], [])
        assert np.isnan(result.ap)

    def test_of_equal_scores_wrong_ones_come_first_when_something_is_corrected(self) -> None:
        true = [(0, A, HERE, False), (1, A, HERE, False), (1, A, THERE, False)]
        rows: list[Found] = [(0, A, HERE, 0.9), (1, A, AWAY, 0.9)]
        _, result = taken_apart(true, rows, 1)
        # The first image first: precision 1 up to recall 1/3; corrected, 1/2 up to recall 1/1: less than 0 is 0.
        assert result.ap == pytest.approx(34 / N, abs=1e-15)
        assert result.delta["FalseNeg"] == pytest.approx(0.5 - 34 / N, abs=1e-15)


def test_laws_on_random_sets() -> None:
    seen = dict.fromkeys(ERRORS, 0)
    for seed in range(300):
        true, rows = random_sets(seed)
        if not true:
            continue
        found, result = taken_apart(true, rows, 3)
        assert list(result.delta) == list(CORRECTIONS)
        if not np.isnan(result.ap):
            assert 0 <= result.ap <= 1
            # A cost is undefined where nothing would be left, which takes that nothing is right.
            undefined = [value for value in result.delta.values() if np.isnan(value)]
            assert not undefined or not (found.kinds == 0).any()
            assert all(0 <= result.ap + value <= 1 + 1e-12 for value in result.delta.values() if not np.isnan(value))
            assert all(not result.delta[kind] < 0 for kind in ERRORS)
        right = int((found.kinds == 0).sum())
        assert right + sum(int(result.counts[kind].sum()) for kind in KINDS) == len(found.kinds)
        assert right + int(found.unmatched.sum()) == sum(not crowd for *_, crowd in true)
        assert not (found.missed & ~found.unmatched).any()
        assert int(found.mendable.sum()) == int((found.unmatched & ~found.missed).sum())
        for kind in ERRORS:
            seen[kind] += int(result.counts[kind].sum())
    assert all(seen.values()), seen


@pytest.mark.parametrize(("iou", "background"), [(0.5, 0), (0.5, 0.6), (1, 0.1), (float("nan"), 0.1), (0.5, -0.1)])
def test_thresholds_that_make_no_sense_are_refused(iou: float, background: float) -> None:
    with pytest.raises(BadParameter, match="0 < background ≤ threshold < 1"):
        errors(compared([], []), iou=iou, background_iou=background)
