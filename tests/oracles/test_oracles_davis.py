"""The reference for the DAVIS measures held against hand-computed values and each known trap."""

from __future__ import annotations

import math

import numpy as np
import pytest

from . import davis
from .davis import Statistics

Image = np.ndarray
SHAPE = (20, 30)


def rectangle(shape: tuple[int, int], y: int, x: int, height: int, width: int) -> Image:
    found = np.zeros(shape, np.uint8)
    found[y : y + height, x : x + width] = 1
    return found


LEFT, RIGHT = rectangle(SHAPE, 5, 3, 8, 8), rectangle(SHAPE, 5, 18, 8, 8)
EMPTY, FULL = np.zeros(SHAPE, np.uint8), np.ones(SHAPE, np.uint8)
HALF = np.where(np.arange(30) < 15, FULL, EMPTY)


# One frame.


@pytest.mark.parametrize(
    ("shape", "pixels"),
    [
        ((480, 854), 8),  # 7.84
        ((480, 910), 9),  # 8.23
        ((375, 500), 5),  # 5.0 is not rounded up
        ((480, 640), 7),  # 6.4
        ((720, 1280), 12),  # 11.75
        ((1080, 1920), 18),  # 17.62
        ((600, 800), 8),  # 8.0
        ((75, 100), 1),  # 1.0
        ((2, 2), 1),
    ],
)
def test_tolerance_is_rounded_up(shape: tuple[int, int], pixels: int) -> None:
    assert davis.tolerance(shape) == pixels


def test_a_bound_from_1_on_is_pixels() -> None:
    assert davis.tolerance((480, 854), 1) == 1 and davis.tolerance((480, 854), 3) == 3
    with pytest.raises(ValueError, match="whole"):
        davis.tolerance((480, 854), 1.5)


def test_disk() -> None:
    assert sorted(davis.disk(1)) == [(-1, 0), (0, -1), (0, 0), (0, 1), (1, 0)]
    # Radius 5 holds (3, 4) and (5, 0), not (4, 4): 81 pixels, the known number of lattice points.
    assert len(davis.disk(5)) == 81 and (3, 4) in davis.disk(5) and (4, 4) not in davis.disk(5)


@pytest.mark.parametrize(
    ("shift", "j", "f"),
    [
        (1, 9900 / 10100, 1.0),
        (8, 9200 / 10800, 1.0),
        # A ring of 101 × 101 has 400 pixels. Shifted by 9 and seen up to 8: 92 + 8 of each long side, 8 + 8 of one
        # upright side, none of the other: 216 / 400.
        (9, 9100 / 10900, 0.54),
    ],
)
def test_the_cliff_at_the_tolerance(shift: int, j: float, f: float) -> None:
    truth, prediction = (rectangle((480, 854), 100, x, 100, 100) for x in (100, 100 + shift))
    assert davis.jaccard(truth, prediction) == davis.jaccard(prediction, truth) == j
    assert davis.f_measure(truth, prediction) == davis.f_measure(prediction, truth) == f


def test_many_pixels_may_match_one() -> None:
    # Truth: one pixel in the upper left corner, its boundary is itself. Prediction: 1 × 2, the boundary is both.
    truth, prediction = rectangle(SHAPE, 0, 0, 1, 1), rectangle(SHAPE, 0, 0, 1, 2)
    assert davis.jaccard(truth, prediction) == 0.5
    assert davis.f_measure(truth, prediction) == 1.0


def test_precision_is_of_the_prediction() -> None:
    # Pixels in the corner and ten columns on; the second one has a boundary of 1 + 1 pixels in the first row.
    truth = rectangle(SHAPE, 0, 0, 1, 1)
    prediction = truth + rectangle(SHAPE, 0, 10, 1, 1)
    # Precision 1 / 3, recall 1: F = 2 / 3 / (4 / 3).
    assert davis.f_measure(truth, prediction) == pytest.approx(0.5, abs=1e-15)
    assert davis.f_measure(prediction, truth) == pytest.approx(0.5, abs=1e-15)


