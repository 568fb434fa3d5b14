"""Settings files: where they are found, what they set, and what is said of a slip."""

from __future__ import annotations

from pathlib import Path

import pytest

from segbench.datasets.configuration import Configuration, data_places, read_configuration
from segbench.errors import BadParameter
from tests.conftest import CommandLine

SETTINGS = 'data = "sets"\n[data_roots]\nvoc = "elsewhere/VOC2012"\n[options]\nworkers = 2\n'


def test_the_nearest_file_upwards_holds(tmp_path: Path) -> None:
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    assert read_configuration(below) == Configuration() or read_configuration(below).file
    (tmp_path / "segbench.toml").write_text(SETTINGS)
    assert read_configuration(below).options == {"workers": 2}
    (tmp_path / "a/pyproject.toml").write_text("[tool.segbench.options]\nworkers = 3\n")
    assert read_configuration(below).options == {"workers": 3}
    (below / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert read_configuration(below).options == {"workers": 3}


def test_data_sets_are_sought_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "segbench.toml").write_text(SETTINGS)
    monkeypatch.delenv("SEGBENCH_DATA", raising=False)
    base = tmp_path.resolve()
    expected = [base / "elsewhere/VOC2012", base / "sets/voc2012", base / "sets/voc"]
    assert data_places(("voc2012", "voc")) == expected
    monkeypatch.setenv("SEGBENCH_DATA", "/data")
    assert data_places(("voc2012", "voc")) == [Path("/data/voc2012"), Path("/data/voc"), *expected]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("data = 3", "table (top), key data"),
        ("dta = 'x'", "key dta: no such key"),
        ("[data_roots]\nvoc = 1", "table data_roots, key (any)"),
        ("[[", "no TOML"),
    ],
)
def test_a_slip_is_named(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "segbench.toml").write_text(text)
    with pytest.raises(BadParameter) as caught:
        read_configuration(tmp_path)
    assert where in str(caught.value)
    assert str(caught.value.file).endswith("segbench.toml")


def test_options_of_the_file_are_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: CommandLine, shapes_root: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = tmp_path / "segbench.toml"
    settings.write_text(f'[options]\nformat = "value"\nmissing = "miss"\n[data_roots]\nshapes = "{shapes_root}"\n')
    (tmp_path / "empty").mkdir()
    done = run("score", "empty", "--dataset", "shapes")
    assert (done.code, done.out) == (0, "0.0\n")
    assert run("score", "empty", "--dataset", "shapes", "--missing", "error").code == 3
    settings.write_text("[options]\nformt = 1\n")
    done = run("score", "empty", "--dataset", "shapes")
    assert done.code == 2
    assert "did you mean 'format'?" in done.err
