"""Scores with the names and arguments of `sklearn.metrics`, on label maps of any shape.

The numbers are those of scikit-learn on the flattened arrays, to the last bit: values of labels are one division, and
means are `numpy.average` over labels in the same order. Different by intent:

- `y_true` and `y_pred` have any shape, the same for both; labels are integers (no text, no multilabel indicators).
- ``zero_division`` is 0 unless given, without the warning of scikit-learn, and ``"warn"`` is refused.
- ``sample_weight`` and ``average="samples"`` are refused, and so is what scikit-learn overlooks: `labels` together
  with ``average="binary"``, and `pos_label` with another `average`.
- Empty arrays are refused, and so are labels given twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.compat.averages import Average, Choice, as_distinct, refuse_weights
from segbench.compat.tables import LabelTable, normalized
from segbench.errors import BadParameter
from segbench.metrics.region import MeanDice, MeanIou, MeanPrecision, MeanRecall

__all__ = ["accuracy_score", "confusion_matrix", "f1_score", "jaccard_score", "precision_score", "recall_score"]


def confusion_matrix(
    y_true: Any, y_pred: Any, *, labels: Any = None, sample_weight: None = None, normalize: str | None = None
) -> NDArray[Any]:
    """Count the pairs of labels, truth first.

    Parameters
    ----------
    y_true, y_pred : array_like of int
        Labels; any shape, the same for both.
    labels : array_like of int, shape (n,), optional
        The labels of rows and columns, in order; pairs with another label are left out. By default all that occur,
        sorted.
    sample_weight : None
        Not supported.
    normalize : {'true', 'pred', 'all'}, optional
        Whether rows, columns or all cells add up to one.

    Returns
    -------
    ndarray of int64 or float64, shape (n, n)
        Counts, or shares with `normalize`.

    Raises
    ------
    BadParameter
        For a parameter that is not supported, an empty array, or `labels` none of which is in `y_true`.
    ShapeMismatch
        When the shapes differ.

    Examples
    --------
    >>> confusion_matrix([[0, 1], [1, 1]], [[0, 1], [0, 1]])
    array([[1, 0],
           [1, 2]])
    """
    refuse_weights(sample_weight)
    counted = LabelTable.of(y_true, y_pred)
    chosen = counted.ids if labels is None else as_distinct(labels)
    if not set(counted.ids[counted.table.any(axis=1)].tolist()) & set(chosen.tolist()):
        raise BadParameter("none of labels is in y_true", expected="at least one of them")
    return normalized(counted.select(chosen), normalize)


def accuracy_score(y_true: Any, y_pred: Any, *, normalize: bool = True, sample_weight: None = None) -> float:
    """Return the share of right labels.

    Parameters
    ----------
    y_true, y_pred : array_like of int
        Labels; any shape, the same for both.
    normalize : bool
        Whether to return the share or the number of right labels.
    sample_weight : None
        Not supported.

    Returns
    -------
    float
        The share, or with ``normalize=False`` the number.

    Raises
    ------
    BadParameter
        For `sample_weight`, or an empty array.
    ShapeMismatch
        When the shapes differ.

    Examples
    --------
    >>> accuracy_score([[0, 1], [1, 1]], [[0, 1], [0, 1]])
    0.75
    """
    refuse_weights(sample_weight)
    table = LabelTable.of(y_true, y_pred).table
    right = int(table.trace())
    return right / int(table.sum()) if normalize else float(right)


def jaccard_score(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    pos_label: int = 1,
    average: Average = "binary",
    sample_weight: None = None,
    zero_division: float = 0.0,
) -> float | NDArray[np.float64]:
    """Return the Jaccard index (IoU) of labels, or its average.

    Parameters
    ----------
    y_true, y_pred : array_like of int
        Labels; any shape, the same for both.
    labels : array_like of int, shape (n,), optional
        The labels that have a value, in order; by default all that occur, sorted.
    pos_label : int
        The label that ``average="binary"`` means.
    average : {'binary', 'micro', 'macro', 'weighted'} or None
        One value for `pos_label` where at most two labels occur, of all counts together, the mean over labels, the
        mean weighted by their share of the truth, or None for an array.
    sample_weight : None
        Not supported.
    zero_division : {0, 1, nan}
        Value of a label that is neither true nor predicted; NaN leaves it out of the mean, which scikit-learn does for
        its other scores only.

    Returns
    -------
    float or ndarray of float64, shape (n,)
        The average, or the value of each label.

    Raises
    ------
    BadParameter
        For a parameter that is not supported, an empty array, or ``average="binary"`` with more than two labels.
    ShapeMismatch
        When the shapes differ.

    Examples
    --------
    >>> jaccard_score([[0, 1], [1, 2]], [[0, 1], [0, 2]], average=None)
    array([0.5, 0.5, 1. ])
    """
    choice = Choice(labels, pos_label, average, sample_weight, zero_division)
    return choice.score(MeanIou.ratio, LabelTable.of(y_true, y_pred))


def f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    pos_label: int = 1,
    average: Average = "binary",
    sample_weight: None = None,
    zero_division: float = 0.0,
) -> float | NDArray[np.float64]:
    """Return the F1 score (Dice coefficient) of labels, or its average.

    Parameters
    ----------
    y_true, y_pred, labels, pos_label, average, sample_weight
        As in `jaccard_score`.
    zero_division : {0, 1, nan}
        Value of a label that is neither true nor predicted; NaN leaves it out of the mean.

    Returns
    -------
    float or ndarray of float64, shape (n,)
        The average, or the value of each label.

    Raises
    ------
    BadParameter, ShapeMismatch
        As in `jaccard_score`.
    """
    choice = Choice(labels, pos_label, average, sample_weight, zero_division)
    return choice.score(MeanDice.ratio, LabelTable.of(y_true, y_pred))


def precision_score(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    pos_label: int = 1,
    average: Average = "binary",
    sample_weight: None = None,
    zero_division: float = 0.0,
) -> float | NDArray[np.float64]:
    """Return the precision of labels, or its average.

    Parameters
    ----------
    y_true, y_pred, labels, pos_label, average, sample_weight
        As in `jaccard_score`.
    zero_division : {0, 1, nan}
        Value of a label that is never predicted; NaN leaves it out of the mean.

    Returns
    -------
    float or ndarray of float64, shape (n,)
        The average, or the value of each label.

    Raises
    ------
    BadParameter, ShapeMismatch
        As in `jaccard_score`.
    """
    choice = Choice(labels, pos_label, average, sample_weight, zero_division)
    return choice.score(MeanPrecision.ratio, LabelTable.of(y_true, y_pred))


def recall_score(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    pos_label: int = 1,
    average: Average = "binary",
    sample_weight: None = None,
    zero_division: float = 0.0,
) -> float | NDArray[np.float64]:
    """Return the recall of labels, or its average.

    Parameters
    ----------
    y_true, y_pred, labels, pos_label, average, sample_weight
        As in `jaccard_score`.
    zero_division : {0, 1, nan}
        Value of a label that is never true; NaN leaves it out of the mean.

    Returns
    -------
    float or ndarray of float64, shape (n,)
        The average, or the value of each label.

    Raises
    ------
    BadParameter, ShapeMismatch
        As in `jaccard_score`.
    """
    choice = Choice(labels, pos_label, average, sample_weight, zero_division)
    return choice.score(MeanRecall.ratio, LabelTable.of(y_true, y_pred))
