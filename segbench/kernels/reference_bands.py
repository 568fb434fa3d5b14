"""Bands along the borders of classes again, in plain NumPy: for reading, and for holding the loops to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.contours import as_index_maps, as_mask, as_masks, as_n_classes
from segbench.kernels.widths import COLUMNS, as_width

Mask = NDArray[np.bool_]


def band_counts(*, truth: Any, prediction: Any, n_classes: int, width_px: int) -> NDArray[np.int64]:
    """Count, for every class of two label maps, its pixels, its bands and what both bands share."""
    n = as_n_classes(n_classes)
    t, p = as_index_maps(truth, prediction, n)
    width = as_width(width_px, t.shape)
    counts = np.zeros((n, len(COLUMNS)), np.int64)
    for c in np.union1d(t, p).tolist():
        if c < n:
            counts[c] = _counts(t == c, p == c, width)
    return counts


def mask_band_counts(*, truth: Any, prediction: Any, width_px: int) -> NDArray[np.int64]:
    """Count the pixels of two masks, of their bands, and of what both bands share."""
    t, p = as_masks(truth, prediction)
    return _counts(t != 0, p != 0, as_width(width_px, t.shape))


def boundary_band(*, mask: Any, width_px: int) -> NDArray[np.bool_]:
    """Find the band along the border of a mask."""
    labels = as_mask(mask)
    return _band(np.not_equal(labels, 0, order="C"), as_width(width_px, labels.shape))


def _counts(truth: Mask, prediction: Mask, width: int) -> NDArray[np.int64]:
    t, p = _band(truth, width), _band(prediction, width)
    return np.array([truth.sum(), prediction.sum(), t.sum(), p.sum(), (t & p).sum()], np.int64)


def _band(mask: Mask, width: int) -> Mask:
    """The pixels whose window is not full; windows are summed from a table of all sums from the upper left corner."""
    window = 2 * width + 1
    sums = np.pad(np.pad(mask, width).cumsum(0, np.int64).cumsum(1), ((1, 0), (1, 0)))
    held = sums[window:, window:] - sums[:-window, window:] - sums[window:, :-window] + sums[:-window, :-window]
    band: Mask = mask & (held < window**2)
    return band
