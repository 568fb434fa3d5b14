"""Protocols from TOML: those that come with segbench, and a file of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from segbench.codec import read_toml
from segbench.errors import BadParameter, SegbenchError, UnknownName, did_you_mean
from segbench.labels import LabelClass, LabelSpace
from segbench.metrics.base import Metric
from segbench.metrics.table import METRICS, parse_metric
from segbench.protocols.protocol import Layout, Protocol, with_policies

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class _Class:
    id: int
    name: str
    color: tuple[int, int, int] | None = None
    group: str | None = None
    thing: bool = False
    evaluated: bool = True
    train_id: int | None = None
    instance_size: float | None = None


@dataclass(frozen=True)
class _Void:
    id: int
    name: str = "void"
    color: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class _Layout:
    truth: str
    images: str = ""
    list: str = ""
    optional_list: bool = False
    roots: tuple[str, ...] = (".",)
    instances: str = ""
    reader: Literal["plain", "cityscapes"] = "plain"


@dataclass(frozen=True)
class _File:
    name: str
    version: int
    title: str
    metrics: tuple[str, ...]
    classes: tuple[_Class, ...]
    layout: _Layout
    splits: dict[str, int]
    default_split: str
    primary: str = ""
    aliases: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    void: tuple[_Void, ...] = ()
    policies: dict[str, str] = field(default_factory=dict)
    split_folders: dict[str, str] = field(default_factory=dict)
    packing: str = ""


def load_protocol(dataset: str) -> Protocol:
    """Return a protocol by name or alias, or from a TOML file of one's own.

    Parameters
    ----------
    dataset : str
        A name, an alias, or the path of a file that ends in ``.toml``.

    Returns
    -------
    Protocol
        The protocol.

    Raises
    ------
    UnknownName
        When no protocol has the name.
    BadParameter
        When a file of one's own is no protocol; names file, table and key.
    """
    if dataset.endswith(".toml"):
        return read_protocol(Path(dataset))
    names = protocol_names()
    if dataset not in names:
        hint = did_you_mean(dataset, names) or "a protocol of your own is the path of its .toml file"
        raise UnknownName(f"no dataset {dataset!r}", expected=" | ".join(sorted(set(names.values()))), mend=hint)
    return read_protocol(DATA / f"{names[dataset]}.toml")


@cache
def protocol_names() -> Mapping[str, str]:
    """Return the name of the protocol that each name or alias means; the folder of TOML files is the registry."""
    names: dict[str, str] = {}
    for path in sorted(DATA.glob("*.toml")):
        record = read_toml(path.read_text("utf-8"), _File, file=path.name)
        names |= dict.fromkeys((record.name, *record.aliases), record.name)
    return names


def read_protocol(path: Path) -> Protocol:
    """Read one protocol file.

    Parameters
    ----------
    path : Path
        A file in TOML.

    Returns
    -------
    Protocol
        The protocol.

    Raises
    ------
    BadParameter
        When the file cannot be read or is no protocol; names file, table and key.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadParameter(f"cannot be read: {error}", expected="a protocol in TOML", file=str(path)) from None
    record = read_toml(text, _File, file=path.name)
    try:
        return _build(record)
    except SegbenchError as error:
        raise error.about(path.name) from None


def _build(record: _File) -> Protocol:
    _check_policies(record.policies)
    metrics = _metrics(record)
    if record.default_split not in record.splits:
        raise BadParameter(
            f"table (top), key default_split: no split {record.default_split!r}", expected=" | ".join(record.splits)
        )
    protocol = Protocol(
        name=record.name,
        version=record.version,
        title=record.title,
        space=_space(record),
        metrics=metrics,
        primary=record.primary or metrics[0].name,
        splits=record.splits,
        default_split=record.default_split,
        layout=_layout(record),
        aliases=record.aliases,
        source=record.source,
        notes=record.notes,
        void_colors={void.id: void.color for void in record.void if void.color is not None},
        policies=record.policies,
        train_ids=_train_ids(record),
        packing=record.packing,
    )
    _check_primary(protocol)
    return protocol


def _space(record: _File) -> LabelSpace:
    classes = tuple(
        LabelClass(c.name, c.id, c.color, c.group, c.thing, c.evaluated, c.instance_size) for c in record.classes
    )
    try:
        return LabelSpace(classes, tuple(void.id for void in record.void))
    except BadParameter as error:
        raise BadParameter(f"table classes, keys id and name: {error.found}", expected=error.expected) from None


def _layout(record: _File) -> Layout:
    fields = asdict(record.layout)
    for key in ("truth", "instances"):
        if fields[key].count("{key}") != 1 and (fields[key] or key == "truth"):
            raise BadParameter(f"table layout, key {key}: {fields[key]!r}", expected="a pattern that holds {key} once")
    return Layout(**fields, split_folders=record.split_folders)


def _train_ids(record: _File) -> dict[int, int]:
    """Return the id of each train id; 255 means the first id without one."""
    ids = {c.train_id: c.id for c in record.classes if c.train_id is not None}
    without = [c.id for c in record.classes if c.train_id is None and not c.evaluated]
    return {**ids, 255: without[0]} if ids and without else ids


def _check_policies(policies: Mapping[str, Any]) -> None:
    known = sorted({name for cls in METRICS.values() for name in cls.field_names()})
    for name in policies:
        if name not in known:
            raise BadParameter(
                f"table policies, key {name}: no such policy",
                expected=" | ".join(known),
                mend=did_you_mean(name, known),
            )


def _metrics(record: _File) -> tuple[Metric[Any], ...]:
    instances: dict[str, Metric[Any]] = {}
    metrics: list[Metric[Any]] = []
    for i, text in enumerate(record.metrics):
        try:
            name = text.partition("(")[0].strip()
            if name in METRICS and name not in instances:
                instances[name] = with_policies(METRICS[name](), record.policies)
            metric = parse_metric(text, instances)
        except SegbenchError as error:
            raise BadParameter(
                f"table (top), key metrics entry {i + 1}: {error.found}", expected=error.expected, mend=error.mend
            ) from None
        if all(metric.name != other.name for other in metrics):
            instances[metric.name] = metric
        metrics.append(metric)
    if not metrics:
        raise BadParameter("table (top), key metrics: empty", expected="at least one metric")
    return tuple(metrics)


def _check_primary(protocol: Protocol) -> None:
    keys = [protocol.key(metric) for metric in protocol.metrics]
    if protocol.primary not in keys:
        raise BadParameter(f"table (top), key primary: {protocol.primary!r}", expected=" | ".join(keys))
