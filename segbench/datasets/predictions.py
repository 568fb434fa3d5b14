"""A submission: a folder or archive of label maps, found by name and read without trust."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from segbench.datasets.files import LARGEST_FILE, normal, read_regular, walk
from segbench.datasets.forms import SINGLE, Form
from segbench.datasets.layouts import SUFFIX
from segbench.errors import SubmissionError
from segbench.frozen import dataclass
from segbench.kernels.files import read_files
from segbench.late import late
from segbench.protocols.protocol import VOLUME_SUFFIXES, Layout, affixes_of

_is_archive = late("segbench.datasets.archives:is_archive")
_open_archive = late("segbench.datasets.archives:open_archive")

#: Files and keys looked at to recognise wrapping folders, and folders tried.
_LOOKED_AT, _FOLDERS = 1000, 10

#: Members an archive may have beside the predictions, see `Form.most_files`.
_MEMBERS = 10_000


class Source(Protocol):
    """Where the files of a submission lie: a folder or an archive."""

    @property
    def path(self) -> Path:
        """The folder or archive."""

    def names(self) -> list[str]:
        """Return the names of all files, relative, with ``/``, sorted."""

    def read(self, name: str, most: int) -> bytes:
        """Return a file, or its first `most` bytes."""

    def read_many(self, names: Sequence[str], most: Sequence[int]) -> list[bytes | None]:
        """Return several files, or the first bytes of each; None for what cannot be read."""

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

    def read_many(self, names: Sequence[str], most: Sequence[int]) -> list[bytes | None]:
        """Return several files, or the first bytes of each; None for what cannot be read, as are links."""
        folder = os.fsencode(self.where(""))
        return read_files([folder + os.fsencode(name) for name in names], most=most, follow=False)

    def where(self, name: str) -> str:
        """Return the path of a file."""
        return os.path.join(self.path, name)

    def close(self) -> None:
        """Do nothing: no file stays open."""


@dataclass(frozen=True)
class Naming:
    """How the files of a submission are named.

    Parameters
    ----------
    suffixes : tuple of str
        The suffixes of predictions, in lower case.
    reader : str
        How a name becomes a key, see `Layout`.
    affixes : (str, str)
        What may stand before and behind the key, beside the suffix.
    usual : str
        The suffix that most predictions have.
    form : Form
        Whether the prediction of a case is one file, or is put together from several.
    """

    suffixes: tuple[str, ...] = (SUFFIX,)
    reader: str = "plain"
    affixes: tuple[str, str] = ("", "")
    usual: str = SUFFIX
    form: Form = SINGLE

    @classmethod
    def of(cls, kind: str, layout: Layout, form: Form = SINGLE) -> Naming:
        """Return how predictions of a `kind` and `form` are named where the truth lies in a `layout`."""
        if kind == "volumes":
            if form.has_slices:
                return cls(reader=layout.reader, form=form)
            return cls(VOLUME_SUFFIXES, layout.reader, usual=VOLUME_SUFFIXES[0], form=form)
        before, behind = affixes_of(layout.prediction)
        stem, _, suffix = behind.rpartition(".")
        is_tiff = ".tif" in (layout.suffix, f".{suffix}")
        takes_tiff = kind in ("membranes", "multilabel") or (kind == "labels" and is_tiff)
        suffixes = (SUFFIX, ".tif", ".tiff") if takes_tiff else (SUFFIX,)
        return cls(suffixes, layout.reader, (before, stem), ".tif" if takes_tiff and is_tiff else SUFFIX)

    def names(self, key: str) -> tuple[str, ...]:
        """Return how the prediction of an image is usually named: by its key alone, and with the affixes."""
        if not self.form.is_single:
            return self.form.names(key)
        folder, slash, name = key.rpartition("/")
        before, behind = self.affixes
        return tuple(dict.fromkeys((key + self.usual, f"{folder}{slash}{before}{name}{behind}{self.usual}")))

    def key(self, file: str, prefix: str) -> str:
        """Return the key that a relative path claims, in the form names are compared in.

        Parameters
        ----------
        file : str
            The path, with ``/``.
        prefix : str
            Wrapping folders that are no part of a key, as ``outer/``.

        Returns
        -------
        str
            The path without prefix, suffix and affixes; with the reader ``cityscapes`` the first three words of the
            name, in any folder.
        """
        if not self.form.is_single:
            piece = self.form.piece(file.removeprefix(prefix))
            return "" if piece is None else piece.key
        if self.reader == "cityscapes":
            words = file.rpartition("/")[2].rpartition(".")[0].split("_")
            return normal("_".join(words[:3]))
        if file.lower().endswith(VOLUME_SUFFIXES[0]):
            file = file[: -len(".gz")]
        stem = file.removeprefix(prefix).rpartition(".")[0]
        before, behind = self.affixes
        if before or behind:
            folder, slash, name = stem.rpartition("/")
            if name.startswith(before) and name.endswith(behind) and len(name) > len(before) + len(behind):
                stem = folder + slash + name[len(before) : len(name) - len(behind)]
        return normal(stem)


_PLAIN = Naming()


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
    naming : Naming
        How a name becomes a key.
    """

    source: Source
    files: list[str]
    others: list[str]
    prefix: str = ""
    naming: Naming = _PLAIN

    def key(self, file: str) -> str:
        """Return the key a file claims."""
        return self.naming.key(file, self.prefix)

    def read(self, file: str, *, most: int = LARGEST_FILE) -> bytes:
        """Return the bytes of a file, or its first `most`."""
        return self.source.read(file, most)

    def read_many(self, files: Sequence[str], most: Sequence[int]) -> list[bytes | None]:
        """Return the bytes of several files, or the first of each; None for what cannot be read."""
        return self.source.read_many(files, most)

    def where(self, file: str) -> str:
        """Return what to call a file in messages."""
        return self.source.where(file)

    def without_lists(self) -> PredictionSet:
        """Return the same submission without names, as workers need it."""
        return replace(self, files=[], others=[])

    def without(self, keys: frozenset[str]) -> PredictionSet:
        """Return the same submission without the files of some `keys`, as if they were not there."""
        return replace(self, files=[file for file in self.files if self.key(file) not in keys]) if keys else self

    def __enter__(self) -> PredictionSet:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()


