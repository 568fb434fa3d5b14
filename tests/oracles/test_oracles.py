"""Each reference held against measured or hand-computed values, each derived beside its test."""

from __future__ import annotations

import math

import numpy as np
import pytest

from . import ade20k, camvid, cityscapes, voc

Image = np.ndarray


def row(text: str) -> Image:
    return np.array([[int(c) for c in text]], dtype=np.uint8)


# Pascal VOC: image row c holds class c, ten columns wide, and an eleventh column is void.


def voc_truth() -> Image:
    image = np.repeat(np.arange(21, dtype=np.uint8)[:, None], 11, axis=1)
    image[:, 10] = 255
    return image


def voc_prediction() -> Image:
    return np.repeat(np.arange(21, dtype=np.uint8)[:, None], 11, axis=1)


def test_voc_perfect() -> None:
    result = voc.evaluate([voc_truth()], [voc_prediction()])
    assert result["mean_iou"] == 1.0  # 21 classes at 10 / 10
    assert result["pixel_accuracy"] == 1.0
    assert int(result["table"].sum()) == 210  # 21 rows of 10; the 21 void pixels are not in it


def test_voc_copied_void_border_is_an_error() -> None:
    with pytest.raises(voc.VocError):
        voc.evaluate([voc_truth()], [voc_truth()])


def test_voc_21_under_void_truth_is_an_error() -> None:
    prediction = voc_prediction()
    prediction[0, 10] = 21
    with pytest.raises(voc.VocError):
        voc.evaluate([voc_truth()], [prediction])


def test_voc_size_mismatch_is_an_error() -> None:
    with pytest.raises(voc.VocError):
        voc.evaluate([voc_truth()], [voc_prediction()[:, :10]])


def test_voc_missing_class_makes_the_mean_nan() -> None:
    truth, prediction = voc_truth(), voc_prediction()
    truth[20, :10] = 0
    prediction[20] = 0
    result = voc.evaluate([truth], [prediction])
    assert math.isnan(result["iou"][20]) and math.isnan(result["mean_iou"])
    assert result["iou"][:20] == [1.0] * 20


def test_voc_class_20_only_predicted() -> None:
    truth = voc_truth()
    truth[20, :10] = 0
    result = voc.evaluate([truth], [voc_prediction()])
    # Background 10 / 20, class 20 0 / 10, nineteen others 1: 19.5 / 21 = 0.92857.
    assert result["iou"] == [0.5] + [1.0] * 19 + [0.0]
    assert result["mean_iou"] == 19.5 / 21
    assert result["pixel_accuracy"] == 200 / 210


def test_voc_pools_counts_over_images() -> None:
    # Class 1: image 1 has 1 hit of 1, image 2 has 0 of 3: 1 / 4, not the mean 0.5. Background: 0 / 3.
    result = voc.evaluate([row("1"), row("111")], [row("1"), row("000")])
    assert result["iou"][:2] == [0.0, 0.25]


# CamVid: Sky (0) and Building (1) with four pixels each; half of Sky is wrong.


def test_camvid_half_sky_as_building() -> None:
    result = camvid.evaluate([row("00001111")], [row("00111111")])
    # Sky 2 / 4, Building 4 / 6, nine absent classes 0: (1/2 + 2/3) / 11 = 0.106. Accuracies 2 / 4 and 4 / 4.
    assert result["mean_iou"] == pytest.approx((1 / 2 + 2 / 3) / 11)
    assert round(result["mean_iou"], 3) == 0.106
    assert result["class_accuracy"] == pytest.approx(1.5 / 11)
    assert result["global_accuracy"] == 6 / 8


def test_camvid_half_sky_as_void() -> None:
    truth, prediction = row("00001111"), row("00991111")
    prediction[prediction == 9] = 11
    result = camvid.evaluate([truth], [prediction])
    # The two pixels leave the table: Sky 2 / 2, Building 4 / 4, 2 / 11 = 0.182. Overall 6 of 8.
    assert result["mean_iou"] == 2 / 11
    assert round(result["mean_iou"], 3) == 0.182
    assert result["class_accuracy"] == 2 / 11
    assert result["global_accuracy"] == 6 / 8
    assert int(result["table"].sum()) == 6


def test_camvid_predicted_only_class_and_void_truth() -> None:
    truth = np.array([[0, 0, 11, 11]], dtype=np.uint8)
    result = camvid.evaluate([truth], [row("0255")])
    # Sky 1 / 2; class 2 has no truth, so 0; predictions under void truth (5) are not seen: 0.5 / 11.
    assert result["mean_iou"] == 0.5 / 11
    assert result["global_accuracy"] == 1 / 2


# ADE20K.


def test_ade_absent_classes_stay_in_the_mean() -> None:
    result = ade20k.evaluate([row("1122")], [row("1120")])
    # Class 1 2 / 2, class 2 1 / 2 (a prediction of 0 is a miss only): 1.5 / 150 = 0.0100, 1.5 / 2 = 0.75.
    assert result["mean_iou"] == pytest.approx(0.01, abs=1e-15)
    assert sum(result["iou"][:2]) / 2 == pytest.approx(0.75, abs=1e-15)
    assert result["pixel_accuracy"] == 3 / 4
    assert result["score"] == pytest.approx((0.75 + 0.01) / 2)
    assert result["union"][:3] == [2, 2, 0]


