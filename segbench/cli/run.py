"""``segbench run``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from segbench.cli import computing, report, runtable
from segbench.cli.options import FOLDER, intervals, output_format
from segbench.cli.progress import progress_bar
from segbench.errors import BadParameter, Refusal, require
from segbench.late import late

_attempt = late("segbench.cli.trial:attempt")
_jobs_of = late("segbench.harness.plan:jobs_of")
_joined = late("segbench.training.ranks:joined")
_open_device = late("segbench.harness.device:open_device")
_read_subjects = late("segbench.harness.subjects:read_subjects")
_run = late("segbench.harness.runs:Run")
_share = late("segbench.harness.runs:Share")
_split_list = late("segbench.harness.subjects:split_list")
_views = late("segbench.harness.views:Views")
_wish = late("segbench.cli.trial:Wish")


@click.command(short_help="Run models over data sets.")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="MODEL[,…]",
    help="What to run; may be repeated: the folder of a training, a model with weights, a card of your own, or a "
    "classical rule (majority, nearest_colour, smoothed_colour).  Example: --model 'unet_half(width=0.25)@weights.pt'",
)
@click.option(
    "--dataset", "datasets", multiple=True, required=True, metavar="DATASET[,…]", help="Data sets; may be repeated."
)
@click.option("-o", "--output", type=FOLDER, required=True, help="Folder for all of it, DATASET-SPLIT/MODEL/ below it.")
@click.option("--split", help="The split; default: that of each data set.")
@computing.data_roots
@computing.device
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    default="float32",
    show_default=True,
    help="Of the forward pass.",
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Images of one size at a time; halved once when memory is at an end.",
)
@click.option("--resize", metavar="ROWS,COLUMNS", help="Resize every image first; default: as the model was trained.")
@click.option("--scales", default="1", show_default=True, help="Average over these sizes, as 0.75,1,1.25.")
@click.option("--flip", is_flag=True, help="Average over each image and its mirror image.")
@click.option("--tile", type=click.IntRange(min=1), help="Rows and columns of what a model sees at once, at most.")
@click.option("--overlap", type=click.IntRange(min=0), default=64, show_default=True, help="Pixels that tiles share.")
@click.option("--ensemble", metavar="NAME", default="", help="Average the probabilities of all models, as one.")
@click.option("--shard", metavar="I/N", help="Predict every N-th image from the I-th on; the last one to run scores.")
@click.option("--plan", "is_plan", is_flag=True, help="Only say what there is to do.")
@click.option("--store", type=FOLDER, help="Folder of leaderboard entries that each result is added to.")
@intervals
@output_format("table", "json")
@click.option("--quiet", is_flag=True, help="No notes on standard error.")
def run(
    models: tuple[str, ...],
    datasets: tuple[str, ...],
    output: Path,
    format_: str,
    quiet: bool,
    is_plan: bool,
    device: str,
    threads: int | None,
    precision: str,
    **asked: Any,
) -> int:
    """Run models over data sets: predictions in the layout of a submission, scores, what they cost, board entries.

    What is predicted already is left alone: a run that was stopped goes on image by image when it is started again.
    `--shard`, or `torchrun`, divides the images among machines and processes that share the output folder.

    \b
    Examples:
      segbench run --model runs/unet,nearest_colour --dataset camvid --data-root CamVid -o runs/out
      segbench run --model deeplab_v3@coco_voc --dataset voc --device cuda --scales 0.75,1,1.25 --flip -o runs/out
      segbench run --model runs/a,runs/b --ensemble both --dataset camvid -o runs/out --store leaderboards/results
    """
    require("torch", extra="run")
    computer = _open_device(device, precision, threads)
    jobs = _jobs(models, datasets, output, computer, asked)
    share = _share() if asked["shard"] is None else _read_share(asked["shard"])
    if is_plan:
        report.data(runtable.plan([(job, len(_run(job).missing)) for job in jobs], format_))
        return 0
    with _joined(computer.torch) as ranks:
        wish = _wish(
            asked["batch"],
            share.divided(ranks.rank, ranks.count),
            *(asked[name] for name in ("ci", "resamples", "seed", "store")),
        )
        trials = []
        for job in jobs:
            trials.append(_trial(job, computer, wish, ranks, is_quiet=quiet or not ranks.is_first))
        if ranks.is_first:
            report.data(runtable.trials(trials, format_))
    faults = [fault for trial in trials if trial.error is not None for fault in trial.error.faults]
    if len(faults) == 1 and len(trials) == 1:
        raise faults[0]
    if faults:
        raise Refusal(faults)
    return 0


def _trial(job: Any, computer: Any, wish: Any, ranks: Any, *, is_quiet: bool) -> Any:
    """Attempt a job; of several processes the first one alone scores and tells."""
    with progress_bar(f" images of {job.title}") if not is_quiet else nullcontext() as bar:
        note = None if is_quiet else lambda text: report.message("note", text)
        return _attempt(job, computer, wish, ranks, bar=bar, note=note)


def _jobs(
    models: tuple[str, ...], datasets: tuple[str, ...], output: Path, computer: Any, asked: dict[str, Any]
) -> list[Any]:
    names = [name for text in datasets for name in _split_list(text)]
    views = _views(
        resize=_numbers("resize", asked["resize"] or "", int),
        scales=_numbers("scales", asked["scales"], float),
        flip=asked["flip"],
        tile=asked["tile"] or 0,
        overlap=asked["overlap"],
    )
    jobs: list[Any] = _jobs_of(
        _read_subjects(models),
        names,
        output,
        split=asked["split"],
        data_roots=computing.folders_of(asked["roots"], names),
        views=views,
        device=computer.torch.type,
        precision=computer.precision,
        ensemble=asked["ensemble"],
    )
    return jobs


def _numbers(option: str, text: str, kind: type[int] | type[float]) -> tuple[Any, ...]:
    try:
        return tuple(kind(part) for part in text.split(",") if text)
    except ValueError:
        raise BadParameter(f"--{option} {text}", expected="numbers with commas between them") from None


def _read_share(text: str) -> Any:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise BadParameter(f"--shard {text}", expected="I/N with I from 1 to N")
    return _share(int(number), int(count))
