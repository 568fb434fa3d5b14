"""A result on disk: the result itself, its state, and what is known of the run."""

from __future__ import annotations

import os
import platform
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from segbench.codec import pretty_json
from segbench.formats import format_of, render
from segbench.result import Result
from segbench.scoring.lines import unwritable
from segbench.scoring.statefile import describe


def state_path(path: Path) -> Path:
    """Return where the state of the result `path` is kept: ``RESULT.state.jsonl`` beside ``RESULT.json``."""
    return path.with_name(f"{path.stem}.state.jsonl")


def write_result(result: Result, path: Path, *, seconds: float, state: Path | None = None) -> Result:
    """Write a result, and time, host and duration of its run beside it.

    Parameters
    ----------
    result : Result
        The result.
    path : Path
        The file, whose suffix names the format; JSON also describes the state.
    seconds : float
        How long the run took.
    state : Path, optional
        The state file of this very run, which lies beside the result and is described in it.

    Returns
    -------
    Result
        The result as written.

    Raises
    ------
    BadParameter
        When the suffix is that of no format.
    OutputProblem
        When a file cannot be written; files that were there before stay whole.
    """
    format_ = format_of(path.name)
    if state is not None:
        result = replace(result, state=describe(state))
    write_text(path, render(result, format_))
    run = {
        "host": platform.node(),
        "machine": platform.machine(),
        "seconds": round(seconds, 3),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_text(path.with_name(f"{path.stem}.run.json"), pretty_json(run))
    return result


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    partial = None
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            partial = file.name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is private; a result gets the permissions any new file would have.
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, path)
    except OSError as error:
        if partial is not None and os.path.exists(partial):
            os.unlink(partial)
        raise unwritable(path, error) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
