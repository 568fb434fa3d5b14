"""Files read in one call against `open` and `read`, and everything that is no file to be read."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from segbench.errors import BadParameter
from segbench.kernels.files import read_files

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
CONTENT = bytes(range(256)) * 40

#: What a folder of `every_kind` holds: regular files, links, and what is neither.
LENGTHS = (0, 1, 2, 4095, 4096, 4097, 10_000)


def every_kind(folder: Path) -> list[bytes]:
    """Fill a folder with files of some lengths and with everything that is none; return the paths."""
    for i, length in enumerate(LENGTHS):
        (folder / f"{i}.png").write_bytes(CONTENT[i : i + length])
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("3.png")
    (folder / "far").symlink_to("link")
    (folder / "dangling").symlink_to("gone")
    (folder / "loop").symlink_to("loop")
    (folder / "to_folder").symlink_to("folder")
    (folder / "to_device").symlink_to("/dev/zero")
    below = [folder / "gone", folder / "1.png/below", folder / "to_folder/gone"]
    paths = [*folder.iterdir(), *below, Path("/dev/zero"), Path("/dev/null"), Path("/")]
    return [b"", *(os.fsencode(path) for path in sorted(paths))]


def one_by_one(paths: Sequence[bytes], *, most: Sequence[int], follow: bool) -> list[bytes | None]:
    """Return what `read_files` must: what is asked first is whether a path is a regular file."""
    contents: list[bytes | None] = []
    for path, limit in zip(paths, most, strict=True):
        if os.path.isfile(path) and (follow or not os.path.islink(path)):
            with open(path, "rb") as file:
                contents.append(file.read()[:limit])
        else:
            contents.append(None)
    return contents


def hold_files(paths: Sequence[bytes]) -> None:
    """Assert that every kind of limit gives the same, and leaves no descriptor open."""
    before = len(os.listdir("/proc/self/fd"))
    rng = np.random.default_rng(0)
    limits = [[limit] * len(paths) for limit in (0, 1, 4096, 1 << 31, (1 << 63) - 1)]
    limits += [rng.choice([0, 1, 2, 4096, 9999, 1 << 40], len(paths)).tolist() for _ in range(20)]
    for most in limits:
        for follow in (False, True):
            found, expected = read_files(paths, most=most, follow=follow), one_by_one(paths, most=most, follow=follow)
            differing = [path for path, a, b in zip(paths, found, expected, strict=True) if a != b]
            assert differing == []
            assert len(os.listdir("/proc/self/fd")) == before


def put(folder: Path, content: bytes = CONTENT, name: bytes = b"a.png") -> bytes:
    path = os.path.join(os.fsencode(folder), name)
    with open(path, "wb") as file:
        file.write(content)
    return path


class TestContent:
    def test_every_kind_against_one_by_one(self, tmp_path: Path) -> None:
        paths = every_kind(tmp_path)
        start = time.process_time()
        hold_files(paths)
        assert time.process_time() - start < 5
        read = [content is not None for content in read_files(paths, most=[9] * len(paths), follow=True)]
        assert read.count(True) == len(LENGTHS) + 2  # and two links to one of them

    @pytest.mark.parametrize("most", [0, 1, len(CONTENT) - 1, len(CONTENT), len(CONTENT) + 1, (1 << 63) - 1])
    def test_limits(self, tmp_path: Path, most: int) -> None:
        assert read_files([put(tmp_path)], most=[most], follow=False) == [CONTENT[:most]]

    def test_limits_of_each_file(self, tmp_path: Path) -> None:
        paths = [put(tmp_path), put(tmp_path, b"", b"empty"), put(tmp_path, b"abc", b"short")]
        assert read_files(paths * 2, most=[3, 9, 2, 0, 0, 9], follow=False) == [
            CONTENT[:3],
            b"",
            b"ab",
            b"",
            b"",
            b"abc",
        ]

    def test_an_empty_file_alone(self, tmp_path: Path) -> None:
        assert read_files([put(tmp_path, b"")], most=[9], follow=False) == [b""]

    def test_a_file_larger_than_all_before(self, tmp_path: Path) -> None:
        contents = [os.urandom(length) for length in (10, 3_000_000, 0, 7, 20_000_000, 1)]
        paths = [put(tmp_path, content, b"%d" % i) for i, content in enumerate(contents)]
        assert read_files(paths, most=[1 << 31] * 6, follow=False) == contents

    def test_many_files(self, tmp_path: Path) -> None:
        paths = [put(tmp_path, CONTENT[:i], b"%d" % i) for i in range(1000)]
        assert read_files(paths, most=[1 << 31] * 1000, follow=False) == [CONTENT[:i] for i in range(1000)]

    @pytest.mark.parametrize("name", [b"\xff\xfe.png", "é.png".encode(), "é.png".encode("latin-1"), b"a\nb", b"%s"])
    def test_any_name(self, tmp_path: Path, name: bytes) -> None:
        assert read_files([put(tmp_path, name=name)], most=[1 << 31], follow=False) == [CONTENT]

    def test_relative_paths(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put(tmp_path)
        monkeypatch.chdir(tmp_path)
        assert read_files([b"a.png", b"./a.png", b"b.png"], most=[2] * 3, follow=False) == [CONTENT[:2]] * 2 + [None]

    def test_a_file_without_a_length(self) -> None:
        # Files of the kernel say 0 and hold something; the careful reader takes them for empty too.
        assert read_files([b"/proc/self/status"], most=[9], follow=False) == [b""]

    def test_threads(self, tmp_path: Path) -> None:
        paths = [put(tmp_path, CONTENT[: 37 * i], b"%d" % i) for i in range(100)]
        wrong = []

        def read(seed: int) -> None:
            for _ in range(100):
                order = np.random.default_rng(seed).permutation(100).tolist()
                found = read_files([paths[i] for i in order], most=[1 << 31] * 100, follow=False)
                wrong.extend(i for i, content in zip(order, found, strict=True) if content != CONTENT[: 37 * i])

        threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


class TestNoFile:
    @pytest.mark.parametrize("follow", [False, True])
    @pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device", "missing", "loop", "too long"])
    def test_at_once_and_none(self, tmp_path: Path, kind: str, follow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "a.png"
        monkeypatch.chdir(tmp_path)  # the path of a socket may be no longer than 107 bytes
        server = socket.socket(socket.AF_UNIX)
        match kind:
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case "socket":
                server.bind("a.png")
            case "device":
                path = Path("/dev/zero")
            case "loop":
                path.symlink_to(path)
            case "too long":
                path = tmp_path / ("x" * 300)
        good, start = put(tmp_path, name=b"good"), time.process_time()
        with server:
            found = read_files([good, os.fsencode(path), good], most=[1 << 31] * 3, follow=follow)
        assert found == [CONTENT, None, CONTENT]
        assert time.process_time() - start < 1

    @pytest.mark.parametrize("follow", [False, True])
    def test_links(self, tmp_path: Path, follow: bool) -> None:
        put(tmp_path)
        (tmp_path / "link").symlink_to(tmp_path / "a.png")
        (tmp_path / "pipe").symlink_to("fifo")
        os.mkfifo(tmp_path / "fifo")
        paths = [os.fsencode(tmp_path / name) for name in ("link", "pipe")]
        assert read_files(paths, most=[9, 9], follow=follow) == [CONTENT[:9] if follow else None, None]

    def test_a_link_to_the_folder_is_no_link(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        put(tmp_path / "folder")
        (tmp_path / "link").symlink_to("folder")
        assert read_files([os.fsencode(tmp_path / "link/a.png")], most=[9], follow=False) == [CONTENT[:9]]

    @pytest.mark.skipif(ROOT, reason="root may read every file")
    def test_what_may_not_be_opened(self, tmp_path: Path) -> None:
        path = put(tmp_path)
        os.chmod(path, 0)
        assert read_files([path], most=[9], follow=False) == [None]


class TestArguments:
    def test_nothing_to_read(self) -> None:
        assert read_files([], most=[], follow=False) == []

    def test_any_sequence(self, tmp_path: Path) -> None:
        path = put(tmp_path)
        assert read_files((path, path), most=np.array([1, 2], np.uint8), follow=False) == [CONTENT[:1], CONTENT[:2]]

    @pytest.mark.parametrize("path", ["text.png", None, 3, Path("a"), bytearray(b"a"), b"a\0b", b"\0"])
    def test_what_is_no_path(self, path: object) -> None:
        with pytest.raises(BadParameter, match="a path"):
            read_files([b"a", path], most=[1, 1], follow=False)  # type: ignore[list-item]

    @pytest.mark.parametrize("most", [[], [1], [1, 2, 3], [-1, 1], [[1, 2]], [[1], [2]], 2])
    def test_limits_that_do_not_fit(self, most: Sequence[int]) -> None:
        with pytest.raises(BadParameter, match="limits for 2 files"):
            read_files([b"a", b"b"], most=most, follow=False)
