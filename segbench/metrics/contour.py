"""The tally of all measures of boundaries between classes: integers by class, counted along boundaries or in bands.

What is counted of an image depends on the metric; see `Cut`. Void is cut out of both maps before a boundary is taken:
it bounds the classes around it, and what is predicted there has none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.encoding import Encoding
from segbench.frozen import dataclass
from segbench.labels import LabelSpace
from segbench.metrics.base import Content, Metric, Tally, mean, or_nan
from segbench.metrics.indices import CodePair, code_pair
from segbench.metrics.parts import Counts, ExactMeans
from segbench.metrics.rules import Classes, Value
from segbench.metrics.states import State
from segbench.result import Score
from segbench.samples import Sample

ContourPool: TypeAlias = Literal["image", "class_then_image", "dataset"]
#: Integers of each class, shape (n_classes, n_columns).
Numbers: TypeAlias = NDArray[np.int64]
#: The overall value of an image, and that of each class.
ImageNumbers = Callable[[Numbers], list[Value]]


class Cut(ABC):
    """What is counted of each class of an image: a frozen value, so that metrics which count the same share it."""

    #: How many integers a class has.
    n_columns: ClassVar[int]

    @abstractmethod
    def count(self, pair: CodePair) -> Numbers:
        """Return the integers of each class of a `pair` without void, shape (n_classes, n_columns)."""


@dataclass(frozen=True)
class ContourTally(Tally):
    """Counts what each cut asks for, summed over images whose truth has a class and over those where it has none.

    Parameters
    ----------
    space : LabelSpace
        The ids of both maps.
    cuts : mapping of str to Cut
        What is counted, by name.
    per_image : mapping of str to (str, int, callable)
        For each mean over images its name, the name of its cut, how many numbers an image has, and the function from
        an image's integers.
    """

    space: LabelSpace
    cuts: Mapping[str, Cut]
    per_image: Mapping[str, tuple[str, int, ImageNumbers]] = field(default_factory=dict)
    encoding: Encoding = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", Encoding(self.space))

    def start(self) -> State:
        """Return zeros, and sums of nothing."""
        k = len(self.space.evaluated)
        counts = {name: Counts.zeros(2, k, cut.n_columns) for name, cut in self.cuts.items()}
        means = {name: ExactMeans.zeros(n) for name, (_, n, _) in self.per_image.items()}
        return State({**counts, **means})

    def count_one(self, state: State, sample: Sample) -> Content:
        """Count one `sample` into a `state`; see `Tally.count_one`."""
        pair = code_pair(sample, self.encoding, len(self.space.evaluated)).without_void()
        numbers = {name: cut.count(pair) for name, cut in self.cuts.items()}
        self._add(state, numbers)
        ids = [c.id for c in self.space.evaluated]
        return {
            "shape": list(pair.truth.shape),
            "cuts": {
                name: [[ids[i], *rows[i].tolist()] for i in np.flatnonzero(rows.any(axis=1)).tolist()]
                for name, rows in numbers.items()
            },
        }

    def add_record(self, state: State, content: Content) -> None:
        """Count one recorded image."""
        index = {c.id: i for i, c in enumerate(self.space.evaluated)}
        numbers = {name: np.zeros((len(index), cut.n_columns), np.int64) for name, cut in self.cuts.items()}
        for name, rows in content["cuts"].items():
            for label, *row in rows:
                numbers[name][index[label]] = row
        self._add(state, numbers)

    def _add(self, state: State, numbers: Mapping[str, Numbers]) -> None:
        for name, rows in numbers.items():
            is_true = rows[:, :1] > 0
            state.counts(name).add(np.stack([np.where(is_true, rows, 0), np.where(is_true, 0, rows)]))
        for name, (cut, _, image_numbers) in self.per_image.items():
            state.means(name).add(image_numbers(numbers[cut]))


@dataclass(frozen=True)
class ContourMetric(Metric[ContourTally]):
    """A measure of boundaries by class, averaged over images or pooled over the data set.

    Parameters
    ----------
    pool : {'image', 'class_then_image', 'dataset'}
        ``image`` takes the mean over classes in each image, then over images; its per-class values are means over the
        images where the class is defined. ``class_then_image`` is the mean of those per-class values. ``dataset`` adds
        the counts of all images before dividing.
    classes : str or tuple of str
        The classes in the mean: ``all``, ``foreground``, or names of classes and groups.
    """

    family: ClassVar[str] = "contour"

    pool: ContourPool = "image"
    classes: Classes = "all"

    @abstractmethod
    def cut(self) -> Cut:
        """Return what is counted."""

    @abstractmethod
    def class_value(self, true: Sequence[int], untrue: Sequence[int]) -> Value:
        """Return the value of a class.

        Parameters
        ----------
        true, untrue : sequence of int
            Its integers in images whose truth has the class, and in those whose truth has it not.

        Returns
        -------
        float or None
            None is left out of every mean, NaN makes it undefined.
        """

    @classmethod
    def tally(cls, metrics: Sequence[Self], space: LabelSpace) -> ContourTally:
        """Return the one tally that serves several `metrics` on a `space`."""
        # Of every metric, so that a class that is not there is refused before anything is counted.
        numbers = [(metric, 1 + len(space.select(metric.classes))) for metric in metrics]
        return ContourTally(
            space,
            {str(metric.cut()): metric.cut() for metric in metrics},
            {
                metric.signature(): (str(metric.cut()), n, partial(metric.image_numbers, space))
                for metric, n in numbers
                if metric.pool != "dataset"
            },
        )

    def image_numbers(self, space: LabelSpace, numbers: Numbers) -> list[Value]:
        """Return the overall value of one image from its `numbers` by class of a `space`, then that of each class."""
        rows, nothing = numbers.tolist(), [0] * numbers.shape[1]
        values = [
            self.class_value(rows[i], nothing) if rows[i][0] else self.class_value(nothing, rows[i])
            for i in space.select(self.classes)
        ]
        return [mean(values), *values]

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Turn counts, or the means over images, into a score."""
        if self.pool == "dataset":
            values = self._pooled(state, space)
            value = mean(values)
        else:
            value, *values = (total.mean() if total.added else None for total in state.means(self.signature()).sums)
            if self.pool == "class_then_image":
                value = mean(values)
        names = [space.names[i] for i in space.select(self.classes)]
        per_class = {name: or_nan(v) for name, v in zip(names, values, strict=True)}
        return Score(or_nan(value), per_class, self.unit, self.higher_is_better)

    def _pooled(self, state: State, space: LabelSpace) -> list[Value]:
        true, untrue = state.counts(str(self.cut())).values.tolist()
        return [self.class_value(true[i], untrue[i]) for i in space.select(self.classes)]
