"""T of DAVIS 2016 from files, against a plain reference of the official tools, to the last bit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segbench
from segbench.errors import MissingPrediction
from segbench.protocols.load import load_protocol
from tests.datasets.pngs import png
from tests.metrics.test_stability import random_videos
from tests.metrics.video_cases import Labels
from tests.oracles import davis_stability
from tests.oracles.davis_stability import MATLAB

NAMES = ["bear", "dog", "mine"]
MATLABS = "t_mean(reading=matlab)"


def site(tmp_path: Path, truth: Mapping[str, Sequence[Labels]], predictions: Mapping[str, Sequence[Labels]]) -> Any:
    for folder, videos in (("truth", truth), ("predictions", predictions)):
        for name, frames in videos.items():
            (tmp_path / folder / name).mkdir(parents=True)
            for i, labels in enumerate(frames):
                (tmp_path / folder / name / f"{i:05}.png").write_bytes(png(255 * labels))
    return {"predictions": tmp_path / "predictions", "dataset": "davis2016", "truth": tmp_path / "truth"}


def expected(
    predictions: Mapping[str, Sequence[Labels]], truth: Mapping[str, Sequence[Labels]] | None = None
) -> tuple[float, dict[str, float]]:
    """T of all videos and of each, by Matlab's rules where the truth is given."""
    if truth is None:
        values = {name: davis_stability.stability(frames) for name, frames in sorted(predictions.items())}
        return davis_stability.mean_stability(values), values
    values = {
        name: davis_stability.stability(frames, MATLAB, first_truth=truth[name][0])
        for name, frames in sorted(predictions.items())
    }
    return davis_stability.mean_stability(values, MATLAB), values


def hold(score: segbench.Score, reference: tuple[float, dict[str, float]]) -> None:
    mean, values = reference
    assert score.value.hex() == mean.hex()
    assert {name: v.hex() for name, v in score.per_class.items()} == {
        n: v.hex() for n, v in values.items() if n != "dog"
    }
    assert (score.unit, score.higher_is_better) == ("fraction", False)


@pytest.mark.parametrize("seed", range(4))
def test_files_score_as_the_reference(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    predictions = random_videos(rng, NAMES)
    truth = {name: [np.roll(labels, (1, 2), (0, 1)) for labels in frames] for name, frames in predictions.items()}
    asked = site(tmp_path, truth, predictions)
    python, matlab = expected(predictions), expected(predictions, truth)
    assert python[0] > 0 and python[0] != matlab[0]
    for how in ({"workers": 1}, {"workers": 3}, {"workers": 2, "executor": "processes"})[: 3 if seed == 0 else 1]:
        result = segbench.score(**asked, **how, metrics=[MATLABS])
        hold(result.scores["t_mean"], python)
        hold(result.scores[MATLABS], matlab)


def test_shards_merge_and_a_state_scores_again(tmp_path: Path) -> None:
    """Pairs of frames that lie in different shards are compared all the same."""
    rng = np.random.default_rng(7)
    predictions = random_videos(rng, NAMES)
    asked = site(tmp_path, predictions, predictions) | {"metrics": [MATLABS]}
    whole = segbench.score(**asked, state=tmp_path / "whole.jsonl")
    states = [tmp_path / f"{i}.jsonl" for i in (1, 2, 3)]
    for i, state in enumerate(states, 1):
        segbench.score(**asked, shard=f"{i}/3", state=state)
    merged = segbench.merge(states)
    assert merged.scores == whole.scores == segbench.merge([tmp_path / "whole.jsonl"]).scores
    hold(whole.scores["t_mean"], expected(predictions))
    hold(whole.scores[MATLABS], expected(predictions, predictions))


def test_the_prediction_of_the_first_frame_is_not_needed_for_its_truth(tmp_path: Path) -> None:
    predictions = random_videos(np.random.default_rng(3), ["bear"])
    asked = site(tmp_path, predictions, predictions) | {"metrics": [MATLABS]}
    whole = segbench.score(**asked)
    (tmp_path / "predictions/bear/00000.png").unlink()
    assert segbench.score(**asked).scores == whole.scores
    with pytest.raises(MissingPrediction, match="bear/00000"):
        segbench.score(**asked | {"metrics": ["t_mean(frames=all)"]})


def test_missing_predictions_are_left_out(tmp_path: Path) -> None:
    predictions = random_videos(np.random.default_rng(3), ["bear"])
    asked = site(tmp_path, predictions, predictions)
    for path in (tmp_path / "predictions/bear").iterdir():
        path.unlink()
    scores = segbench.score(**asked, missing="miss").scores
    assert math.isnan(scores["t_mean"].value) and scores["j_mean"].value < 1


def test_how_davis_2016_sets_it() -> None:
    metric = load_protocol("davis2016").metric("t_mean")
    assert metric.signature() == (
        "t_mean(assignment=identity,average=sequences,bound=0.008,ends=nan,frames=inner,reading=python,"
        "sequences=official)"
    )
    assert "t_mean" not in {one.name for one in load_protocol("davis2017").metrics}
