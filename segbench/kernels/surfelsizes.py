"""Lengths and areas of surfels, the pieces of contour or surface that belong to a corner of the pixel lattice.

A corner has a code: a bit for each of the 2 × 2 or 2 × 2 × 2 pixels around it, the first in C order the highest. Its
size is that of marching squares or cubes between the centres of these pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: The normals of triangles between midpoints of the edges of a cube: how large their components are, in eighths of a
#: voxel of 1 × 1 × 1. The length of a normal is the area of its triangle.
_NORMALS = {
    "c": (1, 1, 1),
    "d": (2, 2, 2),
    "h": (3, 3, 3),
    "p": (2, 2, 0),
    "q": (2, 0, 2),
    "r": (0, 2, 2),
    "x": (4, 0, 0),
    "y": (0, 4, 0),
    "z": (0, 0, 4),
}
#: The triangles of codes 0 to 127, sixteen a line, "-" for none; code 255 - c has those of c. Which triangles a code is
#: made of, and in which order their areas are added, is that of surface-distance: other orders round otherwise.
_TRIANGLES = """
- c c pp c qq cc xdc c cc qq xdc pp xdc xdc xx
c rr cc ydc cc zdc ccc cddc cc rrc qqc chrq cpp hrcp xcdc xcd
c cc rr ycd cc cqq rrc hrcq cc ccc zdc ddcc cpp xdcc rhcp xdc
pp ydc ycd yy ppc hqcp cydc ydc cpp ydcc hpcq ydc pppp ppc cpp pp
c cc cc cpp rr zdc rrc hrcp cc ccc cqq xdcc ydc ddcc qhrc xdc
qq zdc cqq qhpc zdc zz ccdz cdz qqc zdcc qqqq cqq qhpc zdc cqq qq
cc ccc crr ycdc rrc zdcc rrrr rrc ccc cccc zdcc ccc ydcc ccc rrc cc
xdc dcdc hrcq ydc hprc cdz crr rr xdcc ccc qqc cc ppc cc cc c
"""


def surfel_sizes(spacing: Sequence[float]) -> NDArray[np.float64]:
    """Return the length or area of every code.

    Parameters
    ----------
    spacing : sequence of float
        How far apart pixels lie along each axis; two or three numbers.

    Returns
    -------
    ndarray of float64, shape (16,) or (256,)
        Lengths for two axes, areas for three; 0 where all pixels are of one kind.

    Notes
    -----
    Equal to the tables of google-deepmind/surface-distance, to the last bit.
    """
    return _lengths(*spacing) if len(spacing) == 2 else _areas(*spacing)


def _lengths(down: float, along: float) -> NDArray[np.float64]:
    """One or three pixels cut off half a diagonal, a diagonal pair two halves, a pair in a row or column a side."""
    half = 0.5 * math.sqrt(down**2 + along**2)
    sizes = np.full(16, half)
    sizes[[0b0000, 0b1111]] = 0
    sizes[[0b0110, 0b1001]] = 2 * half
    sizes[[0b0011, 0b1100]] = along
    sizes[[0b0101, 0b1010]] = down
    return sizes


def _areas(deep: float, down: float, along: float) -> NDArray[np.float64]:
    sides = (down, along), (deep, along), (deep, down)
    areas = {name: _area(normal, sides) for name, normal in _NORMALS.items()}
    half = [_added([areas[name] for name in row if name != "-"]) for row in _TRIANGLES.split()]
    return np.array(half + half[::-1])


def _area(normal: Sequence[int], sides: Sequence[tuple[float, float]]) -> float:
    # Not math.hypot, and not the product of the sides first: as surface-distance rounds.
    scaled = [n / 8 * one * other for n, (one, other) in zip(normal, sides, strict=True)]
    return float(np.linalg.norm(scaled))


def _added(numbers: list[float]) -> float:
    # One after the other: `sum` makes up for what was rounded.
    total = 0.0
    for number in numbers:
        total += number
    return total
