"""Segments of a binary image, with and without thinned borders, and how two segmentations overlap.

Segments are numbered from 1; 0 is what belongs to none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import KernelsNotBuilt
from segbench.kernels.segments import as_foreground, as_segments

try:
    import segbench.kernels._thinning as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error


def connected_segments(*, foreground: Any) -> NDArray[np.int32]:
    """Label the 4-connected segments of the foreground.

    Parameters
    ----------
    foreground : array_like of bool or int, shape (rows, columns)
        Whatever is not 0 is foreground; any strides.

    Returns
    -------
    ndarray of int32, shape (rows, columns)
        Segments from 1 in the order in which rows meet them, from the top; 0 is background.

    Raises
    ------
    BadParameter
        For a dtype without labels, or no pixel.
    ShapeMismatch
        When there are not two axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.
    ResourceError
        When the image has more than 2**31 pixels.

    Notes
    -----
    O(pixels). The numbers are those of FindConnectedRegions (Fiji, VIB-lib).
    """
    return _segmented(_loops.connect, as_foreground(foreground))


def thinned_segments(*, foreground: Any) -> NDArray[np.int32]:
    """Grow the 4-connected segments of the foreground until only lines are left between them.

    The background beside segments joins a queue column by column, from the left and in each from the top. Whoever
    leaves it takes the label of its four neighbours; it becomes a line when they have several labels, or none but
    lines. Its neighbours that were not reached yet join the queue.

    Parameters
    ----------
    foreground : array_like of bool or int, shape (rows, columns)
        Whatever is not 0 is foreground; any strides.

    Returns
    -------
    ndarray of int32, shape (rows, columns)
        Segments from 1 in the order in which columns meet them, from the left; 0 is a line. An image without foreground
        is one segment, as is one with a single segment.

    Raises
    ------
    BadParameter
        For a dtype without labels, or no pixel.
    ShapeMismatch
        When there are not two axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.
    ResourceError
        When the image has more than 2**31 pixels.

    Notes
    -----
    O(pixels). The same labels as WatershedTransform2D of Fiji's Trainable_Segmentation with 4 neighbours, on foreground
    0 in background 255. Lines are one pixel wide where two segments meet, and can be wider where more do.

    In which order the neighbours of a pixel join the queue decides nothing: what descends from one shore pixel in as
    many steps lies on one colour of a chessboard, never side by side, and between the descendants of two shore pixels
    the order of these two decides.
    """
    return _segmented(_loops.thin, as_foreground(foreground))


def joint_counts(*, truth: Any, prediction: Any) -> NDArray[np.int64]:
    """Count the pixels that two segmentations share, pair by pair.

    Parameters
    ----------
    truth, prediction : array_like of int, shape (rows, columns) or (slices, rows, columns)
        Equal shapes, any strides; labels from 0 to at most the number of pixels.

    Returns
    -------
    ndarray of int64, shape (pairs, 3)
        Truth label, prediction label and pixels of each pair that occurs, by truth label, then by prediction label.

    Raises
    ------
    BadParameter
        For labels out of range, a dtype without labels, or no pixel.
    ShapeMismatch
        When the shapes differ, or have neither two nor three axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.
    ResourceError
        When there are more than 2**31 pixels.

    Notes
    -----
    O(pixels) time and memory, however many labels there are: pairs are sorted by counting, no table is made.
    """
    pair = as_segments(truth, prediction)
    pixels = pair[0].size
    # Memory that is not written to is not taken: what these hold at most is one run a pixel.
    work = np.empty((5, pixels), np.int32)
    places = np.empty(pixels + 2, np.int32)
    cells = np.empty((pixels, 3), np.int64)
    n = _loops.count_pairs(pair[0], pair[1], work, places[: 2 + max(int(labels.max()) for labels in pair)], cells)
    return cells[:n].copy()


def _segmented(
    loop: Callable[[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32]], None], foreground: NDArray[np.uint8]
) -> NDArray[np.int32]:
    rows, columns = foreground.shape
    labels = np.empty((rows + 2, columns + 2), np.int32)
    loop(foreground, labels, np.empty(foreground.size, np.int32))
    return labels[1:-1, 1:-1].copy()
