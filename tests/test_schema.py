"""The published JSON Schema describes what is really written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

import segbench

SCHEMA = json.loads((Path(segbench.__file__).parent / "schema" / "result-1.json").read_text("utf-8"))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("metric", ["mean_iou(pool=image)", "mean_iou(absent=propagate,classes=[box])"])
def test_results_fit_the_schema(shapes_root: Path, tmp_path: Path, metric: str) -> None:
    output = tmp_path / "result.json"
    predictions = shapes_root / "SegmentationClass"
    state = segbench.state_path(output)
    result = segbench.score(
        predictions,
        dataset="shapes",
        data_root=shapes_root,
        metrics=[metric],
        state=state,
        slices={"one": ["test_0003"]},
    )
    segbench.write_result(result, output, seconds=1.0, state=state)
    written = json.loads(output.read_text("utf-8"))
    assert written["state"]["file"] == "result.state.jsonl"
    jsonschema.validate(written, SCHEMA)
    jsonschema.validate(result.as_record(), SCHEMA)


def test_what_is_infinite_is_null_with_its_number_beside(shapes_root: Path, tmp_path: Path) -> None:
    """One image is missing, so that every class of its truth is infinitely far off."""
    predictions = tmp_path / "predictions"
    shutil.copytree(shapes_root / "SegmentationClass", predictions, ignore=shutil.ignore_patterns("test_0003.png"))
    metric, lines = "hausdorff_distance(empty=infinity)", tmp_path / "images.jsonl"
    where = {"dataset": "shapes", "data_root": shapes_root, "metrics": [metric], "missing": "miss"}
    record = segbench.score(predictions, **where, per_image=lines).as_record()
    jsonschema.validate(record, SCHEMA)
    score = record["scores"]["hausdorff_distance(empty=infinity,percentile=100)"]
    missed = sum(value is None for value in score["per_class"].values())
    assert score["value"] is None and score["infinite"] == 1 + missed > 1
    images = {"/".join(line["key"]): line["scores"] for line in map(json.loads, lines.read_text("utf-8").splitlines())}
    assert [key for key, scores in images.items() if any("infinite" in s for s in scores.values())] == ["test_0003"]


def test_the_schema_refuses_a_bare_score() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema": 1, "scores": {"mean_iou": 0.5}}, SCHEMA)
