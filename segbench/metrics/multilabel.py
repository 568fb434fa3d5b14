"""IoU and Dice of maps whose classes overlap: a pixel may have several classes, or none.

Each class is a question of its own, which every pixel answers with yes or no, in the truth and in the prediction. A
pixel without any class is an answer too, so no pixel is void. Rules and notation are those of `segbench.metrics.rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from functools import partial
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass
from segbench.kernels.arrays import image_or_volume, same_shape
from segbench.labels import LabelSpace
from segbench.metrics.base import Content, Metric, Tally, mean, or_nan
from segbench.metrics.confusion import ImageNumbers
from segbench.metrics.layers import as_layers
from segbench.metrics.parts import Counts, ExactMeans
from segbench.metrics.region import MeanDice, MeanIou
from segbench.metrics.rules import AbsentRule, Classes, ClassMean, FpOnlyRule, Margins, Pool, Value
from segbench.metrics.states import State
from segbench.result import Score
from segbench.samples import Sample


@dataclass(frozen=True)
class MultiLabelTally(Tally):
    """Counts hits, false positives and misses of each class, and the means over images that some metrics ask for.

    Parameters
    ----------
    space : LabelSpace
        Its evaluated classes are the layers of both maps, in this order. Void ids have no effect.
    per_image : dict of str to (int, callable)
        For each mean over images its name, how many numbers an image has, and the function from an image's counts.
    """

    space: LabelSpace
    per_image: dict[str, tuple[int, ImageNumbers]] = field(default_factory=dict)

    def start(self) -> State:
        """Return counts of nothing, and sums of nothing."""
        means = {name: ExactMeans.zeros(n) for name, (n, _) in self.per_image.items()}
        return State({"counts": Counts.zeros(len(self.space.evaluated), 3), **means})

    def count_one(self, state: State, sample: Sample) -> Content:
        """Count one `sample` into a `state`; see `Tally.count_one`."""
        counts, content = self.count(sample)
        self._add(state, counts)
        return content

    def add_record(self, state: State, content: Content) -> None:
        """Count one recorded image."""
        row = {c.id: i for i, c in enumerate(self.space.evaluated)}
        counts = np.zeros((len(row), 3), np.int64)
        for label, *numbers in content["cells"]:
            counts[row[label]] += numbers
        self._add(state, counts)

    def is_empty(self, state: State) -> bool:
        """Return whether neither truth nor prediction has a pixel of any class.

        A false positive is something to judge, though the whole truth is empty. Where there is none either, a score
        would be the rule for absent classes, and no measurement.
        """
        return not state.counts("counts").values.any()

    def _add(self, state: State, counts: NDArray[np.int64]) -> None:
        state.counts("counts").add(counts)
        for name, (_, numbers) in self.per_image.items():
            state.means(name).add(numbers(counts))

    def count(self, sample: Sample) -> tuple[NDArray[np.int64], Content]:
        """Count one image.

        Parameters
        ----------
        sample : Sample
            Maps as `as_layers` takes them, each in either form; a prediction of None has no class anywhere.

        Returns
        -------
        counts : ndarray of int64, shape (n_classes, 3)
            Hits, false positives and misses of each class.
        content : Content
            What is recorded of the image: its shape, the pixels of each class in the truth, and class id, hits, false
            positives and misses; classes that neither map has are left out.

        Raises
        ------
        ShapeMismatch, StrayLabel, DatasetError, BadParameter
            For the first fault that is found.
        """
        n = len(self.space.evaluated)
        truth = as_layers(sample.truth, n, name="truth")
        if sample.prediction is None:
            image_or_volume(truth.plane, name="truth")
            counts = np.array([(0, 0, np.count_nonzero(layer)) for layer in truth], np.int64)
        else:
            prediction = as_layers(sample.prediction, n, name="prediction")
            same_shape(truth.plane, prediction.plane)
            counts = np.array([_compared(t, p) for t, p in zip(truth, prediction, strict=True)], np.int64)
        return counts, self._content(truth.plane.shape, counts)

    def _content(self, shape: tuple[int, ...], counts: NDArray[np.int64]) -> Content:
        rows = [[c.id, *row] for c, row in zip(self.space.evaluated, counts.tolist(), strict=True)]
        return {
            "shape": list(shape),
            "truth": [[label, hits + misses] for label, hits, _, misses in rows if hits + misses],
            "cells": [row for row in rows if any(row[1:])],
        }


@dataclass(frozen=True)
class MultiLabelMean(Metric[MultiLabelTally]):
    """The mean over classes that may overlap of one ratio a class, each counted over all pixels.

    Parameters
    ----------
    pool : {'dataset', 'image', 'class_then_image'}
        ``dataset`` adds counts before dividing. ``image`` takes the mean over classes in each image, then over images;
        its per-class values are means over the images where the class is defined. ``class_then_image`` is the mean of
        those per-class values.
    classes : str or tuple of str
        The classes in the mean: ``all``, ``foreground``, or names of classes and groups.
    absent : {'propagate', 'skip', 'zero', 'one'}
        A class with neither truth nor prediction makes itself and the mean undefined (``propagate``), is left out
        (``skip``), or scores ``zero`` or ``one``.
    fp_only : {'count', 'skip'}
        A class that is predicted but never true scores zero (``count``) or is left out (``skip``).
    """

    family: ClassVar[str] = "multilabel"
    #: The mean over classes that do not overlap whose ratio and rules are taken.
    twin: ClassVar[type[ClassMean]]

    pool: Pool = "dataset"
    classes: Classes = "all"
    absent: AbsentRule = "skip"
    fp_only: FpOnlyRule = "count"

    @classmethod
    def tally(cls, metrics: Sequence[MultiLabelMean], space: LabelSpace) -> MultiLabelTally:
        """Return the one tally that serves several metrics on classes that overlap."""
        numbers = {metric.signature(): (1 + len(metric.parts(space)), metric) for metric in metrics}
        return MultiLabelTally(
            space,
            {
                name: (n, partial(metric.image_numbers, space))
                for name, (n, metric) in numbers.items()
                if metric.pool != "dataset"
            },
        )

    def parts(self, space: LabelSpace) -> tuple[str, ...]:
        """Return the names of the chosen classes of a `space`."""
        return tuple(space.names[i] for i in space.select(self.classes))

    def margins(self, counts: NDArray[np.int64], space: LabelSpace) -> Margins:
        """Return the margins of the chosen classes of a `space` in its `counts`."""
        hits, false_positives, misses = counts.T
        every = Margins(hits.tolist(), (hits + misses).tolist(), (hits + false_positives).tolist())
        return every.select(space.select(self.classes))

    def values(self, margins: Margins) -> tuple[Value, list[Value]]:
        """Return the mean over the classes of `margins`, and their values: None is left out, NaN is undefined."""
        return self.twin(absent=self.absent, fp_only=self.fp_only).values(margins)

    def image_numbers(self, space: LabelSpace, counts: NDArray[np.int64]) -> list[Value]:
        """Return the overall value of the `counts` of one image in a `space`, then its value for each chosen class."""
        value, values = self.values(self.margins(counts, space))
        return [value, *values]

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Turn the counts, or the means over images, into a score."""
        if self.pool == "dataset":
            value, values = self.values(self.margins(state.counts("counts").values, space))
        else:
            value, *values = (total.mean() if total.added else None for total in state.means(self.signature()).sums)
            if self.pool == "class_then_image":
                value = mean(values)
        per_class = {name: or_nan(v) for name, v in zip(self.parts(space), values, strict=True)}
        return Score(or_nan(value), per_class, self.unit, self.higher_is_better)

    def undefined_classes(self, state: State, space: LabelSpace) -> list[str]:
        """Return the names of the chosen classes of a `space` that a `state` has in neither truth nor prediction."""
        margins = self.margins(state.counts("counts").values, space)
        pairs = zip(self.parts(space), margins, strict=True)
        return [name for name, (_, truth, predicted) in pairs if not truth and not predicted]

    def where_defined(self) -> Self:
        """Return the same metric with absent classes left out."""
        return replace(self, absent="skip")


