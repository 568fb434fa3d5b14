"""How a confusion table is read: the margins of each class, and the rules that scorers disagree about.

Notation: for class c, TP is the pixels where truth and prediction are c, GT the counted pixels of truth c and PR the
counted pixels predicted c. Pixels whose truth is void are never counted.

Every policy is a field of the metric, and so a part of every signature: see `TableMetric` and `ClassMean`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import counted
from segbench.frozen import dataclass
from segbench.labels import LabelSpace
from segbench.metrics.base import Metric, Tally, mean, or_nan
from segbench.metrics.confusion import ConfusionTally, ImageNumbers
from segbench.metrics.states import State
from segbench.result import Score

VoidRule: TypeAlias = Literal["miss", "skip", "error"]
AbsentRule: TypeAlias = Literal["propagate", "skip", "zero", "one"]
FpOnlyRule: TypeAlias = Literal["count", "skip"]
Pool: TypeAlias = Literal["dataset", "image", "class_then_image"]
Classes: TypeAlias = str | tuple[str, ...]
#: A number of a class or an image: None is left out of every mean, NaN makes it undefined.
Value: TypeAlias = float | None


@dataclass(frozen=True)
class Margins:
    """What a class metric needs of a table: three integers a class.

    Parameters
    ----------
    correct, truth, predicted : list of int
        TP, GT and PR of each class.
    """

    correct: list[int]
    truth: list[int]
    predicted: list[int]

    @classmethod
    def of(cls, table: NDArray[np.int64], space: LabelSpace, void_prediction: str) -> Margins:
        """Read the margins of a table.

        Parameters
        ----------
        table : ndarray of int64, shape (n_codes, n_codes + 1)
            Pixels by truth code and prediction code; the last column is always a miss.
        space : LabelSpace
            The classes and the order of their codes.
        void_prediction : str
            The rule of that name.

        Returns
        -------
        Margins
            Those of the evaluated classes.
        """
        k = len(space.evaluated)
        rows = table[:k]
        counted = np.delete(rows, slice(k, -1), axis=1) if void_prediction == "skip" else rows
        # Python integers, because their division is rounded once whatever their size.
        return cls(rows.diagonal().tolist(), counted.sum(axis=1).tolist(), rows[:, :k].sum(axis=0).tolist())

    @classmethod
    def of_unions(
        cls, table: NDArray[np.int64], space: LabelSpace, void_prediction: str, unions: Sequence[Sequence[int]]
    ) -> Margins:
        """Read the margins of unions of classes; a pixel is right when its union is.

        Parameters
        ----------
        table, space, void_prediction
            As for `of`.
        unions : sequence of sequence of int
            The rows of the classes of each union.

        Returns
        -------
        Margins
            Those of the unions.
        """
        classes = cls.of(table, space, void_prediction)
        return cls(
            [int(table[np.ix_(rows, rows)].sum()) for rows in unions],
            [sum(classes.truth[i] for i in rows) for rows in unions],
            [sum(classes.predicted[i] for i in rows) for rows in unions],
        )

    def select(self, chosen: Sequence[int]) -> Margins:
        """Return the margins of the classes whose rows are `chosen`."""
        return Margins(*([column[i] for i in chosen] for column in (self.correct, self.truth, self.predicted)))

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        return zip(self.correct, self.truth, self.predicted, strict=True)


@dataclass(frozen=True)
class TableMetric(Metric[Tally]):
    """A metric on the confusion table, pooled over the data set or averaged over images.

    Parameters
    ----------
    void_prediction : {'miss', 'skip', 'error'}
        A void value predicted on a counted pixel is a ``miss`` (a false negative of the truth class), is left out
        (``skip``), or refuses the submission (``error``).
    pool : {'dataset', 'image', 'class_then_image'}
        ``dataset`` adds tables before dividing. ``image`` takes the mean over classes in each image, then over images;
        its per-class values are means over the images where the class is defined. ``class_then_image`` is the mean of
        those per-class values.
    classes : str or tuple of str
        The classes in the mean: ``all``, ``foreground``, or names of classes and groups.
    """

    family: ClassVar[str] = "confusion"

    void_prediction: VoidRule = "miss"
    pool: Pool = "dataset"
    classes: Classes = "all"

    @classmethod
    def tally(cls, metrics: Sequence[Self], space: LabelSpace) -> Tally:
        """Return the one confusion tally that serves several table metrics."""
        per_image: dict[str, tuple[int, ImageNumbers]] = {}
        for metric in metrics:
            # Of every metric, so that a class that is not there is refused before anything is counted.
            numbers = 1 + len(metric.parts(space)), partial(metric.image_numbers, space)
            if metric.pool != "dataset":
                per_image |= {metric.signature(): numbers, **metric.numbers_beside(space)}
        return ConfusionTally(
            space,
            per_image,
            refuse_void=any(metric.void_prediction == "error" for metric in metrics),
        )

    def numbers_beside(self, space: LabelSpace) -> dict[str, tuple[int, ImageNumbers]]:
        """Return what is kept beside the values of an image of a `space`, as `ConfusionTally` takes it: nothing."""
        return {}

    @abstractmethod
    def values(self, margins: Margins) -> tuple[Value, list[Value]]:
        """Return the overall value of `margins`, and that of each part: None is left out, NaN is undefined."""

    def parts(self, space: LabelSpace) -> tuple[str, ...]:
        """Return the names of what in a `space` has a value of its own: the chosen classes."""
        return tuple(space.names[i] for i in space.select(self.classes))

    def table(self, state: State) -> NDArray[np.int64]:
        """Return the table of a `state` that is read, shape (n_codes, n_codes + 1)."""
        return state.counts("table").values

    def margins(self, table: NDArray[np.int64], space: LabelSpace) -> Margins:
        """Return the margins of each part in a `table` of codes of a `space`."""
        return Margins.of(table, space, self.void_prediction).select(space.select(self.classes))

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Turn the counted table, or the means over images, into a score."""
        if self.pool == "dataset":
            value, *values = self.image_numbers(space, self.table(state))
        else:
            value, *values = (total.mean() if total.added else None for total in state.means(self.signature()).sums)
            if self.pool == "class_then_image":
                value = mean(values)
        per_class = {name: or_nan(v) for name, v in zip(self.parts(space), values, strict=True)}
        return Score(or_nan(value), per_class, self.unit, self.higher_is_better)

    def image_numbers(self, space: LabelSpace, table: NDArray[np.int64]) -> list[Value]:
        """Return the overall value of a `table` of codes of a `space`, then its value for each part."""
        value, values = self.values(self.margins(table, space))
        return [value, *values]

    def warnings(self, state: State, space: LabelSpace) -> list[str]:
        """Warn of void predictions that a ``skip`` leaves out."""
        if self.void_prediction != "skip":
            return []
        k = len(space.evaluated)
        skipped = int(self.table(state)[:k, k:-1].sum())
        if not skipped:
            return []
        are = "is" if skipped == 1 else "are"
        return [
            f"{self.short()} leaves out {counted(skipped, 'pixel')} that {are} predicted void (void_prediction=skip)"
        ]


