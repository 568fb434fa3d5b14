"""Several submissions on the same truth: by how much they differ, and whether that is more than chance.

Intervals come from a paired bootstrap, in which all submissions are judged on the same drawn images; p-values from a
permutation test, in which two submissions change places image by image; both over videos where a score is one of whole
videos. p-values are corrected by Holm's method for everything that is compared at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from segbench.errors import BadParameter, UnknownName, counted, did_you_mean
from segbench.metrics.intervals import bootstrap_weights, rank_ranges
from segbench.scoring.bootstrap import Replicates, pools, replicates, spread_of
from segbench.scoring.duels import Comparison, Contender, Duel
from segbench.scoring.paired import Side, duels_of, nulls
from segbench.scoring.recount import Recount, refuse_mixed
from segbench.scoring.units import LEAST, Resampling

#: A difference is more than chance from here on.
SIGNIFICANT = 0.05


def compare_counts(
    recounts: Sequence[Recount],
    names: Sequence[str],
    *,
    primary: str | None = None,
    how: Resampling | None = None,
    permutations: int = 5000,
) -> Comparison:
    """Compare submissions.

    Parameters
    ----------
    recounts : sequence of Recount
        At least two, made with `recount(…, resampling=…)`, which keeps the counts of each image.
    names : sequence of str
        What they are called, each once.
    primary : str, optional
        Key of the score that ranks, else that of the protocol.
    how : Resampling, optional
        How resamples are drawn.
    permutations : int
        How many ways of swapping are tried; where there are no more than so many, all of them.

    Returns
    -------
    Comparison
        What they come to.

    Raises
    ------
    BadParameter
        When they may not be compared, or a name stands for two.
    UnknownName
        When one of them does not have the primary score.
    """
    if len(recounts) < 2:
        raise BadParameter(counted(len(recounts), "submission"), expected="at least two to compare")
    return standing(recounts, names, primary=primary, how=how or Resampling(), permutations=permutations)


def standing(
    recounts: Sequence[Recount],
    names: Sequence[str],
    *,
    primary: str | None,
    how: Resampling,
    permutations: int,
    judged: Sequence[str] | None = None,
) -> Comparison:
    """Compare any number of submissions, even a single one.

    Parameters
    ----------
    recounts, names, primary, how, permutations
        As in `compare_counts`.
    judged : sequence of str, optional
        Keys of the scores that get p-values, the primary one among them; all by default.

    Returns
    -------
    Comparison
        As of `compare_counts`.
    """
    _check(names, permutations)
    refuse_mixed(recounts)
    sides = [_side(each, name) for each, name in zip(recounts, names, strict=True)]
    first, case, outcome = sides[0], recounts[0].case, recounts[0].outcome
    # Not what stands beside an undefined score: that is another reading of the same metric.
    keys = [key for key in first.scores if all(key in side.units.plan.metrics for side in sides)]
    primary = _primary(primary or case.protocol.primary, keys)
    classes = {key: list(first.scores[key].per_class) for key in keys}
    drawn = _drawn(sides, classes, how)
    # Of the many numbers that there are: each score itself, and the classes of the primary one.
    asked = {key: classes[key] if key == primary else [] for key in keys}
    tested = {key: asked[key] for key in (keys if judged is None else judged)}
    duels = duels_of(sides, primary, asked, drawn, nulls(sides, tested, permutations, how.seed), how.level)
    return Comparison(
        protocol=case.protocol.identity,
        split=case.split,
        truth=outcome.truth_digest,
        n_images=outcome.n_images,
        primary=primary,
        units={key: first.scores[key].unit for key in keys},
        higher_is_better={key: first.scores[key].higher_is_better for key in keys},
        contenders=tuple(_contenders(sides, primary, classes, drawn, duels, how.level)),
        duels=tuple(duels),
        unit=first.units.unit,
        resamples=how.resamples,
        permutations=permutations,
        seed=how.seed,
        level=how.level,
        warnings=tuple(_warnings(sides, keys, primary, permutations)),
    )


def _check(names: Sequence[str], permutations: int) -> None:
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise BadParameter(f"two submissions called {twice!r}", expected="a name for each")
    if not 1 <= permutations <= 1_000_000:
        raise BadParameter(f"permutations {permutations}", expected="a number from 1 to 1000000")


def _primary(key: str, keys: Sequence[str]) -> str:
    if key not in keys:
        raise UnknownName(f"no score {key!r} in all of them", expected=" | ".join(keys), mend=did_you_mean(key, keys))
    return key


def _side(counted: Recount, name: str) -> Side:
    units = counted.outcome.units
    if units is None:
        raise BadParameter(f"{name} without the counts of each image", expected="recount(…, resampling=…)")
    case = replace(counted.case, resampling=None)
    return Side(name, case.scores(counted.outcome, case.slice)[0], units)


def _warnings(sides: Sequence[Side], keys: Sequence[str], primary: str, permutations: int) -> list[str]:
    units, n_classes = sides[0].units, len(sides[0].scores[primary].per_class)
    warnings = [
        f"{key} is not compared: {side.name} does not have it"
        for key in dict.fromkeys(key for side in sides for key in side.scores)
        if key not in keys
        for side in sides
        if key not in side.scores
    ]
    if len(units) < LEAST:
        warnings.append(f"no intervals and no p-values: they take at least {LEAST} {units.unit}s")
    n_pairs = len(sides) * (len(sides) - 1) // 2
    if 2 * n_classes * n_pairs > SIGNIFICANT * (permutations + 1) and 2 ** len(units) > permutations:
        wanted = math.ceil(2 * n_classes * n_pairs / SIGNIFICANT)
        warnings.append(
            f"{permutations} permutations are too few for p-values of {n_classes * n_pairs} differences of classes; "
            f"ask for {wanted}"
        )
    return warnings


def _drawn(sides: Sequence[Side], classes: Mapping[str, Sequence[str]], how: Resampling) -> list[Replicates]:
    """Return what each side comes to in the same resamples."""
    n = len(sides[0].units)
    weights = bootstrap_weights(n, how.resamples if n >= LEAST else 0, how.seed)
    return [replicates(side.units.plan, pools(side.units, list(classes)), weights, classes) for side in sides]


def _contenders(
    sides: Sequence[Side],
    primary: str,
    classes: Mapping[str, Sequence[str]],
    drawn: Sequence[Replicates],
    duels: Sequence[Duel],
    level: float,
) -> Iterator[Contender]:
    higher = sides[0].scores[primary].higher_is_better
    values = np.stack([one[primary][:, 0] for one in drawn], axis=1)
    ranks = rank_ranges(values, higher_is_better=higher, level=level) if len(values) else [(1, len(sides))] * len(sides)
    top = top_group([side.name for side in sides], [s.scores[primary].value for s in sides], duels, primary, higher)
    for side, one, rank in zip(sides, drawn, ranks, strict=True):
        yield Contender(
            name=side.name,
            scores={key: side.scores[key].value for key in classes},
            per_class={name: side.scores[primary].per_class.get(name, math.nan) for name in classes[primary]},
            spreads={key: spread_of(one[key], classes[key], level) for key in classes} if len(values) else {},
            ranks=rank,
            is_top=side.name in top,
        )


def top_group(
    names: Sequence[str], values: Sequence[float], duels: Sequence[Duel], primary: str, higher_is_better: bool
) -> frozenset[str]:
    """Return the best of several submissions and those whose difference to it is no more than chance.

    Parameters
    ----------
    names, values : sequence
        Of the submissions; those with an undefined value are never among the best.
    duels : sequence of Duel
        Every pair.
    primary : str
        The score.
    higher_is_better : bool
        Of the score.

    Returns
    -------
    frozenset of str
        Their names.
    """
    defined = {name: value for name, value in zip(names, values, strict=True) if not math.isnan(value)}
    if not defined:
        return frozenset()
    best = max(defined, key=lambda name: defined[name] if higher_is_better else -defined[name])
    against = {
        other: duel.scores[primary].p
        for duel in duels
        if best in (duel.first, duel.second)
        for other in {duel.first, duel.second} - {best}
    }
    # Without a p-value nothing says that it is worse.
    tied = (other for other, p in against.items() if other in defined and not p < SIGNIFICANT)
    return frozenset([best, *tied])
