"""T over frames: which frames are compared, what is left out, and both readings against the reference of the tools."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from segbench import JfMean, JMean, Place, Running, TMean
from segbench.errors import BadParameter, ResourceError
from segbench.labels import LabelClass, LabelSpace
from segbench.metrics.stability import LEFT_OUT
from segbench.metrics.video import VideoMetric
from segbench.metrics.videocounts import VideoTally
from segbench.samples import Sample
from tests.kernels.outlined import blobs
from tests.metrics.video_cases import VOID, Labels, scored
from tests.oracles import davis_stability
from tests.oracles.davis_stability import MATLAB, PYTHON

SPACE = LabelSpace((LabelClass("background", 0), LabelClass("object", 1)), void=(VOID,))
SHAPE = (14, 20)


def rectangle(top: int, left: int, height: int, width: int, value: int = 1) -> Labels:
    labels = np.zeros(SHAPE, np.uint8)
    labels[top : top + height, left : left + width] = value
    return labels


EMPTY, SQUARE, FLAT, TINY = rectangle(0, 0, 0, 0), rectangle(1, 2, 3, 3), rectangle(1, 2, 2, 3), rectangle(1, 2, 2, 2)
#: What the reference says of SQUARE and FLAT, and what is worked out by hand beside it: 6/25.
CHANGE = davis_stability.instability(SQUARE, FLAT)
#: The metric as DAVIS 2016 sets it.
OFFICIAL: dict[str, Any] = {"average": "sequences", "ends": "nan", "sequences": "official"}


def frames_of(
    name: str, predictions: Sequence[Labels], truth: Labels | None = None, n_objects: int = 1
) -> list[Sample]:
    """All frames of a video; the truth of the first is what the second one is given, unless told otherwise."""
    first = predictions[0] if truth is None else truth
    places = (Place(i, len(predictions), n_objects, first if i == 1 else None) for i in range(len(predictions)))
    return [
        Sample((name, f"{place.index:05}"), truth if truth is not None else p, p, place=place)
        for place, p in zip(places, predictions, strict=True)
    ]


def value(metric: VideoMetric, predictions: Sequence[Labels], **options: Any) -> float:
    return scored(metric, frames_of("a", predictions, **options), SPACE).value


def random_videos(rng: np.random.Generator, names: Sequence[str]) -> dict[str, list[Labels]]:
    """Small videos of blobs that change, sometimes to nothing."""
    videos = {}
    for name in names:
        shape = int(rng.integers(9, 40)), int(rng.integers(9, 40))
        mask = blobs(rng, shape)
        videos[name] = []
        for _ in range(int(rng.integers(4, 8))):
            flipped = blobs(rng, shape) & (rng.random() < 0.5)
            frame = np.roll(mask, rng.integers(-2, 3, 2), (0, 1)) & ~flipped & (rng.random() < 0.9)
            videos[name].append(frame.astype(np.uint8))
    return videos


def as_frames(videos: Mapping[str, Sequence[Labels]]) -> list[Sample]:
    return [sample for name, predictions in videos.items() for sample in frames_of(name, predictions)]


# Which frames are compared.


def test_a_value_by_hand() -> None:
    """Five points each; four see one of five in another ring, one sees two: (4 · 1/5 + 2/5) / 5, times five."""
    assert pytest.approx((4 * 1 / 5 + 2 / 5) / 5, abs=1e-14) == CHANGE
    assert value(TMean(), [EMPTY, SQUARE, FLAT, EMPTY]) == 5 * CHANGE
    assert value(TMean(), [EMPTY, SQUARE, np.roll(SQUARE, 5, 1), EMPTY]) == 0.0


def test_the_ends_are_left_out_or_not() -> None:
    assert value(TMean(), [FLAT, SQUARE, SQUARE, FLAT]) == 0.0
    assert value(TMean(frames="all"), [FLAT, SQUARE, SQUARE]) > 0.0
    assert math.isnan(value(TMean(), [SQUARE] * 3))  # one frame is no pair
    assert value(TMean(frames="all"), [SQUARE] * 3) == 0.0


@pytest.mark.parametrize("gone", [EMPTY, TINY])
def test_a_frame_without_an_outline_takes_two_pairs_with_it(gone: Labels) -> None:
    assert value(TMean(), [EMPTY, SQUARE, FLAT, gone, FLAT, SQUARE, gone, EMPTY]) == pytest.approx(
        5 * (CHANGE + davis_stability.instability(FLAT, SQUARE)) / 2, abs=1e-15
    )
    assert math.isnan(value(TMean(), [gone] * 6))


def test_frames_that_were_not_counted_are_not_skipped_over() -> None:
    frames = frames_of("a", [EMPTY, SQUARE, FLAT, SQUARE, EMPTY])
    assert math.isnan(scored(TMean(), [frames[1], frames[3]], SPACE).value)
    assert scored(TMean(), frames[1:3], SPACE).value == 5 * CHANGE


def test_a_missing_prediction_is_an_empty_one() -> None:
    frames = frames_of("a", [EMPTY, SQUARE, FLAT, SQUARE, EMPTY])
    gone = Sample(frames[3].key, frames[3].truth, None, place=frames[3].place)
    assert scored(TMean(), [*frames[:3], gone, frames[4]], SPACE).value == 5 * CHANGE


def test_the_truth_does_not_matter() -> None:
    predictions = [EMPTY, SQUARE, FLAT, EMPTY]
    assert value(TMean(), predictions, truth=rectangle(3, 3, 9, 9)) == value(TMean(), predictions)


# Which videos and objects count.


def test_videos_that_are_left_out() -> None:
    videos = {name: [EMPTY, SQUARE, FLAT, EMPTY] for name in ("car-shadow", "dog", "mine")}
    videos["dog"] = [EMPTY, SQUARE, SQUARE, EMPTY]
    found = scored(TMean(sequences="official"), as_frames(videos), SPACE)
    assert (found.value, found.per_class) == (5 * CHANGE, {"car-shadow_1": 5 * CHANGE, "mine_1": 5 * CHANGE})
    every = scored(TMean(), as_frames(videos), SPACE)
    assert every.value == pytest.approx(10 * CHANGE / 3, abs=1e-15) and every.per_class["dog_1"] == 0.0
    alone = scored(TMean(sequences="official"), as_frames({"dog": videos["dog"]}), SPACE)
    assert math.isnan(alone.value) and alone.per_class == {}


def test_the_list_is_that_of_the_reference() -> None:
    assert LEFT_OUT == davis_stability.LEFT_OUT and len(LEFT_OUT) == 50 - 27


def test_each_object_has_its_own_outline() -> None:
    other = [np.roll(labels, 8, 1) * np.uint8(2) for labels in (EMPTY, SQUARE, SQUARE, EMPTY)]
    both = [one + two for one, two in zip([EMPTY, SQUARE, FLAT, EMPTY], other, strict=True)]
    found = scored(TMean(), frames_of("a", both, n_objects=2), SPACE)
    assert found.per_class == {"a_1": 5 * CHANGE, "a_2": 0.0} and found.value == 5 * CHANGE / 2


@pytest.mark.parametrize("reading", ["python", "matlab"])
def test_the_best_assignment_decides_whose_outline_it_is(reading: Any) -> None:
    """The object is answered by proposal 7; for Matlab the truth of the first frame is still object 1."""
    predictions = [EMPTY, 7 * SQUARE, 7 * FLAT + rectangle(8, 8, 5, 5, 3), EMPTY]
    frames = frames_of("a", predictions, truth=SQUARE)
    found = scored(TMean(assignment="best", reading=reading), frames, SPACE)
    expected = scored(TMean(reading=reading), frames_of("a", [EMPTY, SQUARE, FLAT, EMPTY], truth=SQUARE), SPACE)
    assert found == expected and found.value > 0


def test_void_is_cut_out() -> None:
    truth = rectangle(0, 0, 14, 4, VOID)
    predictions = [EMPTY, SQUARE, SQUARE, EMPTY]
    assert math.isnan(value(TMean(), predictions, truth=truth))  # of 3×3 pixels 3×1 are left


# Both tools.


@pytest.mark.parametrize("seed", range(6))
def test_python_is_equal_to_the_reference_to_the_last_bit(seed: int) -> None:
    videos = random_videos(np.random.default_rng(seed), ["bear", "dog", "boat", "train", "mine"])
    expected = {name: davis_stability.stability(predictions) for name, predictions in sorted(videos.items())}
    found = scored(TMean(**OFFICIAL), as_frames(videos), SPACE)
    assert found.value.hex() == davis_stability.mean_stability(expected).hex() and found.value > 0
    assert {name: v.hex() for name, v in found.per_class.items()} == {
        name: v.hex() for name, v in expected.items() if name != "dog"
    }


@pytest.mark.parametrize("seed", range(6))
def test_matlab_starts_from_the_truth_and_skips_no_video(seed: int) -> None:
    videos = random_videos(np.random.default_rng(100 + seed), ["bear", "dog", "boat"])
    videos |= {"mine": [EMPTY] * 5} if seed == 0 else {}
    expected = {name: davis_stability.stability(p, MATLAB, first_truth=p[0]) for name, p in sorted(videos.items())}
    found = scored(TMean(reading="matlab", **OFFICIAL), as_frames(videos), SPACE)
    assert found.value.hex() == davis_stability.mean_stability(expected, MATLAB).hex()
    assert math.isnan(found.value) == any(math.isnan(v) for v in found.per_class.values())
    assert {name: v.hex() for name, v in found.per_class.items()} == {
        name: v.hex() for name, v in expected.items() if name != "dog"
    }


def test_the_readings_differ_on_what_turns() -> None:
    bent = rectangle(2, 2, 9, 4) + rectangle(7, 6, 4, 9)
    predictions = [bent, bent, np.flipud(bent), bent]
    tools = {"python": PYTHON, "matlab": MATLAB}
    found = {name: value(TMean(reading=name), predictions, truth=bent) for name in tools}  # type: ignore[arg-type]
    expected = {n: davis_stability.stability(predictions, tool, first_truth=bent) for n, tool in tools.items()}
    assert found == expected and found["python"] != found["matlab"]


def test_matlab_needs_the_truth_of_the_first_frame() -> None:
    frames = [Sample(("a", "1"), SQUARE, SQUARE, place=Place(1, 4, 1))]
    with pytest.raises(BadParameter, match="second frame of a video without the truth of the first"):
        scored(TMean(reading="matlab"), frames, SPACE)
    assert math.isnan(scored(TMean(), frames, SPACE).value)


def test_with_all_frames_matlab_has_the_truth_for_the_first_prediction() -> None:
    predictions = [FLAT, SQUARE, SQUARE, SQUARE]
    assert value(TMean(frames="all", reading="matlab"), predictions, truth=SQUARE) == 0.0
    assert value(TMean(frames="all"), predictions, truth=SQUARE) > 0.0


# Counting.


def test_outlines_are_taken_only_where_they_are_asked_for() -> None:
    frames = frames_of("a", [EMPTY, SQUARE, FLAT, EMPTY])
    plain = VideoMetric.tally((JMean(), JfMean()), SPACE)
    assert plain.readings == () and "outlines" not in plain.count(frames[1]) and "outlines" not in plain.start().parts
    asked = VideoMetric.tally((JMean(), TMean(), TMean(frames="all")), SPACE)
    assert asked.readings == ("python",) and asked.bounds == ()
    assert asked.count(frames[1])["outlines"] == [[1, 1, "python", [2, 5, 5, 2, 2], [1, 1, 4, 4, 1]]]
    assert TMean.tally((TMean(reading="matlab"), JMean(), TMean()), SPACE) == VideoTally(
        SPACE, readings=("matlab", "python")
    )


def test_an_outline_too_long_to_match_is_a_fault_of_its_frame() -> None:
    """A comb of 300 teeth, 299 of them with two sides of 90 pixels."""
    comb = np.zeros((600, 90), np.uint8)
    comb[::2] = comb[:, :2] = 1
    run = Running(TMean(), SPACE)
    with pytest.raises(ResourceError, match="an outline of some .* points; expected at most 8192") as caught:
        run.update(truth=comb, prediction=comb, key=("a", "00001"), place=Place(1, 4, 1))
    assert caught.value.file == "a/00001"
    # Without T it is as good as any.
    assert value(JMean(), [comb] * 3) == 1.0


def test_shares_of_a_video_merge_to_the_same_score() -> None:
    rng = np.random.default_rng(9)
    frames = as_frames(random_videos(rng, ["a", "b"]))
    whole = scored(TMean(), frames, SPACE)
    runs = [Running(TMean(), SPACE) for _ in range(3)]
    for i in rng.permutation(len(frames)):
        s = frames[i]
        runs[i % 3].update(truth=s.truth, prediction=s.prediction, key=s.key, place=s.place)
    runs[2].merge(runs[0])
    runs[2].merge(runs[1])
    assert runs[2].compute() == whole and whole.value > 0
