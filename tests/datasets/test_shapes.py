"""The embedded data set: frozen pixels, laws of its truth, and how far colour alone goes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.datasets import shapes
from segbench.datasets.pillow import read_rgb
from segbench.models.classical import NearestColour

Scenes = dict[str, list[shapes.Scene]]
MISSING = [("nope", 0, 0), ("val", 60, 0), ("val", -1, 0), ("val", 0, -1)]
FROZEN = {
    ("train", 0, 0): "27f55b365402356a063f19dcc7a7d82c8aae672a558d09b8b96f13ce9465e042",
    ("train", 239, 0): "500ca43b300ba01adf0a35a54a5ab9be98b996e29e7e2ae74ca195b5ea297d0b",
    ("val", 7, 0): "51da7e27c3216781e581a1d5ab5eb44a49ee48af35faafb1960e8a8bf8912414",
    ("test", 59, 0): "d0324932c3577d9a0e9b28f3169171a556ca52a30635662ae308a0ce36c2aeca",
    ("train", 0, 20240): "2498d18198b9d5cdcae1b258debd81926541bd444c97405483f225f6d65db096",
}


def digest(drawn: shapes.Scene) -> str:
    parts = (drawn.image, drawn.classes, drawn.instances)
    shape = repr(drawn.classes.shape).encode()
    return hashlib.sha256(shape + b"".join(part.tobytes() for part in parts)).hexdigest()


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return {split: [shapes.scene(split, i) for i in range(n)] for split, n in shapes.SPLITS.items()}


@pytest.fixture(scope="module")
def everything(scenes: Scenes) -> list[shapes.Scene]:
    return [drawn for split in scenes.values() for drawn in split]


@pytest.fixture(scope="module")
def colour_rule(scenes: Scenes) -> NearestColour:
    train = scenes["train"]
    return NearestColour.fit(
        (drawn.image for drawn in train), (drawn.classes for drawn in train), len(shapes.CLASSES), shapes.VOID
    )


@pytest.mark.parametrize(("split", "index", "seed"), FROZEN)
def test_the_pixels_are_frozen(split: str, index: int, seed: int) -> None:
    assert digest(shapes.scene(split, index, seed)) == FROZEN[split, index, seed]


def test_scenes_differ(everything: list[shapes.Scene]) -> None:
    assert len({digest(drawn) for drawn in everything}) == len(everything) == sum(shapes.SPLITS.values())
    assert len({drawn.key for drawn in everything}) == len(everything)
    assert digest(shapes.scene("val", 3)) != digest(shapes.scene("val", 3, seed=1))


def test_shapes_and_types(everything: list[shapes.Scene]) -> None:
    for drawn in everything:
        height, width = drawn.classes.shape
        assert 88 <= height <= 104 and 120 <= width <= 136
        assert drawn.image.shape == (height, width, 3) and drawn.instances.shape == (height, width)
        assert drawn.image.dtype == drawn.classes.dtype == drawn.instances.dtype == np.uint8
        assert set(np.unique(drawn.classes)) <= {*range(len(shapes.CLASSES)), shapes.VOID}


@pytest.mark.parametrize("split", shapes.SPLITS)
def test_every_class_is_in_every_split(scenes: Scenes, split: str) -> None:
    pixels = np.sum([np.bincount(drawn.classes.ravel(), minlength=256) for drawn in scenes[split]], axis=0)
    assert (pixels[: len(shapes.CLASSES)] > 0.02 * pixels.sum()).all()


def test_void_is_a_small_part(everything: list[shapes.Scene]) -> None:
    shares = [float((drawn.classes == shapes.VOID).mean()) for drawn in everything]
    assert min(shares) > 0.01 and max(shares) < 0.15


def test_void_separates_all_objects(everything: list[shapes.Scene]) -> None:
    for drawn in everything:
        owners = drawn.instances
        for near, far in ((owners[1:], owners[:-1]), (owners[:, 1:], owners[:, :-1])):
            clear = (near != shapes.VOID) & (far != shapes.VOID)
            assert np.array_equal(near[clear], far[clear]), drawn.key


def test_instances_agree_with_classes(everything: list[shapes.Scene]) -> None:
    for drawn in everything:
        assert np.array_equal(drawn.instances == shapes.VOID, drawn.classes == shapes.VOID)
        assert np.array_equal(drawn.instances == 0, drawn.classes == 0)
        numbers = np.unique(drawn.instances[(drawn.instances != 0) & (drawn.instances != shapes.VOID)])
        assert 2 <= numbers.size <= 6
        assert numbers.tolist() == list(range(1, numbers.size + 1)), drawn.key
        assert all(np.unique(drawn.classes[drawn.instances == n]).size == 1 for n in numbers)


def test_a_pair_shares_its_colours(colour_rule: NearestColour) -> None:
    means = colour_rule.means[1:].reshape(3, 2, 3)
    within = np.sqrt(((means[:, 0] - means[:, 1]) ** 2).sum(axis=-1))
    centres = means.mean(axis=1)
    between = min(float(np.sqrt(((centres[a] - centres[b]) ** 2).sum())) for a, b in ((0, 1), (0, 2), (1, 2)))
    # Grey levels; a sampling error of a few is what 240 images leave of equal distributions.
    assert within.max() < 8 and between > 80


def test_colour_alone_does_not_suffice(scenes: Scenes, colour_rule: NearestColour) -> None:
    k = len(shapes.CLASSES)
    table = np.zeros((k, k), dtype=np.int64)
    for drawn in scenes["test"]:
        kept = drawn.classes != shapes.VOID
        pairs = drawn.classes[kept].astype(np.int64) * k + colour_rule.predict(drawn.image)[kept]
        table += np.bincount(pairs, minlength=k * k).reshape(k, k)
    hits = np.diag(table)
    assert 0.30 < float(np.mean(hits / (table.sum(axis=0) + table.sum(axis=1) - hits))) < 0.60


@pytest.mark.parametrize(("split", "index", "seed"), MISSING)
def test_scenes_that_do_not_exist(split: str, index: int, seed: int) -> None:
    with pytest.raises(ValueError, match="no scene"):
        shapes.scene(split, index, seed)


def test_the_palette_is_that_of_voc() -> None:
    colours = shapes.palette()
    assert colours.shape == (256, 3) and colours.dtype == np.uint8
    assert colours[[0, 1, 2, 3, 8, 255]].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [64, 0, 0],
        [224, 224, 192],
    ]
    assert len(np.unique(colours, axis=0)) == 256


def ids_of(path: Path) -> NDArray[np.uint8]:
    """Return the ids of a label map by its colours."""
    ids = {tuple(colour): i for i, colour in enumerate(shapes.palette().tolist())}
    colours = read_rgb(path)
    flat = [ids[tuple(colour)] for colour in colours.reshape(-1, 3).tolist()]
    return np.array(flat, dtype=np.uint8).reshape(colours.shape[:2])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Sizes of the splits cut down, which leaves the pixels of the remaining scenes alone."""
    sizes = {"train": 3, "val": 2, "test": 1}
    monkeypatch.setattr(shapes, "SPLITS", sizes)
    return sizes


