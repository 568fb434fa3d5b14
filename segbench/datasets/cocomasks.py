"""The masks of COCO files, from strings, lists of run lengths and polygons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import SegbenchError
from segbench.frozen import dataclass
from segbench.kernels.rasterise import rasterise
from segbench.kernels.recordcolumns import POLYGONS, RUNS, STRING, RecordColumns
from segbench.kernels.rle import RleFault, Runs, concatenate, decode_strings, from_counts, select
from segbench.metrics.annotations import Flags, Integers

#: What lies farther out than this, in pixels, is beyond the image; less may be a matter of rounding.
BEYOND = 1.0


@dataclass(frozen=True)
class CocoMasks:
    """The masks of a file, decoded some at a time.

    Parameters
    ----------
    columns : RecordColumns
        The records; each has a segmentation.
    data : bytes
        The file.
    heights, widths : ndarray of int64, shape (n,)
        Size of each mask.
    fault : callable
        Returns the error for a record, what was found and what was expected.
    """

    columns: RecordColumns
    data: bytes
    heights: Integers
    widths: Integers
    fault: Callable[[int, str, str], SegbenchError]

    def take(self, rows: Integers) -> Runs:
        """Return the masks of some `rows`, in their order."""
        try:
            return runs_of(self.columns, self.data, rows, self.heights[rows], self.widths[rows])
        except RleFault as error:
            raise self.fault(int(rows[error.index]), error.found, error.expected) from None


def runs_of(columns: RecordColumns, data: bytes, rows: Integers, heights: Integers, widths: Integers) -> Runs:
    """Return the masks of some records that the scanner has read.

    Parameters
    ----------
    columns : RecordColumns
        The records; each has a segmentation.
    data : bytes
        The file.
    rows : ndarray of int64, shape (n,)
        Which records.
    heights, widths : ndarray of int64, shape (n,)
        Size of each of these masks.

    Returns
    -------
    Runs
        The masks, in the order of `rows`.

    Raises
    ------
    RleFault
        For run lengths or polygons that are none; `index` is the place among `rows`.
    """
    parts: list[Runs] = []
    places_of: list[Integers] = []
    kinds = columns.kinds[rows]
    readers: tuple[tuple[int, Callable[..., Runs]], ...] = ((STRING, _strings), (RUNS, _lists), (POLYGONS, _polygons))
    for kind, read in readers:
        places = np.flatnonzero(kinds == kind)
        if len(places):
            try:
                parts.append(read(columns, data, rows[places], heights[places], widths[places]))
            except RleFault as error:
                raise RleFault(int(places[error.index]), error.found, error.expected) from None
            places_of.append(places)
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(np.concatenate([*places_of, np.zeros(0, np.int64)]), kind="stable")
    return select(concatenate(parts), order)


def _strings(columns: RecordColumns, data: bytes, rows: Integers, heights: Integers, widths: Integers) -> Runs:
    starts, lengths = columns.counts_starts[rows], columns.counts_lengths[rows]
    return decode_strings(data, starts, lengths, heights, widths, escaped=columns.escaped[rows])


def _lists(columns: RecordColumns, data: bytes, rows: Integers, heights: Integers, widths: Integers) -> Runs:
    counts, offsets = _ragged(columns.list_counts, columns.list_offsets, rows)
    return from_counts(counts, offsets, heights, widths)


def _polygons(columns: RecordColumns, data: bytes, rows: Integers, heights: Integers, widths: Integers) -> Runs:
    polygons, annotation_offsets = _ragged(
        np.arange(len(columns.polygon_offsets) - 1), columns.annotation_polygons, rows
    )
    points, polygon_offsets = _ragged(columns.points, columns.polygon_offsets, polygons)
    empty = np.flatnonzero(np.diff(annotation_offsets) == 0)
    if len(empty):
        raise RleFault(int(empty[0]), "a segmentation without polygons", "at least one polygon")
    sizes = np.diff(polygon_offsets)
    # The official tool drops a number that is left over: what the others say is not known then.
    wrong = np.flatnonzero((sizes < 6) | (sizes % 2 == 1))
    if len(wrong):
        row = int(np.searchsorted(annotation_offsets, wrong[0], side="right")) - 1
        raise RleFault(row, f"a polygon of {sizes[wrong[0]]} numbers", "at least 6, x and y of each point")
    return rasterise(points, polygon_offsets, annotation_offsets, heights, widths)


def reaching_out(columns: RecordColumns, sizes: Integers) -> Flags:
    """Return which records have a polygon that reaches out of its image.

    Parameters
    ----------
    columns : RecordColumns
        The records; their polygons have been drawn, and so have points.
    sizes : ndarray of int64, shape (n, 2)
        Height and width of the image of each.

    Returns
    -------
    ndarray of bool, shape (n,)
        Whether a point is more than a pixel beyond the image, which is more than rounding.
    """
    found = np.zeros(len(columns), np.bool_)
    if len(columns.points):
        starts = columns.polygon_offsets[:-1] // 2
        rows = np.repeat(np.arange(len(columns)), np.diff(columns.annotation_polygons))
        for axis, side in ((0, 1), (1, 0)):
            places = columns.points[axis::2]
            far = np.maximum.reduceat(places, starts) > sizes[rows, side] + BEYOND
            found[rows[far | (np.minimum.reduceat(places, starts) < -BEYOND)]] = True
    return found


def _ragged(flat: NDArray[Any], offsets: Integers, rows: Integers) -> tuple[NDArray[Any], Integers]:
    """Return some rows of a table of rows of different lengths, and where each begins."""
    first = int(rows[0]) if len(rows) else 0
    if len(rows) and rows[-1] - first == len(rows) - 1 and (np.diff(rows) == 1).all():
        # One after the other: nothing need be gathered.
        begins = offsets[first : first + len(rows) + 1]
        return flat[begins[0] : begins[-1]], begins - begins[0]
    lengths = np.diff(offsets)[rows]
    taken = np.concatenate([[0], np.cumsum(lengths)])
    places = np.arange(taken[-1]) - np.repeat(taken[:-1] - offsets[:-1][rows], lengths)
    return flat[places], taken
