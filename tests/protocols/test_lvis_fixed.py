"""Fixed AP, the rules of the LVIS challenge of 2021: the surest of each class are taken before anything is left out."""

from __future__ import annotations

import math
from pathlib import Path

from tests.oracles import lvis_ap
from tests.oracles.lvis_official import surest_of_class
from tests.protocols.test_official_lvis import federated, scored


def test_random_sets_score_as_officially(tmp_path: Path) -> None:
    n = n_cut = 0
    for seed in range(150):
        truth, results = federated(seed, boxes=True)
        # LVIS has no crowds, whatever a file says.
        truth["annotations"] = [{**one, "iscrowd": i % 2} for i, one in enumerate(truth["annotations"])]
        if not truth["annotations"] or not results:
            continue
        kept = surest_of_class(results, 3)
        expected, _ = lvis_ap.evaluate(truth, kept, "bbox", lvis_ap.ALL)
        found = scored(tmp_path, truth, results, "bbox", "ap(iou_type=bbox,rules=lvis_fixed,max_detections=3)")
        value = list(found.scores.values())[-1].value
        assert value == expected["ap"] or math.isnan(value) and math.isnan(expected["ap"]), f"seed {seed}"
        n += 1
        n_cut += len(kept) < len(results)
    assert n > 100 and n_cut > 50
