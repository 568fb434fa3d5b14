"""Hausdorff and surface distances and surface Dice: each says which of the definitions in use it is."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import numpy as np

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.metrics.surface import Floats, SurfaceMetric, Surfaces

Variant: TypeAlias = Literal["max", "pooled", "area"]
Element: TypeAlias = Literal["pixel", "surfel"]


@dataclass(frozen=True)
class HausdorffDistance(SurfaceMetric):
    """Hausdorff distance between surfaces, or a percentile of their distances (HD95).

    Parameters
    ----------
    percentile : float
        Of the distances, 100 for the largest.
    variant : {'max', 'pooled', 'area'}
        ``max`` is the larger of the percentiles from truth to prediction and back (Metrics Reloaded, MONAI), ``pooled``
        the percentile of all distances together (MedPy), both interpolated between pixels. ``area`` is the larger of
        the two by area of surface, not interpolated (surface-distance).

    References
    ----------
    Huttenlocher, Klanderman and Rucklidge, Comparing Images Using the Hausdorff Distance, TPAMI 1993. Maier-Hein et
    al., Metrics reloaded, Nature Methods 2024.

    Examples
    --------
    >>> from segbench import hausdorff_distance
    >>> truth, prediction = [[1, 1, 0, 0, 0]], [[1, 1, 1, 1, 0]]
    >>> hausdorff_distance(truth=truth, prediction=prediction, space=2, classes="1", spacing_mm=(1.0, 0.5)).value
    1.0
    """

    name: ClassVar[str] = "hausdorff_distance"
    formula: ClassVar[str] = "mean over structures of the percentile of distances between surfaces"
    always_shown: ClassVar[tuple[str, ...]] = ("percentile",)

    percentile: float = 100.0
    variant: Variant = "max"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.percentile <= 100:
            found = f"{self.name}: percentile={self.percentile}"
            raise BadParameter(found, expected="a finite number (float) above 0, at most 100")

    def between(self, surfaces: Surfaces) -> float:
        """Return the percentile of the distances of two `surfaces`."""
        if self.variant == "area":
            return max(self._by_area(*one) for one in surfaces.surfels)
        from_truth, from_prediction = surfaces.distances
        if self.variant == "pooled":
            return float(np.percentile(np.concatenate((from_prediction, from_truth)), self.percentile))
        return float(max(np.percentile(one, self.percentile) for one in (from_truth, from_prediction)))

    def _by_area(self, distances: Floats, sizes: Floats) -> float:
        shares = np.cumsum(sizes) / np.sum(sizes)
        return float(distances[min(int(np.searchsorted(shares, self.percentile / 100.0)), len(shares) - 1)])


@dataclass(frozen=True)
class AverageSymmetricSurfaceDistance(SurfaceMetric):
    """Average symmetric surface distance (ASSD): the mean of the distances from both surfaces together.

    References
    ----------
    Heimann et al., Comparison and Evaluation of Methods for Liver Segmentation From CT Datasets, TMI 2009.

    Examples
    --------
    >>> from segbench import average_symmetric_surface_distance
    >>> truth, prediction = [[1, 1, 0, 0, 0]], [[1, 1, 1, 1, 0]]
    >>> average_symmetric_surface_distance(truth=truth, prediction=prediction, space=2, classes="1").value  # 3 / 6
    0.5
    """

    name: ClassVar[str] = "average_symmetric_surface_distance"
    formula: ClassVar[str] = "mean over structures of (Σ from truth + Σ from prediction) / surface pixels of both"

    def between(self, surfaces: Surfaces) -> float:
        """Return the mean of all distances of two `surfaces`, added in the order of MedPy."""
        from_truth, from_prediction = surfaces.distances
        return float(np.mean(np.concatenate((from_prediction, from_truth))))


@dataclass(frozen=True)
class MeanAverageSurfaceDistance(SurfaceMetric):
    """Mean average surface distance (MASD): the mean of the two means, so that the smaller surface counts as much.

    References
    ----------
    Maier-Hein et al., Metrics reloaded: recommendations for image analysis validation, Nature Methods 2024.

    Examples
    --------
    >>> from segbench import mean_average_surface_distance
    >>> truth, prediction = [[1, 1, 0, 0, 0]], [[1, 1, 1, 1, 0]]
    >>> mean_average_surface_distance(truth=truth, prediction=prediction, space=2, classes="1").value  # (0 + 3 / 4) / 2
    0.375
    """

    name: ClassVar[str] = "mean_average_surface_distance"
    formula: ClassVar[str] = "mean over structures of (mean from truth + mean from prediction) / 2"

    def between(self, surfaces: Surfaces) -> float:
        """Return the mean of the mean distances of two `surfaces`."""
        from_truth, from_prediction = surfaces.distances
        return float(0.5 * (np.mean(from_prediction) + np.mean(from_truth)))


@dataclass(frozen=True)
class SurfaceDice(SurfaceMetric):
    """Surface Dice (normalised surface distance, NSD): the share of both surfaces that lies near the other.

    Parameters
    ----------
    tolerance_mm : float
        The largest distance that is near, in mm, or in pixels where the spacing is not known.
    element : {'pixel', 'surfel'}
        Surfaces are counted in pixels (Metrics Reloaded, MONAI), or measured by area (``surfel``: surface-distance).

    References
    ----------
    Nikolov et al., Clinically Applicable Segmentation of Head and Neck Anatomy for Radiotherapy, JMIR 2021.

    Examples
    --------
    >>> from segbench import surface_dice
    >>> truth, prediction = [[1, 1, 0, 0, 0]], [[1, 1, 1, 1, 0]]
    >>> surface_dice(truth=truth, prediction=prediction, space=2, classes="1").value  # 5 of 6 within 1
    0.8333333333333334
    """

    name: ClassVar[str] = "surface_dice"
    formula: ClassVar[str] = "mean over structures of the share of both surfaces with distance ≤ tolerance"
    unit: ClassVar[str] = "fraction"
    higher_is_better: ClassVar[bool] = True
    always_shown: ClassVar[tuple[str, ...]] = ("tolerance_mm",)

    tolerance_mm: float = 1.0
    element: Element = "pixel"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tolerance_mm < 0:
            found = f"{self.name}: tolerance_mm={self.tolerance_mm}"
            raise BadParameter(found, expected="a finite number (float), 0 or more")

    def perfect(self) -> float:
        """Return 1."""
        return 1.0

    def worst(self, surfaces: Surfaces) -> float:
        """Return 0."""
        return 0.0

    def between(self, surfaces: Surfaces) -> float:
        """Return the share of two `surfaces`."""
        if self.element == "surfel":
            near = [np.sum(sizes[distances <= self.tolerance_mm]) for distances, sizes in surfaces.surfels]
            return float((near[0] + near[1]) / (np.sum(surfaces.surfels[0][1]) + np.sum(surfaces.surfels[1][1])))
        hits = sum(int(np.count_nonzero(one <= self.tolerance_mm)) for one in surfaces.distances)
        return hits / sum(len(one) for one in surfaces.distances)


METRICS: tuple[type[SurfaceMetric], ...] = (
    HausdorffDistance,
    AverageSymmetricSurfaceDistance,
    MeanAverageSurfaceDistance,
    SurfaceDice,
)
