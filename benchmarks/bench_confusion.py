"""Confusion tables: segbench against its peers, on one thread, as called from Python.

Run with ``python -m benchmarks confusion``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers_confusion import PACKAGES as PACKAGES
from benchmarks.peers_confusion import Peer, Table, installed
from benchmarks.race import Row, as_table, race
from benchmarks.workloads import VOID, Workload, city, noise, voc
from segbench.kernels import _confusion
from segbench.kernels.confusion import byte_table, coded_table

Goals = dict[str, tuple[float | None, float | None]]

#: How many times faster than a kind of peer: at least, and if possible.
LABEL_MAPS: Goals = {"numba": (3.0, 4.5), "compiled": (3.5, 6.0), "bincount": (12.0, 15.0)}
INT32: Goals = {"numba": (None, 2.2), "compiled": (None, 2.2)}
INT64: Goals = {"numba": (None, 1.6), "compiled": (None, 1.6)}
NOISE: Goals = {"plain": (0.8, None)}


def rows(quick: bool = False) -> list[Row]:
    """Race all workloads; quick repeats less, and leaves out the large image but for 8 bits."""
    small, large = voc(), city()
    plan: list[tuple[Workload, Callable[[Workload], Callable[[], Table]], Goals]] = [
        (small, _bytes, LABEL_MAPS),
        (small, _codes, LABEL_MAPS),
        (large, _bytes, LABEL_MAPS),
        (large, _codes, LABEL_MAPS),
        (noise(), _bytes, NOISE),
        (noise(), _codes, NOISE),
        (small.retyped("int32"), _codes, INT32),
        (small.retyped("int64"), _codes, INT64),
        (small.mixed("int64"), _codes, {}),
    ]
    if not quick:
        plan += [(large.retyped("int32"), _codes, INT32), (large.retyped("int64"), _codes, INT64)]
    return [row for work, count, goals in plan for row in _rows(work, count, goals, quick)]


def _rows(work: Workload, count: Callable[[Workload], Callable[[], Table]], goals: Goals, quick: bool) -> list[Row]:
    own, n = count(work), work.n_classes
    dtypes = {str(work.truth.dtype), str(work.prediction.dtype)}
    peers = [peer for peer in [_PLAIN, *installed()] if dtypes <= set(peer.dtypes)]
    calls = [peer.prepare(work) for peer in peers]
    for peer, call in zip(peers, calls, strict=True):
        if not np.array_equal(own()[:n, :n], call()[:n, :n]):
            raise AssertionError(f"{peer.name} counts otherwise on {work.name}")
    pixels = work.truth.size
    repetitions = 5 if quick else 41 if pixels < 1_000_000 else 21
    limit, mine, *others = race([lambda: _read(work), own, *calls], repetitions)
    name = f"{work.name}, {'byte_table' if count is _bytes else 'coded_table'}"
    return [
        Row(name, mine, peer.name, time, *goals.get(peer.kind, (None, None)), limit)
        for peer, time in zip(peers, others, strict=True)
    ]


def _bytes(work: Workload) -> Callable[[], Table]:
    return lambda: byte_table(truth=work.truth, prediction=work.prediction)


def _codes(work: Workload) -> Callable[[], Table]:
    codes = np.full(256, -1, dtype=np.int32)
    codes[: work.n_classes] = np.arange(work.n_classes)
    codes[VOID] = work.n_classes
    coding: dict[str, Any] = {"truth_codes": codes, "prediction_codes": codes, "truth_low": 0, "prediction_low": 0}
    return lambda: coded_table(truth=work.truth, prediction=work.prediction, **coding)


def _plain(work: Workload) -> Callable[[], Table]:
    """The loop over pixels that segbench's own kernel falls back on."""

    def count() -> Table:
        table = np.zeros((256, 256), dtype=np.int64)
        _confusion.count_bytes(work.truth[None], work.prediction[None], table, _confusion.WAYS.index("plain"))
        return table

    return count


_PLAIN = Peer("segbench, plain loop", "plain", _plain, ("uint8",))


def _read(work: Workload) -> None:
    """Read both maps once."""
    np.bitwise_or.reduce(work.truth, axis=None)
    np.bitwise_or.reduce(work.prediction, axis=None)


if __name__ == "__main__":
    print(as_table(rows()))
