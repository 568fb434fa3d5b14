"""Archives: the same files as the folder they were made from, or a refusal; never anything else."""

from __future__ import annotations

import ast
import gzip
import os
import pickle
import random
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import Mock

import pytest

from segbench.datasets.archives import is_archive, open_archive
from segbench.datasets.files import walk
from segbench.errors import EnvironmentProblem, Refusal, SubmissionError, UnreadableImage, UnsafeArchive
from tests.bad_inputs.archives import DAMAGED_MEMBERS, PNG, Entry, Hostile, bomb, cases, tar_of, zip_of
from tests.datasets.packing import FILES, GOOD, KINDS, packed, saved

MANY = 1_000_000
CASES = cases()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("submission") / "folder"
    for name, data in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@pytest.fixture
def spools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go; a test may look what is left."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


@pytest.mark.parametrize("case", GOOD)
def test_same_files_as_the_folder(case: str, folder: Path, tmp_path: Path, spools: Path) -> None:
    path = packed(case, folder, tmp_path)
    assert is_archive(path)
    with open_archive(path, most_members=MANY) as archive:
        names = archive.names()
        assert names == sorted(walk(folder))
        for name in reversed(names):
            whole = (folder / name).read_bytes()
            assert archive.read(name, 33) == whole[:33]
            for most in (0, 1, len(whole) - 1, len(whole), len(whole) + 1, 1 << 40):
                assert archive.read(name, most) == whole[: max(most, 0)], (name, most)
        assert archive.where("val/b.png") == f"{path}:val/b.png"
    assert list(spools.iterdir()) == []


@pytest.mark.parametrize("case", CASES)
def test_hostile_archives_are_refused(case: str, tmp_path: Path, spools: Path) -> None:
    hostile = CASES[case]
    path = saved(tmp_path, hostile)
    start = time.process_time()
    with pytest.raises((UnsafeArchive, Refusal)) as caught:
        open_archive(path, most_members=MANY)
    assert time.process_time() - start < 5
    assert any(hostile.found in fault.found for fault in caught.value.faults), str(caught.value)
    for fault in caught.value.faults:
        assert isinstance(fault, UnsafeArchive)
        assert str(fault.file).startswith(str(path))
        assert fault.expected and fault.mend
    assert is_archive(path)
    assert sorted(tmp_path.rglob("*")) == sorted([path, spools])


@pytest.mark.parametrize("case", DAMAGED_MEMBERS)
def test_a_damaged_member_is_named(case: str, tmp_path: Path) -> None:
    data, found = DAMAGED_MEMBERS[case]
    with open_archive(saved(tmp_path, Hostile("r.zip", data, "")), most_members=1) as archive:
        with pytest.raises(UnreadableImage, match=found) as caught:
            archive.read("a.png", 1 << 31)
        assert caught.value.file == f"{tmp_path}/r.zip:a.png"


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    members = [("../a.png", tarfile.REGTYPE, b""), ("b.png", tarfile.FIFOTYPE, b""), ("c.png", tarfile.SYMTYPE, b"a")]
    path = saved(tmp_path, Hostile("r.tar", tar_of(*members)[:-8600], ""))
    with pytest.raises(Refusal) as caught:
        open_archive(path, most_members=9)
    files = [str(fault.file).removeprefix(str(path)) for fault in caught.value.faults]
    assert files == [":../a.png", ":b.png", ":c.png", ""]
    assert caught.value.exit == 3


def test_faults_without_end_are_cut(tmp_path: Path) -> None:
    data = zip_of(*(Entry(b"../%d" % i, b"") for i in range(5000)))
    with pytest.raises(Refusal) as caught:
        open_archive(saved(tmp_path, Hostile("r.zip", data, "")), most_members=MANY)
    assert len(caught.value.faults) == 1001


@pytest.mark.parametrize("case", ["stored", "tar", "tar_gz"])
def test_too_many_members(case: str, folder: Path, tmp_path: Path) -> None:
    path = packed(case, folder, tmp_path)
    with pytest.raises(UnsafeArchive, match="too many members"):
        open_archive(path, most_members=len(FILES) - 1)


