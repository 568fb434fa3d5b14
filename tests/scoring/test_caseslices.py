"""Slices show most of what is wrong; outlines go along the edges of voxels."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segbench.scoring.caseslices import cut, outline

SHAPE = (9, 8, 7)
EVEN = (1.0, 1.0, 1.0)


def box(*sides: tuple[int, int], shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*side) for side in sides)] = True
    return mask


class TestCut:
    def test_the_slices_with_the_most_wrong_voxels(self) -> None:
        truth = box((1, 7), (1, 7), (1, 6))
        prediction = truth.copy()
        prediction[5, 1:7, 1:6] = False  # 30 voxels of slice 5 of axis 0, and 6 of each of axis 2
        prediction[2, 4, 1:6] = False  # slice 4 of axis 1 now has 10 wrong voxels, the others 5
        prediction[1, 1, 3] = False  # and slice 3 of axis 2 has one more
        assert cut(truth=truth, prediction=prediction, spacing=EVEN).place == (5, 4, 3)

    def test_the_middle_one_of_several(self) -> None:
        missed = cut(truth=box((2, 7), (1, 4), (3, 6)), prediction=np.zeros(SHAPE, bool), spacing=EVEN)
        assert missed.place == (4, 2, 4)

    def test_nothing_wrong_shows_most_of_the_structure(self) -> None:
        mask = box((1, 8), (2, 3), (2, 3)) | box((6, 7), (1, 7), (2, 3)) | box((6, 7), (2, 3), (1, 6))
        assert cut(truth=mask, prediction=mask, spacing=EVEN).place == (6, 2, 2)

    def test_no_structure_shows_the_middle_of_the_whole_volume(self) -> None:
        nothing = np.zeros(SHAPE, bool)
        found = cut(truth=nothing, prediction=nothing, spacing=EVEN)
        assert found.place == (4, 4, 3)
        assert found.window == tuple(slice(0, n) for n in SHAPE)

    def test_the_window_holds_both_maps_and_some_more_in_mm(self) -> None:
        truth, prediction = (box(side, (20, 30), (8, 10), shape=(100, 50, 20)) for side in ((40, 50), (55, 60)))
        window = cut(truth=truth, prediction=prediction, spacing=(1.0, 1.0, 5.0)).window
        # Sides of 20, 10 and 10 mm: a fifth and 1.2 mm are 5, 3 and, in voxels of 5 mm, the least of three.
        assert window == (slice(35, 65), slice(17, 33), slice(5, 13))

    @given(st.integers(0, 2**32))
    def test_no_slice_has_more(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        shape = tuple(rng.integers(1, 6, 3))
        truth, prediction = (rng.random(shape) < 0.4 for _ in range(2))
        found = cut(truth=truth, prediction=prediction, spacing=EVEN)
        shown = truth ^ prediction if (truth ^ prediction).any() else truth | prediction
        for axis in range(3):
            counts = [np.take(shown, i, axis).sum() for i in range(shape[axis])]
            assert counts[found.place[axis]] == max(counts)
            view = found.view(truth | prediction, axis)
            assert view.sum() == np.take(truth | prediction, found.place[axis], axis).sum()


class TestOutline:
    def test_a_pixel_has_four_edges(self) -> None:
        mask = np.zeros((3, 4), bool)
        mask[1, 2] = True
        strokes = {frozenset(map(tuple, stroke)) for stroke in outline(mask).tolist()}
        assert strokes == {frozenset(pair) for pair in (
            ((1, 2), (1, 3)), ((2, 2), (2, 3)), ((1, 2), (2, 2)), ((1, 3), (2, 3)),
        )}  # fmt: skip

    def test_a_straight_line_is_one_stroke(self) -> None:
        assert len(outline(np.ones((5, 9), bool))) == 4

    def test_nothing_has_no_outline(self) -> None:
        assert outline(np.zeros((3, 3), bool)).shape == (0, 2, 2)

    @given(st.integers(0, 2**32))
    def test_as_pixel_by_pixel(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        mask = rng.random(tuple(rng.integers(1, 7, 2))) < 0.5
        assert unit_edges(outline(mask)) == expected_edges(mask)


def unit_edges(strokes: np.ndarray) -> Counter[tuple[int, int, int]]:
    """Edges of length 1 by the corner at which each begins, and the axis along which it goes."""
    edges: Counter[tuple[int, int, int]] = Counter()
    for (a, b), (c, d) in strokes.tolist():
        assert (a == c) != (b == d)
        axis = 0 if b == d else 1
        for k in range((c, d)[axis] - (a, b)[axis]):
            edges[(a + k, b, 0) if axis == 0 else (a, b + k, 1)] += 1
    return edges


def expected_edges(mask: np.ndarray) -> Counter[tuple[int, int, int]]:
    """Each side of each pixel that has no pixel of the mask beyond it."""
    edges: Counter[tuple[int, int, int]] = Counter()
    padded = np.pad(mask, 1)
    for i, j in np.argwhere(mask).tolist():
        sides = {(-1, 0): (i, j, 1), (1, 0): (i + 1, j, 1), (0, -1): (i, j, 0), (0, 1): (i, j + 1, 0)}
        for (di, dj), edge in sides.items():
            if not padded[i + 1 + di, j + 1 + dj]:
                edges[edge] += 1
    return edges


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_of_one_slice(axis: int) -> None:
    shape = tuple(1 if i == axis else 4 for i in range(3))
    found = cut(truth=np.ones(shape, bool), prediction=np.zeros(shape, bool), spacing=EVEN)
    assert found.place == tuple(0 if i == axis else 2 for i in range(3))
