"""A folder of files and every way to pack it."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from tests.bad_inputs.archives import PNG, Hostile

LONG = "/".join(("part" * 20, "part" * 30, "part" * 40)) + ".png"
FILES = {
    "a.png": PNG,
    "val/b.png": os.urandom(100_000),
    "val/deep/er/c.png": bytes(200_000),
    "val/empty.png": b"",
    "val/.hidden": b"1",
    "val/é.png": b"2",
    "val/новый.png": b"3",
    "with space.txt": b"4",
    LONG: b"5",
    "val/.DS_Store": b"junk",
    "val/._b.png": b"junk",
    "val/Thumbs.db": b"junk",
    "val/desktop.ini": b"junk",
    "__MACOSX/val/._b.png": b"junk",
    "val/__MACOSX/b.png": b"junk",
}


def zipped(method: int) -> Callable[[Path, Path], None]:
    def pack(folder: Path, target: Path) -> None:
        with zipfile.ZipFile(target, "w", method) as file:
            for path in [folder, *sorted(folder.rglob("*"))]:
                if path != folder:
                    file.write(path, path.relative_to(folder))

    return pack


def zip64(folder: Path, target: Path) -> None:
    """As if it had more than 65,535 members and 4 GiB."""
    with mock.patch.multiple(zipfile, ZIP64_LIMIT=-1, ZIP_FILECOUNT_LIMIT=2):
        zipped(zipfile.ZIP_DEFLATED)(folder, target)


def streamed_zip(folder: Path, target: Path) -> None:
    """Sizes behind the members, and all in zip64, as packers write to a pipe."""
    with open(target, "wb") as out, zipfile.ZipFile(NotSeekable(out), "w", zipfile.ZIP_DEFLATED) as file:
        for path in folder.rglob("*"):
            if path.is_file():
                with file.open(str(path.relative_to(folder)), "w", force_zip64=True) as member:
                    member.write(path.read_bytes())


class NotSeekable(io.RawIOBase):
    """A file that can only be written forward."""

    def __init__(self, out: io.BufferedWriter) -> None:
        self.out = out

    def write(self, data: object) -> int:
        return self.out.write(data)  # type: ignore[arg-type]

    def writable(self) -> bool:
        return True


def tarred(mode: str, form: int = tarfile.PAX_FORMAT, top: str = "") -> Callable[[Path, Path], None]:
    def pack(folder: Path, target: Path) -> None:
        with tarfile.open(target, mode, format=form) as file:  # type: ignore[call-overload]
            file.add(folder, top)

    return pack


def several_streams(folder: Path, target: Path) -> None:
    """As parallel packers do: gzip streams behind each other, with padding at the end."""
    tarred("w")(folder, target)
    data = target.read_bytes()
    target.write_bytes(b"".join(map(gzip.compress, (data[:7000], b"", data[7000:]))) + bytes(100))


GOOD: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "stored": ("r.zip", zipped(zipfile.ZIP_STORED)),
    "deflated": ("r.zip", zipped(zipfile.ZIP_DEFLATED)),
    "zip_bzip2": ("r.zip", zipped(zipfile.ZIP_BZIP2)),
    "zip64": ("r.zip", zip64),
    "zip64_stream": ("r.zip", streamed_zip),
    "zip_without_suffix": ("results", zipped(zipfile.ZIP_DEFLATED)),
    "tar": ("r.tar", tarred("w")),
    "tar_dot": ("r.tar", tarred("w", top=".")),
    "tar_gnu": ("r.tar", tarred("w", tarfile.GNU_FORMAT)),
    "tar_called_zip": ("r.zip", tarred("w")),
    "tar_gz": ("r.tar.gz", tarred("w:gz")),
    "tgz_gnu": ("r.tgz", tarred("w:gz", tarfile.GNU_FORMAT)),
    "tgz_streams": ("r.tgz", several_streams),
    "tar_xz": ("r.tar.xz", tarred("w:xz")),
    "txz": ("r.TXZ", tarred("w:xz")),
    "tar_bz2": ("r.tar.bz2", tarred("w:bz2")),
    "tgz_without_suffix": ("results", tarred("w:gz")),
}
KINDS = ["stored", "deflated", "zip_bzip2", "zip64", "tar", "tar_gnu", "tar_gz", "tar_xz", "tar_bz2"]


def packed(case: str, folder: Path, target: Path) -> Path:
    name, pack = GOOD[case]
    pack(folder, target / name)
    return target / name


def saved(target: Path, hostile: Hostile) -> Path:
    (target / hostile.file).write_bytes(hostile.data)
    return target / hostile.file
