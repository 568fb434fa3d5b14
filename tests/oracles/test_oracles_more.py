"""The references for the street sets, COCO-Stuff and LIP, held against hand-computed values and each known trap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image as PillowImage

from . import camvid, camvid32, cityscapes, coco_stuff, kitti_semantic, lip

Image = np.ndarray


def row(text: str) -> Image:
    return np.array([[int(c) for c in text]], dtype=np.uint8)


def values(*numbers: int) -> Image:
    return np.array([numbers], dtype=np.uint8)


# CamVid in 32 colours.


def street(*names: str) -> Image:
    return np.array([[camvid32.COLORS[name] for name in names]], dtype=np.uint8)


def test_camvid32_has_31_classes_and_black() -> None:
    assert len(set(camvid32.COLORS.values())) == 32 and len(camvid32.CLASSES) == 31
    assert camvid32.indices(street("Animal", "Wall", "Void")).tolist() == [[0, 30, 31]]
    with pytest.raises(ValueError, match="in no table"):
        camvid32.indices(np.full((1, 1, 3), 1, dtype=np.uint8))


def test_camvid32_by_hand() -> None:
    truth = street("Sky", "Sky", "Void", "Car", "Wall", "Wall")
    prediction = street("Sky", "Tunnel", "Sky", "Car", "Wall", "Void")
    skip = camvid32.evaluate([truth], [prediction])
    miss = camvid32.evaluate([truth], [prediction], void_prediction="miss")
    # Sky 1 / 2 (the one on black truth is free), Car 1 / 1, Tunnel only predicted 0, the other 27 absent 0.
    # Wall: the black prediction is in no cell, 1 / 1; as a miss it is 1 / 2. Overall 3 of 5 either way.
    assert skip["mean_iou"] == skip["class_accuracy"] == (1 / 2 + 1 + 1) / 31
    assert miss["mean_iou"] == miss["class_accuracy"] == (1 / 2 + 1 + 1 / 2) / 31
    assert skip["global_accuracy"] == miss["global_accuracy"] == 3 / 5


def test_camvid32_void_on_hard_pixels_pays() -> None:
    truth = street(*["Sky"] * 4, *["Building"] * 4)
    wrong = street(*["Sky"] * 2, *["Building"] * 6)
    void = street(*["Sky"] * 2, *["Void"] * 2, *["Building"] * 4)
    # Sky 2 / 4 and Building 4 / 6, or Sky 2 / 2 and Building 4 / 4; 29 classes are absent.
    assert camvid32.evaluate([truth], [wrong])["mean_iou"] == pytest.approx((1 / 2 + 2 / 3) / 31)
    assert camvid32.evaluate([truth], [void])["mean_iou"] == 2 / 31


def test_camvid_groupings_claim_each_colour_once() -> None:
    for groups, size in ((camvid32.SEGNET_GROUPS, 31), (camvid32.EPONYMOUS_GROUPS, 11)):
        members = [member for group in groups.values() for member in group]
        assert tuple(groups) == camvid32.GROUPS
        assert len(members) == len(set(members)) == size and "Void" not in members


def test_camvid_groupings_score_differently() -> None:
    truth = street("Bridge", "Building", "Sky", "Void")
    prediction = street("Building", "Bridge", "Sky", "Sky")
    scores = {}
    for name, groups in (("segnet", camvid32.SEGNET_GROUPS), ("eponymous", camvid32.EPONYMOUS_GROUPS)):
        scores[name] = camvid.evaluate([camvid32.group(truth, groups)], [camvid32.group(prediction, groups)])
    # SegNet: truth 1 1 0 void, prediction 1 1 0 0: two classes at 1. Eponymous: truth void 1 0 void, prediction
    # 1 void 0 0: the only pixel of Building is predicted void, so its row is empty: 0. Overall 3 / 3 and 1 / 2.
    assert scores["segnet"]["mean_iou"] == 2 / 11 and scores["segnet"]["global_accuracy"] == 1.0
    assert scores["eponymous"]["mean_iou"] == 1 / 11 and scores["eponymous"]["global_accuracy"] == 1 / 2


# COCO-Stuff.


def coco(truth: Image, prediction: Image, together: tuple[int, ...] = ()) -> coco_stuff.CocoStuffResult:
    groups = {value: "together" if value in together else f"{value:03}" for value in coco_stuff.LEAF_VALUES}
    return coco_stuff.evaluate([truth], [prediction], groups)


def test_coco_stuff_leaves() -> None:
    assert len(coco_stuff.LEAF_VALUES) == 80 + 91 == 171
    assert 0 in coco_stuff.LEAF_VALUES and 181 in coco_stuff.LEAF_VALUES and 11 not in coco_stuff.LEAF_VALUES


def test_coco_stuff_absent_class() -> None:
    leaves = coco(row("000111"), row("000110"))["leaves"]
    # Class 0: 3 / 4, class 1: 2 / 3; the others are left out: 17 / 24 = .7083. Accuracies 1 and 2 / 3.
    assert leaves["mean_iou"] == pytest.approx(17 / 24) and round(leaves["mean_iou"], 4) == 0.7083
    assert leaves["frequency_weighted_iou"] == pytest.approx((3 * 3 / 4 + 3 * 2 / 3) / 6)
    assert leaves["mean_accuracy"] == pytest.approx(5 / 6) and leaves["pixel_accuracy"] == 5 / 6


def test_coco_stuff_class_only_predicted_is_left_out() -> None:
    leaves = coco(row("000111"), row("002111"))["leaves"]
    # Class 0: 2 / 3, class 1: 3 / 3, class 2 has no truth: 5 / 6 = .8333, not (2/3 + 1 + 0) / 3 = .5556.
    assert math.isnan(leaves["iou"][2])
    assert leaves["mean_iou"] == pytest.approx(5 / 6)


def test_coco_stuff_supercategories_sum_the_table() -> None:
    result = coco(row("000112"), row("001010"), together=(0, 1))
    # Leaves: 0 has 2 hits, 3 true, 4 predicted: 2 / 5; 1: 1, 2, 2: 1 / 3; 2: 0. Together 0 and 1 have 5 hits of 5
    # and one false positive (truth 2): 5 / 6; class 2 stays 0 / 1.
    assert result["leaves"]["mean_iou"] == pytest.approx((2 / 5 + 1 / 3 + 0) / 3)
    upper = result["supercategories"]
    assert upper["iou"][result["names"].index("together")] == 5 / 6
    assert upper["mean_iou"] == (5 / 6 + 0) / 2 and upper["pixel_accuracy"] == 5 / 6
    assert upper["frequency_weighted_iou"] == pytest.approx(5 * 5 / 6 / 6) and upper["mean_accuracy"] == 1 / 2


def test_coco_stuff_void_truth_is_dropped() -> None:
    leaves = coco(values(0, 255, 255), values(0, 5, 0))["leaves"]
    assert leaves["mean_iou"] == leaves["pixel_accuracy"] == 1.0


@pytest.mark.parametrize("value", [11, 182, 255])  # street sign; the id of the last class; void
def test_coco_stuff_prediction_outside_the_leaves_is_an_error(value: int) -> None:
    with pytest.raises(coco_stuff.CocoStuffError):
        coco(values(0, 255), values(0, value))


def test_coco_stuff_challenge_books_a_zero_as_other() -> None:
    table = coco_stuff.challenge_table([values(183, 92, 1)], [values(0, 0, 92)])
    # 0 on "other" is a hit, 0 on 92 is a miss, truth 1 (a thing) is dropped.
    assert table[91, 91] == 1 and table[0, 91] == 1 and table.sum() == 2
    with pytest.raises(coco_stuff.CocoStuffError):
        coco_stuff.challenge_table([values(92)], [values(1)])


# KITTI semantic: the Cityscapes scene with instances coded as class * 256 + number.

CAR = 3669.255859  # the average size of a car in KITTI's own list


def scene() -> tuple[Image, Image]:
    truth = np.full((10, 20), 7, dtype=np.uint8)
    truth[:, 10:] = 23
    truth[2:4, 1:4] = 26
    truth[6:8, 1:3] = 26
    truth[9] = 0
    instances = truth.astype(np.int32) * 256
    instances[2:4, 1:4] += 1  # the four other car pixels stay at 26 * 256 = 6656: no instance
    return truth, instances


def kitti(prediction: Image) -> cityscapes.CityscapesResult:
    truth, instances = scene()
    return kitti_semantic.evaluate([truth], [prediction], [instances])


def test_kitti_sizes_are_its_own() -> None:
    assert set(kitti_semantic.AVERAGE_SIZE) == set(cityscapes.AVERAGE_SIZE)
    assert all(kitti_semantic.AVERAGE_SIZE[i] < cityscapes.AVERAGE_SIZE[i] for i in cityscapes.AVERAGE_SIZE)


def test_kitti_void_on_road_is_a_miss_and_road_on_void_is_free() -> None:
    prediction = scene()[0]
    prediction[0, :10] = 0
    prediction[9] = 7
    result = kitti(prediction)
    # Road has 9 * 10 - 6 - 4 = 80 pixels, ten of them missed.
    assert result["class_iou"]["road"] == result["category_iou"]["flat"] == 70 / 80
    assert result["class_iou"]["sky"] == result["class_iou"]["car"] == 1.0


def test_kitti_number_zero_is_no_instance() -> None:
    prediction = scene()[0]
    prediction[6:8, 1:3] = 7
    result = kitti(prediction)
    # The missed pixels are 6656 in the instance map, which the Cityscapes rule (above 1000) would take for a class 6.
    assert result["class_iou"]["car"] == 6 / 10
    assert result["class_iiou"]["car"] == pytest.approx(1.0, abs=1e-15)


def test_kitti_caravan_on_car_and_on_road() -> None:
    prediction = scene()[0]
    prediction[prediction == 26] = 29
    result = kitti(prediction)
    assert (result["class_iou"]["car"], result["category_iou"]["vehicle"]) == (0.0, 0.0)
    assert result["category_iiou"]["vehicle"] == pytest.approx(1.0, abs=1e-15)
    prediction = scene()[0]
    prediction[0, :10] = 29
    # iTP = 6 * size / 6; ten false positives in the columns of the category, none in those of the category IoU.
    assert kitti(prediction)["category_iiou"]["vehicle"] == pytest.approx(CAR / (CAR + 10))
    assert kitti(prediction)["category_iou"]["vehicle"] == 1.0


def test_kitti_small_and_large_instances_weigh_the_same() -> None:
    truth, instances = values(26, 26, 26, 26, 26, 26), np.array([[6657, 6657, 6658, 6658, 6658, 6658]])
    result = kitti_semantic.evaluate([truth], [values(26, 26, 7, 7, 7, 7)], [instances])
    # 2 / 6 of the pixels, but one of two instances: size / (size + size). Road is only predicted: 0.
    assert result["class_iou"]["car"] == 2 / 6
    assert result["class_iiou"]["car"] == pytest.approx(1 / 2)
    assert result["mean_class_iou"] == pytest.approx((1 / 3 + 0) / 2)


def test_kitti_ignored_instance_and_foreign_coding() -> None:
    result = kitti_semantic.evaluate([values(29)], [values(26)], [np.array([[29 * 256 + 1]])])
    assert math.isnan(result["class_iiou"]["car"]) and math.isnan(result["mean_category_iiou"])
    with pytest.raises(cityscapes.CityscapesError):  # 26001 = 101 * 256 + 145 comes from Cityscapes' coding
        kitti_semantic.evaluate([values(26)], [values(26)], [np.array([[26001]])])


# LIP and CIHP.


def test_lip_by_hand() -> None:
    result = lip.evaluate([values(0, 0, 13, 255)], [values(0, 2, 13, 19)])
    # Background 1 / 2, Hair only predicted 0 / 1, Face 1 / 1; 19 lies on dropped truth: (1/2 + 0 + 1) / 3.
    assert result["mean_iou"] == 1 / 2
    assert result["mean_accuracy"] == (1 / 2 + 1) / 2 and result["pixel_accuracy"] == 2 / 3
    assert result["frequency_weighted_iou"] == (2 * 1 / 2 + 1 * 1) / 3


def test_lip_absent_class_is_left_out_but_zero_in_schp() -> None:
    result = lip.evaluate([row("000111")], [row("000110")])
    # 3 / 4 and 2 / 3: over two classes, or over twenty. Accuracies 1 and 2 / 3.
    assert result["mean_iou"] == pytest.approx(17 / 24)
    pixel_accuracy, mean_accuracy, mean_iou = lip.schp(result["table"])
    assert mean_iou == pytest.approx(17 / 12 / 20) and mean_accuracy == pytest.approx(5 / 3 / 20)
    assert pixel_accuracy == result["pixel_accuracy"] == 5 / 6


@pytest.mark.parametrize("value", [20, 255])
def test_lip_prediction_above_19_is_an_error(value: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        lip.evaluate([values(0, 255)], [values(0, value)])


def test_lip_official_histogram_books_20_in_the_next_row() -> None:
    table = lip.literal_histogram(values(0, 1), values(20, 1))
    # 20 * 0 + 20 = 20 * 1 + 0: truth 0 predicted 20 becomes truth 1 predicted 0. Class 1 has two pixels now.
    assert table[1, 0] == 1 and table[1, 1] == 1 and table[0].sum() == 0
    with pytest.raises(ValueError, match="cannot reshape"):  # 20 * 19 + 20 = 400
        lip.literal_histogram(values(19), values(20))


def test_lip_official_histogram_agrees_on_clean_maps() -> None:
    rng = np.random.default_rng(7)
    truth = rng.choice(np.array([*range(20), 255], dtype=np.uint8), size=(30, 20))
    prediction = rng.integers(0, 20, size=(30, 20), dtype=np.uint8)
    assert (lip.literal_histogram(truth, prediction) == lip.confusion([truth], [prediction])).all()


def test_lip_official_resizing_invents_labels() -> None:
    small = np.repeat(np.array([0, 19], dtype=np.uint8), 4)[None].repeat(8, axis=0)
    resized = np.asarray(PillowImage.fromarray(small).resize((16, 16), PillowImage.Resampling.LANCZOS))
    invented = set(resized.ravel().tolist()) - {0, 19}
    # The filter blends the two labels and overshoots: classes nobody predicted, and values above 19.
    assert any(0 < label < 19 for label in invented) and any(label > 19 for label in invented)
    truth = np.zeros((16, 16), dtype=np.uint8)
    for prediction in (small, resized):  # wrong size; right size with invented values
        with pytest.raises(ValueError, match="size differs|outside"):
            lip.evaluate([truth], [prediction])


def test_lip_names_and_cihp() -> None:
    assert len(lip.NAMES) == len(lip.CIHP_NAMES) == len(set(lip.COLORS)) == lip.CLASSES
    assert [i for i in range(20) if lip.NAMES[i] != lip.CIHP_NAMES[i]] == [10]
    assert all(lip.NAMES[a].replace("Left", "Right") == lip.NAMES[b] for a, b in lip.FLIP_PAIRS)
