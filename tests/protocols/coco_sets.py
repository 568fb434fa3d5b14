"""Random truths and results in the JSON of COCO, and LVIS: masks in all forms, crowds, ties, areas on the limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

SIZES = ((40, 60), (33, 120), (7, 5), (64, 64))
#: On the limits of small, medium and large, beside them, and between.
AREAS = (1024, 9216, 50, 1023.5, 9216.5, 2000, 1e5)

Record = dict[str, Any]
Mask = NDArray[np.uint8]


def coco_set(rng: np.random.Generator, *, boxes: bool = False, masks: bool = True) -> tuple[Record, list[Record]]:
    """Return a truth, and results with `boxes`, `masks`, or both."""
    images, categories = _images(rng), _categories(rng)
    truth, results = [], []
    many = rng.random() < 0.03
    for image in images:
        for category in categories:
            if rng.random() < 0.2:
                continue
            own = [_thing(rng, image, category) for _ in range(int(rng.integers(0, 4)))]
            found = [_thing(rng, image, category) for _ in range(int(rng.integers(0, 130 if many else 4)))]
            # True shapes again on both sides, as they are or moved.
            copies = [dict(own[i]) for i in rng.integers(0, len(own), int(rng.integers(0, 5)))] if own else []
            truth += own + copies[:1]
            results += found + [_moved(rng, one) if rng.random() < 0.6 else one for one in copies]
    rng.shuffle(results)  # type: ignore[arg-type]
    known = {"images": images, "categories": categories, "annotations": _annotations(rng, truth)}
    return known, [_result(rng, one, boxes=boxes, masks=masks) for one in results]


def write(folder: Path, truth: Record, results: list[Record]) -> tuple[Path, Path]:
    paths = folder / "truth.json", folder / "results.json"
    for path, content in zip(paths, (truth, results), strict=True):
        path.write_text(json.dumps(content), "utf-8")
    return paths


def compressed(mask: Mask) -> Record:
    """Run lengths as a string, as results have them."""
    found = coco_mask.encode(np.asfortranarray(mask))
    return {"size": [int(n) for n in found["size"]], "counts": found["counts"].decode("ascii")}


def listed(mask: Mask) -> Record:
    """Run lengths as a list of numbers, which starts with background."""
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges.tolist(), flat.size]).tolist()
    return {"size": list(mask.shape), "counts": [0, *counts] if flat[0] else counts}


def _images(rng: np.random.Generator) -> list[Record]:
    ids = rng.permutation(20)[: int(rng.integers(1, 5))].tolist()
    sizes = [SIZES[k] for k in rng.integers(0, len(SIZES), len(ids))]
    return [{"id": 3 + 7 * i, "height": h, "width": w} for i, (h, w) in zip(ids, sizes, strict=True)]


def _categories(rng: np.random.Generator) -> list[Record]:
    ids = rng.permutation(6)[: int(rng.integers(1, 4))].tolist()
    return [{"id": 1 + 5 * i, "name": f"class {i}", "frequency": "rcf"[i % 3]} for i in ids]


def _thing(rng: np.random.Generator, image: Record, category: Record) -> Record:
    h, w = image["height"], image["width"]
    mask = np.zeros((h, w), np.uint8)
    y, x = int(rng.integers(0, h)), int(rng.integers(0, w))
    mask[y : y + int(rng.integers(1, h + 1)), x : x + int(rng.integers(1, w + 1))] = 1
    if rng.random() < 0.3:
        mask &= rng.random((h, w)) < 0.8
    if rng.random() < 0.03:
        mask[:] = 0
    return {"image_id": image["id"], "category_id": category["id"], "mask": mask, "bbox": _box(rng, mask)}


def _box(rng: np.random.Generator, mask: Mask) -> list[float]:
    box = coco_mask.toBbox(coco_mask.encode(np.asfortranarray(mask))).tolist()
    return box if rng.random() < 0.6 else (np.array(box) + rng.uniform(0, 3, 4)).round(2).tolist()


def _moved(rng: np.random.Generator, thing: Record) -> Record:
    mask = np.roll(thing["mask"], rng.integers(-2, 3, 2), (0, 1))
    return {**thing, "mask": mask, "bbox": _box(rng, mask)}


def _annotations(rng: np.random.Generator, things: list[Record]) -> list[Record]:
    ids = rng.permutation(len(things)) + int(rng.random() < 0.5)
    return [_annotation(rng, thing, int(i)) for thing, i in zip(things, ids, strict=True)]


def _annotation(rng: np.random.Generator, thing: Record, number: int) -> Record:
    mask, crowd = thing["mask"], int(rng.random() < 0.15)
    area = float(rng.choice(AREAS)) if rng.random() < 0.5 else float(mask.sum())
    shape: Any = listed(mask) if crowd or rng.random() < 0.3 else compressed(mask)
    if not crowd and rng.random() < 0.4:
        h, w = mask.shape
        shape = [rng.uniform(-3, max(h, w) + 3, 2 * int(rng.integers(3, 8))).round(2).tolist() for _ in range(2)]
    one = {**thing, "id": number, "area": area, "iscrowd": crowd, "segmentation": shape}
    del one["mask"]
    return one | ({"ignore": int(rng.random() < 0.5)} if rng.random() < 0.3 else {})


def _result(rng: np.random.Generator, thing: Record, *, boxes: bool, masks: bool) -> Record:
    """Scores are often equal, and sometimes negative or above one."""
    score = float(rng.choice([rng.random(), 0.5, 0.25, 0.0, -1.5, 2.0], p=[0.6, 0.15, 0.1, 0.05, 0.05, 0.05]))
    one = {"image_id": thing["image_id"], "category_id": thing["category_id"], "score": score}
    one |= {"segmentation": compressed(thing["mask"])} if masks else {}
    return one | ({"bbox": thing["bbox"]} if boxes else {})
