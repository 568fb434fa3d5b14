"""COCO-Stuff at its 171 leaves and at supercategories, against the plain reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import segbench
from segbench.errors import DatasetError, StrayLabel, VoidPrediction
from segbench.protocols.load import load_protocol
from segbench.result import Score
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.datasets.pngs import png
from tests.oracles import coco_stuff

Map = NDArray[np.integer[Any]]
FULL, SMALL = load_protocol("coco-stuff"), load_protocol("coco-stuff-10k")
PLAN = Plan.of(FULL)
GROUP_OF = {c.id: str(c.group) for c in FULL.space.classes}
LEAVES = np.array(coco_stuff.LEAF_VALUES)
GAPS = sorted(value - 1 for value in coco_stuff.NEVER_USED)
N_LISTS, N_SHARDS = 400, 4

#: Things by ranges of their indices in labels.txt, gaps among them; then stuff.
SUPERCATEGORIES: dict[str, tuple[int, ...]] = {
    "person": (1,),
    "vehicle": tuple(range(2, 10)),
    "outdoor": tuple(range(10, 16)),
    "animal": tuple(range(16, 26)),
    "accessory": tuple(range(26, 34)),
    "sports": tuple(range(34, 44)),
    "kitchen": tuple(range(44, 52)),
    "food": tuple(range(52, 62)),
    "furniture": tuple(range(62, 72)),
    "electronic": tuple(range(72, 78)),
    "appliance": tuple(range(78, 84)),
    "indoor": tuple(range(84, 92)),
    "textile": (92, 93, 104, 105, 109, 131, 137, 141, 152, 167, 168),
    "plant": (94, 97, 119, 124, 129, 134, 142, 163, 169),
    "building": (95, 96, 128, 151, 158, 166),
    "furniture-stuff": (98, 107, 108, 110, 112, 123, 130, 133, 156, 161, 165),
    "structural": (99, 113, 138, 146, 164),
    "raw-material": (100, 132, 139, 143),
    "floor": (101, 114, 115, 116, 117, 118),
    "ceiling": (102, 103),
    "sky": (106, 157),
    "ground": (111, 125, 126, 136, 140, 144, 145, 147, 149, 154, 159),
    "water": (120, 148, 155, 178, 179),
    "food-stuff": (121, 122, 153, 170),
    "solid": (127, 135, 150, 160, 162, 182),
    "wall": tuple(range(171, 178)),
    "window": (180, 181),
}


def scores(truths: Sequence[Map], predictions: Sequence[Map]) -> dict[str, Score]:
    states = PLAN.start()
    for i, (truth, prediction) in enumerate(zip(truths, predictions, strict=True)):
        PLAN.count_one(states, Sample((str(i),), truth, prediction))
    return {key: metric.compute(states[metric.family], PLAN.space) for key, metric in PLAN.metrics.items()}


def random_list(rng: np.random.Generator) -> tuple[list[Map], list[Map]]:
    """Maps of some leaves, with void in the truth; leaves of one supercategory are often confused."""
    truths, predictions = [], []
    known = rng.choice(LEAVES, int(rng.integers(1, 40)), replace=False)
    related = [value for value in LEAVES if GROUP_OF[int(value)] in {GROUP_OF[int(k)] for k in known}]
    for _ in range(int(rng.integers(1, 4))):
        shape = rng.integers(33, 41, 2) if rng.random() < 0.8 else rng.integers(1, 33, 2)
        truth = rng.choice(known, shape)
        other = rng.choice(related if rng.random() < 0.5 else LEAVES, shape)
        other = rng.choice(known, shape) if rng.random() < 0.3 else other
        predictions.append(np.where(rng.random(shape) < rng.random(), truth, other).astype(np.uint8))
        truths.append(np.where(rng.random(shape) < 0.3 * rng.random(), 255, truth).astype(np.uint8))
    return truths, predictions


def same(found: float, expected: float) -> bool:
    return found == expected or (math.isnan(found) and math.isnan(expected))


#: The four numbers over supercategories, and what the reference calls them.
OF_GROUPS = {
    "category_iou": "mean_iou",
    "category_frequency_weighted_iou": "frequency_weighted_iou",
    "category_accuracy": "mean_accuracy",
    "category_pixel_accuracy": "pixel_accuracy",
}


@pytest.mark.parametrize("shard", range(N_SHARDS))
def test_random_lists_score_as_the_reference(shard: int) -> None:
    n_large = n_predicted_only = n_groups_alone = n_void = 0
    for seed in range(shard * N_LISTS // N_SHARDS, (shard + 1) * N_LISTS // N_SHARDS):
        truths, predictions = random_list(np.random.default_rng(seed))
        expected, found = coco_stuff.evaluate(truths, predictions, GROUP_OF), scores(truths, predictions)
        leaves, upper = expected["leaves"], expected["supercategories"]
        for key in ("mean_iou", "frequency_weighted_iou", "mean_accuracy", "pixel_accuracy"):
            assert same(found[key].value, leaves[key]), (seed, key)  # type: ignore[literal-required]
        assert all(map(same, found["mean_iou"].per_class.values(), leaves["iou"])), seed
        for key, theirs in OF_GROUPS.items():
            assert same(found[key].value, upper[theirs]), (seed, key)  # type: ignore[literal-required]
        for name, iou in zip(expected["names"], upper["iou"], strict=True):
            assert same(found["category_iou"].per_class[name], iou), (seed, name)
        table = leaves["table"]
        alone = (table.sum(axis=1) == 0) & (table.sum(axis=0) > 0)
        groups = upper["table"]
        n_large += min(min(truth.shape) for truth in truths) > 32
        n_predicted_only += bool(alone.any())
        n_groups_alone += bool(((groups.sum(axis=1) == 0) & (groups.sum(axis=0) > 0)).any())
        n_void += any((truth == 255).any() for truth in truths)
    n = N_LISTS // N_SHARDS
    assert n_large > n / 2 and n_predicted_only > n / 4 and n_groups_alone > n / 10 and n_void > n / 2


# The table of classes.


def test_the_values_of_classes_are_those_of_the_reference() -> None:
    assert [c.id for c in FULL.space.classes] == list(coco_stuff.LEAF_VALUES)
    assert [c.is_thing for c in FULL.space.classes] == [True] * 80 + [False] * 91
    assert FULL.space.void == (255,)
    assert {c.name for c in FULL.space.classes}.isdisjoint(coco_stuff.NEVER_USED.values())


def test_the_supercategories() -> None:
    of_index = {index: group for group, indices in SUPERCATEGORIES.items() for index in indices}
    assert sorted(of_index) == list(range(1, 183))
    assert {value: of_index[value + 1] for value in coco_stuff.LEAF_VALUES} == GROUP_OF
    # A leaf that bears the name of a group belongs to it: floor-tile to floor, food-other to food-stuff.
    for c in FULL.space.classes[80:]:
        head = c.name.partition("-")[0]
        if head in SUPERCATEGORIES:
            assert c.group in (head, f"{head}-stuff"), c.name


def test_10k_has_the_same_classes_and_metrics() -> None:
    assert SMALL.space == FULL.space and SMALL.train_ids == FULL.train_ids
    assert [m.signature() for m in SMALL.metrics] == [m.signature() for m in FULL.metrics]
    assert dict(SMALL.splits) == {"train": 9000, "test": 1000}
    assert dict(FULL.splits) == {"train2017": 118287, "val2017": 5000}


# Traps.


def test_a_class_that_is_only_predicted_is_left_out() -> None:
    found = scores([np.array([[0, 0, 0, 1, 1, 1]], np.uint8)], [np.array([[0, 0, 2, 1, 1, 1]], np.uint8)])
    # person 2/3, bicycle 3/3; car has no truth: 5/6, where counting it as 0 would give 5/9.
    assert found["mean_iou"].value == pytest.approx(5 / 6, rel=1e-15)
    assert math.isnan(found["mean_iou"].per_class["car"])
    # Group person 2/3; vehicle: 3 hits, 3 true, 4 predicted.
    assert found["category_iou"].value == pytest.approx((2 / 3 + 3 / 4) / 2, rel=1e-15)


@pytest.mark.parametrize("value", [*GAPS, 182, 183, 254])
def test_the_values_of_things_that_never_occur_are_refused(value: int) -> None:
    good = np.full((3, 4), 5, np.uint8)
    bad = good.copy()
    bad[1, 2] = value
    with pytest.raises(coco_stuff.CocoStuffError):
        coco_stuff.check(good, bad)
    with pytest.raises(StrayLabel) as caught:
        scores([good], [bad])
    assert (caught.value.pixel, caught.value.count) == ((1, 2), 1)
    with pytest.raises(DatasetError):
        scores([bad], [good])


@pytest.mark.parametrize("truth", [5, 255])
def test_unlabelled_in_a_prediction_is_refused(truth: int) -> None:
    labels, prediction = np.full((2, 2), 5, np.uint8), np.full((2, 2), 5, np.uint8)
    labels[1, 0], prediction[1, 0] = truth, 255
    with pytest.raises(VoidPrediction) as caught:
        scores([labels], [prediction])
    assert caught.value.pixel == (1, 0)


def site(tmp_path: Path, truth: Map, prediction: Map) -> dict[str, Any]:
    for folder, labels in (("data/annotations/val2017", truth), ("out", prediction)):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "000000000139.png").write_bytes(png(labels))
    return {"predictions": tmp_path / "out", "data_root": tmp_path / "data", "dataset": "coco-stuff"}


def compact(labels: Map) -> Map:
    """The numbering 0…170, without gaps."""
    return np.searchsorted(LEAVES, labels).astype(np.uint8)


def test_the_compact_numbering_is_read_as_train_ids(tmp_path: Path) -> None:
    truth = np.resize(LEAVES, (9, 19)).astype(np.uint8)
    prediction = truth[::-1].copy()
    asked = site(tmp_path, truth, compact(prediction))
    found = segbench.score(**asked, input="trainids")
    expected = scores([truth], [prediction])
    assert {key: score.value for key, score in found.scores.items()} == {k: s.value for k, s in expected.items()}
    assert FULL.train_ids == {i: int(value) for i, value in enumerate(LEAVES)}


def test_the_compact_numbering_is_recognised_by_a_gap(tmp_path: Path) -> None:
    truth = np.resize(LEAVES, (9, 19)).astype(np.uint8)
    with pytest.raises(StrayLabel) as caught:
        segbench.score(**site(tmp_path, truth, compact(truth)))
    assert "--input trainids" in caught.value.mend


def test_the_compact_numbering_is_recognised_without_a_gap(tmp_path: Path) -> None:
    # tree, road and sky-other are no gap in either numbering.
    truth = np.tile(np.array([168, 148, 156], np.uint8), (4, 5))
    warnings = segbench.score(**site(tmp_path, truth, compact(truth))).warnings
    assert [w for w in warnings if "in 100 % of the pixels when they are read as train ids" in w]


def test_the_indices_of_labels_txt_are_one_too_high(tmp_path: Path) -> None:
    truth = np.array([[0, 181, 90 - 1, 91]], np.uint8)
    with pytest.raises(StrayLabel) as caught:
        segbench.score(**site(tmp_path, truth, truth + 1))
    assert "one too high" in caught.value.mend


def test_stuffthingmaps_may_lie_in_a_folder_of_their_name(tmp_path: Path) -> None:
    asked = site(tmp_path, np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8))
    (tmp_path / "data" / "annotations").rename(tmp_path / "data" / "stuffthingmaps")
    assert segbench.score(**asked).scores["mean_iou"].value == 1.0


@pytest.mark.parametrize("where", ["annotations/val2017", "stuffthingmaps/val2017", "by path"])
def test_what_mmsegmentation_writes_beside_the_truth_is_no_image(tmp_path: Path, where: str) -> None:
    asked = site(tmp_path, np.array([[0, 181], [62, 255]], np.uint8), np.array([[0, 181], [62, 0]], np.uint8))
    folder = tmp_path / "data/annotations/val2017"
    (folder / "000000000139_labelTrainIds.png").write_bytes(png(np.zeros((2, 2), np.uint8)))
    if where == "by path":
        asked = {**asked, "data_root": None, "truth": folder}
    else:
        (tmp_path / "data/annotations").rename(tmp_path / "data" / where.partition("/")[0])
    result = segbench.score(**asked)
    assert (result.n_images, result.scores["pixel_accuracy"].value) == (1, 1.0)


def test_10k_wants_the_list_of_its_split(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    with pytest.raises(DatasetError, match="no such list of images") as caught:
        segbench.score(tmp_path, dataset="coco-stuff-10k", data_root=tmp_path)
    assert caught.value.file.endswith("imageLists/test.txt")
