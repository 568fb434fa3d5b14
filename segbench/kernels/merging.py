"""Unions and intersections of masks as runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from segbench.errors import BadParameter, KernelsNotBuilt, ShapeMismatch
from segbench.kernels.groups import as_offsets
from segbench.kernels.runs import Runs, loose

try:
    import segbench.kernels._rle as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error


def merge(runs: Runs, *, intersect: bool = False) -> Runs:
    """Return the union, or the intersection, of all masks as one.

    Parameters
    ----------
    runs : Runs
        At least one, all of one size.
    intersect : bool
        Whether it is the intersection.

    Returns
    -------
    Runs
        One mask.

    Raises
    ------
    ShapeMismatch
        When sizes differ.
    BadParameter
        For no mask.

    Notes
    -----
    O(runs) for each mask. The same runs as ``merge`` of pycocotools for masks without runs of length 0, but for the
    first. With such runs it is the same mask, and has none of them itself; only where two masks have them in the same
    place the official tool stops, and what it returns has fewer pixels than its size.
    """
    return merge_groups(runs, [0, len(runs)], intersect=intersect)


def merge_groups(runs: Runs, offsets: Any, *, intersect: bool = False) -> Runs:
    """Return the union, or the intersection, of the masks of each group; of one mask, the mask as it is.

    Parameters
    ----------
    runs : Runs
        The masks.
    offsets : array_like of int, shape (n_groups + 1,)
        First mask of each group.
    intersect : bool
        Whether it is the intersection.

    Returns
    -------
    Runs
        A mask for each group.

    Raises
    ------
    ShapeMismatch
        When sizes differ within a group.
    BadParameter
        For a group without a mask.
    """
    groups = as_offsets(offsets, len(runs), name="offsets")
    if (np.diff(groups) == 0).any():
        raise BadParameter("a group without masks", expected="at least one mask in each")
    heights, widths = runs.heights[groups[:-1]], runs.widths[groups[:-1]]
    own = np.repeat(np.arange(len(groups) - 1), np.diff(groups))
    if (runs.heights != heights[own]).any() or (runs.widths != widths[own]).any():
        raise ShapeMismatch("masks of several sizes", expected="one size in a group")
    counts, begins = loose(runs)
    room = int(np.diff(begins[groups]).max(initial=0)) + 1
    merged = np.empty(len(counts) + len(groups), np.uint32)
    ends = np.empty(len(groups), np.int64)
    _loops.unite(counts, begins, groups, intersect, np.empty((2, room), np.uint32), merged, ends)
    return Runs(merged[: int(ends[-1])].copy(), ends, heights, widths)