@pytest.mark.parametrize("case", ["deflated", "tar", "tar_gz", "tar_xz", "tar_bz2"])
def test_too_many_bytes(case: str, folder: Path, tmp_path: Path, spools: Path) -> None:
    path = packed(case, folder, tmp_path)
    with pytest.raises(UnsafeArchive, match="unpacks to more than 200,000 bytes"):
        open_archive(path, most_members=MANY, most_bytes=200_000)
    open_archive(path, most_members=MANY, most_bytes=400_000).close()


def test_names_of_old_packers(tmp_path: Path) -> None:
    entries = (Entry("ü.png".encode()), Entry(b"\x82.png"), Entry(b"\xff.png", flags=1 << 11))
    with open_archive(saved(tmp_path, Hostile("r.zip", zip_of(*entries), "")), most_members=9) as archive:
        # UTF-8 that does not say so, cp437, and what claims to be UTF-8 and is not: kept as a folder would list it.
        assert archive.names() == ["é.png", "ü.png", "\udcff.png"]


def test_dots_and_slashes_in_names_are_dropped(tmp_path: Path) -> None:
    data = tar_of(("./val//x.png", tarfile.REGTYPE, PNG), ("./", tarfile.DIRTYPE, b""))
    with open_archive(saved(tmp_path, Hostile("r.tar", data, "")), most_members=2) as archive:
        assert archive.names() == ["val/x.png"]
        assert archive.read("val/x.png", 1000) == PNG


def test_what_is_no_archive(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "folder.zip").mkdir()
    os.mkfifo(tmp_path / "pipe.zip")
    for name, data in {
        "a.png": PNG,
        "volume.nii.gz": gzip.compress(b"x" * 999),
        "a.txt": b"",
        "b.gz": b"\x1f\x8b",
    }.items():
        (tmp_path / name).write_bytes(data)
    for path in (*tmp_path.iterdir(), tmp_path / "absent.zip", tmp_path / ("x" * 300), Path("a\0.zip")):
        assert not is_archive(path), path
    for name in ("folder.zip", "pipe.zip", "absent.zip"):
        with pytest.raises(SubmissionError, match=name):
            open_archive(tmp_path / name, most_members=1)
    with pytest.raises(UnsafeArchive, match="no archive; expected a zip, or a tar"):
        open_archive(tmp_path / "a.png", most_members=1)


def test_no_such_member(tmp_path: Path) -> None:
    path = saved(tmp_path, Hostile("r.zip", zip_of(Entry(b"a.png")), ""))
    with open_archive(path, most_members=1) as archive, pytest.raises(UnreadableImage, match="r.zip:b.png: no such"):
        archive.read("b.png", 1)
    with pytest.raises(ValueError, match="closed"):
        archive.read("a.png", 1)


@pytest.mark.parametrize("case", KINDS)
def test_threads_read_at_once(case: str, folder: Path, tmp_path: Path, spools: Path) -> None:
    with open_archive(packed(case, folder, tmp_path), most_members=MANY) as archive:
        names = archive.names() * 40
        random.Random(0).shuffle(names)
        with ThreadPoolExecutor(8) as pool:
            for name, data in zip(names, pool.map(lambda name: archive.read(name, 1 << 30), names), strict=True):
                assert data == FILES[name]


@pytest.mark.parametrize("case", ["deflated", "tar", "tar_gz"])
def test_worker_processes_open_it_again(case: str, folder: Path, tmp_path: Path, spools: Path) -> None:
    with open_archive(packed(case, folder, tmp_path), most_members=MANY) as archive:
        assert len(pickle.dumps(archive)) < 1000
        names = archive.names() * 5
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            for name, data in zip(names, pool.map(archive.read, names, [1 << 30] * len(names)), strict=True):
                assert data == FILES[name]
        assert len(list(spools.iterdir())) == (case == "tar_gz")
    assert list(spools.iterdir()) == []


def test_copies_are_shared_and_stay_open(folder: Path, tmp_path: Path) -> None:
    archive = open_archive(packed("deflated", folder, tmp_path), most_members=MANY)
    data = pickle.dumps(archive)
    with pickle.loads(data) as copy:
        assert copy is pickle.loads(data)
    archive.close()
    assert copy.names() == archive.names()
    assert copy.read("a.png", 1000) == PNG


