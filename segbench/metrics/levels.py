"""The tally of all metrics on probability maps: how many pixels of either class have each of the 256 levels.

A map of 8 bits stands for probabilities p = level / 255, so every threshold there is lies between two levels and the
whole sweep is two histograms. Metrics on them are exact, where sorting floats would need every pixel.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.encoding import Encoding
from segbench.errors import BadParameter, DatasetError, StrayLabel
from segbench.frozen import dataclass
from segbench.kernels.arrays import as_labels
from segbench.kernels.confusion import coded_table
from segbench.labels import LabelSpace
from segbench.metrics.base import Content, Metric, Tally
from segbench.metrics.confusion import stray_error, truth_labels
from segbench.metrics.parts import Counts, ExactMeans
from segbench.metrics.states import State
from segbench.result import Score
from segbench.samples import Sample

N_LEVELS = 256
#: Pixels by class (0 negative, 1 positive) and level: int64 of shape (2, 256).
Levels: TypeAlias = NDArray[np.int64]

# A level is its own code.
_CODES = np.arange(N_LEVELS, dtype=np.int32)
_CODES.setflags(write=False)


@dataclass(frozen=True)
class LevelsTally(Tally):
    """Counts pixels by class and level, and the means over images that some metrics ask for.

    Parameters
    ----------
    space : LabelSpace
        Exactly two evaluated classes, the negative one first. Pixels of any other id are not counted: what lies outside
        the field of view is void.
    per_image : dict of str to callable
        For each mean over images its name and the function from an image's levels; NaN is left out.

    Raises
    ------
    BadParameter
        For a space with another number of evaluated classes.
    """

    space: LabelSpace
    per_image: dict[str, Callable[[Levels], float]] = field(default_factory=dict)
    encoding: Encoding = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if (n := len(self.space.evaluated)) != 2:
            raise BadParameter(
                f"evaluated classes: {n}",
                expected="2 for probability maps, the negative one first, the positive second",
            )
        object.__setattr__(self, "encoding", Encoding(self.space))

    def start(self) -> State:
        """Return levels of nothing, and sums of nothing."""
        means = {name: ExactMeans.zeros(1) for name in self.per_image}
        return State({"levels": Counts.zeros(2, N_LEVELS), **means})

    def count_one(self, state: State, sample: Sample) -> Content:
        """Count one `sample` into a `state`; see `Tally.count_one`."""
        levels, content = self.count(sample)
        self._add(state, levels)
        return content

    def is_empty(self, state: State) -> bool:
        """Return whether no pixel of the truth has a class."""
        return not state.counts("levels").values.any()

    def add_record(self, state: State, content: Content) -> None:
        """Count one recorded image."""
        row = {c.id: i for i, c in enumerate(self.space.evaluated)}
        levels = np.zeros((2, N_LEVELS), np.int64)
        for truth, level, count in content["cells"]:
            levels[row[truth], level] += count
        self._add(state, levels)

    def _add(self, state: State, levels: Levels) -> None:
        state.counts("levels").add(levels)
        for name, value in self.per_image.items():
            number = value(levels)
            state.means(name).add([None if math.isnan(number) else number])

    def count(self, sample: Sample) -> tuple[Levels, Content]:
        """Count one image.

        Parameters
        ----------
        sample : Sample
            A label map of ids, and a map of levels or None: a missing prediction is level 0 everywhere.

        Returns
        -------
        levels : ndarray of int64, shape (2, 256)
            Pixels by class and level.
        content : Content
            What is recorded of the image: its shape, the count of each truth id, void among them, and the levels that
            occur as truth id, level, count.

        Raises
        ------
        ShapeMismatch, DatasetError, BadParameter
            For the first fault that is found.
        """
        truth = truth_labels(sample.truth)
        levels = np.zeros(truth.shape, np.uint8) if sample.prediction is None else as_levels(sample.prediction)
        table = self._table(truth, levels)
        ids = self.space.columns
        return table[:2], {
            "shape": list(truth.shape),
            "truth": [[ids[code], count] for code, count in enumerate(table.sum(axis=1).tolist()) if count],
            "cells": [[ids[t], int(v), int(table[t, v])] for t, v in zip(*np.nonzero(table[:2]), strict=True)],
        }

    def _table(self, truth: NDArray[np.integer[Any]], levels: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return pixels by truth code and level, shape (n_codes, 256)."""
        table = coded_table(
            truth=truth,
            prediction=levels,
            truth_codes=self.encoding.codes,
            prediction_codes=_CODES,
            truth_low=self.encoding.low,
            prediction_low=0,
        )
        if table[-1].any():
            raise stray_error(DatasetError, truth, self.encoding, "truth")
        return table[:-1, :-1]


@dataclass(frozen=True)
class LevelsMetric(Metric[LevelsTally]):
    """A metric on the levels of a probability map."""

    family: ClassVar[str] = "levels"

    @classmethod
    def tally(cls, metrics: Sequence[LevelsMetric], space: LabelSpace) -> LevelsTally:
        """Return the one tally of levels that serves several `metrics` on a `space` of two classes."""
        return LevelsTally(space, {metric.signature(): metric.value for metric in metrics if metric.is_per_image})

    @property
    def is_per_image(self) -> bool:
        """Whether the score is a mean over images."""
        return False

    @abstractmethod
    def value(self, levels: Levels) -> float:
        """Return the value of a table of `levels`, NaN where it is undefined."""

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Turn the counted levels, or the mean over images, into a score."""
        if self.is_per_image:
            value = state.means(self.signature()).sums[0].mean()
        else:
            value = self.value(state.counts("levels").values)
        return Score(value, {}, self.unit, self.higher_is_better)


def as_levels(prediction: Any) -> NDArray[np.uint8]:
    """Return a prediction as a map of levels.

    Parameters
    ----------
    prediction : array_like of uint8 or bool
        Levels 0…255, or what is positive: False is level 0 and True level 255. Never changed.

    Returns
    -------
    ndarray of uint8
        The levels, of the same shape.

    Raises
    ------
    BadParameter
        For any other dtype: how a number is to be rounded to a level is the author's decision.

    Examples
    --------
    >>> import numpy as np
    >>> as_levels(np.array([[False, True]])).tolist()
    [[0, 255]]
    """
    try:
        levels = as_labels(prediction, name="prediction")
    except StrayLabel:  # a fraction, or a number beyond 64 bits: no labels, and no levels either
        levels = None
    array = _as_array(prediction)
    if levels is None or levels.dtype != np.uint8:
        raise BadParameter(
            f"prediction of dtype {array.dtype}",
            expected="levels 0…255 as uint8, or bool",
            mend="of probabilities p take np.round(255*p).astype(np.uint8), of levels .astype(np.uint8)",
        )
    return np.where(array, np.uint8(255), np.uint8(0)) if array.dtype == np.bool_ else np.asarray(levels, np.uint8)


def _as_array(prediction: Any) -> NDArray[Any]:
    """Return what `as_labels` has read, in the dtype it came in: as labels, a bool is no longer known from 0 and 1."""
    only_dlpack = hasattr(prediction, "__dlpack__") and not hasattr(prediction, "__array__")
    return np.from_dlpack(prediction) if only_dlpack else np.asarray(prediction)
