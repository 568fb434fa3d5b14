"""PASCAL VOC 2012 as segbench scores it against a transcription of VOCevalseg.m."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.errors import DatasetError, Refusal, StrayLabel, VoidPrediction
from segbench.protocols.load import load_protocol
from segbench.result import Score
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.oracles import voc

Map = NDArray[np.integer[Any]]
PLAN = Plan.of(load_protocol("voc2012"))
KEYS = ("mean_iou", "pixel_accuracy", "mean_accuracy", "frequency_weighted_iou")
N_LISTS = 2000
N_SHARDS = 4


def scores(truths: Sequence[Map], predictions: Sequence[Map]) -> dict[str, Score]:
    states = PLAN.start()
    for i, (truth, prediction) in enumerate(zip(truths, predictions, strict=True)):
        PLAN.count_one(states, Sample((str(i),), truth, prediction))
    return {key: metric.compute(states[metric.family], PLAN.space) for key, metric in PLAN.metrics.items()}


def random_list(rng: np.random.Generator) -> tuple[list[Map], list[Map]]:
    """Images with void in the truth; often every class is there somewhere, else the mean is undefined."""
    truths, predictions = [], []
    for _ in range(int(rng.integers(1, 4))):
        shape = rng.integers(33, 41, 2) if rng.random() < 0.8 else rng.integers(1, 33, 2)
        some = rng.choice(21, int(rng.integers(1, 22)), replace=False) if rng.random() < 0.5 else np.arange(21)
        truth = rng.choice(some, shape)
        prediction = np.where(rng.random(shape) < rng.random(), truth, rng.integers(0, 21, shape))
        if rng.random() < 0.3:
            prediction = np.where(np.isin(prediction, some), prediction, some[0])
        truths.append(np.where(rng.random(shape) < 0.3 * rng.random(), 255, truth).astype(np.uint8))
        predictions.append(prediction.astype(np.uint8))
    return truths, predictions


def same(found: float, expected: float) -> bool:
    return found == expected or (math.isnan(found) and math.isnan(expected))


def accuracies(table: NDArray[np.int64]) -> list[float]:
    """Recall of each class; a class predicted only has 0, an absent one is undefined, as its IoU is."""
    rows, columns = table.sum(axis=1).tolist(), table.sum(axis=0).tolist()
    hits = table.diagonal().tolist()
    return [h / r if r else (0.0 if c else math.nan) for h, r, c in zip(hits, rows, columns, strict=True)]


@pytest.mark.parametrize("shard", range(N_SHARDS))
def test_random_lists_score_as_in_the_official_script(shard: int) -> None:
    n_large = n_undefined = n_predicted_only = 0
    for seed in range(shard * N_LISTS // N_SHARDS, (shard + 1) * N_LISTS // N_SHARDS):
        truths, predictions = random_list(np.random.default_rng(seed))
        expected = voc.evaluate(truths, predictions)
        found = scores(truths, predictions)
        assert tuple(found) == KEYS
        names = PLAN.space.names
        assert same(found["mean_iou"].value, expected["mean_iou"]), f"seed {seed}"
        for name, iou in zip(names, expected["iou"], strict=True):
            assert same(found["mean_iou"].per_class[name], iou), f"seed {seed}, {name}"
        assert same(found["pixel_accuracy"].value, expected["pixel_accuracy"]), f"seed {seed}"
        recalls = accuracies(expected["table"])
        assert same(found["mean_accuracy"].value, math.fsum(recalls) / 21), f"seed {seed}"
        assert all(map(same, found["mean_accuracy"].per_class.values(), recalls)), f"seed {seed}"
        n_large += min(min(truth.shape) for truth in truths) > 32
        n_undefined += math.isnan(expected["mean_iou"])
        n_predicted_only += any(r == 0 and not math.isnan(r) for r in recalls)
    n = N_LISTS // N_SHARDS
    assert n_large > n / 2 and n / 50 < n_undefined < n * 0.9 and n_predicted_only > n / 50


# The vectors of the protocol page. Row c of the image holds class c, ten columns wide; an eleventh column is void.


def truth_of_rows() -> Map:
    image = np.repeat(np.arange(21, dtype=np.uint8)[:, None], 11, axis=1)
    image[:, 10] = 255
    return image


def prediction_of_rows() -> Map:
    return np.repeat(np.arange(21, dtype=np.uint8)[:, None], 11, axis=1)


def test_a_perfect_prediction_scores_100() -> None:
    found = scores([truth_of_rows()], [prediction_of_rows()])
    # Each class 10 / 10; the 21 void pixels are not counted.
    assert [found[key].value for key in KEYS] == [1.0] * 4
    assert all(set(score.per_class.values()) == {1.0} and len(score.per_class) == 21 for score in found.values())


def test_the_void_border_of_the_truth_in_a_prediction_is_an_error() -> None:
    with pytest.raises(voc.VocError):
        voc.evaluate([truth_of_rows()], [truth_of_rows()])
    with pytest.raises(VoidPrediction) as caught:
        scores([truth_of_rows()], [truth_of_rows()])
    assert (caught.value.pixel, caught.value.count, caught.value.exit) == ((0, 10), 21, 3)


def test_a_missing_class_makes_the_mean_undefined() -> None:
    truth, prediction = truth_of_rows(), prediction_of_rows()
    truth[20, :10], prediction[20] = 0, 0
    found = scores([truth], [prediction])
    # Class 20: 0 / 0. The others 1: background 20 / 20, nineteen classes 10 / 10.
    for key in ("mean_iou", "mean_accuracy"):
        assert math.isnan(found[key].value) and math.isnan(found[key].per_class["tvmonitor"])
        assert list(found[key].per_class.values())[:20] == [1.0] * 20
    assert found["pixel_accuracy"].value == 1.0  # 210 / 210
    assert found["frequency_weighted_iou"].value == 1.0  # a class without truth weighs nothing


def test_class_20_predicted_only_scores_92_857() -> None:
    truth = truth_of_rows()
    truth[20, :10] = 0
    found = scores([truth], [prediction_of_rows()])
    # Background 10 / (10 + 10) = 0.5, class 20 0 / 10 = 0, nineteen others 1: 19.5 / 21 = 0.92857.
    assert found["mean_iou"].value == 19.5 / 21
    assert round(100 * found["mean_iou"].value, 3) == 92.857
    assert list(found["mean_iou"].per_class.values()) == [0.5] + [1.0] * 19 + [0.0]
    assert found["pixel_accuracy"].value == 200 / 210
    # Background 10 / 20, class 20 without truth 0, nineteen others 1.
    assert found["mean_accuracy"].value == 19.5 / 21
    # (20 · 0.5 + 19 · 10 · 1) / 210: the ten pixels of class 20 are no truth.
    assert found["frequency_weighted_iou"].value == 200 / 210


def test_counts_are_pooled_over_images() -> None:
    # Background 0 / 3; class 1 has 1 hit of 1 and 0 of 3: 1 / 4, where a mean over images would say 0.5.
    truths, predictions = [[[1]], [[1, 1, 1]]], [[[1]], [[0, 0, 0]]]
    found = scores(*([np.array(m, np.uint8) for m in images] for images in (truths, predictions)))
    assert list(found["mean_iou"].per_class.values())[:2] == [0.0, 0.25]
    assert found["pixel_accuracy"].value == 0.25


# What the script refuses.


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
@pytest.mark.parametrize("under_void", [True, False])
def test_255_anywhere_in_a_prediction_is_refused(under_void: bool, dtype: str) -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        truths, predictions = random_list(rng)
        truth, prediction = truths[0].astype(dtype), predictions[0].astype(dtype)
        spoiled = np.flatnonzero((truth == 255) == under_void)
        if not spoiled.size:
            continue
        chosen = np.sort(rng.choice(spoiled, int(rng.integers(1, min(5, spoiled.size + 1))), replace=False))
        prediction.flat[chosen] = 255
        with pytest.raises(voc.VocError):
            voc.check(truth, prediction)
        with pytest.raises(VoidPrediction) as caught:
            scores([truth], [prediction])
        first = tuple(int(i) for i in np.unravel_index(chosen[0], truth.shape))
        assert (caught.value.pixel, caught.value.count) == (first, len(chosen)), f"seed {seed}"


@pytest.mark.parametrize("value", [*range(21, 255)])
def test_any_other_value_is_a_stray_at_its_first_pixel(value: int) -> None:
    rng = np.random.default_rng(value)
    shape = (int(rng.integers(1, 50)), int(rng.integers(1, 50)))
    truth = np.where(rng.random(shape) < 0.3, 255, rng.integers(0, 21, shape)).astype(np.uint8)
    prediction = rng.integers(0, 21, shape).astype(np.uint8)
    chosen = np.sort(rng.choice(truth.size, int(rng.integers(1, min(9, truth.size + 1))), replace=False))
    prediction.flat[chosen] = value
    if rng.random() < 0.5:  # a stray outweighs a void value, wherever it stands
        prediction.flat[0] = 255 if 0 not in chosen else value
    with pytest.raises(voc.VocError):
        voc.check(truth, prediction)
    for dtype in ("uint8", "int32"):
        with pytest.raises(StrayLabel) as caught:
            scores([truth.astype(dtype)], [prediction.astype(dtype)])
        first = tuple(int(i) for i in np.unravel_index(chosen[0], shape))
        assert (caught.value.pixel, caught.value.count) == (first, len(chosen)), f"seed {value}"
        assert f"value {value} " in caught.value.found


def test_a_value_of_the_truth_that_is_no_class_is_a_fault_of_the_data_set() -> None:
    truth = truth_of_rows()
    truth[3, 4] = 21
    with pytest.raises(DatasetError) as caught:
        scores([truth], [prediction_of_rows()])
    assert (caught.value.pixel, caught.value.count, caught.value.exit) == ((3, 4), 1, 4)


def test_the_faults_of_several_images_are_told_together() -> None:
    void, stray = prediction_of_rows(), prediction_of_rows()
    void[2, 3], stray[4, 5] = 255, 99
    samples = [Sample((name,), truth_of_rows(), m) for name, m in (("a", void), ("b", stray))]
    tally = PLAN.tallies["confusion"]
    with pytest.raises(Refusal) as caught:
        tally.count_into(tally.start(), samples)
    assert [(type(f), f.pixel) for f in caught.value.faults] == [(VoidPrediction, (2, 3)), (StrayLabel, (4, 5))]
