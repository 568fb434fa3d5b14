"""``segbench explain``."""

from __future__ import annotations

from importlib import import_module

import click

from segbench.cli.options import output_format


@click.command(short_help="Explain a data set, a metric, or a signature.")
@click.argument("name", required=False)
@output_format("table", "json")
def explain(name: str | None, format_: str) -> int:
    """Say how a data set is scored, what a metric is, or what a signature means.

    Without NAME it lists data sets and metrics. NAME may be a data set (voc2012, or the path of a protocol in TOML),
    a metric with or without parameters, or the signature of a score.

    \b
    Examples:
      segbench explain voc
      segbench explain 'mean_iou(absent=zero)'
      segbench explain 'voc2012@1|val|1449|truth:…|…'
    """
    code: int = import_module("segbench.cli.explanation").run(name, format_)
    return code
