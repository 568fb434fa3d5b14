"""KITTI road from above: truth is mapped cell by cell by a transcription of the development kit."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import segbench
from segbench.errors import DatasetError, MissingPrediction, Refusal, ShapeMismatch, UnreadableImage
from segbench.protocols.load import load_protocol
from tests.datasets.pngs import RGB, png
from tests.datasets.test_birdseye import random_calibration
from tests.oracles import kitti_road
from tests.protocols.test_official_kitti_road import COLUMNS, PAINTS, hold, put

Map = NDArray[np.uint8]
PROTOCOL = load_protocol("kitti-road-birdseye")
SHAPE = (kitti_road.ROWS, kitti_road.COLUMNS)
GOLDEN = Path(__file__).parent.parent / "golden/kitti-road-birdseye"


def random_truth(rng: np.random.Generator, shape: tuple[int, int]) -> Map:
    """Blocks of all six kinds of pixel."""
    paint = rng.choice(6, (shape[0] // 4 + 1, shape[1] // 6 + 1), p=[0.35, 0.35, 0.1, 0.1, 0.05, 0.05])
    return PAINTS[paint.repeat(4, axis=0).repeat(6, axis=1)[: shape[0], : shape[1]]]


def random_levels(rng: np.random.Generator, truth_from_above: Map) -> Map:
    """Levels that know something of the road, and are high where nothing is seen."""
    blocks = rng.integers(0, 180, (80, 50)).repeat(10, axis=0).repeat(8, axis=1)
    seen = (truth_from_above[..., 0] > 0) * 1
    road = ((truth_from_above[..., 2] > 0) & (seen > 0)) * 60
    return np.where(seen > 0, blocks + road, 255 - blocks // 8).astype(np.uint8)


def test_the_rules_are_those_of_the_camera_image() -> None:
    other = load_protocol("kitti-road")
    assert (PROTOCOL.kind, PROTOCOL.metrics, PROTOCOL.primary) == (other.kind, other.metrics, other.primary)
    assert (PROTOCOL.splits, PROTOCOL.keys) == (other.splits, other.keys)
    assert PROTOCOL.digest() != other.digest()


@pytest.mark.parametrize("seed", range(4))
def test_random_scenes_score_as_the_reference(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    truths, predictions = [], []
    for i, kind in enumerate(("um", "umm")):
        calibration, shape = random_calibration(2 * seed + i)
        truth = random_truth(rng, shape)
        above = kitti_road.birds_eye_view(truth, kitti_road.read_calibration(calibration.decode()))
        levels = random_levels(rng, above)
        assert (above[..., 0] > 0).any() and (above[..., 0] == 0).any()
        put(tmp_path / f"data/training/calib/{kind}_000007.txt", calibration)
        put(tmp_path / f"data/training/gt_image_2/{kind}_road_000007.png", png(truth, kind=RGB))
        put(tmp_path / f"predictions/{kind}_road_000007.png", png(levels))
        truths.append(above)
        predictions.append(levels)
    result = segbench.score(tmp_path / "predictions", dataset="kitti-road-birdseye", data_root=tmp_path / "data")
    assert list(result.scores) == list(COLUMNS)
    hold({key: score.value for key, score in result.scores.items()}, kitti_road.evaluate(truths, predictions))


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """A copy of the golden folder that may be spoilt."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "golden"))


def score(golden: Path, **options: Any) -> segbench.Result:
    return segbench.score(golden / "predictions", dataset="kitti-road-birdseye", data_root=golden / "data", **options)


def test_the_golden_truth_by_the_reference(golden: Path) -> None:
    calibration = kitti_road.read_calibration((golden / "data/training/calib/umm_000000.txt").read_text("ascii"))
    image = np.arange(12, dtype=np.uint8).reshape(3, 4) + 1
    above = kitti_road.birds_eye_view(image, calibration)
    assert np.array_equal(above[::400, ::100], [[1, 2, 3, 0], [5, 6, 7, 0]])


@pytest.mark.parametrize("shape", [(375, 1242), (400, 800), (800, 401)])
def test_a_map_of_another_size_is_refused(shape: tuple[int, int], golden: Path) -> None:
    (golden / "predictions/um_road_000000.png").write_bytes(png(np.zeros(shape, np.uint8)))
    with pytest.raises(ShapeMismatch, match=f"{shape[0]}×{shape[1]} pixels") as caught:
        score(golden)
    assert caught.value.expected == "800×400 as the truth"


def test_a_colour_map_is_refused(golden: Path) -> None:
    (golden / "predictions/um_road_000000.png").write_bytes(png(np.zeros((*SHAPE, 3), np.uint8), kind=RGB))
    with pytest.raises(UnreadableImage, match="an RGB image"):
        score(golden)


def test_a_missing_map_is_level_zero(golden: Path) -> None:
    (golden / "predictions/um_road_000000.png").unlink()
    with pytest.raises(MissingPrediction):
        score(golden)
    missed = score(golden, missing="miss")
    (golden / "predictions/um_road_000000.png").write_bytes(png(np.zeros(SHAPE, np.uint8)))
    black = score(golden)
    assert {k: s.value for k, s in missed.scores.items()} == {k: s.value for k, s in black.scores.items()}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "cannot be opened"),
        ("", "P2 is missing; R0_rect is missing; Tr_cam_to_road is missing"),
        ("P2: 1 2 3\nR0_rect: 1 0 0 0 1 0 0 0 1\nTr_cam_to_road: 1 0 0 0 0 1 0 0 0 0 1 0\n", "P2 has 3 numbers"),
    ],
)
def test_a_faulty_calibration_is_a_fault_of_the_data_set(text: str | None, found: str, golden: Path) -> None:
    path = golden / "data/training/calib/umm_000000.txt"
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(DatasetError, match=found) as caught:
        score(golden)
    assert caught.value.file in (str(path), str(golden / "data/training/gt_image_2/umm_road_000000.png"))


def test_the_calibration_is_that_of_the_street(golden: Path) -> None:
    """The lane and the road of an image have one calibration: um_000000.txt."""
    lane = golden / "data/training/gt_image_2/um_lane_000000.png"
    shutil.copy(golden / "data/training/gt_image_2/um_road_000000.png", lane)
    shutil.copy(golden / "predictions/um_road_000000.png", golden / "predictions/um_lane_000000.png")
    by_lane, by_road = (score(golden, split=split) for split in ("um_lane", "um_road"))
    assert {k: s.value for k, s in by_lane.scores.items()} == {k: s.value for k, s in by_road.scores.items()}


def test_a_truth_named_otherwise_has_no_calibration(golden: Path) -> None:
    folder = golden / "data/training/gt_image_2"
    (folder / "um_road_000000.png").rename(folder / "um_road_0.png")
    with pytest.raises((DatasetError, Refusal)):
        score(golden, missing="miss")


def test_shards_and_state_agree(golden: Path, tmp_path: Path) -> None:
    whole = score(golden, state=tmp_path / "whole")
    parts = [tmp_path / "1", tmp_path / "2"]
    for i, path in enumerate(parts, 1):
        score(golden, shard=f"{i}/2", state=path)
    assert segbench.merge(parts, state=tmp_path / "merged") == segbench.merge([tmp_path / "whole"])
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()
    assert segbench.merge(parts).scores == whole.scores
