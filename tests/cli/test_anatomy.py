"""``segbench anatomy``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segbench.scoring.anatomy import anatomy
from segbench.scoring.anatomyrecord import as_record
from tests.conftest import CommandLine, Outcome
from tests.metrics.detected import Found, True_
from tests.scoring.instancefiles import write_results, write_truth

TRUE: list[True_] = [(0, 0, (0, 0, 40, 40), False), (0, 1, (100, 100, 40, 40), False), (1, 0, (0, 0, 40, 40), False)]
FOUND: list[Found] = [
    (0, 0, (0, 0, 40, 40), 0.9),
    (0, 0, (100, 100, 40, 40), 0.8),
    (1, 2, (60, 60, 9, 9), 0.75),
]


@pytest.fixture
def files(tmp_path: Path) -> list[object]:
    """What a command names."""
    truth = write_truth(tmp_path, TRUE)
    return [write_results(tmp_path, FOUND), "--dataset", "instances", "--truth", truth, "--iou-type", "bbox"]


def test_the_page(run: CommandLine, files: list[object]) -> None:
    outcome = run("anatomy", *files)
    assert outcome.code == 0
    assert outcome.err == "segbench: warning: 1 class is predicted without an annotation: AP 0 in TIDE\n"
    lines = outcome.out.splitlines()
    assert lines[0] == "instances@1  custom  3 images"
    assert all(len(line) <= 80 for line in lines)
    rows = [line.split() for line in lines]
    # AP is that of three classes: 51 of 101 recalls with 1, and nothing twice; the cat that was a dog gives a third.
    assert ["Cls", "1", "33.33"] in [row[:3] for row in rows]
    assert ["Bkg", "1", "8.42"] in [row[:3] for row in rows]
    assert ["dog", "cat", "1"] in rows
    assert ["0.800", "1", "12", "dog", "cat", "class"] in rows
    assert ["0.750", "2", "cow", "missing"] in rows
    # 0.9 is right; 0.8 and 0.75 share a bin and are wrong: (0.1 + 2·0.775) / 3.
    assert "  ECE 0.5500, MCE 0.7750, in 10 bins" in lines
    assert run("anatomy", *files, "--quiet").err == ""


def test_json_is_the_record(run: CommandLine, files: list[object], tmp_path: Path) -> None:
    outcome = run("anatomy", *files, "--format", "json", "-o", tmp_path / "all.json")
    expected = as_record(anatomy(str(files[0]), dataset="instances", truth=str(files[4]), iou_type="bbox"))
    assert outcome.record == expected
    assert (tmp_path / "all.json").read_text("utf-8") == outcome.out
    assert run("anatomy", *files, "--format", "json").out == outcome.out, "the same bytes"


def test_lines_may_be_drawn_elsewhere(run: CommandLine, files: list[object]) -> None:
    more = ["--iou", 0.75, "--background-iou", 0.2, "--min-score", 0.85, "--bins", 15, "--format", "json"]
    record = run("anatomy", *files, *more).record
    assert [record[key] for key in ("iou", "background_iou", "least_score")] == [0.75, 0.2, 0.85]
    assert record["calibration"]["bins"] == 15
    assert record["label_errors"] == []


def test_no_probabilities_and_no_detection(run: CommandLine, files: list[object], tmp_path: Path) -> None:
    write_results(tmp_path, [(0, 0, (0, 0, 40, 40), 9.0)])
    assert "Scores are no probabilities." in run("anatomy", *files).out
    write_results(tmp_path, [])
    outcome = run("anatomy", *files)
    assert (outcome.code, "no detection at all" in outcome.err) == (0, True)
    assert "ECE –, MCE –" in outcome.out


def test_strangers_names_cannot_steer_a_terminal(run: CommandLine, files: list[object], tmp_path: Path) -> None:
    truth = json.loads((tmp_path / "truth.json").read_text())
    truth["categories"][1]["name"] = "d\x1b[31mog"
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    for format_ in ("table", "json"):
        outcome = run("anatomy", *files, "--format", format_)
        assert outcome.code == 0
        assert "\x1b" not in outcome.out
    assert "d\\x1b[31mog" in run("anatomy", *files).out


def refused(outcome: Outcome, code: int, *texts: str) -> None:
    assert outcome.code == code, outcome.err
    assert outcome.out == ""
    assert all(text in outcome.err for text in texts), outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("more", "texts"),
    [
        (["--iou", 1.5], ["0 < background_iou ≤ iou < 1"]),
        (["--iou", "nan"], ["0 < background_iou ≤ iou < 1"]),
        (["--background-iou", 0], ["0 < background_iou ≤ iou < 1"]),
        (["--min-score", "nan"], ["least_score=nan"]),
        (["--bins", 0], ["--bins"]),
        (["--iou-type", "keypoints"], ["--iou-type"]),
        (["--dataset", "voc"], ["anatomy of voc2012"]),
        (["--dataset", "coco-instances"], ["category 1 'cat'"]),
        (["-o", "all.csv"], ["ends in .json"]),
        (["-o", "nowhere/all.json"], ["existing folder for -o"]),
    ],
)
def test_what_is_asked_wrongly(run: CommandLine, files: list[object], more: list[Any], texts: list[str]) -> None:
    refused(run("anatomy", *files, *more), 4 if "coco-instances" in more else 2, *texts)


def test_damaged_files(run: CommandLine, files: list[object], tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    for text, expected in (("[{}", "results.json"), ('[{"image_id": 1}]', "category_id"), ("{}", "list")):
        results.write_text(text)
        refused(run("anatomy", *files), 3, expected)
    write_results(tmp_path, [(7, 0, (0, 0, 4, 4), 0.5)])
    refused(run("anatomy", *files), 3, "image_id 8, which the truth does not have")
    refused(run("anatomy", tmp_path / "nowhere.json", *files[1:]), 3, "nowhere.json")
    (tmp_path / "truth.json").write_text("[")
    refused(run("anatomy", *files), 4, "truth.json")


def test_damaged_masks(run: CommandLine, files: list[object], tmp_path: Path) -> None:
    where = files[:-2]
    results = json.loads((tmp_path / "results.json").read_text())
    for one in results:
        del one["bbox"]
        one["segmentation"] = {"size": [200, 200], "counts": [40000]}
    results[1]["segmentation"]["counts"] = [39999]
    (tmp_path / "results.json").write_text(json.dumps(results))
    refused(run("anatomy", *where), 3, "error[bad-rle]", "results.json: result 2")
    results[1]["segmentation"]["size"] = [100, 400]
    (tmp_path / "results.json").write_text(json.dumps(results))
    refused(run("anatomy", *where), 3, "error[shape-mismatch]", "result 2")
    write_results(tmp_path, FOUND, masks=True)
    truth = json.loads((tmp_path / "truth.json").read_text())
    truth["annotations"][2]["segmentation"] = {"size": [200, 200], "counts": [1]}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    refused(run("anatomy", *where), 4, "truth.json: annotation 3 (id 13)")


def test_masks_that_the_results_lack(run: CommandLine, files: list[object]) -> None:
    # Boxes stand for masks, as in scoring.
    assert run("anatomy", *files[:-2], "--format", "json").record["iou_type"] == "segm"


def test_real_data(run: CommandLine, real_data: Path) -> None:
    folder = real_data / "coco100-instances"
    where = ["--dataset", "coco-instances", "--truth", folder / "instances_val2014_100.json"]
    outcome = run("anatomy", folder / "instances_val2014_fakesegm100_results.json", *where)
    assert outcome.code == 0
    assert all(len(line) <= 80 for line in outcome.out.splitlines())
    assert "AP 51.80 %, as TIDE counts it." in outcome.out
