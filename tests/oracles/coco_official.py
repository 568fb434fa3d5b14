"""pycocotools itself on files: the twelve numbers, and its tables of precision and recall.

Boundaries are not in pycocotools. Boundary IoU API puts the smaller of the IoU of masks and of their boundaries in the
place of the IoU, for crowds that of masks alone, and leaves out what `ignore` says; `Boundary` does so.
"""

from __future__ import annotations

import contextlib
import copy
import io
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from .boundary_iou import band

NAMES = (
    *("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large"),
    *("ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large"),
)


class Boundary(COCOeval):
    """COCOeval with the overlaps of Boundary IoU API."""

    def _prepare(self) -> None:
        asked = {number: bool(one.get("ignore")) for number, one in self.cocoGt.anns.items()}
        super()._prepare()
        for row in (row for rows in self._gts.values() for row in rows):
            row["ignore"] = int(asked[row["id"]] or bool(row["iscrowd"]))

    def computeIoU(self, image: int, category: int) -> Any:
        plain = super().computeIoU(image, category)
        if not len(plain):
            return plain
        truth = self._gts[image, category]
        found = self._dts[image, category]
        order = np.argsort([-one["score"] for one in found], kind="mergesort")[: self.params.maxDets[-1]]
        bands = [[_band(one["segmentation"]) for one in rows] for rows in ([found[i] for i in order], truth)]
        of_bands = coco_mask.iou(*bands, [0] * len(truth))
        crowd = np.array([bool(one["iscrowd"]) for one in truth])
        return np.where(crowd, plain, np.minimum(plain, of_bands))


def _band(runs: Any) -> Any:
    return coco_mask.encode(np.asfortranarray(band(coco_mask.decode(runs)).astype(np.uint8)))


def evaluate(truth: dict[str, Any], results: list[dict[str, Any]], iou_type: str, **params: Any) -> COCOeval:
    """Evaluate; what is given is not changed. There must be results."""
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = copy.deepcopy(truth)
        known.createIndex()
        kind = Boundary if iou_type == "boundary" else COCOeval
        evaluation = kind(known, known.loadRes(copy.deepcopy(results)), "segm" if iou_type == "boundary" else iou_type)
        for name, value in params.items():
            setattr(evaluation.params, name, value)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def twelve(evaluation: COCOeval) -> dict[str, float]:
    """The numbers by their names here; -1, undefined, is NaN."""
    return {name: _defined(float(value)) for name, value in zip(NAMES, evaluation.stats, strict=True)}


def by_class(evaluation: COCOeval, *, recall: bool = False, area: int = 0) -> list[float]:
    """The mean over one class each, as published by several trainers: of the table without -1, else NaN."""
    table = evaluation.eval["recall" if recall else "precision"][..., area, -1]
    return [mean(table[..., k]) for k in range(table.shape[-1])]


def mean(values: Any) -> float:
    kept = values[values > -1]
    return float(np.mean(kept)) if kept.size else float("nan")


def _defined(value: float) -> float:
    return float("nan") if value == -1 else value
