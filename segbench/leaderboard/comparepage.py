"""What the page shows that compares any two entries of a board."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segbench.errors import printable
from segbench.leaderboard.boardrows import class_names, defined, numbers, score_keys
from segbench.leaderboard.html import inlined
from segbench.leaderboard.sitedata import difference_record
from segbench.leaderboard.standings import Board, Standing


def compare_context(boards: Sequence[Board]) -> dict[str, Any]:
    """Return what can be compared: in words, and as data for the script of the page."""
    compared = [board for board in boards if len(board.standings) > 1]
    records = _legible({board.id: _record(board) for board in compared})
    return {"compared": [_named(board) for board in compared], "data": inlined(records)}


def _legible(record: Any) -> Any:
    """Return a record whose texts show what would steer them: a script writes them into the page as they are."""
    if isinstance(record, str):
        return printable(record)
    if isinstance(record, dict):
        return {printable(key): _legible(value) for key, value in record.items()}
    return [_legible(item) for item in record] if isinstance(record, list) else record


def _named(board: Board) -> dict[str, Any]:
    names = {standing.entry.id: standing.entry.name for standing in board.standings}
    return {"board": board, "names": names}


def _record(board: Board) -> dict[str, Any]:
    keys = list(dict.fromkeys(key for standing in board.standings for key in standing.images))
    classes = class_names(board, board.primary)
    return {
        "title": f"{board.title}, {board.split}",
        "primary": board.primary,
        "keys": score_keys(board),
        "better": 1 if board.higher_is_better else -1,
        "unit": board.unit,
        "units": _units(board),
        "classes": classes,
        "images": keys,
        "entries": [_entry(board, standing, classes, keys) for standing in board.standings],
        "duels": [
            {
                "a": duel.first,
                "b": duel.second,
                "won": duel.won,
                "lost": duel.lost,
                "drawn": duel.drawn,
                "scores": {key: difference_record(value) for key, value in duel.scores.items()},
                "classes": {name: difference_record(value) for name, value in duel.per_class.items()},
            }
            for duel in board.duels
        ],
    }


def _entry(board: Board, standing: Standing, classes: Sequence[str], keys: Sequence[str]) -> dict[str, Any]:
    values = {(number.key, number.part): number.value for number in numbers(board, standing)}
    return {
        "id": standing.entry.id,
        "name": standing.entry.name,
        "scores": {key: value for (key, part), value in values.items() if part is None},
        "classes": [values.get((board.primary, name)) for name in classes],
        "images": [None if (value := standing.images.get(key)) is None else defined(value) for key in keys],
    }


def _units(board: Board) -> dict[str, str]:
    scores = (standing.result["scores"] for standing in board.standings)
    return {key: score["unit"] for found in scores for key, score in found.items()}
