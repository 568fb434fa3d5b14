"""Other programs that count a confusion table; each peer that is not installed is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.packages import package
from benchmarks.workloads import VOID, Workload

Table = NDArray[np.integer]


@dataclass(frozen=True)
class Peer:
    """A program, and how to make it count a workload.

    `prepare` takes the workload and returns a call that does the whole count and returns the square table of the
    classes, void left out; `dtypes` are those it takes.
    """

    name: str
    kind: str
    prepare: Callable[[Workload], Callable[[], Table]]
    dtypes: tuple[str, ...]


def installed() -> list[Peer]:
    """Return the peers that import."""
    found = [(package(module, distribution), make) for module, distribution, make in _MAKERS]
    return [make(*known) for known, make in found if known is not None]


def _numpy(_: Any, release: str) -> Peer:
    """fast_hist of FCN's score.py."""

    def prepare(work: Workload) -> Callable[[], Table]:
        n = work.n_classes

        def count() -> Table:
            truth, prediction = work.truth.ravel(), work.prediction.ravel()
            valid = (truth >= 0) & (truth < n)
            return np.bincount(n * truth[valid].astype(int) + prediction[valid], minlength=n**2).reshape(n, n)

        return count

    return Peer(f"{release} fast_hist", "bincount", prepare, ("uint8", "uint16", "int32", "int64"))


def _numba(numba: Any, release: str) -> Peer:
    """The plain loop, compiled at the first call."""

    @numba.njit(nogil=True)
    def loop(truth, prediction, table):  # type: ignore[no-untyped-def]
        n = len(table)
        for y in range(truth.shape[0]):
            for x in range(truth.shape[1]):
                t, p = truth[y, x], prediction[y, x]
                if 0 <= t < n and 0 <= p < n:
                    table[t, p] += 1

    def prepare(work: Workload) -> Callable[[], Table]:
        def count() -> Table:
            table = np.zeros((work.n_classes, work.n_classes), dtype=np.int64)
            loop(work.truth, work.prediction, table)
            return table

        return count

    return Peer(f"{release} loop", "numba", prepare, ("uint8", "uint16", "int32", "int64"))


def _opencv(cv2: Any, release: str) -> Peer:
    cv2.setNumThreads(1)

    def prepare(work: Workload) -> Callable[[], Table]:
        n = work.n_classes

        def count() -> Table:
            pairs = [work.truth, work.prediction]
            return np.asarray(cv2.calcHist(pairs, [0, 1], None, [n, n], [0, n, 0, n]))

        return count

    return Peer(f"{release.replace('-python-headless', '')} calcHist", "compiled", prepare, ("uint8",))


def _hotcoco(semantic: Any, release: str) -> Peer:
    def prepare(work: Workload) -> Callable[[], Table]:
        def count() -> Table:
            scores = semantic.SemanticEval(work.n_classes, ignore_index=VOID)
            scores.update(work.truth, work.prediction)
            return np.asarray(scores.confusion())

        return count

    return Peer(f"{release} SemanticEval", "compiled", prepare, ("uint8", "uint16", "int32", "int64"))


def _vernier(semantic: Any, release: str) -> Peer:
    def prepare(work: Workload) -> Callable[[], Table]:
        n = work.n_classes

        def count() -> Table:
            truth = semantic.Dataset.from_arrays({1: work.truth}, n_classes=n, ignore_label=VOID)
            prediction = semantic.Predictions.from_arrays({1: work.prediction})
            counts = semantic.Evaluator().evaluate(truth, prediction, num_threads=1).confusion_matrix.counts()
            return np.asarray(counts).reshape(n, n)

        return count

    return Peer(f"{release} Evaluator", "compiled", prepare, ("uint8", "uint16"))


_MAKERS: tuple[tuple[str, str, Callable[[Any, str], Peer]], ...] = (
    ("numba", "numba", _numba),
    ("cv2", "opencv-python-headless", _opencv),
    ("hotcoco.semantic", "hotcoco", _hotcoco),
    ("vernier.semantic", "vernier", _vernier),
    ("numpy", "numpy", _numpy),
)

#: The distribution of each module that a peer comes from.
PACKAGES = {module: distribution for module, distribution, _ in _MAKERS}
