"""Plain reference for class-wise scores under explicit rules for void, absent and predicted-only classes.

Counts are exact integers and every score is first an exact Fraction, turned into the nearest float once; for
a per-class score that is one correctly rounded integer division. For pool="dataset" the value is math.fsum
of the float per-class scores divided by their number; means over the classes of an image and means over
images are formed the same way (fsum / n). Pixel accuracy and frequency-weighted IoU are not means over
classes: their value over one set of counts is one exact Fraction, rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Literal

import numpy as np

Metric = Literal["iou", "dice", "precision", "recall", "pixel_accuracy", "frequency_weighted_iou"]
VoidPrediction = Literal["miss", "skip", "error"]
Absent = Literal["propagate", "skip", "zero", "one"]
FpOnly = Literal["count", "skip"]
Pool = Literal["dataset", "image", "class_then_image"]
Pair = tuple[np.ndarray, np.ndarray]  # truth, prediction
Score = float | None  # None is "left out of every mean"; a float NaN is one that must propagate

WHOLE_IMAGE_METRICS = ("pixel_accuracy", "frequency_weighted_iou")
ABSENT_SCORE: dict[str, Score] = {"propagate": math.nan, "skip": None, "zero": 0.0, "one": 1.0}
CHOICES: tuple[tuple[str, ...], ...] = (
    ("iou", "dice", "precision", "recall", *WHOLE_IMAGE_METRICS),
    ("miss", "skip", "error"),
    tuple(ABSENT_SCORE),
    ("count", "skip"),
    ("dataset", "image", "class_then_image"),
)


class VoidPredictionError(ValueError):
    """A void id was predicted on a counted pixel under void_prediction="error"."""


class Counts:
    """True positives, false positives and false negatives of every class."""

    def __init__(self, n_classes: int) -> None:
        self.tp = [0] * n_classes
        self.fp = [0] * n_classes
        self.fn = [0] * n_classes

    def truth(self, c: int) -> int:
        return self.tp[c] + self.fn[c]

    def predicted(self, c: int) -> int:
        return self.tp[c] + self.fp[c]


def count_pixel(counts: Counts, t: int, p: int, void_ids: Collection[int], void_prediction: str) -> None:
    """Book one pixel. Void truth is dropped before its prediction is looked at."""
    n_classes = len(counts.tp)
    if t in void_ids:
        return
    if not 0 <= t < n_classes:
        raise ValueError(f"truth id {t} is neither a class nor void")
    if p in void_ids:
        if void_prediction == "error":
            raise VoidPredictionError(f"void id {p} predicted on truth id {t}")
        if void_prediction == "miss":
            counts.fn[t] += 1  # the truth class loses, no class is charged with a false positive
        return
    if not 0 <= p < n_classes:
        raise ValueError(f"predicted id {p} is neither a class nor void")
    if t == p:
        counts.tp[t] += 1
    else:
        counts.fn[t] += 1
        counts.fp[p] += 1


def count_image(pair: Pair, n_classes: int, void_ids: Collection[int], void_prediction: str) -> Counts:
    truth, prediction = pair
    if truth.shape != prediction.shape:
        raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    counts = Counts(n_classes)
    for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        count_pixel(counts, t, p, void_ids, void_prediction)
    return counts


def pooled(images: Sequence[Counts], n_classes: int) -> Counts:
    counts = Counts(n_classes)
    for image in images:
        for c in range(n_classes):
            counts.tp[c] += image.tp[c]
            counts.fp[c] += image.fp[c]
            counts.fn[c] += image.fn[c]
    return counts


def present_score(counts: Counts, c: int, metric: str) -> Fraction:
    """Score of a class with truth pixels; only precision can still lack a denominator, and is then 0."""
    tp, fp, fn = counts.tp[c], counts.fp[c], counts.fn[c]
    if metric == "iou":
        return Fraction(tp, tp + fp + fn)
    if metric == "dice":
        return Fraction(2 * tp, 2 * tp + fp + fn)
    if metric == "recall":
        return Fraction(tp, tp + fn)
    return Fraction(tp, tp + fp) if tp + fp > 0 else Fraction(0)


def class_score(counts: Counts, c: int, metric: str, absent: str, fp_only: str) -> Score:
    if counts.truth(c) > 0:
        return float(present_score(counts, c, metric))
    if counts.predicted(c) > 0:
        return 0.0 if fp_only == "count" else None
    return ABSENT_SCORE[absent]


def mean(scores: Sequence[Score]) -> Score:
    """Mean of what is not left out: NaN if a NaN is among it, left out itself if nothing is there."""
    kept = [score for score in scores if score is not None]
    return math.fsum(kept) / len(kept) if kept else None


def whole_image_score(counts: Counts, metric: str, classes: Sequence[int]) -> Score:
    """Pixel accuracy or frequency-weighted IoU over the chosen classes; nothing to score without truth."""
    labelled = sum(counts.truth(c) for c in classes)
    if labelled == 0:
        return None
    if metric == "pixel_accuracy":
        return float(Fraction(sum(counts.tp[c] for c in classes), labelled))
    score = Fraction(0)
    for c in classes:
        if counts.truth(c) > 0:  # weight 0 otherwise, and 0 times an undefined IoU is to be 0
            score += Fraction(counts.truth(c), labelled) * present_score(counts, c, "iou")
    return float(score)


def plain(score: Score) -> float:
    return math.nan if score is None else score


def check_choices(chosen: tuple[str, ...]) -> None:
    for value, allowed in zip(chosen, CHOICES, strict=True):
        if value not in allowed:
            raise ValueError(f"{value!r} is not one of {allowed}")


def evaluate(
    pairs: Sequence[Pair],
    n_classes: int,
    void_ids: Collection[int],
    metric: Metric,
    *,
    void_prediction: VoidPrediction = "miss",
    absent: Absent = "skip",
    fp_only: FpOnly = "count",
    pool: Pool = "dataset",
    classes: Sequence[int] | None = None,
) -> tuple[float, list[float]]:
    """The value over the chosen classes, and the score of each of the n_classes classes.

    For pixel accuracy the list holds the recalls, for frequency-weighted IoU the IoUs. Neither is a mean
    over classes, so pool="class_then_image" has no meaning for them.
    """
    check_choices((metric, void_prediction, absent, fp_only, pool))
    if pool == "class_then_image" and metric in WHOLE_IMAGE_METRICS:
        raise ValueError(f"{metric} has no per-class means to average")
    chosen = list(range(n_classes)) if classes is None else list(classes)
    images = [count_image(pair, n_classes, void_ids, void_prediction) for pair in pairs]
    # The dataset is one large image as far as the counts go; the other pools see one set of counts per image.
    units = [pooled(images, n_classes)] if pool == "dataset" else images
    listed = {"pixel_accuracy": "recall", "frequency_weighted_iou": "iou"}.get(metric, metric)
    scores = [[class_score(u, c, listed, absent, fp_only) for c in range(n_classes)] for u in units]
    per_class = [mean([row[c] for row in scores]) for c in range(n_classes)]
    if metric in WHOLE_IMAGE_METRICS:
        value = mean([whole_image_score(unit, metric, chosen) for unit in units])
    elif pool == "class_then_image":
        value = mean([per_class[c] for c in chosen])
    else:
        value = mean([mean([row[c] for c in chosen]) for row in scores])
    return plain(value), [plain(score) for score in per_class]
