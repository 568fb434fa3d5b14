"""Instances of PASCAL VOC: a map of classes and a map of objects for each image of a split."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np

from segbench.datasets.coco import CocoCategory, class_rows
from segbench.datasets.files import as_dataset_error, read_truth
from segbench.datasets.images import decode_labels
from segbench.datasets.layouts import split_keys
from segbench.errors import DatasetError, SubmissionError
from segbench.frozen import dataclass
from segbench.kernels.arrays import Labels
from segbench.kernels.rle import Runs, areas, concatenate, from_masks
from segbench.kernels.rle import boxes as boxes_of
from segbench.labels import LabelSpace
from segbench.metrics.annotations import Annotations, Integers, Labelled
from segbench.protocols.protocol import Layout, Protocol

#: What is no object: between objects, and where nobody drew any.
_NO_OBJECT = (0, 255)


@dataclass(frozen=True)
class VocTruth:
    """The objects of a split.

    Parameters
    ----------
    file : str
        The folder.
    ids : ndarray of int64, shape (n_images,)
        The number of each image, ascending: the digits of its name, as 2007000033 of 2007_000033.
    sizes : ndarray of int64, shape (n_images, 2)
        Height and width of each image.
    images : ndarray of int64, shape (n,)
        The place of the image of each object among the ids.
    labels : ndarray of int64, shape (n,)
        The class id of each object.
    runs : Runs
        Their masks.
    """

    file: str
    ids: Integers
    sizes: Integers
    images: Integers
    labels: Integers
    runs: Runs

    @property
    def categories(self) -> tuple[CocoCategory, ...]:
        """The truth names no categories: its protocol does."""
        return ()

    @property
    def n_reaching_out(self) -> int:
        """No object: a map has no pixel beyond its image."""
        return 0

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the content of the truth."""
        digest = hashlib.sha256()
        columns = (self.ids, self.sizes, self.images, self.labels, self.runs.counts, self.runs.offsets)
        for column in columns:
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def annotations(self, space: LabelSpace, *, masks: bool, boxes: bool) -> Annotations:
        """Return the true instances; see `CocoTruth.annotations`. Boxes are those of the masks."""
        nothing = np.zeros(len(self.images), np.bool_)
        return Annotations(
            images=self.images,
            classes=class_rows(self.labels, space),
            areas=areas(self.runs).astype(np.float64),
            boxes=boxes_of(self.runs) if boxes else None,
            masks=self.runs if masks else None,
            crowd=nothing,
            ignored=nothing,
            unnumbered=nothing,
        )

    def labelled(self, space: LabelSpace) -> Labelled:
        """Return that nothing is known of classes that are not there."""
        there = np.unique(self.images * len(space.evaluated) + class_rows(self.labels, space))
        return Labelled(there, np.zeros(0, np.int64))


def read_voc(protocol: Protocol, layout: Layout, root: Path, split: str) -> VocTruth:
    """Read the objects of a split.

    Parameters
    ----------
    protocol : Protocol
        Names the classes.
    layout : Layout
        Where the maps of classes (`truth`) and of objects (`instances`) lie.
    root : Path
        The folder in which the layout begins.
    split : str
        Name of the split.

    Returns
    -------
    VocTruth
        The objects.

    Raises
    ------
    DatasetError
        When a list or map is missing or damaged, an object has two classes or none, or a name has no digits.
    """
    keys = split_keys(protocol, layout, root, split)
    numbered = sorted((_number(key, root), key) for key in keys)
    classes = {c.id for c in protocol.space.classes}
    sizes: list[tuple[int, ...]] = []
    images: list[int] = []
    labels: list[int] = []
    parts: list[Runs] = []
    for place, (_, key) in enumerate(numbered):
        paths = [str(root / layout.path(pattern, split=split, key=key)) for pattern in (layout.truth, layout.instances)]
        of_classes, of_objects = (_map(path, protocol) for path in paths)
        if of_classes.shape != of_objects.shape:
            raise DatasetError("maps of classes and objects of two sizes", expected="one size", file=paths[1])
        sizes.append(of_classes.shape)
        masks = []
        for value in np.unique(of_objects).tolist():
            if value in _NO_OBJECT:
                continue
            mask = of_objects == value
            labels.append(_class_of(of_classes[mask], value, classes, paths[1]))
            images.append(place)
            masks.append(mask)
        parts.append(from_masks(masks))
    ids = np.array([number for number, _ in numbered], np.int64)
    return VocTruth(
        str(root),
        ids,
        np.array(sizes, np.int64).reshape(-1, 2),
        np.array(images, np.int64),
        np.array(labels, np.int64),
        concatenate(parts),
    )


def _number(key: str, root: Path) -> int:
    digits = "".join(filter(str.isdigit, key))
    if not digits or len(digits) > 15:
        raise DatasetError(f"an image named {key!r}", expected="a name with digits, as 2007_000033", file=str(root))
    return int(digits)


def _map(path: str, protocol: Protocol) -> Labels:
    try:
        return decode_labels(read_truth(path), protocol.colors)
    except (SubmissionError, DatasetError) as error:
        raise as_dataset_error(error).about(path) from None


def _class_of(values: Labels, number: int, classes: set[int], path: str) -> int:
    """Return the class of an object; its border may be void in the map of classes."""
    found = [value for value in np.unique(values).tolist() if value in classes]
    if len(found) != 1:
        raise DatasetError(f"object {number} of the classes {found}", expected="one class an object", file=path)
    return int(found[0])
