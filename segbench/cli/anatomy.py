"""``segbench anatomy``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from segbench.cli import report
from segbench.cli.options import FOLDER, output_format
from segbench.errors import BadParameter
from segbench.late import late

_anatomy = late("segbench.scoring.anatomy:anatomy")
_limits = late("segbench.scoring.anatomy:Limits")
_as_record = late("segbench.scoring.anatomyrecord:as_record")
_text = late("segbench.cli.anatomy_page:text")
_write_text = late("segbench.atomic:write_text")


@click.command(short_help="Say where detected instances go wrong.")
@click.argument("predictions", metavar="RESULTS", type=FOLDER)
@click.option("--dataset", required=True, help="Data set of instances by name, or the path of a protocol in TOML.")
@click.option("--split", help="Split to look at; default: the data set's own.")
@click.option(
    "--data-root", type=FOLDER, help="Folder of the data set in its own layout; default: $SEGBENCH_DATA/NAME."
)
@click.option("--truth", type=FOLDER, help="A truth in the JSON of COCO, in place of --data-root.")
@click.option(
    "--iou-type",
    type=click.Choice(["segm", "bbox", "boundary"]),
    help="What is compared: masks (the default), boxes, or masks and their boundaries.",
)
@click.option("--iou", default=0.5, show_default=True, help="The least IoU of a match.")
@click.option(
    "--background-iou", default=0.1, show_default=True, help="Up to which IoU a detection is where nothing is."
)
@click.option(
    "--min-score",
    "least_score",
    default=0.5,
    show_default=True,
    help="Score of a sure detection: the table of confusions holds such ones alone, as do doubts about the truth.",
)
@click.option(
    "--bins", type=click.IntRange(1, 1000), default=10, show_default=True, help="Bins of the score for calibration."
)
@output_format("table", "json")
@click.option("-o", "--output", type=FOLDER, help="Also write all of it as JSON.  Example: -o anatomy.json")
@click.option("--quiet", is_flag=True, help="No warnings on standard error.")
def anatomy(
    predictions: Path,
    format_: str,
    output: Path | None,
    quiet: bool,
    iou: float,
    background_iou: float,
    least_score: float,
    bins: int,
    **asked: Any,
) -> int:
    """Say where the detected instances of RESULTS, in the JSON of COCO, go wrong.

    Shown are the errors by kind and what each kind costs (TIDE), the most frequent confusions of classes, whether
    scores are the probabilities to be right, and where the truth itself may be wrong: sure detections where nothing is
    annotated or something of another class, and annotations of an odd shape that nothing finds. JSON has all of each.

    \b
    Example:
      segbench anatomy results.json --dataset coco-instances --truth instances_val2017.json
    """
    if output is not None:
        _check(output)
    limits = _limits(iou=iou, background_iou=background_iou, least_score=least_score, bins=bins)
    found = _anatomy(predictions, limits=limits, **asked)
    record = _as_record(found)
    if output is not None:
        _write_text(output, report.json_text(record))
    report.data(report.json_text(record) if format_ == "json" else _text(record))
    if not quiet:
        report.warnings(found.warnings)
    return 0


def _check(output: Path) -> None:
    """Find out whether the file can be written, before anything is read."""
    if output.suffix.lower() != ".json":
        raise BadParameter(f"-o {output.name}", expected="a file name that ends in .json")
    if not output.parent.is_dir():
        raise BadParameter("no such folder", expected="an existing folder for -o", file=str(output.parent))
