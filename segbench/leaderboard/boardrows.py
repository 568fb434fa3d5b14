"""The numbers of a board in one order, from which tables, CSV and JSON are made alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from segbench.frozen import dataclass
from segbench.leaderboard.standings import Board, Standing
from segbench.scoring.duels import Range, Spread


@dataclass(frozen=True)
class Number:
    """One number of an entry.

    Parameters
    ----------
    key : str
        The score.
    part : str or None
        The class; None for the score itself.
    value : float or None
        None where it is undefined.
    interval : (float, float), optional
        Where it lies.
    unit : str
        ``fraction``, or the unit.
    higher_is_better : bool
        Direction of improvement.
    signature : str
        Everything that made it.
    """

    key: str
    part: str | None
    value: float | None
    interval: Range | None
    unit: str
    higher_is_better: bool
    signature: str

    @property
    def share(self) -> float | None:
        """How good it is, from 0 to 1; None where that cannot be said."""
        if self.value is None or self.unit != "fraction":
            return None
        return self.value if self.higher_is_better else 1 - self.value


def score_keys(board: Board) -> list[str]:
    """Return the keys of all scores of a board: the one that ranks, then the others in the order of the protocol."""
    found = [key for standing in board.standings for key in (*standing.spreads, *sorted(standing.result["scores"]))]
    keys = [key for key in dict.fromkeys(found) if key != board.primary]
    return [board.primary, *keys]


def class_names(board: Board, key: str) -> list[str]:
    """Return the classes of a score, in the order of the protocol."""
    scores = (standing.result["scores"].get(key, {}) for standing in board.standings)
    return list(dict.fromkeys(name for score in scores for name in score.get("per_class", {})))


def numbers(board: Board, standing: Standing) -> Iterator[Number]:
    """Yield every number of an entry: each score, then its classes."""
    for key in score_keys(board):
        if key in standing.result["scores"]:
            yield from of_score(standing, key)


def of_score(standing: Standing, key: str) -> Iterator[Number]:
    """Yield a score of an entry, then its classes."""
    score: Mapping[str, Any] = standing.result["scores"][key]
    spread = standing.spreads.get(key, Spread())
    parts: dict[str | None, float | None] = {None: score["value"], **score.get("per_class", {})}
    for part, value in parts.items():
        interval = spread.value if part is None else spread.per_class.get(part)
        yield Number(
            key=key,
            part=part,
            value=defined(value),
            interval=interval,
            unit=score["unit"],
            higher_is_better=score["higher_is_better"],
            signature=score["signature"],
        )


def score(standing: Standing, key: str) -> Number | None:
    """Return the score that an entry, a `standing`, has under a `key`; None where it has none."""
    return next(of_score(standing, key)) if key in standing.result["scores"] else None


def defined(value: float | None) -> float | None:
    """Return a value, or None where it is no finite number."""
    return value if value is not None and math.isfinite(value) else None
