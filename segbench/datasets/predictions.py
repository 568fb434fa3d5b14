"""A submission: a folder of label maps, found by name and read without trust."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from segbench.datasets.files import normal, read_regular, walk
from segbench.datasets.layouts import SUFFIX
from segbench.errors import SubmissionError


@dataclass(frozen=True)
class PredictionSet:
    """The label maps of a submission.

    Parameters
    ----------
    root : Path
        The folder.
    files : list of str
        Relative paths of the PNG files, sorted.
    others : list of str
        Relative paths of all other files.
    prefix : str
        Wrapping folders that are no part of a key, as ``outer/``.
    """

    root: Path
    files: list[str]
    others: list[str]
    prefix: str = ""

    def key(self, file: str) -> str:
        """Return the key a file claims: its path without wrapping folders and suffix."""
        return file_key(file, self.prefix)

    def read(self, file: str, *, most: int | None = None) -> bytes:
        """Return the bytes of a file, or its first `most`."""
        path = self.root / file
        return read_regular(path, follow=False) if most is None else read_regular(path, follow=False, most=most)


def file_key(file: str, prefix: str) -> str:
    """Return a relative path without prefix and suffix, in the form names are compared in."""
    return normal(file.removeprefix(prefix).rpartition(".")[0])


def open_predictions(root: Path, keys: list[str]) -> PredictionSet:
    """List the files of a submission.

    Parameters
    ----------
    root : Path
        The folder.
    keys : list of str
        Sorted keys of the truth, by which wrapping folders are recognised.

    Returns
    -------
    PredictionSet
        The files; nothing is read yet.

    Raises
    ------
    SubmissionError
        When the folder is not there.
    """
    if not root.is_dir():
        found = "not a folder" if root.exists() else "no such folder"
        raise SubmissionError(found, expected="a folder of label maps", file=str(root))
    files: list[str] = []
    others: list[str] = []
    for name in walk(root):
        (files if name.lower().endswith(SUFFIX) else others).append(name)
    prefix = _wrapping(files, keys)
    files.sort()
    others.sort()
    return PredictionSet(root, files, others, prefix)


def _wrapping(files: list[str], keys: list[str]) -> str:
    """Return the common folders of all files, unless some file is a key as it is."""
    known = frozenset(keys[:1000])
    if not files or any(file_key(file, "") in known for file in files):
        return ""
    folders = [file.split("/")[:-1] for file in (min(files), max(files))]
    common = []
    for first, last in zip(*folders, strict=False):
        if first != last:
            break
        common.append(first)
    prefixes = ["".join(f"{folder}/" for folder in common[: n + 1]) for n in range(len(common))]
    for prefix in prefixes:
        if any(file_key(file, prefix) in known for file in files):
            return prefix
    return prefixes[-1] if prefixes else ""
