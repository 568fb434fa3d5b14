"""Cases for the kernels on bands. Seeded faults meet the same ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from tests.kernels.comparisons import Case, arranged, fill

WIDTHS = (1, 1, 1, 1, 2, 2, 2, 3, 3, 5, 8, 12, 20, 31, 32, 33, 10**6)


class OneWay:
    """The compiled loops on bands, each going one of its WAYS."""

    def __init__(self, loops: ModuleType, way: int):
        self._loops, self._way = loops, way

    def count_labels(self, *arguments: Any) -> None:
        self._loops.count_labels(*arguments, self._way)

    def count_masks(self, *arguments: Any) -> None:
        self._loops.count_masks(*arguments, self._way)

    def mark_band(self, *arguments: Any) -> None:
        self._loops.mark_band(*arguments, self._way)


def size(rng: np.random.Generator) -> tuple[int, int]:
    """An image of one row or column, of a few pixels, or of one to five words of 64 columns."""
    most = [(1, 300), (300, 1), (9, 9), (80, 64), (80, 300)][rng.choice(5, p=[0.1, 0.05, 0.15, 0.3, 0.4])]
    least = [1 if n < 80 else n // 3 for n in most]
    rows, columns = (int(rng.integers(low, high + 1)) for low, high in zip(least, most, strict=True))
    return rows, columns


def regions(rng: np.random.Generator, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Blocks with a wavy border, larger or smaller than the windows; small where many labels have to find room."""
    y, x = np.indices(shape)
    edge = int(rng.integers(2, 90 if len(values) < 50 else 8))
    wave = rng.uniform(0, edge / 3)
    rows = (y + wave * np.sin(x / rng.uniform(2, 20)) + 100).astype(int) // edge
    columns = (x + wave * np.sin(y / rng.uniform(2, 20)) + 100).astype(int) // edge
    return values[(rows * 7919 + columns * 104729 + int(rng.integers(100))) % len(values)]


def spoiled(rng: np.random.Generator, values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The labels moved a little, with a few pixels of other labels."""
    moved = np.roll(labels, rng.integers(-3, 4, 2), (0, 1))
    wrong = rng.random(labels.shape) < rng.choice([0, 0.001, 0.01])
    return np.where(wrong, rng.choice(values, labels.shape), moved)


def far_apart() -> np.ndarray:
    """Two pixels of class 1 in a large image: between them is room for windows of more than two words."""
    labels = np.zeros((146, 420), np.uint8)
    labels[1, 3] = labels[140, 230] = 1
    return labels


def pair(rng: np.random.Generator, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two maps of one shape that mostly have bands in common."""
    shape = size(rng)
    style = rng.choice([regions, fill], p=[0.8, 0.2])
    truth = style(rng, values, shape)
    prediction = spoiled(rng, values, truth) if rng.random() < 0.7 else regions(rng, values, shape)
    return truth, prediction


def label_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Few classes or 200, in either dtype; some values are no class, and some classes are absent."""
    yield {"truth": far_apart(), "prediction": far_apart()[::-1], "n_classes": 2, "width_px": 70}
    while True:
        dtypes = rng.choice(["uint8", "uint16"], 2)
        most = 2**16 if (dtypes == "uint16").all() else 2**8
        values = rng.choice(most if rng.random() < 0.3 else 256, int(rng.choice([1, 2, 5, 200])), replace=False)
        if rng.random() < 0.3:
            values[-1] = values[0] ^ most // 2  # They differ in one bit alone, the highest.
        truth, prediction = pair(rng, values)
        n_classes = int(rng.choice([1, np.median(values) + 1, 150, 256, min(most, 2**16 - 1)]))
        yield {
            "truth": arranged(rng, truth.astype(dtypes[0])),
            "prediction": arranged(rng, prediction.astype(dtypes[1])),
            "n_classes": n_classes,
            "width_px": int(rng.choice(WIDTHS)),
        }


def mask_pair_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield {"truth": far_apart() == 0, "prediction": far_apart()[::-1] == 0, "width_px": 70}
    while True:
        truth, prediction = (_mask(rng, mask) for mask in pair(rng, np.array([0, 1] if rng.random() < 0.9 else [1])))
        yield {"truth": truth, "prediction": prediction, "width_px": int(rng.choice(WIDTHS))}


def mask_cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in mask_pair_cases(rng):
        yield {"mask": case["truth"], "width_px": case["width_px"]}


def _mask(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """A mask in a dtype, with any values in its foreground; some lie in a part of the image only."""
    mask = mask.copy()
    if rng.random() < 0.4:
        rows, columns = (np.sort(rng.integers(0, n + 1, 2)) for n in mask.shape)
        part = np.zeros_like(mask)
        part[slice(*rows), slice(*columns)] = 1
        mask *= part
    return arranged(rng, (mask * rng.choice([1, 128, 255])).astype(rng.choice(["bool", "uint8", "uint16", "int64"])))


#: Every kernel on bands, with an endless source of good cases.
BAND_CASES: dict[str, Callable[[np.random.Generator], Iterator[Case]]] = {
    "band_counts": label_cases,
    "mask_band_counts": mask_pair_cases,
    "boundary_band": mask_cases,
}
