"""`segbench pack`: what it writes is scored as the submission was, is the same bytes every time, or is not there."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segbench
from segbench.datasets.predictions import PredictionSet
from segbench.errors import OutputProblem
from segbench.protocols.load import load_protocol
from segbench.scoring import bundle
from segbench.scoring.pack import pack
from tests.cli.packs import FORMS, GOLDEN, NAMES, archive, asked, from_bytes, members, options, put, spoil
from tests.conftest import CommandLine, start
from tests.datasets.packing import packed as packed_as
from tests.datasets.pngs import GREY, PALETTE, RGB, png
from tests.protocols.test_official_isbi2012 import both as both
from tests.scoring.trees import listing

#: What is packed is of the same split and the same images as what was submitted.
ALIKE = sorted(name for name, form in FORMS.items() if form.holds not in ("stack", "birdseye"))

#: Read in the sources of each protocol: a name in the archive for the image `key` of the golden split.
MEMBERS = {
    "ade20k": ("zip", "a.png"),
    "cihp": ("zip", "global_parsing/a.png"),
    "cityscapes": ("zip", "aachen_000000_000019_leftImg8bit.png"),
    "davis2017": ("zip", "a/00001.png"),
    "isprs-potsdam": ("zip", "top_potsdam_2_13_label.tif"),
    "isprs-vaihingen": ("zip", "top_mosaic_09cm_area10.tif"),
    "kitti-road-birdseye": ("zip", "um_road_000000.png"),
    "kitti-semantic": ("zip", "semantic/000000_10.png"),
    "lip": ("zip", "a.png"),
    "voc2012": ("tgz", "results/VOC2012/Segmentation/comp6_val_cls/a.png"),
}


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
    assert path.read_bytes()[4:8] == bytes(4), "the time in the header of gzip"
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


# What is refused.


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
