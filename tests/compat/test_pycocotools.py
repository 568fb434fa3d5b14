"""`segbench.compat.pycocotools` against pycocotools: the same bits, image by image, and the same table."""

from __future__ import annotations

import contextlib
import copy
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO as OfficialCOCO
from pycocotools.cocoeval import COCOeval as OfficialEval

from segbench.compat.pycocotools import COCO, COCOeval
from tests.compat.cocosets import Record, data_set, parameters

TABLES = ("precision", "recall", "scores")
#: Sets of one test, and how many cells of precision above 0 they must have for the test to say anything.
SETS, FEWEST = 150, 20_000


def official(run: Any, *args: Any) -> Any:
    """Run something of pycocotools without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        return run(*args)


def loaded(kind: Any, truth: Record, results: list[Record]) -> tuple[Any, Any]:
    coco = kind()
    coco.dataset = copy.deepcopy(truth)
    official(coco.createIndex)
    if results:
        return coco, official(coco.loadRes, copy.deepcopy(results))
    # Of an empty list pycocotools makes an error, of an empty data set it does not.
    none = kind()
    none.dataset = {**copy.deepcopy(truth), "annotations": []}
    official(none.createIndex)
    return coco, none


def evaluated(kind: Any, pair: tuple[Any, Any], iou_type: str, some: Record) -> tuple[Any, str]:
    """Return an evaluation and what it printed last."""
    evaluation = kind(*pair, iou_type)
    vars(evaluation.params).update(copy.deepcopy(some))
    official(evaluation.evaluate)
    official(evaluation.accumulate)
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        evaluation.summarize()
    return evaluation, shown.getvalue()


def same(mine: Any, theirs: Any) -> None:
    assert mine.stats.tobytes() == theirs.stats.tobytes()
    assert list(mine.eval) == ["params", "counts", "date", *TABLES] or set(mine.eval) == set(theirs.eval)
    assert mine.eval["counts"] == theirs.eval["counts"]
    for name in TABLES:
        assert mine.eval[name].dtype == theirs.eval[name].dtype
        assert mine.eval[name].tobytes() == theirs.eval[name].tobytes(), name


def same_images(mine: Any, theirs: Any) -> None:
    assert len(mine.evalImgs) == len(theirs.evalImgs)
    for own, other in zip(mine.evalImgs, theirs.evalImgs, strict=True):
        assert (own is None) == (other is None)
        if own is not None:
            assert list(own) == list(other)
            for key in own:
                np.testing.assert_array_equal(own[key], other[key], err_msg=key)
    assert list(mine.ious) == list(theirs.ious)
    for place in mine.ious:
        np.testing.assert_array_equal(mine.ious[place], theirs.ious[place])


@pytest.mark.parametrize("iou_type", ["segm", "bbox"])
@pytest.mark.parametrize("seed", range(8))
def test_same_as_pycocotools(iou_type: str, seed: int) -> None:
    rng = np.random.default_rng([seed, iou_type == "bbox"])
    found = 0
    for i in range(SETS):
        truth, results = data_set(rng)
        if i % 3 == 0:
            # Areas of masks rather than of boxes.
            results = [{key: one[key] for key in one if key != "bbox"} for one in results]
        some = parameters(rng, truth) if i % 2 else {}
        theirs, table = evaluated(OfficialEval, loaded(OfficialCOCO, truth, results), iou_type, some)
        kind = (COCO, OfficialCOCO)[i % 5 == 0]
        mine, shown = evaluated(COCOeval, loaded(kind, truth, results), iou_type, some)
        same(mine, theirs)
        assert shown == table
        same_images(mine, theirs)
        # Once `evalImgs` is read, it is what counts.
        mine.accumulate()
        mine.summarize()
        same(mine, theirs)
        found += int((mine.eval["precision"] > 0).sum())
    assert found > FEWEST


@pytest.mark.parametrize("iou_type", ["segm", "bbox"])
def test_same_on_real_data(iou_type: str, real_data: Path) -> None:
    folder = real_data / "coco100-instances"
    files = folder / "instances_val2014_100.json", folder / f"instances_val2014_fake{iou_type}100_results.json"
    pairs = []
    for kind in (OfficialCOCO, COCO):
        truth = official(kind, str(files[0]))
        pairs.append((truth, official(truth.loadRes, str(files[1]))))
    for some in ({}, {"useCats": 0}, {"maxDets": [1, 10, 300]}):
        theirs, table = evaluated(OfficialEval, pairs[0], iou_type, some)
        mine, shown = evaluated(COCOeval, pairs[1], iou_type, some)
        same(mine, theirs)
        assert shown == table
        same_images(mine, theirs)
