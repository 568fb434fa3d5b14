"""Cityscapes by its protocol equals the reference, which is itself held to cityscapesScripts on the same scenes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segbench.errors import DatasetError, StrayLabel
from segbench.protocols.load import load_protocol
from segbench.result import Score
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.oracles import cityscapes
from tests.oracles.test_cityscapes_official import random_scene

Map = np.ndarray
PROTOCOL = load_protocol("cityscapes")
ROAD, SKY, CAR, CARAVAN, VOID = 7, 23, 26, 29, 0


def scores(scenes: list[tuple[Map, Map, Map]]) -> dict[str, Score]:
    plan = Plan.of(PROTOCOL)
    states = plan.start()
    for i, (truth, prediction, instances) in enumerate(scenes):
        plan.count_one(states, Sample((f"city_{i:06}",), truth, prediction, instances))
    return {key: metric.compute(states[metric.family], plan.space) for key, metric in plan.metrics.items()}


def same(found: Score, value: float, parts: dict[str, float], what: str) -> None:
    for name, expected in parts.items():
        actual = found.per_class.get(name, math.nan)
        assert actual == expected or math.isnan(actual) and math.isnan(expected), (what, name, actual, expected)
    # The script adds the parts one after the other, segbench exactly: a mean of at most 19 may differ in its last bits.
    assert found.value == pytest.approx(value, rel=1e-15, nan_ok=True), what


def random_scenes(seed: int) -> list[tuple[Map, Map, Map]]:
    rng = np.random.default_rng(seed)
    tiles = [[random_scene(rng) for _ in range(4)] for _ in range(int(rng.integers(1, 4)))]
    if seed % 2:
        return [scene for tile in tiles for scene in tile]
    # Half of the cases are larger than 32×32: small scenes repeated side by side.
    return [tuple(np.tile(layer, (5, 5)) for layer in tile[0]) for tile in tiles]  # type: ignore[misc]


@pytest.mark.parametrize("block", range(20))
def test_all_scores_equal_the_reference(block: int) -> None:
    defined = 0
    for seed in range(100 * block, 100 * (block + 1)):
        scenes = random_scenes(seed)
        expected = cityscapes.evaluate(*(list(layer) for layer in zip(*scenes, strict=True)))
        found = scores(scenes)
        same(found["mean_iou"], expected["mean_class_iou"], expected["class_iou"], f"seed {seed}, class IoU")
        same(found["category_iou"], expected["mean_category_iou"], expected["category_iou"], f"seed {seed}, category")
        same(found["mean_iiou"], expected["mean_class_iiou"], expected["class_iiou"], f"seed {seed}, class iIoU")
        same(
            found["category_iiou"],
            expected["mean_category_iiou"],
            expected["category_iiou"],
            f"seed {seed}, category iIoU",
        )
        defined += not math.isnan(found["mean_iiou"].value)
    assert defined > 50, "hardly any scene has an instance"


def street() -> tuple[Map, Map, Map]:
    """Truth 10×20: road left, sky right, a car of 2×3 pixels, a group of cars of 2×2, the last row void."""
    truth = np.full((10, 20), SKY, np.uint8)
    truth[:, :10] = ROAD
    truth[2:4, 2:5] = CAR
    truth[6:8, 2:4] = CAR
    truth[9] = VOID
    instances = truth.astype(np.int32)
    instances[2:4, 2:5] = CAR * 1000
    return truth, truth.copy(), instances


def test_void_predicted_on_ten_road_pixels() -> None:
    truth, prediction, instances = street()
    prediction[0, :10] = VOID
    # Road has 90 − 6 − 4 = 80 pixels, of which 10 are missed: 70 / 80.
    assert scores([(truth, prediction, instances)])["mean_iou"].per_class["road"] == 0.875


def test_anything_on_void_is_free() -> None:
    truth, prediction, instances = street()
    prediction[9] = ROAD
    assert {score.value for score in scores([(truth, prediction, instances)]).values()} == {1.0}


def test_caravan_painted_over_the_car() -> None:
    truth, prediction, instances = street()
    prediction[truth == CAR] = CARAVAN
    found = scores([(truth, prediction, instances)])
    assert found["mean_iou"].per_class["car"] == 0.0
    assert found["category_iou"].per_class["vehicle"] == 0.0
    assert found["category_iiou"].per_class["vehicle"] == 1.0


def test_caravan_painted_on_ten_road_pixels() -> None:
    truth, prediction, instances = street()
    prediction[0, :10] = CARAVAN
    # One car instance of 6 px weighs 12794.0202738185 / 6 a pixel, so iTP = 12794.02…; 10 false positives.
    expected = 12794.0202738185 / (12794.0202738185 + 10)
    assert scores([(truth, prediction, instances)])["category_iiou"].per_class["vehicle"] == pytest.approx(expected)
    assert expected == pytest.approx(0.99922, abs=5e-6)


@pytest.mark.parametrize("value", [34, 255])
def test_ids_beyond_the_table_are_refused(value: int) -> None:
    truth, prediction, instances = street()
    prediction[5, 6] = value
    with pytest.raises(StrayLabel) as caught:
        scores([(truth, prediction, instances)])
    assert caught.value.pixel == (5, 6)


def test_a_damaged_instance_map_is_a_fault_of_the_data_set() -> None:
    truth, prediction, instances = street()
    instances[0, 0] = 34001
    with pytest.raises(DatasetError, match="instance id 34001"):
        scores([(truth, prediction, instances)])


def test_records_give_the_same_scores() -> None:
    plan = Plan.of(PROTOCOL)
    counted, derived = plan.start(), plan.start()
    for i, (truth, prediction, instances) in enumerate(random_scenes(3)):
        sample = Sample((f"city_{i:06}",), truth, prediction, instances)
        plan.add_record(derived, plan.count_one(counted, sample))
    for metric in plan.metrics.values():
        both = [metric.compute(states[metric.family], plan.space) for states in (counted, derived)]
        assert repr(both[0]) == repr(both[1])
