"""The state file: the counts of every image, one JSON line each, from which every score is derived again.

The first line is a header; the lines after it are in the order of the keys. Shards of one submission are merged by
merging their state files.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from segbench.codec import canonical_json
from segbench.errors import BadParameter, DatasetError, counted
from segbench.frozen import dataclass
from segbench.protocols.categories import with_classes, with_iou_type
from segbench.protocols.observed import resolved
from segbench.protocols.protocol import Protocol
from segbench.result import StateFile
from segbench.scoring.judge import Case
from segbench.scoring.outcome import Outcome, Record
from segbench.scoring.plan import Plan, States

#: Version of the format.
VERSION = 1

#: What headers hold for instances only.
_OF_INSTANCES = ("iou_type", "classes")


@dataclass(frozen=True)
class Header:
    """The first line of a state file.

    Parameters
    ----------
    protocol, digest : str
        Identity of the protocol, and the digest of its rules.
    split : str
        Name of the split.
    n_images, expected : int
        Images of the split, and how many the data set says it has (0: it does not say).
    metrics : list of str
        Every metric with all its fields.
    missing, resize, input : str
        As in the signature.
    shard : str
        ``I/N``, empty for the whole.
    unclaimed : list of str
        The first names of files that belong to no image.
    n_unclaimed : int
        How many there are.
    iou_type : str
        What of instances is compared; empty where there are none.
    classes : list of (int, str, str or None)
        Id, name and group of the classes of instances, where the truth names them; empty elsewhere.
    """

    protocol: str
    digest: str
    split: str
    n_images: int
    expected: int
    metrics: list[str]
    missing: str = "error"
    resize: str = "-"
    input: str = "-"
    shard: str = ""
    unclaimed: Sequence[str] = ()
    n_unclaimed: int = 0
    iou_type: str = ""
    classes: Sequence[Sequence[Any]] = ()

    def line(self) -> str:
        """Return the line; of instances it says more."""
        fields = {name: value for name, value in vars(self).items() if value or name not in _OF_INSTANCES}
        return canonical_json({"state": VERSION, **fields})


def header_of(case: Case, n_images: int, shard: str | None) -> Header:
    """Return the header of a run."""
    return Header(
        protocol=case.protocol.identity,
        digest=case.protocol.digest(),
        split=case.split,
        n_images=n_images,
        expected=case.expected,
        metrics=[metric.signature() for metric in case.plan.metrics.values()],
        missing=case.missing,
        resize=case.resize,
        input=case.input,
        shard=shard or "",
        iou_type=case.protocol.policies.get("iou_type", ""),
        classes=_named_by_truth(case.protocol),
    )


def _named_by_truth(protocol: Protocol) -> list[list[Any]]:
    if not protocol.observed or protocol.kind != "instances":
        return []
    return [[c.id, c.name, c.group] for c in protocol.space.classes]


def whole_of(headers: Sequence[Header]) -> Header:
    """Return the header of an undivided run from those of its shards.

    Parameters
    ----------
    headers : sequence of Header
        At least one, in any order; a single one may be of an undivided run.

    Returns
    -------
    Header
        The header, its shard empty.

    Raises
    ------
    BadParameter
        When they are not all shards of one run, each once.
    """
    wholes = [replace(header, shard="") for header in headers]
    for other in wholes[1:]:
        differing = [name for name, value in vars(wholes[0]).items() if value != vars(other)[name]]
        if differing:
            raise BadParameter(f"state files that differ in {', '.join(differing)}", expected="shards of one run")
    count = headers[0].shard.partition("/")[2] or "1"
    expected = sorted(f"{i}/{count}" for i in range(1, int(count) + 1)) if headers[0].shard else [""]
    if sorted(header.shard for header in headers) != expected:
        found = ", ".join(header.shard or "a whole run" for header in headers)
        raise BadParameter(f"the shards {found}", expected=f"each of {', '.join(expected) or 'one run'} once")
    return wholes[0]


def describe(path: Path) -> StateFile:
    """Return name and digest of a state file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return StateFile(path.name, digest.hexdigest())


