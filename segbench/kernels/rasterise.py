"""Polygons drawn as masks by the rule of COCO."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import KernelsNotBuilt
from segbench.kernels.groups import as_column, as_offsets
from segbench.kernels.rle import merge_groups
from segbench.kernels.runs import Integers, RleFault, Runs, as_sizes, starts_of

try:
    import segbench.kernels._rle as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error

#: Coordinates are at most this far from 0: five times as much fits into 32 bits.
LARGEST_COORDINATE = 1e8

#: Counts that are drawn at a time.
_ROOM = 1 << 20


def rasterise(points: Any, polygon_offsets: Any, annotation_offsets: Any, heights: Any, widths: Any) -> Runs:
    """Draw polygons as masks.

    Vertices are corners of pixels, rounded to fifths; a pixel is inside where the middle of its column crosses the
    outline an odd number of times above it. What lies outside of the image is cut off.

    Parameters
    ----------
    points : array_like of float, shape (n_numbers,)
        x, y, x, y … of all polygons, one after the other.
    polygon_offsets : array_like of int, shape (n_polygons + 1,)
        Where each polygon begins; an odd number at its end is passed over.
    annotation_offsets : array_like of int, shape (n + 1,)
        Where the polygons of each mask begin; a mask is their union.
    heights, widths : array_like of int, shape (n,)
        Size of each mask.

    Returns
    -------
    Runs
        The masks.

    Raises
    ------
    RleFault
        For a mask without polygons, a polygon of less than two points, or a coordinate that is not finite or too
        large.
    BadParameter
        When offsets do not fit.

    Notes
    -----
    O(edges + columns that they cross). The same bits as ``frPyObjects`` and ``merge`` of pycocotools, also of
    polygons that cross themselves, where inside and outside alternate.
    """
    flat = as_column(points, "float64", (-1,), name="points")
    begins = as_offsets(polygon_offsets, len(flat), name="polygon_offsets")
    groups = as_offsets(annotation_offsets, len(begins) - 1, name="annotation_offsets")
    rows, columns, _ = as_sizes(heights, widths, len(groups) - 1)
    _check(flat, begins, groups)
    own = np.repeat(np.arange(len(rows)), np.diff(groups))
    drawn = _drawn(flat, begins, np.stack([rows[own], columns[own]], axis=1))
    if len(own) == len(rows):
        return drawn
    return merge_groups(drawn, groups)


def _check(points: NDArray[np.float64], begins: Integers, groups: Integers) -> None:
    empty, short = np.diff(groups) == 0, np.diff(begins) < 4
    if empty.any():
        raise RleFault(int(np.argmax(empty)), "a mask without polygons", "at least one")
    if short.any():
        i = int(np.argmax(short))
        found = f"a polygon of {int(np.diff(begins)[i])} numbers"
        raise RleFault(_owner(groups, i), found, "x, y of at least two points")
    far = ~(np.abs(points) <= LARGEST_COORDINATE)
    if far.any():
        number = int(np.argmax(far))
        polygon = int(np.searchsorted(begins, number, side="right")) - 1
        raise RleFault(_owner(groups, polygon), f"the coordinate {points[number]:g}", "a place near the image")


def _owner(groups: Integers, polygon: int) -> int:
    return int(np.searchsorted(groups, polygon, side="right")) - 1


def _drawn(points: NDArray[np.float64], begins: Integers, sizes: Integers) -> Runs:
    n = len(begins) - 1
    most = np.empty(n, np.int64)
    _loops.most_crossings(points, begins, np.ascontiguousarray(sizes[:, 1]), most)
    work = np.empty((3, int(most.max(initial=0)) + 1), np.int64)
    scratch = np.empty(int(sizes[:, 1].max(initial=0)) + 2, np.int64)
    room, ends = max(_ROOM, 2 * (work.shape[1] + 2)), np.empty(n, np.int64)
    parts: list[NDArray[np.uint32]] = []
    lengths: list[Integers] = []
    first = 0
    while first < n:
        counts = np.empty(room, np.uint32)
        last = _loops.draw(points, begins, sizes, work, scratch, counts, ends, first)
        parts.append(counts[: ends[last - 1]].copy())
        lengths.append(np.diff(ends[first:last], prepend=0))
        first = last
    offsets = starts_of(np.concatenate([np.zeros(0, np.int64), *lengths]))
    return Runs(np.concatenate([np.zeros(0, np.uint32), *parts]), offsets, sizes[:, 0].copy(), sizes[:, 1].copy())
