"""ISPRS tiles of the real size, counted in strips: the same as the whole image at once, and as PNG."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import segbench
from segbench.codec import canonical_json
from segbench.protocols.load import load_protocol
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.oracles import isprs

tifffile = pytest.importorskip("tifffile")
pytest.importorskip("imagecodecs")

Map = NDArray[np.uint8]
SIDE = 6000
PROTOCOL = load_protocol("isprs-potsdam")
COLORS = np.array([*isprs.COLORS.values(), isprs.BOUNDARY], np.uint8)

#: Pixels of 5 cm, the corner of a tile, and WGS 84 / UTM zone 33N: what makes a TIFF a GeoTIFF.
GEO = [
    (33550, "d", 3, (0.05, 0.05, 0.0), True),
    (33922, "d", 6, (0.0, 0.0, 0.0, 366976.8, 5808915.75, 0.0), True),
    (34735, "H", 16, (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633), True),
]


def maps() -> tuple[Map, Map]:
    """Truth and prediction of blocks, with black borders in the truth, wrong patches, and single wrong pixels."""
    rng = np.random.default_rng(6000)
    truth = np.kron(rng.integers(0, 6, (60, 60), dtype=np.uint8), np.ones((100, 100), np.uint8))
    prediction = truth.copy()
    for row, column in rng.integers(0, SIDE - 200, (300, 2)).tolist():
        prediction[row : row + 137, column : column + 61] = rng.integers(0, 6)
    rows, columns = rng.integers(0, SIDE, (2, 50_000))
    prediction[rows, columns] = rng.integers(0, 7, 50_000)
    truth[::100], truth[:, ::100] = isprs.VOID, isprs.VOID
    return truth, prediction


def counts_of(state: Path) -> Any:
    return json.loads(state.read_text("utf-8").splitlines()[1])["counts"]


def test_a_tile_in_strips_a_tile_at_once_and_a_png_are_one(tmp_path: Path) -> None:
    truth, prediction = maps()
    for folder in ("truth", "lzw", "deflate", "png"):
        (tmp_path / folder).mkdir()
    options: dict[str, Any] = {"photometric": "rgb", "extratags": GEO, "metadata": None}
    file = tmp_path / "truth" / "top_potsdam_2_13_label_noBoundary.tif"
    tifffile.imwrite(file, COLORS[truth], compression="lzw", rowsperstrip=1, **options)
    painted = COLORS[prediction]
    file = tmp_path / "lzw" / "top_potsdam_2_13_label.tif"
    tifffile.imwrite(file, painted, compression="lzw", predictor=True, rowsperstrip=7, **options)
    tifffile.imwrite(tmp_path / "deflate" / "2_13.tif", painted, compression="zlib", tile=(512, 512), **options)
    Image.fromarray(painted).save(tmp_path / "png" / "2_13.png", compress_level=1)
    found = {}
    for folder in ("lzw", "deflate", "png"):
        state = tmp_path / f"{folder}.jsonl"
        result = segbench.score(
            tmp_path / folder, dataset="isprs-potsdam", truth=tmp_path / "truth", state=state, workers=1
        )
        found[folder] = ({key: score.value for key, score in result.scores.items()}, canonical_json(counts_of(state)))
    plan = Plan.of(PROTOCOL)
    at_once = plan.count_one(plan.start(), Sample(("2_13",), truth, prediction))
    assert found["lzw"] == found["deflate"] == found["png"]
    assert found["lzw"][1] == canonical_json(json.loads(canonical_json(at_once)))
    # Counted once more by NumPy alone.
    table = np.bincount(truth.ravel() * np.int64(7) + prediction.ravel(), minlength=49).reshape(7, 7)
    assert table[:6, 6].sum() > 0 and table[6].sum() > 0
    assert found["lzw"][0]["pixel_accuracy"] == int(table.diagonal()[:6].sum()) / int(table[:6].sum())
    hits, rows, columns = (n.tolist() for n in (table.diagonal(), table[:6].sum(axis=1), table[:6, :6].sum(axis=0)))
    f1 = [2 * hits[c] / (rows[c] + columns[c]) for c in range(6)]
    assert found["lzw"][0]["mean_dice"] == pytest.approx(sum(f1[:5]) / 5, rel=1e-15)
    assert found["lzw"][0]["mean_dice(classes=all)"] == pytest.approx(sum(f1) / 6, rel=1e-15)
