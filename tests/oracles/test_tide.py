"""The reference for TIDE: by hand, and held against its own tool, tidecv 1.0.1, where that is installed."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.protocols.coco_sets import coco_set, compressed

from . import tide
from .tide import Found, Truth

N_SETS = 120
BOX, FAR = [0.0, 0.0, 10.0, 10.0], [50.0, 50.0, 10.0, 10.0]
#: Beside the box by so much that the IoU is as named.
HALF, THIRD, TENTH = [0.0, 0.0, 10.0, 5.0], [5.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 1.0]


@pytest.fixture
def tool() -> Iterator[Any]:
    """The tool without its figures, for which it would import half a dozen packages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tidecv.plotting", SimpleNamespace(Plotter=lambda: None))
        yield pytest.importorskip("tidecv", exc_type=ImportError)
        for name in [name for name in sys.modules if name.partition(".")[0] == "tidecv"]:
            patch.delitem(sys.modules, name)


def official(tool: Any, truth: Sequence[Truth], results: Sequence[Found], images: Sequence[int], mode: str) -> Any:
    """AP, numbers and costs in the form of the reference."""
    known, found = tool.Data("truth"), tool.Data("results")

    def shapes(shape: object) -> dict[str, object]:
        return {"box": shape if mode == "bbox" else None, "mask": shape if mode == "mask" else None}

    for image in images:
        known.add_image(image, str(image))
    for one in truth:
        add = known.add_ignore_region if one.crowd else known.add_ground_truth
        add(one.image, one.label, **shapes(one.shape))
    for one in results:
        found.add_detection(one.image, one.label, one.score, **shapes(one.shape))
    both = tool.TIDE()
    run = both.evaluate(known, found, mode=mode)
    errors = both.get_all_errors()
    counts = {error.short_name: n for error, n in run.count_errors().items()}
    return tide.Result(run.ap, counts, {**errors["main"]["results"], **errors["special"]["results"]})


def random_set(seed: int, mode: str) -> tuple[list[Truth], list[Found], list[int]]:
    """With crowds, ties, and classes that are not labelled in an image."""
    rng = np.random.default_rng(seed)
    known, found = coco_set(rng, boxes=mode == "bbox", masks=mode == "mask")
    shape = "bbox" if mode == "bbox" else "segmentation"
    images = [image["id"] for image in known["images"]]
    sizes = {image["id"]: (image["height"], image["width"]) for image in known["images"]}
    truth = []
    for one in known["annotations"]:
        if mode == "mask" and (isinstance(one[shape], list) or isinstance(one[shape]["counts"], list)):
            # Any shape will do where the file has polygons or a list of runs.
            one[shape] = compressed((rng.random(sizes[one["image_id"]]) < 0.5).astype(np.uint8))
        truth.append(Truth(one["image_id"], one["category_id"], one[shape], bool(one["iscrowd"])))
    unlabelled = [(i, k["id"]) for i in images for k in known["categories"] if rng.random() < 0.1]
    truth += [Truth(image, label, None, True) for image, label in unlabelled]
    results = [Found(r["image_id"], r["category_id"], r[shape], max(r["score"], 0.0)) for r in found]
    return truth, results, images


@pytest.mark.parametrize("mode", ["bbox", "mask"])
def test_equals_the_tool(mode: str, tool: Any) -> None:
    n = 0
    kinds = dict.fromkeys(tide.KINDS, 0)
    for seed in range(N_SETS):
        truth, results, images = random_set(seed, mode)
        mine = tide.evaluate(truth, results, images)
        try:
            theirs = official(tool, truth, results, images, mode)
        except ZeroDivisionError:
            # It divides by the number of classes that have anything left.
            assert any(math.isnan(value) for value in (mine.ap, *mine.costs.values())), seed
            continue
        assert mine.counts == theirs.counts, seed
        # The order in which classes are added up differs.
        assert mine.ap == pytest.approx(theirs.ap, abs=1e-11), seed
        assert mine.costs == pytest.approx(theirs.costs, abs=1e-11), seed
        n += 1
        kinds = {kind: kinds[kind] + mine.counts[kind] for kind in kinds}
    assert n > N_SETS / 2 and min(kinds.values()) > 5, kinds


@pytest.mark.parametrize(
    ("label", "shape", "kind"),
    [
        (1, THIRD, "Loc"),
        (1, TENTH, "Loc"),  # IoU 0.1: included
        (1, FAR, "Bkg"),
        (2, BOX, "Cls"),
        (2, HALF, "Cls"),  # IoU 0.5: included
        (2, THIRD, "Both"),
        (2, TENTH, "Bkg"),  # IoU 0.1, and of no class more
    ],
)
def test_one_wrong_detection(label: int, shape: list[float], kind: str) -> None:
    result = tide.evaluate([Truth(0, 1, BOX)], [Found(0, label, shape, 0.9)], [0])
    corrigible = kind in {"Loc", "Cls"}
    assert result.counts == {**dict.fromkeys(tide.KINDS, 0), kind: 1, **({} if corrigible else {"Miss": 1})}
    assert result.ap == 0.0
    # Made right, it is all there is: AP is 100.
    assert result.costs[kind] == pytest.approx(100 if corrigible else 0)


def test_a_duplicate_before_the_second_instance() -> None:
    truth = [Truth(0, 1, BOX), Truth(0, 1, FAR)]
    results = [Found(0, 1, BOX, 0.9), Found(0, 1, BOX, 0.8), Found(0, 1, FAR, 0.7)]
    result = tide.evaluate(truth, results, [0])
    # Up to recall 0.5, of 51 levels, precision is 1; from there, of 50, it is 2/3.
    assert result.ap == pytest.approx(100 * (51 + 50 * 2 / 3) / 101)
    assert result.counts == {**dict.fromkeys(tide.KINDS, 0), "Dupe": 1}
    assert result.costs["Dupe"] == result.costs["FalsePos"] == pytest.approx(100 - result.ap)


def test_half_the_iou_is_right_and_a_second_of_the_same_is_badly_placed() -> None:
    # Both limits of Loc are included, so what is a duplicate with IoU 0.5 exactly is Loc, and cannot be corrected.
    results = [Found(0, 1, BOX, 0.9), Found(0, 1, HALF, 0.8)]
    result = tide.evaluate([Truth(0, 1, BOX)], results, [0])
    assert result.counts == {**dict.fromkeys(tide.KINDS, 0), "Loc": 1}
    assert result.costs["Loc"] == 0.0


def test_what_lies_in_a_crowd_is_no_false_positive_but_an_error() -> None:
    truth = [Truth(0, 1, FAR), Truth(0, 1, [0.0, 0.0, 30.0, 30.0], True)]
    result = tide.evaluate(truth, [Found(0, 1, BOX, 0.9), Found(0, 1, FAR, 0.5)], [0])
    assert result.ap == pytest.approx(100) and result.counts["Bkg"] == 1


def test_an_instance_that_nothing_is_near() -> None:
    truth = [Truth(0, 1, BOX), Truth(0, 1, FAR)]
    result = tide.evaluate(truth, [Found(0, 1, BOX, 0.9)], [0])
    assert result.counts == {**dict.fromkeys(tide.KINDS, 0), "Miss": 1}
    assert result.ap == pytest.approx(100 * 51 / 101)
    assert result.costs["Miss"] == result.costs["FalseNeg"] == pytest.approx(100 * 50 / 101)
