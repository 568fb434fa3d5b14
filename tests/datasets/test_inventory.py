"""An inventory finds what is missing, damaged, changed or in no list."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from segbench.datasets import shapes
from segbench.datasets.inventory import Inventory, take_inventory
from segbench.datasets.manifest import Manifest, cache_folder, changes, forget, manifest_path, recall, remember
from segbench.errors import DatasetError, OutputProblem
from segbench.protocols.load import load_protocol

SHAPES = load_protocol("shapes")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SEGBENCH_CACHE", str(folder))
    return folder


@pytest.fixture
def root(shapes_root: Path, tmp_path: Path) -> Path:
    """A copy of the data set that a test may damage."""
    copy = tmp_path / "shapes"
    for name in ("SegmentationClass", "ImageSets"):
        shutil.copytree(shapes_root / name, copy / name)
    return copy


def take(root: Path, split: str = "test") -> Inventory:
    return take_inventory(SHAPES, split=split, data_root=root)


def truth(root: Path, index: int = 0) -> Path:
    return root / "SegmentationClass" / f"test_{index:04d}.png"


def test_a_complete_split(root: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = take_inventory(SHAPES, data_root=root, progress=lambda *done: seen.append(done))
    assert (len(found.files), found.faults, found.unlisted) == (60, [], [])
    assert sum(found.shapes.values()) == 60
    assert seen[-1] == (60, 60)
    assert found.files["SegmentationClass/test_0000.png"].size == truth(root).stat().st_size


def test_faults_are_gathered(root: Path) -> None:
    truth(root, 1).unlink()
    truth(root, 2).write_bytes(b"")
    truth(root, 3).write_bytes(b"\xff\xd8\xff not a PNG")
    truth(root, 4).unlink()
    os.mkfifo(truth(root, 4))
    found = take(root)
    assert [fault.file for fault in found.faults] == [str(truth(root, i)) for i in (1, 2, 3, 4)]
    assert {type(fault) for fault in found.faults} == {DatasetError}
    assert len(found.files) == 56


def test_a_short_list_is_not_the_official_number(root: Path) -> None:
    listing = root / "ImageSets" / "Segmentation" / "test.txt"
    listing.write_text("".join(listing.read_text().splitlines(keepends=True)[:-1]))
    found = take(root)
    assert "59 images in test; expected 60, the official number" in str(found.faults[0])
    assert found.unlisted == ["SegmentationClass/test_0059.png"]


def test_unlisted_files_are_those_of_no_split(root: Path) -> None:
    shutil.copy(truth(root), root / "SegmentationClass" / "stranger.png")
    assert take(root).unlisted == take(root, "val").unlisted == ["SegmentationClass/stranger.png"]
    (root / "ImageSets" / "Segmentation" / "val.txt").unlink()
    assert len(take(root).unlisted) == 1 + shapes.SPLITS["val"]
    with pytest.raises(DatasetError, match="no such list"):
        take(root, "val")


def test_nothing_changes_between_two_checks(root: Path) -> None:
    path = manifest_path(take(root).truth)
    assert recall(path) is None
    remember(path, take(root))
    manifest = recall(path)
    assert manifest is not None
    os.utime(truth(root))
    assert list(changes(manifest, take(root))) == []


def known(root: Path) -> Manifest:
    path = manifest_path(take(root).truth)
    remember(path, take(root))
    manifest = recall(path)
    assert manifest is not None
    return manifest


def test_changed_files_are_named(root: Path) -> None:
    manifest = known(root)
    truth(root, 5).write_bytes(truth(root, 6).read_bytes())
    status, damaged = truth(root, 7).stat(), bytearray(truth(root, 7).read_bytes())
    damaged[-20] ^= 1
    truth(root, 7).write_bytes(damaged)
    os.utime(truth(root, 7), ns=(status.st_atime_ns, status.st_mtime_ns))
    truth(root, 8).unlink()
    found = take(root)
    faults = list(changes(manifest, found))
    assert [fault.file for fault in faults] == [str(truth(root, 5)), str(truth(root, 7))]
    assert "time stamp" not in faults[0].found
    assert "the disk may be at fault" in faults[1].found
    assert [fault.file for fault in found.faults] == [str(truth(root, 8))]


def test_another_list_is_a_change(root: Path) -> None:
    manifest = known(root)
    listing = root / "ImageSets" / "Segmentation" / "test.txt"
    listing.write_text(listing.read_text().replace("test_0009", "val_0009"))
    assert [fault.found for fault in changes(manifest, take(root))] == [
        "no longer of the split",
        "new since the first check",
    ]


def test_copies_and_splits_are_remembered_apart(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "other")
    paths = {
        manifest_path(take(where, split).truth) for where in (root, tmp_path / "other") for split in ("test", "val")
    }
    assert len(paths) == 4
    os.symlink(root, tmp_path / "link")
    assert manifest_path(take(tmp_path / "link").truth) == manifest_path(take(root).truth)


def test_forget(root: Path) -> None:
    path = manifest_path(take(root).truth)
    assert not forget(path)
    remember(path, take(root))
    assert forget(path)
    assert recall(path) is None
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"manifest": 2}', '{"manifest": 1, "first_check": "", "files": {"a": {}}}']
)
def test_a_damaged_manifest_says_how_to_drop_it(root: Path, text: str) -> None:
    path = manifest_path(take(root).truth)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(OutputProblem, match="--forget"):
        recall(path)


def test_a_cache_that_cannot_be_written(root: Path, cache: Path) -> None:
    cache.write_text("a file, not a folder")
    found = take(root)
    with pytest.raises(OutputProblem, match="SEGBENCH_CACHE"):
        remember(manifest_path(found.truth), found)


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SEGBENCH_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "segbench"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "segbench"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "segbench"


def test_a_folder_without_lists_has_nothing_unlisted(real_data: Path) -> None:
    found = take_inventory(load_protocol("camvid"), data_root=real_data / "camvid")
    assert (len(found.files), found.faults, found.unlisted) == (101, [], [])
