"""The records of COCO files as columns: one array a key, one row a record."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass

Integers: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bytes: TypeAlias = NDArray[np.uint8]
Flags: TypeAlias = NDArray[np.bool_]

#: What a record says of its mask: nothing, a compressed string, a list of run lengths, or polygons.
NO_MASK, STRING, RUNS, POLYGONS = range(4)


@dataclass(frozen=True)
class RecordColumns:
    """What detections and true instances share; positions are bytes from the beginning of the data.

    Parameters
    ----------
    starts : ndarray of int64, shape (n,)
        Where each record begins.
    image_ids, category_ids : ndarray of int64, shape (n,)
        Ids as the file has them, at most 2**53 from zero.
    boxes : ndarray of float64, shape (n, 4)
        Left, top, width and height, finite; NaN where a record has no box.
    has_box : ndarray of bool, shape (n,)
        Whether there is a box.
    kinds : ndarray of uint8, shape (n,)
        0 no mask, 1 a compressed string, 2 a list of run lengths, 3 polygons.
    counts_starts, counts_lengths : ndarray of int64, shape (n,)
        Where the inside of the string lies that a mask of kind 1 is written in; -1 and 0 for the others.
    escaped : ndarray of uint8, shape (n,)
        1 where that string holds a backslash, and so is not what it stands for.
    sizes : ndarray of int64, shape (n, 2)
        Height and width of masks of kinds 1 and 2, as written; -1 for the others.
    list_counts : ndarray of int64, shape (runs,)
        The run lengths of all masks of kind 2, one after another, none negative.
    list_offsets : ndarray of int64, shape (n + 1,)
        Where those of each record begin, and where the last ones end.
    points : ndarray of float64, shape (numbers,)
        The coordinates x, y, x, y … of all polygons, finite; nothing is known of how many a polygon has.
    polygon_offsets : ndarray of int64, shape (polygons + 1,)
        Where those of each polygon begin.
    annotation_polygons : ndarray of int64, shape (n + 1,)
        Where the polygons of each record begin.
    """

    starts: Integers
    image_ids: Integers
    category_ids: Integers
    boxes: Floats
    has_box: Flags
    kinds: Bytes
    counts_starts: Integers
    counts_lengths: Integers
    escaped: Bytes
    sizes: Integers
    list_counts: Integers
    list_offsets: Integers
    points: Floats
    polygon_offsets: Integers
    annotation_polygons: Integers

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True)
class ResultColumns(RecordColumns):
    """Detections, in the order of the file.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        How sure the detector is, finite.
    """

    scores: Floats


@dataclass(frozen=True)
class TruthColumns(RecordColumns):
    """True instances, in the order of the file, and where the rest of the file lies.

    Parameters
    ----------
    ids : ndarray of int64, shape (n,)
        The instance's own id; 0 where there is none.
    areas : ndarray of float64, shape (n,)
        The area as written, finite; NaN where there is none.
    crowd, ignore : ndarray of uint8, shape (n,)
        What ``iscrowd`` and ``ignore`` say, 0 or 1; 0 where they say nothing.
    has_id, has_area, has_crowd : ndarray of bool, shape (n,)
        Whether there is such a key.
    images_span, categories_span : tuple of int
        Where the values of ``images`` and ``categories`` begin and end; (-1, -1) where there is no such key.
    """

    ids: Integers
    areas: Floats
    crowd: Bytes
    ignore: Bytes
    has_id: Flags
    has_area: Flags
    has_crowd: Flags
    images_span: tuple[int, int]
    categories_span: tuple[int, int]
