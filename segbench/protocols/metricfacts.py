"""What is known of a metric: its parameters, their choices and meaning, sources, and who scores it.

All of it comes from the class that scores: from its fields, their types, and its docstring.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from segbench.metrics.base import Metric
from segbench.protocols.conventions import MEANINGS
from segbench.protocols.load import load_protocol, protocol_names

_SECTION = re.compile(r"^(\w+)\n-+\n", re.MULTILINE)


def fields(metric: Metric[Any]) -> list[str]:
    """Return the names of the parameters: policies in their usual order, then the others."""
    names = metric.field_names()
    return [*(name for name in MEANINGS if name in names), *(name for name in names if name not in MEANINGS)]


def meaning(metric: Metric[Any], name: str, void: str = "a void value") -> str:
    """Return what the value of a field means."""
    value = getattr(metric, name)
    if name == "classes" and not (isinstance(value, str) and value in MEANINGS[name]):
        return "Only the classes and groups named are in the mean."
    if name in MEANINGS:
        return MEANINGS[name][value].format(void=void)
    return _documented(type(metric), name)


def choices(metric: Metric[Any], name: str) -> str:
    """Return what a field may be."""
    kind = get_type_hints(type(metric))[name]
    if get_origin(kind) is Literal:
        return " | ".join(map(str, get_args(kind)))
    if name == "classes":
        return "all | foreground | NAME | [NAME,…]"
    return "a whole number" if kind is int else "a number" if kind is float else "text"


def shown(value: Any) -> str:
    """Return a value as a metric is written with it."""
    if isinstance(value, tuple):
        return f"[{','.join(map(str, value))}]"
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def paragraphs(metric: Metric[Any]) -> list[str]:
    """Return what the docstring of a metric says before its first section; the first is one line."""
    return [_plain(text) for text in _parts(type(metric))[""].split("\n\n")]


def sources(metric: Metric[Any]) -> list[str]:
    """Return the references of a metric, and the source that its module names."""
    cited = _parts(type(metric)).get("References", "")
    module = inspect.getdoc(inspect.getmodule(type(metric))) or ""
    named = [part.removeprefix("Source: ") for part in module.split("\n\n") if part.startswith("Source: ")]
    return [_plain(part) for part in (cited, *named) if part]


def users(metric: Metric[Any]) -> Mapping[str, str]:
    """Return the data sets that score a metric of this name, with the metric as they set it."""
    return _users().get(metric.name, {})


@cache
def _users() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name in sorted(set(protocol_names().values())):
        for metric in load_protocol(name).metrics:
            found.setdefault(metric.name, {}).setdefault(name, str(metric))
    return found


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
