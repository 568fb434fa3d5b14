"""Overlap, matching, order and curves of detections: segbench against what the official tool is made of.

Run with ``python -m benchmarks detection``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.packages import package
from benchmarks.race import Row, race
from segbench.kernels.detection import match, order, precision_recall
from segbench.kernels.overlap import box_iou, mask_iou

PACKAGES = {"pycocotools.mask": "pycocotools"}

HEIGHT, WIDTH = 480, 640
RANGES = np.array([[0, 1e10], [0, 1024], [1024, 9216], [9216, 1e10]])
THRESHOLDS, RECALLS = np.linspace(0.5, 0.95, 10), np.linspace(0, 1, 101)


class Masks(NamedTuple):
    """Runs of masks."""

    counts: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]


class Side(NamedTuple):
    """Blobs of some groups: masks, boxes, and where groups begin."""

    masks: Masks
    boxes: NDArray[np.float64]
    offsets: NDArray[np.int64]


def rows(quick: bool = False) -> list[Row]:
    """Race overlaps of masks and boxes, and order; matching and curves have no peer that does them alone."""
    truth, prediction = sides(300 if quick else 4000)
    repetitions = 3 if quick else 9
    crowd = np.zeros(len(truth.boxes), bool)
    ends = {"truth_offsets": truth.offsets, "prediction_offsets": prediction.offsets}
    masks = partial(mask_iou, truth=truth.masks, prediction=prediction.masks, crowd=crowd, **ends)
    boxes = partial(box_iou, truth=truth.boxes, prediction=prediction.boxes, crowd=crowd, **ends)
    found = []
    if (peer := package("pycocotools.mask", "pycocotools")) is not None:
        official, name = peer
        theirs = _official_masks(official, truth), _official_masks(official, prediction)
        found += _raced("overlap of masks", masks, lambda: _official(official, *theirs, ends), 2.0, repetitions, name)
        pair = truth.boxes, prediction.boxes
        found += _raced("overlap of boxes", boxes, lambda: _official(official, *pair, ends), 3.0, repetitions, name)
    scores = np.random.default_rng(0).random(len(prediction.boxes)).round(5)
    classes = np.arange(len(scores)) % 80
    own, lexsort = lambda: order(scores, classes, 80)[0], lambda: np.lexsort((-scores, classes))
    found += _raced("order by class and score", own, lexsort, 3.0, repetitions, "np.lexsort")
    ious, pairs = masks()
    return found + _alone(ious, pairs, truth, prediction, scores, classes, repetitions)


def _raced(
    name: str, own: Callable[[], Any], peer: Callable[[], Any], floor: float, repetitions: int, other: str
) -> list[Row]:
    mine = own()
    if not np.array_equal(mine[0] if isinstance(mine, tuple) else mine, peer()):
        raise AssertionError(f"{other} answers otherwise: {name}")
    times = race([own, peer], repetitions)
    return [Row(name, times[0], other, times[1], floor, None, times[0])]


def _alone(
    ious: Any, pairs: Any, truth: Side, prediction: Side, scores: Any, classes: Any, repetitions: int
) -> list[Row]:
    """Matching and curves, with the time of reading the overlaps once as limit."""
    n = len(scores)
    found = partial(
        match,
        ious=ious,
        pair_offsets=pairs,
        truth_offsets=truth.offsets,
        prediction_offsets=prediction.offsets,
        truth_areas=truth.boxes[:, 2] * truth.boxes[:, 3],
        prediction_areas=prediction.boxes[:, 2] * prediction.boxes[:, 3],
        truth_ignored=np.zeros(len(truth.boxes), bool),
        truth_reusable=np.zeros(len(truth.boxes), bool),
        prediction_excused=np.zeros(n, bool),
        area_ranges=RANGES,
        thresholds=THRESHOLDS,
    )
    ranked, ends = order(scores, classes, 80)
    outcomes = found().outcomes[ranked]
    curves = partial(
        precision_recall,
        outcomes=outcomes,
        scores=scores[ranked],
        ranks=np.zeros(n, np.int64),
        class_offsets=ends,
        positives=np.full((80, 4), len(truth.boxes)),
        recall_thresholds=RECALLS,
        max_detections=[1, 10, 100],
    )
    times = race([found, curves, lambda: ious.sum()], repetitions)
    return [
        Row(name, times[i], "none", times[i], None, None, times[2]) for i, name in enumerate(("matching", "curves"))
    ]


def _official_masks(official: Any, side: Side) -> list[Any]:
    masks, size = side.masks, [HEIGHT, WIDTH]
    counts = [c.tolist() for c in np.split(masks.counts, masks.offsets[1:-1])]
    return [official.frPyObjects({"size": size, "counts": own}, HEIGHT, WIDTH) for own in counts]


def _official(official: Any, truth: Any, prediction: Any, ends: dict[str, NDArray[np.int64]]) -> NDArray[np.float64]:
    found = []
    columns = [offsets.tolist() for offsets in ends.values()]
    for t0, t1, p0, p1 in zip(columns[0], columns[0][1:], columns[1], columns[1][1:], strict=False):
        if t1 > t0 and p1 > p0:
            found.append(official.iou(prediction[p0:p1], truth[t0:t1], [0] * (t1 - t0)).ravel())
    return np.concatenate(found)


def sides(groups: int) -> tuple[Side, Side]:
    """Some blobs in each group, and predictions that lie near them or anywhere."""
    rng = np.random.default_rng(0)
    blobs: tuple[list[Any], list[Any]] = [], []
    ends: tuple[list[int], list[int]] = [0], [0]
    for _ in range(groups):
        own = [_blob(rng) for _ in range(int(rng.geometric(0.4)))]
        near = [own[i] * rng.normal(1, 0.06, 3) for i in rng.integers(0, len(own), int(rng.poisson(4)))]
        blobs[0].extend(own)
        blobs[1].extend(near + [_blob(rng) for _ in range(int(rng.poisson(4)))])
        for side in (0, 1):
            ends[side].append(len(blobs[side]))
    truth, prediction = (_side(rng, made, np.array(offsets)) for made, offsets in zip(blobs, ends, strict=True))
    return truth, prediction


def _blob(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.array([rng.uniform(30, WIDTH - 30), rng.uniform(30, HEIGHT - 30), rng.lognormal(3.4, 0.7)])


def _side(rng: np.random.Generator, blobs: list[Any], offsets: NDArray[np.int64]) -> Side:
    runs = [_runs(rng, *blob.tolist()) for blob in blobs]
    starts = np.concatenate([[0], np.cumsum([len(own) for own in runs])])
    sizes = np.full(len(runs), HEIGHT), np.full(len(runs), WIDTH)
    x, y, radius = np.array(blobs).T
    boxes = np.stack([x - radius, y - 0.8 * radius, 2 * radius, 1.6 * radius], axis=1)
    return Side(Masks(np.concatenate(runs).astype(np.uint32), starts, *sizes), boxes, offsets)


def _runs(rng: np.random.Generator, x: float, y: float, radius: float) -> NDArray[np.int64]:
    columns = np.arange(max(0, int(x - radius)), min(WIDTH, int(x + radius) + 1))
    half = 0.8 * radius * np.sqrt(np.maximum(0, 1 - ((columns - x) / radius) ** 2)) + rng.normal(0, 1, len(columns))
    top, bottom = (np.clip((y + sign * half).astype(int), 0, HEIGHT) for sign in (-1, 1))
    bounds = np.stack([columns * HEIGHT + top, columns * HEIGHT + bottom], axis=1)[bottom > top]
    return np.diff(np.concatenate([[0], bounds.ravel(), [HEIGHT * WIDTH]]))
