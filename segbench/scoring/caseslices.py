"""Three orthogonal slices of one structure, and the outlines of masks along the edges of their voxels."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass

Mask: TypeAlias = NDArray[np.bool_]

#: What is shown around a structure, as a share of its side along the axis and of its longest one.
_MARGIN, _MARGIN_OF_LONGEST = 0.2, 0.06
#: Voxels shown around it, at least.
_LEAST_MARGIN = 3


@dataclass(frozen=True)
class Cut:
    """Where a structure is cut, and what of the slices is shown.

    Parameters
    ----------
    place : tuple of int
        The index of the slice along each axis.
    window : tuple of slice
        The part of each axis that is shown: the structure in both maps with a margin.
    """

    place: tuple[int, int, int]
    window: tuple[slice, slice, slice]

    def view(self, volume: NDArray[np.generic], axis: int) -> NDArray[np.generic]:
        """Return the shown part of the slice of a `volume` across an `axis`."""
        index = tuple(self.place[i] if i == axis else self.window[i] for i in range(3))
        return volume[index]


def cut(*, truth: Mask, prediction: Mask, spacing: tuple[float, ...]) -> Cut:
    """Choose the slices that show most of what is wrong.

    Parameters
    ----------
    truth, prediction : ndarray of bool, shape (x, y, z)
        The structure in both maps.
    spacing : tuple of float
        How far voxels lie apart along each axis, in mm.

    Returns
    -------
    Cut
        Along each axis the slice with the most wrong voxels: those that only one map has. Where nothing is wrong, that
        with the most voxels of the structure, and without a structure the middle of the volume. Of several slices with
        as many the middle one is taken.
    """
    wrong = _counts(truth ^ prediction)
    either = _counts(truth | prediction)
    shown = wrong if wrong[0].any() else either
    place = tuple(_middle_of_most(counts) for counts in shown)
    return Cut(place, _window(either, spacing))  # type: ignore[arg-type]


def _counts(mask: Mask) -> list[NDArray[np.int64]]:
    """Return how many voxels of a mask lie in each slice across each axis."""
    plane = mask.sum(axis=2, dtype=np.int64)
    return [plane.sum(axis=1), plane.sum(axis=0), mask.sum(axis=(0, 1), dtype=np.int64)]


def _middle_of_most(counts: NDArray[np.int64]) -> int:
    most = np.flatnonzero(counts == counts.max())
    return int(most[len(most) // 2])


def _window(counts: list[NDArray[np.int64]], spacing: tuple[float, ...]) -> tuple[slice, ...]:
    held = [np.flatnonzero(one) for one in counts]
    if not held[0].size:
        return tuple(slice(0, len(one)) for one in counts)
    longest = max((int(one[-1]) - int(one[0]) + 1) * step for one, step in zip(held, spacing, strict=True))
    window = []
    for one, found, step in zip(counts, held, spacing, strict=True):
        side = (int(found[-1]) - int(found[0]) + 1) * step
        margin = max(_LEAST_MARGIN, round((_MARGIN * side + _MARGIN_OF_LONGEST * longest) / step))
        window.append(slice(max(int(found[0]) - margin, 0), min(int(found[-1]) + 1 + margin, len(one))))
    return tuple(window)


def outline(mask: Mask) -> NDArray[np.int64]:
    """Return the edges between what is in a mask and what is not.

    Parameters
    ----------
    mask : ndarray of bool, shape (a, b)
        A slice; beyond its border is nothing.

    Returns
    -------
    ndarray of int, shape (n, 2, 2)
        Both ends of each stroke, as corners of pixels along both axes: pixel (i, j) has the corners i, i + 1 and
        j, j + 1. Edges of one straight line are one stroke.
    """
    padded = np.pad(mask, 1).astype(np.int8)
    across = _strokes(np.diff(padded, axis=0)[:, 1:-1] != 0)
    along = _strokes(np.diff(padded, axis=1)[1:-1].T != 0)
    return np.concatenate([across, along[:, :, ::-1]])


def _strokes(edges: Mask) -> NDArray[np.int64]:
    """Return the runs of each row of edges: (row, start), (row, end)."""
    steps = np.diff(np.pad(edges, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    return np.stack([np.stack([rows, starts], axis=1), np.stack([rows, ends], axis=1)], axis=1).astype(np.int64)
