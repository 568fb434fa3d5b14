"""ISPRS Potsdam and Vaihingen against the plain reference; names, tiles and references of both."""

from __future__ import annotations

import io
import math
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import segbench
from segbench.datasets.maps import label_map
from segbench.errors import DatasetError, MissingPrediction, ShapeMismatch, StrayLabel
from segbench.protocols.load import load_protocol
from segbench.result import Score
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.datasets.pngs import RGB, png
from tests.oracles import isprs

Map = NDArray[np.integer[Any]]
POTSDAM, VAIHINGEN = load_protocol("isprs-potsdam"), load_protocol("isprs-vaihingen")
BOTH = [POTSDAM, VAIHINGEN]
COLORS = np.array([*isprs.COLORS.values(), isprs.BOUNDARY], np.uint8)
N_LISTS, N_SHARDS = 400, 4
GOLDEN = Path(__file__).parent.parent / "golden"


def tiff(pixels: Map) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "TIFF")
    return file.getvalue()


def scores(truths: Sequence[Map], predictions: Sequence[Map]) -> dict[str, Score]:
    """Score colour masks, truth read from TIFF and predictions from TIFF and PNG in turn."""
    plan = Plan.of(POTSDAM)
    states = plan.start()
    for i, (truth, prediction) in enumerate(zip(truths, predictions, strict=True)):
        written = tiff(prediction) if i % 2 == 0 else png(prediction, kind=RGB)
        maps = [label_map(data, POTSDAM.colors) for data in (tiff(truth), written)]
        plan.count_one(states, Sample((str(i),), *maps))
    return {key: metric.compute(states[metric.family], plan.space) for key, metric in plan.metrics.items()}


def random_list(rng: np.random.Generator) -> tuple[list[Map], list[Map]]:
    """Colour masks with black in the truth, and in some predictions."""
    truths, predictions = [], []
    known, other = (rng.choice(6, int(rng.integers(1, 7)), replace=False) for _ in range(2))
    for _ in range(int(rng.integers(1, 4))):
        shape = rng.integers(33, 38, 2) if rng.random() < 0.8 else rng.integers(1, 33, 2)
        truth = rng.choice(known, shape)
        prediction = np.where(rng.random(shape) < rng.random(), truth, rng.choice(other, shape))
        if rng.random() < 0.3:
            prediction = np.where(rng.random(shape) < 0.1, isprs.VOID, prediction)
        truths.append(COLORS[np.where(rng.random(shape) < 0.3 * rng.random(), isprs.VOID, truth)])
        predictions.append(COLORS[prediction])
    return truths, predictions


def same(found: float, expected: float) -> bool:
    return found == expected or (math.isnan(found) and math.isnan(expected))


