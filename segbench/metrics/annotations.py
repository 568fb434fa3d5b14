"""Instances of any number of images as columns: what is true, and what was detected.

Rows may come in any order; where their order means something, as for equal scores, it is that of the file.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.kernels.rle import Runs, areas, select

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]


class MaskSource(Protocol):
    """Masks that are not decoded until they are needed."""

    def take(self, rows: Integers) -> Runs:
        """Return the masks of some `rows`, in their order."""


@dataclass(frozen=True)
class Columns:
    """What truth and detections share.

    Parameters
    ----------
    images : ndarray of int64, shape (n,)
        The number of the image; images are in the order of their numbers.
    classes : ndarray of int64, shape (n,)
        Class indices.
    areas : ndarray of float64, shape (n,), optional
        What decides whether an instance is small, medium or large; None stands for the pixels of the masks.
    boxes : ndarray of float64, shape (n, 4), optional
        Left, top, width and height, in pixels.
    masks : Runs or MaskSource, optional
        The masks, run-length encoded; `take` decodes those of a source.
    """

    images: Integers
    classes: Integers
    areas: Floats | None
    boxes: Floats | None
    masks: Runs | MaskSource | None

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: Integers) -> Self:
        """Return some `rows`, in their order."""
        taken = {f.name: _taken(getattr(self, f.name), rows) for f in fields(self)}
        return replace(self, **taken)

    def without_masks(self, rows: Integers) -> Self:
        """Return some `rows` without their masks, which are slow to move."""
        return replace(self, masks=None, areas=self.sizes()).take(rows)

    @property
    def runs(self) -> Runs:
        """The masks, decoded."""
        masks = needed(self.masks, "masks")
        runs: Runs = masks if isinstance(masks, Runs) else masks.take(np.arange(len(self)))
        return runs

    def sizes(self, *, of_masks: bool = False) -> Floats:
        """Return the areas as given, or with `of_masks` the pixels of masks where there are any."""
        if self.areas is None or (of_masks and self.masks is not None):
            return areas(self.runs).astype(np.float64)
        return self.areas


@dataclass(frozen=True)
class Annotations(Columns):
    """True instances.

    Parameters
    ----------
    crowd : ndarray of bool, shape (n,)
        Regions of many instances, in which a detection is neither right nor wrong.
    ignored : ndarray of bool, shape (n,)
        What else the truth asks to leave out of the count.
    unnumbered : ndarray of bool, shape (n,)
        Instances whose id is 0, which the official tool takes for "unmatched".
    """

    crowd: Flags
    ignored: Flags
    unnumbered: Flags


@dataclass(frozen=True)
class Detections(Columns):
    """Detected instances.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        How sure the detector is, finite.
    order : ndarray of int64, shape (n,)
        Position in the file, which decides between equal scores.
    standing : ndarray of int64, shape (n,), optional
        Place of each by its score among all of its class, in all images, where the rules ask for it.
    """

    scores: Floats
    order: Integers
    standing: Integers | None = None


@dataclass(frozen=True)
class Labelled:
    """What an image says of its classes beside its instances, where only some classes are labelled (LVIS).

    Parameters
    ----------
    known : frozenset of int
        Numbers ``image * n_classes + class`` of the classes that are known to be there, or not to be there.
    incomplete : frozenset of int
        Those of the classes of which not every instance is labelled.
    """

    known: Integers
    incomplete: Integers


def _taken(column: Any, rows: Integers) -> Any:
    if column is None:
        return None
    if isinstance(column, Runs):
        return select(column, rows)
    return column[rows] if isinstance(column, np.ndarray) else column.take(rows)


def needed(column: Any, what: str) -> Any:
    """Return a column that must be there.

    Parameters
    ----------
    column : object
        The column, or None.
    what : str
        What it holds, for the error.

    Returns
    -------
    object
        The column.

    Raises
    ------
    BadParameter
        When it is None.
    """
    if column is None:
        raise BadParameter(f"instances without {what}", expected=what)
    return column
