"""Boundary pixels and their hits: segbench against its peers, on one thread, as called from Python.

Run with ``python -m benchmarks boundary``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers_boundary import PACKAGES as PACKAGES
from benchmarks.peers_boundary import Counts, Mask, Peer, installed
from benchmarks.race import Row, as_table, race
from benchmarks.workloads import Workload, city, voc
from segbench.kernels.boundary import boundary_counts, mask_boundary_counts

Goals = dict[str, tuple[float | None, float | None]]

#: How many times faster than a kind of peer, which counts class by class: at least, and if possible.
SMALL: Goals = {"davis": (15.0, 40.0)}
LARGE: Goals = {"davis": (120.0, 250.0)}
ONE_OBJECT: Goals = {"davis": (10.0, 40.0)}


def rows(quick: bool = False) -> list[Row]:
    """Race all workloads; quick repeats less, and leaves out the large image."""
    repetitions = 3 if quick else 21
    found = _label_rows(voc(), 5, SMALL, repetitions)
    found += _mask_rows(*_object(), 8, ONE_OBJECT, repetitions)
    return found if quick else found + _label_rows(city(), 19, LARGE, 7)


def _label_rows(work: Workload, reach: int, goals: Goals, repetitions: int) -> list[Row]:
    """Race over all classes that either map holds."""
    classes = [c for c in np.union1d(work.truth, work.prediction).tolist() if c < work.n_classes]

    def own() -> NDArray[np.int64]:
        return boundary_counts(
            truth=work.truth,
            prediction=work.prediction,
            n_classes=work.n_classes,
            reach_squared=reach**2,
            definition="seg2bmap",
            border="nothing",
        )

    def other(peer: Peer) -> list[Counts]:
        count = peer.prepare(reach)
        return [count(work.truth == c, work.prediction == c) for c in classes]

    peers = installed()
    for peer in peers:
        if not np.array_equal(own()[classes, 2:], other(peer)):
            raise AssertionError(f"{peer.name} counts otherwise on {work.name}")
    calls = [lambda peer=peer: other(peer) for peer in peers]
    limit, mine, *others = race([lambda: _read(work.truth, work.prediction), own, *calls], repetitions)
    name = f"{work.name}, boundary_counts within {reach} px, {len(classes)} classes present"
    return _rows(name, mine, peers, others, goals, limit)


def _mask_rows(truth: Mask, prediction: Mask, reach: int, goals: Goals, repetitions: int) -> list[Row]:
    def own() -> NDArray[np.int64]:
        return mask_boundary_counts(
            truth=truth, prediction=prediction, reach_squared=reach**2, definition="seg2bmap", border="nothing"
        )

    peers = installed()
    counts = [peer.prepare(reach) for peer in peers]
    for peer, count in zip(peers, counts, strict=True):
        if own()[2:].tolist() != list(count(truth, prediction)):
            raise AssertionError(f"{peer.name} counts otherwise on one object")
    calls = [lambda count=count: count(truth, prediction) for count in counts]
    limit, mine, *others = race([lambda: _read(truth, prediction), own, *calls], repetitions)
    name = f"854×480 mask, mask_boundary_counts within {reach} px, one small object"
    return _rows(name, mine, peers, others, goals, limit)


def _rows(name: str, mine: float, peers: list[Peer], others: list[float], goals: Goals, limit: float) -> list[Row]:
    return [
        Row(name, mine, peer.name, time, *goals.get(peer.kind, (None, None)), limit)
        for peer, time in zip(peers, others, strict=True)
    ]


def _object() -> tuple[Mask, Mask]:
    """A frame of DAVIS' size with one object of some 80 pixels, and a mask that missed it by five."""
    y, x = np.ogrid[:480, :854]
    radius = 40 + 4 * np.sin(np.arctan2(y - 200, x - 300) * 9)
    truth = (y - 200) ** 2 + (x - 300) ** 2 < radius**2
    return truth, np.roll(truth, (4, 3), axis=(0, 1))


def _read(*maps: NDArray[np.generic]) -> None:
    """Read all maps once."""
    for labels in maps:
        np.bitwise_or.reduce(labels, axis=None)


if __name__ == "__main__":
    print(as_table(rows()))
