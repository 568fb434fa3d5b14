"""What surrounds the numbers of `segbench.compat.pycocotools`: data sets, parameters, gathering, boundaries."""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as official_mask
from pycocotools.coco import COCO as OfficialCOCO
from pycocotools.cocoeval import COCOeval as OfficialEval
from scipy.ndimage import binary_erosion

import segbench
import segbench.compat.cocomatches as matches
from segbench.compat.pycocotools import COCO, COCOeval, Params
from tests.compat.cocosets import Record, data_set
from tests.compat.test_pycocotools import TABLES, evaluated, loaded, official, same, same_images

SETS = 40


def sets(seed: int, n: int = SETS) -> Any:
    rng = np.random.default_rng(seed)
    for _ in range(n):
        yield data_set(rng)


def done(pair: tuple[Any, Any], iou_type: str = "bbox", **some: Any) -> COCOeval:
    return evaluated(COCOeval, pair, iou_type, some)[0]


# Data sets.


def test_ids_and_records_are_found_alike() -> None:
    rng = np.random.default_rng(5)
    for truth, results in sets(5):
        (mine, found), (theirs, official_found) = loaded(COCO, truth, results), loaded(OfficialCOCO, truth, results)
        for own, other in ((mine, theirs), (found, official_found)):
            assert own.anns == other.anns
            assert own.imgs == other.imgs
            assert own.cats == other.cats
            assert own.imgToAnns == other.imgToAnns
            assert own.catToImgs == other.catToImgs
            assert own.getAnnIds() == other.getAnnIds()
            assert own.getCatIds() == other.getCatIds()
            assert own.getImgIds() == other.getImgIds()
        images, categories = list(mine.imgs), [*mine.cats, 999]
        for _ in range(6):
            some = rng.permutation(images)[: int(rng.integers(1, 4))].tolist()
            kinds = rng.permutation(categories)[: int(rng.integers(0, 3))]
            crowd = (None, True, False, 1)[rng.integers(4)]
            limits = ([], [0, 1e10], [1024, 9216])[rng.integers(3)]
            asked = {"imgIds": some, "catIds": kinds, "areaRng": limits, "iscrowd": crowd}
            assert mine.getAnnIds(**asked) == theirs.getAnnIds(**asked)
            assert sorted(mine.getImgIds(some, kinds)) == sorted(theirs.getImgIds(some, kinds))
            assert sorted(mine.getImgIds(catIds=kinds)) == sorted(theirs.getImgIds(catIds=kinds))
        one = int(images[0])
        assert mine.getAnnIds(one) == theirs.getAnnIds(one)
        assert mine.loadImgs(one) == theirs.loadImgs(one)
        assert mine.loadCats(list(mine.cats)) == theirs.loadCats(list(mine.cats))
        for annotation in [*mine.anns.values(), *found.anns.values()]:
            own, other = mine.annToRLE(annotation), theirs.annToRLE(annotation)
            assert own == other
            assert np.array_equal(mine.annToMask(annotation), theirs.annToMask(annotation))


def test_categories_by_name() -> None:
    coco = COCO()
    names = [("dog", "animal"), ("hot dog", "food"), ("cat", "animal")]
    coco.dataset = {"categories": [{"id": i, "name": n, "supercategory": s} for i, (n, s) in enumerate(names)]}
    coco.createIndex()
    assert coco.getCatIds(catNms="hot dog") == [1]
    assert coco.getCatIds(catNms=["cat", "dog"]) == [0, 2]
    assert coco.getCatIds(supNms="animal") == [0, 2]
    assert coco.getCatIds(supNms=["animal"], catIds=[1, 2]) == [2]


def test_results_as_file_list_and_array(tmp_path: Path) -> None:
    truth, _ = next(sets(1, 1))
    image, category = truth["images"][0]["id"], truth["categories"][0]["id"]
    rows = np.array([[image, 1.5, 2, 3, 4, 0.5, category], [image, 0, 0, 32, 32, 0.25, category]])
    listed = [{"image_id": int(r[0]), "bbox": r[1:5].tolist(), "score": r[5], "category_id": int(r[6])} for r in rows]
    truth_file, file = tmp_path / "truth.json", tmp_path / "results.json"
    truth_file.write_text(json.dumps(truth, default=bytes.decode), "utf-8")
    file.write_text(json.dumps(listed), "utf-8")
    coco, theirs = COCO(truth_file), official(OfficialCOCO, str(truth_file))
    before = copy.deepcopy(listed)
    for form in (str(file), listed, rows):
        found, other = coco.loadRes(form), official(theirs.loadRes, copy.deepcopy(form))
        assert found.dataset == other.dataset
    assert coco.loadRes(file).anns == found.anns
    assert coco.loadNumpyAnnotations(rows) == listed
    # The records that were given stay as they are.
    assert listed == before


