"""Which detections are right: those of each image and class are matched with its true instances, the surest first.

The rules are those of an official tool, with its quirks unless another choice is made; see `Matching`.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass
from segbench.kernels.detection import match, match_any, order
from segbench.kernels.outcomes import Matches
from segbench.kernels.overlap import box_iou, mask_iou
from segbench.late import late
from segbench.metrics.annotations import Annotations, Detections, Flags, Floats, Integers, Labelled, needed

IouType: TypeAlias = Literal["segm", "bbox", "boundary"]
MatchingRules: TypeAlias = Literal["coco", "lvis", "lvis_fixed", "sds"]
ZeroId: TypeAlias = Literal["official", "matched"]
IgnoreRule: TypeAlias = Literal["official", "honoured"]
ResultArea: TypeAlias = Literal["official", "mask"]
AreaLimits: TypeAlias = Literal["official", "half_open"]

_inner_bands = late("segbench.metrics.inner_bands:inner_bands")

#: Sizes of instances, and their limits in pixels.
AREAS = ("all", "small", "medium", "large")
_LIMITS = np.array([[0, 1e10], [0, 32**2], [32**2, 96**2], [96**2, 1e10]], np.float64)

FALSE, TRUE, LEFT_OUT = 0, 1, 2

#: The rank of a detection whose place among all others of its class is still to be seen.
UNKNOWN = -1

_FAR = np.iinfo(np.int64).max

#: So many numbers of image and class there may be for each row, to be counted rather than sorted.
_MOST_NUMBERS = 64


@dataclass(frozen=True)
class Matching:
    """How detections are matched with true instances.

    Parameters
    ----------
    iou_type : {'segm', 'bbox', 'boundary'}
        What overlaps: masks, boxes, or for ``boundary`` the smaller of the IoU of masks and of their inner bands.
    rules : {'coco', 'lvis', 'lvis_fixed', 'sds'}
        ``coco``: a detection takes the best free instance, up to `max_detections` an image and class. ``lvis``: the
        same, up to `max_detections` an image, of classes that are labelled in the image; ``lvis_fixed``: up to
        `max_detections` a class in all images. ``sds``: a detection takes the best instance, and is wrong when that is
        taken.
    zero_id : {'official', 'matched'}
        A match with a true instance whose id is 0 is none (``official``), or one like others.
    ignore : {'official', 'honoured'}
        Whether ``ignore`` in the truth has an effect beside ``iscrowd``: officially with boundaries and for LVIS only.
    result_area : {'official', 'mask'}
        Officially the area of a detection is that of its box when the results have boxes, also where masks are
        compared.
    area_limits : {'official', 'half_open'}
        Officially an area of exactly 1024 is small and medium; with ``half_open`` medium only.
    width_diagonal : float
        Width of the inner bands as a share of the image diagonal.
    """

    iou_type: IouType = "segm"
    rules: MatchingRules = "coco"
    zero_id: ZeroId = "official"
    ignore: IgnoreRule = "official"
    result_area: ResultArea = "official"
    area_limits: AreaLimits = "official"
    width_diagonal: float = 0.02

    def __str__(self) -> str:
        return ",".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))

    @property
    def honours_ignore(self) -> bool:
        """Whether what the truth says to ignore is ignored."""
        return self.ignore == "honoured" or self.iou_type == "boundary" or self.rules != "coco"

    @property
    def limits(self) -> Floats:
        """The least and the largest area of each size, both included."""
        limits = _LIMITS.copy()
        if self.area_limits == "half_open":
            limits[1:3, 1] = np.nextafter(limits[1:3, 1], 0)
        return limits

    def ignored(self, truth: Annotations) -> Flags:
        """Return which instances of the `truth` do not count, whatever their size; none under ``sds``."""
        if self.rules == "sds":
            return np.zeros(len(truth), np.bool_)
        if self.rules in ("lvis", "lvis_fixed"):
            # LVIS has no crowds, whatever a file says.
            return truth.ignored
        return truth.crowd | truth.ignored if self.honours_ignore else truth.crowd

    def areas(self, detections: Detections) -> Floats:
        """Return the areas of detections."""
        return detections.sizes(of_masks=self.result_area == "mask")


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
        Where not every class is labelled in every image.

    Returns
    -------
    Matched
        A row for each detection that counts, by image and class, the surest first.
    """
    pairs = _grouped(matching, truth, detections, most, labelled, n_classes)
    excused = _excused(detections, pairs.rows, labelled, n_classes)
    ious, pair_offsets = _ious(matching, truth, detections, pairs)
    true, areas = truth.without_masks(pairs.truth_rows), matching.areas(detections)[pairs.rows]
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
            truth_reusable=_reusable(matching, true),
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
    of_truth, of_detections, n_groups = _groups(truth, (detections.images[rows], detections.classes[rows]), n_classes)
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
    return _Pairs(rows[chosen], ranks, np.argsort(of_truth, kind="stable"), begins)


