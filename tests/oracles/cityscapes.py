"""Plain reference for the Cityscapes pixel-level scores.

It follows cityscapesScripts, evaluation/evalPixelLevelSemanticLabeling.py.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TypedDict

import numpy as np

LABELS = 34  # ids 0..33; licence plate (-1) is never drawn
INSTANCE_ABOVE = 1000  # an instance map value above this is id * 1000 + number, at or below it a region

NAMES: dict[int, str] = {
    7: "road",
    8: "sidewalk",
    11: "building",
    12: "wall",
    13: "fence",
    17: "pole",
    19: "traffic light",
    20: "traffic sign",
    21: "vegetation",
    22: "terrain",
    23: "sky",
    24: "person",
    25: "rider",
    26: "car",
    27: "truck",
    28: "bus",
    31: "train",
    32: "motorcycle",
    33: "bicycle",
}
EVALUATED: tuple[int, ...] = tuple(NAMES)  # every other id is ignored

CATEGORIES: dict[str, tuple[int, ...]] = {
    "flat": (7, 8, 9, 10),
    "construction": (11, 12, 13, 14, 15, 16),
    "object": (17, 18, 19, 20),
    "nature": (21, 22),
    "sky": (23,),
    "human": (24, 25),
    "vehicle": (26, 27, 28, 29, 30, 31, 32, 33),
}
INSTANCE_CATEGORIES: tuple[str, ...] = ("human", "vehicle")

AVERAGE_SIZE: dict[int, float] = {
    24: 3462.4756337644,
    25: 3930.4788056518,
    26: 12794.0202738185,
    27: 27855.1264367816,
    28: 35732.1511111111,
    31: 67583.7075812274,
    32: 6298.7200839748,
    33: 4672.3249222261,
}
# The official list also has sizes for these two. They are ignored classes, so no instance ever uses them.
UNUSED_SIZE: dict[int, float] = {29: 36771.8241758242, 30: 16926.9763313609}


class CityscapesError(ValueError):
    """The official script stops on this input, or runs off its table."""


class CityscapesResult(TypedDict):
    table: np.ndarray
    class_iou: dict[str, float]
    class_iiou: dict[str, float]
    category_iou: dict[str, float]
    category_iiou: dict[str, float]
    mean_class_iou: float
    mean_class_iiou: float
    mean_category_iou: float
    mean_category_iiou: float


class InstanceSums:
    """Weighted true positives and false negatives, by class id and by category name."""

    def __init__(self) -> None:
        self.hit: dict[int | str, float] = dict.fromkeys([*AVERAGE_SIZE, *INSTANCE_CATEGORIES], 0.0)
        self.miss: dict[int | str, float] = dict.fromkeys([*AVERAGE_SIZE, *INSTANCE_CATEGORIES], 0.0)

    def add(self, key: int | str, found: int, size: int, weight: float) -> None:
        self.hit[key] += found * weight
        self.miss[key] += (size - found) * weight


def check(truth: np.ndarray, prediction: np.ndarray, instances: np.ndarray) -> None:
    if not truth.shape == prediction.shape == instances.shape:
        raise CityscapesError(f"sizes differ: {truth.shape}, {prediction.shape}, {instances.shape}")
    for name, image in (("truth", truth), ("prediction", prediction)):
        for value in image.ravel().tolist():
            if not 0 <= value < LABELS:
                raise CityscapesError(f"{name} id {value} is outside 0..{LABELS - 1}")


def add_pixels(table: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> None:
    """Every pixel is booked, void truth included; the scores pick the rows they need."""
    for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        table[t, p] += 1


def add_instances(sums: InstanceSums, prediction: np.ndarray, instances: np.ndarray) -> None:
    """Each instance weighs as much as an instance of average size, whatever its own size."""
    size: Counter[int] = Counter()
    predicted: Counter[tuple[int, int]] = Counter()
    for v, p in zip(instances.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if v > INSTANCE_ABOVE:
            size[v] += 1
            predicted[v, p] += 1
    for v in sorted(size):
        label = v // 1000
        if label >= LABELS:
            raise CityscapesError(f"instance value {v} belongs to no label")
        if label not in EVALUATED:
            continue
        if label not in AVERAGE_SIZE:
            raise CityscapesError(f"instance value {v}: {NAMES[label]} has no instances")
        weight = AVERAGE_SIZE[label] / size[v]
        sums.add(label, predicted[v, label], size[v], weight)
        for category in INSTANCE_CATEGORIES:
            if label in CATEGORIES[category]:
                # Any id of the category is a hit here, the ignored caravan and trailer included.
                found = sum(predicted[v, p] for p in CATEGORIES[category])
                sums.add(category, found, size[v], weight)


def total(table: np.ndarray, rows: list[int], columns: list[int]) -> int:
    return sum(int(table[t, p]) for t in rows for p in columns)


def ratio(hit: float, false_positive: float, miss: float) -> float:
    whole = hit + false_positive + miss
    return math.nan if whole == 0 else hit / whole


def class_false_positives(table: np.ndarray, label: int) -> int:
    """Wrong predictions of the class on evaluated truth; ignored truth rows cost nothing."""
    return total(table, [t for t in EVALUATED if t != label], [label])


def class_iou(table: np.ndarray, label: int) -> float:
    """A prediction of an ignored id on evaluated truth is a miss like any other."""
    hit = int(table[label, label])
    miss = total(table, [label], list(range(LABELS))) - hit
    return ratio(hit, class_false_positives(table, label), miss)


def category_iou(table: np.ndarray, category: str) -> float:
    """Rows AND columns are the evaluated ids only: parking painted on road is a miss for flat."""
    inside = [label for label in CATEGORIES[category] if label in EVALUATED]
    outside = [label for label in EVALUATED if label not in inside]
    hit = total(table, inside, inside)
    miss = total(table, inside, list(range(LABELS))) - hit
    return ratio(hit, total(table, outside, inside), miss)


def category_iiou(table: np.ndarray, sums: InstanceSums, category: str) -> float:
    """Here the columns are ALL ids of the category, unlike in the category IoU."""
    columns = list(CATEGORIES[category])
    outside = [label for label in EVALUATED if label not in columns]
    return ratio(sums.hit[category], total(table, outside, columns), sums.miss[category])


def mean(scores: dict[str, float]) -> float:
    """Undefined scores are left out; with none defined there is no mean."""
    defined = [score for score in scores.values() if not math.isnan(score)]
    return math.fsum(defined) / len(defined) if defined else math.nan


def evaluate(truths: list[np.ndarray], predictions: list[np.ndarray], instances: list[np.ndarray]) -> CityscapesResult:
    """Score a split from label-id truths, label-id predictions and instanceIds maps."""
    table = np.zeros((LABELS, LABELS), dtype=np.int64)
    sums = InstanceSums()
    for truth, prediction, objects in zip(truths, predictions, instances, strict=True):
        check(truth, prediction, objects)
        add_pixels(table, truth, prediction)
        add_instances(sums, prediction, objects)
    classes = {NAMES[label]: class_iou(table, label) for label in EVALUATED}
    class_instances = {
        NAMES[label]: ratio(sums.hit[label], class_false_positives(table, label), sums.miss[label])
        for label in AVERAGE_SIZE
    }
    categories = {category: category_iou(table, category) for category in CATEGORIES}
    category_instances = {c: category_iiou(table, sums, c) for c in INSTANCE_CATEGORIES}
    return {
        "table": table,
        "class_iou": classes,
        "class_iiou": class_instances,
        "category_iou": categories,
        "category_iiou": category_instances,
        "mean_class_iou": mean(classes),
        "mean_class_iiou": mean(class_instances),
        "mean_category_iou": mean(categories),
        "mean_category_iiou": mean(category_instances),
    }
