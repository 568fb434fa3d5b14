"""Plain reference for the KITTI semantic scores (devkit_semantics, evaluation/evalPixelLevelSemanticLabeling.py).

Labels, evaluated classes and formulas are those of Cityscapes (see cityscapes.py). Two things differ: an instance map
holds class * 256 + number, where number 0 means "no instance", and the average sizes are KITTI's own.

Files are paired by equal names, without the search by prefix of Cityscapes; that is no part of this reference.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from .cityscapes import (
    CATEGORIES,
    EVALUATED,
    INSTANCE_CATEGORIES,
    LABELS,
    NAMES,
    CityscapesError,
    CityscapesResult,
    InstanceSums,
    add_pixels,
    category_iiou,
    category_iou,
    check,
    class_false_positives,
    class_iou,
    mean,
    ratio,
)

INSTANCE_STEP = 256

AVERAGE_SIZE: dict[int, float] = {
    24: 1234.262573,
    25: 1318.393921,
    26: 3669.255859,
    27: 1801.103394,
    28: 2761.151611,
    31: 18448.460938,
    32: 695.617676,
    33: 1244.791260,
}
# As in Cityscapes, these two are in the official list, but no instance of an ignored class is ever used.
UNUSED_SIZE: dict[int, float] = {29: 1017.777771, 30: 14457.615234}


def add_instances(sums: InstanceSums, prediction: np.ndarray, instances: np.ndarray) -> None:
    """Weigh each numbered instance as one of average size; number 0 is no instance."""
    size: Counter[int] = Counter()
    predicted: Counter[tuple[int, int]] = Counter()
    for v, p in zip(instances.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if v % INSTANCE_STEP > 0:
            size[v] += 1
            predicted[v, p] += 1
    for v in sorted(size):
        label = v // INSTANCE_STEP
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
                found = sum(predicted[v, p] for p in CATEGORIES[category])
                sums.add(category, found, size[v], weight)


def evaluate(truths: list[np.ndarray], predictions: list[np.ndarray], instances: list[np.ndarray]) -> CityscapesResult:
    """Score a split from label-id truths, label-id predictions and 16-bit instance maps."""
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
