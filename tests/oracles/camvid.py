"""Plain reference for the 11-class CamVid score (SegNet-Tutorial, Scripts/compute_test_results.m)."""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np

CLASSES = 11
VOID = 11


class CamvidResult(TypedDict):
    table: np.ndarray
    global_accuracy: float
    class_accuracy: float
    per_class_accuracy: list[float]
    iou: list[float]
    mean_iou: float


def check(truth: np.ndarray, prediction: np.ndarray) -> None:
    if truth.shape != prediction.shape:
        raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    for image in (truth, prediction):
        for value in image.ravel().tolist():
            if not 0 <= value <= VOID:
                raise ValueError(f"value {value} is neither a class nor void")


def confusion(truths: list[np.ndarray], predictions: list[np.ndarray]) -> tuple[np.ndarray, int]:
    """The pooled table [truth, prediction] and the number of non-void truth pixels.

    The number can exceed the sum of the table: a void prediction on a labelled pixel is in the number only.
    """
    table = np.zeros((CLASSES, CLASSES), dtype=np.int64)
    labelled = 0
    for truth, prediction in zip(truths, predictions, strict=True):
        check(truth, prediction)
        for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
            if t == VOID:
                continue
            labelled += 1
            if p != VOID:
                table[t, p] += 1
    return table, labelled


def class_scores(table: np.ndarray, index: int) -> tuple[float, float]:
    """Accuracy and IoU of one class; both are 0 where the class has an empty table row."""
    hits = int(table[index, index])
    in_truth = sum(int(table[index, p]) for p in range(CLASSES))
    in_prediction = sum(int(table[t, index]) for t in range(CLASSES))
    if in_truth == 0:
        return 0.0, 0.0
    return hits / in_truth, hits / (in_truth + in_prediction - hits)


def evaluate(truths: list[np.ndarray], predictions: list[np.ndarray]) -> CamvidResult:
    """Score a split; both means always divide by eleven."""
    table, labelled = confusion(truths, predictions)
    scores = [class_scores(table, index) for index in range(CLASSES)]
    accuracy = [score[0] for score in scores]
    iou = [score[1] for score in scores]
    correct = sum(int(table[index, index]) for index in range(CLASSES))
    return {
        "table": table,
        "global_accuracy": math.nan if labelled == 0 else correct / labelled,
        "class_accuracy": math.fsum(accuracy) / CLASSES,
        "per_class_accuracy": accuracy,
        "iou": iou,
        "mean_iou": math.fsum(iou) / CLASSES,
    }
