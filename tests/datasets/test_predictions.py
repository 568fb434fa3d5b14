"""The files of a submission, and which image each claims."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segbench.datasets.predictions import Naming, open_predictions
from segbench.errors import DuplicatePrediction, MissingPrediction, SubmissionError, UnreadableImage
from segbench.protocols.load import load_protocol
from segbench.scoring.pairing import Pairing, pair

KEYS = ["a", "b"]


def submission(root: Path, *names: str | bytes) -> Path:
    root.mkdir(exist_ok=True)
    for name in names:
        path = os.path.join(os.fsencode(root), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb"):
            pass
    return root


def paired(root: Path, *names: str | bytes, keys: list[str] = KEYS) -> Pairing:
    return pair(keys, open_predictions(submission(root, *names), keys))


class TestPairing:
    @pytest.mark.parametrize(
        ("names", "files"),
        [
            (["a.png", "b.png"], ["a.png", "b.png"]),
            (["a.PNG", "b.Png"], ["a.PNG", "b.Png"]),
            (["results/a.png", "results/b.png"], ["results/a.png", "results/b.png"]),
            (["x/y/z/a.png", "x/y/z/b.png"], ["x/y/z/a.png", "x/y/z/b.png"]),
            (["a.png", "b.png", "__MACOSX/a.png", "._a.png", ".DS_Store", "Thumbs.db"], ["a.png", "b.png"]),
        ],
        ids=["plain", "upper-case suffix", "one folder", "folders", "junk"],
    )
    def test_one_file_each(self, tmp_path: Path, names: list[str], files: list[str]) -> None:
        found = paired(tmp_path / "p", *names)
        assert (found.files, found.unclaimed, found.faults) == (files, [], [])

    def test_keys_of_several_parts(self, tmp_path: Path) -> None:
        keys = ["city/a", "town/a"]
        for i, wrapping in enumerate(("", "outer/", "outer/inner/")):
            names = [f"{wrapping}{key}.png" for key in keys]
            found = paired(tmp_path / str(i), *names, keys=keys)
            assert (found.files, found.faults) == (names, [])

    def test_a_wrapping_folder_that_is_also_a_key(self, tmp_path: Path) -> None:
        found = paired(tmp_path / "p", "a/a/b.png", keys=["a/b"])
        assert found.files == ["a/a/b.png"]

    def test_a_file_beside_the_folder_of_files(self, tmp_path: Path) -> None:
        found = paired(tmp_path / "p", "overview.png", "results/a.png", "results/b.png")
        assert found.faults == []
        assert found.unclaimed == ["overview.png"]

    @pytest.mark.parametrize("stored", ["caf\u00e9", "cafe\u0301"], ids=["NFC", "NFD"])
    def test_either_form_of_a_name(self, tmp_path: Path, stored: str) -> None:
        found = paired(tmp_path / "p", f"{stored}.png", keys=["caf\u00e9"])
        assert (found.files, found.faults) == ([f"{stored}.png"], [])

    def test_what_belongs_to_no_image(self, tmp_path: Path) -> None:
        found = paired(tmp_path / "p", "a.png", "b.png", "c.png", "notes.txt", "a.txt", "sub/a.png")
        assert (found.files, found.faults) == (["a.png", "b.png"], [])
        assert found.unclaimed == ["c.png", "sub/a.png", "a.txt", "notes.txt"]

    @pytest.mark.parametrize(
        "name",
        [b"\xff.png", "new\nline.png", "\x1b[2J.png", "<b>.png", "../up.png".replace("/", "\\"), "x" * 240 + ".png"],
    )
    def test_hostile_names_are_left_over(self, tmp_path: Path, name: str | bytes) -> None:
        found = paired(tmp_path / "p", "a.png", "b.png", name)
        assert (found.unclaimed, found.faults) == ([os.fsdecode(name)], [])

    @pytest.mark.parametrize("rival", ["a.PNG", "a.npy", "a.TIFF", "a.bmp"])
    def test_two_files_for_one_image(self, tmp_path: Path, rival: str) -> None:
        found = paired(tmp_path / "p", "a.png", "b.png", rival)
        [(key, fault)] = found.faults
        assert (key, type(fault)) == ("a", DuplicatePrediction)
        assert "'a.png'" in fault.found and f"'{rival}'" in fault.found

    def test_two_forms_of_one_name(self, tmp_path: Path) -> None:
        [(_, fault)] = paired(tmp_path / "p", "\u00e9.png", "e\u0301.png", keys=["\u00e9"]).faults
        assert isinstance(fault, DuplicatePrediction)

    def test_a_picture_of_another_format_alone_is_missing(self, tmp_path: Path) -> None:
        found = paired(tmp_path / "p", "a.png", "b.npy")
        [(key, fault)] = found.faults
        assert (key, type(fault), fault.mend) == ("b", MissingPrediction, "is 'b.npy' meant?")

    def test_nothing_at_all(self, tmp_path: Path) -> None:
        found = paired(tmp_path / "p")
        assert [(key, type(fault)) for key, fault in found.faults] == [(key, MissingPrediction) for key in KEYS]

    def test_a_missing_file_is_named_as_it_should_be(self, tmp_path: Path) -> None:
        [(_, fault)] = paired(tmp_path / "p", "results/a.png", "results/B.png").faults
        assert fault.file == str(tmp_path / "p/results/b.png")
        assert (fault.expected, fault.mend) == ("b.png", "is 'results/B.png' meant?")

    @pytest.mark.parametrize(
        ("dataset", "split", "expected"),
        [
            ("voc2012", "val", "some/b.png"),
            ("drive", "test", "some/b.png or some/b_test.png"),
            ("isprs-potsdam", "test", "some/b.tif or some/top_potsdam_b_label.tif"),
            ("isbi2012", "train", "some/b.png"),
            ("isbi2012", "stack", "some/b.tif or some/b-volume.tif"),
        ],
    )
    def test_a_missing_file_is_named_as_the_data_set_names_it(
        self, tmp_path: Path, dataset: str, split: str, expected: str
    ) -> None:
        protocol = load_protocol(dataset)
        naming = Naming.of(protocol.kind, protocol.layouts_of(split)[-1])
        keys = ["some/a", "some/b"]
        for name in naming.names("some/a"):
            found = pair(keys, open_predictions(submission(tmp_path / name.replace("/", "-"), name), keys, naming))
            assert found.files == [name, None]
            [(_, fault)] = found.faults
            assert fault.expected == expected

    def test_a_folder_named_like_an_image(self, tmp_path: Path) -> None:
        found = paired(tmp_path / "p", "a.png/inner.txt", "b.png")
        assert [key for key, _ in found.faults] == ["a"]

    def test_no_time_is_lost_on_hints(self, tmp_path: Path) -> None:
        # The wrong folder of a large data set: every key is missing and every file left over.
        keys = [f"val_{i:05}" for i in range(3000)]
        names = [f"TRAIN_{i:05}.png" for i in range(3000)]
        found = paired(tmp_path / "p", *names, keys=keys)
        assert len(found.faults) == len(found.unclaimed) == 3000


class TestOpening:
    @pytest.mark.parametrize("name", ["gone", "file", "x" * 5000, "nul\0"])
    def test_no_folder(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SubmissionError) as caught:
            open_predictions(tmp_path / name, KEYS)
        assert "folder" in caught.value.found
        assert caught.value.found.startswith("no such") == (name != "file")

    def test_links_loops_and_pipes_do_not_hang_the_listing(self, tmp_path: Path) -> None:
        root = submission(tmp_path / "p", "a.png")
        (root / "loop").symlink_to(root, target_is_directory=True)
        (root / "self.png").symlink_to(root / "self.png")
        os.mkfifo(root / "b.png")
        found = open_predictions(root, KEYS)
        assert (found.files, found.others) == (["a.png", "b.png", "self.png"], ["loop"])
        for file in ("b.png", "self.png"):
            with pytest.raises(UnreadableImage):
                found.read(file)

    def test_a_link_into_the_truth_is_not_read(self, tmp_path: Path) -> None:
        truth = submission(tmp_path / "truth", "a.png")
        root = submission(tmp_path / "p", "b.png")
        (root / "a.png").symlink_to(truth / "a.png")
        with pytest.raises(UnreadableImage, match="a link"):
            open_predictions(root, KEYS).read("a.png")

    def test_the_key_of_a_file(self) -> None:
        assert Naming().key("outer/a.b.png", "outer/") == "a.b"
        assert Naming().key("README", "") == ""
