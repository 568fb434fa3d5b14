"""KITTI semantic as segbench scores it, instance maps read from files, against the plain reference of its devkit."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import segbench
from segbench.datasets.instances import instances_map
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError, MissingPrediction, StrayLabel
from segbench.protocols.load import load_protocol
from segbench.result import Score
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.datasets.pngs import png
from tests.oracles import kitti_semantic
from tests.oracles.test_cityscapes_official import random_scene

Map = np.ndarray
Scene = tuple[Map, Map, Map]
PROTOCOL, CITYSCAPES = load_protocol("kitti-semantic"), load_protocol("cityscapes")
ROAD, SKY, CAR, CARAVAN, VOID = 7, 23, 26, 29, 0
N_LISTS, N_SHARDS = 1000, 10


def scores(tmp_path: Path, scenes: list[Scene]) -> dict[str, Score]:
    """Score scenes whose instance maps are written as 16-bit PNG and read in the layout."""
    plan = Plan.of(PROTOCOL)
    states = plan.start()
    truths = TruthSet(PROTOCOL, PROTOCOL.layout, "train", tmp_path, [])
    (tmp_path / "training" / "instance").mkdir(parents=True, exist_ok=True)
    for i, (truth, prediction, instances) in enumerate(scenes):
        key = f"{i:06}_10"
        (tmp_path / "training" / "instance" / f"{key}.png").write_bytes(png(instances, depth=16))
        plan.count_one(states, Sample((key,), truth, prediction, instances_map(truths, key)))
    return {key: metric.compute(states[metric.family], plan.space) for key, metric in plan.metrics.items()}


def in_kitti_ids(instances: Map) -> Map:
    """Class × 256 + number for class × 1000 + number; what had no number gets number 0."""
    label, number = np.where(instances >= 1000, instances // 1000, instances), instances % 1000
    return label * 256 + np.where(instances >= 1000, number, 0)


def random_scenes(seed: int) -> list[Scene]:
    rng = np.random.default_rng(seed)
    tiles = [random_scene(rng) for _ in range(int(rng.integers(1, 4)))]
    if seed % 3:
        # Two of three are larger than 32×32: small scenes repeated side by side.
        tiles = [tuple(np.tile(layer, (9, 9)) for layer in tile) for tile in tiles]  # type: ignore[misc]
    return [(truth, prediction, in_kitti_ids(instances)) for truth, prediction, instances in tiles]


def same(found: Score, value: float, parts: dict[str, float], what: str) -> None:
    for name, expected in parts.items():
        actual = found.per_class.get(name, math.nan)
        assert actual == expected or math.isnan(actual) and math.isnan(expected), (what, name, actual, expected)
    # The devkit adds the parts one after the other, segbench exactly.
    assert found.value == pytest.approx(value, rel=1e-15, nan_ok=True), what


@pytest.mark.parametrize("block", range(N_SHARDS))
def test_all_scores_equal_the_reference(block: int, tmp_path: Path) -> None:
    n_large = n_defined = n_numberless = n_unscored = 0
    for seed in range(block * N_LISTS // N_SHARDS, (block + 1) * N_LISTS // N_SHARDS):
        scenes = random_scenes(seed)
        expected = kitti_semantic.evaluate(*(list(layer) for layer in zip(*scenes, strict=True)))
        found = scores(tmp_path, scenes)
        for key, value, parts in (
            ("mean_iou", expected["mean_class_iou"], expected["class_iou"]),
            ("mean_iiou", expected["mean_class_iiou"], expected["class_iiou"]),
            ("category_iou", expected["mean_category_iou"], expected["category_iou"]),
            ("category_iiou", expected["mean_category_iiou"], expected["category_iiou"]),
        ):
            same(found[key], value, parts, f"seed {seed}, {key}")
        instances = [layer for _, _, layer in scenes]
        n_large += all(min(layer.shape) > 32 for layer in instances)
        n_defined += not math.isnan(found["mean_iiou"].value)
        n_numberless += any(((layer % 256 == 0) & (layer > 1000)).any() for layer in instances)
        n_unscored += any(((layer % 256 > 0) & np.isin(layer // 256, (29, 30))).any() for layer in instances)
    n = N_LISTS // N_SHARDS
    assert n_large > n / 2 and n_defined > n / 2 and n_numberless > n / 2 and n_unscored > n / 10


def test_classes_are_those_of_cityscapes_but_for_the_sizes() -> None:
    both = ([(c.id, c.name, c.group, c.evaluated) for c in p.space.classes] for p in (PROTOCOL, CITYSCAPES))
    assert next(both) == next(both)
    sizes = {c.id: c.instance_size for c in PROTOCOL.space.classes if c.instance_size is not None}
    assert sizes == kitti_semantic.AVERAGE_SIZE | kitti_semantic.UNUSED_SIZE
    assert PROTOCOL.train_ids == CITYSCAPES.train_ids
    assert [m.signature() for m in PROTOCOL.metrics] == [m.signature() for m in CITYSCAPES.metrics]


def street() -> Scene:
    """Truth 10×20: road left, sky right, a car of 2×3 pixels, cars without number of 2×2, the last row void."""
    truth = np.full((10, 20), SKY, np.uint8)
    truth[:, :10] = ROAD
    truth[2:4, 2:5] = truth[6:8, 2:4] = CAR
    truth[9] = VOID
    instances = truth.astype(np.int64) * 256
    instances[2:4, 2:5] += 1
    return truth, truth.copy(), instances


def test_number_0_is_no_instance(tmp_path: Path) -> None:
    truth, prediction, instances = street()
    prediction[6:8, 2:4] = ROAD
    # The numbered car is found whole; the four pixels without number are a miss for IoU only: 6 of 10.
    found = scores(tmp_path, [(truth, prediction, instances)])
    assert found["mean_iiou"].per_class["car"] == 1.0 and found["mean_iou"].per_class["car"] == 6 / 10


def test_caravan_painted_over_the_car(tmp_path: Path) -> None:
    truth, prediction, instances = street()
    prediction[truth == CAR] = CARAVAN
    found = scores(tmp_path, [(truth, prediction, instances)])
    assert found["mean_iou"].per_class["car"] == found["category_iou"].per_class["vehicle"] == 0.0
    assert found["category_iiou"].per_class["vehicle"] == 1.0


def test_ten_false_pixels_weigh_against_kittis_average_car(tmp_path: Path) -> None:
    truth, prediction, instances = street()
    prediction[0, :10] = CAR
    # One car of 6 pixels weighs 3669.255859 / 6 a pixel, ten false positives one each; in Cityscapes it is 12794.02.
    expected = 3669.255859 / (3669.255859 + 10)
    assert scores(tmp_path, [(truth, prediction, instances)])["mean_iiou"].per_class["car"] == pytest.approx(expected)


@pytest.mark.parametrize("value", [34, 255])
def test_ids_beyond_the_table_are_refused(tmp_path: Path, value: int) -> None:
    truth, prediction, instances = street()
    prediction[5, 6] = value
    with pytest.raises(StrayLabel) as caught:
        scores(tmp_path, [(truth, prediction, instances)])
    assert caught.value.pixel == (5, 6)


def test_an_instance_of_no_label_is_a_fault_of_the_data_set(tmp_path: Path) -> None:
    truth, prediction, instances = street()
    instances[0, 0] = 34 * 256 + 1
    with pytest.raises(kitti_semantic.CityscapesError):
        kitti_semantic.evaluate([truth], [prediction], [instances])
    with pytest.raises(DatasetError, match="instance id"):
        scores(tmp_path, [(truth, prediction, instances)])


# Files.


def site(tmp_path: Path, name: str) -> dict[str, object]:
    truth, prediction, instances = street()
    for folder, file, data in (
        ("training/semantic", "000000_10.png", png(truth)),
        ("training/instance", "000000_10.png", png(instances, depth=16)),
        ("out", name, png(prediction)),
    ):
        path = tmp_path / folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return {"predictions": tmp_path / "out", "data_root": tmp_path, "dataset": "kitti-semantic"}


@pytest.mark.parametrize("name", ["000000_10.png", "semantic/000000_10.png"])
def test_a_prediction_has_the_name_of_its_truth(tmp_path: Path, name: str) -> None:
    assert segbench.score(**site(tmp_path, name)).scores["mean_iiou"].value == 1.0  # type: ignore[arg-type]


def test_no_prediction_is_sought_by_the_beginning_of_its_name(tmp_path: Path) -> None:
    with pytest.raises(MissingPrediction, match="000000_10"):
        segbench.score(**site(tmp_path, "000000_10_pred.png"))  # type: ignore[arg-type]


@pytest.mark.parametrize("label", [34, ROAD], ids=["unknown", "without instances"])
def test_a_wrong_instance_is_told_as_its_file_holds_it(tmp_path: Path, label: int) -> None:
    asked = site(tmp_path, "000000_10.png")
    _, _, instances = street()
    instances[5, 7] = label * 256 + 1
    file = tmp_path / "training/instance/000000_10.png"
    file.write_bytes(png(instances, depth=16))
    with pytest.raises(DatasetError) as caught:
        segbench.score(**asked)  # type: ignore[arg-type]
    assert caught.value.found == f"instance id {label * 256 + 1} at row 5, column 7"
    assert caught.value.expected == "class id × 256 + number, of a class that has instances"
    assert (caught.value.file, caught.value.pixel) == (str(file), (5, 7))


def test_an_instance_map_of_another_size_is_the_fault(tmp_path: Path) -> None:
    asked = site(tmp_path, "000000_10.png")
    file = tmp_path / "training/instance/000000_10.png"
    file.write_bytes(png(street()[2][1:], depth=16))
    with pytest.raises(DatasetError) as caught:
        segbench.score(**asked)  # type: ignore[arg-type]
    assert (caught.value.found, caught.value.expected) == ("an instance map of 9×20 pixels", "10×20 as the truth")
    assert caught.value.file == str(file)


def test_a_stray_truth_is_a_fault_of_the_truth(tmp_path: Path) -> None:
    asked = site(tmp_path, "000000_10.png")
    truth = street()[0]
    truth[0, 0] = 99
    file = tmp_path / "training/semantic/000000_10.png"
    file.write_bytes(png(truth))
    with pytest.raises(DatasetError, match="99") as caught:
        segbench.score(**asked)  # type: ignore[arg-type]
    assert caught.value.file == str(file)


def test_train_ids_are_read_when_asked_for(tmp_path: Path) -> None:
    asked = site(tmp_path, "000000_10.png")
    truth, _, _ = street()
    train_id = {value: train for train, value in PROTOCOL.train_ids.items()}
    written = np.vectorize(lambda value: train_id.get(value, 255))(truth).astype(np.uint8)
    (tmp_path / "out" / "000000_10.png").write_bytes(png(written))
    found = segbench.score(**asked, input="trainids")  # type: ignore[arg-type]
    assert found.scores["mean_iou"].value == 1.0
