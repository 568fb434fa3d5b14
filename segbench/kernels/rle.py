"""Run-length encoded masks as COCO has them: strings and lists of counts, areas, boxes, unions, and pixels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, KernelsNotBuilt, ShapeMismatch
from segbench.kernels.groups import as_column, as_offsets
from segbench.kernels.merging import merge, merge_groups
from segbench.kernels.runs import (
    Integers,
    RleFault,
    Runs,
    as_sizes,
    as_spans,
    concatenate,
    loose,
    refuse,
    select,
    starts_of,
)

try:
    import segbench.kernels._rle as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error

__all__ = [
    "RleFault",
    "Runs",
    "areas",
    "boxes",
    "concatenate",
    "decode",
    "decode_strings",
    "encode_strings",
    "from_counts",
    "from_masks",
    "merge",
    "merge_groups",
    "select",
]

_ESCAPE = 7

#: Characters of a run length at most.
_MOST_CHARACTERS = 7


def decode_strings(data: Any, starts: Any, lengths: Any, heights: Any, widths: Any, *, escaped: Any = None) -> Runs:
    """Decode compressed strings.

    Parameters
    ----------
    data : bytes-like
        What holds the strings, as a file of JSON.
    starts, lengths : array_like of int, shape (n,)
        Where each string lies in it, in bytes.
    heights, widths : array_like of int, shape (n,)
        Size of each mask.
    escaped : array_like of bool, shape (n,), optional
        Which strings are written as in JSON, where a backslash is two.

    Returns
    -------
    Runs
        The masks.

    Raises
    ------
    RleFault
        For the first string that is no mask of its size.
    BadParameter
        When a string lies outside of the data, or columns differ in length.

    Notes
    -----
    O(characters). A count is never larger than what is left of the mask, so nothing can overflow.
    """
    # What another thread may change is copied: the loops go over it twice.
    text = np.frombuffer(data if isinstance(data, bytes) else bytes(data), np.uint8)
    first, long = as_spans(starts, lengths, len(text))
    n = len(first)
    rows, columns, pixels = as_sizes(heights, widths, n)
    flags = as_column(np.zeros(n, np.uint8) if escaped is None else escaped, "bool", (n,), name="escaped")
    offsets = np.empty(n + 1, np.int64)
    _loops.count_ends(text, first, long, offsets)
    counts = np.empty(int(offsets[-1]), np.uint32)
    index, reason = _loops.decode(text, first, long, flags.view(np.uint8), pixels, offsets, counts)
    if reason == _ESCAPE:
        return _decode_unescaped(text, first, long, flags, rows, columns)
    refuse(index, reason, pixels)
    return Runs(counts, offsets, rows, columns)


def _decode_unescaped(
    text: NDArray[np.uint8],
    starts: Integers,
    lengths: Integers,
    escaped: NDArray[np.bool_],
    heights: Integers,
    widths: Integers,
) -> Runs:
    """Decode strings of which one has an escape that nobody writes, such as ``\\u0030``."""
    spans = zip(starts.tolist(), lengths.tolist(), escaped.tolist(), strict=True)
    strings = [_unescaped(text[start : start + n].tobytes(), flag) for start, n, flag in spans]
    ends = starts_of(np.array([len(string) for string in strings], np.int64))
    return decode_strings(b"".join(strings), ends[:-1], np.diff(ends), heights, widths)


def _unescaped(string: bytes, is_escaped: bool) -> bytes:
    if not is_escaped:
        return string
    try:
        return str(json.loads(b'"' + string + b'"')).encode("utf-8", "surrogatepass")
    except ValueError:
        # What is no JSON is no mask either: the backslash that is left over says so.
        return string


def from_counts(counts: Any, offsets: Any, heights: Any, widths: Any) -> Runs:
    """Take lists of counts.

    Parameters
    ----------
    counts : array_like of int, shape (n_counts,)
        The lists, one after the other.
    offsets : array_like of int, shape (n + 1,)
        Where each begins.
    heights, widths : array_like of int, shape (n,)
        Size of each mask.

    Returns
    -------
    Runs
        The masks.

    Raises
    ------
    RleFault
        For the first list that is no mask of its size.
    BadParameter
        When offsets do not fit.
    """
    given = as_column(counts, "int64", (-1,), name="counts").copy()
    begins = as_offsets(offsets, len(given), name="offsets")
    rows, columns, pixels = as_sizes(heights, widths, len(begins) - 1)
    taken = np.empty(len(given), np.uint32)
    refuse(*_loops.check(given, begins, pixels, taken), pixels)
    return Runs(taken, begins, rows, columns)


def from_masks(masks: Sequence[Any]) -> Runs:
    """Encode masks.

    Parameters
    ----------
    masks : sequence of array_like of bool or int, shape (height, width)
        Whatever is not 0 is foreground.

    Returns
    -------
    Runs
        The same masks.

    Raises
    ------
    ShapeMismatch
        For an array without two axes.
    RleFault
        For a mask without pixels.
    """
    parts, sizes = [], []
    for mask in masks:
        array = np.asarray(mask)
        if array.ndim != 2:
            raise ShapeMismatch(f"a mask of {array.ndim} axes", expected="rows and columns")
        sizes.append(array.shape)
        pixels = np.ascontiguousarray((array != 0).T).view(np.uint8).reshape(-1)
        counts = np.empty(len(pixels) + 1, np.uint32)
        parts.append(counts[: _loops.of_pixels(pixels, counts)].copy() if len(pixels) else counts[:0])
    heights, widths = np.array(sizes, np.int64).reshape(-1, 2).T
    rows, columns, _ = as_sizes(heights, widths, len(parts))
    offsets = starts_of(np.array([len(part) for part in parts], np.int64))
    return Runs(np.concatenate([np.zeros(0, np.uint32), *parts]), offsets, rows, columns)


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
        0 and 1; the columns lie one after the other in memory.

    Raises
    ------
    RleFault
        When its runs do not add up to its size.
    BadParameter
        When there is no such mask.
    """
    if not 0 <= i < len(runs):
        raise BadParameter(f"mask {i}", expected=f"one of {len(runs)} masks, from 0 up")
    counts = runs.counts[runs.offsets[i] : runs.offsets[i + 1]].copy()
    height, width = int(runs.heights[i]), int(runs.widths[i])
    if int(counts.sum(dtype=np.uint64)) != height * width:
        refuse(i, 5, runs.heights * runs.widths)
    pixels = np.empty(height * width, np.uint8)
    _loops.fill(counts, pixels)
    return pixels.reshape(width, height).T


