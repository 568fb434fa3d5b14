"""What the pages of protocols show: classes, void, metrics, splits, sources and traps, from the data that scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segbench.labels import LabelClass
from segbench.leaderboard.metricpages import fields_of
from segbench.leaderboard.standings import Board
from segbench.metrics.confusion import describe_ids
from segbench.protocols.conventions import COMPARED, CONVENTIONS, NO_CASE, Convention
from segbench.protocols.load import load_protocol, protocol_names
from segbench.protocols.protocol import Layout, Protocol

#: What the predictions of each kind of protocol hold.
KINDS = {
    "labels": "Label maps",
    "levels": "Probability maps",
    "membranes": "Probability maps of membranes",
    "multilabel": "Classes that overlap",
    "video": "Objects in videos",
    "volumes": "Label maps in space",
    "instances": "Detected instances",
}


def protocol_contexts(boards: Sequence[Board]) -> list[dict[str, Any]]:
    """Return what the page of each protocol shows, by name."""
    names = sorted(set(protocol_names().values()))
    return [_context(load_protocol(name), boards) for name in names]


def _context(protocol: Protocol, boards: Sequence[Board]) -> dict[str, Any]:
    primary = next(metric for metric in protocol.metrics if protocol.key(metric) == protocol.primary)
    return {
        "name": protocol.name,
        "identity": protocol.identity,
        "digest": protocol.digest(),
        "title": protocol.title,
        "kind": KINDS.get(protocol.kind, protocol.kind),
        "aliases": protocol.aliases,
        "primary": protocol.primary,
        "primary_name": primary.name,
        "policies": fields_of(primary),
        "metrics": [
            (protocol.key(metric), metric.name, metric.formula, metric.signature()) for metric in protocol.metrics
        ],
        "classes": [_class(c) for c in protocol.space.classes],
        "n_classes": len(protocol.space.evaluated),
        "observed": protocol.observed,
        "classes_from": protocol.classes_from,
        "void": [*protocol.space.void],
        "uncounted": describe_ids(protocol.space.void_truth),
        "splits": [(name, n, name == protocol.default_split) for name, n in protocol.splits.items()],
        "files": _files(protocol),
        "sources": protocol.source,
        "notes": protocol.notes,
        "packing": protocol.packing,
        "compared": COMPARED,
        "conventions": [_convention(primary, c) for c in CONVENTIONS] if protocol.kind == "labels" else [],
        "own": [str(getattr(primary, name, "–")) for name in COMPARED],
        "boards": [board for board in boards if board.protocol == protocol.identity],
    }


def _class(c: LabelClass) -> dict[str, Any]:
    color = "" if c.color is None else "#{:02x}{:02x}{:02x}".format(*c.color)
    return {
        "id": c.id,
        "name": c.name,
        "color": color,
        "group": c.group or "",
        "thing": c.is_thing,
        "scored": c.evaluated,
    }


def _convention(primary: Any, convention: Convention) -> dict[str, Any]:
    choices = [(convention.choice(name), str(getattr(primary, name, ""))) for name in COMPARED]
    return {
        "name": convention.name,
        "void_truth": convention.void_truth,
        "choices": [(choice, choice not in (mine, NO_CASE)) for choice, mine in choices],
        "note": convention.note,
    }


def _files(protocol: Protocol) -> list[tuple[str, str]]:
    """Return the files of the default split in its first layout, and what they are."""
    layout: Layout = protocol.layouts_of(protocol.default_split)[0]
    patterns = {
        "images": layout.images,
        "truth": layout.truth,
        "mask": layout.mask,
        "instance ids": layout.instances,
        "calibration": layout.calibration,
        "list": layout.list,
    }
    return [(what, layout.path(p, split=protocol.default_split)) for what, p in patterns.items() if p]
