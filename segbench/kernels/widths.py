"""What the kernels on bands count, and the width that they accept."""

from __future__ import annotations

from segbench.errors import BadParameter
from segbench.kernels.arrays import as_int64

#: What is counted of a class, in the order of the columns.
COLUMNS = ("truth_pixels", "prediction_pixels", "truth_band", "prediction_band", "both")


def as_width(width_px: int, shape: tuple[int, ...]) -> int:
    """Return a width, no larger than an image needs.

    Parameters
    ----------
    width_px : int
        The width, at least 1.
    shape : tuple of int
        Of the image, (rows, columns).

    Returns
    -------
    int
        The same pixels are in bands of this width.

    Raises
    ------
    BadParameter
        When it is no integer, or smaller than 1.
    """
    width = as_int64(width_px, name="width_px")
    if width < 1:
        raise BadParameter(f"width_px={width}", expected="at least 1")
    # With the shorter side for a width, no window ends within the image any more.
    return min(width, *shape)
