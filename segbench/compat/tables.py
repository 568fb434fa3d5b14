"""Confusion tables as the libraries have them: over the labels that occur, and normalized."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, ShapeMismatch
from segbench.frozen import dataclass
from segbench.kernels.arrays import Labels, as_labels
from segbench.kernels.confusion import byte_table, coded_table

#: The axis along which the sum is one, by the name both libraries give it.
_AXES: Mapping[str | None, int | tuple[int, int]] = {"true": 1, "pred": 0, "all": (0, 1)}


@dataclass(frozen=True)
class LabelTable:
    """Every pair of labels that occurs.

    Parameters
    ----------
    ids : ndarray of int64, shape (n,)
        The labels, sorted.
    table : ndarray of int64, shape (n, n)
        ``table[i, j]`` pixels have truth ``ids[i]`` and prediction ``ids[j]``.
    """

    ids: NDArray[np.int64]
    table: NDArray[np.int64]

    @classmethod
    def of(cls, y_true: Any, y_pred: Any) -> LabelTable:
        """Count two arrays of labels.

        Parameters
        ----------
        y_true, y_pred : array_like of int
            Labels; any shape, the same for both.

        Returns
        -------
        LabelTable
            The counts.

        Raises
        ------
        ShapeMismatch
            When the shapes differ.
        BadParameter
            For an array without labels, or without a pixel.
        """
        truth, prediction = as_labels(y_true, name="y_true"), as_labels(y_pred, name="y_pred")
        if truth.shape != prediction.shape:
            raise ShapeMismatch(f"y_pred of shape {prediction.shape}", expected=f"shape {truth.shape} as y_true")
        truth, prediction = as_volume(truth), as_volume(prediction)
        if truth.dtype == prediction.dtype == np.uint8:
            table = byte_table(truth=truth, prediction=prediction)
            ids = np.flatnonzero(table.any(axis=0) | table.any(axis=1))
            return cls(ids, table[np.ix_(ids, ids)])
        ids = np.union1d(truth, prediction).astype(np.int64)
        codes = np.arange(len(ids), dtype=np.int32)
        table = coded_table(
            truth=np.searchsorted(ids, truth),
            prediction=np.searchsorted(ids, prediction),
            truth_codes=codes,
            prediction_codes=codes,
            truth_low=0,
            prediction_low=0,
        )
        return cls(ids, table[:-1, :-1])

    def select(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the table of some labels; those that do not occur have zeros.

        Parameters
        ----------
        labels : ndarray of int64, shape (m,)
            Labels of rows and columns.

        Returns
        -------
        ndarray of int64, shape (m, m)
            Their counts.
        """
        positions = {label: i for i, label in enumerate(self.ids.tolist())}
        # The padding is last: what does not occur takes its zeros from there.
        where = [positions.get(label, -1) for label in labels.tolist()]
        return np.pad(self.table, ((0, 1), (0, 1)))[np.ix_(where, where)]

    def margins(self, labels: NDArray[np.int64]) -> list[tuple[int, int, int]]:
        """Return TP, GT and PR of each of some labels; the other labels count as misses and false alarms.

        Parameters
        ----------
        labels : ndarray of int64, shape (m,)
            The labels.

        Returns
        -------
        list of (int, int, int)
            Zeros for a label that does not occur.
        """
        columns = np.diag(self.table).tolist(), self.table.sum(axis=1).tolist(), self.table.sum(axis=0).tolist()
        found = dict(zip(self.ids.tolist(), zip(*columns, strict=True), strict=True))
        return [found.get(label, (0, 0, 0)) for label in labels.tolist()]


def as_volume(labels: Labels) -> Labels:
    """Return labels of any shape with the two or three axes that kernels take.

    Parameters
    ----------
    labels : ndarray
        Any shape.

    Returns
    -------
    ndarray
        The same labels in the same order.
    """
    return np.atleast_2d(labels) if labels.ndim < 4 else labels.reshape(-1, *labels.shape[-2:])


def normalized(table: NDArray[np.int64], normalize: str | None) -> NDArray[Any]:
    """Return a table of counts, or the shares that a library calls normalized.

    Parameters
    ----------
    table : ndarray of int64, shape (n, n)
        Counts, truth first.
    normalize : {'true', 'pred', 'all'} or None
        Whether rows, columns or all cells add up to one; None keeps counts.

    Returns
    -------
    ndarray of int64 or float64, shape (n, n)
        Zero where a row, column or table holds no count.

    Raises
    ------
    BadParameter
        For any other `normalize`.
    """
    if normalize is None:
        return table
    if normalize not in _AXES:
        raise BadParameter(f"normalize={normalize!r}", expected="'true', 'pred', 'all' or None")
    total = table.sum(axis=_AXES[normalize], keepdims=True)
    shares: NDArray[np.float64] = table / np.maximum(total, 1)
    return shares


def refuse_unless(plain: bool, name: str, value: Any, *, expected: str, mend: str = "") -> None:
    """Refuse a parameter of the library that has no meaning here.

    Parameters
    ----------
    plain : bool
        Whether the value asks for what is done anyway.
    name : str
        The parameter.
    value : object
        What it was set to.
    expected : str
        What it may be.
    mend : str, optional
        What to do instead.

    Raises
    ------
    BadParameter
        When `plain` is false.
    """
    if not plain:
        raise BadParameter(f"{name}={value!r}", expected=expected, mend=mend)
