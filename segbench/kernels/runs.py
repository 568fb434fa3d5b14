"""Masks as runs, and what can be wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter
from segbench.kernels.groups import as_column, as_offsets

Counts = NDArray[np.uint32]
Integers = NDArray[np.int64]

#: Pixels of a mask at most: a run fits into 32 bits.
MOST_PIXELS = 2**32 - 1

#: Coordinates are at most this far from 0: five times as much fits into 32 bits.
LARGEST_COORDINATE = 1e8


@dataclass(frozen=True)
class Runs:
    """Masks of any number of images as runs of pixels, in column-major order, background and foreground by turns.

    Parameters
    ----------
    counts : ndarray of uint32, shape (n_counts,)
        Lengths of the runs of all masks, one mask after the other; the first one of each mask is background and may
        be 0.
    offsets : ndarray of int64, shape (n + 1,)
        Where the runs of each mask begin.
    heights, widths : ndarray of int64, shape (n,)
        Size of each mask.
    """

    counts: Counts
    offsets: Integers
    heights: Integers
    widths: Integers

    def __len__(self) -> int:
        return len(self.heights)


class RleFault(ValueError):
    """Run lengths or a polygon that are no mask.

    Parameters
    ----------
    index : int
        Which mask.
    found, expected : str
        What is wrong with it, and what would be right.
    """

    def __init__(self, index: int, found: str, expected: str) -> None:
        super().__init__(index, found, expected)
        self.index = index
        self.found = found
        self.expected = expected


_REASONS = {
    1: ("a character that no run length has", "the alphabet of COCO, from 0 to o"),
    2: ("a string that ends within a run length", "a whole string"),
    3: ("a negative run length", "run lengths from 0 up"),
    4: ("run lengths of more than the {pixels} pixels of its image", "run lengths that add up to height × width"),
    5: ("run lengths of fewer than the {pixels} pixels of its image", "run lengths that add up to height × width"),
    6: ("no run length", "run lengths that add up to height × width"),
}


def refuse(index: int, reason: int, pixels: Integers) -> None:
    """Raise the fault of a mask, where there is one.

    Parameters
    ----------
    index : int
        Which mask; -1 where none is at fault.
    reason : int
        What is wrong, as `rle.h` numbers it.
    pixels : ndarray of int64, shape (n,)
        How many pixels each mask has.

    Raises
    ------
    RleFault
        For an index from 0.
    """
    if index >= 0:
        found, expected = _REASONS[reason]
        raise RleFault(index, found.format(pixels=int(pixels[index])), expected)


def refuse_polygons(points: NDArray[np.float64], begins: Integers, groups: Integers) -> None:
    """Raise the fault of the first mask without polygons, or of the first polygon that is none, where there is one.

    Parameters
    ----------
    points : ndarray of float64, shape (n_numbers,)
        x, y, x, y … of all polygons.
    begins : ndarray of int64, shape (n_polygons + 1,)
        Where each polygon begins.
    groups : ndarray of int64, shape (n + 1,)
        Where the polygons of each mask begin.

    Raises
    ------
    RleFault
        With the mask's index.
    """
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


def as_sizes(heights: Any, widths: Any, n: int) -> tuple[Integers, Integers, Integers]:
    """Return the sizes of masks, as private copies.

    Parameters
    ----------
    heights, widths : array_like of int, shape (n,)
        Size of each mask.
    n : int
        How many masks there are.

    Returns
    -------
    heights, widths, pixels : ndarray of int64, shape (n,)
        The sizes, and their products.

    Raises
    ------
    BadParameter
        When they are no numbers, or another number of them.
    RleFault
        For a size that no mask has.
    """
    rows, columns = (as_column(side, "int64", (n,), name=name).copy() for side, name in _named(heights, widths))
    # As floats, which do not overflow.
    wrong = (rows < 1) | (columns < 1) | (rows.astype(np.float64) * columns > MOST_PIXELS)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise RleFault(i, f"a mask of {rows[i]}×{columns[i]} pixels", f"from 1 to {MOST_PIXELS} pixels")
    return rows, columns, rows * columns


def _named(heights: Any, widths: Any) -> tuple[tuple[Any, str], tuple[Any, str]]:
    return (heights, "heights"), (widths, "widths")


def as_spans(starts: Any, lengths: Any, size: int) -> tuple[Integers, Integers]:
    """Return where pieces of data begin and how long they are, checked, as private copies.

    The loops go where they say while other threads run.

    Parameters
    ----------
    starts, lengths : array_like of int, shape (n,)
        The pieces, in bytes.
    size : int
        How many bytes there are.

    Returns
    -------
    starts, lengths : ndarray of int64, shape (n,)
        The same.

    Raises
    ------
    BadParameter
        When a piece lies outside.
    """
    first = as_column(starts, "int64", (-1,), name="starts").copy()
    long = as_column(lengths, "int64", (len(first),), name="lengths").copy()
    if ((first < 0) | (long < 0) | (first > size) | (long > size - first)).any():
        raise BadParameter("a piece outside of the data", expected="starts and lengths within it")
    return first, long


def loose(runs: Runs) -> tuple[Counts, Integers]:
    """Return counts and offsets as loops take them.

    Parameters
    ----------
    runs : Runs
        The masks.

    Returns
    -------
    counts : ndarray of uint32
        The same memory where it is as wanted.
    offsets : ndarray of int64, shape (n + 1,)
        Checked, and a private copy.

    Raises
    ------
    BadParameter
        When offsets do not fit.
    """
    offsets = as_offsets(runs.offsets, len(runs.counts), name="offsets")
    if len(offsets) != len(runs) + 1:
        raise BadParameter(f"{len(offsets)} offsets and {len(runs)} masks", expected="one offset more")
    return np.ascontiguousarray(runs.counts, np.uint32), offsets


def concatenate(parts: list[Runs]) -> Runs:
    """Return the masks of all `parts`, one after the other."""
    if len(parts) == 1:
        return parts[0]
    lengths = np.concatenate([np.zeros(0, np.int64), *(np.diff(part.offsets) for part in parts)])
    return Runs(
        np.concatenate([np.zeros(0, np.uint32), *(part.counts for part in parts)]),
        starts_of(lengths),
        np.concatenate([np.zeros(0, np.int64), *(part.heights for part in parts)]),
        np.concatenate([np.zeros(0, np.int64), *(part.widths for part in parts)]),
    )


def select(runs: Runs, rows: Any) -> Runs:
    """Return some masks.

    Parameters
    ----------
    runs : Runs
        The masks.
    rows : array_like of int
        Which of them, in which order.

    Returns
    -------
    Runs
        Those; their counts are not copied where they follow one another.

    Raises
    ------
    BadParameter
        When a row is none of the masks.
    """
    chosen = as_column(rows, "int64", (-1,), name="rows")
    if len(chosen) and (chosen.min() < 0 or chosen.max() >= len(runs)):
        raise BadParameter(f"rows from {chosen.min()} to {chosen.max()}", expected=f"rows of {len(runs)} masks")
    lengths = np.diff(runs.offsets)[chosen]
    offsets = starts_of(lengths)
    if _is_span(chosen):
        first = int(chosen[0]) if len(chosen) else 0
        counts = runs.counts[runs.offsets[first] : runs.offsets[first + len(chosen)]]
    else:
        counts = runs.counts[np.repeat(runs.offsets[chosen] - offsets[:-1], lengths) + np.arange(offsets[-1])]
    return Runs(counts, offsets, runs.heights[chosen], runs.widths[chosen])


def _is_span(rows: Integers) -> bool:
    """Return whether rows are one after the other: then nothing need be copied."""
    return not len(rows) or bool(rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all())


def starts_of(lengths: Integers) -> Integers:
    """Return where slices of some `lengths` begin, and where the last one ends."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
