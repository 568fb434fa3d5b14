"""The images of a split of instances: their photographs, and the masks that a truth in COCO's JSON gives them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.coco import CocoImage, CocoTruth, read_coco
from segbench.datasets.layouts import find_root
from segbench.datasets.listing import size_of
from segbench.datasets.photos import open_photograph
from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass
from segbench.kernels.rle import areas, decode
from segbench.metrics.annotations import Annotations
from segbench.protocols.categories import with_categories
from segbench.protocols.protocol import Protocol

#: Folders below the root in which a `file_name` of the JSON is looked for, in this order; the last is beside the JSON.
FOLDERS = ("{split}", "images/{split}", "images", ".", "{json}")

#: Digits of the number of an image in its key, as in the file names of COCO.
_DIGITS = 12

#: Rules of truths that do not say of each annotation if it is a crowd.
_WITHOUT_CROWDS = ("lvis", "lvis_fixed")


@dataclass
class CocoPhotos:
    """The images of a split.

    Parameters
    ----------
    protocol : Protocol
        The data set, with the categories of its truth as classes.
    split : str
        The split.
    root : Path
        Where it lies.
    coco : CocoTruth
        What is on the images.
    paths : mapping of str to str
        The photograph of each key.
    """

    protocol: Protocol
    split: str
    root: Path
    coco: CocoTruth = field(repr=False)
    paths: dict[str, str] = field(repr=False)

    @classmethod
    def open(cls, protocol: Protocol, *, split: str | None = None, data_root: Path | None = None) -> CocoPhotos:
        """Find the images of a split.

        Parameters
        ----------
        protocol : Protocol
            A data set of instances.
        split : str, optional
            The split, else the protocol's default.
        data_root : Path, optional
            Where the data set lies.

        Returns
        -------
        CocoPhotos
            At least one image.

        Raises
        ------
        BadParameter
            For a data set of another kind, or whose truth is no JSON.
        UnknownName
            For a split that it has not.
        DatasetError
            When the truth is missing or damaged, or an image has no photograph.
        """
        if protocol.kind != "instances":
            raise BadParameter(f"{protocol.name}, whose predictions are {protocol.kind}", expected="instances")
        split = protocol.check_split(split)
        root, layout = find_root(protocol, data_root, split)
        if layout.instances:
            raise BadParameter(f"{protocol.name}, whose truth are maps of instances", expected="a truth in COCO's JSON")
        path = root / layout.path(layout.truth, split=split)
        coco = read_coco(path, crowds=protocol.policies.get("rules") not in _WITHOUT_CROWDS)
        if not coco.images or not coco.categories:
            raise DatasetError("no images or no categories", expected="at least one of each", file=str(path))
        listed = [(c.id, c.name, c.frequency) for c in coco.categories]
        named = with_categories(protocol, listed, file=coco.file)
        return cls(named, split, root, coco, _found(coco, root, split))

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def keys(self) -> list[str]:
        """The numbers of the images with leading zeros, in the order of the numbers."""
        return list(self.paths)

    def size(self, key: str) -> int:
        """Return the bytes of an image, by its `key`."""
        return size_of(self.paths[key])

    @property
    def categories(self) -> tuple[int, ...]:
        """The ids of the categories, sorted."""
        return tuple(category.id for category in self.coco.categories)

    def photograph(self, key: str) -> NDArray[np.uint8]:
        """Return the pixels of an image.

        Parameters
        ----------
        key : str
            One of the keys.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
            Red, green, blue.

        Raises
        ------
        DatasetError
            When the file is missing or damaged, or not of the size that the truth says.
        """
        path, image = self.paths[key], self._image(key)
        pixels = open_photograph(path)
        if pixels.shape[:2] != (image.height, image.width):
            found = "×".join(map(str, pixels.shape[:2]))
            raise DatasetError(
                f"an image of {found} pixels", expected=f"{image.height}×{image.width} as the truth says", file=path
            )
        return pixels

    def instances(self, key: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return what is on an image, but for crowds and instances without a pixel.

        Parameters
        ----------
        key : str
            One of the keys.

        Returns
        -------
        ndarray of uint8, shape (n, height, width)
            1 within an instance; none at all where there are none.
        ndarray of int64, shape (n,)
            Ids of categories.

        Raises
        ------
        DatasetError
            When a mask is missing or damaged.
        """
        image = self._image(key)
        place = int(np.searchsorted(self.coco.ids, image.id))
        rows = self._order[self._begins[place] : self._begins[place + 1]]
        rows = rows[~self._annotations.crowd[rows]]
        if not len(rows):
            return np.zeros((0, image.height, image.width), np.uint8), np.zeros(0, np.int64)
        runs = self._annotations.take(rows).runs
        seen = np.flatnonzero(areas(runs))
        masks = np.zeros((len(seen), image.height, image.width), np.uint8)
        for mask, i in zip(masks, seen.tolist(), strict=True):
            mask[:] = decode(runs, i)
        return masks, self.coco.columns.category_ids[rows[seen]].astype(np.int64)

    def _image(self, key: str) -> CocoImage:
        return self.coco.images[int(np.searchsorted(self.coco.ids, int(key)))]

    @cached_property
    def _annotations(self) -> Annotations:
        return self.coco.annotations(self.protocol.space, masks=True, boxes=False)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """The rows of annotations, image by image, in the order of the file."""
        return np.argsort(self._annotations.images, kind="stable").astype(np.int64)

    @cached_property
    def _begins(self) -> NDArray[np.int64]:
        """Where the rows of each image begin, and where the last ones end."""
        counts = np.bincount(self._annotations.images, minlength=len(self.coco.images))
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _found(coco: CocoTruth, root: Path, split: str) -> dict[str, str]:
    """Return the photograph of each image by its key."""
    beside = os.path.dirname(coco.file)
    folders = [os.path.normpath(os.path.join(root, text.format(split=split, json=beside))) for text in FOLDERS]
    width = max(_DIGITS, *(len(str(image.id)) for image in coco.images))
    paths: dict[str, str] = {}
    missing: list[str] = []
    for image in coco.images:
        name = _safe(image, coco.file)
        path = next((path for path in _places(folders, name) if os.path.isfile(path)), None)
        if path is None:
            missing.append(name)
        else:
            paths[f"{image.id:0{width}d}"] = path
    if missing:
        tried = ", ".join(dict.fromkeys(os.path.relpath(folder, root) for folder in folders))
        raise DatasetError(
            f"no photograph {missing[0]!r}", expected=f"it in one of {tried}", file=str(root), count=len(missing)
        )
    return paths


def _places(folders: list[str], name: str) -> Iterator[str]:
    return (os.path.join(folder, name) for folder in folders)


def _safe(image: CocoImage, file: str) -> str:
    """Return the file name of an image, which may lead nowhere but down."""
    name = image.file_name
    parts = name.replace("\\", "/").split("/")
    if not name or "\0" in name or os.path.isabs(name) or not parts[0] or ".." in parts or ":" in parts[0]:
        raise DatasetError(
            f"image {image.id} with the file_name {name!r}", expected="a path below the data set, without ..", file=file
        )
    return name
