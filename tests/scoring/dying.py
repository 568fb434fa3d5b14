"""A worker that dies, as one that runs out of memory does. In a module of its own, because workers import it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from segbench.scoring.counting import Count, Job, Task
from tests.scoring.trees import KEYS

#: The image that kills the worker.
DEADLY = KEYS[30]


def dies_at_seven(chunk: list[int]) -> int:
    """Return the sum of a chunk, unless seven is in it."""
    if 7 in chunk:
        os._exit(9)
    return sum(chunk)


def dies(chunk: list[int]) -> int:
    """Die."""
    os._exit(9)


def own_process(chunk: list[int]) -> int:
    """Return which process works on a chunk."""
    return os.getpid()


@dataclass(frozen=True)
class DyingJob(Job):
    """A job that one image kills."""

    def __call__(self, chunk: list[Task]) -> Count:
        if any(task.key == DEADLY for task in chunk):
            os._exit(9)
        return super().__call__(chunk)
