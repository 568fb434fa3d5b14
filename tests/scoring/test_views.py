"""Slices and views on their way to a result: the scores of the very volume, and whatever way in, the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

import segbench
from segbench.errors import (
    BadParameter,
    DuplicatePrediction,
    GeometryMismatch,
    MissingPrediction,
    Refusal,
    SegbenchError,
    ShapeMismatch,
    StrayLabel,
    SubmissionError,
    UnreadableImage,
)
from segbench.scoring.recount import recount
from tests.conftest import CommandLine
from tests.datasets.niftis import nifti, put
from tests.datasets.packing import packed
from tests.datasets.pngs import RGB, png

SPACING = (0.5, 1.25, 3.0)
SHAPES = ((7, 6, 5), (12, 9, 4), (1, 8, 3), (5, 5, 5), (6, 7, 66))
KEYS = [f"case_{i}" for i in range(len(SHAPES))]
AXES = "fused(vote,slices(axis=0),slices(axis=1),slices(axis=2))"


def labels_of(seed: int, shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return truth and prediction: of 4 labels, and alike in most voxels."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, shape).astype(np.uint8)
    return truth, np.where(rng.random(shape) < 0.7, truth, rng.integers(0, 4, shape)).astype(np.uint8)


CASES = {key: labels_of(i, shape) for i, (key, shape) in enumerate(zip(KEYS, SHAPES, strict=True))}
NAMES = ("{key}/{i}.png", "{key}_{i:04}.png", "{key}-{i}.png", "{key}_slice{i:02}.png")


def put_slices(folder: Path, name: str, key: str, labels: np.ndarray, axis: int, first: int = 0) -> None:
    for i in range(labels.shape[axis]):
        put(folder / name.format(key=key, i=i + first), png(np.take(labels, i, axis)))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The cases as volumes, as slices along each axis, and as views of either."""
    for n, (key, (truth, labels)) in enumerate(CASES.items()):
        put(tmp_path / f"truth/{key}.nii.gz", nifti(truth, SPACING))
        put(tmp_path / f"volumes/{key}.nii.gz", nifti(labels, SPACING))
        one_hot = (labels[..., None] == np.arange(4)).astype(np.float32)
        for axis in range(3):
            put_slices(tmp_path / f"axis{axis}", NAMES[(n + axis) % 4], key, labels, axis, first=n % 2)
            put_slices(tmp_path / f"axes/view{axis}", NAMES[n % 4], key, labels, axis, first=axis % 2)
            put(tmp_path / f"labels/view{axis}/{key}.nii.gz", nifti(labels, SPACING))
            put(tmp_path / f"probabilities/view{axis}/{key}.nii.gz", nifti(one_hot, SPACING))
    return tmp_path


WAYS = [
    ("axis0", "slices(axis=0)"),
    ("axis1", "slices(axis=1)"),
    ("axis2", "slices(axis=2)"),
    ("axes", AXES),
    ("labels", "fused(vote,3)"),
    ("probabilities", "fused(mean,3)"),
]


def score(tree: Path, folder: str = "axis2", input_: str = "slices(axis=2)", **options: Any) -> segbench.Result:
    asked = {"dataset": "volumes", "truth": tree / "truth", "input": input_, **options}
    return segbench.score(asked.pop("predictions", tree / folder), **asked)


def text(result: segbench.Result) -> str:
    return json.dumps(result.as_record(), sort_keys=True)


def values(result: segbench.Result) -> dict[str, Any]:
    return {key: (score.value, score.per_class) for key, score in result.scores.items()}


@pytest.mark.parametrize(("folder", "input_"), WAYS)
def test_the_scores_are_those_of_the_volumes(folder: str, input_: str, tree: Path) -> None:
    expected = score(tree, "volumes", "ids")
    found = score(tree, folder, input_)
    assert values(found) == values(expected)
    assert found.warnings == expected.warnings
    assert found.provenance.truth == expected.provenance.truth
    for mine, theirs in zip(found.scores.values(), expected.scores.values(), strict=True):
        assert theirs.signature.count("|classes(0..3)|") == 1
        assert mine.signature == theirs.signature.replace("|classes", f"|{input_}+classes")


