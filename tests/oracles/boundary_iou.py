"""Plain reference for Boundary IoU (Cheng et al. 2021), in the form of boundary-iou-api.

d = max(1, round(ratio · √(height² + width²))) with Python's round, half to even. The mask is padded with one pixel of
background, eroded d times with a 3 × 3 square, and the band is what the erosion took away: pixels at most d from the
background or from the outside of the image, by the larger coordinate. Boundary IoU is the IoU of the two bands, NaN
when both masks are empty. The ratio is 0.02 for COCO and LVIS, 0.005 for Cityscapes.

Not in the source: label maps. A class is a mask there; void truth is cut out of both maps before the bands are taken;
intersections and unions are summed over the split, or each image is scored; classes without a union are left out.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np

from .boundary_maps import EIGHT, class_mask, shifted

RATIO = 0.02
CITYSCAPES_RATIO = 0.005


class Counts(NamedTuple):
    intersection: int
    union: int


def dilation(shape: tuple[int, ...], ratio: float = RATIO) -> int:
    """The number of erosions for an image of shape (rows, columns)."""
    height, width = shape
    return max(1, int(round(ratio * math.sqrt(height**2 + width**2))))


def eroded(mask: np.ndarray) -> np.ndarray:
    """The pixels whose 3 × 3 square is all mask; beyond the array there is nothing to wear away."""
    found = mask.copy()
    for offset in EIGHT:
        found &= shifted(mask, offset, outside=True)
    return found


def band(mask: np.ndarray, ratio: float = RATIO) -> np.ndarray:
    """The boundary region of a mask; not 0 is foreground."""
    padded = np.pad(mask.astype(bool), 1)
    inside = padded
    for _ in range(dilation(mask.shape, ratio)):
        inside = eroded(inside)
    return (padded & ~inside)[1:-1, 1:-1]


def count(truth: np.ndarray, prediction: np.ndarray, ratio: float = RATIO) -> Counts:
    if truth.shape != prediction.shape:
        raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    t, p = band(truth, ratio), band(prediction, ratio)
    return Counts(int((t & p).sum()), int((t | p).sum()))


def iou(counts: Counts) -> float:
    return float(Fraction(*counts)) if counts.union else math.nan


def boundary_iou(truth: np.ndarray, prediction: np.ndarray, ratio: float = RATIO) -> float:
    """Boundary IoU of two masks."""
    return iou(count(truth, prediction, ratio))


def mask_iou(truth: np.ndarray, prediction: np.ndarray) -> float:
    t, p = truth.astype(bool), prediction.astype(bool)
    return iou(Counts(int((t & p).sum()), int((t | p).sum())))


def matching_iou(truth: np.ndarray, prediction: np.ndarray, ratio: float = RATIO) -> float:
    """What Boundary AP and PQ put in the place of the mask IoU, for truth that is no crowd."""
    return min(mask_iou(truth, prediction), boundary_iou(truth, prediction, ratio))


def mean(values: Sequence[float]) -> float:
    """The mean of those that are defined."""
    kept = [value for value in values if not math.isnan(value)]
    return math.fsum(kept) / len(kept) if kept else math.nan


def evaluate(
    truths: Sequence[np.ndarray],
    predictions: Sequence[np.ndarray],
    classes: Sequence[int],
    void_ids: Collection[int] = (),
    ratio: float = RATIO,
    pool: Literal["dataset", "image"] = "dataset",
) -> tuple[float, dict[int, float]]:
    """Mean and per-class Boundary IoU of label maps."""
    images = [
        {c: count(class_mask(t, c, t, void_ids), class_mask(p, c, t, void_ids), ratio) for c in classes}
        for t, p in zip(truths, predictions, strict=True)
    ]
    if pool == "image":
        scores = [{c: iou(counts) for c, counts in image.items()} for image in images]
        per_class = {c: mean([image[c] for image in scores]) for c in classes}
        return mean([mean(list(image.values())) for image in scores]), per_class
    per_class = {
        c: iou(Counts(sum(image[c].intersection for image in images), sum(image[c].union for image in images)))
        for c in classes
    }
    return mean(list(per_class.values())), per_class
