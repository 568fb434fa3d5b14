"""The numbers of boards for programs: JSON and CSV, whose form is stable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from segbench.formats import csv_line, json_text
from segbench.leaderboard.badges import badge
from segbench.leaderboard.boardrows import defined, numbers, score_keys
from segbench.leaderboard.feed import feed
from segbench.leaderboard.standings import Board, Standing
from segbench.scoring.duels import Difference, Duel

#: Version of the form of these files.
SCHEMA = 1

#: Columns of the CSV of a board.
COLUMNS = (
    *("rank_best", "rank_worst", "is_top", "entry", "name", "authors", "date", "parameters", "seconds_per_image"),
    *("key", "class", "value", "low", "high", "unit", "higher_is_better", "signature"),
)
#: Columns of the CSV of published numbers.
REPORTED = (
    *("system", "dataset", "split", "metric", "value", "unit", "parameters", "time", "source", "table", "url"),
    "caveat",
)


def data_files(boards: Sequence[Board]) -> dict[str, str]:
    """Return the text of each file of a site that is no page, by its path."""
    files = {"data/index.json": json_text(_index(boards)), "feed.xml": feed(boards)}
    for board in boards:
        files[f"data/{board.id}.json"] = json_text(board_record(board))
        files[f"data/{board.id}.csv"] = board_csv(board)
        if board.reported:
            files[f"data/{board.id}.reported.csv"] = reported_csv(board)
        for standing in board.standings:
            name = standing.entry.id
            files[f"data/results/{board.id}/{name}.json"] = json_text(dict(standing.result))
            files[f"badges/{board.id}-{name}.svg"] = badge(board, standing)
    return files


def board_record(board: Board) -> dict[str, Any]:
    """Return a board as JSON has it."""
    return {
        "schema": SCHEMA,
        **_summary(board),
        "resampling": board.resampling,
        "standings": [_standing(board, standing) for standing in board.standings],
        "duels": [_duel(duel) for duel in board.duels],
        "reported": [asdict(number) for number in board.reported],
    }


def board_csv(board: Board) -> str:
    """Return the verified numbers of a board, one a line; undefined ones are empty."""
    lines = [csv_line(COLUMNS)]
    for standing in board.standings:
        entry = standing.entry
        head: list[str | float] = [
            *(str(rank) for rank in standing.ranks),
            str(standing.is_top).lower(),
            *(entry.id, entry.name, ", ".join(entry.authors), entry.date),
            *("" if cost is None else str(cost) for cost in (entry.parameters, entry.seconds_per_image)),
        ]
        for number in numbers(board, standing):
            low, high = number.interval or (None, None)
            values = ["" if value is None else value for value in (number.value, low, high)]
            tail = [number.unit, str(number.higher_is_better).lower(), number.signature]
            lines.append(csv_line([*head, number.key, number.part or "", *values, *tail]))
    return "\n".join(lines) + "\n"


def reported_csv(board: Board) -> str:
    """Return the published numbers of a board, one a line."""
    lines = [csv_line(REPORTED)]
    for number in board.reported:
        cells = (getattr(number, name) for name in REPORTED)
        lines.append(csv_line(["" if c is None else str(c) if isinstance(c, int) else c for c in cells]))
    return "\n".join(lines) + "\n"


def _index(boards: Sequence[Board]) -> dict[str, Any]:
    listed = [{**_summary(board), "entries": len(board.standings), "data": f"data/{board.id}.json"} for board in boards]
    return {"schema": SCHEMA, "boards": listed}


def _summary(board: Board) -> dict[str, Any]:
    return {
        "id": board.id,
        "protocol": board.protocol,
        "title": board.title,
        "split": board.split,
        "n_images": board.n_images,
        "truth": board.truth,
        "primary": board.primary,
        "higher_is_better": board.higher_is_better,
        "unit": board.unit,
        "changed": board.changed,
    }


def _standing(board: Board, standing: Standing) -> dict[str, Any]:
    scores: dict[str, Any] = {}
    for number in numbers(board, standing):
        cell = {"value": number.value, "interval": _pair(number.interval)}
        if number.part is None:
            fixed = {name: getattr(number, name) for name in ("unit", "higher_is_better", "signature")}
            scores[number.key] = {**cell, **fixed, "per_class": {}}
        else:
            scores[number.key]["per_class"][number.part] = cell
    confusions = standing.confusions
    return {
        "entry": standing.entry.as_record(),
        "ranks": list(standing.ranks),
        "is_top": standing.is_top,
        "scores": {key: scores[key] for key in score_keys(board) if key in scores},
        "images": {key: None if value is None else defined(value) for key, value in standing.images.items()},
        "confusions": None if confusions is None else asdict(confusions),
        "curves": {name: [list(point) for point in points] for name, points in standing.curves.items()},
        "result": f"data/results/{board.id}/{standing.entry.id}.json",
    }


def _duel(duel: Duel) -> dict[str, Any]:
    return {
        "first": duel.first,
        "second": duel.second,
        "scores": {key: difference_record(value) for key, value in duel.scores.items()},
        "per_class": {name: difference_record(value) for name, value in duel.per_class.items()},
        "won": duel.won,
        "lost": duel.lost,
        "drawn": duel.drawn,
    }


def difference_record(difference: Difference) -> dict[str, Any]:
    """Return a difference as JSON has it: what is undefined is null."""
    return {
        "value": defined(difference.value),
        "interval": _pair(difference.interval),
        "p": defined(difference.p),
    }


def _pair(interval: tuple[float, float] | None) -> list[float | None] | None:
    return None if interval is None else [defined(bound) for bound in interval]
