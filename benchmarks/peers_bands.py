"""Other ways to count the bands of Boundary IoU; a peer whose package is not installed is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.packages import package
from segbench.kernels import _bands, bands

Mask = NDArray[np.uint8]
Labels = NDArray[Any]
#: Intersection and union of the bands of a class.
Bands = tuple[int, int]

#: The distribution of each module that a peer comes from.
PACKAGES = {"cv2": "opencv-python-headless"}


@dataclass(frozen=True)
class Peer:
    """A program: how it counts two masks of 0 and 1, and the classes of two label maps."""

    name: str
    kind: str
    count_masks: Callable[[Mask, Mask, int], Bands]
    count_classes: Callable[[Labels, Labels, Sequence[int], int], list[Bands]]


def installed() -> list[Peer]:
    """Return the peers that import; the scalar loops of segbench always do."""
    found = package("cv2", PACKAGES["cv2"])
    return [_SCALAR] if found is None else [_SCALAR, _erosions(*found)]


def bands_of(counts: NDArray[np.int64]) -> list[Bands]:
    """Return the bands of the classes that segbench counted, one a row."""
    truth, prediction, both = (counts[:, bands.COLUMNS.index(n)] for n in ("truth_band", "prediction_band", "both"))
    return list(zip(both.tolist(), (truth + prediction - both).tolist(), strict=True))


def _erosions(cv2: Any, release: str) -> Peer:
    """The steps of mask_to_boundary and boundary_iou in boundary-iou-api, which takes masks."""
    cv2.setNumThreads(1)
    square = np.ones((3, 3), np.uint8)

    def band(mask: Mask, width: int) -> Mask:
        padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        eroded = cv2.erode(padded, square, iterations=width)
        return np.asarray(mask - eroded[1:-1, 1:-1])

    def count_masks(truth: Mask, prediction: Mask, width: int) -> Bands:
        t, p = band(truth, width), band(prediction, width)
        # The tool multiplies, adds and compares with 0, which takes a little longer.
        return int((t & p).sum()), int((t | p).sum())

    def count_classes(truth: Labels, prediction: Labels, classes: Sequence[int], width: int) -> list[Bands]:
        pairs = [((truth == c).astype(np.uint8), (prediction == c).astype(np.uint8)) for c in classes]
        return [count_masks(*masks, width) for masks in pairs]

    name = f"{release.replace('-python-headless', '')}, as boundary-iou-api"
    return Peer(name, "erosions", count_masks, count_classes)


def _scalar_masks(truth: Mask, prediction: Mask, width: int) -> Bands:
    counts = np.zeros((1, len(bands.COLUMNS)), np.int64)
    _bands.count_masks(truth, prediction, width, *bands._scratch(2, truth), counts[0], _bands.WAYS.index("words"))
    return bands_of(counts)[0]


def _scalar_classes(truth: Labels, prediction: Labels, classes: Sequence[int], width: int) -> list[Bands]:
    counts = np.zeros((257, len(bands.COLUMNS)), np.int64)
    _bands.count_labels(truth, prediction, width, *bands._scratch(2, truth), counts, _bands.WAYS.index("words"))
    return bands_of(counts[list(classes)])


#: The words that segbench's own kernel falls back on where a processor has nothing better.
_SCALAR = Peer("segbench, 64-bit words", "scalar", _scalar_masks, _scalar_classes)
