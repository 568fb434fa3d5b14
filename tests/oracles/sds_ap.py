"""Plain reference for AP^r (Hariharan et al. 2014), in the form of FCIS (pascal_voc_eval.py).

Of each class, results in the order of their scores: each looks at the instance of its image that it overlaps most, of
equal ones the first. It is right when that IoU is at least the threshold and no result before took that instance;
otherwise it is wrong, and no other instance is tried. AP is the mean over the recalls 0, 0.1, … 1 of the best
precision at this recall or a higher one; `area` is the later form of the same file, the area under that curve, which
FCIS does not use for masks. The official sort is not stable; here equal scores keep the order by image,
then that of the file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Instance(NamedTuple):
    image: int
    label: int
    mask: np.ndarray
    score: float = 0.0


def average_precision(
    truth: Sequence[Instance], results: Sequence[Instance], threshold: float, *, area: bool = False
) -> float:
    """AP of one class; undefined without an instance of it."""
    if not truth:
        return math.nan
    taken: set[int] = set()
    right = []
    for one in sorted(results, key=lambda r: (-r.score, r.image)):
        rivals = [(i, iou(one.mask, other.mask)) for i, other in enumerate(truth) if other.image == one.image]
        best, overlap = max(rivals, key=lambda rival: rival[1], default=(-1, -1.0))
        right.append(overlap >= threshold and best not in taken)
        taken |= {best} if overlap >= threshold else set()
    hits = np.cumsum(np.array(right, np.float64))
    recall, precision = hits / len(truth), hits / np.arange(1, len(hits) + 1)
    return area_under(recall, precision) if area else at_eleven(recall, precision)


def at_eleven(recall: np.ndarray, precision: np.ndarray) -> float:
    ap = 0.0
    for level in np.arange(0.0, 1.1, 0.1):
        reached = precision[recall >= level]
        ap += (float(reached.max()) if len(reached) else 0.0) / 11.0
    return ap


def area_under(recall: np.ndarray, precision: np.ndarray) -> float:
    """Each step of recall times the best precision from there on; beyond the last recall it is 0."""
    best = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(recall, prepend=0.0)
    return float(np.sum(steps[steps > 0] * best[steps > 0]))


def evaluate(
    truth: Sequence[Instance], results: Sequence[Instance], labels: Sequence[int], threshold: float
) -> tuple[float, list[float]]:
    """The mean over classes that have instances, and AP of each."""
    found = [
        average_precision([t for t in truth if t.label == k], [r for r in results if r.label == k], threshold)
        for k in labels
    ]
    defined = [value for value in found if not math.isnan(value)]
    return (float(np.mean(defined)) if defined else math.nan), found


def iou(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(bool), b.astype(bool)
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 0.0
