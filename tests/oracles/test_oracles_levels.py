"""The references of the grey-level protocols, held against hand-computed values and each known trap."""

from __future__ import annotations

import math

import numpy as np
import pytest

from . import kitti_road, vessels

Image = np.ndarray

# KITTI road.

ROAD, OTHER, IGNORED, IGNORED_BLUE = (255, 0, 255), (255, 0, 0), (0, 0, 0), (0, 0, 255)
Pixel = tuple[tuple[int, int, int], int]  # truth colour and predicted level


def lane(*pixels: Pixel) -> tuple[Image, Image]:
    return np.array([[p[0] for p in pixels]], dtype=np.uint8), np.array([[p[1] for p in pixels]], dtype=np.uint8)


def road(*pixels: Pixel) -> kitti_road.RoadResult:
    truth, prediction = lane(*pixels)
    return kitti_road.evaluate([truth], [prediction])


def test_road_by_hand() -> None:
    result = road((ROAD, 200), (ROAD, 100), (OTHER, 150), (OTHER, 0), (IGNORED, 255), (IGNORED_BLUE, 255))
    # k 0: TP 2 FP 2. 1..100: TP 2 FP 1, F 4/5. 101..150: TP 1 FP 1. 151..200: TP 1 FP 0, F 2/3. Best: 4/5, from 1 on.
    assert result["level"] == 1
    assert result["max_f"] == 2 * (2 / (3 + 1e-10)) * 1 / (2 / (3 + 1e-10) + 1 + 1e-10)
    assert result["max_f"] == pytest.approx(4 / 5)
    assert (result["recall"], result["fpr"], result["fnr"]) == (1.0, 1 / 2, 0.0)
    assert result["precision"] == pytest.approx(2 / 3)
    # Recall 0, .1 .. .5: precision 1, six times; .6 .. 1: 2/3, five times.
    assert result["average_precision"] == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)


def test_road_one_pixel_a_level() -> None:
    counts = kitti_road.count(*[[image] for image in lane(*((ROAD, level) for level in range(256)))])
    assert counts["fn"] == list(range(256)) and counts["fp"] == [0] * 256


def test_road_recall_of_three_tenths_fails_the_grid() -> None:
    result = road(*[(ROAD, 200)] * 3, *[(ROAD, 100)] * 7, *[(OTHER, 150)] * 10)
    # Above 150: recall 3/10 at precision 1, else 10/20. The grid has 0.30000000000000004, so only 0, .1, .2 get the 1.
    assert kitti_road.RECALL_GRID[3] > 0.3 and len(kitti_road.RECALL_GRID) == 11
    assert result["average_precision"] == pytest.approx((3 * 1 + 8 * 1 / 2) / 11)


def test_road_equal_f_takes_the_lowest_level() -> None:
    result = road((ROAD, 90), (OTHER, 10))
    assert result["level"] == 11  # 11..90 are all perfect
    assert result["max_f"] == pytest.approx(1.0) and result["average_precision"] == pytest.approx(1.0)


def test_road_binary_predictions_are_levels_too() -> None:
    result = road((ROAD, 255), (ROAD, 0), (OTHER, 255), (OTHER, 0))
    # k 0: TP 2 FP 2, F 2/3. k 1..255: TP 1 FP 1, F 1/2. Calling everything road wins.
    assert result["level"] == 0 and result["max_f"] == pytest.approx(2 / 3) and result["fpr"] == 1.0


def test_road_without_road_or_without_anything_else() -> None:
    assert math.isnan(road((OTHER, 5))["max_f"]) and math.isnan(road((IGNORED, 5))["average_precision"])
    assert math.isnan(road((ROAD, 5))["fpr"]) and road((ROAD, 5))["fnr"] == 0.0


def test_road_sets_are_pooled_before_dividing() -> None:
    parts = [lane((ROAD, 200), (OTHER, 0)), lane((ROAD, 0), (OTHER, 200), (OTHER, 200))]
    pooled = kitti_road.summarise(kitti_road.pool([kitti_road.count([t], [p]) for t, p in parts]))
    # k 0: TP 2 FP 3, F 4/7. k 1..200: TP 1 FP 2, F 2/5. Alone the sets have 1 and 1/2.
    assert pooled["max_f"] == pytest.approx(4 / 7)
    both = kitti_road.evaluate([parts[0][0], parts[1][0]], [parts[0][1], parts[1][1]])
    assert both == pooled


def test_road_integer_levels_are_the_float_comparison() -> None:
    quotient = np.arange(256, dtype=np.float32) / np.float32(255)
    for k in range(256):
        assert (quotient.astype(np.float64) >= k / 255).tolist() == [level >= k for level in range(256)]


