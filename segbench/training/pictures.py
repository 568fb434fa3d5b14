"""Images of a data set with their truth, as what models learn from."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.listing import size_of
from segbench.datasets.maps import truth_map
from segbench.datasets.photos import open_photograph, photo_path
from segbench.datasets.truth import TruthSet, open_truth
from segbench.encoding import Encoding
from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass
from segbench.metrics.confusion import stray_error
from segbench.protocols.protocol import Protocol

#: What stands for void among indices of classes, as in losses.
VOID = -1

#: Bytes of decoded images that are kept.
_KEPT = 512 << 20

#: Kinds of protocols whose truth is one class a pixel.
KINDS = ("labels", "levels", "membranes")


@dataclass(frozen=True)
class Picture:
    """An image and what is on it.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        Red, green, blue.
    truth : ndarray of int16, shape (height, width)
        Indices of classes, `VOID` where nothing counts.
    """

    image: NDArray[np.uint8]
    truth: NDArray[np.int16]


@dataclass
class Pictures:
    """The images of a split.

    Parameters
    ----------
    truth : TruthSet
        Where they lie.
    """

    truth: TruthSet
    _kept: dict[str, Picture] = field(default_factory=dict, init=False, repr=False)
    _bytes: int = field(default=0, init=False, repr=False)

    @classmethod
    def open(cls, protocol: Protocol, *, split: str, data_root: Path | None = None) -> Pictures:
        """Find the images of a split.

        Parameters
        ----------
        protocol : Protocol
            A data set with one class a pixel.
        split : str
            The split.
        data_root : Path, optional
            Where the data set lies.

        Returns
        -------
        Pictures
            At least one image.

        Raises
        ------
        BadParameter
            For a data set of another kind.
        DatasetError
            When it is not there, or an image has no photograph.
        """
        if protocol.kind not in KINDS:
            raise BadParameter(f"{protocol.name}, whose predictions are {protocol.kind}", expected=" or ".join(KINDS))
        truth = open_truth(protocol, split=split, data_root=data_root)
        for key in truth.keys:
            if photo_path(truth, key) is None:
                raise DatasetError(f"no image of {key}", expected=truth.layout.images or "images", file=str(truth.root))
        return cls(truth)

    def __len__(self) -> int:
        return len(self.truth.keys)

    @property
    def is_of_one_size(self) -> bool:
        """Whether the images of a batch have to be of one size."""
        return True

    @property
    def classes(self) -> int:
        """How many classes a model of them has."""
        return len(self.truth.protocol.space.evaluated)

    @property
    def keys(self) -> list[str]:
        """The names of the images, sorted."""
        return self.truth.keys

    def size(self, key: str) -> int:
        """Return the bytes of an image and of its truth, by its `key`."""
        return size_of(photo_path(self.truth, key), self.truth.path(key))

    def read(self, key: str) -> Picture:
        """Return an image by its `key`; the last few hundred megabytes are kept."""
        found = self._kept.get(key)
        if found is None:
            found = self._read(key)
            size = found.image.nbytes + found.truth.nbytes
            if self._bytes + size <= _KEPT:
                self._kept[key] = found
                self._bytes += size
        return found

    def photograph(self, key: str) -> NDArray[np.uint8]:
        """Return the pixels of an image, shape (height, width, 3); see `open` for what is raised."""
        path = photo_path(self.truth, key)
        assert path is not None, "looked for when the split was opened"
        return open_photograph(path)

    def _read(self, key: str) -> Picture:
        image = self.photograph(key)
        space = self.truth.protocol.space
        encoding, n = Encoding(space), len(space.evaluated)
        labels = np.asarray(truth_map(self.truth, key))
        if labels.shape != image.shape[:2]:
            sizes = " and ".join(f"{rows}×{columns}" for rows, columns in (image.shape[:2], labels.shape))
            raise DatasetError(f"image and truth of {sizes} pixels", expected="one size", file=self.truth.path(key))
        places = labels.astype(np.int64) - encoding.low
        is_known = (places >= 0) & (places < len(encoding.codes))
        codes = np.where(is_known, encoding.codes[np.where(is_known, places, 0)], encoding.n_codes)
        if ((codes < 0) | (codes == encoding.n_codes)).any():
            raise stray_error(DatasetError, labels, encoding, "truth").about(self.truth.path(key))
        return Picture(image, np.where(codes < n, codes, VOID).astype(np.int16))
