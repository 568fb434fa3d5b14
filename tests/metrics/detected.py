"""Boxes as true instances and detections: by hand, and at random with ties, duplicates and crowds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from segbench.metrics.annotations import Annotations, Detections
from segbench.metrics.matchingrules import Matching
from segbench.metrics.overlaps import Compared, overlaps

Box: TypeAlias = tuple[float, float, float, float]
#: Image, class, and whether it is a crowd; image, class and score.
True_: TypeAlias = tuple[int, int, Box, bool]
Found: TypeAlias = tuple[int, int, Box, float]

BOXES = Matching("bbox")


def truths(rows: Sequence[True_]) -> Annotations:
    boxes = np.array([box for _, _, box, _ in rows], np.float64).reshape(-1, 4)
    return Annotations(
        images=np.array([row[0] for row in rows], np.int64),
        classes=np.array([row[1] for row in rows], np.int64),
        areas=boxes[:, 2] * boxes[:, 3],
        boxes=boxes,
        masks=None,
        crowd=np.array([row[3] for row in rows], np.bool_),
        ignored=np.zeros(len(rows), np.bool_),
        unnumbered=np.zeros(len(rows), np.bool_),
    )


def detections(rows: Sequence[Found]) -> Detections:
    boxes = np.array([box for _, _, box, _ in rows], np.float64).reshape(-1, 4)
    return Detections(
        images=np.array([row[0] for row in rows], np.int64),
        classes=np.array([row[1] for row in rows], np.int64),
        areas=boxes[:, 2] * boxes[:, 3],
        boxes=boxes,
        masks=None,
        scores=np.array([row[3] for row in rows], np.float64),
        order=np.arange(len(rows)),
    )


def compared(
    true: Sequence[True_], found: Sequence[Found], *, most: int = 100, excused: Sequence[int] = ()
) -> Compared:
    """Compare; `excused` are rows of detections whose class is not labelled in their image."""
    truth, theirs = truths(true), detections(found)
    pairs = overlaps(BOXES, truth, theirs, most=most)
    return Compared(truth, theirs, pairs, truth.crowd, np.isin(pairs.rows, list(excused)))


def random_sets(seed: int, *, crowds: bool = True) -> tuple[list[True_], list[Found]]:
    """A few images of a few classes: many boxes are near each other, many scores are equal."""
    rng = np.random.default_rng(seed)
    n_classes = int(rng.integers(1, 4))
    true: list[True_] = []
    found: list[Found] = []
    for image in range(int(rng.integers(1, 5))):
        boxes = [_box(rng) for _ in range(rng.integers(0, 6))]
        true += [(image, int(rng.integers(n_classes)), box, crowds and rng.random() < 0.15) for box in boxes]
        for _ in range(rng.integers(0, 10) if rng.random() < 0.95 else 130):
            box = _near(rng, boxes[rng.integers(len(boxes))]) if boxes and rng.random() < 0.7 else _box(rng)
            found.append((image, int(rng.integers(n_classes)), box, int(rng.integers(1, 20)) / 20))
    return true, [found[i] for i in rng.permutation(len(found))]


def iou(a: Box, b: Box, crowd: bool = False) -> float:
    """The official formula, in its order of operations: shared area over that of either, or of `a` alone."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared, own = width * height, a[2] * a[3]
    return shared / (own if crowd else own + b[2] * b[3] - shared)


def _box(rng: np.random.Generator) -> Box:
    x, y, width, height = (float(v) for v in (*rng.integers(0, 12, 2), *rng.integers(1, 10, 2)))
    return x, y, width, height


def _near(rng: np.random.Generator, box: Box) -> Box:
    if rng.random() < 0.3:
        return box
    x, y, width, height = box
    return x + float(rng.integers(-3, 4)), y, max(1.0, width + float(rng.integers(-2, 3))), height
