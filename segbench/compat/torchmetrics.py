"""Metrics with the names and arguments of `torchmetrics.classification`, without PyTorch.

They take what torchmetrics takes (``preds`` of classes, or float scores with a class axis after the first, and
``target``; tensors on the CPU, NumPy arrays, lists) and return Python floats and NumPy arrays. Different by intent:

- Counts are int64 and values are float64; torchmetrics divides in float32.
- A class in neither truth nor prediction is NaN in ``average=None``, unless `zero_division` is given; torchmetrics
  says 0. When no pixel is counted, every average is NaN; torchmetrics says 0, or NaN for some.
- A label outside the classes and `ignore_index` raises DatasetError (target) or StrayLabel (preds), with its pixel;
  torchmetrics only counts distinct values, and may score it.
- A counted pixel that is predicted `ignore_index`, where that is no class, raises VoidPrediction.
- ``top_k``, ``multidim_average`` and ``validate_args`` take their defaults only, and `num_classes` is required.
- A tensor that requires gradients is read without them; a CUDA tensor is refused: pass ``.cpu()``.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segbench.compat.multiclass import Average, Multiclass, Ratio
from segbench.compat.tables import normalized, refuse_unless
from segbench.metrics.region import MeanDice, MeanIou, MeanPrecision, MeanRecall

__all__ = [
    "MulticlassAccuracy",
    "MulticlassConfusionMatrix",
    "MulticlassF1Score",
    "MulticlassJaccardIndex",
    "MulticlassPrecision",
    "MulticlassRecall",
]


class MulticlassConfusionMatrix(Multiclass[NDArray[Any]]):
    """Pairs of classes, truth first.

    Parameters
    ----------
    num_classes : int
        Classes are 0…num_classes−1.
    ignore_index : int, optional
        Target value that is left out, a class or not.
    normalize : {'true', 'pred', 'all', 'none'}, optional
        Whether rows, columns or all cells add up to one.
    validate_args : bool
        True only.

    Raises
    ------
    BadParameter
        For a parameter that is not supported.

    Notes
    -----
    `compute` returns counts of int64, or shares of float64 with `normalize`.

    Examples
    --------
    >>> metric = MulticlassConfusionMatrix(2, ignore_index=255)
    >>> metric.update(preds=[[0, 1, 1]], target=[[0, 0, 255]])
    >>> metric.compute()
    array([[1, 1],
           [0, 0]])
    """

    def __init__(
        self,
        num_classes: int,
        ignore_index: int | None = None,
        normalize: Literal["true", "pred", "all", "none"] | None = None,
        validate_args: bool = True,
    ) -> None:
        super().__init__(num_classes, ignore_index, validate_args)
        self.normalize = None if normalize == "none" else normalize
        normalized(self._table, self.normalize)

    def _read(self, table: NDArray[np.int64]) -> NDArray[Any]:
        return normalized(table.copy(), self.normalize)


class MulticlassJaccardIndex(Ratio):
    """Jaccard index (IoU) of classes.

    Parameters
    ----------
    num_classes : int
        Classes are 0…num_classes−1.
    average : {'micro', 'macro', 'weighted', 'none'} or None
        One value of all counts together, the mean over classes that occur, the mean weighted by their share of the
        truth, or the value of each class.
    ignore_index : int, optional
        Target value that is left out; where it is a class, that class is in no average.
    validate_args : bool
        True only.
    zero_division : {0, 1, nan}
        Value of a class that does not occur, with ``average=None``, and of nothing, with ``"micro"``.

    Raises
    ------
    BadParameter
        For a parameter that is not supported.

    Examples
    --------
    >>> metric = MulticlassJaccardIndex(3, average=None)
    >>> metric.update(preds=[[0, 1, 1]], target=[[0, 0, 1]])
    >>> metric.compute()
    array([0.5, 0.5, nan])
    """

    metric = MeanIou()

    def __init__(
        self,
        num_classes: int,
        average: Average = "macro",
        ignore_index: int | None = None,
        validate_args: bool = True,
        zero_division: float = math.nan,
    ) -> None:
        super().__init__(num_classes, average, ignore_index, validate_args, zero_division)

    def _margins(self, table: NDArray[np.int64]) -> list[tuple[int, int, int]]:
        margins = super()._margins(table)
        ignored = self.ignore_index if self.average in ("micro", "macro", "weighted") else None
        return [counts for i, counts in enumerate(margins) if i != ignored]


class MulticlassF1Score(Ratio):
    """F1 score (Dice coefficient) of classes.

    Parameters
    ----------
    num_classes : int
        Classes are 0…num_classes−1.
    top_k : int
        1 only.
    average : {'micro', 'macro', 'weighted', 'none'} or None
        As in `MulticlassJaccardIndex`.
    multidim_average : {'global'}
        All pixels count alike.
    ignore_index : int, optional
        Target value that is left out; a class that is left out and yet predicted is 0 in the mean, as in torchmetrics.
    validate_args : bool
        True only.
    zero_division : {0, 1, nan}
        Value of a class that does not occur, with ``average=None``, and of nothing, with ``"micro"``.

    Raises
    ------
    BadParameter
        For a parameter that is not supported.
    """

    metric = MeanDice()

    def __init__(
        self,
        num_classes: int,
        top_k: int = 1,
        average: Average = "macro",
        multidim_average: Literal["global"] = "global",
        ignore_index: int | None = None,
        validate_args: bool = True,
        zero_division: float = math.nan,
    ) -> None:
        _refuse_others(top_k, multidim_average)
        super().__init__(num_classes, average, ignore_index, validate_args, zero_division)


class _Plain(Ratio):
    """A ratio without `zero_division`."""

    def __init__(
        self,
        num_classes: int | None = None,
        top_k: int = 1,
        average: Average = "macro",
        multidim_average: Literal["global"] = "global",
        ignore_index: int | None = None,
        validate_args: bool = True,
    ) -> None:
        _refuse_others(top_k, multidim_average)
        super().__init__(num_classes, average, ignore_index, validate_args)


class MulticlassPrecision(_Plain):
    """Precision of classes; one that is true but never predicted has 0.

    Parameters
    ----------
    num_classes : int
        Classes are 0…num_classes−1.
    top_k, multidim_average, validate_args
        The defaults only.
    average : {'micro', 'macro', 'weighted', 'none'} or None
        As in `MulticlassJaccardIndex`.
    ignore_index : int, optional
        Target value that is left out, as in `MulticlassF1Score`.

    Raises
    ------
    BadParameter
        For a parameter that is not supported.
    """

    metric = MeanPrecision()


class MulticlassRecall(_Plain):
    """Recall of classes; one that is predicted but never true has 0.

    Parameters
    ----------
    num_classes : int
        Classes are 0…num_classes−1.
    top_k, multidim_average, validate_args
        The defaults only.
    average : {'micro', 'macro', 'weighted', 'none'} or None
        As in `MulticlassJaccardIndex`.
    ignore_index : int, optional
        Target value that is left out, as in `MulticlassF1Score`.

    Raises
    ------
    BadParameter
        For a parameter that is not supported.
    """

    metric = MeanRecall()


class MulticlassAccuracy(_Plain):
    """Accuracy of classes, which is their recall; ``average="micro"`` is the share of right pixels.

    Parameters
    ----------
    num_classes : int
        Classes are 0…num_classes−1.
    top_k, multidim_average, validate_args
        The defaults only.
    average : {'micro', 'macro', 'weighted', 'none'} or None
        As in `MulticlassJaccardIndex`.
    ignore_index : int, optional
        Target value that is left out, as in `MulticlassF1Score`.

    Raises
    ------
    BadParameter
        For a parameter that is not supported.
    """

    metric = MeanRecall()


def _refuse_others(top_k: int, multidim_average: str) -> None:
    refuse_unless(top_k == 1, "top_k", top_k, expected="1")
    refuse_unless(multidim_average == "global", "multidim_average", multidim_average, expected="'global'")
