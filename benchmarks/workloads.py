"""Label maps to measure on, made from a seed: regions with ragged edges and void rings, and nearly right predictions.

No data set is read. Sizes and classes are those of PASCAL VOC (500×375, 21 classes) and Cityscapes (2048×1024,
19 classes); a boundary runs through 2–4 % of the pixels, which is what decides how long runs of equal pairs are.
Scenes take longer to make than to count, so each is made once; whoever changes one copies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

VOID = 255


@dataclass(frozen=True)
class Workload:
    """A truth, a prediction of the same shape, and how many classes the two hold; void is 255."""

    name: str
    truth: NDArray[np.integer]
    prediction: NDArray[np.integer]
    n_classes: int

    def retyped(self, dtype: str) -> Workload:
        """Return the same labels in another dtype."""
        name = self.name.replace(str(self.truth.dtype), dtype)
        return Workload(name, self.truth.astype(dtype), self.prediction.astype(dtype), self.n_classes)

    def variant(self, number: int) -> Workload:
        """Return the scene mirrored in one of four ways, with the classes but 0 and void in another order."""
        rows, columns, turn = -1 if number & 1 else 1, -1 if number & 2 else 1, number // 4
        order = np.arange(256, dtype=self.truth.dtype)
        order[1 : self.n_classes] = np.roll(order[1 : self.n_classes], turn)
        truth, prediction = (order[labels[::rows, ::columns]] for labels in (self.truth, self.prediction))
        return Workload(self.name, truth, prediction, self.n_classes)

    def mixed(self, dtype: str) -> Workload:
        """Return the same labels with the prediction in another dtype, as argmax leaves it."""
        name = self.name.replace(str(self.truth.dtype), f"{self.truth.dtype} and {dtype}")
        return Workload(name, self.truth, self.prediction.astype(dtype), self.n_classes)


@cache
def voc(seed: int = 0) -> Workload:
    """An image like PASCAL VOC's: objects of 5 classes before background, ringed by void."""
    return _scene("500×375 uint8", (375, 500), cell=96, n_classes=21, present=6, background=0.5, ring=2, seed=seed)


@cache
def city(seed: int = 0) -> Workload:
    """An image like Cityscapes': many regions of 19 classes, ringed by void."""
    return _scene("2048×1024 uint8", (1024, 2048), cell=112, n_classes=19, present=19, ring=1, seed=seed)


def noise(seed: int = 0) -> Workload:
    """Labels of 500×375 pixels, each drawn alone: the worst case for anything that looks for runs."""
    rng = np.random.default_rng(seed)
    truth, prediction = rng.integers(0, 21, (2, 375, 500), dtype=np.uint8)
    return Workload("500×375 uint8, noise", truth, prediction, 21)


def edge_share(labels: NDArray[np.integer]) -> float:
    """Return the share of pixels whose right or lower neighbour has another label."""
    edge = np.zeros(labels.shape, dtype=bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return float(edge.mean())


def _scene(
    name: str,
    shape: tuple[int, int],
    *,
    cell: int,
    n_classes: int,
    present: int,
    background: float = 0.0,
    ring: int,
    seed: int,
) -> Workload:
    """Regions about `cell` pixels wide; a share of them is background, class 0, whatever else is present."""
    rng = np.random.default_rng(seed)
    classes = np.append(0, 1 + rng.choice(n_classes - 1, present - 1, replace=False)).astype(np.uint8)
    sites = _sites(rng, shape, cell, classes, background)
    # One warp makes the edges ragged; truth and prediction then differ by a slower and smaller one.
    ragged = _warp(rng, shape, [(cell, 0.35 * cell), (12, 3.0), (4, 0.7)])
    regions = _regions(sites, ragged, shape, cell)
    guess = _regions(sites, ragged + _warp(rng, shape, [(20, 1.2), (5, 0.4)]), shape, cell)
    for _ in range(2 + shape[0] * shape[1] // 100_000):
        _blob(rng, guess, classes)
    truth = np.where(_near_edge(regions, ring), VOID, regions).astype(np.uint8)
    return Workload(name, truth, guess, n_classes)


def _sites(
    rng: np.random.Generator, shape: tuple[int, int], cell: int, classes: NDArray[np.uint8], background: float
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """One site in each cell of a grid that reaches beyond the image, and its class."""
    grid = (shape[0] // cell + 5, shape[1] // cell + 5)
    places = rng.random((*grid, 2)) * 0.8 + 0.1
    chosen = rng.choice(classes, grid)
    chosen[rng.random(grid) < background] = 0
    return places, chosen


def _warp(rng: np.random.Generator, shape: tuple[int, int], octaves: list[tuple[int, float]]) -> NDArray[np.float64]:
    """A displacement of every pixel, shape (2, rows, columns): noise of several (wavelength, height) in pixels."""
    return np.stack([sum(_smooth(rng, shape, step) * height for step, height in octaves) for _ in range(2)])


def _smooth(rng: np.random.Generator, shape: tuple[int, int], step: int) -> NDArray[np.float64]:
    """Normal noise on a grid of the given step, interpolated linearly."""
    knots = rng.standard_normal([n // step + 2 for n in shape])
    for axis, n in enumerate(shape):
        at = np.arange(n) / step
        low = at.astype(int)
        weight = (at - low).reshape([-1 if i == axis else 1 for i in range(2)])
        knots = np.take(knots, low, axis) * (1 - weight) + np.take(knots, low + 1, axis) * weight
    return knots


def _regions(
    sites: tuple[NDArray[np.float64], NDArray[np.uint8]],
    warp: NDArray[np.float64],
    shape: tuple[int, int],
    cell: int,
) -> NDArray[np.uint8]:
    """Give every pixel the class of the site that is nearest to its displaced place."""
    places, classes = sites
    y, x = ((np.indices(shape) + warp) / cell + 2).clip(1, np.array(classes.shape)[:, None, None] - 2.001)
    row, column = y.astype(int), x.astype(int)
    nearest = np.full(shape, np.inf)
    labels = np.zeros(shape, dtype=np.uint8)
    for i, j in np.ndindex(3, 3):
        r, c = row + i - 1, column + j - 1
        distance = (places[r, c, 0] + r - y) ** 2 + (places[r, c, 1] + c - x) ** 2
        closer = distance < nearest
        labels[closer] = classes[r, c][closer]
        nearest[closer] = distance[closer]
    return labels


def _blob(rng: np.random.Generator, labels: NDArray[np.uint8], classes: NDArray[np.uint8]) -> None:
    """Write an ellipse of a wrong class."""
    rows, columns = labels.shape
    height, width = rng.integers(8, 40, 2)
    y, x = np.ogrid[:rows, :columns]
    inside = ((y - rng.integers(rows)) / height) ** 2 + ((x - rng.integers(columns)) / width) ** 2 < 1
    labels[inside] = rng.choice(classes)


def _near_edge(labels: NDArray[np.uint8], radius: int) -> NDArray[np.bool_]:
    """Where another label lies within a radius, along rows and columns."""
    near = np.zeros(labels.shape, dtype=bool)
    for step in range(1, radius + 1):
        across, down = labels[:, step:] != labels[:, :-step], labels[step:] != labels[:-step]
        near[:, step:] |= across
        near[:, :-step] |= across
        near[step:] |= down
        near[:-step] |= down
    return near
