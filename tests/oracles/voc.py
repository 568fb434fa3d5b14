"""Plain reference for the Pascal VOC 2012 segmentation score (VOCdevkit, VOCcode/VOCevalseg.m)."""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np

CLASSES = 21  # background 0 and the twenty objects 1..20
VOID_FROM = 255  # truth values from here on are left out of the table


class VocError(ValueError):
    """The official script stops with an error on this input."""


class VocResult(TypedDict):
    iou: list[float]
    mean_iou: float
    table: np.ndarray
    pixel_accuracy: float


def check(truth: np.ndarray, prediction: np.ndarray) -> None:
    """Refuse what the script refuses; void pixels are NOT exempt from the range test."""
    if truth.shape != prediction.shape:
        raise VocError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    for value in prediction.ravel().tolist():
        if value > CLASSES - 1:
            raise VocError(f"prediction value {value} is above {CLASSES - 1}")
        if value < 0:
            raise ValueError(f"prediction value {value} cannot come from an 8-bit image")
    # The script has no such test and would book these pixels in wrong cells. There is no score to refer to.
    for value in truth.ravel().tolist():
        if value < 0 or CLASSES <= value < VOID_FROM:
            raise ValueError(f"truth value {value} is neither a class nor void")


def confusion(truths: list[np.ndarray], predictions: list[np.ndarray]) -> np.ndarray:
    """Pixels by [truth, prediction], pooled over all images, without the void pixels."""
    table = np.zeros((CLASSES, CLASSES), dtype=np.int64)
    for truth, prediction in zip(truths, predictions, strict=True):
        check(truth, prediction)
        for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
            if t < VOID_FROM:
                table[t, p] += 1
    return table


def divide(part: int, whole: int) -> float:
    """0/0 is NaN as in MATLAB; the part never exceeds the whole, so x/0 does not arise."""
    return math.nan if whole == 0 else part / whole


def class_iou(table: np.ndarray, index: int) -> float:
    hits = int(table[index, index])
    in_truth = sum(int(table[index, p]) for p in range(CLASSES))
    in_prediction = sum(int(table[t, index]) for t in range(CLASSES))
    return divide(hits, in_truth + in_prediction - hits)


def evaluate(truths: list[np.ndarray], predictions: list[np.ndarray]) -> VocResult:
    """Score a split; all values are fractions, and one class absent everywhere makes the mean NaN."""
    table = confusion(truths, predictions)
    iou = [class_iou(table, index) for index in range(CLASSES)]
    correct = sum(int(table[index, index]) for index in range(CLASSES))
    return {
        "iou": iou,
        "mean_iou": math.fsum(iou) / CLASSES,
        "table": table,
        "pixel_accuracy": divide(correct, int(table.sum())),
    }
