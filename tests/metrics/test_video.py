"""J and F over frames: one frame by hand, statistics, assignment, and the faults of a frame."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench import FMean, JDecay, JfMean, JMean, JRecall, Place, Running
from segbench.errors import BadParameter, DatasetError, ShapeMismatch, StrayLabel
from segbench.labels import LabelClass, LabelSpace
from segbench.metrics.assignment import best_assignment
from segbench.metrics.video import METRICS, VideoMetric
from segbench.metrics.videocounts import MOST_PROPOSALS, VideoTally, reach
from segbench.metrics.videoscores import decay
from segbench.samples import Sample
from tests.metrics.video_cases import VOID, Labels, random_video, samples, scored
from tests.oracles import davis

SPACE = LabelSpace((LabelClass("background", 0), LabelClass("object", 1)), void=(VOID,))
SHAPE = (20, 30)


def square(value: int, top: int, left: int, size: int, shape: tuple[int, int] = SHAPE) -> Labels:
    labels = np.zeros(shape, np.uint8)
    labels[top : top + size, left : left + size] = value
    return labels


def one(truth: Any, prediction: Any, n_objects: int = 1, index: int = 1) -> Sample:
    """The middle one of three frames."""
    return Sample(("a", f"{index:05}"), truth, prediction, place=Place(index, 3, n_objects))


def j_and_f(truth: Labels, prediction: Labels) -> tuple[float, float]:
    frames = [one(truth, prediction)]
    return scored(JMean(), frames, SPACE).value, scored(FMean(), frames, SPACE).value


# One frame.


@pytest.mark.parametrize(("shift", "j", "f"), [(1, 9900 / 10100, 1.0), (8, 9200 / 10800, 1.0), (9, 9100 / 10900, 0.54)])
def test_the_cliff_at_the_tolerance(shift: int, j: float, f: float) -> None:
    """A ring of 101×101 has 400 pixels; shifted by 9 and seen up to 8, 216 of them are right."""
    shape = (480, 854)
    truth, prediction = square(1, 100, 100, 100, shape), square(1, 100, 100 + shift, 100, shape)
    assert j_and_f(truth, prediction) == j_and_f(prediction, truth) == (j, f)


@pytest.mark.parametrize(
    ("shape", "pixels"), [((375, 500), 5), ((480, 640), 7), ((480, 854), 8), ((1080, 1920), 18), ((2, 2), 1)]
)
def test_the_tolerance_is_rounded_up(shape: tuple[int, int], pixels: int) -> None:
    """5.0, 6.4, 7.84, 17.6 and 0.02 pixels."""
    assert reach(shape, 0.008) == pixels == davis.tolerance(shape)
    assert reach(shape, 3) == 3 and reach(shape, 1.0) == 1


def test_a_bound_in_pixels() -> None:
    frames = [one(square(1, 5, 5, 8), square(1, 5, 8, 8))]
    near, far = (scored(FMean(bound=bound), frames, SPACE).value for bound in (2, 3))
    assert near < 1.0 == far
    assert near == davis.f_measure(frames[0].truth, frames[0].prediction, bound=2)


@pytest.mark.parametrize("bound", [0.0, -1.0, 1.5])
def test_a_bound_that_is_no_radius_is_refused(bound: float) -> None:
    for cls in METRICS:
        with pytest.raises(BadParameter, match=f"bound={bound}; expected a share below 1, or a whole number of pixels"):
            cls(bound=bound)


EMPTY, FULL, LEFT = np.zeros(SHAPE, np.uint8), np.ones(SHAPE, np.uint8), square(1, 4, 4, 8)


@pytest.mark.parametrize(
    ("truth", "prediction", "j", "f"),
    [
        (EMPTY, EMPTY, 1.0, 1.0),
        (EMPTY, LEFT, 0.0, 0.0),
        (LEFT, EMPTY, 0.0, 0.0),
        (LEFT, square(1, 4, 20, 8), 0.0, 0.0),
        (FULL, EMPTY, 0.0, 1.0),
        (EMPTY, FULL, 0.0, 1.0),
        (FULL, LEFT, 64 / 600, 0.0),
        (VOID * FULL, LEFT, 1.0, 1.0),
    ],
)
def test_degenerate_masks(truth: Labels, prediction: Labels, j: float, f: float) -> None:
    assert j_and_f(truth, prediction) == (j, f)


# Over frames.


def test_decay_parts_the_frames_as_the_reference() -> None:
    rng = np.random.default_rng(3)
    for n in (*range(1, 40), 255, 256, 257, 258, 300, 512, 600, 1100):
        values = rng.random(n)
        for ids, wrap in (("exact", False), ("uint8", True)):
            found, expected = decay(values, ids), davis.statistics(values, wrap).decay  # type: ignore[arg-type]
            assert found.hex() == expected.hex(), (n, ids)
    assert math.isnan(decay(rng.random(300), "uint8"))


def test_recall_is_above_the_threshold() -> None:
    """Of J 1, 1/2 and 0 only the first is recalled at 0.5."""
    half = LEFT.copy()
    half[:, 8:] = 0
    frames = [Sample(("a", str(i)), LEFT, p, place=Place(i, 3, 1)) for i, p in enumerate((LEFT, half, EMPTY))]
    for threshold, recall in ((0.5, 1 / 3), (0.25, 2 / 3)):
        assert scored(JRecall(frames="all", threshold=threshold), frames, SPACE).value == recall
    assert scored(JDecay(frames="all"), frames, SPACE).value == 0.75  # bins of 1, 1/2 and of 0
    assert scored(JMean(), frames, SPACE).value == 0.5  # the inner frame


def test_means_over_objects_and_over_videos() -> None:
    two = LEFT + square(2, 4, 20, 8)
    frames = [one(two, two, 2), Sample(("b", "1"), LEFT, EMPTY, place=Place(1, 3, 1))]
    over = {average: scored(JMean(average=average), frames, SPACE) for average in ("objects", "sequences")}
    assert (over["objects"].value, over["objects"].per_class) == (2 / 3, {"a_1": 1.0, "a_2": 1.0, "b_1": 0.0})
    assert (over["sequences"].value, over["sequences"].per_class) == (0.5, {"a": 1.0, "b": 0.0})


def test_the_parts_of_jf_are_those_of_j_and_f() -> None:
    video = random_video(np.random.default_rng(1), (40, 50), 8, n_objects=3, n_proposals=5, void=True)
    frames = samples("a", video, 3, ends=True)
    how: dict[str, Any] = {"frames": "all", "assignment": "best"}
    j, f, jf = (scored(cls(**how), frames, SPACE) for cls in (JMean, FMean, JfMean))
    assert jf.value == (j.value + f.value) / 2 and 0 < jf.value < 1
    assert jf.per_class == {name: (j.per_class[name] + f.per_class[name]) / 2 for name in j.per_class}
    assert len(jf.per_class) == 3


def test_no_object_is_no_score() -> None:
    frames = [one(EMPTY, EMPTY, 0)]
    tally = VideoTally(SPACE)
    state = tally.start()
    tally.count_into(state, frames)
    assert tally.is_empty(state) and tally.is_empty(tally.start())
    assert all(math.isnan(scored(cls(), frames, SPACE).value) for cls in METRICS)
    tally.count_into(state, [one(LEFT, EMPTY)])
    assert not tally.is_empty(state)


# Assignment.


def test_assignment_is_not_greedy() -> None:
    assert best_assignment(np.array([[0.9, 0.8], [0.8, 0.1]])) == [(0, 1), (1, 0)]
    assert best_assignment(np.array([[0.1], [0.9], [0.5]])) == [(1, 0)]


def test_of_many_proposals_the_best_sum() -> None:
    rng = np.random.default_rng(8)
    for _ in range(100):
        gains = rng.integers(0, 9, (int(rng.integers(1, 5)), int(rng.integers(1, 4)))) / 8
        pairs = best_assignment(gains)
        assert sum(gains[pair] for pair in pairs) == largest(gains)
        assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == min(gains.shape)


def largest(gains: NDArray[np.float64]) -> float:
    """The largest sum with as many pairs as there can be, by trying all."""
    if not min(gains.shape):
        return 0.0
    if gains.shape[1] > gains.shape[0]:
        gains = gains.T
    return max(
        float(gains[row, 0]) + largest(np.delete(gains, row, 0)[:, 1:] if gains.shape[1] > 1 else np.empty((0, 0)))
        for row in range(gains.shape[0])
    )


# Faults, and the accumulator.


@pytest.mark.parametrize("cls", METRICS)
def test_faults_of_a_frame(cls: type[VideoMetric]) -> None:
    tally = cls.tally((cls(),), SPACE)
    cases: list[tuple[type[Exception], str, Sample]] = [
        (BadParameter, "without a place in a video", replace(one(LEFT, LEFT), place=None)),
        (BadParameter, "without a place in a video", replace(one(LEFT, LEFT), key=("a",))),
        (BadParameter, "a frame is an image", one(LEFT[None], LEFT[None])),
        (ShapeMismatch, "transposed", one(LEFT, LEFT.T)),
        (
            StrayLabel,
            "value 2 at row 4, column 4, 64 stray pixels in all; expected numbers up to 1",
            one(LEFT, 2 * LEFT),
        ),
        (StrayLabel, "value 255 .* a 0/255 mask", one(LEFT, 255 * LEFT)),
        (StrayLabel, "value -1 at row 0, column 0", one(LEFT, LEFT.astype(int) - 1)),
        (StrayLabel, "the first frame has no object", one(LEFT, LEFT, 0)),
        (DatasetError, "whole number", one(LEFT + 0.5, LEFT)),
    ]
    for kind, said, sample in cases:
        state = tally.start()
        with pytest.raises(kind, match=said):
            tally.count_into(state, [sample])
        assert state.to_bytes() == tally.start().to_bytes()


def test_proposals_beyond_the_limit() -> None:
    best = JMean(assignment="best")
    assert scored(best, [one(LEFT, MOST_PROPOSALS * LEFT)], SPACE).value == 1.0
    with pytest.raises(StrayLabel, match="value 21 .* numbers up to 20, at most so many proposals"):
        scored(best, [one(LEFT, (MOST_PROPOSALS + 1) * LEFT)], SPACE)
    # Where objects answer to their numbers as well, there may be no more numbers than objects.
    tally = JMean.tally((best, JMean()), SPACE)
    with pytest.raises(StrayLabel, match="numbers up to 1, the objects of the first frame"):
        tally.count_into(tally.start(), [one(LEFT, 2 * LEFT)])


def test_boundaries_are_counted_only_where_they_are_asked_for() -> None:
    assert JMean.tally((JMean(), JRecall()), SPACE).bounds == ()
    assert JMean.tally((JMean(), FMean(), FMean(bound=2)), SPACE).bounds == (0.008, 2)
    assert JMean.tally((JMean(assignment="best"),), SPACE).bounds == (0.008,)


def test_running_takes_frames_with_their_place() -> None:
    video = random_video(np.random.default_rng(4), (20, 30), 6, n_objects=2, n_proposals=2, void=False)
    frames = samples("a", video, 2, ends=True)
    runs = [Running(JfMean(), SPACE) for _ in range(2)]
    for i, s in enumerate(frames):
        runs[i % 2].update(truth=s.truth, prediction=s.prediction, key=s.key, place=s.place)
    runs[0].merge(runs[1])
    assert runs[0].compute() == scored(JfMean(), frames, SPACE)