@dataclass(frozen=True)
class MultiLabelIou(MultiLabelMean):
    """Mean intersection over union of classes that may overlap, the Jaccard index of each.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import multilabel_iou
    >>> truth = np.array([[0b01, 0b11, 0b10]], np.uint8)  # the second pixel has both classes
    >>> prediction = np.array([[0b01, 0b01, 0b10]], np.uint8)
    >>> multilabel_iou(truth=truth, prediction=prediction, space=2).per_class
    {'0': 1.0, '1': 0.5}
    """

    name: ClassVar[str] = "multilabel_iou"
    formula: ClassVar[str] = "mean over classes of TP / (GT + PR − TP)"
    twin: ClassVar[type[ClassMean]] = MeanIou


@dataclass(frozen=True)
class MultiLabelDice(MultiLabelMean):
    """Mean Dice coefficient of classes that may overlap, the F1 score of each.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import multilabel_dice
    >>> truth = np.array([[[True, True, False]], [[False, True, True]]])  # a layer for each of two classes
    >>> prediction = np.array([[[True, True, False]], [[False, False, True]]])
    >>> multilabel_dice(truth=truth, prediction=prediction, space=2).per_class
    {'0': 1.0, '1': 0.6666666666666666}
    """

    name: ClassVar[str] = "multilabel_dice"
    formula: ClassVar[str] = "mean over classes of 2·TP / (GT + PR)"
    twin: ClassVar[type[ClassMean]] = MeanDice


def _compared(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Return hits, false positives and misses."""
    hits = int(np.count_nonzero(truth & prediction))
    return hits, int(np.count_nonzero(prediction)) - hits, int(np.count_nonzero(truth)) - hits


METRICS: tuple[type[MultiLabelMean], ...] = (MultiLabelIou, MultiLabelDice)
