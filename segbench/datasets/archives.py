"""Submissions that are archives: zip, and tar as it is or compressed by gzip, xz or bzip2.

Members are read in memory under a limit and never extracted; see `containers` for the interface, `members` for what
refuses an archive, `zips` and `tars` for the formats.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from segbench.datasets.containers import Archive
from segbench.datasets.members import OTHER_SUFFIXES, READ_SUFFIXES, Limits
from segbench.datasets.streams import (
    BLOCK,
    DamagedStream,
    Decompressor,
    Source,
    bzip2_stream,
    gzip_stream,
    unpacked,
    xz_stream,
)
from segbench.datasets.tars import TarArchive, spooled
from segbench.datasets.zips import ZipArchive
from segbench.errors import SegbenchError, UnsafeArchive

__all__ = ["Archive", "is_archive", "open_archive"]

_ZIP = (b"PK\3\4", b"PK\5\6", b"PK00PK\3\4")
_COMPRESSED: dict[bytes, Callable[[], Decompressor]] = {
    b"\x1f\x8b": gzip_stream,
    b"BZh": bzip2_stream,
    b"\xfd7zXZ\0": xz_stream,
}
_OTHERS = {b"7z\xbc\xaf\x27\x1c": "a 7z archive", b"Rar!\x1a\x07": "a RAR archive", b"\x28\xb5\x2f\xfd": "zstd"}
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_HEAD = _TAR_MAGIC_AT + len(_TAR_MAGIC)
_READ = "a zip, or a tar as it is or compressed by gzip, xz or bzip2"

#: Label maps compress well, yet a hundredfold is more than honest ones do, whatever their format.
_HONEST_RATIO = 100
_HONEST_BYTES = 64 << 20
_LARGEST_SPOOL = 16 << 30


def is_archive(path: Path) -> bool:
    """Return whether a path is a regular file that is an archive by its first bytes, or is called like one.

    Parameters
    ----------
    path : Path
        Any path, whether something lies there or not.

    Returns
    -------
    bool
        Archives that are not read (7z, RAR) and damaged ones count: `open_archive` says what is wrong with them. A
        folder never counts, nor does a compressed file that holds no tar, such as ``volume.nii.gz``.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        if path.name.lower().endswith(READ_SUFFIXES + OTHER_SUFFIXES):
            return True
        source = Source(path, shown=path)
    except (OSError, ValueError, SegbenchError):
        return False
    try:
        return _looks_like_one(source)
    except SegbenchError:
        return False
    finally:
        source.close()


def open_archive(path: Path, *, most_members: int, most_bytes: int | None = None) -> Archive:
    """Open an archive and check its whole listing; no member is read yet.

    Parameters
    ----------
    path : Path
        The archive.
    most_members : int
        Members it may have, folders and junk included.
    most_bytes : int, optional
        Bytes its members may unpack to: by what it says, and for a compressed tar by what is produced. Else 64 MiB
        and a hundred times its size, and at most 16 GiB for a compressed tar, which is unpacked to a temporary file.

    Returns
    -------
    Archive
        Its members, by name.

    Raises
    ------
    UnsafeArchive
        When it is damaged, of another format, or anything in it is suspicious.
    Refusal
        When there are several such faults.
    SubmissionError
        When the file cannot be opened.
    EnvironmentProblem
        When a compressed tar cannot be unpacked for want of space.
    """
    source = Source(path, shown=path)
    try:
        return _opened(path, source, most_members, most_bytes)
    except BaseException:
        source.close()
        raise


def _opened(path: Path, source: Source, most_members: int, most_bytes: int | None) -> Archive:
    head = source.read(0, _HEAD)
    begin = _decompressor(head)
    limits = Limits(most_members, _most_bytes(most_bytes, source.size, spooled=begin is not None))
    if begin is not None:
        tar = spooled(source, begin, most=limits.unpacked)
        source.close()
        return TarArchive(path, tar, limits)
    if head.startswith(_ZIP):
        return ZipArchive(path, source, limits)
    if _has_tar_magic(head) or _is_plain_tar(path, head):
        return TarArchive(path, source, limits)
    raise _unknown(path, head)


def _most_bytes(most: int | None, size: int, *, spooled: bool) -> int:
    if most is not None:
        return most
    honest = _HONEST_BYTES + _HONEST_RATIO * size
    return min(honest, _LARGEST_SPOOL) if spooled else honest


def _decompressor(head: bytes) -> Callable[[], Decompressor] | None:
    return next((begin for magic, begin in _COMPRESSED.items() if head.startswith(magic)), None)


def _looks_like_one(source: Source) -> bool:
    head = source.read(0, _HEAD)
    begin = _decompressor(head)
    if begin is not None:
        head = _first_block(source, begin)
    return head.startswith((*_ZIP, *_OTHERS)) or _has_tar_magic(head)


def _first_block(source: Source, begin: Callable[[], Decompressor]) -> bytes:
    chunks = source.chunks(0, source.size, size=BLOCK)
    try:
        return next(unpacked(chunks, begin, several=False), b"")
    except DamagedStream:
        return b""


def _has_tar_magic(head: bytes) -> bool:
    return head[_TAR_MAGIC_AT:_HEAD] == _TAR_MAGIC


def _is_plain_tar(path: Path, head: bytes) -> bool:
    # Tars older than POSIX have no magic, and an empty one is all zeros.
    return path.name.lower().endswith(".tar") and bool(head) and not head.startswith(tuple(_OTHERS))


def _unknown(path: Path, head: bytes) -> UnsafeArchive:
    found = next((name for magic, name in _OTHERS.items() if head.startswith(magic)), "no archive")
    if not head:
        found = "an empty file"
    return UnsafeArchive(found, expected=_READ, mend="pack the folder of label maps by zip -r", file=str(path))
