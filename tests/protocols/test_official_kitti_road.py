"""KITTI road in the image of the camera, as segbench scores it against a plain reference of the development kit."""

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
from segbench.datasets.road import CATEGORIES, road_truth
from segbench.errors import DatasetError, MissingPrediction, Refusal, ShapeMismatch, UnreadableImage
from segbench.protocols.load import load_protocol
from segbench.samples import Sample
from segbench.scoring.plan import Plan
from tests.datasets.pngs import PALETTE, RGB, png
from tests.oracles import kitti_road

Map = NDArray[np.uint8]
PROTOCOL = load_protocol("kitti-road")
PLAN = Plan.of(PROTOCOL)
N_LISTS, N_SHARDS = 400, 4
GOLDEN = Path(__file__).parent.parent / "golden/kitti-road"
#: Name here, and in the reference.
COLUMNS = {
    "max_f": "max_f",
    "interpolated_precision": "average_precision",
    "precision_wp": "precision",
    "recall_wp": "recall",
    "fpr_wp": "fpr",
    "fnr_wp": "fnr",
}
ROAD, OTHER, IGNORED, BLUE = (255, 0, 255), (255, 0, 0), (0, 0, 0), (0, 0, 255)
PAINTS = np.array([ROAD, OTHER, IGNORED, BLUE, (1, 7, 1), (1, 7, 0)], np.uint8)


def random_image(rng: np.random.Generator) -> tuple[Map, Map]:
    """Truth colours and levels: all six kinds of pixel, few levels or many, some on the recalls of the grid."""
    shape = tuple(rng.integers(33, 40, 2) if rng.random() < 0.85 else rng.integers(1, 33, 2))
    shares = rng.dirichlet([2, 2, 0.5, 0.3, 0.3, 0.3])
    paint = rng.choice(6, shape, p=shares)
    truth = PAINTS[paint]
    known = np.sort(rng.choice(256, int(rng.choice([1, 2, 5, 11, 256])), replace=False))
    is_road = (truth[..., 2] > 0) & (truth[..., 0] > 0)
    rank = 0.6 * rng.random(shape) + 0.4 * is_road * rng.choice([0.0, 1.0])
    levels = known[(rank * len(known)).astype(int).clip(0, len(known) - 1)]
    return truth, levels.astype(np.uint8)


def random_list(seed: int) -> tuple[list[Map], list[Map]]:
    rng = np.random.default_rng(seed)
    truths, levels = zip(*(random_image(rng) for _ in range(int(rng.integers(1, 3)))), strict=True)
    return list(truths), list(levels)


def values(truths: list[Map], levels: list[Map]) -> dict[str, float]:
    states = PLAN.start()
    for i, (truth, level) in enumerate(zip(truths, levels, strict=True)):
        PLAN.count_one(states, Sample((str(i),), road_truth(truth), level))
    return {key: metric.compute(states[metric.family], PLAN.space).value for key, metric in PLAN.metrics.items()}


def hold(found: dict[str, float], expected: kitti_road.RoadResult, where: str = "") -> None:
    for ours, theirs in COLUMNS.items():
        value: float = expected[theirs]  # type: ignore[literal-required]
        assert found[ours] == value or (math.isnan(found[ours]) and math.isnan(value)), (where, ours)


def test_what_is_scored() -> None:
    assert list(PLAN.metrics) == list(COLUMNS)
    assert (PROTOCOL.primary, PROTOCOL.default_split) == ("max_f", "urban_road")
    assert PROTOCOL.splits["urban_road"] == sum(PROTOCOL.splits[name] for name in kitti_road.URBAN_ROAD) == 289
    assert {*CATEGORIES, "urban_road"} == PROTOCOL.splits.keys() == PROTOCOL.keys.keys()


