"""Chunks on threads and in processes: results in order, and a dead worker named."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator

import pytest

from segbench.errors import BadParameter, RunIncomplete
from segbench.scoring.executors import ExecutorKind, available_cpus, run_chunks
from segbench.scoring.run import CHUNK, spans
from tests.scoring.dying import dies, dies_at_seven, own_process

CHUNKS = [[i, i + 1] for i in range(0, 60, 2)]


@pytest.mark.parametrize(("executor", "workers"), [("threads", 1), ("threads", 3), ("processes", 1), ("processes", 2)])
def test_results_in_the_order_of_the_chunks(executor: ExecutorKind, workers: int) -> None:
    assert list(run_chunks(sum, CHUNKS, executor=executor, workers=workers)) == [(c, sum(c)) for c in CHUNKS]


@pytest.mark.parametrize("workers", [1, 2, 7, 64])
@pytest.mark.parametrize("n", [0, 1, 2, 20, 60, 1449, 100_000])
def test_chunks_become_smaller(n: int, workers: int) -> None:
    images = list(range(n))
    chunks = [images[span] for span in spans(n, workers)]
    assert list(itertools.chain.from_iterable(chunks)) == images
    sizes = [len(chunk) for chunk in chunks]
    assert sizes == sorted(sizes, reverse=True)
    assert all(0 < size <= CHUNK for size in sizes)
    # At the end no worker waits for more than a sixteenth of what each of them has done, or for one image.
    assert not sizes or max(sizes[-workers:]) <= max(1, -(-n // (16 * workers)))


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


@pytest.mark.parametrize("workers", [2, 3])
def test_the_caller_is_one_of_the_threads(workers: int) -> None:
    # All stand at the barrier at once, the caller among them, or it breaks.
    barrier = threading.Barrier(workers, timeout=60)

    def meet(chunk: list[int]) -> int:
        barrier.wait()
        return threading.get_ident()

    found = list(run_chunks(meet, [[i] for i in range(5 * workers)], executor="threads", workers=workers))
    threads = {thread for _, thread in found}
    assert len(threads) == workers
    assert threading.get_ident() in threads


def test_the_caller_is_none_of_the_processes() -> None:
    found = list(run_chunks(own_process, CHUNKS, executor="processes", workers=2))
    assert os.getpid() not in {process for _, process in found}


def test_an_error_in_the_caller_waits_for_its_turn() -> None:
    def fail_in(chunk: list[int]) -> int:
        if chunk[0] == 7:
            raise ValueError(chunk)
        return chunk[0]

    results = run_chunks(fail_in, [[i] for i in range(20)], executor="threads", workers=2)
    assert [next(results)[1] for _ in range(7)] == list(range(7))
    with pytest.raises(ValueError, match="7"):
        next(results)


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
