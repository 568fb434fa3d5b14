"""CamVid in its 32 colours, alone and grouped into 11 classes, against the plain reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import segbench
from segbench.datasets.maps import label_map
from segbench.errors import MissingPrediction, StrayLabel
from segbench.protocols.load import load_protocol
from segbench.protocols.protocol import Protocol
from segbench.result import Score
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.datasets.pngs import RGB, png
from tests.oracles import camvid, camvid32

Map = NDArray[np.integer[Any]]
ALL, SEGNET, EPONYMOUS = (load_protocol(name) for name in ("camvid32", "camvid32-segnet", "camvid32-eponymous"))
GROUPED = [(SEGNET, camvid32.SEGNET_GROUPS), (EPONYMOUS, camvid32.EPONYMOUS_GROUPS)]
RANKED = "mean_iou(void_prediction=miss)"
PALETTE = np.array(list(camvid32.COLORS.values()), np.uint8)
N_LISTS, N_SHARDS = 400, 4
GOLDEN = Path(__file__).parent.parent / "golden"


def scores(protocol: Protocol, truths: Sequence[Map], predictions: Sequence[Map]) -> dict[str, Score]:
    """Score colour masks, each written and read as a PNG."""
    plan = Plan.of(protocol)
    states = plan.start()
    for i, masks in enumerate(zip(truths, predictions, strict=True)):
        truth, prediction = (label_map(png(mask, kind=RGB), protocol.colors) for mask in masks)
        plan.count_one(states, Sample((str(i),), truth, prediction))
    return {key: metric.compute(states[metric.family], plan.space) for key, metric in plan.metrics.items()}


def random_list(rng: np.random.Generator) -> tuple[list[Map], list[Map]]:
    """Colour masks with black in truth and prediction; lists lack colours, and some are only predicted."""
    truths, predictions = [], []
    black = list(camvid32.COLORS).index("Void")
    known, other = (rng.choice(32, int(rng.integers(1, 33)), replace=False) for _ in range(2))
    for _ in range(int(rng.integers(1, 3))):
        shape = rng.integers(33, 38, 2) if rng.random() < 0.8 else rng.integers(1, 33, 2)
        truth = rng.choice(known, shape)
        prediction = np.where(rng.random(shape) < rng.random(), truth, rng.choice(other, shape))
        given_up = (rng.random(shape) < 0.2 * rng.random()) | (truth == rng.choice(known))
        prediction = np.where(given_up & (rng.random() < 0.7), black, prediction)
        truth = np.where(rng.random(shape) < 0.3 * rng.random(), black, truth)
        truths.append(PALETTE[truth])
        predictions.append(PALETTE[prediction])
    return truths, predictions


def same(found: float, expected: float) -> bool:
    return found == expected or (math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize("shard", range(N_SHARDS))
def test_random_lists_score_as_the_reference(shard: int) -> None:
    n_large = n_void = n_absent = n_predicted_only = 0
    for seed in range(shard * N_LISTS // N_SHARDS, (shard + 1) * N_LISTS // N_SHARDS):
        truths, predictions = random_list(np.random.default_rng(seed))
        where = f"seed {seed}"
        skip = camvid32.evaluate(truths, predictions)
        miss = camvid32.evaluate(truths, predictions, void_prediction="miss")
        found = scores(ALL, truths, predictions)
        for key, expected, listed in (
            ("mean_iou", skip["mean_iou"], skip["iou"]),
            (RANKED, miss["mean_iou"], miss["iou"]),
            ("mean_accuracy", skip["class_accuracy"], skip["per_class_accuracy"]),
        ):
            assert found[key].value == expected, (where, key)
            assert found[key].per_class == dict(zip(camvid32.CLASSES, listed, strict=True)), (where, key)
        assert same(found["pixel_accuracy"].value, skip["global_accuracy"]), where
        for protocol, groups in GROUPED:
            maps = [[camvid32.group(mask, groups) for mask in masks] for masks in (truths, predictions)]
            grouped, expected_11 = scores(protocol, truths, predictions), camvid.evaluate(*maps)
            assert grouped["mean_iou"].value == expected_11["mean_iou"], where
            assert list(grouped["mean_iou"].per_class.values()) == expected_11["iou"], where
            assert grouped["mean_accuracy"].value == expected_11["class_accuracy"], where
            assert same(grouped["pixel_accuracy"].value, expected_11["global_accuracy"]), where
            assert grouped[RANKED].value <= grouped["mean_iou"].value, where
        rows, columns = skip["table"].sum(axis=1), skip["table"].sum(axis=0)[:-1]
        n_large += min(min(truth.shape[:2]) for truth in truths) > 32
        n_void += found[RANKED].value < found["mean_iou"].value
        n_absent += bool(((rows == 0) & (columns == 0)).any())
        n_predicted_only += bool(((rows == 0) & (columns > 0)).any())
    n = N_LISTS // N_SHARDS
    assert n_large > n / 2 and n_void > n / 4 and n_absent > n / 2 and n_predicted_only > n / 4


def test_the_tables_of_colours_are_those_of_the_reference() -> None:
    assert {c.name: c.color for c in ALL.space.classes} == {n: camvid32.COLORS[n] for n in camvid32.CLASSES}
    assert [c.id for c in ALL.space.classes] == [i for i, name in enumerate(camvid32.COLORS) if name != "Void"]
    assert ALL.space.void == (30,)
    for protocol, groups in GROUPED:
        assert protocol.space.names == camvid32.GROUPS and protocol.space.void == (11,)
        of_group = {camvid32.COLORS[m]: i for i, members in enumerate(groups.values()) for m in members}
        assert protocol.colors == dict.fromkeys(camvid32.COLORS.values(), 11) | of_group


def test_classes_and_metrics_are_those_of_camvid() -> None:
    camvid11 = load_protocol("camvid")
    for protocol in (ALL, SEGNET, EPONYMOUS):
        assert [m.signature() for m in protocol.metrics] == [m.signature() for m in camvid11.metrics]
        assert protocol.primary == camvid11.primary == RANKED
    for protocol in (SEGNET, EPONYMOUS):
        assert [(c.id, c.name) for c in protocol.space.classes] == [(c.id, c.name) for c in camvid11.space.classes]


def street(*names: str) -> Map:
    return np.array([[camvid32.COLORS[name] for name in names]], np.uint8)


def test_a_wall_predicted_as_bridge_is_wrong_right_or_not_counted() -> None:
    truth, prediction = street("Sky", "Wall"), street("Sky", "Bridge")
    # 31 classes: Sky 1, Wall and Bridge 0. SegNet: Sky 1, Building 1. Eponymous: Sky 1, the other pixel is void.
    assert scores(ALL, [truth], [prediction])["mean_iou"].value == 1 / 31
    assert scores(SEGNET, [truth], [prediction])["mean_iou"].value == 2 / 11
    found = scores(EPONYMOUS, [truth], [prediction])
    assert found["mean_iou"].value == 1 / 11 and found["pixel_accuracy"].value == 1.0


def test_a_colour_of_no_class_is_a_void_prediction_in_the_eponymous_reading() -> None:
    found = scores(EPONYMOUS, [street("Car", "Car")], [street("Car", "Train")])
    # Train is void here: not counted, Car 1/1; as a miss 1/2. In the SegNet grouping Train is Car.
    assert found["mean_iou"].value == 1 / 11 and found[RANKED].value == 0.5 / 11
    assert scores(SEGNET, [street("Car", "Car")], [street("Car", "Train")])[RANKED].value == 1 / 11


# Files.


def site(tmp_path: Path, prediction: bytes, name: str = "a_L.png", *, truth: Map | None = None) -> dict[str, Any]:
    labels = street("Building", "Sky", "Road") if truth is None else truth
    for folder, file, data in (("LabeledApproved_full", "a_L.png", png(labels, kind=RGB)), ("out", name, prediction)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_bytes(data)
    return {"predictions": tmp_path / "out", "data_root": tmp_path}


def test_swapped_red_and_blue_is_refused_with_a_hint(tmp_path: Path) -> None:
    swapped = street("Building", "Sky", "Road")[..., ::-1]
    with pytest.raises(StrayLabel) as caught:
        segbench.score(**site(tmp_path, png(swapped, kind=RGB)), dataset="camvid32")
    assert (caught.value.pixel, caught.value.count) == ((0, 0), 1)
    assert "(0, 0, 128) at row 0, column 0" in caught.value.found and "BGR" in caught.value.mend


@pytest.mark.parametrize("protocol", ["camvid32", "camvid32-segnet", "camvid32-eponymous"])
def test_a_colour_that_is_nearly_one_of_the_table_is_refused(tmp_path: Path, protocol: str) -> None:
    nearly = street("Building", "Sky", "Road")
    nearly[0, 2] += 1
    with pytest.raises(StrayLabel) as caught:
        segbench.score(**site(tmp_path, png(nearly, kind=RGB)), dataset=protocol)
    assert caught.value.pixel == (0, 2)


@pytest.mark.parametrize("name", ["a.png", "a_L.png", "CamVid/a_L.png"])
def test_a_prediction_may_have_the_name_of_the_image_or_of_its_truth(tmp_path: Path, name: str) -> None:
    parts = site(tmp_path, b"", "other.png")
    (tmp_path / "out" / "other.png").unlink()
    (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "out" / name).write_bytes(png(street("Building", "Sky", "Road"), kind=RGB))
    assert segbench.score(**parts, dataset="camvid32").scores["pixel_accuracy"].value == 1.0


def test_a_name_with_another_ending_is_no_prediction(tmp_path: Path) -> None:
    with pytest.raises(MissingPrediction):
        segbench.score(**site(tmp_path, png(street("Sky"), kind=RGB), "a_color.png"), dataset="camvid32")


def test_an_index_map_counts_by_value(tmp_path: Path) -> None:
    # Building is line 4 of label_colors.txt counted from 0, Sky 21 and Road 17.
    found = segbench.score(**site(tmp_path, png(np.array([[4, 21, 17]], np.uint8))), dataset="camvid32")
    assert found.scores["pixel_accuracy"].value == 1.0 and not [w for w in found.warnings if "palette" in w]


def test_an_index_beyond_the_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StrayLabel) as caught:
        segbench.score(**site(tmp_path, png(np.array([[4, 32, 17]], np.uint8))), dataset="camvid32")
    assert caught.value.pixel == (0, 1)


def test_a_palette_that_is_painted_right_but_numbered_otherwise_is_warned_of(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette(street("Building", "Sky", "Road").ravel().tolist())
    image.save(tmp_path / "painted.png")
    data = (tmp_path / "painted.png").read_bytes()
    found = segbench.score(**site(tmp_path, data), dataset="camvid32")
    # Read by value: Animal, Archway, Bicyclist.
    assert found.scores["pixel_accuracy"].value == 0.0
    assert [w for w in found.warnings if "was a palette re-ordered" in w]


def test_the_data_set_may_lie_in_a_folder_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "CamVid").symlink_to(GOLDEN / "camvid32" / "data", target_is_directory=True)
    found = segbench.score(GOLDEN / "camvid32" / "predictions", dataset="camvid32", data_root=tmp_path)
    assert found.n_images == 3 and found.split == "all"
