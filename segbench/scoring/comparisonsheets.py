"""A comparison as tables of text, which every format shows in its own way."""

from __future__ import annotations

import math
from collections.abc import Mapping

from segbench.errors import counted
from segbench.frozen import dataclass
from segbench.markup import bounds, number
from segbench.scoring.comparisonverdict import is_more_than_chance, p_text, percent, ranked
from segbench.scoring.duels import Comparison, Contender, Difference, Duel

#: How a difference that is more than chance is marked.
MARK = "*"


@dataclass(frozen=True)
class Sheet:
    """A table of text.

    Parameters
    ----------
    title : str
        What it shows.
    head : list of str
        Names of its columns.
    body : list of list of str
        Its rows.
    n_names : int
        How many of the first columns are names; the others are numbers.
    """

    title: str
    head: list[str]
    body: list[list[str]]
    n_names: int = 1


def sheets(comparison: Comparison, n_images: int) -> list[Sheet]:
    """Return the tables of a comparison: of two in full, of more a matrix and the pairs in brief.

    Parameters
    ----------
    comparison : Comparison
        What is shown.
    n_images : int
        How many images of a pair are listed.

    Returns
    -------
    list of Sheet
        None of them empty.
    """
    if len(comparison.duels) > 1:
        return [scores(comparison), matrix(comparison), pairs(comparison)]
    return [scores(comparison), *of_duel(comparison, comparison.duels[0], n_images)]


def of_duel(comparison: Comparison, duel: Duel, n_images: int) -> list[Sheet]:
    """Return the tables of one pair: scores, classes and images; see `sheets`."""
    found = [differences(comparison, duel), classes(comparison, duel), images(comparison, duel, n_images)]
    return [sheet for sheet in found if sheet.body]


def scores(comparison: Comparison) -> Sheet:
    """Return every score of every contender with its interval, and the ranks that chance leaves open."""
    keys = [comparison.primary, *(key for key in comparison.units if key != comparison.primary)]
    order = ranked(comparison)
    body = [row for key in keys for row in _scores_of(comparison, key, order)]
    head = ["score", "contender", "value", f"{percent(comparison.level)} interval", "rank"]
    return Sheet("Scores", head, body, 2)


def _scores_of(comparison: Comparison, key: str, order: list[Contender]) -> list[list[str]]:
    unit = comparison.units[key]
    rows = []
    for i, contender in enumerate(order):
        spread = contender.spreads.get(key)
        value = number(contender.scores.get(key, math.nan), unit)
        ranks = ("–" if value == "–" else rank_text(contender.ranks)) if key == comparison.primary else ""
        label = labelled(key, unit) if i == 0 else ""
        rows.append([label, contender.name, value, bounds(None if spread is None else spread.value, unit), ranks])
    return rows


def differences(comparison: Comparison, duel: Duel) -> Sheet:
    """Return by how much two differ in every score, the one that ranks first."""
    keys = sorted(duel.scores, key=lambda key: key != comparison.primary)
    body = [[labelled(key, comparison.units[key]), *_cells(duel.scores[key], comparison.units[key])] for key in keys]
    return Sheet(f"{duel.first} less {duel.second}", ["score", *_head(comparison)], body)


def classes(comparison: Comparison, duel: Duel) -> Sheet:
    """Return by how much two differ in each class of the score that ranks, the largest difference first."""
    unit = comparison.units[comparison.primary]
    first, second = (_classes_of(comparison, name) for name in (duel.first, duel.second))
    body = [
        [
            name,
            number(first.get(name, math.nan), unit),
            number(second.get(name, math.nan), unit),
            *_cells(found, unit),
        ]
        for name, found in by_difference(duel.per_class)
    ]
    title = f"By class, {labelled(comparison.primary, unit)}: {duel.first} less {duel.second}"
    return Sheet(title, ["class", duel.first, duel.second, *_head(comparison)], body)