@pytest.mark.parametrize(("folder", "input_"), WAYS[2:])
@pytest.mark.parametrize("container", ["stored", "deflated", "tar_gz"])
def test_archives_and_wrapping_folders(container: str, folder: str, input_: str, tree: Path) -> None:
    expected = score(tree, folder, input_)
    assert text(score(tree, input_=input_, predictions=packed(container, tree / folder, tree))) == text(expected)
    outer = tree / "outer/results"
    outer.mkdir(parents=True)
    (tree / folder).rename(outer / "predictions")
    assert text(score(tree, "outer", input_)) == text(expected)


@pytest.mark.parametrize("executor", ["threads", "processes"])
@pytest.mark.parametrize(("folder", "input_"), [WAYS[1], WAYS[3], WAYS[5]])
def test_workers_shards_and_states_come_to_the_same_bytes(
    folder: str, input_: str, executor: Any, tree: Path, run: CommandLine
) -> None:
    whole = score(tree, folder, input_, workers=1, state=tree / "whole.state")
    again = score(tree, folder, input_, workers=2, executor=executor, state=tree / "again.state")
    assert text(again) == text(whole)
    states = [tree / f"{i}.state" for i in (1, 2)]
    for i, state in enumerate(states, 1):
        score(tree, folder, input_, shard=f"{i}/2", state=state)
    assert text(segbench.merge(states, state=tree / "merged.state")) == text(whole)
    data = [(tree / f"{name}.state").read_bytes() for name in ("whole", "again", "merged")]
    assert data[0] == data[1] == data[2]
    assert json.loads(data[0].splitlines()[0])["input"] == f"{input_}+classes(0..3)"


def test_a_result_is_counted_again_from_its_state(run: CommandLine, tree: Path) -> None:
    result = tree / "result.json"
    given = ["--dataset", "volumes", "--truth", tree / "truth", "--input", " fused( vote, 3 )"]
    assert run("score", tree / "labels", *given, "-o", result).code == 0
    again = recount(result)
    assert again.terms["input"] == "fused(vote,3)+classes(0..3)"
    stored = json.loads(result.read_bytes())["scores"]
    for key, found in again.case.result(again.outcome).scores.items():
        assert (found.value, found.signature) == (stored[key]["value"], stored[key]["signature"])
    assert run("check", tree / "labels", *given).code == 0


def test_other_forms_are_other_signatures(tree: Path) -> None:
    signatures = {score(tree, folder, input_).scores["mean_dice"].signature for folder, input_ in WAYS}
    assert len(signatures) == len(WAYS)


def test_the_digest_of_a_case_is_over_those_of_its_files(tree: Path) -> None:
    score(tree, "axes", AXES, state=tree / "state")
    key = KEYS[1]
    folders = [tree / f"axes/view{axis}" for axis in range(3)]
    # By number: 10 comes after 9, whatever the names say.
    names = [NAMES[1].format(key=key, i=i + axis % 2) for axis in range(3) for i in range(SHAPES[1][axis])]
    files = [folders[axis] / names.pop(0) for axis in range(3) for _ in range(SHAPES[1][axis])]
    listed = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}\n" for file in files)
    records = [json.loads(line) for line in (tree / "state").read_text().splitlines()[1:]]
    assert records[1]["prediction"] == hashlib.sha256(listed.encode()).hexdigest()
    assert len({record["prediction"] for record in records}) == len(KEYS)


def test_views_that_differ_are_fused(tree: Path) -> None:
    """The vote, written by NumPy alone, scores as what segbench fuses."""
    rng = np.random.default_rng(5)
    for key, (_, labels) in CASES.items():
        views = [np.where(rng.random(labels.shape) < 0.6, labels, rng.integers(0, 4, labels.shape)) for _ in range(3)]
        votes = np.stack([(np.stack(views) == label).sum(0) for label in range(4)])
        # Of three views the label of two wins, else that of the first.
        fused = np.where(votes.max(0) > 1, votes.argmax(0), views[0]).astype(np.uint8)
        put(tree / f"fused/{key}.nii.gz", nifti(fused, SPACING))
        for name, view in zip("cab", (views[2], views[0], views[1]), strict=True):
            put(tree / f"views/{name}/{key}.nii.gz", nifti(view.astype(np.int16), SPACING))
    expected = score(tree, "fused", "ids")
    found = score(tree, "views", "fused(vote,3)")
    assert values(found) == values(expected)


