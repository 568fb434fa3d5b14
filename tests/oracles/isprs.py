"""Plain reference for the ISPRS Potsdam and Vaihingen scores.

The metric is recalled, not read in an official text: pooled pixel counts over the tiles against the eroded reference
(boundary pixels black, and not counted) or the full one; completeness (recall), correctness (precision) and F1 of
each class; overall accuracy over all six classes. Papers mostly leave clutter out of the mean F1 and mean IoU but
keep it in the counts and in the overall accuracy, so both means come over five and over six classes.

Chosen here, as the sources are silent: F1 is 2 TP / (truth + predicted), which is 2PR / (P + R) wherever that is
defined, 0 for a class that is only true or only predicted, and NaN, out of the means, for an absent one. Black in a
prediction is an error, or with `black_prediction="miss"` a miss. Any other colour outside the table is an error in
both images.
"""

from __future__ import annotations

import math
from typing import Literal, TypedDict

import numpy as np

# In the conventional order; one known loader has clutter at 0 instead.
COLORS: dict[str, tuple[int, int, int]] = {
    "impervious surfaces": (255, 255, 255),
    "building": (0, 0, 255),
    "low vegetation": (0, 255, 255),
    "tree": (0, 255, 0),
    "car": (255, 255, 0),
    "clutter": (255, 0, 0),
}
NAMES: tuple[str, ...] = tuple(COLORS)
CLASSES = len(NAMES)
BOUNDARY = (0, 0, 0)
VOID = CLASSES
EROSION_PX = 3


class IsprsResult(TypedDict):
    table: np.ndarray
    completeness: dict[str, float]
    correctness: dict[str, float]
    f1: dict[str, float]
    iou: dict[str, float]
    overall_accuracy: float
    mean_f1_5: float
    mean_f1_6: float
    mean_iou_5: float
    mean_iou_6: float


def indices(image: np.ndarray) -> np.ndarray:
    """Class indices 0..5 of a colour mask, and 6 for black."""
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"a colour mask has three channels, this has shape {image.shape}")
    index_of = {color: index for index, color in enumerate(COLORS.values())} | {BOUNDARY: VOID}
    result = np.zeros(image.shape[:2], dtype=np.uint8)
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            red, green, blue = (int(v) for v in image[r, c])
            if (red, green, blue) not in index_of:
                raise ValueError(f"colour {(red, green, blue)} at {(r, c)} is in no table")
            result[r, c] = index_of[red, green, blue]
    return result


def touches_other_class(labels: np.ndarray, row: int, column: int, radius: int) -> bool:
    """Whether a pixel centre of another class lies in the closed disc; neither black nor the outside is a class."""
    for r in range(max(0, row - radius), min(labels.shape[0], row + radius + 1)):
        for c in range(max(0, column - radius), min(labels.shape[1], column + radius + 1)):
            inside = (r - row) ** 2 + (c - column) ** 2 <= radius**2
            if inside and labels[r, c] != VOID and labels[r, c] != labels[row, column]:
                return True
    return False


def erode(image: np.ndarray, radius: int = EROSION_PX) -> np.ndarray:
    """The eroded reference of a full one: black wherever the disc around a pixel meets another class."""
    labels = indices(image)
    result = image.copy()
    for r in range(labels.shape[0]):
        for c in range(labels.shape[1]):
            if labels[r, c] != VOID and touches_other_class(labels, r, c, radius):
                result[r, c] = BOUNDARY
    return result


def confusion(
    truths: list[np.ndarray],
    predictions: list[np.ndarray],
    black_prediction: Literal["error", "miss"],
) -> np.ndarray:
    """Pixels by [truth, prediction], 6 x 7, pooled, without black truth; column 6 holds the black predictions."""
    table = np.zeros((CLASSES, CLASSES + 1), dtype=np.int64)
    for truth, prediction in zip(truths, predictions, strict=True):
        if truth.shape != prediction.shape:
            raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
        predicted = indices(prediction)
        if black_prediction == "error" and (predicted == VOID).any():
            raise ValueError("a prediction has no black")
        for t, p in zip(indices(truth).ravel().tolist(), predicted.ravel().tolist(), strict=True):
            if t != VOID:
                table[t, p] += 1
    return table


def divide(part: int, whole: int) -> float:
    return math.nan if whole == 0 else part / whole


def mean(scores: dict[str, float], names: tuple[str, ...]) -> float:
    defined = [scores[name] for name in names if not math.isnan(scores[name])]
    return math.fsum(defined) / len(defined) if defined else math.nan


def evaluate(
    truths: list[np.ndarray],
    predictions: list[np.ndarray],
    black_prediction: Literal["error", "miss"] = "error",
) -> IsprsResult:
    """Score a split of colour masks against the references given, eroded or full."""
    table = confusion(truths, predictions, black_prediction)
    completeness, correctness, f1, iou = {}, {}, {}, {}
    for index, name in enumerate(NAMES):
        hits = int(table[index, index])
        in_truth = sum(int(table[index, p]) for p in range(CLASSES + 1))
        in_prediction = sum(int(table[t, index]) for t in range(CLASSES))
        completeness[name] = divide(hits, in_truth)
        correctness[name] = divide(hits, in_prediction)
        f1[name] = divide(2 * hits, in_truth + in_prediction)
        iou[name] = divide(hits, in_truth + in_prediction - hits)
    return {
        "table": table,
        "completeness": completeness,
        "correctness": correctness,
        "f1": f1,
        "iou": iou,
        "overall_accuracy": divide(sum(int(table[c, c]) for c in range(CLASSES)), int(table.sum())),
        "mean_f1_5": mean(f1, NAMES[:5]),
        "mean_f1_6": mean(f1, NAMES),
        "mean_iou_5": mean(iou, NAMES[:5]),
        "mean_iou_6": mean(iou, NAMES),
    }
