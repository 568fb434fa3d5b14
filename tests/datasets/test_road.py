"""KITTI road: what colours mean, and what a name says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.datasets.birdseye import BirdsEye, read_calibration
from segbench.datasets.road import CATEGORIES, VOID, calibration_name, category, road_truth
from segbench.errors import BadParameter, DatasetError
from segbench.labels import LabelSpace
from segbench.metrics.levels import LevelsTally
from segbench.samples import Sample
from tests.datasets.test_birdseye import random_calibration
from tests.oracles import kitti_road


def random_truth(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a truth in which every combination of the bands occurs, faint values among them."""
    dice = np.random.default_rng(seed)
    return dice.choice(np.array([0, 0, 1, 254, 255], np.uint8), (*shape, 3))


def test_every_combination_of_bands() -> None:
    for red in (0, 1, 255):
        for green in (0, 255):
            for blue in (0, 1, 255):
                found = road_truth(np.array([[[red, green, blue]]], np.uint8)).item()
                assert found == (255 if red == 0 else int(blue > 0)), (red, green, blue)


def test_blue_without_red_is_void() -> None:
    truth = road_truth(np.array([[[0, 0, 255], [255, 0, 255]]], np.uint8))
    assert (truth.tolist(), truth.dtype, truth.shape) == ([[255, 1]], np.uint8, (1, 2))


def test_bands_in_the_wrong_order_change_the_truth() -> None:
    valid_other = np.array([[[255, 0, 0]]], np.uint8)
    assert road_truth(valid_other).item() == 0
    assert road_truth(valid_other[..., ::-1]).item() == 255


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 5), np.uint8),
        np.zeros((4, 5, 4), np.uint8),
        np.zeros((4, 5, 3), np.uint16),
        np.zeros((4, 5, 3)),
        np.zeros((1, 4, 5, 3), np.uint8),
    ],
    ids=lambda pixels: f"{pixels.shape} {pixels.dtype}",
)
def test_no_rgb_image(pixels: NDArray[np.generic]) -> None:
    with pytest.raises(BadParameter, match="RGB"):
        road_truth(pixels)


def counted(truth: NDArray[np.uint8], levels: NDArray[np.uint8]) -> tuple[list[int], list[int]]:
    """Return road below, and other pixels at or above, every threshold, as our tally counts them."""
    space = LabelSpace.of(2, void=VOID)
    table, _ = LevelsTally(space).count(Sample(("key",), truth, levels))
    below = np.cumsum(table[1]) - table[1]
    at_or_above = table[0].sum() - (np.cumsum(table[0]) - table[0])
    return below.tolist(), at_or_above.tolist()


@pytest.mark.parametrize("seed", range(8))
def test_counts_against_the_transcription(seed: int) -> None:
    pixels = random_truth(seed, (23, 31))
    levels = np.random.default_rng(seed + 100).integers(0, 256, (23, 31), dtype=np.uint8)
    expected = kitti_road.count([pixels], [levels])
    assert counted(road_truth(pixels), levels) == (expected["fn"], expected["fp"])
    assert expected["positives"] and expected["negatives"]


def test_from_above_it_is_the_same_whether_colours_or_labels_are_seen() -> None:
    data, shape = random_calibration(11)
    pixels, eye = random_truth(11, shape), BirdsEye(read_calibration(data))
    labels = road_truth(eye.view(pixels))
    assert np.array_equal(labels, eye.view(road_truth(pixels), fill=255))
    levels = eye.view(np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8))
    calibration = kitti_road.read_calibration(data.decode())
    expected = kitti_road.count([kitti_road.birds_eye_view(pixels, calibration)], [levels])
    assert counted(labels, levels) == (expected["fn"], expected["fp"])


@pytest.mark.parametrize(
    ("key", "kind", "file"),
    [
        ("um_lane_000000", "um_lane", "um_000000.txt"),
        ("um_road_000000", "um_road", "um_000000.txt"),
        ("umm_road_000095", "umm_road", "umm_000095.txt"),
        ("uu_road_000099", "uu_road", "uu_000099.txt"),
    ],
)
def test_names(key: str, kind: str, file: str) -> None:
    assert (category(key), calibration_name(key)) == (kind, file)


def test_there_are_four_categories() -> None:
    assert CATEGORIES == ("um_lane", "um_road", "umm_road", "uu_road")


@pytest.mark.parametrize(
    "key",
    ["", "um_000000", "uu_lane_000000", "um_road_00000", "um_road_0000000", "um_road_000000.png", "xum_road_000000",
     "um_road_000000\n", "um_road_٠٠٠٠٠٠", "../um_road_000000", "UM_ROAD_000000"],
)  # fmt: skip
def test_other_names(key: str) -> None:
    for function in (category, calibration_name):
        with pytest.raises(DatasetError, match="six digits"):
            function(key)
