"""The reference for the temporal stability of DAVIS 2016 held against values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from . import davis_outlines, davis_stability
from .davis_outlines import contours
from .davis_stability import MATLAB, PYTHON, Tool

Mask = np.ndarray
SHAPE = (14, 20)
EMPTY = np.zeros(SHAPE, np.uint8)


def rectangle(y: int, x: int, height: int, width: int) -> Mask:
    found = EMPTY.copy()
    found[y : y + height, x : x + width] = 255
    return found


SQUARE, FLAT = rectangle(1, 2, 3, 3), rectangle(1, 2, 2, 3)
BOTH = pytest.mark.parametrize("tool", [PYTHON, MATLAB])


def points(found: list[np.ndarray]) -> list[list[list[int]]]:
    return [one.tolist() for one in found]


# Outlines.


def test_an_outline_starts_at_its_first_upright_edge_and_ends_there() -> None:
    # x, y: to the right first, which is clockwise on the screen.
    assert points(contours(rectangle(1, 2, 4, 5))) == [[[2, 1], [7, 1], [7, 5], [2, 5], [2, 1]]]


def test_the_frame_of_the_image_is_an_outline() -> None:
    assert points(contours(np.ones((4, 6), bool))) == [[[0, 0], [6, 0], [6, 4], [0, 4], [0, 0]]]


@pytest.mark.parametrize(
    ("height", "width", "n_points"),
    [
        (1, 1, 0),
        (1, 9, 0),  # The short side is 2 half pixels, less than 3: only two far corners remain.
        (2, 2, 0),  # The other corners are √8 half pixels from the diagonal, less than 3.
        (2, 3, 5),  # 4 · 6 / √52 = 3.3
        (3, 3, 5),  # 6 / √2 = 4.2
    ],
)
def test_small_objects_have_no_outline(height: int, width: int, n_points: int) -> None:
    assert [len(one) for one in contours(rectangle(2, 2, height, width))] == [n_points] * (n_points > 0)


def test_a_hole_runs_the_other_way() -> None:
    ring = rectangle(1, 1, 12, 12) - rectangle(4, 4, 6, 6)
    # Listed last to first.
    assert points(contours(ring)) == [
        [[4, 4], [4, 10], [10, 10], [10, 4], [4, 4]],
        [[1, 1], [13, 1], [13, 13], [1, 13], [1, 1]],
    ]


def test_an_island_in_a_hole_is_no_hole() -> None:
    island = rectangle(0, 0, 14, 14) - rectangle(2, 2, 10, 10) + rectangle(5, 5, 4, 4)
    loops = [[[5, 5], [9, 5]], [[2, 2], [2, 12]], [[0, 0], [14, 0]]]
    assert [one[:2] for one in points(contours(island))] == loops


def test_squares_that_touch_in_a_corner_are_two_outlines_that_start_there() -> None:
    touching = rectangle(1, 2, 4, 4) + rectangle(5, 6, 4, 4)
    found = points(contours(touching))
    assert [one[0] for one in found] == [[6, 5], [6, 5]]
    assert sorted(sorted(map(tuple, one[1:])) for one in found) == [
        [(2, 1), (2, 5), (6, 1), (6, 5)],
        [(6, 5), (6, 9), (10, 5), (10, 9)],
    ]


def test_simplification() -> None:
    # A step in the middle of a side of 12. In half pixels its two corners are 12 · 6 / √(24² + 6²) = 2.9 from the line
    # that skips them if it is 3 pixels high, and 12 · 8 / √(24² + 8²) = 3.8 if it is 4.
    for height, n_points in [(3, 5), (4, 7)]:
        assert len(contours(rectangle(5, 2, 6, 12) + rectangle(5 - height, 2, height, 6))[0]) == n_points


def test_of_equal_distances_the_last_is_split() -> None:
    # All three inner points are 5 from the segment; then the first two are 0.8 and 1.6 from theirs.
    bent = [(0, 0), (5, 2), (5, 6), (5, 10), (0, 12)]
    assert davis_outlines.simplify(bent, 4.5) == [(0, 0), (5, 10), (0, 12)]


# Points and shape contexts.


def test_the_outline_of_most_corners_is_the_longest() -> None:
    large, corner = rectangle(0, 0, 13, 10), rectangle(1, 12, 8, 8) - rectangle(1, 12, 4, 4)
    assert len(davis_stability.longest(contours(large + corner))) == 7


def test_of_equals_the_tools_take_different_ones() -> None:
    found = contours(rectangle(1, 2, 3, 3) + rectangle(8, 2, 5, 5))
    assert davis_stability.longest(found, PYTHON)[0].tolist() == [2, 1]
    assert davis_stability.longest(found, MATLAB)[0].tolist() == [2, 8]


def test_steps_are_equal_and_at_most_3() -> None:
    contour = np.array([[0, 0], [3, 0], [3, 4], [-7, 4]])
    # 3 is one step, 4 is two, 10 is four.
    expected = [[0, 0], [3, 0], [3, 2], [3, 4], [0.5, 4], [-2, 4], [-4.5, 4], [-7, 4]]
    assert davis_stability.upsample(contour).tolist() == expected
    assert davis_stability.upsample(contour, MATLAB).tolist() == [[y, x] for x, y in expected]
    assert davis_stability.upsample(np.array([[0, 0], [0, 10]])).dtype == np.float32


def test_sectors_begin_with_their_angle() -> None:
    angles = np.radians([0, 29, 31, 90, 180, -90, -1, -180])
    assert davis_stability.sectors(angles).tolist() == [0, 0, 1, 3, 6, 9, 11, 6]


def test_shape_contexts_of_a_square() -> None:
    square = np.array([[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]], np.float32)
    found = davis_stability.shape_contexts(square)
    # The mean distance is (12 · 3 + 6 · 3√2) / 25 = 2.46, so 3 and 3√2 are 1.22 and 1.73, in the outermost ring.
    # The first point sees itself and the last one close by (ring 5, bins 48 on), the others at 0°, 45° and 90°.
    assert {bin_: n for bin_, n in enumerate(found[0]) if n} == {0: 1, 1: 1, 3: 1, 48: 2}
    # The third one sees itself, the second at 270°, the fourth at 180°, the first and the last at 225°.
    assert {bin_: n for bin_, n in enumerate(found[2]) if n} == {6: 1, 7: 2, 9: 1, 48: 1}
    assert found.shape == (5, 60) and (found[0] == found[4]).all()


def test_what_is_beyond_two_mean_distances_is_not_seen() -> None:
    # Distances 0, 1 and 20 from a cluster: the mean is below 10, so the far point sees but itself.
    cluster = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [0, 0], [20, 0]], np.float32)
    assert davis_stability.shape_contexts(cluster).sum(axis=1).tolist() == [5, 5, 5, 5, 5, 1]


def test_costs() -> None:
    before, after = np.array([[1, 1, 0], [0, 0, 3]]), np.array([[1, 0, 1], [7, 0, 0]])
    # Shares (1/2, 1/2, 0) against (1/2, 0, 1/2): (1/4 / 1/2) twice, halved. Without a common bin: 1.
    # (1/2, 1/2, 0) against (1, 0, 0): 1/4 / 3/2 and 1/4 / 1/2, halved: 1/3. (0, 0, 1) against (1/2, 0, 1/2): 1/3.
    expected = [[1 / 2, 1 / 3], [1 / 3, 1]]
    assert davis_stability.chi_squared(before, after) == pytest.approx(np.array(expected), abs=1e-15)


# Pairs.


def test_the_path_is_the_cheapest_and_its_first_cell_is_free() -> None:
    costs = np.array([[9.0, 1, 9], [9, 9, 1], [9, 9, 0]])
    assert davis_stability.cheapest_path(costs) == [(2, 2), (1, 2), (0, 1), (0, 0)]


def test_of_equally_cheap_paths_the_queue_decides() -> None:
    # (0, 0) queues (0, 1), (1, 0), (1, 1), all at 0. (0, 1) leaves and the last one takes its place at the head.
    # In a wide table (0, 1) has reached the last corner by then, in a high one (1, 1) comes before (1, 0).
    assert davis_stability.cheapest_path(np.zeros((2, 3))) == [(1, 2), (0, 1), (0, 0)]
    assert davis_stability.cheapest_path(np.zeros((3, 2))) == [(2, 1), (1, 1), (0, 0)]


def test_pairs_are_one_to_one() -> None:
    costs = np.array([[0.0, 3, 2], [4, 1, 5], [6, 1, 1]])
    # Row 0 keeps column 2, row 1 column 1, row 2 the first of columns 2 and 1 on the way; then column 2 keeps row 2.
    path = [(2, 2), (2, 1), (1, 1), (0, 2)]
    assert davis_stability.one_to_one(path, costs) == [(1, 1), (2, 2)]


def test_loops_may_start_anywhere() -> None:
    # Row k fits column k + 1, and only the corner does not: the first path is 0, the second one finds all pairs.
    costs = 1.0 - np.roll(np.eye(6), 1, axis=1)
    assert sorted(davis_stability.matches(costs)) == [(k, (k + 1) % 6) for k in range(6)]


# The measure.


@BOTH
def test_what_only_moves_is_stable(tool: Tool) -> None:
    bent = rectangle(2, 2, 8, 6) + rectangle(6, 8, 4, 5)
    assert davis_stability.instability(bent, np.roll(bent, (3, 4), axis=(0, 1)), tool) == 0.0


def test_a_value_by_hand() -> None:
    # Both outlines have five points. Mean distance of the flat one: 2 · 3 · (3 + 2 + √13) / 25 = 2.07, so that 2 is in
    # ring 2 where the 3 of the square is in ring 1; sectors are the same. Points see five, so a share is 1/5. One point
    # in another ring costs (1/5 + 1/5) / 2. The lower left one sees the first and the last one in another ring: 2/5.
    assert davis_stability.instability(SQUARE, FLAT) == pytest.approx((4 * 1 / 5 + 2 / 5) / 5, abs=1e-14)


@BOTH
def test_no_outline_no_value(tool: Tool) -> None:
    for before, after in [(EMPTY, SQUARE), (SQUARE, EMPTY), (EMPTY, EMPTY), (SQUARE, rectangle(2, 2, 2, 2))]:
        assert math.isnan(davis_stability.instability(before, after, tool))


def test_the_first_and_last_frame_are_left_out() -> None:
    frames = [EMPTY, SQUARE, FLAT, FLAT, EMPTY]
    assert davis_stability.of_frames(frames) == [pytest.approx(0.24, abs=1e-14), 0.0]
    assert davis_stability.stability(frames) == pytest.approx(5 * 0.12, abs=1e-13)
    assert math.isnan(davis_stability.stability([SQUARE] * 3))  # one frame is no pair


def test_matlab_begins_with_the_truth() -> None:
    frames = [EMPTY, SQUARE, SQUARE, EMPTY]
    assert davis_stability.of_frames(frames, MATLAB, first_truth=SQUARE) == [0.0, 0.0]
    assert davis_stability.stability(frames, MATLAB, first_truth=FLAT) > 0
    with pytest.raises(ValueError, match="truth of the first frame"):
        davis_stability.of_frames(frames, MATLAB)


def test_frames_without_a_value_do_not_count() -> None:
    frames = [EMPTY, SQUARE, FLAT, EMPTY, SQUARE, EMPTY]
    assert davis_stability.stability(frames) == pytest.approx(5 * 0.24, abs=1e-13)
    assert math.isnan(davis_stability.stability([EMPTY] * 9))


def test_the_mean_is_over_sequences_that_are_not_left_out() -> None:
    found = {"bear": 0.5, "dog": 9.0, "boat": 0.25, "train": math.nan}
    assert davis_stability.mean_stability(found) == 0.375
    assert math.isnan(davis_stability.mean_stability(found, MATLAB))
    assert math.isnan(davis_stability.mean_stability({"dog": 1.0}))
    assert len(davis_stability.LEFT_OUT) == 23


@BOTH
def test_real_frames(real_data: Path, tool: Tool) -> None:
    folder = real_data / "davis-car-shadow" / "Annotations" / "480p" / "car-shadow"
    before, after = (np.array(Image.open(folder / f"{i:05d}.png")) for i in (1, 2))
    found = davis_stability.instability(before, after, tool)
    assert 0 < found < 0.1  # a car that drives on
    assert davis_stability.instability(before[::4, ::4], before[::4, ::4], tool) == 0.0
