"""``segbench board add`` and ``segbench board check``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from segbench.cli import report
from segbench.cli.options import FOLDER, output_format
from segbench.cli.progress import progress_bar
from segbench.errors import BadParameter, Refusal
from segbench.late import late

_add = late("segbench.leaderboard.store:add")
_check = late("segbench.leaderboard.store:check")
_read_entry = late("segbench.leaderboard.entryfile:read_entry")
_read_run = late("segbench.leaderboard.entryfile:read_run")
_template = late("segbench.leaderboard.entryfile:template")

#: Where the entries of a checkout are.
STORE = Path("leaderboards/results")


def _show_template(context: click.Context, parameter: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        report.data(_template())
        context.exit()


@click.command(short_help="Add a result to the leaderboard.")
@click.argument("result", type=FOLDER, metavar="RESULT.json")
@click.argument("entry", type=FOLDER, metavar="ENTRY.toml")
@click.option("--store", type=FOLDER, default=STORE, show_default=True, help="Folder of the entries.")
@click.option(
    "--template",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_template,
    help="Print an ENTRY.toml to fill in.  Example: segbench board add --template > entry.toml",
)
@click.option(
    "--run",
    "record",
    type=FOLDER,
    metavar="RUN.json",
    help="How segbench run made the predictions, and what they cost; it becomes part of the entry.",
)
@output_format("table", "json")
def add(result: Path, entry: Path, store: Path, record: Path | None, format_: str) -> int:
    """Add RESULT.json, with the state beside it, to the leaderboard, with what ENTRY.toml tells of it.

    Every score, signature and digest is made again from the state; a result in which one differs is refused. So is
    what no board ranks: a part of a split, --missing miss, resized predictions, a truth of one's own, and a truth that
    differs from that of the entries already there. Entries are never changed: a correction is a new entry that says
    which one it replaces.

    \b
    Examples:
      segbench score preds/ --dataset drive --data-root DRIVE -o result.json
      segbench board add --template > entry.toml
      segbench board add result.json entry.toml
    """
    if not store.is_dir():
        raise BadParameter("no such folder", expected="an existing store", mend="name it with --store", file=str(store))
    told = _read_entry(entry)
    stored: Any = _add(result, told if record is None else replace(told, run=_read_run(record)), store)
    if format_ == "json":
        added = {
            "status": "added",
            "entry": stored.entry.id,
            "protocol": stored.board[0],
            "split": stored.board[1],
            "file": str(stored.path),
            "state": str(stored.state),
        }
        report.data(report.json_text(added))
    else:
        report.data(f"added: {stored.entry.id} to {', '.join(stored.board)}; {stored.path}, and its state beside it\n")
    return 0


@click.command(short_help="Count every entry of the leaderboard again.")
@click.argument("store", type=FOLDER, default=STORE, metavar="[STORE]")
@output_format("table", "json")
def check(store: Path, format_: str) -> int:
    """Count every entry of STORE (leaderboards/results) again: does it come to the same scores, signatures and digests?

    Files that belong to no entry are told as well: whoever was interrupted while adding may have left one.

    \b
    Example:
      segbench board check
    """
    n_entries = 0
    with progress_bar(" entries") as progress:

        def count(done: int, total: int) -> None:
            nonlocal n_entries
            n_entries = total
            if progress is not None:
                progress(done, total)

        faults = _check(store, count)
    if faults:
        raise Refusal(faults)
    if format_ == "json":
        report.data(report.json_text({"status": "checked", "entries": n_entries}))
    else:
        report.data(f"checked: {n_entries} {'entry' if n_entries == 1 else 'entries'}\n")
    return 0
