"""Region metrics: readings of one confusion table.

Notation: for class c, TP is the pixels where truth and prediction are c, GT the counted pixels of truth c and PR the
counted pixels predicted c. Pixels whose truth is void are never counted.

The policies, each a field of the metric and so a part of every signature:

``void_prediction``
    A void value predicted on a counted pixel is a ``miss`` (a false negative of the truth class), is left out
    (``skip``), or refuses the submission (``error``).
``absent``
    A class with neither truth nor prediction makes itself and the mean undefined (``propagate``), is left out
    (``skip``), or scores ``zero`` or ``one``.
``fp_only``
    A class that is predicted but never true scores zero (``count``) or is left out (``skip``).
``pool``
    ``dataset`` adds tables before dividing. ``image`` takes the mean over classes in each image, then over images;
    its per-class values are means over the images where the class is defined. ``class_then_image`` is the mean of
    those per-class values.
``classes``
    The classes in the mean: ``all``, ``foreground``, or names of classes and groups.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.labels import LabelSpace
from segbench.metrics.base import Metric, mean
from segbench.metrics.confusion import ConfusionTally
from segbench.metrics.states import State
from segbench.result import Score

VoidRule: TypeAlias = Literal["miss", "skip", "error"]
AbsentRule: TypeAlias = Literal["propagate", "skip", "zero", "one"]
FpOnlyRule: TypeAlias = Literal["count", "skip"]
Pool: TypeAlias = Literal["dataset", "image", "class_then_image"]
Classes: TypeAlias = str | tuple[str, ...]
#: A number of a class or an image: None is left out of every mean, NaN makes it undefined.
Value: TypeAlias = float | None


@dataclass(frozen=True)
class Margins:
    """What a class metric needs of a table: three integers a class.

    Parameters
    ----------
    correct, truth, predicted : list of int
        TP, GT and PR of each class.
    """

    correct: list[int]
    truth: list[int]
    predicted: list[int]

    @classmethod
    def of(cls, table: NDArray[np.int64], space: LabelSpace, void_prediction: str) -> Margins:
        """Read the margins of a table of codes, shape (n_codes, n_codes + 1); the last column is always a miss."""
        k = len(space.evaluated)
        rows = table[:k]
        counted = np.delete(rows, slice(k, -1), axis=1) if void_prediction == "skip" else rows
        # Python integers, because their division is rounded once whatever their size.
        return cls(rows.diagonal().tolist(), counted.sum(axis=1).tolist(), rows[:, :k].sum(axis=0).tolist())


@dataclass(frozen=True)
class TableMetric(Metric[ConfusionTally]):
    """A metric on the confusion table, pooled over the data set or averaged over images."""

    family: ClassVar[str] = "confusion"

    void_prediction: VoidRule = "miss"
    pool: Pool = "dataset"
    classes: Classes = "all"

    @classmethod
    def tally(cls, metrics: Sequence[TableMetric], space: LabelSpace) -> ConfusionTally:
        """Return the one confusion tally that serves several table metrics."""
        for metric in metrics:
            space.select(metric.classes)
        return ConfusionTally(
            space,
            {
                metric.signature(): (1 + len(space.select(metric.classes)), partial(metric.image_numbers, space))
                for metric in metrics
                if metric.pool != "dataset"
            },
            refuse_void=any(metric.void_prediction == "error" for metric in metrics),
        )

    @abstractmethod
    def values(self, margins: Margins, chosen: Sequence[int]) -> tuple[Value, list[Value]]:
        """Return the overall value and the value of each chosen class: None is left out, NaN is undefined."""

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Turn the counted table, or the means over images, into a score."""
        chosen = space.select(self.classes)
        if self.pool == "dataset":
            value, values = self.values(self._margins(state, space), chosen)
        else:
            value, *values = (total.mean() if total.added else None for total in state.means(self.signature()).sums)
            if self.pool == "class_then_image":
                value = mean(values)
        names = (space.names[i] for i in chosen)
        per_class = {name: _or_nan(v) for name, v in zip(names, values, strict=True)}
        return Score(_or_nan(value), per_class, self.unit, self.higher_is_better)

    def image_numbers(self, space: LabelSpace, table: NDArray[np.int64]) -> list[Value]:
        """Return one image's overall value, then its value for each chosen class."""
        value, values = self.values(Margins.of(table, space, self.void_prediction), space.select(self.classes))
        return [value, *values]

    def warnings(self, state: State, space: LabelSpace) -> list[str]:
        """Warn of void predictions that a ``skip`` leaves out."""
        if self.void_prediction != "skip":
            return []
        k = len(space.evaluated)
        skipped = int(state.counts("table").values[:k, k:-1].sum())
        if not skipped:
            return []
        return [f"{self.name} leaves out {skipped} pixels that are predicted void (void_prediction=skip)"]

    def _margins(self, state: State, space: LabelSpace) -> Margins:
        return Margins.of(state.counts("table").values, space, self.void_prediction)


