"""Real submissions: a network's predictions of CamVid, and annotated pictures in the format of VOC."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segbench.result import Result
from segbench.scoring.score import score
from tests.conftest import CommandLine
from tests.datasets.pngs import PALETTE, png
from tests.oracles import camvid, voc

#: Of the predictions of CamVid's val split, in order.
FIRST, SECOND, THIRD = "0016E5_07959", "0016E5_07961", "0016E5_07963"


@pytest.fixture(scope="module")
def camvid_predictions(real_data: Path) -> Path:
    return real_data / "camvid-espnet-val-preds/val"


@pytest.fixture(scope="module")
def camvid_maps(real_data: Path, camvid_predictions: Path) -> list[list[NDArray[np.uint8]]]:
    """All truths and all predictions, read without segbench."""
    truths = sorted((real_data / "camvid/valannot").glob("*.png"))
    return [
        [np.asarray(Image.open(folder / path.name)) for path in truths]
        for folder in (truths[0].parent, camvid_predictions)
    ]


@pytest.fixture(scope="module")
def camvid_result(real_data: Path, camvid_predictions: Path) -> Result:
    return score(camvid_predictions, dataset="camvid", data_root=real_data / "camvid")


@pytest.fixture
def copied(camvid_predictions: Path, tmp_path: Path) -> Path:
    """A copy of the predictions that may be spoilt."""
    return Path(shutil.copytree(camvid_predictions, tmp_path / "predictions"))


def refused(run: CommandLine, predictions: Path, real_data: Path) -> tuple[int, list[dict[str, Any]]]:
    where = ["--dataset", "camvid", "--data-root", real_data / "camvid", "--format", "json"]
    outcome = run("score", predictions, *where)
    return outcome.code, outcome.record["errors"]


class TestCamvid:
    def test_the_literal_script(self, camvid_result: Result, camvid_maps: list[list[NDArray[np.uint8]]]) -> None:
        expected = camvid.evaluate(*camvid_maps)
        scores = camvid_result.scores
        assert camvid_result.n_images == 101
        assert scores["mean_iou"].value == expected["mean_iou"]
        assert list(scores["mean_iou"].per_class.values()) == expected["iou"]
        assert scores["mean_accuracy"].value == expected["class_accuracy"]
        assert list(scores["mean_accuracy"].per_class.values()) == expected["per_class_accuracy"]
        assert scores["pixel_accuracy"].value == expected["global_accuracy"]

    def test_bincount(self, camvid_result: Result, camvid_maps: list[list[NDArray[np.uint8]]]) -> None:
        truth, prediction = (np.concatenate([labels.ravel() for labels in maps]).astype(int) for maps in camvid_maps)
        table = np.bincount(12 * truth + prediction, minlength=144).reshape(12, 12)[:11]
        hits = table.diagonal()
        # Official: what is predicted void is not counted. Under `miss` it stays in the truth of its class.
        for key, of_truth in (
            ("mean_iou", table[:, :11].sum(axis=1)),
            ("mean_iou(void_prediction=miss)", table.sum(axis=1)),
        ):
            iou = [int(h) / int(n) for h, n in zip(hits, of_truth + table[:, :11].sum(axis=0) - hits, strict=True)]
            assert list(camvid_result.scores[key].per_class.values()) == iou
            assert camvid_result.scores[key].value == math.fsum(iou) / 11
        assert camvid_result.scores["pixel_accuracy"].value == int(hits.sum()) / int(table.sum())

    def test_what_is_left_out_is_told(self, camvid_result: Result, camvid_maps: list[list[NDArray[np.uint8]]]) -> None:
        left_out = sum(
            int(((truth != 11) & (prediction == 11)).sum()) for truth, prediction in zip(*camvid_maps, strict=True)
        )
        assert left_out > 0
        assert any(f"mean_iou leaves out {left_out} pixels" in text for text in camvid_result.warnings)

    def test_one_missing(self, run: CommandLine, copied: Path, real_data: Path) -> None:
        (copied / f"{SECOND}.png").unlink()
        code, [error] = refused(run, copied, real_data)
        assert (code, error["code"], error["file"]) == (3, "missing-prediction", str(copied / f"{SECOND}.png"))

    def test_one_stray_label(self, run: CommandLine, copied: Path, real_data: Path) -> None:
        paint(copied / f"{THIRD}.png", 77, (100, 200), (100, 201))
        code, [error] = refused(run, copied, real_data)
        assert (code, error["code"], error["file"]) == (3, "stray-label", str(copied / f"{THIRD}.png"))
        assert (error["pixel"], error["count"]) == ([100, 200], 2)
        assert "77" in error["found"]

    def test_both_at_once(self, run: CommandLine, copied: Path, real_data: Path) -> None:
        paint(copied / f"{FIRST}.png", 77, (5, 6))
        (copied / f"{SECOND}.png").unlink()
        code, errors = refused(run, copied, real_data)
        assert code == 3
        assert [error["code"] for error in errors] == ["stray-label", "missing-prediction"]

    def test_missing_as_missed(self, camvid_result: Result, copied: Path, real_data: Path) -> None:
        for key in (FIRST, THIRD):
            (copied / f"{key}.png").unlink()
        result = score(copied, dataset="camvid", data_root=real_data / "camvid", missing="miss")
        for key in ("mean_iou(void_prediction=miss)", "pixel_accuracy"):
            assert result.scores[key].value < camvid_result.scores[key].value
        assert result.provenance.truth == camvid_result.provenance.truth


@pytest.mark.parametrize("seed", range(4))
def test_voc_sample_with_perturbed_truth(seed: int, real_data: Path, tmp_path: Path) -> None:
    """There are no predictions of this sample, so its truth is perturbed from a seed."""
    rng = np.random.default_rng(seed)
    truths, predictions = [], []
    for path in sorted((real_data / "voc-labelme/semantic/SegmentationClass").glob("*.png")):
        truth = np.asarray(Image.open(path))
        present = np.unique(truth[truth != 255])
        guess = rng.choice([*present, *rng.integers(0, 21, 2)], truth.shape).astype(np.uint8)
        prediction = np.where((rng.random(truth.shape) < 0.1 * seed) | (truth == 255), guess, truth)
        truths.append(truth)
        predictions.append(prediction)
        for folder in ("truth", "predictions"):
            (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "truth")
        (tmp_path / "predictions" / path.name).write_bytes(png(prediction, kind=PALETTE))
    expected = voc.evaluate(truths, predictions)
    result = score(tmp_path / "predictions", dataset="voc", truth=tmp_path / "truth")
    assert result.n_images == 3
    # Three pictures cannot show twenty-one classes.
    assert math.isnan(expected["mean_iou"]) and math.isnan(result.scores["mean_iou"].value)
    assert np.array_equal(list(result.scores["mean_iou"].per_class.values()), expected["iou"], equal_nan=True)
    defined = [value for value in expected["iou"] if not math.isnan(value)]
    assert result.scores["mean_iou(absent=skip)"].value == math.fsum(defined) / len(defined)
    assert result.scores["pixel_accuracy"].value == expected["pixel_accuracy"]


def paint(path: Path, value: int, *pixels: tuple[int, int]) -> None:
    labels = np.array(Image.open(path))
    for pixel in pixels:
        labels[pixel] = value
    path.write_bytes(png(labels))
