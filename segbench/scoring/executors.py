"""Where chunks are counted: here, on threads, or in processes. Results come back in the order of the chunks."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Literal, TypeAlias, TypeVar

from segbench.errors import BadParameter, RunIncomplete

ExecutorKind: TypeAlias = Literal["threads", "processes"]
C = TypeVar("C", bound=Sequence[object])
R = TypeVar("R")

#: Chunks under way for each worker: enough to keep it busy, few enough to hold little.
_AHEAD = 3


def available_cpus() -> int:
    """Return how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_chunks(
    function: Callable[[C], R], chunks: Iterable[C], *, executor: ExecutorKind, workers: int
) -> Iterator[tuple[C, R]]:
    """Apply a function to chunks and yield each chunk with its result, in order.

    Parameters
    ----------
    function : callable
        Takes a chunk; must pickle for processes.
    chunks : iterable of sequence
        The chunks, drawn only as far ahead as workers need.
    executor : {"threads", "processes"}
        Where to run; one worker runs in the calling thread.
    workers : int
        How many chunks are worked on at a time.

    Yields
    ------
    (chunk, result)
        In the order of the chunks.

    Raises
    ------
    BadParameter
        For an unknown executor or fewer than one worker.
    RunIncomplete
        When a worker process died; names the first items it may have died of.
    """
    if workers < 1:
        raise BadParameter(f"{workers} workers", expected="at least one")
    if workers == 1:
        for chunk in chunks:
            yield chunk, function(chunk)
        return
    pool = _pool(executor, workers)
    waiting: deque[tuple[C, Future[R]]] = deque()
    try:
        for chunk in chunks:
            waiting.append((chunk, _submitted(pool, function, chunk)))
            if len(waiting) >= _AHEAD * workers:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submitted(pool: Executor, function: Callable[[C], R], chunk: C) -> Future[R]:
    try:
        return pool.submit(function, chunk)
    except BrokenProcessPool as error:
        # A worker died while chunks were still handed out; the first chunk it cost is in the queue before this one.
        future: Future[R] = Future()
        future.set_exception(error)
        return future


def _next(waiting: deque[tuple[C, Future[R]]]) -> tuple[C, R]:
    chunk, future = waiting.popleft()
    try:
        return chunk, future.result()
    except BrokenProcessPool:
        raise RunIncomplete(
            f"a worker died; the first chunk without a result is {chunk[0]!s} … {chunk[-1]!s} ({len(chunk)} images)",
            expected="every worker to finish",
            mend="run again with --workers 1 to find the image, or with fewer workers if memory ran out",
        ) from None


def _pool(executor: ExecutorKind, workers: int) -> Executor:
    if executor == "threads":
        return ThreadPoolExecutor(workers)
    if executor == "processes":
        # Spawned, not forked: the caller may have threads of its own.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupt)
    raise BadParameter(f"executor {executor!r}", expected="threads | processes")


def _ignore_interrupt() -> None:
    # Ctrl-C reaches every process of the terminal; only the parent answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
