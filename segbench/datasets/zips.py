"""Zip archives, listed by their central directory and read member by member.

Python's ``zipfile`` (3.11.7) keeps a large object for each member before anyone can object to their number, reads from
one shared position, and does not see members that overlap. Here the listing is streamed, reading is positional, and
whatever two readers could understand differently is refused.

Layout: APPNOTE.TXT of PKWARE, sections 4.3 to 4.5.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from segbench.datasets.containers import Archive
from segbench.datasets.members import ENCRYPTED, LINK, LONGEST_NAME, SPECIAL, Member, Problem, check_count, damaged
from segbench.datasets.streams import BLOCK, DamagedStream, Decompressor, bzip2_stream, raw_deflate, unpacked
from segbench.errors import UnreadableImage

_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_ROW = struct.Struct("<4QIH")

_LONGEST_COMMENT = (1 << 16) - 1
_FILLED = (1 << 32) - 1
_UTF8 = 1 << 11
#: Encrypted, strongly encrypted, with a masked directory.
_LOCKED = 1 | 1 << 6 | 1 << 13
_PATCH = 1 << 5

_STORED, _DEFLATED, _BZIP2 = 0, 8, 12
_METHODS: dict[int, Callable[[], Decompressor] | None] = {_STORED: None, _DEFLATED: raw_deflate, _BZIP2: bzip2_stream}
_REFUSED_METHODS = {1: "shrink", 6: "implode", 9: "deflate64", 14: "lzma", 93: "zstd", 95: "xz", 98: "ppmd"}


class _Directory(NamedTuple):
    """Where the central directory lies."""

    start: int
    end: int
    members: int


class _Entry(NamedTuple):
    """One header of the central directory."""

    offset: int
    packed: int
    size: int
    crc: int
    method: int
    flags: int
    mode: int
    name: bytes


class ZipArchive(Archive):
    """A zip archive; stored, deflated and bzip2 members are read."""

    def _members(self) -> Iterator[Member]:
        directory = self._directory()
        check_count(self.path, directory.members, self._limits)
        entries = sorted(self._entries(directory))
        ends = [entry.offset for entry in entries[1:]] + [directory.start]
        for entry, end in zip(entries, ends, strict=False):
            if entry.offset + _LOCAL.size + len(entry.name) + entry.packed > end:
                raise damaged(self.path, "members that overlap")
            row = _ROW.pack(entry.offset, entry.packed, entry.size, end, entry.crc, entry.method) + entry.name
            yield Member(_decoded(entry), entry.size, row, _problem(entry))

    def _directory(self) -> _Directory:
        size = self._source.size
        tail = self._source.read(max(0, size - _END.size - _LONGEST_COMMENT), _END.size + _LONGEST_COMMENT)
        at = _end_record(tail)
        if at < 0:
            raise damaged(self.path, "a zip without its end")
        _, disk, first_disk, here, count, length, start, _ = _END.unpack_from(tail, at)
        end = size - len(tail) + at
        locator = self._source.read(end - _LOCATOR64.size, _LOCATOR64.size) if end >= _LOCATOR64.size else b""
        if locator.startswith(b"PK\6\7"):
            end -= _LOCATOR64.size + _END64.size
            record = self._source.read(max(end, 0), _END64.size)
            if end < 0 or len(record) < _END64.size or not record.startswith(b"PK\6\6"):
                raise damaged(self.path, "a zip64 without its end")
            _, _, _, _, disk, first_disk, here, count, length, start = _END64.unpack(record)
        if disk or first_disk or here != count:
            raise damaged(self.path, "one volume of several")
        if start + length != end:
            raise damaged(self.path, "a directory that is not where the archive says")
        return _Directory(start, end, count)

    def _entries(self, directory: _Directory) -> Iterator[_Entry]:
        chunks = self._source.chunks(directory.start, directory.end, size=1 << 20)
        data, at = b"", 0
        for _ in range(directory.members):
            if len(data) - at < _CENTRAL.size + 3 * _LONGEST_COMMENT:
                data, at = data[at:] + next(chunks, b""), 0
            entry, at = self._entry(data, at)
            yield entry
        if at != len(data) or next(chunks, b""):
            raise damaged(self.path, "more in its directory than the archive says")

    def _entry(self, data: bytes, at: int) -> tuple[_Entry, int]:
        if len(data) - at < _CENTRAL.size:
            raise damaged(self.path, "a directory that ends too early")
        fields = _CENTRAL.unpack_from(data, at)
        flags, method, crc, packed, size = fields[3], fields[4], *fields[7:10]
        n_name, n_extra, n_comment, disk, _, attributes, offset = fields[10:]
        name_end = at + _CENTRAL.size + n_name
        end = name_end + n_extra + n_comment
        if fields[0] != b"PK\1\2" or end > len(data) or disk not in (0, 0xFFFF):
            raise damaged(self.path, "a damaged directory")
        if n_name > 4 * LONGEST_NAME:
            raise damaged(self.path, f"a name of {n_name} bytes")
        if _FILLED in (packed, size, offset):
            size, packed, offset = self._wide(data[name_end : name_end + n_extra], [size, packed, offset])
        name = data[name_end - n_name : name_end]
        return _Entry(offset, packed, size, crc, method, flags, attributes >> 16, name), end

    def _wide(self, extra: bytes, narrow: list[int]) -> list[int]:
        """Return size, packed size and offset, those that do not fit 32 bits from the zip64 field."""
        at = 0
        while at + 4 <= len(extra):
            kind, length = struct.unpack_from("<2H", extra, at)
            field = extra[at + 4 : at + 4 + length]
            if kind == 1 and len(field) >= 8 * narrow.count(_FILLED):
                wide = struct.iter_unpack("<Q", field[: len(field) // 8 * 8])
                return [next(wide)[0] if value == _FILLED else value for value in narrow]
            at += 4 + length
        raise damaged(self.path, "a damaged directory")

    def _content(self, row: bytes, most: int) -> bytes:
        offset, packed, size, end, crc, method = _ROW.unpack_from(row)
        start = self._start(offset, method, row[_ROW.size :])
        if start + packed > end:
            raise UnreadableImage("overlaps the next member", expected="a whole archive")
        data = self._unpacked(start, packed, method, min(most, size) + 1)
        if len(data) > most:
            return data[:most]
        if len(data) != size:
            found = "longer" if len(data) > size else "shorter"
            raise UnreadableImage(f"{found} than the {size} bytes the archive says", expected="a whole archive")
        if zlib.crc32(data) != crc:
            raise UnreadableImage("its checksum is wrong: damaged", expected="a whole archive")
        return data

    def _start(self, offset: int, method: int, name: bytes) -> int:
        """Return where the content begins; the header before it must agree with the directory."""
        header = self._source.read(offset, _LOCAL.size + len(name))
        if len(header) < _LOCAL.size + len(name):
            raise UnreadableImage("its header is cut off", expected="a whole archive")
        magic, _, flags, local_method, *_, n_name, n_extra = _LOCAL.unpack_from(header)
        agree = magic == b"PK\3\4" and local_method == method and n_name == len(name) and not flags & _LOCKED
        if not agree or header[_LOCAL.size :] != name:
            raise UnreadableImage("its header and the archive's directory differ", expected="a whole archive")
        return int(offset + _LOCAL.size + n_name + n_extra)

    def _unpacked(self, start: int, packed: int, method: int, most: int) -> bytes:
        begin = _METHODS[method]
        if begin is None:
            return self._source.read(start, min(packed, most))
        # A header is read from one small block, a whole image from large ones.
        chunks = self._source.chunks(start, start + packed, size=min(BLOCK, max(most, 512)))
        blocks: list[bytes] = []
        length = 0
        try:
            for block in unpacked(chunks, begin, several=False):
                blocks.append(block)
                length += len(block)
                if length >= most:
                    break
        except DamagedStream as error:
            raise UnreadableImage(f"its compressed content {error}", expected="a whole archive") from None
        return b"".join(blocks)[:most]


def _end_record(tail: bytes) -> int:
    """Return where the record at the end of a zip begins: the one whose comment fills the rest of the file."""
    at = tail.rfind(b"PK\5\6")
    while at >= 0:
        if at + _END.size <= len(tail) and at + _END.size + _END.unpack_from(tail, at)[-1] == len(tail):
            return at
        at = tail.rfind(b"PK\5\6", 0, at)
    return -1


def _decoded(entry: _Entry) -> str:
    # Some packers write UTF-8 without saying so (macOS); the code page of 1981 is what is left for the others.
    try:
        return entry.name.decode("utf-8")
    except UnicodeDecodeError:
        return entry.name.decode("utf-8", "surrogateescape") if entry.flags & _UTF8 else entry.name.decode("cp437")


def _problem(entry: _Entry) -> Problem | None:
    kind = stat.S_IFMT(entry.mode)
    if kind == stat.S_IFLNK:
        return LINK
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return SPECIAL
    if kind == stat.S_IFDIR and not entry.name.endswith(b"/"):
        return SPECIAL
    if entry.flags & _LOCKED:
        return ENCRYPTED
    if entry.method not in _METHODS or entry.flags & _PATCH:
        method = _REFUSED_METHODS.get(entry.method, f"method {entry.method}")
        return Problem(f"compressed by {method}", "stored, deflate or bzip2", "pack with zip -r")
    return None
