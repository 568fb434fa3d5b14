"""The reference for Boundary IoU held against hand-computed values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import distance_transform_cdt

from . import boundary_iou

Image = np.ndarray


def rectangle(shape: tuple[int, int], y: int, x: int, height: int, width: int) -> Image:
    found = np.zeros(shape, np.uint8)
    found[y : y + height, x : x + width] = 1
    return found


def row(*labels: int) -> Image:
    return np.array([labels], np.uint8)


@pytest.mark.parametrize(
    ("shape", "d"),
    [
        ((375, 500), 12),  # 12.5
        ((225, 300), 8),  # 7.5
        ((45, 60), 2),  # 1.5
        ((105, 140), 4),  # 3.5
        ((345, 460), 12),  # 11.5
        ((480, 640), 16),
        ((10, 10), 1),  # 0.28, at least 1
        ((1024, 2048), 46),  # 45.79
    ],
)
def test_halves_are_rounded_to_even(shape: tuple[int, int], d: int) -> None:
    assert boundary_iou.dilation(shape) == d
    # A frame of d pixels: what is beyond the image is background.
    inside = max(0, shape[0] - 2 * d) * max(0, shape[1] - 2 * d)
    assert boundary_iou.band(np.ones(shape)).sum() == shape[0] * shape[1] - inside


def test_cityscapes_has_a_narrower_band() -> None:
    assert boundary_iou.dilation((1024, 2048), boundary_iou.CITYSCAPES_RATIO) == 11  # 11.45


def test_area_of_the_probe() -> None:
    # 2 · 8 · (215 + 290) - 4 · 8² = 7824; with d = 7, as another tool has it, it would be 6874.
    assert boundary_iou.band(rectangle((225, 300), 5, 5, 215, 290)).sum() == 7824


def test_a_shifted_square() -> None:
    truth, prediction = (rectangle((10, 10), 3, x, 4, 4) for x in (2, 3))
    # d = 1: two rings of 12, which share three pixels above and three below: 6 / 18. The masks: 12 / 20.
    assert boundary_iou.boundary_iou(truth, prediction) == boundary_iou.matching_iou(truth, prediction) == 1 / 3
    assert boundary_iou.mask_iou(truth, prediction) == 0.6


def test_small_objects_are_all_band() -> None:
    # 20 × 20 with d = 12, shifted by 5: 300 / 500 either way. With a narrow band it is less.
    truth, prediction = (rectangle((375, 500), 50, x, 20, 20) for x in (50, 55))
    assert boundary_iou.boundary_iou(truth, prediction) == boundary_iou.mask_iou(truth, prediction) == 0.6
    assert boundary_iou.boundary_iou(truth, prediction, 0.005) < 0.6


def test_the_band_grows_with_the_canvas() -> None:
    small, large = rectangle((375, 500), 50, 50, 100, 100), rectangle((750, 1000), 50, 50, 100, 100)
    # d = 12 and 25.
    assert boundary_iou.band(small).sum() == 100**2 - 76**2
    assert boundary_iou.band(large).sum() == 100**2 - 50**2


@pytest.mark.parametrize("seed", range(5))
def test_erosions_are_a_chessboard_distance(seed: int) -> None:
    mask = (np.kron(np.random.default_rng(seed).random((10, 11)), np.ones((4, 3))) > 0.4).astype(np.uint8)
    for ratio in (0.01, 0.04, 0.1):
        distance = distance_transform_cdt(np.pad(mask, 1), "chessboard")[1:-1, 1:-1]
        expected = (mask > 0) & (distance <= boundary_iou.dilation(mask.shape, ratio))
        assert np.array_equal(boundary_iou.band(mask, ratio), expected)


def test_empty_masks_have_no_boundary_iou() -> None:
    empty = np.zeros((10, 10))
    assert math.isnan(boundary_iou.boundary_iou(empty, empty))
    assert boundary_iou.boundary_iou(empty, np.ones((10, 10))) == 0.0


def test_label_maps_pooled_or_by_image() -> None:
    truths, predictions = [row(0, 0, 1, 1), row(1, 0, 0, 0)], [row(0, 1, 1, 1), row(1, 1, 0, 0)]
    # In one row all is band. Class 0: 1 / 2 and 2 / 3; class 1: 2 / 3 and 1 / 2; class 2 never.
    mean, per_class = boundary_iou.evaluate(truths, predictions, (0, 1, 2))
    assert (per_class[0], per_class[1], mean) == (3 / 5, 3 / 5, 3 / 5) and math.isnan(per_class[2])
    mean, per_class = boundary_iou.evaluate(truths, predictions, (0, 1, 2), pool="image")
    half = math.fsum([1 / 2, 2 / 3]) / 2
    assert (per_class[0], per_class[1], mean) == (half, half, half) and math.isnan(per_class[2])
