"""Options of the commands that compute with models: where data sets lie, and what computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from segbench.errors import BadParameter

F = TypeVar("F", bound=Callable[..., Any])


def data_roots(command: F) -> F:
    """Add where data sets lie."""
    return click.option(
        "--data-root",
        "roots",
        multiple=True,
        metavar="[DATASET=]FOLDER",
        help="Where a data set lies; may be repeated. Of one data set its name may be left out.  "
        "Example: --data-root camvid=CamVid",
    )(command)


def device(command: F) -> F:
    """Add what computes."""
    command = click.option(
        "--threads", type=click.IntRange(min=1), help="Threads of torch on the CPU; default: its own choice."
    )(command)
    return click.option(
        "--device", default="cpu", show_default=True, help="What computes: cpu, cuda, cuda:1.  Example: --device cuda"
    )(command)


def folders_of(texts: Sequence[str], datasets: Sequence[str]) -> dict[str, Path]:
    """Return where data sets lie.

    Parameters
    ----------
    texts : sequence of str
        As ``camvid=CamVid``; or a folder alone, where there is one data set.
    datasets : sequence of str
        The data sets, as they are named elsewhere.

    Returns
    -------
    dict of str to Path
        The folder of each.

    Raises
    ------
    BadParameter
        When a text is malformed, or of a data set that is not used.
    """
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, folder = text.partition("=")
        if not (equals and name in datasets) and len(set(datasets)) == 1 and Path(text).is_dir():
            name, equals, folder = datasets[0], "=", text
        if not equals or not name or not folder:
            raise BadParameter(f"--data-root {text}", expected="DATASET=FOLDER, as camvid=CamVid")
        if name not in datasets:
            raise BadParameter(f"--data-root of {name}", expected=" | ".join(dict.fromkeys(datasets)))
        found[name] = Path(folder)
    return found
