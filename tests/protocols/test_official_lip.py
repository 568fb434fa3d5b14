"""LIP and CIHP against the plain reference of test_human.py, and against SCHP's reading of the same table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import segbench
from segbench.errors import DatasetError, ShapeMismatch, StrayLabel, VoidPrediction
from segbench.protocols.load import load_protocol
from segbench.result import Score
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.datasets.pngs import png
from tests.oracles import lip

Map = NDArray[np.integer[Any]]
LIP, CIHP = load_protocol("lip"), load_protocol("cihp")
SCHP = ("mean_iou(absent=zero)", "mean_accuracy(absent=zero,fp_only=count)")
PLAN = Plan.of(LIP, SCHP)
N_LISTS, N_SHARDS = 1000, 4
GOLDEN = Path(__file__).parent.parent / "golden"


def scores(truths: Sequence[Map], predictions: Sequence[Map], plan: Plan = PLAN) -> dict[str, Score]:
    states = plan.start()
    for i, (truth, prediction) in enumerate(zip(truths, predictions, strict=True)):
        plan.count_one(states, Sample((str(i),), truth, prediction))
    return {key: metric.compute(states[metric.family], plan.space) for key, metric in plan.metrics.items()}


def random_list(rng: np.random.Generator) -> tuple[list[Map], list[Map]]:
    truths, predictions = [], []
    known, other = (rng.choice(20, int(rng.integers(1, 21)), replace=False) for _ in range(2))
    for _ in range(int(rng.integers(1, 4))):
        shape = rng.integers(33, 41, 2) if rng.random() < 0.8 else rng.integers(1, 33, 2)
        truth = rng.choice(known, shape)
        prediction = np.where(rng.random(shape) < rng.random(), truth, rng.choice(other, shape))
        truths.append(np.where(rng.random(shape) < 0.3 * rng.random(), 255, truth).astype(np.uint8))
        predictions.append(prediction.astype(np.uint8))
    return truths, predictions


def same(found: float, expected: float) -> bool:
    return found == expected or (math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize("shard", range(N_SHARDS))
def test_random_lists_score_as_the_references(shard: int) -> None:
    n_large = n_absent = n_predicted_only = n_void = 0
    for seed in range(shard * N_LISTS // N_SHARDS, (shard + 1) * N_LISTS // N_SHARDS):
        truths, predictions = random_list(np.random.default_rng(seed))
        expected, found = lip.evaluate(truths, predictions), scores(truths, predictions)
        assert all(map(same, found["mean_iou"].per_class.values(), expected["iou"])), seed
        assert all(map(same, found["mean_accuracy"].per_class.values(), expected["accuracy"])), seed
        for key in ("mean_iou", "mean_accuracy", "pixel_accuracy"):
            assert same(found[key].value, expected[key]), (seed, key)  # type: ignore[literal-required]
        # A weight times a quotient rounds otherwise than a product divided once: a few last bits in 20 terms.
        weighted = expected["frequency_weighted_iou"]
        assert found["frequency_weighted_iou"].value == pytest.approx(weighted, rel=1e-15, nan_ok=True), seed
        _, accuracy, iou = lip.schp(expected["table"])
        assert (found[SCHP[0]].value, found[SCHP[1]].value) == (iou, accuracy), seed
        rows, columns = expected["table"].sum(axis=1), expected["table"].sum(axis=0)
        n_large += min(min(truth.shape) for truth in truths) > 32
        n_absent += iou < expected["mean_iou"]
        n_predicted_only += bool(((rows == 0) & (columns > 0)).any())
        n_void += any((truth == 255).any() for truth in truths)
    n = N_LISTS // N_SHARDS
    assert n_large > n / 2 and n_absent > n / 2 and n_predicted_only > n / 4 and n_void > n / 2


def test_the_tables_of_classes() -> None:
    for protocol, names in ((LIP, lip.NAMES), (CIHP, lip.CIHP_NAMES)):
        assert protocol.space.names == names and protocol.space.void == (255,)
        assert [c.id for c in protocol.space.classes] == list(range(20))
        assert tuple(c.color for c in protocol.space.classes) == lip.COLORS
    assert (LIP.space.names[10], CIHP.space.names[10]) == ("Jumpsuits", "TorsoSkin")
    assert [m.signature() for m in LIP.metrics] == [m.signature() for m in CIHP.metrics]


def test_cihp_counts_as_lip_does() -> None:
    for seed in range(50):
        truths, predictions = random_list(np.random.default_rng(seed))
        found, expected = (scores(truths, predictions, Plan.of(p)) for p in (CIHP, LIP))
        assert all(same(found[key].value, expected[key].value) for key in expected), seed


def test_left_and_right_swapped_is_wrong() -> None:
    truth = np.array([[14, 14, 15, 15, 0, 0]], np.uint8)
    swapped = truth.copy()
    for left, right in lip.FLIP_PAIRS:
        swapped[truth == left], swapped[truth == right] = right, left
    # Background 1, both arms 0.
    assert scores([truth], [swapped])["mean_iou"].value == 1 / 3


@pytest.mark.parametrize(("value", "truth"), [(20, 0), (20, 255), (254, 19)])
def test_values_from_20_on_are_refused_where_the_script_counts_another_row(value: int, truth: int) -> None:
    """A deliberate difference: 20 on truth 0 is booked as background on truth Hat, on truth 19 NumPy raises."""
    labels, prediction = np.full((2, 3), truth, np.uint8), np.zeros((2, 3), np.uint8)
    labels[0, 0], prediction[1, 2] = 0, value
    if truth == 0:
        assert lip.literal_histogram(labels, prediction)[1, 0] == 1
    with pytest.raises(ValueError, match="outside"):
        lip.check(labels, prediction)
    with pytest.raises(StrayLabel) as caught:
        scores([labels], [prediction])
    assert (caught.value.pixel, caught.value.count) == ((1, 2), 1)


@pytest.mark.parametrize("truth", [3, 255])
def test_255_in_a_prediction_is_refused(truth: int) -> None:
    labels, prediction = np.full((2, 2), 3, np.uint8), np.full((2, 2), 3, np.uint8)
    labels[1, 0], prediction[1, 0] = truth, 255
    with pytest.raises(VoidPrediction) as caught:
        scores([labels], [prediction])
    assert caught.value.pixel == (1, 0)


@pytest.mark.parametrize("value", [20, 100, 254])
def test_a_truth_from_20_to_254_is_a_fault_of_the_data_set(value: int) -> None:
    """A deliberate difference: the script drops it as it drops 255, though no label map should hold it."""
    truth = np.array([[0, value]], np.uint8)
    with pytest.raises(DatasetError):
        scores([truth], [np.zeros((1, 2), np.uint8)])


# Files.


def site(tmp_path: Path, truth: str, prediction: Map, dataset: str = "lip") -> dict[str, Any]:
    path = tmp_path / truth
    path.parent.mkdir(parents=True)
    path.write_bytes(png(np.array([[0, 2, 13]], np.uint8)))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / path.name).write_bytes(png(prediction))
    return {"predictions": tmp_path / "out", "data_root": tmp_path, "dataset": dataset}


RIGHT = np.array([[0, 2, 13]], np.uint8)


@pytest.mark.parametrize(
    ("dataset", "truth"),
    [
        ("lip", "TrainVal_parsing_annotations/val_segmentations/100034_483681.png"),
        ("lip", "TrainVal_parsing_annotations/TrainVal_parsing_annotations/val_segmentations/100034_483681.png"),
        ("lip", "LIP/val_segmentations/100034_483681.png"),
        ("cihp", "Validation/Category_ids/0000007.png"),
        ("cihp", "instance-level_human_parsing/Validation/Category_ids/0000007.png"),
    ],
)
def test_the_folders_in_use_are_found(tmp_path: Path, dataset: str, truth: str) -> None:
    found = segbench.score(**site(tmp_path, truth, RIGHT, dataset))
    assert found.split == "val" and found.scores["mean_iou"].value == 1.0


def test_the_list_of_the_split_counts_where_there_is_one(tmp_path: Path) -> None:
    asked = site(tmp_path, "TrainVal_parsing_annotations/val_segmentations/a.png", RIGHT)
    (tmp_path / "TrainVal_parsing_annotations/val_segmentations/unlisted.png").write_bytes(png(RIGHT))
    (tmp_path / "val_id.txt").write_text("a\n", "utf-8")
    assert segbench.score(**asked).n_images == 1


def test_a_prediction_of_another_size_is_refused_where_the_script_resizes_it(tmp_path: Path) -> None:
    asked = site(tmp_path, "TrainVal_parsing_annotations/val_segmentations/a.png", np.zeros((2, 6), np.uint8))
    with pytest.raises(ShapeMismatch):
        segbench.score(**asked)
    # Asked for, it is resized by the nearest pixel: no label appears that was not predicted.
    assert segbench.score(**asked, resize="nearest").scores["pixel_accuracy"].value == 1 / 3
