"""The anatomy of detected instances: the same numbers by masks and boxes, on real data, and for every protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segbench
from segbench.errors import BadParameter, DatasetError
from segbench.metrics.tide import ERRORS
from segbench.scoring.anatomy import Anatomy, Limits, anatomy
from segbench.scoring.anatomyrecord import as_record
from tests.datasets.pngs import png
from tests.metrics.detected import Box, Found, True_
from tests.scoring.instancefiles import runs, write_results, write_truth
from tests.scoring.plotted import put

CAT, DOG, COW = 0, 1, 2
HERE: Box = (0, 0, 40, 40)
SHIFTED: Box = (16, 0, 40, 40)
THERE: Box = (100, 100, 40, 40)

TRUE: list[True_] = [
    (0, CAT, HERE, False),
    (0, DOG, THERE, False),
    (1, CAT, HERE, False),
    (1, COW, (60, 0, 100, 50), True),
    (2, DOG, HERE, False),
]
FOUND: list[Found] = [
    (0, CAT, HERE, 0.9),
    (0, CAT, THERE, 0.8),
    (1, CAT, SHIFTED, 0.7),
    (1, COW, (60, 0, 20, 20), 0.95),
    (2, CAT, THERE, 0.6),
    (2, DOG, HERE, 0.4),
    (2, DOG, HERE, 0.3),
]


def found(tmp_path: Path, iou_type: str = "bbox", rows: list[Found] = FOUND, **options: Any) -> Anatomy:
    truth = write_truth(tmp_path, TRUE)
    results = write_results(tmp_path, rows, masks=iou_type != "bbox")
    return anatomy(results, **{"dataset": "instances", "truth": truth, "iou_type": iou_type, **options})


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
def test_all_of_it_by_hand(iou_type: str, tmp_path: Path) -> None:
    record = as_record(found(tmp_path, iou_type))
    assert record["errors"]["counts"] == {"Cls": 1, "Loc": 1, "Both": 0, "Dupe": 1, "Bkg": 2, "Miss": 0}
    # In the crowd nothing is wrong, but the kind is told, as in the official tool.
    assert record["errors"]["classes"]["cow"] == {**dict.fromkeys(ERRORS, 0), "Bkg": 1}
    # From 0.5 on: the cat, the dog for which a cat was seen, a cat missed and two where nothing is, a dog missed.
    assert record["confusion"]["matrix"] == [[1, 0, 0, 1], [1, 0, 0, 1], [0, 0, 0, 0], [2, 0, 0, 0]]
    assert record["confusion"]["frequent"] == [{"truth": "dog", "prediction": "cat", "count": 1}]
    assert record["confusion"]["background"] == {
        "cat": {"missed": 1, "spurious": 2},
        "dog": {"missed": 1, "spurious": 0},
    }
    # Right are 0.9 and 0.4; wrong 0.8, 0.7, 0.6, 0.3.
    assert record["calibration"]["expected_error"] == pytest.approx((0.1 + 0.6 + 0.8 + 0.7 + 0.6 + 0.3) / 6)
    assert record["calibration"]["largest_error"] == 0.8
    assert [point["detections"] for point in record["calibration"]["points"]] == [1] * 6
    doubts = [(one["reason"], one["weight"], one["image"]) for one in record["label_errors"]]
    assert doubts == [("class", 0.8, 1), ("missing", 0.6, 3)]
    assert record["label_errors"][0]["annotation"] == {"id": 12, "class": "dog", "area": 1600, "box": list(THERE)}
    assert record["label_errors"][0]["detection"] == {
        "number": 2,
        "class": "cat",
        "score": 0.8,
        "box": list(THERE),
    }
    assert record["label_errors"][1]["annotation"] is None
    assert record["warnings"] == []
    assert (record["n_images"], record["n_annotations"], record["n_detections"]) == (3, 5, 7)
    assert (record["iou_type"], record["max_detections"]) == (iou_type, 100)


def test_boundaries_are_stricter(tmp_path: Path) -> None:
    # IoU 0.65 of the masks. Bands of 6 pixels (2 % of 283) have 816 and 648, and share 40·6 above and 2·6·20 beside:
    # 480 of 984.
    rows: list[Found] = [(0, CAT, (0, 0, 40, 26), 0.9)]
    assert as_record(found(tmp_path, "segm", rows))["errors"]["counts"]["Loc"] == 0
    assert as_record(found(tmp_path, "boundary", rows))["errors"]["counts"]["Loc"] == 1


def test_limits_are_taken(tmp_path: Path) -> None:
    record = as_record(found(tmp_path, limits=Limits(iou=0.4, background_iou=0.2, least_score=0.0, bins=2)))
    assert record["errors"]["counts"]["Loc"] == 0
    assert record["confusion"]["matrix"][DOG] == [1, 1, 0, 0]
    assert [point["detections"] for point in record["calibration"]["points"]] == [2, 4]
    assert (record["iou"], record["background_iou"], record["least_score"]) == (0.4, 0.2, 0.0)


def test_the_order_of_the_files_changes_nothing(tmp_path: Path) -> None:
    first = as_record(found(tmp_path))
    truth, results = json.loads((tmp_path / "truth.json").read_text()), FOUND[::-1]
    truth["images"].reverse()
    truth["categories"].reverse()
    path = tmp_path / "reversed.json"
    path.write_text(json.dumps(truth))
    other = as_record(found(tmp_path, rows=results, truth=path))
    for record in (first, other):
        del record["truth"], record["results"]
        for one in record["label_errors"]:
            one["detection"].pop("number")
    assert other["errors"] == first["errors"]
    assert other["calibration"] == first["calibration"]
    assert other["label_errors"] == first["label_errors"]


def test_classes_that_are_not_labelled_are_left_out(tmp_path: Path) -> None:
    rows: list[Found] = [(0, CAT, HERE, 0.9), (0, COW, THERE, 0.8), (2, CAT, THERE, 0.7), (2, DOG, THERE, 0.6)]
    truth = write_truth(tmp_path, TRUE, neg_category_ids=[1], not_exhaustive_category_ids=[2])
    record = as_record(anatomy(write_results(tmp_path, rows), dataset="lvis", truth=truth, iou_type="bbox"))
    # A cow is not labelled in the first image, dogs not to the last; there is no cat in the third.
    assert record["confusion"]["matrix"][3] == [1, 0, 0, 0]
    assert record["calibration"]["expected_error"] == pytest.approx((0.1 + 0.7) / 2)
    assert [(one["reason"], one["image"]) for one in record["label_errors"]] == [("missing", 3)]
    assert record["max_detections"] == 300


def voc(root: Path) -> None:
    """One image of two objects, a cat and a dog, and one without any."""
    (root / "ImageSets/Segmentation").mkdir(parents=True)
    (root / "ImageSets/Segmentation/val.txt").write_text("2007_000001\n2007_000002\n")
    for name, labels in (("SegmentationClass", (8, 12)), ("SegmentationObject", (1, 2))):
        for key, drawn in (("2007_000001", True), ("2007_000002", False)):
            labelled = np.zeros((200, 200), np.uint8)
            if drawn:
                labelled[:40, :40], labelled[100:140, 100:140] = labels
            put(root / name / f"{key}.png", png(labelled))


def test_objects_of_voc(tmp_path: Path) -> None:
    voc(tmp_path / "VOC2012")
    rows = [(2007000001, 8, HERE, 0.9), (2007000001, 8, THERE, 0.8), (2007000002, 12, HERE, 0.7)]
    listed = [{"image_id": i, "category_id": k, "segmentation": runs(b), "score": s} for i, k, b, s in rows]
    results = tmp_path / "results.json"
    results.write_text(json.dumps(listed))
    record = as_record(anatomy(results, dataset="voc-sds", data_root=tmp_path))
    assert record["errors"]["counts"] == {"Cls": 1, "Loc": 0, "Both": 0, "Dupe": 0, "Bkg": 1, "Miss": 0}
    assert record["calibration"]["expected_error"] == pytest.approx((0.1 + 0.8 + 0.7) / 3)
    # Objects have no ids: where they are says the box.
    annotation = {"id": None, "class": "dog", "area": 1600, "box": list(THERE)}
    assert record["label_errors"][0]["annotation"] == annotation
    assert record["label_errors"][1]["image"] == 2007000002


def test_scores_that_are_no_probabilities(tmp_path: Path) -> None:
    one = found(tmp_path, rows=[(0, CAT, HERE, 4.5), (0, CAT, THERE, 0.5)])
    assert as_record(one)["calibration"] is None
    assert one.warnings == ("no calibration: 1 of 2 scores are no probabilities: 4.5",)


def test_no_detection_at_all(tmp_path: Path) -> None:
    one = found(tmp_path, rows=[])
    record = as_record(one)
    assert record["errors"]["ap"] == 0
    assert record["errors"]["counts"]["Miss"] == 4
    assert record["errors"]["delta"]["Miss"] is None, "nothing is left to be found"
    assert record["calibration"]["expected_error"] is None
    assert one.warnings == ("no detection at all",)
    json.dumps(record, allow_nan=False)


def test_a_class_that_is_only_predicted_is_told(tmp_path: Path) -> None:
    assert found(tmp_path, rows=[(0, COW, HERE, 0.5)]).warnings == ()
    truth = write_truth(tmp_path, TRUE[:1])
    rows: list[Found] = [(0, DOG, HERE, 0.5), (0, COW, HERE, 0.5)]
    one = anatomy(write_results(tmp_path, rows), dataset="instances", truth=truth, iou_type="bbox")
    assert one.warnings == ("2 classes are predicted without an annotation: AP 0 in TIDE",)


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="anatomy of voc2012, whose predictions are labels"):
        found(tmp_path, dataset="voc")
    with pytest.raises(BadParameter, match="0 < background_iou ≤ iou < 1"):
        Limits(iou=0.05)
    with pytest.raises(BadParameter, match="expected a number"):
        Limits(least_score=float("nan"))
    with pytest.raises(BadParameter, match="expected at least 1"):
        Limits(bins=0)
    empty = write_truth(tmp_path, [])
    with pytest.raises(DatasetError, match="no annotation"):
        anatomy(write_results(tmp_path, FOUND), dataset="instances", truth=empty, iou_type="bbox")


@pytest.mark.parametrize(("name", "iou_type"), [("fakebbox", "bbox"), ("fakesegm", "segm")])
def test_real_data(name: str, iou_type: str, real_data: Path) -> None:
    folder = real_data / "coco100-instances"
    results, truth = folder / f"instances_val2014_{name}100_results.json", folder / "instances_val2014_100.json"
    one = anatomy(results, dataset="coco-instances", truth=truth, iou_type=iou_type)
    record = as_record(one)
    # tidecv 1.0.1 on the same files, in percent.
    tide = {
        "bbox": (64.20498881733425, 22.2460397441685, 0.22789102370710168, 0, 0.018972971237019465, 0)
        + (8.523573787723365, 6.821587524510463, 17.684978535217198),
        "segm": (51.80083046313932, 16.185981944964922, 11.60070388144917, 1.0128320441411206, 0, 0.26809184082151606)
        + (7.778620430008559, 8.660347233577724, 23.745819200827114),
    }[iou_type]
    measured = [record["errors"]["ap"], *record["errors"]["delta"].values()]
    # It adds up percents one by one: its last digits are those of its sums.
    assert [100 * value for value in measured] == pytest.approx(list(tide), abs=1e-11)
    counts = {"bbox": (83, 1, 0, 1, 0, 97), "segm": (76, 82, 7, 0, 4, 109)}[iou_type]
    assert tuple(record["errors"]["counts"].values()) == counts
    score = segbench.score(results, dataset="coco-instances", truth=truth, iou_type=iou_type)
    # Precision over all detections that count, as the matching of AP has it.
    curve = one.calibration
    assert curve is not None
    assert int(curve.detections.sum()) <= record["n_detections"]
    matched = float(np.sum(curve.observed * curve.detections))
    assert matched == pytest.approx(np.rint(matched))
    assert score.scores["ap50"].value > 0
    table = np.array(record["confusion"]["matrix"])
    assert table[:-1].sum() == record["n_annotations"] - 9, "9 of them are crowds"
