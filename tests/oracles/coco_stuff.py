"""Plain reference for the COCO-Stuff scores (nightrome/cocostuffapi, pycocotools/cocostuffeval.py).

`evaluate` scores label maps in the coding of stuffthingmaps (value = id - 1, 255 unlabelled) over all 171 leaves by
the rule of that file: pooled counts, and a class without truth is left out of both means even when it is predicted.
The file itself scores the 92 stuff classes of the 2017 challenge only; `challenge_table` has what is special there.

The ids of the eleven things that never occur follow from their names and the public list of ids (from memory; the
protocol page has the names only). Which leaf belongs to which supercategory is an argument.

The official code drops truth outside its classes. A value that is no leaf cannot occur in stuffthingmaps, so here it
is an error in the truth, as it is in a prediction; a void prediction (255) is also refused, under void truth too.
"""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np

VOID = 255
NEVER_USED: dict[int, str] = {
    12: "street sign",
    26: "hat",
    29: "shoe",
    30: "eye glasses",
    45: "plate",
    66: "mirror",
    68: "window",
    69: "desk",
    71: "door",
    83: "blender",
    91: "hair brush",
}
THING_IDS: tuple[int, ...] = tuple(i for i in range(1, 92) if i not in NEVER_USED)  # 80
STUFF_IDS: tuple[int, ...] = tuple(range(92, 183))  # 91
LEAF_VALUES: tuple[int, ...] = tuple(i - 1 for i in (*THING_IDS, *STUFF_IDS))  # 171 pixel values
INDEX_OF: dict[int, int] = {value: index for index, value in enumerate(LEAF_VALUES)}

CHALLENGE_IDS: tuple[int, ...] = tuple(range(92, 184))  # 183 is "other": all things together


class CocoStuffError(ValueError):
    """The official script refuses this input."""


class Summary(TypedDict):
    table: np.ndarray
    iou: list[float]
    mean_iou: float
    frequency_weighted_iou: float
    mean_accuracy: float
    pixel_accuracy: float


class CocoStuffResult(TypedDict):
    leaves: Summary
    supercategories: Summary
    names: list[str]


def check(truth: np.ndarray, prediction: np.ndarray) -> None:
    if truth.shape != prediction.shape:
        raise CocoStuffError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    for value in prediction.ravel().tolist():
        if value not in INDEX_OF:
            raise CocoStuffError(f"prediction value {value} is no leaf")
    for value in truth.ravel().tolist():
        if value not in INDEX_OF and value != VOID:
            raise ValueError(f"truth value {value} is neither a leaf nor void")


def confusion(truths: list[np.ndarray], predictions: list[np.ndarray]) -> np.ndarray:
    """Pixels by [truth, prediction] over the 171 leaves in the order of their ids, pooled, without void truth."""
    table = np.zeros((len(LEAF_VALUES), len(LEAF_VALUES)), dtype=np.int64)
    for truth, prediction in zip(truths, predictions, strict=True):
        check(truth, prediction)
        for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
            if t != VOID:
                table[INDEX_OF[t], INDEX_OF[p]] += 1
    return table


def sum_groups(table: np.ndarray, group_of: list[int]) -> np.ndarray:
    """The table of the groups: every cell is added to the cell of its two groups."""
    size = max(group_of) + 1
    summed = np.zeros((size, size), dtype=np.int64)
    for t, t_group in enumerate(group_of):
        for p, p_group in enumerate(group_of):
            summed[t_group, p_group] += table[t, p]
    return summed


def summarise(table: np.ndarray) -> Summary:
    """All four numbers of one table; the IoU of a class without truth is NaN and enters no mean."""
    count = len(table)
    total = int(table.sum())
    iou, accuracy, weighted = [math.nan] * count, [], []
    for c in range(count):
        hits = int(table[c, c])
        in_truth = sum(int(table[c, p]) for p in range(count))
        in_prediction = sum(int(table[t, c]) for t in range(count))
        if in_truth == 0:
            continue
        iou[c] = hits / (in_truth + in_prediction - hits)
        accuracy.append(hits / in_truth)
        weighted.append(in_truth * iou[c])
    defined = [value for value in iou if not math.isnan(value)]
    correct = sum(int(table[c, c]) for c in range(count))
    return {
        "table": table,
        "iou": iou,
        "mean_iou": math.fsum(defined) / len(defined) if defined else math.nan,
        "frequency_weighted_iou": math.fsum(weighted) / total if total else math.nan,
        "mean_accuracy": math.fsum(accuracy) / len(accuracy) if accuracy else math.nan,
        "pixel_accuracy": correct / total if total else math.nan,
    }


def evaluate(
    truths: list[np.ndarray],
    predictions: list[np.ndarray],
    supercategory_of: dict[int, str],
) -> CocoStuffResult:
    """Score a split; `supercategory_of` names the supercategory of each of the 171 pixel values."""
    if set(supercategory_of) != set(LEAF_VALUES):
        raise ValueError("every leaf needs a supercategory, and nothing else has one")
    table = confusion(truths, predictions)
    names = sorted(set(supercategory_of.values()))
    group_of = [names.index(supercategory_of[value]) for value in LEAF_VALUES]
    return {"leaves": summarise(table), "supercategories": summarise(sum_groups(table, group_of)), "names": names}


def challenge_table(truths: list[np.ndarray], predictions: list[np.ndarray]) -> np.ndarray:
    """The 92 x 92 table of the stuff-only challenge, from maps of ids 1..183 with 0 for unlabelled.

    Truth outside 92..183 is dropped. One prediction outside refuses the whole result, save 0: it is booked in
    column -1, which is the last one, "other".
    """
    table = np.zeros((len(CHALLENGE_IDS), len(CHALLENGE_IDS)), dtype=np.int64)
    for truth, prediction in zip(truths, predictions, strict=True):
        if truth.shape != prediction.shape:
            raise CocoStuffError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
        for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
            if p not in CHALLENGE_IDS and p != 0:
                raise CocoStuffError(f"prediction id {p} is not in 92..183")
            if t in CHALLENGE_IDS:
                table[CHALLENGE_IDS.index(t), -1 if p == 0 else CHALLENGE_IDS.index(p)] += 1
    return table
