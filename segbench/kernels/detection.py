"""Matching of predictions with truths by overlap, their order, and the curves of precision and recall they make.

The rules are those of the official COCO tool; see `match` and `precision_recall`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import KernelsNotBuilt
from segbench.kernels.averages import average_precision_11 as average_precision_11
from segbench.kernels.averages import average_precision_area as average_precision_area
from segbench.kernels.groups import Groups, as_column, as_groups
from segbench.kernels.outcomes import Matches, as_curves, as_ious, as_ranking, as_rivals, as_thresholds

try:
    import segbench.kernels._detection as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error

#: The official tool asks for no more overlap than this.
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
    """Match the predictions of each group, the surest first, with its truths.

    For each area range and threshold, a prediction takes the free truth of largest overlap that reaches the threshold.
    A truth is ignored when it says so or its area lies outside the range; any that counts is preferred to all of these.
    Who takes an ignored truth is neither right nor wrong, as is who takes none and has an area outside the range, or is
    excused.

    Parameters
    ----------
    ious : array_like of float, shape (n_pairs,)
        Overlaps, as `box_iou` returns them.
    pair_offsets, truth_offsets, prediction_offsets : array_like of int, shape (n_groups + 1,)
        First pair, truth and prediction of each group, and how many there are.
    truth_areas, prediction_areas : array_like of float, shape (n_truths,) and (n_predictions,)
        In pixels.
    truth_ignored : array_like of bool, shape (n_truths,)
        Which truths are ignored whatever their area.
    truth_reusable : array_like of bool, shape (n_truths,)
        Which truths stay free when they are taken: crowds.
    prediction_excused : array_like of bool, shape (n_predictions,)
        Which predictions are not wrong when they are not matched.
    area_ranges : array_like of float, shape (n_areas, 2)
        Least and largest area, both included.
    thresholds : array_like of float, shape (n_thresholds,)
        Least overlap of a match; above 1 − 10⁻¹⁰ it is that.
    later_wins : bool
        Whether the later of two truths of equal overlap is taken, as officially, or the earlier.
    with_truths : bool
        Whether the truths taken are returned.

    Returns
    -------
    Matches
        Outcomes, and the truths taken.

    Raises
    ------
    BadParameter
        For shapes, dtypes or offsets that do not fit, or a threshold that is NaN.
    ResourceError
        For more than 2**31 pairs.

    Notes
    -----
    O(pairs), and for overlaps that reach the lowest threshold O(areas × thresholds) each. As evaluateImg of
    pycocotools, but for its treatment of the id 0.
    """
    r = as_rivals(
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
    shape = (len(r.prediction_areas), len(r.area_ranges), len(r.thresholds))
    outcomes = np.empty(shape, np.uint8)
    matched = np.empty(shape if with_truths else (0, *shape[1:]), np.int32)
    if outcomes.size:
        most = _most_truths(r.groups)
        _loops.match(
            r.ious,
            r.groups.pair_offsets,
            r.groups.truth_offsets,
            r.groups.prediction_offsets,
            r.truth_areas,
            r.prediction_areas,
            r.truth_ignored.view(np.uint8),
            r.truth_reusable.view(np.uint8),
            r.prediction_excused.view(np.uint8),
            r.area_ranges,
            np.minimum(r.thresholds, _NEARLY_ONE),
            later_wins,
            outcomes,
            matched,
            np.empty(most * shape[1] * shape[2] + 1, np.uint8),
            np.empty(most * shape[1] + 1, np.uint8),
            np.empty(2 * most + 1, np.int64),
        )
    return Matches(outcomes, matched)


def match_any(*, ious: Any, pair_offsets: Any, truth_offsets: Any, prediction_offsets: Any, thresholds: Any) -> Matches:
    """Match each prediction, the surest first, with the truth of largest overlap in its group, free or not.

    It is right when the overlap reaches the threshold and the truth is free, else wrong. Of equal overlaps the first
    truth is meant.

    Parameters
    ----------
    ious : array_like of float, shape (n_pairs,)
        Overlaps, as `mask_iou` returns them.
    pair_offsets, truth_offsets, prediction_offsets : array_like of int, shape (n_groups + 1,)
        First pair, truth and prediction of each group, and how many there are.
    thresholds : array_like of float, shape (n_thresholds,)
        Least overlap of a match.

    Returns
    -------
    Matches
        Outcomes, and the truths of those that are right, with one area range.

    Raises
    ------
    BadParameter
        For shapes, dtypes or offsets that do not fit, or a threshold that is NaN.
    ResourceError
        For more than 2**31 pairs.

    Notes
    -----
    O(pairs). As voc_eval_sds of FCIS. That walks all images in the order of scores; since an image has its own truths,
    only the order within each image matters, which is that of the rows.
    """
    groups = as_groups(truth_offsets, prediction_offsets)
    overlaps, limits = as_ious(ious, pair_offsets, groups), as_thresholds(thresholds)
    outcomes = np.empty((int(groups.prediction_offsets[-1]), 1, len(limits)), np.uint8)
    matched = np.empty(outcomes.shape, np.int32)
    if outcomes.size:
        taken = np.empty(_most_truths(groups) * len(limits) + 1, np.uint8)
        _loops.match_any(
            overlaps,
            groups.pair_offsets,
            groups.truth_offsets,
            groups.prediction_offsets,
            limits,
            outcomes,
            matched,
            taken,
        )
    return Matches(outcomes, matched)


def order(scores: Any, classes: Any, n_classes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order rows by class, and by falling score within each; equal scores stay in the order of rows.

    Parameters
    ----------
    scores : array_like of float, shape (n,)
        The scores; 0 and −0 are equal.
    classes : array_like of int, shape (n,)
        From 0 to `n_classes` − 1.
    n_classes : int
        How many classes, or other groups, there are.

    Returns
    -------
    rows : ndarray of int64, shape (n,)
        The rows in order.
    offsets : ndarray of int64, shape (n_classes + 1,)
        Where each class begins in that order, and the number of rows.

    Raises
    ------
    BadParameter
        For other classes, a score that is NaN, or shapes and dtypes that do not fit.

    Notes
    -----
    O(n + n_classes): classes are sorted by counting, large ones then by the bytes of their scores. The same order as
    ``np.lexsort((-scores, classes))``.
    """
    keys, labels, n_classes = as_ranking(scores, classes, n_classes)
    rows, offsets = np.empty(len(keys), np.int64), np.zeros(n_classes + 1, np.int64)
    if len(keys):
        _loops.order(keys, labels, n_classes, rows, offsets, np.empty(2 * len(keys) * _loops.WORDS, np.int64))
    return rows, offsets


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
    """Return the precision at levels of recall, the recall reached, and the scores where levels are reached.

    Precision at a level is the best where recall reaches the level, or further on; 0 where it is never reached.

    Parameters
    ----------
    outcomes : array_like of uint8, shape (n, n_areas, n_thresholds)
        0 wrong, 1 right, 2 neither; rows in the order of `order`.
    scores : array_like of float, shape (n,)
        The scores of the rows.
    ranks : array_like of int, shape (n,)
        Place of each row among those with which it competes for being counted.
    class_offsets : array_like of int, shape (n_classes + 1,)
        First row of each class, and the number of rows.
    positives : array_like of int, shape (n_classes, n_areas)
        How many truths there are to find.
    recall_thresholds : array_like of float, shape (n_levels,)
        The levels, ascending.
    max_detections : array_like of int, shape (n_limits,)
        Rows of this rank or beyond are left out.
    eps : bool
        Whether 2⁻⁵² is added to the number of predictions that precision is divided by, as officially.

    Returns
    -------
    precision : ndarray of float64, shape (n_thresholds, n_levels, n_classes, n_areas, n_limits)
        -1 where there are no positives.
    recall : ndarray of float64, shape (n_thresholds, n_classes, n_areas, n_limits)
        The last recall, -1 where there are no positives.
    score_at : ndarray of float64, shape (n_thresholds, n_levels, n_classes, n_areas, n_limits)
        Score of the first row that reaches the level, 0 where it is never reached, -1 where there are no positives.

    Raises
    ------
    BadParameter
        For other outcomes, negative positives, or shapes, dtypes or offsets that do not fit.
    ResourceError
        For more than 2**31 rows.

    Notes
    -----
    O(n × n_areas × n_thresholds × n_limits). The same bits as COCOeval.accumulate of pycocotools.
    """
    judged, offsets, counts = as_curves(outcomes, class_offsets, positives)
    keys = as_column(scores, "float64", (len(judged),), name="scores")
    places = as_column(ranks, "int64", (len(judged),), name="ranks")
    levels = as_column(recall_thresholds, "float64", (-1,), name="recall_thresholds")
    limits = as_column(max_detections, "int64", (-1,), name="max_detections")
    shape = (judged.shape[2], *counts.shape, len(limits))
    # Where nothing is found all is 0, where there is nothing to find -1.
    recall = np.where((counts > 0)[None, :, :, None], 0.0, np.full(shape, -1.0))
    precision = np.empty((shape[0], len(levels), *shape[1:]))
    precision[...] = recall[:, None]
    score_at = precision.copy()
    if judged.size and recall.size:
        cells = judged.shape[1] * judged.shape[2]
        numbers, begins = np.empty(cells, np.int32), np.empty((2, cells + 1), np.int64)
        room = max(1, _loops.most_true(judged, offsets, numbers))
        lists, envelope = np.empty((2, room), np.int32), np.empty(room)
        inputs = judged, keys, places, offsets, counts, levels, limits
        step = float(np.spacing(1)) if eps else 0.0
        _loops.curves(*inputs, step, precision, recall, score_at, numbers, begins, lists, envelope)
    return precision, recall, score_at


def _most_truths(groups: Groups) -> int:
    """Return how many truths the largest group has."""
    return int(np.diff(groups.truth_offsets).max(initial=0))
