"""Plain reference for CMP Facade: twelve-class scores, and label maps drawn from the XML files.

The data set has no official metric; papers report pixel accuracy, class accuracy and mean IoU. Counts are pooled, no
value is void, and a class without truth (accuracy) or without truth and prediction (IoU) is left out of the mean:
that rule is our choice, the sources are silent.

The XML file has no root element. An object has a label (1..12) and points: two x and two y, fractions of the HEIGHT
and of the WIDTH: x is the vertical axis. Objects are filled rectangles, drawn by rising z-order of their class, in
file order within a class. The sources do not say how a border is rounded, nor what an uncovered pixel is. Chosen
here: a pixel is inside when its centre is in [min, max), that is min * size <= index + 1/2 < max * size in float64,
and what nothing covers is background.
"""

from __future__ import annotations

import math
from typing import TypedDict
from xml.etree import ElementTree

import numpy as np

NAMES: dict[int, str] = {
    1: "background",
    2: "facade",
    3: "window",
    4: "door",
    5: "cornice",
    6: "sill",
    7: "balcony",
    8: "blind",
    9: "deco",
    10: "molding",
    11: "pillar",
    12: "shop",
}
Z_ORDER: tuple[str, ...] = (
    *("background", "facade", "sill", "balcony", "door", "blind"),
    *("molding", "deco", "shop", "window", "cornice", "pillar"),
)
BACKGROUND = 1
CLASSES = len(NAMES)

# Inferred from what users see who open the files as greyscale; no source prints it.
PALETTE: dict[int, tuple[int, int, int]] = {
    1: (0, 0, 170),
    2: (0, 0, 255),
    3: (0, 85, 255),
    4: (0, 170, 255),
    5: (0, 255, 255),
    6: (85, 255, 170),
    7: (170, 255, 85),
    8: (255, 255, 0),
    9: (255, 170, 0),
    10: (255, 85, 0),
    11: (255, 0, 0),
    12: (170, 0, 0),
}


class CmpResult(TypedDict):
    table: np.ndarray
    iou: dict[str, float]
    accuracy: dict[str, float]
    pixel_accuracy: float
    class_accuracy: float
    mean_iou: float


class Box(TypedDict):
    label: int
    vertical: tuple[float, float]
    horizontal: tuple[float, float]


def check(truth: np.ndarray, prediction: np.ndarray) -> None:
    if truth.shape != prediction.shape:
        raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    for name, image in (("truth", truth), ("prediction", prediction)):
        for value in image.ravel().tolist():
            if value not in NAMES:
                raise ValueError(f"{name} value {value} is outside 1..{CLASSES}")


def divide(part: int, whole: int) -> float:
    return math.nan if whole == 0 else part / whole


def mean(scores: dict[str, float]) -> float:
    defined = [score for score in scores.values() if not math.isnan(score)]
    return math.fsum(defined) / len(defined) if defined else math.nan


def evaluate(truths: list[np.ndarray], predictions: list[np.ndarray]) -> CmpResult:
    """Score a split of maps with values 1..12; cell [0, 0] of the table is class 1."""
    table = np.zeros((CLASSES, CLASSES), dtype=np.int64)
    for truth, prediction in zip(truths, predictions, strict=True):
        check(truth, prediction)
        for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
            table[t - 1, p - 1] += 1
    iou, accuracy = {}, {}
    for value, name in NAMES.items():
        hits = int(table[value - 1, value - 1])
        in_truth = sum(int(table[value - 1, p]) for p in range(CLASSES))
        in_prediction = sum(int(table[t, value - 1]) for t in range(CLASSES))
        iou[name] = divide(hits, in_truth + in_prediction - hits)
        accuracy[name] = divide(hits, in_truth)
    correct = sum(int(table[c, c]) for c in range(CLASSES))
    return {
        "table": table,
        "iou": iou,
        "accuracy": accuracy,
        "pixel_accuracy": divide(correct, int(table.sum())),
        "class_accuracy": mean(accuracy),
        "mean_iou": mean(iou),
    }


def numbers(points: ElementTree.Element, axis: str) -> tuple[float, float]:
    """The smaller and the larger of the two coordinates on one axis."""
    values = [float(element.text or "") for element in points.findall(axis)]
    if len(values) != 2 or not all(math.isfinite(value) for value in values):
        raise ValueError(f"an object needs two finite {axis}, found {values}")
    return min(values), max(values)


def read_boxes(text: str) -> list[Box]:
    """All objects of a file, in its order; the text is several trees in a row, so a root is put around it."""
    boxes: list[Box] = []
    for element in ElementTree.fromstring(f"<root>{text}</root>").findall("object"):
        points, label = element.find("points"), element.find("label")
        if points is None or label is None:
            raise ValueError("an object needs points and a label")
        value = int(label.text or "")
        if value not in NAMES:
            raise ValueError(f"label {value} is outside 1..{CLASSES}")
        boxes.append({"label": value, "vertical": numbers(points, "x"), "horizontal": numbers(points, "y")})
    return boxes


def covers(interval: tuple[float, float], index: int, size: int) -> bool:
    return interval[0] * size <= index + 0.5 < interval[1] * size


def rasterise(text: str, height: int, width: int) -> np.ndarray:
    """Draw a file into a (height, width) map of 1..12."""
    image = np.full((height, width), BACKGROUND, dtype=np.uint8)
    boxes = read_boxes(text)
    for name in Z_ORDER:
        for box in boxes:
            if NAMES[box["label"]] != name:
                continue
            for r in range(height):
                for c in range(width):
                    if covers(box["vertical"], r, height) and covers(box["horizontal"], c, width):
                        image[r, c] = box["label"]
    return image
