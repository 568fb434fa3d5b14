"""The list of a split of a data set of videos."""

from __future__ import annotations

from pathlib import Path

from segbench.datasets.files import normal
from segbench.errors import DatasetError

_EXPECTED = "a sequence a line, or the paths of an image and its annotation"


def listed_videos(path: Path) -> list[str]:
    """Return what a list names: videos, or their single frames.

    Parameters
    ----------
    path : Path
        The list: a sequence a line, or an image and its annotation, as ``/JPEGImages/480p/bear/00000.jpg
        /Annotations/480p/bear/00000.png``.

    Returns
    -------
    list of str
        Names of sequences, and ``SEQUENCE/FRAME`` of frames, sorted, each once.

    Raises
    ------
    DatasetError
        When the list cannot be read, is empty, names something twice, or names what can be no folder.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot be read: {error}", expected=_EXPECTED, file=str(path)) from None
    names = sorted(_name(line.split()[-1]) for line in lines if line.strip())
    if not names:
        raise DatasetError("an empty list", expected=_EXPECTED, file=str(path))
    for first, second in zip(names, ["", *names], strict=False):
        if first == second:
            raise DatasetError(f"{first!r} twice", expected="each sequence or frame once", file=str(path))
        if any(part in ("", ".", "..") or "\0" in part for part in first.split("/")):
            raise DatasetError(f"a sequence or frame named {first!r}", expected=_EXPECTED, file=str(path))
    return names


def _name(word: str) -> str:
    """Return a sequence as it is, and of a path the folder and the stem of its file."""
    return normal("/".join(word.split("/")[-2:]).removesuffix(".png"))
