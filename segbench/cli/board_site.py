"""``segbench board build`` and ``segbench board serve``."""

from __future__ import annotations

import http.server
from functools import partial
from pathlib import Path
from typing import Any

import click

from segbench.cli import report
from segbench.cli.board_store import STORE
from segbench.cli.options import FOLDER, output_format
from segbench.cli.progress import progress_bar
from segbench.errors import BadParameter, OutputProblem, counted
from segbench.late import late

_boards_of = late("segbench.leaderboard.board:boards_of")
_build = late("segbench.leaderboard.site:build")
_read_reported = late("segbench.leaderboard.reported:read_reported")

#: What a browser is told of every file: to run and fetch nothing but the site's own, whatever a page says.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}


@click.command(short_help="Build the pages of the leaderboard.")
@click.argument("store", type=FOLDER, default=STORE, metavar="[STORE]")
@click.option("-o", "--output", type=FOLDER, required=True, help="Folder to write; with --single-file the file.")
@click.option("--single-file", is_flag=True, help="Write one page that holds all others.  Example: -o boards.html")
@click.option(
    "--reported", type=FOLDER, help="Folder of published numbers; default: reported beside STORE, where there is one."
)
@click.option("--data-root", type=FOLDER, help="Folder of the data sets: shows the hardest images of each entry.")
@output_format("table", "json")
def build(
    store: Path, output: Path, single_file: bool, reported: Path | None, data_root: Path | None, format_: str
) -> int:
    """Build the pages of STORE (leaderboards/results): static files, to be opened or put on any server.

    The same store gives the same bytes. Pages need no network, and reading them needs no JavaScript.

    \b
    Examples:
      segbench board build -o site
      segbench board build leaderboards/results -o boards.html --single-file
    """
    if not store.is_dir():
        raise BadParameter("no such folder", expected="an existing store", file=str(store))
    beside = store.parent / "reported"
    folder = reported or (beside if beside.is_dir() else None)
    numbers = [] if folder is None else _read_reported(folder)
    with progress_bar(" boards") as progress:
        boards: Any = _boards_of(store, numbers, progress=progress)
    first: Path = _build(boards, output, single_file=single_file, data_root=data_root)
    n_entries = sum(len(board.standings) for board in boards)
    if format_ == "json":
        record = {"status": "built", "page": str(first), "boards": len(boards), "entries": n_entries}
        report.data(report.json_text(record))
    else:
        entries = "1 entry" if n_entries == 1 else f"{n_entries} entries"
        report.data(f"built: {counted(len(boards), 'board')}, {entries}; open {first}\n")
    return 0


@click.command(short_help="Show the pages of a leaderboard to a browser on this machine.")
@click.argument("site", type=FOLDER, metavar="SITE")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
def serve(site: Path, port: int) -> int:
    """Serve the pages in SITE to browsers on this machine, and to nobody else, until it is interrupted.

    \b
    Example:
      segbench board serve site --port 8080
    """
    if not (site / "index.html").is_file():
        raise BadParameter("no index.html", expected="a folder that segbench board build -o wrote", file=str(site))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, directory=str(site)))
    except OSError as error:
        raise OutputProblem(f"port {port} cannot be used: {error.strerror}", mend="take another with --port") from None
    with server:
        report.data(f"http://127.0.0.1:{server.server_address[1]}/  (Ctrl-C ends it)\n")
        server.serve_forever()
    return 0


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, tells browsers to be careful, lists no folders and writes no log."""

    def end_headers(self) -> None:
        """Add what every answer says."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        """Refuse to list a folder."""
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
