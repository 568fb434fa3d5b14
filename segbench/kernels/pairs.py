"""Confusion tables straight from plain PNG files, in memory or on disk, many pairs in one call.

The fast lane of scoring: what it counts is what `segbench.kernels.png.decode` and `coded_table` would, and what it
does not count is left to them and to their complaints.
"""

from __future__ import annotations

import ctypes
import hashlib
import sys
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, KernelsNotBuilt
from segbench.kernels.arrays import as_codes, as_int64, empty_table
from segbench.kernels.png import ADDRESSES

try:
    import segbench.kernels._pairs as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error

T = TypeVar("T", str, bytes)

#: Bytes of a palette, and bytes of a digest.
_PALETTE, _DIGEST = 3 * 256, hashlib.sha256().digest_size


def _sha256_address() -> int | None:
    """Where SHA-256 lies in the library that hashlib stands on; None where that library hides it."""
    try:
        library = ctypes.CDLL(sys.modules["_hashlib"].__file__ or "")
        return ctypes.cast(library.SHA256, ctypes.c_void_p).value
    except (AttributeError, KeyError, OSError):
        return None


#: The digest for loops that do without the interpreter.
SHA256 = _sha256_address()


class CountedFiles(NamedTuple):
    """What `count_files` finds.

    Parameters
    ----------
    tables : ndarray of int64, shape (pairs, max(codes) + 2, max(codes) + 2)
        As of `count_pairs`.
    counted : ndarray of bool, shape (pairs,)
        As of `count_pairs`; what follows is nothing for a pair that was not counted.
    shapes : list of [int, int]
        Rows and columns of each pair.
    palettes : list of bytes
        The palette of each prediction, three bytes an index; empty for grey.
    digests : list of str
        SHA-256 of each prediction, in hexadecimal digits.
    """

    tables: NDArray[np.int64]
    counted: NDArray[np.bool_]
    shapes: list[list[int]]
    palettes: list[bytes]
    digests: list[str]


def count_pairs(
    *, truths: Sequence[bytes], predictions: Sequence[bytes], codes: NDArray[np.int32], low: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Count the pairs of codes of label maps in PNG files.

    Parameters
    ----------
    truths, predictions : sequence of bytes
        Whole files; equally many, a pair for each position.
    codes : ndarray of int32, shape (n,)
        Code of value ``low + i`` at position i, for both sides; −1 for none.
    low : int
        The value whose code comes first.

    Returns
    -------
    tables : ndarray of int64, shape (pairs, max(codes) + 2, max(codes) + 2)
        ``tables[i, t, p]`` pixels of pair i have truth code t and prediction code p; the last row and column hold the
        values without a code.
    counted : ndarray of bool, shape (pairs,)
        Whether a pair was counted; the table of one that was not is all zeros. Counted is every pair of whole 8-bit
        grey or palette files, not interlaced, of equal size.

    Raises
    ------
    BadParameter
        For sequences of different lengths, anything but bytes, or codes as in `coded_table`.
    ResourceError
        When one table would have more than 2**27 cells.

    Notes
    -----
    O(files + pixels). The interpreter is let go of once for all pairs.
    """
    _check_files(truths, predictions)
    codes, low = as_codes(codes, name="codes"), as_int64(low, name="low")
    tables, counted = _room(len(truths), codes)
    if len(truths) and ADDRESSES is not None:
        _loops.count_pairs(list(truths), list(predictions), codes, low, tables, counted, ADDRESSES)
    return tables, counted.view(np.bool_)


def count_files(
    *, truths: Sequence[bytes], predictions: Sequence[bytes], most: int, codes: NDArray[np.int32], low: int
) -> CountedFiles:
    """Read pairs of files and count them as `count_pairs` does.

    Parameters
    ----------
    truths, predictions : sequence of bytes
        Paths as the system takes them (`os.fsencode`); equally many. A truth may be a link, a prediction may not.
    most : int
        Bytes of a file at most, below 2**62; a longer one is not counted.
    codes, low
        As of `count_pairs`.

    Returns
    -------
    CountedFiles
        Tables, which pairs were counted, and of each counted pair its shape, palette and digest.

    Raises
    ------
    BadParameter
        For sequences of different lengths, a path that is not bytes or holds a null, a limit that is none, or codes
        as in `coded_table`.
    ResourceError
        When one table would have more than 2**27 cells.

    Notes
    -----
    O(files + pixels). The interpreter is let go of once for all pairs: threads that wait for it at every file do not
    run side by side. Nothing is counted where the digest is hidden (`SHA256` is None).
    """
    _check_paths(truths, predictions)
    if not 0 <= as_int64(most, name="most") < 1 << 62:
        raise BadParameter(f"at most {most} bytes", expected="from 0 up to 2**62")
    codes, low, n = as_codes(codes, name="codes"), as_int64(low, name="low"), len(truths)
    tables, counted = _room(n, codes)
    sizes = np.zeros((n, 3), np.int64)
    palettes, digests = np.zeros((n, _PALETTE), np.uint8), np.zeros((n, _DIGEST), np.uint8)
    if n and ADDRESSES is not None and SHA256 is not None:
        paths = list(truths), list(predictions)
        _loops.count_files(
            *paths, most, codes, low, tables, counted, sizes, palettes, digests, addresses=ADDRESSES, sha256=SHA256
        )
    return CountedFiles(
        tables,
        counted.view(np.bool_),
        sizes[:, :2].tolist(),
        _pieces(palettes.tobytes(), _PALETTE, sizes[:, 2].tolist()),
        _pieces(digests.tobytes().hex(), 2 * _DIGEST, (2 * _DIGEST * counted).tolist()),
    )


def _pieces(whole: T, step: int, sizes: list[int]) -> list[T]:
    """Return from every `step` on as much of a text as is wanted."""
    return [whole[step * i : step * i + size] for i, size in enumerate(sizes)]


def _room(n: int, codes: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    return np.zeros((n, *empty_table(codes, codes).shape), np.int64), np.zeros(n, np.uint8)


def _check_files(truths: Sequence[bytes], predictions: Sequence[bytes]) -> None:
    _check_equally_many(truths, predictions)
    for data in (*truths, *predictions):
        if type(data) is not bytes:
            raise BadParameter(f"a file as {type(data).__name__}", expected="bytes")


def _check_paths(truths: Sequence[bytes], predictions: Sequence[bytes]) -> None:
    _check_equally_many(truths, predictions)
    for path in (*truths, *predictions):
        if type(path) is not bytes or b"\0" in path:
            raise BadParameter(f"a path {path!r}", expected="bytes without a null")


def _check_equally_many(truths: Sequence[bytes], predictions: Sequence[bytes]) -> None:
    if len(truths) != len(predictions):
        raise BadParameter(f"{len(truths)} truths and {len(predictions)} predictions", expected="pairs")
