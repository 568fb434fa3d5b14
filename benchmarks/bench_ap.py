"""AP of COCO, from two files to the twelve numbers: whole processes, and without the files.

The data sets are made from a seed. Before anything is timed the twelve numbers of a small set are held against those
of pycocotools, bit by bit, and those of each set against every peer's. The limit is a process that imports NumPy and
looks at every byte of both files. As in the race of start-up, all processes keep compiled modules.

Run with ``python -m benchmarks ap``; ``python -m benchmarks.bench_ap --slow`` races pycocotools too, for minutes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import segbench
from benchmarks.detections import DENSE, SMALL, VAL2017, Files, write
from benchmarks.peers_ap import LIMIT, SEGBENCH, Numbers, Peer, installed, threads
from benchmarks.peers_ap import PACKAGES as PACKAGES
from benchmarks.race import Row, as_table, race
from segbench.datasets.coco import read_coco
from segbench.datasets.cocoresults import read_results
from segbench.protocols.categories import with_categories, with_iou_type
from segbench.protocols.load import load_protocol
from segbench.scoring.executors import available_cpus
from segbench.scoring.instances import InstanceRun
from segbench.scoring.judge import Case
from segbench.scoring.options import Options
from segbench.scoring.plan import Plan

IOU_TYPES = ("bbox", "segm")

#: How many times faster than a kind of peer, at least and if possible; the Rust programs are three, and the fastest of
#: them counts.
GOALS: dict[tuple[str, str], tuple[float, float]] = {
    ("faster", "bbox"): (7.0, 17.0),
    ("faster", "segm"): (7.0, 13.0),
    ("rust", "bbox"): (0.7, 1.3),
    ("rust", "segm"): (0.7, 1.45),
}
#: The same without files.
IN_MEMORY = (1.0, 2.5)

#: A peer may sum in another order, never count otherwise.
_ROUNDING = 1e-12


def rows(quick: bool = False, *, slow: bool = False) -> list[Row]:
    """Race on the set of val2017's size, then on crowded images; quick takes a small set."""
    peers = [peer for peer in installed() if slow or peer.kind != "pycocotools"]
    with TemporaryDirectory() as folder:
        root = Path(folder)
        small = write(SMALL, root / "small")
        _check_official(root, small)
        sets = [small] if quick else [write(VAL2017, root / "val2017"), write(DENSE, root / "dense")]
        found: list[Row] = []
        for files in sets:
            goals = GOALS if files.scale is VAL2017 else {}
            for iou_type in IOU_TYPES:
                work = Work(root, files, iou_type)
                found += _from_files(work, _able(peers, iou_type), goals, 1 if quick else 5)
                found += _in_memory(work, peers, goals, 3 if quick else 7)
        threaded = [peer for peer in peers if not peer.is_slow]
        return found + [
            row
            for iou_type in IOU_TYPES
            for row in _two_threads(Work(root, sets[0], iou_type), _able(threaded, iou_type), quick)
        ]


@dataclass(frozen=True)
class Work:
    """A data set, a kind of overlap, and the folder of compiled modules."""

    root: Path
    files: Files
    iou_type: str

    @property
    def name(self) -> str:
        return f"AP, {self.iou_type}, {self.files.scale.name}"

    @property
    def paths(self) -> tuple[str, str]:
        return str(self.files.truth), str(self.files.results(self.iou_type))

    def process(self, script: str, n: int = 1) -> Callable[[], str]:
        """Return what runs a `script` on `n` threads in a process of its own, and returns what it prints."""
        known = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment = {**known, "PYTHONPYCACHEPREFIX": str(self.root / "compiled"), **threads(n)}
        command = [sys.executable, "-c", script, *self.paths, self.iou_type, str(n)]

        def run() -> str:
            return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

        return run

    def numbers(self, script: str) -> Numbers:
        """Return the twelve numbers that a `script` prints in its last line."""
        found: Numbers = json.loads(self.process(script)().splitlines()[-1])
        return found


def _able(peers: Sequence[Peer], iou_type: str) -> list[Peer]:
    return [peer for peer in peers if iou_type == "bbox" or not peer.wants_boxes]


def _check_official(root: Path, files: Files) -> None:
    """Hold the numbers of a set against the official ones, to the last bit."""
    for official in (peer for peer in installed() if peer.kind == "pycocotools"):
        for iou_type in IOU_TYPES:
            work = Work(root, files, iou_type)
            if work.numbers(SEGBENCH) != work.numbers(official.script):
                raise AssertionError(f"{official.name} finds other numbers: {work.name}")


