"""The images of a split that are to be predicted, with or without a truth beside them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.listing import size_of
from segbench.datasets.photos import open_photograph, photo_path
from segbench.datasets.pictures import open_pictures
from segbench.datasets.truth import TruthSet, open_truth
from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass
from segbench.protocols.protocol import Protocol

#: Kinds of predictions that are one map an image.
KINDS = ("labels", "levels", "membranes")


@dataclass(frozen=True)
class Images:
    """The images of a split.

    Parameters
    ----------
    truth : TruthSet
        Where they lie.
    has_truth : bool
        Whether their truth is on disk; without it they can be predicted, though not scored.
    """

    truth: TruthSet
    has_truth: bool = True

    @classmethod
    def open(cls, protocol: Protocol, *, split: str | None = None, data_root: Path | None = None) -> Images:
        """Find the images of a split.

        Parameters
        ----------
        protocol : Protocol
            A data set whose predictions are one map an image.
        split : str, optional
            The split, else the protocol's default.
        data_root : Path, optional
            Where the data set lies.

        Returns
        -------
        Images
            At least one.

        Raises
        ------
        BadParameter
            For a data set of another kind.
        UnknownName
            For a split that it has not.
        DatasetError
            When it is not there, or an image is not.
        """
        if protocol.kind not in KINDS:
            raise BadParameter(f"{protocol.name}, whose predictions are {protocol.kind}", expected=" or ".join(KINDS))
        found = _opened(protocol, _checked(protocol, split), data_root)
        for key in found.keys:
            if found.path(key) is None:
                where = found.truth.layout.images or "images"
                raise DatasetError(f"no image of {key}", expected=where, file=str(found.truth.root))
        return found

    @property
    def keys(self) -> list[str]:
        """The names of the images, sorted."""
        return self.truth.keys

    @property
    def split(self) -> str:
        """Name of the split."""
        return self.truth.split

    def size(self, key: str) -> int:
        """Return the bytes of an image, by its `key`."""
        return size_of(self.path(key))

    def path(self, key: str) -> str | None:
        """Return the file of an image; None where there is none."""
        if self.has_truth:
            return photo_path(self.truth, key)
        path = self.truth.path(key)
        return path if os.path.isfile(path) else None

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
            When the file is missing or damaged.
        """
        path = self.path(key)
        if path is None:
            raise DatasetError(f"no image of {key}", file=str(self.truth.root))
        return open_photograph(path)


def _checked(protocol: Protocol, split: str | None) -> str:
    if protocol.pack is not None and split == protocol.pack.split:
        return protocol.pack.split
    return protocol.check_split(split)


def _opened(protocol: Protocol, split: str, data_root: Path | None) -> Images:
    """Open a split with its truth, or without where only its images are there."""
    try:
        if split not in protocol.splits:
            raise DatasetError(f"no truth of {split}", expected=" | ".join(protocol.splits))
        found = Images(open_truth(protocol, split=split, data_root=data_root))
        if any(os.path.exists(found.truth.path(key)) for key in found.keys):
            return found
        raise DatasetError(f"no truth of {split}", file=str(found.truth.root))
    except DatasetError as missing:
        try:
            return Images(open_pictures(protocol, split=split, data_root=data_root), has_truth=False)
        except DatasetError:
            raise missing from None
