"""The annotations that an evaluation asks for, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.compat.cocorecords import Record, boxes_in, column
from segbench.compat.cocoruns import segmentations, size_of
from segbench.compat.cocosides import Flags, Floats, FoundRows, Integers, TrueRows, Wanted
from segbench.errors import BadJson, BadRle, DatasetError, SegbenchError
from segbench.frozen import dataclass
from segbench.kernels.rle import RleFault, Runs

#: Ids are less than this.
_BEYOND = 2.0**63


@dataclass(frozen=True)
class Listed:
    """The records of one side.

    Parameters
    ----------
    records : list of dict
        By image, and within it in the order of the file, or where classes are pooled, of categories.
    images, classes : ndarray of int64, shape (n,)
        Their places among those that are wanted.
    what : str
        What to call a record.
    kind : type
        The error for what is wrong with one.
    """

    records: list[Record]
    images: Integers
    classes: Integers
    what: str
    kind: type[SegbenchError]

    @property
    def ids(self) -> Integers:
        """The ids, of which no two are equal."""
        given = self._plain("id")
        numbers = given.astype(np.float64)
        wrong = (np.abs(numbers) >= _BEYOND) | (numbers != np.floor(numbers))
        if wrong.any():
            raise self.kind(f"{self.what} id {numbers[np.argmax(wrong)]:g}", expected="whole numbers of 64 bits")
        ids = given.astype(np.int64)
        found, counts = np.unique(ids, return_counts=True)
        if len(found) < len(ids):
            twice = f"{self.what} id {found[np.argmax(counts > 1)]} twice"
            raise self.kind(twice, expected="each id once", count=int((counts > 1).sum()))
        return ids

    def numbers(self, key: str) -> Floats:
        """Return the numbers under a `key`."""
        return self._plain(key).astype(np.float64)

    def flags(self, key: str) -> Flags:
        """Return which have anything but 0 under a `key`."""
        flags: Flags = self.numbers(key) != 0
        return flags

    def boxes(self) -> Floats:
        """Return left, top, width and height of each."""
        given = column(self.records, "bbox", self.what, self.kind)
        table, wrong = boxes_in(given)
        if wrong < 0:
            return table
        expected = "four numbers: left, top, width and height"
        raise self.kind(f"{self._named(wrong)}: bbox {given[wrong]!r}", expected=expected)

    def masks(self, sizes: NDArray[np.int64]) -> Runs:
        """Return the masks; `sizes` are height and width of each wanted image."""
        given = column(self.records, "segmentation", self.what, self.kind)
        try:
            return segmentations(given, [(h, w) for h, w in sizes[self.images].tolist()])
        except RleFault as error:
            kind = DatasetError if self.kind is DatasetError else BadRle
            raise kind(f"{self._named(error.index)}: {error.found}", expected=error.expected) from None

    def _plain(self, key: str) -> NDArray[Any]:
        """Return the numbers under a `key`, of any type."""
        values = column(self.records, key, self.what, self.kind)
        try:
            array = np.array(values)
        except ValueError:
            array = np.empty((0, 0))
        if array.ndim == 1 and array.dtype.kind in "biuf" and not np.isnan(array).any():
            return array
        i = next(i for i, value in enumerate(values) if not _is_number(value))
        raise self.kind(f"{self._named(i)}: {key} {values[i]!r}", expected="a number")

    def _named(self, i: int) -> str:
        return f"{self.what} id {self.records[i].get('id', '?')}"


def rows_of_truth(coco: Any, wanted: Wanted) -> TrueRows:
    """Return the true instances.

    Parameters
    ----------
    coco : COCO
        The truth, of this package or of pycocotools.
    wanted : Wanted
        Which of it.

    Returns
    -------
    TrueRows
        By image.

    Raises
    ------
    DatasetError
        For an annotation that lacks something, or has what it cannot have.
    """
    rows = _listed(coco, wanted, "annotation", DatasetError)
    crowd = rows.flags("iscrowd")
    ignored = crowd
    if wanted.iou_type == "boundary":
        ignored = crowd | np.array([bool(record.get("ignore", 0)) for record in rows.records], np.bool_)
    return TrueRows(*_shared(rows, coco, wanted), crowd, ignored)


def rows_of_results(coco: Any, wanted: Wanted, truth: Any) -> FoundRows:
    """Return the detections.

    Parameters
    ----------
    coco : COCO
        The results, of this package or of pycocotools.
    wanted : Wanted
        Which of them.
    truth : COCO
        The truth, which knows the sizes of images.

    Returns
    -------
    FoundRows
        By image.

    Raises
    ------
    SubmissionError
        For a detection that lacks something, or has what it cannot have.
    """
    rows = _listed(coco, wanted, "detection", BadJson)
    shared = _shared(rows, truth, wanted)
    wrong = shared[0] <= 0
    if wrong.any():
        # The official tool writes the id to the annotation that is taken, and takes what is not positive for "free".
        found = f"detection id {shared[0][np.argmax(wrong)]}"
        raise BadJson(found, expected="ids from 1", mend="COCO.loadRes numbers detections", count=int(wrong.sum()))
    return FoundRows(*shared, rows.numbers("score"))


def _listed(coco: Any, wanted: Wanted, what: str, kind: type[SegbenchError]) -> Listed:
    places = {category: k for k, category in enumerate(wanted.categories)}
    records: list[Record] = []
    counts, classes = [], []
    for image in wanted.images:
        of_image = coco.imgToAnns.get(image, [])
        labels = [places.get(label, -1) for label in column(of_image, "category_id", what, kind)]
        kept = [(label, record) for label, record in zip(labels, of_image, strict=True) if label >= 0]
        if wanted.pooled:
            kept.sort(key=lambda pair: pair[0])
        records += [record for _, record in kept]
        classes += [label for label, _ in kept]
        counts.append(len(kept))
    labels_ = np.zeros(len(classes), np.int64) if wanted.pooled else np.array(classes, np.int64)
    return Listed(records, np.repeat(np.arange(len(counts)), np.array(counts, np.int64)), labels_, what, kind)


def _shared(
    rows: Listed, truth: Any, wanted: Wanted
) -> tuple[Integers, Integers, Integers, Floats, Floats | None, Runs | None]:
    has_boxes = wanted.iou_type == "bbox"
    boxes = rows.boxes() if has_boxes else None
    masks = None if has_boxes else rows.masks(_sizes(truth, wanted.images))
    return rows.ids, rows.images, rows.classes, rows.numbers("area"), boxes, masks


def _sizes(truth: Any, images: Sequence[Any]) -> Integers:
    """Return height and width of each image, 0 where the truth does not know it: such have no polygons."""
    return np.array([size_of(truth.imgs.get(image, {})) for image in images], np.int64).reshape(-1, 2)


def _is_number(value: Any) -> bool:
    if not hasattr(value, "__float__"):
        return False
    array = np.array(value)
    return array.ndim == 0 and array.dtype.kind in "biuf" and not np.isnan(array)
