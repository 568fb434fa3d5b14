"""Small submissions and their truth as plain trees of label maps."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tests.datasets.pngs import png

Maps: TypeAlias = Mapping[str, NDArray[np.integer]]

#: Of the protocol `shapes`.
CLASSES, VOID = 7, 255

#: Several chunks for any number of workers, of different sizes.
KEYS = tuple(f"im{i:03}" for i in range(60))


def some_truth(keys: tuple[str, ...] = KEYS, shape: tuple[int, int] = (9, 14)) -> dict[str, NDArray[np.uint8]]:
    """Return maps of classes with some void."""
    maps = {}
    for i, key in enumerate(keys):
        rng = np.random.default_rng(i)
        maps[key] = rng.integers(0, CLASSES, shape, dtype=np.uint8)
        maps[key][rng.random(shape) < 0.1] = VOID
    return maps


def some_prediction(truth: Maps) -> dict[str, NDArray[np.uint8]]:
    """Return maps that are right in most pixels, of varying quality and with a little void."""
    maps = {}
    for i, (key, labels) in enumerate(truth.items()):
        rng = np.random.default_rng(1000 + i)
        guess = rng.integers(0, CLASSES, labels.shape, dtype=np.uint8)
        maps[key] = np.where((rng.random(labels.shape) < rng.uniform(0, 0.6)) | (labels == VOID), guess, labels)
        maps[key][0, 0] = VOID
    return maps


def write(folder: Path, maps: Maps, *, seed: int | None = None) -> Path:
    """Write maps as PNG files, made in an order drawn from a seed."""
    keys = list(maps)
    if seed is not None:
        random.Random(seed).shuffle(keys)
    for key in keys:
        path = folder / f"{key}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(maps[key]))
    return folder


def listing(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder with their content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
