"""The feed of a site: an Atom entry for each entry of a board, by its date."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from segbench.leaderboard.boardrows import score
from segbench.leaderboard.html import render
from segbench.leaderboard.standings import Board

#: An entry without a date is older than all others.
_UNDATED = "1970-01-01"


def feed(boards: Sequence[Board]) -> str:
    """Return the feed of boards: newest first. There is no clock in it; dates are those of the entries.

    Parameters
    ----------
    boards : sequence of Board
        The boards.

    Returns
    -------
    str
        Atom.
    """
    items = [
        {
            "board": board,
            "standing": standing,
            "score": score(standing, board.primary),
            "id": _name(f"{board.id}/{standing.entry.id}"),
            "updated": _time(standing.entry.date),
        }
        for board in boards
        for standing in board.standings
    ]
    items.sort(key=lambda item: str(item["updated"]), reverse=True)
    newest = str(items[0]["updated"]) if items else _time("")
    return render("feed.xml", {"items": items, "id": _name(""), "updated": newest})


def _time(date: str) -> str:
    """Return the first moment of a day, month or year."""
    whole = date or _UNDATED
    return f"{whole}{_UNDATED[len(whole) :]}T00:00:00Z"


def _name(path: str) -> str:
    return uuid5(NAMESPACE_URL, f"segbench:{path}").urn
