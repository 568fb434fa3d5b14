"""What is told of a run on boards: a file that reads back as it was meant, and entries in a store."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segbench.leaderboard.entry import Entry
from segbench.leaderboard.entryfile import read_entry, read_run, render
from tests.conftest import CommandLine
from tests.harness.nets import net, weights
from tests.harness.smalldata import over

HOSTILE = [
    "plain",
    'quotes " and \' and """',
    "back\\slash \\u0041 \\",
    "line\nfeed\r\n and\ttab",
    "delete \x7f and bell \x07 and next line \x85",
    "emoji 🦊 and é, ü, 猫, \u202e",
    "[table]\nid = 'other'",
    "# no comment",
]


def read_back(entry: Entry, folder: Path) -> Entry:
    path = folder / "ENTRY.toml"
    path.write_bytes(render(entry).encode())
    return read_entry(path)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_read_back(text: str, tmp_path: Path) -> None:
    entry = Entry("an-id", text, authors=(text, "B"), origin=text, device=text, licence=text, backbone=text)
    assert read_back(entry, tmp_path) == entry


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.none() | st.floats(0, 1e300)


@given(name=TEXTS, authors=st.lists(TEXTS, max_size=3), origin=TEXTS, flops=NUMBERS, seconds=NUMBERS,
       parameters=st.none() | st.integers(0, 2**62))  # fmt: skip
def test_any_entry_reads_back(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    authors: list[str],
    origin: str,
    flops: float | None,
    seconds: float | None,
    parameters: int | None,
) -> None:
    entry = Entry("a", f"n{name}", tuple(authors), origin=origin, parameters=parameters, flops=flops,
                  seconds_per_image=seconds, date="2018-10")  # fmt: skip
    assert read_back(entry, tmp_path_factory.getbasetemp()) == entry


def test_the_entry_of_a_run(run: CommandLine, small: Path, tmp_path: Path) -> None:
    path = weights(tmp_path / 'w "quoted" é.pt')
    assert run(*over(small, tmp_path / "out", net(path)), "--batch", "2").code == 0
    folder = tmp_path / "out/small-val/plain"
    entry, record = read_entry(folder / "ENTRY.toml"), read_run(folder / "run.json")
    cost = record.cost
    assert (entry.id, entry.name, entry.date) == ("plain", "plain", record.finished[:10])
    assert (entry.parameters, entry.flops, entry.seconds_per_image) == (
        cost.parameters,
        cost.flops,
        cost.seconds_median,
    )
    assert entry.device == f"{record.device}, float32, batches of 2" and entry.post_processing == ""
    assert record.models[0].weights in entry.origin and entry.run is None


@pytest.fixture
def shaped(run: CommandLine, shapes_root: Path, tmp_path: Path) -> list[object]:
    """A run over a data set that boards know."""
    path = weights(tmp_path / "w.pt", classes=7)
    of = ["--dataset", "shapes", "--data-root", shapes_root, "--split", "val", "--threads", "1"]
    return ["run", "--model", net(path, classes=7), *of, "-o", tmp_path / "out"]


def test_an_entry_is_added_by_hand(run: CommandLine, shaped: list[object], tmp_path: Path) -> None:
    assert run(*shaped).code == 0
    folder, store = tmp_path / "out/shapes-val/plain", tmp_path / "store"
    store.mkdir()
    add = ["board", "add", folder / "result.json", folder / "ENTRY.toml", "--store", store]
    done = run(*add, "--run", folder / "run.json")
    assert done.code == 0, done.err
    stored = json.loads((store / "shapes@1/plain.json").read_text())["entry"]
    assert stored["run"] == json.loads((folder / "run.json").read_text())
    assert run("board", "check", store).code == 0


@pytest.mark.parametrize("content", ["", "[]", "{", "{}", '{"models": 3}'])
def test_what_is_no_record(content: str, run: CommandLine, shaped: list[object], tmp_path: Path) -> None:
    store, path = tmp_path / "store", tmp_path / "run.json"
    store.mkdir()
    path.write_text(content)
    (tmp_path / "ENTRY.toml").write_text('id = "a"\nname = "A"\n')
    done = run("board", "add", tmp_path / "x.json", tmp_path / "ENTRY.toml", "--store", store, "--run", path)
    assert done.code == 2 and "run.json" in done.err
    assert not list(store.rglob("*"))


def test_a_run_adds_its_entry(run: CommandLine, shaped: list[object], tmp_path: Path) -> None:
    store = tmp_path / "store"
    done = run(*shaped, "--model", "majority", "--store", store, "--format", "json")
    assert done.code == 0, done.err
    folder = tmp_path / "out/shapes-val"
    for name in ("plain", "majority"):
        stored = json.loads((store / f"shapes@1/{name}.json").read_text())
        record = read_run(folder / name / "run.json")
        told = replace(read_entry(folder / name / "ENTRY.toml"), run=record)
        assert stored["entry"] == json.loads(json.dumps(told.as_record()))
        assert stored["scores"] == json.loads((folder / name / "result.json").read_text())["scores"]
    assert run("board", "check", store).code == 0


def test_what_was_run_is_added_later(run: CommandLine, shaped: list[object], tmp_path: Path) -> None:
    assert run(*shaped).code == 0
    store = tmp_path / "store"
    done = run(*shaped, "--store", store, "--format", "json")
    assert (done.code, done.record[0]["images_predicted"]) == (0, 0), done.err
    assert (store / "shapes@1/plain.json").is_file() and run("board", "check", store).code == 0


def test_an_entry_that_is_there_is_never_changed(run: CommandLine, shaped: list[object], tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert run(*shaped, "--store", store).code == 0
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    again = run(*shaped, "--store", store)
    assert again.code == 0, again.err
    other = net(weights(tmp_path / "other.pt", classes=7, seed=1), classes=7)
    done = run(*[other if word == shaped[2] else word for word in shaped[:-1]], tmp_path / "other", "--store", store)
    assert done.code == 2 and "the id 'plain' is taken" in done.err
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before
