"""From values in files to rows and columns of a table.

Every id of a label space has one *code*, its position in `LabelSpace.columns`: evaluated classes first, then classes
that are not evaluated, then void. Tables are counted over codes on both axes, so that what was void in the truth
stays known; a metric reads the rows of the evaluated classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, StrayLabel
from segbench.labels import LabelSpace

#: Ids further apart than this would ask for a look-up table of more than 64 MiB.
LARGEST_SPAN = 1 << 24


def renumber(labels: NDArray[np.integer[Any]], ids: Mapping[int, int]) -> NDArray[np.int64]:
    """Return a label map in which every value is replaced by the id it stands for.

    Parameters
    ----------
    labels : ndarray of int, shape (height, width)
        A label map in another numbering, as train ids.
    ids : mapping of int to int
        Id of each value of that numbering.

    Returns
    -------
    ndarray of int64, shape (height, width)
        The same map in ids.

    Raises
    ------
    StrayLabel
        For a value that stands for no id; with the first such pixel.
    """
    values, inverse = np.unique(labels, return_inverse=True)
    stray = np.isin(labels, [value for value in values.tolist() if value not in ids])
    if stray.any():
        pixel = tuple(int(i) for i in np.unravel_index(int(stray.argmax()), stray.shape))
        raise StrayLabel(
            f"value {int(labels[pixel])} at {pixel}, {int(stray.sum())} stray pixels in all",
            expected=f"one of {', '.join(map(str, sorted(ids)))}",
            pixel=pixel,
            count=int(stray.sum()),
        )
    return np.array([ids[value] for value in values.tolist()], np.int64)[inverse].reshape(labels.shape)


@dataclass(frozen=True)
class Encoding:
    """The codes of a label space, as arrays that kernels take.

    Parameters
    ----------
    space : LabelSpace
        The space.

    Raises
    ------
    BadParameter
        When the ids span more than 2**24 values; found on the first use of `codes`.
    """

    space: LabelSpace

    @cached_property
    def n_codes(self) -> int:
        """How many ids the space has, void among them."""
        return len(self.space.columns)

    @cached_property
    def low(self) -> int:
        """The smallest id: position 0 of `codes`."""
        return min(self.space.columns)

    @cached_property
    def codes(self) -> NDArray[np.int32]:
        """Code of each value from `low` on, shape (largest id − low + 1,), −1 where no id is."""
        ids = self.space.columns
        span = max(ids) - min(ids) + 1
        if span > LARGEST_SPAN:
            raise BadParameter(f"ids from {min(ids)} to {max(ids)}", expected=f"a span of at most {LARGEST_SPAN}")
        codes = np.full(span, -1, np.int32)
        codes[np.asarray(ids) - self.low] = np.arange(len(ids))
        codes.setflags(write=False)
        return codes

    @cached_property
    def byte_codes(self) -> NDArray[np.int32]:
        """Code of each 8-bit value, shape (256,), −1 where no id is."""
        codes = np.full(256, -1, np.int32)
        codes[self._bytes[1]] = self._bytes[0]
        codes.setflags(write=False)
        return codes

    def table(self, byte_table: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the table of codes that a table of raw 8-bit values means.

        Parameters
        ----------
        byte_table : ndarray of int64, shape (256, 256)
            Pixels by truth value and prediction value.

        Returns
        -------
        ndarray of int64, shape (n_codes + 1, n_codes + 1)
            Pixels by truth code and prediction code; the last row and column hold the values outside the space.
        """
        table = np.zeros((self.n_codes + 1, self.n_codes + 1), np.int64)
        codes, values = self._bytes
        table[np.ix_(codes, codes)] = byte_table[np.ix_(values, values)]
        if table.sum() != byte_table.sum():
            self._add_strays(table, byte_table)
        return table

    @cached_property
    def _bytes(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Codes and values of the ids that a byte can hold."""
        pairs = [(code, value) for code, value in enumerate(self.space.columns) if 0 <= value < 256]
        return np.array([code for code, _ in pairs], np.intp), np.array([value for _, value in pairs], np.intp)

    def _add_strays(self, table: NDArray[np.int64], byte_table: NDArray[np.int64]) -> None:
        """Count again, with the pixels outside the space in the last row and column, which −1 addresses."""
        table[:] = 0
        truth, prediction = np.nonzero(byte_table)
        np.add.at(table, (self.byte_codes[truth], self.byte_codes[prediction]), byte_table[truth, prediction])
