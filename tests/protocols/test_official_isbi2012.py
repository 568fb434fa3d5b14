"""ISBI 2012 as segbench scores it against a plain reference of Fiji's scorer, from slices and from stacks."""

from __future__ import annotations

import io
import math
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

import segbench
from segbench.errors import DatasetError, MissingPrediction, ShapeMismatch, StrayLabel, UnreadableImage
from segbench.protocols.load import load_protocol
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.datasets.pngs import PALETTE, RGB, png
from tests.metrics.test_membrane import stacks
from tests.oracles import isbi2012

PROTOCOL = load_protocol("isbi2012")
PLAN = Plan.of(PROTOCOL)
GOLDEN = Path(__file__).parent.parent / "golden/isbi2012"
N_BLOCKS, N_IN_BLOCK = 4, 40


def values(truths: list[NDArray[Any]], predictions: list[NDArray[Any]]) -> dict[str, float]:
    states = PLAN.start()
    for i, (truth, prediction) in enumerate(zip(truths, predictions, strict=True)):
        PLAN.count_one(states, Sample((str(i),), truth, prediction))
    return {key: metric.compute(states[metric.family], PLAN.space).value for key, metric in PLAN.metrics.items()}


def hold(found: dict[str, float], truth: NDArray[Any], prediction: NDArray[Any]) -> None:
    """Assert scores of the reference; it rounds the mean over slices after every addition, here it is rounded once."""
    expected = isbi2012.evaluate(truth, prediction)
    for key in ("v_rand", "v_info"):
        value: float = expected[key]  # type: ignore[literal-required]
        assert abs(found[key] - value) <= (len(truth) + 1) * 2.0**-53, key


def numbers(result: segbench.Result) -> dict[str, float]:
    return {key: score.value for key, score in result.scores.items()}


def test_what_is_scored() -> None:
    assert list(PLAN.metrics) == ["v_rand", "v_info"]
    assert (PROTOCOL.primary, PROTOCOL.default_split, PROTOCOL.splits["train"]) == ("v_rand", "train", 30)
    assert [(c.name, c.id) for c in PROTOCOL.space.classes] == [("membrane", 0), ("inside", 255)]
    assert load_protocol("isbi2012-membrane") == PROTOCOL


@pytest.mark.parametrize("block", range(N_BLOCKS))
def test_random_stacks_score_as_the_reference_whole_and_by_slice(block: int) -> None:
    n_large = n_between = n_zero = 0
    for truth, prediction in stacks(1000 + block, N_IN_BLOCK):
        whole = values([truth], [prediction])
        hold(whole, truth, prediction)
        assert values(list(truth), list(prediction)) == whole
        n_large += min(truth.shape[1:]) > 32
        n_between += 0 < whole["v_rand"] < 1
        n_zero += whole["v_info"] == 0
    assert n_large >= N_IN_BLOCK / 2 and n_between > N_IN_BLOCK / 4 and n_zero > 0


# Files: slices as PNG, stacks as TIFF.


