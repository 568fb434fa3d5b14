"""What is known of a data set and how it is scored: the page for people, and the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from segbench.cli import layout_page, metric_page, page, report
from segbench.labels import Color, LabelClass
from segbench.metrics.base import Metric
from segbench.metrics.rules import TableMetric
from segbench.protocols import metricfacts
from segbench.protocols.conventions import COMPARED, CONVENTIONS, NO_CASE, Convention
from segbench.protocols.protocol import Protocol

#: How an entry of `source` or `notes` begins that nobody has read in a source, in capitals or not.
RECALLED = "Recalled:"


def summary(protocol: Protocol) -> dict[str, Any]:
    """Return name, size and primary score."""
    return {
        "name": protocol.name,
        "version": protocol.version,
        "aliases": list(protocol.aliases),
        "title": protocol.title,
        "kind": protocol.kind,
        "n_classes": len(protocol.space.evaluated),
        "primary": protocol.primary,
    }


def record(protocol: Protocol) -> dict[str, Any]:
    """Return all that is known of a data set."""
    primary, first = primary_metric(protocol), protocol.layouts_of(protocol.default_split)[0]
    return {
        **summary(protocol),
        "identity": protocol.identity,
        "source": list(protocol.source),
        "recalled": [text for text in (*protocol.source, *protocol.notes) if _is_recalled(text)],
        "classes_from": protocol.classes_from or None,
        "classes": [asdict(c) for c in protocol.space.classes],
        "void": list(protocol.space.void),
        "void_truth": list(protocol.space.void_truth),
        "colors": [{"color": list(color), "id": value} for color, value in protocol.colors.items()],
        "policies": {name: metricfacts.meaning(primary, name, _void(protocol)) for name in metricfacts.fields(primary)},
        "metrics": [
            {"key": protocol.key(metric), "signature": metric.signature(), "formula": metric.formula}
            for metric in protocol.metrics
        ],
        "splits": dict(protocol.splits),
        "default_split": protocol.default_split,
        "keys": {split: list(names) for split, names in protocol.keys.items()},
        "files": dict(layout_page.expected_files(first, protocol.default_split)),
        "layouts": layout_page.record(protocol),
        "packing": protocol.packing,
        "notes": list(protocol.notes),
        "conventions": [
            {"name": c.name, **{p: c.choice(p) for p in COMPARED}, "differs_in": differences(primary, c)}
            for c in _comparable(protocol)
        ],
    }


def lines(protocol: Protocol) -> list[str]:
    """Return the page of a data set."""
    primary = primary_metric(protocol)
    n = len(protocol.space.evaluated)
    extra = len(protocol.space.classes) - n
    heading = "Classes" if protocol.observed else f"Classes ({n}{f' scored, {extra} not' if extra else ''})"
    heading += f", those of {protocol.classes_from}" if protocol.classes_from else ""
    also = f", also called {', '.join(protocol.aliases)}" if protocol.aliases else ""
    return [
        *page.title(protocol.title),
        *page.paragraph(f"{protocol.identity}{also}", indent=""),
        *page.section("Rules from", page.bullets(protocol.source)),
        *page.section(heading, _classes(protocol)),
        *page.section("Further colours", page.pairs(_more_colors(protocol))),
        *page.section("Void", page.paragraph(void_rule(protocol))),
        *page.section(f"Policies of {protocol.primary}", page.pairs(_policies(protocol, primary))),
        *page.section("Metrics (* ranks)", _metrics(protocol)),
        *page.section(f"Other conventions (* differs from {protocol.name})", _conventions(protocol, primary)),
        *page.section("Edge cases", page.bullets(protocol.notes)),
        *layout_page.lines(protocol, protocol.default_split),
        *page.section("For the official server", page.paragraph(protocol.packing) if protocol.packing else []),
    ]


def primary_metric(protocol: Protocol) -> Metric[Any]:
    """Return the metric of the score that ranks."""
    return next(metric for metric in protocol.metrics if protocol.key(metric) == protocol.primary)


def void_rule(protocol: Protocol) -> str:
    """Return in words which pixels of the truth are not counted."""
    space = protocol.space
    if protocol.kind == "instances":
        return "Crowds and what is left out by its size are neither right nor wrong."
    if protocol.kind == "membranes":
        return f"Only pixels inside the true cells ({space.evaluated[1].name}) are counted."
    if not space.void_truth:
        return "No value is void: every pixel of the truth is counted."
    others = [c.id for c in space.classes if not c.evaluated]
    kinds = []
    if space.void:
        kinds.append(f"{page.ids(space.void)} (void)")
    if others:
        kinds.append(f"{page.ids(others)} (classes that are not evaluated)")
    rule = f"Pixels whose truth is {' or '.join(kinds)} are not counted, whatever is predicted there."
    masked = " Where the data set has a mask of the image, pixels outside it are void."
    return rule + (masked if any(layout.mask for layout in protocol.layouts) else "")


def differences(metric: Metric[Any], convention: Convention) -> list[str]:
    """Return the policies in which a convention differs from a metric; a case it has not is no difference."""
    mine = {name: getattr(metric, name) for name in COMPARED if name in metric.field_names()}
    return [name for name, value in mine.items() if convention.choice(name) not in (value, NO_CASE)]


def _is_recalled(text: str) -> bool:
    return text[: len(RECALLED)].lower() == RECALLED.lower()


def _void(protocol: Protocol) -> str:
    values = protocol.space.void_truth
    if not values:
        return "a void value (there is none)"
    return f"{page.ids(values)}" if len(values) == 1 else f"one of {page.ids(values)}"


def _policies(protocol: Protocol, metric: Metric[Any]) -> Iterator[tuple[str, str]]:
    n = len(metric.parts(protocol.space)) if isinstance(metric, TableMetric) else 0
    for name in metricfacts.fields(metric):
        means = metricfacts.meaning(metric, name, _void(protocol))
        if name == "classes" and n:
            means = f"{means.removesuffix('.')}: {n} of them."
        yield f"{name}={metricfacts.shown(getattr(metric, name))}", means


def _metrics(protocol: Protocol) -> list[str]:
    marks = {
        protocol.key(metric): "* " if protocol.key(metric) == protocol.primary else "  " for metric in protocol.metrics
    }
    items = ((marks[protocol.key(metric)] + protocol.key(metric), metric.formula) for metric in protocol.metrics)
    used = {pair for metric in protocol.metrics for pair in metric_page.notation(metric)}
    letters = [pair for pairs in metric_page.NOTATION.values() for pair in pairs if pair in used]
    return [*page.pairs(items, most=34), *([""] if letters else []), *page.pairs(letters)]


def _comparable(protocol: Protocol) -> tuple[Convention, ...]:
    """Return the scorers whose choices a protocol can be compared with: all of them judge label maps."""
    return CONVENTIONS if protocol.kind == "labels" else ()


def _conventions(protocol: Protocol, metric: Metric[Any]) -> list[str]:
    if not _comparable(protocol):
        return []
    own = [
        (
            f"{protocol.name} here",
            page.ids(protocol.space.void_truth),
            *(str(getattr(metric, p, NO_CASE)) for p in COMPARED),
        )
    ]
    rows = [[c.name, c.void_truth, *(_marked(metric, c, policy) for policy in COMPARED)] for c in CONVENTIONS]
    head = ["scorer", "void truth", *COMPARED]
    notes = (f"{c.name}: {c.note}." for c in CONVENTIONS if c.note)
    mine = [[name, void if len(void) <= 12 else "see Void", *rest] for name, void, *rest in own]
    return [*page.table(head, [*mine, *rows]), *page.bullets(notes)]


def _marked(metric: Metric[Any], convention: Convention, policy: str) -> str:
    return convention.choice(policy) + (" *" if policy in differences(metric, convention) else "")


def _classes(protocol: Protocol) -> list[str]:
    classes = protocol.space.classes
    if protocol.observed and protocol.kind == "instances":
        return page.paragraph("the categories of the truth's own file")
    if protocol.observed:
        return page.paragraph("0 background, and whatever other ids truth and predictions hold")
    if all(c.color is None and c.group is None and c.evaluated and not c.is_thing for c in classes):
        return page.columns([f"{c.id:>3} {c.name}" for c in classes])
    trained = {value: train_id for train_id, value in protocol.train_ids.items()}
    rows = [(str(c.id), _hex(c.color), c.name, c.group or "", _train_id(c, trained), _remark(c)) for c in classes]
    listed = page.table(("id", "colour", "name", "group", "train id", ""), rows)
    if not any(c.color for c in classes):
        return listed
    # Patches stand in a column of their own before the codes, after everything has been made printable.
    column = listed[0].index("colour")
    patches = [report.swatch(color) for color in (None, *(c.color for c in classes))]
    return [line[:column] + patch + line[column:] for line, patch in zip(listed, patches, strict=True)]


def _more_colors(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """Yield the classes and void ids for which further colours stand, and these."""
    names = {c.id: c.name for c in protocol.space.classes}
    for value in dict.fromkeys(protocol.more_colors.values()):
        colors = [_hex(color) for color, other in protocol.more_colors.items() if other == value]
        yield f"{value} {names.get(value, 'void')}", ", ".join(colors)


def _train_id(c: LabelClass, trained: dict[int, int]) -> str:
    return str(trained[c.id]) if c.evaluated and c.id in trained else ""


def _remark(c: LabelClass) -> str:
    return ", ".join(word for word, said in (("thing", c.is_thing), ("unscored", not c.evaluated)) if said)


def _hex(color: Color | None) -> str:
    return "" if color is None else "#{:02x}{:02x}{:02x}".format(*color)
