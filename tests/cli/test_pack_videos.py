"""`segbench pack` for videos: a folder for each sequence, and splits of whose truth only the first frames are there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.packs import from_bytes, members, put
from tests.conftest import CommandLine, Outcome
from tests.datasets.pngs import PALETTE, RGB, png

SHAPE = (4, 6)
EMPTY = np.zeros(SHAPE, np.uint8)
FRAMES = [f"{sequence}/{i:05}" for sequence in "ab" for i in range(4)]


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    """DAVIS as test-dev is delivered, two videos of 2 and 1 objects, and a submission."""
    for key in FRAMES:
        put(tmp_path / f"data/JPEGImages/480p/{key}.jpg", png(np.zeros((*SHAPE, 3), np.uint8), kind=RGB))
        put(tmp_path / f"in/{key}.png", png(EMPTY + 1))
    put(tmp_path / "data/Annotations/480p/a/00000.png", png(EMPTY + 2))
    put(tmp_path / "data/Annotations/480p/b/00000.png", png(EMPTY + 1))
    put(tmp_path / "data/ImageSets/2017/test-dev.txt", b"a\nb\n")
    return tmp_path


def pack(run: CommandLine, folder: Path, *more: object) -> Outcome:
    asked = ("--dataset", "davis2017", "--data-root", folder / "data", "-o", folder / "a.zip", "--force")
    return run("pack", folder / "in", *asked, *more, "--format", "json")


def test_a_folder_for_each_sequence_directly_inside(unlabelled: Path, run: CommandLine) -> None:
    put(unlabelled / "in/a/00001.png", png(EMPTY + 2, kind=PALETTE))
    done = pack(run, unlabelled)
    assert (done.code, done.err) == (0, "")
    assert (done.record["split"], done.record["n_images"], done.record["has_truth"]) == ("test-dev", 8, False)
    made = members(unlabelled / "a.zip")
    assert list(made) == [f"{key}.png" for key in FRAMES]
    # A file that has a palette is kept; the others are given that of VOC, whose second colour is dark red.
    assert made["a/00001.png"] == png(EMPTY + 2, kind=PALETTE)
    assert (from_bytes(made["b/00001.png"]) == 1).all() and b"PLTE\0\0\0\x80\0\0" in made["b/00001.png"]


def test_frames_that_nobody_scores_may_be_left_out(unlabelled: Path, run: CommandLine) -> None:
    for key in ("a/00000", "a/00003", "b/00003"):
        (unlabelled / f"in/{key}.png").unlink()
    done = pack(run, unlabelled)
    assert (done.code, done.err, done.record["n_images"]) == (0, "", 5)


@pytest.mark.parametrize(
    ("key", "data", "code"),
    [
        ("a/00001", png(EMPTY + 3), "stray-label"),
        ("b/00002", png(EMPTY + 2), "stray-label"),
        ("b/00002", png(EMPTY + 255), "stray-label"),
        ("b/00001", png(EMPTY.T), "shape-mismatch"),
        ("b/00001", b"no PNG", "unreadable-image"),
        ("b/00001", None, "missing-prediction"),
    ],
)
def test_faults_without_truth(unlabelled: Path, run: CommandLine, key: str, data: bytes | None, code: str) -> None:
    path = unlabelled / f"in/{key}.png"
    path.unlink() if data is None else path.write_bytes(data)
    done = pack(run, unlabelled)
    assert (done.code, done.codes) == (3, [code])
    assert done.record["errors"][0]["file"] == str(path)
    assert not (unlabelled / "a.zip").exists()


def test_without_a_first_frame_nobody_knows_the_objects(unlabelled: Path, run: CommandLine) -> None:
    (unlabelled / "data/Annotations/480p/b/00000.png").unlink()
    done = pack(run, unlabelled)
    assert (done.code, done.codes) == (4, ["dataset-error"])
    assert done.record["errors"][0]["file"].endswith("Annotations/480p/b/00000.png")


def test_first_frames_alone_are_no_truth_to_score(unlabelled: Path, run: CommandLine) -> None:
    asked = ("--dataset", "davis2017", "--data-root", unlabelled / "data", "--split", "test-dev", "--format", "json")
    done = run("score", unlabelled / "in", *asked)
    assert (done.code, done.codes) == (4, ["dataset-error"] * 2)
    assert "1 frame of a" in done.record["errors"][0]["found"]


def test_with_truth_predictions_are_held_against_it(unlabelled: Path, run: CommandLine) -> None:
    for key in FRAMES:
        put(unlabelled / f"data/Annotations/480p/{key}.png", png(EMPTY + 1))
    done = pack(run, unlabelled)
    assert (done.code, done.record["has_truth"], done.record["n_images"]) == (0, True, 8)
    put(unlabelled / "in/a/00001.png", png(EMPTY + 2))
    assert pack(run, unlabelled).codes == ["stray-label"]
