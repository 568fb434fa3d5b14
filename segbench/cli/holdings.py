"""The work behind ``segbench datasets``: what there is, where it belongs, and whether it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from segbench.cli import layout_page, page, report
from segbench.cli.progress import progress_bar
from segbench.datasets.configuration import read_configuration
from segbench.datasets.inventory import Inventory, take_inventory
from segbench.datasets.layouts import find_root
from segbench.datasets.manifest import Manifest, changes, manifest_path, recall, remember
from segbench.datasets.manifest import forget as drop
from segbench.datasets.truth import open_truth
from segbench.errors import BadParameter, DatasetError, OutputProblem, Refusal, counted
from segbench.late import late
from segbench.protocols.load import load_protocol, protocol_names
from segbench.protocols.protocol import Protocol

_check_instances = late("segbench.cli.instance_holdings:check")

#: Names and sizes shown before the rest is only counted.
SHOWN = 5


def show_list() -> int:
    """Print the data sets and where they are found."""
    home, settings = os.environ.get("SEGBENCH_DATA", ""), read_configuration().file
    protocols = [load_protocol(name) for name in sorted(set(protocol_names().values()))]
    rows = [
        (p.name, ", ".join(p.aliases), str(len(p.space.evaluated)), _default(p), _found(p, home)) for p in protocols
    ]
    lines = page.table(("name", "also", "classes", "default split", "found"), rows)
    where = [f"SEGBENCH_DATA is {home}." if home else "SEGBENCH_DATA is not set."]
    where += [f"Settings are in {settings}."] if settings else []
    where += [] if home or settings else ["No folder was searched."]
    report.data(page.text([*lines, "", *page.paragraph(" ".join(where))]))
    return 0


def show_layout(name: str, split: str | None) -> int:
    """Print where the files of a data set are expected."""
    protocol = load_protocol(name)
    lines = layout_page.lines(protocol, protocol.check_split(split))
    report.data(page.text([*page.title(f"{protocol.title} ({protocol.identity})"), *lines]))
    return 0


def forget(name: str, split: str | None, data_root: Path | None) -> int:
    """Drop what is remembered of a copy."""
    protocol = load_protocol(name)
    _refuse(protocol.kind == "instances", f"--forget for {protocol.name}", "another data set: it is not remembered")
    truth = open_truth(protocol, split=split, data_root=data_root)
    had = drop(manifest_path(truth))
    report.data(f"{'forgotten' if had else 'nothing was remembered'}: {truth.protocol.identity}, {truth.split}\n")
    return 0


def check(name: str, split: str | None, data_root: Path | None, truth: Path | None = None) -> int:
    """Print what is on disk of a split; raise what is wrong with it."""
    protocol = load_protocol(name)
    if protocol.kind == "instances":
        code: int = _check_instances(protocol, split, data_root, truth)
        return code
    _refuse(truth is not None, f"--truth for {protocol.name}", "--truth for a data set of instances")
    with progress_bar(" images") as progress:
        found = take_inventory(protocol, split=split, data_root=data_root, progress=progress)
    path = manifest_path(found.truth)
    manifest = recall(path)
    faults = [*found.faults, *(changes(manifest, found) if manifest else ())]
    title = page.title(f"{found.truth.protocol.identity}  {found.truth.split}")
    rows = [*_findings(found), ("unchanged", _unchanged(path, manifest, found, faults))]
    verdict = counted(len(faults), "fault") if faults else "complete"
    report.data(page.text([*title, *page.pairs([*rows, ("verdict", verdict)])]))
    if faults:
        raise faults[0] if len(faults) == 1 else Refusal(faults)
    return 0


def _refuse(wrong: bool, found: str, expected: str) -> None:
    if wrong:
        raise BadParameter(found, expected=expected)


def _findings(found: Inventory) -> Iterator[tuple[str, str]]:
    truth = found.truth
    official = f", as the official {truth.split} split" if len(truth.keys) == truth.expected else ""
    size = sum(seen.size for seen in found.files.values())
    yield "folder", str(truth.root)
    yield "images", f"{len(truth.keys)}{official if truth.expected else ''}"
    yield "truth files", f"{len(found.files)} read, {size / 1e6:.1f} MB"
    yield "sizes", _most(f"{height}×{width} ({n})" for (height, width), n in found.shapes.most_common())
    yield "in no split", _most(found.unlisted)


def _most(texts: Iterator[str] | list[str]) -> str:
    listed = list(texts)
    rest = len(listed) - SHOWN
    return ", ".join([*listed[:SHOWN], *([f"{rest} more"] if rest > 0 else [])]) or "none"


def _unchanged(path: Path, manifest: Manifest | None, found: Inventory, faults: list[DatasetError]) -> str:
    if manifest:
        return f"{'no' if any(changes(manifest, found)) else 'yes'}, since the first check on {manifest.first_check}"
    if faults:
        return "not remembered yet: only a complete split is"
    try:
        remember(path, found)
    except OutputProblem as problem:
        # What was asked is answered; only the next check will have nothing to compare with.
        report.warnings([str(problem)])
        return "this is the first check, and it could not be remembered"
    return "this is the first check; the next will compare with it"


def _default(protocol: Protocol) -> str:
    n = protocol.splits[protocol.default_split]
    return f"{protocol.default_split} ({n})" if n else protocol.default_split


def _found(protocol: Protocol, home: str) -> str:
    """Return where a data set is, a dash where it is not, and nothing where no place is known."""
    for split in (protocol.default_split, *protocol.splits):
        try:
            root, _ = find_root(protocol, None, split)
        except BadParameter:
            return ""
        except DatasetError:
            continue
        return os.path.relpath(root, home) if home and root.is_relative_to(home) else str(root)
    return "–"
