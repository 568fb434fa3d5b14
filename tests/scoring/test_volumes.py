"""Volumes on their way to a result: whatever way in, the same bytes; whatever is wrong, one line that says so."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segbench
from segbench.errors import (
    BadParameter,
    DatasetError,
    DuplicatePrediction,
    GeometryMismatch,
    MissingPrediction,
    Refusal,
    SegbenchError,
    ShapeMismatch,
    UnreadableImage,
)
from segbench.scoring.recount import recount
from tests.conftest import CommandLine
from tests.datasets.niftis import nifti, put
from tests.datasets.packing import packed

SHAPE, SPACING = (12, 11, 5), (0.5, 0.5, 2.0)
KEYS = [f"case{i}" for i in range(7)]


def blocks(*places: int) -> np.ndarray:
    """Return a volume with a block of 1, 2, … that begins at each place of the first axis."""
    labels = np.zeros(SHAPE, np.uint8)
    for i, place in enumerate(places, 1):
        labels[place : place + 3, 2:8, 1:4] = i
    return labels


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Truth of two blocks; each prediction moves one of them, and one has another of a third class."""
    for i, key in enumerate(KEYS):
        put(tmp_path / f"truth/{key}.nii.gz", nifti(blocks(1, 6), SPACING))
        put(tmp_path / f"predictions/{key}.nii.gz", nifti(blocks(1, 5 + i % 3, *[9] * (i == 4)), SPACING))
    return tmp_path


def score(tree: Path, **options: Any) -> segbench.Result:
    asked = {"dataset": "volumes", "truth": tree / "truth", **options}
    return segbench.score(asked.pop("predictions", tree / "predictions"), **asked)


def text(result: segbench.Result) -> str:
    return json.dumps(result.as_record(), sort_keys=True)


@pytest.mark.parametrize("container", ["stored", "deflated", "tar", "tar_gz", "tar_xz"])
def test_archives_and_unpacked_volumes_score_the_same(container: str, tree: Path) -> None:
    expected = score(tree)
    archive = packed(container, tree / "predictions", tree)
    assert text(score(tree, predictions=archive)) == text(expected)
    for path in list(tree.rglob("*.nii.gz")):
        put(path.with_suffix(""), gzip.decompress(path.read_bytes()))
        path.unlink()
    plain = score(tree)
    assert {key: (s.value, s.signature) for key, s in plain.scores.items()} == {
        key: (s.value, s.signature) for key, s in expected.scores.items()
    }


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_workers_shards_and_states_come_to_the_same_bytes(executor: Any, tree: Path) -> None:
    whole = score(tree, workers=1, state=tree / "whole.state")
    assert text(score(tree, workers=3, executor=executor, state=tree / "again.state")) == text(whole)
    states = [tree / f"{i}.state" for i in (1, 2, 3)]
    for i, state in enumerate(states, 1):
        # Only one of the shards has the volume with the third class.
        part = score(tree, shard=f"{i}/3", state=state)
        assert set(part.scores["mean_dice"].per_class) == {"1", "2", "3"}
    assert text(segbench.merge(states, state=tree / "merged.state")) == text(whole)
    data = [(tree / f"{name}.state").read_bytes() for name in ("whole", "again", "merged")]
    assert data[0] == data[1] == data[2]


def test_a_result_is_counted_again_from_its_state(run: CommandLine, tree: Path) -> None:
    result = tree / "result.json"
    done = run(
        "score", str(tree / "predictions"), "--dataset", "volumes", "--truth", str(tree / "truth"), "-o", str(result)
    )
    assert done.code == 0
    again = recount(result)
    assert again.terms["input"] == "classes(0..2)+spurious(3)"
    stored = json.loads(result.read_bytes())["scores"]
    for key, found in again.case.result(again.outcome).scores.items():
        assert (found.value, found.signature) == (stored[key]["value"], stored[key]["signature"])


def test_per_image(tree: Path) -> None:
    result = score(tree, per_image=tree / "cases.jsonl", slices={"some": KEYS[:2]})
    lines = [json.loads(line) for line in (tree / "cases.jsonl").read_text().splitlines()]
    assert [line["key"] for line in lines] == [[key] for key in KEYS]
    for key, found in result.scores.items():
        values = [line["scores"][key]["value"] for line in lines]
        assert found.value == pytest.approx(sum(values) / len(values), rel=1e-15)
        mine = sum(values[:2]) / 2
        assert result.slices["some"].scores[key].value == pytest.approx(mine, rel=1e-15)


def test_a_missing_case_has_every_structure_missed(tree: Path) -> None:
    (tree / "predictions/case1.nii.gz").unlink()
    with pytest.raises(MissingPrediction, match=r"no prediction of case1"):
        score(tree)
    result = score(tree, missing="miss", per_image=tree / "cases.jsonl")
    line = json.loads((tree / "cases.jsonl").read_text().splitlines()[1])["scores"]
    diagonal = float(np.sqrt(6.0**2 + 5.5**2 + 10.0**2))
    # The third class is in no truth, and not in this case.
    assert line["mean_dice"]["per_class"] == {"1": 0.0, "2": 0.0, "3": None}
    assert line["surface_dice(tolerance_mm=1)"]["per_class"] == {"1": 0.0, "2": 0.0, "3": None}
    assert line["hausdorff_distance(percentile=95)"]["per_class"] == {"1": diagonal, "2": diagonal, "3": None}
    assert "1 of 7 images has no prediction and counts as missed" in result.warnings
    skipped = score(tree, missing="miss", metrics=["hausdorff_distance(empty=skip)"])
    assert any("3 structures missed or not there for left out" in warning for warning in skipped.warnings)


