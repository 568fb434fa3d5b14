"""V^Rand and V^Info of membrane maps after border thinning, the scores of ISBI 2012.

At each of eleven thresholds a slice of probabilities becomes cells whose borders are thinned to lines, and the cells
are compared with those of the truth. Only pixels inside true cells count; those on predicted lines count as cells of
one pixel each. The score is the largest mean over slices.

Source: Fiji's Trainable_Segmentation, classes RandError and VariationOfInformation, with the official script of
12 January 2016. One difference: the mean over slices is rounded once here, there after every addition.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from segbench.encoding import Encoding
from segbench.errors import BadParameter, DatasetError, StrayLabel
from segbench.frozen import dataclass
from segbench.kernels.arrays import same_shape
from segbench.kernels.confusion import find_code
from segbench.labels import LabelSpace
from segbench.metrics.base import Content, Metric, Tally
from segbench.metrics.cells import THRESHOLDS, SliceScores, score_slice, true_cells
from segbench.metrics.confusion import stray_error, truth_labels
from segbench.metrics.parts import ExactMeans
from segbench.metrics.states import State
from segbench.result import Score
from segbench.samples import Sample

THRESHOLD_NAMES = tuple(f"{i / 10}" for i in range(len(THRESHOLDS)))


@dataclass(frozen=True)
class MembraneTally(Tally):
    """Keeps the means over slices of both scores at each threshold.

    Parameters
    ----------
    space : LabelSpace
        Exactly two evaluated classes, the membrane first, the inside of cells second. Void is no inside.

    Raises
    ------
    BadParameter
        For a space with another number of evaluated classes.
    """

    space: LabelSpace
    encoding: Encoding = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if (n := len(self.space.evaluated)) != 2:
            raise BadParameter(f"evaluated classes: {n}", expected="2 for membranes: the membrane, then the inside")
        object.__setattr__(self, "encoding", Encoding(self.space))

    def start(self) -> State:
        """Return means of nothing."""
        return State({name: ExactMeans.zeros(len(THRESHOLDS)) for name in SliceScores._fields})

    def count_one(self, state: State, sample: Sample) -> Content:
        """Count one `sample`, a slice or a stack of them, into a `state`; see `Tally.count_one`."""
        content = self.count(sample)
        self.add_record(state, content)
        return content

    def add_record(self, state: State, content: Content) -> None:
        """Count the slices of one recorded image."""
        for name in SliceScores._fields:
            for numbers in content[name]:
                state.means(name).add([math.nan if number is None else number for number in numbers])

    def count(self, sample: Sample) -> Content:
        """Score the slices of one image.

        Parameters
        ----------
        sample : Sample
            A label map of ids, and what `as_probabilities` takes, or None: a missing prediction is probability 0
            everywhere, which makes one cell of each slice.

        Returns
        -------
        Content
            The shape; for each slice the pixels of its true cells; and for each slice both scores at each threshold,
            None where undefined.

        Raises
        ------
        ShapeMismatch, StrayLabel, DatasetError, BadParameter
            For the first fault that is found.
        """
        truth = truth_labels(sample.truth)
        missing = sample.prediction is None
        prediction = np.zeros(truth.shape, np.float32) if missing else as_probabilities(sample.prediction)
        same_shape(truth, prediction)
        self._refuse_stray_truth(truth)
        _refuse_stray_probabilities(prediction)
        cells = [true_cells(inside) for inside in _slices(truth == self.space.evaluated[1].id)]
        scores = [
            list(score_slice(cells=one, probabilities=other))
            for one, other in zip(cells, _slices(prediction), strict=True)
        ]
        return {
            "shape": list(truth.shape),
            "truth": [np.bincount(labels.ravel())[1:].tolist() for labels in cells],
            "v_rand": [[_or_none(at.v_rand) for at in row] for row in scores],
            "v_info": [[_or_none(at.v_info) for at in row] for row in scores],
        }

    def _refuse_stray_truth(self, truth: NDArray[np.integer[Any]]) -> None:
        encoding = self.encoding
        if find_code(labels=truth, codes=encoding.codes, low=encoding.low, code=encoding.n_codes)[0]:
            raise stray_error(DatasetError, truth, encoding, "truth")


@dataclass(frozen=True)
class MembraneMetric(Metric[MembraneTally]):
    """The largest mean over slices among the thresholds.

    A threshold at which a slice is undefined never wins, and where none is above 0 the score is 0 at threshold 0, as in
    the official code.
    """

    family: ClassVar[str] = "membrane"

    @classmethod
    def tally(cls, metrics: Sequence[Metric[Any]], space: LabelSpace) -> MembraneTally:
        """Return the one tally that serves all membrane `metrics` on a `space` of two classes."""
        return MembraneTally(space)

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Return the largest mean; by class stand the means at all thresholds, from ``0.0`` to ``1.0``."""
        means = dict(zip(THRESHOLD_NAMES, self._means(state), strict=True))
        return Score(self.best(state)[0], means, self.unit, self.higher_is_better)

    def best(self, state: State) -> tuple[float, float]:
        """Return the largest mean in a `state` and its threshold, the first of equal ones; NaN of nothing counted."""
        if not state.means(self.name).sums[0].added:
            return math.nan, math.nan
        # The official search begins with 0 at the first threshold, and nothing beats it that is not larger.
        means = [mean if mean > 0 else 0.0 for mean in self._means(state)]
        return max(means), THRESHOLDS[means.index(max(means))]

    def _means(self, state: State) -> list[float]:
        return [total.mean() for total in state.means(self.name).sums]


