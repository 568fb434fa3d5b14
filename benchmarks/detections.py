"""Data sets of instances in the size of COCO's val2017, made from a seed: a truth and results of masks and of boxes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.rasterise import rasterise
from segbench.kernels.rle import Runs, areas, boxes, encode_strings

HEIGHT, WIDTH = 480, 640

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """How large a data set is.

    `per_image` and `detections` are means; about a crowd in 80 annotations, as in COCO.
    """

    name: str
    images: int
    per_image: float
    detections: float
    classes: int = 80


#: As many images, instances and detections as COCO's val2017 has, with results of 40 detections an image.
VAL2017 = Scale("val2017-sized: 5,000 images", 5000, 7.4, 40.0)
#: Crowded images: few, with very many instances and detections each.
DENSE = Scale("dense: 100 images of 300 × 1,000", 100, 300.0, 1000.0)
#: What is over in a moment.
SMALL = Scale("200 images", 200, 7.4, 40.0)


@dataclass(frozen=True)
class Files:
    """Where a data set was written."""

    scale: Scale
    truth: Path
    segm: Path
    bbox: Path

    def results(self, iou_type: str) -> Path:
        return self.bbox if iou_type == "bbox" else self.segm


def write(scale: Scale, folder: Path, seed: int = 1) -> Files:
    """Write a data set; the same bytes for the same seed."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    n = max(1, round(scale.images * scale.per_image))
    true_images = np.sort(rng.integers(0, scale.images, n))
    labels = _classes(rng, n, scale.classes)
    shapes = _shapes(rng, n)
    runs = _runs(shapes)
    _write_truth(folder / "truth.json", scale, rng, true_images, labels, shapes, runs)
    files = Files(scale, folder / "truth.json", folder / "segm.json", folder / "bbox.json")
    _write_results(files, rng, true_images, labels, shapes)
    return files


def _classes(rng: np.random.Generator, n: int, classes: int) -> NDArray[np.int64]:
    """A third is of one class, as persons are; the others fall off."""
    weights = 1 / np.arange(1, classes + 1)
    return rng.choice(classes, n, p=weights / weights.sum()) + 1


@dataclass(frozen=True)
class Shapes:
    """Star-shaped polygons: `points` x, y, x, y … of all, `offsets` where each begins."""

    points: Floats
    offsets: NDArray[np.int64]

    def of(self, i: int) -> Floats:
        return self.points[self.offsets[i] : self.offsets[i + 1]]


def _shapes(rng: np.random.Generator, n: int) -> Shapes:
    vertices = rng.integers(10, 61, n)
    offsets = np.concatenate([[0], np.cumsum(vertices)])
    owner = np.repeat(np.arange(n), vertices)
    places = np.arange(offsets[-1]) - offsets[owner]
    size = np.exp(rng.uniform(np.log(10), np.log(110), n))
    angles = 2 * np.pi * (places + rng.uniform(0, 0.6, len(owner))) / vertices[owner]
    radii = size[owner] * rng.uniform(0.75, 1.0, len(owner))
    centre = rng.uniform(0, 1, (n, 2)) * (WIDTH, HEIGHT)
    stretch = rng.uniform(0.5, 1.0, (n, 2))
    x = centre[owner, 0] + stretch[owner, 0] * radii * np.cos(angles)
    y = centre[owner, 1] + stretch[owner, 1] * radii * np.sin(angles)
    points = np.stack([x.clip(0, WIDTH), y.clip(0, HEIGHT)], axis=1).round(2).reshape(-1)
    return Shapes(points, 2 * offsets)


def _runs(shapes: Shapes) -> Runs:
    n = len(shapes.offsets) - 1
    return rasterise(shapes.points, shapes.offsets, np.arange(n + 1), np.full(n, HEIGHT), np.full(n, WIDTH))


def _write_truth(
    path: Path,
    scale: Scale,
    rng: np.random.Generator,
    images: NDArray[np.int64],
    labels: NDArray[np.int64],
    shapes: Shapes,
    runs: Runs,
) -> None:
    crowd = rng.random(len(images)) < 0.012
    sizes, corners = areas(runs).tolist(), boxes(runs).round(2).tolist()
    annotations: list[dict[str, Any]] = []
    for i, (image, label) in enumerate(zip(images.tolist(), labels.tolist(), strict=True)):
        if crowd[i]:
            counts = runs.counts[runs.offsets[i] : runs.offsets[i + 1]].tolist()
            mask: Any = {"size": [HEIGHT, WIDTH], "counts": counts}
        else:
            mask = [shapes.of(i).tolist()]
        annotations.append(
            {
                "segmentation": mask,
                "area": sizes[i],
                "iscrowd": int(crowd[i]),
                "image_id": image + 1,
                "bbox": corners[i],
                "category_id": label,
                "id": i + 1,
            }
        )
    truth = {
        "images": [
            {"file_name": f"{i:012d}.jpg", "height": HEIGHT, "width": WIDTH, "id": i}
            for i in range(1, scale.images + 1)
        ],
        "annotations": annotations,
        "categories": [{"id": k, "name": f"class {k}", "supercategory": "none"} for k in range(1, scale.classes + 1)],
    }
    path.write_text(json.dumps(truth))


def _write_results(
    files: Files, rng: np.random.Generator, images: NDArray[np.int64], labels: NDArray[np.int64], shapes: Shapes
) -> None:
    """Most detections are instances moved and changed a little, the others anything anywhere."""
    scale = files.scale
    n = round(scale.images * scale.detections)
    source = rng.integers(0, len(images), n)
    is_noise = rng.random(n) < 0.35
    found_images = np.where(is_noise, rng.integers(0, scale.images, n), images[source])
    found_labels = np.where(rng.random(n) < 0.1, _classes(rng, n, scale.classes), labels[source])
    moved = _moved(rng, shapes, source)
    scores = np.where(is_noise, rng.beta(1, 6, n), rng.beta(3, 2, n)).round(5)
    runs = _runs(moved)
    corners, strings = boxes(runs).round(3).tolist(), encode_strings(runs)
    common = [
        {"image_id": image + 1, "category_id": label, "score": score}
        for image, label, score in zip(found_images.tolist(), found_labels.tolist(), scores.tolist(), strict=True)
    ]
    order = np.argsort(found_images, kind="stable").tolist()
    masks = [{"segmentation": {"size": [HEIGHT, WIDTH], "counts": strings[i].decode()}, **common[i]} for i in order]
    files.segm.write_text(json.dumps(masks))
    files.bbox.write_text(json.dumps([{"bbox": corners[i], **common[i]} for i in order]))


def _moved(rng: np.random.Generator, shapes: Shapes, source: NDArray[np.int64]) -> Shapes:
    lengths = np.diff(shapes.offsets)[source]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    owner = np.repeat(np.arange(len(source)), lengths)
    points = shapes.points[shapes.offsets[source][owner] + np.arange(offsets[-1]) - offsets[owner]]
    shift = rng.normal(0, 4, (len(source), 2))[owner, np.arange(len(owner)) % 2]
    points = points + shift + rng.normal(0, 1, len(points))
    limits = np.array([WIDTH, HEIGHT], np.float64)[np.arange(len(points)) % 2]
    return Shapes(np.clip(points, 0, limits).round(2), offsets)
