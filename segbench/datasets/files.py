"""Reading of folders and files whose names and contents come from strangers.

Names are matched against what a data set expects and never joined to a path of ours; links are not followed, and a
pipe or device is never opened for reading.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from segbench.errors import DatasetError, SegbenchError, SubmissionError, UnreadableImage

#: A label file is smaller than this; what is larger is not read into memory.
LARGEST_FILE = 1 << 31

#: What systems leave behind in folders and archives.
JUNK_FOLDERS = frozenset({"__MACOSX", ".git", ".ipynb_checkpoints"})
JUNK_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def walk(root: Path) -> Iterator[str]:
    """Yield the files below a folder as relative paths with ``/``, without junk that systems leave behind.

    Parameters
    ----------
    root : Path
        The folder. Links to folders below it are not followed, so there are no loops.

    Yields
    ------
    str
        Relative path, in no order. Pipes, devices and links are among them: reading refuses them.

    Raises
    ------
    SubmissionError
        When a folder cannot be listed.
    """
    pending = [""]
    while pending:
        folder = pending.pop()
        with _listing(root / folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in JUNK_FOLDERS:
                        pending.append(f"{folder}{entry.name}/")
                elif entry.name not in JUNK_FILES and not entry.name.startswith("._"):
                    yield f"{folder}{entry.name}"


def _listing(folder: Path) -> os._ScandirIterator[str]:
    try:
        return os.scandir(folder)
    except OSError as error:
        raise SubmissionError(
            f"cannot be listed: {error.strerror}", expected="a readable folder", file=str(folder)
        ) from None


def normal(name: str) -> str:
    """Return a name in the Unicode form names are compared in (NFC); file systems differ in theirs."""
    return unicodedata.normalize("NFC", name)


def decomposed(name: str) -> str:
    """Return a name in the other Unicode form (NFD), in which some file systems keep it."""
    return unicodedata.normalize("NFD", name)


def read_regular(path: Path | str, *, follow: bool, most: int = LARGEST_FILE) -> bytes:
    """Read a regular file.

    Parameters
    ----------
    path : Path or str
        The file.
    follow : bool
        Whether the file may be a link; files of a submission may not.
    most : int
        Bytes read at most; the rest of a longer file is left unread.

    Returns
    -------
    bytes
        The content, or its first `most` bytes.

    Raises
    ------
    UnreadableImage
        When the file is a link, a pipe, a device or a folder, or cannot be opened.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise _unopened(path, error) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImage("not a regular file", expected="an image file")
        return _read(descriptor, min(most, status.st_size))
    except OSError as error:
        raise UnreadableImage(f"cannot be read: {error.strerror}", expected="a readable file") from None
    finally:
        os.close(descriptor)


def _read(descriptor: int, size: int) -> bytes:
    # Small files come in one piece; one call of the system is cheaper than a file object around it.
    data = os.read(descriptor, size)
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
        data += more
    return data


def read_truth(path: Path | str, *, most: int = LARGEST_FILE) -> bytes:
    """Read a file of the data set; what is wrong with it is a DatasetError."""
    try:
        return read_regular(path, follow=True, most=most)
    except UnreadableImage as error:
        raise as_dataset_error(error) from None


def as_dataset_error(error: SegbenchError) -> DatasetError:
    """Return a fault found in a file as a fault of the data set."""
    return DatasetError(
        error.found, expected=error.expected, mend=error.mend, file=error.file, pixel=error.pixel, count=error.count
    )


def _unopened(path: Path | str, error: OSError) -> UnreadableImage:
    if os.path.islink(path):
        return UnreadableImage("a link", expected="the file itself", mend="put a copy in its place")
    return UnreadableImage(f"cannot be opened: {error.strerror}", expected="a readable file")
