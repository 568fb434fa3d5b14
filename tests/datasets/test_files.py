"""Folders and files of strangers: what is listed, what is read, and what is never opened."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from segbench.datasets.files import decomposed, normal, read_regular, read_truth, walk
from segbench.errors import DatasetError, SegbenchError, SubmissionError, UnreadableImage

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def put(path: Path, content: bytes = b"content") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


class TestWalk:
    def test_files_in_folders(self, tmp_path: Path) -> None:
        for name in ("a.png", "b/c.png", "b/d/e.PNG", "b/notes.txt"):
            put(tmp_path / name)
        assert sorted(walk(tmp_path)) == ["a.png", "b/c.png", "b/d/e.PNG", "b/notes.txt"]

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        assert list(walk(tmp_path)) == []

    def test_junk_is_no_file(self, tmp_path: Path) -> None:
        for name in ("__MACOSX/a.png", ".git/b.png", ".ipynb_checkpoints/c.png", "x/__MACOSX/d.png"):
            put(tmp_path / name)
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._a.png", "sub/.DS_Store", "sub/._b.png"):
            put(tmp_path / name)
        put(tmp_path / "kept.png")
        assert list(walk(tmp_path)) == ["kept.png"]

    def test_links_to_folders_are_not_followed(self, tmp_path: Path) -> None:
        put(tmp_path / "a/b.png")
        (tmp_path / "a/loop").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "other").symlink_to(tmp_path / "a", target_is_directory=True)
        assert sorted(walk(tmp_path)) == ["a/b.png", "a/loop", "other"]

    def test_the_folder_itself_may_be_a_link(self, tmp_path: Path) -> None:
        put(tmp_path / "real/a.png")
        (tmp_path / "link").symlink_to(tmp_path / "real")
        assert list(walk(tmp_path / "link")) == ["a.png"]

    def test_a_folder_named_like_an_image(self, tmp_path: Path) -> None:
        put(tmp_path / "a.png/b.txt")
        assert list(walk(tmp_path)) == ["a.png/b.txt"]

    @pytest.mark.parametrize(
        "name", [b"\xff\xfe.png", b"a\nb.png", b"\x1b[31mred\x1b[0m.png", b"<script>.png", b"%s{}.png"]
    )
    def test_any_name_is_listed(self, tmp_path: Path, name: bytes) -> None:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb"):
            pass
        assert [os.fsencode(found) for found in walk(tmp_path)] == [name]

    def test_a_folder_that_goes_away(self, tmp_path: Path) -> None:
        put(tmp_path / "sub/a.png")
        files = walk(tmp_path)
        (tmp_path / "sub/a.png").unlink()
        (tmp_path / "sub").rmdir()
        tmp_path.rmdir()
        with pytest.raises(SubmissionError, match="cannot be listed") as caught:
            list(files)
        assert caught.value.file == str(tmp_path)

    @pytest.mark.skipif(ROOT, reason="root may list every folder")
    def test_a_folder_that_may_not_be_listed(self, tmp_path: Path) -> None:
        put(tmp_path / "closed/a.png")
        (tmp_path / "closed").chmod(0)
        with pytest.raises(SubmissionError, match="Permission denied"):
            list(walk(tmp_path))


class TestReading:
    def test_the_content(self, tmp_path: Path) -> None:
        path = put(tmp_path / "a.png", b"0123456789")
        assert read_regular(path, follow=False) == b"0123456789"
        assert read_regular(path, follow=False, most=4) == b"0123"

    def test_a_link_is_followed_for_truth_only(self, tmp_path: Path) -> None:
        put(tmp_path / "a.png", b"truth")
        (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
        assert read_truth(tmp_path / "b.png") == b"truth"
        with pytest.raises(UnreadableImage, match="a link") as caught:
            read_regular(tmp_path / "b.png", follow=False)
        assert caught.value.mend

    @pytest.mark.parametrize("target", ["gone.png", "a.png"], ids=["dangling", "itself"])
    @pytest.mark.parametrize("follow", [False, True])
    def test_links_to_nothing(self, tmp_path: Path, target: str, follow: bool) -> None:
        (tmp_path / "a.png").symlink_to(tmp_path / target)
        with pytest.raises(UnreadableImage):
            read_regular(tmp_path / "a.png", follow=follow)

    @pytest.mark.parametrize("kind", ["folder", "fifo", "socket", "device"])
    def test_what_is_no_file_is_refused_at_once(
        self, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a.png"
        server = socket.socket(socket.AF_UNIX)
        if kind == "folder":
            path.mkdir()
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind == "socket":
            monkeypatch.chdir(tmp_path)  # the path of a socket may be no longer than 107 bytes
            server.bind("a.png")
        else:
            path = Path(os.devnull)
        start = time.monotonic()
        with server, pytest.raises(UnreadableImage):
            read_regular(path, follow=False)
        assert time.monotonic() - start < 1

    @pytest.mark.parametrize("name", ["gone.png", "a.png/below.png", "x" * 300 + ".png"])
    def test_what_cannot_be_opened(self, tmp_path: Path, name: str) -> None:
        put(tmp_path / "a.png")
        with pytest.raises(UnreadableImage, match="cannot be opened"):
            read_regular(tmp_path / name, follow=False)

    @pytest.mark.skipif(ROOT, reason="root may read every file")
    def test_what_may_not_be_opened(self, tmp_path: Path) -> None:
        put(tmp_path / "a.png").chmod(0)
        with pytest.raises(UnreadableImage, match="Permission denied"):
            read_regular(tmp_path / "a.png", follow=False)

    def test_no_descriptor_is_left_open(self, tmp_path: Path) -> None:
        put(tmp_path / "a.png")
        os.mkfifo(tmp_path / "b.png")
        before = len(os.listdir("/proc/self/fd"))
        for name in ("a.png", "b.png", "c.png") * 20:
            try:
                read_regular(tmp_path / name, follow=False)
            except SegbenchError:
                continue
        assert len(os.listdir("/proc/self/fd")) == before

    def test_a_fault_of_the_truth_is_one_of_the_data_set(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="cannot be opened"):
            read_truth(tmp_path / "gone.png")


def test_both_forms_of_a_name() -> None:
    assert normal("e\u0301") == normal("\u00e9") == "\u00e9"
    assert decomposed("\u00e9") == "e\u0301"
