"""Cases for the kernels on surfaces. Seeded faults meet the same ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from tests.kernels.comparisons import Case, arranged

#: Whole numbers, whose sums are exact, and others.
SPACINGS = ((1, 1, 1), (3, 1, 2), (2.5, 0.8, 0.8), (0.7, 0.7, 0.7), (0.1, 0.3, 0.2), (1e-3, 40.0, 1.0))
DTYPES = ("bool", "bool", "uint8", "uint16", "int32", "int64", "float64")


def shape(rng: np.random.Generator) -> tuple[int, ...]:
    """Images and volumes; rows of one word and of several, just below, at and above their ends."""
    columns = int(rng.choice([1, 2, 31, 62, 63, 64, 65, 66, 127, 128, 129, rng.integers(1, 220)]))
    if rng.random() < 0.4:
        return int(rng.integers(1, 50)), columns
    return int(rng.integers(1, 14)), int(rng.integers(1, 14)), columns


def noise(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return rng.random(size) < min(rng.choice([0.01, 0.1, 0.9, 0.99]), 300 / np.prod(size))


def full_but_noise(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return ~(rng.random(size) < min(0.02, 100 / np.prod(size)))


def points(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """A few pixels, far apart."""
    mask = np.zeros(size, bool)
    mask.flat[rng.integers(0, mask.size, int(rng.integers(1, 12)))] = True
    return mask


def blob(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """An ellipsoid anywhere, cut by the frame now and then, with a rough rim."""
    sides = [np.arange(n) - rng.uniform(0, n) for n in size]
    radii = [rng.uniform(0.1, 0.5) * n + 0.7 for n in size]
    squares = sum((axis / radius) ** 2 for axis, radius in zip(np.ix_(*sides), radii, strict=True))
    return squares < 1 + 0.1 * rng.standard_normal(size)


def box(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(size, bool)
    ends = [np.sort(rng.integers(0, n + 1, 2)) for n in size]
    mask[tuple(slice(*end) for end in ends)] = True
    return mask


def none_or_all(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return np.full(size, rng.random() < 0.4)


STYLES = (noise, full_but_noise, points, blob, box, none_or_all)
ODDS = (0.15, 0.1, 0.2, 0.3, 0.2, 0.05)


def drawn(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return rng.choice(STYLES, p=ODDS)(rng, size)


def held(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """The mask in some dtype, in memory of some kind; the values of a structure are not one."""
    dtype = rng.choice(DTYPES)
    values = mask if dtype == "bool" else mask * rng.choice([1, 2, 128, 255], mask.shape)
    return arranged(rng, values.astype(dtype))


def mask_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        yield {"mask": held(rng, drawn(rng, shape(rng)))}


def pair_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Two masks: alike, as truth and prediction are, the same, or strangers."""
    while True:
        size = shape(rng)
        truth = drawn(rng, size)
        kind = rng.choice(3, p=[0.4, 0.1, 0.5])
        moved = np.roll(truth, rng.integers(-3, 4, len(size)), axis=tuple(range(len(size))))
        prediction = (moved, truth, drawn(rng, size))[kind]
        spacing = SPACINGS[rng.integers(len(SPACINGS))][-len(size) :]
        yield {"truth": held(rng, truth), "prediction": held(rng, prediction), "spacing": spacing}


#: Every kernel on surfaces, with an endless source of good cases.
SURFACE_CASES: dict[str, Callable[[np.random.Generator], Iterator[Case]]] = {
    "surface": mask_cases,
    "surface_distances": pair_cases,
    "surfel_distances": pair_cases,
}
