"""COCO as segbench scores it from files against pycocotools: not close but equal, to the last bit."""

from __future__ import annotations

import copy
import json
import math
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

import segbench
from segbench.result import Result
from tests.oracles import coco_official as official
from tests.protocols.coco_sets import coco_set, write

Record = dict[str, Any]
N_SETS = 150
#: What is compared, and whether results have boxes and masks.
KINDS = {
    "segm": ("segm", False, True),
    "bbox": ("bbox", True, False),
    "boundary": ("boundary", False, True),
    "segm with boxes": ("segm", True, True),
    "boxes as masks": ("segm", True, False),
}


def sets(seed: int, n: int, *, boxes: bool = False, masks: bool = True) -> list[tuple[Record, list[Record]]]:
    """Random sets that the official tool does not fail on."""
    made = (coco_set(np.random.default_rng(seed + i), boxes=boxes, masks=masks) for i in range(n))
    return [(truth, results) for truth, results in made if truth["annotations"] and results]


def scored(folder: Path, truth: Record, results: list[Record], iou_type: str = "segm", **options: Any) -> Result:
    known, found = write(folder, truth, results)
    return segbench.score(found, dataset="instances", truth=known, iou_type=iou_type, **{"workers": 1, **options})


def bits(values: dict[str, float]) -> dict[str, str]:
    return {name: value.hex() for name, value in values.items()}


def values_of(result: Result) -> dict[str, str]:
    return bits({name: score.value for name, score in result.scores.items()})


@pytest.mark.parametrize("kind", KINDS)
def test_random_sets_score_as_officially(kind: str, tmp_path: Path) -> None:
    iou_type, boxes, masks = KINDS[kind]
    n_crowds = n_undefined = 0
    for seed, (truth, results) in enumerate(sets(list(KINDS).index(kind) * 1000, N_SETS, boxes=boxes, masks=masks)):
        evaluation = official.evaluate(truth, results, iou_type)
        result = scored(tmp_path, truth, results, iou_type)
        assert values_of(result) == bits(official.twelve(evaluation)), f"set {seed}"
        for name, recall, area in (
            ("ap", False, 0),
            ("ap_small", False, 1),
            ("ar_100", True, 0),
            ("ar_large", True, 3),
        ):
            per_class = official.by_class(evaluation, recall=recall, area=area)
            found = [value.hex() for value in result.scores[name].per_class.values()]
            assert found == [value.hex() for value in per_class], f"set {seed}, {name}"
        n_crowds += any(one["iscrowd"] for one in truth["annotations"])
        n_undefined += any(math.isnan(value) for value in official.twelve(evaluation).values())
    assert n_crowds > N_SETS / 4 and n_undefined > N_SETS / 4


# The switches: what each changes is what the official tool says of files or parameters that are changed accordingly.


def numbered(truth: Record) -> Record:
    return {**truth, "annotations": [{**one, "id": 1000 + i} for i, one in enumerate(truth["annotations"])]}


def without_boxes(results: list[Record]) -> list[Record]:
    return [{name: value for name, value in one.items() if name != "bbox"} for one in results]


def table(evaluation: Any) -> float:
    return official.mean(evaluation.eval["precision"][:, :, :, 0, -1])


def honoured(truth: Record, results: list[Record]) -> float:
    with mock.patch.object(official.Boundary, "computeIoU", official.COCOeval.computeIoU):
        return table(official.evaluate(truth, results, "boundary"))


def without_eps(truth: Record, results: list[Record]) -> float:
    # Too little to be seen beside one detection, and no division by zero where there is none.
    with mock.patch("numpy.spacing", lambda value: 1e-300):
        return table(official.evaluate(truth, results, "segm"))


def half_open(truth: Record, results: list[Record]) -> float:
    limits = [[0, 1e10], [0, np.nextafter(1024, 0)], [1024, np.nextafter(9216, 0)], [9216, 1e10]]
    evaluation = official.evaluate(truth, results, "segm", areaRng=limits)
    return official.mean(evaluation.eval["precision"][:, :, :, 1, -1])


