"""Where chunks are counted: here, on threads, or in processes. Results come back in the order of the chunks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TypeAlias, TypeVar

from segbench.errors import BadParameter
from segbench.late import late

ExecutorKind: TypeAlias = Literal["threads", "processes"]
C = TypeVar("C", bound=Sequence[object])
R = TypeVar("R")

_on_pool = late("segbench.scoring.pools:on_pool")


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
    yield from _on_pool(function, chunks, executor, workers)
