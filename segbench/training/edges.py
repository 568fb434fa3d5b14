"""The edge weights of U-Net: background between cells that nearly touch counts more."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.distance import squared_distances
from segbench.kernels.thinning import connected_segments

#: Distances beyond so many sigma count as infinite: what they would add is below w0 · exp(−9² / 2) = 2.6e-18 w0.
_REACH = 9


def edge_weights(
    truth: NDArray[Any], *, background: int = 0, w0: float = 10.0, sigma: float = 5.0
) -> NDArray[np.float64]:
    """Weigh the background between cells.

    Parameters
    ----------
    truth : ndarray of int, shape (rows, columns)
        Indices of classes; what is below 0 is void. A cell is a 4-connected segment of one class.
    background : int
        The class that is no cell.
    w0 : float
        The weight where two cells would touch.
    sigma : float
        In pixels, how far apart cells may lie.

    Returns
    -------
    ndarray of float64, shape (rows, columns)
        w0 · exp(−(d1 + d2)² / (2 sigma²)) on background, d1 and d2 the Euclidean distances to the nearest pixel of the
        nearest cell and of the second nearest; 0 on cells and void, and where there are less than two cells.

    Notes
    -----
    Ronneberger et al. 2015 (U-Net), the second term of their equation 2. O(pixels) for each cell and its surroundings
    of 9 sigma; what lies farther away adds less than 2.6e-18 w0.
    """
    nearest = np.full(truth.shape, np.inf)
    second = nearest.copy()
    for place, cell in _cells(truth, background, math.ceil(_REACH * sigma)):
        distances = np.sqrt(squared_distances(sources=cell))
        second[place] = np.minimum(second[place], np.maximum(nearest[place], distances))
        nearest[place] = np.minimum(nearest[place], distances)
    added: NDArray[np.float64] = w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2))
    return np.where(truth == background, added, 0.0)


def _cells(truth: NDArray[Any], background: int, margin: int) -> Iterator[tuple[tuple[slice, slice], NDArray[Any]]]:
    """Yield each cell with its surroundings: where they lie, and which of their pixels are the cell."""
    for index in np.unique(truth[(truth >= 0) & (truth != background)]):
        segments = connected_segments(foreground=truth == index)
        for number, place in enumerate(_places(segments, margin), 1):
            yield place, segments[place] == number


def _places(segments: NDArray[np.int32], margin: int) -> Iterator[tuple[slice, slice]]:
    """Yield the bounding box of each segment, wider by a margin on all sides."""
    where = np.nonzero(segments)
    numbers = segments[where] - 1
    first = np.full((2, int(segments.max())), max(segments.shape))
    last = np.zeros_like(first)
    for axis, positions in enumerate(where):
        np.minimum.at(first[axis], numbers, positions)
        np.maximum.at(last[axis], numbers, positions)
    for (top, left), (bottom, right) in zip(first.T, last.T, strict=True):
        yield (
            slice(max(0, top - margin), bottom + margin + 1),
            slice(max(0, left - margin), right + margin + 1),
        )