def test_nothing_is_printed_but_what_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    truth, results = next(sets(2, 1))
    coco = COCO()
    coco.dataset = {**truth, "info": {"year": 2014, "url": "x"}}
    coco.createIndex()
    evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    assert capsys.readouterr() == ("", "")
    evaluation.summarize()
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) == len(evaluation.stats) == 12
    assert str(evaluation) == shown
    coco.info()
    assert capsys.readouterr().out == "year: 2014\nurl: x\n"


def test_one_function_writes_to_standard_output() -> None:
    """Below the command line, only where pycocotools prints because it was asked to."""
    package = Path(segbench.__file__).parent
    writers = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "cli" not in path.relative_to(package).parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("stdout", "__stdout__")
    ]
    assert writers == ["compat/shown.py"]


def test_truth_and_results_stay_as_they_are() -> None:
    for truth, results in sets(3, 10):
        pair = loaded(COCO, truth, results)
        before = copy.deepcopy([coco.dataset for coco in pair])
        assert done(pair, "segm").evalImgs
        assert [coco.dataset for coco in pair] == before


# Parameters.


def test_parameters_are_the_official_ones() -> None:
    mine, theirs = vars(Params("bbox")), vars(OfficialEval(iouType="bbox").params)
    assert mine.keys() == theirs.keys()
    for name in mine:
        np.testing.assert_array_equal(mine[name], theirs[name])


def test_outdated_parameter() -> None:
    for truth, results in sets(4, 5):
        for use in (0, 1):
            theirs, _ = evaluated(OfficialEval, loaded(OfficialCOCO, truth, results), "segm", {"useSegm": use})
            mine, _ = evaluated(COCOeval, loaded(COCO, truth, results), "segm", {"useSegm": use})
            same(mine, theirs)


def test_the_first_number_asks_for_100() -> None:
    truth, results = next(sets(6, 1))
    evaluation = done(loaded(COCO, truth, results), maxDets=[1, 10, 300])
    assert evaluation.stats[0] == -1
    assert (evaluation.stats[[1, 8]] >= 0).all()


def test_thresholds_may_be_a_list() -> None:
    truth, results = next(sets(6, 1))
    pair = loaded(COCO, truth, results)
    thresholds = np.linspace(0.5, 0.95, 10)
    assert np.array_equal(done(pair, iouThrs=thresholds.tolist()).stats, done(pair, iouThrs=thresholds).stats)


def test_images_and_categories_may_have_names() -> None:
    truth, results = next(sets(7, 1))
    named = copy.deepcopy([truth, results])
    for one in [*named[0]["images"], *named[0]["categories"]]:
        one["id"] = f"n{one['id']:04}"
    for one in [*named[0]["annotations"], *named[1]]:
        one |= {key: f"n{one[key]:04}" for key in ("image_id", "category_id")}
    same(done(loaded(COCO, *named)), done(loaded(COCO, truth, results)))


def test_ids_beyond_what_floats_tell_apart() -> None:
    for truth, results in sets(15, 10):
        ids = {one["id"]: 2**60 + i for i, one in enumerate(truth["annotations"])}
        for one in truth["annotations"]:
            one["id"] = ids[one["id"]]
        theirs, _ = evaluated(OfficialEval, loaded(OfficialCOCO, truth, results), "bbox", {})
        mine, _ = evaluated(COCOeval, loaded(COCO, truth, results), "bbox", {})
        same(mine, theirs)
        same_images(mine, theirs)


# What was evaluated, read in parts and put together.


def test_some_of_what_was_evaluated() -> None:
    """The tables of some images, categories and areas are those of an evaluation of these alone."""
    counted = 0
    for truth, results in sets(8):
        pair = loaded(COCO, truth, results)
        whole = done(pair, "segm")
        images, categories = whole.params.imgIds[-2:], whole.params.catIds[-1:]
        some = {"imgIds": images, "catIds": categories, "areaRng": whole.params.areaRng[2:]}
        parts = copy.deepcopy(whole.params)
        vars(parts).update(some, recThrs=np.array([0.1, 0.9]), maxDets=[2, 10, 50])
        whole.accumulate(parts)
        alone = done(pair, "segm", **some, recThrs=parts.recThrs, maxDets=[2, 10, 100], areaRngLbl=["a", "b"])
        counted += len(categories) < len(whole.params.catIds)
        for name in TABLES:
            assert whole.eval[name].shape == alone.eval[name].shape
            assert np.array_equal(whole.eval[name][..., :2], alone.eval[name][..., :2])
    assert counted > SETS // 4


def test_work_of_several_processes_is_gathered() -> None:
    """As torchvision does it: notes of some images each, put together, then accumulated."""
    for truth, results in sets(9):
        pair = loaded(COCO, truth, results)
        whole = done(pair, "segm")
        notes, images = [], []
        for image in whole.params.imgIds:
            part = COCOeval(*pair, "segm")
            part.params.imgIds = [image]
            part.evaluate()
            notes.append(np.asarray(part.evalImgs).reshape(-1, len(part.params.areaRng), 1))
            images.append(image)
        gathered = COCOeval(pair[0], iouType="segm")
        gathered.evalImgs = list(np.concatenate(notes, 2).flatten())
        gathered.params.imgIds = images
        gathered._paramsEval = copy.deepcopy(gathered.params)
        gathered.accumulate()
        official(gathered.summarize)
        same(gathered, whole)


