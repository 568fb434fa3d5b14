"""Masks as runs, checked so that loops may follow their offsets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, ShapeMismatch
from segbench.kernels.groups import Groups, as_column, as_offsets

if TYPE_CHECKING:
    from segbench.kernels.rle import Runs


class MaskRuns(NamedTuple):
    """The arrays of `Runs`, of the dtypes that loops take.

    Attributes
    ----------
    counts : ndarray of uint32
        Run lengths of all masks, background first.
    offsets : ndarray of int64, shape (n + 1,)
        Where the runs of each mask begin.
    sizes : ndarray of int64, shape (n, 2)
        Height and width.
    rows : ndarray of int64, shape (n_rows,)
        Which mask each row is.
    """

    counts: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    rows: NDArray[np.int64]

    def run(self, row: int) -> list[int]:
        """Return the run lengths of the mask of a `row`, at least one."""
        i = self.rows[row]
        return self.counts[self.offsets[i] : self.offsets[i + 1]].tolist() or [0]

    def size(self, row: int) -> tuple[int, int]:
        """Return height and width of the mask of a `row`."""
        return int(self.sizes[self.rows[row], 0]), int(self.sizes[self.rows[row], 1])

    def lengths(self) -> NDArray[np.int64]:
        """Return how many runs each row has."""
        lengths: NDArray[np.int64] = np.diff(self.offsets)[self.rows]
        return lengths


def as_mask_runs(runs: Runs, rows: Any = None, *, name: str) -> MaskRuns:
    """Return checked masks.

    Parameters
    ----------
    runs : Runs
        The masks; that their runs add up to their sizes is not checked.
    rows : array_like of int, shape (n_rows,), optional
        Which mask each row is; by default each mask is a row.
    name : str
        What to call them in an error.

    Returns
    -------
    MaskRuns
        The same counts, and private copies of the offsets and sizes.

    Raises
    ------
    BadParameter
        When offsets fall or do not span the counts, a size is not positive, or a row is none of the masks.
    """
    offsets = as_offsets(runs.offsets, len(runs.counts), name=f"{name}.offsets")
    n = (len(offsets) - 1,)
    sides = [as_column(side, "int64", n, name=name) for side in (runs.heights, runs.widths)]
    sizes = np.stack(sides, axis=1)
    if (sizes < 1).any():
        raise BadParameter(f"{name} holds a mask without pixels", expected="heights and widths from 1")
    counts = np.ascontiguousarray(runs.counts, np.uint32)
    return MaskRuns(counts, offsets, sizes, _as_rows(rows, len(sizes), name))


def _as_rows(rows: Any, n: int, name: str) -> NDArray[np.int64]:
    if rows is None:
        return np.arange(n)
    # A private copy: loops follow it.
    chosen = np.array(as_column(rows, "int64", (-1,), name=f"{name}_rows"))
    if len(chosen) and (chosen.min() < 0 or chosen.max() >= n):
        raise BadParameter(f"{name}_rows from {chosen.min()} to {chosen.max()}", expected=f"rows of {n} masks")
    return chosen


def refuse_sizes(truths: MaskRuns, predictions: MaskRuns, groups: Groups) -> None:
    """Refuse masks of one group that differ in size.

    Parameters
    ----------
    truths, predictions : MaskRuns
        The masks.
    groups : Groups
        Their groups.

    Raises
    ------
    ShapeMismatch
        For the first such pair.
    """
    for t, p in groups.pairs():
        if truths.size(t) != predictions.size(p):
            raise ShapeMismatch(
                "prediction {} of {}×{} pixels (height × width)".format(p, *predictions.size(p)),
                expected="{}×{}, as truth {}".format(*truths.size(t), t),
            )
