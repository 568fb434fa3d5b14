"""The reference for AP^r held against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from . import sds_ap
from .sds_ap import Instance


def part(first: int, last: int, image: int = 1, score: float = 0.0, label: int = 1) -> Instance:
    """Pixels `first` to `last` of a row of 40."""
    mask = np.zeros((1, 40), bool)
    mask[0, first : last + 1] = True
    return Instance(image, label, mask, score)


ONE, OTHER = part(0, 9), part(20, 29)


def test_all_found() -> None:
    # Eleven elevenths, added up one by one.
    found = sds_ap.average_precision([ONE, OTHER], [part(0, 9, score=0.9), part(20, 29, score=0.8)], 0.7)
    assert found == sum([1 / 11] * 11)


@pytest.mark.parametrize(("threshold", "right"), [(0.5, True), (0.7, False)])
def test_the_threshold_itself_is_enough(threshold: float, right: bool) -> None:
    # 5 of 10 pixels: IoU is 0.5 exactly.
    assert sds_ap.average_precision([ONE], [part(0, 4, score=0.9)], threshold) == pytest.approx(float(right))


def test_half_found() -> None:
    results = [part(0, 9, score=0.9)]
    # The recalls 0, 0.1, … 0.5 are reached.
    assert sds_ap.average_precision([ONE, OTHER], results, 0.5) == pytest.approx(6 / 11)
    assert sds_ap.average_precision([ONE, OTHER], results, 0.5, area=True) == 0.5


def test_a_wrong_one_between_two_right_ones() -> None:
    results = [part(0, 9, score=0.9), part(12, 18, score=0.8), part(20, 29, score=0.7)]
    assert sds_ap.average_precision([ONE, OTHER], results, 0.5) == pytest.approx((6 + 5 * 2 / 3) / 11)
    assert sds_ap.average_precision([ONE, OTHER], results, 0.5, area=True) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_who_comes_to_a_taken_instance_is_wrong_and_tries_no_other() -> None:
    # 8 of 10 pixels with the first, 7 of 11 with the second: COCO would give it the second.
    truth = [part(0, 9), part(3, 12)]
    results = [part(0, 9, score=0.9), part(2, 9, score=0.8)]
    assert [sds_ap.iou(results[1].mask, t.mask) for t in truth] == [8 / 10, 7 / 11]
    assert sds_ap.average_precision(truth, results, 0.5) == pytest.approx(6 / 11)


def test_of_equal_overlaps_the_first_instance_is_taken() -> None:
    # The second result overlaps the first instance alone, which is taken; were the other taken, it would be right.
    truth = [part(0, 9), part(10, 19)]
    results = [part(0, 19, score=0.9), part(0, 9, score=0.8)]
    assert sds_ap.average_precision(truth, results, 0.5) == pytest.approx(6 / 11)
    assert sds_ap.average_precision(truth[::-1], results, 0.5) == pytest.approx(1)


def test_instances_of_other_images_and_classes_do_not_count() -> None:
    results = [part(0, 9, image=2, score=0.9), part(0, 9, score=0.8)]
    assert sds_ap.average_precision([ONE], results, 0.5) == pytest.approx(1 / 2)
    value, per_class = sds_ap.evaluate([ONE], [part(0, 9, score=0.9, label=2)], (1, 2, 3), 0.5)
    assert value == 0.0 and per_class[0] == 0.0 and all(math.isnan(one) for one in per_class[1:])


def test_equal_scores_go_by_image() -> None:
    results = [part(0, 9, image=2, score=0.5), part(0, 9, image=1, score=0.5)]
    assert sds_ap.average_precision([part(0, 9, image=1)], results, 0.5) == pytest.approx(1)
    assert sds_ap.average_precision([part(0, 9, image=2)], results, 0.5) == pytest.approx(1 / 2)


def test_nothing_found_and_nothing_there() -> None:
    assert sds_ap.average_precision([ONE], [], 0.5) == sds_ap.average_precision([ONE], [], 0.5, area=True) == 0.0
    assert math.isnan(sds_ap.average_precision([], [ONE], 0.5))