def test_road_refuses_other_sizes_and_depths() -> None:
    truth, prediction = lane((ROAD, 1))
    for wrong in (prediction.repeat(2, axis=1), prediction.astype(np.uint16), truth):
        with pytest.raises(ValueError, match=r"truth|8-bit"):
            kitti_road.evaluate([truth], [wrong])


# A camera 1.5 m above the road that looks along z, focal length 100, centre (50, 10):
# u = 100 x / z + 50, v = 150 / z + 10.

CALIBRATION = """P0: 1 0 0 0 0 1 0 0 0 0 1 0
P2: 100 0 50 0 0 100 10 0 0 0 1 0
R0_rect: 1 0 0 0 1 0 0 0 1
Tr_cam_to_road: 1 0 0 0 0 1 0 -1.5 0 0 1 0

"""


def test_road_homography() -> None:
    h = kitti_road.homography(kitti_road.read_calibration(CALIBRATION))
    # Columns of x, z and 1: u w = 100 x + 50 z, v w = 10 z + 150, w = z.
    assert h.tolist() == [[100.0, 50.0, 0.0], [0.0, 10.0, 150.0], [0.0, 1.0, 0.0]]


def test_road_homography_takes_all_three_matrices() -> None:
    p2 = np.array([[100.0, 0, 50, 7], [0, 100, 10, 3], [0, 0, 1, 2]])
    turned = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    to_road = np.array([[0.0, 0, 1, 4], [0, 1, 0, -1.5], [-1, 0, 0, 6]])
    h = kitti_road.homography({"p2": p2, "r0_rect": turned, "cam_to_road": to_road})
    for x, z in ((2.0, 9.0), (-3.0, 40.0)):
        # From the road point (x, 0, z) to the camera: undo the shift, then the rotation; then rectify and project.
        camera = to_road[:, :3].T @ (np.array([x, 0.0, z]) - to_road[:, 3])
        pixel = p2 @ np.append(turned @ camera, 1.0)
        assert h @ np.array([x, z, 1.0]) == pytest.approx(pixel, rel=1e-12)


def test_road_cells_read_the_floor_of_a_one_based_pixel() -> None:
    h = kitti_road.homography(kitti_road.read_calibration(CALIBRATION))
    # Nearest row: z = 46 - .025 - .05 * 799 = 6.025, v = 150 / 6.025 + 10 = 34.896: pixel 34, row 33.
    # Column 200: x = .025, u = 2.5 / 6.025 + 50 = 50.415: pixel 50, column 49. Column 0: x = -9.975, u = -115.6: out.
    assert kitti_road.source_pixel(h, 799, 200, (40, 100)) == (33, 49)
    assert kitti_road.source_pixel(h, 799, 0, (40, 100)) is None
    # Farthest row: z = 45.975, v = 13.263, u = 50.054 and for column 0 28.303.
    assert kitti_road.source_pixel(h, 0, 200, (40, 100)) == (12, 49)
    assert kitti_road.source_pixel(h, 0, 0, (40, 100)) == (12, 27)
    # v = 34.896 is within 35 rows but beyond 34, though row 33 exists there: the limit is on v, not on its floor.
    assert kitti_road.source_pixel(h, 799, 200, (35, 100)) == (33, 49)
    assert kitti_road.source_pixel(h, 799, 200, (34, 100)) is None


def test_road_birds_eye_view_is_another_score() -> None:
    calibration = kitti_road.read_calibration(CALIBRATION)
    truth = np.zeros((40, 100, 3), dtype=np.uint8)
    truth[:, :, 0] = 255
    truth[:, :50, 2] = 255
    prediction = np.full((40, 100), 200, dtype=np.uint8)
    seen = kitti_road.birds_eye_view(truth, calibration), kitti_road.birds_eye_view(prediction, calibration)
    assert seen[0].shape == (800, 400, 3) and seen[1].shape == (800, 400)
    # Cells out of view are black in the truth, so they do not count, and 0 in the prediction.
    assert ((seen[0][:, :, 0] == 0) == (seen[1] == 0)).all() and (seen[1] == 0).any()
    # In perspective half of the 4000 pixels are road: F = 2/3. Above, a column is road iff u < 51, that is x < z / 100,
    # and in view iff 1 <= u <= 100, that is -.49 z <= x <= .5 z: count the cells again by these rules.
    x = -10 + 0.025 + 0.05 * np.arange(400)
    z = (46 - 0.025 - 0.05 * np.arange(800))[:, None]
    inside = (x >= -0.49 * z) & (x <= 0.5 * z)
    on_road = int((inside & (x < z / 100)).sum())
    flat, above = kitti_road.evaluate([truth], [prediction]), kitti_road.evaluate([seen[0]], [seen[1]])
    assert flat["max_f"] == pytest.approx(2 / 3)
    assert (above["counts"]["positives"], above["counts"]["negatives"]) == (on_road, int(inside.sum()) - on_road)
    assert above["max_f"] == pytest.approx(2 * on_road / (on_road + int(inside.sum())))


