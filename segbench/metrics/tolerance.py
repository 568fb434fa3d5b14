"""Lengths in pixels as limits of squared distances: distances between pixels are square roots of whole numbers.

A length is taken as it is written, 0.0075 as 75/10000: whether a pixel lies within it is a question between integers,
and does not depend on how a product of floats is rounded.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal, TypeAlias

#: Whether a distance equal to the limit is within.
Limit: TypeAlias = Literal["open", "closed"]


def squared_length(share: float, shape: tuple[int, ...]) -> Fraction:
    """Return the square of a `share` of the diagonal of an image of a `shape`, in pixels."""
    rows, columns = shape
    return Fraction(str(share)) ** 2 * (rows * rows + columns * columns)


def squared_pixels(length: float) -> Fraction:
    """Return the square of a `length` in pixels."""
    return Fraction(str(length)) ** 2


def rounded_up(square: Fraction) -> Fraction:
    """Return the square of the smallest whole number whose `square` is not less."""
    whole = math.isqrt(math.ceil(square))
    return Fraction(whole if whole * whole >= square else whole + 1) ** 2


def reach_squared(square: Fraction, limit: Limit) -> int:
    """Return the largest whole number within the `square` of a length under a `limit`; −1 when there is none."""
    return math.floor(square) if limit == "closed" else math.ceil(square) - 1
