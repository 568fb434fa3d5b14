"""A comparison for programs: JSON of a published schema, and CSV with one number a row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from segbench.formats import csv_line
from segbench.frozen import dataclass
from segbench.scoring.duels import Comparison, Contender, Difference, Duel, ImageScores, Range

#: Version of the record; `segbench/schema/comparison.json` describes it.
SCHEMA = 1


def as_record(comparison: Comparison, verdict: str, n_images: int) -> dict[str, Any]:
    """Return a comparison as JSON shows it.

    Parameters
    ----------
    comparison : Comparison
        What is shown.
    verdict : str
        What it comes to, in one sentence.
    n_images : int
        How many images of each pair are listed.

    Returns
    -------
    dict of str to object
        Undefined numbers are null, and so are infinite ones, which ``infinite`` counts beside them.
    """
    return {
        "schema": SCHEMA,
        "comparison": {
            "protocol": comparison.protocol,
            "split": comparison.split,
            "truth": comparison.truth,
            "n_images": comparison.n_images,
            "primary": comparison.primary,
            "verdict": verdict,
            "keys": {
                key: {"unit": unit, "higher_is_better": comparison.higher_is_better[key]}
                for key, unit in comparison.units.items()
            },
            "resampling": {
                "unit": comparison.unit,
                "resamples": comparison.resamples,
                "permutations": comparison.permutations,
                "seed": comparison.seed,
                "level": comparison.level,
            },
            "contenders": [_contender(comparison, contender) for contender in comparison.contenders],
            "pairs": [_pair(duel, n_images) for duel in comparison.duels],
            "warnings": list(comparison.warnings),
        },
    }


def _contender(comparison: Comparison, contender: Contender) -> dict[str, Any]:
    spread = contender.spreads.get(comparison.primary)
    bounds = {} if spread is None else spread.per_class
    intervals = {key: spread.value for key, spread in contender.spreads.items()}
    return {
        "name": contender.name,
        "ranks": list(contender.ranks),
        "is_top": contender.is_top,
        "scores": {key: _valued(value, intervals.get(key)) for key, value in contender.scores.items()},
        "per_class": {name: _valued(value, bounds.get(name)) for name, value in contender.per_class.items()},
    }


def _pair(duel: Duel, n_images: int) -> dict[str, Any]:
    return {
        "first": duel.first,
        "second": duel.second,
        "scores": {key: _difference(found) for key, found in duel.scores.items()},
        "per_class": {name: _difference(found) for name, found in duel.per_class.items()},
        "won": duel.won,
        "lost": duel.lost,
        "drawn": duel.drawn,
        "images": [_image(one) for one in duel.images[:n_images]],
    }


def _image(one: ImageScores) -> dict[str, Any]:
    infinite = sum(map(math.isinf, (one.first, one.second)))
    beside = {"infinite": infinite} if infinite else {}
    return {"key": one.key, "first": _or_null(one.first), "second": _or_null(one.second), **beside}


def _valued(value: float, interval: Range | None) -> dict[str, Any]:
    record = {"value": _or_null(value), "interval": None if interval is None else list(interval)}
    return record | ({"infinite": 1} if math.isinf(value) else {})


def _difference(found: Difference) -> dict[str, Any]:
    return _valued(found.value, found.interval) | {"p": _or_null(found.p)}


def _or_null(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


@dataclass(frozen=True)
class _Of:
    """Whose number a row holds, and of what: the second contender, class and image are empty where there is none."""

    first: str
    second: str = ""
    key: str = ""
    part: str = ""
    image: str = ""


class Row(NamedTuple):
    """One number of a comparison."""

    what: str
    first: str
    second: str
    key: str
    part: str
    image: str
    value: float
    low: float
    high: float
    p: float
    unit: str


#: Columns of the long form. ``what`` is score, best_rank or worst_rank of the first contender, or of the first against
#: the second difference, won, lost or drawn.
COLUMNS = ("what", "first", "second", "key", "class", "image", "value", "low", "high", "p", "unit")


def csv_text(comparison: Comparison, n_images: int) -> str:
    """Return a comparison as CSV in long form, with floats to their last digit; undefined ones are empty."""
    lines = [COLUMNS, *([_cell(cell) for cell in row] for row in rows(comparison, n_images))]
    return "".join(f"{csv_line(line)}\n" for line in lines)


def _cell(cell: str | float) -> str | float:
    # Counts and ranks are no fractions.
    return str(cell) if isinstance(cell, int) else cell


def rows(comparison: Comparison, n_images: int) -> Iterator[Row]:
    """Yield every number of a comparison: contenders, then pairs with the first `n_images` of each."""
    for contender in comparison.contenders:
        yield from _contender_rows(comparison, contender)
    seen: set[_Of] = set()
    for duel in comparison.duels:
        yield from _pair_rows(comparison, duel)
        for one in duel.images[:n_images]:
            yield from _image_rows(comparison, duel, one, seen)


def _contender_rows(comparison: Comparison, contender: Contender) -> Iterator[Row]:
    name, primary, units = contender.name, comparison.primary, comparison.units
    for key, value in contender.scores.items():
        spread = contender.spreads.get(key)
        interval = None if spread is None else spread.value
        yield _row("score", _Of(name, key=key), value, interval, unit=units[key])
    bounds: Mapping[str, Range] = contender.spreads[primary].per_class if primary in contender.spreads else {}
    for part, value in contender.per_class.items():
        yield _row("score", _Of(name, key=primary, part=part), value, bounds.get(part), unit=units[primary])
    for what, rank in zip(("best_rank", "worst_rank"), contender.ranks, strict=True):
        yield _row(what, _Of(name, key=primary), rank)


def _pair_rows(comparison: Comparison, duel: Duel) -> Iterator[Row]:
    first, second, primary, units = duel.first, duel.second, comparison.primary, comparison.units
    for key, found in duel.scores.items():
        yield _row("difference", _Of(first, second, key), found.value, found.interval, found.p, units[key])
    for part, found in duel.per_class.items():
        of = _Of(first, second, primary, part)
        yield _row("difference", of, found.value, found.interval, found.p, units[primary])
    for what, n in (("won", duel.won), ("lost", duel.lost), ("drawn", duel.drawn)):
        yield _row(what, _Of(first, second, primary), n)


def _image_rows(comparison: Comparison, duel: Duel, one: ImageScores, seen: set[_Of]) -> Iterator[Row]:
    key, unit = comparison.primary, comparison.units[comparison.primary]
    for name, value in ((duel.first, one.first), (duel.second, one.second)):
        of = _Of(name, key=key, image=one.key)
        # A contender of several pairs has one score on an image.
        if of not in seen:
            seen.add(of)
            yield _row("score", of, value, unit=unit)
    yield _row("difference", _Of(duel.first, duel.second, key, image=one.key), one.first - one.second, unit=unit)


def _row(what: str, of: _Of, value: float, interval: Range | None = None, p: float = math.nan, unit: str = "") -> Row:
    low, high = (math.nan, math.nan) if interval is None else interval
    return Row(what, of.first, of.second, of.key, of.part, of.image, value, low, high, p, unit)
