"""Chunks on a pool of threads or processes; apart from the executors, since one worker needs none of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from typing import TypeVar

from segbench.errors import BadParameter, RunIncomplete, counted
from segbench.late import late

C = TypeVar("C", bound=Sequence[object])
R = TypeVar("R")

#: Chunks under way for each worker: enough to keep it busy, few enough to hold little.
_AHEAD = 3

_processes = late("segbench.scoring.processes:pool_of")


def on_pool(function: Callable[[C], R], chunks: Iterable[C], executor: str, workers: int) -> Iterator[tuple[C, R]]:
    """Yield each chunk with what a function makes of it, in order; see `run_chunks`.

    Parameters
    ----------
    function : callable
        Takes a chunk; must pickle for processes.
    chunks : iterable of sequence
        The chunks, drawn only as far ahead as workers need.
    executor : {"threads", "processes"}
        Where to run.
    workers : int
        How many chunks are worked on at a time.

    Yields
    ------
    (chunk, result)
        In the order of the chunks.

    Raises
    ------
    BadParameter
        For an unknown executor.
    RunIncomplete
        When a worker process died.
    """
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
    except BrokenExecutor as error:
        # A worker died while chunks were still handed out; the first chunk it cost is in the queue before this one.
        future: Future[R] = Future()
        future.set_exception(error)
        return future


def _next(waiting: deque[tuple[C, Future[R]]]) -> tuple[C, R]:
    chunk, future = waiting.popleft()
    try:
        return chunk, future.result()
    except BrokenExecutor:
        raise RunIncomplete(
            f"a worker died; the first chunk without a result is {chunk[0]!s} … {chunk[-1]!s} "
            f"({counted(len(chunk), 'image')})",
            expected="every worker to finish",
            mend="run again with --workers 1 to find the image, or with fewer workers if memory ran out",
        ) from None


def _pool(executor: str, workers: int) -> Executor:
    if executor == "threads":
        return ThreadPoolExecutor(workers)
    if executor == "processes":
        pool: Executor = _processes(workers)
        return pool
    raise BadParameter(f"executor {executor!r}", expected="threads | processes")
