"""J and F of objects in videos, the measures of DAVIS: region similarity and contour accuracy over frames.

J of a frame is the IoU of an object and the mask that answers it. F is the F measure of their boundaries, of which a
pixel is right when the other boundary comes within a tolerance. Each object has a mean, a recall and a decay over the
frames of its video.

Source: Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation, CVPR 2016, with
the tools fperazzi/davis (2016) and davisvideochallenge/davis2017-evaluation, whose order of floating-point operations
is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.kernels.polygons import Reading
from segbench.labels import LabelSpace
from segbench.metrics.base import Metric
from segbench.metrics.states import State
from segbench.metrics.videocounts import VideoTally
from segbench.metrics.videoscores import Answer, Assignment, FrameIds, Frames, Series, answers, decay
from segbench.result import Score


@dataclass(frozen=True)
class VideoMetric(Metric[VideoTally]):
    """A statistic over frames, and its mean over objects.

    Parameters
    ----------
    frames : {'inner', 'all'}
        Whether the first and the last frame of each video are left out.
    assignment : {'identity', 'best'}
        ``identity`` answers an object by the proposal of its own number. ``best`` assigns the proposals of a video to
        its objects by the largest sum of mean (J + F) / 2.
    bound : float
        The tolerance of F: a share of the image diagonal, rounded up to pixels, or from 1 on whole pixels. J depends
        on it only where the best assignment does.
    average : {'objects', 'sequences'}
        Whether the value is the mean over the objects of all videos, or over videos of the mean over their objects.
    """

    family: ClassVar[str] = "video"
    #: The measures whose statistic is taken; of several the mean.
    measures: ClassVar[tuple[str, ...]]

    frames: Frames = "inner"
    assignment: Assignment = "identity"
    bound: float = 0.008
    average: Literal["objects", "sequences"] = "objects"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bound <= 0 or (self.bound >= 1 and self.bound != int(self.bound)):
            raise BadParameter(
                f"{self.name}: bound={self.bound}", expected="a share below 1, or a whole number of pixels"
            )

    @classmethod
    def tally(cls, metrics: Sequence[Metric[Any]], space: LabelSpace) -> VideoTally:
        """Return the one tally that serves several video `metrics` on a `space`."""
        video = [metric for metric in metrics if isinstance(metric, VideoMetric)]
        bounds = sorted({metric.bound for metric in video if metric.has_boundaries})
        assignments = {metric.assignment for metric in video}
        readings = sorted({metric.outlines for metric in video if metric.outlines})
        return VideoTally(space, "identity" in assignments, "best" in assignments, tuple(bounds), tuple(readings))

    @property
    def has_boundaries(self) -> bool:
        """Whether boundaries have to be counted."""
        return "f" in self.measures or self.assignment == "best"

    @property
    def outlines(self) -> Reading | None:
        """The official tool by whose rules outlines are taken; None where none are needed."""
        return None

    def statistic(self, values: Series) -> float:
        """Return the number that the `values` of a measure by frame come to."""
        raise NotImplementedError

    def mean(self, values: Sequence[float]) -> float:
        """Return the mean of `values` over objects or videos."""
        return float(np.mean(values))

    def answers(self, state: State) -> list[Answer]:
        """Return the objects in a `state`, with the measures of each."""
        bound = self.bound if self.has_boundaries else None
        return answers(state, frames=self.frames, assignment=self.assignment, bound=bound)

    def compute(self, state: State, space: LabelSpace) -> Score:
        """Return the mean over objects; by class stand the objects, or videos, by name."""
        found = self.answers(state)
        if not found:
            return Score(math.nan, {}, self.unit, self.higher_is_better)
        of_measures = [[self.statistic(answer.measures[name]) for answer in found] for name in self.measures]
        parts = [self._parts(found, values) for values in of_measures]
        # Means of means, in this order: the mean of J and F over all comes last.
        value = self.mean([self.mean(list(part.values())) for part in parts])
        if self.average == "objects":
            value = self.mean([self.mean(values) for values in of_measures])
        names = sorted(parts[0])
        per_class = {_named(*name): self.mean([part[name] for part in parts]) for name in names}
        return Score(value, per_class, self.unit, self.higher_is_better)

    def _parts(self, found: Sequence[Answer], values: Sequence[float]) -> dict[tuple[str, int], float]:
        """Return the value of each object, or of each video as object 0."""
        pairs = list(zip(found, values, strict=True))
        if self.average == "objects":
            return {(answer.sequence, answer.number): value for answer, value in pairs}
        names = dict.fromkeys(answer.sequence for answer in found)
        return {(name, 0): self.mean([value for answer, value in pairs if answer.sequence == name]) for name in names}


@dataclass(frozen=True)
class VideoMean(VideoMetric):
    """The mean over frames.

    Parameters
    ----------
    ends : {'cut', 'nan'}
        What stands for frames that are left out in the sum over frames: nothing, or an undefined value at either end,
        as in the tool of 2016. This moves the last bit of a mean at most.
    """

    ends: Literal["cut", "nan"] = "cut"

    def statistic(self, values: Series) -> float:
        """Return the mean of the `values` of a measure by frame."""
        return float(np.mean(values)) if self._is_cut else float(np.nanmean(self.with_ends(values)))

    def with_ends(self, values: Series) -> Series:
        """Return the `values` of a measure by frame with those that stand for frames left out."""
        return values if self._is_cut else np.concatenate([[np.nan], values, [np.nan]])

    @property
    def _is_cut(self) -> bool:
        return self.ends == "cut" or self.frames == "all"


@dataclass(frozen=True)
class VideoRecall(VideoMetric):
    """The share of frames above a threshold.

    Parameters
    ----------
    threshold : float
        A frame is recalled when its value is larger than this.
    """

    threshold: float = 0.5

    def statistic(self, values: Series) -> float:
        """Return the share of the `values` of a measure by frame that lie above the threshold."""
        return float(np.mean(values > self.threshold))


@dataclass(frozen=True)
class VideoDecay(VideoMetric):
    """The loss from the first to the last quarter of the frames.

    Parameters
    ----------
    frame_ids : {'exact', 'uint8'}
        Whether the numbers of the frames that part the quarters are kept in 8 bits, as in the official tools, which is
        wrong from 257 frames on.
    """

    higher_is_better: ClassVar[bool] = False

    frame_ids: FrameIds = "exact"

    def statistic(self, values: Series) -> float:
        """Return the mean over the first quarter of the `values` less that over the last."""
        return decay(values, self.frame_ids)


@dataclass(frozen=True)
class JMean(VideoMean):
    """Mean region similarity: IoU of an object and its answer over frames, then over objects.

    A frame in which both are empty scores 1.

    Examples
    --------
    >>> from segbench import JMean, Place, Running
    >>> running = Running(JMean(frames="all"), space=2)
    >>> for i, truth in enumerate(([[1, 1, 0]], [[1, 0, 0]])):
    ...     place = Place(i, 2, n_objects=1)
    ...     running.update(truth=truth, prediction=[[1, 0, 0]], key=("bear", f"{i:05}"), place=place)
    >>> running.compute().value
    0.75
    """

    name: ClassVar[str] = "j_mean"
    formula: ClassVar[str] = "mean over objects of the mean over frames of J"
    measures: ClassVar[tuple[str, ...]] = ("j",)


@dataclass(frozen=True)
class JRecall(VideoRecall):
    """Share of frames in which the region similarity of an object is above a threshold, then its mean over objects."""

    name: ClassVar[str] = "j_recall"
    formula: ClassVar[str] = "mean over objects of the share of frames with J > threshold"
    measures: ClassVar[tuple[str, ...]] = ("j",)


@dataclass(frozen=True)
class JDecay(VideoDecay):
    """Loss of region similarity from the first to the last quarter of a video, then its mean over objects."""

    name: ClassVar[str] = "j_decay"
    formula: ClassVar[str] = "mean over objects of mean J over the first quarter of frames − mean J over the last"
    measures: ClassVar[tuple[str, ...]] = ("j",)


@dataclass(frozen=True)
class FMean(VideoMean):
    """Mean contour accuracy: F measure of the boundaries of an object and its answer over frames, then over objects.

    A frame in which neither mask has a boundary scores 1: so does a mask that fills the image, which has none.
    """

    name: ClassVar[str] = "f_mean"
    formula: ClassVar[str] = "mean over objects of the mean over frames of F"
    measures: ClassVar[tuple[str, ...]] = ("f",)


@dataclass(frozen=True)
class FRecall(VideoRecall):
    """Share of frames in which the contour accuracy of an object is above a threshold, then its mean over objects."""

    name: ClassVar[str] = "f_recall"
    formula: ClassVar[str] = "mean over objects of the share of frames with F > threshold"
    measures: ClassVar[tuple[str, ...]] = ("f",)


@dataclass(frozen=True)
class FDecay(VideoDecay):
    """Loss of contour accuracy from the first to the last quarter of a video, then its mean over objects."""

    name: ClassVar[str] = "f_decay"
    formula: ClassVar[str] = "mean over objects of mean F over the first quarter of frames − mean F over the last"
    measures: ClassVar[tuple[str, ...]] = ("f",)


@dataclass(frozen=True)
class JfMean(VideoMean):
    """J&F: the average of mean region similarity and mean contour accuracy, the score DAVIS 2017 ranks by."""

    name: ClassVar[str] = "jf_mean"
    formula: ClassVar[str] = "(j_mean + f_mean) / 2"
    measures: ClassVar[tuple[str, ...]] = ("j", "f")


def _named(sequence: str, number: int) -> str:
    return f"{sequence}_{number}" if number else sequence


METRICS: tuple[type[VideoMetric], ...] = (JMean, JRecall, JDecay, FMean, FRecall, FDecay, JfMean)
