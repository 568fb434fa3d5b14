"""`segbench pack` where images are put together or changed: stacks of slices, and the road from above."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segbench
from segbench.scoring.pack import pack
from tests.cli.packs import GOLDEN, from_bytes, members, options, put
from tests.conftest import CommandLine
from tests.datasets.pngs import RGB, png
from tests.datasets.test_birdseye import random_calibration
from tests.oracles import kitti_road
from tests.protocols.test_official_isbi2012 import both as both
from tests.protocols.test_official_isbi2012 import numbers, tiff
from tests.protocols.test_official_kitti_road import hold
from tests.protocols.test_official_kitti_road_birdseye import random_truth
from tests.scoring.trees import listing


@pytest.mark.parametrize("whole", [True, False])
def test_a_stack_of_slices(whole: bool, both: Any, tmp_path: Path) -> None:
    folder, truth, prediction = both
    submission = folder / "predictions"
    submission.mkdir()
    if whole:
        (submission / "train.tif").write_bytes(tiff(prediction.astype(np.float64)))
    for i, slice_ in enumerate(() if whole else prediction):
        (submission / f"{i}.tif").write_bytes(tiff(slice_))
    split = "stack" if whole else "train"
    (tmp_path / "out").mkdir()
    path = tmp_path / "out/train-volume.tif"
    pack(submission, dataset="isbi2012", data_root=folder / "data", split=split, output=path)
    tifffile = pytest.importorskip("tifffile")
    found = tifffile.imread(path)
    assert found.dtype == np.float32 and len(tifffile.TiffFile(path).pages) == len(truth)
    np.testing.assert_array_equal(found, prediction)
    scores = [
        numbers(segbench.score(where, dataset="isbi2012", data_root=folder / "data", split=of))
        for where, of in ((submission, split), (path.parent, "stack"))
    ]
    assert scores[0] == scores[1]
    # What is right already is kept.
    second = pack(path.parent, dataset="isbi2012", data_root=folder / "data", split="stack", output=tmp_path / "b.tif")
    assert second.path.read_bytes() == path.read_bytes()


def test_slices_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for i in range(12):
        for folder in ("data/train/label", "in"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / f"{i}.png").write_bytes(
                png(np.array([[255, 0], [20 * i if folder == "in" else 255, 0]]))
            )
    made = pack(tmp_path / "in", dataset="isbi2012", data_root=tmp_path / "data", output=tmp_path / "a.tif")
    pages = pytest.importorskip("tifffile").imread(made.path)
    assert pages[:, 1, 0].tolist() == [float(np.float32(20 * i) / np.float32(255)) for i in range(12)]


def test_slices_of_two_sizes_are_no_stack(run: CommandLine, tmp_path: Path) -> None:
    done = run(
        "pack", GOLDEN / "isbi2012/predictions", *options("isbi2012"), "-o", tmp_path / "a.tif", "--format", "json"
    )
    assert (done.code, done.codes) == (3, ["shape-mismatch"])
    assert done.record["errors"][0]["expected"] == "2×2 as the first"
    assert not listing(tmp_path)


# The road: views from above are made of maps in the image of the camera.


@pytest.fixture
def road(tmp_path: Path) -> Path:
    """Test images and maps of three streets, in two kinds of files."""
    for i, kind in enumerate(("um", "umm", "uu")):
        calibration, shape = random_calibration(i)
        for folder, name, data in (
            ("data/testing/calib", f"{kind}_000003.txt", calibration),
            ("data/testing/image_2", f"{kind}_000003.png", png(np.zeros((*shape, 3), np.uint8), kind=RGB)),
        ):
            put(tmp_path / folder / name, data)
        for what in ("lane", "road") if kind == "um" else ("road",):
            levels = np.random.default_rng(i + len(what)).integers(1, 256, shape)
            put(tmp_path / f"in/{kind}_{what}_000003.png", png(levels))
    return tmp_path


def test_the_road_from_above(road: Path, run: CommandLine) -> None:
    done = run("pack", road / "in", "--dataset", "kitti-road", "--data-root", road / "data", "-o", road / "a.zip")
    assert (done.code, done.err) == (0, "segbench: warning: 4 images, the official test split has 386\n")
    made = members(road / "a.zip")
    assert list(made) == [f"{key}_000003.png" for key in ("um_lane", "um_road", "umm_road", "uu_road")]
    for name, data in made.items():
        street = f"{name.partition('_')[0]}_000003.txt"
        calibration = kitti_road.read_calibration((road / "data/testing/calib" / street).read_text())
        levels = from_bytes((road / "in" / name).read_bytes())
        above = kitti_road.birds_eye_view(levels[..., None].repeat(3, axis=2), calibration)[..., 0]
        assert 0 < (above > 0).mean() < 1
        np.testing.assert_array_equal(from_bytes(data), above)
    # The views are what the data set that is seen from above takes, as they are.
    asked = ("--dataset", "kitti-road-birdseye", "--data-root", road / "data")
    assert run("pack", road / "a.zip", *asked, "-o", road / "b.zip").code == 0
    assert (road / "b.zip").read_bytes() == (road / "a.zip").read_bytes()


def test_the_road_of_training_images_scores_as_its_view(tmp_path: Path) -> None:
    truths, predictions = [], []
    for i, kind in enumerate(("um", "umm", "uu")):
        text, shape = random_calibration(10 + i)
        calibration, rng = kitti_road.read_calibration(text.decode()), np.random.default_rng(i)
        truth = random_truth(rng, shape)
        levels = rng.integers(0, 256, shape).astype(np.uint8)
        put(tmp_path / f"data/training/calib/{kind}_000007.txt", text)
        put(tmp_path / f"data/training/gt_image_2/{kind}_road_000007.png", png(truth, kind=RGB))
        put(tmp_path / f"in/{kind}_road_000007.png", png(levels))
        truths.append(kitti_road.birds_eye_view(truth, calibration))
        predictions.append(kitti_road.birds_eye_view(levels[..., None].repeat(3, axis=2), calibration)[..., 0])
    root = tmp_path / "data"
    made = pack(tmp_path / "in", dataset="kitti-road", data_root=root, split="urban_road", output=tmp_path / "a.zip")
    result = segbench.score(made.path, dataset="kitti-road-birdseye", data_root=root)
    hold({key: score.value for key, score in result.scores.items()}, kitti_road.evaluate(truths, predictions))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ("rm data/testing/calib/uu_000003.txt", "dataset-error"),
        ("cp data/testing/calib/uu_000003.txt data/testing/image_2/uv_000003.png", "dataset-error"),
        ("cp in/um_lane_000003.png in/uu_road_000003.png", "shape-mismatch"),
        ("rm in/um_lane_000003.png", "missing-prediction"),
    ],
)
def test_a_road_that_cannot_be_packed(road: Path, run: CommandLine, spoil: str, code: str) -> None:
    verb, *paths = spoil.split()
    (shutil.copy if verb == "cp" else os.unlink)(*(road / path for path in paths))  # type: ignore[operator]
    before = listing(road)
    asked = ("--dataset", "kitti-road", "--data-root", road / "data", "-o", road / "a.zip", "--format", "json")
    done = run("pack", road / "in", *asked)
    assert done.codes == [code]
    assert listing(road) == before
