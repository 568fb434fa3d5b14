"""The reference for LVIS held against lvis 0.5.3 itself: thirteen numbers and AP of each class, to the last bit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.protocols.coco_sets import coco_set

from . import lvis_ap, lvis_official
from .lvis_official import Record

N_SETS = 120


@pytest.fixture
def lvis() -> Iterator[Any]:
    with lvis_official.tool() as package:
        yield package


def federated(seed: int, *, boxes: bool) -> tuple[Record, list[Record]]:
    """A random set in which some classes are not labelled everywhere, or not all of their instances are."""
    rng = np.random.default_rng(seed)
    truth, results = coco_set(rng, boxes=boxes, masks=not boxes)
    classes = [category["id"] for category in truth["categories"]]
    for image in truth["images"]:
        image["neg_category_ids"] = [k for k in classes if rng.random() < 0.4]
        image["not_exhaustive_category_ids"] = [k for k in classes if rng.random() < 0.3]
    return truth, results


def bits(found: tuple[dict[str, float], list[float]]) -> tuple[dict[str, str], list[str]]:
    return {name: value.hex() for name, value in found[0].items()}, [value.hex() for value in found[1]]


@pytest.mark.parametrize("iou_type", ["segm", "bbox"])
@pytest.mark.parametrize("most", [300, 4])
def test_random_sets(iou_type: str, most: int, lvis: Any) -> None:
    n = n_cut = n_undefined = n_ignored = 0
    for seed in range(N_SETS):
        truth, results = federated(seed, boxes=iou_type == "bbox")
        if not truth["annotations"] or not results:
            continue
        official = lvis_official.evaluate(lvis, truth, results, iou_type, most)
        assert bits(lvis_ap.evaluate(truth, results, iou_type, most)) == bits(official), f"seed {seed}"
        n += 1
        n_cut += len(lvis_ap.surest(results, most)) < len(results)
        n_undefined += any(math.isnan(value) for value in official[0].values())
        n_ignored += any(one.get("ignore") for one in truth["annotations"])
    assert n > N_SETS / 2 and n_undefined > n / 10 and n_ignored > n / 10
    assert n_cut > n / 4 or most == 300


@pytest.mark.parametrize("most", [3, 10_000])
def test_fixed_ap(most: int, lvis: Any) -> None:
    """Cut by class and not by image, as the challenge of 2021 does; the reference does the same on what is left."""
    n_cut = 0
    for seed in range(60):
        truth, results = federated(seed, boxes=True)
        if not truth["annotations"] or not results:
            continue
        kept = lvis_official.surest_of_class(results, most)
        official = lvis_official.evaluate(lvis, truth, kept, "bbox", -1)
        assert bits(lvis_ap.evaluate(truth, kept, "bbox", lvis_ap.ALL)) == bits(official), f"seed {seed}"
        n_cut += len(kept) < len(results)
    assert n_cut > 15 or most == 10_000


def test_the_cut_by_image(lvis: Any) -> None:
    """Of 301 results the last of the file and of the lowest score is left out, of equal ones too."""
    box = [10.0, 10.0, 40.0, 40.0]
    image = {"id": 7, "height": 200, "width": 200, "neg_category_ids": [], "not_exhaustive_category_ids": []}
    truth = {
        "images": [image],
        "categories": [{"id": k, "name": f"class {k}", "frequency": "c"} for k in (1, 2)],
        "annotations": [{"id": k, "image_id": 7, "category_id": k, "bbox": box, "area": 1600.0} for k in (1, 2)],
    }
    wrong = [{"image_id": 7, "category_id": 1, "bbox": [100.0, 100.0, 9.0, 9.0], "score": 0.5} for _ in range(299)]
    right = [{"image_id": 7, "category_id": k, "bbox": box, "score": 0.5} for k in (1, 2)]
    for results, expected in (([*wrong, *right], [1 / 300, 0.0]), ([*right, *wrong], [1 - 2**-53, 1 - 2**-53])):
        official = lvis_official.evaluate(lvis, truth, results, "bbox")
        assert bits(lvis_ap.evaluate(truth, results, "bbox")) == bits(official)
        assert official[1] == pytest.approx(expected, rel=1e-14)


def test_what_has_no_area_is_not_there(lvis: Any) -> None:
    """Neither a truth nor a result without area counts: 1 of 1 is found, and nothing is wrong."""
    box, point = [10.0, 10.0, 40.0, 40.0], [5.0, 5.0, 0.0, 3.0]
    image = {"id": 7, "height": 200, "width": 200, "neg_category_ids": [], "not_exhaustive_category_ids": []}
    rows = [
        {"id": k, "image_id": 7, "category_id": 1, "bbox": b, "area": b[2] * b[3]} for k, b in ((1, box), (2, point))
    ]
    truth = {"images": [image], "categories": [{"id": 1, "name": "one", "frequency": "r"}], "annotations": rows}
    results = [{"image_id": 7, "category_id": 1, "bbox": b, "score": s} for b, s in ((point, 0.9), (box, 0.5))]
    for scores, per_class in (
        f(truth, results, "bbox") for f in (partial(lvis_official.evaluate, lvis), lvis_ap.evaluate)
    ):
        assert per_class == [pytest.approx(1, rel=1e-14)] and scores["ar_300"] == 1.0


def test_numpy_is_as_it_was() -> None:
    with lvis_official.tool() as package:
        assert package.eval.np.float is float
    assert package.eval.np is np and not hasattr(np, "float")
