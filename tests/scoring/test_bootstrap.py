"""Intervals of scores, from the counts of each image by itself."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from scipy import stats

import segbench
from segbench.errors import BadParameter
from segbench.formats import render
from segbench.result import Result
from segbench.scoring.units import Resampling
from tests.scoring.trees import KEYS, some_prediction, some_truth, write

SCHEMA = json.loads((Path(segbench.__file__).parent / "schema" / "result-1.json").read_text("utf-8"))
MORE = ("mean_iou(pool=image)", "mean_iou(absent=propagate)", "boundary_f")


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Predictions and their truth."""
    truth, predictions = (tmp_path_factory.mktemp(name) for name in ("truth", "predictions"))
    return write(predictions, some_prediction(some_truth())), write(truth, some_truth())


def scored(trees: tuple[Path, Path], **options: Any) -> Result:
    asked = {"dataset": "shapes", "truth": trees[1], "workers": 1, "ci": True, "resamples": 120, **options}
    return segbench.score(trees[0], **asked)


@pytest.fixture(scope="module")
def result(trees: tuple[Path, Path]) -> Result:
    return scored(trees, metrics=MORE)


def test_every_score_and_class_has_an_interval_around_it(result: Result) -> None:
    for key, score in result.scores.items():
        assert score.ci is not None and score.ci[0] < score.value < score.ci[1], key
        assert score.class_ci.keys() == score.per_class.keys()
        assert all(low < score.per_class[name] < high for name, (low, high) in score.class_ci.items())
    assert result.resampling == {
        "method": "percentile",
        "unit": "image",
        "n_units": len(KEYS),
        "resamples": 120,
        "seed": 0,
        "level": 0.95,
    }
    jsonschema.validate(result.as_record(), SCHEMA)


def test_intervals_change_nothing_else(result: Result, trees: tuple[Path, Path]) -> None:
    plain = scored(trees, metrics=MORE, ci=False).as_record()
    record = result.as_record()
    del record["resampling"]
    for score in record["scores"].values():
        del score["class_ci"]
        score["ci"] = None
    assert record == plain


@pytest.mark.parametrize("options", [{"workers": 3}, {"workers": 2, "executor": "processes"}])
def test_workers_change_no_bit(result: Result, trees: tuple[Path, Path], options: dict[str, Any]) -> None:
    assert render(scored(trees, metrics=MORE, **options), "json") == render(result, "json")


def test_shards_that_are_merged_come_to_the_same(result: Result, trees: tuple[Path, Path], tmp_path: Path) -> None:
    states = [tmp_path / f"{i}.jsonl" for i in (1, 2, 3)]
    for i, state in enumerate(states, 1):
        scored(trees, metrics=MORE, ci=False, shard=f"{i}/3", state=state)
    merged = segbench.merge(states, ci=True, resamples=120)
    assert render(merged, "json") == render(result, "json")


def test_the_interval_of_a_mean_over_images_is_that_of_scipy(trees: tuple[Path, Path], tmp_path: Path) -> None:
    per_image = tmp_path / "images.jsonl"
    metric = "pixel_accuracy(pool=image)"
    score = scored(trees, metrics=[metric], per_image=per_image, resamples=500, seed=9).scores[metric]
    values = np.array([json.loads(line)["scores"][metric]["value"] for line in per_image.read_text().splitlines()])
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=500, method="percentile", rng=np.random.default_rng(9)
    ).confidence_interval
    # Ours is the exact sum, rounded once; NumPy rounds sixty times.
    np.testing.assert_allclose(score.ci, expected, rtol=60 * 2.0**-53, atol=0)


def test_a_slice_has_intervals_of_its_own(trees: tuple[Path, Path]) -> None:
    parts = {"few": list(KEYS[:10]), "one": [KEYS[0]]}
    result = scored(trees, slices=parts)
    whole, few, one = (scores["mean_iou"] for scores in (result.scores, *(s.scores for s in result.slices.values())))
    assert whole.ci is not None and few.ci is not None and few.ci[1] - few.ci[0] > whole.ci[1] - whole.ci[0]
    assert one.ci is None and not one.class_ci


