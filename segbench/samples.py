"""One image's truth and prediction on their way into a count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass

Key: TypeAlias = tuple[str, ...]

#: Rows of a strip: a few megabytes of the widest tiles.
_ROWS = 256


@dataclass(frozen=True)
class Place:
    """Where a frame stands in its video.

    Parameters
    ----------
    index : int
        Its position, from 0.
    count : int
        How many frames the video has.
    n_objects : int
        How many objects the first of them has.
    first : object, optional
        The truth of the first of them, for metrics that compare it with the second; only the second has it.
    """

    index: int
    count: int
    n_objects: int
    first: Any = field(default=None, compare=False)


@dataclass(frozen=True)
class Sample:
    """What a tally counts.

    Parameters
    ----------
    key : tuple of str
        Identity of the image: its name, or sequence, frame and object where a data set has them.
    truth, prediction : object
        For label maps arrays of raw file values, shape (height, width) or (depth, height, width), or `Strips` of an
        image too large to be decoded whole. A prediction that is missing is None.
    instances : array, optional
        Map of instance ids of the truth, for metrics that ask for it.
    place : Place, optional
        For a frame of a video, where it stands there.
    spacing : tuple of float, optional
        How far pixels lie apart along each axis, in mm; None where that is not known.
    """

    key: Key
    truth: Any
    prediction: Any
    instances: Any = None
    place: Place | None = None
    spacing: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Strips:
    """A label map that is decoded some rows at a time.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    read : callable
        Returns the rows from a first to before a last one, an array of shape (rows, columns).
    """

    shape: tuple[int, int]
    read: Callable[[int, int], NDArray[Any]]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for start in range(0, self.shape[0], _ROWS):
            yield self.read(start, min(start + _ROWS, self.shape[0]))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the whole map, for what needs it in one piece."""
        return np.asarray(self.read(0, self.shape[0]), dtype)
