"""Several files at once, from folders and archives and from a tree of truth: what reading one by one gives, or None."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from segbench.datasets.predictions import PredictionSet, open_predictions
from segbench.datasets.truth import TruthSet, open_truth
from segbench.errors import BadParameter, UnreadableImage
from segbench.protocols.load import load_protocol
from tests.datasets.packing import KINDS, packed
from tests.datasets.pngs import png

NAMES = ("a.png", "val/b.png", "val/é.png", "val/empty.png", "новый.png")
KEYS = [name.removesuffix(".png") for name in NAMES]
LIMITS = (0, 1, 33, 100, 1 << 31)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, name in enumerate(NAMES):
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        labels = np.random.default_rng(i).integers(0, 7, (30, 40))
        path.write_bytes(b"" if "empty" in name else png(labels))
    return tmp_path / "files"


def one_by_one(predictions: PredictionSet, names: Sequence[str], most: Sequence[int]) -> list[bytes | None]:
    contents: list[bytes | None] = []
    for name, limit in zip(names, most, strict=True):
        try:
            contents.append(predictions.read(name, most=limit))
        except UnreadableImage:
            contents.append(None)
    return contents


def hold(predictions: PredictionSet, names: Sequence[str]) -> None:
    """Assert that files come as they come alone, under one limit for all and one for each, in any order."""
    rng = np.random.default_rng(0)
    for limits in (*([limit] * len(names) for limit in LIMITS), rng.choice(LIMITS, len(names)).tolist()):
        for order in (names, names[::-1], [*names, *names][1:-1]):
            most = [limits[i % len(names)] for i in range(len(order))]
            assert predictions.read_many(order, most) == one_by_one(predictions, order, most)
    assert predictions.read_many([], []) == []


class TestPredictions:
    def test_a_folder(self, folder: Path) -> None:
        with open_predictions(folder, KEYS) as predictions:
            hold(predictions, predictions.files)
            hold(predictions.without_lists(), predictions.files)
            contents = predictions.read_many(NAMES, [1 << 31] * len(NAMES))
        assert contents == [(folder / name).read_bytes() for name in NAMES]

    @pytest.mark.parametrize("kind", KINDS)
    def test_an_archive(self, folder: Path, tmp_path: Path, kind: str) -> None:
        with open_predictions(packed(kind, folder, tmp_path), KEYS) as predictions:
            hold(predictions, predictions.files)
            contents = predictions.read_many(NAMES, [1 << 31] * len(NAMES))
        assert contents == [(folder / name).read_bytes() for name in NAMES]

    def test_what_is_no_file_of_a_folder(self, folder: Path) -> None:
        (folder / "link.png").symlink_to("a.png")
        (folder / "device.png").symlink_to("/dev/zero")
        (folder / "below.png").mkdir()
        os.mkfifo(folder / "pipe.png")
        names = ["link.png", "a.png", "device.png", "pipe.png", "below.png", "gone.png", "a.png"]
        with open_predictions(folder, KEYS) as predictions:
            hold(predictions, names)
            found = predictions.read_many(names, [9] * len(names))
        good = (folder / "a.png").read_bytes()[:9]
        assert found == [None, good, None, None, None, None, good]

    def test_a_name_that_is_no_text(self, folder: Path) -> None:
        with open(os.fsencode(folder) + b"/\xff.png", "wb") as file:
            file.write(b"content")
        with open_predictions(folder, KEYS) as predictions:
            assert "\udcff.png" in predictions.files
            hold(predictions, predictions.files)
            assert predictions.read_many(["\udcff.png"], [4]) == [b"cont"]

    @pytest.mark.parametrize("kind", ["stored", "tar"])
    def test_members_that_are_not_there(self, folder: Path, tmp_path: Path, kind: str) -> None:
        with open_predictions(packed(kind, folder, tmp_path), KEYS) as predictions:
            hold(predictions, ["gone.png", "a.png", "val/gone.png"])

    def test_a_damaged_member(self, folder: Path, tmp_path: Path) -> None:
        path = packed("stored", folder, tmp_path)
        content = (folder / "val/b.png").read_bytes()
        path.write_bytes(path.read_bytes().replace(content, content[:-1] + b"x"))
        with open_predictions(path, KEYS) as predictions:
            hold(predictions, predictions.files)
            # Only who reads a member to its end meets its checksum.
            found = predictions.read_many(["a.png", "val/b.png", "val/b.png"], [3, 1 << 31, len(content) - 1])
        assert found == [b"\x89PN", None, content[:-1]]

    @pytest.mark.parametrize("kind", ["folder", "stored"])
    def test_limits_that_do_not_fit(self, folder: Path, tmp_path: Path, kind: str) -> None:
        path = folder if kind == "folder" else packed(kind, folder, tmp_path)
        with open_predictions(path, KEYS) as predictions, pytest.raises((BadParameter, ValueError)):
            predictions.read_many(NAMES, [1])


class TestTruth:
    @pytest.fixture
    def truth(self, folder: Path) -> TruthSet:
        return open_truth(load_protocol("shapes"), truth=folder)

    def test_as_the_files_are(self, folder: Path, truth: TruthSet) -> None:
        assert truth.keys == sorted(KEYS)
        contents = [(folder / f"{key}.png").read_bytes() for key in truth.keys]
        assert truth.read_many(truth.keys) == contents
        assert truth.read_many([]) == []
        for most in LIMITS:
            assert truth.read_many(truth.keys, most) == [content[:most] for content in contents]

    def test_links_are_followed(self, folder: Path, truth: TruthSet) -> None:
        (folder / "a.png").rename(folder.parent / "elsewhere")
        (folder / "a.png").symlink_to(folder.parent / "elsewhere")
        assert truth.read_many(["a"]) == [(folder.parent / "elsewhere").read_bytes()]

    def test_what_is_no_file(self, folder: Path, truth: TruthSet) -> None:
        (folder / "a.png").unlink()
        os.mkfifo(folder / "a.png")
        (folder / "val/b.png").unlink()
        (folder / "val/b.png").symlink_to("/dev/zero")
        (folder / "новый.png").unlink()
        good = (folder / "val/é.png").read_bytes()
        assert truth.read_many(["a", "val/b", "val/é", "новый"], 9) == [None, None, good[:9], None]

    def test_names_as_they_lie_on_disk(self, folder: Path, truth: TruthSet) -> None:
        content = (folder / "val/é.png").read_bytes()
        (folder / "val/é.png").rename(folder / "val/e\u0301.png")
        assert truth.read_many(["val/é"]) == [content]
