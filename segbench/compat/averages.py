"""What a score of scikit-learn is asked for: labels, and the average of their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.compat.tables import LabelTable, refuse_unless
from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.kernels.arrays import as_labels

Average: TypeAlias = Literal["binary", "micro", "macro", "weighted"] | None


@dataclass(frozen=True)
class Choice:
    """What a score is asked for.

    Parameters
    ----------
    labels, pos_label, average, sample_weight, zero_division
        As in `segbench.compat.sklearn.jaccard_score`.

    Raises
    ------
    BadParameter
        For what has no meaning here, and for what scikit-learn would overlook.
    """

    labels: Any
    pos_label: int
    average: Average
    sample_weight: None
    zero_division: Any

    def __post_init__(self) -> None:
        refuse_weights(self.sample_weight)
        averages = ("binary", "micro", "macro", "weighted", None)
        refuse_unless(self.average in averages, "average", self.average, expected=" | ".join(map(repr, averages)))
        known = not isinstance(self.zero_division, str) and (
            self.zero_division in (0, 1) or math.isnan(self.zero_division)
        )
        refuse_unless(known, "zero_division", self.zero_division, expected="0, 1 or nan")
        if self.average == "binary":
            refuse_unless(self.labels is None, "labels", self.labels, expected="None with average='binary'")
        else:
            one = self.pos_label in (1, None)
            refuse_unless(one, "pos_label", self.pos_label, expected="1 unless average='binary'")

    def score(
        self, ratio: Callable[[int, int, int], tuple[int, int]], counted: LabelTable
    ) -> float | NDArray[np.float64]:
        """Return the value of each label, or the average that is asked for.

        Parameters
        ----------
        ratio : callable
            Numerator and denominator from TP, GT and PR.
        counted : LabelTable
            The counts.

        Returns
        -------
        float or ndarray of float64, shape (n,)
            The average, or the values.
        """
        margins = counted.margins(self._chosen(counted.ids))
        if self.average == "micro":
            correct, truth, predicted = (sum(column) for column in zip(*margins, strict=True))
            return self._divide(*ratio(correct, truth, predicted))
        values = np.array([self._divide(*ratio(*counts)) for counts in margins])
        return values if self.average is None else self._mean(values, [truth for _, truth, _ in margins])

    def _chosen(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.average != "binary":
            return ids if self.labels is None else as_distinct(self.labels)
        if len(ids) > 2:
            raise BadParameter(f"{len(ids)} labels", expected="at most two", mend="pass average='macro'")
        if len(ids) == 2 and self.pos_label not in ids:
            raise BadParameter(f"pos_label={self.pos_label}", expected=f"{ids[0]} or {ids[1]}")
        return np.array([self.pos_label], np.int64)

    def _divide(self, numerator: int, denominator: int) -> float:
        return numerator / denominator if denominator else float(self.zero_division)

    def _mean(self, values: NDArray[np.float64], truth: Sequence[int]) -> float:
        defined = ~np.isnan(values)
        if not defined.any():
            return math.nan
        weights = np.array(truth)[defined]
        if self.average == "weighted" and weights.any():
            return float(np.average(values[defined], weights=weights))
        return float(np.nanmean(values))


def as_distinct(labels: Any) -> NDArray[np.int64]:
    """Return a list of labels, each once.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        The labels.

    Returns
    -------
    ndarray of int64, shape (n,)
        The same.

    Raises
    ------
    BadParameter
        For no label, a label given twice, or another shape.
    """
    chosen = as_labels(labels, name="labels").astype(np.int64)
    if chosen.ndim != 1 or not chosen.size or len(np.unique(chosen)) < len(chosen):
        raise BadParameter(f"labels={labels!r}", expected="a list of labels, each once")
    return chosen


def refuse_weights(sample_weight: object) -> None:
    """Refuse weights of pixels.

    Parameters
    ----------
    sample_weight : None
        Anything else raises.
    """
    refuse_unless(sample_weight is None, "sample_weight", "…", expected="None", mend="every pixel counts as one")
