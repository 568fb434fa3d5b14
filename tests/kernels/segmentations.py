"""Cases for the kernels on segments. Seeded faults meet the same ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from tests.kernels.comparisons import Case, arranged, shape


def foreground(rng: np.random.Generator) -> np.ndarray:
    """An image of foreground: noise of any density, cells as in a membrane map, blocks, or all of one kind."""
    size = shape(rng)[-2:]
    style = rng.choice([noise, cells, blocks, uniform], p=[0.35, 0.35, 0.2, 0.1])
    image = style(rng, size)
    return arranged(rng, image.astype(rng.choice(["bool", "uint8", "int32"])))


def noise(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return rng.random(size) < rng.choice([0.01, 0.1, 0.5, 0.6, 0.9, 0.99])


def cells(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Smooth cells with a border of some width, cut from a sum of waves at some height."""
    y, x = np.indices(size)
    waves = [np.cos(rng.normal(0, 0.4) * x + rng.normal(0, 0.4) * y + rng.uniform(0, 7)) for _ in range(6)]
    return np.abs(sum(waves)) > rng.uniform(0, 2)


def blocks(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Blocks of pixels: plateaus that several basins reach at once."""
    edge = int(rng.integers(2, 7))
    coarse = rng.random([n // edge + 1 for n in size]) < rng.uniform(0.05, 0.6)
    return np.kron(coarse, np.ones((edge, edge), bool))[: size[0], : size[1]]


def uniform(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return np.full(size, rng.random() < 0.5)


def image_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        yield {"foreground": foreground(rng)}


def joint_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Two segmentations, images or volumes: a few labels in runs, or as many as there are pixels."""
    while True:
        size = shape(rng)
        pixels = int(np.prod(size))
        pair = []
        for _ in range(2):
            most = int(rng.choice([0, 1, 5, pixels])) + 1
            labels = rng.integers(0, min(most, pixels + 1), size)
            if rng.random() < 0.5:
                labels = np.sort(labels, axis=None).reshape(size)
            if rng.random() < 0.2:
                labels.flat[rng.integers(pixels)] = pixels
            pair.append(arranged(rng, labels.astype(rng.choice(["int32", "int64"]))))
        yield {"truth": pair[0], "prediction": pair[1]}


#: Every kernel on segments, with an endless source of good cases.
SEGMENT_CASES: dict[str, Callable[[np.random.Generator], Iterator[Case]]] = {
    "connected_segments": image_cases,
    "thinned_segments": image_cases,
    "joint_counts": joint_cases,
}
