"""A container of files that grows part by part and takes its name only when it is whole.

The same files give the same bytes: no time, owner or order of the machine is in them.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from segbench.atomic import unwritable

#: The first moment a zip can name.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
_UNIX = 3


class Bundle(Protocol):
    """What files are added to."""

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        """Add a file by its name and the parts of its content."""


class _Zip:
    def __init__(self, file: IO[bytes], stack: ExitStack) -> None:
        # What is packed is compressed already.
        self._zip = stack.enter_context(zipfile.ZipFile(file, "w", zipfile.ZIP_STORED))

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        member = zipfile.ZipInfo(name, _EPOCH)
        member.create_system, member.external_attr = _UNIX, (0o100000 | _FILE_MODE) << 16
        content = b"".join(parts)
        self._zip.writestr(member, content)


class _Tgz:
    def __init__(self, file: IO[bytes], stack: ExitStack) -> None:
        packed = stack.enter_context(gzip.GzipFile("", "wb", 6, file, mtime=0))
        self._tar = stack.enter_context(tarfile.TarFile(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT))
        self._folders: set[str] = set()

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        for folder in [str(path) for path in reversed(PurePosixPath(name).parents)][1:]:
            if folder not in self._folders:
                self._folders.add(folder)
                self._tar.addfile(_member(folder, _FOLDER_MODE, tarfile.DIRTYPE))
        content = b"".join(parts)
        member = _member(name, _FILE_MODE, tarfile.REGTYPE)
        member.size = len(content)
        self._tar.addfile(member, io.BytesIO(content))


class _Plain:
    def __init__(self, file: IO[bytes], stack: ExitStack) -> None:
        self._file = file

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        self._file.writelines(parts)


_KINDS: Mapping[str, Callable[[IO[bytes], ExitStack], Bundle]] = {"zip": _Zip, "tgz": _Tgz, "tif": _Plain}


@contextmanager
def writing(path: Path, container: str) -> Iterator[Bundle]:
    """Give a container to add files to; the file has its name when the block has ended without an error.

    Parameters
    ----------
    path : Path
        The file, which is replaced. Meanwhile it is called ``PATH.part``.
    container : {"zip", "tgz", "tif"}
        The kind; ``tif`` holds one file as it is.

    Yields
    ------
    Bundle
        The container.

    Raises
    ------
    OutputProblem
        When it cannot be written.
    """
    partial = f"{path}.part"
    try:
        with open(partial, "wb") as file:
            with ExitStack() as stack:
                yield _KINDS[container](file, stack)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with suppress(OSError):
            os.unlink(partial)


def _member(name: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode, member.type = mode, kind
    return member
