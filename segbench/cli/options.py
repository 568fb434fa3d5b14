"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

FOLDER = click.Path(path_type=Path)


def submission(command: F) -> F:
    """Add what names a submission and the truth it is held against."""
    options = (
        click.argument("predictions", type=FOLDER),
        click.option(
            "--dataset",
            required=True,
            help="Data set by name, or the path of a protocol in TOML.  Example: --dataset voc",
        ),
        click.option("--split", help="Split to score; default: the data set's own, for most val."),
        click.option(
            "--data-root",
            type=FOLDER,
            help="Folder of the data set in its own layout; default: $SEGBENCH_DATA/NAME.",
        ),
        click.option("--truth", type=FOLDER, help="Folder of truth label maps, in place of --data-root."),
        click.option(
            "--missing",
            type=click.Choice(["error", "miss"]),
            default="error",
            show_default=True,
            help="An image without prediction refuses the submission, or counts as missed in every pixel.",
        ),
        click.option(
            "--workers", type=click.IntRange(min=1), help="Chunks worked on at a time; default: one for each CPU."
        ),
        click.option(
            "--executor",
            type=click.Choice(["threads", "processes"]),
            help="Where to count; default: processes for many images, else threads.",
        ),
        click.option("--strict", is_flag=True, help="Treat warnings as faults."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def output_format(*choices: str) -> Callable[[F], F]:
    """Add ``--format`` with the given choices, the first of which is the default."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="What to print on standard output.",
    )
