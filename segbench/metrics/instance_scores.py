"""Average precision and recall of detected instances, as the official tools compute them."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from segbench.errors import counted
from segbench.frozen import dataclass
from segbench.kernels.detection import average_precision_11, average_precision_area
from segbench.labels import LabelSpace
from segbench.metrics.annotations import Floats
from segbench.metrics.detection import outcomes_of
from segbench.metrics.matchingrules import AREAS, FALSE, LEFT_OUT, TRUE
from segbench.metrics.ranking import DetectionMetric, mean_of_defined
from segbench.metrics.states import State
from segbench.metrics.ties import mixed, reordered, tied
from segbench.result import Score

Interpolation: TypeAlias = Literal["coco", "voc11", "area"]
Epsilon: TypeAlias = Literal["official", "none"]


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
        per_class = {space.names[k]: mean_of_defined(table[:, :, k]) for k in rows}
        # The same shape as the official table: the order of a sum decides its last bit.
        return Score(mean_of_defined(table[:, :, rows] if self.classes != "all" else table), per_class)

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
        least, most = (mean_of_defined(table[:, :, chosen]) for table in tables)
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
        per_class = {space.names[k]: mean_of_defined(recall[:, k]) for k in rows}
        return Score(mean_of_defined(recall[:, rows] if self.classes != "all" else recall), per_class)


METRICS: tuple[type[DetectionMetric], ...] = (Ap, Ar100)