def tiff(pixels: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, photometric="minisblack", **options)
    return file.getvalue()


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def some_stack() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A truth of several slices, and a prediction with some of each threshold."""
    return next((t, p) for t, p in stacks(7, 50) if len(t) == 3 and min(t.shape[1:]) > 32 and 0.2 < p.mean() < 0.8)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, NDArray[np.uint8], NDArray[np.float32]]:
    """One data set in both layouts."""
    truth, prediction = some_stack()
    put(tmp_path / "data/train-labels.tif", tiff(truth))
    put(tmp_path / "data/train-volume.tif", tiff(truth // 2))
    for i, slice_ in enumerate(truth):
        put(tmp_path / f"data/train/label/{i}.png", png(slice_))
    return tmp_path, truth, prediction


def score(folder: Path, split: str, **options: Any) -> segbench.Result:
    return segbench.score(folder / "predictions", dataset="isbi2012", data_root=folder / "data", split=split, **options)


@pytest.mark.parametrize("name", ["train.tif", "train-volume.tif", "train.tiff", "TRAIN.TIF"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "predictor": True}, {"bigtiff": True}])
def test_a_stack(name: str, options: dict[str, Any], both: Any) -> None:
    folder, truth, prediction = both
    put(folder / "predictions" / name, tiff(prediction, **options))
    if name == "TRAIN.TIF":
        # A key is written as it is; only suffixes may be in upper case.
        with pytest.raises(MissingPrediction, match="no prediction of train"):
            score(folder, "stack")
        return
    result = score(folder, "stack")
    hold(numbers(result), truth, prediction)
    assert (result.n_images, result.warnings) == (1, ())


def test_slices_score_as_their_stack(both: Any) -> None:
    folder, truth, prediction = both
    put(folder / "predictions/train.tif", tiff(prediction))
    stack = numbers(score(folder, "stack"))
    (folder / "predictions/train.tif").unlink()
    for i, slice_ in enumerate(prediction):
        put(folder / f"predictions/{i}.tif", tiff(slice_))
    assert numbers(score(folder, "train")) == stack
    hold(stack, truth, prediction)


def test_levels_are_probabilities_times_255(both: Any) -> None:
    folder, truth, prediction = both
    levels = np.round(255 * prediction).astype(np.uint8)
    for i, slice_ in enumerate(levels):
        put(folder / f"predictions/{i}.png", png(slice_))
    found = numbers(score(folder, "train"))
    hold(found, truth, levels.astype(np.float32) / np.float32(255))
    put(folder / "stack/predictions/train.tif", tiff(levels))
    result = segbench.score(folder / "stack/predictions", dataset="isbi2012", data_root=folder / "data", split="stack")
    assert numbers(result) == found


@pytest.mark.parametrize(
    ("inside", "membrane"),
    [
        (100, 0),  # apart at threshold 0 only; both high bytes are 0
        (65535, 65534),  # 1 and a little less, apart at the last threshold only
    ],
)
def test_16_bits_are_probabilities_times_65535_and_not_cut(inside: int, membrane: int, tmp_path: Path) -> None:
    truth = np.array([[255, 255, 0, 255, 255], [255, 255, 0, 255, 255]], np.uint8)
    deep = np.where(truth > 0, inside, membrane).astype(np.uint16)
    put(tmp_path / "data/train/label/0.png", png(truth))
    put(tmp_path / "data/train-labels.tif", tiff(truth))
    for folder, name, data in (("png", "0.png", png(deep, depth=16)), ("tif", "train.tif", tiff(deep))):
        put(tmp_path / folder / name, data)
        split = "train" if folder == "png" else "stack"
        result = segbench.score(tmp_path / folder, dataset="isbi2012", data_root=tmp_path / "data", split=split)
        assert numbers(result) == {"v_rand": 1.0, "v_info": 1.0}


@pytest.mark.parametrize(
    ("change", "error", "found"),
    [
        (lambda p: 255 * p, StrayLabel, "prediction value"),
        (lambda p: p - 0.5, StrayLabel, "prediction value"),
        (lambda p: np.where(p > 0.5, np.float32("nan"), p), StrayLabel, "prediction value nan"),
        (lambda p: p[:2], ShapeMismatch, "2×"),
        (lambda p: p[0], ShapeMismatch, "pixels"),
        (lambda p: p.transpose(1, 2, 0), ShapeMismatch, "voxels"),
        (lambda p: (1000 * p).astype(np.int16), UnreadableImage, "a TIFF of int16"),
    ],
)
def test_a_stack_that_holds_no_probabilities_is_refused(change: Any, error: Any, found: str, both: Any) -> None:
    folder, _, prediction = both
    put(folder / "predictions/train.tif", tiff(np.ascontiguousarray(change(prediction))))
    with pytest.raises(error, match=found) as caught:
        score(folder, "stack")
    assert caught.value.file == str(folder / "predictions/train.tif")


@pytest.mark.parametrize("damage", ["cut", "no TIFF", "empty", "RGB"])
def test_a_damaged_stack_is_refused(damage: str, both: Any) -> None:
    folder, _, prediction = both
    whole = tiff(prediction)
    data = {"cut": whole[: len(whole) // 2], "no TIFF": b"II*\0hello", "empty": b"", "RGB": b""}[damage]
    if damage == "RGB":
        file = io.BytesIO()
        tifffile.imwrite(file, prediction[..., None].repeat(3, axis=-1), photometric="rgb")
        data = file.getvalue()
    put(folder / "predictions/train.tif", data)
    with pytest.raises(UnreadableImage) as caught:
        score(folder, "stack")
    assert caught.value.file == str(folder / "predictions/train.tif")


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """A copy of the golden folder that may be spoilt."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "golden"))