@pytest.mark.parametrize("shard", range(N_SHARDS))
def test_random_lists_score_as_the_reference(shard: int) -> None:
    n_large = n_blue = n_between = n_few = 0
    for seed in range(shard * N_LISTS // N_SHARDS, (shard + 1) * N_LISTS // N_SHARDS):
        truths, levels = random_list(seed)
        if not any((road_truth(truth) != 255).any() for truth in truths):
            continue
        expected = kitti_road.evaluate(truths, levels)
        hold(values(truths, levels), expected, f"seed {seed}")
        n_large += min(min(truth.shape[:2]) for truth in truths) > 32
        blue = [(truth[..., 0] == 0) & (truth[..., 2] > 0) for truth in truths]
        n_blue += any((level[b] > expected["level"]).any() for b, level in zip(blue, levels, strict=True))
        n_few += all(len(np.unique(level)) < 4 for level in levels)
        n_between += 0 < expected["level"] < 255
    n = N_LISTS // N_SHARDS
    # `blue`: levels above the working point where blue lies without red, which is ignored.
    assert n_large > n / 2 and n_blue > n / 2 and n_few > n / 10 and n_between > n / 4


# Files: categories, names and traps.


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[Map, Map]]]:
    """Three images of each category, with truth and prediction of the lane beside those of the road."""
    folder = tmp_path_factory.mktemp("road")
    rng = np.random.default_rng(17)
    images = {f"{category}_{i:06}": random_image(rng) for category in CATEGORIES for i in range(3)}
    for key, (truth, levels) in images.items():
        put(folder / f"data/training/gt_image_2/{key}.png", png(truth, kind=RGB))
        put(folder / f"predictions/{key}.png", png(levels))
    return folder, images


def pairs(images: dict[str, tuple[Map, Map]], *categories: str) -> tuple[list[Map], list[Map]]:
    chosen = [pair for key, pair in images.items() if key.rpartition("_")[0] in categories]
    return [truth for truth, _ in chosen], [levels for _, levels in chosen]


@pytest.mark.parametrize("split", [*CATEGORIES, "urban_road"])
def test_each_category_and_the_pooled_one(split: str, scenes: tuple[Path, dict[str, tuple[Map, Map]]]) -> None:
    folder, images = scenes
    categories = kitti_road.URBAN_ROAD if split == "urban_road" else (split,)
    result = segbench.score(folder / "predictions", dataset="kitti-road", data_root=folder / "data", split=split)
    hold({key: score.value for key, score in result.scores.items()}, kitti_road.evaluate(*pairs(images, *categories)))
    assert result.n_images == 3 * len(categories)
    if split == "urban_road":
        parts = [kitti_road.count(*pairs(images, category)) for category in categories]
        hold(
            {key: score.value for key, score in result.scores.items()},
            kitti_road.summarise(kitti_road.pool(parts)),
        )


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """A copy of the golden folder that may be spoilt."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "golden"))


def score(golden: Path, **options: Any) -> segbench.Result:
    return segbench.score(golden / "predictions", dataset="kitti-road", data_root=golden / "data", **options)


def test_the_root_may_be_named_as_the_archive(golden: Path) -> None:
    before = score(golden)
    (golden / "data").rename(golden / "data_road")
    golden.rename(golden.with_name("outer"))
    outer = golden.with_name("outer")
    assert segbench.score(outer / "predictions", dataset="kitti-road", data_root=outer) == before


def test_a_grey_truth_is_refused(golden: Path) -> None:
    path = golden / "data/training/gt_image_2/umm_road_000000.png"
    path.write_bytes(png(np.array([[255, 255, 0], [0, 0, 0]], np.uint8)))
    with pytest.raises(DatasetError) as caught:
        score(golden)
    assert caught.value.file == str(path)


def test_red_and_blue_swapped_by_a_writer_ignore_what_is_not_road(golden: Path) -> None:
    path = golden / "data/training/gt_image_2/um_road_000000.png"
    # R R / R N with blue first: N becomes blue without red and is ignored.
    path.write_bytes(png(np.array([[ROAD, ROAD], [ROAD, OTHER[::-1]]], np.uint8), kind=RGB))
    # P 5, N 2: at k = 0 no more than 2 are false. From k = 1 on 150 (umm) is: FPR 1/2.
    assert score(golden).scores["fpr_wp"].value == 1 / 2


@pytest.mark.parametrize(("kind", "shape"), [(RGB, (2, 3, 3)), (PALETTE, (2, 3))])
def test_a_colour_map_is_refused_where_the_kit_turns_it_grey(golden: Path, kind: int, shape: tuple[int, ...]) -> None:
    """A deliberate difference: what a colour means as confidence is the author's decision."""
    (golden / "predictions/umm_road_000000.png").write_bytes(png(np.zeros(shape, np.uint8), kind=kind))
    with pytest.raises(UnreadableImage, match="an RGB image|a palette image"):
        score(golden)


