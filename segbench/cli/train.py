"""``segbench train``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from segbench.cli import computing, report
from segbench.cli.options import FOLDER
from segbench.cli.progress import progress_bar
from segbench.errors import require
from segbench.late import late

_read_recipe = late("segbench.training.recipes:read_recipe")
_training = late("segbench.training.loop:Training")
_open_device = late("segbench.harness.device:open_device")
_draw = late("segbench.training.plots:draw")


@click.command(short_help="Train a model by a recipe.")
@click.argument("recipe", type=FOLDER)
@click.option("-o", "--output", type=FOLDER, required=True, help="Folder for checkpoint, history, curves and weights.")
@computing.data_roots
@computing.device
@click.option("--quiet", is_flag=True, help="No bar, and no lines of loss and scores.")
def train(recipe: Path, output: Path, roots: tuple[str, ...], device: str, threads: int | None, quiet: bool) -> int:
    """Train the model of RECIPE, a TOML of stages, and write its weights and curves to a folder.

    The same recipe gives the same weights on the same machine. A run that was stopped, however that was, goes on from
    its last checkpoint when it is started again. `torchrun` starts several processes that share each batch.

    \b
    Example:
      segbench train unet.toml -o runs/unet --data-root camvid=CamVid
      torchrun --nproc-per-node 2 -m segbench train unet.toml -o runs/unet
    """
    require("torch", extra="run")
    require("matplotlib", extra="run")
    plan = _read_recipe(recipe)
    folders = computing.folders_of(roots, [stage.data for stage in plan.stage])
    work = _training(plan, output, folders, _open_device(device, threads=threads).torch)
    with progress_bar(" steps") if not quiet else nullcontext() as bar:

        def told(done: int, total: int, row: Mapping[str, Any]) -> None:
            if bar is not None:
                bar(done, total)
            if not quiet and ("mean_iou" in row or done % plan.save_every == 0 or done == total):
                click.echo(f"step {done} of {total}: {_measured(row)}", err=True)

        work.progress = told
        weights = work.run()
    if work.is_first:
        _draw(work.history, output / "curves.svg")
        report.data(f"{weights}\n")
    return 0


def _measured(row: Mapping[str, Any]) -> str:
    """Return what was measured in a step, in words."""
    loss = f"loss {row['loss']:.4f}"
    if "mean_iou" not in row:
        return loss
    return f"{loss}, mean IoU " + ("–" if row["mean_iou"] is None else f"{100 * row['mean_iou']:.2f} %")
