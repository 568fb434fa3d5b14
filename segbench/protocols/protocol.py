"""A protocol: everything that makes one data set's scores what they are, as data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from segbench.codec import canonical_json
from segbench.errors import UnknownName, did_you_mean
from segbench.labels import Color, LabelSpace
from segbench.metrics.base import Metric
from segbench.metrics.table import METRICS, parse_metric


@dataclass(frozen=True)
class Layout:
    """Where a data set keeps its files; ``{split}``, ``{city}`` and ``{key}`` stand for split, city and image.

    Parameters
    ----------
    truth : str
        Pattern of a truth file below the root.
    images : str
        Pattern of an image, ``*`` for any suffix.
    list : str
        Pattern of the file that lists a split, one image a line; empty when the truth folder itself is the list.
    optional_list : bool
        Whether a missing list file means: every truth file of the split.
    roots : tuple of str
        Folders below the data root in which the layout may begin.
    instances : str
        Pattern of a map of instance ids, where the data set has them.
    reader : str
        How the name of a prediction becomes a key: ``plain`` or ``cityscapes``.
    split_folders : mapping of str to str
        What ``{split}`` stands for, where it is not the split's name.
    """

    truth: str
    images: str = ""
    list: str = ""
    optional_list: bool = False
    roots: tuple[str, ...] = (".",)
    instances: str = ""
    reader: Literal["plain", "cityscapes"] = "plain"
    split_folders: Mapping[str, str] = field(default_factory=dict)

    @property
    def suffix(self) -> str:
        """How the name of a truth file ends."""
        return self.truth.partition("{key}")[2]

    def path(self, pattern: str, *, split: str, key: str = "NAME") -> str:
        """Return a pattern filled in; ``{city}`` is the first word of the key."""
        return pattern.format(split=self.split_folders.get(split, split), key=key, city=key.partition("_")[0])


@dataclass(frozen=True)
class Protocol:
    """The official way to score one data set.

    Parameters
    ----------
    name, version : str, int
        ``name@version`` identifies the protocol; the version rises with any change of classes, void or metrics.
    title : str
        Name a person would use.
    aliases : tuple of str
        Other names.
    source : tuple of str
        Where the rules are from.
    space : LabelSpace
        Classes and void ids.
    void_colors : mapping of int to color
        Colours of void ids in colour-coded files.
    policies : mapping of str to object
        Fields that the protocol sets in every metric that has them.
    metrics : tuple of Metric
        What is scored, in order; the first of each name is the protocol's own instance.
    primary : str
        Score key that ranks.
    splits : mapping of str to int
        Images of each split, 0 where not fixed.
    default_split : str
        Split scored unless another is named.
    layout : Layout
        Where the files are.
    notes : tuple of str
        Traps and edge cases, for people.
    train_ids : mapping of int to int
        Id of each train id, where networks commonly answer in those.
    packing : str
        What the official server takes.
    """

    name: str
    version: int
    title: str
    space: LabelSpace
    metrics: tuple[Metric[Any], ...]
    primary: str
    splits: Mapping[str, int]
    default_split: str
    layout: Layout
    aliases: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    void_colors: Mapping[int, Color] = field(default_factory=dict)
    policies: Mapping[str, Any] = field(default_factory=dict)
    train_ids: Mapping[int, int] = field(default_factory=dict)
    packing: str = ""

    @property
    def identity(self) -> str:
        """Name and version: ``voc2012@1``."""
        return f"{self.name}@{self.version}"

    @cached_property
    def colors(self) -> dict[Color, int]:
        """Id of each colour that stands for one id only."""
        pairs = [(c.color, c.id) for c in self.space.classes if c.color is not None]
        pairs += [(color, value) for value, color in self.void_colors.items()]
        seen = [color for color, _ in pairs]
        return {color: value for color, value in pairs if seen.count(color) == 1}

    def instance(self, name: str) -> Metric[Any]:
        """Return the protocol's own metric of a name, else the class defaults under the protocol's policies."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        return with_policies(METRICS[name](), self.policies)

    def metric(self, text: str) -> Metric[Any]:
        """Read a metric that starts from the protocol's own instance."""
        return parse_metric(text, {name: self.instance(name) for name in METRICS})

    def key(self, metric: Metric[Any]) -> str:
        """Return the score key of a metric under this protocol."""
        return metric.key(self.instance(metric.name))

    def check_split(self, split: str | None) -> str:
        """Return the split meant.

        Parameters
        ----------
        split : str or None
            Name of a split; None means the default one.

        Returns
        -------
        str
            Name of the split.

        Raises
        ------
        UnknownName
            When the protocol has no such split.
        """
        if split is None:
            return self.default_split
        if split not in self.splits:
            hint = did_you_mean(split, self.splits)
            raise UnknownName(f"{self.name} has no split {split!r}", expected=" | ".join(self.splits), mend=hint)
        return split

    def digest(self) -> str:
        """Return a SHA-256 over classes, void and metrics: what the version stands for."""
        content = {
            "classes": [asdict(c) for c in self.space.classes],
            "void": list(self.space.void),
            "metrics": [metric.signature() for metric in self.metrics],
            "primary": self.primary,
        }
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def with_policies(metric: Metric[Any], policies: Mapping[str, Any]) -> Metric[Any]:
    """Return a metric with those of the policies that are fields of it."""
    names = metric.field_names()
    return replace(metric, **{k: v for k, v in policies.items() if k in names})  # type: ignore[type-var]
