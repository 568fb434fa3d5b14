"""What the kernels on surfaces accept: one structure, or the same one in truth and prediction, as masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.arrays import Labels, as_pair, as_single

Mask = NDArray[np.uint8]


def as_structure(mask: Any) -> Mask:
    """Return a mask as bytes; what is not 0 is in the structure.

    Parameters
    ----------
    mask : array_like of bool or int, shape (rows, columns) or (slices, rows, columns)
        Whatever is not 0 is in the structure.

    Returns
    -------
    ndarray of uint8
        The same memory, whatever its strides, when it holds bool or uint8; else a copy.

    Raises
    ------
    BadParameter, ShapeMismatch, StrayLabel
        As in `surface`.
    """
    return _bytes(as_single(_readable(mask), name="mask"))


def as_structures(truth: Any, prediction: Any) -> tuple[Mask, Mask]:
    """Return two masks of equal shape as bytes; see `as_structure`.

    Parameters
    ----------
    truth, prediction : array_like of bool or int, shape (rows, columns) or (slices, rows, columns)
        Whatever is not 0 is in the structure.

    Returns
    -------
    truth, prediction : ndarray of uint8
        As from `as_structure`.

    Raises
    ------
    BadParameter, ShapeMismatch, StrayLabel
        As in `surface_distances`.
    """
    pair = as_pair(_readable(truth), _readable(prediction))
    return _bytes(pair[0]), _bytes(pair[1])


def _readable(mask: Any) -> Any:
    """Spare the copy of a boolean array, whose bytes are what is asked for."""
    return mask.view(np.uint8) if type(mask) is np.ndarray and mask.dtype == np.bool_ else mask


def _bytes(mask: Labels) -> Mask:
    # In the order of its memory: a volume from NIfTI mostly is in Fortran order.
    return mask.astype(np.uint8, copy=False) if mask.dtype == np.uint8 else np.not_equal(mask, 0).view(np.uint8)
