"""From a recipe to a score by the command line, which is the score of the same folder by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from tests.conftest import CommandLine
from tests.harness.nets import net
from tests.harness.smalldata import KEYS, over, predicted
from tests.training.tiny import build, recipe


def assert_scored_by_hand(run: CommandLine, folder: Path, told: dict[str, object], of: Sequence[object]) -> None:
    """Assert that a job's scores are those of its predictions, to the last bit."""
    by_hand = run("score", folder / "predictions", *of, "--format", "json")
    assert by_hand.code == 0, by_hand.err
    assert json.loads((folder / "result.json").read_text())["scores"] == by_hand.scores
    assert told == {key: score["value"] for key, score in by_hand.scores.items()}


def test_a_training_beside_rules(run: CommandLine, tmp_path: Path, shapes_root: Path) -> None:
    of = ["--dataset", "shapes", "--data-root", shapes_root]
    done = run("train", recipe(tmp_path), "-o", tmp_path / "tiny", "--data-root", f"shapes={shapes_root}")
    assert done.code == 0, done.err
    args = [
        "run",
        "--model",
        f"tests.training.tiny:CARD@{tmp_path / 'tiny'},majority",
        "--model",
        "nearest_colour",
        *of,
        "--split",
        "val",
    ]
    done = run(*args, "-o", tmp_path / "out", "--batch", "4", "--format", "json")
    assert done.code == 0, done.err
    assert [(row["model"], row["status"], row["images_predicted"]) for row in done.record] == [
        (name, "scored", 60) for name in ("tiny", "majority", "nearest_colour")
    ]
    for row in done.record:
        assert (row["dataset"], row["split"], row["errors"]) == ("shapes@1", "val", [])
        folder = tmp_path / "out" / "shapes-val" / row["model"]
        assert row["folder"] == str(folder)
        assert_scored_by_hand(run, folder, row["scores"], [*of, "--split", "val"])
    tiny, majority, colour = (row["scores"]["mean_iou"] for row in done.record)
    # Majority has the background's share in one of seven classes; colour tells pairs of classes from each other.
    assert 0 < majority < 1 / 7 < colour and tiny > 0
    assert done.record[0]["run"]["models"][0]["trained_on"] == "shapes@1, train"


def test_what_is_there_is_told_again(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    first = run(*over(small, tmp_path / "out", net(pt)), "--format", "json")
    assert first.code == 0, first.err
    again = run(*over(small, tmp_path / "out", net(pt)), "--format", "json")
    assert (again.code, again.record[0]["status"], again.record[0]["images_predicted"]) == (0, "there", 0)
    for key in ("scores", "run"):
        assert again.record[0][key] == first.record[0][key]
    table = run(*over(small, tmp_path / "out", net(pt))).out
    assert f"{100 * first.record[0]['scores']['mean_iou']:.2f} %" in table and "there" in table


def test_intervals_are_drawn_of_what_is_there(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    args = over(small, tmp_path / "out", net(pt))
    assert run(*args).code == 0
    done = run(*args, "--ci", "--resamples", "100", "--format", "json")
    assert (done.code, done.record[0]["status"], done.record[0]["images_predicted"]) == (0, "scored", 0)
    score = json.loads((tmp_path / "out/small-val/plain/result.json").read_text())["scores"]["mean_iou"]
    low, high = score["ci"]
    assert low <= score["value"] <= high
    assert run(*args, "--ci", "--resamples", "100", "--format", "json").record[0]["status"] == "there"
    for other in (("--resamples", "120"), ("--resamples", "120", "--seed", "1")):
        assert run(*args, "--ci", *other, "--format", "json").record[0]["status"] == "scored"


def test_a_plan_predicts_nothing(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    args = over(small, tmp_path / "out", net(pt))
    done = run(*args, "--plan", "--format", "json")
    assert done.record == [{"dataset": "small@1", "split": "val", "model": "plain", "images_left": len(KEYS)}]
    assert not (tmp_path / "out").exists()
    run(*args, "--shard", "1/2")
    assert run(*args, "--plan", "--format", "json").record[0]["images_left"] == len(KEYS) // 2


def test_without_truth_it_is_predicted(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    assert run(*over(small, tmp_path / "with", net(pt))).code == 0
    shutil.rmtree(small / "truth")
    done = run(*over(small, tmp_path / "out", net(pt)), "--format", "json")
    assert done.code == 0, done.err
    assert done.record[0]["status"] == "predicted" and done.record[0]["scores"] == {}
    assert "segbench pack" in done.err and str(tmp_path / "out/small-val/plain/predictions") in done.err
    assert predicted(tmp_path / "out") == predicted(tmp_path / "with")
    assert (tmp_path / "out/small-val/plain/run.json").is_file()
    assert not (tmp_path / "out/small-val/plain/result.json").exists()
    again = run(*over(small, tmp_path / "out", net(pt)), "--format", "json")
    assert (again.code, again.record[0]["images_predicted"]) == (0, 0)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--shard", "0/3"), "I/N"),
        (("--shard", "4/3"), "I/N"),
        (("--shard", "x"), "I/N"),
        (("--shard", "1/²"), "I/N"),
        (("--resize", "1000000,5"), "16,384 at most"),
        (("--resize", "90"), "rows and columns"),
        (("--resize", "a,b"), "numbers with commas"),
        (("--scales", "1,1"), "each factor once"),
        (("--scales", "0"), "above 0"),
        (("--tile", "64", "--overlap", "64"), "larger by 32"),
        (("--device", "tpu9"), "--device tpu9"),
        (("--device", "meta"), "--device meta"),
        (("--split", "tst"), "tst"),
        (("--precision", "float8"), "float8"),
    ],
)
def test_what_is_asked_wrongly(
    more: tuple[str, ...], words: str, run: CommandLine, small: Path, pt: Path, tmp_path: Path
) -> None:
    done = run(*over(small, tmp_path / "out", net(pt)), *more)
    assert done.code == 2 and words in done.err
    assert not (tmp_path / "out").exists()


def test_real_camvid(run: CommandLine, real_data: Path, tmp_path: Path) -> None:
    """A net of chance weights, which sees a quarter of each side."""
    torch.manual_seed(0)
    torch.save(build(classes=11).state_dict(), tmp_path / "tiny.pt")
    of = ["--dataset", "camvid", "--data-root", real_data / "camvid", "--split", "val"]
    model = f"tests.training.tiny:CARD(classes=11)@{tmp_path / 'tiny.pt'}"
    args = ["run", "--model", model, *of, "--resize", "90,120", "--batch", "8", "-o", tmp_path / "out"]
    done = run(*args, "--threads", "1", "--format", "json")
    assert done.code == 0, done.err
    (row,) = done.record
    assert (row["status"], row["images_predicted"], row["run"]["views"]) == ("scored", 101, "resize(90,120)")
    assert_scored_by_hand(run, tmp_path / "out/camvid-val/tiny", row["scores"], of)
    assert 0 < row["scores"]["mean_iou"] < 0.5
