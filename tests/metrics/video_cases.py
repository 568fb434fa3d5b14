"""Random videos: objects that move, leave, are born late and void above them, and predictions that know a little."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.labels import LabelSpace
from segbench.metrics.base import Metric
from segbench.result import Score
from segbench.samples import Place, Sample

Labels = NDArray[np.uint8]
#: Truth and prediction of each frame.
Video = tuple[list[Labels], list[Labels]]
VOID = 255


def random_video(
    rng: np.random.Generator, shape: tuple[int, int], n_frames: int, *, n_objects: int, n_proposals: int, void: bool
) -> Video:
    """A video whose first frame says that it has `n_objects`; predictions hold numbers up to `n_proposals`."""
    boxes = [_box(rng, shape) for _ in range(n_objects + 1)]
    number = _numbers(rng, n_objects, n_proposals)
    truths, predictions = [], []
    for i in range(n_frames):
        truth = np.zeros(shape, np.uint8)
        for k, box in enumerate(boxes, 1):
            # The last one is born late, and is no object.
            if rng.random() < 0.85 and (k <= n_objects or i):
                _draw(truth, box, k)
        prediction = number[np.roll(truth, rng.integers(-2, 3, 2), (0, 1))]
        if rng.random() < 0.2:
            prediction[:] = rng.choice([0, number[1]])
        noise = rng.random(shape) < rng.choice([0, 0.02])
        prediction[noise] = rng.integers(0, n_proposals + 1, int(noise.sum()))
        if void:
            _draw(truth, _box(rng, shape), VOID)
        if not i:
            truth.flat[int(rng.integers(truth.size))] = n_objects
        truths.append(truth)
        predictions.append(prediction)
        boxes = [(top + rng.integers(-1, 2), left + rng.integers(-1, 2), *size) for top, left, *size in boxes]
    return truths, predictions


def _box(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Top, left, height and width; some fill the image."""
    if rng.random() < 0.05:
        return 0, 0, *shape
    height, width = (int(rng.integers(1, n // 2 + 2)) for n in shape)
    return int(rng.integers(0, shape[0])), int(rng.integers(0, shape[1])), height, width


def _draw(labels: Labels, box: tuple[int, int, int, int], value: int) -> None:
    top, left, height, width = (int(n) for n in box)
    labels[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = value


def _numbers(rng: np.random.Generator, n_objects: int, n_proposals: int) -> Labels:
    """The number that a prediction gives each true value: a permutation, some left out, some given twice."""
    number = np.zeros(256, np.uint8)
    if not n_proposals:
        return number
    order = rng.permutation(n_proposals) + 1 if rng.random() < 0.5 else np.arange(n_proposals) + 1
    number[1 : n_objects + 2] = np.resize(order, n_objects + 1)
    number[rng.integers(1, n_objects + 2)] = rng.integers(0, n_proposals + 1)
    return number


def samples(sequence: str, video: Video, n_objects: int, *, ends: bool) -> list[Sample]:
    """The frames of a video that are scored, as a tally takes them."""
    n = len(video[0])
    first, last = (0, n) if ends else (1, n - 1)
    return [
        Sample((sequence, f"{i:05}"), video[0][i], video[1][i], place=Place(i, n, n_objects))
        for i in range(first, last)
    ]


def scored(metric: Metric[Any], frames: list[Sample], space: LabelSpace) -> Score:
    tally = type(metric).tally((metric,), space)
    state = tally.start()
    tally.count_into(state, frames)
    return metric.compute(state, space)
