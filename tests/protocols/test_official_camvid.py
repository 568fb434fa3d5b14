"""CamVid (11 classes) as segbench scores it against a transcription of compute_test_results.m."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.errors import DatasetError, StrayLabel
from segbench.metrics.states import State
from segbench.protocols.load import load_protocol
from segbench.result import Score
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.oracles import camvid, policies

Map = NDArray[np.integer[Any]]
PROTOCOL = load_protocol("camvid")
PLAN = Plan.of(PROTOCOL)
RANKED = "mean_iou(void_prediction=miss)"
N_LISTS = 2000
N_SHARDS = 4


def counted(truths: Sequence[Map], predictions: Sequence[Map]) -> dict[str, State]:
    states = PLAN.start()
    for i, (truth, prediction) in enumerate(zip(truths, predictions, strict=True)):
        PLAN.count_one(states, Sample((str(i),), truth, prediction))
    return states


def scores(truths: Sequence[Map], predictions: Sequence[Map]) -> dict[str, Score]:
    states = counted(truths, predictions)
    return {key: metric.compute(states[metric.family], PLAN.space) for key, metric in PLAN.metrics.items()}


def random_list(rng: np.random.Generator) -> tuple[list[Map], list[Map]]:
    """Images with void in truth and prediction; some lists lack classes."""
    truths, predictions = [], []
    known = rng.choice(11, int(rng.integers(1, 12)), replace=False)
    for _ in range(int(rng.integers(1, 4))):
        shape = rng.integers(33, 41, 2) if rng.random() < 0.8 else rng.integers(1, 33, 2)
        truth, other = rng.choice(known, shape), rng.integers(0, 11, shape)
        if rng.random() < 0.5:
            other = rng.choice(known, shape)
        prediction = np.where(rng.random(shape) < rng.random(), truth, other)
        if rng.random() < 0.7:  # some class is given up wherever it is true
            given_up = (rng.random(shape) < 0.2 * rng.random()) | (truth == rng.choice(known))
            prediction = np.where(given_up, camvid.VOID, prediction)
        truths.append(np.where(rng.random(shape) < 0.3 * rng.random(), camvid.VOID, truth).astype(np.uint8))
        predictions.append(prediction.astype(np.uint8))
    return truths, predictions


def same(found: float, expected: float) -> bool:
    return found == expected or (math.isnan(found) and math.isnan(expected))


def test_the_protocol_scores_what_the_script_prints_and_what_boards_rank() -> None:
    assert list(PLAN.metrics) == ["mean_iou", RANKED, "mean_accuracy", "pixel_accuracy"]
    assert PROTOCOL.primary == RANKED


@pytest.mark.parametrize("shard", range(N_SHARDS))
def test_random_lists_score_as_in_the_official_script(shard: int) -> None:
    n_large = n_void = n_emptied = 0
    for seed in range(shard * N_LISTS // N_SHARDS, (shard + 1) * N_LISTS // N_SHARDS):
        truths, predictions = random_list(np.random.default_rng(seed))
        expected = camvid.evaluate(truths, predictions)
        found = scores(truths, predictions)
        where = f"seed {seed}"
        assert found["mean_iou"].value == expected["mean_iou"], where
        assert list(found["mean_iou"].per_class.values()) == expected["iou"], where
        assert found["mean_accuracy"].value == expected["class_accuracy"], where
        assert list(found["mean_accuracy"].per_class.values()) == expected["per_class_accuracy"], where
        assert same(found["pixel_accuracy"].value, expected["global_accuracy"]), where
        pairs = list(zip(truths, predictions, strict=True))
        value, listed = policies.evaluate(pairs, 11, (11,), "iou", void_prediction="miss", absent="zero")
        assert found[RANKED].value == value and list(found[RANKED].per_class.values()) == listed, where
        assert found[RANKED].value <= found["mean_iou"].value, where
        n_large += min(min(truth.shape) for truth in truths) > 32
        n_void += found[RANKED].value < found["mean_iou"].value
        true = {c for truth in truths for c in np.unique(truth).tolist()} - {camvid.VOID}
        n_emptied += any(not expected["table"][c].any() for c in true)
    n = N_LISTS // N_SHARDS
    # `emptied`: every pixel of a class of the truth is predicted void, so its row of the official table is empty.
    assert n_large > n / 2 and n_void > n / 4 and n_emptied > n / 50


def test_half_of_the_sky_as_building() -> None:
    found = scores([row("00001111")], [row("00111111")])
    # Sky 2 / 4, Building 4 / 6, nine absent classes 0, divided by eleven.
    assert found["mean_iou"].value == found[RANKED].value == math.fsum([2 / 4, 4 / 6]) / 11
    assert round(found["mean_iou"].value, 3) == 0.106
    assert found["mean_accuracy"].value == (2 / 4 + 4 / 4) / 11
    assert found["pixel_accuracy"].value == 6 / 8


def test_half_of_the_sky_as_void_is_no_miss_officially_and_a_miss_on_boards() -> None:
    states = counted([row("00001111")], [row("00vv1111")])
    found = {key: metric.compute(states[metric.family], PLAN.space) for key, metric in PLAN.metrics.items()}
    # The script does not count the two pixels: Sky 2 / 2, Building 4 / 4.
    assert found["mean_iou"].value == 2 / 11 and found["mean_accuracy"].value == 2 / 11
    # Boards do: Sky 2 / 4.
    assert found[RANKED].value == (2 / 4 + 1) / 11
    # Pixel accuracy divides by all pixels with a class: 6 of 8.
    assert found["pixel_accuracy"].value == 6 / 8
    warned = {key: metric.warnings(states[metric.family], PLAN.space) for key, metric in PLAN.metrics.items()}
    assert {key for key, texts in warned.items() if texts} == {"mean_iou", "mean_accuracy"}
    assert "2 pixels" in warned["mean_iou"][0]


def test_a_class_given_up_everywhere_scores_zero_even_officially() -> None:
    found = scores([row("0000111")], [row("vvvv111")])
    # Sky has no counted truth and no prediction: absent, 0. Building 3 / 3.
    assert found["mean_iou"].value == 1 / 11 and found[RANKED].value == 1 / 11
    assert found["mean_iou"].per_class["Sky"] == 0.0
    assert found["pixel_accuracy"].value == 3 / 7


def test_predictions_under_void_truth_are_not_seen() -> None:
    found = scores([row("00vv")], [row("025v")])
    # Sky 1 / 2; class 2 has no truth, so 0; class 5 and void lie under void.
    assert found["mean_iou"].value == found[RANKED].value == 0.5 / 11
    assert found["pixel_accuracy"].value == 1 / 2


def test_a_value_beyond_void_is_refused() -> None:
    good, stray = row("0011"), row("001v")
    stray[0, 2] = 12
    with pytest.raises(StrayLabel) as caught:
        scores([good], [stray])
    assert (caught.value.pixel, caught.value.count) == ((0, 2), 1)
    with pytest.raises(DatasetError):
        scores([stray], [good])


def row(text: str) -> Map:
    """One row of class ids; v is void."""
    return np.array([[camvid.VOID if c == "v" else int(c) for c in text]], np.uint8)
