"""Probabilities of several networks, averaged voxel by voxel, and the most likely class of each voxel.

The files of all views are unpacked side by side, class after class, so that no volume of probabilities is ever whole in
memory: a voxel costs the largest mean so far and its class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.nifti import Nifti
from segbench.datasets.streams import BLOCK, DamagedStream, gzip_stream, unpacked
from segbench.errors import SegbenchError, UnreadableImage
from segbench.frozen import dataclass

Labels: TypeAlias = NDArray[np.integer[Any]]

#: Voxels that are averaged at once.
_VOXELS = 1 << 17

#: How far beyond 0 and 1 rounding may carry a probability; that of 16 bits does so by half of this.
_ROUNDING = 1e-3

#: Bytes behind the voxels that are passed over.
_SLACK = 1 << 16

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class View:
    """The probabilities of one network.

    Parameters
    ----------
    file : str
        Their file, for messages.
    volume : Nifti
        Its header and bytes.
    """

    file: str
    volume: Nifti


def most_likely(views: Sequence[View], ids: Sequence[int]) -> Labels:
    """Return the class whose mean probability is the largest.

    Parameters
    ----------
    views : sequence of View
        At least one; all of one shape, with a layer for each class.
    ids : sequence of int
        The id of each layer.

    Returns
    -------
    ndarray of int, shape (x, y, z)
        In each voxel the id of the first layer of those with the largest mean. Probabilities are added in float64, in
        the order of the views.

    Raises
    ------
    UnreadableImage
        When a file is cut or damaged, or holds what is no probability.
    """
    shape = views[0].volume.grid.shape
    n = math.prod(shape)
    streams = [_Values(view) for view in views]
    largest = np.full(n, -np.inf)
    layers = np.zeros(n, np.uint16)
    for layer in range(len(ids)):
        for start in range(0, n, _VOXELS):
            part = slice(start, min(start + _VOXELS, n))
            total = streams[0].take(part.stop - start)
            for stream in streams[1:]:
                total += stream.take(part.stop - start)
            larger = total > largest[part]
            layers[part][larger] = layer
            np.maximum(total, largest[part], out=largest[part])
    for stream in streams:
        stream.finish()
    narrow = np.result_type(np.min_scalar_type(min(ids)), np.min_scalar_type(max(ids)))
    labels: Labels = np.asarray(ids, narrow)[layers].reshape(shape, order="F")
    return labels


class _Values:
    """The values of a file, some at a time, in the order in which they are stored."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._blocks = _blocks(view.volume.data)
        self._rest = b""
        self._bytes(view.volume.offset)

    def take(self, count: int) -> NDArray[np.float64]:
        """Return the next probabilities."""
        volume = self._view.volume
        stored = np.frombuffer(self._bytes(count * volume.dtype.itemsize), volume.dtype)
        values = stored.astype(np.float64)
        if (volume.slope, volume.intercept) != (1.0, 0.0):
            values = values * volume.slope + volume.intercept
        # Written so that what is no number is refused too.
        if not (values.min() >= -_ROUNDING and values.max() <= 1 + _ROUNDING):
            first = values[~((values >= -_ROUNDING) & (values <= 1 + _ROUNDING))][0]
            raise UnreadableImage(
                f"a value of {first:.4g}",
                expected="probabilities from 0 to 1",
                mend="of logits take the softmax",
                file=self._view.file,
            )
        return values

    def finish(self) -> None:
        """Read to the end, and refuse a file that goes on behind its values."""
        behind = len(self._rest)
        while behind <= _SLACK and (block := self._next()):
            behind += len(block)
        if behind > _SLACK:
            raise UnreadableImage("more bytes than its header says", expected="nothing more", file=self._view.file)

    def _bytes(self, size: int) -> bytes:
        parts, have = [self._rest], len(self._rest)
        while have < size:
            block = self._next()
            if not block:
                raise self._cut("ends too early")
            parts.append(block)
            have += len(block)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]

    def _next(self) -> bytes:
        try:
            return next(self._blocks, b"")
        except DamagedStream as error:
            raise self._cut(str(error)) from None

    def _cut(self, how: str) -> SegbenchError:
        found = f"a file that {how}"
        return UnreadableImage(found, expected="a whole .nii.gz", mend="copy or save it again", file=self._view.file)


def _blocks(data: bytes) -> Iterator[bytes]:
    pieces = (data[i : i + BLOCK] for i in range(0, len(data), BLOCK))
    return unpacked(pieces, gzip_stream, several=True) if data[:2] == _GZIP else pieces
