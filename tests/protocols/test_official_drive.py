"""DRIVE as segbench scores it against a plain reference, and what its folders, masks and maps may be."""

from __future__ import annotations

import math
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import segbench
from segbench.errors import DatasetError, MissingPrediction, ShapeMismatch, UnreadableImage
from segbench.protocols.load import load_protocol
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.datasets.gifs import gif
from tests.datasets.pngs import GREY_ALPHA, PALETTE, RGB, png
from tests.oracles import vessels

Map = NDArray[np.uint8]
PROTOCOL = load_protocol("drive")
BY_IMAGE = [f"{key}(pool=image)" for key in vessels.KEYS]
PLAN = Plan.of(PROTOCOL, BY_IMAGE)
N_LISTS, N_SHARDS = 600, 4
#: scikit-learn adds rounded trapezes and steps, and the reference multiplies rounded roots.
ROUNDED = 1e-14
GOLDEN = Path(__file__).parent.parent / "golden/drive"


def random_image(rng: np.random.Generator) -> tuple[Map, Map, Map]:
    """Truth, levels and mask: vessels are rare or missing, levels tie, and outside everything is bright."""
    shape = tuple(rng.integers(33, 48, 2) if rng.random() < 0.85 else rng.integers(1, 33, 2))
    truth = (rng.random(shape) < rng.choice([0.0, 0.1, 0.4])) * rng.choice([1, 255])
    known = np.sort(rng.choice(256, int(rng.choice([1, 2, 9, 200])), replace=False))
    if rng.random() < 0.3:
        known = np.array([0, 127, 128, 255])
    rank = 0.6 * rng.random(shape) + 0.4 * (truth > 0)
    levels = known[(rank * len(known)).astype(int).clip(0, len(known) - 1)]
    mask = (rng.random(shape) < rng.choice([0.3, 0.8, 1.0])) * rng.choice([1, 255])
    levels = np.where(mask > 0, levels, np.where(rng.random(shape) < 0.5, 255, levels))
    return truth.astype(np.uint8), levels.astype(np.uint8), mask.astype(np.uint8)


def random_list(seed: int) -> tuple[list[Map], list[Map], list[Map]]:
    rng = np.random.default_rng(seed)
    truths, levels, masks = zip(*(random_image(rng) for _ in range(int(rng.integers(1, 4)))), strict=True)
    return list(truths), list(levels), list(masks)


def values(truths: list[Map], levels: list[Map], masks: list[Map]) -> dict[str, float]:
    states = PLAN.start()
    for i, (truth, level, mask) in enumerate(zip(truths, levels, masks, strict=True)):
        labels = np.where(mask > 0, truth > 0, 255).astype(np.uint8)
        PLAN.count_one(states, Sample((str(i),), labels, level))
    return {key: metric.compute(states[metric.family], PLAN.space).value for key, metric in PLAN.metrics.items()}


def close(found: float, expected: float) -> bool:
    both = math.isnan(found) and math.isnan(expected)
    return both or math.isclose(found, expected, rel_tol=ROUNDED, abs_tol=ROUNDED)


def test_what_is_scored() -> None:
    assert list(PLAN.metrics) == [*vessels.KEYS, *BY_IMAGE]
    assert (PROTOCOL.primary, PROTOCOL.default_split, PROTOCOL.splits["test"]) == ("auc", "test", 20)


