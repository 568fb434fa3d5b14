"""A result on disk: the result itself, its state, and what is known of the run."""

from __future__ import annotations

import platform
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from segbench.atomic import write_text
from segbench.codec import pretty_json
from segbench.formats import format_of, render
from segbench.result import Result
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
