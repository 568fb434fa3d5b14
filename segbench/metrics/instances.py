"""Instance-weighted IoU of Cityscapes (iIoU): small instances count as much as large ones.

Every instance of class k is weighted by the average size of k over its own size, in true positives and false negatives;
false positives, which belong to no instance, stay unweighted.

Source: cityscapesScripts, evaluation/evalPixelLevelSemanticLabeling.py, whose order of floating-point operations is
kept: instances are added one after the other in the order of images and instance ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from segbench.errors import DatasetError, ShapeMismatch
from segbench.frozen import dataclass
from segbench.kernels.arrays import as_labels
from segbench.labels import LabelSpace
from segbench.metrics.base import Content, Metric, Tally, mean, or_nan
from segbench.metrics.confusion import ConfusionTally, truth_labels
from segbench.metrics.parts import Counts, Rows
from segbench.metrics.states import State
from segbench.result import Score
from segbench.samples import Sample

#: An instance id is class id × this + number; smaller values are regions without single instances.
PER_CLASS = 1000


@dataclass(frozen=True)
class InstanceTally(Tally):
    """Counts pixels of each instance, and the false positives of each class and group.

    Parameters
    ----------
    space : LabelSpace
        Classes with `instance_size` have instances.
    """

    space: LabelSpace
    _table: ConfusionTally = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_table", ConfusionTally(self.space))

    def start(self) -> State:
        """Return no rows and no false positives."""
        k = len(self.space.evaluated)
        return State(
            {
                "instances": Rows(("image", "instance")),
                "false_positives": Counts.zeros(k),
                "group_false_positives": Counts.zeros(len(self.space.groups)),
            }
        )

    def count_one(self, state: State, sample: Sample) -> Content:
        """Count one `sample` that carries an instance map into a `state`; see `Tally.count_one`."""
        content = self._content(sample)
        self.add_record(state, content)
        return content

    def add_record(self, state: State, content: Content) -> None:
        """Count one recorded image."""
        state.counts("false_positives").add(np.array(content["false_positives"], np.int64))
        state.counts("group_false_positives").add(np.array(content["group_false_positives"], np.int64))
        rows = np.array(content["instances"], np.int64).reshape(-1, 4)
        state.rows("instances").add(
            image=np.full(len(rows), "/".join(content["key"])),
            instance=rows[:, 0],
            size=rows[:, 1],
            correct=rows[:, 2],
            in_group=rows[:, 3],
        )

    def _content(self, sample: Sample) -> Content:
        table, _ = self._table.count(sample)
        k = len(self.space.evaluated)
        right = np.zeros(table.shape, np.int64)
        right[range(k), range(k)] = table[range(k), range(k)]
        return {
            "key": list(sample.key),
            "false_positives": (table - right)[:k, :k].sum(axis=0).tolist(),
            "group_false_positives": [self._group_false_positives(table, group) for group in self.space.groups],
            "instances": self._instances(sample),
        }

    def _group_false_positives(self, table: NDArray[np.int64], group: str) -> int:
        # Columns hold every id of the group, also those that are not evaluated; rows only what is evaluated.
        columns = [i for i, value in enumerate(self.space.columns) if self.space.group_of(value) == group]
        rows = [i for i, c in enumerate(self.space.evaluated) if c.group != group]
        return int(table[np.ix_(rows, columns)].sum())

    def _instances(self, sample: Sample) -> list[list[int]]:
        """Return value, size, pixels of the class and pixels of its group, for each instance of a scored class."""
        if sample.instances is None:
            raise DatasetError("no instance map", expected="a map of instance ids beside the truth")
        instances = as_labels(sample.instances, name="instances").astype(np.int64)
        truth = truth_labels(sample.truth)
        if instances.shape != truth.shape:
            raise DatasetError(f"an instance map of {instances.shape}", expected=f"{truth.shape} as the truth")
        single = instances > PER_CLASS
        prediction = np.full(int(single.sum()), -1, np.int64)
        if sample.prediction is not None:
            predicted = as_labels(sample.prediction, name="prediction")
            if predicted.shape != truth.shape:
                raise ShapeMismatch(f"shape {predicted.shape}", expected=f"{truth.shape} as the truth")
            prediction = predicted[single].astype(np.int64)
        return self._rows(instances[single], prediction)

    def _rows(self, instances: NDArray[np.int64], prediction: NDArray[np.int64]) -> list[list[int]]:
        values, where, sizes = np.unique(instances, return_inverse=True, return_counts=True)
        rows = []
        classes = {c.id: c for c in self.space.classes}
        for i, (value, size) in enumerate(zip(values.tolist(), sizes.tolist(), strict=True)):
            found = classes.get(value // PER_CLASS)
            if found is None or (found.evaluated and found.instance_size is None):
                raise DatasetError(f"instance id {value}", expected=f"class id × {PER_CLASS} + number")
            if not found.evaluated:
                continue
            own = prediction[where == i]
            group = [c.id for c in self.space.classes if c.group == found.group]
            rows.append([value, size, int((own == found.id).sum()), int(np.isin(own, group).sum())])
        return rows


@dataclass(frozen=True)
class InstanceWeighted(Metric[InstanceTally]):
    """The mean of instance-weighted IoU; undefined parts are left out."""

    family: ClassVar[str] = "instances"
    formula: ClassVar[str] = "mean of Σ w·tp / (Σ w·tp + FP + Σ w·fn), w = average size of the class / instance size"

    @classmethod
    def tally(cls, metrics: Sequence[Metric[Any]], space: LabelSpace) -> InstanceTally:
        """Return the tally of instances."""
        return InstanceTally(space)

    def _score(self, sums: dict[str, list[float]], false_positives: dict[str, int]) -> Score:
        per_part = {}
        for name, (hit, missed) in sums.items():
            total = hit + false_positives[name] + missed
            per_part[name] = hit / total if total else None
        value = or_nan(mean(per_part.values()))
        return Score(value, {name: or_nan(part) for name, part in per_part.items()}, self.unit, self.higher_is_better)


@dataclass(frozen=True)
class MeanIiou(InstanceWeighted):
    """Instance-weighted IoU of the classes that have instances, and its mean.

    References
    ----------
    Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, CVPR 2016.
    """

    name: ClassVar[str] = "mean_iiou"

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Weigh the instances of each class."""
        sums = _weighted(state, space, "correct", {c.id: c.name for c in space.evaluated if c.instance_size})
        counts = state.counts("false_positives").values.tolist()
        return self._score(sums, dict(zip(space.names, counts, strict=True)))


