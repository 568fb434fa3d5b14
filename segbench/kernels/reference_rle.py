"""Masks as runs again, in plain Python and NumPy: for reading, and for holding the loops to them.

Unions and boxes are made of pixels, and polygons walk every point of the fine grid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, ShapeMismatch
from segbench.kernels.groups import as_column, as_offsets
from segbench.kernels.runs import Integers, Runs, as_sizes, as_spans, loose, refuse, refuse_polygons

CHARACTER, CUT, NEGATIVE, LONG, SHORT, EMPTY = range(1, 7)

#: Groups of 5 bits that a count may have.
MOST_GROUPS = 12


def decode_strings(data: Any, starts: Any, lengths: Any, heights: Any, widths: Any, *, escaped: Any = None) -> Runs:
    """Decode compressed strings."""
    text = bytes(data)
    first, long = as_spans(starts, lengths, len(text))
    rows, columns, pixels = as_sizes(heights, widths, len(first))
    flags = as_column(np.zeros(len(first), bool) if escaped is None else escaped, "bool", first.shape, name="escaped")
    masks = []
    for i, (start, n) in enumerate(zip(first.tolist(), long.tolist(), strict=True)):
        string = text[start : start + n]
        counts, reason = _counts(_unescaped(string) if flags[i] else string, int(pixels[i]))
        refuse(i if reason else -1, reason, pixels)
        masks.append(counts)
    return _runs(masks, rows, columns)


def _unescaped(string: bytes) -> bytes:
    if re.fullmatch(rb"(?:[^\\]|\\\\)*", string, re.DOTALL):
        return string.replace(b"\\\\", b"\\")
    try:
        return str(json.loads(b'"' + string + b'"')).encode("utf-8", "surrogatepass")
    except ValueError:
        return string


def _counts(string: bytes, pixels: int) -> tuple[list[int], int]:
    """Return the counts of a string, and why it is no mask, or 0."""
    counts: list[int] = []
    characters = iter(string)
    for character in characters:
        value, reason = _value(character - 48, characters)
        value += counts[-2] if len(counts) > 2 else 0
        reason = reason or (NEGATIVE if value < 0 else LONG if value + sum(counts) > pixels else 0)
        if reason:
            return counts, reason
        counts.append(value)
    return counts, EMPTY if not counts else SHORT if sum(counts) < pixels else 0


def _value(code: int, others: Iterator[int]) -> tuple[int, int]:
    """Return a number that begins with a character's code, and why it is none, or 0."""
    groups = [code]
    while groups[-1] not in range(32):
        following = next(others, None)
        if groups[-1] not in range(64):
            return 0, CHARACTER
        if following is None:
            return 0, CUT
        if len(groups) == MOST_GROUPS:
            return 0, LONG
        groups.append(following - 48)
    value = sum((group & 31) << (5 * i) for i, group in enumerate(groups))
    return value - (1 << (5 * len(groups)) if groups[-1] & 16 else 0), 0


def from_counts(counts: Any, offsets: Any, heights: Any, widths: Any) -> Runs:
    """Take lists of counts."""
    given = as_column(counts, "int64", (-1,), name="counts")
    begins = as_offsets(offsets, len(given), name="offsets")
    rows, columns, pixels = as_sizes(heights, widths, len(begins) - 1)
    masks = [given[begin:end].tolist() for begin, end in pairwise(begins.tolist())]
    for i, mask in enumerate(masks):
        reason = 0 if mask else EMPTY
        total = 0
        for count in mask:
            total += count
            reason = reason or (NEGATIVE if count < 0 else LONG if total > pixels[i] else 0)
        reason = reason or (SHORT if total < pixels[i] else 0)
        refuse(i if reason else -1, reason, pixels)
    return _runs(masks, rows, columns)


