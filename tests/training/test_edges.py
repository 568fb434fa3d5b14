"""The edge weights of U-Net against the formula written out over whole images."""

from __future__ import annotations

from math import exp, sqrt
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from segbench.training.edges import edge_weights


def plain(truth: Any, background: int, w0: float, sigma: float) -> Any:
    """All distances of all pixels to all cells, the two smallest of which count."""
    distances = [np.full(truth.shape, np.inf)] * 2
    for index in range(truth.max() + 1):
        if index != background:
            cells, n = ndimage.label(truth == index)
            distances += [ndimage.distance_transform_edt(cells != number) for number in range(1, n + 1)]
    nearest, second = np.sort(distances, axis=0)[:2]
    return np.where(truth == background, w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2)), 0)


def test_a_gap_of_three_pixels() -> None:
    truth = np.ones((9, 9), int)
    truth[:, 3:6] = 0
    weights = edge_weights(truth)
    # In the middle both cells are 2 away, beside them 1 and 3: 10 exp(−4² / 50) = 7.26.
    assert weights[:, 3:6] == pytest.approx(10 * exp(-16 / 50), rel=1e-14) and 7.26 < weights[4, 4] < 7.27
    assert (weights[truth == 1] == 0).all()


def test_diagonal_distances_and_touching_classes() -> None:
    # Cells of two classes at opposite corners: from the middle √2 and √2, from the other corners 2 and 2.
    truth = np.zeros((3, 3), int)
    truth[0, 0], truth[2, 2] = 1, 2
    weights = edge_weights(truth, w0=1, sigma=2)
    assert weights[1, 1] == pytest.approx(exp(-((2 * sqrt(2)) ** 2) / 8)) and weights[0, 2] == pytest.approx(exp(-2))
    # Side by side they are two cells all the same: 1 and 2 away from the third pixel.
    assert edge_weights(np.array([[1, 2, 0]]), w0=1, sigma=2)[0, 2] == pytest.approx(exp(-9 / 8))


@pytest.mark.parametrize("truth", [[[0, 0, 0]], [[0, 1, 0]], [[1, 1, 1]], [[-1, 1, -1]], [[-1, -1, -1]]])
def test_less_than_two_cells_have_no_edge(truth: list[list[int]]) -> None:
    assert (edge_weights(np.array(truth)) == 0).all()


def test_void_is_neither_cell_nor_background() -> None:
    truth = np.array([[1, 0, -1, 0, 1]])
    weights = edge_weights(truth, w0=1, sigma=2)
    assert weights[0] == pytest.approx([0, exp(-2), 0, exp(-2), 0])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("sigma", [0.5, 2.0, 5.0])
def test_random_cells(seed: int, sigma: float) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(20, 70, 2)
    # Fields of noise in two classes; a tenth of the background is void.
    noise = ndimage.gaussian_filter(rng.normal(size=(2, rows, columns)), (0, 2, 2))
    truth = (noise[0] > 0.1) * (1 + (noise[1] > 0))
    truth[(truth == 0) & (rng.random(truth.shape) < 0.1)] = -1
    background = seed % 3
    found = edge_weights(truth, background=background, w0=10, sigma=sigma)
    # What lies beyond 9 sigma is left out: less than 10 · exp(−9² / 2) = 2.6e-17.
    assert np.abs(found - plain(truth, background, 10, sigma)).max() < 1e-13
    # Somewhere two cells are 1 and 2 pixels away, or nearer.
    assert found.max() > 9.9 * exp(-(3**2) / (2 * sigma**2))
