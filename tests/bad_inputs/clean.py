"""A small data set in the layout of VOC and a clean submission to it, ready to be spoilt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.datasets.pngs import PALETTE, png

HEIGHT, WIDTH = 48, 64
VOID = 255

#: Bits that hold the labels of each image, so that every one of them can also be packed.
DEPTHS = {"2007_000033": 8, "2007_000042": 4, "2007_000061": 2, "caf\u00e9": 1}
FIRST, FOUR_BITS, TWO_BITS, ONE_BIT = DEPTHS


@dataclass(frozen=True)
class Site:
    """The data set and the submission on disk.

    Parameters
    ----------
    folder : Path
        Holds everything.
    """

    folder: Path

    @property
    def root(self) -> Path:
        """The data set."""
        return self.folder / "VOC2012"

    @property
    def predictions(self) -> Path:
        """The submission."""
        return self.folder / "predictions"

    @property
    def list(self) -> Path:
        """The list of images."""
        return self.root / "ImageSets/Segmentation/val.txt"

    def truth_file(self, key: str = FIRST) -> Path:
        return self.root / "SegmentationClass" / f"{key}.png"

    def file(self, key: str = FIRST) -> Path:
        return self.predictions / f"{key}.png"

    def put(self, data: bytes, key: str = FIRST) -> None:
        """Replace a prediction."""
        self.file(key).write_bytes(data)

    def put_labels(self, labels: NDArray[np.integer], key: str = FIRST) -> None:
        self.put(png(labels, kind=PALETTE), key)

    def add(self, name: str | bytes, data: bytes = b"") -> None:
        """Add a file beside the predictions."""
        path = bytes(self.predictions) + b"/" + (name.encode() if isinstance(name, str) else name)
        with open(path, "wb") as file:
            file.write(data)


def truth(key: str) -> NDArray[np.uint8]:
    """Return a truth: blocks of classes with a void border around some of them."""
    rng = np.random.default_rng(sum(map(ord, key)))
    blocks = rng.permutation(np.arange(48) % min(21, 1 << DEPTHS[key])).reshape(6, 8)
    labels = blocks.repeat(HEIGHT // 6, 0).repeat(WIDTH // 8, 1).astype(np.uint8)
    labels[:: HEIGHT // 3] = labels[:, :: WIDTH // 2] = VOID
    return labels


def prediction(key: str) -> NDArray[np.uint8]:
    """Return a prediction: a class in every pixel, nine in ten of them right."""
    rng = np.random.default_rng(1 + sum(map(ord, key)))
    some = rng.integers(0, min(21, 1 << DEPTHS[key]), (HEIGHT, WIDTH), dtype=np.uint8)
    right = truth(key)
    return np.where((rng.random(right.shape) < 0.1) | (right == VOID), some, right)


def build(folder: Path) -> Site:
    """Write the data set and the submission."""
    site = Site(folder)
    for path in (site.predictions, site.root / "SegmentationClass", site.list.parent):
        path.mkdir(parents=True)
    site.list.write_text("".join(f"{key}\n" for key in DEPTHS), "utf-8")
    for key in DEPTHS:
        site.truth_file(key).write_bytes(png(truth(key), kind=PALETTE))
        site.put_labels(prediction(key), key)
    return site
