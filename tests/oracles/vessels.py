"""Plain reference for retina vessel scores (DRIVE, CHASE_DB1).

A prediction is a map of grey levels, p = level / 255. Only pixels inside the field of view (mask above 0) count.
Truth is the first observer, above 0 is vessel. The curves are scikit-learn's; the others are read at level >= 128.
Pixels are pooled over the split, or each image is scored and the mean is over the images where the score is defined.

A score whose definition divides by zero is NaN: no vessel or no other pixel for the AUC, no vessel for the average
precision and the sensitivity, no other pixel for the specificity, a zero factor for the MCC. scikit-learn has 0 for
some of these.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

WORKING_LEVEL = 128
KEYS = ("auc", "average_precision", "f1", "accuracy", "sensitivity", "specificity", "mcc")


def counted(truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray) -> tuple[list[bool], list[int]]:
    """Truth and level of every pixel inside the field of view, row by row."""
    if not truth.shape == prediction.shape == mask.shape:
        raise ValueError(f"sizes differ: truth {truth.shape}, prediction {prediction.shape}, mask {mask.shape}")
    if prediction.dtype != np.uint8:
        raise ValueError(f"levels are 8-bit, these are {prediction.dtype}")
    vessel, levels = [], []
    for t, p, m in zip(truth.ravel().tolist(), prediction.ravel().tolist(), mask.ravel().tolist(), strict=True):
        if m > 0:
            vessel.append(t > 0)
            levels.append(p)
    return vessel, levels


def divide(part: float, whole: float) -> float:
    return math.nan if whole == 0 else part / whole


def curve_scores(vessel: list[bool], levels: list[int]) -> dict[str, float]:
    probability = np.array(levels, dtype=np.float64) / 255
    both = any(vessel) and not all(vessel)
    return {
        "auc": float(roc_auc_score(vessel, probability)) if both else math.nan,
        "average_precision": float(average_precision_score(vessel, probability)) if any(vessel) else math.nan,
    }


def working_point_scores(vessel: list[bool], levels: list[int]) -> dict[str, float]:
    pairs = [(t, level >= WORKING_LEVEL) for t, level in zip(vessel, levels, strict=True)]
    tp, fn = pairs.count((True, True)), pairs.count((True, False))
    fp, tn = pairs.count((False, True)), pairs.count((False, False))
    return {
        "f1": divide(2 * tp, 2 * tp + fp + fn),
        "accuracy": divide(tp + tn, tp + tn + fp + fn),
        "sensitivity": divide(tp, tp + fn),
        "specificity": divide(tn, tn + fp),
        "mcc": divide(tp * tn - fp * fn, math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
    }


def score(vessel: list[bool], levels: list[int]) -> dict[str, float]:
    return curve_scores(vessel, levels) | working_point_scores(vessel, levels)


def evaluate(
    truths: list[np.ndarray],
    predictions: list[np.ndarray],
    masks: list[np.ndarray],
    pool: Literal["dataset", "image"] = "dataset",
) -> dict[str, float]:
    """Score a split of (rows, columns) images under the keys of KEYS."""
    images = [counted(t, p, m) for t, p, m in zip(truths, predictions, masks, strict=True)]
    if pool == "dataset":
        return score([t for vessel, _ in images for t in vessel], [p for _, levels in images for p in levels])
    scores = [score(vessel, levels) for vessel, levels in images]
    means = {}
    for key in KEYS:
        defined = [one[key] for one in scores if not math.isnan(one[key])]
        means[key] = divide(math.fsum(defined), len(defined))
    return means