@dataclass(frozen=True)
class ClassMean(TableMetric):
    """The mean over classes of one ratio a class."""

    absent: AbsentRule = "skip"
    fp_only: FpOnlyRule = "count"

    @staticmethod
    @abstractmethod
    def ratio(correct: int, truth: int, predicted: int) -> tuple[int, int]:
        """Return numerator and denominator of a class from its TP, GT and PR."""

    def values(self, margins: Margins, chosen: Sequence[int]) -> tuple[Value, list[Value]]:
        """Return the mean over the chosen classes, and their values."""
        values = [self._class_value(margins.correct[i], margins.truth[i], margins.predicted[i]) for i in chosen]
        return mean(values), values

    def undefined_classes(self, state: State, space: LabelSpace) -> list[str]:
        """Return the names of the chosen classes that are in neither truth nor prediction."""
        margins = self._margins(state, space)
        return [space.names[i] for i in space.select(self.classes) if not margins.truth[i] + margins.predicted[i]]

    def where_defined(self) -> ClassMean:
        """Return the same metric with absent classes left out."""
        return replace(self, absent="skip")

    def _class_value(self, correct: int, truth: int, predicted: int) -> Value:
        if not truth and not predicted:
            return {"propagate": math.nan, "zero": 0.0, "one": 1.0}.get(self.absent)
        if not truth and self.fp_only == "skip":
            return None
        numerator, denominator = self.ratio(correct, truth, predicted)
        return numerator / denominator if denominator else 0.0


@dataclass(frozen=True)
class MeanIou(ClassMean):
    """Mean intersection over union, the Jaccard index.

    References
    ----------
    Everingham et al., The PASCAL Visual Object Classes Challenge: A Retrospective, IJCV 2015.
    """

    name: ClassVar[str] = "mean_iou"
    formula: ClassVar[str] = "mean over classes of TP / (GT + PR − TP)"

    @staticmethod
    def ratio(correct: int, truth: int, predicted: int) -> tuple[int, int]:
        """Return TP and GT + PR − TP."""
        return correct, truth + predicted - correct


@dataclass(frozen=True)
class MeanDice(ClassMean):
    """Mean Dice coefficient, the F1 score: 2·IoU / (1 + IoU) of each class."""

    name: ClassVar[str] = "mean_dice"
    formula: ClassVar[str] = "mean over classes of 2·TP / (GT + PR)"

    @staticmethod
    def ratio(correct: int, truth: int, predicted: int) -> tuple[int, int]:
        """Return 2·TP and GT + PR."""
        return 2 * correct, truth + predicted


@dataclass(frozen=True)
class MeanPrecision(ClassMean):
    """Mean precision; a class that is true but never predicted has precision 0."""

    name: ClassVar[str] = "mean_precision"
    formula: ClassVar[str] = "mean over classes of TP / PR"

    @staticmethod
    def ratio(correct: int, truth: int, predicted: int) -> tuple[int, int]:
        """Return TP and PR."""
        return correct, predicted


@dataclass(frozen=True)
class MeanRecall(ClassMean):
    """Mean recall; a class that is predicted but never true has recall 0 unless ``fp_only=skip``."""

    name: ClassVar[str] = "mean_recall"
    formula: ClassVar[str] = "mean over classes of TP / GT"

    @staticmethod
    def ratio(correct: int, truth: int, predicted: int) -> tuple[int, int]:
        """Return TP and GT."""
        return correct, truth

    def warnings(self, state: State, space: LabelSpace) -> list[str]:
        """Warn also when the background is left out: then false positives on it cost nothing."""
        chosen = {space.names[i] for i in space.select(self.classes)}
        missing = "background" in space.names and "background" not in chosen
        note = f"{self.name} leaves out the background: it does not punish false positives there"
        return [*super().warnings(state, space), *([note] if missing else [])]


@dataclass(frozen=True)
class MeanAccuracy(MeanRecall):
    """Mean class accuracy: the mean share of each class's pixels that are right (the same as mean recall).

    References
    ----------
    Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic Segmentation, CVPR 2015.
    """

    name: ClassVar[str] = "mean_accuracy"


@dataclass(frozen=True)
class PixelAccuracy(TableMetric):
    """Share of the counted pixels that are right; by class the share of that class's pixels."""

    name: ClassVar[str] = "pixel_accuracy"
    formula: ClassVar[str] = "Σ TP / Σ GT over classes"

    def values(self, margins: Margins, chosen: Sequence[int]) -> tuple[Value, list[Value]]:
        """Return Σ TP / Σ GT, and TP / GT of each class."""
        values = [_ratio(margins.correct[i], margins.truth[i]) for i in chosen]
        total = sum(margins.truth[i] for i in chosen)
        return _ratio(sum(margins.correct[i] for i in chosen), total), values


@dataclass(frozen=True)
class FrequencyWeightedIou(TableMetric):
    """IoU of the classes weighted by their share of the truth; a class without truth weighs nothing.

    References
    ----------
    Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic Segmentation, CVPR 2015.
    """

    name: ClassVar[str] = "frequency_weighted_iou"
    formula: ClassVar[str] = "Σ GT·IoU / Σ GT over classes"

    def values(self, margins: Margins, chosen: Sequence[int]) -> tuple[Value, list[Value]]:
        """Return the weighted mean, and the IoU of each class."""
        values = [
            _ratio(margins.correct[i], margins.truth[i] + margins.predicted[i] - margins.correct[i]) for i in chosen
        ]
        total = sum(margins.truth[i] for i in chosen)
        weighted = (margins.truth[i] * value for i, value in zip(chosen, values, strict=True) if value is not None)
        return (math.fsum(weighted) / total if total else None), values


def _ratio(numerator: int, denominator: int) -> Value:
    return numerator / denominator if denominator else None


def _or_nan(value: Value) -> float:
    return math.nan if value is None else value


METRICS: tuple[type[TableMetric], ...] = (
    MeanIou,
    PixelAccuracy,
    MeanAccuracy,
    FrequencyWeightedIou,
    MeanDice,
    MeanPrecision,
    MeanRecall,
)
