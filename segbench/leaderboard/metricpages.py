"""What the pages of metrics show: their formulas, parameters and sources, from the classes that score."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from segbench.metrics.base import Metric
from segbench.metrics.table import METRICS
from segbench.protocols.conventions import MEANINGS
from segbench.protocols.load import load_protocol, protocol_names

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
_SECTION = re.compile(r"^(\w+)\n-+\n", re.MULTILINE)


def metric_contexts() -> list[dict[str, Any]]:
    """Return what the page of each metric shows, by family."""
    order = list(FAMILIES)
    found = [_context(METRICS[name]()) for name in METRICS]
    return sorted(found, key=lambda metric: order.index(metric["family"]) if metric["family"] in order else len(order))


def fields_of(metric: Metric[Any]) -> list[dict[str, str]]:
    """Return each parameter of a metric: its name, value, choices, and what the value means."""
    names = metric.field_names()
    ordered = [*(name for name in MEANINGS if name in names), *(name for name in names if name not in MEANINGS)]
    return [
        {
            "name": name,
            "value": _shown(getattr(metric, name)),
            "choices": _choices(metric, name),
            "meaning": _meaning(metric, name),
        }
        for name in ordered
    ]


def summary_of(metric: Metric[Any]) -> str:
    """Return what a metric is in one line."""
    return _paragraphs(type(metric))[0]


def _context(metric: Metric[Any]) -> dict[str, Any]:
    first, *rest = _paragraphs(type(metric))
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
        "sources": _sources(type(metric)),
        "users": _users().get(metric.name, []),
    }


@cache
def _users() -> dict[str, list[tuple[str, str]]]:
    """Return the data sets that score each metric, with the metric as they set it."""
    users: dict[str, dict[str, str]] = {}
    for name in sorted(set(protocol_names().values())):
        for metric in load_protocol(name).metrics:
            users.setdefault(metric.name, {}).setdefault(name, str(metric))
    return {metric: list(named.items()) for metric, named in users.items()}


def _alternatives(metric: Metric[Any]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return, for each policy that a metric has, the default, and every choice with what it means."""
    found = []
    for name in (name for name in MEANINGS if name in metric.field_names()):
        # A metric may have fewer choices than there are words for.
        kind = get_type_hints(type(metric))[name]
        possible = get_args(kind) if get_origin(kind) is Literal else MEANINGS[name]
        words = [(word, text.format(void="a void value")) for word, text in MEANINGS[name].items() if word in possible]
        found.append((name, _shown(getattr(metric, name)), words))
    return found


def _meaning(metric: Metric[Any], name: str) -> str:
    value = getattr(metric, name)
    if name in MEANINGS and value in MEANINGS[name]:
        return MEANINGS[name][value].format(void="a void value")
    if name == "classes":
        return "Only the classes and groups named are in the mean."
    return _documented(type(metric), name)


def _choices(metric: Metric[Any], name: str) -> str:
    kind = get_type_hints(type(metric))[name]
    if get_origin(kind) is Literal:
        return " | ".join(map(str, get_args(kind)))
    if name == "classes":
        return "all | foreground | NAME | [NAME,…]"
    return "a whole number" if kind is int else "a number" if kind is float else "text"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{','.join(map(str, value))}]"
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def _paragraphs(cls: type) -> list[str]:
    """Return what the docstring of a metric says before its first section."""
    return [_plain(text) for text in _parts(cls)[""].split("\n\n")]


def _sources(cls: type) -> list[str]:
    """Return the references of a metric, and the source that its module names."""
    module = inspect.getdoc(inspect.getmodule(cls)) or ""
    named = [part.removeprefix("Source: ") for part in module.split("\n\n") if part.startswith("Source: ")]
    return [_plain(part) for part in (_parts(cls).get("References", ""), *named) if part]


def _documented(cls: type, name: str) -> str:
    """Return what the docstring of a class or its parents says of a parameter."""
    for parent in cls.__mro__:
        found = re.search(rf"^{name} : .*\n((?: +.*\n?)+)", _parts(parent).get("Parameters", ""), re.MULTILINE)
        if found:
            return _plain(found[1])
    return ""


def _plain(text: str) -> str:
    """Return a text of a docstring in one line, without marks for code."""
    return " ".join(text.split()).replace("`", "")


def _parts(cls: type) -> dict[str, str]:
    """Return a docstring by its sections; the text before the first is that of the empty name."""
    first, *rest = _SECTION.split(inspect.cleandoc(cls.__doc__ or ""))
    return {"": first.strip(), **{name: body.strip() for name, body in zip(rest[::2], rest[1::2], strict=True)}}
