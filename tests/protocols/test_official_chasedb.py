"""CHASE_DB1 is scored by the rules of DRIVE; what differs is which images there are, and that masks may be missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import segbench
from segbench.errors import DatasetError, MissingPrediction
from segbench.protocols.load import load_protocol
from tests.datasets.pngs import png
from tests.oracles import vessels

Image = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
PROTOCOL = load_protocol("chasedb")
#: Both eyes of fourteen children.
KEYS = [f"Image_{child:02}{eye}" for child in range(1, 15) for eye in "LR"]
BY_IMAGE = [f"{key}(pool=image)" for key in vessels.KEYS]
#: scikit-learn adds rounded trapezes and steps.
ROUNDED = 1e-14


def random_images(seed: int) -> dict[str, Image]:
    """Truth, levels and mask of all images; what lies outside is bright in some levels and black in others."""
    rng = np.random.default_rng(seed)
    images = {}
    for key in KEYS:
        shape = tuple(rng.integers(33, 40, 2) if rng.random() < 0.8 else rng.integers(2, 33, 2))
        truth = rng.random(shape) < 0.15
        truth[0, 0], truth[-1, -1] = True, False
        levels = (255 * (0.7 * rng.random(shape) + 0.3 * truth)).astype(np.uint8)
        mask = rng.random(shape) < 0.7
        mask[0, 0] = mask[-1, -1] = True
        images[key] = (truth * np.uint8(255), levels, mask * np.uint8(255))
    return images


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write(folder: Path, images: dict[str, Image]) -> dict[str, Path]:
    """Write truth with masks, the official flat folder, and predictions."""
    for key, (truth, levels, mask) in images.items():
        put(folder / f"masked/manual1/{key}.png", png(truth))
        put(folder / f"masked/mask/{key}.png", png(mask))
        put(folder / f"flat/{key}_1stHO.png", png(truth // 255, depth=1))
        put(folder / f"flat/{key}.jpg", b"\xff\xd8\xff")
        put(folder / f"predictions/{key}.png", png(levels))
    return {name: folder / name for name in ("masked", "flat", "predictions")}


def expected(images: dict[str, Image], keys: list[str], *, masked: bool) -> dict[str, float]:
    truths, levels, masks = map(list, zip(*(images[key] for key in keys), strict=True))
    if not masked:
        masks = [np.ones_like(mask) for mask in masks]
    means = vessels.evaluate(truths, levels, masks, "image")
    return vessels.evaluate(truths, levels, masks) | {f"{key}(pool=image)": value for key, value in means.items()}


def hold(result: segbench.Result, values: dict[str, float]) -> None:
    assert result.scores.keys() == values.keys()
    for key, value in values.items():
        assert result.scores[key].value == pytest.approx(value, rel=ROUNDED, abs=ROUNDED), key


def test_the_rules_are_those_of_drive() -> None:
    drive = load_protocol("drive")
    assert (PROTOCOL.kind, PROTOCOL.space, PROTOCOL.metrics) == (drive.kind, drive.space, drive.metrics)
    assert (PROTOCOL.primary, PROTOCOL.policies) == (drive.primary, drive.policies)


def test_the_splits() -> None:
    assert PROTOCOL.default_split == "all"
    assert dict(PROTOCOL.splits) == {"all": 28, "test8": 8, "test14": 14}
    assert list(PROTOCOL.keys["test8"]) == KEYS[-8:]
    assert list(PROTOCOL.keys["test14"]) == KEYS[-14:]
    assert load_protocol("chase_db1") == load_protocol("chasedb1") == PROTOCOL


@pytest.mark.parametrize("seed", range(8))
def test_random_sets_score_as_the_reference(seed: int, tmp_path: Path) -> None:
    images = random_images(seed)
    assert sum(min(truth.shape) > 32 for truth, _, _ in images.values()) > len(KEYS) / 2
    at = write(tmp_path, images)
    for split, keys in (("all", KEYS), ("test8", KEYS[-8:]), ("test14", KEYS[-14:])):
        for name in ("masked", "flat"):
            result = segbench.score(
                at["predictions"], dataset="chasedb", data_root=at[name], split=split, metrics=BY_IMAGE
            )
            hold(result, expected(images, keys, masked=name == "masked"))
            assert result.n_images == len(keys)


def test_with_and_without_masks_are_not_comparable(tmp_path: Path) -> None:
    images = random_images(100)
    at = write(tmp_path, images)
    masked, flat = (
        segbench.score(at["predictions"], dataset="chasedb", data_root=at[name]) for name in ("masked", "flat")
    )
    assert masked.scores["auc"].signature != flat.scores["auc"].signature
    assert masked.provenance.truth != flat.provenance.truth


@pytest.mark.parametrize("below", ["", "CHASEDB1", "CHASE_DB1", "CHASEDB"])
@pytest.mark.parametrize("name", ["masked", "flat"])
def test_the_data_set_may_lie_in_a_folder_of_its_name(name: str, below: str, tmp_path: Path) -> None:
    images = random_images(101)
    at = write(tmp_path, images)
    root = at[name]
    if below:
        root = tmp_path / "outer"
        root.mkdir()
        at[name].rename(root / below)
    result = segbench.score(at["predictions"], dataset="chasedb", data_root=root, metrics=BY_IMAGE)
    hold(result, expected(images, KEYS, masked=name == "masked"))


def test_the_second_observer_beside_the_official_files(tmp_path: Path) -> None:
    images = {key: (t, (255 * (v > 150)).astype(np.uint8), m) for key, (t, v, m) in random_images(102).items()}
    at = write(tmp_path, images)
    for key, (_, levels, _) in images.items():
        put(at["flat"] / f"{key}_2ndHO.png", png(levels // 255, depth=1))
    result = segbench.score(at["flat"], dataset="chasedb", data_root=at["flat"], metrics=BY_IMAGE)
    hold(result, expected(images, KEYS, masked=False))
    # Pictures and first observer are no predictions.
    assert [warning.partition(":")[0] for warning in result.warnings] == [
        "no field-of-view mask",
        "56 files belong to no image of the split",
    ]


def test_a_split_asks_for_its_images(tmp_path: Path) -> None:
    images = random_images(103)
    at = write(tmp_path, images)
    options: dict[str, Any] = {"dataset": "chasedb", "split": "test8", "data_root": at["masked"]}
    (at["predictions"] / "Image_12R.png").unlink()
    with pytest.raises(MissingPrediction, match="no prediction of Image_12R"):
        segbench.score(at["predictions"], **options)
    (at["predictions"] / "Image_12R.png").write_bytes(png(images["Image_12R"][1]))
    (at["masked"] / "manual1/Image_13L.png").unlink()
    with pytest.raises(DatasetError) as caught:
        segbench.score(at["predictions"], **options)
    assert caught.value.file == str(at["masked"] / "manual1/Image_13L.png")


def test_a_folder_without_the_data_set_says_what_was_sought(tmp_path: Path) -> None:
    at = write(tmp_path, random_images(104))
    for root, found in ((tmp_path, "no image of all"), (at["predictions"], "no file NAME_1stHO.png")):
        with pytest.raises(DatasetError) as caught:
            segbench.score(at["predictions"], dataset="chasedb", data_root=root)
        assert caught.value.found == found
