"""All metrics by name, and how a metric is read from text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from segbench.errors import BadParameter, UnknownName, did_you_mean
from segbench.metrics import instances, region
from segbench.metrics.base import Metric, parse_arguments

_ALL: tuple[type[Metric[Any]], ...] = (*region.METRICS, *instances.METRICS)
METRICS: Mapping[str, type[Metric[Any]]] = {cls.name: cls for cls in _ALL}

_CALL = re.compile(r"\s*(?P<name>[a-z][a-z0-9_]*)\s*(?:\((?P<arguments>.*)\))?\s*", re.DOTALL)


def parse_metric(text: str, instances: Mapping[str, Metric[Any]] | None = None) -> Metric[Any]:
    """Read a metric from ``name`` or ``name(field=value,…)``.

    Parameters
    ----------
    text : str
        The metric.
    instances : mapping of str to Metric, optional
        Metrics to start from, by name; a name that is not among them starts from the class defaults.

    Returns
    -------
    Metric
        The metric.

    Raises
    ------
    UnknownName
        When no metric has the name.
    BadParameter
        When the text or a field is malformed.

    Examples
    --------
    >>> str(parse_metric("mean_iou(pool=image, absent=skip)"))
    'mean_iou(pool=image)'
    """
    match = _CALL.fullmatch(text)
    if match is None:
        raise BadParameter(f"metric {text!r}", expected="name or name(field=value,…)")
    name = match["name"]
    if name not in METRICS:
        raise UnknownName(f"no metric {name!r}", mend=did_you_mean(name, METRICS) or "known: " + ", ".join(METRICS))
    start = (instances or {}).get(name) or METRICS[name]()
    changes: dict[str, Any] = parse_arguments(METRICS[name], match["arguments"] or "")
    return replace(start, **changes)  # type: ignore[type-var]
