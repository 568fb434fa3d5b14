"""The tally of all region metrics: how often each truth id meets each prediction id."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.encoding import Encoding
from segbench.errors import DatasetError, SegbenchError, StrayLabel, VoidPrediction
from segbench.frozen import dataclass
from segbench.kernels.arrays import as_labels
from segbench.kernels.confusion import coded_table, find_code
from segbench.labels import LabelSpace
from segbench.metrics.base import Content, Tally
from segbench.metrics.parts import Counts, ExactMeans
from segbench.metrics.states import State
from segbench.samples import Sample, Strips

#: Numbers of one image, one for each sum that is kept of it.
ImageNumbers = Callable[[NDArray[np.int64]], list[float | None]]


@dataclass(frozen=True)
class ConfusionTally(Tally):
    """Counts one table of truth × prediction, and the means over images that some metrics ask for.

    The table has a row for each code (position in `LabelSpace.columns`), a column for each code, and a last column for
    the pixels of images without a prediction, which every rule counts as misses.

    Parameters
    ----------
    space : LabelSpace
        The ids of both maps.
    per_image : dict of str to (int, callable)
        For each mean over images its name, how many numbers an image has, and the function from an image's table.
    refuse_void : bool
        Whether a prediction may hold no void value, not even where the truth is void.
    """

    space: LabelSpace
    per_image: dict[str, tuple[int, ImageNumbers]] = field(default_factory=dict)
    refuse_void: bool = False
    encoding: Encoding = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", Encoding(self.space))

    def start(self) -> State:
        """Return a table of zeros, and sums of nothing."""
        n = self.encoding.n_codes
        means = {name: ExactMeans.zeros(count) for name, (count, _) in self.per_image.items()}
        return State({"table": Counts.zeros(n, n + 1), **means})

    def count_one(self, state: State, sample: Sample) -> Content:
        """Count one `sample` into a `state`; see `Tally.count_one`."""
        table, content = self.count(sample)
        self.add_table(state, table)
        return content

    def add_record(self, state: State, content: Content) -> None:
        """Count one recorded image."""
        n = self.encoding.n_codes
        code: dict[int | None, int] = {value: i for i, value in enumerate(self.space.columns)}
        code[None] = n
        table = np.zeros((n, n + 1), np.int64)
        for truth, prediction, count in content["cells"]:
            table[code[truth], code[prediction]] += count
        self.add_table(state, table)

    def is_empty(self, state: State) -> bool:
        """Return whether no pixel of the truth has a class."""
        return not state.counts("table").values[: len(self.space.evaluated)].any()

    def accepts(self, tables: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of several `tables`, as `coded_table` makes them, hold no value that is refused."""
        refused = len(self.space.evaluated) if self.refuse_void else self.encoding.n_codes
        bad = tables[:, -1].any(axis=1) | tables[:, :, refused:].reshape(len(tables), -1).any(axis=1)
        return np.logical_not(bad)

    def content(self, shape: tuple[int, ...], table: NDArray[np.int64]) -> Content:
        """Return what is recorded of an image of a `shape` with a `table`."""
        return {"shape": list(shape), "cells": self._cells(table)}

    def add_table(self, state: State, table: NDArray[np.int64]) -> None:
        """Count one image that was counted into a `table` of its own into a `state`."""
        state.counts("table").add(table)
        for name, (_, numbers) in self.per_image.items():
            state.means(name).add(numbers(table))

    def count(self, sample: Sample) -> tuple[NDArray[np.int64], Content]:
        """Count one image.

        Parameters
        ----------
        sample : Sample
            Label maps of ids.

        Returns
        -------
        table : ndarray of int64, shape (n_codes, n_codes + 1)
            Pixels by truth code and prediction code, those without a prediction last.
        content : Content
            What is recorded of the image.

        Raises
        ------
        ShapeMismatch, StrayLabel, VoidPrediction, DatasetError, BadParameter
            For the first fault that is found.
        """
        if isinstance(sample.truth, Strips) and isinstance(sample.prediction, Strips):
            table = self._by_strips(sample.truth, sample.prediction)
            if table is not None:
                return table, self.content(sample.truth.shape, table)
        truth = truth_labels(sample.truth)
        if sample.prediction is None:
            table = self._missing(truth)
        else:
            prediction = as_labels(sample.prediction, name="prediction")
            table = self._table(truth, prediction)
            if self.refuse_void and table[:, len(self.space.evaluated) :].any():
                raise self._void(prediction)
        return table, self.content(truth.shape, table)

    def _by_strips(self, truth: Strips, prediction: Strips) -> NDArray[np.int64] | None:
        """Return the table of a pair that is decoded in strips; None for one at fault, of which the whole is asked."""
        table = np.zeros((self.encoding.n_codes + 1,) * 2, np.int64)
        if truth.shape != prediction.shape:
            return None
        try:
            for t, p in zip(truth, prediction, strict=True):
                table += self._raw_table(t, p)
        except StrayLabel:
            return None
        return table[:-1] if self.accepts(table[np.newaxis]).all() else None

    def _table(self, truth: NDArray[np.integer], prediction: NDArray[np.integer]) -> NDArray[np.int64]:
        table = self._raw_table(truth, prediction)
        self._refuse_strays(table, truth, prediction)
        # Nothing is outside any more, so the last column is free for missing predictions.
        return table[:-1]

    def _raw_table(self, truth: NDArray[np.integer], prediction: NDArray[np.integer]) -> NDArray[np.int64]:
        return coded_table(
            truth=truth,
            prediction=prediction,
            truth_codes=self.encoding.codes,
            prediction_codes=self.encoding.codes,
            truth_low=self.encoding.low,
            prediction_low=self.encoding.low,
        )

    def _missing(self, truth: NDArray[np.integer]) -> NDArray[np.int64]:
        table = np.zeros((self.encoding.n_codes, self.encoding.n_codes + 1), np.int64)
        table[:, -1] = self._table(truth, truth).sum(axis=1)
        return table

    def _cells(self, table: NDArray[np.int64]) -> list[list[int | None]]:
        ids: tuple[int | None, ...] = (*self.space.columns, None)
        return [[ids[t], ids[p], int(table[t, p])] for t, p in zip(*np.nonzero(table), strict=True)]

    def _refuse_strays(
        self, table: NDArray[np.int64], truth: NDArray[np.integer], prediction: NDArray[np.integer]
    ) -> None:
        if table[-1].any():
            raise stray_error(DatasetError, truth, self.encoding, "truth")
        if table[:, -1].any():
            raise stray_error(StrayLabel, prediction, self.encoding, "prediction")

    def _void(self, prediction: NDArray[np.integer]) -> SegbenchError:
        k = len(self.space.evaluated)
        # Any code from K on is void here: all of them are made one.
        codes = np.minimum(self.encoding.codes, np.int32(k))
        count, pixel = find_code(labels=prediction, codes=codes, low=self.encoding.low, code=k)
        return VoidPrediction(
            f"void value {int(prediction[pixel])} at {_place(pixel)}, {count} such pixel{'s'[: count > 1]} in all",
            expected="a class in every pixel, also where the truth is void",
            mend="give every pixel the most likely class",
            pixel=pixel,
            count=count,
        )


