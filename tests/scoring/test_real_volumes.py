"""Real volumes: a spine with a prediction, against MedPy; hippocampi moved by a seed, against the reference."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

import segbench
from tests.conftest import CommandLine
from tests.datasets.niftis import nifti, put
from tests.oracles import volumes
from tests.oracles.volumes import Case

HD95, ASSD = "hausdorff_distance(percentile=95,variant=pooled)", "average_symmetric_surface_distance"

binary = pytest.importorskip("medpy.metric.binary")


def folder_of(real_data: Path, name: str) -> Path:
    if not (folder := real_data / name).is_dir():
        pytest.skip(f"no {folder}")
    return folder


@pytest.mark.parametrize("form", ["semantic", "matched_instance", "unmatched_instance"])
def test_the_spine_scores_as_by_medpy(form: str, real_data: Path, run: CommandLine, tmp_path: Path) -> None:
    source = folder_of(real_data, "spine-3d") / form
    for name in ("ref", "pred"):
        (tmp_path / name).mkdir()
        shutil.copy(source / f"{name}.nii.gz", tmp_path / name / "spine.nii.gz")
    asked = ("--dataset", "volumes", "--truth", str(tmp_path / "ref"), "--metric", HD95, "--metric", ASSD)
    done = run("score", str(tmp_path / "pred"), *asked, "--format", "json")
    assert done.code == 0
    scores = json.loads(done.out)["scores"]
    truth, prediction = (nibabel.load(source / f"{name}.nii.gz") for name in ("ref", "pred"))
    spacing = [float(step) for step in truth.header.get_zooms()]
    t, p = np.asarray(truth.dataobj), np.asarray(prediction.dataobj)
    ids = sorted(set(np.unique(t).tolist()) | set(np.unique(p).tolist()) - {0})
    assert set(scores[HD95]["per_class"]) == {str(i) for i in ids if i}
    in_both = [i for i in ids if i and (t == i).any() and (p == i).any()]
    assert len(in_both) > 5
    for i in in_both:
        assert scores[HD95]["per_class"][str(i)] == binary.hd95(p == i, t == i, voxelspacing=spacing)
        assert scores[ASSD]["per_class"][str(i)] == binary.assd(p == i, t == i, voxelspacing=spacing)
        assert scores["mean_dice"]["per_class"][str(i)] == binary.dc(p == i, t == i)
        assert scores["mean_iou"]["per_class"][str(i)] == binary.jc(p == i, t == i)


def moved(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return labels moved by a voxel or two, with a structure lost now and then."""
    found = np.roll(labels, rng.integers(-2, 3, 3), (0, 1, 2))
    found[found == rng.choice([1, 2, 9, 9])] = 0
    return found.astype(np.uint8)


def test_hippocampi_moved_by_a_seed(real_data: Path, tmp_path: Path) -> None:
    folder = folder_of(real_data, "msd-hippocampus")
    rng = np.random.default_rng(7)
    cases = []
    for path in sorted((folder / "labels").glob("*.nii.gz")):
        image = nibabel.load(path)
        labels = np.asarray(image.dataobj)
        spacing = tuple(float(step) for step in image.header.get_zooms())
        cases.append(Case(labels, moved(labels, rng), spacing))
        put(tmp_path / path.name, nifti(cases[-1].prediction, affine=image.affine))
    assert len(cases) == 100
    result = segbench.score(tmp_path, dataset="msd-hippocampus", data_root=folder)
    expected = volumes.evaluate(cases, {"anterior": [1], "posterior": [2]})
    for measure, key in {"dice": "mean_dice", "assd": ASSD, "hd95": "hausdorff_distance(percentile=95)"}.items():
        assert (result.scores[key].value, dict(result.scores[key].per_class)) == expected[measure]
    assert "100 images scored, the official train split has 260" in result.warnings
