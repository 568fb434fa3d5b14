"""The rules that a member of an archive must keep.

One suspicious member refuses the whole archive: an honest packer writes none.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from segbench.datasets.files import JUNK_FILES, JUNK_FOLDERS, normal
from segbench.errors import Refusal, UnsafeArchive
from segbench.frozen import dataclass

#: Endings of archives that are read, and of those that are only recognised.
READ_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tbz")
OTHER_SUFFIXES = (".7z", ".rar", ".tar.zst", ".tzst", ".tar.lzma", ".tar.z", ".tar.lz", ".tar.lz4")

_ANEW = "pack the folder of label maps anew, as zip -r or tar -c do"
#: Every name is kept in memory, and Unicode normalises a long run of accents in quadratic time.
LONGEST_NAME = 1024
_LONGEST_PART = 255
_MOST_FAULTS = 1000
#: What Python's tarfile calls the packed folder itself when it is given no name.
_TOP = "/"
_DRIVE = re.compile(r"[A-Za-z]:")


class Problem(NamedTuple):
    """Why a member may not be in an archive: the parts of the fault."""

    found: str
    expected: str
    mend: str

    def of(self, file: str) -> UnsafeArchive:
        """Return the fault of a member."""
        return UnsafeArchive(self.found, expected=self.expected, mend=self.mend, file=file)


LINK = Problem("a link", "files and folders", "pack the files themselves (tar --dereference --hard-dereference)")
SPECIAL = Problem("a device, a pipe or a member of an unknown kind", "files and folders", _ANEW)
SPARSE = Problem("a sparse file", "plain files", "pack without --sparse")
ENCRYPTED = Problem("an encrypted member", "members that can be read", "pack without a password")
FOLDER_WITH_CONTENT = Problem("a folder with content of its own", "files and folders", _ANEW)
NESTED = Problem("an archive inside the archive", "label maps", "unpack it and pack its files")
TWICE = Problem("two members of this name", "one member a name", "take the wrong one out")


@dataclass(frozen=True)
class Limits:
    """How large an archive may be.

    Parameters
    ----------
    members : int
        Members at most, folders and junk included.
    unpacked : int
        Bytes at most that the members unpack to, by what the archive says and by what is produced.
    """

    members: int
    unpacked: int


class Member(NamedTuple):
    """One line of an archive's listing.

    Parameters
    ----------
    name : str
        The name as stored; a folder's ends with a slash.
    size : int
        Bytes of content, as the archive claims.
    row : bytes
        What the reader needs to find it.
    problem : Problem, optional
        Why it is refused, if the reader knows.
    """

    name: str
    size: int
    row: bytes
    problem: Problem | None = None


class Listing:
    """The members that keep the rules, and the faults of the others.

    Parameters
    ----------
    path : Path
        The archive, for messages.
    limits : Limits
        How large it may be.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.faults: list[UnsafeArchive] = []
        self._path = path
        self._limits = limits
        self._rows: dict[str, bytes] = {}
        self._seen: set[str] = set()
        self._members = 0
        self._bytes = 0

    def add(self, member: Member) -> None:
        """Take a member in, or note its fault.

        Parameters
        ----------
        member : Member
            The next line of the listing.

        Raises
        ------
        UnsafeArchive
            Where going on makes no sense: too many members, bytes or faults.
        """
        self._members += 1
        self._bytes += member.size
        check_count(self._path, self._members, self._limits)
        if self._bytes > self._limits.unpacked:
            raise too_large(self._path, self._limits.unpacked)
        problem = name_problem(member.name) or member.problem
        if problem is None:
            problem = self._admit(member)
        if problem is not None:
            self.faults.append(problem.of(f"{self._path}:{member.name[:LONGEST_NAME]}"))
            if len(self.faults) >= _MOST_FAULTS:
                raise UnsafeArchive("more such members; the rest was not looked at", file=str(self._path))

    def _admit(self, member: Member) -> Problem | None:
        if member.name.endswith("/"):
            return FOLDER_WITH_CONTENT if member.size else None
        parts = parts_of(member.name)
        if is_junk(parts):
            return None
        name = "/".join(parts)
        if name.lower().endswith(READ_SUFFIXES + OTHER_SUFFIXES):
            return NESTED
        if normal(name) in self._seen:
            return TWICE
        self._seen.add(normal(name))
        self._rows[name] = member.row
        return None

    def settled(self) -> dict[str, bytes]:
        """Return what was taken in.

        Returns
        -------
        dict of str to bytes
            The row of each member, sorted by name.

        Raises
        ------
        UnsafeArchive
            When a single fault was noted, or no file was taken in.
        Refusal
            When several faults were noted.
        """
        if not self._rows and not self.faults:
            self.faults.append(
                UnsafeArchive("no file in it", expected="a folder of label maps", mend=_ANEW, file=str(self._path))
            )
        if len(self.faults) == 1:
            raise self.faults[0]
        if self.faults:
            raise Refusal(self.faults)
        return dict(sorted(self._rows.items()))


def name_problem(name: str) -> Problem | None:
    """Return what is wrong with the name of a member: a good one is relative and stays where it is."""
    found = ""
    if not name.endswith("/") and not parts_of(name):
        found = "an empty name"
    elif len(name) > LONGEST_NAME or max(map(len, name.split("/"))) > _LONGEST_PART:
        found = f"a name of {len(name)} characters"
    elif "\0" in name:
        found = "a NUL in the name"
    elif "\\" in name:
        found = "a backslash in the name"
    elif name.startswith("/") and name != _TOP:
        found = "an absolute name"
    elif _DRIVE.match(name):
        found = "a name with a drive letter"
    elif ".." in name.split("/"):
        found = "a name that leads out of its folder"
    return Problem(found, "a relative name with forward slashes", _ANEW) if found else None


def parts_of(name: str) -> list[str]:
    """Return the parts of a name without the empty ones and dots that packers leave: ``./val//x.png``."""
    return [part for part in name.split("/") if part not in ("", ".")]


def is_junk(parts: list[str]) -> bool:
    """Return whether a file, given by the parts of its name, is one that systems leave behind; as `files.walk` does."""
    return parts[-1] in JUNK_FILES or parts[-1].startswith("._") or not JUNK_FOLDERS.isdisjoint(parts[:-1])


def damaged(path: Path, found: str) -> UnsafeArchive:
    """Return the fault of an archive whose listing cannot be read on."""
    return UnsafeArchive(found, expected="a whole archive", mend="pack it or copy it anew", file=str(path))


def too_large(path: Path, most: int) -> UnsafeArchive:
    """Return the fault of an archive that unpacks to too many bytes."""
    return UnsafeArchive(
        f"unpacks to more than {most:,} bytes",
        expected="label maps, which compress less",
        mend="pack label maps only, as PNG",
        file=str(path),
    )


def check_count(path: Path, count: int, limits: Limits) -> None:
    """Refuse an archive that has more members than allowed.

    Parameters
    ----------
    path : Path
        The archive, for messages.
    count : int
        Its members, or those seen so far.
    limits : Limits
        How large it may be.

    Raises
    ------
    UnsafeArchive
        When there are too many.
    """
    if count > limits.members:
        raise UnsafeArchive(
            "too many members", expected=f"at most {limits.members:,}", mend="pack label maps only", file=str(path)
        )


def changed(path: Path) -> UnsafeArchive:
    """Return the fault of an archive that is no longer the one that was listed."""
    return UnsafeArchive("changed while it was read", expected="an archive left alone", file=str(path))
