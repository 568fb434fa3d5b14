"""Volumes that were predicted slice by slice (2.5-D): PNG label maps, put together along an axis of the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.images import decode_labels, read_header
from segbench.errors import MissingPrediction, SegbenchError, ShapeMismatch

Labels: TypeAlias = NDArray[np.integer[Any]]
Shape: TypeAlias = tuple[int, ...]

#: Slices that are put into a volume at once: their bytes along the last axis fill a line of the cache.
_AT_ONCE = 64

#: Numbers of missing slices that a message lists.
_SHOWN = 10


def in_order(files: Mapping[int, str], shape: Shape, axis: int) -> list[str]:
    """Return the files of all slices of a volume.

    Parameters
    ----------
    files : mapping of int to str
        The files by number.
    shape : tuple of int
        Of the truth.
    axis : int
        The axis of its array along which the slices lie.

    Returns
    -------
    list of str
        From the first slice to the last. Numbers begin with 0 where there is a file 0, else with 1.

    Raises
    ------
    ShapeMismatch
        When there are numbers beyond the last slice; names the first such file.
    MissingPrediction
        When numbers are missing; lists them.
    """
    n, first = shape[axis], 0 if 0 in files else 1
    expected = f"0 to {n - 1} or 1 to {n}: axis {axis} of the truth is {n} long"
    beyond = [i for i in sorted(files) if i >= first + n]
    if beyond:
        wanted = f"slices {expected}"
        raise ShapeMismatch(
            f"slice {beyond[0]}{' of numbers from 1' * first}",
            expected=wanted,
            mend=_other_axis(len(files), shape, axis),
            file=files[beyond[0]],
            count=len(beyond),
        )
    missing = [i for i in range(first, first + n) if i not in files]
    if missing:
        listed = ", ".join(map(str, missing[:_SHOWN])) + ", …" * (len(missing) > _SHOWN)
        raise MissingPrediction(
            f"no slice {listed} ({len(missing)} of {n} missing)",
            expected=f"slices {expected}",
            mend=_other_axis(len(files), shape, axis),
            count=len(missing),
        )
    return [files[i] for i in range(first, first + n)]


def _other_axis(count: int, shape: Shape, axis: int) -> str:
    others = [i for i in range(3) if i != axis and shape[i] == count]
    return f"slices along axis {others[0]}? score them with slices(axis={others[0]})" if others else ""


def check_slices(heads: Iterable[bytes], files: Sequence[str], shape: Shape, axis: int) -> None:
    """Compare the sizes of slices with the truth by their first bytes.

    Parameters
    ----------
    heads : iterable of bytes
        The first bytes of each.
    files : sequence of str
        Their names.
    shape, axis
        As for `in_order`.

    Raises
    ------
    UnreadableImage
        When one is no PNG that can hold labels.
    ShapeMismatch
        When one has another size.
    """
    for head, file in zip(heads, files, strict=True):
        try:
            header = read_header(head)
            _check_size((header.height, header.width), shape, axis)
        except SegbenchError as error:
            raise error.about(file) from None


def _check_size(size: Shape, shape: Shape, axis: int) -> None:
    rows, columns = (i for i in range(3) if i != axis)
    wanted = (shape[rows], shape[columns])
    if size != wanted:
        raise ShapeMismatch(
            f"{size[0]}×{size[1]} pixels (rows × columns)",
            expected=f"{wanted[0]}×{wanted[1]}: rows along axis {rows} of the truth, columns along axis {columns}",
            mend="transposed? save labels.T" if size == wanted[::-1] else "",
        )


def restacked(
    read: Callable[[str], bytes],
    files: Sequence[str],
    shape: Shape,
    axis: int,
    check: Callable[[Labels], object] = len,
) -> Labels:
    """Put slices together to a volume.

    Parameters
    ----------
    read : callable
        Returns the bytes of a file.
    files : sequence of str
        The slices in order.
    shape, axis
        As for `in_order`.
    check : callable, optional
        Called with each slice; raises where its labels are not in order.

    Returns
    -------
    ndarray of int, shape `shape`
        The labels, of 8 bits where no slice has more: grey values or indices of a palette. Rows and columns of a slice
        are the two other axes, in the order of the array.

    Raises
    ------
    UnreadableImage
        When a slice is damaged, or RGB.
    ShapeMismatch
        When it has another size.
    """
    volume: Labels = np.empty(shape, np.uint8)
    for start in range(0, len(files), _AT_ONCE):
        planes = []
        for file in files[start : start + _AT_ONCE]:
            try:
                planes.append(_plane(read(file), shape, axis))
                check(planes[-1])
            except SegbenchError as error:
                raise error.about(file) from None
        block = np.stack(planes, axis)
        if block.dtype != volume.dtype:
            volume = volume.astype(np.result_type(block, volume), copy=False)
        volume[(slice(None),) * axis + (slice(start, start + len(planes)),)] = block
    return volume


def _plane(data: bytes, shape: Shape, axis: int) -> Labels:
    # The size first: nothing larger is unpacked.
    header = read_header(data)
    _check_size((header.height, header.width), shape, axis)
    return decode_labels(data, {})
