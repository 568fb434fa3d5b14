"""Other programs that score a folder of PNG files; each peer that is not installed is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.folders import Folders
from benchmarks.packages import package
from benchmarks.workloads import VOID

Table = NDArray[np.integer]


@dataclass(frozen=True)
class Peer:
    """A program, and how to make it count the files of a folder into the square table of the classes."""

    name: str
    kind: str
    count: Callable[[Folders], Table]
    takes_palettes: bool = True


def installed() -> list[Peer]:
    """Return the peers that import."""
    found = [(package(module, distribution), make) for module, distribution, make in _MAKERS]
    return [peer for known, make in found if known is not None for peer in make(*known)]


def _hotcoco(semantic: Any, release: str) -> list[Peer]:
    """On the threads that it takes, whose CPU time adds up, and file by file on one."""

    def folders(work: Folders) -> Table:
        scores = semantic.SemanticEval(work.n_classes, ignore_index=VOID)
        scores.update_folders(work.truth, work.predictions)
        return np.asarray(scores.confusion())

    def loop(work: Folders) -> Table:
        scores = semantic.SemanticEval(work.n_classes, ignore_index=VOID)
        for truth, prediction in work.pairs():
            scores.update_png(truth, prediction)
        return np.asarray(scores.confusion())

    return [
        Peer(f"{release} update_folders", "hotcoco", folders),
        Peer(f"{release} update_png", "hotcoco", loop),
    ]


def _vernier(semantic: Any, release: str) -> list[Peer]:
    def count(work: Folders) -> Table:
        pairs = work.pairs()
        truths = {i: truth for i, (truth, _) in enumerate(pairs)}
        predictions = {i: prediction for i, (_, prediction) in enumerate(pairs)}
        summary = semantic.Evaluator().evaluate_from_pngs(
            truths, predictions, n_classes=work.n_classes, ignore_label=VOID, num_threads=1
        )
        return np.asarray(summary.confusion_matrix.counts()).reshape(work.n_classes, work.n_classes)

    return [Peer(f"{release} evaluate_from_pngs", "vernier", count, takes_palettes=False)]


def _numpy(_: Any, release: str) -> list[Peer]:
    """fast_hist of FCN's score.py, file by file."""

    def count(work: Folders) -> Table:
        n = work.n_classes
        table = np.zeros((n, n), dtype=np.int64)
        for pair in work.pairs():
            truth, prediction = (np.asarray(Image.open(path)).ravel() for path in pair)
            valid = truth < n
            table += np.bincount(n * truth[valid].astype(int) + prediction[valid], minlength=n**2).reshape(n, n)
        return table

    return [Peer(f"{release} + numpy fast_hist", "bincount", count)]


_MAKERS: tuple[tuple[str, str, Callable[[Any, str], list[Peer]]], ...] = (
    ("hotcoco.semantic", "hotcoco", _hotcoco),
    ("vernier.semantic", "vernier", _vernier),
    ("PIL", "pillow", _numpy),
)

#: The distribution of each module that a peer comes from.
PACKAGES = {module: distribution for module, distribution, _ in _MAKERS}