def test_a_truth_of_other_values_is_refused(golden: Path) -> None:
    path = golden / "data/train/label/1.png"
    path.write_bytes(png(np.array([[1, 1, 0, 1, 1]], np.uint8)))
    with pytest.raises(DatasetError) as caught:
        score(golden, "train")
    assert caught.value.file == str(path)


@pytest.mark.parametrize(("kind", "shape"), [(RGB, (1, 5, 3)), (PALETTE, (1, 5))])
def test_a_map_that_is_not_grey_is_refused(kind: int, shape: tuple[int, ...], golden: Path) -> None:
    (golden / "predictions/1.png").write_bytes(png(np.zeros(shape, np.uint8), kind=kind))
    with pytest.raises(UnreadableImage, match="an RGB image|a palette image"):
        score(golden, "train")


def test_a_missing_slice_is_one_cell(golden: Path) -> None:
    (golden / "predictions/2.png").unlink()
    with pytest.raises(MissingPrediction, match="no prediction of 2"):
        score(golden, "train")
    result = score(golden, "train", missing="miss")
    # Slices 0 and 1 as in expected.json: 2/3 and 1, then 1 and 2/3; one cell for two scores 2/3 and 0.
    assert result.scores["v_rand"].value == pytest.approx((2 / 3 + 1 + 2 / 3) / 3, rel=1e-15)
    assert result.scores["v_info"].value == pytest.approx(1 / 3, rel=1e-15)


def test_a_map_of_membranes_has_to_be_turned_round(golden: Path) -> None:
    right = score(golden, "train").scores["v_rand"].value
    for path, levels in (("0", [[0, 105], [105, 0]]), ("1", [[105, 105, 255, 105, 105]]), ("2", [[0, 205, 0, 0, 0]])):
        (golden / f"predictions/{path}.png").write_bytes(png(np.array(levels, np.uint8)))
    assert score(golden, "train").scores["v_rand"].value < right


def test_archive_shards_slices_and_state_agree(golden: Path, tmp_path: Path) -> None:
    slices = {"diagonal": ["0"]}
    whole = score(golden, "train", state=tmp_path / "whole", slices=slices, per_image=tmp_path / "images.csv")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in (golden / "predictions").iterdir():
            archive.write(path, path.name)
    options: dict[str, Any] = {"dataset": "isbi2012", "data_root": golden / "data"}
    assert segbench.score(tmp_path / "a.zip", slices=slices, **options) == whole
    parts = [tmp_path / "1", tmp_path / "2"]
    for i, path in enumerate(parts, 1):
        segbench.score(golden / "predictions", shard=f"{i}/2", state=path, **options)
    assert numbers(segbench.merge(parts, state=tmp_path / "merged")) == numbers(whole)
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()
    # Each image by itself is judged at its own best threshold.
    lines = (tmp_path / "images.csv").read_text("utf-8").splitlines()
    assert lines == ["image,v_rand,v_info", "0,1.0,1.0", "1,1.0,1.0", f"2,{6 / 7},{4 / 5}"]
    assert whole.slices["diagonal"].scores["v_rand"].value == 1.0


def test_the_truth_by_path(golden: Path) -> None:
    result = segbench.score(golden / "predictions", dataset="isbi2012", truth=golden / "data/train/label")
    assert numbers(result) == numbers(score(golden, "train"))
    assert not math.isnan(result.scores["v_rand"].value)
