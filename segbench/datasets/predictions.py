"""A submission: a folder or archive of label maps, found by name and read without trust."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from segbench.datasets.archives import is_archive, open_archive
from segbench.datasets.files import LARGEST_FILE, normal, read_regular, walk
from segbench.datasets.layouts import SUFFIX
from segbench.errors import SubmissionError

#: Files and keys looked at to recognise wrapping folders, and folders tried.
_LOOKED_AT, _FOLDERS = 1000, 10

#: Members an archive may have: some beside the predictions, and a few an image.
_MEMBERS, _MEMBERS_AN_IMAGE = 10_000, 4


class Source(Protocol):
    """Where the files of a submission lie: a folder or an archive."""

    @property
    def path(self) -> Path:
        """The folder or archive."""

    def names(self) -> list[str]:
        """Return the names of all files, relative, with ``/``, sorted."""

    def read(self, name: str, most: int) -> bytes:
        """Return a file, or its first `most` bytes."""

    def where(self, name: str) -> str:
        """Return what to call a file in messages."""

    def close(self) -> None:
        """Let go of what is open."""


@dataclass(frozen=True)
class Folder:
    """A submission as a folder.

    Parameters
    ----------
    path : Path
        The folder.
    """

    path: Path

    def names(self) -> list[str]:
        """Return the names of all files below the folder, sorted."""
        return sorted(walk(self.path))

    def read(self, name: str, most: int) -> bytes:
        """Return a file, or its first `most` bytes; links are not followed."""
        # Not a Path: pathlib would keep every name in a table of its own, some 80 bytes an image.
        return read_regular(self.where(name), follow=False, most=most)

    def where(self, name: str) -> str:
        """Return the path of a file."""
        return os.path.join(self.path, name)

    def close(self) -> None:
        """Do nothing: no file stays open."""


@dataclass(frozen=True)
class PredictionSet:
    """The label maps of a submission.

    Parameters
    ----------
    source : Source
        Where they lie.
    files : list of str
        Names of the PNG files, sorted.
    others : list of str
        Names of all other files.
    prefix : str
        Wrapping folders that are no part of a key, as ``outer/``.
    reader : str
        How a name becomes a key, see `Layout`.
    """

    source: Source
    files: list[str]
    others: list[str]
    prefix: str = ""
    reader: str = "plain"

    def key(self, file: str) -> str:
        """Return the key a file claims."""
        return file_key(file, self.prefix, self.reader)

    def read(self, file: str, *, most: int = LARGEST_FILE) -> bytes:
        """Return the bytes of a file, or its first `most`."""
        return self.source.read(file, most)

    def where(self, file: str) -> str:
        """Return what to call a file in messages."""
        return self.source.where(file)

    def without_lists(self) -> PredictionSet:
        """Return the same submission without names, as workers need it."""
        return replace(self, files=[], others=[])

    def __enter__(self) -> PredictionSet:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()


def file_key(file: str, prefix: str, reader: str = "plain") -> str:
    """Return the key that a relative path claims, in the form names are compared in.

    Parameters
    ----------
    file : str
        The path, with ``/``.
    prefix : str
        Wrapping folders that are no part of a key, as ``outer/``.
    reader : str
        ``plain`` or ``cityscapes``.

    Returns
    -------
    str
        ``plain``: the path without prefix and suffix. ``cityscapes``: the first three words of the name, in any folder.
    """
    if reader == "cityscapes":
        words = file.rpartition("/")[2].rpartition(".")[0].split("_")
        return normal("_".join(words[:3]))
    return normal(file.removeprefix(prefix).rpartition(".")[0])


def open_predictions(path: Path, keys: list[str], reader: str = "plain") -> PredictionSet:
    """List the files of a submission.

    Parameters
    ----------
    path : Path
        Folder or archive.
    keys : list of str
        Sorted keys of the truth, by which wrapping folders are recognised.
    reader : str
        How a name becomes a key, see `Layout`.

    Returns
    -------
    PredictionSet
        The files; nothing is read yet.

    Raises
    ------
    SubmissionError
        When there is no such folder or archive.
    UnsafeArchive, Refusal
        When the archive is damaged or suspicious.
    """
    source = _open(path, len(keys))
    files: list[str] = []
    others: list[str] = []
    for name in source.names():
        (files if name.lower().endswith(SUFFIX) else others).append(name)
    prefix = _wrapping(files, keys) if reader == "plain" else ""
    return PredictionSet(source, files, others, prefix, reader)


def _open(path: Path, n_images: int) -> Source:
    # Not Path.is_dir: it raises for a name that is too long or lies in a folder that may not be read.
    if os.path.isdir(path):
        return Folder(path)
    if is_archive(path):
        return open_archive(path, most_members=_MEMBERS + _MEMBERS_AN_IMAGE * n_images)
    found = "neither a folder nor an archive" if os.path.exists(path) else "no such folder or archive"
    raise SubmissionError(found, expected="a folder, .zip, .tar or .tar.gz of label maps", file=str(path))


def _wrapping(files: list[str], keys: list[str]) -> str:
    """Return the folders that wrap the predictions: those under which most files are keys; none when in doubt."""
    known = frozenset(keys[:_LOOKED_AT])
    folders = Counter(file.rpartition("/")[0] for file in files)
    candidates = {""}
    for folder, _ in folders.most_common(_FOLDERS):
        parts = folder.split("/") if folder else []
        candidates |= {"".join(f"{part}/" for part in parts[: n + 1]) for n in range(len(parts))}
    hits = {prefix: sum(_claims(file, prefix, known) for file in files[:_LOOKED_AT]) for prefix in sorted(candidates)}
    return max(hits, key=lambda prefix: (hits[prefix], -len(prefix)))


def _claims(file: str, prefix: str, known: frozenset[str]) -> bool:
    return file.startswith(prefix) and file_key(file, prefix) in known
