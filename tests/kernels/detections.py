"""Matching, ranking and curves: cases in which overlaps, areas and scores meet the limits and each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.kernels.overlapping import offsets

Case = dict[str, Any]

COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)
COCO_RANGES = np.array([[0, 1e10], [0, 1024], [1024, 9216], [9216, 1e10]])
RECALLS = np.linspace(0, 1, 101)
#: Exactly on limits, beside them, and between.
AREAS = np.array([0, 100, 1023, 1024, 1025, 5000, 9215.5, 9216, 9217, 1e10, 2e10])


def thresholds(rng: np.random.Generator) -> np.ndarray:
    """Those of COCO, one, or some, with those that need all or nothing."""
    some = rng.choice([0.0, 0.25, 0.5, 0.75, 1.0, 1.5, -1.0], int(rng.integers(1, 4)))
    return (COCO_THRESHOLDS, some, rng.random(int(rng.integers(1, 12))))[rng.integers(0, 3)]


def group_case(rng: np.random.Generator) -> Case:
    """Overlaps of some groups: few values, so that many are equal, and many at a threshold."""
    groups = int(rng.integers(0, 6))
    both = offsets(rng, groups, int(rng.integers(0, 7))), offsets(rng, groups, int(rng.integers(0, 9)))
    pairs = np.concatenate([[0], np.cumsum(np.diff(both[0]) * np.diff(both[1]))])
    n = int(pairs[-1])
    few = rng.choice([0.0, 0.3, 0.5, 0.5, 0.75, 0.95, 1.0, *COCO_THRESHOLDS], n)
    limits = thresholds(rng)
    ious = np.where(rng.random(n) < 0.3, rng.choice(limits, n), np.where(rng.random(n) < 0.5, few, rng.random(n)))
    return {
        "ious": ious,
        "pair_offsets": pairs,
        "truth_offsets": both[0],
        "prediction_offsets": both[1],
        "thresholds": limits,
    }


def match_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        case = group_case(rng)
        truths, predictions = int(case["truth_offsets"][-1]), int(case["prediction_offsets"][-1])
        crowd = rng.random(truths) < 0.2
        case |= {
            "truth_areas": rng.choice(AREAS, truths),
            "prediction_areas": rng.choice(AREAS, predictions),
            "truth_ignored": crowd | (rng.random(truths) < 0.1),
            "truth_reusable": crowd & (rng.random(truths) < 0.9),
            "prediction_excused": rng.random(predictions) < 0.1,
            "area_ranges": COCO_RANGES[: int(rng.integers(1, 5))],
        }
        if rng.random() < 0.3:
            case["later_wins"] = False
        if rng.random() < 0.2:
            case["with_truths"] = False
        yield case


def match_any_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        yield group_case(rng)


def scores(rng: np.random.Generator, n: int) -> np.ndarray:
    """Few different ones, any number between 0 and 1, or doubles of all signs and sizes."""
    style = rng.integers(0, 4)
    if style == 0:
        return rng.integers(0, 4, n) / 3
    if style == 1:
        return rng.random(n).round(int(rng.integers(1, 7)))
    special = np.array([0.0, -0.0, 5e-324, -5e-324, np.inf, -np.inf, 1e308, -1e308, 1.0, -1.0, 0.1])
    if style == 2:
        return rng.choice(special, n)
    bits = rng.integers(0, 2**64, n, dtype=np.uint64).view(np.float64)
    return np.where(np.isfinite(bits), bits, 0.5)


def order_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        n, classes = int(rng.choice([0, 1, 5, 39, 40, 41, 42, 200, 900])), int(rng.choice([1, 2, 7, 300]))
        yield {"scores": scores(rng, n), "classes": rng.integers(0, classes, n), "n_classes": classes}


def curve_case(rng: np.random.Generator) -> Case:
    """Outcomes of some classes, of which some have no row and some nothing to find."""
    classes, areas, n_thresholds = int(rng.integers(0, 4)), int(rng.integers(1, 4)), int(rng.integers(1, 5))
    ends = offsets(rng, classes, int(rng.choice([0, 1, 3, 40])))
    n = int(ends[-1])
    shares = rng.dirichlet([1, 1, 0.5])
    outcomes = rng.choice(3, (n, areas, n_thresholds), p=shares).astype(np.uint8)
    found = [(outcomes[ends[k] : ends[k + 1]] == 1).sum(axis=0).max(axis=1, initial=0) for k in range(classes)]
    spare = rng.choice([0, 0, 1, 7], (classes, areas))
    positives = np.array(found, np.int64).reshape(classes, areas) + spare
    if rng.random() < 0.1:
        # More right ones than there are.
        positives //= 2
    return {"outcomes": outcomes, "class_offsets": ends, "positives": positives}


def precision_recall_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        case = curve_case(rng)
        n = len(case["outcomes"])
        levels = (RECALLS, np.array([0.5]), np.array([-1.0, 0.0, 1e-9, 1 / 3, 1.0, 2.0]), rng.random(5), RECALLS[::-1])
        case |= {
            "scores": rng.random(n),
            "ranks": rng.integers(0, 5, n),
            "recall_thresholds": levels[rng.integers(0, 5)],
            "max_detections": np.array([[1, 3, 100], [0, 2], [4]][rng.integers(0, 3)]),
            "eps": bool(rng.random() < 0.7),
        }
        yield case


def average_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        yield curve_case(rng)


DETECTION_CASES = {
    "match": match_cases,
    "match_any": match_any_cases,
    "order": order_cases,
    "precision_recall": precision_recall_cases,
    "average_precision_11": average_cases,
    "average_precision_area": average_cases,
}
