"""Overlap, matching, order and curves together against COCOeval: every number of its tables, and every match."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from segbench.kernels import detection, overlap
from tests.kernels.detections import COCO_RANGES, COCO_THRESHOLDS
from tests.kernels.overlapping import broken, joined, mask, runs_of

SIZES = [(40, 60), (33, 120), (7, 5)]
LIMIT = 1500


def data_set(rng):
    """Images, annotations and results: crowds, ties of score and of overlap, areas on limits, classes on one side."""
    images = [
        {"id": 10 * i + 3, "height": h, "width": w}
        for i, (h, w) in enumerate(SIZES[k] for k in rng.integers(0, 3, int(rng.integers(1, 5))))
    ]
    categories = [{"id": 5 * i + 1, "name": str(i)} for i in range(int(rng.integers(1, 5)))]
    truth, results = [], []
    many = rng.random() < 0.05
    for image in images:
        for category in categories:
            own = [thing(rng, image, category) for _ in range(int(rng.integers(0, 5)))]
            found = [thing(rng, image, category) for _ in range(int(rng.integers(0, 130 if many else 7)))]
            # A true shape again, several times, on both sides.
            copied = [dict(rng.choice(own)) for _ in range(int(rng.integers(0, 4)))] if own else []
            truth += own + copied[:1]
            results += found + copied
    for i, one in enumerate(truth):
        crowd = int(rng.random() < 0.15)
        one |= {"id": i + 1, "iscrowd": crowd, "area": float(rng.choice([1024, 9216, 50, 2000, 1e5, 1023.5]))}
    results = [{**one, "score": float(rng.choice([rng.random(), 0.5, 0.25, 0.0]))} for one in results]
    rng.shuffle(results)
    return {"images": images, "categories": categories, "annotations": [dict(one) for one in truth]}, results


def thing(rng, image, category):
    h, w = image["height"], image["width"]
    runs = broken(rng, runs_of(mask(rng, h, w)))
    box = [*rng.integers(0, 9, 4)] if rng.random() < 0.5 else [*rng.uniform(0, 50, 4).round(2)]
    return {
        "image_id": image["id"],
        "category_id": category["id"],
        "segmentation": {"size": [h, w], "counts": runs},
        "bbox": [float(x) for x in box],
    }


def official(truth, results, iou_type, thresholds, limits):
    """COCOeval itself, with areas of detections on the limits as well."""
    coco, found = COCO(), COCO()
    # COCOeval replaces the masks it is given.
    coco.dataset = copy.deepcopy(truth)
    coco.createIndex()
    detections = [{**one, "id": i + 1, "iscrowd": 0, "area": areas_of(i)} for i, one in enumerate(results)]
    found.dataset = {"images": truth["images"], "categories": truth["categories"], "annotations": detections}
    found.createIndex()
    evaluation = COCOeval(coco, found, iou_type)
    evaluation.params.iouThrs = thresholds
    evaluation.params.maxDets = limits
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


def areas_of(i):
    return (1024.0, 9216.0, 30.0, 2e4, 3000.0)[i % 5]


class Columns:
    """The same data set, sorted into groups."""

    def __init__(self, truth, results, most):
        images = [image["id"] for image in truth["images"]]
        classes = [category["id"] for category in truth["categories"]]
        self.true, self.found, self.rank, self.label = [], [], [], []
        ends = [[0], [0]]
        for image in images:
            for k, category in enumerate(classes):
                own = [i for i, a in enumerate(truth["annotations"]) if place(a) == (image, category)]
                rows = [i for i, d in enumerate(results) if place(d) == (image, category)]
                rows = sorted(rows, key=lambda i: -results[i]["score"])[:most]
                self.true += own
                self.found += rows
                self.rank += range(len(rows))
                self.label += [k] * len(rows)
                ends[0].append(len(self.true))
                ends[1].append(len(self.found))
        self.offsets = {"truth_offsets": ends[0], "prediction_offsets": ends[1]}


def place(one):
    return one["image_id"], one["category_id"]


def masks(ones):
    sizes = np.array([one["segmentation"]["size"] for one in ones], np.int64).reshape(-1, 2)
    return joined([one["segmentation"]["counts"] for one in ones], *sizes.T.copy())


def boxes(ones):
    return np.array([one["bbox"] for one in ones], float).reshape(-1, 4)


def own_tables(truth, results, iou_type, thresholds, limits):
    columns = Columns(truth, results, max(limits))
    true = [truth["annotations"][i] for i in columns.true]
    found = [results[i] for i in columns.found]
    crowd = np.array([one["iscrowd"] == 1 for one in true], bool)
    kernel, shapes = (overlap.mask_iou, masks) if iou_type == "segm" else (overlap.box_iou, boxes)
    ious, pair_offsets = kernel(truth=shapes(true), prediction=shapes(found), crowd=crowd, **columns.offsets)
    areas = np.array([one["area"] for one in true], float)
    matches = detection.match(
        ious=ious,
        pair_offsets=pair_offsets,
        truth_areas=areas,
        prediction_areas=np.array([areas_of(i) for i in columns.found], float),
        truth_ignored=crowd,
        truth_reusable=crowd,
        prediction_excused=np.zeros(len(found), bool),
        area_ranges=COCO_RANGES,
        thresholds=thresholds,
        **columns.offsets,
    )
    n = len(truth["categories"])
    rows, class_offsets = detection.order([one["score"] for one in found], np.array(columns.label, np.int64), n)
    of_class = np.array([one["category_id"] // 5 for one in true], np.int64)
    inside = ~crowd[:, None] & (areas[:, None] >= COCO_RANGES[:, 0]) & (areas[:, None] <= COCO_RANGES[:, 1])
    tables = detection.precision_recall(
        outcomes=matches.outcomes[rows],
        scores=np.array([one["score"] for one in found], float)[rows],
        ranks=np.array(columns.rank, np.int64)[rows],
        class_offsets=class_offsets,
        positives=np.stack([np.bincount(of_class[column], minlength=n) for column in inside.T], axis=1),
        recall_thresholds=np.linspace(0, 1, 101),
        max_detections=limits,
    )
    return tables, matches, columns


def same_matches(evaluation, matches, columns, truth):
    """Hold each detection's match and outcome to what COCOeval noted, image by image, in its order."""
    taken, judged = {}, {}
    for noted in filter(None, evaluation.evalImgs):
        a = COCO_RANGES.tolist().index(list(noted["aRng"]))
        for j, detection_id in enumerate(noted["dtIds"]):
            taken[detection_id - 1, a] = noted["dtMatches"][:, j]
            judged[detection_id - 1, a] = noted["dtIgnore"][:, j]
    ids = np.array([truth["annotations"][i]["id"] for i in columns.true] + [0])
    for row, i in enumerate(columns.found):
        for a in range(4):
            assert ids[matches.matched[row, a]].tolist() == taken[i, a].tolist()
            outcomes = np.where(judged[i, a], 2, taken[i, a] > 0)
            assert matches.outcomes[row, a].tolist() == outcomes.tolist()


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
@pytest.mark.parametrize("seed", range(4))
def test_same_as_cocoeval(iou_type, seed, capsys):
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(35):
        truth, results = data_set(rng)
        if not results:
            continue
        thresholds = (COCO_THRESHOLDS, np.array([0.5]), np.array([0.0, 0.3, 1.0]))[rng.choice(3, p=[0.6, 0.2, 0.2])]
        limits = [[1, 10, 100], [1, 2, 3], [100]][rng.integers(0, 3)]
        evaluation = official(truth, results, iou_type, thresholds, limits)
        tables, matches, columns = own_tables(truth, results, iou_type, thresholds, np.array(limits))
        for name, table in zip(("precision", "recall", "scores"), tables, strict=True):
            assert np.array_equal(evaluation.eval[name], table), name
        same_matches(evaluation, matches, columns, truth)
        found += int((tables[0] > 0).sum())
    assert found > LIMIT
