"""Region metrics inside a narrow band, a trimap: around the boundaries of the truth, or around its void.

Any number of widths comes from one pass: the pixels of an image are parted into rings, each as far as the next width
reaches, a table is counted for each ring, and a width reads the sum of the tables up to its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.encoding import Encoding
from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.kernels.confusion import coded_table
from segbench.kernels.distance import chessboard_distances, squared_distances
from segbench.labels import LabelSpace
from segbench.metrics.base import Content, Tally
from segbench.metrics.confusion import ConfusionTally, ImageNumbers
from segbench.metrics.indices import CodePair, Codes, code_pair
from segbench.metrics.parts import Counts, ExactMeans
from segbench.metrics.region import ImagePool, MeanIou, PixelAccuracy
from segbench.metrics.rules import TableMetric
from segbench.metrics.states import State
from segbench.metrics.tolerance import Limit, reach_squared, squared_pixels
from segbench.samples import Sample

Centre: TypeAlias = Literal["boundary", "void"]
Distance: TypeAlias = Literal["euclidean", "square"]
BandLimit: TypeAlias = Literal["usual", "open", "closed"]
VoidEdges: TypeAlias = Literal["count", "skip"]

#: Between the band and the width in the name of a ring.
_UP_TO = " to "

#: The largest distance but one: what nothing reaches has the largest, and is in no band.
_FAR = np.iinfo(np.int32).max - 1


@dataclass(frozen=True)
class Band:
    """What the rings of several widths have in common.

    Parameters
    ----------
    centre, distance, limit, void_edges : str
        As the fields of `Trimap`.
    """

    centre: Centre
    distance: Distance
    limit: BandLimit
    void_edges: VoidEdges

    def __str__(self) -> str:
        return f"trimap({self.centre},{self.distance},{self.limit},{self.void_edges})"

    def rings(self, truth: Codes, n_classes: int, widths_px: Sequence[float]) -> NDArray[np.intp]:
        """Return the ring of each pixel.

        Parameters
        ----------
        truth : ndarray of uint8 or uint16, shape (rows, columns)
            Codes.
        n_classes : int
            Smaller codes are classes, the others void.
        widths_px : sequence of float
            The widths, the smallest first.

        Returns
        -------
        ndarray of int, shape (rows, columns)
            Position of the smallest width that reaches the pixel; their number where none does.
        """
        void = truth >= n_classes
        sources = void if self.centre == "void" else self._edges(truth, void)
        reaches = [min(reach_squared(squared_pixels(width), self._within), _FAR) for width in widths_px]
        distances: NDArray[Any]
        if self.distance == "square":
            distances = chessboard_distances(sources=sources)
            reaches = [math.isqrt(reach) if reach >= 0 else -1 for reach in reaches]
        else:
            distances = squared_distances(sources=sources)
        found: NDArray[np.intp] = np.searchsorted(np.array(reaches, np.int64), distances)
        return found

    @property
    def _within(self) -> Limit:
        if self.limit == "usual":
            return "closed" if self.centre == "void" else "open"
        return self.limit

    def _edges(self, truth: Codes, void: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the pixels with a 4-neighbour of another label; all void is one label."""
        labels = np.where(void, truth.dtype.type(np.iinfo(truth.dtype).max), truth)
        edges = np.zeros(truth.shape, np.bool_)
        for a, b in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
            changes = labels[a] != labels[b]
            if self.void_edges == "skip":
                changes &= ~(void[a] | void[b])
            edges[a] |= changes
            edges[b] |= changes
        return edges


