"""The work behind ``segbench datasets check`` for data sets of instances, whose truth is one file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from segbench.cli import page, report
from segbench.datasets.coco import CocoTruth
from segbench.datasets.cocoreview import Oddity, Review, review
from segbench.errors import DatasetError, Refusal, counted
from segbench.protocols.categories import with_categories
from segbench.protocols.protocol import Protocol
from segbench.scoring.instancetruths import InstanceTruth, open_instances


def check(protocol: Protocol, split: str | None, data_root: Path | None, truth: Path | None) -> int:
    """Print what a truth holds and what is odd about it; raise what is wrong with it."""
    found, name = open_instances(protocol, split=split, data_root=data_root, truth=truth)
    if found.categories or protocol.observed:
        with_categories(protocol, [(c.id, c.name, c.frequency) for c in found.categories], file=found.file)
    reviewed = review(found) if isinstance(found, CocoTruth) else Review((), ())
    faults = list(reviewed.faults)
    expected = 0 if truth is not None else protocol.splits.get(name, 0)
    if expected and len(found.ids) != expected:
        faults.append(
            DatasetError(counted(len(found.ids), "image"), expected=f"{expected}, the official number", file=found.file)
        )
    lines = page.title(f"{protocol.identity}  {name}")
    lines += page.pairs([*_holdings(found, expected), ("verdict", _verdict(faults, reviewed.oddities))])
    lines += page.section("Oddities", page.pairs(map(_shown, reviewed.oddities)))
    report.data(page.text(lines))
    if faults:
        raise faults[0] if len(faults) == 1 else Refusal(faults)
    return 0


def _holdings(found: InstanceTruth, expected: int) -> Iterator[tuple[str, str]]:
    n = len(found.ids)
    yield ("file" if isinstance(found, CocoTruth) else "folder"), found.file
    yield "images", f"{n}, as the official split" if n == expected else str(n)
    if isinstance(found, CocoTruth):
        crowds = int(found.columns.crowd.sum())
        yield "annotations", f"{len(found.columns)}{f', {crowds} of them crowds' if crowds else ''}"
        yield "categories", str(len(found.categories))
    else:
        yield "objects", str(len(found.labels))
    yield "content", f"SHA-256 {found.digest}"


def _verdict(faults: list[DatasetError], oddities: tuple[Oddity, ...]) -> str:
    n = len(oddities)
    kinds = ("nothing odd", "1 kind of oddity")[n] if n < 2 else f"{n} kinds of oddities"
    return f"{counted(len(faults), 'fault')}, {kinds}" if faults else f"sound, {kinds}"


def _shown(oddity: Oddity) -> tuple[str, str]:
    rest = oddity.count - len(oddity.examples)
    more = f" and {rest} more" if rest else ""
    return oddity.name, f"{oddity.count}: {oddity.meaning}\n{', '.join(oddity.examples)}{more}"
