"""Which pages a site has, and what each of them shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from segbench.frozen import dataclass
from segbench.leaderboard.badges import rank
from segbench.leaderboard.boardpage import board_context, board_summary
from segbench.leaderboard.comparepage import compare_context
from segbench.leaderboard.entrypage import entry_context
from segbench.leaderboard.metricpages import metric_contexts
from segbench.leaderboard.pictures import Pictures
from segbench.leaderboard.protocolpages import protocol_contexts
from segbench.leaderboard.standings import Board


@dataclass(frozen=True)
class Page:
    """A page before it is rendered.

    Parameters
    ----------
    path : str
        Where it stands below the site.
    template : str
        What renders it.
    context : dict of str to object
        What it shows.
    """

    path: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)


def pages(boards: Sequence[Board], pictures: Mapping[str, Mapping[str, Pictures]]) -> Iterator[Page]:
    """Yield the pages of a site.

    Parameters
    ----------
    boards : sequence of Board
        The boards.
    pictures : mapping of str to mapping of str to Pictures
        Of images, by board and by image; empty where none were made.

    Yields
    ------
    Page
        The first page, then boards, entries and what explains them.
    """
    shared = {"rank": rank}
    ranked = [board_summary(board) for board in boards if board.standings]
    others = [board_summary(board) for board in boards if not board.standings]
    yield Page("index.html", "index.html", {**shared, "ranked": ranked, "others": others})
    for board in boards:
        yield Page(f"boards/{board.id}.html", "board.html", {**shared, **board_context(board)})
        for standing in board.standings:
            path = f"entries/{board.id}/{standing.entry.id}.html"
            yield Page(
                path, "entry.html", {**shared, **entry_context(board, standing), "pictures": pictures.get(board.id, {})}
            )
    yield Page("compare.html", "compare.html", {**shared, **compare_context(boards)})
    yield from _explained(boards)
    yield Page("submit.html", "submit.html", {})


def _explained(boards: Sequence[Board]) -> Iterator[Page]:
    metrics, protocols = metric_contexts(), protocol_contexts(boards)
    yield Page("metrics.html", "metrics.html", {"metrics": metrics})
    yield from (Page(f"metrics/{metric['name']}.html", "metric.html", {"metric": metric}) for metric in metrics)
    yield Page("protocols.html", "protocols.html", {"protocols": protocols})
    for protocol in protocols:
        yield Page(f"protocols/{protocol['name']}.html", "protocol.html", {"protocol": protocol})
