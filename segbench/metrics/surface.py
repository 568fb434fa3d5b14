"""The tally of all measures between surfaces: the value of each structure of each image, and what became of empty ones.

Distances are in mm where the spacing of an image is known, else in pixels. Void is cut out of both maps.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.encoding import Encoding
from segbench.errors import BadParameter, counted
from segbench.frozen import dataclass
from segbench.kernels.surface import surface_distances
from segbench.kernels.surfels import surfel_distances
from segbench.labels import LabelSpace
from segbench.metrics.base import Content, Metric, Tally, mean, or_nan
from segbench.metrics.indices import Codes, code_pair
from segbench.metrics.parts import Counts, ExactMeans
from segbench.metrics.rules import Classes, Value
from segbench.metrics.states import State
from segbench.result import Score
from segbench.samples import Sample

Floats: TypeAlias = NDArray[np.float64]
SurfacePool: TypeAlias = Literal["image", "class_then_image"]
EmptyRule: TypeAlias = Literal["worst", "infinity", "skip"]

#: What is counted beside the means of a metric, for the image and for each class.
_COUNTED = ("infinite", "one_empty", "both_empty")


@dataclass(frozen=True)
class Surfaces:
    """The surfaces of one structure in truth and prediction.

    Parameters
    ----------
    truth, prediction : ndarray of bool, shape (rows, columns) or (slices, rows, columns)
        The masks.
    spacing : tuple of float
        How far pixels lie apart along each axis.
    """

    truth: NDArray[np.bool_]
    prediction: NDArray[np.bool_]
    spacing: tuple[float, ...]

    @cached_property
    def empty(self) -> tuple[bool, bool]:
        """Whether truth and prediction are empty."""
        return not self.truth.any(), not self.prediction.any()

    @cached_property
    def distances(self) -> tuple[Floats, Floats]:
        """From each surface pixel of the truth to the prediction, and from each of the prediction to the truth."""
        return surface_distances(truth=self.truth, prediction=self.prediction, spacing=self.spacing)

    @cached_property
    def surfels(self) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Distances and sizes of the surfels of the truth and of the prediction, the nearest first."""
        found = surfel_distances(truth=self.truth, prediction=self.prediction, spacing=self.spacing)
        return _ordered(*found[:2]), _ordered(*found[2:])

    @property
    def diagonal(self) -> float:
        """The diagonal of the image as a box with its outer faces."""
        return math.sqrt(sum((n * step) ** 2 for n, step in zip(self.truth.shape, self.spacing, strict=True)))


