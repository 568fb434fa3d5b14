"""Code that was written for pycocotools and is given `segbench.compat.pycocotools` instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segbench.compat import pycocotools as ours

torch = pytest.importorskip("torch")
pytest.importorskip("torchmetrics")
helpers = pytest.importorskip("torchmetrics.detection.helpers")
MeanAveragePrecision = pytest.importorskip("torchmetrics.detection").MeanAveragePrecision

SIDE = 120
CHOICES: tuple[dict[str, Any], ...] = (
    {},
    {"average": "micro"},
    {"max_detection_thresholds": [1, 5, 50]},
    {"iou_thresholds": [0.5, 0.6]},
)


def things(rng: np.random.Generator, corners: np.ndarray) -> dict[str, Any]:
    masks = np.zeros((len(corners), SIDE, SIDE), bool)
    for mask, (left, top, right, bottom) in zip(masks, corners, strict=True):
        mask[top:bottom, left:right] = True
    labels = torch.tensor(rng.integers(0, 3, len(corners)))
    return {"boxes": torch.tensor(corners, dtype=torch.float32), "labels": labels, "masks": torch.tensor(masks)}


def batch(rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any]]:
    """Detections and true instances of one image; some are near each other."""
    start = rng.integers(0, 60, (int(rng.integers(0, 6)), 2))
    corners = np.concatenate([start, start + rng.integers(5, 60, start.shape)], axis=1)
    moved = np.clip(corners + rng.integers(-2, 3, corners.shape), 0, SIDE)
    true, found = things(rng, corners), things(rng, np.concatenate([moved, corners[::-1]]))
    right = rng.random(len(corners)) < 0.7
    found["labels"][: len(corners)][torch.tensor(right)] = true["labels"][torch.tensor(right)]
    crowd = torch.tensor((rng.random(len(corners)) < 0.2).astype(np.int64))
    return {**found, "scores": torch.tensor(rng.random(len(found["labels"])))}, {**true, "iscrowd": crowd}


def computed(choice: dict[str, Any]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    metric = MeanAveragePrecision(iou_type=("bbox", "segm"), class_metrics=True, extended_summary=True, **choice)
    for _ in range(25):
        found, true = batch(rng)
        metric.update([found], [true])
    scores: dict[str, Any] = metric.compute()
    return scores


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_torchmetrics_comes_to_the_same(choice: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = computed(choice)
    monkeypatch.setattr(helpers, "_load_coco_backend_tools", lambda _: (ours.COCO, ours.COCOeval, ours.mask))
    # Were it not asked, this test would say nothing.
    asked = []
    evaluate = ours.COCOeval.evaluate
    monkeypatch.setattr(ours.COCOeval, "evaluate", lambda self: (asked.append(1), evaluate(self))[1])
    mine = computed(choice)
    assert asked
    assert mine.keys() == theirs.keys()
    assert float(mine["bbox_map"]) > 0.1 or "max_detection_thresholds" in choice
    for name, own in mine.items():
        if isinstance(own, dict):
            assert own.keys() == theirs[name].keys()
            for place in own:
                np.testing.assert_array_equal(np.asarray(own[place]), np.asarray(theirs[name][place]), err_msg=name)
        else:
            assert torch.equal(own, theirs[name]), name
