"""What is counted of a frame of a video: pixels and boundary pixels of each object and of the mask that answers it.

Objects and proposals are numbered from 1 and are the values of the label maps; 0 is the background.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, DatasetError, StrayLabel, counted
from segbench.frozen import dataclass
from segbench.kernels.arrays import as_labels, image_or_volume, same_shape
from segbench.kernels.boundary import mask_boundary_counts
from segbench.kernels.polygons import Reading
from segbench.labels import LabelSpace
from segbench.metrics.base import Content, Tally
from segbench.metrics.confusion import truth_labels
from segbench.metrics.outlines import KEY, OUTLINES, add_outlines, outlines_of
from segbench.metrics.parts import Rows
from segbench.metrics.states import State
from segbench.samples import Place, Sample

Labels: TypeAlias = NDArray[np.integer[Any]]
Mask: TypeAlias = NDArray[np.bool_]

#: Stands in the rows for a proposal that a frame has not: an empty mask.
EMPTY = 0

#: Proposals that a video may have where they are assigned to objects.
MOST_PROPOSALS = 20

#: What is counted of a pair of masks, and then for each tolerance.
PIXELS = ("intersection", "truth", "prediction")
BOUNDARY = ("truth_boundary", "truth_hits", "prediction_boundary", "prediction_hits")


@dataclass(frozen=True)
class VideoTally(Tally):
    """Counts pairs of masks in each frame.

    Parameters
    ----------
    space : LabelSpace
        Pixels whose truth is one of its void ids are cut out of both maps.
    by_number : bool
        Whether numbers of proposals are those of objects, so that there may not be more of them.
    every_pair : bool
        Whether each object is held against every proposal, and not only against that of its own number.
    bounds : tuple of float
        The tolerances at which boundaries are compared, see `reach`.
    readings : tuple of str
        The official tools by whose rules outlines of predictions are taken.
    """

    space: LabelSpace
    by_number: bool = True
    every_pair: bool = False
    bounds: tuple[float, ...] = ()
    readings: tuple[Reading, ...] = ()

    def start(self) -> State:
        """Return no rows."""
        parts = {"frames": Rows(("sequence", "frame", "object", "proposal"))}
        return State(parts | ({OUTLINES: Rows(KEY)} if self.readings else {}))

    def count_one(self, state: State, sample: Sample) -> Content:
        """Count one `sample`, a frame with its place in the video, into a `state`; see `Tally.count_one`."""
        content = self.count(sample)
        self.add_record(state, content)
        return content

    def add_record(self, state: State, content: Content) -> None:
        """Count one recorded frame."""
        frame, frames, n_objects, _ = content["truth"]
        names = columns(self.bounds)
        rows = np.array(content["pairs"], np.int64).reshape(-1, len(names))
        # A record may come from a file: numbers are places in a table later on.
        most = np.array([n_objects, max(n_objects, MOST_PROPOSALS)])
        if not ((rows[:, :2] >= (1, EMPTY)) & (rows[:, :2] <= most)).all():
            raise DatasetError("numbers of objects or proposals that a frame cannot have", expected="a whole record")
        state.rows("frames").add(
            sequence=np.full(len(rows), "/".join(content["key"][:-1])),
            frame=np.full(len(rows), frame),
            frames=np.full(len(rows), frames),
            **dict(zip(names, rows.T, strict=True)),
        )
        if self.readings:
            add_outlines(state.rows(OUTLINES), "/".join(content["key"][:-1]), content[OUTLINES])

    def is_empty(self, state: State) -> bool:
        """Return whether no frame has an object."""
        return not any(len(block["object"]) for block in state.rows("frames").blocks)

    def count(self, sample: Sample) -> Content:
        """Count one frame.

        Parameters
        ----------
        sample : Sample
            Label maps of numbers, its key (sequence, frame) and its place. A prediction that is None is empty.

        Returns
        -------
        Content
            Key and shape; position, number of frames, number of objects and pixels of each value of the truth; and a
            row for each pair of masks, see `columns`. Outlines only where they are asked for.

        Raises
        ------
        ShapeMismatch, StrayLabel, DatasetError, BadParameter, ResourceError
            For the first fault that is found.
        """
        place = _place(sample)
        truth = _image(truth_labels(sample.truth), "truth")
        if sample.prediction is None:
            prediction = np.zeros_like(truth)
        else:
            prediction = as_labels(sample.prediction, name="prediction")
            same_shape(truth, prediction)
            _refuse_strays(prediction, place.n_objects if self.by_number else None)
        return {
            "key": list(sample.key),
            "shape": list(truth.shape),
            "truth": [place.index, place.count, place.n_objects, [list(pair) for pair in _pixels(truth).items()]],
            "pairs": list(self._pairs(truth, prediction, place.n_objects)),
            **({OUTLINES: self._outlines(truth, prediction, place)} if self.readings else {}),
        }

    def _without_void(self, truth: Labels, prediction: Labels) -> tuple[Labels, Labels]:
        if not self.space.void_truth:
            return truth, prediction
        void = np.isin(truth, self.space.void_truth)
        return np.where(void, 0, truth), np.where(void, 0, prediction)

    def _pairs(self, truth: Labels, prediction: Labels, n_objects: int) -> Iterator[list[int]]:
        """Yield the row of each pair of masks: object, proposal and numbers."""
        # A proposal that is all in void is one of the proposals, though empty.
        numbers = [number for number in _pixels(prediction) if number > 0] if self.every_pair else []
        truth, prediction = self._without_void(truth, prediction)
        masks = {EMPTY: np.zeros(truth.shape, np.bool_), **{number: prediction == number for number in numbers}}
        for number in range(1, n_objects + 1):
            mask = truth == number
            answers = masks if self.every_pair else {number: prediction == number}
            for proposal, answer in answers.items():
                yield [number, proposal, *_numbers(mask, answer, self.bounds)]

    def _outlines(self, truth: Labels, prediction: Labels, place: Place) -> list[list[Any]]:
        numbers = set(range(1, place.n_objects + 1)) if self.by_number else set[int]()
        if self.every_pair:
            numbers |= {number for number in _pixels(prediction) if number > 0}
        _, prediction = self._without_void(truth, prediction)
        return outlines_of(prediction, sorted(numbers), place, self.readings)


def columns(bounds: Iterable[float]) -> list[str]:
    """Return what a row of a pair of masks holds: object, proposal, pixels, and hits at each of the `bounds`."""
    return ["object", "proposal", *PIXELS, *(column(name, bound) for bound in bounds for name in BOUNDARY)]


def column(name: str, bound: float) -> str:
    """Return the column of a boundary count by its `name` and tolerance, the `bound`."""
    return f"{name} {bound}"


def reach(shape: tuple[int, ...], bound: float) -> int:
    """Return the tolerance in pixels.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    bound : float
        From 1 on pixels; below, a share of the diagonal, which is rounded up.

    Returns
    -------
    int
        Pixels, in the floats of the official tool.
    """
    return int(bound) if bound >= 1 else math.ceil(bound * math.sqrt(shape[0] ** 2 + shape[1] ** 2))


def _pixels(labels: Labels) -> dict[int, int]:
    """Return how many pixels each value has, in the order of the values."""
    if labels.dtype == np.uint8:
        counts = np.bincount(labels.reshape(-1))
        return {value: int(counts[value]) for value in np.flatnonzero(counts).tolist()}
    values, counts = np.unique(labels, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _numbers(truth: Mask, prediction: Mask, bounds: Sequence[float]) -> Iterator[int]:
    yield int(np.count_nonzero(truth & prediction))
    yield int(np.count_nonzero(truth))
    yield int(np.count_nonzero(prediction))
    for bound in bounds:
        counts = mask_boundary_counts(
            truth=truth,
            prediction=prediction,
            reach_squared=reach(truth.shape, bound) ** 2,
            definition="seg2bmap",
            border="nothing",
        )
        yield from counts[2:].tolist()


def _place(sample: Sample) -> Place:
    if sample.place is None or len(sample.key) < 2:
        raise BadParameter(
            "an image without a place in a video", expected="a key (sequence, frame), and position, frames and objects"
        )
    return sample.place


def _image(labels: Labels, name: str) -> Labels:
    image_or_volume(labels, name=name)
    if labels.ndim != 2:
        raise BadParameter(f"{name} of shape {labels.shape}", expected="(rows, columns): a frame is an image")
    return labels


def _refuse_strays(prediction: Labels, n_objects: int | None) -> None:
    """Refuse numbers beyond those of the objects, or where these are None, beyond those of proposals."""
    most = MOST_PROPOSALS if n_objects is None else n_objects
    stray = (prediction < 0) | (prediction > most)
    if not (count := int(np.count_nonzero(stray))):
        return
    row, column = (int(i) for i in np.unravel_index(int(np.argmax(stray)), stray.shape))
    what = "at most so many proposals" if n_objects is None else "the objects of the first frame"
    is_binary = set(np.unique(prediction).tolist()) <= {0, 255}
    raise StrayLabel(
        f"prediction value {int(prediction[row, column])} at row {row}, column {column}, "
        f"{counted(count, 'stray pixel')} in all",
        expected=f"numbers up to {most}, {what}" if most else "0 in every pixel: the first frame has no object",
        mend="a 0/255 mask? write the number of the object in every pixel" if is_binary else "",
        pixel=(row, column),
        count=count,
    )
