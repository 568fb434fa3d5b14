"""Golden folders: three tiny images a data set whose scores are worked out by hand, beside each in `expected.json`.

A data set whose splits name their images has as many as the split (`images`); those beyond three hold nothing to count.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest

import segbench
from segbench.protocols.load import protocol_names

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = sorted(set(protocol_names().values()))


def by_hand(text: str | None) -> float:
    """Work out an expression of whole numbers; none is undefined."""
    if text is None:
        return math.nan
    assert re.fullmatch(r"[0-9+*/() ]+", text), text
    exact = eval(re.sub(r"([0-9]+)", r"Fraction(\1)", text), {"Fraction": Fraction})
    return float(exact)


def packed(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(found for found in folder.rglob("*") if found.is_file()):
            archive.write(file, file.relative_to(folder))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_golden_scores(name: str, tmp_path: Path) -> None:
    golden = GOLDEN / name
    expected = json.loads((golden / "expected.json").read_text("utf-8"))
    assert expected["arithmetic"]
    predictions = golden / "predictions"
    for submission in (predictions, packed(predictions, tmp_path / "submission.zip")):
        result = segbench.score(submission, dataset=name, data_root=golden / "data")
        assert result.n_images == expected.get("images", 3)
        assert result.scores.keys() == expected["scores"].keys()
        for key, text in expected["scores"].items():
            assert result.scores[key].value == pytest.approx(by_hand(text), rel=1e-15, nan_ok=True), key
