"""Resamples of what was counted, what the metrics come to in each, and the intervals that follow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.metrics.intervals import bootstrap_weights, interval
from segbench.metrics.resampling import Pool
from segbench.result import Score
from segbench.scoring.duels import Spread
from segbench.scoring.plan import Plan
from segbench.scoring.units import LEAST, Resampling, Units

#: Of each score key: one row for each resample, the score itself and then its classes.
Replicates: TypeAlias = dict[str, NDArray[np.float64]]

Pools: TypeAlias = Mapping[str, Pool]


def interleaved(first: Units, second: Units, keys: Sequence[str] = ()) -> Pools:
    """Return the pools of two submissions, whose units take turns: first, second, first, …

    Parameters
    ----------
    first, second : Units
        Of the same units.
    keys : sequence of str
        Score keys that are wanted; all by default.

    Returns
    -------
    mapping of str to Pool
        By family of metrics, each of twice as many units.
    """
    both = {family: zip(first.states(family), second.states(family), strict=True) for family in _families(first, keys)}
    return {family: Pool.of(chain.from_iterable(pairs)) for family, pairs in both.items()}


def pools(units: Units, keys: Sequence[str] = ()) -> Pools:
    """Return what resamples of `units` are drawn from, by family of metrics; of some score `keys`, or of all."""
    return {family: Pool.of(units.states(family)) for family in _families(units, keys)}


def _families(units: Units, keys: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(units.plan.metrics[key].family for key in keys or units.plan.metrics))


def replicates(
    plan: Plan, pools: Pools, weights: NDArray[np.integer], classes: Mapping[str, Sequence[str]]
) -> Replicates:
    """Return what each metric comes to in each resample.

    Parameters
    ----------
    plan : Plan
        The metrics.
    pools : mapping of str to Pool
        By family of metrics; metrics of other families are left out.
    weights : ndarray of int, shape (n_resamples, n_units)
        How often each unit occurs in each resample.
    classes : mapping of str to sequence of str
        The classes that are wanted, by score key; keys that it does not have are left out.

    Returns
    -------
    dict of str to ndarray of float64, shape (n_resamples, 1 + n_classes)
        By score key; NaN where undefined.
    """
    found: Replicates = {}
    for family, pool in pools.items():
        wanted = {key: metric for key, metric in plan.metrics.items() if metric.family == family and key in classes}
        found |= {key: np.full((len(weights), 1 + len(classes[key])), np.nan) for key in wanted}
        for i, state in enumerate(pool.drawn(weights)):
            for key, metric in wanted.items():
                score = metric.compute(state, plan.space)
                found[key][i] = [score.value, *(score.per_class.get(name, math.nan) for name in classes[key])]
    return found


def with_intervals(scores: Mapping[str, Score], units: Units, how: Resampling) -> tuple[dict[str, Score], list[str]]:
    """Return scores with intervals from a bootstrap over units.

    Parameters
    ----------
    scores : mapping of str to Score
        By score key; those that the plan of the units does not have are left as they are.
    units : Units
        What was counted.
    how : Resampling
        How they are drawn.

    Returns
    -------
    dict of str to Score
        The same scores with their intervals.
    list of str
        What a reader should know.
    """
    if len(units) < LEAST:
        return dict(scores), [f"no intervals: they take at least {LEAST} {units.unit}s to draw from"]
    found, warnings = spreads(scores, units, how)
    return {key: _with(score, found.get(key)) for key, score in scores.items()}, warnings


def spreads(scores: Mapping[str, Score], units: Units, how: Resampling) -> tuple[dict[str, Spread], list[str]]:
    """Return intervals by score key, and what a reader should know; see `with_intervals`."""
    classes = {key: list(score.per_class) for key, score in scores.items() if key in units.plan.metrics}
    weights = bootstrap_weights(len(units), how.resamples, how.seed)
    drawn = replicates(units.plan, pools(units, list(classes)), weights, classes)
    found = {key: spread_of(drawn[key], classes[key], how.level) for key in classes}
    undefined = {key: int(np.isnan(drawn[key][:, 0]).sum()) for key in classes}
    warnings = [
        f"{key} is undefined in {n} of {how.resamples} resamples, which its interval leaves out"
        for key, n in undefined.items()
        if n
    ]
    return found, warnings


def spread_of(values: NDArray[np.float64], classes: Sequence[str], level: float) -> Spread:
    """Return the intervals of the columns of replicates: the score itself, then its `classes`, at a `level`."""
    value, *bounds = (interval(column, level) for column in values.T)
    pairs = zip(classes, bounds, strict=True)
    return Spread(value, {name: found for name, found in pairs if found is not None})


def _with(score: Score, spread: Spread | None) -> Score:
    return score if spread is None else replace(score, ci=spread.value, class_ci=dict(spread.per_class))
