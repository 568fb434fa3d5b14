"""The entries of this repository: every one derives again, and real data come to the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import segbench
from segbench.cli.demonstration import BASELINES, predict
from segbench.leaderboard.store import Stored, check, read_store
from segbench.scoring.statefile import read_header
from tests.conftest import CHECKOUT

RESULTS = CHECKOUT / "leaderboards/results"

#: Entries whose predictions are real data: what is scored, of which data set.
REAL = {
    "drive@1/laddernet": ("drive-laddernet-preds/test", "drive"),
    "drive@1/retina-unet": ("drive-retina-unet-preds/test", "drive"),
    "drive@1/second-observer": ("drive/test/manual2", "drive"),
    "camvid@1/espnet": ("camvid-espnet-val-preds/val", "camvid"),
}


@pytest.fixture(scope="module")
def entries() -> dict[str, Stored]:
    return {stored.file.removesuffix(".json"): stored for stored in read_store(RESULTS)}


def same(predictions: Path, stored: Stored, dataset: str, root: Path, tmp_path: Path) -> None:
    """Assert that predictions come to the very numbers and counts of an entry."""
    state = tmp_path / "again.state.jsonl"
    # Whatever was asked for beside the protocol's own metrics, in that order.
    more = read_header(stored.state).metrics[len(segbench.load_protocol(dataset).metrics) :]
    again = segbench.score(predictions, dataset=dataset, data_root=root, state=state, metrics=more).as_record()
    assert state.read_bytes() == stored.state.read_bytes()
    for key in ("protocol", "split", "n_images", "scores"):
        assert again[key] == stored.result[key] or _but_for_version(again[key], stored.result[key])
    for digest in ("predictions", "truth"):
        assert again["provenance"][digest] == stored.result["provenance"][digest]


def _but_for_version(again: Any, kept: Any) -> bool:
    def plain(scores: Any) -> Any:
        return {k: {**s, "signature": s["signature"].rpartition("|segbench:")[0]} for k, s in scores.items()}

    return isinstance(again, dict) and plain(again) == plain(kept)


def test_every_entry_derives_again() -> None:
    assert check(RESULTS) == []


def test_what_was_asked_for_is_there(entries: dict[str, Stored]) -> None:
    assert entries.keys() >= {*REAL, *(f"shapes@1/{name}" for name, *_ in BASELINES)}


def test_every_entry_says_where_it_comes_from(entries: dict[str, Stored]) -> None:
    for stored in entries.values():
        assert stored.entry.origin
        assert stored.entry.licence
        assert stored.entry.date


def test_states_hold_counts_and_no_pictures(entries: dict[str, Stored]) -> None:
    for stored in entries.values():
        assert stored.state.stat().st_size < 8000 * stored.result["n_images"], "an image takes some kilobytes at most"


@pytest.mark.parametrize(("name", "prepare"), [pytest.param(name, prepare, id=name) for name, _, prepare in BASELINES])
def test_classical_baselines(
    name: str, prepare: Any, entries: dict[str, Stored], shapes_root: Path, tmp_path: Path
) -> None:
    predict(tmp_path / name, prepare)
    same(tmp_path / name, entries[f"shapes@1/{name}"], "shapes", shapes_root, tmp_path)


@pytest.mark.parametrize("name", REAL)
def test_real_predictions(name: str, entries: dict[str, Stored], real_data: Path, tmp_path: Path) -> None:
    predictions, dataset = REAL[name]
    same(real_data / predictions, entries[name], dataset, real_data / dataset, tmp_path)
