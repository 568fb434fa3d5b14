"""Which detections are right: those of each image and class are matched with its true instances, the surest first.

The rules are those of an official tool, with its quirks unless another choice is made; see `Matching`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass
from segbench.kernels.detection import match, match_any, order
from segbench.kernels.outcomes import Matches
from segbench.metrics.annotations import Annotations, Detections, Flags, Floats, Integers, Labelled
from segbench.metrics.instance_ious import instance_ious
from segbench.metrics.matchingrules import AREAS, FALSE, LEFT_OUT, TRUE, UNKNOWN, Matching

_FAR = np.iinfo(np.int64).max

#: So many numbers of image and class there may be for each row, to be counted rather than sorted.
_MOST_NUMBERS = 64


@dataclass(frozen=True)
class Matched:
    """What became of the detections that count at all.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Which detections these are.
    ranks : ndarray of int64, shape (n,)
        Place of each by its score among those with which it competes for being counted.
    outcomes : ndarray of uint8, shape (n, 4, n_thresholds)
        By area and threshold: 0 wrong, 1 right, 2 neither.
    truths : ndarray of int64, shape (n, 4, n_thresholds)
        Row of the matched true instance, -1 where there is none.
    """

    rows: Integers
    ranks: Integers
    outcomes: NDArray[np.uint8]
    truths: Integers


def positives(matching: Matching, truth: Annotations, n_classes: int) -> tuple[Integers, Integers, Integers]:
    """Count the true instances of each image and class that count.

    Parameters
    ----------
    matching : Matching
        The rules.
    truth : Annotations
        All true instances of some images.
    n_classes : int
        How many classes there are.

    Returns
    -------
    images, classes : ndarray of int64, shape (n,)
        The pairs that have an instance, ascending.
    counts : ndarray of int64, shape (n, 4)
        How many there are, by area.
    """
    truth = truth.without_masks(matching.present(truth))
    limits, areas = matching.limits, truth.sizes()[:, None]
    inside = (areas >= limits[:, 0]) & (areas <= limits[:, 1]) & ~matching.ignored(truth)[:, None]
    cells, rows = np.unique(truth.images * n_classes + truth.classes, return_inverse=True)
    counts = [np.bincount(rows[inside[:, a]], minlength=len(cells)) for a in range(len(AREAS))]
    return cells // n_classes, cells % n_classes, np.stack(counts, axis=1)


def matched(
    matching: Matching,
    truth: Annotations,
    detections: Detections,
    *,
    thresholds: Floats,
    most: int,
    n_classes: int,
    labelled: Labelled | None = None,
) -> Matched:
    """Match the detections of some images.

    Parameters
    ----------
    matching : Matching
        The rules.
    truth : Annotations
        All true instances of the images.
    detections : Detections
        All detections of the images.
    thresholds : ndarray of float64, shape (n_thresholds,)
        The least IoU of a match.
    most : int
        Detections that count, as the rules say.
    n_classes : int
        How many classes there are.
    labelled : Labelled, optional
        What is labelled in each image; only the rules of LVIS ask for it.

    Returns
    -------
    Matched
        A row for each detection that counts, by image and class, the surest first.
    """
    labelled = labelled if matching.is_federated else None
    pairs = _grouped(matching, truth, detections, most, labelled, n_classes)
    excused = _excused(detections, pairs.rows, labelled, n_classes)
    true, areas = truth.without_masks(pairs.truth_rows), matching.areas(detections)[pairs.rows]
    ious, pair_offsets = instance_ious(
        matching,
        truth,
        detections,
        crowd=matching.reusable(true),
        truth_rows=pairs.truth_rows,
        rows=pairs.rows,
        **pairs.offsets,
    )
    if matching.rules == "sds":
        found = match_any(ious=ious, pair_offsets=pair_offsets, thresholds=thresholds, **pairs.offsets)
        # Sizes make no difference, yet rows look alike under all rules.
        n = len(AREAS)
        found = Matches(np.repeat(found.outcomes, n, axis=1), np.repeat(found.matched, n, axis=1))
    else:
        found = match(
            ious=ious,
            pair_offsets=pair_offsets,
            truth_areas=true.sizes(),
            prediction_areas=areas,
            truth_ignored=matching.ignored(true),
            truth_reusable=matching.reusable(true),
            prediction_excused=excused,
            area_ranges=matching.limits,
            thresholds=thresholds,
            later_wins=True,
            with_truths=True,
            **pairs.offsets,
        )
    outcomes, truths = found
    _spoil_zero_ids(matching, true, (areas, excused), outcomes, truths)
    # What is matched with nothing, -1, is the last of the rows: there may be no other.
    return Matched(pairs.rows, pairs.ranks, outcomes, np.append(pairs.truth_rows, -1)[truths])


@dataclass(frozen=True)
class _Pairs:
    """Which rows are compared: those of a group, an image and a class, with each other.

    Parameters
    ----------
    rows, truth_rows : ndarray of int64
        Detections, the surest first in each group, and true instances, in the order of the file.
    ranks : ndarray of int64
        As in `Matched`.
    offsets : mapping of str to ndarray of int64
        Where the rows of each group begin, for true instances and for detections.
    """

    rows: Integers
    ranks: Integers
    truth_rows: Integers
    offsets: dict[str, Any]


def _grouped(
    matching: Matching,
    truth: Annotations,
    detections: Detections,
    most: int,
    labelled: Labelled | None,
    n_classes: int,
) -> _Pairs:
    rows, ranks = _admitted(matching, detections, most, labelled, n_classes)
    present = matching.present(truth)
    of_truth, of_detections, n_groups = _groups(
        (truth.images[present], truth.classes[present]), (detections.images[rows], detections.classes[rows]), n_classes
    )
    chosen, offsets = order(detections.scores[rows], of_detections, n_groups)
    if matching.rules == "coco":
        ranks = np.arange(len(chosen)) - np.repeat(offsets[:-1], np.diff(offsets))
        kept = ranks < most
        chosen, ranks = chosen[kept], ranks[kept]
        offsets = _offsets(np.minimum(np.diff(offsets), most))
    else:
        ranks = ranks[chosen]
    truth_offsets = _offsets(np.bincount(of_truth, minlength=n_groups))
    begins = {"truth_offsets": truth_offsets, "prediction_offsets": offsets}
    return _Pairs(rows[chosen], ranks, present[np.argsort(of_truth, kind="stable")], begins)


def _excused(detections: Detections, rows: Integers, labelled: Labelled | None, n_classes: int) -> Flags:
    """Return which detections are not wrong when they match nothing."""
    if labelled is None:
        return np.zeros(len(rows), np.bool_)
    return np.isin(detections.images[rows] * n_classes + detections.classes[rows], labelled.incomplete)


def _groups(
    true: tuple[Integers, Integers], found: tuple[Integers, Integers], n_classes: int
) -> tuple[Integers, Integers, int]:
    """Return the group of each true instance and of each detection, and how many there are: by image, then class."""
    first = min(true[0].min(initial=_FAR), found[0].min(initial=_FAR))
    mine = (true[0] - first) * n_classes + true[1]
    theirs = (found[0] - first) * n_classes + found[1]
    size = int(max(mine.max(initial=-1), theirs.max(initial=-1))) + 1
    if size > _MOST_NUMBERS * (len(mine) + len(theirs) + 1):
        numbers, groups = np.unique(np.concatenate([mine, theirs]), return_inverse=True)
        return groups[: len(mine)], groups[len(mine) :], len(numbers)
    # Numbered by counting, which is faster than by sorting.
    is_there = np.zeros(size, np.bool_)
    is_there[mine] = is_there[theirs] = True
    places = np.cumsum(is_there) - 1
    return places[mine], places[theirs], int(is_there.sum())


def _admitted(
    matching: Matching, detections: Detections, most: int, labelled: Labelled | None, n_classes: int
) -> tuple[Integers, Integers]:
    """Return the detections that are looked at at all, in file order, and their ranks in their images."""
    n = len(detections)
    rows, ranks = np.arange(n), np.zeros(n, np.int64)
    if matching.rules == "lvis":
        _, images = np.unique(detections.images, return_inverse=True)
        sorted_rows, offsets = order(detections.scores, images, int(images.max(initial=-1)) + 1)
        ranks[sorted_rows] = np.arange(n) - np.repeat(offsets[:-1], np.diff(offsets))
        rows = rows[ranks < most]
    if matching.rules == "lvis_fixed":
        # Also those of images where their class is not labelled take a place.
        ranks = np.full(n, UNKNOWN) if detections.standing is None else detections.standing
        rows = rows[ranks < most]
    if labelled is not None:
        rows = rows[np.isin(detections.images[rows] * n_classes + detections.classes[rows], labelled.known)]
    if matching.is_federated:
        # To the tool of LVIS, what has no area is not there; among the surest of the image it has been.
        rows = rows[matching.areas(detections)[rows] > 0]
    return rows, ranks[rows]


def _spoil_zero_ids(
    matching: Matching,
    truth: Annotations,
    found: tuple[Floats, Flags],
    outcomes: NDArray[np.uint8],
    truths: NDArray[np.int32],
) -> None:
    """Take matches with the id 0 back, as the official tool does, for which 0 is no match.

    `found` are the areas of detections, and which are not wrong when they match nothing.
    """
    if matching.zero_id == "matched" or matching.rules == "sds" or not truth.unnumbered.any():
        return
    limits, areas = matching.limits, found[0][:, None]
    harmless = (areas < limits[:, 0]) | (areas > limits[:, 1]) | found[1][:, None]
    spoiled = (truths >= 0) & truth.unnumbered[truths] & (outcomes == TRUE)
    outcomes[spoiled] = np.where(np.broadcast_to(harmless[:, :, None], outcomes.shape)[spoiled], LEFT_OUT, FALSE)


def _offsets(counts: Integers) -> Integers:
    return np.concatenate([[0], np.cumsum(counts)])
