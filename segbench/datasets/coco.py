"""A truth in the JSON of COCO: images, categories and annotations."""

from __future__ import annotations

import hashlib
import os
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.codec import read_json_rows
from segbench.datasets.cocomasks import CocoMasks, reaching_out
from segbench.datasets.files import as_dataset_error, read_regular
from segbench.errors import BadParameter, DatasetError, SubmissionError
from segbench.frozen import dataclass
from segbench.kernels.recordcolumns import NO_MASK, RUNS, STRING
from segbench.kernels.records import TruthColumns, scan_truth
from segbench.labels import LabelSpace
from segbench.metrics.annotations import Annotations, Integers, Labelled

#: A truth or a file of results that is larger is not read into memory.
LARGEST_JSON = 1 << 34

#: No corner of a box may be farther out, in pixels.
_FARTHEST = 1e15


@dataclass(frozen=True)
class CocoImage:
    """One image of a truth.

    Parameters
    ----------
    id : int
        Its number.
    height, width : int
        Its size.
    file_name : str
        Its name.
    neg_category_ids, not_exhaustive_category_ids : list of int
        In LVIS the classes that are known not to be there, and those of which not every instance is labelled.
    """

    id: int
    height: int
    width: int
    file_name: str = ""
    neg_category_ids: tuple[int, ...] = ()
    not_exhaustive_category_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class CocoCategory:
    """One category of a truth.

    Parameters
    ----------
    id : int
        Its number.
    name : str
        Its name.
    frequency : str
        In LVIS ``r``, ``c`` or ``f``: rare, common, frequent.
    """

    id: int
    name: str
    frequency: str = ""


@dataclass(frozen=True)
class CocoTruth:
    """A truth, checked as far as every way of scoring needs it.

    Parameters
    ----------
    file : str
        Where it was read.
    images : tuple of CocoImage
        By ascending number.
    categories : tuple of CocoCategory
        By ascending number.
    columns : TruthColumns
        The annotations.
    data : bytes
        The file.
    """

    file: str
    images: tuple[CocoImage, ...]
    categories: tuple[CocoCategory, ...]
    columns: TruthColumns
    data: bytes = field(repr=False)

    @cached_property
    def ids(self) -> Integers:
        """The numbers of the images, ascending."""
        return np.array([image.id for image in self.images], np.int64)

    @cached_property
    def sizes(self) -> Integers:
        """Height and width of each image, of shape (n, 2)."""
        return np.array([(image.height, image.width) for image in self.images], np.int64).reshape(-1, 2)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the content of the truth."""
        digest = hashlib.sha256()
        columns = self.columns
        images = [f"{image.id} {image.height} {image.width}\n" for image in self.images]
        categories = [f"{category.id} {category.name}\n" for category in self.categories]
        digest.update("".join(images + categories).encode())
        digest.update(np.packbits(columns.ids == 0).tobytes())
        names = ("image_ids", "category_ids", "areas", "crowd", "ignore", "boxes", "kinds", "list_counts")
        for name in (*names, "list_offsets", "points", "polygon_offsets", "annotation_polygons"):
            # As they lie in memory: columns of tens of megabytes are not copied.
            digest.update(np.ascontiguousarray(getattr(columns, name)).reshape(-1).view(np.uint8).data)
        for row in np.flatnonzero(columns.kinds == STRING).tolist():
            start = int(columns.counts_starts[row])
            digest.update(self.data[start : start + int(columns.counts_lengths[row])])
        return digest.hexdigest()

    @property
    def n_reaching_out(self) -> int:
        """How many annotations have polygons beyond their images; asked of a truth whose masks were drawn."""
        sizes = self.sizes[np.searchsorted(self.ids, self.columns.image_ids)]
        return int(reaching_out(self.columns, sizes).sum())

    def annotations(self, space: LabelSpace, *, masks: bool, boxes: bool) -> Annotations:
        """Return the true instances.

        Parameters
        ----------
        space : LabelSpace
            The classes, by the ids of categories.
        masks, boxes : bool
            What is needed of their shapes.

        Returns
        -------
        Annotations
            In the order of the file; images are numbered by their place among the ids. Masks are decoded when they are
            taken, and a damaged one is refused then.

        Raises
        ------
        DatasetError
            When an annotation has no shape of the kind that is needed.
        """
        columns = self.columns
        images = np.searchsorted(self.ids, columns.image_ids)
        if boxes:
            self._refuse(~columns.has_box, "no bbox", "left, top, width and height")
            negative = (columns.boxes[:, 2] < 0) | (columns.boxes[:, 3] < 0)
            self._refuse(negative, "a box of negative size", "left, top, width and height")
            self._refuse(are_far(columns.boxes), "a box far beyond any image", "left, top, width and height")
        return Annotations(
            images=images,
            classes=class_rows(columns.category_ids, space),
            areas=columns.areas,
            boxes=columns.boxes if boxes else None,
            masks=self._masks(images) if masks else None,
            crowd=columns.crowd.astype(np.bool_),
            ignored=columns.ignore.astype(np.bool_),
            unnumbered=columns.ids == 0,
        )

    def _masks(self, images: Integers) -> CocoMasks:
        self._refuse(self.columns.kinds == NO_MASK, "no segmentation", "polygons, or run lengths")
        heights, widths = self.sizes[images].T
        sizes = self.columns.sizes
        has_size = (self.columns.kinds == STRING) | (self.columns.kinds == RUNS)
        self._refuse(
            has_size & ((sizes[:, 0] != heights) | (sizes[:, 1] != widths)),
            "a segmentation of another size than its image",
            "height and width of the image",
        )
        return CocoMasks(self.columns, self.data, heights, widths, self._fault)

    def labelled(self, space: LabelSpace) -> Labelled:
        """Return which classes are labelled in each image, as LVIS says it."""
        n = len(space.evaluated)
        rows = {c.id: i for i, c in enumerate(space.evaluated)}
        images = np.searchsorted(self.ids, self.columns.image_ids)
        there = (images * n + class_rows(self.columns.category_ids, space))[self.columns.areas > 0]
        absent = [i * n + rows[c] for i, image in enumerate(self.images) for c in image.neg_category_ids if c in rows]
        incomplete = [
            i * n + rows[c]
            for i, image in enumerate(self.images)
            for c in image.not_exhaustive_category_ids
            if c in rows
        ]
        known = np.unique(np.concatenate([there, np.array(absent, np.int64)]))
        return Labelled(known, np.unique(np.array(incomplete, np.int64)))

    def _refuse(self, wrong: NDArray[np.bool_], found: str, expected: str) -> None:
        if wrong.any():
            raise self._fault(int(np.argmax(wrong)), found, expected, int(wrong.sum()))

    def _fault(self, row: int, found: str, expected: str, count: int = 1) -> DatasetError:
        found = f"annotation {row + 1} (id {int(self.columns.ids[row])}): {found}"
        return DatasetError(found, expected=expected, file=self.file, count=count)


def are_far(boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which boxes are so far out, or so large, that their areas are no numbers any more."""
    far: NDArray[np.bool_] = np.abs(boxes).max(axis=1, initial=0.0) > _FARTHEST
    return far


