"""Small truths and results in the JSON of COCO."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.metrics.detected import Box, Found, True_

CLASSES = ("cat", "dog", "cow")


def rectangle(box: Box) -> list[list[float]]:
    x, y, width, height = box
    return [[x, y, x, y + height, x + width, y + height, x + width, y]]


def runs(box: Box, side: int = 200) -> dict[str, Any]:
    """A rectangle of whole pixels as run lengths, columns first."""
    x, y, width, height = map(int, box)
    columns = [y, height, side - y - height]
    counts = [x * side + columns[0], columns[1]]
    for _ in range(width - 1):
        counts += [columns[2] + columns[0], columns[1]]
    return {"size": [side, side], "counts": [*counts, side * side - sum(counts)]}


def write_truth(folder: Path, rows: Sequence[True_], *, images: int = 3, **more: Any) -> Path:
    """Write a truth; instance `i` has the id 11 + i, image `n` the id 1 + n, and class `k` the id 1 + k."""
    annotations = [
        {
            "id": 11 + i,
            "image_id": 1 + image,
            "category_id": 1 + label,
            "bbox": list(box),
            "area": box[2] * box[3],
            "iscrowd": int(crowd),
            "segmentation": runs(box) if crowd else rectangle(box),
        }
        for i, (image, label, box, crowd) in enumerate(rows)
    ]
    sizes = [{"id": 1 + i, "height": 200, "width": 200, "file_name": "", **more} for i in range(images)]
    classes = [{"id": 1 + k, "name": name, "frequency": "f"} for k, name in enumerate(CLASSES)]
    path = folder / "truth.json"
    path.write_text(json.dumps({"images": sizes, "categories": classes, "annotations": annotations}), "utf-8")
    return path


def write_results(folder: Path, rows: Sequence[Found], *, masks: bool = False, name: str = "results") -> Path:
    listed = [
        {
            "image_id": 1 + image,
            "category_id": 1 + label,
            "score": score,
            **({"segmentation": runs(box)} if masks else {"bbox": list(box)}),
        }
        for image, label, box, score in rows
    ]
    path = folder / f"{name}.json"
    path.write_text(json.dumps(listed), "utf-8")
    return path
