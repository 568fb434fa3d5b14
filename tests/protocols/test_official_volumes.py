"""Label volumes score as the plain reference, to the last bit: observed classes, given ones, and regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import segbench
from segbench.errors import BadParameter, DatasetError, StrayLabel
from segbench.protocols.load import load_protocol
from tests.datasets.niftis import nifti, put
from tests.oracles import volumes
from tests.oracles.volumes import Case

KEYS = {
    "dice": "mean_dice",
    "iou": "mean_iou",
    "hd95": "hausdorff_distance(percentile=95)",
    "assd": "average_symmetric_surface_distance",
    "surface_dice": "surface_dice(tolerance_mm=1)",
}

BRATS = """
name = "tumours"
version = 1
title = "Tumours, three regions that overlap"
kind = "volumes"
metrics = ["mean_dice", "mean_iou", "hausdorff_distance(percentile=95)", "average_symmetric_surface_distance", \
"surface_dice(tolerance_mm=1)"]
default_split = "train"
classes = [{ id = 0, name = "background" }, { id = 1, name = "necrosis" }, { id = 2, name = "edema" }, \
{ id = 4, name = "enhancing" }]
regions = [{ name = "whole", ids = [1, 2, 4] }, { name = "core", ids = [1, 4] }, { name = "active", ids = [4] }]
policies = { classes = "regions", pool = "image", absent = "one" }
splits = { train = 0 }
layout = { truth = "labels/{key}.nii.gz" }
"""


def some_labels(rng: np.random.Generator, shape: tuple[int, ...], ids: Sequence[int]) -> np.ndarray:
    """Return blobs of ids in background."""
    smooth = gaussian_filter(rng.random((len(ids), *shape)), (0, 3, 3, 1.5))
    labels = np.asarray(ids, np.uint8)[smooth.argmax(axis=0)]
    labels[gaussian_filter(rng.random(shape), (3, 3, 1.5)) > 0.5] = 0
    return labels


def some_cases(seed: int, ids: Sequence[int], n: int = 8) -> dict[str, Case]:
    """Return volumes whose predictions are partly right; some structures are missed, spurious, or in neither map."""
    rng = np.random.default_rng(seed)
    cases = {}
    for i in range(n):
        shape = (*rng.integers(33, 40, 2), 7) if rng.random() < 0.7 else tuple(rng.integers(1, 20, 3))
        truth = some_labels(rng, shape, ids)
        prediction = np.where(gaussian_filter(rng.random(shape), 2) > 0.5, some_labels(rng, shape, ids), truth)
        for labels in (truth, prediction, truth, prediction):
            labels[labels == rng.choice([-1, -1, *ids])] = 0
        # As the file stores it: in 32 bits.
        spacing = tuple(np.float32(rng.uniform(0.3, 4, 3)).tolist())
        cases[f"case{i}"] = Case(truth, prediction.astype(np.uint8), spacing)
    return cases


def write(folder: Path, cases: Mapping[str, Case], below: str = "labels") -> tuple[Path, Path]:
    """Write truth below a data root, and predictions; return both folders."""
    for key, case in cases.items():
        put(folder / "data" / below / f"{key}.nii.gz", nifti(case.truth, case.spacing))
        put(folder / "predictions" / f"{key}.nii.gz", nifti(case.prediction, case.spacing))
    return folder / "data", folder / "predictions"


def hold(result: segbench.Result, expected: Mapping[str, tuple[float, dict[str, float]]]) -> None:
    assert result.scores.keys() == set(KEYS.values())
    for measure, (value, by_structure) in expected.items():
        score = result.scores[KEYS[measure]]
        assert (score.value, dict(score.per_class)) == (value, by_structure), measure


def test_random_volumes_step_into_every_case() -> None:
    cases = [case for seed in range(12) for case in some_cases(seed, [1, 3, 7]).values()]
    assert sum(min(case.truth.shape[:2]) > 32 for case in cases) > len(cases) / 2
    masks = [((c.truth == i).any(), (c.prediction == i).any()) for c in cases for i in (1, 3, 7)]
    assert {(True, True), (True, False), (False, True), (False, False)} == set(masks)


@pytest.mark.parametrize("seed", range(12))
def test_observed_structures(seed: int, tmp_path: Path) -> None:
    cases = some_cases(seed, [1, 3, 7])
    data, predictions = write(tmp_path, cases, "labelsTr")
    result = segbench.score(predictions, dataset="volumes", data_root=data)
    seen = {value for case in cases.values() for value in np.unique([case.truth, case.prediction]).tolist()}
    hold(result, volumes.evaluate(list(cases.values()), {str(i): [i] for i in sorted(seen - {0})}, observed=True))
    by_path = segbench.score(predictions, dataset="volumes", truth=data / "labelsTr")
    assert {key: s.value for key, s in by_path.scores.items()} == {key: s.value for key, s in result.scores.items()}


@pytest.mark.parametrize("seed", range(12, 18))
@pytest.mark.parametrize("below", ["labels", "labelsTr", "Task04_Hippocampus/labelsTr"])
def test_hippocampus(seed: int, below: str, tmp_path: Path) -> None:
    cases = some_cases(seed, [1, 2])
    data, predictions = write(tmp_path, cases, below)
    result = segbench.score(predictions, dataset="msd-hippocampus", data_root=data)
    hold(result, volumes.evaluate(list(cases.values()), {"anterior": [1], "posterior": [2]}))
    assert "8 images scored, the official train split has 260" in result.warnings


@pytest.mark.parametrize("seed", range(18, 26))
def test_regions_that_overlap(seed: int, tmp_path: Path) -> None:
    cases = some_cases(seed, [1, 2, 4])
    data, predictions = write(tmp_path, cases)
    toml = put(tmp_path / "tumours.toml", BRATS.encode())
    result = segbench.score(predictions, dataset=str(toml), data_root=data)
    hold(result, volumes.evaluate(list(cases.values()), {"whole": [1, 2, 4], "core": [1, 4], "active": [4]}))
    metrics = [f"mean_dice(classes=[{name}])" for name in ("core", "whole,edema")]
    mixed = segbench.score(predictions, dataset=str(toml), data_root=data, metrics=metrics).scores
    of_both = volumes.evaluate(list(cases.values()), {"edema": [2], "whole": [1, 2, 4]})["dice"]
    (key,) = (key for key in mixed if "edema" in key and "whole" in key)
    assert (mixed[key].value, dict(mixed[key].per_class)) == of_both


def test_what_is_in_neither_map_is_counted_and_told(tmp_path: Path) -> None:
    cases = some_cases(3, [1, 3, 7])
    data, predictions = write(tmp_path, cases)
    pairs = [((c.truth == i).any(), (c.prediction == i).any()) for c in cases.values() for i in (1, 3, 7)]
    neither, one = pairs.count((False, False)), sum(t != p for t, p in pairs)
    assert neither > 1 < one
    said = segbench.score(predictions, dataset="volumes", data_root=data).warnings
    for metric in ("mean_dice", "mean_iou"):
        tail = f"{neither} structures in neither truth nor prediction for perfect (absent=one)"
        assert f"{metric} takes {tail}" in said
    hd = "hausdorff_distance(percentile=95)"
    assert any(line.startswith(hd) and f"{one} structures missed or not there" in line for line in said)
    pooled = segbench.score(predictions, dataset="volumes", data_root=data, metrics=["mean_dice(pool=dataset)"])
    assert not any(line.startswith("mean_dice(pool=dataset)") for line in pooled.warnings)


def test_the_classes_stand_in_the_signature(tmp_path: Path) -> None:
    cases = some_cases(4, [1, 2, 3, 9])
    data, predictions = write(tmp_path, cases)
    options: dict[str, Any] = {"dataset": "volumes", "data_root": data}
    first = segbench.score(predictions, **options)
    assert "|classes(0..3,9)|" in first.scores["mean_dice"].signature
    odd = cases["case0"].prediction.copy()
    odd[0, 0, 0] = 40
    put(predictions / "case0.nii.gz", nifti(odd, cases["case0"].spacing))
    second = segbench.score(predictions, **options)
    assert "|classes(0..3,9)+spurious(40)|" in second.scores["mean_dice"].signature
    assert second.scores["mean_dice"].per_class["40"] == 0.0
    # What no truth has can only cost: of distances the diagonal of the one case that predicts it.
    for key, score in second.scores.items():
        sign = 1 if score.higher_is_better else -1
        assert sign * score.value < sign * first.scores[key].value
    # Where classes are given, the same value is a stray.
    put(tmp_path / "tumours.toml", BRATS.encode())
    with pytest.raises((StrayLabel, segbench.errors.Refusal)):
        segbench.score(predictions, dataset=str(tmp_path / "tumours.toml"), data_root=data)


def test_nothing_but_background_and_too_many_labels(tmp_path: Path) -> None:
    empty = np.zeros((4, 4, 4), np.uint8)
    data, predictions = write(tmp_path / "empty", {"a": Case(empty, empty, (1.0, 1.0, 1.0))})
    with pytest.raises(DatasetError, match="no structure"):
        segbench.score(predictions, dataset="volumes", data_root=data)
    many = np.arange(11 * 10 * 10, dtype=np.int16).reshape(11, 10, 10)
    data, predictions = write(tmp_path / "many", {"a": Case(many, many, (1.0, 1.0, 1.0))})
    with pytest.raises(DatasetError, match="more than 1024 different labels"):
        segbench.score(predictions, dataset="volumes", data_root=data)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("ids = [1, 4]", "ids = [1, 3]", "region 'core' of the ids"),
        ("ids = [1, 4]", "ids = []", "region 'core' of the ids"),
        ('name = "core"', 'name = "edema"', "class name 'edema' twice"),
        ('kind = "volumes"', 'kind = "levels"', "metric mean_dice on tumours, whose predictions are levels"),
        ('["mean_dice"', '["auc"', "metric auc on tumours, whose predictions are volumes"),
        ('classes = "regions"', 'classes = "all"', None),
    ],
)
def test_a_protocol_of_ones_own(old: str, new: str, found: str | None, tmp_path: Path) -> None:
    assert BRATS.count(old) == 1
    path = put(tmp_path / "tumours.toml", BRATS.replace(old, new).encode())
    if found is None:
        assert load_protocol(str(path)).digest() != load_protocol(str(put(path, BRATS.encode()))).digest()
        return
    with pytest.raises(BadParameter, match=found):
        load_protocol(str(path))


def test_observed_classes_are_for_volumes_without_regions(tmp_path: Path) -> None:
    listed = BRATS.partition("classes = [")[2].partition("]\n")[0]
    text = BRATS.replace(f"[{listed}]", '"observed"')
    assert 'classes = "observed"' in text
    with pytest.raises(BadParameter, match="and regions"):
        load_protocol(str(put(tmp_path / "a.toml", text.encode())))
    with pytest.raises(BadParameter, match="key classes: 'observed'"):
        load_protocol(str(put(tmp_path / "b.toml", text.replace('"volumes"', '"labels"').encode())))
