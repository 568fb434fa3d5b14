"""How the metrics of torchmetrics count and read: a table of classes, and ratios of its margins."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, Literal, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from segbench.compat.tables import as_volume, refuse_unless
from segbench.errors import BadParameter, ShapeMismatch, VoidPrediction
from segbench.kernels.arrays import Labels, as_int64, as_labels
from segbench.labels import LabelClass, LabelSpace
from segbench.metrics.confusion import ConfusionTally
from segbench.metrics.rules import ClassMean
from segbench.samples import Sample

Average: TypeAlias = Literal["micro", "macro", "weighted", "none"] | None
Out = TypeVar("Out")


class Multiclass(ABC, Generic[Out]):
    """Counts a table of classes, truth first; pixels whose target is `ignore_index` are left out.

    Parameters
    ----------
    num_classes, ignore_index, validate_args
        As in `segbench.compat.torchmetrics.MulticlassJaccardIndex`.

    Raises
    ------
    BadParameter
        For a parameter that is not supported.
    """

    def __init__(self, num_classes: int | None, ignore_index: int | None, validate_args: bool) -> None:
        refuse_unless(num_classes is not None, "num_classes", None, expected="the number of classes")
        self.num_classes = as_int64(num_classes, name="num_classes")
        refuse_unless(self.num_classes > 1, "num_classes", num_classes, expected="at least 2")
        self.ignore_index = None if ignore_index is None else as_int64(ignore_index, name="ignore_index")
        refuse_unless(validate_args is True, "validate_args", validate_args, expected="True: checks cost nothing")
        self._tally = ConfusionTally(_space(self.num_classes, self.ignore_index))
        self.reset()

    def reset(self) -> None:
        """Forget what was counted."""
        self._table = np.zeros((self.num_classes, self.num_classes), np.int64)

    def update(self, preds: Any, target: Any) -> None:
        """Count a batch.

        Parameters
        ----------
        preds : array_like
            Classes, shape (N, …); or float scores of classes, shape (N, C, …), of which the largest counts.
        target : array_like of int, shape (N, …)
            Classes of the truth, or `ignore_index`.

        Raises
        ------
        ShapeMismatch, StrayLabel, VoidPrediction, DatasetError, BadParameter
            When the batch holds no labels of these classes; nothing is counted then.
        """
        self._table += self._count(preds, target)

    def forward(self, preds: Any, target: Any) -> Out:
        """Count a batch and return its own value.

        Parameters
        ----------
        preds, target : array_like
            As in `update`.

        Returns
        -------
        float or ndarray
            What `compute` would return for this batch alone.
        """
        batch = self._count(preds, target)
        self._table += batch
        return self._read(batch)

    __call__ = forward

    def compute(self) -> Out:
        """Return the value of all batches since the last reset."""
        return self._read(self._table)

    def merge_state(self, incoming_state: Self) -> None:
        """Add what another metric of the same kind has counted.

        Parameters
        ----------
        incoming_state : metric of the same class
            Left as it is.

        Raises
        ------
        BadParameter
            For another class, other classes, or another `ignore_index`.
        """
        mine = (type(self), self.num_classes, self.ignore_index)
        if not isinstance(incoming_state, Multiclass) or mine != (
            type(incoming_state),
            incoming_state.num_classes,
            incoming_state.ignore_index,
        ):
            raise BadParameter(f"incoming_state is {incoming_state!r}", expected="a metric like this one")
        self._table += incoming_state._table

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_classes={self.num_classes}, ignore_index={self.ignore_index})"

    @abstractmethod
    def _read(self, table: NDArray[np.int64]) -> Out: ...

    def _count(self, preds: Any, target: Any) -> NDArray[np.int64]:
        truth = as_labels(_detached(target), name="target")
        prediction = _classes(preds, truth.ndim, self.num_classes)
        if prediction.shape != truth.shape:
            raise ShapeMismatch(f"preds of shape {prediction.shape}", expected=f"shape {truth.shape} as target")
        if not truth.size:
            return np.zeros_like(self._table)
        table, _ = self._tally.count(Sample((), as_volume(truth), as_volume(prediction)))
        return self._by_class(table)

    def _by_class(self, table: NDArray[np.int64]) -> NDArray[np.int64]:
        """Turn a table of codes, of which ignored ones come last, into a table of classes."""
        codes = self._tally.space.columns
        counted = len(self._tally.space.evaluated)
        if len(codes) > self.num_classes and (void := int(table[:counted, self.num_classes].sum())):
            raise VoidPrediction(f"{void} counted pixels are predicted {self.ignore_index}", expected="a class")
        by_class = np.zeros_like(self._table)
        by_class[np.ix_(codes[:counted], codes[: self.num_classes])] = table[:counted, : self.num_classes]
        return by_class


class Ratio(Multiclass[float | NDArray[np.float64]]):
    """A ratio of each class, or its average.

    Parameters
    ----------
    num_classes, average, ignore_index, validate_args, zero_division
        As in `segbench.compat.torchmetrics.MulticlassJaccardIndex`.

    Raises
    ------
    BadParameter
        For a parameter that is not supported.
    """

    metric: ClassVar[ClassMean]

    def __init__(
        self,
        num_classes: int | None,
        average: Average,
        ignore_index: int | None,
        validate_args: bool,
        zero_division: float = math.nan,
    ) -> None:
        super().__init__(num_classes, ignore_index, validate_args)
        averages = ("micro", "macro", "weighted", "none", None)
        refuse_unless(average in averages, "average", average, expected=" | ".join(map(repr, averages)))
        known = zero_division in (0, 1) or math.isnan(zero_division)
        refuse_unless(known, "zero_division", zero_division, expected="0, 1 or nan")
        self.average, self.zero_division = average, float(zero_division)

    def _read(self, table: NDArray[np.int64]) -> float | NDArray[np.float64]:
        margins = self._margins(table)
        if self.average == "micro":
            correct, truth, predicted = (sum(column) for column in zip(*margins, strict=True))
            return self._value(correct, truth, predicted)
        values = [self._value(*counts) for counts in margins]
        if self.average not in ("macro", "weighted"):
            return np.array(values)
        weighted = self.average == "weighted"
        weights = [truth if weighted else int(truth + predicted > 0) for _, truth, predicted in margins]
        total = sum(weights)
        products = (weight * value for weight, value in zip(weights, values, strict=True) if weight)
        return math.fsum(products) / total if total else math.nan

    def _margins(self, table: NDArray[np.int64]) -> list[tuple[int, int, int]]:
        columns = np.diag(table).tolist(), table.sum(axis=1).tolist(), table.sum(axis=0).tolist()
        return list(zip(*columns, strict=True))

    def _value(self, correct: int, truth: int, predicted: int) -> float:
        if not truth and not predicted:
            return self.zero_division
        numerator, denominator = self.metric.ratio(correct, truth, predicted)
        return numerator / denominator if denominator else 0.0


def _space(num_classes: int, ignore_index: int | None) -> LabelSpace:
    """Return the classes; one that is ignored can still be predicted, and any other value to ignore is void."""
    classes = tuple(LabelClass(str(i), i, evaluated=i != ignore_index) for i in range(num_classes))
    outside = ignore_index is not None and not 0 <= ignore_index < num_classes
    return LabelSpace(classes, (ignore_index,) if outside and ignore_index is not None else ())


def _detached(values: Any) -> Any:
    return values.detach() if hasattr(values, "detach") else values


def _classes(preds: Any, axes: int, num_classes: int) -> Labels:
    """Return the predicted classes, of scores those with the largest."""
    detached = _detached(preds)
    try:
        array = np.asarray(detached)
    except (TypeError, ValueError, RuntimeError) as error:
        found = f"preds ({type(preds).__name__}) does not read as an array: {error}"
        raise BadParameter(found, expected="classes or scores", mend="pass preds.argmax(1)") from error
    if array.ndim != axes + 1:
        return as_labels(array, name="preds")
    if array.dtype.kind != "f" or array.shape[1] != num_classes:
        raise BadParameter(
            f"preds of dtype {array.dtype} and shape {array.shape}", expected=f"float scores of {num_classes} classes"
        )
    classes: Labels = array.argmax(axis=1)
    return classes
