"""T of objects in videos, the temporal stability of DAVIS 2016: how much outlines change from frame to frame.

The outline of a mask is that of its contours with the most corners once they are simplified. Shape contexts of points
along the outlines of two frames that follow each other are matched, and the mean cost of the matches, times five, is
the value of the pair. Truth does not enter it.

Source: Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation, CVPR 2016, with
the tools fperazzi/davis and davisvideochallenge/davis-matlab.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from segbench.frozen import dataclass
from segbench.kernels.polygons import N_BINS, Contexts, Outline, Reading
from segbench.late import late
from segbench.metrics.outlines import Mask, counted_outlines
from segbench.metrics.states import State
from segbench.metrics.video import VideoMean, VideoMetric
from segbench.metrics.videoscores import Answer, Series

_shape_contexts = late("segbench.kernels.stability:shape_contexts")
_matching_cost = late("segbench.kernels.stability:matching_cost")

#: What the mean cost of a pair of frames is multiplied with.
SCALE = 5.0

#: The shape contexts where there is no outline.
NO_POINT: Contexts = np.empty((0, N_BINS), np.int64)

#: Videos of DAVIS 2016 whose objects are occluded or change their shape too much for T to mean anything.
LEFT_OUT = frozenset(
    (
        *("bmx-bumps", "bmx-trees", "breakdance", "breakdance-flare", "dance-twirl", "dog", "dog-agility"),
        *("drift-chicane", "goat", "horsejump-high", "horsejump-low", "libby", "lucia", "mallard-fly"),
        *("motocross-jump", "motorbike", "paragliding", "parkour", "rollerblade", "scooter-gray", "soccerball"),
        *("swing", "tennis"),
    )
)


@dataclass(frozen=True)
class TMean(VideoMean):
    """Mean temporal instability: how much the outline of an answer changes from frame to frame, then over objects.

    A pair of frames of which one has no outline is left out, as is a video without any pair: an empty prediction is
    not bad here, but undefined. Objects of two by two pixels have no outline.

    Parameters
    ----------
    reading : {'python', 'matlab'}
        Which of two official tools is followed. They differ by some 8 %, and the published numbers are those of
        ``matlab``, which also compares the truth of the first frame with the second.
    sequences : {'all', 'official'}
        Whether the 23 videos are left out for which DAVIS 2016 gives no T. Videos of other names are never left out.
    """

    name: ClassVar[str] = "t_mean"
    formula: ClassVar[str] = "mean over objects of the mean over pairs of frames of 5 · T"
    measures: ClassVar[tuple[str, ...]] = ("t",)
    higher_is_better: ClassVar[bool] = False

    reading: Reading = "python"
    sequences: Literal["all", "official"] = "all"

    @property
    def outlines(self) -> Reading:
        """The official tool by whose rules outlines are taken."""
        return self.reading

    @property
    def starts_from_truth(self) -> bool:
        """Whether the second frame of each video is compared with the truth of the first."""
        return self.reading == "matlab"

    def statistic(self, values: Series) -> float:
        """Return five times the mean of the defined `values` of pairs of frames."""
        if np.isnan(values).all():
            return math.nan
        if self.reading == "matlab":
            return float(SCALE * np.nanmean(values))
        return float(np.nanmean(self.with_ends(SCALE * values)))

    def mean(self, values: Sequence[float]) -> float:
        """Return the mean of `values` over objects or videos, added one by one; Matlab skips none that is undefined."""
        defined = [value for value in values if self.reading == "matlab" or not math.isnan(value)]
        return sum(defined) / len(defined) if defined else math.nan

    def answers(self, state: State) -> list[Answer]:
        """Return the objects in a `state`, with the value of each pair of frames."""
        found = [answer for answer in VideoMean.answers(self, state) if self._is_counted(answer.sequence)]
        outlines = counted_outlines(state, self.reading)
        for answer in found:
            answer.measures["t"] = np.array(list(self._pairs(answer, outlines)), np.float64)
        return found

    def _is_counted(self, sequence: str) -> bool:
        return self.sequences == "all" or sequence not in LEFT_OUT

    def _pairs(self, answer: Answer, outlines: Mapping[Mask, Outline]) -> Iterator[float]:
        """Yield the mean cost of each pair of neighbouring frames, where one is made of them at all."""
        before, contexts_before = None, NO_POINT
        for frame, number in self._walk(answer):
            outline = outlines.get((answer.sequence, frame, number))
            contexts = NO_POINT if outline is None else _shape_contexts(outline=outline, reading=self.reading)
            if before == frame - 1:
                yield _matching_cost(before=contexts_before, after=contexts)
            before, contexts_before = frame, contexts

    def _walk(self, answer: Answer) -> list[tuple[int, int]]:
        """Return the frames that are compared, each with the number of its mask: at first the true one for Matlab."""
        frames = [(frame, answer.proposal) for frame in answer.frames.tolist()]
        return [(0, answer.number), *(pair for pair in frames if pair[0])] if self.starts_from_truth else frames


METRICS: tuple[type[VideoMetric], ...] = (TMean,)
