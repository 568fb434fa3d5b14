"""ADE20K by its protocol equals the reference transcription."""

from __future__ import annotations

import numpy as np
import pytest

from segbench.errors import StrayLabel
from segbench.protocols.load import load_protocol
from segbench.result import Score
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.oracles import ade20k

Map = np.ndarray
PROTOCOL = load_protocol("ade20k")
EPS = float(np.finfo(np.float64).eps)


def scores(truths: list[Map], predictions: list[Map]) -> dict[str, Score]:
    plan = Plan.of(PROTOCOL)
    states = plan.start()
    for i, (truth, prediction) in enumerate(zip(truths, predictions, strict=True)):
        plan.count_one(states, Sample((f"ADE_val_{i:08}",), truth, prediction))
    return {key: metric.compute(states[metric.family], plan.space) for key, metric in plan.metrics.items()}


def random_pair(rng: np.random.Generator) -> tuple[Map, Map]:
    shape = (int(rng.integers(1, 30)), int(rng.integers(1, 30)))
    if rng.random() < 0.6:
        shape = (int(rng.integers(33, 64)), int(rng.integers(33, 64)))
    ids = rng.integers(0, 151, size=int(rng.choice([2, 5, 150])))
    truth = rng.choice(ids, size=shape).astype(np.uint8)
    truth = np.repeat(np.repeat(truth, 3, axis=0), 2, axis=1)[: shape[0], : shape[1]]
    wrong = rng.random(truth.shape) < rng.choice([0.0, 0.1, 0.5, 1.0])
    return truth, np.where(wrong, rng.choice(np.append(ids, 0), size=truth.shape), truth).astype(np.uint8)


@pytest.mark.parametrize("block", range(10))
def test_all_scores_equal_the_reference(block: int) -> None:
    for seed in range(100 * block, 100 * (block + 1)):
        rng = np.random.default_rng(seed)
        truths, predictions = map(list, zip(*(random_pair(rng) for _ in range(int(rng.integers(1, 4)))), strict=True))
        if not any(truth.any() for truth in truths):
            continue
        expected, found = ade20k.evaluate(truths, predictions), scores(truths, predictions)
        # The official denominator adds eps for each image: it moves an IoU by at most images · eps.
        for ours, theirs in zip(found["mean_iou"].per_class.values(), expected["iou"], strict=True):
            assert abs(ours - theirs) <= len(truths) * EPS, f"seed {seed}"
        assert found["pixel_accuracy"].value == expected["pixel_accuracy"], f"seed {seed}"
        assert found["mean_iou"].value == pytest.approx(expected["mean_iou"], rel=1e-14, abs=1e-15), f"seed {seed}"
        assert found["ade_score"].value == pytest.approx(expected["score"], rel=1e-14), f"seed {seed}"
        average = (found["pixel_accuracy"].value + found["mean_iou"].value) / 2
        assert found["ade_score"].value == average


def test_absent_classes_stay_in_the_mean_of_150() -> None:
    truth = np.array([[1, 1, 2, 2]], np.uint8)
    prediction = np.array([[1, 1, 2, 0]], np.uint8)
    # IoU 2/2 and 1/2 over 150 classes: 1.5 / 150.
    assert scores([truth], [prediction])["mean_iou"].value == pytest.approx(0.0100, abs=1e-12)


def test_zero_is_a_miss_and_no_false_positive() -> None:
    found = scores([np.array([[3, 3, 0, 5]], np.uint8)], [np.array([[0, 3, 3, 5]], np.uint8)])
    # Class 3: one hit, one miss; its prediction on void is not counted.
    assert found["mean_iou"].per_class["sky"] == 0.5
    assert found["pixel_accuracy"].value == 2 / 3


def test_values_above_150_are_refused_where_the_official_tools_disagree() -> None:
    """A deliberate difference: MATLAB counts 151 as class 150, the Python code drops it."""
    truth, prediction = np.full((2, 3), 7, np.uint8), np.full((2, 3), 7, np.uint8)
    prediction[1, 2] = 151
    with pytest.raises(StrayLabel) as caught:
        scores([truth], [prediction])
    assert (caught.value.pixel, caught.value.count) == ((1, 2), 1)