def class_rows(ids: Integers, space: LabelSpace) -> Integers:
    """Return the class index of each category id; -1 for one that is no class."""
    known = np.array([c.id for c in space.evaluated], np.int64)
    by_id = np.argsort(known)
    places = np.minimum(np.searchsorted(known[by_id], ids), len(known) - 1)
    rows = by_id[places]
    return np.where(known[rows] == ids, rows, -1)


def read_coco(path: Path, *, crowds: bool = True) -> CocoTruth:
    """Read a truth.

    Parameters
    ----------
    path : Path
        The JSON file.
    crowds : bool
        Whether each annotation must say if it is a crowd; LVIS has none, and says nothing.

    Returns
    -------
    CocoTruth
        The truth.

    Raises
    ------
    DatasetError
        When the file is no truth in the form of COCO, or contradicts itself.
    """
    file = str(path)
    if os.path.isdir(path):
        raise DatasetError("a folder", expected="a JSON file, as COCO's instances_val2017.json", file=file)
    try:
        data = read_regular(path, follow=True, most=LARGEST_JSON)
        columns = scan_truth(data)
    except SubmissionError as error:
        raise as_dataset_error(error).about(file) from None
    images = _listed(data, columns.images_span, "images", CocoImage, file)
    categories = _listed(data, columns.categories_span, "categories", CocoCategory, file)
    truth = CocoTruth(
        file,
        tuple(sorted(images, key=lambda image: image.id)),
        tuple(sorted(categories, key=lambda category: category.id)),
        columns,
        data,
    )
    _check(truth, crowds=crowds)
    return truth


def _listed(data: bytes, span: tuple[int, int], name: str, kind: type[Any], file: str) -> list[Any]:
    if span[0] < 0:
        raise DatasetError(f"no key {name!r}", expected="images, annotations and categories, as in COCO", file=file)
    try:
        return read_json_rows(data[span[0] : span[1]], kind)
    except BadParameter as error:
        raise DatasetError(f"{name}: {error.found}", expected=error.expected, file=file) from None


def _check(truth: CocoTruth, *, crowds: bool) -> None:
    columns, file = truth.columns, truth.file
    for what, ids in (("image", [i.id for i in truth.images]), ("category", [c.id for c in truth.categories])):
        twice = next((a for a, b in zip(ids, ids[1:], strict=False) if a == b), None)
        if twice is not None:
            raise DatasetError(f"{what} id {twice} twice", expected="each id once", file=file)
    bad = next((i for i in truth.images if not (0 < i.height < 1 << 31 and 0 < i.width < 1 << 31)), None)
    if bad is not None:
        raise DatasetError(f"image {bad.id} of {bad.height}×{bad.width} pixels", expected="a size", file=file)
    known_keys = [("id", columns.has_id), ("area", columns.has_area)]
    for name, has in [*known_keys, ("iscrowd", columns.has_crowd)] if crowds else known_keys:
        if not np.all(has):
            row = int(np.argmin(has))
            raise DatasetError(f"annotation {row + 1}: no key {name!r}", expected=f"a number as {name}", file=file)
    ordered = np.sort(columns.ids)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(repeated):
        raise DatasetError(f"annotation id {int(repeated[0])} twice", expected="each id once", file=file)
    truth._refuse(~np.isin(columns.image_ids, truth.ids), "an image_id that is no image", "the id of an image")
    known = np.array([category.id for category in truth.categories], np.int64)
    truth._refuse(~np.isin(columns.category_ids, known), "a category_id that is no category", "the id of a category")
