"""What the kernels on segments accept: an image of foreground, or two segmentations of equal shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, ResourceError, ShapeMismatch
from segbench.kernels.arrays import Labels, as_pair, as_single

#: Pixels, with the frame that loops put around them, are numbered in 32 bits.
MOST_PIXELS = 2**31 - 1


def as_foreground(foreground: Any) -> NDArray[np.uint8]:
    """Return an image as 1 for foreground and 0 for background.

    Parameters
    ----------
    foreground : array_like of bool or int, shape (rows, columns)
        Whatever is not 0 is foreground.

    Returns
    -------
    ndarray of uint8, shape (rows, columns)
        In C order.

    Raises
    ------
    BadParameter, ShapeMismatch, StrayLabel, ResourceError
        As in `thinned_segments`.
    """
    labels = as_single(foreground, name="foreground")
    if labels.ndim != 2:
        raise ShapeMismatch(
            f"foreground with {labels.ndim} axes", expected="(rows, columns)", mend="pass one slice at a time"
        )
    _refuse_large((labels.shape[0] + 2) * (labels.shape[1] + 2))
    return np.not_equal(labels, 0, order="C").view(np.uint8)


def as_segments(truth: Any, prediction: Any) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return two segmentations as rows of labels that are numbered without large gaps.

    Parameters
    ----------
    truth, prediction : array_like of int, shape (rows, columns) or (slices, rows, columns)
        Labels from 0 to at most the number of pixels.

    Returns
    -------
    truth, prediction : ndarray of int32, shape (pixels,)
        In C order.

    Raises
    ------
    BadParameter, ShapeMismatch, StrayLabel, ResourceError
        As in `joint_counts`.
    """
    pair = as_pair(truth, prediction)
    _refuse_large(pair[0].size)
    for labels, name in zip(pair, ("truth", "prediction"), strict=True):
        for label in (int(labels.min()), int(labels.max())):
            if not 0 <= label <= labels.size:
                raise BadParameter(
                    f"label {label} in {name}",
                    expected=f"0 to {labels.size}, the number of pixels",
                    mend="number the segments one after the other",
                )
    return _flat(pair[0]), _flat(pair[1])


def _flat(labels: Labels) -> NDArray[np.int32]:
    return np.ascontiguousarray(labels, np.int32).reshape(-1)


def _refuse_large(pixels: int) -> None:
    if pixels > MOST_PIXELS:
        raise ResourceError(f"an image of {pixels} pixels with its frame", expected=f"at most {MOST_PIXELS}")