def encode_strings(runs: Runs) -> list[bytes]:
    """Return every mask as a compressed string.

    Parameters
    ----------
    runs : Runs
        The masks.

    Returns
    -------
    list of bytes
        ASCII.
    """
    text = np.empty(_MOST_CHARACTERS * len(runs.counts), np.uint8)
    ends = np.empty(len(runs), np.int64)
    _loops.encode(*loose(runs), text, ends)
    begins = [0, *ends.tolist()]
    whole = text[: begins[-1]].tobytes()
    return [whole[start:end] for start, end in zip(begins, begins[1:], strict=False)]


def areas(runs: Runs) -> Integers:
    """Return the number of foreground pixels of each mask of some `runs`, shape (n,)."""
    sizes = np.empty(len(runs), np.int64)
    _loops.measure_areas(*loose(runs), sizes)
    return sizes


def boxes(runs: Runs) -> NDArray[np.float64]:
    """Return the box around each mask.

    Parameters
    ----------
    runs : Runs
        The masks.

    Returns
    -------
    ndarray of float64, shape (n, 4)
        Left, top, width and height in pixels; all 0 for an empty mask.

    Raises
    ------
    BadParameter
        For a mask without rows.

    Notes
    -----
    O(runs). The same as ``toBbox`` of pycocotools but for masks with foreground runs that are all of length 0, such
    as counts of 5, 0: they are empty, and there its numbers overflow.
    """
    heights = np.array(runs.heights, np.int64)
    if len(heights) and heights.min() < 1:
        raise BadParameter("a mask without rows", expected="heights from 1")
    corners = np.empty((len(heights), 4))
    _loops.measure_boxes(*loose(runs), heights, corners)
    return corners
