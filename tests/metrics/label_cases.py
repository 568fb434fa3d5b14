"""Pairs of label maps as segmentations are: regions, ragged edges, void around some of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]


def regions(
    rng: np.random.Generator, n_classes: int, void: tuple[int, ...] = (), largest: int = 56
) -> tuple[Labels, Labels]:
    """A truth of rectangles over each other, and a prediction that is moved, spoilt in places, or something else."""
    rows, columns = rng.integers(1, largest, 2).tolist()
    ids = [*range(n_classes), *void]
    truth = _rectangles(rng, ids, (rows, columns))
    kind = rng.integers(4)
    if kind == 0:
        prediction = _rectangles(rng, ids, (rows, columns))
    else:
        prediction = np.roll(truth, rng.integers(-3, 4, 2).tolist(), (0, 1))
    spoilt = rng.random(truth.shape) < rng.choice([0.0, 0.01, 0.3])
    prediction = np.where(spoilt, rng.choice(ids, truth.shape), prediction)
    return truth.astype(np.uint8), prediction.astype(np.uint8)


def _rectangles(rng: np.random.Generator, ids: list[int], shape: tuple[int, int]) -> NDArray[np.int64]:
    labels = np.full(shape, rng.choice(ids))
    for _ in range(int(rng.integers(0, 9))):
        (top, bottom), (left, right) = (sorted(rng.integers(0, n + 1, 2).tolist()) for n in shape)
        labels[top:bottom, left:right] = rng.choice(ids)
    return labels
