"""Where the voxels of a volume lie in space, and how two volumes that should lie alike may differ."""

from __future__ import annotations

from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import GeometryMismatch, ShapeMismatch
from segbench.frozen import dataclass

Affine: TypeAlias = NDArray[np.float64]

#: How far a corner voxel's centre may lie from its place, as a share of the smallest spacing.
_SLACK = 0.1

#: Directions whose cosine is nearer to 1 than this are one direction, spacings whose ratio is are one spacing.
_ALIKE = 1e-3

_RESAMPLE = "resample it to the truth (nearest neighbour)"


@dataclass(frozen=True)
class Grid:
    """The voxels of a volume in space.

    Parameters
    ----------
    shape : tuple of int
        Voxels along each axis of the array.
    spacing : tuple of float
        How far voxels lie apart along each axis, in mm.
    rows : tuple of tuple of float
        The affine, four rows of four numbers: from array index to mm.
    has_unit : bool
        Whether the file says in which unit its numbers are; mm where it does not.
    is_placed : bool
        Whether the file says where the volume lies in a body or scanner.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]
    has_unit: bool = True
    is_placed: bool = True

    @property
    def affine(self) -> Affine:
        """The affine, shape (4, 4)."""
        return np.array(self.rows, np.float64)

    @property
    def directions(self) -> tuple[str, ...]:
        """Where each axis leads to, the nearest of R, A, S and L, P, I; empty texts where the file does not say."""
        if not self.is_placed:
            return ("",) * 3
        main = self.affine[:3, :3]
        nearest = np.abs(main).argmax(axis=0).tolist()
        return tuple("LPI"[i] if main[i, axis] < 0 else "RAS"[i] for axis, i in enumerate(nearest))

    @property
    def corners(self) -> Affine:
        """The centres of the corner voxels in mm, shape (8, 3)."""
        places = np.array(list(product(*((0, n - 1) for n in self.shape))), np.float64)
        return places @ self.affine[:3, :3].T + self.affine[:3, 3]


def refuse_other_grid(*, truth: Grid, prediction: Grid) -> None:
    """Refuse a prediction whose voxels do not lie where those of the truth lie.

    Parameters
    ----------
    truth, prediction : Grid
        Both grids.

    Raises
    ------
    ShapeMismatch
        When the shapes differ.
    GeometryMismatch
        When the centre of a corner voxel lies more than 0.1 of the smallest spacing from that of the truth; says what
        differs: the axes, the spacing, or the origin.
    """
    if truth.shape != prediction.shape:
        raise ShapeMismatch(
            f"{_times(prediction.shape)} voxels",
            expected=f"{_times(truth.shape)} as the truth",
            mend="permuted axes?" if sorted(truth.shape) == sorted(prediction.shape) else _RESAMPLE,
        )
    moved = float(np.linalg.norm(prediction.corners - truth.corners, axis=1).max())
    # Written so that a corner which is no number is refused too.
    if not moved <= _SLACK * min(truth.spacing):
        raise _difference(truth, prediction, moved)


def _difference(truth: Grid, prediction: Grid, moved: float) -> GeometryMismatch:
    by = f"; a corner lies {moved:.4g} mm from its place"
    mine, theirs = _steps(truth.affine), _steps(prediction.affine)
    cosines = (truth.affine[:3, :3] / mine).T @ (prediction.affine[:3, :3] / theirs)
    if not (cosines.diagonal() > 1 - _ALIKE).all():
        found, mend = _turned(cosines)
        return GeometryMismatch(f"{found}{by}", expected="the axes of the truth", mend=mend)
    if not np.allclose(mine, theirs, rtol=_ALIKE):
        return GeometryMismatch(f"spacing {_spaced(theirs)} mm{by}", expected=_spaced(mine), mend=_RESAMPLE)
    origins = [", ".join(f"{x:.4g}" for x in grid.affine[:3, 3]) for grid in (prediction, truth)]
    if origins[0] == origins[1]:
        return GeometryMismatch(f"slightly other axes{by}", expected="those of the truth", mend=_RESAMPLE)
    return GeometryMismatch(f"origin ({origins[0]}) mm{by}", expected=f"({origins[1]})", mend=_RESAMPLE)


def _turned(cosines: Affine) -> tuple[str, str]:
    """Return what became of axes that do not point as those of the truth do, and how to mend it."""
    nearest = np.abs(cosines).argmax(axis=0).tolist()
    whole = np.abs(np.abs(cosines[nearest, range(3)]) - 1) < _ALIKE
    if not whole.all() or sorted(nearest) != [0, 1, 2]:
        return "turned axes", _RESAMPLE
    if nearest != [0, 1, 2]:
        return f"permuted axes: its axes are axes {nearest} of the truth", "reorient it to the truth"
    flipped = ", ".join(str(i) for i in range(3) if cosines[i, i] < 0)
    return f"flipped axes: {flipped}", "reorient it to the truth"


def _steps(affine: Affine) -> Affine:
    steps: Affine = np.linalg.norm(affine[:3, :3], axis=0)
    return steps


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _spaced(steps: Affine) -> str:
    return "×".join(f"{step:.4g}" for step in steps.tolist())
