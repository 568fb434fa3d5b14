"""Cases for the kernels on distances. Seeded faults meet the same ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from tests.kernels.comparisons import Case, arranged, shape

#: Squares that are whole multiples of a unit: small, large, and only just. Then those that have to be rounded.
WHOLE = ((1, 1, 1), (2.5, 1, 1), (0.25, 4, 1), (3, 3, 3), (128, 128, 1), (1, 1, 300), (1, 7, 0.125), (46, 0.5, 190))
ROUNDED = (
    (0.7, 0.9, 1.3),
    (3.3, 0.7, 0.7),
    (0.1, 0.2, 0.3),
    (2.5, 0.8, 0.8),
    (1e-3, 1, 1e3),
    (1e60, 1e-60, 1),
    (0.1,) * 3,
)


class OneWay:
    """The compiled loops on distances, all going one of their WAYS."""

    def __init__(self, loops: ModuleType, way: int):
        self._loops, self._way = loops, way
        self.scratch, self.count_moves = loops.scratch, loops.count_moves

    def square_whole(self, *arguments: Any) -> None:
        self._loops.square_whole(*arguments, self._way)

    def square_scaled(self, *arguments: Any) -> None:
        self._loops.square_scaled(*arguments, self._way)

    def square_real(self, *arguments: Any) -> None:
        self._loops.square_real(*arguments, self._way)


def sources(rng: np.random.Generator) -> np.ndarray:
    """Sources of any density, alone or in blocks, in images and volumes of which some are long."""
    pixels = size(rng)
    shares = [0.4, 0.25, 0.2, 0.1, 0.05] if max(pixels) < 190 else [0.1, 0.4, 0.15, 0.3, 0.05]
    image = rng.choice([noise, lone, blocks, circle, rest], p=shares)(rng, pixels)
    return arranged(rng, image.astype(rng.choice(["bool", "uint8", "int32"])))


def size(rng: np.random.Generator) -> tuple[int, ...]:
    """Mostly small; else longer than any search goes, and wider than what is searched at once."""
    if rng.random() < 0.85:
        return shape(rng)
    long, wide, thin = (int(n) for n in (rng.integers(190, 400), rng.integers(60, 140), rng.integers(1, 5)))
    sizes = ((long, wide), (wide, long), (thin, wide, long), (thin, long, wide), (long, thin, wide), (thin, long, thin))
    return sizes[rng.integers(len(sizes))]


def noise(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return rng.random(size) < rng.choice([0.001, 0.003, 0.01, 0.1, 0.5, 0.9, 0.999])


def lone(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """A few pixels, often in corners; or none."""
    image = np.zeros(size, bool)
    for _ in range(rng.integers(0, 4)):
        image[tuple(rng.choice([0, n - 1, rng.integers(n)]) for n in size)] = True
    return image


def blocks(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Boxes, or what is left between them: long ways to the nearest source, and many equally near ones."""
    image = np.zeros(size, bool)
    for _ in range(rng.integers(1, 5)):
        ends = [np.sort(rng.integers(0, n + 1, 2)) for n in size]
        image[tuple(slice(*end) for end in ends)] = True
    return image ^ bool(rng.random() < 0.5)


def circle(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Pixels that are all as far from one, by sums that are rounded otherwise when the axes are equally spaced."""
    image = np.zeros(size, bool)
    middle = [rng.integers(n) for n in size]
    y, x = np.ogrid[: size[-2], : size[-1]]
    radius = int(rng.choice([5, 25, 65, 85, 130, 145]))
    image[middle[0] if len(size) == 3 else ...] = (y - middle[-2]) ** 2 + (x - middle[-1]) ** 2 == radius**2
    return image


def rest(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """All but one pixel."""
    image = np.ones(size, bool)
    image.flat[rng.integers(image.size)] = False
    return image


def squared_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        image = sources(rng)
        kind = rng.choice(3)
        spacings = (None, WHOLE, ROUNDED)[kind]
        spacing = None if spacings is None else spacings[rng.integers(len(spacings))][-image.ndim :]
        yield {"sources": image, "spacing": spacing}


def chessboard_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        yield {"sources": sources(rng)}


#: Every kernel on distances, with an endless source of good cases.
DISTANCE_CASES: dict[str, Callable[[np.random.Generator], Iterator[Case]]] = {
    "squared_distances": squared_cases,
    "chessboard_distances": chessboard_cases,
}
