"""The benchmarks run in their quick form, and every answer in them is checked; times are not looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bench_confusion, bench_folder, bench_png, peers_confusion, peers_folder
from benchmarks.__main__ import BENCHES
from benchmarks.folders import Folders, city_folders, voc_folders
from benchmarks.packages import absent
from benchmarks.pngs import saved
from benchmarks.race import Row, as_table
from benchmarks.workloads import Workload, voc
from segbench.kernels import png

PEERS = [(name, module, package) for name, bench in BENCHES.items() for module, package in bench.PACKAGES.items()]


@cache
def rows(name: str) -> list[Row]:
    found: list[Row] = BENCHES[name].rows(quick=True)
    return found


@pytest.mark.parametrize("name", BENCHES)
def test_rows_are_whole(name: str) -> None:
    assert rows(name)
    assert all(min(row.segbench, row.time, row.limit) > 0 for row in rows(name))
    assert len(as_table(rows(name)).splitlines()) == 1 + len(rows(name))


@pytest.mark.parametrize(("name", "module", "package"), PEERS)
def test_installed_peers_take_part(name: str, module: str, package: str) -> None:
    if absent({module: package}):
        pytest.skip(f"{package} is not installed")
    if (name, package) == ("ap", "pycocotools"):
        pytest.skip("too slow to be raced unless asked for: what it says is what the others are held against")
    assert any(row.peer.startswith(package.removesuffix("-python-headless")) for row in rows(name)), package


def test_a_wrong_table_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(work: Workload) -> Callable[[], peers_confusion.Table]:
        return lambda: np.zeros((21, 21), dtype=np.int64)

    wrong = peers_confusion.Peer("wrong", "compiled", prepare, ("uint8",))
    monkeypatch.setattr(bench_confusion, "installed", lambda: [wrong])
    with pytest.raises(AssertionError, match="wrong counts otherwise"):
        bench_confusion.rows(quick=True)


@pytest.mark.parametrize("folders", [voc_folders, city_folders])
def test_a_wrong_count_of_a_folder_is_noticed(tmp_path: Path, folders: Callable[[Path, int], Folders]) -> None:
    work = folders(tmp_path / "folders", 1)
    (right,) = (peer for peer in peers_folder.installed() if peer.kind == "bincount")
    bench_folder.check(work, right)

    def one_more(work: Folders) -> peers_folder.Table:
        table = right.count(work)
        table[0, 1] += 1
        return table

    wrong = replace(right, name="wrong", count=one_more)
    with pytest.raises(AssertionError, match="wrong counts otherwise"):
        bench_folder.check(work, wrong)


def test_a_reader_of_other_labels_is_not_timed() -> None:
    labels = voc().truth.astype(np.uint8)
    files = [saved(labels, palette=True)]
    assert bench_png.agrees(png.decode, [labels], files)
    assert not bench_png.agrees(png.decode, [labels[::-1]], files)


@pytest.mark.parametrize(("time", "verdict"), [(1.9, "BELOW"), (2.0, "holds"), (3.0, "stretch")])
def test_verdicts(time: float, verdict: str) -> None:
    assert Row("work", 1.0, "peer", time, 2.0, 3.0, 0.5).verdict == verdict


def test_files_of_a_folder_differ(tmp_path: Path) -> None:
    work = voc_folders(tmp_path / "voc", 12)
    contents = {path.read_bytes() for pair in work.pairs() for path in pair}
    assert len(contents) == 24
