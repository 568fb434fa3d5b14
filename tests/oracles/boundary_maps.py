"""Plain reference for boundary pixels of a binary mask, and for what lies within a distance of them.

- "inner4", "inner8": pixels of the mask with a 4- or 8-neighbour outside it.
- "thick": pixels on either side, so with a 4-neighbour of the other kind.
- "seg2bmap" (DAVIS): pixels that differ from their right, lower or lower right neighbour, by half a pixel to the upper
  left. In the last row only the right neighbour is asked, in the last column only the lower one, in the corner none.

With border="background" what is beyond the image is no part of the mask, so that its pixels at the frame are boundary
(a perimeter that pads with 0); with border="nothing" the frame bounds nothing. "seg2bmap" is always the latter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fractions import Fraction
from typing import Literal

import numpy as np

Definition = Literal["seg2bmap", "inner4", "inner8", "thick"]
Border = Literal["background", "nothing"]
Offset = tuple[int, int]  # rows, columns
Real = int | float | Fraction

FOUR: tuple[Offset, ...] = ((-1, 0), (0, -1), (0, 1), (1, 0))
EIGHT: tuple[Offset, ...] = (*FOUR, (-1, -1), (-1, 1), (1, -1), (1, 1))


def shifted(mask: np.ndarray, offset: Offset, outside: bool) -> np.ndarray:
    """The value at each pixel's neighbour, `outside` where that is beyond the image."""
    (height, width), (dy, dx) = mask.shape, offset
    found = np.full(mask.shape, outside)
    here = np.s_[max(0, -dy) : max(0, height - max(0, dy)), max(0, -dx) : max(0, width - max(0, dx))]
    there = np.s_[max(0, dy) : max(0, height + min(0, dy)), max(0, dx) : max(0, width + min(0, dx))]
    found[here] = mask[there]
    return found


def inner(mask: np.ndarray, neighbours: Iterable[Offset], border: Border) -> np.ndarray:
    inside = np.ones_like(mask)
    for offset in neighbours:
        inside &= shifted(mask, offset, outside=border == "nothing")
    return mask & ~inside


def thick(mask: np.ndarray, border: Border) -> np.ndarray:
    """Both sides; to the background, what is beyond the image is either background or nothing."""
    return inner(mask, FOUR, border) | inner(~mask, FOUR, "nothing")


def seg2bmap(mask: np.ndarray) -> np.ndarray:
    found = np.zeros_like(mask)
    right, below, diagonal = mask[:-1, 1:], mask[1:, :-1], mask[1:, 1:]
    here = mask[:-1, :-1]
    found[:-1, :-1] = (here ^ right) | (here ^ below) | (here ^ diagonal)
    found[-1, :-1] = mask[-1, :-1] ^ mask[-1, 1:]
    found[:-1, -1] = mask[:-1, -1] ^ mask[1:, -1]
    return found


def boundary(mask: np.ndarray, definition: Definition, border: Border = "background") -> np.ndarray:
    """The boundary pixels of a mask of shape (rows, columns); not 0 is foreground."""
    mask = mask.astype(bool)
    if definition == "inner4":
        return inner(mask, FOUR, border)
    if definition == "inner8":
        return inner(mask, EIGHT, border)
    if definition == "thick":
        return thick(mask, border)
    if definition != "seg2bmap":
        raise ValueError(f"no boundary is called {definition!r}")
    if border != "nothing":
        raise ValueError("seg2bmap never takes the image border for a boundary")
    return seg2bmap(mask)


def exact(number: Real) -> Fraction:
    """The number that was written: 0.0075 is 3/400, not the float beside it."""
    return Fraction(str(number))


def offsets(
    limit_squared: Fraction, closed: bool, metric: Literal["euclidean", "square"] = "euclidean"
) -> list[Offset]:
    """All offsets nearer than a distance, or as near with `closed`, by the larger coordinate with "square"."""
    found, reach = [], 0
    while reach * reach <= limit_squared:
        reach += 1
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            squared = dy * dy + dx * dx if metric == "euclidean" else max(abs(dy), abs(dx)) ** 2
            if squared < limit_squared or (closed and squared == limit_squared):
                found.append((dy, dx))
    return found


def near(mask: np.ndarray, around: Collection[Offset]) -> np.ndarray:
    """Pixels with a pixel of the mask at one of the offsets; there is none beyond the image."""
    found = np.zeros_like(mask)
    for offset in around:
        found |= shifted(mask, offset, outside=False)
    return found


def class_mask(labels: np.ndarray, c: int, truth: np.ndarray, void_ids: Collection[int]) -> np.ndarray:
    """Pixels of a class where the truth is not void: void is cut out of both maps, as DAVIS does it."""
    return (labels == c) & ~np.isin(truth, list(void_ids))
