"""``segbench models``: what it lists, counts and shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import TypeAlias

import pytest

from segbench.cli.models import models
from segbench.errors import UnknownName
from segbench.models.table import MODELS
from tests.models.test_table import SIZES

Printed: TypeAlias = Callable[..., str]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """Runs the command and returns what it prints."""

    def run(*args: str) -> str:
        code = models.main(args=[*args], prog_name="segbench models", standalone_mode=False)
        assert code in (0, None)
        return capsys.readouterr().out

    return run


def test_measured_models_are_counted(printed: Printed) -> None:
    records = json.loads(printed("list", "--measured", "--format", "json"))
    assert [record["name"] for record in records] == list(MODELS)
    assert {frozenset(record) for record in records} == {
        frozenset({"name", "configuration", "parameters", "trainable"})
    }
    assert {r["name"]: (r["parameters"], r["trainable"]) for r in records} == SIZES
    assert all(record["configuration"] for record in records)


def test_lists_name_every_model(printed: Printed) -> None:
    records = json.loads(printed("list", "--format", "json"))
    assert records == [{"name": name, "title": title} for name, (_, title) in MODELS.items()]
    head, *rows = printed("list").splitlines()
    assert head.split() == ["name", "title"] and [row.split()[0] for row in rows] == list(MODELS)
    measured = printed("list", "--measured").splitlines()
    assert measured[1 + list(MODELS).index("segnet_basic")].split() == ["segnet_basic", "1416587", "1416587"]


@pytest.mark.parametrize("name", MODELS)
def test_a_page_shows_what_is_known(name: str, printed: Printed) -> None:
    page = printed("show", name)
    assert page.startswith(f"{MODELS[name][1]} ({name})\n")
    assert f"{SIZES[name][0]:,}, of which {SIZES[name][1]:,} are trained" in page
    assert max(map(len, page.splitlines())) <= 80
    for section in ("source", "reference configuration", "model", "options", "notes"):
        assert f"\n{section}\n" in page


def test_unknown_models_are_refused(printed: Printed) -> None:
    with pytest.raises(UnknownName, match="did you mean 'segnet'"):
        printed("show", "segnett")


def test_the_losses_are_there(printed: Printed) -> None:
    assert "cross_entropy" in printed("losses")
    assert "losses" in printed()


@pytest.mark.parametrize("args", [["--help"], ["list"], ["list", "--format", "json"]])
def test_lists_load_nothing_heavy(args: list[str]) -> None:
    code = f"""
import sys
sys.modules["torch"] = None
from segbench.cli.models import models
models.main(args={args!r}, standalone_mode=False)
assert not {{"numpy", "torchvision", "PIL"}} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
