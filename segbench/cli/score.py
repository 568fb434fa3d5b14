"""``segbench score``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

import segbench
from segbench.cli import report
from segbench.cli.options import FOLDER, output_format, submission
from segbench.cli.progress import progress_bar
from segbench.codec import pretty_json
from segbench.errors import BadParameter, did_you_mean
from segbench.result import Result


@click.command(short_help="Score a folder of predictions.")
@submission
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="A metric beside the protocol's own; may be repeated.  Example: --metric 'mean_iou(pool=image)'",
)
@output_format("table", "json")
@click.option("-o", "--output", type=FOLDER, help="Also write the result, its state and its run as RESULT.json.")
@click.option(
    "--fail-under",
    "gates",
    multiple=True,
    metavar="KEY=VALUE",
    help="Exit with 1 when a score is lower or undefined; may be repeated.  Example: --fail-under mean_iou=0.75",
)
@click.option("--quiet", is_flag=True, help="No warnings on standard error.")
def score(
    metrics: tuple[str, ...],
    format_: str,
    output: Path | None,
    gates: tuple[str, ...],
    quiet: bool,
    **asked: Any,
) -> int:
    """Score the folder PREDICTIONS by a data set's official protocol.

    \b
    Examples:
      segbench score preds/ --dataset voc --data-root VOCdevkit/VOC2012
      segbench score preds/ --dataset camvid --data-root CamVid --format json -o result.json
    """
    limits = [_limit(gate) for gate in gates]
    state = None if output is None else segbench.state_path(_checked(output))
    start = time.monotonic()
    with progress_bar(" images") as progress:
        result = segbench.score(metrics=metrics, progress=progress, state=state, **asked)
    shown = result
    if output is not None:
        segbench.write_result(result, output, seconds=time.monotonic() - start)
    sys.stdout.write(report.table(shown) if format_ == "table" else pretty_json(shown.as_record()))
    if not quiet:
        report.warnings(result.warnings)
    failed = [text for limit in limits if (text := _failure(result, *limit))]
    if asked["strict"] and result.warnings:
        failed.append(f"{len(result.warnings)} warnings (--strict)")
    for text in failed:
        report.message("failed", text)
    return 1 if failed else 0


def _checked(output: Path) -> Path:
    if output.suffix != ".json":
        raise BadParameter(f"-o {output.name}", expected="a file name that ends in .json")
    if not output.parent.is_dir():
        raise BadParameter("no such folder", expected="an existing folder for -o", file=str(output.parent))
    return output


def _limit(gate: str) -> tuple[str, float]:
    key, equals, value = gate.rpartition("=")
    try:
        if equals:
            return key, float(value)
    except ValueError:
        pass
    raise BadParameter(f"--fail-under {gate}", expected="KEY=VALUE, as mean_iou=0.75")


def _failure(result: Result, key: str, limit: float) -> str:
    if key not in result.scores:
        hint = did_you_mean(key, result.scores)
        raise BadParameter(f"--fail-under: no score {key!r}", expected=" | ".join(result.scores), mend=hint)
    value = result.scores[key].value
    return "" if value >= limit else f"{key} is {value:.6f}, not at least {limit:g} (--fail-under)"
