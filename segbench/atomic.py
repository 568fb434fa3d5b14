"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from segbench.errors import OutputProblem
from segbench.late import late

# Whoever only speaks of files that cannot be written needs none of its many modules.
_mkstemp = late("tempfile:mkstemp")


def write_text(path: Path, text: str) -> None:
    """Write a text; see `write_file`."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes; see `write_file`."""

    def write(partial: Path) -> None:
        partial.write_bytes(data)

    write_file(path, write)


def write_file(path: Path, write: Callable[[Path], None]) -> None:
    """Let a file be written under another name, and give it its own when it is on the disk.

    Parameters
    ----------
    path : Path
        The file, which keeps what it holds until the new one is complete.
    write : callable
        Writes to the path that it is given.

    Raises
    ------
    OutputProblem
        When it cannot be written.
    """
    partial = None
    try:
        handle, partial = _mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        write(Path(partial))
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        # A temporary file is private; what it becomes gets the permissions any new file would have.
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, path)
    except BaseException as error:
        if partial is not None and os.path.exists(partial):
            os.unlink(partial)
        if isinstance(error, OSError):
            raise unwritable(path, error) from None
        raise


def unwritable(path: Path, error: OSError) -> OutputProblem:
    """Return the problem of a file that cannot be written."""
    return OutputProblem(
        f"cannot be written: {error.strerror}", mend="choose another place with -o, or free some space", file=str(path)
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
