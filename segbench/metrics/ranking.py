"""Ranked detections, and the curves of precision and recall that all scores of instances are read from.

The numbers of the official COCO tool, to the last bit under its own rules: float64 throughout, rows in the order of
scores, then images, then places in the file, and the mean as NumPy sums it over the table of all classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.kernels.detection import order, precision_recall
from segbench.labels import LabelSpace
from segbench.metrics.base import Metric
from segbench.metrics.detection import Demand, DetectionTally, outcomes_of, places_of, thresholds_of
from segbench.metrics.matchingrules import (
    AREAS,
    UNKNOWN,
    AreaLimits,
    IgnoreRule,
    IouType,
    Matching,
    MatchingRules,
    ResultArea,
    ZeroId,
)
from segbench.metrics.parts import Arrays, Rows
from segbench.metrics.rules import Classes
from segbench.metrics.states import State

Area: TypeAlias = Literal["all", "small", "medium", "large"]
Interpolation: TypeAlias = Literal["coco", "voc11", "area"]
Epsilon: TypeAlias = Literal["official", "none"]
Floats: TypeAlias = NDArray[np.float64]

#: Groups of classes in LVIS.
FREQUENCIES = ("rare", "common", "frequent")

#: Where precision is read: the recall thresholds of the official tool, some of which are one ulp above k / 100.
RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Ranked:
    """All rows by class, the surest first.

    Parameters
    ----------
    columns : dict of str to ndarray
        The rows.
    offsets : ndarray of int64, shape (n_classes + 1,)
        Where the rows of each class begin.
    """

    columns: Arrays
    offsets: NDArray[np.int64]


@dataclass(frozen=True)
class DetectionMetric(Metric[DetectionTally]):
    """A measure of ranked detections.

    Parameters
    ----------
    iou_type : {'segm', 'bbox', 'boundary'}
        What overlaps: masks, boxes, or the smaller of the IoU of masks and of their inner bands.
    thresholds : str or tuple of str
        The least IoU of a match: ``coco`` for 0.5, 0.55, … 0.95 (where 0.9 is 0.8999999999999999, as officially), or
        one or several numbers.
    area : {'all', 'small', 'medium', 'large'}
        Which instances count: below 32², up to 96², and from there on, in pixels.
    max_detections : int
        How many detections of an image and class count; with ``rules=lvis`` of an image, with ``lvis_fixed`` of a class
        in all images; with ``sds`` all count.
    classes : str or tuple of str
        The classes in the mean: ``all``, or names of classes and groups.
    rules : {'coco', 'lvis', 'lvis_fixed', 'sds'}
        How detections are matched: as by the tool of COCO, by that of LVIS, by that of the LVIS challenge of 2021
        ("Fixed AP"), or as in Simultaneous Detection and Segmentation, where a detection whose best instance is taken
        is wrong.
    zero_id : {'official', 'matched'}
        A match with an instance whose id is 0 is none, as officially, or one like others.
    ignore : {'official', 'honoured'}
        Officially ``ignore`` in the truth has no effect (but with boundaries, and for LVIS); or it does.
    result_area : {'official', 'mask'}
        Officially a detection with mask and box has the area of the box.
    area_limits : {'official', 'half_open'}
        Officially an area on a limit counts on both sides of it; or on the upper one.
    width_diagonal : float
        Width of inner bands as a share of the image diagonal, for ``boundary``.
    """

    family: ClassVar[str] = "detection"

    iou_type: IouType = "segm"
    thresholds: Classes = "coco"
    area: Area = "all"
    max_detections: int = 100
    classes: Classes = "all"
    rules: MatchingRules = "coco"
    zero_id: ZeroId = "official"
    ignore: IgnoreRule = "official"
    result_area: ResultArea = "official"
    area_limits: AreaLimits = "official"
    width_diagonal: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_thresholds(self.name, self.thresholds)
        if self.max_detections < 1:
            raise BadParameter(f"{self.name}: max_detections={self.max_detections}", expected="at least 1")
        if not 0 <= self.width_diagonal <= 1:
            raise BadParameter(f"{self.name}: width_diagonal={self.width_diagonal}", expected="a number from 0 to 1")
        if self.rules == "sds" and self.area != "all":
            raise BadParameter(f"{self.name}: area={self.area} with rules=sds", expected="area=all")

    @property
    def matching(self) -> Matching:
        """How detections are matched."""
        return Matching(
            self.iou_type,
            self.rules,
            self.zero_id,
            self.ignore,
            self.result_area,
            self.area_limits,
            self.width_diagonal,
        )

    @property
    def ious(self) -> tuple[float, ...]:
        """The thresholds."""
        return thresholds_of(self.thresholds)

    @classmethod
    def tally(cls, metrics: Sequence[Self], space: LabelSpace) -> DetectionTally:
        """Return the one tally that serves several `metrics` on a `space`."""
        demands: dict[Matching, Demand] = {}
        for metric in metrics:
            metric.chosen(space)
            before = demands.get(metric.matching, Demand((), 0))
            thresholds = tuple(sorted({*before.thresholds, *metric.ious}))
            demands[metric.matching] = Demand(thresholds, max(before.most, metric.max_detections))
        return DetectionTally(space, demands)

    def chosen(self, space: LabelSpace) -> list[int]:
        """Return the rows of the classes of a `space` in the mean; of LVIS none where no class is as frequent."""
        if self.classes in FREQUENCIES and self.classes not in space.groups and self.rules.startswith("lvis"):
            return []
        return list(space.select(self.classes))

    def ranked(self, state: State, space: LabelSpace) -> Ranked:
        """Return the rows of a `state` counted on a `space` in the order in which they are judged."""
        n = len(space.evaluated)
        rows = self._rows(state)
        return rows.kept("ranked", lambda: _ranked(rows, n))

    def positives(self, state: State) -> NDArray[np.int64]:
        """Return how many instances of each class a `state` counts, of shape (n_classes, 1)."""
        counts = state.counts(f"{self.matching} positives").values[:, [AREAS.index(self.area)]]
        return np.ascontiguousarray(counts)

    def _rows(self, state: State) -> Rows:
        return state.rows(str(self.matching))

    def _curves(self, state: State, space: LabelSpace) -> tuple[Floats, Floats]:
        """Return precision (thresholds, recalls, classes) and recall (thresholds, classes); -1 is undefined."""
        name = ("curves", self.area, self.max_detections, self._with_eps())
        precision, recall = self._rows(state).kept(name, lambda: self._measured(state, space))
        places = places_of(self.ranked(state, space).columns, self.ious)
        return (precision, recall) if places == list(range(len(precision))) else (precision[places], recall[places])

    def _with_eps(self) -> bool:
        return True

    def _measured(self, state: State, space: LabelSpace) -> tuple[Floats, Floats]:
        """Return the curves at all thresholds that are counted, which several metrics share."""
        ranked = self.ranked(state, space)
        outcomes = outcomes_of(ranked.columns, None, AREAS.index(self.area))
        return self._curves_of(ranked, outcomes, state)

    def _curves_of(self, ranked: Ranked, outcomes: NDArray[np.uint8], state: State) -> tuple[Floats, Floats]:
        precision, recall, _ = precision_recall(
            outcomes=outcomes,
            scores=ranked.columns["score"],
            ranks=self._ranks(ranked),
            class_offsets=ranked.offsets,
            positives=self.positives(state),
            recall_thresholds=RECALLS,
            max_detections=np.array([self.max_detections]),
            eps=self._with_eps(),
        )
        return precision[..., 0, 0], recall[..., 0, 0]

    def _ranks(self, ranked: Ranked) -> NDArray[np.int64]:
        """Return the rank of each row by which it is left out where it is too large."""
        ranks: NDArray[np.int64] = ranked.columns["rank"]
        if self.rules == "lvis_fixed" and (ranks == UNKNOWN).any():
            # Images came one by one: only now all of a class are there.
            return np.arange(len(ranks)) - np.repeat(ranked.offsets[:-1], np.diff(ranked.offsets))
        return np.zeros_like(ranks) if self.rules == "sds" else ranks


def _check_thresholds(metric: str, thresholds: Classes) -> None:
    try:
        values = thresholds_of(thresholds)
    except ValueError:
        values = (math.nan,)
    if not all(0 < value <= 1 for value in values) or len(set(values)) < len(values):
        raise BadParameter(
            f"{metric}: thresholds={thresholds}", expected="coco, or different numbers above 0 and up to 1"
        )


def _ranked(rows: Rows, n_classes: int) -> Ranked:
    columns, canonical = rows.joined()
    places, offsets = order(columns["score"][canonical], columns["label"][canonical], n_classes)
    # Moved once, from where they were counted to where they are judged.
    chosen = canonical[places]
    return Ranked({name: column[chosen] for name, column in columns.items() if name not in rows.key_columns}, offsets)


def mean_of_defined(values: Floats) -> float:
    """Return the mean of those of the `values` that are not -1, as the official tool sums it."""
    defined = values[values > -1]
    # The sum of np.mean, without what stands before it: this is called once for each class and metric.
    return float(np.add.reduce(defined)) / len(defined) if len(defined) else math.nan