@dataclass(frozen=True)
class VRand(MembraneMetric):
    """Rand score of cells after border thinning, the score ISBI 2012 ranks by.

    With p the shares of the n pixels inside true cells by true cell i and predicted cell j, and q the share on lines:
    AB = Σ p² + q/n, A = Σ over i of (Σ p)², B = Σ over j of (Σ p)² + q/n; precision AB / B, recall AB / A. A slice
    without true cells scores 0.

    Not the Rand error of scikit-image, which counts pairs of different pixels, takes lines for one more cell, and calls
    precision what is recall here.

    References
    ----------
    Arganda-Carreras et al., Crowdsourcing the creation of image segmentation algorithms for connectomics, Frontiers in
    Neuroanatomy 9, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import v_rand
    >>> probabilities = np.array([[0.9, 0.2, 0.4, 0.8]])  # there are two cells at thresholds 0.3 and 0.4
    >>> v_rand(truth=[[1, 0, 1, 1]], prediction=probabilities, space=2).value
    1.0
    """

    name: ClassVar[str] = "v_rand"
    formula: ClassVar[str] = "max over thresholds of the mean over slices of 2·AB / (A + B), after border thinning"


@dataclass(frozen=True)
class VInfo(MembraneMetric):
    """Information score of cells after border thinning.

    The mutual information of true and predicted cells over the entropy of the true ones (precision) and of the
    predicted ones (recall), where each pixel on a line is a predicted cell. A slice with one true cell or none, or
    predicted as one cell, scores 0 but for rounding; one where precision and recall are both 0 is undefined.

    References
    ----------
    Arganda-Carreras et al., Crowdsourcing the creation of image segmentation algorithms for connectomics, Frontiers in
    Neuroanatomy 9, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from segbench import v_info
    >>> probabilities = np.array([[0.9, 0.2, 0.4, 0.8]])  # there are two cells at thresholds 0.3 and 0.4
    >>> v_info(truth=[[1, 0, 1, 1]], prediction=probabilities, space=2).value
    1.0
    """

    name: ClassVar[str] = "v_info"
    formula: ClassVar[str] = "max over thresholds of the mean over slices of 2·I / (H(T) + H(S)), after border thinning"


def as_probabilities(prediction: Any) -> NDArray[np.float32]:
    """Return a map of probabilities of being inside a cell, in 32 bits as the official tool reads them.

    Parameters
    ----------
    prediction : array_like, shape (rows, columns) or (slices, rows, columns)
        Floats are probabilities; uint8 is a probability times 255; bool is 0 or 1.

    Returns
    -------
    ndarray of float32
        The probabilities; for uint8 the quotient by 255, rounded to 32 bits.

    Raises
    ------
    BadParameter
        For any other dtype.
    """
    array = np.asarray(prediction)
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    if array.dtype.kind not in "fb":
        raise BadParameter(f"prediction of dtype {array.dtype}", expected="floats from 0 to 1, or uint8 from 0 to 255")
    with np.errstate(over="ignore"):  # becomes infinite, and is refused
        return array.astype(np.float32)


def _slices(image: NDArray[Any]) -> Iterable[NDArray[Any]]:
    return image if image.ndim == 3 else (image,)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _refuse_stray_probabilities(prediction: NDArray[np.float32]) -> None:
    stray = ~((prediction >= 0) & (prediction <= 1))
    if count := int(np.count_nonzero(stray)):
        pixel = tuple(int(i) for i in np.unravel_index(int(np.argmax(stray)), stray.shape))
        raise StrayLabel(
            f"prediction value {prediction[pixel]} at {pixel}, {count} stray pixel{'s'[: count > 1]} in all",
            expected="probabilities from 0 (membrane) to 1 (inside a cell)",
            mend="rescale the map",
            pixel=pixel,
            count=count,
        )


METRICS: tuple[type[MembraneMetric], ...] = (VRand, VInfo)
