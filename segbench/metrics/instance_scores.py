"""Average precision and recall of detected instances.

The scores of the official COCO tool, to the last bit under its own rules: float64 throughout, rows in the order of
scores, then images, then places in the file, and the mean as NumPy sums it over the table of all classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, counted
from segbench.frozen import dataclass
from segbench.kernels.detection import average_precision_11, average_precision_area, order, precision_recall
from segbench.labels import LabelSpace
from segbench.metrics.base import Metric
from segbench.metrics.detection import Demand, DetectionTally, outcomes_of, places_of, thresholds_of
from segbench.metrics.matching import (
    AREAS,
    FALSE,
    LEFT_OUT,
    TRUE,
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
from segbench.metrics.ties import mixed, reordered, tied
from segbench.result import Score

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
    if not columns:
        empty = {name: np.zeros(0, kind) for name, kind in (("score", np.float64), ("label", np.int64))}
        return Ranked(empty, np.zeros(n_classes + 1, np.int64))
    places, offsets = order(columns["score"][canonical], columns["label"][canonical], n_classes)
    # Moved once, from where they were counted to where they are judged.
    chosen = canonical[places]
    return Ranked({name: column[chosen] for name, column in columns.items() if name not in rows.key_columns}, offsets)


def _mean(values: Floats) -> float:
    """Return the mean of what is defined, as the official tool sums it."""
    defined = values[values > -1]
    # The sum of np.mean, without what stands before it: this is called once for each class and metric.
    return float(np.add.reduce(defined)) / len(defined) if len(defined) else math.nan


@dataclass(frozen=True)
class Ap(DetectionMetric):
    """Average precision: the mean over classes, thresholds and recalls of the precision reached there.

    Detections are ranked by score; one is right when it overlaps an instance of its class that no surer one has taken.
    Precision at a recall is the best at this recall or a higher one, and 0 where the recall is never reached. A class
    without instances in the truth is left out of the mean.

    Parameters
    ----------
    interpolation : {'coco', 'voc11', 'area'}
        Precision is averaged over 101 recalls, over the 11 of PASCAL VOC 2007, or over all recalls that are reached.
    eps : {'official', 'none'}
        The official tool adds 2⁻⁵² to the number of detections, by which a single right one has 0.9999999999999998.

    References
    ----------
    cocodataset/cocoapi: PythonAPI/pycocotools/cocoeval.py. Lin et al., Microsoft COCO: Common objects in context,
    ECCV 2014.
    """

    name: ClassVar[str] = "ap"
    formula: ClassVar[str] = "mean over classes c, thresholds t and recalls r of max over r' ≥ r of precision(c, t, r')"

    interpolation: Interpolation = "coco"
    eps: Epsilon = "official"

    def _with_eps(self) -> bool:
        return self.eps == "official"

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Turn ranked detections into a score."""
        table = self._table(state, space)
        rows = self.chosen(space)
        per_class = {space.names[k]: _mean(table[:, :, k]) for k in rows}
        # The same shape as the official table: the order of a sum decides its last bit.
        return Score(_mean(table[:, :, rows] if self.classes != "all" else table), per_class)

    def precisions(self, state: State, space: LabelSpace) -> Floats:
        """Return the precision at each of `RECALLS` of a `state` counted on a `space`.

        Parameters
        ----------
        state : State
            The counts.
        space : LabelSpace
            The classes.

        Returns
        -------
        ndarray of float64, shape (n_thresholds, 101, n_classes)
            Best precision at this recall or a higher one, 0 where none is; -1 for classes without instances.
        """
        return self._curves(state, space)[0]

    def _table(self, state: State, space: LabelSpace) -> Floats:
        """Return precision by threshold, recall and class; -1 is undefined."""
        if self.interpolation == "coco":
            return self._curves(state, space)[0]
        name = ("area", self.interpolation, self.ious, self.area, self.max_detections)
        return self._rows(state).kept(name, lambda: self._areas(state, space))

    def _areas(self, state: State, space: LabelSpace) -> Floats:
        ranked = self.ranked(state, space)
        outcomes = outcomes_of(ranked.columns, self.ious, AREAS.index(self.area))
        outcomes[self._ranks(ranked) >= self.max_detections] = LEFT_OUT
        measure = average_precision_11 if self.interpolation == "voc11" else average_precision_area
        found = measure(outcomes=outcomes, class_offsets=ranked.offsets, positives=self.positives(state))
        return found[:, :, 0][:, None, :]

    def warnings(self, state: State, space: LabelSpace) -> list[str]:
        """Say how far equal scores can move the value; once is enough, and so only for ``ap`` itself."""
        if self.interpolation != "coco" or self.name != Ap.name:
            return []
        least, most, n = self.range_of_ties(state, space)
        if not n or least == most:
            return []
        return [
            f"{self.short()} is between {least:.6f} and {most:.6f} by the order of {counted(n, 'detection')} of equal "
            "scores, which is that of the file"
        ]

    def range_of_ties(self, state: State, space: LabelSpace) -> tuple[float, float, int]:
        """Return how far the value can move when detections of one class and score are put into another order.

        Parameters
        ----------
        state : State
            The counts.
        space : LabelSpace
            The classes.

        Returns
        -------
        least, most : float
            The value when the wrong ones come first, and when the right ones do; what each is matched with stays.
        n : int
            How many detections share their class and score with one that is judged otherwise.
        """
        name = ("ties", self.ious, self.area, self.max_detections, self.classes, self.eps)
        return self._rows(state).kept(name, lambda: self._range_of_ties(state, space))

    def _range_of_ties(self, state: State, space: LabelSpace) -> tuple[float, float, int]:
        ranked = self.ranked(state, space)
        outcomes = outcomes_of(ranked.columns, self.ious, AREAS.index(self.area))
        outcomes[self._ranks(ranked) >= self.max_detections] = LEFT_OUT
        ties = tied(ranked.columns["label"], ranked.columns["score"])
        moved = np.flatnonzero(mixed(outcomes[:, 0], ties))
        if not len(moved):
            value = self.compute(state, space).value
            return value, value, 0
        # Rows that are left out keep their places; none is left out for its rank once more.
        rows = replace(ranked, columns={**ranked.columns, "rank": np.zeros(len(outcomes), np.int64)})
        orders = [reordered(outcomes[:, 0], ties, moved, first)[:, None] for first in (FALSE, TRUE)]
        tables = [self._curves_of(rows, judged, state)[0] for judged in orders]
        chosen = self.chosen(space)
        least, most = (_mean(table[:, :, chosen]) for table in tables)
        return least, most, len(moved)


@dataclass(frozen=True)
class Ar100(DetectionMetric):
    """Average recall: the mean over classes and thresholds of the share of instances that are found.

    References
    ----------
    Hosang et al., What makes for effective detection proposals?, PAMI 2016. As AP in all else.
    """

    name: ClassVar[str] = "ar_100"
    formula: ClassVar[str] = "mean over classes c and thresholds t of the share of instances of c found at t"

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Turn ranked detections into a score."""
        _, recall = self._curves(state, space)
        rows = self.chosen(space)
        per_class = {space.names[k]: _mean(recall[:, k]) for k in rows}
        return Score(_mean(recall[:, rows] if self.classes != "all" else recall), per_class)


METRICS: tuple[type[DetectionMetric], ...] = (Ap, Ar100)