@pytest.mark.parametrize("shard", range(N_SHARDS))
def test_random_lists_score_as_the_reference(shard: int) -> None:
    n_large = n_undefined = n_outside = n_tied = 0
    for seed in range(shard * N_LISTS // N_SHARDS, (shard + 1) * N_LISTS // N_SHARDS):
        truths, levels, masks = random_list(seed)
        if not any(mask.any() for mask in masks):
            continue
        found = values(truths, levels, masks)
        for pool, suffix in (("dataset", ""), ("image", "(pool=image)")):
            expected = vessels.evaluate(truths, levels, masks, pool)  # type: ignore[arg-type]
            for key in vessels.KEYS:
                assert close(found[key + suffix], expected[key]), f"seed {seed}, {key}{suffix}"
        n_large += min(min(truth.shape) for truth in truths) > 32
        n_undefined += math.isnan(found["auc"])
        everywhere = [np.ones_like(mask) for mask in masks]
        n_outside += not close(values(truths, levels, everywhere)["auc"], found["auc"])
        n_tied += any(len(np.unique(level)) < 3 for level in levels)
    n = N_LISTS // N_SHARDS
    # `outside`: the mask decides the score.
    assert n_large > n / 2 and n_outside > n / 2 and n_undefined > n / 50 and n_tied > n / 4


# Files, in the official layout and as plain folders.


def write_official(root: Path, images: dict[str, tuple[Map, Map, Map]], split: str = "test") -> None:
    folder = root / ("training" if split == "train" else "test")
    for key, (truth, _, mask) in images.items():
        put(folder / f"1st_manual/{key}_manual1.gif", gif(truth))
        put(folder / f"mask/{key}_{folder.name}_mask.gif", gif(mask))


def write_plain(root: Path, images: dict[str, tuple[Map, Map, Map]], split: str = "test") -> None:
    for key, (truth, _, mask) in images.items():
        put(root / f"{split}/manual1/{key}.png", png(truth))
        put(root / f"{split}/mask/{key}.png", png(mask))


def write_levels(folder: Path, images: dict[str, tuple[Map, Map, Map]], name: str = "{}.png") -> Path:
    for key, (_, levels, _) in images.items():
        put(folder / name.format(key), png(levels))
    return folder


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def some_images(seed: int = 3, n: int = 4) -> dict[str, tuple[Map, Map, Map]]:
    rng = np.random.default_rng(seed)
    return {f"{i + 1:02}": random_image(rng) for i in range(n)}


def lists(images: dict[str, tuple[Map, Map, Map]]) -> tuple[list[Map], list[Map], list[Map]]:
    truths, levels, masks = zip(*images.values(), strict=True)
    return list(truths), list(levels), list(masks)


def numbers(result: segbench.Result) -> dict[str, float]:
    return {key: score.value for key, score in result.scores.items()}


@pytest.mark.parametrize("write", [write_official, write_plain])
@pytest.mark.parametrize("below", [".", "DRIVE"])
def test_both_layouts_score_as_the_reference(write: Any, below: str, tmp_path: Path) -> None:
    images = some_images()
    write(tmp_path / "data" / below, images)
    predictions = write_levels(tmp_path / "predictions", images)
    result = segbench.score(predictions, dataset="drive", data_root=tmp_path / "data", metrics=BY_IMAGE)
    found = numbers(result)
    for pool, suffix in (("dataset", ""), ("image", "(pool=image)")):
        expected = vessels.evaluate(*lists(images), pool)  # type: ignore[arg-type]
        assert all(close(found[key + suffix], expected[key]) for key in vessels.KEYS)
    assert result.warnings == ("4 images scored, the official test split has 20",)


@pytest.mark.parametrize(("split", "word"), [("test", "test"), ("train", "training")])
def test_predictions_may_be_named_as_the_official_images(split: str, word: str, tmp_path: Path) -> None:
    images = some_images()
    write_official(tmp_path / "data", images, split)
    write_plain(tmp_path / "plain", images, split)
    named = write_levels(tmp_path / "named", images, f"{{}}_{word}.png")
    plain = write_levels(tmp_path / "keys", images)
    results = [
        segbench.score(predictions, dataset="drive", data_root=root, split=split)
        for predictions, root in (
            (named, tmp_path / "data"),
            (plain, tmp_path / "data"),
            (plain, tmp_path / "plain"),
        )
    ]
    assert results[0].as_record() == results[1].as_record() == results[2].as_record()


def test_a_binary_map_and_its_bits(tmp_path: Path) -> None:
    images = {key: (t, (255 * (v > 100)).astype(np.uint8), m) for key, (t, v, m) in some_images().items()}
    write_plain(tmp_path / "data", images)
    bytes_of = write_levels(tmp_path / "bytes", images)
    for key, (_, levels, _) in images.items():
        put(tmp_path / f"bits/{key}.png", png(levels // 255, depth=1))
    one, other = (
        segbench.score(predictions, dataset="drive", data_root=tmp_path / "data")
        for predictions in (bytes_of, tmp_path / "bits")
    )
    assert numbers(one) == numbers(other)


def test_16_bits_are_cut_to_the_high_byte(tmp_path: Path) -> None:
    images = some_images()
    write_plain(tmp_path / "data", images)
    plain = write_levels(tmp_path / "plain", images)
    low = np.random.default_rng(0)
    for key, (_, levels, _) in images.items():
        put(tmp_path / f"deep/{key}.png", png(256 * levels.astype(int) + low.integers(0, 256, levels.shape), depth=16))
    one, other = (
        segbench.score(predictions, dataset="drive", data_root=tmp_path / "data")
        for predictions in (plain, tmp_path / "deep")
    )
    assert numbers(one) == numbers(other)


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """A copy of the golden folder that may be spoilt."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "golden"))


def score(golden: Path, **options: Any) -> segbench.Result:
    return segbench.score(golden / "predictions", dataset="drive", data_root=golden / "data", **options)


@pytest.mark.parametrize(
    ("kind", "shape", "found"),
    [
        (RGB, (2, 4, 3), "an RGB image"),
        (PALETTE, (2, 4), "a palette image, whose index is no probability"),
        (GREY_ALPHA, (2, 4, 2), "grey with alpha"),
    ],
)
def test_a_map_that_is_not_grey_is_refused(golden: Path, kind: int, shape: tuple[int, ...], found: str) -> None:
    path = golden / "predictions/02.png"
    path.write_bytes(png(np.zeros(shape, np.uint8), kind=kind))
    with pytest.raises(UnreadableImage, match=found) as caught:
        score(golden)
    assert caught.value.file == str(path)
    if kind != GREY_ALPHA:
        assert caught.value.mend == "save round(255·p) as an 8-bit grey PNG"


@pytest.mark.parametrize("write", [write_official, write_plain])
def test_a_map_of_another_size_is_refused_or_resized(write: Any, tmp_path: Path) -> None:
    images = some_images()
    write(tmp_path / "data", images)
    predictions = write_levels(tmp_path / "predictions", images)
    options: dict[str, Any] = {"dataset": "drive", "data_root": tmp_path / "data"}
    before = numbers(segbench.score(predictions, **options))
    path, levels = predictions / "02.png", images["02"][1]
    rows, columns = levels.shape
    path.write_bytes(png(levels.repeat(3, axis=0).repeat(3, axis=1)))
    with pytest.raises(ShapeMismatch, match=f"{3 * rows}×{3 * columns} pixels") as caught:
        segbench.score(predictions, **options)
    assert f"{rows}×{columns}" in caught.value.expected
    assert caught.value.file == str(path)
    resized = segbench.score(predictions, resize="nearest", **options)
    assert numbers(resized) == before
    assert "1 prediction was resized to its truth" in resized.warnings


def test_a_missing_mask_is_a_fault_of_the_data_set(golden: Path) -> None:
    path = golden / "data/test/mask/02_test_mask.gif"
    path.unlink()
    with pytest.raises(DatasetError, match="cannot be opened") as caught:
        score(golden)
    assert caught.value.file == str(path)


def test_a_mask_of_another_size_is_a_fault_of_the_data_set(golden: Path) -> None:
    path = golden / "data/test/mask/02_test_mask.gif"
    path.write_bytes(gif(np.ones((4, 2), np.uint8)))
    with pytest.raises(DatasetError, match="a mask of 4×2 pixels") as caught:
        score(golden)
    assert (caught.value.expected, caught.value.file) == ("2×4 as the truth", str(path))


def test_masks_without_a_pixel_leave_nothing_to_count(golden: Path) -> None:
    for path in (golden / "data/test/mask").iterdir():
        path.write_bytes(gif(np.zeros((2, 4), np.uint8)))
    with pytest.raises(DatasetError, match="no pixel of the truth has a class"):
        score(golden)


def test_a_missing_map_is_refused_or_level_zero(golden: Path, tmp_path: Path) -> None:
    (golden / "predictions/01.png").unlink()
    with pytest.raises(MissingPrediction) as caught:
        score(golden)
    assert caught.value.expected == "01.png or 01_test.png"
    missed = score(golden, missing="miss")
    (golden / "predictions/01.png").write_bytes(png(np.zeros((2, 4), np.uint8)))
    black = score(golden)
    assert numbers(missed) == numbers(black)
    assert missed.provenance.truth == black.provenance.truth
    assert "1 of 3 images has no prediction and counts as missed" in missed.warnings
    assert "|miss|" in missed.scores["auc"].signature


def test_the_truth_by_path_counts_every_pixel(tmp_path: Path) -> None:
    """No mask belongs to a plain tree of truth files."""
    images = some_images()
    write_plain(tmp_path / "data", images)
    predictions = write_levels(tmp_path / "predictions", images)
    result = segbench.score(predictions, dataset="drive", truth=tmp_path / "data/test/manual1")
    truths, levels, masks = lists(images)
    expected = vessels.evaluate(truths, levels, [np.ones_like(mask) for mask in masks])
    assert all(close(result.scores[key].value, expected[key]) for key in vessels.KEYS)
    assert not close(expected["auc"], vessels.evaluate(truths, levels, masks)["auc"])


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_archive_shards_slices_and_state_agree(golden: Path, tmp_path: Path, executor: Any) -> None:
    whole = score(golden, state=tmp_path / "whole", metrics=BY_IMAGE, slices={"first": ["01"]}, executor=executor)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in (golden / "predictions").iterdir():
            archive.write(path, f"outer/{path.name}")
    options: dict[str, Any] = {"dataset": "drive", "data_root": golden / "data", "metrics": BY_IMAGE}
    packed = segbench.score(tmp_path / "a.zip", slices={"first": ["01"]}, **options)
    assert packed.as_record() == whole.as_record()
    parts = [tmp_path / f"{i}" for i in (1, 2)]
    for i, path in enumerate(parts, 1):
        segbench.score(golden / "predictions", shard=f"{i}/2", state=path, **options)
    merged = segbench.merge(parts, state=tmp_path / "merged")
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()
    assert numbers(merged) == numbers(whole) == numbers(segbench.merge([tmp_path / "whole"]))
    # By image, 01 has one vessel above four of five others; as its own split it is pooled to the same.
    assert whole.slices["first"].scores["auc"].value == 4 / 5
    assert whole.slices["first"].scores["auc(pool=image)"].value == 4 / 5
