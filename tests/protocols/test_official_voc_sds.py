"""AP^r as segbench scores it, from COCO files and from the maps of VOC, against the rules of the official script."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

import segbench
from segbench.errors import DatasetError
from segbench.protocols.load import load_protocol
from segbench.result import Result
from tests.datasets.pngs import PALETTE, png
from tests.oracles import sds_ap
from tests.oracles.sds_ap import Instance
from tests.protocols.coco_sets import coco_set, compressed, write

Record = dict[str, Any]
NAMES = {c.id: c.name for c in load_protocol("voc-sds").space.classes}
THRESHOLDS = {"ap50": 0.5, "ap70": 0.7}
N_SETS = 250


def voc_set(seed: int) -> tuple[Record, list[Record]]:
    """A random set of classes of VOC, without crowds."""
    truth, results = coco_set(np.random.default_rng(seed))
    classes = sorted({category["id"] for category in truth["categories"]} & NAMES.keys())
    truth["categories"] = [{"id": k, "name": NAMES[k]} for k in classes]
    rows = [{**one, "iscrowd": 0, "ignore": 0} for one in truth["annotations"] if one["category_id"] in classes]
    return {**truth, "annotations": rows}, [one for one in results if one["category_id"] in classes]


def instances(truth: Record, records: list[Record]) -> list[Instance]:
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth["images"]}
    masks = (_mask(one["segmentation"], *sizes[one["image_id"]]) for one in records)
    return [
        Instance(one["image_id"], one["category_id"], mask, one.get("score", 0.0))
        for one, mask in zip(records, masks, strict=True)
    ]


def _mask(shape: Any, height: int, width: int) -> np.ndarray:
    is_plain = isinstance(shape, list) or isinstance(shape["counts"], list)
    runs = coco_mask.frPyObjects(shape, height, width) if is_plain else shape
    return coco_mask.decode(coco_mask.merge(runs) if isinstance(runs, list) else runs)


def hold(found: Result, truth: list[Instance], results: list[Instance], classes: list[int]) -> None:
    assert [name.partition("(")[0] for name in found.scores] == list(THRESHOLDS)
    for score, threshold in zip(found.scores.values(), THRESHOLDS.values(), strict=True):
        value, per_class = sds_ap.evaluate(truth, results, classes, threshold)
        assert score.value.hex() == value.hex()
        assert [score.per_class[NAMES[k]].hex() for k in classes] == [ap.hex() for ap in per_class]


def test_random_sets_score_as_officially(tmp_path: Path) -> None:
    n = 0
    for seed in range(N_SETS):
        truth, results = voc_set(seed)
        if not truth["annotations"]:
            continue
        known, path = write(tmp_path, truth, results)
        found = segbench.score(path, dataset="voc-sds", truth=known, workers=1)
        classes = sorted(category["id"] for category in truth["categories"])
        hold(found, instances(truth, truth["annotations"]), instances(truth, results), classes)
        n += 1
    assert n > N_SETS / 2


def test_a_second_detection_tries_no_other_instance(tmp_path: Path) -> None:
    """Both overlap the first instance most: COCO gives the second detection the other instance, this rule does not."""
    images = [{"id": 1, "height": 10, "width": 30}]
    left, right = np.zeros((2, 10, 30), np.uint8)
    left[:, :10] = right[:, 2:12] = 1
    rows = [
        {"image_id": 1, "category_id": 1, "segmentation": compressed(mask), "id": 1 + i, "area": 100, "iscrowd": 0}
        for i, mask in enumerate((left, right))
    ]
    truth = {"images": images, "categories": [{"id": 1, "name": NAMES[1]}], "annotations": rows}
    results = [
        {"image_id": 1, "category_id": 1, "segmentation": compressed(left), "score": 0.9 - i / 10} for i in (0, 1)
    ]
    known, path = write(tmp_path, truth, results)
    found = segbench.score(path, dataset="voc-sds", truth=known)
    # One of two found: 6 of 11 recalls. The left and the right instance have an IoU of 8 / 12.
    assert found.scores["ap50"].value == pytest.approx(6 / 11, rel=1e-14)
    coco = segbench.score(path, dataset="voc-sds", truth=known, metrics=["ap50(rules=coco,interpolation=voc11)"])
    # Eleven times 1/11, added one by one as the official script does.
    assert list(coco.scores.values())[-1].value == sum([1 / 11] * 11) == 1.0000000000000002


def maps(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A map of classes and one of objects, with void between them."""
    of_classes, of_objects = np.zeros((2, 24, 36), np.uint8)
    for number in range(1, int(rng.integers(1, 5))):
        y, x = int(rng.integers(0, 20)), int(rng.integers(0, 30))
        place = slice(y, y + int(rng.integers(2, 12))), slice(x, x + int(rng.integers(2, 12)))
        of_classes[place], of_objects[place] = rng.choice([3, 8, 15]), number
    border = rng.random((24, 36)) < 0.1
    of_classes[border] = of_objects[border] = 255
    return of_classes, of_objects


def test_the_truth_of_voc_is_its_maps(tmp_path: Path) -> None:
    rng, keys = np.random.default_rng(2), [f"2007_{i:06}" for i in (33, 42, 61, 7)]
    truth: list[Instance] = []
    results: list[Record] = []
    (tmp_path / "VOC2012/ImageSets/Segmentation").mkdir(parents=True)
    (tmp_path / "VOC2012/ImageSets/Segmentation/val.txt").write_text("\n".join(keys))
    for key in keys:
        pair = maps(rng)
        number = int(key.replace("_", ""))
        for name, values in zip(("SegmentationClass", "SegmentationObject"), pair, strict=True):
            (tmp_path / "VOC2012" / name).mkdir(exist_ok=True)
            (tmp_path / "VOC2012" / name / f"{key}.png").write_bytes(png(values, kind=PALETTE))
        for value in sorted(set(pair[1].flat) - {0, 255}):
            mask = pair[1] == value
            truth.append(Instance(number, int(pair[0][mask][0]), mask))
            for _ in range(int(rng.integers(0, 3))):
                moved = np.roll(mask, rng.integers(-2, 3, 2), (0, 1)).astype(np.uint8)
                label = int(rng.choice([truth[-1].label, 3]))
                results.append({"image_id": number, "category_id": label, "score": float(rng.integers(9)) / 8,
                                "segmentation": compressed(moved)})  # fmt: skip
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results))
    sizes = {"images": [{"id": t.image, "height": 24, "width": 36} for t in truth]}
    found = segbench.score(path, dataset="voc-sds", data_root=tmp_path)
    hold(found, truth, instances(sizes, results), [3, 8, 15])
    assert 0 < found.scores["ap50"].value < 1 and math.isnan(found.scores["ap50"].per_class["aeroplane"])
    (tmp_path / "VOC2012/SegmentationObject" / f"{keys[0]}.png").unlink()
    with pytest.raises(DatasetError) as caught:
        segbench.score(path, dataset="voc-sds", data_root=tmp_path)
    assert caught.value.file.endswith(f"SegmentationObject/{keys[0]}.png")
