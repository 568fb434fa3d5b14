"""Folder, archive, shards and slices: whatever way the work is cut, the result has the same bytes."""

from __future__ import annotations

import json
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import segbench
from segbench.datasets import shapes
from segbench.datasets.pillow import write_label_png
from segbench.datasets.truth import TruthSet, open_truth
from segbench.errors import BadParameter, DatasetError, DuplicatePrediction, Refusal
from segbench.scoring.reading import nearest
from tests.datasets.pngs import png
from tests.oracles import cityscapes
from tests.oracles.test_cityscapes_official import random_scene

N = 12
GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(scope="module")
def submission(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A dozen images of `shapes` as truth, and predictions that are wrong in every fifth row."""
    folder = tmp_path_factory.mktemp("ways")
    truth, predictions = folder / "truth", folder / "results/VOC2012/Segmentation/comp5_test_cls"
    truth.mkdir()
    predictions.mkdir(parents=True)
    for i in range(N):
        scene = shapes.scene("test", i)
        labels = np.where(scene.classes == shapes.VOID, 0, scene.classes).astype(np.uint8)
        labels[::5] = (labels[::5] + 1) % len(shapes.CLASSES)
        write_label_png(truth / f"{scene.key}.png", scene.classes, shapes.palette())
        write_label_png(predictions / f"{scene.key}.png", labels, shapes.palette())
    return truth, predictions


def text(result: segbench.Result) -> str:
    return json.dumps(result.as_record(), sort_keys=True)


def archives(predictions: Path, folder: Path) -> list[Path]:
    """Pack the official tree, the bare files, and each kind of archive."""
    root = next(parent for parent in predictions.parents if parent.name == "results")
    paths = [folder / name for name in ("a.zip", "b.tar", "c.tar.gz", "d.tgz", "e.tar.xz")]
    with zipfile.ZipFile(paths[0], "w", zipfile.ZIP_DEFLATED) as archive:
        for file in predictions.iterdir():
            archive.write(file, file.name)
    for path, mode in zip(paths[1:], ("w", "w:gz", "w:gz", "w:xz"), strict=True):
        with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
            archive.add(root, "results")
    return paths


def test_archives_score_as_the_folder(submission: tuple[Path, Path], tmp_path: Path) -> None:
    truth, predictions = submission
    expected = segbench.score(predictions, dataset="shapes", truth=truth, state=tmp_path / "folder")
    for path in archives(predictions, tmp_path):
        for executor in ("threads", "processes"):
            if executor == "processes" and path.suffix not in (".zip", ".tgz"):
                continue
            state = tmp_path / f"{path.name}.state"
            found = segbench.score(
                path,
                dataset="shapes",
                truth=truth,
                executor=executor,  # type: ignore[arg-type]
                workers=2,
                state=state,
            )
            assert text(found) == text(expected), (path.name, executor)
            assert state.read_bytes() == (tmp_path / "folder").read_bytes()


@pytest.mark.parametrize("n", [1, 2, 5, N])
def test_shards_merge_to_the_whole(submission: tuple[Path, Path], tmp_path: Path, n: int) -> None:
    truth, predictions = submission
    metrics = ["mean_iou(pool=image)"]
    whole = segbench.score(predictions, dataset="shapes", truth=truth, metrics=metrics, state=tmp_path / "whole")
    paths = []
    for i in range(n, 0, -1):
        paths.append(tmp_path / f"{i}")
        shard = f"{i}/{n}"
        part = segbench.score(predictions, dataset="shapes", truth=truth, metrics=metrics, shard=shard, state=paths[-1])
        assert f"|shard:{shard}|" in part.scores["mean_iou"].signature
        assert not part.warnings, "the images of other shards are not strangers"
    merged = segbench.merge(paths, state=tmp_path / "merged")
    assert text(merged) == text(whole)
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("dataset", ["shapes", "cityscapes", "drive"])
def test_a_shard_of_void_alone_is_no_fault_but_a_whole_of_it_is(tmp_path: Path, dataset: str) -> None:
    golden = Path(shutil.copytree(GOLDEN / dataset, tmp_path / "golden"))
    asked: dict[str, Any] = {"dataset": dataset, "data_root": golden / "data"}
    truth = open_truth(segbench.load_protocol(dataset), data_root=golden / "data")
    first, *others = truth.keys
    parts = [tmp_path / f"{i}.state" for i in range(1 + len(others))]

    def warned() -> list[bool]:
        texts = ["no pixel of the truth has a class in this part of the images"]
        results = [
            segbench.score(golden / "predictions", shard=f"{i}/{len(parts)}", state=path, **asked)
            for i, path in enumerate(parts, 1)
        ]
        return [set(texts) <= set(result.warnings) for result in results]

    empty(truth, first)
    # The second image is not void; the third of some golden folders is.
    assert warned()[:2] == [True, False]
    whole = segbench.score(golden / "predictions", **asked)
    assert text(segbench.merge(parts)) == text(whole)
    assert not [warning for warning in whole.warnings if "no pixel" in warning]
    for key in others:
        empty(truth, key)
    assert all(warned())
    with pytest.raises(DatasetError, match="no pixel of the truth has a class"):
        segbench.merge(parts, state=tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    with pytest.raises(DatasetError, match="no pixel of the truth has a class"):
        segbench.score(golden / "predictions", **asked)


def empty(truth: TruthSet, key: str) -> None:
    """Make the truth of an image void everywhere: by its mask where it has one."""
    file = Path(truth.file(truth.layout.mask or truth.layout.truth, key))
    void = 0 if truth.layout.mask else truth.protocol.space.void_truth[0]
    file.write_bytes(png(np.full(np.asarray(Image.open(file)).shape, void)))


def test_what_is_not_all_shards_of_one_run_is_refused(submission: tuple[Path, Path], tmp_path: Path) -> None:
    truth, predictions = submission
    one, other = tmp_path / "one", tmp_path / "other"
    segbench.score(predictions, dataset="shapes", truth=truth, shard="1/2", state=one)
    segbench.score(predictions, dataset="shapes", truth=truth, shard="2/2", missing="miss", state=other)
    with pytest.raises(BadParameter, match="the shards 1/2; expected each of 1/2, 2/2 once"):
        segbench.merge([one])
    with pytest.raises(BadParameter, match="once"):
        segbench.merge([one, one])
    with pytest.raises(BadParameter, match="differ in missing"):
        segbench.merge([one, other])
    segbench.score(predictions, dataset="shapes", truth=truth, shard="2/2", state=other)
    one.write_bytes(one.read_bytes()[:-20])
    with pytest.raises(DatasetError, match="cut"):
        segbench.merge([one, other])
    for shard in ("0/2", "3/2", "x", "1/0", f"{N + 1}/{N + 1}"):
        with pytest.raises(BadParameter, match="shard"):
            segbench.score(predictions, dataset="shapes", truth=truth, shard=shard)


def test_a_shard_answers_for_its_own_images_only(submission: tuple[Path, Path], tmp_path: Path) -> None:
    truth, predictions = submission
    part = tmp_path / "part"
    part.mkdir()
    for i in range(0, N, 2):
        name = f"{shapes.scene('test', i).key}.png"
        (part / name).write_bytes((predictions / name).read_bytes())
    assert segbench.score(part, dataset="shapes", truth=truth, shard="1/2").n_images == N // 2
    with pytest.raises(Refusal) as caught:
        segbench.score(part, dataset="shapes", truth=truth, shard="2/2")
    assert len(caught.value.faults) == N // 2


def test_a_slice_scores_as_its_images_alone(submission: tuple[Path, Path], tmp_path: Path) -> None:
    truth, predictions = submission
    keys = [shapes.scene("test", i).key for i in (3, 4, 8)]
    result = segbench.score(predictions, dataset="shapes", truth=truth, slices={"odd-ones": keys})
    alone = tmp_path / "truth"
    alone.mkdir()
    for key in keys:
        (alone / f"{key}.png").write_bytes((truth / f"{key}.png").read_bytes())
    expected = segbench.score(predictions, dataset="shapes", truth=alone)
    part = result.slices["odd-ones"]
    assert part.n_images == len(keys)
    for key, score in part.scores.items():
        assert (score.value, score.per_class) == (expected.scores[key].value, expected.scores[key].per_class)
        assert score.signature == expected.scores[key].signature.replace("|-|-|error", "|odd-ones|-|error")
    for slices in ({"a b": keys}, {"-": keys}, {"x": []}, {"x": ["nobody"]}):
        with pytest.raises(BadParameter, match="slice"):
            segbench.score(predictions, dataset="shapes", truth=truth, slices=slices)


def test_per_image_scores_are_those_of_each_image(submission: tuple[Path, Path], tmp_path: Path) -> None:
    truth, predictions = submission
    for suffix in (".csv", ".jsonl"):
        segbench.score(predictions, dataset="shapes", truth=truth, per_image=tmp_path / f"images{suffix}")
    lines = [json.loads(line) for line in (tmp_path / "images.jsonl").read_text().splitlines()]
    title, *rows = (line.split(",") for line in (tmp_path / "images.csv").read_text().splitlines())
    assert title[:2] == ["image", "mean_iou"]
    for row, line in zip(rows, lines, strict=True):
        assert row[0] == line["key"][0]
        single = {"only": [row[0]]}
        part = segbench.score(predictions, dataset="shapes", truth=truth, slices=single).slices["only"]
        assert [float(cell) for cell in row[1:]] == [score.value for score in part.scores.values()]
        assert {key: s["value"] for key, s in line["scores"].items()} == {k: s.value for k, s in part.scores.items()}


def test_other_sizes_are_resized_only_when_asked(submission: tuple[Path, Path], tmp_path: Path) -> None:
    truth, predictions = submission
    halves = tmp_path / "halves"
    halves.mkdir()
    for file in predictions.iterdir():
        labels = np.asarray(Image.open(file))
        write_label_png(halves / file.name, labels[::2, ::2].copy(), shapes.palette())
    with pytest.raises(Refusal):
        segbench.score(halves, dataset="shapes", truth=truth)
    result = segbench.score(halves, dataset="shapes", truth=truth, resize="nearest")
    assert "|-|nearest|error|" in result.scores["mean_iou"].signature
    assert f"{N} predictions were resized to their truth" in result.warnings


def test_nearest_takes_the_pixel_at_the_centre() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        labels = rng.integers(0, 21, rng.integers(1, 40, 2)).astype(np.uint8)
        shape = tuple(int(n) for n in rng.integers(1, 40, 2))
        # The centre of pixel i of n lies at (i + ½)·m/n of m pixels.
        for (row, column), value in np.ndenumerate(nearest(labels, shape)):
            y, x = ((2 * i + 1) * m // (2 * n) for i, m, n in zip((row, column), labels.shape, shape, strict=True))
            assert value == labels[y, x]
    assert np.array_equal(nearest(labels, labels.shape), labels)


def write_city(folder: Path, rng: np.random.Generator) -> tuple[list[np.ndarray], ...]:
    """Write a Cityscapes tree of six images and predictions in odd folders; return truths, predictions, instances."""
    layers: tuple[list[np.ndarray], ...] = ([], [], [])
    for city in ("aachen", "ulm"):
        (folder / f"gtFine/val/{city}").mkdir(parents=True)
        for i in range(3):
            scene = random_scene(rng)
            for layer, values in zip(layers, scene, strict=True):
                layer.append(values)
            stem = f"{city}_{i:06}_000019"
            base = folder / f"gtFine/val/{city}/{stem}_gtFine"
            Image.fromarray(scene[0]).save(f"{base}_labelIds.png")
            Image.fromarray(scene[0]).save(f"{base}_color.png")
            Image.fromarray(scene[2].astype(np.uint16)).save(f"{base}_instanceIds.png")
            (folder / f"predictions/{i}").mkdir(parents=True, exist_ok=True)
            Image.fromarray(scene[1]).save(folder / f"predictions/{i}/{stem}_leftImg8bit.png")
    return layers


@pytest.mark.parametrize("by_path", [False, True])
def test_a_cityscapes_tree(tmp_path: Path, by_path: bool) -> None:
    expected = cityscapes.evaluate(*write_city(tmp_path, np.random.default_rng(0)))
    where = {"truth": tmp_path / "gtFine/val"} if by_path else {"data_root": tmp_path}
    with zipfile.ZipFile(tmp_path / "upload.zip", "w") as archive:
        for file in (tmp_path / "predictions").rglob("*.png"):
            archive.write(file, file.name)
    for predictions in (tmp_path / "predictions", tmp_path / "upload.zip"):
        scores = segbench.score(predictions, dataset="cityscapes", **where).scores  # type: ignore[arg-type]
        means = [scores[key].value for key in ("mean_iou", "mean_iiou", "category_iou", "category_iiou")]
        kinds = ("class_iou", "class_iiou", "category_iou", "category_iiou")
        assert means == pytest.approx([expected[f"mean_{kind}"] for kind in kinds], rel=1e-14)  # type: ignore[literal-required]


def test_two_predictions_of_one_street_are_refused(tmp_path: Path) -> None:
    write_city(tmp_path, np.random.default_rng(1))
    first = tmp_path / "predictions/0/aachen_000000_000019_leftImg8bit.png"
    (tmp_path / "predictions/aachen_000000_000019.png").write_bytes(first.read_bytes())
    with pytest.raises(DuplicatePrediction):
        segbench.score(tmp_path / "predictions", dataset="cityscapes", data_root=tmp_path)


def test_train_ids_are_an_explicit_choice(tmp_path: Path) -> None:
    write_city(tmp_path, np.random.default_rng(2))
    protocol = segbench.load_protocol("cityscapes")
    of_id = {value: train for train, value in protocol.train_ids.items()}
    expected = {}
    for file in (tmp_path / "predictions").rglob("*.png"):
        labels = np.asarray(Image.open(file))
        trained = np.vectorize(lambda value: of_id.get(value, 255))(labels).astype(np.uint8)
        expected[file] = np.where(np.isin(labels, list(of_id)), labels, 0).astype(np.uint8)
        Image.fromarray(trained).save(file)
    found = segbench.score(tmp_path / "predictions", dataset="cityscapes", data_root=tmp_path, input="trainids")
    assert "|trainids|" in found.scores["mean_iou"].signature
    for file, labels in expected.items():
        Image.fromarray(labels).save(file)
    plain = segbench.score(tmp_path / "predictions", dataset="cityscapes", data_root=tmp_path)
    assert {k: s.value for k, s in found.scores.items()} == {k: s.value for k, s in plain.scores.items()}
    with pytest.raises(BadParameter, match="input=trainids"):
        segbench.score(tmp_path, dataset="voc", truth=tmp_path, input="trainids")


def test_an_instance_of_an_unknown_class_is_told_as_its_file_holds_it(tmp_path: Path) -> None:
    write_city(tmp_path, np.random.default_rng(3))
    file = tmp_path / "gtFine/val/ulm/ulm_000001_000019_gtFine_instanceIds.png"
    instances = np.asarray(Image.open(file)).copy()
    instances[1, 2:4] = 34001
    Image.fromarray(instances).save(file)
    with pytest.raises(DatasetError) as caught:
        segbench.score(tmp_path / "predictions", dataset="cityscapes", data_root=tmp_path)
    assert caught.value.found == "instance id 34001 at row 1, column 2"
    assert caught.value.expected == "class id × 1000 + number, of a class that has instances"
    assert (caught.value.file, caught.value.pixel, caught.value.count) == (str(file), (1, 2), 2)


def test_a_missing_instance_map_is_a_fault_of_the_data_set(tmp_path: Path) -> None:
    write_city(tmp_path, np.random.default_rng(3))
    lost = tmp_path / "gtFine/val/ulm/ulm_000001_000019_gtFine_instanceIds.png"
    lost.unlink()
    with pytest.raises(DatasetError) as caught:
        segbench.score(tmp_path / "predictions", dataset="cityscapes", data_root=tmp_path)
    assert caught.value.file == str(lost)
