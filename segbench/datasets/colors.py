"""From colours to ids: what colour-coded label maps mean.

A colour is looked up channel by channel. Each channel holds few values that occur in the table, so they are numbered,
and the three numbers together are a position in a small table of ids. No pixel is sorted or packed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, StrayLabel
from segbench.frozen import dataclass
from segbench.labels import Color

#: Pixels looked up at a time: what is in between stays in the cache of the processor.
_PIECE = 1 << 16

_RED, _GREEN = 1 << 16, 1 << 8


class _LookUp(NamedTuple):
    """The look-up tables: `ids[sum of channels[i][value of channel i]]`; `stray` where no colour of the table is."""

    channels: tuple[NDArray[np.unsignedinteger[Any]], ...]
    ids: NDArray[np.integer[Any]]
    stray: int


@dataclass(frozen=True)
class ColorTable:
    """The colours of a data set and the ids they stand for.

    Parameters
    ----------
    colors : mapping of (int, int, int) to int
        Id of each colour: red, green, blue in 0…255. At least one.

    Raises
    ------
    BadParameter
        When there is no colour, or one that 8 bits a channel cannot hold.

    Examples
    --------
    >>> table = ColorTable({(0, 0, 0): 0, (255, 255, 0): 4})
    >>> table.ids(np.array([[[255, 255, 0], [0, 0, 0]]], np.uint8))
    array([[4, 0]], dtype=uint8)
    """

    colors: Mapping[Color, int]

    def __post_init__(self) -> None:
        if not self.colors:
            raise BadParameter("a table without colours", expected="at least one colour")
        for color in self.colors:
            if len(color) != 3 or not all(0 <= value <= 255 for value in color):
                raise BadParameter(f"colour {color}", expected="red, green and blue in 0…255")

    def ids(self, pixels: NDArray[np.uint8]) -> NDArray[np.integer[Any]]:
        """Return the id of each pixel's colour.

        Parameters
        ----------
        pixels : ndarray of uint8, shape (rows, columns, 3)
            Red, green, blue.

        Returns
        -------
        ndarray of uint8, int32 or int64, shape (rows, columns)
            uint8 when that holds every id of the table and one value more, else int32, else int64.

        Raises
        ------
        StrayLabel
            For a colour that is not in the table; with the first such pixel.
        BadParameter
            When `pixels` is of another dtype or shape.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise BadParameter(f"pixels of {pixels.dtype}, shape {pixels.shape}", expected="uint8, (rows, columns, 3)")
        look_up = self._look_up
        found = np.empty(pixels.shape[:2], look_up.ids.dtype)
        step = max(1, _PIECE // max(1, pixels.shape[1]))
        for start in range(0, len(pixels), step):
            rows = slice(start, start + step)
            _fill(found[rows], pixels[rows], look_up)
        stray = found == look_up.stray
        if stray.any():
            raise self._stray(pixels, stray)
        return found

    @cached_property
    def _look_up(self) -> _LookUp:
        colors = np.array(list(self.colors), np.int64).reshape(-1, 3)
        ids = np.array(list(self.colors.values()), np.int64)
        values = [np.unique(channel) for channel in colors.T]
        # Number 0 of a channel stands for every value that no colour of the table has there.
        sizes = [len(known) + 1 for known in values]
        strides = (sizes[1] * sizes[2], sizes[2], 1)
        kind, stray = _kind_and_stray(ids)
        table = np.full(sizes[0] * sizes[1] * sizes[2], stray, kind)
        position = np.min_scalar_type(len(table) - 1)
        channels = tuple(np.zeros(256, position) for _ in range(3))
        for channel, known, stride in zip(channels, values, strides, strict=True):
            channel[known] = np.arange(1, len(known) + 1) * stride
        table[sum(channel[column].astype(np.int64) for channel, column in zip(channels, colors.T, strict=True))] = ids
        return _LookUp(channels, table, stray)

    def _stray(self, pixels: NDArray[np.uint8], stray: NDArray[np.bool_]) -> StrayLabel:
        row, column = (int(i) for i in np.unravel_index(int(stray.argmax()), stray.shape))
        unknown = np.unique(pixels[stray].astype(np.int64) @ (_RED, _GREEN, 1)).tolist()
        red, green, blue = pixels[row, column].tolist()
        return StrayLabel(
            f"colour ({red}, {green}, {blue}) at row {row}, column {column}, "
            f"{len(unknown)} such colour{'s'[: len(unknown) > 1]} in all",
            expected="a colour of the data set's table in every pixel",
            mend=self._swapped(unknown) or "save palette indices or grey values instead",
            pixel=(row, column),
            count=int(stray.sum()),
        )

    def _swapped(self, unknown: list[int]) -> str:
        """Return a hint when the unknown colours are known with red and blue swapped."""
        known = all((color % 256, color // _GREEN % 256, color // _RED) in self.colors for color in unknown)
        return "are red and blue swapped (BGR, the order of OpenCV)?" if known else ""


def _kind_and_stray(ids: NDArray[np.int64]) -> tuple[type[np.integer[Any]], int]:
    """Return the smallest dtype for the ids that leaves a value for strays, and that value."""
    for kind in (np.uint8, np.int32):
        limits = np.iinfo(kind)
        if limits.min <= ids.min() and ids.max() <= limits.max and len(free := _free(ids, limits.max)):
            return kind, int(free[0])
    return np.int64, int(_free(ids, np.iinfo(np.int64).max)[0])


def _free(ids: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return which of the highest values, one more than there are ids, are no ids; `most` is the highest."""
    return np.setdiff1d(most - np.arange(min(len(ids), most) + 1), ids)


def _fill(found: NDArray[np.integer[Any]], pixels: NDArray[np.uint8], look_up: _LookUp) -> None:
    # Nothing is ever clipped: the mode only spares the check of each position, which costs more than the look-up.
    position = np.take(look_up.channels[0], pixels[..., 0], mode="clip")
    position += np.take(look_up.channels[1], pixels[..., 1], mode="clip")
    position += np.take(look_up.channels[2], pixels[..., 2], mode="clip")
    np.take(look_up.ids, position, out=found, mode="clip")
