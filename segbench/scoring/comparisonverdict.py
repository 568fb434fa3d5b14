"""A comparison in one sentence that a reader can quote."""

from __future__ import annotations

import math
from collections.abc import Sequence

from segbench.markup import number
from segbench.scoring.comparison import SIGNIFICANT
from segbench.scoring.duels import Comparison, Contender, Difference, Duel, Range

#: Names that a sentence lists; the others are only counted.
_LISTED = 5


def verdict(comparison: Comparison, duel: Duel) -> str:
    """Say by how much the first of two differs from the second, and whether chance alone can explain that.

    Parameters
    ----------
    comparison : Comparison
        Says what is judged.
    duel : Duel
        One of its pairs.

    Returns
    -------
    str
        One sentence without a full stop.
    """
    key, unit = comparison.primary, comparison.units[comparison.primary]
    found = duel.scores[key]
    if math.isnan(found.value):
        values = {contender.name: contender.scores[key] for contender in comparison.contenders}
        without = " and ".join(name for name in (duel.first, duel.second) if not math.isfinite(values[name]))
        return f"{duel.first} and {duel.second} cannot be compared in {key}" + (
            f", which is undefined for {without}" if without else ""
        )
    sure = _sure(found, unit, comparison.level)
    if found.value == 0:
        return f"{duel.first} and {duel.second} score the same in {key} ({sure})"
    is_better = comparison.higher_is_better[key] == (found.value > 0)
    worth = "" if comparison.higher_is_better[key] else f", which is {'better' if is_better else 'worse'}"
    direction = "higher" if found.value > 0 else "lower"
    by = f"{duel.first} scores {amount(found.value, unit)} {direction} in {key} than {duel.second}{worth}"
    return f"{by}; {_chance(found)} ({sure})"


def leader(comparison: Comparison) -> str:
    """Say who of several is best, and over whom chance alone can explain that; see `verdict`."""
    key, unit = comparison.primary, comparison.units[comparison.primary]
    order = ranked(comparison)
    if math.isnan(order[0].scores[key]):
        return f"{key} is undefined for all of them"
    best, others = order[0], order[1:]
    tied = listed([other.name for other in others if other.is_top])
    behind = listed([other.name for other in others if not other.is_top])
    extreme = "highest" if comparison.higher_is_better[key] else "lowest, which is best,"
    shown = f"{number(best.scores[key], unit)} {'%' if unit == 'fraction' else unit}"
    text = f"{best.name} scores {extreme} in {key} ({shown})"
    if not tied:
        return f"{text}; its lead over {behind} is more than chance"
    return f"{text}; chance alone can explain its lead over {tied}" + (f", not over {behind}" if behind else "")


def ranked(comparison: Comparison) -> list[Contender]:
    """Return the contenders by the score that ranks, the best first, undefined ones last."""
    key = comparison.primary
    sign = -1 if comparison.higher_is_better[key] else 1
    values = [(contender.scores[key], contender) for contender in comparison.contenders]
    return [c for _, c in sorted(values, key=lambda pair: (math.isnan(pair[0]), sign * pair[0]))]


def amount(value: float, unit: str) -> str:
    """Return the size of a difference: a fraction with four decimals, else a number with its unit."""
    size = abs(value)
    if unit != "fraction":
        return f"{size:.4g} {unit}"
    return f"{size:.4f}" if size >= 0.00005 else "less than 0.0001"


def p_text(p: float) -> str:
    """Return a p-value with three decimals; ``< 0.001`` only when it is smaller."""
    if math.isnan(p):
        return "–"
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def is_more_than_chance(found: Difference) -> bool:
    """Whether chance alone comes to a difference too seldom to explain it."""
    return found.p < SIGNIFICANT


def percent(level: float) -> str:
    """Return a level as text: ``95 %``."""
    return f"{100 * level:.4g} %"


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence, of which only the first few are named."""
    if len(names) > _LISTED:
        names = [*names[:_LISTED], f"{len(names) - _LISTED} more"]
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _chance(found: Difference) -> str:
    if math.isnan(found.p):
        return "whether by chance cannot be said"
    return "that is more than chance" if is_more_than_chance(found) else "chance alone can explain that"


def _sure(found: Difference, unit: str, level: float) -> str:
    p = p_text(found.p)
    told = "no p-value" if p == "–" else f"p {p}" if p.startswith("<") else f"p = {p}"
    if found.interval is None:
        return f"{told}; no interval"
    return f"{told}; {percent(level)} interval of the difference {_range(found.interval, unit)}"


def _range(interval: Range, unit: str) -> str:
    if unit == "fraction":
        return " to ".join(f"{bound:.4f}" for bound in interval)
    return f"{interval[0]:.4g} to {interval[1]:.4g} {unit}"
