"""Every pair of submissions: what chance alone comes to, and what that says of their differences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass
from segbench.metrics.intervals import holm, interval, p_value, swaps
from segbench.result import Score
from segbench.scoring.bootstrap import Replicates, interleaved, replicates
from segbench.scoring.duels import Difference, Duel, ImageScores
from segbench.scoring.units import LEAST, Units


@dataclass(frozen=True)
class Side:
    """One submission, counted.

    Parameters
    ----------
    name : str
        What it is called.
    scores : mapping of str to Score
        By score key.
    units : Units
        The counts of each image by itself.
    """

    name: str
    scores: Mapping[str, Score]
    units: Units


@dataclass(frozen=True)
class Null:
    """What the differences of a pair come to by chance alone.

    Parameters
    ----------
    differences : dict of str to ndarray of float64, shape (n_permutations, 1 + n_classes)
        By score key.
    is_exact : bool
        Whether all ways of swapping were tried.
    """

    differences: Replicates
    is_exact: bool


def nulls(sides: Sequence[Side], classes: Mapping[str, Sequence[str]], permutations: int, seed: int) -> Iterator[Null]:
    """Yield what chance alone comes to for every pair, in their order.

    Parameters
    ----------
    sides : sequence of Side
        The submissions.
    classes : mapping of str to sequence of str
        The classes that are judged, by score key; keys that it does not have are left out.
    permutations : int
        Ways of swapping at most.
    seed : int
        Of the generator.

    Yields
    ------
    Null
        Differences without any, where there are too few images to swap.
    """
    n = len(sides[0].units)
    swapped, is_exact = swaps(n, permutations, seed)
    if n < LEAST:
        swapped = swapped[:0]
    mine, theirs = _taking_turns(~swapped), _taking_turns(swapped)
    for first, second in combinations(sides, 2):
        both = interleaved(first.units, second.units, list(classes))
        one, other = (replicates(first.units.plan, both, weights, classes) for weights in (mine, theirs))
        yield Null({key: one[key] - other[key] for key in classes}, is_exact)


def _taking_turns(is_first: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return the weights of units that take turns, where the first of each pair is drawn or else the second."""
    return np.stack([is_first, ~is_first], axis=2).reshape(len(is_first), 2 * is_first.shape[1]).astype(np.int8)


def duels_of(
    sides: Sequence[Side],
    primary: str,
    classes: Mapping[str, Sequence[str]],
    drawn: Sequence[Replicates],
    chances: Iterator[Null],
    level: float,
) -> list[Duel]:
    """Return every pair of submissions, with corrected p-values.

    Parameters
    ----------
    sides : sequence of Side
        The submissions.
    primary : str
        Key of the score that ranks.
    classes : mapping of str to sequence of str
        The classes that are judged, by score key.
    drawn : sequence of dict
        What each side comes to in the same resamples.
    chances : iterator of Null
        What `nulls` yields.
    level : float
        Of the intervals.

    Returns
    -------
    list of Duel
        In the order of the pairs.
    """
    found: list[list[tuple[str, str, Difference]]] = []
    pairs = list(combinations(range(len(sides)), 2))
    for (i, j), null in zip(pairs, chances, strict=True):
        apart = {key: drawn[i][key] - drawn[j][key] for key in classes}
        found.append(
            [
                (key, name, _difference(observed, apart[key][:, column], null, key, column, level))
                for key in classes
                for column, name, observed in _numbers(sides[i].scores[key], sides[j].scores[key], classes[key])
            ]
        )
    of_primary = _corrected([d for rows in found for key, name, d in rows if key == primary and not name])
    of_others = _corrected([d for rows in found for key, name, d in rows if key != primary and not name])
    of_classes = _corrected([d for rows in found for _, name, d in rows if name])
    duels = []
    for i, j in pairs:
        scores = {key: next(of_primary if key == primary else of_others) for key in classes}
        per_class = {name: next(of_classes) for key in classes for name in classes[key]}
        duels.append(_with_images(Duel(sides[i].name, sides[j].name, scores, per_class), sides[i], sides[j], primary))
    return duels


def _numbers(first: Score, second: Score, classes: Sequence[str]) -> Iterator[tuple[int, str, float]]:
    """Yield column, class and difference of a score itself, then of its classes."""
    yield 0, "", first.value - second.value
    for column, name in enumerate(classes, 1):
        yield column, name, first.per_class[name] - second.per_class.get(name, math.nan)


def _difference(
    observed: float, apart: NDArray[np.float64], null: Null, key: str, column: int, level: float
) -> Difference:
    # Not every number that has an interval is tested.
    chance = null.differences[key][:, column] if key in null.differences else ()
    p = p_value(observed, np.asarray(chance), is_exact=null.is_exact) if len(chance) else math.nan
    return Difference(observed, interval(apart, level) if len(apart) else None, p)


def _corrected(differences: Sequence[Difference]) -> Iterator[Difference]:
    corrected = holm([difference.p for difference in differences])
    return (replace(difference, p=p) for difference, p in zip(differences, corrected, strict=True))


def _with_images(duel: Duel, first: Side, second: Side, primary: str) -> Duel:
    mine, theirs = (side.units.scores(primary) for side in (first, second))
    pairs = [ImageScores(key, mine[key].value, theirs[key].value) for key in mine]
    both = [pair for pair in pairs if not math.isnan(pair.first - pair.second)]
    better = [(pair.first - pair.second) * (1 if first.scores[primary].higher_is_better else -1) for pair in both]
    return replace(
        duel,
        won=sum(gain > 0 for gain in better),
        lost=sum(gain < 0 for gain in better),
        drawn=sum(gain == 0 for gain in better),
        images=tuple(sorted(both, key=lambda pair: (-abs(pair.first - pair.second), pair.key))),
    )
