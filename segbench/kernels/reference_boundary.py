"""Boundary pixels and their hits again, in plain NumPy: for reading, and for holding the loops to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.contours import COLUMNS, as_index_maps, as_mask, as_masks, as_n_classes, as_reach, as_rules

Mask = NDArray[np.bool_]

_BESIDE = ((0, -1), (0, 1), (-1, 0), (1, 0))
_DIAGONAL = ((-1, -1), (-1, 1), (1, -1), (1, 1))
_ONWARD = ((0, 1), (1, 0), (1, 1))


def boundary_map(*, mask: Any, definition: str = "inner4", border: str = "background") -> NDArray[np.bool_]:
    """Find the boundary pixels of a mask."""
    as_rules(definition, border)
    return _boundary(as_mask(mask) != 0, definition, border).copy()


def boundary_counts(
    *,
    truth: Any,
    prediction: Any,
    n_classes: int,
    reach_squared: int,
    definition: str = "inner4",
    border: str = "background",
) -> NDArray[np.int64]:
    """Count, for every class of two maps, the boundary pixels and those near the other map's boundary of the class."""
    as_rules(definition, border)
    n = as_n_classes(n_classes)
    t, p = as_index_maps(truth, prediction, n)
    reach = as_reach(reach_squared, t.shape)
    counts = np.zeros((n, len(COLUMNS)), np.int64)
    for c in np.union1d(t, p).tolist():
        if c < n:
            counts[c] = _counts(t == c, p == c, reach, definition, border)
    return counts


def mask_boundary_counts(
    *, truth: Any, prediction: Any, reach_squared: int, definition: str = "inner4", border: str = "background"
) -> NDArray[np.int64]:
    """Count the boundary pixels of two masks and those near the boundary of the other one."""
    as_rules(definition, border)
    t, p = as_masks(truth, prediction)
    return _counts(t != 0, p != 0, as_reach(reach_squared, t.shape), definition, border)


def _counts(truth: Mask, prediction: Mask, reach: int, definition: str, border: str) -> NDArray[np.int64]:
    t, p = (_boundary(mask, definition, border) for mask in (truth, prediction))
    hits = _hits(t, p, reach), _hits(p, t, reach)
    return np.array([truth.sum(), prediction.sum(), t.sum(), hits[0], p.sum(), hits[1]], np.int64)


def _hits(pixels: Mask, others: Mask, reach: int) -> int:
    """Count pixels by their distances to all others, one pixel at a time."""
    places = np.argwhere(others)
    return sum(bool((((places - pixel) ** 2).sum(axis=1) <= reach).any()) for pixel in np.argwhere(pixels))


def _boundary(mask: Mask, definition: str, border: str) -> Mask:
    # What is beyond the image is background, or the nearest pixel again, which tells a pixel nothing new.
    framed = np.pad(mask, 1) if border == "background" else np.pad(mask, 1, mode="edge")
    if definition in ("seg2bmap", "thick"):
        differs: Mask = (_shifted(framed, _ONWARD if definition == "seg2bmap" else _BESIDE) != mask).any(axis=0)
        return differs
    inside = _shifted(framed, _BESIDE if definition == "inner4" else _BESIDE + _DIAGONAL).all(axis=0)
    return mask & ~inside


def _shifted(framed: Mask, offsets: Sequence[tuple[int, int]]) -> Mask:
    """Return the neighbours of all pixels of an image inside its frame, one image for each offset."""
    rows, columns = framed.shape[0] - 2, framed.shape[1] - 2
    return np.stack([framed[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns] for dy, dx in offsets])
