"""`segbench models losses`: the list says what the classes say, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin

import pytest
from click.testing import CliRunner

from segbench.cli.losses import losses
from segbench.training.formulas import FORMULAS, WEIGHTS


def printed(*args: str) -> str:
    outcome = CliRunner().invoke(losses, args, standalone_mode=False)
    assert outcome.exception is None and outcome.return_value == 0
    return outcome.output


def test_the_table_names_every_loss_with_its_formula() -> None:
    text = printed()
    assert all(len(line) <= 80 and line == line.rstrip() for line in text.splitlines())
    flat = " ".join(text.split())
    for name, known in FORMULAS.items():
        assert f"\n{name}\n" in text and known.text in flat and known.source in flat
        assert all(" ".join(f"{field} {choices}".split()) in flat for field, choices in known.parameters.items())
    assert all(f"{rule} {formula}" in flat for rule, formula in WEIGHTS.items())


def test_json() -> None:
    records = json.loads(printed("--format", "json"))
    assert [record["name"] for record in records] == list(FORMULAS)
    assert records[list(FORMULAS).index("tversky")] == {
        "name": "tversky",
        "formula": FORMULAS["tversky"].text,
        "parameters": {"absent": "skip | one | count", "smooth": "0", "alpha": "0.3", "beta": "0.7"},
        "source": "Salehi et al. 2017",
    }


def test_neither_torch_nor_numpy_is_read() -> None:
    code = "import sys, segbench.cli.losses; print(sorted({'torch', 'numpy', 'PIL'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_list_is_that_of_the_classes() -> None:
    pytest.importorskip("torch")
    from segbench.training.lossbase import field_kinds, written
    from segbench.training.losses import LOSSES

    assert list(FORMULAS) == list(LOSSES)
    for name, cls in LOSSES.items():
        assert cls.name == name and cls.formula == FORMULAS[name].text and "\n" not in cls.formula
        kinds, defaults = field_kinds(cls), {f.name: f.default for f in fields(cls)}  # type: ignore[arg-type]
        assert FORMULAS[name].parameters == {f: shown(kinds[f], written(defaults[f])) for f in kinds}
        assert cls() == cls(**defaults)


def shown(kind: Any, default: str) -> str:
    """Return the choices of a field, the default first, or the default alone."""
    if get_origin(kind) is not Literal:
        return default
    assert get_args(kind)[0] == default
    return " | ".join(get_args(kind))
