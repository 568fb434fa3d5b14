"""Other programs that compare surfaces; each peer that is not installed is left out.

Each measures HD95, an average surface distance and surface Dice (where it has one) in its own definition, and says how
segbench's arrays of distances come to the same numbers.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.packages import package
from segbench.kernels.surface import surface_distances
from segbench.kernels.surfels import surfel_distances

Mask = NDArray[np.bool_]
Scores = tuple[float, ...]


@dataclass(frozen=True)
class Pair:
    """Truth and prediction of one structure, how far pixels lie apart, and a tolerance, both in mm."""

    name: str
    truth: Mask
    prediction: Mask
    spacing: tuple[float, ...]
    tolerance: float


@dataclass(frozen=True)
class Peer:
    """A program.

    `prepare` returns a call that measures a pair, `own` measures the same by segbench; `rtol` is how far the answers
    may be apart, because one of them is rounded.
    """

    name: str
    kind: str
    prepare: Callable[[Pair], Callable[[], Scores]]
    own: Callable[[Pair], Scores]
    rtol: float


def installed() -> list[Peer]:
    """Return the peers that import."""
    found = [(package(module, distribution), make) for module, distribution, make in _MAKERS]
    return [make(*known) for known, make in found if known is not None]


def by_pixel(pair: Pair) -> Scores:
    """HD95 as the larger of two percentiles, mean of all distances, share of the surface within the tolerance."""
    both = surface_distances(truth=pair.truth, prediction=pair.prediction, spacing=pair.spacing)
    every = np.concatenate(both)
    near = np.count_nonzero(every <= pair.tolerance)
    return float(max(np.percentile(one, 95) for one in both)), float(every.mean()), near / len(every)


def pooled(pair: Pair) -> Scores:
    """HD95 as the percentile of all distances, and their mean."""
    every = np.concatenate(surface_distances(truth=pair.truth, prediction=pair.prediction, spacing=pair.spacing))
    return float(np.percentile(every, 95)), float(every.mean())


def by_surfel(pair: Pair) -> Scores:
    """HD95, two averages and surface Dice weighted by area, added up in the order of surface-distance."""
    found = surfel_distances(truth=pair.truth, prediction=pair.prediction, spacing=pair.spacing)
    percentiles, averages, near, whole = [], [], 0.0, 0.0
    for distances, sizes in (found[:2], found[2:]):
        order = np.lexsort((sizes, distances))
        distances, sizes = distances[order], sizes[order]
        total = np.sum(sizes)
        share = np.cumsum(sizes) / total
        percentiles.append(distances[min(np.searchsorted(share, 0.95), len(share) - 1)])
        averages.append(float(np.sum(distances * sizes) / total))
        near += np.sum(sizes[distances <= pair.tolerance])
        whole += total
    return float(max(percentiles)), *averages, float(near / whole)


def _monai(metrics: Any, release: str) -> Peer:
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)

    def prepare(pair: Pair) -> Callable[[], Scores]:
        masks = [torch.from_numpy(mask[None, None]) for mask in (pair.prediction, pair.truth)]
        same = {"include_background": True, "spacing": [float(step) for step in pair.spacing]}

        def measure() -> Scores:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                hausdorff = metrics.compute_hausdorff_distance(*masks, percentile=95, **same)
                average = metrics.compute_average_surface_distance(*masks, symmetric=True, **same)
                dice = metrics.compute_surface_dice(*masks, [pair.tolerance], **same)
            return hausdorff.item(), average.item(), dice.item()

        return measure

    # Its distances are float32, and so are the rank of a percentile and the sum of a mean.
    return Peer(f"{release}, three calls", "monai", prepare, by_pixel, 1e-5)


def _surface_distance(metrics: Any, release: str) -> Peer:
    def prepare(pair: Pair) -> Callable[[], Scores]:
        def measure() -> Scores:
            found = metrics.compute_surface_distances(pair.truth, pair.prediction, pair.spacing)
            hausdorff = metrics.compute_robust_hausdorff(found, 95)
            dice = metrics.compute_surface_dice_at_tolerance(found, pair.tolerance)
            return hausdorff, *metrics.compute_average_surface_distance(found), dice

        return measure

    # SciPy takes one of the corners that are equally far, whose sums may differ in the last bits.
    return Peer(f"{release}, one call and three", "surface-distance", prepare, by_surfel, 1e-15)


def _medpy(binary: Any, release: str) -> Peer:
    def prepare(pair: Pair) -> Callable[[], Scores]:
        masks = pair.prediction, pair.truth, pair.spacing
        return lambda: (binary.hd95(*masks), binary.assd(*masks))

    return Peer(f"{release} hd95 and assd", "medpy", prepare, pooled, 1e-15)


_MAKERS: tuple[tuple[str, str, Callable[[Any, str], Peer]], ...] = (
    ("monai.metrics", "monai", _monai),
    ("surface_distance", "surface-distance", _surface_distance),
    ("medpy.metric.binary", "MedPy", _medpy),
)

#: The distribution of each module that a peer comes from.
PACKAGES = {module: distribution for module, distribution, _ in _MAKERS}