def truth_labels(truth: Any) -> NDArray[np.integer[Any]]:
    """Return a truth as an array of labels.

    Parameters
    ----------
    truth : array_like of int
        A label map.

    Returns
    -------
    ndarray
        What `as_labels` makes of it.

    Raises
    ------
    DatasetError
        For a float that is no whole number, or a value that int64 cannot hold: a fault of the data set.
    BadParameter
        For anything that holds no labels.
    """
    try:
        return as_labels(truth, name="truth")
    except StrayLabel as error:
        raise DatasetError(
            error.found, expected=error.expected, mend=error.mend, pixel=error.pixel, count=error.count
        ) from None


def stray_error(
    kind: type[SegbenchError], labels: NDArray[np.integer[Any]], encoding: Encoding, what: str
) -> SegbenchError:
    """Return the error of a label map with values outside a space.

    Parameters
    ----------
    kind : type of SegbenchError
        DatasetError for a truth, StrayLabel for a prediction.
    labels : ndarray of int, shape (height, width) or (depth, height, width)
        The map, with at least one such value.
    encoding : Encoding
        The codes of the space.
    what : str
        What to call the map: ``truth`` or ``prediction``.

    Returns
    -------
    SegbenchError
        With the first such pixel and the count of all.
    """
    count, pixel = find_code(labels=labels, codes=encoding.codes, low=encoding.low, code=encoding.n_codes)
    return kind(
        f"{what} value {int(labels[pixel])} at {_place(pixel)}, {count} stray pixel{'s'[: count > 1]} in all",
        expected=f"one of the ids {describe_ids(encoding.space.columns)}",
        pixel=pixel,
        count=count,
    )


def describe_ids(ids: Iterable[int]) -> str:
    """Return ids as ranges: ``0…20, 255``."""
    ranges: list[list[int]] = []
    for value in sorted(ids):
        if ranges and value == ranges[-1][1] + 1:
            ranges[-1][1] = value
        else:
            ranges.append([value, value])
    return ", ".join(str(low) if low == high else f"{low}…{high}" for low, high in ranges)


def _place(pixel: tuple[int, ...]) -> str:
    return ("row {}, column {}" if len(pixel) == 2 else "slice {}, row {}, column {}").format(*pixel)
