"""Archives that must be refused, made byte by byte where no packer would write them."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))


@dataclass
class Entry:
    """One member of a hand-made zip; what is None is told truly."""

    name: bytes
    data: bytes = PNG
    method: int = 0
    flags: int = 0
    mode: int = 0
    size: int | None = None
    packed: int | None = None
    offset: int | None = None
    local_name: bytes | None = None
    local_method: int | None = None
    local_extra: int = 0
    extra: bytes = b""
    body: bytes = field(init=False)

    def __post_init__(self) -> None:
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.body = squeeze.compress(self.data) + squeeze.flush() if self.method == 8 else self.data

    def told(self, method: int) -> bytes:
        """The fields that both headers share, from the flags to the size."""
        size = len(self.data) if self.size is None else self.size
        packed = len(self.body) if self.packed is None else self.packed
        return struct.pack("<4H3I", self.flags, method, 0, 0, zlib.crc32(self.data), packed, size)

    def local(self) -> bytes:
        name = self.name if self.local_name is None else self.local_name
        method = self.method if self.local_method is None else self.local_method
        return b"PK\3\4\x14\0" + self.told(method) + struct.pack("<2H", len(name), self.local_extra) + name + self.body

    def central(self, offset: int) -> bytes:
        offset = offset if self.offset is None else self.offset
        rest = struct.pack("<5H2I", len(self.name), len(self.extra), 0, 0, 0, self.mode << 16, offset)
        return b"PK\1\2\x14\0\x14\0" + self.told(self.method) + rest + self.name + self.extra


def zip_of(*entries: Entry, count: int | None = None, shift: int = 0) -> bytes:
    """A zip of the entries; `count` and `shift` make its end lie."""
    bodies, central = bytearray(), bytearray()
    for entry in entries:
        central += entry.central(len(bodies))
        bodies += entry.local()
    count = len(entries) if count is None else count
    return bytes(bodies + central + end_of(count, len(central), len(bodies) + shift))


def end_of(count: int, length: int, start: int) -> bytes:
    """The record at the end of a zip: members, bytes of the directory and where it starts."""
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, length, start, 0)


def tar_of(
    *members: tuple[str, bytes, bytes], pax: dict[str, str] | None = None, form: int = tarfile.PAX_FORMAT
) -> bytes:
    """A tar of (name, kind, content or target of a link)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.pax_headers = pax or {}
            if kind in (tarfile.LNKTYPE, tarfile.SYMTYPE):
                member.linkname = content.decode()
            else:
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def tar_header(name: bytes, *, kind: bytes = b"0", size: bytes = b"00000000000\0") -> bytes:
    """One header of a tar with a right checksum, whatever the rest says."""
    block = name.ljust(100, b"\0") + b"0000644\0" * 3 + size + b"00000000000\0" + b" " * 8 + kind
    block = block.ljust(257, b"\0") + b"ustar\00000"
    block = block.ljust(512, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def overlapping(copies: int) -> bytes:
    """A zip whose members all share one body, as zip bombs do that stay small."""
    first = Entry(b"0.png", bytes(1 << 20), method=8)
    others = [Entry(b"%d.png" % i, bytes(1 << 20), method=8, offset=0) for i in range(1, copies)]
    central = first.central(0) + b"".join(other.central(0) for other in others)
    return first.local() + central + end_of(copies, len(central), len(first.local()))


def quoting() -> bytes:
    """A zip whose first member claims the header of the second as its own content."""
    second = Entry(b"b.png")
    inner = second.local()
    first = Entry(b"a.png", inner)
    header = len(first.local()) - len(inner)
    central = first.central(0) + second.central(header)
    return first.local() + central + end_of(2, len(central), len(first.local()))


def zip_in_zip() -> bytes:
    return zip_of(Entry(b"a.png"), Entry(b"inner/results.ZIP", zip_of(Entry(b"a.png"))))


def deflated_zeros(mib: int) -> bytes:
    """Deflate of so many MiB of zeros, without compressing them all: a full flush makes blocks that repeat."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return block * mib + squeeze.flush()


def deflated_as(body: bytes, size: int) -> bytes:
    """A zip whose only member has these compressed bytes."""
    entry = Entry(b"a.png", b"", method=8, size=size)
    entry.body = body
    return zip_of(entry)


def bomb(*, told: int = 300 << 20) -> bytes:
    """A zip of 0.3 MB whose only member is 300 MiB long, and may be told to be shorter."""
    return deflated_as(deflated_zeros(300), told)


def bzip2_bomb() -> bytes:
    """70 MiB from less than 100 bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as file, file.open("a.png", "w") as member:
        for _ in range(70):
            member.write(bytes(1 << 20))
    return buffer.getvalue()


class Hostile(NamedTuple):
    """A case: the archive's name and bytes, and a part of what must be found."""

    file: str
    data: bytes
    found: str


_GOOD = ("a.png", tarfile.REGTYPE, PNG)
_NAMES = {
    "slip": ("../../x.png", "leads out"),
    "slip_inner": ("val/../../x.png", "leads out"),
    "absolute": ("/x.png", "absolute"),
    "backslash": ("..\\..\\x.png", "backslash"),
    "drive": ("C:/x.png", "drive"),
    "drive_relative": ("c:x.png", "drive"),
    "dots": ("..", "leads out"),
    "long": ("d/" * 600 + "x.png", "characters"),
    "long_part": ("x" * 300, "characters"),
    "folder_slip": ("../", "leads out"),
    "junk_slip": ("__MACOSX/../../x.png", "leads out"),
}
_KINDS = {
    "symlink": (tarfile.SYMTYPE, "a link"),
    "hardlink": (tarfile.LNKTYPE, "a link"),
    "device": (tarfile.CHRTYPE, "a device"),
    "block": (tarfile.BLKTYPE, "a device"),
    "fifo": (tarfile.FIFOTYPE, "a pipe"),
    "unknown": (b"Z", "unknown kind"),
}
_MODES = {"symlink": (0o120777, "a link"), "fifo": (0o010644, "a pipe"), "device": (0o020644, "a device")}


def cases() -> dict[str, Hostile]:
    """Every hostile archive by its short name."""
    found = {f"zip_{case}": Hostile("r.zip", zip_of(Entry(b"a.png"), Entry(name.encode())), text)
             for case, (name, text) in _NAMES.items()}  # fmt: skip
    found |= {f"tar_{case}": Hostile("r.tar", tar_of(_GOOD, (name, _kind(name), b"")), text)
              for case, (name, text) in _NAMES.items()}  # fmt: skip
    found |= {f"tar_{case}": Hostile("r.tar", tar_of(_GOOD, ("b.png", kind, b"../gt/a.png")), text)
              for case, (kind, text) in _KINDS.items()}  # fmt: skip
    found |= {f"zip_{case}": Hostile("r.zip", zip_of(Entry(b"a.png"), Entry(b"b.png", b"../gt/a.png", mode=mode)), text)
              for case, (mode, text) in _MODES.items()}  # fmt: skip
    return found | _zips() | _tars() | _others()


def _kind(name: str) -> bytes:
    return tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE


def _zips() -> dict[str, Hostile]:
    good = zip_of(Entry(b"a.png"), Entry(b"b.png"))
    twins = zip_of(Entry("é.png".encode()), Entry("e\u0301.png".encode()))
    data = {
        "empty": (zip_of(), "no file in it"),
        "very_long_name": (zip_of(Entry(b"x" * 5000)), "a name of 5000 bytes"),
        "only_junk": (zip_of(Entry(b"__MACOSX/._a.png"), Entry(b".DS_Store")), "no file in it"),
        "nul": (zip_of(Entry(b"a.png\0.txt")), "a NUL"),
        "no_name": (zip_of(Entry(b"")), "an empty name"),
        "encrypted": (zip_of(Entry(b"a.png", flags=1)), "encrypted"),
        "strongly_encrypted": (zip_of(Entry(b"a.png", flags=1 << 6)), "encrypted"),
        "twice": (zip_of(Entry(b"a.png"), Entry(b"./a.png", b"other")), "two members"),
        "twice_in_unicode": (twins, "two members"),
        "folder_with_content": (zip_of(Entry(b"a.png"), Entry(b"b.png/")), "a folder with content"),
        "folder_without_slash": (zip_of(Entry(b"a.png"), Entry(b"b.png", mode=0o040755)), "unknown kind"),
        "inner_zip": (zip_in_zip(), "an archive inside"),
        "lzma": (zip_of(Entry(b"a.png", method=14)), "lzma"),
        "method_77": (zip_of(Entry(b"a.png", method=77)), "method 77"),
        "overlap": (overlapping(400), "overlap"),
        "quoting": (quoting(), "overlap"),
        "overlap_directory": (zip_of(Entry(b"a.png", packed=5000)), "overlap"),
        "bomb": (bomb(), "unpacks to more"),
        "bzip2_bomb": (bzip2_bomb(), "unpacks to more"),
        "truncated": (good[:-30], "without its end"),
        "more_behind": (good + b"\0", "without its end"),
        "more_before": (b"PK\3\4" + bytes(100) + good, "not where"),
        "shifted": (zip_of(Entry(b"a.png"), shift=1), "not where"),
        "count_low": (zip_of(Entry(b"a.png"), Entry(b"b.png"), count=1), "more in its directory"),
        "count_high": (zip_of(Entry(b"a.png"), count=2), "ends too early"),
        "zip64_cut": (zip_of(Entry(b"a.png", size=0xFFFFFFFF, extra=b"\1\0\4\0abcd")), "damaged directory"),
        "volume": (good[:-18] + b"\1\0\1\0" + good[-14:], "one volume"),
        "is_text": (b"these are my results", "no archive"),
        "is_nothing": (b"", "an empty file"),
    }
    return {f"zip_{case}": Hostile("r.zip", content, text) for case, (content, text) in data.items()}


def _tars() -> dict[str, Hostile]:
    good = tar_of(_GOOD, ("b.png", tarfile.REGTYPE, PNG), form=tarfile.USTAR_FORMAT)
    end = bytes(1024)
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}
    data = {
        "empty": (end, "no file in it"),
        "is_nothing": (b"", "an empty file"),
        "is_text": (b"text " * 200, "no tar archive"),
        "twice": (tar_of(_GOOD, _GOOD), "two members"),
        "inner_tar": (tar_of(("inner.tar.gz", tarfile.REGTYPE, b"")), "an archive inside"),
        "nul": (tar_of(("a.png", tarfile.REGTYPE, PNG), pax={"path": "b\0.png"}), "a NUL"),
        "no_name": (tar_header(b"") + end, "an empty name"),
        "pax_slip": (tar_of(_GOOD, pax={"path": "../a.png"}), "leads out"),
        "global_name": (
            tar_header(b"g", kind=b"g", size=b"00000000014\0") + b"12 path=abc\n".ljust(512, b"\0"),
            "one name",
        ),
        "pax_sparse": (tar_of(_GOOD, pax=sparse), "sparse"),
        "gnu_sparse": (tar_header(b"a.png", kind=b"S") + end, "sparse"),
        "negative_size": (tar_header(b"a.png", size=b"\xff" * 12) + end, "damaged"),
        "huge_size": (tar_header(b"a.png", size=b"\x80" + b"\xff" * 11) + end, "cut off"),
        "odd_size": (tar_header(b"a.png", size=b"0x1_0      \0") + end, "damaged"),
        "long_extension": (tar_header(b"L", kind=b"L", size=b"77777777777\0") + end, "extended header"),
        "many_extensions": (tar_header(b"x", kind=b"x") * 5000 + end, "extended header"),
        "digits": (tar_header(b"x", kind=b"x", size=b"00003000000\0") + b"1" * 0o3000000, "extended header"),
        "no_records": (
            tar_header(b"x", kind=b"x", size=b"00000000003\0") + b"0 a".ljust(512, b"\0"),
            "extended header",
        ),
        "truncated": (good[:700], "cut off"),
        "no_end": (good[: 2 * 1024], "cut off"),
        "damaged": (good[:1024] + b"?" + good[1025:], "damaged header"),
    }
    return {f"tar_{case}": Hostile("r.tar", content, text) for case, (content, text) in data.items()}


