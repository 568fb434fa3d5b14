"""One metric over images as they come, for use inside a program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from segbench.errors import BadParameter, SegbenchError
from segbench.labels import LabelSpace
from segbench.metrics.base import Metric, T
from segbench.result import Score
from segbench.samples import Key, Place, Sample


@dataclass
class Running(Generic[T]):
    """One metric over samples as they come: update, merge, compute.

    Parameters
    ----------
    metric : Metric
        The measure.
    space : LabelSpace or int
        The classes, or their number K for ids 0…K−1.
    void : int or iterable of int
        Ids without a label.

    Examples
    --------
    >>> from segbench.metrics.region import MeanIou
    >>> running = Running(MeanIou(), space=2, void=255)
    >>> running.update(truth=[[0, 1, 255]], prediction=[[0, 0, 1]])
    >>> running.compute().value
    0.25
    """

    metric: Metric[T]
    space: LabelSpace | int
    void: int | Iterable[int] = ()

    def __post_init__(self) -> None:
        self.space = LabelSpace.of(self.space, void=self.void)
        self._tally = self.metric.tally((self.metric,), self.space)
        self.state = self._tally.start()

    def __repr__(self) -> str:
        space = LabelSpace.of(self.space)
        void = ", ".join(map(str, space.void)) or "none"
        return f"<Running {self.metric}: {len(space.evaluated)} classes, void {void}>"

    def update(
        self,
        *,
        truth: Any,
        prediction: Any,
        instances: Any = None,
        key: Key = (),
        place: Place | None = None,
        spacing: Sequence[float] | None = None,
    ) -> None:
        """Count one image.

        Parameters
        ----------
        truth : array_like of int, shape (height, width) or (depth, height, width)
            A label map of ids.
        prediction : array_like of the same shape
            What the function of the metric takes: a label map of ids, levels of probability as uint8 or bool, or for
            membranes probabilities. None is missing: a miss in every pixel, level 0 or probability 0 everywhere.
        instances : array_like of int, optional
            Map of instance ids of the truth, for metrics that ask for it.
        key : tuple of str
            Names the image in errors; for metrics on instances it also orders the images and is required. For metrics
            on videos it is (sequence, frame).
        place : Place, optional
            For metrics on videos, where the frame stands in its video.
        spacing : sequence of float, optional
            For metrics on surfaces, how far pixels lie apart along each axis, in mm; 1 pixel when not given.

        Raises
        ------
        BadParameter
            For a metric on instances without a key, one on videos without a place, or a map that the metric does not
            take.
        ShapeMismatch, StrayLabel, VoidPrediction, DatasetError
            As the tally finds them; nothing is counted then.
        """
        if not key and self.metric.family == "instances":
            raise BadParameter(f"{self.metric} of an image without a key", expected="key=(name,), once each image")
        steps = None if spacing is None else tuple(spacing)
        try:
            self._tally.count_one(self.state, Sample(key, truth, prediction, instances, place, steps))
        except SegbenchError as error:
            if key:
                error.about("/".join(key))
            raise

    def merge(self, other: Running[T]) -> None:
        """Add what another accumulator has counted.

        Parameters
        ----------
        other : Running
            Of the same metric and space; left as it is.

        Raises
        ------
        BadParameter
            For another metric or space.
        """
        if (self.metric, self.space) != (other.metric, other.space):
            raise BadParameter(f"an accumulator of {other.metric}", expected=f"{self.metric} on the same space")
        self.state = self.state.merge(other.state)

    def compute(self) -> Score:
        """Return the score of all images so far."""
        return self.metric.compute(self.state, LabelSpace.of(self.space))