def read_header(path: Path) -> Header:
    """Read the header of a state file.

    Parameters
    ----------
    path : Path
        The state file.

    Returns
    -------
    Header
        The header.

    Raises
    ------
    DatasetError
        When the file cannot be read, or is no state file of this version.
    """
    fields = next(_lines(path), {})
    if fields.pop("state", None) != VERSION:
        raise DatasetError("not a state file of this version", expected=f"version {VERSION}", file=str(path))
    try:
        return Header(**fields)
    except TypeError:
        raise DatasetError("a damaged header", expected="a whole state file", file=str(path)) from None


def read_records(path: Path) -> Iterator[Record]:
    """Yield the record of each image.

    Parameters
    ----------
    path : Path
        The state file.

    Yields
    ------
    Record
        One a line, in the order of the lines.

    Raises
    ------
    DatasetError
        When the file cannot be read, or a line is damaged or cut.
    """
    lines = _lines(path)
    next(lines, None)
    for fields in lines:
        try:
            yield Record.of(fields)
        except (KeyError, TypeError):
            raise DatasetError("a damaged record", expected="a whole state file", file=str(path)) from None


def states_of(path: Path, plan: Plan) -> States:
    """Count a state file again.

    Parameters
    ----------
    path : Path
        The state file.
    plan : Plan
        What is counted.

    Returns
    -------
    dict of str to State
        The same states as counting its images.

    Raises
    ------
    DatasetError
        When the file is damaged or cut.
    """
    header, outcome = read_header(path), outcome_of([path], plan)
    if not header.shard and outcome.n_images != header.n_images:
        raise DatasetError(
            counted(outcome.n_images, "image"), expected=f"{header.n_images} as the header says", file=str(path)
        )
    return outcome.states


def outcome_of(
    paths: Sequence[Path],
    plan: Plan,
    on_record: Callable[[Record], None] | None = None,
    onto: Outcome | None = None,
) -> Outcome:
    """Count the images of one or several state files again, in the order of their keys.

    Parameters
    ----------
    paths : sequence of Path
        At least one state file.
    plan : Plan
        What is counted.
    on_record : callable, optional
        Called with each record once it is counted.
    onto : Outcome, optional
        What the images are added to, else an outcome of nothing.

    Returns
    -------
    Outcome
        What they come to; the files that belong to no image are those of the first header.

    Raises
    ------
    DatasetError
        When an image is in two of them, or a file is damaged.
    """
    outcome = Outcome(plan.start()) if onto is None else onto
    previous: list[str] | None = None
    for record in heapq.merge(*map(read_records, paths), key=lambda record: "/".join(record.key)):
        if record.key == previous:
            raise DatasetError(f"{'/'.join(record.key)} in two state files", expected="each image once")
        previous = record.key
        try:
            outcome.add(plan, record)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            raise DatasetError(
                f"a damaged record of {'/'.join(record.key)}", expected="what was counted of an image"
            ) from None
        if on_record is not None:
            on_record(record)
    header = read_header(paths[0])
    outcome.unclaimed, outcome.n_unclaimed = list(header.unclaimed), header.n_unclaimed
    return outcome


def case_of(header: Header, protocol: Protocol) -> Case:
    """Return what a state file was made for.

    Parameters
    ----------
    header : Header
        Its first line.
    protocol : Protocol
        The rules as they are now.

    Returns
    -------
    Case
        The rules and metrics, and how the run was asked for.

    Raises
    ------
    DatasetError
        When the protocol has changed since.
    """
    protocol = resolved(protocol, header.input)
    if header.iou_type:
        protocol = with_iou_type(protocol, header.iou_type)
    if header.classes:
        protocol = with_classes(protocol, [(int(i), str(name), group) for i, name, group in header.classes])
    if (protocol.identity, protocol.digest()) != (header.protocol, header.digest):
        raise DatasetError(f"counts made by {header.protocol}", expected=f"{protocol.identity}, with the same rules")
    plan = Plan.of(protocol, header.metrics)
    return Case(protocol, plan, header.split, header.expected, header.missing, header.resize, header.input)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                record = json.loads(line)
                if not isinstance(record, dict) or not line.endswith(b"\n"):
                    raise ValueError(f"line {number}")
                yield record
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", expected="a state file", file=str(path)) from None
    except ValueError:
        raise DatasetError("a damaged or cut line", expected="a whole state file", file=str(path)) from None
