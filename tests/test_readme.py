"""What the README shows works: its Python runs, its data sets, options and commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from segbench.cli.demonstration import predict
from segbench.cli.main import COMMANDS, _command
from segbench.models.classical import smooth_edges
from segbench.models.table import MODELS
from segbench.protocols.load import protocol_names
from segbench.version import __version__
from tests.conftest import CommandLine
from tests.datasets.pngs import png

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_training_loop_runs(capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    network = torch.nn.Conv2d(3, 21, 3, padding=1)
    batches = [(torch.rand(2, 3, 12, 16), torch.randint(0, 21, (2, 12, 16))) for _ in range(3)]
    for _, truths in batches:
        truths[:, :2] = 255
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {"batches": batches, "network": network})
    first, second = capsys.readouterr().out.splitlines()
    assert float(first) == 0.25
    assert 0 < float(second.split()[0]) < 0.2


def test_data_sets_are_those_that_load() -> None:
    listed = re.findall(
        r"^\| `([a-z0-9-]+)`", README.partition("## Data sets")[2].partition("## Metrics")[0], re.MULTILINE
    )
    assert sorted(listed) == sorted(set(protocol_names().values()))


def put(folder: Path, key: str, labels: list[list[int]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key}.png").write_bytes(png(np.array(labels)))


def shown(command: str) -> tuple[list[str], str]:
    """Return the arguments of a command that the README shows, and what it shows of its output."""
    pattern = rf"^\$ segbench ({re.escape(command)}.*)\n((?:(?!\$ ).*\n)*?)(?=\$ |```)"
    (found,) = re.findall(pattern, README, re.MULTILINE)
    return shlex.split(found[0]), found[1]


def test_a_data_set_of_ones_own(run: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("streets.toml").write_text(blocks("toml")[0], "utf-8")
    put(Path("streets/labels/val"), "a", [[0, 0, 13, 255]])
    put(Path("streets/labels/val"), "b", [[13, 18]])
    put(Path("preds"), "a", [[0, 13, 13, 4]])
    put(Path("preds"), "b", [[13, 255]])
    arguments, _ = shown("datasets show streets.toml")
    assert "labels/" in run(*arguments).out
    arguments, _ = shown("score preds/ --dataset streets.toml")
    outcome = run(*arguments, "--format", "json")
    assert outcome.code == 0, outcome.err
    # Road 1 of 2, car 2 of 3, bicycle 0 of 1; of five pixels with a class three are right.
    assert outcome.scores["mean_iou"]["value"] == pytest.approx((1 / 2 + 2 / 3 + 0) / 3, rel=1e-15)
    assert outcome.scores["pixel_accuracy"]["value"] == 3 / 5


def test_ids_with_gaps(run: CommandLine, tmp_path: Path) -> None:
    """The second example stands for classes and void of the first."""
    first, second = (block for block in blocks("toml") if "classes" in block)
    rest = re.sub(
        r"^classes = \[\n.*?^\]\n", lambda _: second, first.partition("[[void]]")[0], flags=re.DOTALL | re.MULTILINE
    )
    (tmp_path / "own.toml").write_text(rest, "utf-8")
    put(tmp_path / "labels/val", "a", [[13, 15, 55, 64, 65, 255]])
    put(tmp_path / "preds", "a", [[13, 13, 55, 13, 13, 13]])
    scores = run(
        "score", tmp_path / "preds", "--dataset", tmp_path / "own.toml", "--data-root", tmp_path, "--format", "json"
    ).scores
    # Road 1 of 2, sidewalk 0 of 1, car 1 of 1; what nobody scores, and both kinds of void, are out.
    assert scores["mean_iou"]["value"] == pytest.approx((1 / 2 + 0 + 1) / 3, rel=1e-15)
    assert scores["pixel_accuracy"]["value"] == 2 / 3


def test_the_table_of_drive_is_real(run: CommandLine, real_data: Path) -> None:
    arguments, expected = shown("score laddernet/ --dataset drive")
    where = {"laddernet/": real_data / "drive-laddernet-preds/test", "DRIVE": real_data / "drive"}
    outcome = run(*(where.get(argument, argument) for argument in arguments))
    assert outcome.out.replace(f"segbench:{__version__}", "segbench:0.1.0") == expected


def test_the_verdict_on_two_networks_is_real(run: CommandLine, real_data: Path, tmp_path: Path) -> None:
    arguments, expected = shown("compare laddernet/ retina-unet/")
    for name in ("laddernet", "retina-unet"):
        (tmp_path / name).symlink_to(real_data / f"drive-{name}-preds/test")
    where = {
        "laddernet/": tmp_path / "laddernet",
        "retina-unet/": tmp_path / "retina-unet",
        "DRIVE": real_data / "drive",
    }
    outcome = run(*(where.get(argument, argument) for argument in arguments))
    assert outcome.out.startswith(expected)


def test_the_table_of_boundaries_is_real(run: CommandLine, shapes_root: Path, tmp_path: Path) -> None:
    arguments, expected = shown("score segbench-demo/smoothed-colour")
    predict(tmp_path / "smoothed", smooth_edges)
    where = {"segbench-demo/smoothed-colour": tmp_path / "smoothed", "segbench-demo/shapes": shapes_root}
    outcome = run(*(where.get(argument, argument) for argument in arguments))
    assert outcome.out.replace(f"segbench:{__version__}", "segbench:0.1.0") == expected


def test_every_command_and_option_shown_exists() -> None:
    shown = re.findall(r"segbench ([a-z]+)", "\n".join(blocks("console") + re.findall(r"`([^`\n]+)`", README)))
    assert shown
    assert set(shown) <= {*COMMANDS, "in"}, set(shown) - COMMANDS.keys()
    commands = [_command(name) for name in COMMANDS]
    commands += [inner for command in commands for inner in getattr(command, "commands", {}).values()]
    known = {option for command in commands for parameter in command.params for option in parameter.opts}
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert options <= known | {"--help", "--forget"}, options - known


def test_the_recipe_is_one(tmp_path: Path) -> None:
    recipes = pytest.importorskip("segbench.training.recipes")
    (text,) = (block for block in blocks("toml") if "[[stage]]" in block)
    (tmp_path / "unet.toml").write_text(text, "utf-8")
    recipe = recipes.read_recipe(tmp_path / "unet.toml")
    assert recipe.model in MODELS and recipe.stage[0].data == "shapes" and recipe.steps == 350