def test_16_bits_are_cut_as_in_the_kit(golden: Path) -> None:
    before = score(golden)
    path = golden / "predictions/um_road_000000.png"
    path.write_bytes(png(np.array([[200, 200], [100, 150]]) * 256 + 255, depth=16))
    after = score(golden)
    assert {k: s.value for k, s in after.scores.items()} == {k: s.value for k, s in before.scores.items()}


def test_a_birds_eye_map_is_refused_for_its_size(golden: Path) -> None:
    (golden / "predictions/um_road_000000.png").write_bytes(png(np.zeros((800, 400), np.uint8)))
    with pytest.raises(ShapeMismatch, match="800×400 pixels"):
        score(golden)


def test_predictions_named_as_the_images_are_missing(golden: Path) -> None:
    for path in list((golden / "predictions").iterdir()):
        path.rename(path.with_name(path.name.replace("_road", "")))
    with pytest.raises(Refusal) as caught:
        score(golden)
    assert [type(fault) for fault in caught.value.faults] == [MissingPrediction] * 3


def test_a_missing_map_is_level_zero(golden: Path) -> None:
    (golden / "predictions/umm_road_000000.png").unlink()
    with pytest.raises(MissingPrediction, match="umm_road_000000"):
        score(golden)
    result = score(golden, missing="miss")
    # um alone finds 200 200 / 100 of P = 5, and 150 is false: k = 1…100 has F 2·3/(5 + 4), k = 0 has 10/13.
    assert result.scores["max_f"].value == pytest.approx(10 / 13, rel=1e-9)
    assert result.scores["recall_wp"].value == 1.0


def test_a_category_without_road_is_undefined(tmp_path: Path) -> None:
    put(tmp_path / "data/training/gt_image_2/um_lane_000000.png", png(np.array([[OTHER, IGNORED]], np.uint8), kind=RGB))
    put(tmp_path / "predictions/um_lane_000000.png", png(np.array([[200, 0]], np.uint8)))
    options: dict[str, Any] = {"dataset": "kitti-road", "data_root": tmp_path / "data"}
    result = segbench.score(tmp_path / "predictions", split="um_lane", **options)
    assert all(math.isnan(score.value) for score in result.scores.values())
    with pytest.raises(DatasetError, match="no image of urban_road"):
        segbench.score(tmp_path / "predictions", **options)


def test_archive_shards_and_state_agree(golden: Path, tmp_path: Path) -> None:
    slices = {"um": ["um_road_000000"]}
    whole = score(golden, state=tmp_path / "whole", slices=slices)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in (golden / "predictions").iterdir():
            archive.write(path, path.name)
    options: dict[str, Any] = {"dataset": "kitti-road", "data_root": golden / "data"}
    assert segbench.score(tmp_path / "a.zip", slices=slices, **options) == whole
    merged = [tmp_path / f"{i}of2" for i in (1, 2)]
    for i, path in enumerate(merged, 1):
        segbench.score(golden / "predictions", shard=f"{i}/2", state=path, **options)
    assert segbench.merge(merged, state=tmp_path / "merged").scores == whole.scores
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()
    # um: R R / R N, 200 200 / 100 150: P 3, N 1. k = 1…100: TP 3, FP 1; k = 0 the same; above TP 2, FP 1 or 0.
    assert whole.slices["um"].scores["recall_wp"].value == 1.0
    assert whole.slices["um"].scores["fpr_wp"].value == 1.0
