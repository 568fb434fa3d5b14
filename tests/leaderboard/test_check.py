"""`check`: every fault of a store is found, each in a line that names a file."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import segbench
from segbench.errors import DatasetError, SegbenchError, SubmissionError, UnclaimedFile
from segbench.leaderboard.store import Stored, add, check, read_store
from tests.conftest import CHECKOUT
from tests.leaderboard.submissions import data_set, entry, record, rewrite, scored
from tests.scoring.trees import some_truth


@pytest.fixture
def stored(result: Path, store: Path) -> Stored:
    """An entry between two others."""
    first, second, _ = (add(result, entry(name), store) for name in ("a", "b", "c"))
    assert check(store) == []
    assert first.path.name == "a.json"
    return second


def only(store: Path, kind: type[SegbenchError], words: str) -> SegbenchError:
    """Assert that a store has one fault, of a kind, that says some words."""
    (fault,) = check(store)
    assert type(fault) is kind
    assert re.search(words, str(fault)), str(fault)
    assert fault.file
    assert "\n" not in str(fault)
    return fault


def told(stored: Stored, **changes: Any) -> None:
    """Change what an entry tells, as somebody with an editor may."""
    found = record(stored.path)
    rewrite(stored.path, found | {"entry": found["entry"] | changes})


def test_a_number_that_was_changed(stored: Stored, store: Path) -> None:
    found = record(stored.path)
    found["scores"]["mean_iou"]["value"] += 1e-12
    rewrite(stored.path, found)
    assert only(store, SubmissionError, r"scores\.mean_iou\.value is .*; expected ").file == str(stored.path)


def test_an_interval_that_nobody_derives(stored: Stored, store: Path) -> None:
    found = record(stored.path)
    found["scores"]["mean_iou"]["ci"] = [0.1, 0.9]
    rewrite(stored.path, found)
    only(store, SubmissionError, r"scores\.mean_iou\.ci is \[0\.1,0\.9\]; expected null by the counts")


def test_warnings_that_were_taken_away(store: Path) -> None:
    # ESPNet predicts void, which the official rule of CamVid leaves out.
    shutil.copytree(CHECKOUT / "leaderboards/results/camvid@1", store / "camvid@1")
    (stored,) = read_store(store)
    assert "predicted void" in stored.result["warnings"][0]
    assert check(store) == []
    rewrite(stored.path, record(stored.path) | {"warnings": []})
    only(store, SubmissionError, r"warnings is \[\]")


def test_counts_that_were_changed(stored: Stored, store: Path) -> None:
    stored.state.write_bytes(stored.state.read_bytes().replace(b"1", b"2", 1))
    assert only(store, DatasetError, "another state").file == str(stored.state)


def test_counts_that_are_gone_or_a_link(stored: Stored, store: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.jsonl"
    os.replace(stored.state, moved)
    assert only(store, DatasetError, "no such state file").file == str(stored.state)
    stored.state.symlink_to(moved)
    assert only(store, DatasetError, "a link; expected the state itself").file == str(stored.state)


def test_files_of_no_entry(stored: Stored, store: Path) -> None:
    orphan = stored.state.with_name("x.state.jsonl")
    part = stored.path.with_name(".x.json.0123456789abcdef.part")
    for path in (orphan, part, stored.path.with_name("notes.txt"), store / "other/y.state.jsonl"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
        words = "killed" if path == part else "of no entry"
        assert only(store, UnclaimedFile, words).file == str(path)
        # Whoever reads does not see them.
        assert [entry.entry.id for entry in read_store(store)] == ["a", "b", "c"]
        path.unlink()


def test_an_entry_in_a_folder_of_another_name(stored: Stored, store: Path) -> None:
    (store / "shapes").mkdir()
    for path in (stored.path, stored.state):
        os.replace(path, store / "shapes" / path.name)
    only(store, DatasetError, "the protocol 'shapes@1'; expected 'shapes'")


def test_truths_that_differ(result: Path, tmp_path: Path, store: Path) -> None:
    truth = some_truth()
    truth["im007"][0, 0] = (truth["im007"][0, 0] + 1) % 7
    root = data_set(tmp_path / "other/data", truth)
    first, second = add(result, entry("a"), store), tmp_path / "second"
    other = add(scored(tmp_path / "other", data_root=root), entry("b"), second)
    # Two branches of a repository, each of which was fine.
    for path in (other.path, other.state):
        os.replace(path, first.path.with_name(path.name))
    fault = only(store, SubmissionError, r"truth [0-9a-f]{8}; expected [0-9a-f]{8}, as shapes@1/a\.json has")
    assert fault.file == str(first.path.with_name("b.json"))
    # One that is replaced stands beside nobody.
    told(first, replaces="b")
    assert check(store) == []


def test_corrections_of_nothing_twice_and_in_a_circle(stored: Stored, store: Path) -> None:
    told(stored, replaces="x")
    only(store, SubmissionError, "replaces 'x'; expected an entry of shapes@1, test: a | c")
    told(stored, replaces="b")
    only(store, SubmissionError, "replaces 'b'")
    told(stored, replaces="a")
    assert check(store) == []
    first, _, third = read_store(store)
    told(third, replaces="a")
    assert [type(fault) for fault in check(store)] == [SubmissionError] * 2
    told(third, replaces="b")
    assert check(store) == []
    told(first, replaces="c")
    assert [fault.found for fault in check(store)] == [f"{name!r} replaces itself by way of others" for name in "abc"]


def test_protocols_share_nothing(result: Path, store: Path) -> None:
    vessels = CHECKOUT / "leaderboards/results/drive@1/laddernet.json"
    for path in (result, vessels):
        add(path, entry("a"), store)
        add(path, entry("b", replaces="a"), store)
    assert [stored.file for stored in read_store(store)] == [
        *("drive@1/a.json", "drive@1/b.json"),
        *("shapes@1/a.json", "shapes@1/b.json"),
    ]
    assert check(store) == []


def test_all_faults_are_found_in_one_pass(stored: Stored, store: Path) -> None:
    first, _, third = read_store(store)
    first.path.write_bytes(b"{")
    stored.state.unlink()
    third.path.with_name("z.state.jsonl").write_bytes(b"")
    assert [type(fault) for fault in check(store)] == [DatasetError, DatasetError, UnclaimedFile]


def test_progress(stored: Stored, store: Path) -> None:
    seen: list[tuple[int, int]] = []
    check(store, lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_the_library_reads_a_store_without_changing_it(stored: Stored, store: Path) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in store.rglob("*") if path.is_file()}
    check(store)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before
    assert segbench.state_path(stored.path) == stored.state
