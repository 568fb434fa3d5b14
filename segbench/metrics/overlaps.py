"""How much detections overlap the true instances of their image, whatever the classes of both are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.metrics.annotations import Annotations, Detections, Flags, Floats, Integers
from segbench.metrics.instance_ious import instance_ious
from segbench.metrics.matchingrules import Matching

#: Pairs compared at a time.
_MANY = 1 << 22


@dataclass(frozen=True)
class Overlaps:
    """The pairs of a detection and a true instance that share anything.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Which detections are looked at, by image, the surest first.
    detections : ndarray of int64, shape (n_pairs,)
        Place of the detection among `rows`, ascending.
    truths : ndarray of int64, shape (n_pairs,)
        Row of the true instance, ascending for each detection.
    ious : ndarray of float64, shape (n_pairs,)
        Intersection over union, above 0; with a crowd the share of the detection that lies in it.
    """

    rows: Integers
    detections: Integers
    truths: Integers
    ious: Floats

    def where(self, chosen: Flags) -> Overlaps:
        """Return the pairs that are `chosen`."""
        return Overlaps(self.rows, self.detections[chosen], self.truths[chosen], self.ious[chosen])


@dataclass(frozen=True)
class Compared:
    """Detections and true instances that were compared.

    Parameters
    ----------
    truth : Annotations
        All true instances.
    detections : Detections
        All detections.
    pairs : Overlaps
        Who overlaps whom.
    regions : ndarray of bool, shape (n_truths,)
        True instances that do not count, as crowds: a detection of their class that lies in one is left out.
    excused : ndarray of bool, shape (n,)
        Which of `pairs.rows` are left out unless they are right: they are of classes that are not labelled in their
        image.
    """

    truth: Annotations
    detections: Detections
    pairs: Overlaps
    regions: Flags
    excused: Flags

    @property
    def labels(self) -> Integers:
        """The class of each detection that is looked at."""
        return self.detections.classes[self.pairs.rows]

    @property
    def scores(self) -> Floats:
        """The score of each detection that is looked at."""
        return self.detections.scores[self.pairs.rows]

    @property
    def same(self) -> Flags:
        """Whether both of a pair are of one class."""
        same: Flags = self.labels[self.pairs.detections] == self.truth.classes[self.pairs.truths]
        return same

    @property
    def counts(self) -> Flags:
        """Whether the true instance of a pair counts."""
        return ~self.regions[self.pairs.truths]


def overlaps(matching: Matching, truth: Annotations, detections: Detections, *, most: int) -> Overlaps:
    """Compare the detections of each image with all its true instances.

    Parameters
    ----------
    matching : Matching
        What is compared: its `iou_type`.
    truth : Annotations
        All true instances.
    detections : Detections
        All detections.
    most : int
        How many detections of an image are looked at: the surest, of equal scores the first.

    Returns
    -------
    Overlaps
        The pairs.

    Raises
    ------
    BadParameter
        For less than one detection, or instances without the boxes or masks that are compared.
    """
    if most < 1:
        raise BadParameter(f"{most} detections of an image", expected="at least 1")
    n_images = 1 + int(max(truth.images.max(initial=-1), detections.images.max(initial=-1)))
    rows = _surest(detections, most)
    truths = np.argsort(truth.images, kind="stable")
    of_truth, of_rows = (_offsets(columns, n_images) for columns in (truth.images, detections.images[rows]))
    found = [
        _compared(matching, truth, detections, truths, rows, of_truth[a : b + 1], of_rows[a : b + 1])
        for a, b in _spans(np.diff(of_truth) * np.diff(of_rows))
    ]
    places, others, ious = (np.concatenate(parts) for parts in zip(_NONE, *found, strict=True))
    return Overlaps(rows, places, others, ious)


def claims(pairs: Overlaps, n_truths: int, preferred: Flags | None = None) -> Integers:
    """Let each detection, the surest first, take the instance it overlaps most of those that are still free.

    Parameters
    ----------
    pairs : Overlaps
        The pairs that are matches; of one image each.
    n_truths : int
        How many true instances there are.
    preferred : ndarray of bool, shape (n_pairs,), optional
        Pairs that come first among equal overlaps; then the first instance does.

    Returns
    -------
    ndarray of int64, shape (n,)
        Row of the true instance that each of `pairs.rows` takes, -1 for none.

    Notes
    -----
    O(pairs · log pairs).
    """
    last = np.zeros(len(pairs.ious), np.bool_) if preferred is None else ~preferred
    order = np.lexsort((pairs.truths, last, -pairs.ious, pairs.detections))
    taken, is_taken = [-1] * len(pairs.rows), bytearray(n_truths)
    for detection, truth in zip(pairs.detections[order].tolist(), pairs.truths[order].tolist(), strict=True):
        if taken[detection] < 0 and not is_taken[truth]:
            taken[detection] = truth
            is_taken[truth] = True
    return np.array(taken, np.int64)


def best(pairs: Overlaps) -> tuple[Floats, Integers]:
    """Return the most that each detection overlaps anything, and the first instance that it overlaps so much.

    Parameters
    ----------
    pairs : Overlaps
        The pairs that are looked at.

    Returns
    -------
    ious : ndarray of float64, shape (n,)
        0 for a detection without a pair.
    truths : ndarray of int64, shape (n,)
        Row of the true instance, -1 for none.
    """
    ious, truths = np.zeros(len(pairs.rows)), np.full(len(pairs.rows), -1, np.int64)
    order = np.lexsort((pairs.truths, -pairs.ious, pairs.detections))
    places, firsts = np.unique(pairs.detections[order], return_index=True)
    ious[places], truths[places] = pairs.ious[order][firsts], pairs.truths[order][firsts]
    return ious, truths


def _surest(detections: Detections, most: int) -> Integers:
    rows = np.lexsort((detections.order, -detections.scores, detections.images))
    images = detections.images[rows]
    ranks = np.arange(len(rows)) - np.searchsorted(images, images)
    return rows[ranks < most]


def _spans(pairs: Integers) -> Iterator[tuple[int, int]]:
    """Yield runs of images that have few enough pairs to be compared at once; an image is never divided."""
    ends, first = np.cumsum(pairs), 0
    while first < len(pairs):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + _MANY, side="right")))
        yield first, last
        first = last


def _compared(
    matching: Matching,
    truth: Annotations,
    detections: Detections,
    truths: Integers,
    rows: Integers,
    of_truth: Integers,
    of_rows: Integers,
) -> tuple[Integers, Integers, Floats]:
    """Return the pairs of some images: place of the detection, row of the instance, and overlap."""
    mine, theirs = truths[of_truth[0] : of_truth[-1]], rows[of_rows[0] : of_rows[-1]]
    # Taken first: the masks of these images alone are decoded.
    some, found = truth.take(mine), detections.take(theirs)
    ious, pair_offsets = instance_ious(
        matching,
        some,
        found,
        crowd=some.crowd,
        truth_rows=np.arange(len(mine)),
        rows=np.arange(len(theirs)),
        truth_offsets=of_truth - of_truth[0],
        prediction_offsets=of_rows - of_rows[0],
    )
    shared = np.flatnonzero(ious > 0)
    groups = np.searchsorted(pair_offsets, shared, side="right") - 1
    places, columns = np.divmod(shared - pair_offsets[groups], np.diff(of_truth)[groups])
    return of_rows[groups] + places, truths[of_truth[groups] + columns], ious[shared]


def _offsets(images: Integers, n_images: int) -> Integers:
    return np.concatenate([[0], np.cumsum(np.bincount(images, minlength=n_images))])


_NONE: tuple[Integers, Integers, Floats] = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