def test_ade_void_truth_is_dropped() -> None:
    result = ade20k.evaluate([row("0011")], [row("1211")])
    # Both predictions under void vanish: class 1 2 / 2, class 2 untouched.
    assert result["intersection"][:2] == [2, 0] and result["union"][:2] == [2, 0]
    assert result["pixel_accuracy"] == 1.0


def test_ade_prediction_above_150() -> None:
    truth = np.array([[1, 150, 150, 1]], dtype=np.uint8)
    prediction = np.array([[200, 150, 150, 1]], dtype=np.uint8)
    clamp = ade20k.evaluate([truth], [prediction], over150="clamp")
    drop = ade20k.evaluate([truth], [prediction], over150="drop")
    # The 200 is a miss for class 1 (1 / 2) either way; clamped it also widens flag from 2 / 2 to 2 / 3.
    assert (clamp["iou"][0], drop["iou"][0]) == (0.5, 0.5)
    assert clamp["iou"][149] == pytest.approx(2 / 3) and drop["iou"][149] == pytest.approx(1.0)
    assert clamp["pixel_accuracy"] == drop["pixel_accuracy"] == 3 / 4


def test_ade_eps_enters_the_denominator() -> None:
    # One pixel, union 1: 1 / (1 + 2**-52) = 1 - 2**-52 in doubles. An absent class: 0 / 2**-52 = 0.
    result = ade20k.evaluate([row("1")], [row("1")])
    assert result["iou"][0] == 1.0 - 2.0**-52
    assert result["iou"][1] == 0.0


# Cityscapes: 10 x 20, road left, sky right, a 2 x 3 car, a 2 x 2 car group, last row void.


def scene() -> tuple[Image, Image]:
    truth = np.full((10, 20), 7, dtype=np.uint8)
    truth[:, 10:] = 23
    truth[2:4, 1:4] = 26
    truth[6:8, 1:3] = 26
    truth[9] = 0
    instances = truth.astype(np.int32)
    instances[2:4, 1:4] = 26001  # the group stays at 26
    return truth, instances


def city(prediction: Image) -> cityscapes.CityscapesResult:
    truth, instances = scene()
    return cityscapes.evaluate([truth], [prediction], [instances])


def test_cityscapes_void_on_road_is_a_miss() -> None:
    prediction = scene()[0]
    prediction[0, :10] = 0
    # Road has 9 * 10 - 6 - 4 = 80 pixels, 10 of them missed: 70 / 80.
    assert city(prediction)["class_iou"]["road"] == 0.875
    assert city(prediction)["category_iou"]["flat"] == 0.875


def test_cityscapes_anything_on_void_is_free() -> None:
    prediction = scene()[0]
    prediction[9] = 7
    result = city(prediction)
    means = [result["mean_class_iou"], result["mean_class_iiou"]]
    means += [result["mean_category_iou"], result["mean_category_iiou"]]
    assert means == [1.0] * 4


def test_cityscapes_caravan_on_car() -> None:
    prediction = scene()[0]
    prediction[prediction == 26] = 29
    result = city(prediction)
    # 0 of 10 car pixels as car, none as an evaluated vehicle, but all 6 instance pixels as some vehicle.
    assert result["class_iou"]["car"] == 0.0 and result["category_iou"]["vehicle"] == 0.0
    assert result["class_iiou"]["car"] == 0.0
    assert result["category_iiou"]["vehicle"] == pytest.approx(1.0, abs=1e-15)


def test_cityscapes_caravan_on_road() -> None:
    prediction = scene()[0]
    prediction[0, :10] = 29
    result = city(prediction)
    # iTP = 6 * 12794.0202738185 / 6 and ten false positives: 12794.02 / 12804.02 = 0.99922. The vehicle IoU
    # has no caravan column and stays 10 / 10.
    assert result["category_iiou"]["vehicle"] == pytest.approx(12794.0202738185 / 12804.0202738185)
    assert round(result["category_iiou"]["vehicle"], 5) == 0.99922
    assert result["category_iou"]["vehicle"] == 1.0


def test_cityscapes_car_on_road_and_half_an_instance() -> None:
    prediction = scene()[0]
    prediction[0, :10] = 26
    prediction[2, 1:4] = 7
    result = city(prediction)
    # Car: 10 - 3 = 7 hits, 3 misses, 10 false: 7 / 20. Instance: half of 12794.02 hit, half missed, FP 10.
    half = 12794.0202738185 / 2
    assert result["class_iou"]["car"] == 7 / 20
    assert result["class_iiou"]["car"] == pytest.approx(half / (2 * half + 10))


def test_cityscapes_missed_group_does_not_touch_the_instance_score() -> None:
    prediction = scene()[0]
    prediction[6:8, 1:3] = 7
    result = city(prediction)
    assert result["class_iou"]["car"] == 6 / 10  # the four group pixels are missed
    assert result["class_iiou"]["car"] == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("value", [34, 255])
def test_cityscapes_ids_outside_the_table_are_errors(value: int) -> None:
    truth, instances = scene()
    other = truth.copy()
    other[0, 0] = value
    for pair in ((truth, other), (other, truth)):
        with pytest.raises(cityscapes.CityscapesError):
            cityscapes.evaluate([pair[0]], [pair[1]], [instances])