def from_masks(masks: Sequence[Any]) -> Runs:
    """Encode masks.

    Parameters
    ----------
    masks : sequence of array_like, shape (height, width)
        Whatever is not 0 is foreground.

    Returns
    -------
    Runs
        The same masks.

    Raises
    ------
    ShapeMismatch
        For an array without two axes.
    """
    arrays = [np.asarray(mask) for mask in masks]
    for array in arrays:
        if array.ndim != 2:
            raise ShapeMismatch(f"a mask of {array.ndim} axes", expected="rows and columns")
    sizes = np.array([array.shape for array in arrays], np.int64).reshape(-1, 2)
    rows, columns, _ = as_sizes(sizes[:, 0], sizes[:, 1], len(arrays))
    return _runs([_of_pixels(array != 0) for array in arrays], rows, columns)


def _of_pixels(pixels: NDArray[np.bool_]) -> list[int]:
    flat = pixels.T.reshape(-1)
    changes = np.flatnonzero(np.diff(flat, prepend=False))
    ends: list[int] = [*changes.tolist(), len(flat)]
    return np.diff(ends, prepend=0).tolist()


def decode(runs: Runs, i: int) -> NDArray[np.uint8]:
    """Return the pixels of one mask.

    Parameters
    ----------
    runs : Runs
        The masks.
    i : int
        Which of them.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        0 and 1.

    Raises
    ------
    BadParameter
        For a mask that is not there.
    """
    if not 0 <= i < len(runs):
        raise BadParameter(f"mask {i}", expected=f"one of {len(runs)} masks, from 0 up")
    counts = runs.counts[runs.offsets[i] : runs.offsets[i + 1]]
    height, width = int(runs.heights[i]), int(runs.widths[i])
    if sum(counts.tolist()) != height * width:
        refuse(i, SHORT, runs.heights * runs.widths)
    return np.repeat((np.arange(len(counts)) % 2).astype(np.uint8), counts).reshape(width, height).T


def encode_strings(runs: Runs) -> list[bytes]:
    """Return every mask as a compressed string."""
    return [_string(counts) for counts in _lists(runs)]


def _string(counts: list[int]) -> bytes:
    codes = []
    for i, count in enumerate(counts):
        value = count - counts[i - 2] if i > 2 else count
        while True:
            value, group = divmod(value, 32)
            # What is left is the sign, and the group says so itself.
            if value == (-1 if group & 16 else 0):
                codes.append(group + 48)
                break
            codes.append(group + 32 + 48)
    return bytes(codes)


def areas(runs: Runs) -> Integers:
    """Return the number of foreground pixels of each mask."""
    return np.array([sum(counts[1::2]) for counts in _lists(runs)], np.int64)


def boxes(runs: Runs) -> NDArray[np.float64]:
    """Return the box around each mask.

    Parameters
    ----------
    runs : Runs
        The masks.

    Returns
    -------
    ndarray of float64, shape (n, 4)
        Left, top, width and height.

    Raises
    ------
    BadParameter
        For a mask without rows.
    """
    if len(runs) and min(runs.heights.tolist()) < 1:
        raise BadParameter("a mask without rows", expected="heights from 1")
    corners = np.empty((len(runs), 4))
    for i, counts in enumerate(_lists(runs)):
        corners[i] = _box(counts, int(runs.heights[i]))
    return corners


def _box(counts: list[int], height: int) -> tuple[int, int, int, int]:
    places = np.flatnonzero(np.repeat(np.arange(len(counts)) % 2, counts))
    if not len(places):
        return 0, 0, 0, 0
    x, y = places // height, places % height
    return int(x.min()), int(y.min()), int(np.ptp(x)) + 1, int(np.ptp(y)) + 1


