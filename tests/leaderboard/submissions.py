"""Results to add: small maps in the layout of `shapes`, whose test split has 60 images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import segbench
from segbench.leaderboard.entry import Entry
from segbench.scoring.statefile import describe
from tests.datasets.pngs import png
from tests.scoring.trees import KEYS, Maps, some_prediction, some_truth

#: What people put into fields that are shown to others.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=HYPERLINK('https://example.org')",
    "+cmd|' /C calc'!A0",
    "| a | b |\n|---|",
    "NUL \x00 and \x1b[2J",
    "right \u202e to left \u2066",
    "../../etc/passwd",
    "x" * 2000,
)


def data_set(root: Path, truth: Maps, *, listed: int = len(KEYS), split: str = "test") -> Path:
    """Write maps in the layout of `shapes`, of which the first so many are listed."""
    folder = root / "SegmentationClass"
    folder.mkdir(parents=True, exist_ok=True)
    for key, labels in truth.items():
        (folder / f"{key}.png").write_bytes(png(labels))
    names = root / f"ImageSets/Segmentation/{split}.txt"
    names.parent.mkdir(parents=True, exist_ok=True)
    names.write_text("".join(f"{key}\n" for key in list(truth)[:listed]))
    return root


def predicted(folder: Path, maps: Maps) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for key, labels in maps.items():
        (folder / f"{key}.png").write_bytes(png(labels))
    return folder


def scored(folder: Path, *, maps: Maps | None = None, name: str = "result", **options: Any) -> Path:
    """Score maps, else some that are right in most pixels, and write the result with its state."""
    truth = some_truth()
    predictions = predicted(folder / f"{name}-predictions", some_prediction(truth) if maps is None else maps)
    if "truth" not in options and "data_root" not in options:
        options["data_root"] = data_set(folder / "data", truth)
    output = folder / f"{name}.json"
    state = segbench.state_path(output)
    result = segbench.score(predictions, dataset="shapes", state=state, **options)
    segbench.write_result(result, output, seconds=0, state=state)
    return output


def blank() -> Maps:
    """Maps of background alone."""
    return {key: np.zeros((9, 14), np.uint8) for key in KEYS}


def entry(id_: str = "net", **told: Any) -> Entry:
    return Entry(id=id_, name=told.pop("name", f"Network {id_}"), **told)


def record(path: Path) -> Any:
    return json.loads(path.read_bytes())


def rewrite(path: Path, found: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(found), "utf-8")


def sign(path: Path, lines: list[Any]) -> None:
    """Put other lines into the state of a result, and its digest into the result."""
    state = segbench.state_path(path)
    state.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), "utf-8")
    rewrite(path, {**record(path), "state": vars(describe(state))})


def lines_of(path: Path) -> list[Any]:
    """The lines of the state of a result."""
    return [json.loads(line) for line in segbench.state_path(path).read_text("utf-8").splitlines()]