def test_one_image_has_no_interval_and_says_so(tmp_path: Path) -> None:
    truth = some_truth(KEYS[:1])
    trees = write(tmp_path / "predictions", some_prediction(truth)), write(tmp_path / "truth", truth)
    result = scored(trees)
    assert result.scores["mean_iou"].ci is None
    assert "no intervals: they take at least 2 images to draw from" in result.warnings


def test_a_class_in_few_images_is_undefined_in_some_resamples(tmp_path: Path) -> None:
    truth = {key: np.minimum(labels, 1) for key, labels in some_truth().items()}
    truth[KEYS[0]][0] = 3
    trees = write(tmp_path / "predictions", truth), write(tmp_path / "truth", truth)
    result = scored(trees, metrics=["mean_iou(absent=propagate,classes=[checked-box])"])
    (key,) = (key for key in result.scores if "propagate" in key)
    (warning,) = (text for text in result.warnings if text.startswith(f"{key} is undefined in "))
    # An image is left out of a resample of 60 in (59/60)^60 = 36 % of the cases.
    assert 20 < int(warning.split(" in ")[1].split()[0]) < 70
    assert result.scores[key].ci == (1.0, 1.0)


def test_formats_carry_the_same_intervals(result: Result) -> None:
    record = json.loads(render(result, "json"))
    frame = result.to_frame()
    lines = render(result, "csv").splitlines()
    assert lines[0].endswith(",low,high") and list(frame.columns)[-2:] == ["low", "high"]
    for line, (_, row) in zip(lines[1:], frame.iterrows(), strict=True):
        score = record["scores"][row["key"]]
        low, high = (
            score["ci"] if row["class"] is None or row["class"] != row["class"] else score["class_ci"][row["class"]]
        )
        assert line.endswith(f",{low!r},{high!r}") and [row["low"], row["high"]] == [low, high]
    low, high = record["scores"]["mean_iou"]["ci"]
    shown = f"{100 * low:.2f} to {100 * high:.2f}"
    for format_ in ("md", "latex", "html"):
        text = render(result, format_)
        assert shown in text and "interval" in text, format_


def test_the_command_says_the_same(run: Any, trees: tuple[Path, Path], result: Result) -> None:
    asked = ["score", trees[0], "--dataset", "shapes", "--truth", trees[1], "--ci", "--resamples", "120"]
    asked += [part for metric in MORE for part in ("--metric", metric)]
    assert run(*asked, "--format", "json").record == json.loads(render(result, "json"))
    low, high = result.scores["mean_iou"].ci or (math.nan, math.nan)
    assert f"95 % interval {100 * low:.2f} to {100 * high:.2f}" in run(*asked).out


@pytest.mark.parametrize("asked", [{"resamples": 0}, {"resamples": 2_000_000}, {"seed": -1}])
def test_bad_numbers_are_refused(asked: dict[str, int]) -> None:
    with pytest.raises(BadParameter):
        Resampling(**asked)


def test_an_interval_holds_the_score_of_the_population(tmp_path: Path) -> None:
    """Mean IoU of 24 drawn images against that of the 600 they are drawn from."""
    keys = tuple(f"im{i:03}" for i in range(600))
    truth = some_truth(keys, (4, 6))
    state = tmp_path / "state.jsonl"
    everything = write(tmp_path / "predictions", some_prediction(truth)), write(tmp_path / "truth", truth)
    rng = np.random.default_rng(2)
    parts = {f"draw{i}": sorted(rng.choice(keys, 24, replace=False).tolist()) for i in range(60)}
    result = scored(everything, slices=parts, state=state, resamples=200)
    value = result.scores["mean_iou"].value
    bounds = [part.scores["mean_iou"].ci or (math.nan, math.nan) for part in result.slices.values()]
    held = sum(low <= value <= high for low, high in bounds)
    # Of 60 intervals of 95 %, at most 10 miss: the chance of more is 4e-4, were they exact.
    assert held >= 50
