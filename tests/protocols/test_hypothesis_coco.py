"""COCO as segbench scores it from files against pycocotools, on sets that Hypothesis makes and shrinks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.oracles import coco_official as official
from tests.protocols.coco_strategies import Set, coco_sets, traits
from tests.protocols.test_official_coco import KINDS, bits, scored, values_of

N_SETS = 120
TRAITS = (
    *("crowd of polygons", "crowd of runs", "runs as a list", "ignore", "on the lower limit", "on the upper limit"),
    *("area of something else", "no area", "equal scores", "equal truths", "an image without truth", "id 0"),
    *("a class without truth", "a class only predicted", "more than 100 of a class", "beyond the image"),
    "results by falling image",
)


@pytest.mark.parametrize("kind", KINDS)
def test_sets_score_as_officially(kind: str, tmp_path: Path) -> None:
    iou_type, boxes, masks = KINDS[kind]
    seen: Counter[str] = Counter()

    @settings(max_examples=N_SETS, derandomize=True, database=None)
    @given(coco_sets(boxes=boxes, masks=masks))
    def equal(both: Set) -> None:
        truth, results = both
        evaluation = official.evaluate(truth, results, iou_type)
        found = scored(tmp_path, truth, results, iou_type)
        assert values_of(found) == bits(official.twelve(evaluation))
        per_class = [value.hex() for value in found.scores["ap"].per_class.values()]
        assert per_class == [value.hex() for value in official.by_class(evaluation)]
        seen.update(traits(truth, results))

    equal()
    assert all(seen[trait] for trait in TRAITS), [trait for trait in TRAITS if not seen[trait]]