@pytest.mark.parametrize(
    ("truth", "prediction", "j", "f"),
    [
        (LEFT, LEFT, 1.0, 1.0),
        (LEFT, EMPTY, 0.0, 0.0),
        (EMPTY, LEFT, 0.0, 0.0),
        (LEFT, RIGHT, 0.0, 0.0),
        (EMPTY, EMPTY, 1.0, 1.0),
        (FULL, FULL, 1.0, 1.0),
        (FULL, EMPTY, 0.0, 1.0),  # a mask that fills the image has no boundary
        (EMPTY, FULL, 0.0, 1.0),
        (FULL, HALF, 0.5, 0.0),
    ],
)
def test_degenerate_masks(truth: Image, prediction: Image, j: float, f: float) -> None:
    assert (davis.jaccard(truth, prediction), davis.f_measure(truth, prediction)) == (j, f)


def test_void_is_cut_out_before_the_boundary() -> None:
    # Both are cut to the same mask: their boundaries are the same, also where void cut them.
    truth, prediction = rectangle(SHAPE, 5, 3, 8, 8), rectangle(SHAPE, 5, 3, 8, 16)
    void = rectangle(SHAPE, 0, 9, 20, 21)
    assert (davis.jaccard(truth, prediction, void), davis.f_measure(truth, prediction, void)) == (1.0, 1.0)
    assert davis.jaccard(truth, prediction) == 0.5 and davis.f_measure(truth, prediction) < 1
    assert (davis.jaccard(truth, EMPTY, FULL), davis.f_measure(truth, EMPTY, FULL)) == (1.0, 1.0)


# Statistics.


def test_statistics_by_hand() -> None:
    # Numbers of the bins 1 2 3 4 5: x0, x1 and x3, x4. A frame with 0.5 is not recalled.
    found = davis.statistics(np.array([1.0, 0.75, 0.5, 0.25, 0.0]))
    assert found == (0.5, 0.4, 0.875 - 0.125)


@pytest.mark.parametrize(
    ("n", "first", "last"),
    [
        (1, (0, 0), (0, 0)),
        (2, (0, 0), (1, 1)),  # 1, 1.25, 1.5, 1.75, 2
        (3, (0, 1), (2, 2)),  # 1.5 becomes 2, and 2.5 becomes 3, not 2
        (7, (0, 2), (5, 6)),  # 2.5 becomes 3, 5.5 becomes 6
        (38, (0, 9), (28, 37)),  # 1, 10.25, 19.5, 28.75, 38
    ],
)
def test_bins_share_their_end_frames(n: int, first: tuple[int, int], last: tuple[int, int]) -> None:
    values = 2.0 ** -np.arange(n)  # no two bins have the same mean
    expected = np.mean(values[first[0] : first[1] + 1]) - np.mean(values[last[0] : last[1] + 1])
    assert davis.statistics(values).decay == davis.statistics(values, uint8_wrap=True).decay == expected


def test_decay_beyond_256_frames() -> None:
    falling = -np.arange(1100) / 1100
    # Bins 0 to 275 and 824 to 1099, middle 137.5 and 961.5. In 8 bits 0 to 19 and 56 to 75, middle 9.5 and 65.5.
    assert davis.statistics(falling).decay == pytest.approx(824 / 1100, abs=1e-12)
    assert davis.statistics(falling, uint8_wrap=True).decay == pytest.approx(56 / 1100, abs=1e-12)
    for n in (257, 300):  # the last bin ends before it begins, at 0 and at 43
        assert math.isnan(davis.statistics(falling[:n], uint8_wrap=True).decay)
        assert not math.isnan(davis.statistics(falling[:n]).decay)
    assert davis.statistics(falling[:256], uint8_wrap=True) == davis.statistics(falling[:256])


