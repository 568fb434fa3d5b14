"""``segbench study``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from segbench.cli import computing, report
from segbench.cli.options import FOLDER, output_format, resamples, seed
from segbench.cli.progress import progress_bar
from segbench.errors import require
from segbench.late import late

_open_device = late("segbench.harness.device:open_device")
_read_recipe = late("segbench.training.recipes:read_recipe")
_render = late("segbench.cli.losstable:render")
_study = late("segbench.cli.lossstudy:study")

#: What is compared unless something else is asked for: every loss that can teach by itself, in the forms that differ;
#: total variation knows no truth, so it stands beside the cross entropy.
LOSSES = (
    "cross_entropy",
    "cross_entropy(weights=median_frequency)",
    "edge_cross_entropy",
    "soft_iou",
    "soft_iou(form=sum)",
    "dice",
    "tversky",
    "ce_dice",
    "ce_log_iou",
    "lovasz",
    "l1",
    "cross_entropy+0.1*total_variation",
)


@click.group(invoke_without_command=True, short_help="Train one model in several ways, and compare.")
@click.pass_context
def study(context: click.Context) -> None:
    """Train one model in several ways, all else equal, and say which differences are more than chance."""
    if context.invoked_subcommand is None:
        report.data(f"{context.get_help()}\n")


@study.command(short_help="One model, one data set, one budget, every loss.")
@click.argument("recipe", type=FOLDER)
@click.option("-o", "--output", type=FOLDER, required=True, help="Folder for trainings, predictions and results.")
@click.option(
    "--loss",
    "chosen",
    multiple=True,
    metavar="LOSS",
    help="A loss; may be repeated; the others are held against the first. Default: all of them.  Example: --loss dice",
)
@click.option("--split", help="The split that is scored; default: that of the data set.")
@computing.data_roots
@computing.device
@resamples
@seed
@output_format("table", "json", "csv", "md")
@click.option("--quiet", is_flag=True, help="No notes on standard error.")
def losses(
    recipe: Path,
    output: Path,
    chosen: tuple[str, ...],
    split: str | None,
    roots: tuple[str, ...],
    device: str,
    threads: int | None,
    format_: str,
    quiet: bool,
    **drawn: int,
) -> int:
    """Train the model of RECIPE with one loss after the other, and compare what they come to.

    The loss of the last stage is replaced; seed, crops, steps and all else stay the same. Each model is scored as
    anybody's submission, with an interval, and held against the first by a paired bootstrap and a permutation test,
    corrected for the number of pairs. They tell how much another set of images would change, not another seed.

    What was stopped goes on where it was when it is started again.

    \b
    Examples:
      segbench study losses recipe.toml -o study --data-root CamVid
      segbench study losses recipe.toml -o study --loss cross_entropy --loss lovasz --format md
    """
    require("torch", extra="run")
    plan = _read_recipe(recipe)
    folders = computing.folders_of(roots, [stage.data for stage in plan.stage])
    computer: Any = _open_device(device, threads=threads)

    def note(text: str) -> None:
        if not quiet:
            report.message("note", text)

    with progress_bar(" steps") if not quiet else nullcontext() as bar:
        found = _study(plan, chosen or LOSSES, output, folders, computer, split=split, bar=bar, note=note, **drawn)
    report.data(_render(found, format_))
    return 0
