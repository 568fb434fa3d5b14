"""What of a truth is suspicious: each reason by hand, and what is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from segbench.errors import BadParameter
from segbench.metrics.label_errors import Suspicion, label_errors
from tests.metrics.detected import Box, Found, True_, compared

A, B = 0, 1
HERE: Box = (0, 0, 10, 10)
NEAR: Box = (0, 0, 10, 8)
THERE: Box = (50, 50, 10, 10)


def doubts(
    true: Sequence[True_], found: Sequence[Found], *, areas: dict[int, float] | None = None, **options: Any
) -> list[Suspicion]:
    both = compared(true, found, excused=options.pop("excused", ()))
    for row, area in (areas or {}).items():
        both.truth.sizes()[row] = area
    return label_errors(both, **options)


def test_a_sure_detection_where_nothing_is() -> None:
    true = [(0, A, HERE, False)]
    found = [(0, A, HERE, 0.99), (0, B, THERE, 0.75), (0, B, (80, 80, 5, 5), 0.9), (0, A, (90, 0, 5, 5), 0.4)]
    assert doubts(true, found) == [Suspicion("missing", 0.9, -1, 2), Suspicion("missing", 0.75, -1, 1)]
    assert [one.detection for one in doubts(true, found, least_score=0.4)] == [2, 1, 3]
    assert [one.detection for one in doubts(true, found, excused=[2])] == [1], "its class is not labelled here"


def test_near_an_instance_or_in_a_crowd_nothing_is_missing() -> None:
    # IoU 1/10 is background still, 2/10 is not.
    for height, n in ((1, 1), (2, 0)):
        assert len(doubts([(0, A, HERE, False)], [(0, B, (0, 0, 10, height), 0.9)])) == n
    assert doubts([(0, A, (0, 0, 40, 40), True)], [(0, B, HERE, 0.9)]) == []


def test_a_sure_detection_of_another_class() -> None:
    true = [(0, A, HERE, False)]
    # Score times IoU decides which of two speaks, and how much: 0.9·0.8 and 0.8·1.
    assert doubts(true, [(0, B, NEAR, 0.9), (0, B, HERE, 0.8)]) == [Suspicion("class", 0.8, 0, 1)]
    # One of its own class speaks for the annotation, unless it is not sure.
    assert doubts(true, [(0, B, HERE, 0.9), (0, A, NEAR, 0.6)]) == []
    assert doubts(true, [(0, B, HERE, 0.9), (0, A, NEAR, 0.4)]) == [Suspicion("class", 0.9, 0, 0)]
    assert doubts(true, [(0, B, HERE, 0.9)], iou=1.0) == [Suspicion("class", 0.9, 0, 0)]
    assert doubts(true, [(0, B, NEAR, 0.9)], iou=0.9) == []


def test_an_odd_shape_that_nothing_finds() -> None:
    true = [(0, A, HERE, False), (0, A, THERE, False), (0, A, (80, 0, 10, 10), False), (0, A, (0, 80, 0, 9), False)]
    # They fill 5 %, 200 %, all and, without room, nothing of their boxes.
    odd = doubts(true, [], areas={0: 5.0, 1: 200.0, 2: 100.0, 3: 5.0})
    assert odd == [Suspicion("shape", 1, 3, -1), Suspicion("shape", 0.5, 0, -1), Suspicion("shape", 0.5, 1, -1)]
    # What is found, of whatever class, exists; and what is usual is not odd.
    assert doubts(true[:1], [(0, A, HERE, 0.9)], areas={0: 5.0}) == []
    assert doubts(true[:1], [], areas={0: 10.0}) == []
    assert doubts([(0, A, HERE, True)], [], areas={0: 5.0}) == [], "a crowd may have any shape"


def test_scores_that_are_no_probabilities_weigh_at_most_one() -> None:
    assert [one.weight for one in doubts([], [(0, A, HERE, 7.0), (0, A, THERE, 3.0)])] == [1, 1]


def test_the_order_is_that_of_weight_then_reason_then_row() -> None:
    true = [(0, A, HERE, False), (0, A, (80, 0, 10, 10), False)]
    found = [(0, B, THERE, 0.5), (0, B, HERE, 0.5)]
    listed = doubts(true, found, areas={1: 5.0})
    assert [(one.reason, one.weight) for one in listed] == [("missing", 0.5), ("class", 0.5), ("shape", 0.5)]
    assert all(np.isfinite(one.weight) for one in listed)


@pytest.mark.parametrize("options", [{"iou": 0.05}, {"background_iou": 0}, {"iou": 1.5}])
def test_thresholds_that_make_no_sense(options: dict[str, float]) -> None:
    with pytest.raises(BadParameter, match="0 < background ≤ threshold ≤ 1"):
        doubts([], [], **options)
