"""What the pages of metrics show: their formulas, parameters and sources, from the classes that score."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin, get_type_hints

from segbench.metrics.base import Metric
from segbench.metrics.table import METRICS
from segbench.protocols.conventions import MEANINGS
from segbench.protocols.metricfacts import choices, fields, meaning, paragraphs, shown, sources, users

#: What the predictions are that a family of metrics judges.
FAMILIES = {
    "confusion": "Label maps",
    "instances": "Label maps with instances",
    "trimap": "Label maps near boundaries",
    "contour": "Boundaries of label maps",
    "surface": "Surfaces of structures",
    "levels": "Probability maps",
    "membrane": "Membranes between cells",
    "multilabel": "Classes that overlap",
    "video": "Objects in videos",
    "detection": "Detected instances",
}


def metric_contexts() -> list[dict[str, Any]]:
    """Return what the page of each metric shows, by family."""
    order = list(FAMILIES)
    found = [_context(METRICS[name]()) for name in METRICS]
    return sorted(found, key=lambda metric: order.index(metric["family"]) if metric["family"] in order else len(order))


def fields_of(metric: Metric[Any]) -> list[dict[str, str]]:
    """Return each parameter of a metric: its name, value, choices, and what the value means."""
    return [
        {
            "name": name,
            "value": shown(getattr(metric, name)),
            "choices": choices(metric, name),
            "meaning": meaning(metric, name),
        }
        for name in fields(metric)
    ]


def summary_of(metric: Metric[Any]) -> str:
    """Return what a metric is in one line."""
    return paragraphs(metric)[0]


def _context(metric: Metric[Any]) -> dict[str, Any]:
    first, *rest = paragraphs(metric)
    return {
        "name": metric.name,
        "family": metric.family,
        "judged": FAMILIES.get(metric.family, metric.family),
        "summary": first,
        "more": rest,
        "formula": metric.formula,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "signature": metric.signature(),
        "fields": fields_of(metric),
        "alternatives": _alternatives(metric),
        "sources": sources(metric),
        "users": list(users(metric).items()),
    }


def _alternatives(metric: Metric[Any]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return, for each policy that a metric has, the default, and every choice with what it means."""
    found = []
    for name in (name for name in MEANINGS if name in metric.field_names()):
        # A metric may have fewer choices than there are words for.
        kind = get_type_hints(type(metric))[name]
        possible = get_args(kind) if get_origin(kind) is Literal else MEANINGS[name]
        words = [(word, text.format(void="a void value")) for word, text in MEANINGS[name].items() if word in possible]
        found.append((name, shown(getattr(metric, name)), words))
    return found