@dataclass(frozen=True)
class CategoryIiou(InstanceWeighted):
    """Instance-weighted IoU of the groups that hold classes with instances, and its mean.

    A pixel of an instance is right when it is predicted as any id of the group, also one that is not evaluated. This
    differs from `category_iou`: a car painted as caravan is a miss there and a hit here.
    """

    name: ClassVar[str] = "category_iiou"

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Weigh the instances of each group."""
        groups = {c.id: str(c.group) for c in space.evaluated if c.instance_size}
        counts = state.counts("group_false_positives").values.tolist()
        return self._score(_weighted(state, space, "in_group", groups), dict(zip(space.groups, counts, strict=True)))


def _weighted(state: State, space: LabelSpace, column: str, parts: dict[int, str]) -> dict[str, list[float]]:
    """Return weighted hits and misses of each part, added in the order of the official script."""
    sums = {part: [0.0, 0.0] for part in dict.fromkeys(parts.values())}
    average = {c.id: c.instance_size for c in space.evaluated if c.instance_size}
    rows = state.rows("instances").columns()
    if not rows:
        return sums
    for value, size, hit in zip(*(rows[name].tolist() for name in ("instance", "size", column)), strict=True):
        label = value // PER_CLASS
        weight = average[label] / float(size)
        sums[parts[label]][0] += float(hit) * weight
        sums[parts[label]][1] += float(size - hit) * weight
    return sums


METRICS: tuple[type[InstanceWeighted], ...] = (MeanIiou, CategoryIiou)
