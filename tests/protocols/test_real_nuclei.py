"""Nuclei as instances: real masks, detections made of them by a seed, scored as by the official tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

import segbench
from tests.oracles import coco_official

#: Images taken: some hundreds of nuclei.
N_IMAGES = 12


def _encoded(mask: np.ndarray) -> dict[str, Any]:
    runs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": runs["size"], "counts": runs["counts"].decode()}


def _nuclei(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The truth, and detections: nuclei that moved or grew a little, some twice, some lost, some anywhere."""
    rng = np.random.default_rng(8)
    images, annotations, results = [], [], []
    for number, path in enumerate(sorted(folder.glob("*.png"))[:N_IMAGES], 1):
        labels = np.asarray(Image.open(path))
        images.append({"id": number, "height": labels.shape[0], "width": labels.shape[1], "file_name": path.name})
        for value in np.unique(labels[labels > 0]).tolist():
            mask = labels == value
            runs = _encoded(mask)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "iscrowd": 0,
                    "area": int(mask.sum()),
                    "bbox": coco_mask.toBbox(runs).tolist(),
                    "segmentation": runs,
                }
            )
            for _ in range(rng.choice([0, 1, 1, 1, 2])):
                moved = np.roll(mask, rng.integers(-3, 4, 2), (0, 1))
                moved |= rng.random() < 0.3 and np.roll(moved, 1, 0)
                results.append(
                    {
                        "image_id": number,
                        "category_id": 1,
                        "segmentation": _encoded(moved),
                        "score": float(rng.random().__round__(2)),
                    }
                )
    truth = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "nucleus"}]}
    return truth, results


@pytest.mark.parametrize("iou_type", ["segm", "bbox", "boundary"])
def test_nuclei_score_as_officially(iou_type: str, real_data: Path, tmp_path: Path) -> None:
    truth, results = _nuclei(real_data / "dsb2018-nuclei" / "instances")
    assert len(truth["annotations"]) > 150
    for name, content in (("truth", truth), ("results", results)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    found = segbench.score(
        tmp_path / "results.json", dataset="instances", truth=tmp_path / "truth.json", iou_type=iou_type
    )
    official = coco_official.evaluate(truth, results, iou_type)
    expected = [None if value == -1 else value for value in official.stats.tolist()]
    values = [None if np.isnan(score.value) else score.value for score in found.scores.values()]
    assert values == expected
    assert 0.1 < found.scores["ap"].value < 0.9
