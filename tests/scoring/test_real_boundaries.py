"""Boundaries of real segmentations: a network on CamVid, two observers of retina vessels, annotated pictures of VOC."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segbench import boundary_f, mean_boundary_iou, trimap_accuracy, trimap_iou
from segbench.scoring.score import score
from tests.oracles import boundary_f as bf
from tests.oracles import boundary_iou as biou
from tests.oracles import trimap

OBSERVERS = ("manual1", "manual2")
#: Of CamVid's val split.
SOME = ("0016E5_07959", "0016E5_07961", "0016E5_08053")


def read(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


@pytest.fixture(scope="module")
def camvid_pairs(real_data: Path) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    folders = (real_data / "camvid/valannot", real_data / "camvid-espnet-val-preds/val")
    truths, predictions = ([read(folder / f"{name}.png") for name in SOME] for folder in folders)
    return truths, predictions


def test_all_three_families_on_camvid_by_metric(real_data: Path, camvid_pairs, tmp_path: Path) -> None:
    for name in SOME:
        for source, target in (("camvid/valannot", "truth"), ("camvid-espnet-val-preds/val", "predictions")):
            (tmp_path / target).mkdir(exist_ok=True)
            shutil.copy(real_data / source / f"{name}.png", tmp_path / target)
    metrics = ["boundary_f", "mean_boundary_iou(absent=skip)", "trimap_iou(band_px=4,absent=skip,void_prediction=miss)"]
    metrics += ["trimap_accuracy(band_px=8,void_prediction=miss)"]
    result = score(tmp_path / "predictions", dataset="camvid", truth=tmp_path / "truth", metrics=metrics)
    found = [result.scores[key] for key in list(result.scores)[-4:]]
    expected = bf.evaluate(*camvid_pairs, range(11), (11,))
    assert found[0].value == expected.mean
    names = list(result.scores["mean_iou"].per_class)
    shown = {names.index(name): value for name, value in found[0].per_class.items() if not math.isnan(value)}
    assert shown == expected.per_class
    assert found[1].value == biou.evaluate(*camvid_pairs, range(11), (11,))[0]
    curve = trimap.evaluate(*camvid_pairs, 11, (11,), (4, 8), trimap.Trimap("boundary"))
    assert found[2].value == curve[4].mean_iou
    assert found[3].value == curve[8].accuracy


def test_two_observers_of_vessels(real_data: Path) -> None:
    truth, prediction = ((read(real_data / f"drive/test/{who}/01.png") > 0).astype(np.uint8) for who in OBSERVERS)
    case = {"truth": truth, "prediction": prediction, "space": 2, "classes": "1"}
    assert boundary_f(**case).value == float(bf.f_score(bf.count(truth, prediction)))
    assert mean_boundary_iou(**case).value == biou.boundary_iou(truth, prediction)


@pytest.mark.parametrize("centre", ["boundary", "void"])
def test_trimaps_of_voc(real_data: Path, centre: Literal["boundary", "void"]) -> None:
    """The truth against itself moved by three pixels; void, which two of three pictures have, stays in the truth."""
    truths = [read(path) for path in sorted((real_data / "voc-labelme/semantic/SegmentationClass").glob("*.png"))]
    predictions = [np.roll(np.where(truth == 255, 0, truth), 3, 1).astype(np.uint8) for truth in truths]
    assert sum(255 in truth for truth in truths) == 2
    case = {"truth": truths, "prediction": predictions, "space": 21, "void": 255, "centre": centre}
    curve = trimap.evaluate(truths, predictions, 21, (255,), (1, 4), trimap.Trimap(centre))
    for width, expected in curve.items():
        assert trimap_iou(**case, band_px=width).value == expected.mean_iou
        assert 0 < trimap_accuracy(**case, band_px=width).value == expected.accuracy < 1
