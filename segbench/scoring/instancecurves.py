"""Precision and recall of detected instances, as they are drawn: the mean over classes at each recall."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, DatasetError
from segbench.metrics.instance_scores import Ap
from segbench.metrics.ranking import RECALLS
from segbench.scoring.diagrams import Diagram, Series
from segbench.scoring.recount import Recount

Floats: TypeAlias = NDArray[np.float64]

#: Overlaps at which a single result is drawn beside the mean of all, where it was scored at them.
_SHOWN = (0.5, 0.75)

_NOTHING: Floats = np.empty(0)


def instance_diagram(counted: Sequence[Recount], names: Sequence[str]) -> Diagram:
    """Return the curves of results of instances.

    Parameters
    ----------
    counted : sequence of Recount
        The results, which may be compared.
    names : sequence of str
        What to call them.

    Returns
    -------
    Diagram
        Of one result a curve at an overlap of 0.5, at 0.75 and of the mean over all thresholds, as far as they were
        scored; of several the last one each.

    Raises
    ------
    BadParameter
        When a result has no AP of 101 recalls.
    DatasetError
        When the truth has no instance that counts.
    """
    series: list[Series] = []
    for one, name in zip(counted, names, strict=True):
        curves = list(_curves(one))
        if not curves:
            raise DatasetError("no instance that counts", expected="a truth with instances", file=one.file)
        if len(counted) > 1:
            series.append(_series(name, *curves[-1][1:]))
        else:
            series += [_series(f"{name}, {label}", precision, value) for label, precision, value in curves]
    # There is no chance level: what could be detected anywhere has no share.
    return Diagram("pr", counted[0].terms, math.nan, tuple(series))


def _curves(counted: Recount) -> Iterator[tuple[str, Floats, float]]:
    """Yield for some thresholds what they are, precision at each recall, and AP."""
    metric, state = _metric(counted), counted.outcome.states["detection"]
    precision = metric.precisions(state, counted.case.plan.space)
    if not (precision > -1).any():
        return
    for threshold in _SHOWN:
        if threshold in metric.ious and len(metric.ious) > 1:
            yield f"IoU {threshold:g}", *_mean(precision[[metric.ious.index(threshold)]])
    first, *_, last = (*metric.ious, metric.ious[-1])
    label = f"IoU {first:g}" if first == last else f"mean of IoU {first:g} to {last:g}"
    yield label, *_mean(precision)


def _metric(counted: Recount) -> Ap:
    metrics = counted.case.plan.metrics.values()
    found = [m for m in metrics if isinstance(m, Ap) and m.interpolation == "coco"]
    if not found:
        raise BadParameter(
            "a result without AP of 101 recalls", expected="a result with ap", mend="--metric ap", file=counted.file
        )
    return max(found, key=lambda metric: len(metric.ious))


def _mean(precision: Floats) -> tuple[Floats, float]:
    """Return the mean over thresholds and classes at each recall, and over all."""
    defined = precision > -1
    sums = np.where(defined, precision, 0).sum(axis=(0, 2))
    counts = defined.sum(axis=(0, 2))
    values = precision[defined]
    return sums / np.maximum(counts, 1), float(values.mean())


def _series(name: str, precision: Floats, value: float) -> Series:
    return Series(name, f"AP {value:.4f}", RECALLS, precision, True, {}, _NOTHING)