def _others() -> dict[str, Hostile]:
    gzip_bomb = b"\x1f\x8b\x08" + bytes(7) + deflated_zeros(300)
    return {
        "tgz_bomb": Hostile("r.tgz", gzip_bomb, "unpacks to more"),
        "tgz_of_text": Hostile("r.tar.gz", _gzip(b"text " * 200), "no tar archive"),
        "tgz_truncated": Hostile("r.tgz", _gzip(tar_of(_GOOD))[:-9], "ends too early"),
        "tgz_more_behind": Hostile("r.tgz", _gzip(tar_of(_GOOD)) + b"more", "is damaged"),
        "tgz_damaged": Hostile("r.tgz", _gzip(tar_of(_GOOD))[:-5] + b"\0\0\0\0\0", "is damaged"),
        "unknown_7z": Hostile("r.7z", b"7z\xbc\xaf\x27\x1c" + bytes(100), "7z"),
        "unknown_rar": Hostile("r.rar", b"Rar!\x1a\x07\1\0" + bytes(100), "RAR"),
        "unknown_zstd": Hostile("r.tar.zst", b"\x28\xb5\x2f\xfd" + bytes(100), "zstd"),
        "7z_called_tar": Hostile("r.tar", b"7z\xbc\xaf\x27\x1c" + bytes(600), "7z"),
    }


def _gzip(data: bytes) -> bytes:
    packed = zlib.compressobj(wbits=31)
    return packed.compress(data) + packed.flush()


#: Good listings with a member that cannot be read: its bytes, and a part of what reading finds.
DAMAGED_MEMBERS = {
    "bad_crc": (zip_of(Entry(b"a.png")).replace(PNG, PNG[:-1] + b"?"), "checksum"),
    "lying_size": (zip_of(Entry(b"a.png", bytes(1 << 20), method=8, size=1000)), "longer than the 1000 bytes"),
    "lying_size_stored": (zip_of(Entry(b"a.png", size=1000)), "shorter than the 1000 bytes"),
    "cut_body": (zip_of(Entry(b"a.png", method=8, packed=20)), "ends too early"),
    "other_name": (zip_of(Entry(b"a.png", local_name=b"b.png")), "differ"),
    "other_method": (zip_of(Entry(b"a.png", local_method=8)), "differ"),
    "hidden_overlap": (zip_of(Entry(b"a.png", local_extra=5000)), "overlaps"),
    "not_deflate": (deflated_as(b"\xff" * 99, 99), "is damaged"),
    "goes_on": (deflated_as(b"\3\0more", 0), "goes on after its end"),
}
