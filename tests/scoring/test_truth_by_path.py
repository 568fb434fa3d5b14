"""Truth given by its path: whatever layout or plain naming its files have, the scores are those of the data set."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import segbench
from segbench.datasets.truth import open_truth
from segbench.errors import DatasetError, MissingPrediction
from segbench.protocols.load import load_protocol, protocol_names
from tests.datasets.pngs import png

GOLDEN = Path(__file__).parent.parent / "golden"
#: Masks, and maps of instances that lie elsewhere, do not belong to a tree of truth files.
LOST = ("mask", "instances")
#: The truth of instances is one file, and no tree.
NAMES = [n for n in sorted(set(protocol_names().values())) if load_protocol(n).kind != "instances"]
WHOLE = [n for n in NAMES if not any(getattr(load_protocol(n).layout, what) for what in LOST) or n == "cityscapes"]


def numbers(result: segbench.Result) -> dict[str, str]:
    return {key: repr(score.value) for key, score in result.scores.items()}


def golden_truth(name: str, folder: Path) -> Path:
    """Copy the truth of a golden folder, and what it is read with, into one folder; cities and videos keep theirs."""
    truth = open_truth(load_protocol(name), data_root=GOLDEN / name / "data")
    for key in truth.keys:
        city = key.partition("_")[0] if truth.layout.reader == "cityscapes" else key.rpartition("/")[0]
        (folder / city).mkdir(parents=True, exist_ok=True)
        for pattern in (truth.layout.truth, truth.layout.instances, truth.layout.images):
            if pattern and Path(file := truth.file(pattern, key)).is_file():
                shutil.copy(file, folder / city)
    for file in (GOLDEN / name / "data").rglob("calib/*.txt"):
        shutil.copy(file, folder)
    return folder


@pytest.mark.parametrize("name", WHOLE)
def test_a_tree_of_truth_files_scores_as_the_data_set(name: str, tmp_path: Path) -> None:
    predictions = GOLDEN / name / "predictions"
    expected = segbench.score(predictions, dataset=name, data_root=GOLDEN / name / "data")
    truth = golden_truth(name, tmp_path)
    for split in (None, load_protocol(name).default_split):
        found = segbench.score(predictions, dataset=name, truth=truth, split=split)
        assert numbers(found) == numbers(expected)
        assert found.provenance.truth == expected.provenance.truth


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        (name, i)
        for name in NAMES
        for i, layout in enumerate(load_protocol(name).layouts)
        if "{city}" not in layout.truth
    ],
)
def test_every_layout_names_the_files_of_a_tree(name: str, layout: int, tmp_path: Path) -> None:
    protocol = load_protocol(name)
    pattern = protocol.layouts[layout].truth.rpartition("/")[2]
    for key in ("1", "2"):
        (tmp_path / pattern.format(key=key)).touch()
    truth = open_truth(protocol, truth=tmp_path)
    assert truth.keys == ["1", "2"]
    assert [Path(truth.path(key)).is_file() for key in truth.keys] == [True, True]
    assert (truth.layout.values, truth.layout.mask) == (protocol.layouts[layout].values, "")


def painted(labels: np.ndarray) -> np.ndarray:
    """Return the colours of labels of ISPRS."""
    colors = {value: color for color, value in load_protocol("isprs-potsdam").colors.items()}
    return np.array([colors[int(value)] for value in labels.flat], np.uint8).reshape(*labels.shape, 3)


def put_maps(folder: Path, suffix: str, maps: dict[str, np.ndarray]) -> Path:
    for name, pixels in maps.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{name}{suffix}")
    return folder


class TestIsprs:
    """Two tiles, a quarter of whose pixels are wrong."""

    labels = np.arange(48).reshape(6, 8).astype(np.uint8) % 6
    answer = np.where(np.arange(8) % 4, labels, (labels + 1) % 6).astype(np.uint8)

    def score(self, tmp_path: Path, names: str, *, answers: str = "{}", suffix: str = ".tif") -> segbench.Result:
        truth = put_maps(
            tmp_path / "truth", suffix, {names.format(key): painted(self.labels) for key in ("2_13", "7_7")}
        )
        out = put_maps(tmp_path / "out", ".tif", {answers.format(key): painted(self.answer) for key in ("2_13", "7_7")})
        return segbench.score(out, dataset="isprs-potsdam", truth=truth)

    @pytest.mark.parametrize("names", ["top_potsdam_{}_label", "top_potsdam_{}_label_noBoundary", "{}", "some/{}"])
    def test_tiff(self, names: str, tmp_path: Path) -> None:
        answers = "some/top_potsdam_{}_label" if "/" in names else "top_potsdam_{}_label"
        result = self.score(tmp_path, names, answers=answers)
        assert (result.n_images, result.scores["pixel_accuracy"].value) == (2, 3 / 4)

    def test_png_takes_tiff_predictions_too(self, tmp_path: Path) -> None:
        result = self.score(tmp_path, "{}", suffix=".png")
        assert (result.n_images, result.scores["pixel_accuracy"].value) == (2, 3 / 4)

    def test_a_missing_tile_is_named_as_it_would_be(self, tmp_path: Path) -> None:
        with pytest.raises(MissingPrediction) as caught:
            segbench.score(
                put_maps(tmp_path / "out", ".tif", {"a": painted(self.answer)}),
                dataset="isprs-potsdam",
                truth=put_maps(tmp_path / "truth", ".tif", {name: painted(self.labels) for name in ("a", "3_13")}),
            )
        assert caught.value.expected == "3_13.tif or top_potsdam_3_13_label.tif"
        assert caught.value.file == str(tmp_path / "out/3_13.tif")


def test_png_in_the_place_of_rectangles_hold_ids(tmp_path: Path) -> None:
    labels = np.array([[1, 2, 3], [4, 5, 12]], np.uint8)
    put_maps(tmp_path / "truth", ".png", {"a": labels})
    put_maps(tmp_path / "out", ".png", {"a": np.where(labels == 12, 11, labels).astype(np.uint8)})
    result = segbench.score(tmp_path / "out", dataset="cmp-facades-xml", truth=tmp_path / "truth")
    assert result.scores["pixel_accuracy"].value == 5 / 6


def test_rectangles_need_the_picture_beside_them(tmp_path: Path) -> None:
    truth = golden_truth("cmp-facades-xml", tmp_path)
    (truth / "cmp_b0002.jpg").unlink()
    with pytest.raises(DatasetError) as caught:
        segbench.score(GOLDEN / "cmp-facades-xml/predictions", dataset="cmp-facades-xml", truth=truth)
    assert caught.value.file == str(truth / "cmp_b0002.jpg")


class TestLevels:
    """A vessel in each of two columns of four, the first of them found."""

    truth = np.tile(np.array([255, 255, 0, 0], np.uint8), (3, 1))
    levels = np.tile(np.array([200, 50, 50, 50], np.uint8), (3, 1))

    @pytest.mark.parametrize(("dataset", "suffix"), [("drive", ".png"), ("drive", ".gif"), ("chasedb", "_1stHO.png")])
    @pytest.mark.parametrize("white", [1, 255])
    def test_every_pixel_counts_and_a_warning_says_so(
        self, dataset: str, suffix: str, white: int, tmp_path: Path
    ) -> None:
        put_maps(tmp_path / "truth", suffix, {"01": np.minimum(self.truth, white), "02": self.truth})
        out = put_maps(tmp_path / "out", ".png", {"01": self.levels, "02": self.levels})
        asked: dict[str, Any] = {"dataset": dataset, "truth": tmp_path / "truth"}
        result = segbench.score(out, **asked)
        assert (result.scores["sensitivity"].value, result.scores["accuracy"].value) == (1 / 2, 3 / 4)
        assert result.warnings == ("no field-of-view mask: every pixel counts",)
        # Merged shards say the same, though nobody looks at files any more.
        parts = [tmp_path / "1", tmp_path / "2"]
        for i, path in enumerate(parts, 1):
            assert segbench.score(out, shard=f"{i}/2", state=path, **asked).warnings == result.warnings
        assert segbench.merge(parts).as_record() == result.as_record()

    def test_nothing_is_said_where_no_layout_has_a_mask(self, tmp_path: Path) -> None:
        truth = golden_truth("kitti-road", tmp_path)
        assert not segbench.score(GOLDEN / "kitti-road/predictions", dataset="kitti-road", truth=truth).warnings

    def test_nothing_is_said_where_the_mask_was_found(self) -> None:
        golden = GOLDEN / "drive"
        result = segbench.score(golden / "predictions", dataset="drive", data_root=golden / "data")
        assert not [text for text in result.warnings if "mask" in text]


def test_label_maps_without_their_mask_are_warned_of_too(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'name = "own"\nversion = 1\ntitle = "own"\nmetrics = ["pixel_accuracy"]\ndefault_split = "all"\n'
        'classes = [{ id = 0, name = "a" }, { id = 1, name = "b" }]\n[splits]\nall = 0\n'
        '[layout]\ntruth = "truth/{key}.png"\nmask = "mask/{key}.png"\n[[void]]\nid = 255\n',
        "utf-8",
    )
    for folder, pixels in (("truth", [[0, 1]]), ("mask", [[1, 0]]), ("out", [[0, 0]])):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(png(np.array(pixels)))
    masked = segbench.score(tmp_path / "out", dataset=str(own), data_root=tmp_path)
    plain = segbench.score(tmp_path / "out", dataset=str(own), truth=tmp_path / "truth")
    assert (masked.scores["pixel_accuracy"].value, masked.warnings) == (1.0, ())
    assert (plain.scores["pixel_accuracy"].value, plain.warnings) == (
        1 / 2,
        ("no field-of-view mask: every pixel counts",),
    )
