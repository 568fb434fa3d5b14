"""Scoring folders of PNG files in process: all of ``segbench.score``, from the listing to the signed result.

segbench also checks every header and digests every file; its peers only count. The limit is to read every file and to
inflate its pixels, with the library that segbench inflates with; on two threads, to inflate them from memory, half on
each.

Run with ``python -m benchmarks folder``; with ``--quick`` for fewer files and repetitions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import deflate
import numpy as np
from numpy.typing import NDArray

import segbench
from benchmarks.folders import Folders, city_folders, voc_folders
from benchmarks.peers_folder import PACKAGES as PACKAGES
from benchmarks.peers_folder import Peer, Table, installed
from benchmarks.pngs import stream_of
from benchmarks.race import Row, as_table, race
from segbench.scoring.executors import available_cpus

Counts = NDArray[np.float64]
Goals = dict[str, tuple[float | None, float | None]]

#: How many times faster than a kind of peer: at least, and if possible.
VOC: Goals = {"hotcoco": (2.0, 3.0), "bincount": (9.0, 14.0)}
CITY: Goals = {"vernier": (2.0, 3.5)}
#: Two threads against one.
THREADS = (1.7, 1.85)


def rows(quick: bool = False) -> list[Row]:
    """Race both folders, on one thread by CPU time and on two by wall time; quick takes fewer files."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        small = voc_folders(root / "voc", 60 if quick else 1449)
        # Enough that the last image, with which one thread is alone, is a small part of the whole.
        large = city_folders(root / "city", 2 if quick else 60)
        plan = [(small, VOC, 3 if quick else 7), (large, CITY, 3 if quick else 7)]
        single = [row for work, goals, repetitions in plan for row in _rows(work, goals, repetitions)]
        # Two images make one chunk, on which a second thread does nothing.
        return single + [row for work, _, n in plan if work.n_files > 2 for row in _on_threads(work, n)]


def _rows(work: Folders, goals: Goals, repetitions: int) -> list[Row]:
    peers = [peer for peer in installed() if peer.takes_palettes or not work.palette]
    for peer in peers:
        check(work, peer)
    limit, mine, *others = race([_reading(work), _scoring(work), *(_counting(work, p) for p in peers)], repetitions)
    return [
        Row(work.name, mine, peer.name, seconds, *goals.get(peer.kind, (None, None)), limit)
        for peer, seconds in zip(peers, others, strict=True)
    ]


def _on_threads(work: Folders, repetitions: int) -> list[Row]:
    """Race two threads against one, and against the peers that take threads by themselves."""
    if available_cpus() < 2:
        return []
    peers = [peer for peer in installed() if peer.name.endswith("update_folders")]
    with ThreadPoolExecutor(1) as pool:
        runners = [_inflating(work, pool), _scoring(work, 2), _scoring(work), *(_counting(work, p) for p in peers)]
        # A wall clock counts what other work does to the second CPU: many repetitions, so that it passes.
        limit, two, one, *others = race(runners, 4 * repetitions, clock=time.perf_counter_ns)
    name = f"{work.name}, 2 threads, wall"
    return [
        Row(name, two, "segbench, 1 thread", one, *THREADS, limit),
        *(Row(name, two, peer.name, seconds, None, None, limit) for peer, seconds in zip(peers, others, strict=True)),
    ]


def check(work: Folders, peer: Peer) -> None:
    """Hold the scores of segbench against those that follow from a peer's table.

    Raises
    ------
    AssertionError
        When a class's IoU or accuracy, or the pixel accuracy, differs.
    """
    table = np.asarray(peer.count(work), dtype=np.float64)
    hits, true, predicted = table.diagonal(), table.sum(axis=1), table.sum(axis=0)
    expected = {
        "mean_iou": _quotients(hits, true + predicted - hits),
        "mean_accuracy": _quotients(hits, true),
    }
    scores = score(work).scores
    agree = [np.array_equal(list(scores[key].per_class.values()), values, True) for key, values in expected.items()]
    if not all(agree) or float(scores["pixel_accuracy"]) != hits.sum() / table.sum():
        raise AssertionError(f"{peer.name} counts otherwise: {work.name}")


def score(work: Folders, workers: int = 1) -> segbench.Result:
    """Score the folder with segbench."""
    return segbench.score(work.predictions, dataset=work.dataset, truth=work.truth, workers=workers)


def _quotients(parts: Counts, wholes: Counts) -> Counts:
    quotients: Counts = np.full(len(wholes), np.nan)
    return np.divide(parts, wholes, out=quotients, where=wholes > 0)


def _scoring(work: Folders, workers: int = 1) -> Callable[[], segbench.Result]:
    return lambda: score(work, workers)


def _counting(work: Folders, peer: Peer) -> Callable[[], Table]:
    return lambda: peer.count(work)


def _inflating(work: Folders, pool: Executor) -> Callable[[], None]:
    """Inflate the pixels of every file, which is in memory; half of them on the thread of the pool."""
    streams = [stream_of(path.read_bytes()) for pair in work.pairs() for path in pair]

    def inflate(part: Sequence[tuple[bytes, int]]) -> None:
        for stream, size in part:
            deflate.zlib_decompress(stream, size)

    def both() -> None:
        other = pool.submit(inflate, streams[::2])
        inflate(streams[1::2])
        other.result()

    return both


def _reading(work: Folders) -> Callable[[], None]:
    """Read every file and inflate its pixels; where they lie in a file is found beforehand."""
    plan = [(str(path), *stream_of(path.read_bytes())) for pair in work.pairs() for path in pair]

    def read() -> None:
        for path, stream, size in plan:
            with open(path, "rb", buffering=0) as file:
                file.read()
            deflate.zlib_decompress(stream, size)

    return read


if __name__ == "__main__":
    print(as_table(rows()))
