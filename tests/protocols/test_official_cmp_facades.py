"""CMP facades, from PNG and from the XML files, against the plain reference."""

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
from segbench.datasets.maps import truth_map
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError, ShapeMismatch, StrayLabel
from segbench.protocols.load import load_protocol
from segbench.protocols.protocol import Protocol
from segbench.result import Score
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.datasets.pngs import png
from tests.oracles import cmp_facades

Map = NDArray[np.integer[Any]]
PNG, XML = load_protocol("cmp-facades"), load_protocol("cmp-facades-xml")
N_LISTS, N_SHARDS, N_DRAWN = 1000, 4, 150


def scores(truths: Sequence[Map], predictions: Sequence[Map], protocol: Protocol = PNG) -> dict[str, Score]:
    plan = Plan.of(protocol)
    states = plan.start()
    for i, (truth, prediction) in enumerate(zip(truths, predictions, strict=True)):
        plan.count_one(states, Sample((str(i),), truth, prediction))
    return {key: metric.compute(states[metric.family], plan.space) for key, metric in plan.metrics.items()}


def random_list(rng: np.random.Generator) -> tuple[list[Map], list[Map]]:
    truths, predictions = [], []
    known, other = (rng.choice(np.arange(1, 13), int(rng.integers(1, 13)), replace=False) for _ in range(2))
    for _ in range(int(rng.integers(1, 4))):
        shape = rng.integers(33, 41, 2) if rng.random() < 0.8 else rng.integers(1, 33, 2)
        truths.append(rng.choice(known, shape).astype(np.uint8))
        wrong = rng.random(shape) < rng.random()
        predictions.append(np.where(wrong, rng.choice(other, shape), truths[-1]).astype(np.uint8))
    return truths, predictions


def same(found: float, expected: float) -> bool:
    return found == expected or (math.isnan(found) and math.isnan(expected))


def hold(found: dict[str, Score], expected: cmp_facades.CmpResult, where: str) -> None:
    assert list(found) == ["mean_iou", "mean_accuracy", "pixel_accuracy"]
    assert found["mean_iou"].value == expected["mean_iou"], where
    assert found["mean_accuracy"].value == expected["class_accuracy"], where
    assert found["pixel_accuracy"].value == expected["pixel_accuracy"], where
    for name in cmp_facades.NAMES.values():
        assert same(found["mean_iou"].per_class[name], expected["iou"][name]), (where, name)
        assert same(found["mean_accuracy"].per_class[name], expected["accuracy"][name]), (where, name)


@pytest.mark.parametrize("shard", range(N_SHARDS))
def test_random_lists_score_as_the_reference(shard: int) -> None:
    n_large = n_absent = n_predicted_only = 0
    for seed in range(shard * N_LISTS // N_SHARDS, (shard + 1) * N_LISTS // N_SHARDS):
        truths, predictions = random_list(np.random.default_rng(seed))
        expected = cmp_facades.evaluate(truths, predictions)
        hold(scores(truths, predictions), expected, f"seed {seed}")
        rows, columns = expected["table"].sum(axis=1), expected["table"].sum(axis=0)
        n_large += min(min(truth.shape) for truth in truths) > 32
        n_absent += bool(((rows == 0) & (columns == 0)).any())
        n_predicted_only += bool(((rows == 0) & (columns > 0)).any())
    n = N_LISTS // N_SHARDS
    assert n_large > n / 2 and n_absent > n / 2 and n_predicted_only > n / 4


def random_xml(rng: np.random.Generator) -> str:
    """Overlapping rectangles in any order, corners in any order, some on the borders of pixels."""
    text = ""
    for _ in range(int(rng.integers(1, 12))):
        steps = 2 ** int(rng.integers(2, 6))
        x, y = (rng.integers(0, steps + 1, 2) / steps if rng.random() < 0.5 else rng.random(2) for _ in range(2))
        points = "".join(f"<{axis}>{value}</{axis}>" for axis, ends in (("x", x), ("y", y)) for value in ends.tolist())
        text += f"<object><points>{points}</points><label>{rng.integers(1, 13)}</label></object>\n"
    return text


def facade(root: Path, key: str, xml: str, shape: tuple[int, int]) -> None:
    (root / "base").mkdir(parents=True, exist_ok=True)
    (root / "base" / f"{key}.xml").write_text(xml, "utf-8")
    Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(root / "base" / f"{key}.jpg")


def test_random_annotations_are_drawn_and_score_as_in_the_reference(tmp_path: Path) -> None:
    truth_set = TruthSet(XML, XML.layout, "base", tmp_path, [])
    n_large = n_hidden = 0
    for seed in range(N_DRAWN):
        rng = np.random.default_rng(seed)
        shape = tuple(int(n) for n in (rng.integers(33, 49, 2) if rng.random() < 0.7 else rng.integers(1, 33, 2)))
        xml = random_xml(rng)
        facade(tmp_path, "cmp_b0001", xml, shape)  # type: ignore[arg-type]
        drawn, truth = np.asarray(truth_map(truth_set, "cmp_b0001")), cmp_facades.rasterise(xml, *shape)
        assert np.array_equal(drawn, truth), f"seed {seed}"
        prediction = np.where(rng.random(shape) < 0.5, truth, rng.integers(1, 13, shape))
        expected = cmp_facades.evaluate([truth], [prediction])
        hold(scores([drawn], [prediction], XML), expected, f"seed {seed}")
        n_large += min(shape) > 32
        n_hidden += not {box["label"] for box in cmp_facades.read_boxes(xml)} <= set(np.unique(truth).tolist())
    assert n_large > N_DRAWN / 2 and n_hidden > N_DRAWN / 10


def test_both_have_the_classes_of_the_reference_and_the_same_metrics() -> None:
    assert {c.id: c.name for c in PNG.space.classes} == cmp_facades.NAMES and PNG.space.void == ()
    assert {c.id: c.color for c in PNG.space.classes} == cmp_facades.PALETTE
    assert XML.space == PNG.space
    assert [m.signature() for m in XML.metrics] == [m.signature() for m in PNG.metrics]
    assert dict(XML.splits) == dict(PNG.splits) == {"base": 378, "extended": 228}


@pytest.mark.parametrize("value", [0, 13, 255])
def test_values_outside_1_to_12_are_refused(value: int) -> None:
    good = np.full((3, 4), 2, np.uint8)
    bad = good.copy()
    bad[2, 1] = value
    with pytest.raises(StrayLabel) as caught:
        scores([good], [bad])
    assert (caught.value.pixel, caught.value.count) == ((2, 1), 1)
    with pytest.raises(DatasetError):
        scores([bad], [good])


def test_a_class_that_is_only_predicted_has_iou_0_and_no_accuracy() -> None:
    found = scores([np.array([[2, 2]], np.uint8)], [np.array([[2, 4]], np.uint8)])
    # facade 1/2; door 0 in the mean IoU, and left out of the mean accuracy.
    assert found["mean_iou"].value == (1 / 2 + 0) / 2 and found["mean_accuracy"].value == 1 / 2
    assert math.isnan(found["mean_accuracy"].per_class["door"])


# Files.


def site(tmp_path: Path, prediction: bytes, truth: Map | None = None) -> dict[str, Any]:
    for folder in ("base", "out"):
        (tmp_path / folder).mkdir()
    labels = np.array([[2, 3], [3, 12]], np.uint8) if truth is None else truth
    (tmp_path / "base" / "cmp_b0001.png").write_bytes(png(labels))
    (tmp_path / "out" / "cmp_b0001.png").write_bytes(prediction)
    return {"predictions": tmp_path / "out", "data_root": tmp_path, "dataset": "cmp-facades"}


def test_the_picture_and_the_annotation_beside_the_truth_are_no_truth(tmp_path: Path) -> None:
    asked = site(tmp_path, png(np.array([[2, 3], [3, 12]], np.uint8)))
    facade(tmp_path, "cmp_b0001", random_xml(np.random.default_rng(0)), (2, 2))
    assert segbench.score(**asked).n_images == 1


def test_a_palette_is_not_looked_at(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[2, 3], [3, 12]], np.uint8))
    image.putpalette([7, 8, 9] * 256)
    image.save(tmp_path / "palette.png")
    asked = site(tmp_path, (tmp_path / "palette.png").read_bytes())
    assert segbench.score(**asked).scores["pixel_accuracy"].value == 1.0


