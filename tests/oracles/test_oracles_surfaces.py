"""The references for surfaces and surfels held against hand-computed values, on pairs that tell definitions apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from . import surfaces, surfels

Mask = np.ndarray
ROOT2 = math.sqrt(2)


def box(shape: tuple[int, ...], *sides: tuple[int, int]) -> Mask:
    """True within [start, stop) along each axis."""
    found = np.zeros(shape, bool)
    found[tuple(slice(start, stop) for start, stop in sides)] = True
    return found


def blobs(rng: np.random.Generator, shape: tuple[int, ...]) -> Mask:
    coarse = rng.random([-(-n // 3) for n in shape]) > 0.55
    whole = np.kron(coarse, np.ones([3] * len(shape), bool))[tuple(map(slice, shape))]
    return whole ^ (rng.random(shape) > 0.97)


def pairs() -> dict[str, tuple[Mask, Mask]]:
    """The pairs by letter, truth first."""
    square, moved = box((64, 64), (16, 48), (16, 48)), box((64, 64), (16, 48), (19, 51))
    rows, columns = np.mgrid[-24:25, -24:25]
    disk = rows**2 + columns**2 <= 400
    ten = box((20, 20), (5, 15), (5, 15))
    return {
        "A": (square, moved | box((64, 64), (2, 4), (2, 4))),
        "C": (disk, disk & ~box((49, 49), (23, 26), (23, 26))),
        "D": (box((9, 9), (4, 5), (3, 4)), box((9, 9), (4, 5), (5, 6))),
        "E": (np.ones((16, 16), bool), box((16, 16), (2, 14), (2, 14))),
        "F": (ten, np.roll(ten, 1, axis=1)),
    }


PAIRS = pairs()
UNIT = (1.0, 1.0)


def by_pixel(name: str, spacing: tuple[float, float] = UNIT) -> surfaces.Distances:
    return surfaces.distances(*PAIRS[name], spacing)


def by_surfel(name: str, spacing: tuple[float, float] = UNIT) -> tuple[surfels.Surfels, surfels.Surfels]:
    return surfels.surfels(*PAIRS[name], spacing)


# A: a square of 32 × 32, moved by 3 columns, with 2 × 2 pixels of error 13 and 14 pixels off its corner.


def test_a_small_outlier_decides_by_variant() -> None:
    pixels, area = by_pixel("A"), by_surfel("A")
    # The far pixel of the outlier is (14, 14) off; its corners run from (12, 12) to (14, 14).
    assert surfaces.hausdorff(pixels) == surfels.hausdorff(area) == pytest.approx(14 * ROOT2, rel=1e-15)
    # 4 of 128 pixels are 3 % of the prediction's surface. Of its length they are (4 + 2√2) / (128 + 4√2), 5.1 %, and
    # the nearest of their corners stands where 95 % are reached.
    assert surfaces.percentile_max(pixels) == surfaces.percentile_pooled(pixels) == 3
    assert surfels.hausdorff(area, 95) == pytest.approx(12 * ROOT2, rel=1e-15)


def test_surface_dice_of_the_outlier() -> None:
    # Pixels: 124 + 124 + 4. Near by 1: 30 of either row and 2 more on the far column, from both sides, 2 · 62.
    assert surfaces.surface_dice(by_pixel("A"), 1) == 124 / 252
    # Corners: 33 × 33, a straight one 1 long, each of four 1/√2. Near: 30 and a corner piece of either row, 2 more.
    whole = 2 * (124 + 2 * ROOT2) + 4 + 2 * ROOT2
    assert surfels.surface_dice(by_surfel("A"), 1) == pytest.approx(2 * (62 + ROOT2) / whole, rel=1e-14)
    assert round(surfels.surface_dice(by_surfel("A"), 1), 6) == 0.486893


def test_means_of_the_outlier() -> None:
    # As the packages print them.
    assert round(surfaces.assd(by_pixel("A")), 4) == 1.7793 and round(surfaces.masd(by_pixel("A")), 4) == 1.7750
    assert [round(one, 3) for one in surfels.averages(by_surfel("A"))] == [1.5, 2.364]


def test_spacing_of_the_outlier() -> None:
    spacing = (2, 0.5)
    pixels, area = by_pixel("A", spacing), by_surfel("A", spacing)
    # Three columns of 0.5; the near corner of the outlier is (12 · 2, 12 · 0.5) off.
    assert surfaces.percentile_max(pixels) == surfaces.percentile_pooled(pixels) == 1.5
    assert surfels.hausdorff(area, 95) == math.sqrt(24**2 + 6**2)
    # Two columns are as near as a neighbour was, rows are not: 31 of either row, 2 · 62 again.
    assert surfaces.surface_dice(pixels, 1) == 124 / 252
    # A corner piece is √4.25 / 2; near are 31 halves and a corner piece of either row.
    corner = math.sqrt(4.25) / 2
    whole = 2 * (2 * 15.5 + 2 * 62 + 4 * corner) + (2 * 0.5 + 2 * 2 + 4 * corner)
    expected = 2 * (31 + 2 * corner) / whole
    assert surfels.surface_dice(area, 1) == pytest.approx(expected, rel=1e-14) and round(expected, 6) == 0.201983


# C: a disk of radius 20 against the same with a hole of 3 × 3.


def test_a_hole_is_far_from_the_surface() -> None:
    pixels, area = by_pixel("C"), by_surfel("C")
    assert (len(pixels.truth), len(pixels.prediction)) == (112, 112 + 12)
    # The hole's surface is (±2, -1…1) and (-1…1, ±2): the middle ones are (17, 1) from (19, 1), the others 17 rows.
    assert sorted(pixels.prediction)[112:] == [17.0] * 8 + [math.sqrt(290)] * 4
    assert surfaces.hausdorff(pixels) == math.sqrt(290)
    assert surfaces.percentile_max(pixels) == 17  # rank 0.95 · 123 = 116.85
    # Rank 0.95 · 235 = 223.25 of all, where the last 0 is number 223.
    assert surfaces.percentile_pooled(pixels) == 4.25
    # Corners, at half pixels: (1.5, 0.5) is (16, 8) from (17.5, 8.5), as near as any.
    assert surfels.hausdorff(area) == surfels.hausdorff(area, 95) == math.sqrt(320)


# D: two pixels, two columns apart.


def test_single_pixels() -> None:
    # The pixels are 2 apart; of their four corners two are 1 and two are 2 from the other's.
    assert surfaces.surface_dice(by_pixel("D"), 1) == 0 and surfaces.assd(by_pixel("D")) == 2
    assert surfels.surface_dice(by_surfel("D"), 1) == 0.5 and surfels.averages(by_surfel("D")) == (1.5, 1.5)


# E: the truth fills the image.


def test_the_frame_is_surface() -> None:
    pixels = by_pixel("E")
    assert (len(pixels.truth), len(pixels.prediction)) == (60, 44)
    # From the truth: 48 times 2, 8 times √5 next to the corners, 4 times √8. The rank of 95 % is 56.05 there; of all
    # 104 it is 97.85, with 48 + 44 times 2 before.
    assert surfaces.percentile_max(pixels) == math.sqrt(8) and surfaces.percentile_pooled(pixels) == math.sqrt(5)
    # By corners 17 × 17: 52 times 2, 8 times √5, 4 corner pieces of 1/√2 (4.5 % of the length) at √8.
    assert surfels.hausdorff(by_surfel("E"), 95) == math.sqrt(5)


# F: moved by one column, no tolerance.


def test_a_distance_of_0_is_near() -> None:
    assert surfaces.surface_dice(by_pixel("F"), 0) == 18 / 36
    # 9 pieces and a corner piece of either row, of 36 pieces and 4 corner pieces.
    assert surfels.surface_dice(by_surfel("F"), 0) == pytest.approx(0.5, rel=1e-15)


# The measure of a package that takes all foreground pixels for the surface.


def test_regions_hide_holes() -> None:
    def region(name: str) -> tuple[np.ndarray, np.ndarray]:
        truth, prediction = PAIRS[name]
        return surfaces.distance_map(prediction, UNIT)[truth], surfaces.distance_map(truth, UNIT)[prediction]

    # The middle of the hole is 2 from its rim, whatever the surface.
    assert max(one.max() for one in region("C")) == 2
    # As SimpleITK prints it: the mean of both directed means.
    assert round(0.5 * sum(one.mean() for one in region("A")), 4) == 0.2243


# The parts.


@pytest.mark.parametrize("seed", range(6))
def test_surface_and_distance_by_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape, spacing = ((19, 23), (0.7, 2.5)) if seed % 2 else ((9, 12, 8), (1.25, 0.9, 3.0))
    truth, prediction = blobs(rng, shape), blobs(rng, shape)
    borders = [mask ^ binary_erosion(mask) for mask in (truth, prediction)]
    assert np.array_equal(surfaces.surface(truth), borders[0])
    apart = np.argwhere(borders[0])[:, None] - np.argwhere(borders[1])[None]
    squared = ((apart * np.array(spacing)) ** 2).sum(axis=2)
    pair = surfaces.distances(truth, prediction, spacing)
    assert pair.truth == pytest.approx(np.sqrt(squared.min(axis=1)), rel=1e-15)
    assert pair.prediction == pytest.approx(np.sqrt(squared.min(axis=0)), rel=1e-15)


@pytest.mark.parametrize("seed", range(4))
def test_percentiles_by_rank(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pair = surfaces.Distances(rng.random(37), rng.random(53))

    def by_rank(values: np.ndarray) -> float:
        rank = 0.95 * (len(values) - 1)
        low = math.floor(rank)
        below, above = np.sort(values)[low : low + 2]
        return float(below + (above - below) * (rank - low))

    assert surfaces.percentile_max(pair) == pytest.approx(max(map(by_rank, pair)), rel=1e-14)
    assert surfaces.percentile_pooled(pair) == pytest.approx(by_rank(np.concatenate(pair)), rel=1e-14)


def test_two_means_and_one() -> None:
    pair = surfaces.Distances(truth=np.array([1.0, 2.0, 3.0]), prediction=np.array([8.0]))
    # (1 + 2 + 3 + 8) / 4, and (2 + 8) / 2
    assert (surfaces.assd(pair), surfaces.masd(pair)) == (3.5, 5)


def test_whole_maps_have_the_same_means() -> None:
    for truth, prediction in PAIRS.values():
        pair = surfaces.distances(truth, prediction, (0.7, 1.3))
        means = surfaces.whole_map_means(truth, prediction, (0.7, 1.3))
        assert means == pytest.approx((surfaces.assd(pair), surfaces.masd(pair)), rel=1e-14)


def test_the_bits_of_whole_maps_depend_on_the_image() -> None:
    rng = np.random.default_rng(3)
    truth, prediction, spacing = blobs(rng, (60, 60)), blobs(rng, (60, 60)), (0.7, 1.3)
    found = {
        surfaces.whole_map_means(np.pad(truth, ((0, 0), (0, n))), np.pad(prediction, ((0, 0), (0, n))), spacing)
        for n in range(1, 20)
    }
    assert len(found) > 1


# Empty masks: the rule of our own.


@pytest.mark.parametrize(
    ("empty", "distance", "dice"), [("worst", 5.0, 0), ("infinity", math.inf, 0), ("skip", None, None)]
)
def test_a_missed_or_spurious_structure(empty: surfaces.Empty, distance: float | None, dice: float | None) -> None:
    # 6 · 0.5 and 4 · 1: a diagonal of 5 mm.
    one, none = box((6, 4), (1, 2), (1, 2)), np.zeros((6, 4), bool)
    for truth, prediction in ((one, none), (none, one)):
        assert surfaces.filled(truth, prediction, (0.5, 1), empty) == distance
        assert surfaces.filled(truth, prediction, (0.5, 1), empty, "dice") == dice
    assert (
        surfaces.filled(none, none, (0.5, 1), empty) == 0 and surfaces.filled(none, none, (0.5, 1), empty, "dice") == 1
    )


def test_the_diagonal_of_brats() -> None:
    assert round(surfaces.diagonal((240, 240, 155), (1, 1, 1)), 2) == 373.13


def test_filled_is_for_empty_masks() -> None:
    with pytest.raises(ValueError, match="neither mask is empty"):
        surfaces.filled(*PAIRS["A"], UNIT)


def test_masks_of_one_shape() -> None:
    for distances in (surfaces.distances, surfels.surfels):
        with pytest.raises(ValueError, match="size differs"):
            distances(np.ones((3, 3)), np.ones((3, 4)), UNIT)