def test_a_changed_archive_is_not_opened_again(folder: Path, tmp_path: Path) -> None:
    path = packed("stored", folder, tmp_path)
    with open_archive(path, most_members=MANY) as archive:
        data = pickle.dumps(archive)
    with open(path, "ab") as file:
        file.write(b"more")
    with pytest.raises(UnsafeArchive, match="changed while it was read"):
        pickle.loads(data)


@pytest.mark.parametrize("case", ["stored", "deflated", "tar"])
def test_a_file_cut_while_it_is_read(case: str, folder: Path, tmp_path: Path) -> None:
    path = packed(case, folder, tmp_path)
    with open_archive(path, most_members=MANY) as archive:
        os.truncate(path, 10)
        for name in archive.names():
            if FILES[name]:
                with pytest.raises(UnreadableImage):
                    archive.read(name, 1 << 20)


def test_a_disk_that_fails(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed("zip_without_suffix", folder, tmp_path)
    with open_archive(path, most_members=MANY) as archive:
        monkeypatch.setattr("os.pread", Mock(side_effect=OSError(5, "Input/output error")))
        with pytest.raises(SubmissionError, match=f"{path}: cannot be read: Input/output error"):
            archive.read("a.png", 1)
    assert not is_archive(path)


def test_no_space_for_the_spool(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed("tar_gz", folder, tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(EnvironmentProblem, match="TMPDIR"):
        open_archive(path, most_members=MANY)


def test_a_full_disk(folder: Path, tmp_path: Path, spools: Path) -> None:
    path = packed("tar_gz", folder, tmp_path)
    code = f"""
import resource, signal, tempfile
from pathlib import Path
from segbench.datasets.archives import open_archive
from segbench.errors import EnvironmentProblem
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
tempfile.tempdir = {str(spools)!r}
try:
    open_archive(Path({str(path)!r}), most_members=100)
except EnvironmentProblem as error:
    print(error.exit)
"""
    assert run(code) == "6\n"
    assert list(spools.iterdir()) == []


@pytest.mark.parametrize("case", ["deflated", "tar", "tar_xz"])
def test_nothing_is_written_outside_the_spool(case: str, folder: Path, tmp_path: Path, spools: Path) -> None:
    path = packed(case, folder, tmp_path)
    code = f"""
import os, sys, tempfile
from pathlib import Path
from segbench.datasets.archives import open_archive
tempfile.tempdir = {str(spools)!r}
written = set()
def hook(event, arguments):
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        written.add(str(arguments[0]))
    elif event in ("os.mkdir", "os.link", "os.symlink", "os.rename", "os.mkfifo", "os.chmod", "socket.connect"):
        written.add(str(arguments[0]))
sys.addaudithook(hook)
with open_archive(Path({str(path)!r}), most_members=100) as archive:
    for name in archive.names():
        archive.read(name, 1 << 30)
print(sorted(written))
"""
    written = ast.literal_eval(run(code))
    assert bool(written) == (case == "tar_xz")
    assert all(Path(name).is_relative_to(spools) for name in written)


def run(code: str) -> str:
    """Run Python in a process of its own and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize(("most", "told"), [(33, 300 << 20), (1 << 20, 300 << 20), (1 << 31, 1000)])
def test_a_bomb_costs_little_memory(most: int, told: int, tmp_path: Path) -> None:
    path = saved(tmp_path, Hostile("r.zip", bomb(told=told), ""))
    assert path.stat().st_size < 400_000
    code = f"""
import resource
from pathlib import Path
from segbench.datasets.archives import open_archive
from segbench.errors import SegbenchError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    archive = open_archive(Path({str(path)!r}), most_members=1, most_bytes={1 << 30})
    print(len(archive.read("a.png", {most})))
except SegbenchError as error:
    print(error.found)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    said, grown = run(code).splitlines()
    assert said == str(most) if most < told else said.startswith("longer than the 1000")
    assert int(grown) < 30
