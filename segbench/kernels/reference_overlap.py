"""Overlaps again, in plain Python and NumPy: for reading, and for holding the loops to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.groups import as_boxes, as_column, as_groups
from segbench.kernels.maskruns import as_mask_runs, refuse_sizes

if TYPE_CHECKING:
    from segbench.kernels.rle import Runs


def box_iou(
    *, truth: Any, prediction: Any, crowd: Any, truth_offsets: Any, prediction_offsets: Any
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the overlaps of boxes."""
    truths, predictions = as_boxes(truth, name="truth"), as_boxes(prediction, name="prediction")
    crowds = as_column(crowd, "bool", (len(truths),), name="crowd")
    groups = as_groups(truth_offsets, prediction_offsets, truths=len(truths), predictions=len(predictions))
    ious = [_of_boxes(truths[t].tolist(), predictions[p].tolist(), bool(crowds[t])) for t, p in groups.pairs()]
    return np.array(ious, np.float64), groups.pair_offsets


def mask_iou(
    *,
    truth: Runs,
    prediction: Runs,
    crowd: Any,
    truth_offsets: Any,
    prediction_offsets: Any,
    truth_rows: Any = None,
    prediction_rows: Any = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the overlaps of masks."""
    truths = as_mask_runs(truth, truth_rows, name="truth")
    predictions = as_mask_runs(prediction, prediction_rows, name="prediction")
    crowds = as_column(crowd, "bool", (len(truths.rows),), name="crowd")
    groups = as_groups(truth_offsets, prediction_offsets, truths=len(truths.rows), predictions=len(predictions.rows))
    refuse_sizes(truths, predictions, groups)
    ious = [_of_masks(truths.run(t), predictions.run(p), bool(crowds[t])) for t, p in groups.pairs()]
    return np.array(ious, np.float64), groups.pair_offsets


def _of_boxes(truth: list[float], prediction: list[float], crowd: bool) -> float:
    sides = []
    for axis in (0, 1):
        end = min(prediction[axis + 2] + prediction[axis], truth[axis + 2] + truth[axis])
        sides.append(end - max(prediction[axis], truth[axis]))
    if sides[0] <= 0 or sides[1] <= 0:
        return 0.0
    area = prediction[2] * prediction[3]
    shared = sides[0] * sides[1]
    whole = area if crowd else area + truth[2] * truth[3] - shared
    return float(np.divide(shared, whole))


def _of_masks(truth: list[int], prediction: list[int], crowd: bool) -> float:
    if 0 in truth[1:] and 0 in prediction[1:]:
        return _of_broken_runs(truth, prediction, crowd)
    masks = [np.repeat(np.arange(len(runs)) % 2, runs).astype(bool) for runs in (truth, prediction)]
    shared = int((masks[0] & masks[1]).sum())
    whole = masks[1].sum() if crowd else (masks[0] | masks[1]).sum()
    return shared / int(whole) if shared else 0.0


def _of_broken_runs(truth: list[int], prediction: list[int], crowd: bool) -> float:
    """Walk along both masks; the official tool goes home where both have runs of length 0 in one place."""
    sides = [prediction, truth]
    at, left = [0, 0], [prediction[0], truth[0]]
    shared = whole = 0
    while True:
        step = min(left)
        inside = [at[0] % 2, at[1] % 2]
        whole += step * max(inside)
        shared += step * min(inside)
        for side, runs in enumerate(sides):
            left[side] -= step
            if not left[side] and at[side] + 1 < len(runs):
                at[side] += 1
                left[side] = runs[at[side]]
        if not any(left):
            break
    if not shared:
        return 0.0
    return shared / (sum(prediction[1::2]) if crowd else whole)