# Vessels.


def fundus(*pixels: tuple[int, int, int]) -> tuple[list[Image], list[Image], list[Image]]:
    """One image of pixels (truth, level, mask)."""
    channels = np.array([pixels], dtype=np.uint8)
    return [channels[:, :, 0]], [channels[:, :, 1]], [channels[:, :, 2]]


def test_vessels_by_hand() -> None:
    inside = [(255, 200, 255), (1, 128, 1), (0, 127, 255), (0, 128, 255)]
    result = vessels.evaluate(*fundus(*inside, (255, 0, 0), (0, 255, 0)))
    # Pairs vessel against other: 200 > 127, 200 > 128, 128 > 127 and one tie: 3.5 of 4.
    assert result["auc"] == pytest.approx(3.5 / 4)
    # From the top: 200 has precision 1, 128 adds the other vessel at precision 2/3: 1/2 * 1 + 1/2 * 2/3.
    assert result["average_precision"] == pytest.approx(5 / 6)
    # At 128: TP 2, FP 1, TN 1 (127 is below), FN 0. The last two pixels are outside the field of view.
    assert result["f1"] == 4 / 5 and result["accuracy"] == 3 / 4
    assert result["sensitivity"] == 1.0 and result["specificity"] == 1 / 2
    assert result["mcc"] == pytest.approx((2 * 1 - 1 * 0) / math.sqrt(3 * 2 * 2 * 1))


def test_vessels_pooled_and_by_image() -> None:
    one, two = fundus((1, 255, 1), (0, 0, 1)), fundus((0, 255, 1), (0, 200, 1))
    images = [first + second for first, second in zip(one, two, strict=True)]
    pooled, by_image = vessels.evaluate(*images), vessels.evaluate(*images, pool="image")
    # The second image has no vessel: its AUC, precision, sensitivity and MCC are undefined and left out.
    # Pooled, the vessel (255) beats 0 and 200 and ties with 255: 2.5 / 3, and precision is 1 / 2 there.
    assert pooled["auc"] == pytest.approx(2.5 / 3) and by_image["auc"] == 1.0
    assert pooled["average_precision"] == pytest.approx(1 / 2) and by_image["average_precision"] == 1.0
    # F1: TP 1, FP 2: 2 / 4; by image 1 and 0 / 2. Accuracy 2 / 4; (1 + 0) / 2. Specificity 1 / 3; (1 + 0) / 2.
    assert (pooled["f1"], by_image["f1"]) == (1 / 2, 1 / 2)
    assert (pooled["accuracy"], by_image["accuracy"]) == (1 / 2, 1 / 2)
    assert (pooled["specificity"], by_image["specificity"]) == (1 / 3, 1 / 2)
    assert (pooled["sensitivity"], by_image["sensitivity"]) == (1.0, 1.0)
    # MCC pooled: (1 * 1 - 2 * 0) / sqrt(3 * 1 * 3 * 1).
    assert pooled["mcc"] == pytest.approx(1 / 3) and by_image["mcc"] == 1.0


def test_vessels_undefined_scores_are_nan() -> None:
    none_inside = vessels.evaluate(*fundus((1, 255, 0)))
    assert all(math.isnan(none_inside[key]) for key in vessels.KEYS)
    no_vessel = vessels.evaluate(*fundus((0, 255, 1), (0, 0, 1)))
    undefined = {key for key in vessels.KEYS if math.isnan(no_vessel[key])}
    assert undefined == {"auc", "average_precision", "sensitivity", "mcc"}
    only_vessel = vessels.evaluate(*fundus((1, 255, 1), (1, 0, 1)))
    assert {key for key in vessels.KEYS if math.isnan(only_vessel[key])} == {"auc", "specificity", "mcc"}


def test_vessels_refuses_other_sizes_and_depths() -> None:
    (truth,), (prediction,), (mask,) = fundus((1, 255, 1))
    with pytest.raises(ValueError, match="sizes differ"):
        vessels.evaluate([truth], [prediction], [mask.repeat(2, axis=1)])
    with pytest.raises(ValueError, match="8-bit"):
        vessels.evaluate([truth], [prediction / 255], [mask])
