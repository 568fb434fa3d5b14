"""Bands of Boundary IoU: segbench against its peers, on one thread, as called from Python.

Run with ``python -m benchmarks bands``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers_bands import PACKAGES as PACKAGES
from benchmarks.peers_bands import Bands, bands_of, installed
from benchmarks.race import Row, as_table, race
from benchmarks.workloads import Workload, city, noise, voc
from segbench.kernels.bands import band_counts, mask_band_counts

Pair = tuple[NDArray[Any], NDArray[Any]]
Goals = dict[str, tuple[float | None, float | None]]

#: How many times faster than a kind of peer: at least, and if possible.
SMALL: Goals = {"erosions": (3.0, 12.0)}
LARGE: Goals = {"erosions": (35.0, 120.0)}
MASK: Goals = {"erosions": (1.0, None)}


def rows(quick: bool = False) -> list[Row]:
    """Race all classes at once, and the smallest class alone; quick repeats less."""
    repetitions = 3 if quick else 15
    plan: list[tuple[Workload, Goals]] = [(voc(), SMALL), (city(), LARGE), (noise(), {})]
    return [row for work, goals in plan for row in (*_classes(work, goals, repetitions), *_mask(work, repetitions))]


def _classes(work: Workload, goals: Goals, repetitions: int) -> list[Row]:
    pair, width = (work.truth, work.prediction), _width(work)
    present = _present(work)

    def own() -> list[Bands]:
        counts = band_counts(truth=pair[0], prediction=pair[1], n_classes=work.n_classes, width_px=width)
        return bands_of(counts[present])

    calls = {peer: partial(peer.count_classes, *pair, present, width) for peer in installed()}
    return _rows(f"{work.name}, {len(present)} classes, {width} px", pair, own, calls, goals, repetitions)


def _mask(work: Workload, repetitions: int) -> list[Row]:
    width = _width(work)
    small = min(_present(work), key=lambda c: np.count_nonzero(work.truth == c) or math.inf)
    truth, prediction = ((labels == small).astype(np.uint8) for labels in (work.truth, work.prediction))

    def own() -> Bands:
        return bands_of(mask_band_counts(truth=truth, prediction=prediction, width_px=width)[np.newaxis])[0]

    calls = {peer: partial(peer.count_masks, truth, prediction, width) for peer in installed()}
    name = f"{work.name}, mask of {truth.mean():.1%}, {width} px"
    return _rows(name, (truth, prediction), own, calls, MASK, repetitions)


def _rows(
    name: str,
    pair: Pair,
    own: Callable[[], Any],
    calls: dict[Any, Callable[[], Any]],
    goals: Goals,
    repetitions: int,
) -> list[Row]:
    for peer, call in calls.items():
        if own() != call():
            raise AssertionError(f"{peer.name} counts otherwise on {name}")
    limit, mine, *others = race([lambda: _read(pair), own, *calls.values()], repetitions)
    return [
        Row(name, mine, peer.name, time, *goals.get(peer.kind, (None, None)), limit)
        for peer, time in zip(calls, others, strict=True)
    ]


def _present(work: Workload) -> list[int]:
    return [c for c in np.union1d(work.truth, work.prediction).tolist() if c < work.n_classes]


def _width(work: Workload) -> int:
    """Return 2 % of the diagonal, as for COCO and LVIS."""
    return max(1, round(0.02 * math.hypot(*work.truth.shape)))


def _read(pair: Pair) -> None:
    """Read both maps once."""
    for labels in pair:
        np.bitwise_or.reduce(labels, axis=None)


if __name__ == "__main__":
    print(as_table(rows()))
