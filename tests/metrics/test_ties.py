"""Equal scores: the range of values over all their orders, held against trying every order."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from segbench.labels import LabelSpace
from segbench.metrics.instance_names import Ap50
from segbench.metrics.instance_scores import Ap
from segbench.metrics.running import Running

SPACE = LabelSpace.of(2)


def _counted(metric: Ap, found: list[tuple[float, bool, int]], order: tuple[int, ...]) -> Running[Any]:
    """Each detection is alone in an image of its own, so that only its place among all decides."""
    running = Running(metric, SPACE)
    for image, i in enumerate(order):
        score, right, label = found[i]
        box = [[0.0, 0.0, 10.0, 10.0]]
        running.update(
            truth={"labels": [label], "boxes": box},
            prediction={"labels": [label], "boxes": box if right else [[50.0, 50.0, 10.0, 10.0]], "scores": [score]},
            key=(str(image),),
        )
    return running


@pytest.mark.parametrize("seed", range(25))
def test_range_of_ties_is_that_of_all_orders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = [(float(rng.integers(1, 3)) / 4, bool(rng.integers(2)), int(rng.integers(2))) for _ in range(5)]
    metric = Ap50(iou_type="bbox")
    values = set()
    for order in itertools.permutations(range(len(found))):
        running = _counted(metric, found, order)
        values.add(running.compute().value)
        least, most, n = metric.range_of_ties(running.state, SPACE)
        assert (least, most) == metric.range_of_ties(running.state, SPACE)[:2]
    assert (min(values), max(values)) == (least, most)
    assert (n > 0) == (len(values) > 1) or n > 0  # a tie may cancel out


def test_a_warning_says_how_far_ties_move_ap() -> None:
    metric = Ap(iou_type="bbox")
    running = _counted(metric, [(0.5, False, 0), (0.5, True, 0)], (0, 1))
    (warning,) = metric.warnings(running.state, SPACE)
    assert "2 detections of equal scores" in warning
    running = _counted(metric, [(0.5, False, 0), (0.25, True, 0)], (0, 1))
    assert metric.warnings(running.state, SPACE) == []