@dataclass(frozen=True)
class TrimapTally(Tally):
    """Counts a confusion table for each ring.

    Parameters
    ----------
    space : LabelSpace
        The ids of both maps.
    widths_px : mapping of Band to sequence of float
        The widths of each band, the smallest first.
    per_image : mapping of str to (Trimap, int, callable)
        For each mean over images its name, the metric, how many numbers an image has, and the function from an image's
        table.
    refuse_void : bool
        Whether a prediction may hold no void value.
    """

    space: LabelSpace
    widths_px: Mapping[Band, Sequence[float]]
    per_image: Mapping[str, tuple[Trimap, int, ImageNumbers]] = field(default_factory=dict)
    refuse_void: bool = False
    encoding: Encoding = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", Encoding(self.space))

    def start(self) -> State:
        """Return tables of zeros, and sums of nothing."""
        tables = {name: Counts(table) for name, table in self._tables().items()}
        means = {name: ExactMeans.zeros(n) for name, (_, n, _) in self.per_image.items()}
        return State({**tables, **means})

    def count_one(self, state: State, sample: Sample) -> Content:
        """Count one `sample` into a `state`; see `Tally.count_one`."""
        if self.refuse_void:
            ConfusionTally(self.space, refuse_void=True).count(sample)
        pair = code_pair(sample, self.encoding, len(self.space.evaluated))
        tables: dict[str, NDArray[np.int64]] = {}
        for band, widths in self.widths_px.items():
            counted = self._count(pair, band.rings(pair.truth, pair.n_classes, widths), len(widths))
            tables |= {_ring_name(band, width): table for width, table in zip(widths, counted, strict=True)}
        self._add(state, tables)
        return {
            "shape": list(pair.truth.shape),
            "rings": {name: self._cells(table) for name, table in tables.items()},
        }

    def add_record(self, state: State, content: Content) -> None:
        """Count one recorded image."""
        code: dict[int | None, int] = {value: i for i, value in enumerate(self.space.columns)}
        code[None] = self.encoding.n_codes
        tables = self._tables()
        for name, cells in content["rings"].items():
            for truth, prediction, count in cells:
                tables[name][code[truth], code[prediction]] += count
        self._add(state, tables)

    def _tables(self) -> dict[str, NDArray[np.int64]]:
        n = self.encoding.n_codes
        names = [_ring_name(band, width) for band, widths in self.widths_px.items() for width in widths]
        return {name: np.zeros((n, n + 1), np.int64) for name in names}

    def _add(self, state: State, tables: Mapping[str, NDArray[np.int64]]) -> None:
        for name, table in tables.items():
            state.counts(name).add(table)
        for name, (metric, _, numbers) in self.per_image.items():
            state.means(name).add(numbers(metric.within(tables)))

    def _count(self, pair: CodePair, rings: NDArray[np.intp], n_rings: int) -> NDArray[np.int64]:
        """Return the table of each ring of one image, shape (rings, n_codes, n_codes + 1)."""
        n = self.encoding.n_codes
        scored = (rings < n_rings) & (pair.truth < pair.n_classes)
        if not scored.any():
            return np.zeros((n_rings, n, n + 1), np.int64)
        # A row for each pair of ring and code; the kernel adds one more row and column for strays, which are none.
        found = coded_table(
            truth=(rings[scored] * n + pair.truth[scored]).astype(np.int32)[np.newaxis],
            prediction=pair.prediction[scored][np.newaxis],
            truth_codes=np.arange(n_rings * n, dtype=np.int32),
            prediction_codes=np.arange(n + 1, dtype=np.int32),
            truth_low=0,
            prediction_low=0,
        )
        return found[:-1, :-1].reshape(n_rings, n, n + 1)

    def _cells(self, table: NDArray[np.int64]) -> list[list[int | None]]:
        ids: tuple[int | None, ...] = (*self.space.columns, None)
        return [[ids[t], ids[p], int(table[t, p])] for t, p in zip(*np.nonzero(table), strict=True)]


