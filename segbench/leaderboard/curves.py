"""What the counts of a result show beside its numbers: its curves, and which classes were taken for which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import SegbenchError
from segbench.late import late
from segbench.leaderboard.standings import Confusions
from segbench.metrics.curves import precision_recall, roc
from segbench.metrics.trimap import Trimap
from segbench.scoring.recount import Recount

Points: TypeAlias = tuple[tuple[float, float], ...]

_instance_diagram = late("segbench.scoring.instancecurves:instance_diagram")

#: Points of a curve at most: more cannot be told apart.
_MOST = 256


def curves_of(counted: Recount) -> dict[str, Points]:
    """Return the curves that counts hold.

    Parameters
    ----------
    counted : Recount
        A result.

    Returns
    -------
    dict of str to tuple of (float, float)
        ``roc`` and ``precision recall`` of probability maps, ``precision recall`` of instances, and ``trimap`` where
        trimap IoU was asked for at several widths; x and y of each point.
    """
    states = counted.outcome.states
    found: dict[str, Points] = {}
    if "levels" in states:
        found |= _of_levels(states["levels"].counts("levels").values)
    if "detection" in states:
        found |= _of_instances(counted)
    return found | _of_bands(counted)


def confusions_of(counted: Recount) -> Confusions | None:
    """Return how often each class was taken for each; None where no such table was counted.

    Parameters
    ----------
    counted : Recount
        A result.

    Returns
    -------
    Confusions or None
        Pixels of the classes that are judged; what is neither of them nor void stands in the last column.
    """
    space, states = counted.case.plan.space, counted.outcome.states
    if "confusion" not in states or counted.case.protocol.kind not in ("labels", "volumes"):
        return None
    table, k = states["confusion"].counts("table").values, len(space.evaluated)
    others = table[:k, k:].sum(axis=1)
    counts = np.column_stack([table[:k, :k], others]) if others.any() else table[:k, :k]
    names = tuple(space.names)
    predicted = (*names, "none of them") if others.any() else names
    return Confusions(names, predicted, tuple(tuple(row) for row in counts.tolist()))


def _of_levels(levels: NDArray[np.int64]) -> dict[str, Points]:
    if not levels.any(axis=1).all() or not levels[:, 1:-1].any():
        # Without one of the classes, or with a single threshold, there is no curve.
        return {}
    rates, precisions = roc(levels), precision_recall(levels)
    # The end at recall 0 has no threshold, and nothing was measured there.
    return {
        "roc": _points(rates.false_positive_rate, rates.true_positive_rate),
        "precision recall": _points(precisions.recall[:-1], precisions.precision[:-1]),
    }


def _of_instances(counted: Recount) -> dict[str, Points]:
    try:
        series = _instance_diagram([counted, counted], ["", ""]).series[0]
    except SegbenchError:
        return {}
    return {"precision recall": _points(series.x, series.y)}


def _of_bands(counted: Recount) -> dict[str, Points]:
    plan = counted.case.plan
    metrics = [metric for metric in plan.metrics.values() if isinstance(metric, Trimap) and metric.name == "trimap_iou"]
    if len({metric.band_px for metric in metrics}) < 2:
        return {}
    widths = sorted(metrics, key=lambda metric: metric.band_px)
    scores = (metric.compute(counted.outcome.states[Trimap.family], plan.space).value for metric in widths)
    return {"trimap": _points((float(metric.band_px) for metric in widths), scores)}


def _points(x: Iterable[float], y: Iterable[float]) -> Points:
    pairs = [(float(a), float(b)) for a, b in zip(x, y, strict=True) if np.isfinite(a) and np.isfinite(b)]
    step = -(-len(pairs) // _MOST) or 1
    return (*pairs[:-1:step], *pairs[-1:])
