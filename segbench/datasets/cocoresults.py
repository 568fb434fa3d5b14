"""Results in the JSON of COCO: one list of detections, in a file or as the only JSON in an archive or folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.coco import LARGEST_JSON, are_far, class_rows
from segbench.datasets.cocomasks import CocoMasks
from segbench.datasets.files import read_regular
from segbench.errors import BadJson, BadRle, SegbenchError, ShapeMismatch, SubmissionError, UnreadableImage
from segbench.frozen import dataclass
from segbench.kernels.rasterise import rasterise
from segbench.kernels.recordcolumns import NO_MASK, POLYGONS, RUNS, STRING
from segbench.kernels.records import ResultColumns, scan_results
from segbench.kernels.rle import RleFault, Runs
from segbench.kernels.rle import boxes as boxes_of
from segbench.labels import LabelSpace
from segbench.late import late
from segbench.metrics.annotations import Detections, Floats, Integers

_SUFFIX = ".json"

_open_source = late("segbench.datasets.predictions:open_source")


class InstanceImages(Protocol):
    """What a truth says of its images."""

    @property
    def ids(self) -> Integers:
        """The numbers of the images, ascending."""

    @property
    def sizes(self) -> Integers:
        """Height and width of each image, of shape (n, 2)."""


@dataclass(frozen=True)
class CocoResults:
    """The detections of a submission, as they stand in its file.

    Parameters
    ----------
    file : str
        Where they were read.
    columns : ResultColumns
        The detections.
    digest : str
        SHA-256 of the file.
    data : bytes
        The file, in which the masks lie; empty where it has none, so that nothing of it is held.
    """

    file: str
    columns: ResultColumns
    digest: str
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, file: str, data: bytes) -> CocoResults:
        """Return the results in the `data` of a `file`."""
        columns, digest = scan_results(data), hashlib.sha256(data).hexdigest()
        return cls(file, columns, digest, data if (columns.kinds != NO_MASK).any() else b"")

    def __len__(self) -> int:
        return len(self.columns.image_ids)

    @property
    def has_boxes(self) -> bool:
        """Whether the first detection has a box: then the official tool takes the areas of boxes for all of them."""
        return bool(len(self)) and bool(self.columns.has_box[0])

    @property
    def draws_boxes(self) -> bool:
        """Whether there are no masks, so that boxes stand for them."""
        return bool(len(self)) and not (self.columns.kinds != NO_MASK).any()

    def detections(self, truth: InstanceImages, space: LabelSpace, *, masks: bool, boxes: bool) -> Detections:
        """Return the detections, checked against the truth.

        Parameters
        ----------
        truth : CocoTruth or VocTruth
            The images.
        space : LabelSpace
            The classes, by the ids of categories.
        masks, boxes : bool
            What is needed of their shapes.

        Returns
        -------
        Detections
            In the order of the file; images are numbered by their place among the ids. Masks are decoded when they are
            taken, and a damaged one is refused then.

        Raises
        ------
        BadJson
            For an image or category that the truth does not have, or a detection without what the first one has.
        ShapeMismatch
            When a mask has another size than its image.
        BadRle
            For run lengths that are none.
        """
        columns = self.columns
        self._refuse(
            ~np.isin(columns.image_ids, truth.ids),
            lambda i: f"image_id {int(columns.image_ids[i])}, which the truth does not have",
            "ids of images of the split",
        )
        classes = class_rows(columns.category_ids, space)
        self._refuse(
            classes < 0,
            lambda i: f"category_id {int(columns.category_ids[i])}, which is no category",
            "ids of categories as in the truth",
        )
        images = np.searchsorted(truth.ids, columns.image_ids)
        self._check_shapes()
        self._check_sizes(*truth.sizes[images].T)
        found = Detections(
            images=images,
            classes=classes,
            areas=columns.boxes[:, 2] * columns.boxes[:, 3] if self.has_boxes else None,
            boxes=columns.boxes if columns.has_box.all() else None,
            masks=self._masks(*truth.sizes[images].T) if masks or not self.has_boxes else None,
            scores=columns.scores,
            order=np.arange(len(self)),
        )
        return self._with_boxes(found) if boxes and found.boxes is None else found

    def _check_shapes(self) -> None:
        """Refuse detections without shape, or without what the first one has; the official tool fails on them."""
        columns = self.columns
        if self.has_boxes:
            self._refuse(~columns.has_box, lambda i: "no bbox, which the first result has", "a bbox in all of them")
        else:
            self._refuse(columns.kinds == NO_MASK, lambda i: "no segmentation and no bbox", "one of them")
        self._refuse(
            columns.kinds == POLYGONS, lambda i: "a polygon", "run lengths: {'size': [height, width], 'counts': …}"
        )
        negative = columns.has_box & ((columns.boxes[:, 2] < 0) | (columns.boxes[:, 3] < 0))
        self._refuse(
            negative,
            lambda i: f"a box {columns.boxes[i, 2]:g} wide and {columns.boxes[i, 3]:g} high",
            "left, top, width and height",
        )
        self._refuse(
            columns.has_box & are_far(columns.boxes),
            lambda i: "a box far beyond any image",
            "left, top, width and height",
        )

    def _check_sizes(self, heights: Integers, widths: Integers) -> None:
        sizes = self.columns.sizes
        has_size = (self.columns.kinds == STRING) | (self.columns.kinds == RUNS)
        wrong = has_size & ((sizes[:, 0] != heights) | (sizes[:, 1] != widths))
        if wrong.any():
            i = int(np.argmax(wrong))
            swapped = sizes[i].tolist() == [int(widths[i]), int(heights[i])]
            raise ShapeMismatch(
                f"result {i + 1}: a mask of size [{sizes[i, 0]}, {sizes[i, 1]}]",
                expected=f"[{heights[i]}, {widths[i]}], height and width of image {self.columns.image_ids[i]}",
                mend="height comes first" if swapped else "",
                file=self.file,
                count=int(wrong.sum()),
            )

    def _masks(self, heights: Integers, widths: Integers) -> CocoMasks | DrawnBoxes:
        if self.draws_boxes:
            return DrawnBoxes(self.columns.boxes, heights, widths, self._fault)
        self._refuse(
            self.columns.kinds == NO_MASK, lambda i: "no segmentation, which others have", "one in all of them"
        )
        return CocoMasks(self.columns, self.data, heights, widths, self._fault)

    def _fault(self, row: int, found: str, expected: str) -> BadRle:
        return BadRle(f"result {row + 1}: {found}", expected=expected, file=self.file)

    def _with_boxes(self, found: Detections) -> Detections:
        """Return detections with the boxes of masks where there are no others."""
        runs = found.runs
        corners = np.where(self.columns.has_box[:, None], self.columns.boxes, boxes_of(runs))
        return replace(found, masks=runs, boxes=corners)

    def _refuse(self, wrong: NDArray[np.bool_], found: Any, expected: str) -> None:
        if wrong.any():
            i = int(np.argmax(wrong))
            raise BadJson(f"result {i + 1}: {found(i)}", expected=expected, file=self.file, count=int(wrong.sum()))


@dataclass(frozen=True)
class DrawnBoxes:
    """Boxes as masks: polygons of their corners, as the official tool draws them.

    Parameters
    ----------
    boxes : ndarray of float64, shape (n, 4)
        Left, top, width and height.
    heights, widths : ndarray of int64, shape (n,)
        Size of each mask.
    fault : callable
        Returns the error for a box, what was found and what was expected.
    """

    boxes: Floats
    heights: Integers
    widths: Integers
    fault: Callable[[int, str, str], SegbenchError]

    def take(self, rows: Integers) -> Runs:
        """Return the masks of some `rows`, in their order."""
        left, top, width, height = self.boxes[rows].T
        right, bottom = left + width, top + height
        points = np.stack([left, top, left, bottom, right, bottom, right, top], axis=1).reshape(-1)
        n = np.arange(len(rows) + 1)
        try:
            return rasterise(points, 8 * n, n, self.heights[rows], self.widths[rows])
        except RleFault as error:
            raise self.fault(int(rows[error.index]), error.found, error.expected) from None


def read_results(path: Path) -> CocoResults:
    """Read the results of a submission.

    Parameters
    ----------
    path : Path
        A JSON file, or a folder or archive that holds one.

    Returns
    -------
    CocoResults
        The detections.

    Raises
    ------
    SubmissionError
        When there is no such file, several, or one that holds no results.
    """
    file, data = str(path), b""
    try:
        if path.suffix.lower() == _SUFFIX and not os.path.isdir(path):
            data = _read(path)
        else:
            file, data = _within(path)
        return CocoResults.of(file, data)
    except SubmissionError as error:
        raise error.about(file) from None


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, follow=True, most=LARGEST_JSON)
    except UnreadableImage as error:
        raise SubmissionError(error.found, expected=error.expected, mend=error.mend) from None


def _within(path: Path) -> tuple[str, bytes]:
    """Return the only JSON file of a folder or archive."""
    source = _open_source(path, n_images=0)
    try:
        names = [name for name in source.names() if name.lower().endswith(_SUFFIX)]
        if len(names) != 1:
            found = f"{len(names)} JSON files" if names else "no JSON file"
            raise SubmissionError(found, expected="one JSON file of results", file=str(path))
        return source.where(names[0]), source.read(names[0], LARGEST_JSON)
    finally:
        source.close()
