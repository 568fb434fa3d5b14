"""Plain reference for the AP of LVIS v1, in the form of lvis-api (lvis/eval.py, results.py), which fails on NumPy 1.24.

The rules are COCO's, so COCOeval counts, with what differs: the 300 surest results of an image over all classes; a
result counts only where its class is in the truth of the image or in `neg_category_ids`; one that matches nothing is
left out where its class is in `not_exhaustive_category_ids`; `ignore` has its effect; no crowds; precision over
groups of classes by `frequency`. What has no area is not there, on both sides (`get_ann_ids` of lvis/lvis.py asks for
areas above 0); of the results it has taken its place among the 300 before.
"""

from __future__ import annotations

import contextlib
import copy
import io
import math
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from .coco_official import mean

MOST = 300
GROUPS = {"ap_rare": "r", "ap_common": "c", "ap_frequent": "f"}
#: More than any test has, so that COCOeval itself leaves nothing out.
ALL = 10**6


class Federated(COCOeval):
    """COCOeval where not every class is labelled in every image."""

    def _prepare(self) -> None:
        asked = {number: bool(one.get("ignore")) for number, one in self.cocoGt.anns.items()}
        super()._prepare()
        for rows in (*self._gts.values(), *self._dts.values()):
            rows[:] = [row for row in rows if 0 < row["area"] < math.inf]
        for row in (row for rows in self._gts.values() for row in rows):
            row["ignore"] = int(asked[row["id"]])
        there = {key for key, rows in self._gts.items() if rows}
        absent = {(i, c) for i, image in self.cocoGt.imgs.items() for c in image["neg_category_ids"]}
        for key in [key for key in self._dts if key not in there | absent]:
            del self._dts[key]

    def evaluateImg(self, image: int, category: int, area: Any, most: int) -> Any:
        found = super().evaluateImg(image, category, area, most)
        if found is not None and category in self.cocoGt.imgs[image]["not_exhaustive_category_ids"]:
            found["dtIgnore"] = np.logical_or(found["dtIgnore"], found["dtMatches"] == 0)
        return found


def surest(results: list[dict[str, Any]], most: int = MOST) -> list[dict[str, Any]]:
    """The surest results of each image, of equal ones the first."""
    by_image: dict[int, list[dict[str, Any]]] = {}
    for one in results:
        by_image.setdefault(one["image_id"], []).append(one)
    return [one for rows in by_image.values() for one in sorted(rows, key=lambda r: r["score"], reverse=True)[:most]]


def evaluate(
    truth: dict[str, Any], results: list[dict[str, Any]], iou_type: str, most: int = MOST
) -> tuple[dict[str, float], list[float]]:
    """The thirteen numbers, NaN where undefined, and AP of each class; there must be results."""
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = copy.deepcopy(truth)
        for one in known.dataset["annotations"]:
            one["iscrowd"] = 0
        known.createIndex()
        evaluation = Federated(known, known.loadRes(surest(copy.deepcopy(results), most)), iou_type)
        evaluation.params.maxDets = [ALL]
        evaluation.evaluate()
        evaluation.accumulate()
    precision, recall = (evaluation.eval[name][..., 0] for name in ("precision", "recall"))
    scores = {"ap": mean(precision[..., 0]), "ap50": mean(precision[0, ..., 0]), "ap75": mean(precision[5, ..., 0])}
    scores |= {f"ap_{size}": mean(precision[..., 1 + i]) for i, size in enumerate(("small", "medium", "large"))}
    frequency = [known.cats[k]["frequency"] for k in evaluation.params.catIds]
    for name, group in GROUPS.items():
        scores[name] = mean(precision[:, :, [i for i, f in enumerate(frequency) if f == group], 0])
    scores["ar_300"] = mean(recall[..., 0])
    scores |= {f"ar_{size}": mean(recall[..., 1 + i]) for i, size in enumerate(("small", "medium", "large"))}
    return scores, [mean(precision[:, :, k, 0]) for k in range(len(frequency))]
