"""Cases for the kernels on boundaries. Seeded faults meet the same ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from segbench.kernels.contours import BORDERS, DEFINITIONS
from tests.kernels.comparisons import Case, arranged

#: Squares of distances: none, few pixels, both sides of a word of 64, and beyond every image.
REACHES = (-1, 0, 1, 2, 4, 5, 8, 25, 361, 62**2, 63**2, 63**2 + 1, 64**2 - 1, 64**2, 65**2, 129**2, 2**70)
N_CLASSES = (1, 2, 5, 21, 150, 255, 256, 700)


def size(rng: np.random.Generator) -> tuple[int, int]:
    """One row, one column, less than a word of 64 pixels, just a word, or several."""
    rows, columns = (int(n) for n in rng.integers(2, 34, 2))
    around = int(rng.integers(62, 67))
    wide = int(rng.integers(65, 260))
    sizes = ((1, 1), (1, wide), (wide, 1), (rows, columns), (rows, around), (rows, wide), (wide, columns))
    return sizes[rng.choice(7, p=[0.03, 0.08, 0.08, 0.21, 0.2, 0.25, 0.15])]


def blocks(rng: np.random.Generator, shape: tuple[int, int], n: int) -> np.ndarray:
    """Blocks of pixels, each of one of n values."""
    edge = int(rng.integers(3, 30))
    coarse = rng.integers(0, n, [side // edge + 1 for side in shape])
    return np.kron(coarse, np.ones((edge, edge), np.int64))[: shape[0], : shape[1]]


def waves(rng: np.random.Generator, shape: tuple[int, int], n: int) -> np.ndarray:
    """Smooth regions: edges in every direction."""
    y, x = np.indices(shape)
    field = sum(np.cos(rng.normal(0, 0.15) * x + rng.normal(0, 0.15) * y + rng.uniform(0, 7)) for _ in range(4))
    return ((field + 4) * rng.uniform(0.2, 2)).astype(np.int64) % n


def sparse(rng: np.random.Generator, shape: tuple[int, int], n: int) -> np.ndarray:
    """Single pixels before one value."""
    return np.where(rng.random(shape) < rng.choice([0.002, 0.02]), rng.integers(0, n, shape), rng.integers(0, n))


def noise(rng: np.random.Generator, shape: tuple[int, int], n: int) -> np.ndarray:
    """Every pixel drawn alone, in a part of the image."""
    labels = np.full(shape, rng.integers(0, n))
    rows, columns = (int(rng.integers(0, side)) for side in shape)
    part = labels[rows : rows + 25, columns : columns + 80]
    part[:] = rng.integers(0, n, part.shape)
    return labels


def uniform(rng: np.random.Generator, shape: tuple[int, int], n: int) -> np.ndarray:
    return np.full(shape, rng.integers(0, n))


def pair(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two maps of n values, of which the second mostly resembles the first."""
    shape = size(rng)
    styles = rng.choice([blocks, waves, sparse, noise, uniform], 2, p=[0.3, 0.35, 0.15, 0.15, 0.05])
    truth = styles[0](rng, shape, n)
    if rng.random() < 0.6:
        prediction = np.roll(truth, rng.integers(-9, 10, 2), axis=(0, 1))
        wrong = rng.random(shape) < rng.choice([0, 0.003])
        return truth, np.where(wrong, rng.integers(0, n, shape), prediction)
    return truth, styles[1](rng, shape, n)


def rules(rng: np.random.Generator) -> Case:
    definition = str(rng.choice(DEFINITIONS))
    return {
        "definition": definition,
        "border": "nothing" if definition == "seg2bmap" else str(rng.choice(BORDERS)),
    }


def map_cases(rng: np.random.Generator) -> Iterator[Case]:
    """A mask of any dtype; foreground is whatever is not 0."""
    while True:
        mask = pair(rng, 2)[0] * int(rng.choice([1, 7, 255]))
        yield {"mask": arranged(rng, mask.astype(rng.choice(["bool", "uint8", "uint16", "int64"])))} | rules(rng)


def count_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Index maps; most hold few classes of many, and some values that are no class."""
    while True:
        n_classes = int(rng.choice(N_CLASSES))
        dtypes = rng.choice(["uint8", "uint16"], 2)
        beyond = [min(np.iinfo(dtype).max for dtype in dtypes), n_classes, n_classes + 1]
        values = np.append(rng.integers(0, n_classes, int(rng.choice([1, 2, 4, 20]))), rng.choice(beyond))
        truth, prediction = (values[labels] for labels in pair(rng, len(values)))
        yield {
            "truth": arranged(rng, truth.astype(dtypes[0])),
            "prediction": arranged(rng, prediction.astype(dtypes[1])),
            "n_classes": n_classes,
            "reach_squared": int(rng.choice(np.array(REACHES, object))),
        } | rules(rng)


def mask_count_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Two masks of any dtype."""
    while True:
        truth, prediction = (labels * int(rng.choice([1, 7, 255])) for labels in pair(rng, 2))
        yield {
            "truth": arranged(rng, truth.astype(rng.choice(["bool", "uint8", "int32"]))),
            "prediction": arranged(rng, prediction.astype(rng.choice(["bool", "uint8", "uint16"]))),
            "reach_squared": int(rng.choice(np.array(REACHES, object))),
        } | rules(rng)


#: Every kernel on boundaries, with an endless source of good cases.
BOUNDARY_CASES: dict[str, Callable[[np.random.Generator], Iterator[Case]]] = {
    "boundary_map": map_cases,
    "boundary_counts": count_cases,
    "mask_boundary_counts": mask_count_cases,
}
