"""What pycocotools itself says, and the overlaps of boundaries that are put into it, against another tool."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from . import coco_official

Record = dict[str, Any]


# Run lengths and polygons.


@pytest.mark.parametrize(
    ("mask", "string"),
    [
        (np.zeros((2, 2)), "4"),
        (np.ones((2, 2)), "04"),
        ([[1, 0], [0, 0]], "013"),
        ([[0, 1], [0, 0]], "211"),
        (np.eye(3), "013000"),
        (np.indices((4, 4)).sum(axis=0) % 2, "11110O10O10O0"),
    ],
)
def test_strings_of_run_lengths(mask: Any, string: str) -> None:
    runs = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    assert runs["counts"].decode() == string
    assert np.array_equal(coco_mask.decode(runs), mask)


def square(first: float, last: float) -> list[float]:
    return [first, first, last, first, last, last, first, last]


@pytest.mark.parametrize(
    ("polygon", "pixels"),
    [
        (square(0, 9), 81),
        *((square(2 + d, 5 + d), 9) for d in (0, 0.4, 0.49, 0.5, 0.6)),
        ([2, 2, 10, 2, 2, 10], 28),
        ([10, 10, 2, 10, 10, 2], 36),
        ([2, 2, 9, 2, 9, 2.4, 2, 2.4], 0),
        (square(30, 35), 0),
        (square(-5, 5), 25),
        ([2, 2, 10, 10, 10, 2, 2, 10], 32),
    ],
)
def test_pixels_of_polygons(polygon: list[float], pixels: int) -> None:
    (runs,) = coco_mask.frPyObjects([polygon], 20, 20)
    assert coco_mask.area(runs) == pixels


@pytest.mark.parametrize(("by", "first"), [(0, 2), (0.4, 2), (0.49, 2), (0.5, 3), (0.6, 3)])
def test_where_a_moved_square_is(by: float, first: int) -> None:
    (runs,) = coco_mask.frPyObjects([square(2 + by, 5 + by)], 20, 20)
    assert coco_mask.toBbox(runs).tolist() == [first, first, 3, 3]


# Boundaries. Boundary IoU API itself, which is not on PyPI, gave the same numbers on random sets of odd sizes.


def synthetic(height: int, width: int, seed: int = 0) -> tuple[Record, list[Record]]:
    """Forty ellipses, found a little aside."""
    rng = np.random.default_rng(seed)
    y, x = np.ogrid[:height, :width]
    annotations, results = [], []
    for k in range(1, 41):
        cy, cx = rng.uniform(0, height), rng.uniform(0, width)
        ry, rx = rng.uniform(0.05, 0.3, 2) * min(height, width)
        moves = rng.normal(0, 0.05, 2) * min(ry, rx)
        grown = rng.uniform(0.9, 1.1)
        true = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1
        found = ((y - cy - moves[0]) / ry) ** 2 + ((x - cx - moves[1]) / rx) ** 2 <= grown
        one = {"image_id": 1 + k % 4, "category_id": 1}
        annotations.append(
            {**one, "id": k, "iscrowd": int(k % 8 == 0), "area": float(true.sum()), "segmentation": runs(true)}
        )
        annotations[-1]["bbox"] = coco_mask.toBbox(annotations[-1]["segmentation"]).tolist()
        results.append({**one, "score": float(rng.random()), "segmentation": runs(found)})
    images = [{"id": i, "height": height, "width": width} for i in range(1, 5)]
    return {"images": images, "categories": [{"id": 1, "name": "one"}], "annotations": annotations}, results


def runs(mask: Any) -> Record:
    found = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": found["size"], "counts": found["counts"].decode()}


def faster(truth: Record, results: list[Record]) -> np.ndarray:
    """The twelve numbers of faster-coco-eval."""
    tool = pytest.importorskip("faster_coco_eval", exc_type=ImportError)
    with contextlib.redirect_stdout(io.StringIO()):
        known = tool.COCO(copy.deepcopy(truth))
        evaluation = tool.COCOeval_faster(known, known.loadRes(copy.deepcopy(results)), "boundary")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return np.asarray(evaluation.stats[:12])


@pytest.mark.parametrize("size", [(375, 500), (120, 160), (64, 48)])
def test_boundaries_equal_another_tool(size: tuple[int, int]) -> None:
    truth, results = synthetic(*size)
    evaluation = coco_official.evaluate(truth, results, "boundary")
    # It leaves out the epsilon of the official precision.
    assert evaluation.stats == pytest.approx(faster(truth, results), abs=3e-16)
    assert 0.05 < evaluation.stats[0] < coco_official.evaluate(truth, results, "segm").stats[0]


@pytest.mark.parametrize("size", [(225, 300), (345, 460), (105, 140)])
def test_where_a_half_is_rounded_to_even_it_differs(size: tuple[int, int]) -> None:
    # 0.02 of the diagonal: 7.5, 11.5 and 3.5. The official band is a pixel wider, so overlaps are larger.
    truth, results = synthetic(*size)
    assert coco_official.evaluate(truth, results, "boundary").stats[0] > faster(truth, results)[0] + 0.01


def test_boundaries_honour_ignore_and_masks_do_not() -> None:
    truth, results = synthetic(120, 160)
    asked = copy.deepcopy(truth)
    for one in asked["annotations"][:30:3]:
        one["ignore"] = 1
    plain, ignoring = (coco_official.evaluate(known, results, "segm").stats for known in (truth, asked))
    assert np.array_equal(plain, ignoring)
    plain, ignoring = (coco_official.evaluate(known, results, "boundary").stats for known in (truth, asked))
    assert not np.array_equal(plain, ignoring)


def test_boundaries_of_real_data_equal_another_tool(real_data: Path) -> None:
    folder = real_data / "coco100-instances"
    names = ("instances_val2014_100.json", "instances_val2014_fakesegm100_results.json")
    truth, results = (json.loads((folder / name).read_text()) for name in names)
    # All hundred images were equal too, but take half a minute.
    images = [image["id"] for image in truth["images"][:25]]
    truth["images"] = truth["images"][:25]
    truth["annotations"] = [one for one in truth["annotations"] if one["image_id"] in images]
    results = [one for one in results if one["image_id"] in images]
    evaluation = coco_official.evaluate(truth, results, "boundary")
    assert evaluation.stats == pytest.approx(faster(truth, results), abs=3e-16)