def open_predictions(path: Path, keys: list[str], naming: Naming = _PLAIN) -> PredictionSet:
    """List the files of a submission.

    Parameters
    ----------
    path : Path
        Folder or archive.
    keys : list of str
        Sorted keys of the truth, by which wrapping folders are recognised.
    naming : Naming
        How a name becomes a key.

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
    source = open_source(path, n_images=len(keys), most_files=naming.form.most_files)
    files: list[str] = []
    others: list[str] = []
    for name in source.names():
        (files if name.lower().endswith(naming.suffixes) else others).append(name)
    prefix = _wrapping(files, keys, naming) if naming.reader == "plain" else ""
    return PredictionSet(source, files, others, prefix, naming)


def open_source(path: Path, *, n_images: int, most_files: int = SINGLE.most_files) -> Source:
    """Open a folder or archive.

    Parameters
    ----------
    path : Path
        The folder or archive.
    n_images : int
        Images it is for.
    most_files : int
        Files that an archive may hold for each of them; some beside them are allowed.

    Returns
    -------
    Source
        Where its files lie; nothing is read yet.

    Raises
    ------
    SubmissionError
        When there is no such folder or archive.
    UnsafeArchive, Refusal
        When the archive is damaged or suspicious.
    """
    # Not Path.is_dir: it raises for a name that is too long or lies in a folder that may not be read.
    if os.path.isdir(path):
        return Folder(path)
    if _is_archive(path):
        archive: Source = _open_archive(path, most_members=_MEMBERS + most_files * n_images)
        return archive
    found = "neither a folder nor an archive" if os.path.exists(path) else "no such folder or archive"
    raise SubmissionError(found, expected="a folder, .zip, .tar or .tar.gz of label maps", file=str(path))


def _wrapping(files: list[str], keys: list[str], naming: Naming) -> str:
    """Return the folders that wrap the predictions: those under which most files are keys; none when in doubt."""
    known = frozenset(keys[:_LOOKED_AT])
    folders = Counter(file.rpartition("/")[0] for file in files)
    candidates = {""}
    for folder, _ in folders.most_common(_FOLDERS):
        parts = folder.split("/") if folder else []
        candidates |= {"".join(f"{part}/" for part in parts[: n + 1]) for n in range(len(parts))}
    if len(candidates) == 1:
        return ""
    hits = {
        prefix: sum(_claims(file, prefix, known, naming) for file in files[:_LOOKED_AT])
        for prefix in sorted(candidates)
    }
    return max(hits, key=lambda prefix: (hits[prefix], -len(prefix)))


def _claims(file: str, prefix: str, known: frozenset[str], naming: Naming) -> bool:
    return file.startswith(prefix) and naming.key(file, prefix) in known
