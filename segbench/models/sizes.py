"""Sizes that images are brought to before a model sees them."""

from __future__ import annotations

from collections.abc import Sequence

from segbench.errors import BadParameter

#: Pixels of a side at most: beyond them a number is a slip, and is told before memory is at an end.
_MOST = 16_384


def check_size(size: Sequence[int], name: str) -> None:
    """Refuse what is neither empty nor rows and columns.

    Parameters
    ----------
    size : sequence of int
        Rows and columns, or nothing.
    name : str
        What is called so, for errors.

    Raises
    ------
    BadParameter
        For another number of sides, or sides outside 1 to 16,384.
    """
    if size and not (len(size) == 2 and all(1 <= side <= _MOST for side in size)):
        expected = f"rows and columns, as 120,160, {_MOST:,} at most"
        raise BadParameter(f"{name} = {','.join(map(str, size))}", expected=expected)
