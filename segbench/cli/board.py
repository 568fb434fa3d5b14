"""``segbench board``."""

from __future__ import annotations

import click

from segbench.cli import report
from segbench.cli.board_site import build, serve
from segbench.cli.board_store import add, check


@click.group(invoke_without_command=True, short_help="Keep a store of results, and build the site of its leaderboards.")
@click.pass_context
def board(context: click.Context) -> None:
    """Keep a store of leaderboard entries, each with the counts that it derives again from, and build its site."""
    if context.invoked_subcommand is None:
        report.data(f"{context.get_help()}\n")


for _command in (add, check, build, serve):
    board.add_command(_command)
