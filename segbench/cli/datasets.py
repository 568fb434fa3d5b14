"""``segbench datasets``."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from segbench.cli import report
from segbench.cli.options import FOLDER


@click.group(invoke_without_command=True, short_help="List data sets, show a layout, check the copy on disk.")
@click.pass_context
def datasets(context: click.Context) -> None:
    """List data sets, show where their files are expected, and check the copy on disk."""
    if context.invoked_subcommand is None:
        report.data(f"{context.get_help()}\n")


@datasets.command("list", short_help="List the data sets and whether they are found.")
def list_() -> int:
    """List the data sets that are known, and where each is found below SEGBENCH_DATA."""
    code: int = _work().show_list()
    return code


@datasets.command(short_help="Show where the files of a data set are expected.")
@click.argument("name")
@click.option("--split", help="Split whose files are shown; default: the data set's own.")
def show(name: str, split: str | None) -> int:
    """Show where the files of the data set NAME are expected, and its splits.

    \b
    Example:
      segbench datasets show voc
    """
    code: int = _work().show_layout(name, split)
    return code


@datasets.command(short_help="Check that the copy on disk is complete and unchanged.")
@click.argument("name")
@click.option("--split", help="Split to check; default: the data set's own, for most val.")
@click.option(
    "--data-root", type=FOLDER, help="Folder of the data set in its own layout; default: $SEGBENCH_DATA/NAME."
)
@click.option("--truth", type=FOLDER, help="Of instances: a truth in the JSON of COCO, in place of --data-root.")
@click.option("--forget", is_flag=True, help="Only drop what the first check remembered; the next is the first.")
def check(name: str, split: str | None, data_root: Path | None, truth: Path | None, forget: bool) -> int:
    """Check the copy of the data set NAME on disk: is a split complete, readable, and unchanged?

    The first check of a complete split remembers its truth files in the cache folder (SEGBENCH_CACHE, else
    XDG_CACHE_HOME/segbench, else ~/.cache/segbench); later ones name the files that changed. Exits with 4 when
    something is wrong.

    Of a truth in the JSON of COCO nothing is remembered; its content is looked through, and what is odd is told: areas
    and boxes that are not those of the masks, annotations that are there twice or outside the image, and more.

    \b
    Examples:
      segbench datasets check voc --data-root VOCdevkit/VOC2012
      segbench datasets check instances --truth instances.json
    """
    work = _work()
    code: int = work.forget(name, split, data_root) if forget else work.check(name, split, data_root, truth)
    return code


def _work() -> Any:
    return import_module("segbench.cli.holdings")
