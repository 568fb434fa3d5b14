"""Classes that overlap, from files to scores, under a protocol of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

import segbench
from segbench.errors import StrayLabel, UnreadableImage
from tests.datasets.packing import packed
from tests.datasets.pngs import PALETTE, png

PROTOCOL = """
name = "regions"
version = 1
title = "regions that overlap"
kind = "multilabel"
default_split = "val"
metrics = ["multilabel_iou", "multilabel_dice"]
classes = [{ id = 0, name = "whole" }, { id = 1, name = "core" }, { id = 2, name = "edema" }]
splits = { val = 0 }
layout = { truth = "{key}.png" }
"""

#: Bit 0 whole, bit 1 core, bit 2 edema.
TRUTH = {"a": [[1, 1, 3], [3, 5, 0]], "b": [[0, 4, 5]]}
PREDICTION = {"a": [[1, 0, 3], [1, 5, 1]], "b": [[0, 4, 7]]}
#: whole: 4 + 1 hits, 1 missed, 1 too many. core: 1 hit, 1 missed, 1 too many. edema: 3 hits.
IOU = {"whole": 5 / 7, "core": 1 / 3, "edema": 1.0}
DICE = {"whole": 10 / 12, "core": 2 / 4, "edema": 1.0}


def write(folder: Path, maps: dict[str, list[list[int]]]) -> Path:
    folder.mkdir()
    for key, rows in maps.items():
        (folder / f"{key}.png").write_bytes(png(np.array(rows)))
    return folder


@pytest.fixture
def protocol(tmp_path: Path) -> str:
    path = tmp_path / "regions.toml"
    path.write_text(PROTOCOL, "utf-8")
    return str(path)


@pytest.mark.parametrize("kind", ["folder", "deflated", "tar_gz", "tiff"])
def test_scores(tmp_path: Path, protocol: str, kind: str) -> None:
    truth, predictions = write(tmp_path / "truth", TRUTH), write(tmp_path / "predictions", PREDICTION)
    if kind == "tiff":
        for key, rows in PREDICTION.items():
            (predictions / f"{key}.png").unlink()
            pages = np.array([np.array(rows) >> i & 1 for i in range(3)], np.uint8)
            tifffile.imwrite(predictions / f"{key}.tif", pages, photometric="minisblack")
    elif kind != "folder":
        predictions = packed(kind, predictions, tmp_path)
    result = segbench.score(predictions, dataset=protocol, truth=truth, state=tmp_path / "state.jsonl")
    assert result.scores["multilabel_iou"].per_class == IOU
    assert result.scores["multilabel_dice"].per_class == DICE
    assert float(result.scores["multilabel_iou"]) == pytest.approx(sum(IOU.values()) / 3, abs=1e-15)
    assert segbench.merge([tmp_path / "state.jsonl"], dataset=protocol).scores == result.scores


def test_missing_counts_as_nothing(tmp_path: Path, protocol: str) -> None:
    truth, predictions = write(tmp_path / "truth", TRUTH), write(tmp_path / "predictions", {"a": PREDICTION["a"]})
    result = segbench.score(predictions, dataset=protocol, truth=truth, missing="miss")
    assert result.scores["multilabel_iou"].per_class == {"whole": 4 / 7, "core": 1 / 2, "edema": 1 / 3}


@pytest.mark.parametrize(
    ("data", "error"),
    [(png(np.array([[8, 0, 0]])), StrayLabel), (png(np.array([[1, 0, 0]]), kind=PALETTE), UnreadableImage)],
    ids=["a bit beyond the classes", "a palette"],
)
def test_refused(tmp_path: Path, protocol: str, data: bytes, error: type[Exception]) -> None:
    truth, predictions = write(tmp_path / "truth", TRUTH), write(tmp_path / "predictions", PREDICTION)
    (predictions / "b.png").write_bytes(data)
    with pytest.raises(error) as caught:
        segbench.score(predictions, dataset=protocol, truth=truth)
    assert str(predictions / "b.png") in str(caught.value)
