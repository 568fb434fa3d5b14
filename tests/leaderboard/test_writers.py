"""Several processes at one store: nothing is lost, nothing is mixed, and who dies leaves nothing half written."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from segbench.errors import BadParameter, DatasetError, OutputProblem
from segbench.leaderboard import commits
from segbench.leaderboard.store import add, check, read_store
from tests.leaderboard import writers
from tests.leaderboard.submissions import blank, entry, record, scored
from tests.leaderboard.writers import DEAD, TAKEN

WRITERS = 8
SPAWN = multiprocessing.get_context("spawn")


def consistent(store: Path) -> list[str]:
    """Read a store, and see that each state is the one its result describes."""
    entries = read_store(store)
    for stored in entries:
        assert hashlib.sha256(stored.state.read_bytes()).hexdigest() == stored.result["state"]["sha256"]
    return [stored.entry.id for stored in entries]


def test_different_ids_all_land(result: Path, store: Path) -> None:
    store.mkdir()
    names = [[f"w{writer}-{i}" for i in range(4)] for writer in range(WRITERS)]
    barrier = SPAWN.Barrier(WRITERS)
    processes = [SPAWN.Process(target=writers.write_all, args=(result, store, ids, barrier)) for ids in names]
    for process in processes:
        process.start()
    seen = 0
    while any(process.is_alive() for process in processes):
        # Whoever reads meanwhile finds whole entries, and never fewer than before.
        now = len(consistent(store))
        assert now >= seen
        seen = now
        time.sleep(0.02)
    assert [process.exitcode for process in processes] == [0] * WRITERS
    assert consistent(store) == sorted(name for ids in names for name in ids)
    assert check(store) == []


def test_of_one_id_exactly_one_wins(result: Path, tmp_path: Path, store: Path) -> None:
    other = scored(tmp_path / "other", maps=blank())
    barrier = SPAWN.Barrier(WRITERS)
    processes = [
        SPAWN.Process(target=writers.write_one, args=((result, other)[i % 2], store, barrier)) for i in range(WRITERS)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert sorted(process.exitcode or 0 for process in processes) == [0] + [TAKEN] * (WRITERS - 1)
    (won,) = (i for i, process in enumerate(processes) if process.exitcode == 0)
    assert consistent(store) == ["wanted"]
    assert record(store / "shapes@1/wanted.json")["scores"] == record((result, other)[won % 2])["scores"]
    assert check(store) == []


def died(result: Path, store: Path, step: int) -> int | None:
    process = SPAWN.Process(target=writers.die_at, args=(result, store, step))
    process.start()
    process.join(120)
    return process.exitcode


def test_who_dies_leaves_nothing_half_written(result: Path, tmp_path: Path) -> None:
    landed = []
    for step in range(1, 12):
        store = tmp_path / f"{step}"
        store.mkdir()
        code = died(result, store, step)
        if code == 0:
            break
        assert code == DEAD
        landed.append(consistent(store) == ["net"])
        # What is left is told, and is in nobody's way.
        assert all("of no entry" in str(fault) or "killed" in str(fault) for fault in check(store))
        if landed[-1]:
            with pytest.raises(BadParameter, match="is taken"):
                add(result, entry("net"), store)
        else:
            add(result, entry("net"), store)
        assert consistent(store) == ["net"]
    # Died at every call; the first ones came before the entry was there, the last ones after.
    assert code == 0
    assert landed == sorted(landed)
    assert False in landed
    assert True in landed


def test_a_lock_goes_with_who_is_killed(result: Path, tmp_path: Path, store: Path) -> None:
    folder, sign = store / "shapes@1", tmp_path / "sign"
    folder.mkdir(parents=True)
    holder = SPAWN.Process(target=writers.hold, args=(folder, sign))
    holder.start()
    while not sign.exists():
        assert holder.is_alive()
        time.sleep(0.02)
    adding = threading.Thread(target=add, args=(result, entry(), store))
    adding.start()
    adding.join(0.5)
    assert adding.is_alive(), "the folder is held"
    assert read_store(store) == [], "who reads does not wait"
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    adding.join(60)
    assert not adding.is_alive()
    holder.join(60)
    assert consistent(store) == ["net"]
    assert check(store) == []


@pytest.mark.parametrize("step", writers.STEPS[:-1])
def test_a_disk_that_is_full(step: str, result: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **keywords: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OutputProblem, match="cannot be written: No space left on device") as caught:
        add(result, entry(), store)
    assert caught.value.exit == 6
    monkeypatch.undo()
    assert [path.name for path in store.rglob("*") if path.is_file()] == []
    add(result, entry(), store)
    assert check(store) == []


def test_a_full_disk_at_the_last_moment_is_told_though_the_entry_is_there(
    result: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, real = 0, os.fsync

    def third_fails(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", third_fails)
    with pytest.raises(OutputProblem, match="Input/output error"):
        add(result, entry(), store)
    assert consistent(store) == ["net"]


def test_a_result_that_was_put_there_by_hand(
    result: Path, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = store / "shapes@1/net.json", os.link

    def too_late(source: Path, target: Path) -> None:
        # Between the look and the link, by somebody who takes no lock.
        path.write_text("{}")
        link(source, target)

    monkeypatch.setattr(os, "link", too_late)
    with pytest.raises(BadParameter, match="is taken"):
        add(result, entry(), store)
    assert [found.name for found in (store / "shapes@1").iterdir()] == ["net.json"]


def test_a_state_that_changes_while_it_is_read(
    result: Path, store: Path, monkeypatch: pytest.MonkeyPatch, scored_once: Path
) -> None:
    stored = add(result, entry("first"), store)
    state = result.with_name(record(result)["state"]["file"])
    commit = commits.commit

    def late(*arguments: object) -> None:
        state.write_bytes(state.read_bytes() + b"\n")
        commit(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("segbench.leaderboard.store._commit", late)
    with pytest.raises(DatasetError, match="just changed"):
        add(result, entry("second"), store)
    assert read_store(store) == [stored]
    assert check(store) == []
