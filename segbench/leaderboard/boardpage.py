"""What the page of a board shows."""

from __future__ import annotations

from typing import Any

from segbench.leaderboard.boardrows import class_names, numbers, score, score_keys
from segbench.leaderboard.charts import costs, curves
from segbench.leaderboard.standings import Board, Reported, Standing

#: Facts of entries by which a board is searched, and the heading of each.
_SEARCHED = ("training_data", "backbone", "post_processing", "date", "device", "licence")


def board_summary(board: Board) -> dict[str, Any]:
    """Return what the card of a board shows."""
    best = board.standings[0] if board.standings else None
    return {
        "board": board,
        "best": best,
        "score": None if best is None else score(best, board.primary),
        "tied": [standing.entry.name for standing in board.standings if standing.is_top and standing is not best],
        "systems": len({number.system for number in board.reported}),
        "protocol": protocol_name(board),
    }


def board_context(board: Board) -> dict[str, Any]:
    """Return what the page of a board shows."""
    classes = class_names(board, board.primary)
    return {
        "board": board,
        "protocol": protocol_name(board),
        "keys": score_keys(board),
        "rows": [_row(board, standing, classes) for standing in board.standings],
        "classes": classes,
        "curves": curves(board.standings),
        "costs": costs(board),
        "has_parameters": any(standing.entry.parameters is not None for standing in board.standings),
        "has_seconds": any(standing.entry.seconds_per_image is not None for standing in board.standings),
        "reported_parameters": any(number.parameters is not None for number in board.reported),
        "reported_time": any(number.time for number in board.reported),
        "reported": _reported(board),
        "sources": _sources(board),
        "n_top": sum(standing.is_top for standing in board.standings),
        "metrics": sorted({number.metric for number in board.reported}),
    }


def protocol_name(board: Board) -> str:
    """Return the name of a board's protocol, without its version."""
    return board.protocol.partition("@")[0]


def _sources(board: Board) -> list[tuple[str, str]]:
    """Return each work that published numbers are from, and its address, in the order of the numbers."""
    return list(dict.fromkeys((number.source, number.url) for number in board.reported))


def _reported(board: Board) -> list[tuple[Reported, int]]:
    """Return the published numbers, each with the number of its source, from 1."""
    sources = _sources(board)
    return [(number, 1 + sources.index((number.source, number.url))) for number in board.reported]


def _row(board: Board, standing: Standing, classes: list[str]) -> dict[str, Any]:
    found = {(number.key, number.part): number for number in numbers(board, standing)}
    return {
        "standing": standing,
        "entry": standing.entry,
        "scores": [found.get((key, None)) for key in score_keys(board)],
        "classes": [found.get((board.primary, name)) for name in classes],
        "words": " ".join([*standing.entry.authors, *(getattr(standing.entry, name) for name in _SEARCHED)]),
    }
