"""The parts of a state: each merges to the same bits in any order and grouping.

`Counts` are integer arrays, added. `Rows` are columns with a sort key, concatenated and sorted when read. `ExactMeans`
hold means over images of numbers that need no rows, each sum as one exact integer. Each has `merge`, which returns
a new part and changes neither, and the pair `to_arrays` and `from_arrays` for its file form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter
from segbench.frozen import dataclass

#: The smallest positive double is 2**-1074: scaled by this, every double is an integer.
_SCALE_BITS = 1074

Arrays: TypeAlias = dict[str, NDArray[Any]]
T = TypeVar("T")

#: The name of the columns themselves among what is made of rows.
_ALL = "columns"


@dataclass(frozen=True)
class Counts:
    """An integer array that is added.

    Parameters
    ----------
    values : ndarray of int64
        The counts; the array is written to while counting.
    """

    values: NDArray[np.int64]

    @classmethod
    def zeros(cls, *shape: int) -> Counts:
        """Return counts of nothing, an array of this `shape`."""
        return cls(np.zeros(shape, np.int64))

    def add(self, values: NDArray[np.int64]) -> None:
        """Add an array of `values` in place."""
        np.add(self.values, values, out=self.values)

    def merge(self, other: Counts) -> Counts:
        """Return the sum of both."""
        # NumPy would broadcast a shape that only looks like the same table.
        _same("counts of shape", self.values.shape, other.values.shape)
        return Counts(self.values + other.values)

    def to_arrays(self) -> Arrays:
        """Return the array, in C order: the bytes must not depend on memory."""
        return {"values": np.asarray(self.values, np.int64, order="C")}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Counts:
        """Return the counts in `arrays`."""
        return cls(arrays["values"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counts) and np.array_equal(self.values, other.values)


@dataclass(frozen=True)
class Rows:
    """Columns of equal length with a canonical order.

    Parameters
    ----------
    key_columns : tuple of str
        Columns that order the rows, the first one first. Together they identify a row.
    blocks : list of dict
        Column arrays of shape (rows,), one dict for each time rows were added.
    """

    key_columns: tuple[str, ...]
    blocks: list[Arrays] = field(default_factory=list)
    _made: dict[object, tuple[int, Any]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def add(self, **columns: NDArray[Any]) -> None:
        """Append rows.

        Parameters
        ----------
        **columns : ndarray, shape (rows,)
            The values of each column, the same columns every time.

        Raises
        ------
        BadParameter
            For columns of unequal length, or other columns than before.
        """
        if len({len(column) for column in columns.values()}) > 1:
            raise BadParameter("columns of unequal length", expected="one entry of each column for each row")
        for block in self.blocks[:1]:
            _same("rows with the columns", sorted(block), sorted(columns))
        self.blocks.append(columns)

    def merge(self, other: Rows) -> Rows:
        """Return the rows of both."""
        _same("rows with the keys", self.key_columns, other.key_columns)
        for block, theirs in zip(self.blocks[:1], other.blocks[:1], strict=False):
            _same("rows with the columns", sorted(block), sorted(theirs))
        return Rows(self.key_columns, [*self.blocks, *other.blocks])

    def made(self, name: object, make: Callable[[Arrays], T]) -> T:
        """Return what is made of the columns, once until rows are added.

        Parameters
        ----------
        name : hashable
            What is made: the same name is the same thing.
        make : callable
            Makes it of `columns`.

        Returns
        -------
        object
            What `make` returned, now or before.
        """
        return self.kept(name, lambda: make(self.kept(_ALL, self.columns)))

    def kept(self, name: object, make: Callable[[], T]) -> T:
        """Return what `make` returns for a `name`, as `made` does, where the columns are not needed."""
        n, value = self._made.get(name, (-1, None))
        if n != len(self.blocks):
            value = make()
            self._made[name] = len(self.blocks), value
        found: T = value
        return found

    def columns(self) -> Arrays:
        """Return all columns in canonical order, whatever order the rows came in."""
        joined, order = self.joined()
        return {name: column[order] for name, column in sorted(joined.items())}

    def joined(self) -> tuple[Arrays, NDArray[np.intp]]:
        """Return all columns as the rows came in, and the canonical order of these; no column without rows added."""
        if not self.blocks:
            return {}, np.zeros(0, np.intp)
        joined = {name: np.concatenate([block[name] for block in self.blocks]) for name in self.blocks[0]}
        return joined, np.lexsort([joined[name] for name in reversed(self.key_columns)])

    def to_arrays(self) -> Arrays:
        """Return the columns in canonical order."""
        return {"key_columns": np.array(self.key_columns), **self.columns()}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Rows:
        """Return the rows in `arrays`."""
        columns = {name: column for name, column in arrays.items() if name != "key_columns"}
        keys = tuple(str(name) for name in arrays["key_columns"])
        return cls(keys, [columns] if columns else [])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rows) or self.key_columns != other.key_columns:
            return False
        mine, theirs = self.columns(), other.columns()
        return mine.keys() == theirs.keys() and all(np.array_equal(mine[name], theirs[name]) for name in mine)


@dataclass
class ExactSum:
    """A sum of doubles without rounding, equal to `math.fsum` in any order.

    A number that is undefined (NaN) makes the mean undefined; one to be left out is not added at all.

    Parameters
    ----------
    scaled : int
        The sum, times 2**1074.
    defined, undefined : int
        How many numbers were added, and how many of NaN.

    Examples
    --------
    >>> total = ExactSum()
    >>> for value in (0.1, 0.2, 0.3):
    ...     total.add(value)
    >>> total.sum(), total.mean()
    (0.6, 0.19999999999999998)
    """

    scaled: int = 0
    defined: int = 0
    undefined: int = 0

    def add(self, value: float) -> None:
        """Add the number `value`."""
        if math.isnan(value):
            self.undefined += 1
            return
        numerator, denominator = value.as_integer_ratio()
        self.scaled += numerator << (_SCALE_BITS + 1 - denominator.bit_length())
        self.defined += 1

    def merge(self, other: ExactSum) -> ExactSum:
        """Return the sum of both."""
        return ExactSum(self.scaled + other.scaled, self.defined + other.defined, self.undefined + other.undefined)

    @property
    def added(self) -> int:
        """How many numbers were added."""
        return self.defined + self.undefined

    def sum(self) -> float:
        """Return the sum, rounded once."""
        return self.scaled / (1 << _SCALE_BITS)

    def mean(self) -> float:
        """Return the mean, NaN when nothing or something undefined was added."""
        return self.sum() / self.defined if self.defined and not self.undefined else math.nan


@dataclass(frozen=True)
class ExactMeans:
    """One exact sum for each of several numbers an image has.

    Parameters
    ----------
    sums : tuple of ExactSum
        Written to while counting.
    """

    sums: tuple[ExactSum, ...]

    @classmethod
    def zeros(cls, n: int) -> ExactMeans:
        """Return sums of nothing for `n` numbers an image."""
        return cls(tuple(ExactSum() for _ in range(n)))

    def add(self, values: Sequence[float | None]) -> None:
        """Add the numbers of one image, its `values`; None is left out."""
        for total, value in zip(self.sums, values, strict=True):
            if value is not None:
                total.add(value)

    def merge(self, other: ExactMeans) -> ExactMeans:
        """Return the sums of both."""
        _same("numbers of an image:", len(self.sums), len(other.sums))
        return ExactMeans(tuple(a.merge(b) for a, b in zip(self.sums, other.sums, strict=True)))

    def to_arrays(self) -> Arrays:
        """Return the integers as text: NumPy has none that long."""
        text = [f"{s.scaled:x} {s.defined} {s.undefined}" for s in self.sums]
        return {"sums": np.array(text, dtype=np.str_)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> ExactMeans:
        """Return the sums in `arrays`."""
        split = [str(text).split() for text in arrays["sums"]]
        return cls(tuple(ExactSum(int(total, 16), int(n), int(m)) for total, n, m in split))


def _same(what: str, mine: object, other: object) -> None:
    if mine != other:
        raise BadParameter(f"{what} {mine} and {other}", expected="the same in both")
