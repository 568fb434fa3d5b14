"""From values in files to rows and columns of a table.

Every id of a label space has one *code*, its position in `LabelSpace.columns`: evaluated classes first, then classes
that are not evaluated, then void. Tables are counted over codes on both axes, so that what was void in the truth
stays known; a metric reads the rows of the evaluated classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, StrayLabel
from segbench.frozen import dataclass
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
