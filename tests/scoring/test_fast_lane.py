"""The fast lane and the careful way: the same bytes in every file, and the same faults in the same words."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segbench.errors import SegbenchError
from segbench.kernels import pairs
from segbench.scoring import counting, plain
from segbench.scoring.plain import PlainPair, plain_pairs
from segbench.scoring.score import score
from tests.datasets.pngs import png
from tests.scoring.lanes import (
    KEYS,
    SITES,
    Site,
    every_fault_at_once,
    labels_of,
    metrics_of_every_pool,
    other_palette,
    put,
    rgb_among_palettes,
    sound,
)
from tests.scoring.trees import some_truth, write


class Lane:
    """The fast lane, watched."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.taken = 0

    def __call__(self, *arguments: Any) -> list[PlainPair | None]:
        found = plain_pairs(*arguments)
        self.taken += sum(pair is not None for pair in found)
        return found

    def run(self, site: Site, folder: Path, **options: Any) -> tuple[object, list[bytes | None]]:
        """Score, and return the result or the faults, and what was written."""
        folder.mkdir()
        files = [folder / "state.jsonl", folder / "images.csv"]
        options = {"workers": 1, "state": files[0], "per_image": files[1], **site.options, **options}
        self.taken = 0
        outcome: object
        try:
            outcome = json.dumps(score(site.predictions, **options).as_record(), sort_keys=True)
        except SegbenchError as error:
            outcome = [(type(fault), str(fault), fault.as_record()) for fault in error.faults]
        return outcome, [file.read_bytes() if file.exists() else None for file in files]

    def run_without(self, site: Site, folder: Path, **options: Any) -> tuple[object, list[bytes | None]]:
        """The same with the fast lane closed."""
        with self.patch.context() as patch:
            patch.setattr(counting, "plain_pairs", lambda *arguments: [None] * len(arguments[-1]))
            return self.run(site, folder, **options)


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch) -> Lane:
    lane = Lane(monkeypatch)
    monkeypatch.setattr(counting, "plain_pairs", lane)
    return lane


@pytest.mark.parametrize("build", SITES, ids=lambda build: build.__name__)
def test_same_bytes_and_faults(build: Callable[[Path], Site], lane: Lane, tmp_path: Path) -> None:
    site = build(tmp_path)
    found = lane.run(site, tmp_path / "fast")
    assert lane.taken == site.taken
    assert found == lane.run_without(site, tmp_path / "careful")
    lane.patch.setattr(pairs, "ADDRESSES", None)
    assert found == lane.run(site, tmp_path / "no-library")
    assert lane.taken == 0
    hold_answer(site, found)


def hold_answer(site: Site, found: tuple[object, Sequence[bytes | None]]) -> None:
    """Assert that a site is refused for its faults, or scored and everything written."""
    outcome, files = found
    if site.refused:
        assert isinstance(outcome, list)
        assert [record["code"] for *_, record in outcome] == site.refused.split()
        assert files == [None, None]
    else:
        assert isinstance(outcome, str)
        assert all(files)


@pytest.mark.parametrize("build", SITES, ids=lambda build: build.__name__)
def test_nothing_written_changes_nothing(build: Callable[[Path], Site], lane: Lane, tmp_path: Path) -> None:
    # Without files no records are made, and digests and warnings come from the tables alone.
    site = build(tmp_path)
    nothing = {"state": None, "per_image": None}
    assert lane.run(site, tmp_path / "fast", **nothing) == lane.run_without(site, tmp_path / "careful", **nothing)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("executor", ["threads", "processes"])
@pytest.mark.parametrize("build", [metrics_of_every_pool, every_fault_at_once], ids=lambda build: build.__name__)
def test_any_workers(build: Callable[[Path], Site], executor: str, workers: int, lane: Lane, tmp_path: Path) -> None:
    site = build(tmp_path)
    found = lane.run(site, tmp_path / "fast", executor=executor, workers=workers)
    # Nothing is watched in processes; that they have the library is asserted in tests/kernels/test_pairs.py.
    assert lane.taken == site.taken or (executor, workers) == ("processes", 3)
    assert found == lane.run_without(site, tmp_path / "careful")


@pytest.mark.parametrize("most", [1, 64, 65, 5 * 81])
def test_few_tables_at_once(most: int, lane: Lane, tmp_path: Path) -> None:
    # A table of `shapes` has 9 × 9 cells: one at a time below 2 · 81.
    site = rgb_among_palettes(tmp_path)
    lane.patch.setattr(plain, "_MOST_CELLS", most)
    found = lane.run(site, tmp_path / "fast")
    assert lane.taken == site.taken
    assert found == lane.run_without(site, tmp_path / "careful")


@pytest.mark.parametrize("less", [0, 1])
def test_files_longer_than_the_lane_reads(less: int, lane: Lane, tmp_path: Path) -> None:
    # One file alone is as long as the limit, or a byte longer; what is cut off is not the image, but bytes behind it.
    site = put(sound(tmp_path), {KEYS[6]: png(labels_of(KEYS[6])) + bytes(5000)})
    limit = (site.predictions / f"{KEYS[6]}.png").stat().st_size - less
    lane.patch.setattr(plain, "_MOST_BYTES", limit)
    found = lane.run(site, tmp_path / "fast")
    assert lane.taken == site.taken - less
    assert found == lane.run_without(site, tmp_path / "careful")


def test_images_cut_by_the_limit(lane: Lane, tmp_path: Path) -> None:
    site = sound(tmp_path)
    lane.patch.setattr(plain, "_MOST_BYTES", 100)
    found = lane.run(site, tmp_path / "fast")
    assert lane.taken == 0
    assert found == lane.run_without(site, tmp_path / "careful")


def test_a_large_image(lane: Lane, tmp_path: Path) -> None:
    # Noise of 1.5 million pixels takes more bytes than the lane reads, and goes the careful way.
    rng = np.random.default_rng(0)
    truth = {"large": rng.integers(0, 7, (1000, 3000), np.uint8), **some_truth(("small",))}
    write(tmp_path / "truth", truth)
    write(tmp_path / "predictions", truth)
    site = Site(tmp_path / "predictions", 1, {"dataset": "shapes", "truth": tmp_path / "truth"})
    assert (site.predictions / "large.png").stat().st_size > plain._MOST_BYTES
    found = lane.run(site, tmp_path / "fast")
    assert lane.taken == site.taken
    assert found == lane.run_without(site, tmp_path / "careful")


def test_the_palettes_are_warned_of(tmp_path: Path) -> None:
    # Five of the nine palettes are rolled.
    site = other_palette(tmp_path)
    (warning,) = [text for text in score(site.predictions, **site.options).warnings if "palette" in text]
    assert warning.startswith("5 predictions have a palette")


def test_lines_of_images_as_json(lane: Lane, tmp_path: Path) -> None:
    site = metrics_of_every_pool(tmp_path)
    lines = [tmp_path / "fast.jsonl", tmp_path / "careful.jsonl"]
    lane.run(replace(site, options={**site.options, "per_image": lines[0]}), tmp_path / "fast")
    lane.run_without(replace(site, options={**site.options, "per_image": lines[1]}), tmp_path / "careful")
    assert lines[0].read_bytes() == lines[1].read_bytes()
    assert len(lines[0].read_bytes().splitlines()) == len(KEYS)
