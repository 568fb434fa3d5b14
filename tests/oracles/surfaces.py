"""Plain reference for distances between the surfaces of two masks: Hausdorff, HD95, ASSD, MASD, surface Dice by pixel.

The surface of a mask is its pixels with a neighbour along an axis outside the mask; what is beyond the image is
outside. Distances are Euclidean between pixel centres in mm, by the spacing along each array axis. `truth` and
`prediction` of Distances hold one distance for each surface pixel of that mask, to the surface of the other one, in C
order.

| measure | definition | whose |
|---|---|---|
| hausdorff | largest of all distances | all |
| percentile_max | larger of the two directed percentiles, linear interpolation | MONAI, Metrics Reloaded |
| percentile_pooled | percentile of all distances together, linear interpolation | MedPy |
| surfels.hausdorff | larger of the two directed percentiles by area, no interpolation | surface-distance |
| assd | mean of all distances together | MedPy, MONAI (symmetric), Metrics Reloaded |
| masd | mean of the two directed means | Metrics Reloaded |
| surface_dice | share of the surface pixels with distance <= tolerance | MONAI, Metrics Reloaded |
| surfels.surface_dice | share of the area with distance <= tolerance | surface-distance, MONAI (subvoxel) |

MONAI keeps distances as float32, and so its percentile, mean and comparison with the tolerance. Metrics Reloaded adds
whole maps, zeros included, so that its last bits depend on the shape of the image; `whole_map_means` does the same.

`REPORTED` says what each package answers where a mask is empty. `filled` is the rule of our own: both empty is perfect;
one empty is the worst there is (distance: the diagonal of the volume, or infinity; surface Dice: 0), or left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt

Empty = Literal["worst", "infinity", "skip"]
REFUSES = "refuses"  # raises RuntimeError


class Distances(NamedTuple):
    """Distances in mm from every surface pixel of a mask; inf where the other mask is empty."""

    truth: np.ndarray
    prediction: np.ndarray


class Reported(NamedTuple):
    """What a package answers where masks are empty."""

    neither: float | str
    no_prediction: float | str
    no_truth: float | str


#: By package and measure. The average of surface-distance is a pair: from the truth, and from the prediction.
REPORTED: dict[str, dict[str, Reported]] = {
    "medpy": {name: Reported(REFUSES, REFUSES, REFUSES) for name in ("hausdorff", "hd95", "assd")},
    "monai": {
        "hausdorff": Reported(math.nan, math.inf, math.inf),
        "hd95": Reported(math.nan, math.nan, math.nan),
        "assd": Reported(math.nan, math.inf, math.inf),
        "surface_dice": Reported(math.nan, 0, 0),
    },
    "metrics_reloaded": {
        "hausdorff": Reported(0, math.nan, math.nan),
        "hd95": Reported(0, math.nan, math.nan),
        "assd": Reported(0, math.nan, math.nan),
        "masd": Reported(0, math.nan, math.nan),
        "surface_dice": Reported(1, 0, 0),
    },
    "surface_distance": {
        "hausdorff": Reported(math.inf, math.inf, math.inf),
        "hd95": Reported(math.inf, math.inf, math.inf),
        "from_truth": Reported(math.nan, math.inf, math.nan),
        "from_prediction": Reported(math.nan, math.nan, math.inf),
        "surface_dice": Reported(math.nan, 0, 0),
    },
}


def eroded(mask: np.ndarray) -> np.ndarray:
    """Pixels of the mask whose two neighbours along every axis are in it."""
    padded = np.pad(mask, 1)
    inside = mask.copy()
    for axis in range(mask.ndim):
        for start in (0, 2):
            at = [slice(1, 1 + n) for n in mask.shape]
            at[axis] = slice(start, start + mask.shape[axis])
            inside &= padded[tuple(at)]
    return inside


def surface(mask: np.ndarray) -> np.ndarray:
    """The surface pixels of a mask of any number of axes; not 0 is foreground."""
    mask = mask.astype(bool)
    return mask & ~eroded(mask)


def distance_map(of: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """The distance of every pixel to the nearest one of a set."""
    return distance_transform_edt(~of, sampling=spacing) if of.any() else np.full(of.shape, math.inf)


def distances(truth: np.ndarray, prediction: np.ndarray, spacing: Sequence[float]) -> Distances:
    if truth.shape != prediction.shape:
        raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    t, p = surface(truth), surface(prediction)
    return Distances(distance_map(p, spacing)[t], distance_map(t, spacing)[p])


def hausdorff(pair: Distances) -> float:
    return float(max(pair.truth.max(), pair.prediction.max()))


def percentile_max(pair: Distances, percent: float = 95) -> float:
    return float(max(np.percentile(one, percent) for one in pair))


def percentile_pooled(pair: Distances, percent: float = 95) -> float:
    return float(np.percentile(np.concatenate((pair.prediction, pair.truth)), percent))


def assd(pair: Distances) -> float:
    """MedPy's order: the distances of the prediction first."""
    return float(np.mean(np.concatenate((pair.prediction, pair.truth))))


def masd(pair: Distances) -> float:
    return float(0.5 * (np.mean(pair.prediction) + np.mean(pair.truth)))


def whole_map_means(truth: np.ndarray, prediction: np.ndarray, spacing: Sequence[float]) -> tuple[float, float]:
    """ASSD and MASD as Metrics Reloaded adds them."""
    t, p = surface(truth), surface(prediction)
    from_prediction = np.sum(p * distance_map(t, spacing))
    from_truth = np.sum(t * distance_map(p, spacing))
    average = (from_prediction + from_truth) / (p.sum() + t.sum())
    return float(average), float(0.5 * (from_prediction / p.sum() + from_truth / t.sum()))


def surface_dice(pair: Distances, tolerance: float) -> float:
    near = sum(int((one <= tolerance).sum()) for one in pair)
    return near / (len(pair.truth) + len(pair.prediction))


def diagonal(shape: Sequence[int], spacing: Sequence[float]) -> float:
    """Of the volume as a box with its outer faces: 373.13 mm for BraTS, 240 × 240 × 155 voxels of 1 mm."""
    return math.sqrt(sum((n * s) ** 2 for n, s in zip(shape, spacing, strict=True)))


def filled(
    truth: np.ndarray,
    prediction: np.ndarray,
    spacing: Sequence[float],
    empty: Empty = "worst",
    kind: Literal["distance", "dice"] = "distance",
) -> float | None:
    """The score of a pair with an empty mask; None is left out of means, and counted."""
    if truth.any() and prediction.any():
        raise ValueError("neither mask is empty")
    if truth.any() == prediction.any():
        return 0.0 if kind == "distance" else 1.0
    if empty == "skip":
        return None
    if kind == "dice":
        return 0.0
    return diagonal(truth.shape, spacing) if empty == "worst" else math.inf