def test_the_mean_of_2016_is_over_a_padded_array() -> None:
    values = np.array([0.75, 0.25, 1.0])
    assert davis.statistics_2016(values) == davis.statistics(values) == Statistics(2 / 3, 2 / 3, 0.5 - 1.0)


# The three protocols. Frames here score 1 (found, or rightly nothing) or 0 in J and in F.


def test_2016_leaves_out_the_first_and_last_frame() -> None:
    truths = [LEFT * 255] * 5
    found = davis.davis2016({"one": (truths, [EMPTY, LEFT, LEFT * 7, EMPTY, EMPTY])})
    # 1, 1, 0: bins x0, x1 and x2.
    assert found.j == found.f == Statistics(2 / 3, 2 / 3, 1.0)
    assert found.jf_mean == 2 / 3


def test_2016_is_a_mean_over_sequences() -> None:
    long = ([LEFT] * 6, [LEFT] * 6)
    short = ([LEFT] * 3, [EMPTY] * 3)
    found = davis.davis2016({"long": long, "short": short})
    assert found.j.mean == found.j.recall == 0.5  # not 4 of 5 frames
    assert [(o.sequence, o.j.mean) for o in found.objects] == [("long", 1.0), ("short", 0.0)]


def test_jf_is_a_mean_of_means() -> None:
    found = davis.davis2016({"full": ([FULL] * 3, [EMPTY] * 3)})
    assert (found.j.mean, found.f.mean, found.jf_mean) == (0.0, 1.0, 0.5)


def test_2017_is_a_mean_over_objects_of_all_sequences() -> None:
    three = LEFT + 2 * RIGHT + 3 * rectangle(SHAPE, 16, 10, 3, 3)
    sequences = {"a": ([three] * 3, [three] * 3), "b": ([LEFT] * 4, [EMPTY] * 4)}
    found = davis.davis2017(sequences)
    assert found.j.mean == found.f.mean == 0.75  # not (1 + 0) / 2
    assert [(o.sequence, o.number) for o in found.objects] == [("a", 1), ("a", 2), ("a", 3), ("b", 1)]


def test_2017_counts_the_objects_of_the_first_frame() -> None:
    born = LEFT + 2 * RIGHT
    # Object 2 comes later and is not scored; 255 is background.
    late = davis.davis2017({"a": ([LEFT, born, born], [LEFT, LEFT, LEFT])})
    assert [(o.number, o.j.mean) for o in late.objects] == [(1, 1.0)]
    void = davis.davis2017({"a": ([LEFT + 255 * RIGHT] * 3, [LEFT] * 3)})
    assert [(o.number, o.j.mean) for o in void.objects] == [(1, 1.0)]
    with pytest.raises(ValueError, match="index is 2"):
        davis.davis2017({"a": ([LEFT, born, born], [LEFT, born, LEFT])})


def test_2017_numbers_without_an_object_are_empty_masks() -> None:
    # Values 1 and 3 are three objects. Object 2 is rightly nowhere; a missing prediction is an empty mask.
    found = davis.davis2017({"a": ([LEFT + 3 * RIGHT] * 3, [LEFT] * 3)})
    assert [(o.number, o.j.mean, o.f.mean) for o in found.objects] == [(1, 1.0, 1.0), (2, 1.0, 1.0), (3, 0.0, 0.0)]


def test_2017_takes_a_2016_result_for_255_objects() -> None:
    with pytest.raises(ValueError, match="index is 255"):
        davis.davis2017({"a": ([LEFT] * 3, [LEFT * 255] * 3)})
    with pytest.raises(ValueError, match="index is 255"):
        davis.davis2017_unsupervised({"a": ([LEFT] * 3, [LEFT * 255] * 3)})


def test_2017_truth_of_2016_has_no_object() -> None:
    # 0 and 255 in the truth: nothing is left, so any predicted object is one too many.
    with pytest.raises(ValueError, match="at most 0"):
        davis.davis2017({"a": ([LEFT * 255] * 3, [LEFT] * 3)})


