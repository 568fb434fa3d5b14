"""What an evaluation compares: the true instances and the detections of some images, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import ShapeMismatch
from segbench.frozen import dataclass
from segbench.kernels.rle import Runs, select

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Parameters
    ----------
    images : sequence
        Ids of images, in order.
    categories : sequence
        Ids of categories, in order.
    pooled : bool
        Whether all categories are one class.
    iou_type : {'segm', 'bbox', 'boundary'}
        What overlaps.
    """

    images: Sequence[Any]
    categories: Sequence[Any]
    pooled: bool
    iou_type: str


@dataclass(frozen=True)
class Rows:
    """What true instances and detections share.

    Parameters
    ----------
    ids : ndarray of int64, shape (n,)
        Their ids.
    images, classes : ndarray of int64, shape (n,)
        Their places among those that are wanted.
    areas : ndarray of float64, shape (n,)
        In pixels.
    boxes : ndarray of float64, shape (n, 4), optional
        Left, top, width and height, where boxes are compared.
    masks : Runs, optional
        The masks, where masks are compared.
    """

    ids: Integers
    images: Integers
    classes: Integers
    areas: Floats
    boxes: Floats | None
    masks: Runs | None

    def take(self, rows: Integers) -> Self:
        """Return some `rows`, in their order."""
        taken: dict[str, Any] = {field.name: _taken(getattr(self, field.name), rows) for field in fields(self)}
        return replace(self, **taken)


@dataclass(frozen=True)
class TrueRows(Rows):
    """True instances.

    Parameters
    ----------
    crowd : ndarray of bool, shape (n,)
        Regions of many instances.
    ignored : ndarray of bool, shape (n,)
        What does not count, whatever its area.
    """

    crowd: Flags
    ignored: Flags


@dataclass(frozen=True)
class FoundRows(Rows):
    """Detections.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        How sure each is.
    """

    scores: Floats


def refuse_sizes(truth: TrueRows, found: FoundRows) -> None:
    """Refuse masks of one image that differ in size.

    Parameters
    ----------
    truth : TrueRows
        The true instances.
    found : FoundRows
        The detections.

    Raises
    ------
    ShapeMismatch
        For the first detection of another size than a true instance of its image.
    """
    if truth.masks is None or found.masks is None or not len(truth.ids):
        return
    first = np.full((int(max(truth.images.max(), found.images.max(initial=0))) + 1, 3), -1, np.int64)
    own = np.stack([truth.masks.heights, truth.masks.widths, truth.ids], axis=1)
    first[truth.images[::-1]] = own[::-1]
    expected = first[found.images]
    heights, widths = found.masks.heights, found.masks.widths
    wrong = (expected[:, 0] >= 0) & ((expected[:, 0] != heights) | (expected[:, 1] != widths))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ShapeMismatch(
            f"detection id {found.ids[i]}: a mask of size [{heights[i]}, {widths[i]}]",
            expected=f"[{expected[i, 0]}, {expected[i, 1]}], as annotation id {expected[i, 2]} of its image",
            mend="height comes first" if expected[i, :2].tolist() == [widths[i], heights[i]] else "",
            count=int(wrong.sum()),
        )


def _taken(values: Any, rows: Integers) -> Any:
    if values is None:
        return None
    return select(values, rows) if isinstance(values, Runs) else values[rows]
