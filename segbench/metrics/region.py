"""Region metrics: readings of one confusion table. Notation and rules are those of `segbench.metrics.rules`."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, TypeAlias

from segbench.frozen import dataclass
from segbench.labels import LabelSpace
from segbench.metrics.rules import ClassMean, Margins, TableMetric, Value
from segbench.metrics.states import State

#: Pools of a metric that is no mean over classes.
ImagePool: TypeAlias = Literal["dataset", "image"]


@dataclass(frozen=True)
class MeanIou(ClassMean):
    """Mean intersection over union, the Jaccard index.

    References
    ----------
    Everingham et al., The PASCAL Visual Object Classes Challenge: A Retrospective, IJCV 2015.

    Examples
    --------
    >>> from segbench import mean_iou
    >>> mean_iou(truth=[[0, 0, 1, 255]], prediction=[[0, 1, 1, 1]], space=2, void=255).value
    0.5
    """

    name: ClassVar[str] = "mean_iou"
    formula: ClassVar[str] = "mean over classes of TP / (GT + PR − TP)"

    @staticmethod
    def ratio(correct: int, truth: int, predicted: int) -> tuple[int, int]:
        """Return TP and GT + PR − TP."""
        return correct, truth + predicted - correct


@dataclass(frozen=True)
class MeanDice(ClassMean):
    """Mean Dice coefficient, the F1 score: 2·IoU / (1 + IoU) of each class.

    Examples
    --------
    >>> from segbench import mean_dice
    >>> mean_dice(truth=[[0, 0, 1, 255]], prediction=[[0, 1, 1, 1]], space=2, void=255).per_class
    {'0': 0.6666666666666666, '1': 0.6666666666666666}
    """

    name: ClassVar[str] = "mean_dice"
    formula: ClassVar[str] = "mean over classes of 2·TP / (GT + PR)"

    @staticmethod
    def ratio(correct: int, truth: int, predicted: int) -> tuple[int, int]:
        """Return 2·TP and GT + PR."""
        return 2 * correct, truth + predicted


@dataclass(frozen=True)
class MeanPrecision(ClassMean):
    """Mean precision; a class that is true but never predicted has precision 0.

    Examples
    --------
    >>> from segbench import mean_precision
    >>> mean_precision(truth=[[0, 0, 1, 255]], prediction=[[0, 1, 1, 1]], space=2, void=255).per_class
    {'0': 1.0, '1': 0.5}
    """

    name: ClassVar[str] = "mean_precision"
    formula: ClassVar[str] = "mean over classes of TP / PR"

    @staticmethod
    def ratio(correct: int, truth: int, predicted: int) -> tuple[int, int]:
        """Return TP and PR."""
        return correct, predicted


@dataclass(frozen=True)
class MeanRecall(ClassMean):
    """Mean recall; a class that is predicted but never true has recall 0 unless ``fp_only=skip``.

    Examples
    --------
    >>> from segbench import mean_recall
    >>> mean_recall(truth=[[0, 0, 1, 255]], prediction=[[0, 1, 1, 1]], space=2, void=255).per_class
    {'0': 0.5, '1': 1.0}
    """

    name: ClassVar[str] = "mean_recall"
    formula: ClassVar[str] = "mean over classes of TP / GT"

    @staticmethod
    def ratio(correct: int, truth: int, predicted: int) -> tuple[int, int]:
        """Return TP and GT."""
        return correct, truth

    def warnings(self, state: State, space: LabelSpace) -> list[str]:
        """Warn also when the background is left out: then false positives on it cost nothing."""
        chosen = {space.names[i] for _, rows in space.parts(self.classes) for i in rows}
        missing = "background" in space.names and "background" not in chosen
        note = f"{self.name} leaves out the background: it does not punish false positives there"
        return [*super().warnings(state, space), *([note] if missing else [])]


@dataclass(frozen=True)
class MeanAccuracy(MeanRecall):
    """Mean class accuracy: the mean share of each class's pixels that are right (the same as mean recall).

    References
    ----------
    Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic Segmentation, CVPR 2015.

    Examples
    --------
    >>> from segbench import mean_accuracy
    >>> mean_accuracy(truth=[[0, 0, 1, 255]], prediction=[[0, 1, 1, 1]], space=2, void=255).value
    0.75
    """

    name: ClassVar[str] = "mean_accuracy"


@dataclass(frozen=True)
class PixelAccuracy(TableMetric):
    """Share of the counted pixels that are right; by class the share of that class's pixels.

    Parameters
    ----------
    pool : {'dataset', 'image'}
        ``dataset`` adds tables before dividing; ``image`` takes the mean over images.

    Examples
    --------
    >>> from segbench import pixel_accuracy
    >>> pixel_accuracy(truth=[[0, 0, 1, 255]], prediction=[[0, 1, 1, 1]], space=2, void=255).value
    0.6666666666666666
    """

    pool: ImagePool = "dataset"

    name: ClassVar[str] = "pixel_accuracy"
    formula: ClassVar[str] = "Σ TP / Σ GT over classes"

    def values(self, margins: Margins) -> tuple[Value, list[Value]]:
        """Return Σ TP / Σ GT, and TP / GT of each class."""
        values = [_ratio(correct, truth) for correct, truth, _ in margins]
        return _ratio(sum(margins.correct), sum(margins.truth)), values


@dataclass(frozen=True)
class FrequencyWeightedIou(TableMetric):
    """IoU of the classes weighted by their share of the truth; a class without truth weighs nothing.

    Parameters
    ----------
    pool : {'dataset', 'image'}
        ``dataset`` adds tables before dividing; ``image`` takes the mean over images.

    References
    ----------
    Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic Segmentation, CVPR 2015.

    Examples
    --------
    >>> from segbench import frequency_weighted_iou
    >>> frequency_weighted_iou(truth=[[0, 0, 0, 1]], prediction=[[0, 0, 0, 0]], space=2).value  # 3/4 · 3/4 + 1/4 · 0
    0.5625
    """

    pool: ImagePool = "dataset"

    name: ClassVar[str] = "frequency_weighted_iou"
    formula: ClassVar[str] = "Σ GT·IoU / Σ GT over classes"

    def values(self, margins: Margins) -> tuple[Value, list[Value]]:
        """Return the weighted mean, and the IoU of each class."""
        values = [_ratio(*MeanIou.ratio(*counts)) for counts in margins]
        weighted = [truth * value for truth, value in zip(margins.truth, values, strict=True) if value is not None]
        total = sum(margins.truth)
        return (math.fsum(weighted) / total if total else None), values


@dataclass(frozen=True)
class AdeScore(MeanIou):
    """The score of ADE20K scene parsing: the average of pixel accuracy and mean IoU; by class the IoU.

    References
    ----------
    Zhou et al., Scene Parsing through ADE20K Dataset, CVPR 2017.

    Examples
    --------
    >>> from segbench import ade_score
    >>> ade_score(truth=[[0, 0, 1, 1]], prediction=[[0, 1, 1, 1]], space=2).value  # (3/4 + (1/2 + 2/3) / 2) / 2
    0.6666666666666666
    """

    name: ClassVar[str] = "ade_score"
    formula: ClassVar[str] = "(pixel accuracy + mean IoU) / 2"

    def values(self, margins: Margins) -> tuple[Value, list[Value]]:
        """Return the average of both, and the IoU of each class."""
        iou, values = super().values(margins)
        accuracy = _ratio(sum(margins.correct), sum(margins.truth))
        return (None if iou is None or accuracy is None else (accuracy + iou) / 2), values


def _ratio(numerator: int, denominator: int) -> Value:
    return numerator / denominator if denominator else None


METRICS: tuple[type[TableMetric], ...] = (
    MeanIou,
    PixelAccuracy,
    MeanAccuracy,
    FrequencyWeightedIou,
    MeanDice,
    MeanPrecision,
    MeanRecall,
    AdeScore,
)