def test_what_a_viewer_shows_as_grey_is_refused(tmp_path: Path) -> None:
    # The greys of facade, window and shop in the palette that is usual: 29, 79, 51.
    with pytest.raises(StrayLabel):
        segbench.score(**site(tmp_path, png(np.array([[29, 79], [79, 51]], np.uint8))))


def test_labels_from_0_are_refused_where_background_is_among_them(tmp_path: Path) -> None:
    truth = np.array([[1, 2], [3, 12]], np.uint8)
    with pytest.raises(StrayLabel, match="value 0 at row 0, column 0"):
        segbench.score(**site(tmp_path, png(truth - 1), truth))


def test_labels_from_0_are_warned_of_where_it_is_not(tmp_path: Path) -> None:
    truth = np.array([[2, 3], [4, 12]], np.uint8)
    warnings = segbench.score(**site(tmp_path, png(truth - 1), truth)).warnings
    assert [w for w in warnings if "in 100 % of the pixels when every label is raised by one" in w]


def test_a_prediction_is_held_to_the_size_of_the_picture(tmp_path: Path) -> None:
    facade(tmp_path, "cmp_b0001", random_xml(np.random.default_rng(0)), (4, 6))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cmp_b0001.png").write_bytes(png(np.ones((6, 4), np.uint8)))
    with pytest.raises(ShapeMismatch):
        segbench.score(tmp_path / "out", dataset="cmp-facades-xml", data_root=tmp_path)


@pytest.mark.parametrize("fault", ["no picture", "damaged picture", "no annotation", "pixels"])
def test_a_damaged_annotation_is_a_fault_of_the_data_set(tmp_path: Path, fault: str) -> None:
    sound = random_xml(np.random.default_rng(0))
    pixels = "<object><points><x>10</x><x>90</x><y>5</y><y>40</y></points><label>2</label></object>"
    facade(tmp_path, "cmp_b0001", {"pixels": pixels, "no annotation": ""}.get(fault, sound), (4, 6))
    if fault == "no picture":
        (tmp_path / "base" / "cmp_b0001.jpg").unlink()
    if fault == "damaged picture":
        (tmp_path / "base" / "cmp_b0001.jpg").write_bytes(b"no picture")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cmp_b0001.png").write_bytes(png(np.ones((4, 6), np.uint8)))
    with pytest.raises(DatasetError) as caught:
        segbench.score(tmp_path / "out", dataset="cmp-facades-xml", data_root=tmp_path)
    expected = "cmp_b0001.jpg" if "picture" in fault else "cmp_b0001.xml"
    assert Path(caught.value.file or "").name == expected and caught.value.exit == 4
