"""`segbench pack`: what it writes is scored as the submission was, is the same bytes every time, or is not there."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import segbench
from segbench.datasets.predictions import PredictionSet
from segbench.errors import OutputProblem
from segbench.protocols.load import load_protocol, protocol_names
from segbench.protocols.packing import SUFFIXES
from segbench.scoring import bundle
from segbench.scoring.pack import pack
from tests.conftest import CommandLine, start
from tests.datasets.packing import packed as packed_as
from tests.datasets.pngs import GREY, PALETTE, RGB, png
from tests.datasets.test_birdseye import random_calibration
from tests.oracles import kitti_road
from tests.protocols.test_official_isbi2012 import both as both
from tests.protocols.test_official_isbi2012 import numbers, tiff
from tests.protocols.test_official_kitti_road import hold
from tests.protocols.test_official_kitti_road_birdseye import random_truth
from tests.scoring.trees import listing

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = sorted(set(protocol_names().values()))
FORMS = {name: form for name in NAMES if (form := load_protocol(name).pack)}
#: What is packed is of the same split and the same images as what was submitted.
ALIKE = sorted(name for name, form in FORMS.items() if form.holds not in ("stack", "birdseye"))

#: Read in the sources of each protocol: a name in the archive for the image `key` of the golden split.
MEMBERS = {
    "ade20k": ("zip", "a.png"),
    "cihp": ("zip", "global_parsing/a.png"),
    "cityscapes": ("zip", "aachen_000000_000019_leftImg8bit.png"),
    "isprs-potsdam": ("zip", "top_potsdam_2_13_label.tif"),
    "isprs-vaihingen": ("zip", "top_mosaic_09cm_area10.tif"),
    "kitti-road-birdseye": ("zip", "um_road_000000.png"),
    "kitti-semantic": ("zip", "semantic/000000_10.png"),
    "lip": ("zip", "a.png"),
    "voc2012": ("tgz", "results/VOC2012/Segmentation/comp6_val_cls/a.png"),
}


def asked(name: str, folder: Path | None = None) -> dict[str, Any]:
    root = (folder or GOLDEN / name) / "data"
    return {"dataset": name, "data_root": root, "split": load_protocol(name).default_split}


def options(name: str, folder: Path | None = None) -> list[object]:
    return [part for key, value in asked(name, folder).items() for part in (f"--{key.replace('_', '-')}", value)]


def archive(name: str, folder: Path) -> Path:
    return folder / f"packed{SUFFIXES[FORMS[name].container][0]}"


def members(path: Path) -> dict[str, bytes]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as file:
            return {name: file.read(name) for name in file.namelist()}
    with tarfile.open(path) as tar:
        found = [(member.name, tar.extractfile(member)) for member in tar if member.isfile()]
        return {name: file.read() for name, file in found if file is not None}


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """The golden folder of VOC, that may be spoilt."""
    return Path(shutil.copytree(GOLDEN / "voc2012", tmp_path / "golden"))


# What is written.


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_packed_scores_as_the_submission(name: str, tmp_path: Path) -> None:
    predictions = GOLDEN / name / "predictions"
    made = pack(predictions, output=archive(name, tmp_path), **asked(name))
    result, again = (segbench.score(path, **asked(name)) for path in (predictions, made.path))
    assert made.n_images == result.n_images
    assert [(key, s.value, s.per_class, s.signature) for key, s in again.scores.items()] == [
        (key, s.value, s.per_class, s.signature) for key, s in result.scores.items()
    ]
    # Nothing in the archive belongs to no image.
    assert not [text for text in again.warnings if "belong" in text]


def test_every_protocol_that_is_packed_alike_is_looked_at() -> None:
    assert set(ALIKE) == set(MEMBERS)
    assert set(FORMS) - set(ALIKE) == {"isbi2012", "kitti-road"}


@pytest.mark.parametrize("name", ALIKE)
def test_names_are_those_of_the_server(name: str, tmp_path: Path) -> None:
    made = pack(GOLDEN / name / "predictions", output=archive(name, tmp_path), **asked(name))
    container, member = MEMBERS[name]
    assert FORMS[name].container == container
    names = list(members(made.path))
    assert names == sorted(names) and names[0] == member and len(names) == made.n_images


@pytest.mark.parametrize("name", ALIKE)
def test_the_same_predictions_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    first = pack(GOLDEN / name / "predictions", output=archive(name, tmp_path), **asked(name)).path.read_bytes()
    copy = Path(shutil.copytree(GOLDEN / name / "predictions", tmp_path / "copy"))
    for i, file in enumerate(copy.rglob("*")):
        os.utime(file, (1_000_000_000 + i, 1_000_000_000 + i))
        file.chmod(0o600 if file.is_file() else 0o700)
    zipped = packed_as("deflated", copy, tmp_path)
    for submission, workers in ((copy, 1), (copy, 3), (zipped, 2)):
        pack(submission, output=archive(name, tmp_path), force=True, workers=workers, **asked(name))
        assert archive(name, tmp_path).read_bytes() == first


def test_a_tar_begins_with_its_folders(tmp_path: Path) -> None:
    path = pack(GOLDEN / "voc2012/predictions", output=tmp_path / "a.tar.gz", task="comp5", **asked("voc2012")).path
    with tarfile.open(path, "r:gz") as tar:
        kinds = [(member.name, member.isdir(), member.mode, member.mtime, member.uid) for member in tar]
    top = ["results", "VOC2012", "Segmentation", "comp5_val_cls"]
    assert kinds[:4] == [("/".join(top[: n + 1]), True, 0o755, 0, 0) for n in range(4)]
    assert kinds[4:] == [("/".join((*top, f"{key}.png")), False, 0o644, 0, 0) for key in "abc"]


def test_files_of_the_right_form_are_kept(tmp_path: Path) -> None:
    truth = {file.stem: file for file in (GOLDEN / "voc2012/data/SegmentationClass").iterdir()}
    labels = {key: from_bytes(file.read_bytes()) for key, file in truth.items()}
    first, second, third = sorted(labels)
    submission = {
        first: png(labels[first] % 21, kind=PALETTE, extra=[(b"tEXt", b"Author\0me")]),
        second: png(labels[second] % 21, kind=GREY),
        third: png(np.array(colors("voc2012"))[labels[third] % 21], kind=RGB),
    }
    (tmp_path / "in").mkdir()
    for key, data in submission.items():
        (tmp_path / "in" / f"{key}.png").write_bytes(data)
    made = members(pack(tmp_path / "in", output=tmp_path / "a.tgz", **asked("voc2012")).path)
    found = {name.rpartition("/")[2][:-4]: data for name, data in made.items()}
    assert found[first] == submission[first]
    for key in (second, third):
        assert found[key][25] == PALETTE
        np.testing.assert_array_equal(from_bytes(found[key]), labels[key] % 21)


def from_bytes(data: bytes) -> np.ndarray[Any, Any]:
    """Read a label PNG by Pillow, which is not what reads or writes it in the package."""
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened)


def colors(name: str) -> list[tuple[int, int, int]]:
    return [c.color for c in load_protocol(name).space.classes if c.color is not None]


def test_train_ids_become_ids(tmp_path: Path) -> None:
    protocol = load_protocol("cityscapes")
    train_ids = {value: train for train, value in protocol.train_ids.items()}
    (tmp_path / "in").mkdir()
    ids = {}
    for file in (GOLDEN / "cityscapes/predictions").iterdir():
        labels = from_bytes(file.read_bytes())
        ids[file.name] = np.where(np.isin(labels, list(train_ids)), labels, 0)
        in_train_ids = np.vectorize(lambda value: train_ids.get(int(value), 255))(ids[file.name])
        (tmp_path / "in" / file.name).write_bytes(png(in_train_ids))
    made = pack(tmp_path / "in", output=tmp_path / "a.zip", input="trainids", **asked("cityscapes"))
    for name, data in members(made.path).items():
        np.testing.assert_array_equal(from_bytes(data), ids[name])
    plain = segbench.score(made.path, **asked("cityscapes"))
    train = segbench.score(tmp_path / "in", input="trainids", **asked("cityscapes"))
    assert {key: s.value for key, s in plain.scores.items()} == {key: s.value for key, s in train.scores.items()}


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


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


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


# What is refused.


def spoil(folder: Path, how: str) -> None:
    if how == "missing":
        (folder / "b.png").unlink()
    elif how == "twice":
        shutil.copy(folder / "b.png", folder / "b.tif")
    else:
        value, shape = {"stray": (77, None), "void": (255, None), "size": (0, (1, 1))}[how]
        labels = from_bytes((folder / "b.png").read_bytes()).copy()
        labels[0, 0] = value
        (folder / "b.png").write_bytes(png(labels if shape is None else np.zeros(shape, np.uint8), kind=PALETTE))


@pytest.mark.parametrize("how", ["missing", "twice", "stray", "void", "size"])
def test_what_check_refuses_is_not_packed(golden: Path, run: CommandLine, how: str, tmp_path: Path) -> None:
    spoil(golden / "predictions", how)
    common = (golden / "predictions", *options("voc2012", golden), "--format", "json")
    checked = run("check", *common)
    packed = run("pack", *common, "-o", tmp_path / "a.tgz")
    assert (packed.code, packed.record) == (checked.code, checked.record) and packed.code == 3
    assert os.listdir(tmp_path) == ["golden"]


def test_a_file_of_no_image_is_a_warning_and_strictly_a_fault(golden: Path, run: CommandLine, tmp_path: Path) -> None:
    (golden / "predictions/readme.txt").write_text("hello")
    common = ("pack", golden / "predictions", *options("voc2012", golden), "-o", tmp_path / "a.tgz")
    assert "1 file belongs to no image" in run(*common).err
    assert not any("readme" in name for name in members(tmp_path / "a.tgz"))
    done = run(*common, "--force", "--strict", "--format", "json")
    assert (done.code, done.codes) == (3, ["unclaimed-file"])


def test_an_archive_that_is_there_is_replaced_only_by_force(run: CommandLine, tmp_path: Path) -> None:
    target = tmp_path / "a.tgz"
    target.write_text("mine")
    common = ("pack", GOLDEN / "voc2012/predictions", *options("voc2012"), "-o", target)
    done = run(*common)
    assert done.code == 2 and "--force" in done.err and target.read_text() == "mine"
    assert run(*common, "--force").code == 0
    assert len(members(target)) == 3
    (tmp_path / "folder.tgz").mkdir()
    assert run(*common[:-1], tmp_path / "folder.tgz", "--force").code == 2


def test_a_refusal_leaves_the_archive_that_is_there(golden: Path, run: CommandLine, tmp_path: Path) -> None:
    spoil(golden / "predictions", "stray")
    target = tmp_path / "a.tgz"
    target.write_text("mine")
    assert run("pack", golden / "predictions", *options("voc2012", golden), "-o", target, "--force").code == 3
    assert target.read_text() == "mine" and sorted(os.listdir(tmp_path)) == ["a.tgz", "golden"]


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(FORMS)))
def test_where_there_is_no_server_one_line_says_so(name: str, run: CommandLine, tmp_path: Path) -> None:
    done = run("pack", tmp_path, "--dataset", name, "--format", "json")
    assert (done.code, done.codes) == (2, ["usage-error"])
    assert name in done.record["errors"][0]["found"]
    assert done.record["errors"][0]["expected"] == " | ".join(FORMS)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (["-o", "a.zip"], ".tgz or .tar.gz"),
        (["-o", "none/a.tgz"], "an existing folder"),
        (["--task", "comp7"], "comp6 | comp5"),
        (["--split", "tset"], "did you mean 'test'"),
        (["--input", "trainids"], "ids"),
    ],
)
def test_wrong_options(wrong: list[str], expected: str, run: CommandLine, tmp_path: Path) -> None:
    where = [str(tmp_path / word) if i and wrong[0] == "-o" else word for i, word in enumerate(wrong)]
    output = [] if wrong[0] == "-o" else ["-o", tmp_path / "a.tgz"]
    root = ("--data-root", GOLDEN / "voc2012/data")
    done = run("pack", GOLDEN / "voc2012/predictions", "--dataset", "voc2012", *root, *where, *output)
    assert done.code == 2 and expected in done.err
    assert not listing(tmp_path)


def test_a_server_with_one_task_takes_none(run: CommandLine, tmp_path: Path) -> None:
    common = ("pack", GOLDEN / "lip/predictions", *options("lip"), "-o", tmp_path / "a.zip")
    done = run(*common, "--task", "comp5")
    assert done.code == 2 and "one task" in done.err


# Splits whose truth is not on disk.


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


# What is left when it goes wrong.


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        assert total == 6
        if done == 5:
            assert list(tmp_path.glob("*.part"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(GOLDEN / "voc2012/predictions", output=tmp_path / "a.tgz", progress=interrupt, **asked("voc2012"))
    assert not listing(tmp_path)


def test_the_signal_of_a_user(tmp_path: Path) -> None:
    n = 400
    labels = np.random.default_rng(0).integers(0, 21, (400, 400))
    keys = [f"k{i:03}" for i in range(n)]
    put(tmp_path / "data/ImageSets/Segmentation/test.txt", "\n".join(keys).encode())
    (tmp_path / "data/SegmentationClass").mkdir()
    for key in keys:
        put(tmp_path / f"in/{key}.png", png(labels))
    (tmp_path / "out").mkdir()
    args = ("pack", tmp_path / "in", "--dataset", "voc", "--data-root", tmp_path / "data", "-o", tmp_path / "out/a.tgz")
    with start(*args) as process:
        end = time.monotonic() + 60
        while not (tmp_path / "out/a.tgz.part").exists() and time.monotonic() < end and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert not listing(tmp_path / "out")


def test_a_full_disk_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("segbench.scoring.bundle.os.fsync", full)
    with pytest.raises(OutputProblem, match="No space left"):
        pack(GOLDEN / "voc2012/predictions", output=tmp_path / "a.tgz", **asked("voc2012"))
    assert not listing(tmp_path)


def test_one_image_is_held_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done: list[str] = []
    read, add = PredictionSet.read, bundle._Tgz.add

    def reading(self: PredictionSet, file: str, **options: Any) -> bytes:
        done.append("read")
        return read(self, file, **options)

    def adding(self: Any, name: str, parts: Any) -> None:
        add(self, name, parts)
        done.append("added")

    monkeypatch.setattr(PredictionSet, "read", reading)
    monkeypatch.setattr(bundle._Tgz, "add", adding)
    pack(GOLDEN / "voc2012/predictions", output=tmp_path / "a.tgz", **asked("voc2012"))
    assert done[-6:] == ["read", "added"] * 3


def test_the_usual_name(monkeypatch: pytest.MonkeyPatch, run: CommandLine, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, expected in (("voc2012", "results.tgz"), ("cihp", "mp_results.zip"), ("lip", "lip-val.zip")):
        assert run("pack", GOLDEN / name / "predictions", *options(name)).code == 0
        assert (tmp_path / expected).is_file()


def test_a_truth_by_path(run: CommandLine, tmp_path: Path) -> None:
    truth = GOLDEN / "lip/data/TrainVal_parsing_annotations/val_segmentations"
    done = run("pack", GOLDEN / "lip/predictions", "--dataset", "lip", "--truth", truth, "-o", tmp_path / "a.zip")
    assert done.code == 0 and len(members(tmp_path / "a.zip")) == 3
    truth = GOLDEN / "kitti-road/data/training/gt_image_2"
    shutil.copytree(truth, tmp_path / "truth")
    (tmp_path / "truth/um_lane_000000.png").unlink()
    asked = ("--dataset", "kitti-road", "--truth", tmp_path / "truth", "-o", tmp_path / "b.zip")
    done = run("pack", GOLDEN / "kitti-road/predictions", *asked)
    assert done.code == 2 and "--data-root" in done.err
