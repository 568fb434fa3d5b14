"""Region metrics over groups of classes: categories of Cityscapes, supercategories of COCO-Stuff."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass
from segbench.labels import LabelSpace
from segbench.metrics.region import FrequencyWeightedIou, MeanAccuracy, MeanIou, PixelAccuracy
from segbench.metrics.rules import Margins, TableMetric


@dataclass(frozen=True)
class OverGroups(TableMetric):
    """What counts groups of classes instead of classes: a pixel is right when its group is."""

    def parts(self, space: LabelSpace) -> tuple[str, ...]:
        """Return the groups of the chosen classes."""
        chosen = {space.evaluated[i].group for i in space.select(self.classes)}
        return tuple(group for group in space.groups if group in chosen)

    def margins(self, table: NDArray[np.int64], space: LabelSpace) -> Margins:
        """Add the margins of classes up to groups; a pixel is right when its group is."""
        members = [[i for i, c in enumerate(space.evaluated) if c.group == group] for group in self.parts(space)]
        return Margins.of_unions(table, space, self.void_prediction, members)


@dataclass(frozen=True)
class CategoryIou(OverGroups, MeanIou):
    """Mean IoU of groups of classes: confusion inside a group is right.

    A group holds its evaluated classes; predicting one of its ids that is not evaluated is a miss.

    References
    ----------
    Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, CVPR 2016.

    Examples
    --------
    >>> from segbench import LabelClass, LabelSpace, category_iou
    >>> names = (("road", "flat"), ("path", "flat"), ("car", "vehicle"))
    >>> space = LabelSpace(tuple(LabelClass(name, i, group=group) for i, (name, group) in enumerate(names)))
    >>> category_iou(truth=[[0, 1, 2, 2]], prediction=[[1, 1, 2, 0]], space=space).per_class
    {'flat': 0.6666666666666666, 'vehicle': 0.5}
    """

    name: ClassVar[str] = "category_iou"
    formula: ClassVar[str] = "mean over groups of TP / (GT + PR − TP), counted over groups"


@dataclass(frozen=True)
class CategoryAccuracy(OverGroups, MeanAccuracy):
    """Mean accuracy of groups of classes: confusion inside a group is right.

    References
    ----------
    Caesar, Uijlings and Ferrari, COCO-Stuff: Thing and Stuff Classes in Context, CVPR 2018.

    Examples
    --------
    >>> from segbench import LabelClass, LabelSpace, category_accuracy
    >>> names = (("road", "flat"), ("path", "flat"), ("car", "vehicle"))
    >>> space = LabelSpace(tuple(LabelClass(name, i, group=group) for i, (name, group) in enumerate(names)))
    >>> category_accuracy(truth=[[0, 1, 2, 2]], prediction=[[1, 1, 2, 0]], space=space).value  # (2/2 + 1/2) / 2
    0.75
    """

    name: ClassVar[str] = "category_accuracy"
    formula: ClassVar[str] = "mean over groups of TP / GT, counted over groups"


@dataclass(frozen=True)
class CategoryFrequencyWeightedIou(OverGroups, FrequencyWeightedIou):
    """IoU of groups of classes, weighted by their share of the truth.

    References
    ----------
    Caesar, Uijlings and Ferrari, COCO-Stuff: Thing and Stuff Classes in Context, CVPR 2018.

    Examples
    --------
    >>> from segbench import LabelClass, LabelSpace, category_frequency_weighted_iou
    >>> names = (("road", "flat"), ("path", "flat"), ("car", "vehicle"))
    >>> space = LabelSpace(tuple(LabelClass(name, i, group=group) for i, (name, group) in enumerate(names)))
    >>> category_frequency_weighted_iou(truth=[[0, 1, 2, 2]], prediction=[[1, 1, 2, 0]], space=space).value
    0.5833333333333333
    """

    name: ClassVar[str] = "category_frequency_weighted_iou"
    formula: ClassVar[str] = "Σ GT·IoU / Σ GT over groups"


@dataclass(frozen=True)
class CategoryPixelAccuracy(OverGroups, PixelAccuracy):
    """Share of pixels whose group is right.

    References
    ----------
    Caesar, Uijlings and Ferrari, COCO-Stuff: Thing and Stuff Classes in Context, CVPR 2018.

    Examples
    --------
    >>> from segbench import LabelClass, LabelSpace, category_pixel_accuracy
    >>> names = (("road", "flat"), ("path", "flat"), ("car", "vehicle"))
    >>> space = LabelSpace(tuple(LabelClass(name, i, group=group) for i, (name, group) in enumerate(names)))
    >>> category_pixel_accuracy(truth=[[0, 1, 2, 2]], prediction=[[1, 1, 2, 0]], space=space).value
    0.75
    """

    name: ClassVar[str] = "category_pixel_accuracy"
    formula: ClassVar[str] = "Σ TP / Σ GT over groups"


METRICS: tuple[type[TableMetric], ...] = (
    CategoryIou,
    CategoryAccuracy,
    CategoryFrequencyWeightedIou,
    CategoryPixelAccuracy,
)
