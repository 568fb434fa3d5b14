"""``segbench check``."""

from __future__ import annotations

from typing import Any

import click

import segbench
from segbench.cli import report
from segbench.cli.options import output_format, submission
from segbench.cli.progress import progress_bar
from segbench.errors import counted


@click.command(short_help="Check a submission without a score.")
@submission
@output_format("table", "json")
def check(format_: str, **asked: Any) -> int:
    """Say whether the folder PREDICTIONS would be accepted: every check of `score`, and no score."""
    with progress_bar(" images") as progress:
        result = segbench.score(progress=progress, **asked)
    report.warnings(result.warnings)
    if format_ == "json":
        record = {"status": "accepted", "n_images": result.n_images, "warnings": list(result.warnings)}
        report.data(report.json_text(record))
    else:
        report.data(f"accepted: {counted(result.n_images, 'image')} of {result.protocol}, {result.split}\n")
    return 1 if asked["strict"] and result.warnings else 0