def at(**params: Any) -> Callable[[Record, list[Record]], float]:
    return lambda truth, results: table(official.evaluate(truth, results, "segm", **params))


SWITCHES: dict[str, Callable[[Record, list[Record]], float]] = {
    "ap(zero_id=matched)": lambda truth, results: table(official.evaluate(numbered(truth), results, "segm")),
    "ap(ignore=honoured)": honoured,
    "ap_small(result_area=mask)": lambda truth, results: official.twelve(
        official.evaluate(truth, without_boxes(results), "segm")
    )["ap_small"],
    "ap_small(area_limits=half_open)": half_open,
    "ap(eps=none)": without_eps,
    "ap(thresholds=0.9)": at(iouThrs=np.array([0.9])),
    "ap(thresholds=[0.3,0.5,1.0])": at(iouThrs=np.array([0.3, 0.5, 1.0])),
    "ap(max_detections=2)": at(maxDets=[1, 1, 2]),
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch(switch: str, tmp_path: Path) -> None:
    expect, n_changed = SWITCHES[switch], 0
    for seed, (truth, results) in enumerate(sets(7000, 60, boxes="result_area" in switch)):
        result = scored(tmp_path, truth, results, metrics=[switch])
        value, expected = list(result.scores.values())[-1].value, expect(truth, results)
        assert value.hex() == expected.hex(), f"set {seed}"
        n_changed += value.hex() != result.scores[switch.partition("(")[0]].value.hex()
    assert n_changed


# The table of outcomes, by hand.

BOX = [10.0, 10.0, 40.0, 40.0]
FAR = [100.0, 10.0, 40.0, 40.0]
FURTHER = [10.0, 100.0, 40.0, 40.0]
NEARLY_ONE = 0.9999999999999998


def true(box: list[float], image: int = 1, label: int = 1, **more: Any) -> Record:
    return {"image_id": image, "category_id": label, "bbox": box, "area": 1600.0, "iscrowd": 0, **more}


def result(box: list[float], score: float, image: int = 1, label: int = 1) -> Record:
    return {"image_id": image, "category_id": label, "bbox": box, "score": score}


def site(annotations: list[Record]) -> Record:
    return {
        "images": [{"id": i, "height": 200, "width": 200} for i in (1, 2)],
        "categories": [{"id": k, "name": f"class {k}"} for k in (1, 2)],
        "annotations": [{"id": 1 + i, **one} for i, one in enumerate(annotations)],
    }


OUTCOMES: dict[str, tuple[list[Record], list[Record], float]] = {
    "one found": ([true(BOX)], [result(BOX, 0.9)], NEARLY_ONE),
    "both found": ([true(BOX), true(FAR)], [result(BOX, 0.9), result(FAR, 0.8)], 1.0),
    "nothing of its class found": ([true(BOX)], [result(BOX, 0.9, label=2)], 0.0),
    "only a crowd": ([true(BOX, iscrowd=1)], [result(BOX, 0.9)], math.nan),
    "id 0": ([true(BOX, id=0)], [result(BOX, 0.9)], 0.0),
    "inside a crowd": ([true(FAR, iscrowd=1), true(BOX)], [result(FAR, 0.9), result(BOX, 0.8)], NEARLY_ONE),
    # One twice between two others: precision 1 up to half the recall, 51 of 101 places, 2/3 beyond.
    "twice, between": (
        [true(BOX), true(FAR)],
        [result(BOX, 0.9), result(BOX, 0.8), result(FAR, 0.7)],
        0.8349834983498348,
    ),
    "twice, after": ([true(BOX), true(FAR)], [result(BOX, 0.9), result(FAR, 0.8), result(FAR, 0.7)], 1.0),
    "one of two found": ([true(BOX), true(FAR)], [result(BOX, 0.9)], 51 / 101),
    # Half of the box is found: an IoU of exactly 0.5 counts at the first of ten thresholds.
    "half overlapped": ([true(BOX)], [result([10.0, 10.0, 40.0, 20.0], 0.9)], 0.1),
    "the 101st of its image": ([true(BOX)], [result(FAR, 0.9)] * 100 + [result(BOX, 0.5)], 0.0),
    "100 of another class": ([true(BOX)], [result(FAR, 0.9, label=2)] * 100 + [result(BOX, 0.5)], NEARLY_ONE),
    "equal scores, wrong first": ([true(BOX)], [result(FAR, 0.5), result(BOX, 0.5)], 0.5),
    "equal scores, right first": ([true(BOX)], [result(BOX, 0.5), result(FAR, 0.5)], NEARLY_ONE),
    # 51 places of precision 1/2, or 1, for the half of the recall that is reached.
    "equal scores, wrong in the first image": (
        [true(BOX, image=2), true(FAR)],
        [result(BOX, 0.5, image=2), result(FURTHER, 0.5)],
        51 / 2 / 101,
    ),
    "equal scores, right in the first image": (
        [true(BOX), true(FAR, image=2)],
        [result(FURTHER, 0.5, image=2), result(BOX, 0.5)],
        51 / 101,
    ),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_outcome(name: str, tmp_path: Path) -> None:
    annotations, results, expected = OUTCOMES[name]
    truth = site(annotations)
    found = scored(tmp_path, truth, results, "bbox")
    assert found.scores["ap"].value == pytest.approx(expected, rel=1e-15, nan_ok=True)
    assert values_of(found) == bits(official.twelve(official.evaluate(truth, results, "bbox")))
    if name == "half overlapped":
        assert found.scores["ap50"].value == 0.9999999999999999


def test_the_101st_counts_with_more_detections(tmp_path: Path) -> None:
    annotations, results, _ = OUTCOMES["the 101st of its image"]
    truth, switch = site(annotations), "ap(max_detections=300)"
    known, found = write(tmp_path, truth, results)
    result = segbench.score(found, dataset="instances", truth=known, iou_type="bbox", metrics=[switch])
    assert result.scores[switch].value == pytest.approx(1 / 101, rel=1e-15)
    assert result.scores[switch].value == table(official.evaluate(truth, results, "bbox", maxDets=[1, 10, 300]))


def test_no_detection_at_all_is_zero(tmp_path: Path) -> None:
    found = scored(tmp_path, site([true(BOX)]), [], "bbox")
    assert found.scores["ap"].value == 0.0 and math.isnan(found.scores["ap_small"].value)
    assert any("no detection at all" in text for text in found.warnings)


# Ties and order.


def test_the_order_of_the_file_decides_between_equal_scores_alone(tmp_path: Path) -> None:
    rng, n_told = np.random.default_rng(4), 0
    for truth, results in sets(8000, 25):
        for one in results:
            one["score"] = round(one["score"], 1)
        shuffled = [results[i] for i in rng.permutation(len(results))]
        least, most = 2.0, -1.0
        for listed in (results, shuffled):
            found = scored(tmp_path, truth, listed)
            assert values_of(found) == bits(official.twelve(official.evaluate(truth, listed, "segm")))
            told = [text for text in found.warnings if text.startswith("ap is between")]
            n_told += len(told)
            if told:
                least, most = (float(word) for word in told[0].split()[3:6:2])
                assert least - 1e-6 <= found.scores["ap"].value <= most + 1e-6
        apart = [{**one, "score": i / 1000} for i, one in enumerate(results)]
        again = [apart[i] for i in rng.permutation(len(apart))]
        assert values_of(scored(tmp_path, truth, apart)) == values_of(scored(tmp_path, truth, again))
    assert n_told > 5


# The same bytes whatever way.


def large(seed: int = 5) -> tuple[Record, list[Record]]:
    """Several sets side by side, so that there is something to divide."""
    truth: Record = {"images": [], "categories": [], "annotations": []}
    results: list[Record] = []
    known: dict[int, Record] = {}
    for k, (one, found) in enumerate(sets(seed, 12)):
        truth["images"] += [{**image, "id": image["id"] + 1000 * k} for image in one["images"]]
        for category in one["categories"]:
            known[category["id"]] = category
        for row in one["annotations"]:
            number = row["id"] + 1000 * k
            truth["annotations"].append({**row, "id": number, "image_id": row["image_id"] + 1000 * k})
        results += [{**row, "image_id": row["image_id"] + 1000 * k} for row in found]
    return {**truth, "categories": list(known.values())}, results


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write(tmp_path_factory.mktemp("large"), *large())


def of_files(files: tuple[Path, Path], **options: Any) -> Result:
    return segbench.score(files[1], dataset="instances", truth=files[0], **options)


def test_workers_change_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    written = []
    for workers in (1, 2, 4):
        paths = {"state": tmp_path / f"{workers}.state", "per_image": tmp_path / f"{workers}.jsonl"}
        found = of_files(files, workers=workers, **paths)
        segbench.write_result(found, tmp_path / f"{workers}.json", seconds=0.0)
        written.append([path.read_bytes() for path in (*paths.values(), tmp_path / f"{workers}.json")])
    assert written[0] == written[1] == written[2]
    assert all(written[0])


def test_shards_are_merged_to_the_same(files: tuple[Path, Path], tmp_path: Path) -> None:
    whole = of_files(files, workers=1, state=tmp_path / "whole")
    for i in (1, 2, 3):
        of_files(files, workers=2, shard=f"{i}/3", state=tmp_path / f"{i}")
    with pytest.raises(segbench.errors.BadParameter):
        segbench.merge([tmp_path / "1", tmp_path / "2"])
    # The classes stand in the truth alone, so that its protocol needs them from the state.
    merged = segbench.merge([tmp_path / "3", tmp_path / "1", tmp_path / "2"], state=tmp_path / "merged")
    assert values_of(merged) == values_of(whole)
    assert {n: s.signature for n, s in merged.scores.items()} == {n: s.signature for n, s in whole.scores.items()}
    for name, score in whole.scores.items():
        assert bits(merged.scores[name].per_class) == bits(score.per_class)
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()
    again = segbench.merge([tmp_path / "whole"])
    assert values_of(again) == values_of(whole)


def test_results_may_be_packed(files: tuple[Path, Path], tmp_path: Path) -> None:
    folder, name = tmp_path / "folder", "detections_val_net_results.json"
    folder.mkdir()
    shutil.copy(files[1], folder / name)
    with zipfile.ZipFile(tmp_path / "results.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / name, name)
    with tarfile.open(tmp_path / "results.tar.gz", "w:gz") as tape:
        tape.add(folder / name, f"results/{name}")
    expected = of_files(files)
    for path in (folder, tmp_path / "results.zip", tmp_path / "results.tar.gz"):
        found = segbench.score(path, dataset="instances", truth=files[0])
        assert values_of(found) == values_of(expected)
        assert found.provenance.predictions == expected.provenance.predictions
    (folder / "other.json").write_text("[]")
    with pytest.raises(segbench.errors.SubmissionError, match="2 JSON files.*one JSON file of results"):
        segbench.score(folder, dataset="instances", truth=files[0])


def test_slices_are_scored_as_sets_of_their_own(files: tuple[Path, Path]) -> None:
    truth, results = large()
    numbers = [image["id"] for image in truth["images"]]
    chosen = numbers[::2]
    found = of_files(files, slices={"some": [str(n) for n in chosen], "all": [str(n) for n in numbers]})
    evaluation = official.evaluate(truth, results, "segm", imgIds=chosen)
    slices = found.slices
    assert bits({n: s.value for n, s in slices["some"].scores.items()}) == bits(official.twelve(evaluation))
    assert bits({n: s.value for n, s in slices["all"].scores.items()}) == values_of(found)


def test_each_image_is_scored_as_a_set_of_its_own(files: tuple[Path, Path], tmp_path: Path) -> None:
    truth, results = large()
    of_files(files, per_image=tmp_path / "images.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "images.jsonl").read_text("utf-8").splitlines()]
    rows = [line for line in lines if "scores" in line]
    assert len(rows) == len(truth["images"])
    by_key = {int(row["key"][0]): row["scores"] for row in rows}
    for number in sorted(by_key)[:8]:
        expected = official.twelve(official.evaluate(truth, results, "segm", imgIds=[number]))
        found = {name: score["value"] for name, score in by_key[number].items()}
        assert found == {name: None if math.isnan(value) else value for name, value in expected.items()}, number


# Real data, with the numbers of the official tool beside it.

REAL = {
    "segm": (
        *(0.3195452758576433, 0.5622883972521636, 0.29892653412086784),
        *(0.3873740315997837, 0.31018272403369485, 0.3269339071005138),
        *(0.2682297225711534, 0.41544868114906375, 0.4168394992198818),
        *(0.4694498622754236, 0.37675922666197265, 0.3814715099715099),
    ),
    "bbox": (
        *(0.5045806987249628, 0.6969727247299577, 0.5729816669904824),
        *(0.5856257209410443, 0.5193996948036719, 0.5013978986347466),
        *(0.38681277964578054, 0.5936795762842003, 0.595352982877607),
        *(0.6398109626113442, 0.5664205978994309, 0.5642905982905982),
    ),
}


def real_files(real_data: Path, iou_type: str) -> tuple[Path, Path]:
    folder = real_data / "coco100-instances"
    results = {"segm": "fakesegm", "boundary": "fakesegm", "bbox": "fakebbox"}[iou_type]
    return folder / "instances_val2014_100.json", folder / f"instances_val2014_{results}100_results.json"


@pytest.mark.parametrize("iou_type", REAL)
def test_real_data(iou_type: str, real_data: Path) -> None:
    known, found = real_files(real_data, iou_type)
    result = segbench.score(found, dataset="coco-instances", truth=known, iou_type=iou_type)
    assert tuple(score.value for score in result.scores.values()) == REAL[iou_type]
    evaluation = official.evaluate(json.loads(known.read_text()), json.loads(found.read_text()), iou_type)
    assert values_of(result) == bits(official.twelve(evaluation))
    per_class = [value.hex() for value in result.scores["ap"].per_class.values()]
    assert per_class == [value.hex() for value in official.by_class(evaluation)]


def test_boundaries_of_real_data(real_data: Path) -> None:
    known, found = real_files(real_data, "boundary")
    result = segbench.score(found, dataset="coco-instances", truth=known, iou_type="boundary")
    values = {name: result.scores[name].value for name in ("ap", "ap50", "ap75", "ap_medium", "ap_large", "ap_small")}
    assert values == {
        "ap": 0.22639400050237551,
        "ap50": 0.3775010774391817,
        "ap75": 0.22557984624218536,
        "ap_medium": 0.27236740312792934,
        "ap_large": 0.07554378414806896,
        # Of small objects the band is the whole mask.
        "ap_small": REAL["segm"][3],
    }


def test_real_masks_with_boxes_have_the_areas_of_boxes(real_data: Path, tmp_path: Path) -> None:
    known, found = real_files(real_data, "segm")
    truth, results = json.loads(known.read_text()), json.loads(found.read_text())
    boxes = official.COCO()
    boxes.dataset = copy.deepcopy(truth)
    with mock.patch("builtins.print"):
        boxes.createIndex()
        listed = boxes.loadRes(copy.deepcopy(results)).dataset["annotations"]
    both = [{**one, "bbox": [float(x) for x in box["bbox"]]} for one, box in zip(results, listed, strict=True)]
    result = scored(tmp_path, truth, both, "segm")
    assert any("the areas of" in text for text in result.warnings)
    values = [round(result.scores[f"ap_{size}"].value, 4) for size in ("small", "medium", "large")]
    assert values == [0.4093, 0.3246, 0.3092]
    assert values_of(result) == bits(official.twelve(official.evaluate(truth, both, "segm")))
