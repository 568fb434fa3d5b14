"""``segbench demo``."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from segbench.cli.options import FOLDER


@click.command(short_help="Go the whole way on the embedded data set.")
@click.option(
    "--dir",
    "folder",
    type=FOLDER,
    default=Path("segbench-demo"),
    show_default=True,
    help="Folder for the data set, the predictions and the results; an existing one is used again.",
)
def demo(folder: Path) -> int:
    """Make the data set `shapes`, predict it with two classical rules, score both, and build their leaderboard.

    Needs no download and no GPU, and takes less than a minute.
    """
    code: int = import_module("segbench.cli.demonstration").run(folder)
    return code