def merge(runs: Runs, *, intersect: bool = False) -> Runs:
    """Return the union of all masks of `runs`, or with `intersect` what all share, as one."""
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
    BadParameter
        For a group without a mask.
    ShapeMismatch
        When sizes differ within a group.
    """
    groups = as_offsets(offsets, len(runs), name="offsets")
    members = [range(*pair) for pair in pairwise(groups.tolist())]
    if not all(members):
        raise BadParameter("a group without masks", expected="at least one mask in each")
    sizes = [{(int(runs.heights[i]), int(runs.widths[i])) for i in group} for group in members]
    if any(len(own) > 1 for own in sizes):
        raise ShapeMismatch("masks of several sizes", expected="one size in a group")
    lists, combine = _lists(runs), np.logical_and if intersect else np.logical_or
    merged = []
    for group in members:
        pixels = reduce(combine, [decode(runs, i) for i in group])
        merged.append(_of_pixels(pixels != 0) if len(group) > 1 else lists[group[0]])
    first = groups[:-1]
    return _runs(merged, runs.heights[first], runs.widths[first])


def rasterise(points: Any, polygon_offsets: Any, annotation_offsets: Any, heights: Any, widths: Any) -> Runs:
    """Draw polygons as masks."""
    flat = as_column(points, "float64", (-1,), name="points")
    begins = as_offsets(polygon_offsets, len(flat), name="polygon_offsets")
    groups = as_offsets(annotation_offsets, len(begins) - 1, name="annotation_offsets")
    rows, columns, _ = as_sizes(heights, widths, len(groups) - 1)
    refuse_polygons(flat, begins, groups)
    owners = np.repeat(np.arange(len(rows)), np.diff(groups))
    polygons = zip(pairwise(begins.tolist()), rows[owners].tolist(), columns[owners].tolist(), strict=True)
    drawn = [_polygon(flat[slice(*span)].tolist(), height, width) for span, height, width in polygons]
    return merge_groups(_runs(drawn, rows[owners], columns[owners]), groups)


def _polygon(numbers: list[float], height: int, width: int) -> list[int]:
    """Walk around a polygon; each time that the middle of a column is passed, all below changes."""
    corners = [(int(5 * x + 0.5), int(5 * y + 0.5)) for x, y in zip(numbers[::2], numbers[1::2], strict=False)]
    places: set[int] = set()
    for start, end in pairwise([*corners, corners[0]]):
        for x, y in _passed(*_walk(start, end)):
            column = (x + 0.5) / 5 - 0.5
            if column.is_integer() and 0 <= column <= width - 1:
                row = np.ceil(np.clip((y + 0.5) / 5 - 0.5, 0, height))
                # What is passed twice at one place is not passed.
                places ^= {int(column) * height + int(row)}
    ends = [*sorted(places - {height * width}), height * width]
    return np.diff(ends, prepend=0).tolist()


def _walk(start: tuple[int, int], end: tuple[int, int]) -> tuple[Integers, Integers]:
    """Return every point of an edge along its longer axis, from the lower to the higher end."""
    dx, dy = abs(end[0] - start[0]), abs(end[1] - start[1])
    axis = 0 if dx >= dy else 1
    low, high = sorted([start, end], key=lambda corner: corner[axis])
    steps = np.arange(max(dx, dy) + 1)
    slope = (high[1 - axis] - low[1 - axis]) / max(dx, dy, 1)
    other = np.trunc(low[1 - axis] + slope * steps + 0.5).astype(np.int64)
    longer = low[axis] + steps
    return (longer, other) if axis == 0 else (other, longer)


def _passed(x: Integers, y: Integers) -> Iterable[tuple[int, int]]:
    """Yield the lower x and y of neighbours that differ in x."""
    at = np.flatnonzero(np.diff(x))
    return zip(np.minimum(x[at], x[at + 1]).tolist(), np.minimum(y[at], y[at + 1]).tolist(), strict=True)


def _lists(runs: Runs) -> list[list[int]]:
    counts, offsets = loose(runs)
    return [counts[begin:end].tolist() for begin, end in pairwise(offsets.tolist())]


def _runs(masks: list[list[int]], heights: Integers, widths: Integers) -> Runs:
    counts = np.array([count for mask in masks for count in mask], np.uint32)
    return Runs(counts, np.cumsum([0, *map(len, masks)], dtype=np.int64), heights, widths)
