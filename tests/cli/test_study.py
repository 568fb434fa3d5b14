"""``segbench study losses``: the same training with one loss after the other."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import segbench
from segbench.cli.main import _run
from tests.conftest import CommandLine
from tests.training.tiny import recipe

PAIR = ("--loss", "cross_entropy", "--loss", "dice")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recipe(tmp_path_factory.mktemp("plan"))


@pytest.fixture(scope="module")
def studied(plan: Path, shapes_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a study of two losses that has ended."""
    folder = tmp_path_factory.mktemp("study")
    assert _run([*words(plan, folder, shapes_root), *PAIR]) == 0
    return folder


def words(plan: Path, folder: Path, root: Path) -> tuple[str, ...]:
    return "study", "losses", str(plan), "-o", str(folder), "--data-root", str(root), "--resamples", "50"


def test_rows_are_what_scoring_and_comparing_say(
    run: CommandLine, plan: Path, studied: Path, shapes_root: Path
) -> None:
    record = run(*words(plan, studied, shapes_root), *PAIR, "--format", "json").record
    first, second = record["losses"]
    results = [studied / f"shapes-test/{name}/result.json" for name in ("cross-entropy", "dice")]
    predictions = [path.with_name("predictions") for path in results]
    values = [
        segbench.score(folder, dataset="shapes", data_root=shapes_root).scores["mean_iou"].value
        for folder in predictions
    ]
    assert [first["value"], second["value"]] == values
    compared = segbench.compare(*results, resamples=50)
    duel = compared.duels[0].scores["mean_iou"]
    assert second["difference"] == -duel.value == pytest.approx(values[1] - values[0])
    assert duel.interval is not None
    assert second["difference_interval"] == [-duel.interval[1], -duel.interval[0]]
    assert second["p"] == duel.p
    assert first["difference"] is None
    assert first["interval"] == list(compared.contenders[0].spreads["mean_iou"].value or ())
    assert record["recipe"]["name"] == "tiny"
    assert record["n_images"] == 60


def test_formats_agree(run: CommandLine, plan: Path, studied: Path, shapes_root: Path) -> None:
    asked = (*words(plan, studied, shapes_root), *PAIR, "--format")
    record = run(*asked, "json").record
    rows = list(csv.DictReader(io.StringIO(run(*asked, "csv").out)))
    assert [float(row["value"]) for row in rows] == [row["value"] for row in record["losses"]]
    assert [row["loss"] for row in rows] == ["cross_entropy", "dice"]
    shown = f"{100 * record['losses'][1]['value']:.2f}"
    for format_ in ("table", "md"):
        out = run(*asked, format_).out
        assert shown in out
        assert "60 images; 50 resamples" in " ".join(out.split())


def test_what_is_done_is_not_done_again(run: CommandLine, plan: Path, studied: Path, shapes_root: Path) -> None:
    assert len(list(studied.rglob("*.safetensors"))) == 2
    predictions = sorted(studied.rglob("predictions/*.png"))
    before = [path.stat().st_mtime_ns for path in predictions]
    assert run(*words(plan, studied, shapes_root), *PAIR).code == 0
    assert [path.stat().st_mtime_ns for path in predictions] == before
    assert len(before) == 120


def test_a_loss_that_fails_is_a_row(run: CommandLine, plan: Path, tmp_path: Path, shapes_root: Path) -> None:
    # Beyond what float32 holds.
    losses = ("--loss", "cross_entropy", "--loss", "9e99*cross_entropy", "--loss", "dice")
    outcome = run(*words(plan, tmp_path, shapes_root), *losses, "--format", "json")
    assert outcome.code == 0, outcome.err
    assert [row["status"] for row in outcome.record["losses"]] == ["scored", "failed", "scored"]
    assert "a finite one" in outcome.record["losses"][1]["error"]


@pytest.mark.parametrize(
    ("losses", "words_of_error"),
    [
        (("--loss", "cross_entropy", "--loss", "lovas"), "did you mean 'lovasz'?"),
        (("--loss", "dice"), "at least two, each once"),
        (("--loss", "dice", "--loss", "dice(smooth=0)"), "at least two, each once"),
    ],
)
def test_what_makes_no_study_is_refused(
    run: CommandLine, plan: Path, tmp_path: Path, shapes_root: Path, losses: tuple[str, ...], words_of_error: str
) -> None:
    outcome = run(*words(plan, tmp_path, shapes_root), *losses)
    assert outcome.code == 2
    assert words_of_error in outcome.err
    assert not list(tmp_path.iterdir())


def test_long_sums_that_differ_at_their_end_are_two_trainings(
    run: CommandLine, plan: Path, tmp_path: Path, shapes_root: Path
) -> None:
    long = "+".join(f"0.{i}*cross_entropy" for i in range(1, 6))
    losses = ("--loss", f"{long}+0.1*dice", "--loss", f"{long}+0.2*dice")
    outcome = run(*words(plan, tmp_path / "study", shapes_root), *losses, "--format", "json")
    assert outcome.code == 0, outcome.err
    assert [row["status"] for row in outcome.record["losses"]] == ["scored", "scored"]
    assert len(list((tmp_path / "study/trainings").iterdir())) == 2


def test_all_losses_fail(run: CommandLine, plan: Path, tmp_path: Path, shapes_root: Path) -> None:
    losses = ("--loss", "9e99*cross_entropy", "--loss", "8e99*cross_entropy")
    outcome = run(*words(plan, tmp_path / "study", shapes_root), *losses)
    assert outcome.code == 4 and "a finite one" in outcome.err and outcome.out == ""
