"""Archives with damage at random places: refused, or read right; never another exception, never a hang."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from segbench.datasets.archives import open_archive
from segbench.datasets.files import walk
from segbench.errors import SegbenchError
from tests.bad_inputs.archives import Entry, tar_header, zip_of
from tests.datasets.packing import FILES, KINDS, LONG, packed


@pytest.mark.parametrize("case", KINDS)
def test_damage_at_random_places(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spools = tmp_path / "tmp"
    spools.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spools))
    small = tmp_path / "small"
    for name in ("a.png", "val/b.png", "val/é.png", LONG):
        (small / name).parent.mkdir(parents=True, exist_ok=True)
        (small / name).write_bytes(FILES[name][:300])
    original = packed(case, small, tmp_path).read_bytes()
    bodies = {name: (small / name).read_bytes() for name in walk(small)}
    generator = random.Random(case)
    path = tmp_path / "damaged"
    refused = 0
    for _ in range(600):
        path.write_bytes(damage(original, generator))
        refused += survives(path, bodies, checked=case not in ("tar", "tar_gnu"))
    assert refused > 200
    assert list(spools.iterdir()) == []


def damage(data: bytes, generator: random.Random) -> bytes:
    """Cut a file short, or change, drop or double some of its bytes."""
    changed = bytearray(data)
    for _ in range(generator.choice((1, 1, 1, 3, 20))):
        at = generator.randrange(len(changed) or 1)
        kind = generator.randrange(6)
        if kind == 0:
            del changed[at:]
        elif kind == 1:
            del changed[at : at + generator.randrange(1, 40)]
        elif kind == 2:
            changed[at:at] = changed[at : at + generator.randrange(1, 40)]
        elif kind == 3 and changed:
            changed[at : at + 1] = bytes([generator.choice((0, 1, 0x7F, 0x80, 0xFF, 0x37))])
        elif changed:
            changed[at : at + 1] = bytes([changed[at % len(changed)] ^ 1 << generator.randrange(8)])
    return bytes(changed)


def survives(path: Path, bodies: dict[str, bytes], *, checked: bool) -> bool:
    """Return whether a damaged archive is refused; what is read must be right where the format has checksums."""
    start = time.process_time()
    try:
        with open_archive(path, most_members=100) as archive:
            for name in archive.names():
                data = archive.read(name, 1 << 20)
                assert not checked or data in bodies.values()
    except SegbenchError as error:
        assert str(error)
        return True
    finally:
        assert time.process_time() - start < 2
    return False


def test_forged_tar_headers(tmp_path: Path) -> None:
    """Headers with a right checksum and nonsense elsewhere, where flipped bits would not get past the checksum."""
    generator = random.Random(1)
    path = tmp_path / "r.tar"
    for _ in range(1000):
        headers = [forged_header(generator) for _ in range(3)]
        bodies = [generator.choice((b"", b"30 mtime=1.5\n", b"9 size=5\n", b"x" * 9)) for _ in headers]
        data = b"".join(
            header + body.ljust(512 * bool(body), b"\0") for header, body in zip(headers, bodies, strict=True)
        )
        path.write_bytes(data + bytes(1024))
        survives(path, {}, checked=False)


def forged_header(generator: random.Random) -> bytes:
    size = generator.choice(
        (b"00000000011\0", b"00000000000\0", b" " * 12, b"\x80" + bytes(10) + b"\t", b"-1".ljust(12))
    )
    kind = bytes([generator.choice((*b"0123456789LKxgXSVMDN\0", generator.randrange(256)))])
    return tar_header(generator.choice((b"a.png", b"", b"/", b".", b"./", b"\xff", b"\xcc\x81")), kind=kind, size=size)


def test_a_large_listing_is_quick(tmp_path: Path) -> None:
    data = zip_of(*(Entry(b"val/%06d.png" % i, b"") for i in range(60_000)))
    path = tmp_path / "r.zip"
    path.write_bytes(data)
    start = time.process_time()
    with open_archive(path, most_members=60_000) as archive:
        assert len(archive.names()) == 60_000
    assert time.process_time() - start < 4
