"""Bands along the borders of classes: how many pixels they hold in two label maps, and how many both.

The *band* of a class in a map holds its pixels that have, in the square window of ``2 * width_px + 1`` pixels around
them, a pixel of another value or of none: what lies outside the image counts as another value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import KernelsNotBuilt
from segbench.kernels.arrays import Labels
from segbench.kernels.contours import as_index_maps, as_mask, as_masks, as_n_classes
from segbench.kernels.widths import COLUMNS as COLUMNS
from segbench.kernels.widths import as_width

try:
    import segbench.kernels._bands as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error

_LANES = 64


def band_counts(*, truth: Any, prediction: Any, n_classes: int, width_px: int) -> NDArray[np.int64]:
    """Count, for every class of two label maps, its pixels, its bands and what both bands share.

    Parameters
    ----------
    truth, prediction : array_like of uint8 or uint16, shape (rows, columns)
        Class indices, equal shapes, any strides. A value of at least `n_classes` is no class, and still another
        value than its neighbours.
    n_classes : int
        1 to 65535.
    width_px : int
        Width of the band in pixels, at least 1.

    Returns
    -------
    ndarray of int64, shape (n_classes, 5)
        One row a class; the columns are those of `COLUMNS`. ``both`` counts the pixels in the band of the class in
        both maps.

    Raises
    ------
    BadParameter
        For another dtype, no pixel, or a number out of range.
    ShapeMismatch
        When the shapes differ, or there are not two axes.
    ResourceError
        When the images have more than about 2**31 pixels.

    Notes
    -----
    O(pixels), whatever `n_classes` and nearly whatever the width; half a byte of scratch memory a pixel. The band is
    the boundary region of Cheng et al., Boundary IoU, CVPR 2021, with ``width_px`` erosions.
    """
    n = as_n_classes(n_classes)
    pair = as_index_maps(truth, prediction, n)
    width = as_width(width_px, pair[0].shape)
    counts = np.zeros((n + 1, len(COLUMNS)), np.int64)
    _loops.count_labels(*_in_order(*pair), width, *_scratch(2, pair[0]), counts)
    return counts[:n]


def mask_band_counts(*, truth: Any, prediction: Any, width_px: int) -> NDArray[np.int64]:
    """Count the pixels of two masks, of their bands, and of what both bands share.

    Parameters
    ----------
    truth, prediction : array_like of bool or int, shape (rows, columns)
        Equal shapes, any strides; whatever is not 0 is foreground.
    width_px : int
        Width of the band in pixels, at least 1.

    Returns
    -------
    ndarray of int64, shape (5,)
        In the order of `COLUMNS`.

    Raises
    ------
    BadParameter
        For a dtype without labels, no pixel, or a width below 1.
    ShapeMismatch
        When the shapes differ, or there are not two axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.
    ResourceError
        When the image has more than about 2**31 pixels.

    Notes
    -----
    O(pixels / 64) for finding the foreground, and the work of `band_counts` on the boxes around it alone. The
    foreground counts as class 1 does there.
    """
    pair = as_masks(truth, prediction)
    width = as_width(width_px, pair[0].shape)
    counts = np.empty(len(COLUMNS), np.int64)
    _loops.count_masks(*_in_order(*pair), width, *_scratch(2, pair[0]), counts)
    return counts


def boundary_band(*, mask: Any, width_px: int) -> NDArray[np.bool_]:
    """Find the band along the border of a mask.

    Parameters
    ----------
    mask : array_like of bool or int, shape (rows, columns)
        Whatever is not 0 is foreground; any strides.
    width_px : int
        Width of the band in pixels, at least 1.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        Pixels of the mask that are at most `width_px` from the background or from the outside of the image, by the
        larger of the two coordinates.

    Raises
    ------
    BadParameter
        For a dtype without labels, no pixel, or a width below 1.
    ShapeMismatch
        When there are not two axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.
    ResourceError
        When the image has more than about 2**31 pixels.

    Notes
    -----
    O(pixels).
    """
    pixels = as_mask(mask)
    width = as_width(width_px, pixels.shape)
    bits, lines = _scratch(1, pixels)
    band = np.empty(pixels.shape, np.uint8)
    _loops.mark_band(np.ascontiguousarray(pixels), width, bits[0], lines, band)
    return band.view(np.bool_)


def _in_order(truth: Labels, prediction: Labels) -> tuple[Labels, Labels]:
    return np.ascontiguousarray(truth), np.ascontiguousarray(prediction)


def _scratch(maps: int, labels: NDArray[Any]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return memory for two kinds of bits of each map, and the lines that the loops work in."""
    rows, columns = labels.shape
    words = -(-columns // _LANES)
    return np.empty((maps, 2, rows, words), np.uint64), np.zeros(5 * words + 1, np.uint64)