def test_a_missing_case_counts_as_missed(tree: Path) -> None:
    for path in (tree / "volumes/case_1.nii.gz", *(tree / "axes").rglob("*case_1*.png")):
        path.unlink()
    with pytest.raises(MissingPrediction, match=r"no prediction of case_1; expected VIEW/case_1/000\.png or VIEW"):
        score(tree, "axes", AXES)
    expected = score(tree, "volumes", "ids", missing="miss", workers=1)
    found = score(tree, "axes", AXES, missing="miss", workers=2)
    assert values(found) == values(expected)
    assert found.warnings == expected.warnings


def test_a_missing_view_is_named(tree: Path) -> None:
    (tree / "labels/view1/case_3.nii.gz").unlink()
    with pytest.raises(MissingPrediction, match="no prediction of case_3 in the view 'view1'") as caught:
        score(tree, "labels", "fused(vote,3)")
    assert caught.value.file == str(tree / "labels/view1/case_3.nii.gz")
    missed = score(tree, "labels", "fused(vote,3)", missing="miss")
    assert "1 of 5 images has no prediction and counts as missed" in missed.warnings
    with pytest.raises(SubmissionError, match="3 views: view0, view1, view2; expected 2 folders"):
        score(tree, "labels", "fused(vote,2)")


def test_a_case_that_lacks_slices_is_never_taken_for_a_missing_one(tree: Path) -> None:
    (tree / "axis2/case_1_0002.png").unlink(missing_ok=True)
    for path in sorted((tree / "axis2").rglob("*case_1*2.png")):
        path.unlink()
    for missing in ("error", "miss"):
        with pytest.raises(MissingPrediction, match=r"no slice 2 \(1 of 4 missing\)") as caught:
            score(tree, missing=missing)
        assert caught.value.file == str(tree / "axis2/case_1")


def slice_path(tree: Path, number: int) -> Path:
    """Return a slice along axis 2 of the last case, whose names have no leading zeros: it is the fifth."""
    path = tree / "axis2" / NAMES[(4 + 2) % 4].format(key="case_4", i=number)
    assert path.exists()
    return path


PLANE = CASES["case_4"][1][:, :, 9]


@pytest.mark.parametrize(
    ("data", "kind", "found"),
    [
        (png(PLANE.T), ShapeMismatch, "7×6 pixels .*expected 6×7: .*transposed"),
        (png(PLANE[:-1]), ShapeMismatch, "5×7 pixels"),
        (png(np.stack([PLANE] * 3, -1), kind=RGB), UnreadableImage, "an RGB image"),
        (png(PLANE)[:-20], UnreadableImage, "damaged"),
        (b"", UnreadableImage, "an empty file"),
        (b"GIF89a", UnreadableImage, "a GIF"),
    ],
)
def test_what_is_wrong_with_a_slice(data: bytes, kind: type[SegbenchError], found: str, tree: Path) -> None:
    path = put(slice_path(tree, 9), data)
    for predictions in (tree / "axis2", packed("deflated", tree / "axis2", tree)):
        with pytest.raises(kind, match=found) as caught:
            score(tree, predictions=predictions)
        archived = f"{predictions}:{path.relative_to(tree / 'axis2')}"
        assert (caught.value.file, caught.value.exit) == (str(path) if predictions.is_dir() else archived, 3)


def test_what_is_wrong_with_the_names_of_slices(tree: Path) -> None:
    put(tree / "axis2/case_4_slice009.png", png(PLANE))
    with pytest.raises(DuplicatePrediction, match="are both the prediction of slice 9 of case_4") as caught:
        score(tree)
    assert caught.value.exit == 3
    (tree / "axis2/case_4_slice009.png").unlink()
    put(tree / "axis2/case_4_slice066.png", png(PLANE))
    with pytest.raises(ShapeMismatch, match="slice 66; expected slices 0 to 65 or 1 to 66") as caught:
        score(tree)
    assert caught.value.file == str(tree / "axis2/case_4_slice066.png")


