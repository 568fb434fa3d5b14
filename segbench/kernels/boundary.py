"""Boundary pixels of masks and of every class of label maps, and which of them lie near those of another map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import KernelsNotBuilt, ResourceError
from segbench.kernels.arrays import Labels
from segbench.kernels.contours import BORDERS as BORDERS
from segbench.kernels.contours import COLUMNS as COLUMNS
from segbench.kernels.contours import DEFINITIONS as DEFINITIONS
from segbench.kernels.contours import as_index_maps, as_mask, as_masks, as_n_classes, as_reach, as_rules

try:
    import segbench.kernels._boundary as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error

#: A piece is up to 64 boundary pixels of a class side by side; so many fit 32 GiB.
_MOST_PIECES = 2**31


def boundary_map(*, mask: Any, definition: str = "inner4", border: str = "background") -> NDArray[np.bool_]:
    """Find the boundary pixels of a mask.

    Parameters
    ----------
    mask : array_like of bool or int, shape (rows, columns)
        Whatever is not 0 is foreground; any strides.
    definition : {'seg2bmap', 'inner4', 'inner8', 'thick'}
        ``inner4`` and ``inner8``: pixels of the mask with a 4- or 8-neighbour outside it. ``thick``: pixels on either
        side, so with a 4-neighbour of the other kind. ``seg2bmap``: pixels that differ from their right, lower or lower
        right neighbour.
    border : {'background', 'nothing'}
        Whether what is beyond the image is outside the mask, so that pixels of the mask at the frame are boundary, or
        is nothing and bounds nothing. ``seg2bmap`` takes ``nothing`` only.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        The boundary pixels.

    Raises
    ------
    BadParameter
        For an unknown definition or border, ``seg2bmap`` with ``background``, a dtype without labels, or no pixel.
    ShapeMismatch
        When there are not two axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.
    ResourceError
        When the image has more than about 2**31 pixels.

    Notes
    -----
    O(pixels / 64) comparisons. ``inner4`` is bwperim of MATLAB and what Csurka, Larlus and Perronnin (BMVC 2013) are
    read to mean; ``seg2bmap`` is that of DAVIS (Perazzi et al., CVPR 2016).
    """
    rules = as_rules(definition, border)
    labels = as_mask(mask)
    marks = np.zeros(labels.shape, np.uint8)
    pieces = np.empty((labels.shape[0] * _blocks(labels), 2), np.uint64)
    ends, counts = np.empty((2, 1), np.uint32), np.zeros((1, len(COLUMNS)), np.int64)
    _loops.mark(labels, *rules, _lines(labels), pieces, ends, counts, marks)
    return marks.view(np.bool_)


def boundary_counts(
    *,
    truth: Any,
    prediction: Any,
    n_classes: int,
    reach_squared: int,
    definition: str = "inner4",
    border: str = "background",
) -> NDArray[np.int64]:
    """Count, for every class of two maps, the boundary pixels and those near the other map's boundary of the class.

    Parameters
    ----------
    truth, prediction : array_like of uint8 or uint16, shape (rows, columns)
        Class indices, equal shapes, any strides; a value that is not smaller than `n_classes` is no class.
    n_classes : int
        How many classes there are, 1 to 65535.
    reach_squared : int
        A boundary pixel is a hit when the square of its Euclidean distance to some boundary pixel of the same class in
        the other map is at most this; −1: nothing is a hit.
    definition, border : str
        What a boundary pixel of the mask of a class is; see `boundary_map`.

    Returns
    -------
    ndarray of int64, shape (n_classes, 6)
        In the order of `COLUMNS`: the pixels of the class in the truth and in the prediction, the boundary pixels and
        the hits of the truth, the boundary pixels and the hits of the prediction.

    Raises
    ------
    BadParameter
        For a dtype other than uint8 and uint16, no pixel, or a parameter that is out of range.
    ShapeMismatch
        When the shapes differ, or have not two axes.
    ResourceError
        When the images have more than about 2**31 pixels.

    Notes
    -----
    O(pixels / 64) comparisons + O(boundary pixels), however many classes there are and, while maps are alike, whatever
    the reach. Counts are those of two dilations by a disk for each class: f_measure of DAVIS (Perazzi et al., CVPR
    2016) with ``seg2bmap``, BF of Csurka, Larlus and Perronnin (BMVC 2013) with ``inner4``.
    """
    rules = as_rules(definition, border)
    n = as_n_classes(n_classes)
    maps = as_index_maps(truth, prediction, n)
    # Most blocks of pixels have one class; where the room does not do, it is known how much does.
    room = maps[0].shape[0] * (2 * _blocks(maps[0]) + 2)
    return _counted(maps, False, rules, as_reach(reach_squared, maps[0].shape), n, room)


def mask_boundary_counts(
    *, truth: Any, prediction: Any, reach_squared: int, definition: str = "inner4", border: str = "background"
) -> NDArray[np.int64]:
    """Count the boundary pixels of two masks and those near the boundary of the other one.

    Parameters
    ----------
    truth, prediction : array_like of bool or int, shape (rows, columns)
        Whatever is not 0 is foreground; equal shapes, any strides.
    reach_squared, definition, border
        As in `boundary_counts`.

    Returns
    -------
    ndarray of int64, shape (6,)
        As a row of `boundary_counts`.

    Raises
    ------
    BadParameter
        For a dtype without labels, no pixel, or a parameter that is out of range.
    ShapeMismatch
        When the shapes differ, or have not two axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.
    ResourceError
        When the images have more than about 2**31 pixels.

    Notes
    -----
    As `boundary_counts`; background takes one comparison for 64 pixels.
    """
    rules = as_rules(definition, border)
    masks = as_masks(truth, prediction)
    room = masks[0].shape[0] * _blocks(masks[0])
    counts: NDArray[np.int64] = _counted(masks, True, rules, as_reach(reach_squared, masks[0].shape), 1, room)[0]
    return counts


def _counted(
    maps: tuple[Labels, Labels], are_masks: bool, rules: tuple[int, bool], reach: int, n_classes: int, room: int
) -> NDArray[np.int64]:
    rows, blocks = maps[0].shape[0], _blocks(maps[0])
    counts = np.empty((n_classes, len(COLUMNS)), np.int64)
    ends = np.empty((2, 2, n_classes), np.uint32)
    canvas = np.zeros((rows + 1, blocks + 2), np.uint64)
    lines, pieces = _lines(maps[0]), np.empty((3, room, 2), np.uint64)
    given = *maps, are_masks, *rules, _reach_rows(reach, rows)
    needed = _loops.count(*given, lines, pieces, ends, canvas, counts)
    if needed > _MOST_PIECES:
        raise ResourceError(f"{needed} pieces of boundaries", expected=f"at most {_MOST_PIECES}")
    # Only changed by another thread can a map need more once more.
    return counts if needed <= room else _counted(maps, are_masks, rules, reach, n_classes, needed)


def _reach_rows(reach: int, rows: int) -> NDArray[np.int64]:
    """Return how far a pixel reaches along a row, by the distance of the row; there is one row more, of scratch."""
    n = min(math.isqrt(reach) + 1, rows) if reach >= 0 else 0
    halves = np.zeros((n + 1, 2), np.int64)
    halves[:n, 0] = [math.isqrt(reach - d * d) for d in range(n)]
    return halves


def _blocks(labels: Labels) -> int:
    """Return how many blocks of 64 columns a row has."""
    columns: int = labels.shape[1]
    return -(-columns // 64)


def _lines(labels: Labels) -> NDArray[np.int8]:
    """Return memory for three rows that fill their blocks, with one more label at either end."""
    return np.empty((3, (_blocks(labels) * 64 + 2) * labels.itemsize), np.int8)
