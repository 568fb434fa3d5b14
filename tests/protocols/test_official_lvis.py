"""LVIS as segbench scores it from files against the rules of lvis-api: thirteen numbers, to the last bit."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segbench
from segbench.result import Result
from tests.oracles import lvis_ap
from tests.protocols.coco_sets import coco_set, write

Record = dict[str, Any]
N_SETS = 250


def federated(seed: int, *, boxes: bool) -> tuple[Record, list[Record]]:
    """A random set in which some classes are not labelled everywhere; LVIS says nothing of crowds."""
    rng = np.random.default_rng(seed)
    truth, results = coco_set(rng, boxes=boxes, masks=not boxes)
    classes = [category["id"] for category in truth["categories"]]
    for image in truth["images"]:
        image["neg_category_ids"] = [k for k in classes if rng.random() < 0.4]
        image["not_exhaustive_category_ids"] = [k for k in classes if rng.random() < 0.3]
    rows = [{name: value for name, value in one.items() if name != "iscrowd"} for one in truth["annotations"]]
    return {**truth, "annotations": rows}, results


def scored(folder: Path, truth: Record, results: list[Record], iou_type: str, *metrics: str) -> Result:
    known, found = write(folder, truth, results)
    return segbench.score(found, dataset="lvis", truth=known, iou_type=iou_type, metrics=metrics, workers=1)


def bits(values: dict[str, float]) -> dict[str, str]:
    return {name: value.hex() for name, value in values.items()}


def values_of(result: Result) -> dict[str, str]:
    return bits({name.partition("(")[0]: score.value for name, score in result.scores.items()})


@pytest.mark.parametrize("iou_type", ["segm", "bbox"])
def test_random_sets_score_as_officially(iou_type: str, tmp_path: Path) -> None:
    n = n_federated = n_without_group = 0
    for seed in range(N_SETS):
        truth, results = federated(seed, boxes=iou_type == "bbox")
        if not truth["annotations"] or not results:
            continue
        expected, per_class = lvis_ap.evaluate(truth, results, iou_type)
        found = scored(tmp_path, truth, results, iou_type)
        assert values_of(found) == bits(expected), f"seed {seed}"
        ap = next(iter(found.scores.values()))
        assert [value.hex() for value in ap.per_class.values()] == [value.hex() for value in per_class], f"seed {seed}"
        plain = [{**image, "neg_category_ids": list(range(50)), "not_exhaustive_category_ids": []} for image in
                 truth["images"]]  # fmt: skip
        n += 1
        n_federated += lvis_ap.evaluate({**truth, "images": plain}, results, iou_type)[0]["ap"] != expected["ap"]
        n_without_group += math.isnan(expected["ap_rare"])
    assert n > N_SETS / 2 and n_federated > n / 10 and n_without_group > n / 10


def crowded(n: int) -> tuple[Record, list[Record]]:
    """One image in which `n` wrong detections of two classes are surer than the two right ones."""
    box, far = [10.0, 10.0, 40.0, 40.0], [100.0, 100.0, 40.0, 40.0]
    image = {"id": 7, "height": 200, "width": 200, "neg_category_ids": [], "not_exhaustive_category_ids": []}
    truth = {
        "images": [image],
        "categories": [{"id": k, "name": f"class {k}", "frequency": "c"} for k in (1, 2)],
        "annotations": [
            {"id": k, "image_id": 7, "category_id": k, "bbox": box, "area": 1600.0} for k in (1, 2)
        ],
    }  # fmt: skip
    wrong = [{"image_id": 7, "category_id": 1 + i % 2, "bbox": far, "score": 0.9} for i in range(n)]
    right = [{"image_id": 7, "category_id": k, "bbox": box, "score": 0.5} for k in (1, 2)]
    return truth, [*right, *wrong]


@pytest.mark.parametrize("n", [297, 298, 299, 300, 400])
def test_the_limit_is_of_the_image_and_not_of_the_class(n: int, tmp_path: Path) -> None:
    truth, results = crowded(n)
    expected, per_class = lvis_ap.evaluate(truth, results, "bbox")
    found = scored(tmp_path, truth, results, "bbox")
    assert values_of(found) == bits(expected)
    # Two, one or none of the right ones are among the 300 surest.
    assert sum(value > 0 for value in per_class) == min(2, max(0, 300 - n))


def test_the_limit_of_the_challenge_is_of_the_class(tmp_path: Path) -> None:
    truth, results = crowded(400)
    switch = "ap(iou_type=bbox,rules=lvis_fixed,max_detections=10000)"
    found = scored(tmp_path, truth, results, "bbox", switch)
    # The right one of each class is 201st, with precision 1/201 at every recall.
    assert list(found.scores.values())[-1].value == pytest.approx(1 / 201, rel=1e-14)
    fewer = scored(tmp_path, truth, results, "bbox", switch.replace("10000", "200"))
    assert list(fewer.scores.values())[-1].value == 0.0


@pytest.mark.parametrize("rules", ["lvis", "lvis_fixed"])
def test_metrics_of_other_rules_change_nothing(rules: str, tmp_path: Path) -> None:
    """What is left out by the rules of LVIS is left out of metrics that have them, and of no other in the same run."""
    n_other = 0
    for seed in range(60):
        truth, results = federated(seed, boxes=True)
        if not truth["annotations"] or not results:
            continue
        truth["annotations"] = [{**one, "iscrowd": 0} for one in truth["annotations"]]
        known, found = write(tmp_path, truth, results)
        run = partial(segbench.score, found, truth=known, iou_type="bbox", workers=1)
        key = f"ap(max_detections=300,rules={rules})"
        plain, beside = run(dataset="instances"), run(dataset="instances", metrics=[key])
        assert bits(values(plain)) == bits({name: value for name, value in values(beside).items() if name != key})
        alone = run(dataset="lvis", metrics=[f"ap(rules={rules})"]).scores
        assert values(beside)[key].hex() == list(alone.values())[-1 if rules != "lvis" else 0].value.hex()
        n_other += values(beside)[key].hex() != plain.scores["ap"].value.hex()
    assert n_other > 20


def values(result: Result) -> dict[str, float]:
    return {name: score.value for name, score in result.scores.items()}