def nanmean(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan


@pytest.mark.parametrize("shard", range(N_SHARDS))
def test_random_lists_score_as_the_reference(shard: int) -> None:
    n_large = n_absent = n_predicted_only = n_void = n_black = 0
    for seed in range(shard * N_LISTS // N_SHARDS, (shard + 1) * N_LISTS // N_SHARDS):
        truths, predictions = random_list(np.random.default_rng(seed))
        expected, found = isprs.evaluate(truths, predictions, black_prediction="miss"), scores(truths, predictions)
        for key, value in (
            ("mean_dice", expected["mean_f1_5"]),
            ("mean_dice(classes=all)", expected["mean_f1_6"]),
            ("mean_iou", expected["mean_iou_5"]),
            ("mean_iou(classes=all)", expected["mean_iou_6"]),
            ("mean_recall", nanmean(list(expected["completeness"].values())[:5])),
            ("mean_recall(classes=all)", nanmean(list(expected["completeness"].values()))),
            ("pixel_accuracy", expected["overall_accuracy"]),
        ):
            assert same(found[key].value, value), (seed, key)
        for name in isprs.NAMES:
            assert same(found["mean_dice(classes=all)"].per_class[name], expected["f1"][name]), (seed, name)
            assert same(found["mean_recall(classes=all)"].per_class[name], expected["completeness"][name]), (seed, name)
            # A deliberate difference: true and never predicted is 0 / 0 for the reference and 0 here.
            correctness = expected["correctness"][name]
            never = math.isnan(correctness) and not math.isnan(expected["completeness"][name])
            precision = found["mean_precision(classes=all)"].per_class[name]
            assert same(precision, 0.0 if never else correctness), (seed, name)
        rows, columns = expected["table"].sum(axis=1), expected["table"].sum(axis=0)
        n_large += min(min(truth.shape[:2]) for truth in truths) > 32
        n_absent += bool(((rows == 0) & (columns[:6] == 0)).any())
        n_predicted_only += bool(((rows == 0) & (columns[:6] > 0)).any())
        n_void += any((truth == 0).all(axis=2).any() for truth in truths)
        n_black += bool(columns[6])
    n = N_LISTS // N_SHARDS
    assert n_large > n / 2 and n_absent > n / 5 and n_predicted_only > n / 5 and n_void > n / 2 and n_black > n / 5


@pytest.mark.parametrize("protocol", BOTH, ids=lambda protocol: protocol.name)
def test_the_table_of_classes_and_the_metrics(protocol: Any) -> None:
    assert {c.name: c.color for c in protocol.space.classes} == isprs.COLORS
    assert protocol.colors == dict(zip(map(tuple, COLORS.tolist()), range(7), strict=True))
    assert [m.signature() for m in protocol.metrics] == [m.signature() for m in POTSDAM.metrics]
    assert protocol.primary == "mean_dice"
    assert protocol.instance("mean_dice").parts(protocol.space) == isprs.NAMES[:5]


def test_the_tiles() -> None:
    for protocol, n_train, n_test in ((POTSDAM, 24, 14), (VAIHINGEN, 16, 17)):
        train, test = protocol.keys["train"], protocol.keys["test"]
        assert (len(set(train)), len(set(test))) == (n_train, n_test) and not set(train) & set(test)
        assert protocol.keys["train-full"] == train and protocol.keys["test-full"] == test
        assert dict(protocol.splits) == {s: len(protocol.keys[s]) for s in ("train", "train-full", "test", "test-full")}
    # 38 tiles of a grid, and 33 of 38 numbers: 9, 18, 19, 25 and 36 do not exist.
    numbers = {int(key) for keys in VAIHINGEN.keys.values() for key in keys}
    assert numbers == set(range(1, 39)) - {9, 18, 19, 25, 36}
    grid = {2: range(10, 15), 3: range(10, 15), 4: range(10, 16), 5: range(10, 16), 6: range(7, 16), 7: range(7, 14)}
    tiles = {f"{row}_{column}" for row, columns in grid.items() for column in columns}
    assert {key for keys in POTSDAM.keys.values() for key in keys} == tiles and len(tiles) == 38


# Traps of colours.


def mask(*names: str) -> Map:
    return np.array([[isprs.COLORS.get(name, isprs.BOUNDARY) for name in names]], np.uint8)


def test_clutter_is_counted_and_left_out_of_the_mean() -> None:
    found = scores([mask("tree", "clutter", "clutter")], [mask("tree", "tree", "clutter")])
    # tree: TP 1, GT 1, PR 2, F1 2/3. clutter: TP 1, GT 2, PR 1, F1 2/3. Clutter is a false positive of tree anyhow.
    assert found["mean_dice"].value == 2 / 3 and found["mean_dice(classes=all)"].value == (2 / 3 + 2 / 3) / 2
    assert found["mean_iou"].value == 1 / 2 and found["pixel_accuracy"].value == 2 / 3


def test_black_in_a_prediction_is_a_miss_and_no_way_out() -> None:
    found = scores([mask("tree", "tree", "black")], [mask("tree", "black", "tree")])
    assert found["mean_iou"].value == 1 / 2 and found["pixel_accuracy"].value == 1 / 2


def test_swapped_red_and_blue_exchanges_classes_and_cannot_be_refused() -> None:
    names = ("building", "low vegetation", "tree", "impervious surfaces")
    truth = mask(*names)
    swapped = truth[..., ::-1]
    assert (swapped == mask("clutter", "car", "tree", "impervious surfaces")).all()
    # building and low vegetation 0, car only predicted 0, tree and impervious surfaces 1.
    assert scores([truth], [swapped])["mean_iou"].value == 2 / 5


@pytest.mark.parametrize("written", [tiff, lambda pixels: png(pixels, kind=RGB)], ids=["tiff", "png"])
def test_a_mixed_colour_is_refused_at_its_pixel(tmp_path: Path, written: Any) -> None:
    asked = golden_copy(tmp_path, "isprs-potsdam")
    mixed = mask("building", "tree")
    mixed[0, 1] = (0, 127, 127)
    (tmp_path / "predictions" / "2_14.tif").unlink()
    (tmp_path / "predictions" / f"2_14.{'tif' if written is tiff else 'png'}").write_bytes(written(mixed))
    with pytest.raises(StrayLabel) as caught:
        segbench.score(**asked)
    assert caught.value.pixel == (0, 1) and "(0, 127, 127)" in caught.value.found


# Files.


def golden_copy(tmp_path: Path, name: str) -> dict[str, Any]:
    shutil.copytree(GOLDEN / name, tmp_path, dirs_exist_ok=True)
    return {"predictions": tmp_path / "predictions", "data_root": tmp_path / "data", "dataset": name}


def values(result: segbench.Result) -> dict[str, float]:
    return {key: score.value for key, score in result.scores.items()}


@pytest.mark.parametrize("protocol", BOTH, ids=lambda protocol: protocol.name)
def test_each_split_finds_its_reference(tmp_path: Path, protocol: Any) -> None:
    for split, keys in protocol.keys.items():
        for i, layout in enumerate(protocol.layouts_of(split)):
            root = tmp_path / f"{split}{i}"
            for key in keys:
                file = root / layout.path(layout.truth, split=split, key=key)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(tiff(mask("tree", "car")))
                (root / "out").mkdir(exist_ok=True)
                name = layout.prediction.format(key=key) if len(key) % 2 else f"{key}.tif"
                (root / "out" / name).write_bytes(tiff(mask("tree", "car")))
            found = segbench.score(root / "out", dataset=protocol.name, split=split, data_root=root)
            assert found.n_images == protocol.splits[split] and found.scores["mean_iou"].value == 1.0
            assert not found.warnings
            eroded = "noBoundary" in layout.truth
            assert eroded is not split.endswith("-full")
            other = split.removesuffix("-full") if split.endswith("-full") else f"{split}-full"
            with pytest.raises(DatasetError, match="no isprs-"):
                segbench.score(root / "out", dataset=protocol.name, split=other, data_root=root)


def test_a_tile_without_truth_is_a_fault_of_the_data_set(tmp_path: Path) -> None:
    asked = golden_copy(tmp_path, "isprs-vaihingen")
    next((tmp_path / "data").rglob("*area38_noBoundary.tif")).unlink()
    with pytest.raises(DatasetError, match="area38"):
        segbench.score(**asked)


def test_a_missing_tile_is_named(tmp_path: Path) -> None:
    asked = golden_copy(tmp_path, "isprs-potsdam")
    (tmp_path / "predictions" / "7_13.tif").unlink()
    with pytest.raises(MissingPrediction, match="7_13"):
        segbench.score(**asked)


def test_a_tile_of_another_size_is_refused(tmp_path: Path) -> None:
    asked = golden_copy(tmp_path, "isprs-potsdam")
    (tmp_path / "predictions" / "2_14.tif").write_bytes(tiff(mask("tree", "tree", "tree")))
    with pytest.raises(ShapeMismatch) as caught:
        segbench.score(**asked)
    assert "2_14.tif" in caught.value.file


def test_an_index_tiff_counts_by_value(tmp_path: Path) -> None:
    asked = golden_copy(tmp_path, "isprs-potsdam")
    expected = values(segbench.score(**asked))
    # Two pixels: impervious surfaces 0, building 1.
    (tmp_path / "predictions" / "2_14.tif").write_bytes(tiff(np.array([[0, 1]], np.uint8)))
    assert values(segbench.score(**asked)) == expected
    (tmp_path / "predictions" / "2_14.tif").write_bytes(tiff(np.array([[0, 7]], np.uint8)))
    with pytest.raises(StrayLabel) as caught:
        segbench.score(**asked)
    assert caught.value.pixel == (0, 1)


def test_state_shards_and_an_archive_come_to_the_same(tmp_path: Path) -> None:
    asked = golden_copy(tmp_path, "isprs-potsdam")
    whole = segbench.score(**asked, state=tmp_path / "whole.jsonl")
    for i in (1, 2):
        segbench.score(**asked, shard=f"{i}/2", state=tmp_path / f"{i}.jsonl")
    merged = segbench.merge([tmp_path / f"{i}.jsonl" for i in (2, 1)], state=tmp_path / "merged.jsonl")
    assert values(merged) == values(whole)
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        for file in (tmp_path / "predictions").iterdir():
            archive.write(file, f"team/{file.name}")
    archived = segbench.score(**{**asked, "predictions": tmp_path / "out.zip"}, state=tmp_path / "zip.jsonl")
    assert values(archived) == values(whole)
    assert (tmp_path / "zip.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
