"""The references for boundary maps and boundary F held against hand-computed values, and the void rule they share."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from . import boundary_f, boundary_iou, boundary_maps
from .boundary_f import Counts, Rules

Image = np.ndarray
DEFINITIONS: tuple[tuple[boundary_maps.Definition, boundary_maps.Border], ...] = (
    ("inner4", "background"),
    ("inner4", "nothing"),
    ("inner8", "background"),
    ("inner8", "nothing"),
    ("seg2bmap", "nothing"),
    ("thick", "background"),
    ("thick", "nothing"),
)


def rectangle(shape: tuple[int, int], y: int, x: int, height: int, width: int) -> Image:
    found = np.zeros(shape, np.uint8)
    found[y : y + height, x : x + width] = 1
    return found


def square(x: int = 100) -> Image:
    """The square of the probes, 100 × 100 on 375 × 500."""
    return rectangle((375, 500), 100, x, 100, 100)


def row(*labels: int) -> Image:
    return np.array([labels], np.uint8)


def size(mask: Image, definition: boundary_maps.Definition, border: boundary_maps.Border) -> int:
    return int(boundary_maps.boundary(mask, definition, border).sum())


def scattered(seed: int, shape: tuple[int, int] = (40, 33)) -> Image:
    rng = np.random.default_rng(seed)
    return (np.kron(rng.random((10, 11)), np.ones((4, 3))) > 0.4).astype(np.uint8)[: shape[0], : shape[1]]


# Boundary maps.


def test_seg2bmap_lies_to_the_upper_left() -> None:
    # 3 × 3 at rows and columns 2 to 4: a ring of 4 × 4, which begins at 1 and holds the last row and column.
    found = boundary_maps.boundary(rectangle((8, 8), 2, 2, 3, 3), "seg2bmap", "nothing")
    ring = rectangle((8, 8), 1, 1, 4, 4) - rectangle((8, 8), 2, 2, 2, 2)
    assert found.sum() == 12 and np.array_equal(found, ring)


def test_the_last_row_and_column_of_seg2bmap() -> None:
    # The last row asks the right neighbour only, the last column the lower one, the corner nobody.
    found = boundary_maps.boundary(np.array([[0, 0, 1], [1, 0, 0], [1, 0, 1]]), "seg2bmap", "nothing")
    assert found.astype(int).tolist() == [[1, 1, 1], [1, 1, 1], [1, 1, 0]]
    assert not size(row(1), "seg2bmap", "nothing") and size(row(1, 0), "seg2bmap", "nothing") == 1


def test_sizes_of_the_probe() -> None:
    # 100² - 98² = 396 inside. seg2bmap: 101² - 99² = 400. Outside by 4 neighbours: 4 · 100; both sides 796.
    assert [size(square(), d, b) for d, b in DEFINITIONS] == [396, 396, 396, 396, 400, 796, 796]


def test_four_or_eight_neighbours() -> None:
    block = rectangle((5, 5), 1, 1, 3, 3)
    block[1, 1] = 0
    # Its centre has all four neighbours and lacks a diagonal one.
    assert (size(block, "inner4", "background"), size(block, "inner8", "background")) == (7, 8)


def test_an_object_in_the_corner() -> None:
    # 50² - 48² = 196 with the frame; without it one row and one column, 99.
    corner = rectangle((200, 200), 0, 0, 50, 50)
    # Thick adds 50 + 50 pixels of background, wherever the frame is.
    assert [size(corner, d, b) for d, b in DEFINITIONS] == [196, 99, 196, 99, 99, 296, 199]


def test_seg2bmap_is_not_the_same_after_a_flip() -> None:
    corner = rectangle((200, 200), 0, 0, 50, 50)
    # At the upper left its own last row and column; at the lower right the ones before it, 51 + 50; else 50 + 50.
    flips = [corner, corner[:, ::-1], corner[::-1], corner[::-1, ::-1]]
    assert [size(flip, "seg2bmap", "nothing") for flip in flips] == [99, 100, 100, 101]
    assert {size(flip, "inner4", "background") for flip in flips} == {196}


def test_a_full_image_has_its_frame_or_nothing() -> None:
    full = np.ones((10, 20), np.uint8)
    # 2 · (10 + 20) - 4 = 56
    assert [size(full, d, b) for d, b in DEFINITIONS] == [56, 0, 56, 0, 0, 56, 0]


def test_seg2bmap_has_no_border_of_background() -> None:
    with pytest.raises(ValueError, match="seg2bmap"):
        boundary_maps.boundary(square(), "seg2bmap", "background")


@pytest.mark.parametrize("seed", range(5))
def test_near_is_a_distance(seed: int) -> None:
    mask = scattered(seed).astype(bool)
    around = boundary_maps.offsets(Fraction(25, 2), closed=False)
    assert np.array_equal(boundary_maps.near(mask, around), distance_transform_edt(~mask) ** 2 < 12.5)


def test_offsets_at_the_limit() -> None:
    # Of radius 2: 13 with the four at distance 2, else 9; a square has 25 or 9.
    four = Fraction(4)
    assert [len(boundary_maps.offsets(four, closed)) for closed in (True, False)] == [13, 9]
    assert [len(boundary_maps.offsets(four, closed, "square")) for closed in (True, False)] == [25, 9]


# Boundary F.


def f_of(truth: Image, prediction: Image, rules: Rules = boundary_f.DEFAULT) -> Fraction | None:
    return boundary_f.f_score(boundary_f.count(truth, prediction, rules))


@pytest.mark.parametrize(
    ("definition", "border", "f"),
    [
        # Shifted by 5 and seen up to 4 pixels: the upper and lower side 95 + 4 each and 4 + 4 pixels of one of the
        # upright sides, 206 of 396. seg2bmap: 100 + 100 + 8 of 400. Thick: 4 rows of 100; of the upright columns,
        # 8 pixels of one, and the 100 and the 98 that are four pixels from the other side of the true boundary.
        ("inner4", "background", Fraction(206, 396)),
        ("inner8", "nothing", Fraction(206, 396)),
        ("seg2bmap", "nothing", Fraction(208, 400)),
        ("thick", "nothing", Fraction(606, 796)),
    ],
)
def test_a_shift_beyond_the_tolerance(
    definition: boundary_maps.Definition, border: boundary_maps.Border, f: Fraction
) -> None:
    rules = Rules(definition=definition, border=border)
    assert boundary_f.tolerance_squared((375, 500), rules) == Fraction(46875, 10000) ** 2
    assert f_of(square(100), square(105), rules) == f_of(square(105), square(100), rules) == f


@pytest.mark.parametrize(("shift", "f"), [(1, Fraction(1, 2)), (4, Fraction(204, 396))])
def test_a_shift_by_the_tolerance(shift: int, f: Fraction) -> None:
    # Seen up to shift - 1: two sides of 99, and of an upright side 2 · (shift - 1) pixels.
    assert f_of(square(100), square(100 + shift), Rules(tolerance_px=shift)) == f
    for definition, border in DEFINITIONS:
        rules = Rules(tolerance_px=shift, closed=True, definition=definition, border=border)
        assert f_of(square(100), square(100 + shift), rules) == 1


def test_whole_tolerances() -> None:
    whole = {(240, 320): 3, (480, 640): 6, (720, 960): 9, (1200, 1600): 15}
    assert {shape: boundary_f.tolerance_squared(shape, Rules()) for shape in whole} == {
        shape: pixels**2 for shape, pixels in whole.items()
    }
    assert boundary_f.tolerance_squared((360, 480), Rules()) == Fraction(9, 2) ** 2
    truth, prediction = (rectangle((480, 640), 100, x, 100, 100) for x in (100, 106))
    # Seen up to 5: 2 · 99 + 2 · 5.
    assert f_of(truth, prediction) == Fraction(208, 396)
    assert f_of(truth, prediction, Rules(closed=True)) == 1


def test_a_tolerance_that_floats_miss() -> None:
    # 0.0075² · (400² + 400²) = 18 = 3² + 3²; one way to write the product lands on √18, another one above it.
    assert boundary_f.tolerance_squared((400, 400), Rules()) == 18
    assert 0.0075 * math.sqrt(320000) == math.sqrt(18) < 0.75 * math.sqrt(320000) / 100
    truth, prediction = (rectangle((400, 400), y, y, 1, 1) for y in (100, 103))
    assert f_of(truth, prediction) == 0
    assert f_of(truth, prediction, Rules(closed=True)) == 1
    # 0.0075² · (400² + 800²) = 45 = 3² + 6²; there the float stays below, and `<=` would miss.
    assert boundary_f.tolerance_squared((400, 800), Rules()) == 45
    assert 0.0075 * math.sqrt(800000) < math.sqrt(45)
    truth, prediction = (rectangle((400, 800), y, x, 1, 1) for y, x in ((100, 100), (103, 106)))
    assert [f_of(truth, prediction, Rules(closed=closed)) for closed in (False, True)] == [0, 1]
    # A float that was written means the decimal number.
    assert boundary_f.tolerance_squared((400, 400), Rules(tolerance_diagonal=0.0075)) == 18


def test_the_frame_is_boundary_or_not() -> None:
    corner, centre = rectangle((100, 100), 0, 0, 50, 50), rectangle((100, 100), 25, 25, 50, 50)
    full = np.ones((100, 100), np.uint8)
    assert f_of(full, full) == 1
    assert f_of(full, full, Rules(border="nothing")) is None  # both boundaries are empty
    assert f_of(full, centre, Rules(border="nothing")) == 0
    counts = boundary_f.count(corner, centre, Rules(border="nothing"))
    assert (counts.truth, counts.prediction) == (99, 196)


def test_empty_boundaries() -> None:
    assert boundary_f.f_score(Counts(0, 0, 0, 0)) is None
    for counts in (Counts(0, 0, 0, 5), Counts(0, 5, 0, 0)):
        assert boundary_f.f_score(counts) == 0 and boundary_f.f_score(counts, "skip") is None
    assert boundary_f.f_score(Counts(0, 5, 0, 5)) == 0


def test_many_pixels_may_be_near_one() -> None:
    truth, prediction = row(0, 0, 0, 1, 0, 0, 0, 0), row(0, 0, 1, 1, 1, 0, 0, 1)
    counts = boundary_f.count(truth, prediction, Rules(tolerance_px=1, closed=True))
    assert counts == (3, 4, 1, 1)
    # Precision 3 / 4, recall 1: F = 1.5 / 1.75.
    assert boundary_f.f_score(counts) == Fraction(6, 7)


def test_means_over_classes_of_the_truth_then_over_images() -> None:
    truths, predictions = [row(1, 1, 0, 2), row(1, 0, 0, 0)], [row(1, 0, 3, 2), row(2, 2, 0, 0)]
    # In one row every pixel is boundary, and below one pixel only itself is near: F is 2 · both / (truth + prediction).
    # First: class 1 2 / 3, class 2 1, class 3 is not in the truth. Second: class 1 is missed, 0; class 2 is left out.
    found = boundary_f.evaluate(truths, predictions, (1, 2, 3), rules=Rules(tolerance_px=0.5))
    assert found.scores == [{1: 2 / 3, 2: 1.0}, {1: 0.0}]
    assert found.images == [math.fsum([2 / 3, 1]) / 2, 0.0] and found.mean == found.images[0] / 2
    assert found.per_class == {1: 1 / 3, 2: 1.0} and found.class_mean == math.fsum([1 / 3, 1]) / 2
    # Pooled: class 1 is 1 of 1 and 1 of 3.
    assert found.pooled_per_class == {1: 0.5, 2: 1.0} and found.pooled == 0.75
    skipped = boundary_f.evaluate(truths, predictions, (1, 2, 3), rules=Rules(tolerance_px=0.5, one_empty="skip"))
    assert math.isnan(skipped.images[1]) and skipped.mean == skipped.images[0] == found.images[0]
    # The background is a class like another, where it is asked for: no pixel of both, and 2 · 2 / (2 + 3).
    assert boundary_f.evaluate(truths, predictions, (0,), rules=Rules(tolerance_px=0.5)).per_class == {
        0: math.fsum([0.0, 0.8]) / 2
    }


# Void and size, also for Boundary IoU.


@pytest.mark.parametrize("seed", range(3))
def test_void_is_cut_out_of_both_maps(seed: int) -> None:
    truth, prediction = scattered(seed), scattered(seed + 50)
    around = np.full((60, 60), 255, np.uint8)
    around[7 : 7 + truth.shape[0], 9 : 9 + truth.shape[1]] = truth
    anything = scattered(seed + 99, (40, 33))
    padded = np.tile(anything, (2, 2))[:60, :60]
    padded[7 : 7 + truth.shape[0], 9 : 9 + truth.shape[1]] = prediction
    # What is void is background as the frame is, so that only the diagonal could tell.
    rules = Rules(tolerance_px=1.5)
    plain = boundary_f.evaluate([truth], [prediction], (0, 1), rules=rules)
    assert boundary_f.evaluate([around], [padded], (0, 1), (255,), rules) == plain and 0 < plain.mean < 1
    scores = boundary_iou.evaluate([truth], [prediction], (0, 1), ratio=0.03)
    assert (boundary_iou.dilation(truth.shape, 0.03), boundary_iou.dilation((60, 60), 0.024)) == (2, 2)
    assert boundary_iou.evaluate([around], [padded], (0, 1), (255,), 0.024) == scores and 0 < scores[0] < 1


@pytest.mark.parametrize("count", [boundary_f.count, boundary_iou.count])
def test_size_mismatch_is_an_error(count: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="size differs"):
        count(np.zeros((2, 3)), np.zeros((3, 2)))