def _check(work: Work, mine: Numbers, name: str, theirs: Numbers) -> None:
    if len(mine) != len(theirs) or any(abs(a - b) > _ROUNDING for a, b in zip(mine, theirs, strict=True)):
        raise AssertionError(f"{name} finds other numbers: {work.name}: {theirs}, segbench {mine}")


def _from_files(
    work: Work, peers: Sequence[Peer], goals: dict[tuple[str, str], tuple[float, float]], repetitions: int
) -> list[Row]:
    mine = work.numbers(SEGBENCH)
    for peer in peers:
        if not peer.is_slow:
            _check(work, mine, peer.name, work.numbers(peer.script))
    scripts = [LIMIT, SEGBENCH, *(peer.script for peer in peers)]
    counts = [repetitions, repetitions, *(1 if peer.is_slow else repetitions for peer in peers)]
    limit, own, *others = _in_turn([work.process(script) for script in scripts], counts, _children_ns)
    return [
        Row(f"{work.name}, whole process", own, peer.name, seconds, *_goal(goals, peer, work), limit)
        for peer, seconds in zip(peers, others, strict=True)
    ]


def _goal(
    goals: dict[tuple[str, str], tuple[float, float]], peer: Peer, work: Work
) -> tuple[float | None, float | None]:
    return goals.get((peer.kind, work.iou_type), (None, None))


def _in_turn(runners: Sequence[Callable[[], object]], counts: Sequence[int], clock: Callable[[], int]) -> list[float]:
    """As `race`, for processes: nothing is warmed up, and each runs as often as its count says."""
    times: list[list[float]] = [[] for _ in runners]
    for repetition in range(max(counts)):
        for runner, count, own in zip(runners, counts, times, strict=True):
            if repetition < count:
                begin = clock()
                runner()
                own.append((clock() - begin) / 1e9)
    return [median(own) for own in times]


def _two_threads(work: Work, peers: Sequence[Peer], quick: bool) -> list[Row]:
    if available_cpus() < 2:
        return []
    scripts = [LIMIT, SEGBENCH, *(peer.script for peer in peers)]
    runners = [work.process(SEGBENCH), *(work.process(script, 2) for script in scripts)]
    one, limit, two, *others = _in_turn(runners, [1 if quick else 5] * len(runners), time.perf_counter_ns)
    name = f"{work.name}, whole process, 2 threads, wall"
    return [
        Row(name, two, peer, seconds, None, None, limit)
        for peer, seconds in zip(["segbench, 1 thread", *(p.name for p in peers)], [one, *others], strict=True)
    ]


def _in_memory(
    work: Work, peers: Sequence[Peer], goals: dict[tuple[str, str], tuple[float, float]], repetitions: int
) -> list[Row]:
    """Race from columns in memory to the numbers, against those who keep loading apart; masks are decoded each time."""
    mine, found = _evaluation(work), []
    for peer in peers:
        if peer.evaluate is None:
            continue
        theirs = _silent(peer.evaluate(*work.paths, work.iou_type))
        _check(work, mine(), peer.name, theirs())
        own, other = race([mine, theirs], repetitions)
        floor, stretch = IN_MEMORY if goals else (None, None)
        found.append(Row(f"{work.name}, in memory", own, peer.name, other, floor, stretch, own))
    return found


def _evaluation(work: Work) -> Callable[[], Numbers]:
    """All that segbench does once files are read: matching, curves, scores, signatures."""
    truth, results = read_coco(work.files.truth), read_results(work.files.results(work.iou_type))
    protocol = with_iou_type(load_protocol("instances"), work.iou_type)
    named = [(c.id, c.name, c.frequency) for c in truth.categories]
    protocol = with_categories(protocol, named, file=truth.file)
    case = Case(protocol, Plan.of(protocol, ()), "val", expected=0, slice="-")
    run = InstanceRun(case, truth, results, Options(workers=1))

    def evaluate() -> Numbers:
        found: segbench.Result = case.result(*run.count())
        return [float(score) for score in found.scores.values()]

    return evaluate


def _silent(run: Callable[[], Numbers]) -> Callable[[], Numbers]:
    """A peer prints its table, which is no part of the race."""

    def quiet() -> Numbers:
        with contextlib.redirect_stdout(io.StringIO()):
            return run()

    return quiet


def _children_ns() -> int:
    """CPU time of all children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((children.ru_utime + children.ru_stime) * 1e9)


if __name__ == "__main__":
    print(as_table(rows("--quick" in sys.argv, slow="--slow" in sys.argv)))
