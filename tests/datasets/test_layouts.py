"""From a data root, or a tree of label maps, to the images of a split."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segbench.datasets.layouts import find_root, split_keys
from segbench.datasets.truth import open_truth
from segbench.errors import BadParameter, DatasetError, UnknownName
from segbench.protocols.load import load_protocol

VOC, CAMVID = load_protocol("voc"), load_protocol("camvid")


def voc(root: Path, *keys: str, lines: str | bytes | None = None) -> Path:
    """Make the folders of VOC with empty truth files and the list of val."""
    lists = root / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (root / "SegmentationClass").mkdir()
    for key in keys:
        (root / f"SegmentationClass/{key}.png").touch()
    content = "".join(f"{key}\n" for key in keys) if lines is None else lines
    (lists / "val.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


class TestRoot:
    @pytest.mark.parametrize("inside", [".", "VOC2012", "VOCdevkit/VOC2012"])
    def test_where_the_layout_may_begin(self, tmp_path: Path, inside: str) -> None:
        root = voc(tmp_path / inside, "a")
        assert find_root(VOC, tmp_path, "val")[0].resolve() == root.resolve()

    def test_an_error_names_every_place(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError) as caught:
            find_root(VOC, tmp_path / "x", "val")
        for inside in ("x", "x/VOC2012", "x/VOCdevkit/VOC2012"):
            assert str(tmp_path / inside) in caught.value.found
        assert "SegmentationClass/NAME.png" in caught.value.expected
        assert caught.value.file == str(tmp_path / "x")

    @pytest.mark.parametrize("name", ["voc2012", "voc"])
    def test_the_variable_holds_data_sets_by_name_or_alias(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        voc(tmp_path / name, "a", "b")
        monkeypatch.setenv("SEGBENCH_DATA", str(tmp_path))
        assert open_truth(VOC).keys == ["a", "b"]

    def test_the_option_goes_before_the_variable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        voc(tmp_path / "all/voc", "a")
        monkeypatch.setenv("SEGBENCH_DATA", str(tmp_path / "all"))
        assert open_truth(VOC, data_root=voc(tmp_path / "mine", "b")).keys == ["b"]

    def test_the_variable_in_vain_names_every_place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SEGBENCH_DATA", str(tmp_path))
        with pytest.raises(DatasetError) as caught:
            open_truth(VOC)
        for inside in ("voc2012", "voc/VOC2012", "voc2012/VOCdevkit/VOC2012"):
            assert str(tmp_path / inside) in caught.value.found

    def test_neither_option_nor_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SEGBENCH_DATA", raising=False)
        with pytest.raises(BadParameter, match="SEGBENCH_DATA") as caught:
            open_truth(VOC)
        assert "--data-root" in caught.value.expected
        assert "--truth" in caught.value.expected

    def test_a_root_with_an_impossible_name(self) -> None:
        with pytest.raises(DatasetError):
            find_root(VOC, Path("x" * 5000), "val")


class TestLists:
    @pytest.mark.parametrize(
        "lines",
        [
            "b\na\n",
            "b\r\na\r\n",
            "\n  b  \n\n\ta\n\n",
            "a\nb",
            "b.png\na.png\n",
            "b.jpg\na.jpg\n",
            "/SegNet/val/b.png /SegNet/valannot/b.png\n/SegNet/val/a.png /SegNet/valannot/a.png",
            "../../../../b\n../a.png\n",
            b"\xef\xbb\xbfb\na\n",
        ],
        ids=["plain", "CRLF", "blanks", "no end", "suffix", "image suffix", "SegNet", "paths count for nothing", "BOM"],
    )  # fmt: skip
    def test_read(self, tmp_path: Path, lines: str | bytes) -> None:
        root = voc(tmp_path, "a", "b", lines=lines)
        assert split_keys(VOC, VOC.layout, root, "val") == ["a", "b"]
        truths = open_truth(VOC, data_root=root)
        assert [truths.path(key) for key in truths.keys] == [str(root / f"SegmentationClass/{k}.png") for k in "ab"]

    @pytest.mark.parametrize(
        ("lines", "found"),
        [
            ("", "an empty list"),
            (" \n\r\n", "an empty list"),
            ("a\nb\na\n", "'a' twice"),
            ("x/a\ny/a.png\n", "'a' twice"),
            ("a\n..\n", "an image named '..'"),
            ("a\n.\n", "an image named ''"),
            ("a\n/\n", "an image named ''"),
            ("a\nb\0c\n", "an image named 'b\\x00c'"),
            (b"a\n\xff\xfe\n", "cannot be read"),
        ],
        ids=["nothing", "blank", "twice", "twice by path", "up", "here", "root", "NUL", "no UTF-8"],
    )
    def test_refused(self, tmp_path: Path, lines: str | bytes, found: str) -> None:
        root = voc(tmp_path, "a", lines=lines)
        with pytest.raises(DatasetError) as caught:
            split_keys(VOC, VOC.layout, root, "val")
        assert found in caught.value.found
        assert caught.value.file == str(root / "ImageSets/Segmentation/val.txt")

    def test_two_forms_of_one_name(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="twice"):
            split_keys(VOC, VOC.layout, voc(tmp_path, lines="\u00e9\ne\u0301\n"), "val")

    def test_a_list_that_must_be_there(self, tmp_path: Path) -> None:
        root = voc(tmp_path, "a")
        with pytest.raises(DatasetError, match="no such list") as caught:
            open_truth(VOC, split="train", data_root=root)
        assert caught.value.file is not None and caught.value.file.endswith("train.txt")

    def test_a_list_that_may_be_missing(self, tmp_path: Path) -> None:
        folder = tmp_path / "CamVid/valannot"
        folder.mkdir(parents=True)
        for key in ("b", "a"):
            (folder / f"{key}.png").touch()
        truths = open_truth(CAMVID, data_root=tmp_path)
        assert truths.keys == ["a", "b"]
        assert truths.path("a") == str(folder / "a.png")
        (tmp_path / "CamVid/val.txt").write_text("b\n")
        assert open_truth(CAMVID, data_root=tmp_path).keys == ["b"]

    def test_an_unknown_split(self, tmp_path: Path) -> None:
        with pytest.raises(UnknownName) as caught:
            open_truth(VOC, split="vall", data_root=tmp_path)
        assert "'val'" in caught.value.mend

    def test_how_many_images_there_should_be(self, tmp_path: Path) -> None:
        assert open_truth(VOC, data_root=voc(tmp_path, "a")).expected == 1449


class TestTrees:
    def test_keys_are_paths(self, tmp_path: Path) -> None:
        for name in ("b.png", "city/a.png", "city/deep/c.png", "notes.txt", "._b.png", "__MACOSX/b.png"):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        truths = open_truth(VOC, truth=tmp_path)
        assert truths.keys == ["b", "city/a", "city/deep/c"]
        assert [os.path.isfile(truths.path(key)) for key in truths.keys] == [True] * 3
        assert (truths.split, truths.expected) == ("custom", 0)

    @pytest.mark.parametrize("name", ["caf\u00e9", "cafe\u0301"], ids=["NFC", "NFD"])
    def test_a_name_in_either_form_is_found_again(self, tmp_path: Path, name: str) -> None:
        folder = tmp_path / "valannot"
        folder.mkdir()
        (folder / f"{name}.png").touch()
        for truths in (open_truth(VOC, truth=folder), open_truth(CAMVID, data_root=tmp_path)):
            assert truths.keys == ["caf\u00e9"]
            assert os.path.isfile(truths.path("caf\u00e9"))

    @pytest.mark.parametrize(
        ("name", "found"),
        [("a.PNG", "upper-case suffix"), ("\udcff.png", "not UTF-8"), ("linked", "a link to a folder")],
    )
    def test_no_image_is_passed_over_in_silence(self, tmp_path: Path, name: str, found: str) -> None:
        folder = tmp_path / "truth"
        folder.mkdir()
        (folder / "b.png").touch()
        if name == "linked":
            (tmp_path / "more").mkdir()
            (folder / name).symlink_to(tmp_path / "more", target_is_directory=True)
        else:
            (folder / name).touch()
        with pytest.raises(DatasetError, match=found) as caught:
            open_truth(VOC, truth=folder)
        assert caught.value.file == str(folder / name)

    def test_a_linked_truth_file_is_an_image(self, tmp_path: Path) -> None:
        (tmp_path / "truth").mkdir()
        (tmp_path / "a.png").touch()
        (tmp_path / "truth/a.png").symlink_to(tmp_path / "a.png")
        assert open_truth(VOC, truth=tmp_path / "truth").keys == ["a"]

    @pytest.mark.parametrize("state", ["gone", "empty", "file", "other files"])
    def test_no_tree(self, tmp_path: Path, state: str) -> None:
        folder = tmp_path / "truth"
        if state == "file":
            folder.touch()
        elif state != "gone":
            folder.mkdir()
        if state == "other files":
            (folder / "a.tif").touch()
        with pytest.raises(DatasetError) as caught:
            open_truth(VOC, truth=folder)
        assert caught.value.file == str(folder)

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may list every folder")
    def test_a_tree_that_may_not_be_listed(self, tmp_path: Path) -> None:
        (tmp_path / "closed").mkdir(mode=0)
        with pytest.raises(DatasetError, match="cannot be listed"):
            open_truth(VOC, truth=tmp_path)

    def test_two_forms_of_one_name(self, tmp_path: Path) -> None:
        for name in ("\u00e9", "e\u0301"):
            (tmp_path / f"{name}.png").touch()
        with pytest.raises(DatasetError, match="twice"):
            open_truth(VOC, truth=tmp_path)

    def test_a_tree_and_a_root(self, tmp_path: Path) -> None:
        with pytest.raises(BadParameter, match="--truth together with --data-root"):
            open_truth(VOC, truth=tmp_path, data_root=tmp_path)

    def test_a_split_named_beside_a_tree(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").touch()
        assert open_truth(VOC, truth=tmp_path, split="fold-1").split == "fold-1"
        with pytest.raises(BadParameter, match="a\\|b"):
            open_truth(VOC, truth=tmp_path, split="a|b")
