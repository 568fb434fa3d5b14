"""Metrics on probability maps of two classes: the area under a curve, and values at one threshold.

Notation: P and N are the counted pixels whose truth is positive and negative. At a level v, TP and FP are those of
them that have v or more, FN and TN the others. A metric is undefined (NaN) exactly where it would divide 0 by 0. Where
scikit-learn says something else there, the class names it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from fractions import Fraction
from itertools import accumulate
from typing import ClassVar

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.metrics.levels import Levels, LevelsMetric
from segbench.metrics.region import ImagePool


@dataclass(frozen=True)
class BinaryMetric(LevelsMetric):
    """A metric on levels, pooled over the data set or averaged over images.

    Parameters
    ----------
    pool : {'dataset', 'image'}
        ``dataset`` adds the levels of all images; ``image`` takes the mean over the images in which it is defined.
    """

    pool: ImagePool = "dataset"

    @property
    def is_per_image(self) -> bool:
        """Whether the score is a mean over images."""
        return self.pool == "image"


@dataclass(frozen=True)
class Auc(BinaryMetric):
    """Area under the ROC curve: how often a positive pixel has a higher level than a negative one, ties by half.

    Undefined without a positive or without a negative pixel, where scikit-learn's ``roc_auc_score`` returns NaN with a
    warning, and raised ValueError before its version 1.6.

    References
    ----------
    Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import auc
    >>> auc(truth=[[0, 0, 1, 1]], prediction=np.array([[10, 90, 90, 200]], np.uint8), space=2).value
    0.875
    """

    name: ClassVar[str] = "auc"
    formula: ClassVar[str] = "(pairs with the positive pixel higher + half of the tied pairs) / all pairs P·N"

    def value(self, levels: Levels) -> float:
        """Return the share of the pairs in order."""
        negatives, positives = levels.tolist()
        below = accumulate(negatives, initial=0)
        in_order = sum(p * (2 * b + n) for n, p, b in zip(negatives, positives, below, strict=False))
        return _ratio(in_order, 2 * sum(positives) * sum(negatives))


@dataclass(frozen=True)
class AveragePrecision(BinaryMetric):
    """Average precision: the mean over positive pixels of the precision at their level, without interpolation.

    Undefined without a positive pixel, where scikit-learn's ``average_precision_score`` returns 0.0 with a warning.
    Without a negative pixel it is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import average_precision
    >>> prediction = np.array([[10, 90, 90, 200]], np.uint8)
    >>> average_precision(truth=[[0, 0, 1, 1]], prediction=prediction, space=2).value  # (1 + 2/3) / 2
    0.8333333333333333
    """

    name: ClassVar[str] = "average_precision"
    formula: ClassVar[str] = "Σ over levels of (positive pixels at the level)·TP / (TP + FP), divided by P"

    def value(self, levels: Levels) -> float:
        """Return the exactly summed precisions divided by P."""
        negatives, positives = (row[::-1] for row in levels.tolist())
        true, false = accumulate(positives), accumulate(negatives)
        # Every term is at most the number of its pixels, so that no rounding can lift the mean above 1.
        terms = [p * tp / (tp + fp) for p, tp, fp in zip(positives, true, false, strict=True) if p]
        return math.fsum(terms) / sum(positives) if terms else math.nan


@dataclass(frozen=True)
class AtThreshold:
    """The pixels of either class on both sides of a threshold.

    Parameters
    ----------
    tp, fn, fp, tn : int
        Positive pixels from the threshold on and below it, then negative ones.
    """

    tp: int
    fn: int
    fp: int
    tn: int

    @classmethod
    def of(cls, levels: Levels, lowest: int) -> AtThreshold:
        """Return both sides of the `lowest` level that is called positive in a table of `levels`."""
        below, above = (part.sum(axis=1).tolist() for part in (levels[:, :lowest], levels[:, lowest:]))
        return cls(tp=above[1], fn=below[1], fp=above[0], tn=below[0])


@dataclass(frozen=True)
class ThresholdMetric(BinaryMetric):
    """A metric of the mask that a threshold makes of a probability map.

    Parameters
    ----------
    threshold : float
        In (0, 1]. A pixel is positive when level / 255 ≥ threshold, compared exactly; a threshold that is the double
        nearest to k / 255, as a curve lists it, means level k: 0.2 is level 51.
    """

    threshold: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.threshold <= 1:
            raise BadParameter(f"{self.name}: threshold={self.threshold}", expected="above 0, at most 1")
        # An int would be written otherwise than the float that is read back.
        object.__setattr__(self, "threshold", float(self.threshold))

    def value(self, levels: Levels) -> float:
        """Return the value at the threshold."""
        return self.at(AtThreshold.of(levels, lowest_positive(self.threshold)))

    @abstractmethod
    def at(self, counts: AtThreshold) -> float:
        """Return the value of the four `counts`."""


def lowest_positive(threshold: float) -> int:
    """Return the lowest level that is positive at a `threshold`."""
    nearest = round(255 * threshold)
    # A quotient k / 255 that was rounded up, as 0.2 is, would miss its own level.
    return nearest if nearest / 255 == threshold else math.ceil(255 * Fraction(threshold))


@dataclass(frozen=True)
class F1(ThresholdMetric):
    """F1 score, the Dice coefficient of the positive class.

    Undefined when no pixel is positive in the truth or reaches the threshold, where scikit-learn's ``f1_score`` returns
    0.0.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import f1
    >>> f1(truth=[[0, 0, 1, 1]], prediction=np.array([[10, 190, 190, 200]], np.uint8), space=2).value
    0.8
    """

    name: ClassVar[str] = "f1"
    formula: ClassVar[str] = "2·TP / (2·TP + FP + FN) at the threshold"

    def at(self, counts: AtThreshold) -> float:
        """Return 2·TP / (2·TP + FP + FN) of the four `counts`."""
        return _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


@dataclass(frozen=True)
class Accuracy(ThresholdMetric):
    """Share of the counted pixels that are on the right side of the threshold.

    Undefined without a pixel, where scikit-learn's ``accuracy_score`` raises ValueError.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import accuracy
    >>> accuracy(truth=[[0, 0, 1, 1]], prediction=np.array([[10, 190, 190, 200]], np.uint8), space=2).value
    0.75
    """

    name: ClassVar[str] = "accuracy"
    formula: ClassVar[str] = "(TP + TN) / (P + N) at the threshold"

    def at(self, counts: AtThreshold) -> float:
        """Return (TP + TN) / (P + N) of the four `counts`."""
        return _ratio(counts.tp + counts.tn, counts.tp + counts.fn + counts.fp + counts.tn)


@dataclass(frozen=True)
class Sensitivity(ThresholdMetric):
    """Share of the positive pixels that reach the threshold: recall.

    Undefined without a positive pixel, where scikit-learn's ``recall_score`` returns 0.0.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import sensitivity
    >>> sensitivity(truth=[[0, 0, 1, 1]], prediction=np.array([[10, 190, 90, 200]], np.uint8), space=2).value
    0.5
    """

    name: ClassVar[str] = "sensitivity"
    formula: ClassVar[str] = "TP / P at the threshold"

    def at(self, counts: AtThreshold) -> float:
        """Return TP / P of the four `counts`."""
        return _ratio(counts.tp, counts.tp + counts.fn)


@dataclass(frozen=True)
class Specificity(ThresholdMetric):
    """Share of the negative pixels that stay below the threshold.

    Undefined without a negative pixel, where scikit-learn's ``recall_score`` of the negative class returns 0.0.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import specificity
    >>> specificity(truth=[[0, 0, 1, 1]], prediction=np.array([[10, 190, 90, 200]], np.uint8), space=2).value
    0.5
    """

    name: ClassVar[str] = "specificity"
    formula: ClassVar[str] = "TN / N at the threshold"

    def at(self, counts: AtThreshold) -> float:
        """Return TN / N of the four `counts`."""
        return _ratio(counts.tn, counts.fp + counts.tn)


@dataclass(frozen=True)
class Mcc(ThresholdMetric):
    """Matthews correlation coefficient, from −1 to 1; 0 is chance.

    Undefined when truth or mask is all positive or all negative, where scikit-learn's ``matthews_corrcoef`` returns
    0.0.

    References
    ----------
    Matthews, Comparison of the predicted and observed secondary structure of T4 phage lysozyme, BBA 405, 1975.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import mcc
    >>> mcc(truth=[[0, 0, 1, 1]], prediction=np.array([[10, 190, 90, 200]], np.uint8), space=2).value
    0.0
    """

    name: ClassVar[str] = "mcc"
    formula: ClassVar[str] = "(TP·TN − FP·FN) / √((TP + FP)·(TP + FN)·(TN + FP)·(TN + FN)) at the threshold"

    def at(self, counts: AtThreshold) -> float:
        """Return the coefficient of the four `counts`, rounded once."""
        tp, fn, fp, tn = counts.tp, counts.fn, counts.fp, counts.tn
        above = tp * tn - fp * fn
        below = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        return math.copysign(root(above * above, below), above) if below else math.nan


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else math.nan


def root(numerator: int, denominator: int) -> float:
    """Return the square root of `numerator` / `denominator`, rounded once."""
    # So many bits that what is cut off decides nothing: only a true tie between two doubles looks like one.
    bits = 112 + 2 * denominator.bit_length()
    return math.isqrt((numerator << 2 * bits) // denominator) / (1 << bits)


METRICS: tuple[type[BinaryMetric], ...] = (Auc, AveragePrecision, F1, Accuracy, Sensitivity, Specificity, Mcc)
