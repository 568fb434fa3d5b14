"""What the kernels on detections take and give: overlaps with rules of matching, and outcomes by class."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, ResourceError
from segbench.kernels.arrays import as_int64
from segbench.kernels.groups import Groups, as_column, as_groups, as_offsets

#: What became of a prediction.
FALSE, TRUE, LEFT_OUT = 0, 1, 2

#: Rows are numbered in 32 bits.
MOST_ROWS = 2**31 - 1


class Matches(NamedTuple):
    """What became of predictions, by area range and threshold.

    Attributes
    ----------
    outcomes : ndarray of uint8, shape (n_predictions, n_areas, n_thresholds)
        0 false positive, 1 true positive, 2 neither.
    matched : ndarray of int32, shape (n_predictions, n_areas, n_thresholds)
        Row of the truth that a prediction is matched with, -1 for none; no row at all where it was not asked for.
    """

    outcomes: NDArray[np.uint8]
    matched: NDArray[np.int32]


class Rivals(NamedTuple):
    """The inputs of `match`, checked.

    Attributes
    ----------
    ious : ndarray of float64, shape (n_pairs,)
        Overlaps.
    groups : Groups
        Where groups begin.
    truth_areas, prediction_areas : ndarray of float64
        In pixels.
    truth_ignored, truth_reusable, prediction_excused : ndarray of bool
        As in `match`.
    area_ranges : ndarray of float64, shape (n_areas, 2)
        Least and largest area.
    thresholds : ndarray of float64, shape (n_thresholds,)
        Least overlaps.
    """

    ious: NDArray[np.float64]
    groups: Groups
    truth_areas: NDArray[np.float64]
    prediction_areas: NDArray[np.float64]
    truth_ignored: NDArray[np.bool_]
    truth_reusable: NDArray[np.bool_]
    prediction_excused: NDArray[np.bool_]
    area_ranges: NDArray[np.float64]
    thresholds: NDArray[np.float64]


class Curves(NamedTuple):
    """The inputs of `precision_recall` that average precision shares, checked.

    Attributes
    ----------
    outcomes : ndarray of uint8, shape (n, n_areas, n_thresholds)
        0 wrong, 1 right, 2 neither.
    class_offsets : ndarray of int64, shape (n_classes + 1,)
        First row of each class.
    positives : ndarray of int64, shape (n_classes, n_areas)
        How many truths there are to find.
    """

    outcomes: NDArray[np.uint8]
    class_offsets: NDArray[np.int64]
    positives: NDArray[np.int64]


def as_rivals(
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
) -> Rivals:
    """Return the inputs of `match`, checked.

    Parameters
    ----------
    ious, pair_offsets, truth_offsets, prediction_offsets : array_like
        As in `match`.
    truth_areas, prediction_areas, truth_ignored, truth_reusable, prediction_excused : array_like
        As in `match`.
    area_ranges, thresholds : array_like
        As in `match`.

    Returns
    -------
    Rivals
        The same values.

    Raises
    ------
    BadParameter, ResourceError
        As in `match`.
    """
    own = as_column(truth_areas, "float64", (-1,), name="truth_areas")
    theirs = as_column(prediction_areas, "float64", (-1,), name="prediction_areas")
    groups = as_groups(truth_offsets, prediction_offsets, truths=len(own), predictions=len(theirs))
    return Rivals(
        as_ious(ious, pair_offsets, groups),
        groups,
        own,
        theirs,
        as_column(truth_ignored, "bool", (len(own),), name="truth_ignored"),
        as_column(truth_reusable, "bool", (len(own),), name="truth_reusable"),
        as_column(prediction_excused, "bool", (len(theirs),), name="prediction_excused"),
        as_column(area_ranges, "float64", (-1, 2), name="area_ranges"),
        as_thresholds(thresholds),
    )


def as_ious(ious: Any, pair_offsets: Any, groups: Groups) -> NDArray[np.float64]:
    """Return overlaps, one for each pair of a truth and a prediction of a group.

    Parameters
    ----------
    ious : array_like of float, shape (n_pairs,)
        Overlaps.
    pair_offsets : array_like of int, shape (n_groups + 1,)
        First pair of each group.
    groups : Groups
        The groups.

    Returns
    -------
    ndarray of float64, shape (n_pairs,)
        The same values.

    Raises
    ------
    BadParameter
        When there are not as many as pairs.
    """
    if not np.array_equal(np.asarray(pair_offsets), groups.pair_offsets):
        raise BadParameter("pair_offsets that are not those of the groups", expected="those that box_iou returned")
    values: NDArray[np.float64] = as_column(ious, "float64", (int(groups.pair_offsets[-1]),), name="ious")
    return values


def as_thresholds(thresholds: Any) -> NDArray[np.float64]:
    """Return thresholds, none of them NaN.

    Parameters
    ----------
    thresholds : array_like of float, shape (n_thresholds,)
        Least overlaps.

    Returns
    -------
    ndarray of float64, shape (n_thresholds,)
        The same values.

    Raises
    ------
    BadParameter
        When one is NaN, or they are no numbers.
    """
    values: NDArray[np.float64] = as_column(thresholds, "float64", (-1,), name="thresholds")
    if np.isnan(values).any():
        raise BadParameter("a threshold that is no number", expected="numbers")
    return values


def as_curves(outcomes: Any, class_offsets: Any, positives: Any) -> Curves:
    """Return outcomes by class, checked.

    Parameters
    ----------
    outcomes, class_offsets, positives : array_like
        As in `precision_recall`.

    Returns
    -------
    Curves
        The same values.

    Raises
    ------
    BadParameter, ResourceError
        As in `precision_recall`.
    """
    judged = as_column(outcomes, "uint8", (-1, -1, -1), name="outcomes")
    if (highest := judged.max(initial=FALSE)) > LEFT_OUT:
        raise BadParameter(f"an outcome of {highest}", expected="0, 1 or 2")
    if len(judged) > MOST_ROWS:
        raise ResourceError(f"{len(judged)} rows", expected=f"at most {MOST_ROWS}")
    offsets = as_offsets(class_offsets, len(judged), name="class_offsets")
    counts = as_column(positives, "int64", (len(offsets) - 1, judged.shape[1]), name="positives")
    if (counts < 0).any():
        raise BadParameter(f"{counts.min()} positives", expected="counts from 0")
    return Curves(judged, offsets, counts)


def as_ranking(scores: Any, classes: Any, n_classes: Any) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Return scores, classes and their number, checked.

    Parameters
    ----------
    scores, classes, n_classes
        As in `order`.

    Returns
    -------
    scores : ndarray of float64, shape (n,)
        The same values.
    classes : ndarray of int64, shape (n,)
        A private copy: the loops index with it while other threads run.
    n_classes : int
        The same number.

    Raises
    ------
    BadParameter
        As in `order`.
    """
    keys = as_column(scores, "float64", (-1,), name="scores")
    labels = as_column(classes, "int64", (len(keys),), name="classes").copy()
    if (n := as_int64(n_classes, name="n_classes")) < 0:
        raise BadParameter(f"n_classes={n}", expected="at least 0")
    if np.isnan(keys).any():
        raise BadParameter("a score that is no number", expected="numbers")
    if len(labels) and not 0 <= labels.min() <= labels.max() < n:
        raise BadParameter(f"classes from {labels.min()} to {labels.max()}", expected=f"0 to {n - 1}")
    return keys, labels, n
