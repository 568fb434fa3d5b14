"""Matching, order and curves again, in plain Python and NumPy: for reading, and for holding the loops to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.groups import Groups, as_column, as_groups
from segbench.kernels.outcomes import (
    FALSE,
    LEFT_OUT,
    TRUE,
    Matches,
    Rivals,
    as_curves,
    as_ious,
    as_ranking,
    as_rivals,
    as_thresholds,
)

_NONE = -1
_NEARLY_ONE = 1 - 1e-10


def match(
    *,
    ious: Any,
    pair_offsets: Any,
    truth_offsets: Any,
    prediction_offsets: Any,
    truth_areas: Any,
    prediction_areas: Any,
    truth_ignored: Any,
    truth_reusable: Any,
    prediction_excused: Any,
    area_ranges: Any,
    thresholds: Any,
    later_wins: bool = True,
    with_truths: bool = True,
) -> Matches:
    """Match the predictions of each group with its truths."""
    rivals = as_rivals(
        ious=ious,
        pair_offsets=pair_offsets,
        truth_offsets=truth_offsets,
        prediction_offsets=prediction_offsets,
        truth_areas=truth_areas,
        prediction_areas=prediction_areas,
        truth_ignored=truth_ignored,
        truth_reusable=truth_reusable,
        prediction_excused=prediction_excused,
        area_ranges=area_ranges,
        thresholds=thresholds,
    )
    n_areas, n_thresholds = len(rivals.area_ranges), len(rivals.thresholds)
    shape = (len(rivals.prediction_areas), n_areas, n_thresholds)
    outcomes, matched = np.empty(shape, np.uint8), np.empty(shape, np.int32)
    for truths, predictions, overlaps in _slices(rivals.ious, rivals.groups):
        for a in range(n_areas):
            for t in range(n_thresholds):
                found = _matched(rivals, truths, overlaps, a, float(rivals.thresholds[t]), later_wins)
                for prediction, (truth, left_out) in zip(predictions, found, strict=True):
                    matched[prediction, a, t] = truth
                    outcomes[prediction, a, t] = _outcome(rivals, prediction, a, truth, left_out)
    return Matches(outcomes, matched if with_truths else np.empty((0, n_areas, n_thresholds), np.int32))


def match_any(*, ious: Any, pair_offsets: Any, truth_offsets: Any, prediction_offsets: Any, thresholds: Any) -> Matches:
    """Match each prediction with its best truth, whether taken or not."""
    groups = as_groups(truth_offsets, prediction_offsets)
    overlaps, limits = as_ious(ious, pair_offsets, groups), as_thresholds(thresholds)
    outcomes = np.zeros((int(groups.prediction_offsets[-1]), 1, len(limits)), np.uint8)
    matched = np.full(outcomes.shape, _NONE, np.int32)
    for rows, columns, table in _slices(overlaps, groups):
        for t, limit in enumerate(limits.tolist()):
            taken = set()
            for prediction, row in zip(columns, table, strict=True):
                best = int(np.argmax(row)) if len(row) else 0
                if len(row) and row[best] >= limit and best not in taken:
                    taken.add(best)
                    outcomes[prediction, 0, t] = TRUE
                    matched[prediction, 0, t] = rows[best]
    return Matches(outcomes, matched)


def order(scores: Any, classes: Any, n_classes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order rows by class, and by falling score within each."""
    keys, labels, n_classes = as_ranking(scores, classes, n_classes)
    offsets = np.zeros(n_classes + 1, np.int64)
    np.cumsum(np.bincount(labels, minlength=n_classes), out=offsets[1:])
    return np.lexsort((-keys, labels)), offsets


