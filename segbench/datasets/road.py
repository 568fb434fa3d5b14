"""KITTI road: what the colours of its truth mean, and which category and calibration file an image has.

A truth file is named ``um_lane_000000``: kind of the street (urban marked, urban multiple marked, urban unmarked),
what is sought (the road, or the lane the car drives in), and a number. Calibration belongs to the street.

Source: readme of the road development kit for the truth of February 2015: red says which pixels count, blue what is
road.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, DatasetError

#: The four competitions, each ranked by itself.
CATEGORIES = ("um_lane", "um_road", "umm_road", "uu_road")
NOT_ROAD, ROAD, VOID = 0, 1, 255

_KEY = re.compile(rf"({'|'.join(CATEGORIES)})_(\d{{6}})", re.ASCII)


def road_truth(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the label map that a truth image stands for.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (rows, columns, 3)
        Red, green and blue, in this order; a reader that gives blue first has to be turned round. Never changed.

    Returns
    -------
    ndarray of uint8, shape (rows, columns)
        255 (void) where red is 0, else 1 (road) where blue is above 0, else 0 (not road).

    Raises
    ------
    BadParameter
        For anything but three bands of bytes.

    Examples
    --------
    >>> import numpy as np
    >>> red, magenta, black, blue = (255, 0, 0), (255, 0, 255), (0, 0, 0), (0, 0, 255)
    >>> road_truth(np.array([[red, magenta, black, blue]], np.uint8)).tolist()
    [[0, 1, 255, 255]]
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise BadParameter(
            f"pixels of shape {pixels.shape} and dtype {pixels.dtype}",
            expected="(rows, columns, 3) of uint8, an RGB image",
        )
    labels = np.where(pixels[..., 2] > 0, np.uint8(ROAD), np.uint8(NOT_ROAD))
    labels[pixels[..., 0] == 0] = VOID
    return labels


def category(key: str) -> str:
    """Return the category of an image.

    Parameters
    ----------
    key : str
        Its name, as ``um_lane_000000``.

    Returns
    -------
    str
        One of `CATEGORIES`.

    Raises
    ------
    DatasetError
        For a name of another form.

    Examples
    --------
    >>> category("umm_road_000012")
    'umm_road'
    """
    return _parts(key)[0]


def calibration_name(key: str) -> str:
    """Return the calibration file of an image.

    Parameters
    ----------
    key : str
        Its name, as ``um_road_000000``.

    Returns
    -------
    str
        Name of a file in the folder ``calib``.

    Raises
    ------
    DatasetError
        For a name of another form.

    Examples
    --------
    >>> calibration_name("um_road_000000")
    'um_000000.txt'
    """
    kind, number = _parts(key)
    return f"{kind.partition('_')[0]}_{number}.txt"


def keys_of(street: str) -> list[str]:
    """Return what is sought in the picture of a street.

    Parameters
    ----------
    street : str
        Its name, as ``um_000000``.

    Returns
    -------
    list of str
        Keys, sorted: of marked urban streets lane and road, of the others the road.

    Raises
    ------
    DatasetError
        For a name of another form.

    Examples
    --------
    >>> keys_of("um_000012")
    ['um_lane_000012', 'um_road_000012']
    """
    kind, _, number = street.partition("_")
    keys = [f"{known}_{number}" for known in CATEGORIES if known.partition("_")[0] == kind]
    if not keys or not all(map(_KEY.fullmatch, keys)):
        kinds = ", ".join(dict.fromkeys(known.partition("_")[0] for known in CATEGORIES))
        raise DatasetError(f"an image named {street!r}", expected=f"{kinds}, then _ and six digits")
    return keys


def _parts(key: str) -> tuple[str, str]:
    match = _KEY.fullmatch(key)
    if match is None:
        raise DatasetError(f"an image named {key!r}", expected=f"{', '.join(CATEGORIES)}, then _ and six digits")
    return match[1], match[2]
