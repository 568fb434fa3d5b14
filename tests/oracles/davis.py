"""Plain reference for the DAVIS measures J and F, their statistics, and the three protocols built on them.

Follows davis2017-evaluation (metrics and evaluation) and, for 2016, the python tool of davis. A frame is an array of
shape (rows, columns); a sequence is a truth frame and a prediction frame for each point in time. Floats are reduced as
there, by NumPy's mean over the frames, then over the sequences (2016) or over the objects of all sequences (2017).

- davis2016: one object, not 0. First and last frame left out.
- davis2017: object k is value k. There are as many objects as the largest value of the first true frame says, 255 taken
  for 0; what is born later is not scored. First and last frame left out. A larger predicted value is refused.
- davis2017-unsupervised: all frames; 255 in the truth is void, in J and F; at most 20 proposals; per sequence the
  proposals are assigned to the objects by the best sum of mean (J + F) / 2.

The assignment sees proposals as rows and objects as columns, and objects are listed in the order of their proposals
(this decides ties and the last bit of a mean); the unsupervised protocol counts objects as the other one does; a value
that is too large is seen only on scored frames. T, the temporal stability of 2016, is in `davis_stability`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from .boundary_maps import Offset, near, offsets, seg2bmap

BOUND = 0.008
VOID = 255
MOST_PROPOSALS = 20

Frames = Sequence[np.ndarray]
Pair = tuple[Frames, Frames]  # truth, prediction


class Statistics(NamedTuple):
    mean: float
    recall: float
    decay: float


class ObjectScore(NamedTuple):
    """An object of a sequence; both numbers count from 1."""

    sequence: str
    number: int
    proposal: int
    j: Statistics
    f: Statistics


class DavisResult(NamedTuple):
    jf_mean: float
    j: Statistics
    f: Statistics
    objects: list[ObjectScore]


def cut(mask: np.ndarray, void: np.ndarray | None) -> np.ndarray:
    return mask.astype(bool) if void is None else mask.astype(bool) & ~void.astype(bool)


def jaccard(truth: np.ndarray, prediction: np.ndarray, void: np.ndarray | None = None) -> float:
    """J, the IoU outside void; 1 when there is no union."""
    t, p = cut(truth, void), cut(prediction, void)
    union = int((t | p).sum())
    return int((t & p).sum()) / union if union else 1.0


def tolerance(shape: tuple[int, ...], bound: float = BOUND) -> int:
    """Pixels: a bound below 1 is a share of the diagonal and rounded up."""
    height, width = shape
    pixels = bound if bound >= 1 else math.ceil(bound * math.sqrt(height * height + width * width))
    if pixels != int(pixels):
        raise ValueError(f"a disk has a whole radius, not {pixels}")
    return int(pixels)


def disk(radius: int) -> list[Offset]:
    """dx² + dy² ≤ radius²."""
    return offsets(Fraction(radius * radius), closed=True)


def f_measure(truth: np.ndarray, prediction: np.ndarray, void: np.ndarray | None = None, bound: float = BOUND) -> float:
    """F of the boundaries, each dilated by a disk to look for the other; many pixels may match one."""
    around = disk(tolerance(truth.shape, bound))
    t, p = seg2bmap(cut(truth, void)), seg2bmap(cut(prediction, void))
    n_truth, n_prediction = int(t.sum()), int(p.sum())
    if not n_prediction and n_truth:
        precision, recall = 1.0, 0.0
    elif n_prediction and not n_truth:
        precision, recall = 0.0, 1.0
    elif not n_prediction and not n_truth:
        precision, recall = 1.0, 1.0
    else:
        precision = int((p & near(t, around)).sum()) / n_prediction
        recall = int((t & near(p, around)).sum()) / n_truth
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def statistics(values: np.ndarray, uint8_wrap: bool = False) -> Statistics:
    """Mean, share above 0.5, and mean of the first less mean of the last of four bins that share their end frames.

    The official tool keeps the frame numbers of the bins in 8 bits, which is wrong beyond 256 frames; `uint8_wrap`.
    """
    if not len(values):
        raise ValueError("no frame is left to score")
    ids = [int(number) for number in np.round(np.linspace(1, len(values), 5) + 1e-10) - 1]
    if uint8_wrap:
        ids = [number % 256 for number in ids]
    first, last = values[ids[0] : ids[1] + 1], values[ids[3] : ids[4] + 1]
    decay = float(np.mean(first) - np.mean(last)) if len(first) and len(last) else math.nan
    return Statistics(float(np.mean(values)), float(np.mean(values > 0.5)), decay)


def statistics_2016(values: np.ndarray, uint8_wrap: bool = False) -> Statistics:
    """The same, where the mean is taken with a NaN for each of the frames that are left out."""
    padded = np.concatenate([[np.nan], values, [np.nan]])
    return statistics(values, uint8_wrap)._replace(mean=float(np.nanmean(padded)))


def measure(truths: Frames, predictions: Frames, voids: Frames | None = None) -> tuple[np.ndarray, np.ndarray]:
    """J and F of every frame of one object."""
    j, f = [], []
    for i, (truth, prediction) in enumerate(zip(truths, predictions, strict=True)):
        if truth.shape != prediction.shape:
            raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
        void = None if voids is None else voids[i]
        j.append(jaccard(truth, prediction, void))
        f.append(f_measure(truth, prediction, void))
    return np.array(j), np.array(f)


def summary(objects: list[ObjectScore]) -> DavisResult:
    j = Statistics(*(float(np.mean([getattr(o.j, name) for o in objects])) for name in Statistics._fields))
    f = Statistics(*(float(np.mean([getattr(o.f, name) for o in objects])) for name in Statistics._fields))
    return DavisResult((j.mean + f.mean) / 2, j, f, objects)


def davis2016(sequences: Mapping[str, Pair], uint8_wrap: bool = False) -> DavisResult:
    """Score one object a sequence."""
    objects = []
    for name, (truths, predictions) in sequences.items():
        j, f = measure([t != 0 for t in truths[1:-1]], [p != 0 for p in predictions[1:-1]])
        objects.append(ObjectScore(name, 1, 1, statistics_2016(j, uint8_wrap), statistics_2016(f, uint8_wrap)))
    return summary(objects)


def number_of_objects(truths: Frames) -> int:
    first = truths[0]
    return int(np.where(first == VOID, 0, first).max())


def proposals(predictions: Frames, most: int) -> int:
    found = max((int(frame.max()) for frame in predictions), default=0)
    if found > most:
        raise ValueError(f"an index is {found}, at most {most} is allowed")
    return found


def davis2017(sequences: Mapping[str, Pair], uint8_wrap: bool = False) -> DavisResult:
    """Score the objects of the first frame, each under its own number; a missing number is an empty mask."""
    objects = []
    for name, (truths, predictions) in sequences.items():
        n_objects = number_of_objects(truths)
        truths, predictions = truths[1:-1], predictions[1:-1]
        proposals(predictions, n_objects)
        for k in range(1, n_objects + 1):
            j, f = measure([t == k for t in truths], [p == k for p in predictions])
            objects.append(ObjectScore(name, k, k, statistics(j, uint8_wrap), statistics(f, uint8_wrap)))
    return summary(objects)


def assign(j: np.ndarray, f: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of proposal and object with the largest sum of mean (J + F) / 2; arrays by [proposal][object][frame]."""
    rows, columns = linear_sum_assignment(-(np.mean(j, axis=2) + np.mean(f, axis=2)) / 2)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def davis2017_unsupervised(sequences: Mapping[str, Pair], uint8_wrap: bool = False) -> DavisResult:
    """Score the objects of the first frame, each under the proposal that the assignment gives it."""
    objects = []
    for name, (truths, predictions) in sequences.items():
        n_objects = number_of_objects(truths)
        n_proposals = max(proposals(predictions, MOST_PROPOSALS), n_objects)
        voids = [t == VOID for t in truths]
        if not n_objects:
            continue
        scores = [
            [measure([t == k for t in truths], [p == m for p in predictions], voids) for k in range(1, n_objects + 1)]
            for m in range(1, n_proposals + 1)
        ]
        j, f = (np.array([[one[i] for one in row] for row in scores]) for i in (0, 1))
        for m, k in assign(j, f):
            both = statistics(j[m, k], uint8_wrap), statistics(f[m, k], uint8_wrap)
            objects.append(ObjectScore(name, k + 1, m + 1, *both))
    return summary(objects)
