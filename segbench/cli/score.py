"""``segbench score``."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import click

import segbench
from segbench.cli import report
from segbench.cli.options import FOLDER, intervals, output_format, submission
from segbench.cli.progress import progress_bar
from segbench.errors import BadParameter, UnknownName, counted, did_you_mean
from segbench.formats import FORMATS, format_of, render


@click.command(short_help="Score a folder of predictions.")
@submission
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="A metric beside the protocol's own; may be repeated.  Example: --metric 'mean_iou(pool=image)'",
)
@click.option(
    "--slices",
    type=FOLDER,
    help='JSON file of named parts of the images, each scored on its own as well.  Example: {"night": ["0001"]}',
)
@click.option("--per-image", type=FOLDER, help="Also write the scores of each image, as .csv or .jsonl.")
@intervals
@click.option("--shard", metavar="I/N", help="Count every N-th image from the I-th on; see `segbench merge`.")
@output_format("table", *FORMATS)
@click.option(
    "-o",
    "--output",
    type=FOLDER,
    help="Also write the result, in the format of the suffix: .json .jsonl .csv .md .tex .html; its state and what is "
    "known of the run go beside it.  Example: -o result.json",
)
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
    slices: Path | None,
    **asked: Any,
) -> int:
    """Score PREDICTIONS, a folder or archive (zip, tar, tar.gz, tar.xz), by a data set's official protocol.

    `-` in its place reads lines of prediction<TAB>truth from standard input and writes a line of JSON for each.

    \b
    Examples:
      segbench score preds/ --dataset voc --data-root VOCdevkit/VOC2012
      segbench score preds/ --dataset camvid --data-root CamVid --format json -o result.json
    """
    if str(asked["predictions"]) == "-":
        return _pairs(asked["dataset"], metrics)
    limits = _limits(gates, asked["dataset"], metrics)
    primary = segbench.load_protocol(asked["dataset"]).primary if format_ == "value" else None
    state = None if output is None else segbench.state_path(_checked(output))
    start = time.monotonic()
    with progress_bar(" images") as progress:
        parts = None if slices is None else _slices(slices)
        result = segbench.score(metrics=metrics, progress=progress, state=state, slices=parts, **asked)
    if output is not None:
        segbench.write_result(result, output, seconds=time.monotonic() - start, state=state)
    report.data(report.table(result) if format_ == "table" else render(result, format_, primary=primary))
    if not quiet:
        report.warnings(result.warnings)
    failed = [text for key, limit in limits if (text := _failure(key, result.scores[key].value, limit))]
    if asked["strict"] and result.warnings:
        failed.append(f"{counted(len(result.warnings), 'warning')} (--strict)")
    for text in failed:
        report.message("failed", text)
    return 1 if failed else 0


def _pairs(dataset: str, metrics: tuple[str, ...]) -> int:
    """Score the pairs of standard input; the exit code is the highest of theirs."""
    code = 0
    for record in segbench.score_pairs(sys.stdin, dataset=dataset, metrics=metrics):
        report.data(report.json_text(record, line=True))
        code = max(code, record.get("exit", 0))
    return code


def _slices(path: Path) -> dict[str, list[str]]:
    try:
        slices = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadParameter(f"cannot be read: {error}", expected="a JSON file of slices", file=str(path)) from None
    rows = slices.values() if isinstance(slices, dict) else [None]
    if not all(isinstance(keys, list) and all(isinstance(key, str) for key in keys) for keys in rows):
        raise BadParameter("not a table of slices", expected='{"name": ["image", …], …}', file=str(path))
    return dict(slices)


def _checked(output: Path) -> Path:
    format_of(output.name)
    if not output.parent.is_dir():
        raise BadParameter("no such folder", expected="an existing folder for -o", file=str(output.parent))
    return output


def _limits(gates: tuple[str, ...], dataset: str, metrics: tuple[str, ...]) -> list[tuple[str, float]]:
    """Read the gates before anything is scored, so that a slip of the pen does not cost a run."""
    if not gates:
        return []
    protocol = segbench.load_protocol(dataset)
    keys = [protocol.key(metric) for metric in (*protocol.metrics, *map(protocol.metric, metrics))]
    return [_limit(gate, keys) for gate in gates]


def _limit(gate: str, keys: list[str]) -> tuple[str, float]:
    # A key may hold "=" in its parentheses; the limit stands after the last one.
    key, _, text = gate.rpartition("=")
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not key or math.isnan(limit):
        raise BadParameter(f"--fail-under {gate}", expected="KEY=VALUE, as mean_iou=0.75")
    if key not in keys:
        mend = did_you_mean(key, keys) or f"another metric is asked for with --metric '{key}'"
        raise UnknownName(f"--fail-under: no score {key!r}", expected=" | ".join(keys), mend=mend)
    if limit > 1:
        raise BadParameter(
            f"--fail-under {gate}", expected="a fraction from 0 to 1", mend=f"is {key}={limit / 100:g} meant?"
        )
    return key, limit


def _failure(key: str, value: float, limit: float) -> str:
    found = "undefined" if math.isnan(value) else f"{value:.6f}"
    return "" if value >= limit else f"{key} is {found}, not at least {limit:g} (--fail-under)"
