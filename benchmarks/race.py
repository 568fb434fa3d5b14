"""Races: the same work done by several programs in turn, and the table that comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Row:
    """segbench against one peer on one workload; times are seconds of CPU, or of the wall where the workload says so.

    `floor` and `stretch` are how many times faster segbench must be, and would like to be; None where nothing is
    asked. `limit` is the time of what no program can do without, such as reading the input once.
    """

    workload: str
    segbench: float
    peer: str
    time: float
    floor: float | None
    stretch: float | None
    limit: float

    @property
    def ratio(self) -> float:
        return self.time / self.segbench

    @property
    def holds(self) -> bool:
        return self.floor is None or self.ratio >= self.floor

    @property
    def verdict(self) -> str:
        if not self.holds:
            return "BELOW"
        return "stretch" if self.stretch is not None and self.ratio >= self.stretch else "holds" if self.floor else ""


def race(
    runners: Sequence[Callable[[], Any]], repetitions: int, clock: Callable[[], int] = time.process_time_ns
) -> list[float]:
    """Return each runner's median of seconds by a clock that counts nanoseconds, of CPU unless told otherwise.

    They run in turn, A B C A B C …, so that a slower stretch of the machine falls on all. Before what is timed
    stands an untimed call: else a runner would pay for what the one before it left in the caches. Calls that take
    less than a millisecond are timed several at once, so that the clock costs nothing.
    """
    calls = [max(1, int(1e-3 / _timed(runner, 1, clock))) for runner in runners]
    times: list[list[float]] = [[] for _ in runners]
    for _ in range(repetitions):
        for runner, n, own in zip(runners, calls, times, strict=True):
            own.append(_timed(runner, n, clock))
    return [median(own) for own in times]


def _timed(runner: Callable[[], Any], calls: int, clock: Callable[[], int]) -> float:
    """Return the seconds of one call."""
    runner()
    begin = clock()
    for _ in range(calls):
        runner()
    return max(1, clock() - begin) / calls / 1e9


def as_table(rows: Sequence[Row]) -> str:
    """Return the rows as text, one line each."""
    head = ("workload", "segbench ms", "peer", "peer ms", "ratio", "floor", "stretch", "", "limit ms", "× limit")
    lines = [head] + [
        (
            row.workload,
            f"{row.segbench * 1e3:.3f}",
            row.peer,
            f"{row.time * 1e3:.3f}",
            f"{row.ratio:.2f}",
            "" if row.floor is None else f"{row.floor:g}",
            "" if row.stretch is None else f"{row.stretch:g}",
            row.verdict,
            f"{row.limit * 1e3:.3f}",
            f"{row.segbench / row.limit:.2f}",
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    # Words to the left, figures to the right.
    sides = ["<" if i in (0, 2, 7) else ">" for i in range(len(head))]
    return "\n".join(
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(line, sides, widths, strict=True)).rstrip()
        for line in lines
    )
