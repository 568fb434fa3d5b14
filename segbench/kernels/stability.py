"""How much an outline changes: the outline of a mask, shape contexts along it, and the cost of matching two.

Source: the measure T of Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation,
CVPR 2016, as two official tools compute it: fperazzi/davis (here ``python``) and davisvideochallenge/davis-matlab
(``matlab``), which differ.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import KernelsNotBuilt
from segbench.kernels.contours import as_mask
from segbench.kernels.polygons import (
    N_BINS,
    N_RINGS,
    Contexts,
    Outline,
    Shares,
    as_contexts,
    as_outline,
    as_reading,
    most_points,
)

try:
    import segbench.kernels._stability as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error


def outline(*, mask: Any, reading: str = "python") -> Outline:
    """Find the outline of a mask that has the most corners, once it is simplified.

    Outlines run along the edges of pixels. Each is simplified twice, to within 0.05 and 1.5 pixels, by dropping points
    near the one before and then by the method of Douglas and Peucker. Outlines of holes count too; those that are left
    with fewer than three corners do not.

    Parameters
    ----------
    mask : array_like of bool or int, shape (rows, columns)
        Whatever is not 0 is foreground; any strides. Beyond the image is background.
    reading : {'python', 'matlab'}
        Which of several outlines with equally many corners is taken: the last (``python``) or the first one
        (``matlab``) of the list of the official contour tracer.

    Returns
    -------
    ndarray of int64, shape (points, 2)
        Corners (column, row), the first one again at the end; no point where the mask has no outline. Corner (x, y) is
        the upper left one of the pixel in column x and row y.

    Raises
    ------
    BadParameter
        For an unknown reading, a dtype without labels, or no pixel.
    ShapeMismatch
        When there are not two axes.
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold.
    ResourceError
        When the image has more than about 2**31 pixels.

    Notes
    -----
    O(pixels), and of the simplification O(points²) at worst. polycont and psimpl of fperazzi/davis give the same
    corners in the same order where they are built with GCC's library; with others, whose hash tables have another
    order, ties and the starts of outlines that touch in a corner may come out otherwise.
    """
    is_matlab = as_reading(reading)
    foreground = as_mask(mask)
    rows, columns = foreground.shape
    ways = np.empty((rows + 1, columns + 1), np.uint8)
    edges, junctions = _loops.mark(foreground, np.zeros(2 * (columns + 2), np.uint8), ways)
    # Two pieces a junction; their ends are listed twice.
    room = edges + 2 * junctions + 2
    corners = np.empty((3, room, 2), np.int32)
    n = _loops.outline(
        foreground,
        not is_matlab,
        ways,
        np.empty((junctions + 1, _loops.BYTES_OF_A_JUNCTION), np.uint8),
        np.empty((2 * junctions + 1, _loops.BYTES_OF_A_PIECE), np.uint8),
        np.empty((junctions + 1, 2), np.int32),
        corners,
        np.empty(room, np.uint8),
        np.empty((room, 2), np.intp),
    )
    return corners[2, :n, ::-1].ravel().astype(np.int64).reshape(-1, 2)


def shape_contexts(*, outline: Any, reading: str = "python") -> Contexts:
    """Count, for points along an outline, how many points each of them sees, by distance and direction.

    The sides of the outline are cut into equal steps of at most 3 pixels; the repeated first corner is a point too, and
    each point sees itself. Rings end at 2, 1, 1/2, 1/4 and 1/8 of the mean distance of all points, sectors are twelve
    of 30°, closed where they begin.

    Parameters
    ----------
    outline : array_like of int, shape (points, 2)
        Corners (column, row), the first one again at the end; or none.
    reading : {'python', 'matlab'}
        ``python`` steps in 32 bits and turns from columns to rows, ``matlab`` steps in 64 bits and turns from rows to
        columns, so that the other end of each sector is closed; what is nearly a whole turn is none.

    Returns
    -------
    ndarray of int64, shape (points along the outline, 60)
        Counts by ring, from the outermost in, and within it by sector.

    Raises
    ------
    BadParameter
        For an unknown reading, an outline that is not closed or has no two points, or a coordinate that no image has.
    ShapeMismatch
        When the shape is another one.
    StrayLabel
        For a float that is no whole number.
    ResourceError
        For an outline with more than 2**13 points.

    Notes
    -----
    O(points²). Limits and the mean are NumPy's; of other functions only the arc tangent could differ between platforms,
    and no direction of the python reading comes near the end of a sector without being a multiple of 90°.
    """
    is_matlab = as_reading(reading)
    closed = as_outline(outline)
    if not len(closed):
        return np.empty((0, N_BINS), np.int64)
    points = np.empty((most_points(closed) + len(closed), 2))
    points = points[: _loops.resample(closed, is_matlab, is_matlab, points)]
    distances = np.empty((len(points), len(points)))
    _loops.distances(points, distances)
    seen = np.empty((len(points), N_BINS), np.int64)
    _loops.contexts(points, distances, float(np.mean(distances)), _ring_limits(), is_matlab, seen)
    return seen


def matching_cost(*, before: Any, after: Any) -> float:
    """Return the mean cost of the pairs of points of two outlines that answer each other.

    The cost of a pair is half the chi-squared distance of its shape contexts, from 0 to 1. A cheapest path through the
    table of all pairs, each step to the next point of one outline or of both, gives the cheapest pair on it; a second
    path begins and ends there, the outlines being closed. Of its pairs each point keeps the cheapest one.

    Parameters
    ----------
    before, after : array_like of int, shape (points, 60)
        Shape contexts of the outlines in two frames.

    Returns
    -------
    float
        The mean; NaN where one of the outlines has no point.

    Raises
    ------
    BadParameter
        For a single point, or a count that is negative or above 2**13.
    ShapeMismatch
        When there are not 60 bins.
    StrayLabel
        For a float that is no whole number.
    ResourceError
        For more than 2**13 points.

    Notes
    -----
    O(pairs · log pairs) at worst, and less the more the outlines are alike: costs are worked out only where a path may
    lead. Of equally cheap paths it is that of Boost's dijkstra_shortest_paths, in which outlines are not symmetric.
    """
    shares = as_contexts(before, name="before"), as_contexts(after, name="after")
    if not all(map(len, shares)):
        return math.nan
    return float(np.mean(_matched(*shares)))


def _ring_limits() -> NDArray[np.float64]:
    """Return where rings end, in mean distances: five powers of 2 as NumPy's `logspace` rounds them."""
    return np.logspace(np.log10(1 / 8), np.log10(2.0), N_RINGS)


def _matched(before: Shares, after: Shares) -> NDArray[np.float64]:
    cells, points = len(before) * len(after), len(before) + len(after)
    values = np.empty(len(after))
    # Memory that is not written to is not taken, and most costs are never known.
    costs, distances = np.zeros(cells), np.empty(cells)
    lines = np.empty((3, points), np.int32)
    n = _loops.match(before, after, costs, distances, np.empty((3, cells), np.int32), lines, values)
    return values[:n]
