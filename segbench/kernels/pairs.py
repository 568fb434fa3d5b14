"""Confusion tables straight from the bytes of plain PNG files, many pairs in one call.

The fast lane of scoring: what it counts is what `segbench.kernels.png.decode` and `coded_table` would, and what it
does not count is left to them and to their complaints.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    tables = np.zeros((len(truths), *empty_table(codes, codes).shape), np.int64)
    counted = np.zeros(len(truths), np.uint8)
    if len(truths) and ADDRESSES is not None:
        _loops.count_pairs(list(truths), list(predictions), codes, low, tables, counted, ADDRESSES)
    return tables, counted.view(np.bool_)


def _check_files(truths: Sequence[bytes], predictions: Sequence[bytes]) -> None:
    if len(truths) != len(predictions):
        raise BadParameter(f"{len(truths)} truths and {len(predictions)} predictions", expected="pairs")
    for data in (*truths, *predictions):
        if type(data) is not bytes:
            raise BadParameter(f"a file as {type(data).__name__}", expected="bytes")
