"""What becomes of J and F when the frames of a video are moved, framed, corrected or renumbered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from segbench import FMean, JfMean, JMean
from segbench.metrics.video import METRICS
from segbench.samples import Sample
from tests.metrics.test_video import SPACE, one, square
from tests.metrics.video_cases import VOID, random_video, samples, scored


def random_frames(seed: int) -> list[Sample]:
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(3, 70)), int(rng.integers(3, 70))
    video = random_video(rng, shape, int(rng.integers(3, 7)), n_objects=2, n_proposals=2, void=seed % 2 == 0)
    return samples("a", video, 2, ends=True)


def moved(frames: list[Sample], move: Callable[[Any], Any]) -> list[Sample]:
    return [replace(s, truth=move(s.truth), prediction=move(s.prediction)) for s in frames]


@pytest.mark.parametrize("seed", range(20))
def test_j_knows_no_direction_and_f_only_one(seed: int) -> None:
    frames = random_frames(seed)
    for move in (np.fliplr, np.flipud, np.transpose):
        assert scored(JMean(), moved(frames, move), SPACE) == scored(JMean(), frames, SPACE)
    # Boundaries lie to the upper left: rows and columns may be exchanged, but not turned round.
    assert scored(FMean(), moved(frames, np.transpose), SPACE) == scored(FMean(), frames, SPACE)


def test_f_depends_on_the_direction() -> None:
    """Turned round, the boundary of a square in the corner has lines on all sides instead of on two."""
    frames = [one(square(1, 0, 0, 3), square(1, 0, 0, 4) + square(1, 15, 15, 5))]
    assert scored(FMean(), frames, SPACE) != scored(FMean(), moved(frames, lambda m: m[::-1, ::-1]), SPACE)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_predicted_in_void_changes_nothing(seed: int) -> None:
    frames = random_frames(2 * seed)
    rng = np.random.default_rng(seed)
    noise = [
        np.where(s.truth == VOID, rng.integers(0, 3, s.truth.shape), s.prediction).astype(np.uint8) for s in frames
    ]
    changed = [replace(s, prediction=p) for s, p in zip(frames, noise, strict=True)]
    for cls in METRICS:
        assert scored(cls(frames="all"), changed, SPACE) == scored(cls(frames="all"), frames, SPACE)


@pytest.mark.parametrize("seed", range(20))
def test_a_frame_of_void_changes_only_the_tolerance(seed: int) -> None:
    frames = random_frames(2 * seed)
    framed = moved(frames, lambda m: np.pad(m, 2))
    framed = [replace(s, truth=np.pad(t.truth, 2, constant_values=VOID)) for s, t in zip(framed, frames, strict=True)]
    assert scored(JMean(), framed, SPACE) == scored(JMean(), frames, SPACE)


@pytest.mark.parametrize("seed", range(30))
def test_a_pixel_corrected_never_lowers_j(seed: int) -> None:
    frames = random_frames(seed)
    metric = JMean(frames="all")
    rng = np.random.default_rng(seed)
    which = int(rng.integers(len(frames)))
    frame = frames[which]
    right = np.where(frame.truth <= 2, frame.truth, 0)
    wrong = np.argwhere((right != frame.prediction) & (frame.truth != VOID))
    if len(wrong):
        pixel = tuple(wrong[rng.integers(len(wrong))])
        prediction = frame.prediction.copy()
        prediction[pixel] = right[pixel]
        better = [*frames[:which], replace(frame, prediction=prediction), *frames[which + 1 :]]
        assert scored(metric, better, SPACE).value >= scored(metric, frames, SPACE).value


@pytest.mark.parametrize("seed", range(10))
def test_moving_everything_inside_a_wide_margin_changes_nothing(seed: int) -> None:
    frames = moved(random_frames(2 * seed + 1), lambda m: np.pad(m, 8))
    rolled = moved(frames, lambda m: np.roll(m, (3, -4), (0, 1)))
    for cls in (JMean, FMean):
        assert scored(cls(), rolled, SPACE) == scored(cls(), frames, SPACE)


def test_a_renumbered_video_scores_the_same() -> None:
    rng = np.random.default_rng(2)
    for seed in range(20):
        video = random_video(np.random.default_rng(seed), (30, 40), 5, n_objects=3, n_proposals=6, void=True)
        frames = samples("a", video, 3, ends=True)
        # Among themselves: a number that is not used is an empty proposal, as long as a larger one is.
        used = np.unique([frame.prediction for frame in frames])[1:]
        number = np.zeros(256, np.uint8)
        number[used] = rng.permutation(used)
        renumbered = [replace(frame, prediction=number[frame.prediction]) for frame in frames]
        metric = JfMean(assignment="best", frames="all")
        before, after = (scored(metric, f, SPACE) for f in (frames, renumbered))
        # Objects are added in the order of their proposals, which is another one now; three numbers below 1.
        assert abs(before.value - after.value) <= 3 * 2.0**-53
