"""Metrics of the KITTI road benchmark: a sweep over 256 thresholds, and the one with the highest F1.

A pixel is road at threshold k when its level is k or more. With TP, FP and FN counted there,

    REC = TP / P,  PRE = TP / (TP + FP + 1e-10),  F = 2·PRE·REC / (PRE + REC + 1e-10)

for P road pixels and N others in the valid area. The working point is the lowest k with the highest F.

Source: Fritsch, Kühnl and Geiger, A New Performance Measure and Evaluation Benchmark for Road Detection Algorithms,
ITSC 2013, and its development kit, whose order of floating-point operations is kept. The kit prints the ratios at the
working point in single precision; here they are doubles.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass
from segbench.metrics.levels import Levels, LevelsMetric

#: Keeps the divisions of the development kit from dividing by zero.
TINY = 1e-10
#: Eleven recalls, some a little above tenths: 0.30000000000000004 is not reached by a recall of 3/10.
GRID: NDArray[np.float64] = np.arange(0, 1.1, 0.1)


@dataclass(frozen=True)
class Sweep:
    """Counts and curves over the thresholds k = 0…255.

    Parameters
    ----------
    levels : ndarray of int64, shape (2, 256)
        Pixels by class (0 not road, 1 road) and level; at least one road pixel.
    """

    levels: Levels

    @cached_property
    def at_or_above(self) -> NDArray[np.int64]:
        """Pixels of either class with level k or more, shape (2, 256): FP, then TP."""
        return np.cumsum(self.levels[:, ::-1], axis=1)[:, ::-1]

    @cached_property
    def recall(self) -> NDArray[np.float64]:
        """TP / P at each k, shape (256,)."""
        recall: NDArray[np.float64] = self.at_or_above[1] / float(self.at_or_above[1, 0])
        return recall

    @cached_property
    def precision(self) -> NDArray[np.float64]:
        """TP / (TP + FP + 1e-10) at each k, shape (256,)."""
        false, true = self.at_or_above
        precision: NDArray[np.float64] = true / (true + false + TINY)
        return precision

    @cached_property
    def f(self) -> NDArray[np.float64]:
        """F1 at each k, shape (256,)."""
        return 2 * (self.precision * self.recall) / (self.precision + self.recall + TINY)

    @cached_property
    def best(self) -> int:
        """The working point: the lowest k with the highest F1."""
        return int(self.f.argmax())


@dataclass(frozen=True)
class RoadMetric(LevelsMetric):
    """A metric of the sweep; undefined without a road pixel."""

    def value(self, levels: Levels) -> float:
        """Return the value of a table of `levels`."""
        return self.of(Sweep(levels)) if levels[1].any() else math.nan

    @abstractmethod
    def of(self, sweep: Sweep) -> float:
        """Return the value of a `sweep`."""


@dataclass(frozen=True)
class MaxF(RoadMetric):
    """Highest F1 over all thresholds.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import max_f
    >>> prediction = np.array([[10, 90, 90, 200]], np.uint8)
    >>> round(max_f(truth=[[0, 0, 1, 1]], prediction=prediction, space=2).value, 6)  # 2·(2/3)·1 / (2/3 + 1)
    0.8
    """

    name: ClassVar[str] = "max_f"
    formula: ClassVar[str] = "max over thresholds of 2·PRE·REC / (PRE + REC + 1e-10)"

    def of(self, sweep: Sweep) -> float:
        """Return F1 at the working point of a `sweep`."""
        return float(sweep.f[sweep.best])


@dataclass(frozen=True)
class InterpolatedPrecision(RoadMetric):
    """Average precision interpolated at eleven recalls, the AP of KITTI road.

    The grid is the one of the development kit, ``np.arange(0, 1.1, 0.1)``: its 0.3, 0.6 and 0.7 are the next doubles
    above, and a recall of exactly 3/10 does not reach them.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import interpolated_precision
    >>> prediction = np.array([[10, 90, 90, 200]], np.uint8)
    >>> score = interpolated_precision(truth=[[0, 0, 1, 1]], prediction=prediction, space=2)
    >>> round(score.value, 6)  # (6·1 + 5·2/3) / 11
    0.848485
    """

    name: ClassVar[str] = "interpolated_precision"
    formula: ClassVar[str] = "mean over r = 0, 0.1, …, 1 of the highest PRE at a threshold with REC ≥ r"

    def of(self, sweep: Sweep) -> float:
        """Return the mean over the grid, added from the lowest recall on."""
        total = 0.0
        for recall in GRID:
            total += float(sweep.precision[sweep.recall >= recall].max())
        return total / len(GRID)


@dataclass(frozen=True)
class PrecisionWp(RoadMetric):
    """Precision at the working point.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import precision_wp
    >>> prediction = np.array([[10, 90, 90, 200]], np.uint8)
    >>> round(precision_wp(truth=[[0, 0, 1, 1]], prediction=prediction, space=2).value, 6)
    0.666667
    """

    name: ClassVar[str] = "precision_wp"
    formula: ClassVar[str] = "TP / (TP + FP + 1e-10) at the working point, the lowest threshold with the highest F1"

    def of(self, sweep: Sweep) -> float:
        """Return the precision of a `sweep` there."""
        return float(sweep.precision[sweep.best])


@dataclass(frozen=True)
class RecallWp(RoadMetric):
    """Recall at the working point.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import recall_wp
    >>> recall_wp(truth=[[0, 0, 1, 1]], prediction=np.array([[10, 90, 90, 200]], np.uint8), space=2).value
    1.0
    """

    name: ClassVar[str] = "recall_wp"
    formula: ClassVar[str] = "TP / P at the working point, the lowest threshold with the highest F1"

    def of(self, sweep: Sweep) -> float:
        """Return the recall of a `sweep` there."""
        return float(sweep.recall[sweep.best])


@dataclass(frozen=True)
class FprWp(RoadMetric):
    """False positive rate at the working point; undefined without a pixel that is not road.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import fpr_wp
    >>> fpr_wp(truth=[[0, 0, 1, 1]], prediction=np.array([[10, 90, 90, 200]], np.uint8), space=2).value
    0.5
    """

    name: ClassVar[str] = "fpr_wp"
    formula: ClassVar[str] = "FP / N at the working point, the lowest threshold with the highest F1"
    higher_is_better: ClassVar[bool] = False

    def of(self, sweep: Sweep) -> float:
        """Return the share of the other pixels that a `sweep` calls road there."""
        false = sweep.at_or_above[0]
        return int(false[sweep.best]) / int(false[0]) if false[0] else math.nan


@dataclass(frozen=True)
class FnrWp(RoadMetric):
    """False negative rate at the working point.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import fnr_wp
    >>> fnr_wp(truth=[[0, 0, 1, 1]], prediction=np.array([[10, 90, 90, 200]], np.uint8), space=2).value
    0.0
    """

    name: ClassVar[str] = "fnr_wp"
    formula: ClassVar[str] = "FN / P at the working point, the lowest threshold with the highest F1"
    higher_is_better: ClassVar[bool] = False

    def of(self, sweep: Sweep) -> float:
        """Return the share of the road that a `sweep` misses there."""
        true = sweep.at_or_above[1]
        return int(true[0] - true[sweep.best]) / int(true[0])


METRICS: tuple[type[RoadMetric], ...] = (MaxF, InterpolatedPrecision, PrecisionWp, RecallWp, FprWp, FnrWp)
