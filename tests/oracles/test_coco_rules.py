"""What pycocotools itself says where a rule is easily told wrongly: nothing here is of segbench."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from . import coco_official as official

Record = dict[str, Any]
BOX, FAR = [10.0, 10.0, 40.0, 40.0], [100.0, 10.0, 40.0, 40.0]
EPS = float(np.spacing(1))


def site(*boxes: list[float], **more: Any) -> Record:
    rows = [
        {"id": 1 + i, "image_id": 1, "category_id": 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0, **more}
        for i, box in enumerate(boxes)
    ]
    images = [{"id": i, "height": 200, "width": 200} for i in (1, 2)]
    return {"images": images, "categories": [{"id": 1, "name": "one"}], "annotations": rows}


def found(box: list[float], score: float) -> Record:
    return {"image_id": 1, "category_id": 1, "bbox": box, "score": score}


def stats(truth: Record, *results: Record, **params: Any) -> list[float]:
    return list(official.evaluate(truth, list(results), "bbox", **params).stats)


# Parameters.


def test_the_ninth_threshold_is_not_0_9() -> None:
    assert official.COCOeval(iouType="bbox").params.iouThrs.tolist()[8] == 0.8999999999999999


def test_ten_recalls_are_above_their_hundredth() -> None:
    recalls = official.COCOeval(iouType="bbox").params.recThrs
    above = [k for k in range(101) if recalls[k] != k / 100]
    assert above == [35, 41, 47, 57, 69, 70, 82, 83, 94, 95]
    assert all(recalls[k] == np.nextafter(k / 100, 1) for k in above)


def test_7_of_20_do_not_reach_the_recall_of_0_35() -> None:
    boxes = [[5.0 * i, 0.0, 4.0, 4.0] for i in range(20)]
    ap = stats(site(*boxes), *[found(box, 0.5) for box in boxes[:7]])[0]
    assert ap == pytest.approx(35 / 101, rel=1e-14)


def test_the_first_number_is_undefined_without_a_limit_of_100() -> None:
    values = stats(site(BOX), found(BOX, 0.5), maxDets=[1, 10, 300])
    assert values[0] == -1 and values[1] == pytest.approx(1)


@pytest.mark.parametrize(("side", "sizes"), [(31, "s"), (32, "sm"), (33, "m"), (95, "m"), (96, "ml"), (97, "l")])
def test_an_area_on_a_limit_is_of_both_sizes(side: float, sizes: str) -> None:
    box = [0.0, 0.0, float(side), float(side)]
    values = stats(site(box), found(box, 0.5))[3:6]
    assert "".join(size for size, value in zip("sml", values, strict=True) if value != -1) == sizes


# Matching.


def test_the_epsilon_is_seen_beside_a_single_detection() -> None:
    evaluation = official.evaluate(site(BOX), [found(BOX, 0.5)], "bbox")
    assert np.unique(evaluation.eval["precision"][:, :, 0, 0, -1]).tolist() == [1 / (1 + EPS)]
    assert evaluation.stats[0] == 0.9999999999999998
    assert stats(site(BOX, FAR), found(BOX, 0.5), found(FAR, 0.5))[0] == 1


@pytest.mark.parametrize(("x", "recall"), [(7.0, 1.0), (11.0, 0.5)])
def test_of_equal_overlaps_the_later_truth_is_taken(x: float, recall: float) -> None:
    # Truths at 8 and 10. The result at 9 takes that at 10: one at 7 still has its truth, and one at 11 has none.
    left, right, middle, side = ([place, 9.0, 8.0, 8.0] for place in (8.0, 10.0, 9.0, x))
    results = [found(middle, 0.9), found(side, 0.8)]
    evaluation = official.evaluate(site(left, right), results, "bbox", iouThrs=np.array([0.6]), maxDets=[2, 2, 2])
    assert evaluation.eval["recall"][0, 0, 0, -1] == recall


def test_a_crowd_takes_any_number_by_the_share_of_the_detection() -> None:
    truth = site(BOX, [100.0, 0.0, 90.0, 90.0])
    truth["annotations"][1]["iscrowd"] = 1
    inside = [found([100.0 + 10 * i, 5.0, 9.0, 9.0], 0.9) for i in range(5)]
    with_them, without = stats(truth, *inside, found(BOX, 0.1)), stats(truth, found(BOX, 0.1))
    assert with_them[0] == without[0] == 1 / (1 + EPS)
    # They have their places in the limit none the less: of one detection, and not of ten.
    assert (with_them[6:8], without[6:8]) == ([0, 1], [1, 1])


def test_ignore_has_no_effect() -> None:
    results = [found(BOX, 0.5)]
    assert stats(site(BOX, FAR, ignore=1), *results) == stats(site(BOX, FAR), *results)


def test_the_number_0_counts_as_unmatched() -> None:
    assert stats(site(BOX, id=0), found(BOX, 0.5))[0] == 0


# Loading.


def test_boxes_of_the_first_result_decide_the_areas() -> None:
    pixel = coco_mask.encode(np.asfortranarray(np.eye(200), np.uint8))
    one = {**found(BOX, 0.5), "segmentation": pixel}
    bare = {name: value for name, value in one.items() if name != "bbox"}
    for first, area in ((one, 1600), (bare, 200)):
        known = official.COCO()
        known.dataset = site(BOX)
        known.createIndex()
        assert known.loadRes([copy.deepcopy(first)]).dataset["annotations"][0]["area"] == area


def test_what_it_fails_on() -> None:
    with pytest.raises(IndexError):
        stats(site(BOX))
    with pytest.raises(AssertionError):
        stats(site(BOX), {**found(BOX, 0.5), "image_id": 9})


# Runs and polygons.


def test_masks_of_other_sizes_make_an_empty_union() -> None:
    masks = [coco_mask.encode(np.zeros(shape, np.uint8, order="F")) for shape in ((3, 4), (4, 3))]
    assert coco_mask.merge(masks)["size"] == coco_mask.merge([])["size"] == [0, 0]


def test_too_many_pixels_are_refused() -> None:
    with pytest.raises(ValueError):
        coco_mask.decode({"size": [2, 2], "counts": "013000"})


def test_four_numbers_are_a_box_and_an_odd_number_is_dropped() -> None:
    with pytest.raises(TypeError):
        coco_mask.frPyObjects([[2, 2, 10, 10]], 20, 20)
    triangle = [2, 2, 10, 2, 2, 10]
    plain, odd = (coco_mask.frPyObjects([one], 20, 20) for one in (triangle, [*triangle, 7]))
    assert plain == odd
    assert coco_mask.area(coco_mask.frPyObjects(np.array([[2.0, 3.0, 4.0, 5.0]]), 20, 20)).tolist() == [20]