def _reusable(matching: Matching, truth: Annotations) -> Flags:
    """Return which true instances any number of detections may match."""
    return truth.crowd if matching.rules == "coco" else np.zeros(len(truth), np.bool_)


def _excused(detections: Detections, rows: Integers, labelled: Labelled | None, n_classes: int) -> Flags:
    """Return which detections are not wrong when they match nothing."""
    if labelled is None:
        return np.zeros(len(rows), np.bool_)
    return np.isin(detections.images[rows] * n_classes + detections.classes[rows], labelled.incomplete)


def _groups(truth: Annotations, found: tuple[Integers, Integers], n_classes: int) -> tuple[Integers, Integers, int]:
    """Return the group of each true instance and of each detection, and how many there are: by image, then class."""
    first = min(truth.images.min(initial=_FAR), found[0].min(initial=_FAR))
    mine = (truth.images - first) * n_classes + truth.classes
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
    if matching.rules in ("lvis", "lvis_fixed"):
        # To the tool of LVIS, what has no area is not there; among the surest of the image it has been.
        rows = rows[matching.areas(detections)[rows] > 0]
    return rows, ranks[rows]


def _ious(matching: Matching, truth: Annotations, detections: Detections, pairs: _Pairs) -> tuple[Floats, Integers]:
    crowd = _reusable(matching, truth)[pairs.truth_rows]
    if matching.iou_type == "bbox":
        boxes = needed(truth.boxes, "boxes")[pairs.truth_rows], needed(detections.boxes, "boxes")[pairs.rows]
        return box_iou(truth=boxes[0], prediction=boxes[1], crowd=crowd, **pairs.offsets)
    # Masks stay where they are: to move their runs takes longer than to compare them.
    rows = {"truth_rows": pairs.truth_rows, "prediction_rows": pairs.rows, **pairs.offsets}
    masks = truth.runs, detections.runs
    ious, pair_offsets = mask_iou(truth=masks[0], prediction=masks[1], crowd=crowd, **rows)
    if matching.iou_type == "boundary":
        bands = [_inner_bands(mask, matching.width_diagonal) for mask in masks]
        # Within a crowd the boundary says nothing: its mask alone decides.
        of_bands, _ = mask_iou(truth=bands[0], prediction=bands[1], crowd=crowd, **rows)
        is_crowd = _of_crowds(crowd, pair_offsets, pairs.offsets["truth_offsets"])
        ious = np.where(is_crowd, ious, np.minimum(ious, of_bands))
    return ious, pair_offsets


def _of_crowds(crowd: Flags, pair_offsets: Integers, truth_offsets: Integers) -> Flags:
    """Return for each pair whether its true instance is a crowd."""
    groups = np.repeat(np.arange(len(pair_offsets) - 1), np.diff(pair_offsets))
    places = np.arange(len(groups)) - pair_offsets[groups]
    return crowd[truth_offsets[groups] + places % np.diff(truth_offsets)[groups]]


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
