"""Masks in the forms that COCO's objects have: dictionaries of run lengths, lists of polygons, boxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadRle
from segbench.kernels.rasterise import rasterise
from segbench.kernels.rle import Runs, concatenate, decode_strings, encode_strings, from_counts, select
from segbench.kernels.runs import Integers, RleFault, starts_of

#: A polygon that is a list of fewer numbers may be a box, of which the official tool makes an error.
_FEWEST_NUMBERS = 5

#: Whole numbers below this are floats as well.
_LARGEST = 2.0**53

_STRINGS, _LISTS, _POLYGONS = range(3)


def runs_of(rles: Sequence[Any]) -> Runs:
    """Return masks that are given as dictionaries of ``size`` and ``counts``.

    Parameters
    ----------
    rles : sequence of dict
        Height and width, and a string, bytes, or a list of run lengths.

    Returns
    -------
    Runs
        The masks.

    Raises
    ------
    BadRle
        For the first one that is no mask.
    """
    try:
        return segmentations(rles, None)
    except RleFault as error:
        raise BadRle(f"mask {error.index + 1}: {error.found}", expected=error.expected) from None


def rles_of(runs: Runs) -> list[dict[str, Any]]:
    """Return `runs` as dictionaries of ``size`` and ``counts``, which are bytes."""
    sizes = np.stack([runs.heights, runs.widths], axis=1).tolist()
    return [{"size": size, "counts": text} for size, text in zip(sizes, encode_strings(runs), strict=True)]


def segmentations(given: Sequence[Any], sizes: Sequence[tuple[int, int]] | None) -> Runs:
    """Return the masks of segmentations of any kind.

    Parameters
    ----------
    given : sequence of dict or list
        Run lengths, or the polygons of each mask.
    sizes : sequence of (int, int), or None
        Height and width of the image of each, for polygons; None where there may be none.

    Returns
    -------
    Runs
        The masks, in their order; run lengths have their own size.

    Raises
    ------
    RleFault
        For the first segmentation of its kind that is no mask.
    """
    kinds = np.array([_kind(i, one, sizes is not None) for i, one in enumerate(given)], np.int64)
    parts: list[Runs] = []
    rows_of: list[Integers] = []
    readers: tuple[Callable[[list[Any], list[Any]], Runs], ...] = (_strings, _lists, _polygons)
    for kind, read in enumerate(readers):
        rows = np.flatnonzero(kinds == kind)
        if len(rows):
            chosen = rows.tolist()
            try:
                parts.append(read([given[i] for i in chosen], [sizes[i] for i in chosen] if sizes else []))
            except RleFault as error:
                raise RleFault(chosen[error.index], error.found, error.expected) from None
            rows_of.append(rows)
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(np.concatenate([*rows_of, np.zeros(0, np.int64)]), kind="stable")
    return select(concatenate(parts), order)


def size_of(image: Mapping[str, Any]) -> tuple[int, int]:
    """Return height and width of an `image`, 0 for what is none: such has no mask."""
    height, width = (
        side if isinstance(side := image.get(name), int | np.integer) and 0 < side < 1 << 31 else 0
        for name in ("height", "width")
    )
    return int(height), int(width)


def polygons(lists: Sequence[Sequence[Any]], sizes: Sequence[tuple[int, int]]) -> Runs:
    """Return masks that are given as polygons; a mask is the union of its own.

    Parameters
    ----------
    lists : sequence of sequence of sequence of float
        x, y, x, y … of each polygon of each mask.
    sizes : sequence of (int, int)
        Height and width of each mask.

    Returns
    -------
    Runs
        The masks.

    Raises
    ------
    RleFault
        For the first mask that has no polygons, or some that are none.
    """
    for i, parts in enumerate(lists):
        if not parts or not all(isinstance(part, list | tuple | np.ndarray) for part in parts):
            raise RleFault(i, "a segmentation without polygons", "a list of polygons, each a list of numbers")
    flat = list(chain.from_iterable(lists))
    ends = starts_of(np.array([len(part) for part in flat], np.int64))
    try:
        points = np.fromiter(chain.from_iterable(flat), np.float64, int(ends[-1]))
    except (TypeError, ValueError):
        at = next(i for i, parts in enumerate(lists) if not _are_numbers(parts))
        raise RleFault(at, "a polygon of other things than numbers", "x, y, x, y …") from None
    heights, widths = _sides(sizes)
    return rasterise(points, ends, starts_of(np.array([len(parts) for parts in lists], np.int64)), heights, widths)


def refuse_box(i: int, outline: Any) -> None:
    """Refuse the first polygon of mask `i` where it may be a box.

    Parameters
    ----------
    i : int
        Which mask.
    outline : sequence of float
        Its first polygon.

    Raises
    ------
    RleFault
        For a list of less than five numbers.
    """
    if len(outline) < _FEWEST_NUMBERS:
        raise RleFault(i, f"a polygon of {len(outline)} numbers", "at least 6: x, y of three points")


def corners(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the outlines of `boxes` (left, top, width, height) as polygons of four points, shape (n, 8)."""
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    return np.stack([left, top, left, bottom, right, bottom, right, top], axis=1)


