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
@click.option(
    "--train",
    "with_training",
    is_flag=True,
    help="Also train a small U-Net and put it on the board: some two minutes on two cores, with the packages of "
    "segbench[run,publish].",
)
def demo(folder: Path, with_training: bool) -> int:
    """Make the data set `shapes`, predict it with two classical rules, score both, and build their leaderboard.

    Needs no download and no GPU, and takes less than a minute; with --train some minutes more.

    \b
    Example:
      segbench demo --train --dir try-it
    """
    code: int = import_module("segbench.cli.demonstration").run(folder, with_training=with_training)
    return code
