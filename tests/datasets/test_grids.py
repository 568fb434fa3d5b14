from __future__ import annotations

import numpy as np
import pytest

from segbench.datasets.grids import Affine, Grid, refuse_other_grid
from segbench.errors import GeometryMismatch, ShapeMismatch

SPACING = (0.5, 0.5, 3.0)


def affine_of(*, turn: float = 0.0, move: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Affine:
    """Return the affine of axes turned about the third and moved."""
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    affine[:3, :3] *= SPACING
    affine[:3, 3] = move
    return affine


def grid(affine: Affine, shape: tuple[int, int, int] = (20, 20, 11)) -> Grid:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    return Grid(shape, tuple(spacing.tolist()), tuple(map(tuple, affine.tolist())))


TRUTH = grid(affine_of())


@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_a_corner_may_move_by_a_tenth_of_the_smallest_spacing(turn: float) -> None:
    truth = grid(affine_of(turn=turn))
    refuse_other_grid(truth=truth, prediction=truth)
    refuse_other_grid(truth=truth, prediction=grid(affine_of(turn=turn, move=(0.0, 0.0499, 0.0))))
    with pytest.raises(GeometryMismatch, match="origin"):
        refuse_other_grid(truth=truth, prediction=grid(affine_of(turn=turn, move=(0.0, 0.0501, 0.0))))


def test_what_differs_is_said() -> None:
    flipped, swapped, wider, nan = affine_of(), affine_of()[:, [1, 0, 2, 3]], affine_of(), affine_of()
    flipped[:3, 0] *= -1
    wider[:3, 2] *= 1.1
    nan[0, 3] = np.nan
    for affine, found, mend in [
        (flipped, "flipped axes: 0", "reorient"),
        (swapped, r"permuted axes: its axes are axes \[1, 0, 2\]", "reorient"),
        (wider, "spacing 0.5×0.5×3.3 mm", "resample"),
        (affine_of(turn=0.1), "turned axes", "resample"),
        (affine_of(turn=0.01), "slightly other axes", "resample"),
        (affine_of(move=(5.0, 0.0, 0.0)), r"origin \(5, 0, 0\) mm", "resample"),
        (nan, "origin", "resample"),
    ]:
        with pytest.raises(GeometryMismatch, match=found) as caught:
            refuse_other_grid(truth=TRUTH, prediction=grid(affine))
        assert caught.value.mend.startswith(mend)


def test_shapes() -> None:
    for shape, mend in [((20, 11, 20), "permuted axes?"), ((20, 20, 12), "resample")]:
        with pytest.raises(ShapeMismatch) as caught:
            refuse_other_grid(truth=TRUTH, prediction=grid(affine_of(), shape))
        assert caught.value.expected == "20×20×11 as the truth"
        assert caught.value.mend.startswith(mend)
