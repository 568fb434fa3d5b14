"""What the kernels on boundaries accept: index maps or masks, a definition, a border, and a reach."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, ResourceError, ShapeMismatch
from segbench.kernels.arrays import Labels, as_int64, as_pair, as_single

#: What a boundary pixel of a mask is; see `boundary_map`.
DEFINITIONS = ("seg2bmap", "inner4", "inner8", "thick")
#: What is beyond the image.
BORDERS = ("background", "nothing")
#: What is counted of a class.
COLUMNS = (
    "truth_pixels",
    "prediction_pixels",
    "truth_boundary",
    "truth_hits",
    "prediction_boundary",
    "prediction_hits",
)
#: One value of 16 bits is no class.
MOST_CLASSES = 2**16 - 1
#: Pixels, with some more at the ends of rows, are numbered in 32 bits.
MOST_PIXELS = 2**31


def as_index_maps(truth: Any, prediction: Any, n_classes: int) -> tuple[Labels, Labels]:
    """Return two maps of class indices in one dtype, whose largest value is no class.

    Parameters
    ----------
    truth, prediction : array_like of uint8 or uint16, shape (rows, columns)
        Class indices; a value that is not smaller than `n_classes` is no class.
    n_classes : int
        How many classes there are, from `as_n_classes`.

    Returns
    -------
    truth, prediction : ndarray of uint8 or uint16
        The same memory where nothing has to be widened.

    Raises
    ------
    BadParameter, ShapeMismatch, ResourceError
        As in `boundary_counts`.
    """
    pair = as_pair(truth, prediction)
    for labels, name in zip(pair, ("truth", "prediction"), strict=True):
        if labels.dtype not in (np.uint8, np.uint16):
            raise BadParameter(f"{name} of dtype {labels.dtype}", expected="class indices, of uint8 or uint16")
    _refuse_volume(pair[0], name="truth and prediction")
    bytes_do = n_classes <= np.iinfo(np.uint8).max and pair[0].dtype == pair[1].dtype
    return pair if bytes_do else (pair[0].astype(np.uint16, copy=False), pair[1].astype(np.uint16, copy=False))


def as_masks(truth: Any, prediction: Any) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return two masks as bytes; what is not 0 is foreground.

    Parameters
    ----------
    truth, prediction : array_like of bool or int, shape (rows, columns)
        Whatever is not 0 is foreground.

    Returns
    -------
    truth, prediction : ndarray of uint8
        The same memory where it is of bytes already, of any value.

    Raises
    ------
    BadParameter, ShapeMismatch, StrayLabel, ResourceError
        As in `mask_boundary_counts`.
    """
    pair = as_pair(_bytes(truth), _bytes(prediction))
    _refuse_volume(pair[0], name="truth and prediction")
    return _foreground(pair[0]), _foreground(pair[1])


def as_mask(mask: Any) -> NDArray[np.uint8]:
    """Return one mask as bytes; see `as_masks`."""
    single = as_single(_bytes(mask), name="mask")
    _refuse_volume(single, name="mask")
    return _foreground(single)


def as_rules(definition: str, border: str) -> tuple[int, bool]:
    """Return the number of a definition, and whether the frame of the image bounds what touches it.

    Parameters
    ----------
    definition : {'seg2bmap', 'inner4', 'inner8', 'thick'}
        What a boundary pixel is.
    border : {'background', 'nothing'}
        What is beyond the image.

    Returns
    -------
    number : int
        The place in `DEFINITIONS`.
    frame_bounds : bool
        Whether the border is background.

    Raises
    ------
    BadParameter
        For a name that is none of these, or ``seg2bmap`` with background.
    """
    for name, value, names in (("definition", definition, DEFINITIONS), ("border", border, BORDERS)):
        if value not in names:
            raise BadParameter(f"{name}={value!r}", expected=", ".join(names))
    if definition == "seg2bmap" and border != "nothing":
        raise BadParameter(
            f"definition='seg2bmap' with border={border!r}", expected="border='nothing': its frame bounds nothing"
        )
    return DEFINITIONS.index(definition), border == "background"


def as_n_classes(n_classes: int) -> int:
    """Return the number of classes.

    Parameters
    ----------
    n_classes : int
        From 1 to as many as 16 bits hold together with a value that is no class.

    Returns
    -------
    int
        The same.

    Raises
    ------
    BadParameter
        For any other number.
    """
    number = as_int64(n_classes, name="n_classes")
    if not 1 <= number <= MOST_CLASSES:
        raise BadParameter(f"n_classes={number}", expected=f"1 to {MOST_CLASSES}")
    return number


def as_reach(reach_squared: int, shape: tuple[int, ...]) -> int:
    """Return the square of a distance, no larger than an image needs.

    Parameters
    ----------
    reach_squared : int
        The largest square that is near; −1 when none is.
    shape : tuple of int
        Of the image, (rows, columns).

    Returns
    -------
    int
        The same distances between pixels of such an image are near.

    Raises
    ------
    BadParameter
        When it is no integer, or smaller than −1.
    """
    if isinstance(reach_squared, bool) or not isinstance(reach_squared, (int, np.integer)):
        raise BadParameter(
            f"reach_squared={reach_squared!r}", expected="an integer, the square of a distance in pixels"
        )
    if reach_squared < -1:
        raise BadParameter(f"reach_squared={reach_squared}", expected="0 or more, or -1 where nothing is near")
    return min(int(reach_squared), shape[0] ** 2 + shape[1] ** 2)


def _bytes(mask: Any) -> Any:
    """Spare the copy of a boolean array: a byte of it that is not 0 is foreground."""
    return mask.view(np.uint8) if type(mask) is np.ndarray and mask.dtype == np.bool_ else mask


def _foreground(mask: Labels) -> NDArray[np.uint8]:
    return mask.view(np.uint8) if mask.dtype == np.uint8 else np.not_equal(mask, 0).view(np.uint8)


def _refuse_volume(labels: Labels, *, name: str) -> None:
    if labels.ndim != 2:
        raise ShapeMismatch(
            f"{name} with {labels.ndim} axes", expected="(rows, columns)", mend="pass one slice at a time"
        )
    rows, columns = labels.shape
    # A row of bits ends with up to three words that hold no pixel.
    if (pixels := (rows + 3) * (columns + 192)) > MOST_PIXELS:
        raise ResourceError(f"an image of {pixels} pixels with its frame", expected=f"at most {MOST_PIXELS}")