@dataclass(frozen=True)
class Trimap(TableMetric):
    """A region metric inside a band of the truth.

    Parameters
    ----------
    band_px : float
        Width of the band in pixels.
    centre : {'boundary', 'void'}
        What lies in the middle of the band: pixels with a 4-neighbour of another label (``boundary``), or the void
        region (``void``). Void itself is never scored.
    distance : {'euclidean', 'square'}
        How far a pixel is from the centre: Euclidean, or the larger coordinate.
    limit : {'usual', 'open', 'closed'}
        Whether a distance equal to the width is inside (``closed``) or not (``open``). ``usual`` is open around
        boundaries, whose pixels are the first of the width, and closed around void.
    void_edges : {'count', 'skip'}
        Whether the edge of void is a boundary.
    """

    family: ClassVar[str] = "trimap"
    always_shown: ClassVar[tuple[str, ...]] = ("band_px",)

    band_px: float = 4.0
    centre: Centre = "boundary"
    distance: Distance = "euclidean"
    limit: BandLimit = "usual"
    void_edges: VoidEdges = "count"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.band_px <= 0:
            raise BadParameter(f"{self.name}: band_px={self.band_px}", expected="a finite number (float) above 0")

    @classmethod
    def tally(cls, metrics: Sequence[Self], space: LabelSpace) -> TrimapTally:
        """Return the one tally that serves several `metrics` on a `space`."""
        widths: dict[Band, set[float]] = {}
        # Of every metric, so that a class that is not there is refused before anything is counted.
        numbers = {metric.signature(): (metric, 1 + len(metric.parts(space))) for metric in metrics}
        for metric in metrics:
            widths.setdefault(metric.band(), set()).add(float(metric.band_px))
        return TrimapTally(
            space,
            {band: sorted(found) for band, found in widths.items()},
            {
                name: (metric, n, partial(metric.image_numbers, space))
                for name, (metric, n) in numbers.items()
                if metric.pool != "dataset"
            }
            | {
                name: (metric, n, function)
                for metric in metrics
                if metric.pool != "dataset"
                for name, (n, function) in metric.numbers_beside(space).items()
            },
            refuse_void=any(metric.void_prediction == "error" for metric in metrics),
        )

    def band(self) -> Band:
        """Return what the band has in common with those of other widths."""
        return Band(self.centre, self.distance, self.limit, self.void_edges)

    def table(self, state: State) -> NDArray[np.int64]:
        """Return the table of the band in a `state`."""
        return self.within({name: part.values for name, part in state.parts.items() if isinstance(part, Counts)})

    def within(self, tables: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
        """Return the sum of those `tables`, one by the name of a ring, whose rings are inside the band."""
        own, named = str(self.band()), [(name.rpartition(_UP_TO), table) for name, table in tables.items()]
        inside = [table for (band, _, width), table in named if band == own and float(width) <= self.band_px]
        total: NDArray[np.int64] = np.sum(inside, axis=0)
        return total


@dataclass(frozen=True)
class TrimapIou(Trimap, MeanIou):
    """Mean IoU of the pixels in a narrow band around the boundaries of the truth, or around its void.

    References
    ----------
    Kohli, Ladicky and Torr, Robust Higher Order Potentials for Enforcing Label Consistency, IJCV 2009. Chen et al.,
    DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, TPAMI 2018 (``centre="void"``).

    Examples
    --------
    >>> from segbench import trimap_iou
    >>> truth, prediction = [[0, 0, 0, 1, 1, 1]], [[1, 0, 1, 1, 1, 1]]
    >>> trimap_iou(truth=truth, prediction=prediction, space=2, band_px=1).value  # of the third and fourth pixel
    0.25
    """

    name: ClassVar[str] = "trimap_iou"
    formula: ClassVar[str] = "mean over classes of TP / (GT + PR − TP) inside the band"


@dataclass(frozen=True)
class TrimapAccuracy(Trimap, PixelAccuracy):
    """Share of the pixels in a narrow band around the boundaries of the truth, or around its void, that are right.

    Parameters
    ----------
    pool : {'dataset', 'image'}
        ``dataset`` adds tables before dividing; ``image`` takes the mean over images.

    References
    ----------
    Kohli, Ladicky and Torr, Robust Higher Order Potentials for Enforcing Label Consistency, IJCV 2009. Krähenbühl and
    Koltun, Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials, NIPS 2011.

    Examples
    --------
    >>> from segbench import trimap_accuracy
    >>> truth, prediction = [[0, 0, 0, 1, 1, 1]], [[1, 0, 1, 1, 1, 1]]
    >>> trimap_accuracy(truth=truth, prediction=prediction, space=2, band_px=2).value
    0.75
    """

    name: ClassVar[str] = "trimap_accuracy"
    formula: ClassVar[str] = "Σ TP / Σ GT over classes, inside the band"

    pool: ImagePool = "dataset"


def _ring_name(band: Band, width: float) -> str:
    return f"{band}{_UP_TO}{width}"


METRICS: tuple[type[Trimap], ...] = (TrimapIou, TrimapAccuracy)
