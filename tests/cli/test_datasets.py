"""`segbench datasets` lists, shows and checks."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from segbench.protocols.load import load_protocol, protocol_names
from tests.conftest import CommandLine

NAMES = sorted(set(protocol_names().values()))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SEGBENCH_CACHE", str(folder))
    monkeypatch.delenv("SEGBENCH_DATA", raising=False)
    return folder


@pytest.fixture
def root(shapes_root: Path, tmp_path: Path) -> Path:
    """A copy of the data set that a test may damage."""
    copy = tmp_path / "shapes"
    for name in ("SegmentationClass", "ImageSets"):
        shutil.copytree(shapes_root / name, copy / name)
    return copy


def test_list_names_every_data_set(run: CommandLine) -> None:
    outcome = run("datasets", "list")
    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.splitlines()[1 : 1 + len(NAMES)]] == NAMES
    assert "SEGBENCH_DATA is not set" in outcome.out
    assert all(len(line) <= 80 for line in outcome.out.splitlines())


def test_list_finds_what_is_there(run: CommandLine, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root.parent / "voc" / "VOC2012" / "SegmentationClass").mkdir(parents=True)
    monkeypatch.setenv("SEGBENCH_DATA", str(root.parent))
    found = {line.split()[0]: line.split()[-1] for line in run("datasets", "list").out.splitlines() if line.strip()}
    assert found["shapes"] == "shapes"
    assert found["voc2012"] == "voc/VOC2012"
    assert found["ade20k"] == "–"


def test_list_reads_the_settings(run: CommandLine, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "segbench.toml").write_text(f"[data_roots]\nshapes = {str(root)!r}\n")
    monkeypatch.chdir(tmp_path / "here")
    outcome = run("datasets", "list")
    assert re.search(rf"test \(60\) +{re.escape(str(root))}\n", outcome.out)
    assert "Settings are in" in outcome.out


def test_the_bare_group_shows_its_commands(run: CommandLine) -> None:
    outcome = run("datasets")
    assert (outcome.code, outcome.err) == (0, "")
    assert "check" in outcome.out
    assert run("datasets", "lst").code == 2


@pytest.mark.parametrize("name", NAMES)
def test_show_fills_in_every_split(run: CommandLine, name: str) -> None:
    protocol = load_protocol(name)
    for split in protocol.splits:
        outcome = run("datasets", "show", name, "--split", split)
        assert outcome.code == 0
        assert all(len(line) <= 80 for line in outcome.out.splitlines())
        assert "{" not in outcome.out
        trees = outcome.out.split("DIR/\n")[1:]
        for layout, shown in zip(protocol.layouts_of(split), trees, strict=True):
            key = {"plain": "NAME", "cityscapes": "CITY_SEQUENCE_FRAME"}[layout.reader]
            key = "SEQUENCE/FRAME" if layout.listed == "videos" else key
            files = {"truth": layout.truth, "mask": layout.mask, "instance ids": layout.instances, "list": layout.list}
            for what, pattern in files.items():
                *folders, file = layout.path(pattern, split=split, key=key).split("/")
                assert all(f"─ {folder}/\n" in shown for folder in folders)
                assert not file or re.search(rf"─ {re.escape(file)} +{what}\n", shown)
        assert len(trees) == 1 or "Or, where those are not found" in outcome.out
    assert run("datasets", "show", name).code == 0
    assert run("datasets", "show", name, "--split", "tset").code == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("drive",), "truth 0 is background, whatever is above 0 is vessel"),
        (("drive",), "mask only pixels above 0 count; those outside are void"),
        (("drive",), "hold grey PNG: p = value / 255 is the probability of vessel; a binary map holds 0 and 255"),
        (("drive",), "are named NAME.png, NAME_test.png"),
        (("drive", "--split", "train"), "are named NAME.png, NAME_training.png"),
        (("chasedb",), "mask none here: every pixel counts"),
        (("chasedb",), "test8 8 images named Image_11L, Image_11R, Image_12L"),
        (("kitti-road",), "truth red > 0 says that a pixel counts, blue > 0 that it is road DIR is"),
        (("kitti-road",), "urban_road 289 images; scored unless --split names another named um_road_…, umm_road_…"),
        (("kitti-road-birdseye",), "calibration NAME is that of the truth without the category"),
        (("kitti-road-birdseye",), "grey PNG of 800×400 pixels, seen from above: p = value / 255"),
        (("kitti-semantic",), "instance ids class id × 256 + number"),
        (("cityscapes",), "instance ids class id × 1000 + number"),
        (("cityscapes",), "are named CITY_SEQUENCE_FRAME*.png may hold train ids 0–18, 255, with --input trainids"),
        (("cmp-facades-xml",), "truth rectangles in XML, drawn in the size of the image"),
        (("camvid32",), "truth colours of classes"),
        (("isprs-potsdam",), "hold PNG or TIFF of class ids, grey or palette by value; RGB by the colours"),
        (("isprs-potsdam",), "NAME.png, NAME.tif, NAME.tiff, top_potsdam_NAME_label.png"),
        (("isprs-potsdam",), "For other places of train, train-full and test-full see segbench datasets show"),
        (("isbi2012",), "is the probability of inside, as floats from 0 to 1, 8 bits (value / 255) or 16 bits"),
        (("isbi2012",), "stack 1 image named train"),
        (("lip",), "list the images of the split, one a line; may be missing"),
    ],
    ids=str,
)
def test_show_says_what_files_hold(run: CommandLine, args: tuple[str, ...], said: str) -> None:
    assert said in " ".join(run("datasets", "show", *args).out.split())


def test_check_remembers_and_compares(run: CommandLine, root: Path) -> None:
    check = ("datasets", "check", "shapes", "--data-root", root)
    first = run(*check)
    assert (first.code, first.err) == (0, "")
    assert "this is the first check" in first.out
    assert "60, as the official test split" in first.out
    assert "yes, since the first check on" in run(*check).out
    victim, other = (root / "SegmentationClass" / f"test_000{i}.png" for i in (1, 2))
    kept = victim.read_bytes()
    victim.write_bytes(other.read_bytes())
    changed = run(*check)
    assert changed.code == 4
    assert f"{victim}: changed since the first check" in changed.err
    assert "no, since the first check on" in changed.out
    victim.write_bytes(kept)
    assert run(*check).code == 0
    victim.write_bytes(other.read_bytes())
    assert "forgotten" in run(*check, "--forget").out
    assert "nothing was remembered" in run(*check, "--forget").out
    assert run(*check).code == 0


def test_an_incomplete_split_is_not_remembered(run: CommandLine, root: Path, cache: Path) -> None:
    (root / "SegmentationClass" / "test_0001.png").unlink()
    (root / "SegmentationClass" / "test_0002.png").write_bytes(b"")
    outcome = run("datasets", "check", "shapes", "--data-root", root)
    assert outcome.code == 4
    assert "2 faults in all" in outcome.err
    assert "only a complete split is" in outcome.out
    assert not cache.exists()


def test_another_split_and_an_unwritable_cache(run: CommandLine, root: Path, cache: Path) -> None:
    cache.write_text("a file, not a folder")
    outcome = run("datasets", "check", "shapes", "--data-root", root, "--split", "val")
    assert outcome.code == 0
    assert "warning" in outcome.err
    assert "could not be remembered" in outcome.out


def test_scoring_leaves_the_cache_alone(run: CommandLine, root: Path, cache: Path) -> None:
    score = ("score", root / "SegmentationClass", "--dataset", "shapes", "--data-root", root, "--workers", "1")
    assert run(*score).code == 0
    assert not cache.exists()


def test_a_data_set_that_is_not_there(run: CommandLine, tmp_path: Path) -> None:
    assert run("datasets", "check", "voc", "--data-root", tmp_path).code == 4
    assert run("datasets", "check", "voc").code == 2
    assert "did you mean 'voc'" in run("datasets", "check", "vco").err
