"""Protocols from TOML: those that come with segbench, and a file of one's own."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from segbench.codec import read_toml
from segbench.errors import BadParameter, SegbenchError, UnknownName, counted, did_you_mean
from segbench.frozen import dataclass
from segbench.metrics.base import Metric
from segbench.metrics.table import METRICS, parse_metric
from segbench.protocols.classes import UNSEEN, Class, Union, Void, label_space, more_colors, sized, train_ids
from segbench.protocols.packing import Packing
from segbench.protocols.protocol import Layout, Protocol, check_kind, with_policies

DATA = Path(__file__).parent / "data"


# Annotations are not postponed here, nor where the classes of the fields are: as text, each would be compiled when a
# protocol is read.


@dataclass(frozen=True)
class _Layout:
    truth: str
    images: str = ""
    list: str = ""
    listed: Literal["images", "videos"] = "images"
    optional_list: bool = False
    roots: tuple[str, ...] = (".",)
    but: str = ""
    instances: str = ""
    instance_base: int = 1000
    mask: str = ""
    calibration: str = ""
    values: Literal["ids", "colors", "positive", "road", "road_birdseye", "rectangles"] = "ids"
    prediction: str = ""
    reader: Literal["plain", "cityscapes"] = "plain"
    splits: tuple[str, ...] = ()


@dataclass(frozen=True)
class _File:
    name: str
    version: int
    title: str
    metrics: tuple[str, ...]
    layout: _Layout
    splits: dict[str, int]
    default_split: str
    kind: Literal["labels", "levels", "membranes", "multilabel", "video", "volumes", "instances"] = "labels"
    classes: tuple[Class, ...] | Literal["observed"] = ()
    regions: tuple[Union, ...] = ()
    classes_from: str = ""
    layouts: tuple[_Layout, ...] = ()
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    instance_sizes: dict[str, float] = field(default_factory=dict)
    primary: str = ""
    aliases: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    void: tuple[Void, ...] = ()
    policies: dict[str, str] = field(default_factory=dict)
    split_folders: dict[str, str] = field(default_factory=dict)
    packing: str = ""
    pack: Packing | None = None


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
        # Names stand on top of our own files; the classes below them would take ten times as long to read.
        head = tomllib.loads(path.read_text("utf-8").partition("\ntitle")[0])
        names |= dict.fromkeys((head["name"], *head.get("aliases", ())), head["name"])
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
    return _protocol(text, path.name)


@lru_cache(maxsize=64)
def _protocol(text: str, file: str) -> Protocol:
    """Return the protocol that a text stands for; nothing in one ever changes, so the same text is read once."""
    record = read_toml(text, _File, file=file)
    try:
        return _build(record)
    except SegbenchError as error:
        raise error.about(file) from None


def _build(record: _File) -> Protocol:
    observed = record.classes == "observed"
    record, classes = _with_classes(record)
    _check_policies(record)
    metrics = _metrics(record)
    if record.default_split not in record.splits:
        raise BadParameter(
            f"table (top), key default_split: no split {record.default_split!r}", expected=" | ".join(record.splits)
        )
    protocol = Protocol(
        name=record.name,
        version=record.version,
        title=record.title,
        space=label_space(classes, record.void, record.regions),
        metrics=metrics,
        primary=record.primary or metrics[0].name,
        splits=record.splits,
        default_split=record.default_split,
        layouts=tuple(_layout(layout, record) for layout in (record.layout, *record.layouts)),
        kind=record.kind,
        keys=_keys(record),
        aliases=record.aliases,
        source=record.source,
        notes=record.notes,
        void_colors={void.id: void.color for void in record.void if void.color is not None},
        more_colors=more_colors(classes, record.void),
        policies=record.policies,
        train_ids=train_ids(classes),
        packing=record.packing,
        pack=_pack(record, classes),
        classes_from=record.classes_from,
        observed=observed,
    )
    _check_primary(protocol)
    return protocol


def _with_classes(record: _File) -> tuple[_File, tuple[Class, ...]]:
    """Return a record with the void of another protocol where it refers to it, and the classes with its own sizes."""
    if bool(record.classes) == bool(record.classes_from):
        found = "both of classes and classes_from" if record.classes else "neither classes nor classes_from"
        raise BadParameter(f"table (top): {found}", expected="one of them")
    if record.classes == "observed":
        _check_observed(record)
        return record, UNSEEN
    classes = record.classes
    if record.classes_from:
        other, classes = _referred(record.classes_from)
        record = replace(record, void=record.void or other.void)
    return record, sized(classes, record.instance_sizes)


def _check_observed(record: _File) -> None:
    if record.kind not in ("volumes", "instances"):
        expected = "a list, where kind is neither volumes nor instances"
        raise BadParameter("table (top), key classes: 'observed'", expected=expected)
    if record.regions:
        raise BadParameter("table (top), key classes: 'observed', and regions", expected="a list: regions need ids")


def _referred(identity: str) -> tuple[_File, tuple[Class, ...]]:
    """Return the record that ``name@version`` refers to, and its classes."""
    name, _, version = identity.partition("@")
    if name not in protocol_names().values():
        hint = did_you_mean(name, protocol_names())
        raise BadParameter(f"table (top), key classes_from: no protocol {name!r}", mend=hint)
    path = DATA / f"{name}.toml"
    other, classes = _with_classes(read_toml(path.read_text("utf-8"), _File, file=path.name))
    if version != str(other.version):
        expected = f"{name}@{other.version}"
        raise BadParameter(f"table (top), key classes_from: {identity!r}", expected=expected)
    return other, classes


def _keys(record: _File) -> dict[str, tuple[str, ...]]:
    for split, names in record.keys.items():
        if split not in record.splits or not names:
            found = f"table keys, key {split}: {counted(len(names), 'name')}"
            raise BadParameter(found, expected="a split, and names of images")
    return record.keys


def _layout(layout: _Layout, record: _File) -> Layout:
    fields = asdict(layout)
    # The instances of all images are in one file.
    patterns = () if record.kind == "instances" else ("truth", "instances", "mask", "prediction")
    for key in patterns:
        if fields[key].count("{key}") != 1 and (fields[key] or key == "truth"):
            raise BadParameter(f"table layout, key {key}: {fields[key]!r}", expected="a pattern that holds {key} once")
    unknown = [split for split in layout.splits if split not in record.splits]
    if unknown:
        raise BadParameter(f"table layout, key splits: no split {unknown[0]!r}", expected=" | ".join(record.splits))
    return Layout(**fields, split_folders=record.split_folders)


def _pack(record: _File, classes: tuple[Class, ...]) -> Packing | None:
    pack = record.pack
    if pack is None:
        return None
    if pack.split and not (pack.split in record.splits or pack.files):
        raise BadParameter(f"table pack, key split: no split {pack.split!r}", expected=" | ".join(record.splits))
    plain = [c.name for c in classes if c.color is None]
    if pack.holds == "colors" and plain:
        raise BadParameter(
            f"table pack, key holds: 'colors', and class {plain[0]!r} has none", expected="a colour each"
        )
    return pack.check()


def _check_policies(record: _File) -> None:
    own = {text.partition("(")[0].strip() for text in record.metrics}
    unknown = set(record.policies) - {name for metric in own & set(METRICS) for name in METRICS[metric].field_names()}
    # Only a policy that is of no use to the protocol's own metrics is worth reading all others for.
    known = sorted({name for cls in METRICS.values() for name in cls.field_names()} if unknown else ())
    for name in sorted(unknown):
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
            metric = parse_metric(text, instances.get)
            check_kind(metric, record.kind, record.name)
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