def precision_recall(
    *,
    outcomes: Any,
    scores: Any,
    ranks: Any,
    class_offsets: Any,
    positives: Any,
    recall_thresholds: Any,
    max_detections: Any,
    eps: bool = True,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return precision at recalls, the recall reached, and the scores where they are reached."""
    judged, offsets, counts = as_curves(outcomes, class_offsets, positives)
    keys = as_column(scores, "float64", (len(judged),), name="scores")
    places = as_column(ranks, "int64", (len(judged),), name="ranks")
    levels = as_column(recall_thresholds, "float64", (-1,), name="recall_thresholds")
    limits = as_column(max_detections, "int64", (-1,), name="max_detections")
    n_classes, n_areas, n_thresholds = len(counts), judged.shape[1], judged.shape[2]
    precision = np.full((n_thresholds, len(levels), n_classes, n_areas, len(limits)), -1.0)
    recall = np.full((n_thresholds, n_classes, n_areas, len(limits)), -1.0)
    score_at = np.full(precision.shape, -1.0)
    for k, a in np.argwhere(counts > 0).tolist():
        for m, limit in enumerate(limits.tolist()):
            rows = np.arange(offsets[k], offsets[k + 1])
            rows = rows[places[rows] < limit]
            for t in range(n_thresholds):
                curve = _curve(judged[rows, a, t], keys[rows], int(counts[k, a]), levels, eps)
                precision[t, :, k, a, m], recall[t, k, a, m], score_at[t, :, k, a, m] = curve
    return precision, recall, score_at


def average_precision_11(*, outcomes: Any, class_offsets: Any, positives: Any) -> NDArray[np.float64]:
    """Return the mean precision at 11 recalls."""
    judged, offsets, counts = as_curves(outcomes, class_offsets, positives)
    values = np.full((judged.shape[2], *counts.shape), -1.0)
    for k, a in np.argwhere(counts > 0).tolist():
        for t in range(judged.shape[2]):
            precision, recall = _measured(judged[offsets[k] : offsets[k + 1], a, t], int(counts[k, a]))
            total = 0.0
            for level in np.arange(0.0, 1.1, 0.1):
                total += (precision[recall >= level].max() if (recall >= level).any() else 0.0) / 11.0
            values[t, k, a] = total
    return values


def average_precision_area(*, outcomes: Any, class_offsets: Any, positives: Any) -> NDArray[np.float64]:
    """Return the area below the envelope of precision over recall."""
    judged, offsets, counts = as_curves(outcomes, class_offsets, positives)
    values = np.full((judged.shape[2], *counts.shape), -1.0)
    for k, a in np.argwhere(counts > 0).tolist():
        for t in range(judged.shape[2]):
            precision, recall = _measured(judged[offsets[k] : offsets[k + 1], a, t], int(counts[k, a]))
            recalls = np.concatenate([[0.0], recall, [1.0]])
            envelope = np.maximum.accumulate(np.concatenate([[0.0], precision, [0.0]])[::-1])[::-1]
            steps = np.flatnonzero(np.diff(recalls))
            values[t, k, a] = np.sum(np.diff(recalls)[steps] * envelope[steps + 1])
    return values


def _slices(ious: NDArray[np.float64], groups: Groups) -> Iterator[tuple[range, range, NDArray[np.float64]]]:
    """Yield truths, predictions and their table of each group."""
    columns = zip(*(offsets.tolist() for offsets in groups), strict=True)
    begins = list(columns)
    for (t0, p0, i0), (t1, p1, i1) in zip(begins, begins[1:], strict=False):
        yield range(t0, t1), range(p0, p1), ious[i0:i1].reshape(p1 - p0, t1 - t0)


def _matched(
    rivals: Rivals, truths: range, table: NDArray[np.float64], a: int, threshold: float, later_wins: bool
) -> Iterator[tuple[int, bool]]:
    """Yield the truth of each prediction and whether it is ignored."""
    low, high = rivals.area_ranges[a]
    areas = rivals.truth_areas
    ignored = [bool(rivals.truth_ignored[t] or areas[t] < low or areas[t] > high) for t in truths]
    ranked = sorted(range(len(truths)), key=ignored.__getitem__)
    taken: set[int] = set()
    for row in table:
        best, found = min(threshold, _NEARLY_ONE), _NONE
        for i in ranked:
            if i in taken and not rivals.truth_reusable[truths[i]]:
                continue
            if found != _NONE and ignored[i] and not ignored[found]:
                break
            if row[i] < best or (found != _NONE and not later_wins and row[i] == best):
                continue
            best, found = row[i], i
        taken.add(found)
        yield (truths[found], ignored[found]) if found != _NONE else (_NONE, False)


def _outcome(rivals: Rivals, prediction: int, a: int, truth: int, left_out: bool) -> int:
    if truth != _NONE:
        return LEFT_OUT if left_out else TRUE
    low, high = rivals.area_ranges[a]
    area = rivals.prediction_areas[prediction]
    outside = area < low or area > high
    return LEFT_OUT if outside or rivals.prediction_excused[prediction] else FALSE


def _curve(
    outcomes: NDArray[np.uint8], scores: NDArray[np.float64], positives: int, levels: NDArray[np.float64], eps: bool
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Return precision at levels of recall, the recall reached, and the scores there."""
    true, judged = np.cumsum(outcomes == TRUE), np.cumsum(outcomes != LEFT_OUT)
    recall = true / positives
    with np.errstate(invalid="ignore"):
        precision = np.nan_to_num(true / (judged + (np.spacing(1) if eps else 0.0)))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    found, at = np.zeros(len(levels)), np.zeros(len(levels))
    for i, place in enumerate(np.searchsorted(recall, levels).tolist()):
        if place == len(recall):
            # As in the official tool, no later level is looked at.
            break
        found[i], at[i] = envelope[place], scores[place]
    return found, float(recall[-1]) if len(recall) else 0.0, at


def _measured(outcomes: NDArray[np.uint8], positives: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return precision and recall down to each row."""
    true, judged = np.cumsum(outcomes == TRUE), np.cumsum(outcomes != LEFT_OUT)
    return true / np.maximum(judged.astype(np.float64), np.finfo(np.float64).eps), true / float(positives)
