"""Plain reference for trimaps: accuracy and mean IoU in a narrow band, for any set of widths in pixels.

- centre="boundary" (Kohli, Ladický and Torr 2009; Krähenbühl and Koltun 2011): pixels nearer than the width to a pixel
  with a 4-neighbour of another label, so with width 1 these pixels themselves, on both sides.
- centre="void" (DeepLab): pixels at most the width away from the void region, so with width 1 its neighbours.

The distance is Euclidean or the larger coordinate (a square element, one side 2 · width + 1 with "void").
Void truth is never scored. A void prediction is a miss. Pixels are pooled over the split; classes that neither the
truth nor the prediction of the band shows are left out of the mean.

Not in the sources: the element of DeepLab's dilation, whether a width counts from the edge, and whether the edge of
void is a boundary (void_edges; an object of VOC has no other one). Each is a switch here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np

from .boundary_maps import FOUR, Real, exact, near, offsets, shifted

Table = list[list[int]]  # by [truth][prediction], the last column for void predictions


class Trimap(NamedTuple):
    """What a band is."""

    centre: Literal["boundary", "void"]
    metric: Literal["euclidean", "square"] = "euclidean"
    closed: bool | None = None  # whether a distance equal to the width is inside; None: only for the void centre
    void_edges: bool = True  # whether a change to void is a boundary


class TrimapScore(NamedTuple):
    accuracy: float
    mean_iou: float
    iou: list[float]
    table: Table


def boundary_pixels(truth: np.ndarray, void: np.ndarray, void_edges: bool) -> np.ndarray:
    """Pixels with a 4-neighbour of another label; all void is one label."""
    labels = np.where(void, truth.astype(np.int64).max() + 1, truth)
    found = np.zeros(truth.shape, bool)
    for label in np.unique(labels):
        mask = labels == label
        if void_edges:
            elsewhere = ~mask
        elif (mask & void).any():
            continue
        else:
            elsewhere = ~mask & ~void
        for offset in FOUR:
            found |= mask & shifted(elsewhere, offset, outside=False)
    return found


def band(truth: np.ndarray, void_ids: Collection[int], width: Real, trimap: Trimap) -> np.ndarray:
    """The scored pixels of a truth of shape (rows, columns)."""
    void = np.isin(truth, list(void_ids))
    source = void if trimap.centre == "void" else boundary_pixels(truth, void, trimap.void_edges)
    closed = trimap.centre == "void" if trimap.closed is None else trimap.closed
    around = offsets(exact(width) ** 2, closed, trimap.metric)
    return near(source, around) & ~void


def count(
    truth: np.ndarray, prediction: np.ndarray, scored: np.ndarray, n_classes: int, void_ids: Collection[int]
) -> Table:
    """Pixels of the band by truth and prediction."""
    if truth.shape != prediction.shape:
        raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    table = [[0] * (n_classes + 1) for _ in range(n_classes)]
    columns = {c: c for c in range(n_classes)} | dict.fromkeys(void_ids, n_classes)
    for t, p, inside in zip(truth.ravel().tolist(), prediction.ravel().tolist(), scored.ravel().tolist(), strict=True):
        if t not in columns or p not in columns:
            raise ValueError(f"truth {t}, prediction {p}: an id is neither a class nor void")
        if inside:
            table[t][columns[p]] += 1
    return table


def ratio(part: int, whole: int) -> float:
    """The float nearest to the fraction, NaN without a whole."""
    return float(Fraction(part, whole)) if whole else math.nan


def score(table: Table) -> TrimapScore:
    n_classes = len(table)
    iou = []
    for c in range(n_classes):
        predicted = sum(row[c] for row in table)
        iou.append(ratio(table[c][c], sum(table[c]) + predicted - table[c][c]))
    defined = [value for value in iou if not math.isnan(value)]
    mean_iou = math.fsum(defined) / len(defined) if defined else math.nan
    accuracy = ratio(sum(table[c][c] for c in range(n_classes)), sum(map(sum, table)))
    return TrimapScore(accuracy, mean_iou, iou, table)


def evaluate(
    truths: Sequence[np.ndarray],
    predictions: Sequence[np.ndarray],
    n_classes: int,
    void_ids: Collection[int],
    widths: Iterable[Real],
    trimap: Trimap,
) -> dict[Real, TrimapScore]:
    """The curve over widths, pixels pooled over the split."""
    curve = {}
    for width in widths:
        total = [[0] * (n_classes + 1) for _ in range(n_classes)]
        for truth, prediction in zip(truths, predictions, strict=True):
            scored = band(truth, void_ids, width, trimap)
            table = count(truth, prediction, scored, n_classes, void_ids)
            total = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(total, table, strict=True)]
        curve[width] = score(total)
    return curve
