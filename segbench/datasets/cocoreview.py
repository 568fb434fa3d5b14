"""What is wrong with a truth in the JSON of COCO, and what is only odd: what moves scores and nobody sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.coco import CocoTruth
from segbench.datasets.cocomasks import BEYOND, runs_of
from segbench.errors import DatasetError
from segbench.frozen import dataclass
from segbench.kernels.recordcolumns import NO_MASK, POLYGONS, RUNS, STRING
from segbench.kernels.rle import RleFault, Runs, areas, boxes
from segbench.metrics.annotations import Flags, Floats, Integers

#: Examples told of each oddity, and damaged masks looked for before the rest is left.
EXAMPLES, MOST_FAULTS = 3, 20

#: Pixels by which a box may miss the mask's, and anything may lie beyond the image; share by which areas may differ.
#: Outlines are between pixels, so that none of these is exact in COCO itself.
_BOX_OFF, _AREA_OFF = 2.0, 0.05


@dataclass(frozen=True)
class Oddity:
    """Something odd.

    Parameters
    ----------
    name : str
        What it is called.
    meaning : str
        What was found, and what it means for scores.
    count : int
        How often.
    examples : tuple of str
        The first ones.
    """

    name: str
    meaning: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Review:
    """A truth that was looked through.

    Parameters
    ----------
    faults : tuple of DatasetError
        Damaged masks: with these no masks can be scored.
    oddities : tuple of Oddity
        What is odd, and can be scored all the same.
    """

    faults: tuple[DatasetError, ...]
    oddities: tuple[Oddity, ...]


def review(truth: CocoTruth) -> Review:
    """Look a truth through.

    Parameters
    ----------
    truth : CocoTruth
        A truth that could be read.

    Returns
    -------
    Review
        What is wrong and what is odd.
    """
    images = np.searchsorted(truth.ids, truth.columns.image_ids)
    rows, masks, faults = _decoded(truth, images)
    found = [*_as_written(truth), *_of_shapes(truth, images)]
    if masks is not None:
        found += _of_masks(truth, rows, masks)
    oddities = [_of_annotations(truth, *one) for one in found if one[2].any()]
    return Review(tuple(faults), (*oddities, *_of_lists(truth, images)))


_Found = tuple[str, str, Flags]


def _decoded(truth: CocoTruth, images: Integers) -> tuple[Integers, Runs | None, list[DatasetError]]:
    """Return the masks that can be read, the annotations they belong to, and what is wrong with the others."""
    columns, sizes = truth.columns, truth.sizes[images]
    has_size = (columns.kinds == STRING) | (columns.kinds == RUNS)
    wrong = has_size & (columns.sizes != sizes).any(axis=1)
    faults = [
        _fault(truth, row, f"a segmentation of {_size(columns.sizes[row])}", f"{_size(sizes[row])}, as its image")
        for row in np.flatnonzero(wrong)[:MOST_FAULTS].tolist()
    ]
    kinds = np.where(wrong, np.uint8(NO_MASK), columns.kinds)
    while (kinds != NO_MASK).any() and len(faults) <= MOST_FAULTS:
        try:
            masks = runs_of(replace(columns, kinds=kinds), truth.data, np.arange(len(kinds)), *sizes.T)
            return np.flatnonzero(kinds != NO_MASK), masks, faults
        except RleFault as error:
            faults.append(_fault(truth, error.index, error.found, error.expected))
            kinds = kinds.copy()
            kinds[error.index] = NO_MASK
    return np.zeros(0, np.int64), None, faults


def _fault(truth: CocoTruth, row: int, found: str, expected: str) -> DatasetError:
    what = f"annotation {row + 1} (id {int(truth.columns.ids[row])}): {found}"
    return DatasetError(what, expected=expected, file=truth.file)


def _size(pair: Integers) -> str:
    return f"{int(pair[0])}×{int(pair[1])} pixels"


def _as_written(truth: CocoTruth) -> Iterator[_Found]:
    columns = truth.columns
    crowd, limits = columns.crowd.astype(np.bool_), np.array([32.0**2, 96.0**2])
    yield "no mask", "no segmentation: such a truth has no AP of masks", columns.kinds == NO_MASK
    yield "no box", "no bbox: such a truth has no AP of boxes", ~columns.has_box
    yield "id 0", "officially whatever is matched with it is wrong", columns.ids == 0
    yield "ignore", "`ignore` without iscrowd has officially no effect on AP", (columns.ignore > 0) & ~crowd
    yield "crowd in polygons", "a crowd has run lengths in COCO: is iscrowd right?", crowd & (columns.kinds == POLYGONS)
    yield "area on a limit", "exactly 32² or 96²: counts as both sizes", np.isin(columns.areas, limits)
    yield "no area", "an area of 0 or less", columns.areas <= 0
    flat = columns.has_box & ((columns.boxes[:, 2] <= 0) | (columns.boxes[:, 3] <= 0))
    yield "flat box", "a box without width or height, which nothing can match", flat
    yield "twice", "same image, class and box as an earlier one: only one of them can be found", _repeated(truth)


def _repeated(truth: CocoTruth) -> Flags:
    """Return which annotations have image, class and box of an earlier one; crowds are not looked at."""
    columns = truth.columns
    rows = np.flatnonzero(columns.has_box & (columns.crowd == 0))
    keys = np.column_stack([columns.image_ids[rows], columns.category_ids[rows], columns.boxes[rows]])
    _, firsts = np.unique(keys, axis=0, return_index=True)
    repeated = np.zeros(len(columns), np.bool_)
    repeated[np.delete(rows, firsts)] = True
    return repeated


def _of_shapes(truth: CocoTruth, images: Integers) -> Iterator[_Found]:
    columns = truth.columns
    limits = truth.sizes[images][:, ::-1].astype(np.float64)
    low, high = columns.boxes[:, :2], columns.boxes[:, :2] + columns.boxes[:, 2:]
    with np.errstate(invalid="ignore"):
        beyond = np.any((low < -BEYOND) | (high > limits + BEYOND), axis=1)
    corners = _corners(truth)
    out = (corners.points < -BEYOND) | (corners.points > limits[corners.rows] + BEYOND)
    beyond[corners.rows[out.any(axis=1)]] = True
    yield "outside", "a box or polygon more than a pixel beyond the image", beyond
    counts = np.diff(columns.polygon_offsets)
    of_polygons = np.repeat(np.arange(len(columns)), np.diff(columns.annotation_polygons))
    tiny = np.zeros(len(columns), np.bool_)
    tiny[of_polygons[corners.enclosed(len(counts)) < 1]] = True
    yield "tiny polygon", "a polygon around less than one pixel", tiny


@dataclass(frozen=True)
class _Corners:
    """The points of all polygons: the polygon and the annotation of each, and where the next one is."""

    points: Floats
    polygons: Integers
    rows: Integers
    following: Integers

    def enclosed(self, n: int) -> Floats:
        """Return the area of each of the `n` polygons."""
        # From the first point of the annotation, so that what is far from the origin is as exact.
        _, firsts = np.unique(self.rows, return_index=True)
        origins = self.points[firsts[np.searchsorted(self.rows[firsts], self.rows)]]
        x, y = (self.points - origins).T
        cross = x * y[self.following] - x[self.following] * y
        return np.abs(np.bincount(self.polygons, cross, minlength=n)) / 2


def _corners(truth: CocoTruth) -> _Corners:
    columns = truth.columns
    starts, counts = columns.polygon_offsets[:-1], np.diff(columns.polygon_offsets) // 2
    polygons = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    places = np.arange(len(polygons)) - (ends - counts)[polygons]
    points = columns.points[(starts[polygons] + 2 * places)[:, None] + [0, 1]]
    following = np.where(places + 1 < counts[polygons], np.arange(len(polygons)) + 1, (ends - counts)[polygons])
    of_polygons = np.repeat(np.arange(len(columns)), np.diff(columns.annotation_polygons))
    return _Corners(points, polygons, of_polygons[polygons], following)


def _of_masks(truth: CocoTruth, rows: Integers, masks: Runs) -> Iterator[_Found]:
    columns, pixels, corners = truth.columns, areas(masks).astype(np.float64), boxes(masks)
    yield "empty mask", "a mask without a pixel, which nothing can match", _flagged(truth, rows, pixels == 0)
    gap, around = np.abs(columns.areas[rows] - pixels), corners[:, 2] + corners[:, 3]
    differs = (pixels > 0) & (gap > around) & (gap > _AREA_OFF * pixels)
    yield "other area", "an area more than 5 % off the mask's: it decides on the size", _flagged(truth, rows, differs)
    edges = [np.column_stack([b[:, :2], b[:, :2] + b[:, 2:]]) for b in (columns.boxes[rows], corners)]
    off = np.abs(edges[0] - edges[1]).max(axis=1, initial=0)
    differs = columns.has_box[rows] & (pixels > 0) & (off > _BOX_OFF)
    yield "other box", "a side more than two pixels off the mask's box", _flagged(truth, rows, differs)


def _flagged(truth: CocoTruth, rows: Integers, flags: NDArray[np.bool_]) -> Flags:
    flagged = np.zeros(len(truth.columns), np.bool_)
    flagged[rows[flags]] = True
    return flagged


def _of_annotations(truth: CocoTruth, name: str, meaning: str, flags: Flags) -> Oddity:
    columns, rows = truth.columns, np.flatnonzero(flags)
    examples = (f"annotation {columns.ids[i]} of image {columns.image_ids[i]}" for i in rows[:EXAMPLES].tolist())
    return Oddity(name, meaning, len(rows), tuple(examples))


def _of_lists(truth: CocoTruth, images: Integers) -> Iterator[Oddity]:
    """Yield what has no annotation."""
    used = set(truth.columns.category_ids.tolist())
    categories = [category.name for category in truth.categories if category.id not in used]
    yield from _unused("empty category", "a category without annotation is no part of any mean", categories)
    empty = np.flatnonzero(np.bincount(images, minlength=len(truth.images)) == 0).tolist()
    names = [f"image {truth.images[i].id}" for i in empty]
    yield from _unused("empty image", "an image without annotation: whatever is detected there is wrong", names)


def _unused(name: str, meaning: str, found: Sequence[str]) -> Iterator[Oddity]:
    if found:
        yield Oddity(name, meaning, len(found), tuple(found[:EXAMPLES]))
