"""Which classes detections confuse, against the definition on random sets and by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.errors import BadParameter
from segbench.metrics.detection_confusion import detection_confusion, most_frequent
from tests.metrics.detected import Box, Found, True_, compared, iou, random_sets

A, B, C = 0, 1, 2
HERE: Box = (0, 0, 10, 10)
NEAR: Box = (0, 0, 10, 8)
THERE: Box = (50, 50, 10, 10)


def plain(true: list[True_], found: list[Found], n: int, threshold: float, least: float) -> NDArray[np.int64]:
    """The definition, image by image and detection by detection."""
    table = np.zeros((n + 1, n + 1), np.int64)
    for image in {row[0] for row in (*true, *found)}:
        mine = [row for row in true if row[0] == image]
        theirs = sorted((row for row in found if row[0] == image), key=lambda row: -row[3])[:100]
        free = [not crowd for *_, crowd in mine]
        for _, label, box, score in theirs:
            if score < least:
                continue
            near = [(iou(box, t[2], t[3]), t[1] == label, -i) for i, t in enumerate(mine)]
            best = max((key for key, is_free in zip(near, free, strict=True) if is_free), default=(0.0, False, 0))
            if best[0] >= threshold:
                table[mine[-best[2]][1], label] += 1
                free[-best[2]] = False
            elif not any(t[3] and same and value >= threshold for (value, same, _), t in zip(near, mine, strict=True)):
                table[n, label] += 1
        for (_, label, _, _), is_free in zip(mine, free, strict=True):
            table[label, n] += is_free
    return table


@pytest.mark.parametrize(("threshold", "least"), [(0.5, 0.0), (0.3, 0.4), (0.75, 0.5)])
def test_equals_the_definition(threshold: float, least: float) -> None:
    confused = 0
    for seed in range(200):
        true, found = random_sets(seed)
        table = detection_confusion(compared(true, found), 3, iou=threshold, least_score=least)
        assert np.array_equal(table, plain(true, found, 3, threshold, least)), seed
        instances = [sum(k == label and not crowd for _, label, _, crowd in true) for k in range(3)]
        assert table[:3].sum(axis=1).tolist() == instances
        confused += int(table[:3, :3].sum() - np.trace(table[:3, :3]))
    assert confused > 20


def test_the_best_overlap_wins_whatever_its_class() -> None:
    true = [(0, A, NEAR, False), (0, B, HERE, False)]
    table = detection_confusion(compared(true, [(0, A, HERE, 0.9)]), 2)
    assert table.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]


def test_of_equal_overlaps_its_own_class_wins() -> None:
    true = [(0, A, HERE, False), (0, B, HERE, False)]
    table = detection_confusion(compared(true, [(0, B, HERE, 0.9)]), 2)
    assert table.tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_crowds_and_classes_without_labels() -> None:
    true = [(0, A, (0, 0, 40, 40), True)]
    found = [(0, A, HERE, 0.9), (0, B, HERE, 0.8), (0, B, THERE, 0.7)]
    assert detection_confusion(compared(true, found), 2).tolist() == [[0, 0, 0], [0, 0, 0], [0, 2, 0]]
    # The class of the last one is not labelled in this image.
    assert detection_confusion(compared(true, found, excused=[2]), 2).tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_a_detection_at_the_limits_counts() -> None:
    true = [(0, A, HERE, False)]
    found = [(0, A, (0.0, 0.0, 10.0, 5.0), 0.5)]
    assert detection_confusion(compared(true, found), 1, least_score=0.5).tolist() == [[1, 0], [0, 0]]
    assert detection_confusion(compared(true, found), 1, least_score=0.51).tolist() == [[0, 1], [0, 0]]


def test_the_most_frequent_leave_out_what_is_right_and_background() -> None:
    table = np.array([[9, 2, 0, 7], [3, 9, 2, 7], [0, 0, 9, 7], [8, 8, 8, 0]])
    assert most_frequent(table, 9) == [(1, 0, 3), (0, 1, 2), (1, 2, 2)]
    assert most_frequent(table, 1) == [(1, 0, 3)]


def test_a_threshold_that_makes_no_sense() -> None:
    for threshold in (0, 1.5, float("nan")):
        with pytest.raises(BadParameter, match="expected a number above 0 and up to 1"):
            detection_confusion(compared([], []), 1, iou=threshold)


def test_equals_hotcoco_without_crowds(tmp_path: Path) -> None:
    """Its table counts who lies in a crowd as wrong, and breaks ties of scores otherwise."""
    hotcoco = pytest.importorskip("hotcoco")
    for seed in range(60):
        true, found = random_sets(seed, crowds=False)
        if not true or not found:
            continue
        scores = np.random.default_rng(seed).permutation(len(found)) / 1000
        found = [(*row[:3], float(score)) for row, score in zip(found, scores, strict=True)]
        sizes = [{"id": i + 1, "height": 50, "width": 50, "file_name": ""} for i in range(5)]
        boxes = [{"image_id": i + 1, "category_id": k + 1, "bbox": list(b), "area": b[2] * b[3]} for i, k, b, _ in true]
        annotations = [{"id": i + 1, "iscrowd": 0, **box} for i, box in enumerate(boxes)]
        classes = [{"id": k + 1, "name": str(k)} for k in range(3)]
        truth, results = tmp_path / "truth.json", tmp_path / "results.json"
        truth.write_text(json.dumps({"images": sizes, "categories": classes, "annotations": annotations}))
        listed = [{"image_id": i + 1, "category_id": k + 1, "bbox": list(b), "score": s} for i, k, b, s in found]
        results.write_text(json.dumps(listed))
        peer = hotcoco.COCO(str(truth))
        matrix = hotcoco.COCOeval(peer, peer.loadRes(str(results)), "bbox").confusion_matrix(max_det=100)["matrix"]
        assert np.array_equal(matrix, detection_confusion(compared(true, found), 3)), seed
