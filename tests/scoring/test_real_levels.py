"""Real probability maps: two networks and a second observer on retinas, and membranes whose truth is perturbed."""

from __future__ import annotations

import csv
import io
import math
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from sklearn import metrics as sklearn_metrics

from segbench.result import Result
from segbench.scoring.merging import merge
from segbench.scoring.score import score
from tests.conftest import CommandLine
from tests.datasets.pngs import png
from tests.oracles import isbi2012

Pixels = tuple[NDArray[np.bool_], NDArray[np.uint8]]
#: scikit-learn adds a rounded trapeze or step for each level: far less than 1e-13 in all, of numbers below 1.
ROUNDED = 1e-13
#: Predictions below the folder of real data.
SUBMISSIONS = ("drive-laddernet-preds/test", "drive-retina-unet-preds/test", "drive/test/manual2")
CHASE_KEYS = [f"Image_{child:02}{eye}" for child in range(1, 15) for eye in "LR"]


def picture(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def pixels(truth: Path, predictions: Path, masks: Path | None) -> Pixels:
    """What counts of all images, read without segbench: whether it is a vessel, and its level."""
    positive, levels = [], []
    for path in sorted(predictions.glob("*.png")):
        inside = picture(masks / path.name) > 0 if masks else np.ones(picture(path).shape, bool)
        positive.append(picture(truth / path.name)[inside] > 0)
        levels.append(picture(path)[inside])
    return np.concatenate(positive), np.concatenate(levels)


def hold(scores: Any, positive: NDArray[np.bool_], levels: NDArray[np.uint8], weights: Any = None) -> None:
    """Assert all scores of scikit-learn, those that divide two counts to the last bit."""
    called, by = levels >= 128, {"sample_weight": weights}
    assert scores["f1"] == sklearn_metrics.f1_score(positive, called, **by)
    assert scores["accuracy"] == sklearn_metrics.accuracy_score(positive, called, **by)
    assert scores["sensitivity"] == sklearn_metrics.recall_score(positive, called, **by)
    assert scores["specificity"] == sklearn_metrics.recall_score(positive, called, pos_label=False, **by)
    probabilities = levels / 255
    assert scores["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(positive, probabilities, **by), rel=ROUNDED)
    average = sklearn_metrics.average_precision_score(positive, probabilities, **by)
    assert scores["average_precision"] == pytest.approx(average, rel=ROUNDED)
    assert scores["mcc"] == pytest.approx(sklearn_metrics.matthews_corrcoef(positive, called, **by), rel=ROUNDED)


def hold_counts(scores: Any, positive: NDArray[np.bool_], levels: NDArray[np.uint8]) -> None:
    """Assert the same with each class and level once, weighted by its pixels, for which scikit-learn is fast."""
    pairs, counts = np.unique(256 * positive.astype(np.int32) + levels, return_counts=True)
    hold(scores, pairs >= 256, (pairs % 256).astype(np.uint8), counts)


def values(result: Result) -> dict[str, float]:
    return {key: score.value for key, score in result.scores.items()}


class TestDrive:
    @pytest.mark.parametrize("name", SUBMISSIONS)
    def test_scikit_learn_on_the_same_pixels(self, name: str, real_data: Path, run: CommandLine) -> None:
        where = ["--dataset", "drive", "--data-root", real_data / "drive", "--format", "json"]
        outcome = run("score", real_data / name, *where)
        assert (outcome.code, outcome.err, outcome.record["n_images"]) == (0, "", 20)
        test = real_data / "drive/test"
        positive, levels = pixels(test / "manual1", real_data / name, test / "mask")
        hold({key: score["value"] for key, score in outcome.scores.items()}, positive, levels)
        if name.endswith("manual2"):
            assert set(np.unique(levels).tolist()) == {0, 255}
            # A binary map has one corner on its curve.
            corner = (outcome.scores["sensitivity"]["value"] + outcome.scores["specificity"]["value"]) / 2
            assert outcome.scores["auc"]["value"] == pytest.approx(corner, rel=1e-15)

    def test_means_over_images_and_each_image(self, real_data: Path, tmp_path: Path) -> None:
        names = ["auc", "average_precision", "f1", "accuracy", "sensitivity", "specificity", "mcc"]
        by_image = [f"{name}(pool=image)" for name in names]
        predictions, root = real_data / SUBMISSIONS[0], real_data / "drive"
        table = tmp_path / "images.csv"
        result = score(predictions, dataset="drive", data_root=root, metrics=by_image, per_image=table)
        rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8"))))
        assert [row["image"] for row in rows] == [f"{i:02}" for i in range(1, 21)]
        for row in rows:
            name = f"{row['image']}.png"
            inside = picture(root / "test/mask" / name) > 0
            positive = picture(root / "test/manual1" / name)[inside] > 0
            hold_counts({key: float(row[key]) for key in names}, positive, picture(predictions / name)[inside])
        for name in names:
            mean = math.fsum(float(row[name]) for row in rows) / 20
            assert result.scores[f"{name}(pool=image)"].value == mean

    def test_whatever_way_it_comes_in(self, real_data: Path, tmp_path: Path) -> None:
        predictions, options = real_data / SUBMISSIONS[1], {"dataset": "drive", "data_root": real_data / "drive"}
        slices = {"first": [f"{i:02}" for i in range(1, 6)]}
        whole = score(predictions, state=tmp_path / "whole", slices=slices, **options)  # type: ignore[arg-type]
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
            for path in sorted(predictions.glob("*.png")):
                packed.write(path, f"results/{path.name}")
        with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tarred:
            tarred.add(predictions, "results")
        for archive in ("a.zip", "a.tar.gz"):
            for executor in ("threads", "processes"):
                found = score(
                    tmp_path / archive,
                    state=tmp_path / "state",
                    slices=slices,
                    executor=executor,
                    **options,  # type: ignore[arg-type]
                )
                assert found == whole
                assert (tmp_path / "state").read_bytes() == (tmp_path / "whole").read_bytes()
        parts = [tmp_path / f"{i}" for i in (1, 2, 3)]
        for i, path in enumerate(parts, 1):
            score(predictions, shard=f"{i}/3", state=path, **options)  # type: ignore[arg-type]
        assert merge(parts, state=tmp_path / "merged").scores == whole.scores
        assert (tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()
        # The state alone holds what every score needs.
        assert merge([tmp_path / "whole"]).scores == whole.scores
        chosen = tmp_path / "first"
        for name in slices["first"]:
            put(chosen / f"{name}.png", (predictions / f"{name}.png").read_bytes())
        test = real_data / "drive/test"
        part = {key: score.value for key, score in whole.slices["first"].scores.items()}
        hold_counts(part, *pixels(test / "manual1", chosen, test / "mask"))

    def test_a_missing_map_is_level_zero(self, real_data: Path, tmp_path: Path) -> None:
        predictions = Path(shutil.copytree(real_data / SUBMISSIONS[0], tmp_path / "predictions"))
        (predictions / "07.png").unlink()
        root = real_data / "drive"
        missed = score(predictions, dataset="drive", data_root=root, missing="miss")
        (predictions / "07.png").write_bytes(png(np.zeros((584, 565), np.uint8)))
        hold_counts(values(missed), *pixels(root / "test/manual1", predictions, root / "test/mask"))
        assert missed.warnings == ("1 of 20 images has no prediction and counts as missed",)

    def test_the_truth_by_path_counts_every_pixel(self, real_data: Path) -> None:
        test = real_data / "drive/test"
        result = score(real_data / SUBMISSIONS[0], dataset="drive", truth=test / "manual1")
        hold_counts(values(result), *pixels(test / "manual1", real_data / SUBMISSIONS[0], None))
        # The black border is easily told from vessels.
        masked = score(real_data / SUBMISSIONS[0], dataset="drive", data_root=real_data / "drive")
        assert result.scores["specificity"].value > masked.scores["specificity"].value

    def test_the_training_images_are_another_split(self, real_data: Path) -> None:
        truth = real_data / "drive/train/manual1"
        result = score(truth, dataset="drive", data_root=real_data / "drive", split="train")
        assert (result.n_images, result.warnings) == (20, ())
        assert set(values(result).values()) == {1.0}


class TestChase:
    @pytest.mark.parametrize(("split", "first"), [("all", 0), ("test8", 20), ("test14", 14)])
    def test_the_second_observer_against_the_first(
        self, split: str, first: int, real_data: Path, tmp_path: Path
    ) -> None:
        root = real_data / "chasedb"
        result = score(root / "manual2", dataset="chasedb", data_root=root, split=split)
        chosen = tmp_path / "chosen"
        for key in CHASE_KEYS[first:]:
            put(chosen / f"{key}.png", (root / f"manual2/{key}.png").read_bytes())
        hold_counts(values(result), *pixels(root / "manual1", chosen, root / "mask"))
        assert result.n_images == len(CHASE_KEYS) - first
        # Beside a split the images of the others are left over.
        assert len(result.warnings) == (first > 0)

    def test_the_official_flat_folder_has_no_masks(self, real_data: Path, tmp_path: Path) -> None:
        root, flat = real_data / "chasedb", tmp_path / "CHASEDB1"
        for key in CHASE_KEYS:
            for observer, name in (("manual1", "1stHO"), ("manual2", "2ndHO")):
                put(flat / f"{key}_{name}.png", (root / observer / f"{key}.png").read_bytes())
        result = score(flat, dataset="chasedb", data_root=tmp_path)
        hold_counts(values(result), *pixels(root / "manual1", root / "manual2", None))
        masked = score(root / "manual2", dataset="chasedb", data_root=root)
        assert result.provenance.truth != masked.provenance.truth
        assert result.scores["auc"].signature != masked.scores["auc"].signature


class TestMembranes:
    """There is no prediction of the training slices, so their truth is perturbed from a seed."""

    def perturbed(self, truth: NDArray[np.uint8], seed: int) -> NDArray[np.float32]:
        """Return probabilities of inside: the truth with gaps in membranes, new membranes, and noise."""
        rng = np.random.default_rng(seed)
        inside = (truth > 0).astype(np.float64)
        size = len(truth)
        for _ in range(size // 8):
            row, column = rng.integers(0, size, 2)
            inside[row : row + 8, column : column + 8] = 1.0
        for _ in range(size // 100):
            inside[rng.integers(0, size), rng.integers(0, size // 2) :] = 0.0
        return np.clip(0.15 + 0.6 * inside + rng.uniform(-0.2, 0.25, truth.shape), 0, 1).astype(np.float32)

    def test_slices_stack_and_reference(self, real_data: Path, tmp_path: Path, run: CommandLine) -> None:
        labels = real_data / "isbi2012-membrane/train/label"
        truth = np.stack([picture(labels / f"{i}.png")[:160, :160] for i in range(3)])
        prediction = np.stack([self.perturbed(one, seed) for seed, one in enumerate(truth)])
        expected = isbi2012.evaluate(truth, prediction)
        assert 0.3 < expected["v_rand"] < 1 and 0.3 < expected["v_info"] < 1
        for i, (one, other) in enumerate(zip(truth, prediction, strict=True)):
            put(tmp_path / f"data/train/label/{i}.png", png(one))
            put(tmp_path / f"slices/{i}.tif", tiff(other))
        put(tmp_path / "data/train-labels.tif", tiff(truth))
        put(tmp_path / "stack/train-volume.tif", tiff(prediction))
        for name, split in (("slices", "train"), ("stack", "stack")):
            where = ["--dataset", "isbi2012", "--data-root", tmp_path / "data", "--format", "json", "--split", split]
            outcome = run("score", tmp_path / name, *where)
            assert outcome.code == 0
            for key in ("v_rand", "v_info"):
                # Three numbers below 1 are added and divided there with a rounding each, here with one in all.
                assert abs(outcome.scores[key]["value"] - expected[key]) <= 4 * 2.0**-53  # type: ignore[literal-required]

    def test_all_thirty_slices(self, real_data: Path, tmp_path: Path) -> None:
        root = real_data / "isbi2012-membrane"
        right = score(root / "train/label", dataset="isbi2012", data_root=root)
        assert (right.n_images, right.warnings, set(values(right).values())) == (30, (), {1.0})
        for seed, path in enumerate(sorted((root / "train/label").glob("*.png"))):
            put(tmp_path / "predictions" / path.name, png(np.round(255 * self.perturbed(picture(path), seed))))
        options: dict[str, Any] = {"dataset": "isbi2012", "data_root": root}
        whole = score(tmp_path / "predictions", state=tmp_path / "whole", **options)
        assert all(0.2 < value < 1 for value in values(whole).values())
        parts = [tmp_path / f"{i}" for i in (1, 2)]
        for i, path in enumerate(parts, 1):
            score(tmp_path / "predictions", shard=f"{i}/2", state=path, executor="processes", **options)
        assert merge(parts, state=tmp_path / "merged").scores == whole.scores
        assert (tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()

    def test_the_maps_of_a_network_have_no_truth(self, real_data: Path, run: CommandLine) -> None:
        """Those of the test slices are numbered alike, but smaller: they cannot be scored by mistake."""
        root = real_data / "isbi2012-membrane"
        outcome = run(
            "score", root / "test/pred_unet", "--dataset", "isbi2012", "--data-root", root, "--format", "json"
        )
        assert (outcome.code, set(outcome.codes)) == (3, {"shape-mismatch"})


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def tiff(values: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="minisblack", compression="zlib")
    return file.getvalue()
