"""What is known of a metric: formula, parameters, their choices and meaning, source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

from segbench.cli import page
from segbench.metrics.base import Metric
from segbench.protocols.conventions import MEANINGS
from segbench.protocols.load import load_protocol, protocol_names

#: The letters of the formulas of a family.
NOTATION = {
    "confusion": (
        ("TP", "pixels where truth and prediction are the class"),
        ("GT", "counted pixels of the class in the truth"),
        ("PR", "counted pixels of the class in the prediction"),
    ),
    "trimap": (
        ("TP", "pixels of the band where truth and prediction are the class"),
        ("GT", "counted pixels of the band that are the class in the truth"),
        ("PR", "counted pixels of the band that are the class in the prediction"),
    ),
    "multilabel": (
        ("TP", "pixels to which truth and prediction give the class"),
        ("GT", "pixels to which the truth gives it"),
        ("PR", "pixels to which the prediction gives it"),
    ),
    "levels": (
        ("P", "counted positive pixels of the truth"),
        ("N", "counted negative pixels of the truth"),
        ("TP", "positive pixels whose level is the threshold or more"),
        ("FP", "negative pixels whose level is the threshold or more"),
        ("TN", "negative pixels below the threshold"),
        ("FN", "positive pixels below the threshold"),
        ("PRE", "precision, TP / (TP + FP + 1e-10)"),
        ("REC", "recall, TP / P"),
    ),
    "membrane": (
        ("AB", "Σ p² over the pairs of a true and a predicted cell, p their share of the pixels inside true cells"),
        ("A", "Σ p² over the true cells"),
        ("B", "Σ p² over the predicted cells, of which each pixel on a line is one"),
        ("I", "information that true and predicted cells share"),
        ("H(T)", "entropy of the true cells"),
        ("H(S)", "entropy of the predicted cells, of which each pixel on a line is one"),
    ),
    "video": (
        ("J", "intersection over union of an object and its answer in a frame; 1 where both are empty"),
        ("F", "F measure of their boundary pixels, right within the tolerance of the other boundary; 1 without any"),
        ("T", "mean cost, from 0 to 1, of matching shape contexts along its outlines in two neighbouring frames"),
    ),
}
#: What the predictions are that a family of metrics judges.
_JUDGED = {
    "confusion": "label maps",
    "contour": "label maps, by the boundaries of their classes",
    "surface": "label maps and volumes, by the surfaces of their structures",
    "trimap": "label maps, inside a narrow band around the boundaries or the void of the truth",
    "instances": "label maps, beside maps of instance ids in the truth",
    "levels": "maps of probability, p = level / 255, of the second of two classes",
    "membrane": "maps of the probability of being inside a cell, of slices or stacks of them",
    "multilabel": "maps of classes that may overlap, a bit or a page for each class",
    "video": "numbered masks of objects in the frames of videos",
    "detection": "detected instances with scores, by masks, boxes or boundaries",
}
_SECTION = re.compile(r"^(\w+)\n-+\n", re.MULTILINE)


def summary(metric: Metric[Any]) -> dict[str, str]:
    """Return name, one line and formula."""
    return {"name": metric.name, "description": _description(metric), "formula": metric.formula}


def record(metric: Metric[Any]) -> dict[str, Any]:
    """Return all that is known of a metric."""
    default = type(metric)()
    return {
        **summary(metric),
        "predictions": _JUDGED[metric.family],
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "signature": metric.signature(),
        "fields": {
            name: {
                "value": getattr(metric, name),
                "default": getattr(default, name),
                "choices": choices(metric, name),
                "meaning": meaning(metric, name),
            }
            for name in fields(metric)
        },
        "source": _sources(metric),
        "protocols": dict(_users(metric)),
    }


def lines(metric: Metric[Any]) -> list[str]:
    """Return the page of a metric."""
    first, *rest = _paragraphs(metric)
    formula = [*page.paragraph(metric.formula), *page.pairs(notation(metric))]
    better = "higher" if metric.higher_is_better else "lower"
    unit = "a fraction, shown in percent" if metric.unit == "fraction" else f"in {metric.unit}"
    users = (
        (name, "with the defaults" if key == metric.name else f"as {key}" if "(" in key else key)
        for name, key in _users(metric)
    )
    return [
        *page.title(str(metric)),
        *page.paragraph(first, indent=""),
        *(line for text in rest for line in ("", *page.paragraph(text, indent=""))),
        *page.section("Formula", [*formula, *page.paragraph(f"{unit}; {better} is better")]),
        *page.section("Judges", page.paragraph(_JUDGED[metric.family])),
        *page.section("Parameters", _parameters(metric)),
        *page.section("Source", page.bullets(_sources(metric))),
        *page.section("Scored by", page.pairs(users)),
    ]


def notation(metric: Metric[Any]) -> list[tuple[str, str]]:
    """Return the letters in the formula of a metric and what they stand for."""
    text, found = metric.formula, []
    # Backwards, as some letters stand for formulas of those before them.
    for letters, words in reversed(NOTATION.get(metric.family, ())):
        if re.search(rf"(?<!\w){re.escape(letters)}(?!\w)", text):
            text += f" {words}"
            found.append((letters, words))
    return found[::-1]


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


def _parameters(metric: Metric[Any]) -> Iterator[str]:
    default = type(metric)()
    for name in fields(metric):
        value, usual = (getattr(m, name) for m in (metric, default))
        note = "the default" if value == usual else f"default {shown(usual)}"
        yield from page.paragraph(f"{name}={shown(value)}  ({note}; {choices(metric, name)})", hanging="    ")
        yield from page.paragraph(meaning(metric, name), indent="      ")


def shown(value: Any) -> str:
    """Return a value as a metric is written with it."""
    if isinstance(value, tuple):
        return f"[{','.join(map(str, value))}]"
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def _users(metric: Metric[Any]) -> Iterator[tuple[str, str]]:
    """Yield the data sets that score a metric of this name, with the metric as they set it."""
    for name in sorted(set(protocol_names().values())):
        for theirs in load_protocol(name).metrics:
            if theirs.name == metric.name:
                yield name, str(theirs)
                break


def _description(metric: Metric[Any]) -> str:
    return _paragraphs(metric)[0]


def _paragraphs(metric: Metric[Any]) -> list[str]:
    """Return what the docstring of a metric says before its first section."""
    return [_plain(text) for text in _parts(type(metric))[""].split("\n\n")]


def _plain(text: str) -> str:
    """Return a text of a docstring in one line, without marks for code."""
    return " ".join(text.split()).replace("``", "")


def _sources(metric: Metric[Any]) -> list[str]:
    """Return the references of a metric, else the source that its module names."""
    cited = _parts(type(metric)).get("References", "")
    module = inspect.getdoc(inspect.getmodule(type(metric))) or ""
    named = [part.removeprefix("Source: ") for part in module.split("\n\n") if part.startswith("Source: ")]
    return [_plain(part) for part in (cited, *named) if part]


def _documented(cls: type, name: str) -> str:
    """Return what the docstring of a class or its parents says of a parameter."""
    for parent in cls.__mro__:
        found = re.search(rf"^{name} : .*\n((?: +.*\n?)+)", _parts(parent).get("Parameters", ""), re.MULTILINE)
        if found:
            return _plain(found[1])
    return ""


def _parts(cls: type) -> dict[str, str]:
    """Return a docstring by its sections; the text before the first is that of the empty name."""
    first, *rest = _SECTION.split(inspect.cleandoc(cls.__doc__ or ""))
    return {"": first.strip(), **{name: body.strip() for name, body in zip(rest[::2], rest[1::2], strict=True)}}
