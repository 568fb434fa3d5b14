"""A protocol: everything that makes one data set's scores what they are, as data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, field, replace
from functools import cached_property
from typing import Any, Literal

from segbench.codec import canonical_json
from segbench.errors import BadParameter, UnknownName, did_you_mean
from segbench.frozen import dataclass
from segbench.labels import Color, LabelSpace
from segbench.metrics.base import Metric
from segbench.metrics.table import METRICS, parse_metric
from segbench.protocols.packing import Packing

#: The suffixes of volumes.
VOLUME_SUFFIXES = (".nii.gz", ".nii")


@dataclass(frozen=True)
class Layout:
    """Where a data set keeps its files, and what the values in them mean.

    In patterns ``{split}``, ``{city}`` and ``{key}`` stand for split, city and image.

    Parameters
    ----------
    truth : str
        Pattern of a truth file below the root.
    images : str
        Pattern of an image, ``*`` for any suffix.
    list : str
        Pattern of the file that lists a split, one image a line; empty when the truth folder itself is the list.
    listed : str
        What a line of that file names: ``images``, or ``videos`` or their frames.
    optional_list : bool
        Whether a missing list file means: every truth file of the split.
    roots : tuple of str
        Folders below the data root in which the layout may begin.
    but : str
        Pattern of names, with stars, of files in the truth folder that are no truth; empty when all are.
    instances : str
        Pattern of a map of instance ids, where the data set has them.
    instance_base : int
        An instance id is class id × this + number.
    mask : str
        Pattern of a map that is 0 where no pixel counts, where the data set has one.
    calibration : str
        Pattern of the calibration of a camera, where the data set has one.
    values : str
        How a truth file becomes a label map. ``ids``: it holds ids. ``colors``: it holds colours of ids.
        ``positive``: whatever is not 0 is the second class. ``road`` and ``road_birdseye``: the colours of KITTI road,
        as seen by the camera or from above. ``rectangles``: the XML of CMP Facade.
    prediction : str
        How predictions may be named beside the plain key, as ``road_{key}.png``.
    reader : str
        How the name of a prediction becomes a key: ``plain`` or ``cityscapes``.
    splits : tuple of str
        The splits that lie so; all when empty.
    split_folders : mapping of str to str
        What ``{split}`` stands for, where it is not the split's name.
    """

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
    split_folders: Mapping[str, str] = field(default_factory=dict)

    @property
    def affixes(self) -> tuple[str, str]:
        """What stands before and behind the key in the name of a truth file."""
        return affixes_of(self.truth)

    @property
    def suffix(self) -> str:
        """The suffix of truth files: ``.png``, ``.tif``, ``.gif``, ``.xml``, ``.nii`` or ``.nii.gz``."""
        packed = next((suffix for suffix in VOLUME_SUFFIXES if self.truth.endswith(suffix)), "")
        return packed or "." + self.truth.rpartition(".")[2]

    def path(self, pattern: str, *, split: str, key: str = "NAME") -> str:
        """Return a pattern filled in; ``{city}`` is the first word of the key."""
        return pattern.format(split=self.split_folders.get(split, split), key=key, city=key.partition("_")[0])


#: Families of metrics that judge each kind of prediction.
_FAMILIES = {
    "labels": ("confusion", "instances", "contour", "trimap", "surface"),
    "levels": ("levels",),
    "membranes": ("membrane",),
    "multilabel": ("multilabel",),
    "video": ("video",),
    "volumes": ("confusion", "surface"),
    "instances": ("detection",),
}


def affixes_of(pattern: str) -> tuple[str, str]:
    """Return what stands before and behind the key in the file name of a `pattern`; nothing for an empty one."""
    before, _, behind = pattern.partition("{key}")
    return before.rpartition("/")[2], behind


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
    more_colors : mapping of color to int
        Further colours in files, and the id that each stands for.
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
    layouts : tuple of Layout
        Where the files are: the first that is found counts.
    kind : str
        What predictions hold: ``labels``, ``levels`` of probability, ``membranes``, for classes that overlap
        ``multilabel``, for numbered objects in frames ``video``, for label maps in space ``volumes``, or for detections
        in one file ``instances``.
    keys : mapping of str to tuple of str
        The images of each split that has no list: names, or beginnings of names, which end with a star.
    notes : tuple of str
        Traps and edge cases, for people.
    train_ids : mapping of int to int
        Id of each train id, where networks commonly answer in those.
    packing : str
        What the official server takes, for people.
    pack : Packing or None
        The same for programs; None where there is no server, or its form is not known.
    classes_from : str
        The protocol whose classes these are, as ``cityscapes@1``, where it is another.
    observed : bool
        Whether the classes are whatever ids truth and predictions hold; see `segbench.protocols.observed`.
    """

    name: str
    version: int
    title: str
    space: LabelSpace
    metrics: tuple[Metric[Any], ...]
    primary: str
    splits: Mapping[str, int]
    default_split: str
    layouts: tuple[Layout, ...]
    kind: Literal["labels", "levels", "membranes", "multilabel", "video", "volumes", "instances"] = "labels"
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    void_colors: Mapping[int, Color] = field(default_factory=dict)
    more_colors: Mapping[Color, int] = field(default_factory=dict)
    policies: Mapping[str, Any] = field(default_factory=dict)
    train_ids: Mapping[int, int] = field(default_factory=dict)
    packing: str = ""
    pack: Packing | None = None
    classes_from: str = ""
    observed: bool = False

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
        return {**self.more_colors, **{color: value for color, value in pairs if seen.count(color) == 1}}

    @property
    def layout(self) -> Layout:
        """The official layout."""
        return self.layouts[0]

    def layouts_of(self, split: str) -> list[Layout]:
        """Return the layouts in which a `split` may lie."""
        return [layout for layout in self.layouts if not layout.splits or split in layout.splits]

    def instance(self, name: str) -> Metric[Any]:
        """Return the protocol's own metric of a name, else the class defaults under the protocol's policies."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        return with_policies(METRICS[name](), self.policies)

    def metric(self, text: str) -> Metric[Any]:
        """Read a metric that starts from the protocol's own instance.

        Parameters
        ----------
        text : str
            ``name`` or ``name(field=value,…)``.

        Returns
        -------
        Metric
            The metric.

        Raises
        ------
        UnknownName
            When no metric has the name.
        BadParameter
            When the text is malformed, or the metric judges another kind of prediction.
        """
        metric = parse_metric(text, self.instance)
        check_kind(metric, self.kind, self.name)
        return metric

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
        # Named where they differ from what all data sets had at first, so that those keep their digests.
        if self.kind != "labels":
            content["kind"] = self.kind
        if self.observed:
            content["observed"] = True
        if self.space.regions:
            content["regions"] = [asdict(region) for region in self.space.regions]
        if self.more_colors:
            content["colors"] = sorted([*color, value] for color, value in self.more_colors.items())
        readings = [[layout.values, layout.instance_base, bool(layout.mask)] for layout in self.layouts]
        if any(reading != ["ids", 1000, False] for reading in readings):
            content["values"] = readings
        if self.keys:
            content["keys"] = {split: list(names) for split, names in self.keys.items()}
        # Where the truth is read by colours, those of void decide what is counted; elsewhere they only translate RGB.
        if self.void_colors and any(layout.values == "colors" for layout in self.layouts):
            content["void_colors"] = sorted([*color, value] for value, color in self.void_colors.items())
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def with_policies(metric: Metric[Any], policies: Mapping[str, Any]) -> Metric[Any]:
    """Return a metric with those of the policies that are fields of it."""
    names = metric.field_names()
    return replace(metric, **{k: v for k, v in policies.items() if k in names})  # type: ignore[type-var]


def check_kind(metric: Metric[Any], kind: str, protocol: str) -> None:
    """Refuse a metric that judges something else than the predictions of a protocol hold.

    Parameters
    ----------
    metric : Metric
        The metric.
    kind : str
        What predictions hold, see `Protocol`.
    protocol : str
        Name of the protocol, for the error.

    Raises
    ------
    BadParameter
        For a metric of another kind; names those that fit.
    """
    if metric.family not in _FAMILIES[kind]:
        known = [name for name in METRICS if METRICS[name].family in _FAMILIES[kind]]
        raise BadParameter(
            f"metric {metric.name} on {protocol}, whose predictions are {kind}", expected=" | ".join(known)
        )
