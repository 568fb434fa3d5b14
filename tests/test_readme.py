"""What the README shows works: its Python runs, its data sets, options and commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segbench.cli.main import COMMANDS, _command
from segbench.protocols.load import protocol_names

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
        r"^\| `([a-z0-9]+)`", README.partition("## Data sets")[2].partition("## Metrics")[0], re.MULTILINE
    )
    assert sorted(listed) == sorted(set(protocol_names().values()))


def test_every_command_and_option_shown_exists() -> None:
    shown = re.findall(r"segbench ([a-z]+)", "\n".join(blocks("console") + re.findall(r"`([^`\n]+)`", README)))
    assert shown
    assert set(shown) <= {*COMMANDS, "in"}, set(shown) - COMMANDS.keys()
    known = {option for name in COMMANDS for parameter in _command(name).params for option in parameter.opts}
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert options <= known | {"--help", "--forget"}, options - known