def test_the_tree(tmp_path: Path, small: dict[str, int]) -> None:
    counts: list[int] = []
    shapes.write(tmp_path, progress=counts.append)
    assert counts == [1, 2, 3, 4, 5, 6]
    for split, size in small.items():
        keys = (tmp_path / f"ImageSets/Segmentation/{split}.txt").read_text("utf-8").splitlines()
        assert keys == [f"{split}_{i:04d}" for i in range(size)]
        for index, key in enumerate(keys):
            drawn = shapes.scene(split, index)
            assert np.array_equal(read_rgb(tmp_path / f"JPEGImages/{key}.png"), drawn.image)
            assert np.array_equal(ids_of(tmp_path / f"SegmentationClass/{key}.png"), drawn.classes)
            assert np.array_equal(ids_of(tmp_path / f"SegmentationObject/{key}.png"), drawn.instances)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3 * 6 + 3 + 1


def written(root: Path, seed: int = 0, splits: tuple[str, ...] = ("train", "val", "test")) -> int:
    """Write a tree and return how many images that took."""
    counts: list[int] = []
    shapes.write(root, seed, splits, counts.append)
    return len(counts)


@pytest.mark.usefixtures("small")
def test_only_what_is_missing_is_written(tmp_path: Path) -> None:
    assert [written(tmp_path, splits=("val",)), written(tmp_path, splits=("val",))] == [2, 0]
    assert [written(tmp_path), written(tmp_path), written(tmp_path, splits=("test", "test"))] == [4, 0, 0]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("marker", ["", "[]", "{}", '{"version": 0, "seed": 0, "splits": ["train"]}'])
def test_a_doubtful_tree_is_written_anew(tmp_path: Path, marker: str) -> None:
    assert written(tmp_path) == 6
    (tmp_path / shapes.MARKER).write_text(marker, "utf-8")
    assert [written(tmp_path), written(tmp_path)] == [6, 0]


@pytest.mark.usefixtures("small")
def test_another_seed_is_written_anew(tmp_path: Path) -> None:
    assert [written(tmp_path), written(tmp_path, seed=1, splits=("val",))] == [6, 2]
    assert json.loads((tmp_path / shapes.MARKER).read_text("utf-8")) == {
        "version": shapes.VERSION,
        "seed": 1,
        "splits": ["val"],
    }
    assert np.array_equal(read_rgb(tmp_path / "JPEGImages/val_0000.png"), shapes.scene("val", 0, 1).image)


@pytest.mark.usefixtures("small")
def test_an_interrupted_tree_has_no_marker(tmp_path: Path) -> None:
    def stop(count: int) -> None:
        if count == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shapes.write(tmp_path, progress=stop)
    assert not (tmp_path / shapes.MARKER).exists()
    assert written(tmp_path) == 6


def test_an_unknown_split_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no split 'nope'"):
        shapes.write(tmp_path / "tree", splits=("val", "nope"))
    assert not (tmp_path / "tree").exists()