def images(comparison: Comparison, duel: Duel, n_images: int) -> Sheet:
    """Return the images in which two differ most."""
    unit = comparison.units[comparison.primary]
    body = [
        [one.key, number(one.first, unit), number(one.second, unit), signed(one.first - one.second, unit)]
        for one in duel.images[:n_images]
    ]
    where = f"{comparison.unit.capitalize()}s where they differ most, {labelled(comparison.primary, unit)}"
    head = [comparison.unit, duel.first, duel.second, "difference"]
    return Sheet(f"{where}: {won_text(comparison, duel)}", head, body)


def matrix(comparison: Comparison) -> Sheet:
    """Return by how much each contender differs from each other one in the score that ranks, with marks."""
    unit, order = comparison.units[comparison.primary], ranked(comparison)
    found = {(duel.first, duel.second): duel.scores[comparison.primary] for duel in comparison.duels}
    body = []
    for i, row in enumerate(order, 1):
        cells = [f"[{i}] {row.name}"]
        for column in order:
            there, back = found.get((row.name, column.name)), found.get((column.name, row.name))
            value = there.value if there else -back.value if back else math.nan
            one = there or back
            mark = MARK if one and is_more_than_chance(one) else ""
            cells.append(signed(value, unit) + mark if one else "")
        body.append(cells)
    head = ["row less column", *(f"[{i}]" for i in range(1, len(order) + 1))]
    title = f"Differences in {labelled(comparison.primary, unit)}; {MARK} is more than chance"
    return Sheet(title, head, body)


def pairs(comparison: Comparison) -> Sheet:
    """Return each pair in one line."""
    unit = comparison.units[comparison.primary]
    body = [
        [
            duel.first,
            duel.second,
            *_cells(duel.scores[comparison.primary], unit),
            *map(str, (duel.won, duel.lost, duel.drawn)),
        ]
        for duel in comparison.duels
    ]
    title = f"Pairs, {labelled(comparison.primary, unit)}: first less second, and {comparison.unit}s won by the first"
    return Sheet(title, ["first", "second", *_head(comparison), "won", "lost", "drawn"], body, 2)


def by_difference(per_class: Mapping[str, Difference]) -> list[tuple[str, Difference]]:
    """Return classes with their differences, the largest first and undefined ones last."""
    return sorted(per_class.items(), key=lambda pair: (math.isnan(pair[1].value), -pair[1].value))


def won_text(comparison: Comparison, duel: Duel) -> str:
    """Say in how many images the first of two is better, worse and the same."""
    n = duel.won + duel.lost + duel.drawn
    return f"{duel.first} is better in {duel.won}, worse in {duel.lost}, the same in {duel.drawn} of " + counted(
        n, comparison.unit
    )


def heading(comparison: Comparison) -> str:
    """Say what was compared on: protocol, split and images."""
    return f"{comparison.protocol}  {comparison.split}  {counted(comparison.n_images, 'image')}"


def method(comparison: Comparison) -> str:
    """Say how intervals and p-values were made."""
    return (
        f"Intervals: paired bootstrap over {comparison.unit}s, {comparison.resamples} resamples. p-values: paired "
        f"permutations, {comparison.permutations} at most, corrected for the number of comparisons (Holm). "
        f"Seed {comparison.seed}."
    )


def labelled(key: str, unit: str) -> str:
    """Return a score key with its unit."""
    return f"{key} ({'%' if unit == 'fraction' else unit})"


def signed(value: float, unit: str) -> str:
    """Return a difference as tables show it, with its sign."""
    if math.isnan(value):
        return "–"
    return f"{'+' if value > 0 else ''}{number(value or 0.0, unit)}"


def rank_text(ranks: tuple[int, int]) -> str:
    """Return a range of ranks: ``1 to 2``, or ``1``."""
    return str(ranks[0]) if ranks[0] == ranks[1] else f"{ranks[0]} to {ranks[1]}"


def _head(comparison: Comparison) -> list[str]:
    return ["difference", f"{percent(comparison.level)} interval", "p"]


def _cells(found: Difference, unit: str) -> list[str]:
    return [signed(found.value, unit), bounds(found.interval, unit), p_text(found.p)]


def _classes_of(comparison: Comparison, name: str) -> Mapping[str, float]:
    return next(contender.per_class for contender in comparison.contenders if contender.name == name)
