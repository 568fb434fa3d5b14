"""``segbench datasets check`` of a truth in the JSON of COCO: what is told, and the exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.metrics.detected import True_
from tests.scoring.instancefiles import write_truth
from tests.scoring.test_anatomy import voc

TRUE: list[True_] = [
    (0, 0, (0, 0, 40, 40), False),
    (1, 1, (100, 100, 40, 40), False),
    (2, 2, (0, 0, 40, 40), False),
    (2, 2, (60, 60, 40, 40), True),
]


def changed(path: Path, row: int, **values: Any) -> Path:
    """Change an annotation."""
    truth = json.loads(path.read_text())
    truth["annotations"][row] |= values
    path.write_text(json.dumps(truth))
    return path


def test_a_sound_truth(run: CommandLine, tmp_path: Path) -> None:
    path = write_truth(tmp_path, TRUE)
    outcome = run("datasets", "check", "instances", "--truth", path)
    assert (outcome.code, outcome.err) == (0, "")
    rows = [line.split(maxsplit=1) for line in outcome.out.splitlines() if line.strip()]
    assert rows[0] == ["instances@1", "custom"]
    assert ["annotations", "4, 1 of them crowds"] in rows
    assert ["verdict", "sound, nothing odd"] in rows
    assert "Oddities" not in outcome.out


def test_oddities_are_told_and_forgiven(run: CommandLine, tmp_path: Path) -> None:
    path = changed(write_truth(tmp_path, TRUE, images=4), 0, area=9000)
    outcome = run("datasets", "check", "instances", "--truth", path)
    assert (outcome.code, outcome.err) == (0, "")
    text = " ".join(outcome.out.split())
    assert "verdict sound, 2 kinds of oddities" in text
    assert "other area 1: an area more than 5 % off the mask's" in text
    assert "annotation 11 of image 1" in text
    assert "empty image 1: " in text
    assert all(len(line) <= 80 for line in outcome.out.splitlines() if str(tmp_path) not in line)


def test_damage_is_a_fault_beside_what_is_odd(run: CommandLine, tmp_path: Path) -> None:
    path = changed(write_truth(tmp_path, TRUE), 1, segmentation=[[1, 2, 3, 4]])
    changed(path, 3, segmentation={"size": [10, 10], "counts": [100]})
    outcome = run("datasets", "check", "instances", "--truth", path)
    assert outcome.code == 4
    assert "verdict      2 faults, 1 kind of oddity" in outcome.out
    assert "annotation 2 (id 12): a polygon of 4 numbers" in outcome.err
    assert "annotation 4 (id 14): a segmentation of 10×10 pixels; expected 200×200 pixels" in outcome.err


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"id": 12}, "annotation id 12 twice"),
        ({"image_id": 99}, "an image_id that is no image"),
        ({"category_id": 99}, "a category_id that is no category"),
        ({"iscrowd": "no"}, "iscrowd"),
    ],
)
def test_what_contradicts_itself(run: CommandLine, tmp_path: Path, values: dict[str, Any], text: str) -> None:
    outcome = run("datasets", "check", "instances", "--truth", changed(write_truth(tmp_path, TRUE), 0, **values))
    assert (outcome.code, outcome.out) == (4, "")
    assert text in outcome.err


def test_no_such_file_and_other_data_sets(run: CommandLine, tmp_path: Path, shapes_root: Path) -> None:
    assert run("datasets", "check", "instances", "--truth", tmp_path / "none.json").code == 4
    path = write_truth(tmp_path, TRUE)
    outcome = run("datasets", "check", "shapes", "--data-root", shapes_root, "--truth", path)
    assert (outcome.code, "--truth for shapes" in outcome.err) == (2, True)
    outcome = run("datasets", "check", "coco-instances", "--truth", path)
    assert (outcome.code, "expected the categories of coco-instances" in outcome.err) == (4, True)
    outcome = run("datasets", "check", "coco-instances", "--forget")
    assert (outcome.code, "--forget for coco-instances" in outcome.err) == (2, True)
    both = run("datasets", "check", "instances", "--truth", path, "--data-root", tmp_path)
    assert (both.code, "--truth together with --data-root" in both.err) == (2, True)


def test_a_split_has_its_official_number_of_images(run: CommandLine, tmp_path: Path, real_data: Path) -> None:
    path = real_data / "coco100-instances/instances_val2014_100.json"
    (tmp_path / "annotations").mkdir()
    shutil.copy(path, tmp_path / "annotations/instances_val2014.json")
    outcome = run("datasets", "check", "coco-instances", "--data-root", tmp_path, "--split", "val2014")
    assert outcome.code == 4
    assert "100 images; expected 40504, the official number" in outcome.err
    alone = run("datasets", "check", "coco-instances", "--truth", path)
    assert (alone.code, "3 kinds of oddities" in alone.out) == (0, True)


def test_objects_of_voc(run: CommandLine, tmp_path: Path) -> None:
    voc(tmp_path / "VOC2012")
    outcome = run("datasets", "check", "voc-sds", "--data-root", tmp_path)
    assert outcome.code == 4
    assert "2 images; expected 1449, the official number" in outcome.err
    rows = [line.split() for line in outcome.out.splitlines()]
    assert ["objects", "2"] in rows
    assert ["verdict", "1", "fault,", "nothing", "odd"] in rows