@dataclass(frozen=True)
class ClassMean(TableMetric):
    """The mean over classes of one ratio a class.

    Parameters
    ----------
    absent : {'propagate', 'skip', 'zero', 'one'}
        A class with neither truth nor prediction makes itself and the mean undefined (``propagate``), is left out
        (``skip``), or scores ``zero`` or ``one``.
    fp_only : {'count', 'skip'}
        A class that is predicted but never true scores zero (``count``) or is left out (``skip``).
    """

    absent: AbsentRule = "skip"
    fp_only: FpOnlyRule = "count"

    def parts(self, space: LabelSpace) -> tuple[str, ...]:
        """Return the names of the chosen classes and regions of a `space`."""
        return tuple(name for name, _ in space.parts(self.classes))

    def margins(self, table: NDArray[np.int64], space: LabelSpace) -> Margins:
        """Return the margins of each class and region in a `table` of codes of a `space`."""
        if not space.regions:
            return super().margins(table, space)
        return Margins.of_unions(table, space, self.void_prediction, [rows for _, rows in space.parts(self.classes)])

    def image_numbers(self, space: LabelSpace, table: NDArray[np.int64]) -> list[Value]:
        """Return the overall value of a `table` of codes of a `space`, then its value for each part."""
        margins = self.margins(table, space)
        kept = self._kept(margins, space)
        value, values = self.values(margins.select(kept))
        by_part = dict(zip(kept, values, strict=True))
        return [value, *(by_part.get(i) for i in range(len(margins.truth)))]

    def _kept(self, margins: Margins, space: LabelSpace) -> list[int]:
        """Return the parts that count: all but those that neither map has and no truth knows."""
        spurious = [space.is_spurious(rows) for _, rows in space.parts(self.classes)] if space.spurious else []
        seen = (truth or predicted for _, truth, predicted in margins)
        return [i for i, is_seen in enumerate(seen) if is_seen or not (spurious and spurious[i])]

    def numbers_beside(self, space: LabelSpace) -> dict[str, tuple[int, ImageNumbers]]:
        """Return how many parts neither map of an image has, where these count as found."""
        return {self._absences: (1, partial(self.n_absent, space))} if self.absent == "one" else {}

    def n_absent(self, space: LabelSpace, table: NDArray[np.int64]) -> list[Value]:
        """Return how many parts one image's `table` of codes of a `space` has in neither map."""
        margins = self.margins(table, space)
        counting = margins.select(self._kept(margins, space))
        return [float(sum(not truth and not predicted for _, truth, predicted in counting))]

    def warnings(self, state: State, space: LabelSpace) -> list[str]:
        """Say also how many parts are in neither map and count as found."""
        found = super().warnings(state, space)
        if self.absent != "one":
            return found
        by_image = self.pool != "dataset"
        n = int(state.means(self._absences).sums[0].sum()) if by_image else len(self.undefined_classes(state, space))
        what = f"{counted(n, 'structure')} in neither truth nor prediction"
        return [*found, f"{self.short()} takes {what} for perfect (absent=one)"] if n else found

    @property
    def _absences(self) -> str:
        return f"{self.signature()} absent"

    @staticmethod
    @abstractmethod
    def ratio(correct: int, truth: int, predicted: int) -> tuple[int, int]:
        """Divide the margins of a class.

        Parameters
        ----------
        correct, truth, predicted : int
            TP, GT and PR of the class.

        Returns
        -------
        numerator, denominator : int
            Their ratio is the value of the class, 0 when the denominator is.
        """

    def values(self, margins: Margins) -> tuple[Value, list[Value]]:
        """Return the mean over the parts, and their values."""
        values = [self._class_value(*counts) for counts in margins]
        return mean(values), values

    def undefined_classes(self, state: State, space: LabelSpace) -> list[str]:
        """Return the names of the parts of a `space` that a `state` has in neither truth nor prediction."""
        margins = self.margins(self.table(state), space)
        pairs = zip(self.parts(space), margins, strict=True)
        return [name for name, (_, truth, predicted) in pairs if not truth and not predicted]

    def where_defined(self) -> Self:
        """Return the same metric with absent classes left out."""
        return replace(self, absent="skip")

    def _class_value(self, correct: int, truth: int, predicted: int) -> Value:
        if not truth and not predicted:
            return {"propagate": math.nan, "zero": 0.0, "one": 1.0}.get(self.absent)
        if not truth and self.fp_only == "skip":
            return None
        numerator, denominator = self.ratio(correct, truth, predicted)
        return numerator / denominator if denominator else 0.0
