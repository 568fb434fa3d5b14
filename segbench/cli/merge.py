"""``segbench merge``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

import segbench
from segbench.cli import report
from segbench.cli.options import FOLDER, intervals, output_format
from segbench.errors import BadParameter
from segbench.formats import FORMATS, render


@click.command(short_help="Put the shards of one submission together.")
@click.argument("states", nargs=-1, required=True, type=FOLDER)
@click.option("--dataset", help="The path of the protocol, where it is one of your own.")
@click.option("-o", "--output", type=FOLDER, help="Also write the result and its state.  Example: -o result.json")
@intervals
@output_format("table", *FORMATS)
def merge(states: tuple[Path, ...], dataset: str | None, output: Path | None, format_: str, **asked: Any) -> int:
    """Put together the STATES of all shards of one submission: the same result as of an undivided run.

    \b
    Example:
      segbench score preds/ --dataset voc --shard 1/2 -o one.json
      segbench score preds/ --dataset voc --shard 2/2 -o two.json
      segbench merge one.state.jsonl two.state.jsonl -o whole.json
    """
    start = time.monotonic()
    if output is not None and not output.parent.is_dir():
        raise BadParameter("no such folder", expected="an existing folder for -o", file=str(output.parent))
    state = None if output is None else segbench.state_path(output)
    result = segbench.merge(states, dataset=dataset, state=state, **asked)
    if output is not None:
        segbench.write_result(result, output, seconds=time.monotonic() - start, state=state)
    report.data(report.table(result) if format_ == "table" else render(result, format_))
    report.warnings(result.warnings)
    return 0