def _kind(i: int, one: Any, with_polygons: bool) -> int:
    if with_polygons and isinstance(one, list | tuple):
        return _POLYGONS
    expected = "a dictionary of size and counts" + ", or a list of polygons" * with_polygons
    if not isinstance(one, dict) or "counts" not in one or "size" not in one:
        found = f"a dictionary of {', '.join(map(str, one))}" if isinstance(one, dict) else type(one).__name__
        raise RleFault(i, found, expected)
    size = one["size"]
    sides = size if isinstance(size, list | tuple | np.ndarray) else ()
    if len(sides) != 2 or not all(isinstance(side, int | np.integer) and 0 <= side < 1 << 31 for side in sides):
        raise RleFault(i, f"a size of {size!r}", "height and width")
    if isinstance(one["counts"], str | bytes):
        return _STRINGS
    if isinstance(one["counts"], list | tuple | np.ndarray):
        return _LISTS
    raise RleFault(i, f"counts of the kind {type(one['counts']).__name__}", "a string, or a list of run lengths")


def _strings(given: list[dict[str, Any]], _: Any) -> Runs:
    texts = [counts if isinstance(counts := one["counts"], bytes) else _encoded(counts) for one in given]
    ends = starts_of(np.array([len(text) for text in texts], np.int64))
    return decode_strings(b"".join(texts), ends[:-1], np.diff(ends), *_sides([one["size"] for one in given]))


def _encoded(text: str) -> bytes:
    # What is not ASCII is no run length either, and is refused as such.
    return text.encode("ascii", "replace")


def _lists(given: list[dict[str, Any]], _: Any) -> Runs:
    lists = [one["counts"] for one in given]
    ends = starts_of(np.array([len(counts) for counts in lists], np.int64))
    try:
        flat = np.fromiter(chain.from_iterable(lists), np.float64, int(ends[-1]))
        whole = np.where(np.abs(flat) < _LARGEST, flat, -1).astype(np.int64)
        wrong = np.flatnonzero(flat != whole)
        at = int(np.searchsorted(ends, wrong[0], side="right")) - 1 if len(wrong) else -1
    except (TypeError, ValueError):
        at = next(i for i, counts in enumerate(lists) if not _are_numbers([counts]))
    if at >= 0:
        raise RleFault(at, "run lengths that are no whole numbers", "whole numbers from 0 up")
    return from_counts(whole, ends, *_sides([one["size"] for one in given]))


def _polygons(given: list[Any], sizes: list[tuple[int, int]]) -> Runs:
    for i, parts in enumerate(given):
        if parts and isinstance(parts[0], list | tuple | np.ndarray):
            refuse_box(i, parts[0])
    return polygons(given, sizes)


def _sides(sizes: Sequence[Any]) -> tuple[Integers, Integers]:
    both = np.array(sizes, np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _are_numbers(parts: Sequence[Any]) -> bool:
    try:
        np.fromiter(chain.from_iterable(parts), np.float64)
    except (TypeError, ValueError):
        return False
    return True
