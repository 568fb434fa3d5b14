"""Random truths and results in the JSON of COCO: every form of mask, and values on every limit."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from pycocotools import mask as official_mask

Record: TypeAlias = dict[str, Any]

SIZES = ((40, 60), (110, 130), (1, 9), (64, 64))
#: Sides of boxes whose products are areas on the limits 32² and 96², and others.
SIDES = (1, 2.5, 7, 16, 32, 64, 96, 48.5, 18, 100)
SCORES = (0.5, 0.25, 1.0, 0.0, 0.75)


def data_set(rng: np.random.Generator) -> tuple[Record, list[Record]]:
    """Return a truth and results with boxes and masks, of which some are equal, and tied in score."""
    image_ids = rng.permutation(60)[: int(rng.integers(1, 4))].tolist()
    images = [{"id": i, "file_name": "", **_size(rng)} for i in image_ids]
    categories = [{"id": 7 * i + 1, "name": str(i)} for i in rng.permutation(5)[: int(rng.integers(1, 4))].tolist()]
    truth: list[Record] = []
    results: list[Record] = []
    for image in images:
        for category in categories:
            own = [_thing(rng, image, category, polygons=True) for _ in range(int(rng.integers(0, 4)))]
            truth += own
            results += [_thing(rng, image, category) for _ in range(int(rng.integers(0, 4)))]
            results += [_near(rng, one, image) for one in own if rng.random() < 0.7 for _ in range(rng.integers(1, 4))]
        if rng.random() < 0.2:
            results.append(_thing(rng, image, {"id": 999}))
    rng.shuffle(truth)
    rng.shuffle(results)
    first = 0 if rng.random() < 0.1 else int(rng.integers(1, 50))
    ids = first + rng.permutation(len(truth))
    for one, i in zip(truth, ids.tolist(), strict=True):
        one |= {"id": i, "iscrowd": int(rng.random() < 0.15), "area": _area(rng, one)}
        if rng.random() < 0.1:
            one["ignore"] = int(rng.integers(0, 2))
    for one in results:
        one["score"] = float(rng.choice(SCORES) if rng.random() < 0.6 else rng.random())
    return {"images": images, "categories": categories, "annotations": truth}, results


def parameters(rng: np.random.Generator, truth: Record) -> Record:
    """Return some parameters that are not the usual ones, and are usual otherwise."""
    images = [image["id"] for image in truth["images"]]
    categories = [category["id"] for category in truth["categories"]]
    some: Record = {}
    if rng.random() < 0.3:
        choices = ([0.5], [0.5, 0.75], [0.0, 0.3, 1.0], rng.random(3), [0.75, 0.5])
        some["iouThrs"] = np.array(choices[rng.integers(len(choices))])
    if rng.random() < 0.3:
        some["maxDets"] = [[1, 10, 300], [1, 2, 3], [3, 1, 2], [0, 1, 100], [2, 2, 4]][rng.integers(5)]
    if rng.random() < 0.2:
        some["areaRng"] = [[0, 1e10], [0, 1024], [1024, 1024], [9216, 1e10]]
    if rng.random() < 0.1:
        some |= {"areaRng": [[5, 500], [0, 1e10]], "areaRngLbl": ["odd", "all"]}
    if rng.random() < 0.2:
        some["recThrs"] = np.array([0.0, 0.3, 0.5, 1.0])
    if rng.random() < 0.25:
        some["useCats"] = 0
        some["catIds"] = rng.permutation(categories).tolist()[: int(rng.integers(1, 4))]
    elif rng.random() < 0.25:
        some["catIds"] = rng.choice([*categories, 4321], int(rng.integers(1, 4))).tolist()
    if rng.random() < 0.25:
        some["imgIds"] = rng.choice([*images, 1234], int(rng.integers(1, 4))).tolist()
    return some


def _size(rng: np.random.Generator) -> Record:
    height, width = SIZES[rng.integers(len(SIZES))]
    return {"height": height, "width": width}


def _thing(rng: np.random.Generator, image: Record, category: Record, *, polygons: bool = False) -> Record:
    h, w = image["height"], image["width"]
    x, y = (float(v) for v in (rng.integers(0, w), rng.integers(0, h)))
    box = [x, y, float(rng.choice(SIDES)), float(rng.choice(SIDES))]
    mask = _pixels(rng, h, w, box)
    form = _polygons(rng, box) if polygons and rng.random() < 0.4 else _runs(rng, mask, lists=polygons)
    return {"image_id": image["id"], "category_id": category["id"], "bbox": box, "segmentation": form}


def _near(rng: np.random.Generator, one: Record, image: Record) -> Record:
    """Return the same thing, or one a little aside."""
    box = [*(one["bbox"][:2] + rng.integers(-1, 3, 2)).tolist(), *one["bbox"][2:]]
    if rng.random() < 0.5:
        box = list(one["bbox"])
    mask = _pixels(rng, image["height"], image["width"], box)
    return {
        "image_id": one["image_id"],
        "category_id": one["category_id"],
        "bbox": box,
        "segmentation": _runs(rng, mask, lists=False),
    }


def _pixels(rng: np.random.Generator, h: int, w: int, box: list[float]) -> np.ndarray:
    """A rectangle, mostly; or an ellipse, noise, or nothing."""
    y, x = np.ogrid[:h, :w]
    style = rng.random()
    if style < 0.05:
        return np.asfortranarray(rng.random((h, w)) < 0.3, np.uint8)
    if style < 0.1:
        return np.zeros((h, w), np.uint8, order="F")
    if style < 0.3:
        inside = ((x - box[0]) / box[2]) ** 2 + ((y - box[1]) / box[3]) ** 2 <= 1
    else:
        inside = (x >= box[0]) & (x < box[0] + box[2]) & (y >= box[1]) & (y < box[1] + box[3])
    return np.asfortranarray(inside, np.uint8)


def _polygons(rng: np.random.Generator, box: list[float]) -> list[list[float]]:
    x, y, width, height = box
    whole = [x, y, x, y + height, x + width, y + height, x + width, y]
    if rng.random() < 0.5:
        return [whole]
    return [whole, [float(v) for v in rng.uniform(-5, 60, 2 * int(rng.integers(3, 9)))]]


def _runs(rng: np.random.Generator, mask: np.ndarray, *, lists: bool) -> Record:
    """A string, bytes, or where it may be a list of run lengths."""
    rle = official_mask.encode(mask)
    form = rng.integers(3)
    if form == 0 and lists:
        flat = mask.ravel(order="F")
        ends = np.flatnonzero(np.diff(flat)) + 1
        counts = np.diff([0, *ends.tolist(), flat.size]).tolist()
        return {"size": list(mask.shape), "counts": [0, *counts] if flat[0] else counts}
    return rle if form == 1 else {**rle, "counts": rle["counts"].decode("ascii")}


def _area(rng: np.random.Generator, one: Record) -> float:
    if rng.random() < 0.3:
        return float(rng.choice([1024, 9216, 1023.5, 0, 50, 2e4]))
    return one["bbox"][2] * one["bbox"][3]
