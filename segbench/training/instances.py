"""Images with instances on them, as models learn from them that find instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.cocophotos import CocoPhotos
from segbench.datasets.listing import size_of
from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.protocols.protocol import Protocol
from segbench.training.pictures import Picture

#: Classes of a net whose labels are the ids of COCO's categories, and the data set that has them.
_COCO_CLASSES, _COCO = 91, "coco-instances"


@dataclass(frozen=True)
class InstancePicture(Picture):
    """An image and the instances on it.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        Red, green, blue.
    truth : ndarray of int16, shape (height, width, n)
        1 within an instance, 0 elsewhere; rows and columns come first, so that what changes label maps changes masks.
    labels : ndarray of int64, shape (n,)
        What the net calls each instance, from 1: 0 is the background.
    """

    labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass
class InstancePictures:
    """The images of a split.

    Parameters
    ----------
    truth : CocoPhotos
        Where they lie, and what is on them.
    classes : int
        Classes of the net, with the background.
    categories : tuple of int
        The category of each label, from label 1 on; empty where labels are the ids of categories.
    """

    truth: CocoPhotos
    classes: int
    categories: tuple[int, ...]

    @classmethod
    def open(
        cls, protocol: Protocol, *, split: str, data_root: Path | None = None, classes: int | None = None
    ) -> InstancePictures:
        """Find the images of a split.

        Parameters
        ----------
        protocol : Protocol
            A data set of instances.
        split : str
            The split.
        data_root : Path, optional
            Where the data set lies.
        classes : int, optional
            Classes of the net, else those of the data set and the background.

        Returns
        -------
        InstancePictures
            At least one image.

        Raises
        ------
        BadParameter
            When the net has another number of classes than the data set and the background; 91, whose labels are ids,
            are right for COCO, too.
        UsageError, DatasetError
            As of `CocoPhotos.open`.
        """
        photos = CocoPhotos.open(protocol, split=split, data_root=data_root)
        categories = photos.categories
        wanted = len(categories) + 1
        if classes == _COCO_CLASSES and protocol.name == _COCO:
            return cls(photos, classes, ())
        if classes not in (None, wanted):
            raise BadParameter(
                f"classes = {classes} for {protocol.name}, {split}, of {len(categories)} categories",
                expected=f"{wanted}, with the background",
                mend="leave the option `classes` out",
            )
        return cls(photos, wanted, categories)

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def keys(self) -> list[str]:
        """The names of the images, sorted."""
        return self.truth.keys

    @property
    def is_of_one_size(self) -> bool:
        """Whether the images of a batch have to be of one size; these come as a list."""
        return False

    def size(self, key: str) -> int:
        """Return the bytes of an image, by its `key`, and of the truth of all of them."""
        return size_of(self.truth.paths[key], self.truth.coco.file)

    def read(self, key: str) -> InstancePicture:
        """Return an image by its `key`: without crowds and empty masks, and maybe without any instance."""
        masks, ids = self.truth.instances(key)
        labels = np.array([self._labels[number] for number in ids.tolist()], np.int64)
        return InstancePicture(self.truth.photograph(key), np.moveaxis(masks, 0, -1).astype(np.int16), labels)

    @cached_property
    def _labels(self) -> Mapping[int, int]:
        """The label of each category."""
        if self.categories:
            return {number: label for label, number in enumerate(self.categories, 1)}
        return {number: number for number in self.truth.categories}


def target_of(picture: InstancePicture) -> dict[str, NDArray[Any]]:
    """Return what a net of torchvision learns from a picture.

    Parameters
    ----------
    picture : InstancePicture
        The picture; instances that have lost all their pixels as it was made smaller are left out.

    Returns
    -------
    dict of str to ndarray
        ``boxes``, float32 of shape (n, 4): left, top, right and bottom, the last two exclusive, so that none is empty;
        ``labels``, int64 of shape (n,); ``masks``, uint8 of shape (n, height, width).
    """
    is_seen = picture.truth.any(axis=(0, 1))
    masks = np.ascontiguousarray(np.moveaxis(picture.truth, -1, 0)[is_seen].astype(np.uint8))
    sides = [(*_span(mask.any(axis=0)), *_span(mask.any(axis=1))) for mask in masks]
    boxes = np.array([(left, top, right, bottom) for left, right, top, bottom in sides], np.float32).reshape(-1, 4)
    return {"boxes": boxes, "labels": np.array(picture.labels[is_seen]), "masks": masks}


def _span(is_in: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the first place that is in, and the one behind the last."""
    places = np.flatnonzero(is_in)
    return int(places[0]), int(places[-1]) + 1