def test_only_2017_unsupervised_scores_all_frames() -> None:
    pair = ([LEFT] * 4, [EMPTY, LEFT, LEFT, EMPTY])
    assert davis.davis2017({"a": pair}).j.mean == 1.0
    assert davis.davis2017_unsupervised({"a": pair}).j == Statistics(0.5, 0.5, 0.0)  # bins x0, x1 and x2, x3


def test_unsupervised_finds_the_numbers() -> None:
    truth = LEFT + 2 * RIGHT
    prediction = rectangle(SHAPE, 0, 0, 2, 2) + 2 * RIGHT + 4 * LEFT
    found = davis.davis2017_unsupervised({"a": ([truth] * 2, [prediction] * 2)})
    # Proposals 1 and 3 (which is empty) are left over.
    assert [(o.proposal, o.number, o.j.mean) for o in found.objects] == [(2, 2, 1.0), (4, 1, 1.0)]
    assert davis.davis2017({"a": ([truth] * 3, [truth] * 3)}).j == found.j
    few = davis.davis2017_unsupervised({"a": ([truth] * 2, [RIGHT] * 2)})
    assert [(o.proposal, o.number, o.j.mean) for o in few.objects] == [(1, 2, 1.0), (2, 1, 0.0)]


def test_assignment_is_not_greedy() -> None:
    # The best single pair is 0.9; with it the sum is 1.0, without it 1.6.
    scores = np.array([[[0.9], [0.8]], [[0.8], [0.1]]])
    assert davis.assign(scores, scores) == [(0, 1), (1, 0)]
    # J alone says one thing, J and F together another: 0.6 + 0.6 against 0.4 + 0.4; then 0.3 + 0.3 against 0.7 + 0.7.
    j = np.array([[[0.6], [0.4]], [[0.4], [0.6]]])
    f = np.array([[[0.0], [1.0]], [[1.0], [0.0]]])
    assert davis.assign(j, j) == [(0, 0), (1, 1)] and davis.assign(j, f) == [(0, 1), (1, 0)]


def test_assignment_is_for_the_whole_sequence() -> None:
    # Proposals change places after two of three frames: each object keeps the one that it had longer.
    truth, swapped = LEFT + 2 * RIGHT, 2 * LEFT + RIGHT
    found = davis.davis2017_unsupervised({"a": ([truth] * 3, [truth, truth, swapped])})
    assert [(o.number, o.proposal, o.j.mean) for o in found.objects] == [(1, 1, 2 / 3), (2, 2, 2 / 3)]


def test_unsupervised_void_is_not_scored() -> None:
    pair = ([LEFT + 255 * RIGHT] * 2, [LEFT + RIGHT] * 2)
    found = davis.davis2017_unsupervised({"a": pair})
    assert (found.j.mean, found.f.mean) == (1.0, 1.0)
    semi = davis.davis2017({"a": ([*pair[0], LEFT], [*pair[1], LEFT])})
    assert semi.j.mean == 0.5 and semi.f.mean < 1


def test_unsupervised_allows_20_proposals() -> None:
    davis.davis2017_unsupervised({"a": ([LEFT] * 2, [20 * LEFT] * 2)})
    with pytest.raises(ValueError, match="at most 20"):
        davis.davis2017_unsupervised({"a": ([LEFT] * 2, [21 * LEFT] * 2)})


def test_frames_must_fit() -> None:
    with pytest.raises(ValueError, match="size differs"):
        davis.davis2016({"a": ([LEFT] * 3, [LEFT.T] * 3)})
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        davis.davis2016({"a": ([LEFT] * 4, [LEFT] * 3)})
    with pytest.raises(ValueError, match="no frame"):
        davis.davis2016({"a": ([LEFT] * 2, [LEFT] * 2)})
