"""Chunks on a pool of threads or processes; apart from the executors, since one worker needs none of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import TypeAlias, TypeVar

from segbench.errors import BadParameter, RunIncomplete, counted
from segbench.late import late

C = TypeVar("C", bound=Sequence[object])
R = TypeVar("R")

#: Chunks that were handed out, each with what becomes of it.
Waiting: TypeAlias = deque[tuple[C, Future[R]]]

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
    waiting: Waiting[C, R] = deque()
    # Threads have the caller among them; a process may die of a chunk, and must not take the caller along.
    next_ = partial(_worked, function) if executor == "threads" else _next
    try:
        for chunk in chunks:
            waiting.append((chunk, _submitted(pool, function, chunk)))
            if len(waiting) >= _AHEAD * workers:
                yield next_(waiting)
        while waiting:
            yield next_(waiting)
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


def _worked(function: Callable[[C], R], waiting: Waiting[C, R]) -> tuple[C, R]:
    """Return the next chunk with its result, and work instead of waiting while there are chunks that nobody has begun.

    A thread that only waits is woken for every chunk, in the place of one that works.
    """
    while not waiting[0][1].done():
        free = next((i for i, (_, future) in enumerate(waiting) if future.cancel()), None)
        if free is None:
            break
        chunk = waiting[free][0]
        waiting[free] = chunk, _done(function, chunk)
    return _next(waiting)


def _done(function: Callable[[C], R], chunk: C) -> Future[R]:
    future: Future[R] = Future()
    try:
        future.set_result(function(chunk))
    except Exception as error:
        future.set_exception(error)
    return future


def _next(waiting: Waiting[C, R]) -> tuple[C, R]:
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
        # The calling thread is one of the workers, see `_worked`.
        return ThreadPoolExecutor(workers - 1)
    if executor == "processes":
        pool: Executor = _processes(workers)
        return pool
    raise BadParameter(f"executor {executor!r}", expected="threads | processes")
