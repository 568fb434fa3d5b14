"""Random masks, outlines and shape contexts for the kernels on stability."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import ndimage

from segbench.kernels import reference_stability
from segbench.kernels.polygons import N_BINS, READINGS
from tests.kernels.comparisons import ARRANGEMENTS, Case

Mask = np.ndarray


def noise(rng: np.random.Generator, shape: tuple[int, int]) -> Mask:
    """Pixels that touch in corners everywhere."""
    return rng.random(shape) < rng.random()


def blobs(rng: np.random.Generator, shape: tuple[int, int]) -> Mask:
    return ndimage.gaussian_filter(rng.standard_normal(shape), rng.uniform(0.5, 4)) > 0


def holes(rng: np.random.Generator, shape: tuple[int, int]) -> Mask:
    """Blobs of background inside, whose outlines have more corners than the frame."""
    mask = np.ones(shape, np.bool_)
    mask[1:-1, 1:-1] = blobs(rng, shape)[1:-1, 1:-1]
    return mask


def rectangles(rng: np.random.Generator, shape: tuple[int, int]) -> Mask:
    """Rectangles that take away where they overlap: holes, islands in them, and the whole image."""
    mask = np.zeros(shape, np.bool_)
    for _ in range(rng.integers(0, 5)):
        (top, bottom), (left, right) = (np.sort(rng.integers(0, n + 1, 2)) for n in shape)
        mask[top:bottom, left:right] ^= True
    return mask


def twins(rng: np.random.Generator, shape: tuple[int, int]) -> Mask:
    """The same rectangle many times over, in corners of each other or apart: outlines with equally many corners."""
    high, wide, apart = int(rng.integers(2, 6)), int(rng.integers(3, 6)), int(rng.integers(0, 2))
    cells = rng.random((shape[0] // (high + apart) + 1, shape[1] // (wide + apart) + 1)) < 0.4
    one = np.zeros((high + apart, wide + apart), np.bool_)
    one[:high, :wide] = True
    return np.kron(cells, one)[: shape[0], : shape[1]]


def random_mask(rng: np.random.Generator) -> Mask:
    """One of these, from one pixel or line to 60×60."""
    large = int(rng.choice([1, 2, 9, 30, 60, 60]))
    shape = int(rng.integers(large // 2 + 1, large + 1)), int(rng.integers(large // 2 + 1, 61))
    styles = (noise, blobs, blobs, holes, rectangles, twins)
    return styles[rng.integers(len(styles))](rng, shape if rng.random() < 0.5 else shape[::-1])


def random_outline(rng: np.random.Generator) -> np.ndarray:
    """The outline of a mask, rarely none; or points anywhere, whose sides may cross and be long."""
    if rng.random() < 0.2:
        points = rng.integers(0, int(rng.choice([4, 40, 200])), (int(rng.integers(2, 9)), 2))
        points[-1] += (points == points[0]).all()
        return np.concatenate([points, points[:1]])
    found = np.empty((0, 2), np.int64)
    while not len(found) and rng.random() < 0.95:
        found = reference_stability.outline(mask=random_mask(rng), reading=str(rng.choice(READINGS)))
    return found


def outline_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        mask, arrange = random_mask(rng), list(ARRANGEMENTS.values())[rng.integers(len(ARRANGEMENTS))]
        dtype = str(rng.choice(["bool", "uint8", "uint16", "int64"]))
        labels = mask.astype(dtype) * np.array(1 if dtype == "bool" else rng.choice([1, 255]), dtype)
        yield {"mask": arrange(labels), "reading": str(rng.choice(READINGS))}


def context_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        dtype = str(rng.choice(["int64", "int32", "float64"]))
        yield {"outline": random_outline(rng).astype(dtype), "reading": str(rng.choice(READINGS))}


def cost_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Shape contexts of an outline and another one, or the same one moved, bent or started elsewhere; or any counts."""
    while True:
        if rng.random() < 0.8:
            yield dict(zip(("before", "after"), kinds_of_points(rng), strict=True))
            continue
        before, reading = random_outline(rng), str(rng.choice(READINGS))
        after = random_outline(rng) if rng.random() < 0.4 else changed(rng, before)
        pair = [reference_stability.shape_contexts(outline=points, reading=reading) for points in (before, after)]
        yield dict(zip(("before", "after"), pair, strict=True))


def kinds_of_points(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Counts of points of few kinds, so that many paths are equally cheap, or of many; no outline ends as it begins."""
    kinds = rng.integers(0, 3, (int(rng.choice([2, 4, 99, 99])), N_BINS))
    before, after = (kinds[rng.integers(0, len(kinds), int(rng.integers(2, 20)))] for _ in range(2))
    return before, after


def changed(rng: np.random.Generator, outline: np.ndarray) -> np.ndarray:
    if len(outline) < 3:
        return outline
    points = np.roll(outline[:-1], int(rng.integers(3)), axis=0) + rng.integers(0, 3, 2)
    points[rng.integers(len(points))] += rng.integers(0, 4, 2)
    closed = np.concatenate([points, points[:1]])
    return closed if np.ptp(closed, axis=0).any() else outline


#: Every public kernel, with an endless source of good cases.
STABILITY_CASES: dict[str, Callable[[np.random.Generator], Iterator[Case]]] = {
    "outline": outline_cases,
    "shape_contexts": context_cases,
    "matching_cost": cost_cases,
}
