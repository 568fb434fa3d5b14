"""States of data sets in which each unit, an image or a video, occurs any number of times.

A resample is counted, not estimated: the state of a drawn data set is the one that counting its images would give, and
the metric judges it as any other. So no metric has a second formula, and nothing is rounded on the way: counts are
added as integers, sums of floats as integers of as many words as they take, and rows are repeated, each copy under a
number of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.metrics.parts import Arrays, Counts, ExactMeans, ExactSum, Rows
from segbench.metrics.states import AnyPart, State

Integers: TypeAlias = NDArray[np.int64]

#: Resamples that are added at a time.
BATCH = 32

#: Bits of a word of a long integer: its product with a number of copies stays far below 2⁶³.
_BITS = 30


class _Drawn(Protocol):
    """One part of the states of all units."""

    def drawn(self, weights: Integers) -> Iterator[AnyPart]: ...


@dataclass(frozen=True)
class Pool:
    """The states of several units, in one form from which any number of resamples is added.

    Parameters
    ----------
    parts : dict of str to part
        By name, as in the states.
    n_units : int
        How many units there are.
    """

    parts: dict[str, _Drawn]
    n_units: int

    @classmethod
    def of(cls, states: Iterable[State]) -> Pool:
        """Return the pool of the states of units, each as counted alone.

        Parameters
        ----------
        states : iterable of State
            At least one, all with the same parts; one is held at a time.

        Returns
        -------
        Pool
            The pool.

        Raises
        ------
        BadParameter
            Without any state.
        """
        remaining = iter(states)
        first = next(remaining, None)
        if first is None:
            raise BadParameter("no image", expected="at least one to draw from")
        gathered: dict[str, list[AnyPart]] = {name: [] for name in first.parts}
        for state in chain([first], remaining):
            for name, part in state.parts.items():
                gathered[name].append(_Cells.of(part) if isinstance(part, Counts) else part)  # type: ignore[arg-type]
        return cls({name: _pooled(parts) for name, parts in gathered.items()}, len(next(iter(gathered.values()))))

    def drawn(self, weights: NDArray[np.integer]) -> Iterator[State]:
        """Yield the state of each resample.

        Parameters
        ----------
        weights : ndarray of int, shape (n_resamples, n_units)
            How often each unit occurs in each resample.

        Yields
        ------
        State
            What counting the drawn units would give, in the order of the units.
        """
        for start in range(0, len(weights), BATCH):
            batch = weights[start : start + BATCH].astype(np.int64)
            columns = [part.drawn(batch) for part in self.parts.values()]
            for parts in zip(*columns, strict=True):
                yield State(dict(zip(self.parts, parts, strict=True)))


@dataclass(frozen=True)
class _Cells:
    """What of an array is not zero."""

    shape: tuple[int, ...]
    places: NDArray[np.intp]
    values: Integers

    @classmethod
    def of(cls, part: Counts) -> _Cells:
        flat = part.values.reshape(-1)
        places = np.flatnonzero(flat)
        return cls(part.values.shape, places, flat[places])


@dataclass(frozen=True)
class _CountsPool:
    shape: tuple[int, ...]
    #: Of shape (cells, units).
    table: sparse.csc_array

    def drawn(self, weights: Integers) -> Iterator[Counts]:
        added: Integers = self.table @ weights.T
        for column in np.ascontiguousarray(added.T):
            yield Counts(column.reshape(self.shape))


@dataclass(frozen=True)
class _MeansPool:
    #: Of shape (words, units, numbers): word k of each sum, which stands for its product with 2^(30 k + shift).
    words: Integers
    shift: int
    #: Of shape (units, numbers).
    defined: Integers
    undefined: Integers

    def drawn(self, weights: Integers) -> Iterator[ExactMeans]:
        words = [(weights @ word).tolist() for word in self.words]
        defined, undefined = (weights @ self.defined).tolist(), (weights @ self.undefined).tolist()
        for i in range(len(weights)):
            numbers = zip(*(word[i] for word in words), strict=True)
            totals = (sum(n << (_BITS * k) for k, n in enumerate(parts)) << self.shift for parts in numbers)
            sums = zip(totals, defined[i], undefined[i], strict=True)
            yield ExactMeans(tuple(ExactSum(*each) for each in sums))


@dataclass(frozen=True)
class _RowsPool:
    key_columns: tuple[str, ...]
    columns: Arrays
    #: Where the rows of each unit begin, and how many it has.
    starts: Integers
    lengths: Integers

    def drawn(self, weights: Integers) -> Iterator[Rows]:
        for row in weights:
            units = np.repeat(np.arange(len(row)), row)
            lengths = self.lengths[units]
            copies = np.repeat(np.arange(len(units)), lengths)
            before = np.cumsum(lengths) - lengths
            places = np.repeat(self.starts[units] - before, lengths) + np.arange(len(copies))
            yield Rows(self.key_columns, [self._numbered(places, copies)] if self.columns else [])

    def _numbered(self, places: Integers, copies: NDArray[Any]) -> Arrays:
        """Return the rows at some places; each copy of a unit is a unit of its own."""
        first = self.key_columns[0]
        columns = {name: column[places] for name, column in self.columns.items() if name != first}
        if self.columns[first].dtype.kind == "U":
            # Of one width, so that text sorts as numbers do.
            texts = np.array([f"{i:012}" for i in range(int(copies[-1]) + 1 if len(copies) else 0)], np.str_)
            copies = texts[copies]
        columns[first] = copies
        return columns


def _pooled(parts: Sequence[AnyPart]) -> _Drawn:
    if isinstance(parts[0], Rows):
        return _pooled_rows([part for part in parts if isinstance(part, Rows)])
    if isinstance(parts[0], ExactMeans):
        return _pooled_means([part for part in parts if isinstance(part, ExactMeans)])
    return _pooled_cells([part for part in parts if isinstance(part, _Cells)])


def _pooled_cells(parts: Sequence[_Cells]) -> _CountsPool:
    values = np.concatenate([part.values for part in parts])
    places = np.concatenate([part.places for part in parts])
    ends = np.cumsum([0, *(len(part.values) for part in parts)])
    shape = parts[0].shape
    return _CountsPool(shape, sparse.csc_array((values, places, ends), shape=(int(np.prod(shape)), len(parts))))


def _pooled_means(parts: Sequence[ExactMeans]) -> _MeansPool:
    sums = [[total.scaled for total in part.sums] for part in parts]
    numbers = [abs(n) for row in sums for n in row if n]
    shift = min(((n & -n).bit_length() - 1 for n in numbers), default=0)
    n_words = max((-(-(n.bit_length() - shift) // _BITS) for n in numbers), default=1)
    mask = (1 << _BITS) - 1
    words = [[[_word(n, shift + _BITS * k, mask) for n in row] for row in sums] for k in range(n_words)]
    of = [[[getattr(total, name) for total in part.sums] for part in parts] for name in ("defined", "undefined")]
    return _MeansPool(np.array(words, np.int64), shift, *(np.array(table, np.int64) for table in of))


def _word(number: int, shift: int, mask: int) -> int:
    word = (abs(number) >> shift) & mask
    return -word if number < 0 else word


def _pooled_rows(parts: Sequence[Rows]) -> _RowsPool:
    blocks = [part.columns() for part in parts]
    first = next((block for block in blocks if block), {})
    lengths = np.array([len(next(iter(block.values()))) if block else 0 for block in blocks], np.int64)
    columns = {name: np.concatenate([block[name] for block in blocks if block]) for name in first}
    return _RowsPool(parts[0].key_columns, columns, np.cumsum(lengths) - lengths, lengths)
