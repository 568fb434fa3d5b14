"""Masks as bits, the places of their surfaces on a lattice, and distances between two sets of places.

What `segbench.kernels.surface` and `segbench.kernels.surfels` share. Images are volumes of one slice here. Only the
least box around a mask is packed, and each mask has a box of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import KernelsNotBuilt
from segbench.kernels.structures import Mask

try:
    import segbench.kernels._surface as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error

Bits: TypeAlias = NDArray[np.uint64]
Lengths: TypeAlias = NDArray[np.float64]
#: For three axes, the square of how far any number of steps leads.
Costs: TypeAlias = tuple[Lengths, Lengths, Lengths]


@dataclass(frozen=True)
class Packed:
    """The least box around a mask, as bits.

    Parameters
    ----------
    box : tuple of slice
        Where it is, along three axes.
    flat : bool
        Whether it is an image, which has nothing before and behind it.
    bits : ndarray of uint64, shape (slices, rows, words)
        Its pixels, 64 columns in a word, the first the lowest bit.
    """

    box: tuple[slice, ...]
    flat: bool
    bits: Bits

    @property
    def shape(self) -> tuple[int, ...]:
        """How many pixels it has along three axes."""
        return tuple(side.stop - side.start for side in self.box)

    def inside(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the part of an `array` of the shape of the mask that the box holds, with three axes."""
        return _volume(array)[self.box]


@dataclass(frozen=True)
class Places:
    """Places of a surface: pixels, or corners of the pixel lattice, of which corner i stands before pixel i.

    Parameters
    ----------
    begin : tuple of int
        Where the bits begin, along three axes.
    n : int
        How many places there are.
    bits : ndarray of uint64, shape (slices, rows, words)
        The places.
    tree : ndarray of uint64
        The same memory, with room behind it for what speeds up the search.
    """

    begin: tuple[int, ...]
    n: int
    bits: Bits
    tree: Bits


def pack(mask: Mask) -> Packed | None:
    """Return the bits of a `mask` of bytes, an image or a volume with any strides; None if it is empty."""
    volume = _volume(mask)
    box = _box(volume)
    if box is None:
        return None
    pixels = volume[box]
    bits = np.empty((*pixels.shape[:2], _words(pixels.shape[2])), np.uint64)
    _loops.pack(pixels, bits)
    return Packed(box, mask.ndim == 2, bits)


def surface_of(packed: Packed) -> Places:
    """Return the surface pixels of `packed` bits."""
    slices, rows, columns = packed.shape
    return _places(packed, (slices, rows, _words(columns)), corners=False)


def corners_of(packed: Packed) -> Places:
    """Return the corners of the lattice of `packed` bits with pixels of both kinds around them."""
    slices, rows, columns = packed.shape
    return _places(packed, (slices if packed.flat else slices + 1, rows + 1, _words(columns + 1)), corners=True)


def unpack(places: Places, marks: NDArray[np.bool_]) -> None:
    """Set the `places` to True in `marks`, which hold the box that they are in."""
    _loops.unpack(places.bits, marks.view(np.uint8))


def distances(places: Places | None, others: Places | None, costs: Costs) -> Lengths:
    """Return how far each of the `places`, in C order, is from the `others` by `costs` of steps; None is no place."""
    if places is None:
        return np.empty(0)
    if others is None:
        return np.full(places.n, np.inf)
    found = np.empty(places.n)
    begin = np.subtract(places.begin, others.begin, dtype=np.int64)
    _loops.measure(places.bits, begin, others.tree, others.bits.shape, *costs, found)
    return found


def sizes(packed: Packed | None, corners: Places | None, table: Lengths) -> Lengths:
    """Return what a `table` says of each of the `corners` of `packed` bits, in C order; see `surfel_sizes`."""
    if packed is None or corners is None:
        return np.empty(0)
    found = np.empty(corners.n)
    _loops.read_sizes(packed.bits, packed.flat, corners.bits, table, found)
    return found


def step_costs(shape: Sequence[int], spacing: Sequence[float]) -> Costs:
    """Return the squares of how far steps of a `spacing` lead along three axes, up to one more than `shape` has."""
    lines = [np.square(np.arange(n + 2) * step) for n, step in zip(shape, spacing, strict=True)]
    # An image is never left: any cost but 0 does for a step.
    slices, rows, columns = lines if len(lines) == 3 else (np.arange(3.0), *lines)
    return slices, rows, columns


def _box(volume: Mask) -> tuple[slice, ...] | None:
    """Return where the pixels of a mask are, which is read in the order of its memory."""
    axes = sorted(range(3), key=lambda axis: -abs(volume.strides[axis]))
    ends = np.empty((3, 2), np.int64)
    _loops.find_box(volume.transpose(axes), ends)
    ends[axes] = ends.copy()
    return tuple(slice(*end) for end in ends.tolist()) if ends[0, 1] else None


def _places(packed: Packed, shape: tuple[int, int, int], *, corners: bool) -> Places:
    tree = np.empty(_loops.tree_words(*shape), np.uint64)
    bits = tree[: shape[0] * shape[1] * shape[2]].reshape(shape)
    n = _loops.mark(packed.bits, packed.flat, corners, bits)
    return Places(tuple(side.start for side in packed.box), n, bits, tree)


def _volume(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.ndim == 3 else array[None]


def _words(columns: int) -> int:
    return -(-columns // 64)
