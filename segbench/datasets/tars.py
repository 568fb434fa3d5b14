"""Tar archives, listed header by header and read by place.

Python's ``tarfile`` (3.11.7) can be made to loop for ever (CVE-2025-8194), to backtrack for hours (CVE-2024-6232), to
recurse too deep and to read a name of gigabytes; the format is simple enough to read here. A compressed tar is unpacked
once, as a stream, into a private file: that is no extraction, its members stay where they are.

Layout: POSIX.1-2017, pax, and the GNU extensions for long names.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from segbench.datasets.containers import Archive
from segbench.datasets.members import LINK, SPARSE, SPECIAL, Member, Problem, damaged, too_large
from segbench.datasets.streams import BLOCK, DamagedStream, Decompressor, Source, unpacked
from segbench.errors import EnvironmentProblem, UnreadableImage

_UNIT = 512
_ZEROS = bytes(_UNIT)
_ROW_BYTES = 8
#: An extended header is kept in memory while it is read; those of packers hold a few hundred bytes.
_LONGEST_EXTENSION = 1 << 20
_MOST_EXTENSIONS = 8

_FILES = (b"0", b"\0", b"7")
_LINKS = (b"1", b"2")
_FOLDER = b"5"
#: Links, devices, folders and pipes: their headers may give a size, yet nothing follows.
_WITHOUT_CONTENT = (b"1", b"2", b"3", b"4", b"5", b"6")
_GNU_SPARSE = b"S"
_GNU_NAME, _GNU_LINK_NAME, _PAX, _SUN_PAX, _PAX_GLOBAL = b"L", b"K", b"x", b"X", b"g"
_EXTENSIONS = (_GNU_NAME, _GNU_LINK_NAME, _PAX, _SUN_PAX, _PAX_GLOBAL)
_DECIMAL_DIGITS = 19


class _Broken(Exception):
    """A header that cannot be understood; the text says how, as a clause."""


@dataclass
class _Extension:
    """What the headers before a member say about it."""

    name: bytes | None = None
    size: int | None = None
    sparse: bool = False
    headers: int = 0


class TarArchive(Archive):
    """A tar archive that is not compressed."""

    def _members(self) -> Iterator[Member]:
        offset = 0
        extension = _Extension()
        while True:
            header = self._source.read(offset, _UNIT)
            if header == _ZEROS and not extension.headers:
                return
            try:
                kind, size = _checked(header), _number(header[124:136])
                offset += _UNIT
                if kind in _EXTENSIONS:
                    self._extend(extension, kind, offset, size)
                else:
                    size = self._own_size(kind, size, extension, offset)
                    yield _member(header, kind, offset, size, extension)
                    extension = _Extension()
                    if kind == _GNU_SPARSE:
                        # Headers of another shape may follow, and the archive is refused anyway.
                        return
            except _Broken as error:
                raise damaged(self.path, self._told(str(error), offset)) from None
            offset += -(-size // _UNIT) * _UNIT

    def _told(self, found: str, offset: int) -> str:
        return f"{found} (byte {offset:,})" if offset else "no tar archive, or one damaged at its beginning"

    def _own_size(self, kind: bytes, size: int, extension: _Extension, offset: int) -> int:
        if kind in _WITHOUT_CONTENT:
            return 0
        size = size if extension.size is None else extension.size
        if offset + size > self._source.size:
            raise _Broken("a member that is cut off")
        return size

    def _extend(self, extension: _Extension, kind: bytes, offset: int, size: int) -> None:
        extension.headers += 1
        if size > _LONGEST_EXTENSION or extension.headers > _MOST_EXTENSIONS:
            raise _Broken("an extended header too large")
        data = self._source.read(offset, size)
        if len(data) < size:
            raise _Broken("an extended header that is cut off")
        if kind == _GNU_NAME:
            extension.name = data.rstrip(b"\0")
        elif kind != _GNU_LINK_NAME:
            _extend_by_records(extension, data, of_all=kind == _PAX_GLOBAL)

    def _content(self, row: bytes, most: int) -> bytes:
        offset, size = int.from_bytes(row[:_ROW_BYTES]), int.from_bytes(row[_ROW_BYTES:])
        data = self._source.read(offset, min(size, most))
        if len(data) < min(size, most):
            raise UnreadableImage("cut off", expected="an archive left alone")
        return data


def spooled(source: Source, begin: Callable[[], Decompressor], *, most: int) -> Source:
    """Unpack a compressed tar into a private file, without looking at its members.

    Parameters
    ----------
    source : Source
        The compressed file.
    begin : callable
        Returns a decompressor for it.
    most : int
        Bytes it may unpack to.

    Returns
    -------
    Source
        The tar; its file is removed when it is closed.

    Raises
    ------
    UnsafeArchive
        When it is damaged or unpacks to more.
    EnvironmentProblem
        When the file cannot be written.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="segbench-"))
    except OSError as error:
        raise _unwritten(source, error) from None
    try:
        _unpack(source, begin, folder / "spool.tar", most)
        return Source(folder / "spool.tar", shown=source.path, folder=folder)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _unwritten(source, error) from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _unpack(source: Source, begin: Callable[[], Decompressor], target: Path, most: int) -> None:
    chunks = source.chunks(0, source.size, size=BLOCK)
    count = 0
    with open(target, "xb") as file:
        try:
            for block in unpacked(chunks, begin, several=True):
                count += len(block)
                if count > most:
                    raise too_large(source.path, most)
                file.write(block)
        except DamagedStream as error:
            raise damaged(source.path, f"a compressed tar that {error}") from None


