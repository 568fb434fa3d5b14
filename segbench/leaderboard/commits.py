"""Writing into a store: whole or not at all, and one writer at a time.

A writer that is killed leaves a hidden ``.part`` file, or a state without a result; nobody reads either.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from segbench.errors import BadParameter, DatasetError, OutputProblem
from segbench.formats import json_text
from segbench.leaderboard.stored import PART
from segbench.scoring.output import state_path

_BLOCK = 1 << 20


def commit(record: Mapping[str, Any], state: Path, path: Path, check: Callable[[], None]) -> None:
    """Write a result and its state.

    Parameters
    ----------
    record : mapping of str to object
        The result, which describes the state as it will be called.
    state : Path
        The counts, which are copied.
    path : Path
        The result's place; its folder is made where it is missing.
    check : callable
        Looks at the other entries of the folder, with no other writer about, and raises what speaks against.

    Raises
    ------
    BadParameter
        When the name is taken.
    DatasetError
        When the state is no longer what the result describes.
    OutputProblem
        When a file cannot be written.
    """
    folder, home = path.parent, state_path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _part(folder, home.name) as counts, _part(folder, path.name) as result:
            digest = _copy(state, counts)
            if digest != record["state"]["sha256"]:
                raise DatasetError("a state that has just changed", expected="one that rests", file=str(state))
            _write(result, [json_text(record).encode()])
            with locked(folder) as descriptor:
                if os.path.lexists(path):
                    raise taken(path)
                check()
                _land(counts, home, result, path)
                os.fsync(descriptor)
    except OSError as error:
        raise OutputProblem(
            f"cannot be written: {error.strerror}", mend="free some space, or choose another --store", file=str(path)
        ) from None


def taken(path: Path) -> BadParameter:
    """Return the problem of a name that an entry has already."""
    return BadParameter(
        f"the id {path.stem!r} is taken",
        expected="a new one: entries are never changed",
        mend=f"a correction has an id of its own and says replaces = {path.stem!r}",
        file=str(path),
    )


def _land(counts: Path, home: Path, result: Path, path: Path) -> None:
    """Give both files their names: the state first, so that whoever sees the result finds it whole."""
    # Without a result beside it, a state that lies there already is what a killed writer left.
    os.replace(counts, home)
    try:
        os.link(result, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(home)
        raise taken(path) if isinstance(error, FileExistsError) else error from None


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold a folder against other writers; a lock goes with its process, however that ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _part(folder: Path, name: str) -> Iterator[Path]:
    """Yield a new name for an unfinished file, and remove what still has it in the end."""
    path = folder / f".{name}.{secrets.token_hex(8)}{PART}"
    try:
        yield path
    finally:
        with suppress(OSError):
            os.unlink(path)


def _copy(source: Path, target: Path) -> str:
    """Copy a file and return the SHA-256 of what was copied."""
    digest = hashlib.sha256()

    def blocks() -> Iterator[bytes]:
        with open(source, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                yield block

    _write(target, blocks())
    return digest.hexdigest()


def _write(path: Path, blocks: Iterable[bytes]) -> None:
    """Write a new file, with the permissions that any new file has, and see it on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with open(descriptor, "wb") as file:
        file.writelines(blocks)
        file.flush()
        os.fsync(file.fileno())
