"""Segments and their overlap again, in plain Python and NumPy: for reading, and for holding the loops to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.segments import as_foreground, as_segments

_LINE, _QUEUED, _DRY = 0, -1, -2


def connected_segments(*, foreground: Any) -> NDArray[np.int32]:
    """Label the 4-connected segments of the foreground."""
    return _connected(as_foreground(foreground))


def thinned_segments(*, foreground: Any) -> NDArray[np.int32]:
    """Grow the 4-connected segments of the foreground until only lines are left between them."""
    # Columns come first: the transposed image is segmented row by row.
    image = as_foreground(foreground).T
    labels = np.where(image, _connected(image), _DRY if image.any() else 1).astype(np.int32)
    queue = deque(
        (x, y)
        for x, y in np.argwhere(labels == _DRY).tolist()
        if any(labels[beside] > 0 for beside in _beside(labels, x, y))
    )
    for pixel in queue:
        labels[pixel] = _QUEUED
    while queue:
        x, y = queue.popleft()
        met = {int(labels[beside]) for beside in _beside(labels, x, y)} - {_LINE, _QUEUED, _DRY}
        labels[x, y] = met.pop() if len(met) == 1 else _LINE
        for beside in _beside(labels, x, y):
            if labels[beside] == _DRY:
                labels[beside] = _QUEUED
                queue.append(beside)
    return labels.T.copy()


def joint_counts(*, truth: Any, prediction: Any) -> NDArray[np.int64]:
    """Count the pixels that two segmentations share, pair by pair."""
    pairs, counts = np.unique(np.stack(as_segments(truth, prediction), axis=1), axis=0, return_counts=True)
    return np.column_stack([pairs, counts]).astype(np.int64)


def _connected(image: NDArray[np.uint8]) -> NDArray[np.int32]:
    labels = np.zeros(image.shape, np.int32)
    number = 0
    for start in zip(*np.nonzero(image), strict=True):
        if labels[start]:
            continue
        number += 1
        labels[start] = number
        reached = [start]
        while reached:
            for beside in _beside(labels, *reached.pop()):
                if image[beside] and not labels[beside]:
                    labels[beside] = number
                    reached.append(beside)
    return labels


def _beside(labels: NDArray[np.int32], x: int, y: int) -> Iterator[tuple[int, int]]:
    """Yield the neighbours inside the image: left, above, right and below, where columns come first."""
    for u, v in ((x - 1, y), (x, y - 1), (x + 1, y), (x, y + 1)):
        if 0 <= u < labels.shape[0] and 0 <= v < labels.shape[1]:
            yield u, v
