"""`segbench datasets` lists, shows and checks."""

from __future__ import annotations

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
    assert f"test (60)      {root}\n" in outcome.out
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
        truth = protocol.layout.path(protocol.layout.truth, split=split, key="CITY_SEQUENCE_FRAME")
        for part in truth.replace("CITY_SEQUENCE_FRAME.png", "NAME.png").split("/"):
            assert f"─ {part}" in outcome.out
    assert run("datasets", "show", name).code == 0
    assert run("datasets", "show", name, "--split", "tset").code == 2


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