MOVED = np.diag([*SPACING, 1.0])
MOVED[0, 3] = 0.06
FLIPPED = np.diag([-0.5, 0.5, 2.0, 1.0])
FLIPPED[0, 3] = 5.5


@pytest.mark.parametrize(
    ("data", "kind", "found"),
    [
        (nifti(blocks(1, 6), (0.6, 0.5, 2.0)), GeometryMismatch, "spacing 0.6×0.5×2 mm"),
        (nifti(blocks(1, 6), affine=MOVED), GeometryMismatch, r"origin \(0.06, 0, 0\) mm"),
        (nifti(blocks(1, 6), affine=FLIPPED), GeometryMismatch, "flipped axes: 0"),
        (nifti(blocks(1, 6).transpose(1, 0, 2), SPACING), ShapeMismatch, "11×12×5 voxels"),
        (nifti(blocks(1, 6)[:, :, :-1], SPACING), ShapeMismatch, "12×11×4 voxels"),
        (nifti(blocks(1, 6), SPACING)[:-20], UnreadableImage, "a cut file"),
        (nifti(blocks(1, 6), SPACING)[:60], UnreadableImage, "a cut file"),
        (nifti(blocks(1, 6).astype(np.float32), SPACING), UnreadableImage, "voxels of float32"),
        (nifti(np.stack([blocks(1, 6)] * 2, -1), SPACING), UnreadableImage, "4 axes: 12×11×5×2"),
        (b"\x89PNG\r\n\x1a\n", UnreadableImage, "not a NIfTI file"),
    ],
)
def test_what_is_wrong_with_a_prediction(data: bytes, kind: type[SegbenchError], found: str, tree: Path) -> None:
    path = put(tree / "predictions/case3.nii.gz", data)
    with pytest.raises(kind, match=found) as caught:
        score(tree)
    assert (caught.value.file, caught.value.exit) == (str(path), 3)


def test_all_faults_are_told_at_once(tree: Path) -> None:
    for key in KEYS[:3]:
        put(tree / f"predictions/{key}.nii.gz", nifti(blocks(1), (9.0, 9.0, 9.0)))
    put(tree / "predictions/case5.nii", nifti(blocks(1, 6), SPACING, packed=False))
    with pytest.raises(Refusal) as caught:
        score(tree)
    kinds = [type(fault) for fault in caught.value.faults]
    assert kinds == [GeometryMismatch] * 3 + [DuplicatePrediction]


def test_a_corner_may_be_a_little_off(tree: Path) -> None:
    expected = score(tree)
    near = np.diag([*SPACING, 1.0])
    near[0, 3] = 0.04
    put(tree / "predictions/case0.nii.gz", nifti(blocks(1, 5), affine=near))
    assert score(tree).scores == expected.scores


def test_what_is_wrong_with_the_truth(tree: Path) -> None:
    good = (tree / "truth/case2.nii.gz").read_bytes()
    for data, found in [(good[:-20], "a cut file"), (nifti(blocks(1) * np.float32(0.5), SPACING), "no whole numbers")]:
        path = put(tree / "truth/case2.nii.gz", data)
        with pytest.raises(DatasetError, match=found) as caught:
            score(tree)
        assert (caught.value.file, caught.value.exit) == (str(path), 4)
    put(tree / "truth/case2.nii.gz", good)
    put(tree / "truth/extra.nii", nifti(blocks(1), packed=False))
    with pytest.raises(DatasetError, match=r"volumes \S+ and \S+ together"):
        score(tree)


def test_options_that_make_no_sense(tree: Path) -> None:
    with pytest.raises(BadParameter, match="--resize with volumes"):
        score(tree, resize="nearest")
    with pytest.raises(BadParameter, match="input=trainids"):
        score(tree, input="trainids")
    with pytest.raises(BadParameter, match="whose predictions are volumes"):
        score(tree, metrics=["auc"])


def test_units_and_spacing_are_known(tree: Path) -> None:
    first = score(tree)
    wider = tree / "wider"
    for folder in ("truth", "predictions"):
        for i, key in enumerate(KEYS):
            labels = blocks(1, 6) if folder == "truth" else blocks(1, 5 + i % 3, *[9] * (i == 4))
            put(wider / folder / f"{key}.nii.gz", nifti(labels, (1.0, 1.0, 4.0), unit="unknown"))
    second = score(wider)
    key = "average_symmetric_surface_distance"
    assert second.scores[key].value == 2 * first.scores[key].value
    assert second.scores[key].unit == "mm"
    assert second.provenance.truth != first.provenance.truth
    assert "7 truth volumes name no unit of length: taken for mm" in second.warnings
    assert not any("unit of length" in warning for warning in first.warnings)


def test_a_wild_label_is_the_fault_of_its_own_file(tree: Path) -> None:
    wild = blocks(1, 6).astype(np.int32)
    wild[0, 0, 0] = 2**31 - 1
    put(tree / "predictions/case2.nii.gz", nifti(wild, SPACING))
    with pytest.raises(SegbenchError) as caught:
        score(tree)
    assert [str(error.file).rpartition("/")[2] for error in caught.value.faults] == ["case2.nii.gz"]
    assert "2147483647" in caught.value.faults[0].found


def test_background_alone_leaves_no_state(tree: Path) -> None:
    for key in KEYS:
        for folder in ("truth", "predictions"):
            put(tree / folder / f"{key}.nii.gz", nifti(np.zeros(SHAPE, np.uint8), SPACING))
    with pytest.raises(DatasetError, match="no structure"):
        score(tree, state=tree / "state.jsonl", per_image=tree / "images.csv")
    assert not list(tree.glob("*.jsonl")) + list(tree.glob("*.csv"))
