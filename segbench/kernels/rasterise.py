"""Polygons drawn as masks by the rule of COCO."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import KernelsNotBuilt, ResourceError
from segbench.kernels.groups import as_column, as_offsets
from segbench.kernels.merging import merge_groups
from segbench.kernels.runs import Integers, Runs, as_sizes, refuse_polygons, starts_of

try:
    import segbench.kernels._rle as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error

#: Crossings of edges with columns of pixels that a polygon may have: 800 MB of work.
MOST_CROSSINGS = 2**25

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
    ResourceError
        For a polygon whose edges cross columns more than 2**25 times.

    Notes
    -----
    O(edges + columns that they cross). The same bits as ``frPyObjects`` and ``merge`` of pycocotools, also of
    polygons that cross themselves, where inside and outside alternate.
    """
    # A copy, which no other thread changes between counting and drawing.
    flat = as_column(points, "float64", (-1,), name="points").copy()
    begins = as_offsets(polygon_offsets, len(flat), name="polygon_offsets")
    groups = as_offsets(annotation_offsets, len(begins) - 1, name="annotation_offsets")
    rows, columns, _ = as_sizes(heights, widths, len(groups) - 1)
    refuse_polygons(flat, begins, groups)
    own = np.repeat(np.arange(len(rows)), np.diff(groups))
    drawn = _drawn(flat, begins, np.stack([rows[own], columns[own]], axis=1))
    if len(own) == len(rows):
        return drawn
    return merge_groups(drawn, groups)


def _drawn(points: NDArray[np.float64], begins: Integers, sizes: Integers) -> Runs:
    n = len(begins) - 1
    most = np.empty(n, np.int64)
    _loops.most_crossings(points, begins, np.ascontiguousarray(sizes[:, 1]), most)
    if most.max(initial=0) > MOST_CROSSINGS:
        raise ResourceError(
            f"a polygon whose edges pass {most.max()} columns of pixels, counted for each edge",
            expected=f"at most {MOST_CROSSINGS}",
        )
    work = np.empty((3, int(most.max(initial=0)) + 1), np.int64)
    scratch = np.empty(work.shape[1] + 2, np.int64)
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
