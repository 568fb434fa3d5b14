"""`segbench pack` for splits whose truth is not on disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segbench.protocols.load import load_protocol
from segbench.protocols.packing import SUFFIXES
from tests.cli.packs import FORMS, GOLDEN, from_bytes, members, options, put, spoil
from tests.conftest import CommandLine
from tests.datasets.pngs import RGB, png
from tests.protocols.test_official_isbi2012 import both as both
from tests.protocols.test_official_isbi2012 import tiff


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """The golden folder of VOC, that may be spoilt."""
    return Path(shutil.copytree(GOLDEN / "voc2012", tmp_path / "golden"))


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    """Cityscapes as it is delivered, but for the truth of test, and a submission in another folder."""
    for i, city in enumerate(("bonn", "mainz", "mainz")):
        key = f"{city}_{i:06}_000019"
        image = png(np.zeros((4, 6, 3), np.uint8), kind=RGB)
        put(tmp_path / f"data/leftImg8bit/test/{city}/{key}_leftImg8bit.png", image)
        put(tmp_path / f"in/{city}/{key}.png", png(np.full((4, 6), 7 + i)))
    return tmp_path


def pack_test(run: CommandLine, folder: Path, *more: object) -> Any:
    asked = ("--dataset", "cityscapes", "--data-root", folder / "data", "-o", folder / "a.zip")
    return run("pack", folder / "in", *asked, *more)


def test_a_split_without_truth_is_held_against_its_images(unlabelled: Path, run: CommandLine) -> None:
    done = pack_test(run, unlabelled, "--format", "json")
    assert done.code == 0
    assert done.record == {
        "status": "packed",
        "file": str(unlabelled / "a.zip"),
        "protocol": "cityscapes@1",
        "split": "test",
        "n_images": 3,
        "has_truth": False,
        "warnings": ["3 images, the official test split has 1525"],
    }
    names = [f"{key}_000019_leftImg8bit.png" for key in ("bonn_000000", "mainz_000001", "mainz_000002")]
    assert list(members(unlabelled / "a.zip")) == names
    assert "held against the images alone" in pack_test(run, unlabelled, "--force").out


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("mainz/mainz_000001_000019.png", png(np.full((4, 6), 77)), "stray-label"),
        ("mainz/mainz_000001_000019.png", png(np.full((6, 4), 7)), "shape-mismatch"),
        ("mainz/mainz_000001_000019.png", b"no PNG", "unreadable-image"),
        ("mainz_000001_000019_again.png", png(np.full((4, 6), 7)), "duplicate-prediction"),
        ("mainz/mainz_000001_000019.png", None, "missing-prediction"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_faults_without_truth(
    unlabelled: Path, run: CommandLine, name: str, data: bytes | None, code: str, workers: int
) -> None:
    target = unlabelled / "in" / name
    target.unlink() if data is None else target.write_bytes(data)
    done = pack_test(run, unlabelled, "--format", "json", "--workers", workers)
    assert (done.code, done.codes) == (3, [code])
    assert "mainz_000001_000019" in done.record["errors"][0]["file"]
    assert not list(unlabelled.glob("a.zip*"))


def test_a_file_of_no_image_without_truth(unlabelled: Path, run: CommandLine) -> None:
    put(unlabelled / "in/readme.txt", b"hello")
    done = pack_test(run, unlabelled)
    assert done.code == 0 and "1 file belongs to no image of the split: readme.txt" in done.err
    assert pack_test(run, unlabelled, "--force", "--strict", "--format", "json").codes == ["unclaimed-file"]


def test_train_ids_without_truth(unlabelled: Path, run: CommandLine) -> None:
    put(unlabelled / "in/bonn/bonn_000000_000019.png", png(np.full((4, 6), 255)))
    assert pack_test(run, unlabelled, "--input", "trainids").code == 0
    found = {name[:4]: set(from_bytes(data).flat) for name, data in members(unlabelled / "a.zip").items()}
    # Train ids 255 and 9 are the ids 0 and 22; of two of mainz the later one counts.
    assert found == {"bonn": {0}, "main": {22}}
    put(unlabelled / "in/bonn/bonn_000000_000019.png", png(np.full((4, 6), 33)))
    assert pack_test(run, unlabelled, "--force", "--input", "trainids", "--format", "json").codes == ["stray-label"]


def test_faults_without_truth_are_those_with_it(golden: Path, run: CommandLine, tmp_path: Path) -> None:
    for how in ("stray", "void"):
        for key in "ac":
            shutil.copy(GOLDEN / f"voc2012/predictions/{key}.png", golden / "predictions")
        spoil(golden / "predictions", how)
        common = ("pack", golden / "predictions", *options("voc2012", golden), "-o", tmp_path / "a.tgz")
        with_truth = run(*common, "--format", "json")
        hidden = (golden / "data/SegmentationClass").rename(golden / "hidden")
        (golden / "data/SegmentationClass").mkdir()
        without = run(*common, "--format", "json")
        (golden / "data/SegmentationClass").rmdir()
        hidden.rename(golden / "data/SegmentationClass")
        assert (without.code, without.record) == (with_truth.code, with_truth.record) and without.code == 3


def test_a_list_alone_leaves_sizes_unchecked(golden: Path, run: CommandLine, tmp_path: Path) -> None:
    shutil.rmtree(golden / "data/SegmentationClass")
    (golden / "data/SegmentationClass").mkdir()
    common = ("pack", golden / "predictions", *options("voc2012", golden), "-o", tmp_path / "a.tgz")
    done = run(*common)
    assert done.code == 0 and "none of its images is there: not every size was checked" in done.err
    assert run(*common, "--force", "--strict").code == 1
    size = from_bytes((golden / "predictions/a.png").read_bytes()).shape[::-1]
    (golden / "data/JPEGImages").mkdir(exist_ok=True)
    Image.new("RGB", size).save(golden / "data/JPEGImages/a.jpg")
    assert "2 of its 3 images are not there" in run(*common, "--force").err
    Image.new("RGB", (size[0] + 1, size[1])).save(golden / "data/JPEGImages/a.jpg")
    done = run(*common, "--force", "--format", "json")
    assert (done.code, done.codes) == (3, ["shape-mismatch"])
    (golden / "data/JPEGImages/a.jpg").write_bytes(b"no JPEG")
    done = run(*common, "--force", "--format", "json")
    assert (done.code, done.codes) == (4, ["dataset-error"])


#: An image of each test split, as the sources name it, and the file in the archive.
TEST_IMAGES = {
    "ade20k": ("images/testing/ADE_test_00000001.jpg", "ADE_test_00000001.png"),
    "cihp": ("Testing/Images/0000007.jpg", "global_parsing/0000007.png"),
    "kitti-semantic": ("testing/image_2/000000_10.png", "semantic/000000_10.png"),
    "lip": ("TrainVal_images/test_images/100034_1.jpg", "100034_1.png"),
    "voc2012": ("JPEGImages/2008_000006.jpg", "results/VOC2012/Segmentation/comp6_test_cls/2008_000006.png"),
}


@pytest.mark.parametrize("name", TEST_IMAGES)
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_every_test_split_is_found_by_its_images(name: str, executor: str, run: CommandLine, tmp_path: Path) -> None:
    image, member = TEST_IMAGES[name]
    key = Path(image).stem
    (tmp_path / "data" / image).parent.mkdir(parents=True)
    Image.new("RGB", (5, 3)).save(tmp_path / "data" / image)
    if load_protocol(name).layout.list:
        put(tmp_path / "data" / load_protocol(name).layout.list.format(split="test"), f"{key}\n".encode())
    put(tmp_path / f"in/{key}.png", png(np.full((3, 5), 1)))
    suffix = SUFFIXES[FORMS[name].container][0]
    common = ("pack", tmp_path / "in", "--dataset", name, "--data-root", tmp_path / "data", "--executor", executor)
    done = run(*common, "-o", tmp_path / f"a{suffix}", "--workers", 2)
    assert done.code == 0, done.err
    assert list(members(tmp_path / f"a{suffix}")) == [member]
    put(tmp_path / f"in/{key}.png", png(np.full((5, 3), 1)))
    done = run(*common, "-o", tmp_path / f"b{suffix}", "--format", "json")
    assert done.codes == ["shape-mismatch"] and done.record["errors"][0]["expected"] == "3×5 as the image"


def test_tiles_without_truth(run: CommandLine, tmp_path: Path) -> None:
    for key in load_protocol("isprs-vaihingen").keys["test"]:
        put(tmp_path / f"data/top/top_mosaic_09cm_area{key}.tif", tiff(np.zeros((4, 7), np.uint8)))
        put(tmp_path / f"in/{key}.tif", tiff(np.full((4, 7), int(key) % 6, np.uint8)))
    common = ("pack", tmp_path / "in", "--dataset", "vaihingen", "--data-root", tmp_path / "data", "--format", "json")
    done = run(*common, "-o", tmp_path / "a.zip")
    assert (done.code, done.record["warnings"]) == (0, [])
    colors = [c.color for c in load_protocol("vaihingen").space.classes]
    for name, data in members(tmp_path / "a.zip").items():
        number = int(name.removeprefix("top_mosaic_09cm_area").removesuffix(".tif"))
        assert (from_bytes(data) == colors[number % 6]).all()
    put(tmp_path / "in/2.tif", tiff(np.zeros((7, 4), np.uint8)))
    assert run(*common, "-o", tmp_path / "b.zip").codes == ["shape-mismatch"]


def test_neither_truth_nor_images(run: CommandLine, tmp_path: Path) -> None:
    done = run("pack", tmp_path, "--dataset", "ade20k", "--data-root", tmp_path, "-o", tmp_path / "a.zip")
    assert done.code == 4 and "images/testing" in done.err


def test_a_truth_that_is_void_everywhere_is_no_hindrance(unlabelled: Path, run: CommandLine) -> None:
    # The labels of Cityscapes' test images are public, and say nothing.
    for file in list((unlabelled / "in").rglob("*.png")):
        folder = unlabelled / "data/gtFine/test" / file.parent.name
        for what in ("labelIds", "instanceIds"):
            put(folder / f"{file.stem}_gtFine_{what}.png", png(np.zeros((4, 6), np.uint8)))
    done = pack_test(run, unlabelled, "--format", "json")
    assert done.code == 0 and done.record["has_truth"]
    (unlabelled / "in/bonn/bonn_000000_000019.png").write_bytes(png(np.full((4, 6), 77)))
    assert pack_test(run, unlabelled, "--force", "--format", "json").codes == ["stray-label"]
