"""Badges: the rank and score of an entry in a small picture."""

from __future__ import annotations

from segbench.leaderboard.boardrows import score
from segbench.leaderboard.html import render, shown_number
from segbench.leaderboard.standings import Board, Standing

#: Pixels of a character, on the safe side, and of the room beside a text.
_CHARACTER, _ROOM = 6.6, 12.0


def badge(board: Board, standing: Standing) -> str:
    """Return a badge.

    Parameters
    ----------
    board : Board
        The board.
    standing : Standing
        An entry of it.

    Returns
    -------
    str
        SVG, which asks for nothing from elsewhere.
    """
    number = score(standing, board.primary)
    value = shown_number(None) if number is None else shown_number(number.value, number.unit)
    texts = (f"{board.id} · rank {rank(standing)}", f"{board.primary.partition('(')[0]} {value}")
    left, right = (_ROOM + _CHARACTER * len(text) for text in texts)
    return render("badge.svg", {"texts": texts, "left": round(left, 1), "right": round(right, 1)})


def rank(standing: Standing) -> str:
    """Return the ranks that chance leaves open, as people read them: ``1–2``."""
    best, worst = standing.ranks
    return str(best) if best == worst else f"{best}–{worst}"
