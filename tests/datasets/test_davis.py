"""Folders of frames: what a list names, which frames are scored, and how many objects a video has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segbench.datasets.davis import scored_frames
from segbench.datasets.inventory import take_inventory
from segbench.datasets.truth import TruthSet, Video, open_truth
from segbench.datasets.videolists import listed_videos
from segbench.errors import DatasetError, Refusal
from segbench.protocols.load import load_protocol
from segbench.samples import Place
from tests.conftest import CommandLine
from tests.datasets.pngs import png

DAVIS = load_protocol("davis2017")
ONE = np.eye(3, dtype=np.uint8)


def site(root: Path, *keys: str, lines: str = "b\na\n", labels: np.ndarray = ONE) -> Path:
    """The folders of DAVIS 2017 with these frames and this list of val."""
    for key in keys:
        path = root / f"Annotations/480p/{key}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(labels))
    (root / "ImageSets/2017").mkdir(parents=True, exist_ok=True)
    (root / "ImageSets/2017/val.txt").write_text(lines, "utf-8")
    return root


def frames(sequence: str, n: int) -> list[str]:
    return [f"{sequence}/{i:05}" for i in range(n)]


def inner(root: Path, **options: str) -> TruthSet:
    return scored_frames(open_truth(DAVIS, data_root=root, **options), with_ends=False)


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ("b\na\n\n", ["a", "b"]),
        ("a", ["a"]),
        ("\ufeffa \r\nb\r\n", ["a", "b"]),
        ("/JPEGImages/480p/bear/00001.jpg /Annotations/480p/bear/00001.png \n", ["bear/00001"]),
        ("/JPEGImages/480p/c/1.jpg /Annotations/480p/c/1.png\na", ["a", "c/1"]),
        ("a\u0308", ["\u00e4"]),
    ],
)
def test_a_list_names_videos_or_frames(lines: str, names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "val.txt"
    path.write_text(lines, "utf-8")
    assert listed_videos(path) == names


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "an empty list"),
        ("\n \n", "an empty list"),
        ("a\nb\na", "'a' twice"),
        ("x /y/a/1.png\nx /z/a/1.png", "'a/1' twice"),
        ("..", r"named '\.\.'"),
        ("x /y/../1.png", r"named '\.\./1'"),
        ("x y//", "named '/'"),
        ("\0", r"named '\\x00'"),
    ],
)
def test_a_list_that_cannot_be(lines: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "val.txt"
    path.write_text(lines, "utf-8")
    with pytest.raises(DatasetError, match=said) as caught:
        listed_videos(path)
    assert caught.value.file == str(path)


def test_a_list_that_is_no_text(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DatasetError, match="cannot be read"):
            listed_videos(path)
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(DatasetError, match="cannot be read"):
        listed_videos(tmp_path / "bytes")


def test_the_frames_of_the_videos_of_a_list(tmp_path: Path) -> None:
    root = site(tmp_path, *frames("a", 4), *frames("b", 3), *frames("other", 3))
    truth = open_truth(DAVIS, data_root=root)
    assert truth.keys == [*frames("a", 4), *frames("b", 3)]
    scored = inner(root)
    assert scored.keys == ["a/00001", "a/00002", "b/00001"]
    assert scored.beside == {"a/00000", "a/00003", "b/00000", "b/00002"}
    assert scored.videos["b"] == Video(("00000", "00001", "00002"), 1)
    assert scored.place("a/00002") == Place(2, 4, 1)
    assert truth.place("a/00002") is None
    everything = scored_frames(truth, with_ends=True)
    assert (everything.keys, everything.beside) == (truth.keys, frozenset())


def test_a_video_whose_name_begins_as_another_does(tmp_path: Path) -> None:
    """As text, a-b/00000 comes before a/00000."""
    root = site(tmp_path, *frames("a", 3), *frames("a-b", 3), lines="a\na-b")
    assert inner(root).keys == ["a-b/00001", "a/00001"]


def test_a_listed_video_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such folder") as caught:
        inner(site(tmp_path, *frames("a", 3)))
    assert caught.value.file == str(tmp_path / "Annotations/480p/b")


def test_the_objects_of_the_first_frame(tmp_path: Path) -> None:
    root = site(tmp_path, *frames("a", 3), lines="a")
    for values, n_objects in (([0, 1], 1), ([0, 2, 255], 2), ([3, 3], 3), ([0, 0], 0), ([254, 0], 254)):
        site(tmp_path, "a/00000", lines="a", labels=np.array([values], np.uint8))
        assert inner(root).videos["a"].n_objects == n_objects
    for values, said in (([0, 255], "0 and 255"), ([255, 255], "255 alone"), ([0, 256], "value 256")):
        path = tmp_path / "Annotations/480p/a/00000.png"
        path.write_bytes(png(np.array([values]), depth=16 if max(values) > 255 else 8))
        with pytest.raises(DatasetError, match=said) as caught:
            inner(root)
        assert caught.value.file == str(path)


def test_every_video_is_looked_at_before_anything_is_refused(tmp_path: Path) -> None:
    root = site(tmp_path, *frames("a", 2), *frames("b", 3), *frames("c", 3), lines="a\nb\nc")
    (root / "Annotations/480p/b/00000.png").write_bytes(b"no PNG")
    with pytest.raises(Refusal) as caught:
        inner(root)
    assert ["2 frames of a" in str(caught.value.faults[0]), len(caught.value.faults)] == [True, 2]


def test_frames_in_no_folder(tmp_path: Path) -> None:
    (tmp_path / "00000.png").write_bytes(png(ONE))
    with pytest.raises(DatasetError, match="a frame '00000' of no sequence; expected folders SEQUENCE/FRAME.png"):
        scored_frames(open_truth(DAVIS, truth=tmp_path), with_ends=True)


def test_the_layout_whose_list_is_there(tmp_path: Path) -> None:
    """The release of 2016 has its lists elsewhere."""
    protocol = load_protocol("davis2016")
    root = site(tmp_path, *frames("a", 3))
    (root / "ImageSets/480p").mkdir()
    (root / "ImageSets/480p/val.txt").write_text(
        "".join(f"/JPEGImages/480p/{key}.jpg /Annotations/480p/{key}.png\n" for key in frames("a", 3)), "utf-8"
    )
    assert open_truth(protocol, data_root=root).keys == frames("a", 3)
    (root / "ImageSets/480p/val.txt").unlink()
    with pytest.raises(DatasetError, match="no such list") as caught:
        open_truth(protocol, data_root=root)
    assert str(caught.value.file).endswith("ImageSets/2016/val.txt")


def test_what_is_on_disk(tmp_path: Path, run: CommandLine) -> None:
    root = site(tmp_path / "data", *frames("a", 4), *frames("b", 3), *frames("other", 3))
    found = take_inventory(DAVIS, data_root=root)
    assert (found.faults, len(found.files)) == ([], 7)
    assert found.unlisted == [f"Annotations/480p/{key}.png" for key in frames("other", 3)]
    outcome = run("datasets", "check", "davis2017", "--data-root", root)
    assert outcome.code == 0 and "complete" in outcome.out