def test_a_link_is_refused(tree: Path) -> None:
    path = slice_path(tree, 9)
    path.unlink()
    path.symlink_to(slice_path(tree, 8))
    with pytest.raises(UnreadableImage, match="a link") as caught:
        score(tree)
    assert caught.value.file == str(path)


def test_all_faults_are_told_at_once(tree: Path) -> None:
    put(tree / "labels/view1/case_0.nii.gz", nifti(CASES["case_0"][1], (9.0, 9.0, 9.0)))
    put(tree / "labels/view2/case_1.nii.gz", nifti(CASES["case_1"][1].astype(np.float32), SPACING))
    put(tree / "labels/view0/case_2.nii.gz", b"text")
    (tree / "labels/view2/case_4.nii.gz").unlink()
    with pytest.raises(Refusal) as caught:
        score(tree, "labels", "fused(vote,3)")
    found = [(type(fault), str(fault.file).rpartition("labels/")[2]) for fault in caught.value.faults]
    assert found == [
        (GeometryMismatch, "view1/case_0.nii.gz"),
        (UnreadableImage, "view2/case_1.nii.gz"),
        (UnreadableImage, "view0/case_2.nii.gz"),
        (MissingPrediction, "view2/case_4.nii.gz"),
    ]


def test_files_that_belong_to_no_case(tree: Path) -> None:
    expected = score(tree)
    for name in ("readme.txt", "case_1.png", "other_1.png", "mean.nii.gz"):
        put(tree / "axis2" / name, b"")
    found = score(tree)
    assert values(found) == values(expected)
    assert any(warning.startswith("4 files belong to no image of the split") for warning in found.warnings)


def hippocampi(tree: Path, shape: tuple[int, int, int] = (4, 3, 5)) -> tuple[Path, np.ndarray]:
    labels = np.random.default_rng(1).integers(0, 3, shape).astype(np.uint8)
    put(tree / "given/truth/a.nii.gz", nifti(labels, SPACING))
    return tree / "given", labels


def test_strays_are_refused_where_classes_are_given_also_when_outvoted(tree: Path) -> None:
    root, labels = hippocampi(tree)
    wrong = labels.copy()
    wrong[2, 1, 3] = 9
    put_slices(root / "slices", "{key}_{i}.png", "a", wrong, 2)
    for name, view in (("x", labels), ("y", wrong), ("z", labels)):
        put(root / f"views/{name}/a.nii.gz", nifti(view, SPACING))
    given = {"dataset": "msd-hippocampus", "truth": root / "truth"}
    with pytest.raises(StrayLabel, match="value 9 at row 2, column 1, 1 stray pixel") as caught:
        segbench.score(root / "slices", input="slices(axis=2)", **given)
    assert caught.value.file == str(root / "slices/a_3.png")
    with pytest.raises(StrayLabel, match="value 9 at slice 2, row 1, column 3") as caught:
        segbench.score(root / "views", input="fused(vote,3)", **given)
    assert caught.value.file == str(root / "views/y/a.nii.gz")
    put(root / "slices/a_3.png", png(labels[:, :, 3]))
    result = segbench.score(root / "slices", input="slices(axis=2)", **given)
    assert result.scores["mean_dice"].value == 1
    assert "|slices(axis=2)|" in result.scores["mean_dice"].signature


def test_a_class_for_each_probability(tree: Path) -> None:
    root, labels = hippocampi(tree)
    given = {"dataset": "msd-hippocampus", "truth": root / "truth", "input": "fused(mean,2)"}
    for n in (2, 3, 4):
        one_hot = (labels[..., None] == np.arange(n)).astype(np.float32)
        for view in "xy":
            put(root / f"means/{view}/a.nii.gz", nifti(one_hot, SPACING))
        if n == 3:
            assert segbench.score(root / "means", **given).scores["mean_dice"].value == 1
            continue
        with pytest.raises(UnreadableImage, match=f"{n} probabilities a voxel; expected 3, one for each class"):
            segbench.score(root / "means", **given)
    put(root / "means/x/a.nii.gz", nifti((labels[..., None] == np.arange(3)).astype(np.float32), SPACING))
    with pytest.raises(UnreadableImage, match="4 probabilities a voxel; expected 3 as the first view"):
        segbench.score(root / "means", **{**given, "dataset": "volumes"})


