"""Chunks on threads and in processes: results in order, and a dead worker named."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator

import pytest

from segbench.errors import BadParameter, RunIncomplete
from segbench.scoring.executors import ExecutorKind, available_cpus, run_chunks
from tests.scoring.dying import dies, dies_at_seven

CHUNKS = [[i, i + 1] for i in range(0, 60, 2)]


@pytest.mark.parametrize(("executor", "workers"), [("threads", 1), ("threads", 3), ("processes", 1), ("processes", 2)])
def test_results_in_the_order_of_the_chunks(executor: ExecutorKind, workers: int) -> None:
    assert list(run_chunks(sum, CHUNKS, executor=executor, workers=workers)) == [(c, sum(c)) for c in CHUNKS]


def test_chunks_are_drawn_only_a_little_ahead() -> None:
    drawn = 0

    def chunks() -> Iterator[list[int]]:
        nonlocal drawn
        for drawn in range(1, 101):
            yield [drawn]

    results = run_chunks(sum, chunks(), executor="threads", workers=2)
    for n, _ in enumerate(results, 1):
        assert drawn <= n + 6
    assert drawn == 100


def test_a_dead_worker_is_told_with_its_chunk() -> None:
    with pytest.raises(RunIncomplete, match="a worker died") as caught:
        list(run_chunks(dies_at_seven, [[5], [6], [7, 8], [9]], executor="processes", workers=2))
    assert caught.value.exit == 7
    assert "--workers 1" in caught.value.mend
    # The pool breaks for all chunks under way, so an earlier one may be named; a later one never.
    named = int(caught.value.found.split(" is ")[1].split(" …")[0])
    assert named <= 7


def test_workers_that_die_while_chunks_are_handed_out() -> None:
    def chunks() -> Iterator[list[int]]:
        yield [0]
        end = time.monotonic() + 60
        while multiprocessing.active_children() and time.monotonic() < end:
            time.sleep(0.05)
        yield [1]

    with pytest.raises(RunIncomplete, match="is 0 … 0"):
        list(run_chunks(dies, chunks(), executor="processes", workers=2))


def test_an_error_of_the_function_comes_through() -> None:
    with pytest.raises(TypeError):
        list(run_chunks(sum, [["a"]], executor="threads", workers=2))


@pytest.mark.parametrize(("executor", "workers"), [("threads", 0), ("fibers", 2)])
def test_bad_parameters(executor: ExecutorKind, workers: int) -> None:
    with pytest.raises(BadParameter):
        list(run_chunks(sum, CHUNKS, executor=executor, workers=workers))


def test_cpus() -> None:
    assert available_cpus() >= 1
