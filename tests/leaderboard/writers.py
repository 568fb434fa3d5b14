"""Processes that add to a store, and die on the way. In a module of its own, because processes import it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from segbench.errors import BadParameter
from segbench.leaderboard import commits
from segbench.leaderboard.store import add
from tests.leaderboard.submissions import entry

#: What writing a file to the disk and naming it takes.
STEPS = ("mkdir", "fsync", "replace", "link", "unlink")

#: How a process ends that finds its id taken, and one that dies.
TAKEN, DEAD = 3, 9


def write_all(result: Path, store: Path, ids: Sequence[str], barrier: Barrier) -> None:
    """Add one result under several ids, at the same time as others do."""
    barrier.wait(60)
    for name in ids:
        add(result, entry(name), store)


def write_one(result: Path, store: Path, barrier: Barrier) -> None:
    """Add a result under an id that others want as well."""
    barrier.wait(60)
    try:
        add(result, entry("wanted"), store)
    except BadParameter as error:
        assert "is taken" in error.found
        os._exit(TAKEN)


def die_at(result: Path, store: Path, step: int) -> None:
    """Add a result, and die after one of the calls that reach the disk."""
    calls = 0

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def passed_on(*arguments: Any, **keywords: Any) -> Any:
            nonlocal calls
            calls += 1
            came = call(*arguments, **keywords)
            if calls == step:
                os._exit(DEAD)
            return came

        return passed_on

    for name in STEPS:
        setattr(os, name, dying(getattr(os, name)))
    add(result, entry("net"), store)


def hold(folder: Path, sign: Path) -> None:
    """Lock a folder, say so, and stay there."""
    with commits.locked(folder):
        sign.touch()
        time.sleep(600)