def _unwritten(source: Source, error: OSError) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"cannot be unpacked to a temporary file: {error.strerror}",
        mend="free some space, set TMPDIR to a disk that has it, or unpack the archive and give the folder",
        file=str(source.path),
    )


def _checked(header: bytes) -> bytes:
    """Return the kind of a member whose header is whole."""
    if len(header) < _UNIT:
        raise _Broken("a tar without its end: cut off")
    if _number(header[148:156]) != sum(header) - sum(header[148:156]) + 8 * ord(" "):
        raise _Broken("a damaged header")
    return header[156:157]


def _number(digits: bytes) -> int:
    """Return a number of a header: octal digits, or GNU's base 256 for what is too large for them."""
    if digits[0] == 0x80:
        return int.from_bytes(digits[1:])
    text = digits.partition(b"\0")[0].strip(b" ")
    if text.strip(b"01234567"):
        raise _Broken("a damaged header")
    return int(text or b"0", 8)


def _member(header: bytes, kind: bytes, offset: int, size: int, extension: _Extension) -> Member:
    name = extension.name
    if name is None:
        name = header[:100].partition(b"\0")[0]
        prefix = header[345:500].partition(b"\0")[0]
        if prefix and header[257:263] == b"ustar\0":
            name = prefix + b"/" + name
    if kind == _FOLDER and not name.endswith(b"/"):
        name += b"/"
    row = offset.to_bytes(_ROW_BYTES) + size.to_bytes(_ROW_BYTES)
    return Member(name.decode("utf-8", "surrogateescape"), size, row, _problem(kind, extension))


def _problem(kind: bytes, extension: _Extension) -> Problem | None:
    if kind in _LINKS:
        return LINK
    if extension.sparse or kind == _GNU_SPARSE:
        return SPARSE
    return None if kind in _FILES or kind == _FOLDER else SPECIAL


def _extend_by_records(extension: _Extension, data: bytes, *, of_all: bool) -> None:
    """Take name and size from the records of a pax header, ``length key=value``, one a line."""
    at = 0
    while at < len(data):
        digits, blank, _ = data[at : at + _DECIMAL_DIGITS + 1].partition(b" ")
        length = _decimal(digits)
        key, equals, value = data[at + len(digits) + 1 : at + length - 1].partition(b"=")
        at += length
        if not blank or not equals or at > len(data) or data[at - 1 : at] != b"\n":
            raise _Broken("a damaged extended header")
        if key == b"path":
            extension.name = value
        elif key == b"size":
            extension.size = _decimal(value)
        elif key.startswith(b"GNU.sparse."):
            extension.sparse = True
    if of_all and (extension.name is not None or extension.size is not None or extension.sparse):
        raise _Broken("one name or size for all members")


def _decimal(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > _DECIMAL_DIGITS:
        raise _Broken("a damaged extended header")
    return int(digits)