def _ordered(distances: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    order = np.lexsort((sizes, distances))
    return distances[order], sizes[order]


@dataclass(frozen=True)
class SurfaceTally(Tally):
    """Measures each structure of each image for each metric.

    Parameters
    ----------
    space : LabelSpace
        The ids of both maps.
    metrics : mapping of str to SurfaceMetric
        The metrics by signature.
    """

    space: LabelSpace
    metrics: Mapping[str, SurfaceMetric]
    encoding: Encoding = field(init=False, compare=False, repr=False)
    #: The rows of the classes of each structure of each metric.
    chosen: Mapping[str, tuple[tuple[int, ...], ...]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", Encoding(self.space))
        chosen = {n: tuple(rows for _, rows in self.space.parts(m.classes)) for n, m in self.metrics.items()}
        object.__setattr__(self, "chosen", chosen)

    def start(self) -> State:
        """Return sums of nothing."""
        parts: dict[str, Counts | ExactMeans] = {"images": Counts.zeros(2)}
        for name, classes in self.chosen.items():
            n = 1 + len(classes)
            parts |= {name: ExactMeans.zeros(n), f"{name} counted": Counts.zeros(n, len(_COUNTED))}
        return State(parts)

    def count_one(self, state: State, sample: Sample) -> Content:
        """Measure one `sample` and count it into a `state`; see `Tally.count_one`."""
        pair = code_pair(sample, self.encoding, len(self.space.evaluated), volumes=True).without_void()
        spacing = _checked_spacing(sample.spacing, pair.truth.shape)
        # For each class and metric in turn, so that one structure is held at a time.
        values: dict[str, list[Any]] = {name: [] for name in self.metrics}
        for rows in dict.fromkeys(rows for structures in self.chosen.values() for rows in structures):
            surfaces = Surfaces(_mask(pair.truth, rows), _mask(pair.prediction, rows), spacing)
            is_nothing = self.space.is_spurious(rows) and all(surfaces.empty)
            for name, metric in self.metrics.items():
                if rows in self.chosen[name]:
                    values[name].append((rows, _written(*((None, "") if is_nothing else metric.measured(surfaces)))))
        content = {
            "shape": list(pair.truth.shape),
            "spacing": None if sample.spacing is None else list(spacing),
            "values": {name: self._ordered(name, found) for name, found in values.items()},
        }
        self.add_record(state, content)
        return content

    def _ordered(self, name: str, found: list[Any]) -> list[Any]:
        """Return values in the order of a metric's structures, whatever order they were measured in."""
        by_rows = dict(found)
        return [by_rows[rows] for rows in self.chosen[name]]

    def add_record(self, state: State, content: Content) -> None:
        """Count one recorded image."""
        has_spacing = content["spacing"] is not None
        state.counts("images").add(np.array([has_spacing, not has_spacing], np.int64))
        for name, written in content["values"].items():
            values = [_read(value) for value, _ in written]
            whole = mean(values)
            numbers = [whole, *values]
            state.means(name).add([None if value is None or math.isinf(value) else value for value in numbers])
            flags = [[value == math.inf, False, False] for value in numbers]
            for row, (_, empty) in zip(flags[1:], written, strict=True):
                row[1:] = empty == "one", empty == "both"
            state.counts(f"{name} counted").add(np.array(flags, np.int64))


@dataclass(frozen=True)
class SurfaceMetric(Metric[SurfaceTally]):
    """A measure between the surfaces of each structure, averaged over images.

    Parameters
    ----------
    empty : {'worst', 'infinity', 'skip'}
        What a structure counts as that is missed, or predicted where there is none: the diagonal of the image
        (``worst``), infinity, or nothing (``skip``, which says how many it left out). A share of surfaces is 0 with
        both ``worst`` and ``infinity``. A structure that neither map has is perfect.
    pool : {'image', 'class_then_image'}
        ``image`` takes the mean over structures in each image, then over images; its per-class values are means over
        the images where the structure counts. ``class_then_image`` is the mean of those per-class values.
    classes : str or tuple of str
        The structures in the mean: ``all``, ``foreground``, or names of classes and groups.
    """

    family: ClassVar[str] = "surface"
    unit: ClassVar[str] = "mm"
    higher_is_better: ClassVar[bool] = False

    empty: EmptyRule = "worst"
    pool: SurfacePool = "image"
    classes: Classes = "all"

    @abstractmethod
    def between(self, surfaces: Surfaces) -> float:
        """Return the value of two `surfaces`, neither of them empty."""

    def perfect(self) -> float:
        """Return the value of two structures that are one."""
        return 0.0

    def worst(self, surfaces: Surfaces) -> float:
        """Return the value of two `surfaces` of which one is empty."""
        return surfaces.diagonal if self.empty == "worst" else math.inf

    def measured(self, surfaces: Surfaces) -> tuple[Value, str]:
        """Return the value of two `surfaces`, None for what is left out, and whether ``one`` or ``both`` are empty."""
        if all(surfaces.empty):
            return self.perfect(), "both"
        if any(surfaces.empty):
            return (None if self.empty == "skip" else self.worst(surfaces)), "one"
        return self.between(surfaces), ""

    @classmethod
    def tally(cls, metrics: Sequence[Self], space: LabelSpace) -> SurfaceTally:
        """Return the one tally that serves several `metrics` on a `space`."""
        return SurfaceTally(space, {metric.signature(): metric for metric in metrics})

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Turn the means over images into a score."""
        infinite = state.counts(f"{self.signature()} counted").values[:, 0].tolist()
        totals = state.means(self.signature()).sums
        value, *values = (
            math.inf if n else total.mean() if total.added else None for n, total in zip(infinite, totals, strict=True)
        )
        if self.pool == "class_then_image":
            value = mean(values)
        per_class = {name: or_nan(v) for name, v in zip(self._names(space), values, strict=True)}
        return Score(or_nan(value), per_class, self._unit(state), self.higher_is_better)

    def warnings(self, state: State, space: LabelSpace) -> list[str]:
        """Say how many structures were missed, predicted where there are none, or are in neither map."""
        _, one, both = state.counts(f"{self.signature()} counted").values.sum(axis=0).tolist()
        fate = {"skip": "left out", "infinity": "infinitely wrong", "worst": "as wrong as can be"}[self.empty]
        found = []
        if one:
            found.append(
                f"{self.short()} takes {counted(one, 'structure')} missed or not there for {fate} (empty={self.empty})"
            )
        if both:
            found.append(
                f"{self.short()} takes {counted(both, 'structure')} in neither truth nor prediction for perfect"
            )
        with_spacing, without = state.counts("images").values.tolist()
        if with_spacing and without:
            found.append(f"{self.short()}: {counted(without, 'image')} without spacing, measured in pixels")
        return found

    def _names(self, space: LabelSpace) -> list[str]:
        return [name for name, _ in space.parts(self.classes)]

    def _unit(self, state: State) -> str:
        if self.unit == "fraction":
            return self.unit
        return "px" if state.counts("images").values[1] else "mm"


def _checked_spacing(spacing: tuple[float, ...] | None, shape: tuple[int, ...]) -> tuple[float, ...]:
    if spacing is None:
        return (1.0,) * len(shape)
    if len(spacing) != len(shape) or not all(math.isfinite(step) and step > 0 for step in spacing):
        raise BadParameter(f"spacing {spacing}", expected=f"{len(shape)} numbers above 0, one for each axis")
    return tuple(float(step) for step in spacing)


def _mask(codes: Codes, rows: tuple[int, ...]) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = codes == rows[0] if len(rows) == 1 else np.isin(codes, rows)
    return mask


def _written(value: Value, empty: str) -> list[Any]:
    """Return a value as JSON can hold it."""
    return ["infinity" if value == math.inf else value, empty]


def _read(value: Any) -> Value:
    return math.inf if value == "infinity" else value