def test_an_evaluation_can_be_sent_elsewhere() -> None:
    truth, results = next(sets(10, 1))
    evaluation = done(loaded(COCO, truth, results), "segm")
    copied = pickle.loads(pickle.dumps(evaluation))
    same(copied, evaluation)
    same_images(copied, evaluation)


def test_evaluating_again_starts_anew() -> None:
    truth, results = next(sets(11, 1))
    pair = loaded(COCO, truth, results)
    evaluation = done(pair)
    assert evaluation.evalImgs
    assert evaluation.ious
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.evaluate()
    assert evaluation.eval == {}
    evaluation.accumulate()
    official(evaluation.summarize)
    again = done(pair, iouThrs=np.array([0.5]))
    same(evaluation, again)
    same_images(evaluation, again)


# Boundaries.


class OfficialBoundary(OfficialEval):  # type: ignore[misc]
    """pycocotools with the overlap of boundary-iou-api, and with its rule that what is to be ignored is ignored."""

    def _prepare(self) -> None:
        asked = {one["id"]: one.get("ignore", 0) for one in self.cocoGt.dataset["annotations"]}
        super()._prepare()
        for ones in self._gts.values():
            for one in ones:
                one["ignore"] = one["ignore"] or asked[one["id"]]

    def computeIoU(self, image: Any, category: Any) -> Any:
        ious = super().computeIoU(image, category)
        if len(ious) == 0:
            return ious
        truth, found = self._gts[image, category], self._dts[image, category]
        order = np.argsort([-one["score"] for one in found], kind="mergesort")[: len(ious)]
        bands = [[band(one["segmentation"]) for one in side] for side in ([found[i] for i in order], truth)]
        crowd = [one["iscrowd"] for one in truth]
        return np.where(np.array(crowd, bool), ious, np.minimum(ious, official_mask.iou(*bands, crowd)))


def band(rle: Record) -> Record:
    """The mask less itself worn away by 2 % of the diagonal, a pixel at a time, from outside of the image as well."""
    mask = official_mask.decode(rle)
    width = max(1, int(round(0.02 * np.hypot(*mask.shape))))
    worn = binary_erosion(np.pad(mask, 1), np.ones((3, 3)), iterations=width)[1:-1, 1:-1]
    return official_mask.encode(np.asfortranarray(mask & ~worn, np.uint8))


def test_boundaries_as_in_the_official_tool() -> None:
    moved = 0
    for truth, results in sets(12):
        theirs, table = evaluated(OfficialBoundary, loaded(OfficialCOCO, truth, results), "segm", {})
        mine, shown = evaluated(COCOeval, loaded(COCO, truth, results), "boundary", {})
        same(mine, theirs)
        same_images(mine, theirs)
        assert shown == table
        masks, _ = evaluated(COCOeval, loaded(COCO, truth, results), "segm", {})
        moved += not np.array_equal(mine.stats, masks.stats)
    assert moved > SETS // 4


def test_width_of_boundaries() -> None:
    """Bands as wide as the image are whole masks."""
    for truth, results in sets(13, 10):
        for one in truth["annotations"]:
            one.pop("ignore", None)
        pair = loaded(COCO, truth, results)
        wide = COCOeval(*pair, "boundary", dilation_ratio=1.0)
        with contextlib.redirect_stdout(io.StringIO()):
            wide.evaluate()
            wide.accumulate()
            wide.summarize()
        same(wide, done(pair, "segm"))


# Whether a fault would be seen.

FAULTS = {
    "zero ids match": ("_spoil_zero_ids", lambda *_: None),
    "limits are left out": (
        "_outside",
        lambda areas, ends: (areas[:, None] <= ends[:, 0]) | (areas[:, None] >= ends[:, 1]),
    ),
    "the earlier of equal overlaps": ("match", lambda **k: MATCH(**k, later_wins=False)),
    "crowds are taken once": (
        "match",
        lambda **k: MATCH(**{**k, "truth_reusable": np.zeros_like(k["truth_reusable"])}),
    ),
    "areas of results do not matter": (
        "match",
        lambda **k: MATCH(**{**k, "prediction_areas": 0 * k["prediction_areas"]}),
    ),
}
MATCH = matches.match


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matches, *FAULTS[name])
    seen = 0
    for truth, results in sets(14, 120):
        theirs, _ = evaluated(OfficialEval, loaded(OfficialCOCO, truth, results), "bbox", {})
        mine, _ = evaluated(COCOeval, loaded(COCO, truth, results), "bbox", {})
        try:
            same(mine, theirs)
            same_images(mine, theirs)
        except AssertionError:
            seen += 1
    assert seen
