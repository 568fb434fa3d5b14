"""What is known of a metric: formula, parameters, their choices and meaning, source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from segbench.cli import page
from segbench.metrics.base import Metric
from segbench.protocols.metricfacts import choices, fields, meaning, paragraphs, shown, sources, users

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


def summary(metric: Metric[Any]) -> dict[str, str]:
    """Return name, one line and formula."""
    return {"name": metric.name, "description": paragraphs(metric)[0], "formula": metric.formula}


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
        "source": sources(metric),
        "protocols": dict(users(metric)),
    }


def lines(metric: Metric[Any]) -> list[str]:
    """Return the page of a metric."""
    first, *rest = paragraphs(metric)
    formula = [*page.paragraph(metric.formula), *page.pairs(notation(metric))]
    better = "higher" if metric.higher_is_better else "lower"
    unit = "a fraction, shown in percent" if metric.unit == "fraction" else f"in {metric.unit}"
    scored_by = (
        (name, "with the defaults" if key == metric.name else f"as {key}" if "(" in key else key)
        for name, key in users(metric).items()
    )
    return [
        *page.title(str(metric)),
        *page.paragraph(first, indent=""),
        *(line for text in rest for line in ("", *page.paragraph(text, indent=""))),
        *page.section("Formula", [*formula, *page.paragraph(f"{unit}; {better} is better")]),
        *page.section("Judges", page.paragraph(_JUDGED[metric.family])),
        *page.section("Parameters", _parameters(metric)),
        *page.section("Source", page.bullets(sources(metric))),
        *page.section("Scored by", page.pairs(scored_by)),
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


def _parameters(metric: Metric[Any]) -> Iterator[str]:
    default = type(metric)()
    for name in fields(metric):
        value, usual = (getattr(m, name) for m in (metric, default))
        note = "the default" if value == usual else f"default {shown(usual)}"
        yield from page.paragraph(f"{name}={shown(value)}  ({note}; {choices(metric, name)})", hanging="    ")
        yield from page.paragraph(meaning(metric, name), indent="      ")
