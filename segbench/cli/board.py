"""``segbench board``."""

from __future__ import annotations

import click

from segbench.cli import report
from segbench.cli.board_store import add, check


@click.group(invoke_without_command=True, short_help="Add results to a leaderboard, check it, build its pages.")
@click.pass_context
def board(context: click.Context) -> None:
    """Add results to a store of leaderboard entries, and check that every entry derives again from its counts."""
    if context.invoked_subcommand is None:
        report.data(f"{context.get_help()}\n")


board.add_command(add)
board.add_command(check)