@pytest.mark.parametrize("input_", ["slices(axis=3)", "slices", "fused(vote,1)", "fused(mean,slices(axis=1))"])
def test_malformed_inputs(input_: str, run: CommandLine, tree: Path) -> None:
    for command in ("score", "check"):
        done = run(command, tree / "axis2", "--dataset", "volumes", "--truth", tree / "truth", "--input", input_)
        assert (done.code, len(done.err.splitlines())) == (2, 1)
        assert done.err.startswith("segbench: error[bad-parameter]: input ")


@pytest.mark.parametrize("dataset", ["voc", "drive", "isbi2012", "davis2016", "shapes"])
def test_slices_of_what_is_no_volume(dataset: str, run: CommandLine, tree: Path) -> None:
    done = run("score", tree / "axis2", "--dataset", dataset, "--truth", tree / "truth", "--input", "slices(axis=2)")
    assert done.code == 2
    assert "input=slices(axis=2)" in done.err and len(done.err.splitlines()) == 1
    with pytest.raises(BadParameter, match="input=trainids"):
        score(tree, input_="trainids")


def read(path: Path) -> tuple[np.ndarray, Any]:
    image = nibabel.load(path)
    return np.asarray(image.dataobj).astype(np.uint8), image


def restack(volumes: Path, target: Path, axis: int) -> None:
    for path in sorted(volumes.glob("*.nii.gz")):
        put_slices(target, "{key}/{i}.png", path.name.removesuffix(".nii.gz"), read(path)[0], axis)


@pytest.mark.parametrize("dataset", ["msd-hippocampus", "volumes"])
def test_real_hippocampi(dataset: str, real_data: Path, tmp_path: Path) -> None:
    """Truth of real cases, and as prediction the same with some labels changed and a border moved by a voxel."""
    labels = sorted((real_data / "msd-hippocampus/labels").glob("*.nii.gz"))[:4]
    if not labels:
        pytest.skip("no hippocampi")
    rng = np.random.default_rng(7)
    for path in labels:
        truth, image = read(path)
        spoilt = np.where(rng.random(truth.shape) < 0.02, rng.integers(0, 3, truth.shape), np.roll(truth, 1, 1))
        put(tmp_path / f"truth/{path.name}", path.read_bytes())
        put(tmp_path / f"volumes/{path.name}", nifti(spoilt.astype(np.uint8), affine=image.affine))
    asked = {"dataset": dataset, "truth": tmp_path / "truth"}
    expected = segbench.score(tmp_path / "volumes", **asked)
    for axis in range(3):
        restack(tmp_path / "volumes", tmp_path / f"views/{axis}", axis)
        found = segbench.score(tmp_path / f"views/{axis}", input=f"slices(axis={axis})", **asked)
        assert values(found) == values(expected)
    assert values(segbench.score(tmp_path / "views", input=AXES, **asked)) == values(expected)
    assert 0 < expected.scores["mean_dice"].value < 1


def test_a_real_spine(real_data: Path, tmp_path: Path) -> None:
    """The reference against the prediction, cut along the longest axis."""
    paths = {name: real_data / f"spine-3d/semantic/{name}.nii.gz" for name in ("ref", "pred")}
    if not all(path.exists() for path in paths.values()):
        pytest.skip("no spine")
    put(tmp_path / "truth/spine.nii.gz", paths["ref"].read_bytes())
    put(tmp_path / "volumes/spine.nii.gz", paths["pred"].read_bytes())
    restack(tmp_path / "volumes", tmp_path / "slices", 2)
    asked = {"dataset": "volumes", "truth": tmp_path / "truth", "metrics": ["hausdorff_distance(variant=pooled)"]}
    expected = segbench.score(tmp_path / "volumes", **asked)
    assert values(segbench.score(tmp_path / "slices", input="slices(axis=2)", **asked)) == values(expected)
