"""Bad input of `segbench.compat.pycocotools`: one line that names what is wrong, and never another exception."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segbench.compat.pycocotools import COCO, COCOeval, Params
from segbench.errors import BadJson, BadParameter, BadRle, DatasetError, SegbenchError, ShapeMismatch, SubmissionError
from tests.compat.cocosets import Record, data_set

SQUARE = [[1, 1, 1, 5, 5, 5, 5, 1]]


def truth() -> Record:
    shared = {"category_id": 1, "bbox": [1, 1, 4, 4], "area": 16, "iscrowd": 0, "segmentation": SQUARE}
    return {
        "images": [{"id": 5, "height": 8, "width": 10}, {"id": 6, "height": 8, "width": 10}],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [{"id": 3, "image_id": 5, **shared}, {"id": 4, "image_id": 6, **shared}],
    }


def results() -> list[Record]:
    shared = {"category_id": 1, "bbox": [1, 1, 4, 4], "score": 0.5}
    return [{"image_id": 5, **shared}, {"image_id": 6, **shared}]


def masks() -> list[Record]:
    rle = {"size": [8, 10], "counts": [9, 4, 67]}
    return [{"image_id": i, "category_id": 1, "score": 0.5, "segmentation": dict(rle)} for i in (5, 6)]


def scored(true: Record, found: Any, iou_type: str = "bbox") -> COCOeval:
    coco = COCO()
    coco.dataset = true
    coco.createIndex()
    evaluation = COCOeval(coco, coco.loadRes(found), iou_type)
    evaluation.evaluate()
    evaluation.accumulate()
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.summarize()
    return evaluation


def test_what_is_spoilt_below_is_sound() -> None:
    assert scored(truth(), results()).stats[0] == pytest.approx(1)
    assert scored(truth(), results(), "segm").stats[0] == pytest.approx(1)
    assert scored(truth(), masks(), "segm").stats[0] > -1


def test_no_detection_is_a_score_of_nothing() -> None:
    """pycocotools ends with an IndexError."""
    evaluation = scored(truth(), [])
    assert evaluation.stats[0] == 0
    assert (evaluation.eval["precision"][..., 0, :] == 0).all()


# Truth: what is changed, at which iou type it matters, and what the error says.
OF_TRUTH: dict[str, tuple[Callable[[Record], Any], str, str]] = {
    "no image_id": (lambda t: t["annotations"][1].pop("image_id"), "bbox", "annotation id 4: no key 'image_id'"),
    "no category_id": (lambda t: t["annotations"][0].pop("category_id"), "bbox", "id 3: no key 'category_id'"),
    "no id": (lambda t: t["annotations"][1].pop("id"), "bbox", "annotation 2: no key 'id'"),
    "no iscrowd": (lambda t: t["annotations"][1].pop("iscrowd"), "bbox", "annotation id 4: no key 'iscrowd'"),
    "no area": (lambda t: t["annotations"][1].pop("area"), "bbox", "annotation id 4: no key 'area'"),
    "no bbox": (lambda t: t["annotations"][1].pop("bbox"), "bbox", "annotation id 4: no key 'bbox'"),
    "no mask": (lambda t: t["annotations"][1].pop("segmentation"), "segm", "annotation id 4: no key 'segmentation'"),
    "an id twice": (lambda t: t["annotations"][1].update(id=3), "bbox", "annotation id 3 twice"),
    "half an id": (lambda t: t["annotations"][1].update(id=3.5), "bbox", "annotation id 3.5"),
    "an id of 70 bits": (lambda t: t["annotations"][1].update(id=2**70), "bbox", "id 1180591620717411303424: id 118"),
    "a text as id": (lambda t: t["annotations"][0].update(id="x"), "bbox", "annotation 2: id 4"),
    "a list as image": (lambda t: t["annotations"][0].update(image_id=[]), "bbox", "annotation 1: image_id []"),
    "an area of text": (lambda t: t["annotations"][0].update(area="big"), "bbox", "annotation id 3: area 'big'"),
    "an area of NaN": (lambda t: t["annotations"][0].update(area=math.nan), "bbox", "annotation id 3: area nan"),
    "a box of three": (lambda t: t["annotations"][1].update(bbox=[1, 2, 3]), "bbox", "id 4: bbox [1, 2, 3]"),
    "an endless box": (lambda t: t["annotations"][1].update(bbox=[0, 0, math.inf, 1]), "bbox", "bbox [0, 0, inf, 1]"),
    "no polygon": (lambda t: t["annotations"][1].update(segmentation=[]), "segm", "id 4: a segmentation without"),
    "a short polygon": (
        lambda t: t["annotations"][0].update(segmentation=[[1, 2, 3, 4]]),
        "segm",
        "id 3: a polygon of 4",
    ),
    "no height": (lambda t: t["images"][1].pop("height"), "segm", "annotation id 4: a mask of 0×10 pixels"),
    "a height of text": (lambda t: t["images"][1].update(height="8"), "segm", "annotation id 4: a mask of 0×10 pixels"),
    "images of no list": (lambda t: t.update(images=5), "bbox", "images: int"),
    "an image of no object": (lambda t: t["images"].append(5), "bbox", "image 3: no key 'id'"),
    "a category without id": (lambda t: t["categories"][0].pop("id"), "bbox", "category 1: no key 'id'"),
}


@pytest.mark.parametrize("name", OF_TRUTH)
def test_bad_truth(name: str) -> None:
    spoil, iou_type, text = OF_TRUTH[name]
    true = truth()
    spoil(true)
    with pytest.raises(DatasetError) as caught:
        scored(true, results(), iou_type)
    assert text in str(caught.value)
    assert caught.value.expected


OF_RESULTS: dict[str, tuple[Callable[[list[Any]], Any], type[SegbenchError], str]] = {
    "an unknown image": (lambda r: r[1].update(image_id=7), BadJson, "result 2: image_id 7, which the truth"),
    "no image": (lambda r: r[1].pop("image_id"), BadJson, "result 2: no key 'image_id'"),
    "no category": (lambda r: r[0].pop("category_id"), BadJson, "result 1: no key 'category_id'"),
    "no score": (lambda r: r[1].pop("score"), BadJson, "detection id 2: no key 'score'"),
    "a score of NaN": (lambda r: r[1].update(score=math.nan), BadJson, "detection id 2: score nan"),
    "a score of text": (lambda r: r[1].update(score="high"), BadJson, "detection id 2: score 'high'"),
    "a number as text": (lambda r: r[1].update(score="0.5"), BadJson, "detection id 2: score '0.5'"),
    "no shape at all": (lambda r: r[0].pop("bbox"), BadJson, "result 1: no bbox and no segmentation"),
    "no box": (lambda r: r[1].pop("bbox"), BadJson, "result 2: no bbox, which the first result has"),
    "a box of five": (lambda r: r[1].update(bbox=[1, 2, 3, 4, 5]), BadJson, "result 2: bbox [1, 2, 3, 4, 5]"),
    "no object": (lambda r: r.append([1, 2]), BadJson, "result 3: list"),
    "a list as image": (lambda r: r[0].update(image_id=[5]), BadJson, "result 1: image_id [5]"),
}
OF_MASKS: dict[str, tuple[Callable[[list[Any]], Any], type[SegbenchError], str]] = {
    "a polygon": (lambda r: r[1].update(segmentation=SQUARE), BadRle, "result 2: list"),
    "no mask": (lambda r: r[1].pop("segmentation"), BadRle, "result 2: NoneType"),
    "a short mask": (lambda r: r[1]["segmentation"].update(counts=[9, 4]), BadRle, "result 2: run lengths of fewer"),
    "height and width swapped": (
        lambda r: r[1]["segmentation"].update(size=[10, 8]),
        ShapeMismatch,
        "detection id 2: a mask of size [10, 8]; expected [8, 10], as annotation id 4 of its image; height comes first",
    ),
}


@pytest.mark.parametrize("name", OF_RESULTS)
def test_bad_results(name: str) -> None:
    spoil, kind, text = OF_RESULTS[name]
    found = results()
    spoil(found)
    with pytest.raises(kind) as caught:
        scored(truth(), found)
    assert text in str(caught.value)
    assert caught.value.expected


@pytest.mark.parametrize("name", OF_MASKS)
def test_bad_masks(name: str) -> None:
    spoil, kind, text = OF_MASKS[name]
    found = masks()
    spoil(found)
    with pytest.raises(kind) as caught:
        scored(truth(), found, "segm")
    assert text in str(caught.value)


def test_detections_of_a_hand_are_numbered_from_1() -> None:
    """pycocotools leaves the annotation that detection 0 takes free for others."""
    coco, found = COCO(), COCO()
    coco.dataset = truth()
    coco.createIndex()
    found.dataset = {**truth(), "annotations": [{**one, "id": i, "area": 16} for i, one in enumerate(results())]}
    found.createIndex()
    with pytest.raises(BadJson, match="detection id 0"):
        COCOeval(coco, found, "bbox").evaluate()


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        COCO(tmp_path / "none.json")
    coco = COCO()
    coco.dataset = truth()
    coco.createIndex()
    file = tmp_path / "some.json"
    for text in ("", "[", '{"images": nul}', "[" * 100_000):
        file.write_text(text, "utf-8")
        with pytest.raises(DatasetError, match="no JSON"):
            COCO(file)
        with pytest.raises(SubmissionError, match="no JSON"):
            coco.loadRes(file)
    file.write_text("[1]", "utf-8")
    with pytest.raises(DatasetError, match="list"):
        COCO(file)
    with pytest.raises(BadJson) as caught:
        coco.loadRes(str(file))
    assert caught.value.file == str(file)
    file.write_text(json.dumps({"annotations": [{}]}), "utf-8")
    with pytest.raises(DatasetError, match="no key 'id'") as of_truth:
        COCO(str(file))
    assert of_truth.value.file == str(file)
    for wrong in ({}, None, 5, np.zeros((3, 6)), np.zeros(7)):
        with pytest.raises(BadParameter):
            coco.loadRes(wrong)


def test_unknown_ids() -> None:
    coco = COCO()
    coco.dataset = truth()
    coco.createIndex()
    for load in (coco.loadAnns, coco.loadImgs, coco.loadCats):
        with pytest.raises(BadParameter, match="999"):
            load([999])
    with pytest.raises(BadParameter, match="no image 999"):
        coco.annToRLE({"image_id": 999, "segmentation": SQUARE})
    with pytest.raises(DatasetError, match="no key 'segmentation'"):
        coco.annToMask({"image_id": 5})
    with pytest.raises(BadRle, match="annotation 3"):
        coco.annToMask({"id": 3, "image_id": 5, "segmentation": [[1, 2]]})


def test_parameters_that_are_none() -> None:
    coco = COCO()
    coco.dataset = truth()
    coco.createIndex()
    for kind in ("keypoints", "masks", ""):
        with pytest.raises(BadParameter, match="iouType"):
            Params(kind)
        with pytest.raises(BadParameter, match="iouType"):
            COCOeval(coco, coco, kind)
    with pytest.raises(BadParameter, match="without truth or detections"):
        COCOeval(coco).evaluate()
    spoilt: list[tuple[str, Any, str]] = [
        ("iouType", "keypoints", "iouType"),
        ("maxDets", [], "maxDets is empty"),
        ("maxDets", [-1, 10], "maxDets"),
        ("maxDets", ["a"], "maxDets"),
        ("iouThrs", ["a"], "iouThrs or areaRng"),
        ("areaRng", [[0, 1], [2]], "iouThrs or areaRng"),
        ("areaRng", [[0, 1, 2]], "shape"),
        ("iouThrs", [], "iouThrs is empty"),
        ("iouThrs", [math.nan], "threshold"),
        ("areaRng", [], "areaRng is empty"),
    ]
    for name, value, text in spoilt:
        evaluation = COCOeval(coco, coco.loadRes(results()), "bbox")
        setattr(evaluation.params, name, value)
        with pytest.raises(BadParameter, match=text):
            evaluation.evaluate()


def test_steps_out_of_order() -> None:
    evaluation = COCOeval()
    with pytest.raises(BadParameter, match=r"accumulate\(\) before evaluate\(\)"):
        evaluation.accumulate()
    with pytest.raises(BadParameter, match=r"summarize\(\) before accumulate\(\)"):
        evaluation.summarize()
    assert evaluation.evalImgs == []
    assert evaluation.ious == {}


def test_what_was_not_evaluated() -> None:
    evaluation = scored(truth(), results())
    changes: list[tuple[str, Any, str]] = [
        ("imgIds", [5, 99], "imgIds: 99"),
        ("catIds", [1, 2], "catIds: 2"),
        ("areaRng", [[0, 5]], "areaRng"),
        ("maxDets", [1, 10, 300], "at most 100"),
        ("iouThrs", np.array([0.5]), "iouThrs"),
        ("useCats", 0, "useCats"),
    ]
    for name, value, text in changes:
        params = copy.deepcopy(evaluation.params)
        setattr(params, name, value)
        with pytest.raises(BadParameter, match=text):
            evaluation.accumulate(params)
    evaluation.evalImgs = evaluation.evalImgs[:-1]
    with pytest.raises(BadParameter, match="evalImgs of 7 entries"):
        evaluation.accumulate()


def test_fewer_limits_than_the_table_has_lines() -> None:
    evaluation = COCOeval(*_pair(), "bbox")
    evaluation.params.maxDets = [100]
    evaluation.evaluate()
    evaluation.accumulate()
    assert evaluation.eval["precision"].shape[-1] == 1
    with pytest.raises(BadParameter, match=r"maxDets=\[100\]"):
        evaluation.summarize()


def _pair() -> tuple[COCO, COCO]:
    coco = COCO()
    coco.dataset = truth()
    coco.createIndex()
    return coco, coco.loadRes(results())


JUNK: tuple[Any, ...] = (
    *(None, "x", "", [], {}, -1, 0, 2.5, math.nan, math.inf, 10**30, True, b"x", "é"),
    *([None], [[]], [1], [1, 2, 3, 4], [[1, 2, 3, 4]], {"a": 1}),
    *({"size": [3, 3]}, {"size": [3], "counts": "1"}, {"size": [2, 2], "counts": [1, "b"]}),
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place in nested lists and objects."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def test_junk_anywhere_is_refused_or_scored() -> None:
    rng = np.random.default_rng(0)
    refused = scores = 0
    for _ in range(1500):
        true, found = data_set(rng)
        true["annotations"], found = true["annotations"][:3], found[:3]
        whole = [true, found][rng.integers(2)]
        spots = list(places(whole))
        if not spots:
            continue
        parent, key = spots[rng.integers(len(spots))]
        if rng.random() < 0.3:
            del parent[key]
        else:
            parent[key] = JUNK[rng.integers(len(JUNK))]
        try:
            for iou_type in ("segm", "bbox"):
                scored(copy.deepcopy(true), copy.deepcopy(found), iou_type)
            scores += 1
        except SegbenchError as error:
            assert error.exit in (2, 3, 4)
            assert error.found
            refused += 1
    assert refused > 500
    assert scores > 100
