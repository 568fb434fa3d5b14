"""Plain reference for the LIP parsing scores (LIP_SSL, test_human.py), also used for CIHP.

`evaluate` differs from that script in one way: it refuses a prediction of another size and a prediction value outside
0..19 (on the whole image, under dropped truth too). The script repairs or miscounts them instead, and two traps
follow: it resizes a label map of another size with a Lanczos filter, which makes labels nobody predicted, values
above 19 among them; and its histogram (`literal_histogram`) books a prediction of 20 or more in a following row of
the table.

`schp` is the reading of the same table by SCHP's utils/miou.py, which is unofficial and widely used: absent classes
are 0 and stay in the means. (It drops only truth 255; a truth value 20..254 does not occur.)
"""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np

CLASSES = 20  # background 0 and 1..19

NAMES: tuple[str, ...] = (
    *("Background", "Hat", "Hair", "Glove", "Sunglasses", "UpperClothes", "Dress", "Coat", "Socks", "Pants"),
    *("Jumpsuits", "Scarf", "Skirt", "Face", "LeftArm", "RightArm", "LeftLeg", "RightLeg", "LeftShoe", "RightShoe"),
)
CIHP_NAMES: tuple[str, ...] = (*NAMES[:10], "TorsoSkin", *NAMES[11:])
FLIP_PAIRS: tuple[tuple[int, int], ...] = ((14, 15), (16, 17), (18, 19))

COLORS: tuple[tuple[int, int, int], ...] = (
    *((0, 0, 0), (128, 0, 0), (255, 0, 0), (0, 85, 0), (170, 0, 51)),
    *((255, 85, 0), (0, 0, 85), (0, 119, 221), (85, 85, 0), (0, 85, 85)),
    *((85, 51, 0), (52, 86, 128), (0, 128, 0), (0, 0, 255), (51, 170, 221)),
    *((0, 255, 255), (85, 255, 170), (170, 255, 85), (255, 255, 0), (255, 170, 0)),
)


class LipResult(TypedDict):
    table: np.ndarray
    iou: list[float]
    accuracy: list[float]
    pixel_accuracy: float
    mean_accuracy: float
    mean_iou: float
    frequency_weighted_iou: float


def check(truth: np.ndarray, prediction: np.ndarray) -> None:
    if truth.shape != prediction.shape:
        raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    for value in prediction.ravel().tolist():
        if not 0 <= value < CLASSES:
            raise ValueError(f"prediction value {value} is outside 0..{CLASSES - 1}")


def confusion(truths: list[np.ndarray], predictions: list[np.ndarray]) -> np.ndarray:
    """Pixels by [truth, prediction], pooled; truth outside 0..19 is dropped."""
    table = np.zeros((CLASSES, CLASSES), dtype=np.int64)
    for truth, prediction in zip(truths, predictions, strict=True):
        check(truth, prediction)
        for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
            if 0 <= t < CLASSES:
                table[t, p] += 1
    return table


def literal_histogram(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """The histogram of one image as the script makes it, without any check of the prediction.

    A pixel is the number 20 * truth + prediction. A prediction of 20 on truth 0 is therefore 20 = (1, 0), and on truth
    19 it is 400, for which there is no cell: the counts no longer fit 20 x 20 and NumPy raises ValueError.
    """
    kept = (truth >= 0) & (truth < CLASSES)
    cells = CLASSES * truth[kept].astype(int) + prediction[kept]
    return np.bincount(cells, minlength=CLASSES**2).reshape(CLASSES, CLASSES)


def counts(table: np.ndarray, index: int) -> tuple[int, int, int]:
    """Hits, truth pixels and union of one class."""
    hits = int(table[index, index])
    in_truth = sum(int(table[index, p]) for p in range(CLASSES))
    in_prediction = sum(int(table[t, index]) for t in range(CLASSES))
    return hits, in_truth, in_truth + in_prediction - hits


def divide(part: int, whole: int) -> float:
    return math.nan if whole == 0 else part / whole


def mean(scores: list[float]) -> float:
    defined = [score for score in scores if not math.isnan(score)]
    return math.fsum(defined) / len(defined) if defined else math.nan


def summarise(table: np.ndarray) -> LipResult:
    """Undefined classes are left out of both means; the weighted IoU runs over the classes with truth."""
    rows = [counts(table, index) for index in range(CLASSES)]
    iou = [divide(hits, union) for hits, _, union in rows]
    accuracy = [divide(hits, in_truth) for hits, in_truth, _ in rows]
    total = int(table.sum())
    weighted = [in_truth * hits / union for hits, in_truth, union in rows if in_truth > 0]
    return {
        "table": table,
        "iou": iou,
        "accuracy": accuracy,
        "pixel_accuracy": divide(sum(hits for hits, _, _ in rows), total),
        "mean_accuracy": mean(accuracy),
        "mean_iou": mean(iou),
        "frequency_weighted_iou": math.fsum(weighted) / total if total else math.nan,
    }


def evaluate(truths: list[np.ndarray], predictions: list[np.ndarray]) -> LipResult:
    """Score a split of index maps."""
    return summarise(confusion(truths, predictions))


def schp(table: np.ndarray) -> tuple[float, float, float]:
    """Pixel accuracy, mean accuracy and mean IoU with max(1, .) in the divisors and a mean over all 20."""
    rows = [counts(table, index) for index in range(CLASSES)]
    iou = [hits / max(1, union) for hits, _, union in rows]
    accuracy = [hits / max(1, in_truth) for hits, in_truth, _ in rows]
    pixel_accuracy = divide(sum(hits for hits, _, _ in rows), int(table.sum()))
    return pixel_accuracy, math.fsum(accuracy) / CLASSES, math.fsum(iou) / CLASSES
