"""The kernels on surfaces against the references of MedPy, MONAI and surface-distance."""

from __future__ import annotations

import numpy as np
import pytest

from segbench.kernels.surface import surface, surface_distances
from segbench.kernels.surfels import surfel_distances
from segbench.kernels.surfelsizes import surfel_sizes
from tests.oracles import surfaces, surfels

SEEDS = range(40)
#: Squares of steps and their sums are exact, so that SciPy has no choice between pixels that are equally far.
EXACT = ((1, 1, 1), (2.5, 1, 0.5), (3, 0.25, 2))
ROUNDED = ((2.5, 0.8, 0.8), (0.7, 0.7, 0.7), (0.1, 0.3, 0.2), (1.17, 0.83, 3.9))


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Level sets of smooth noise and of the same with some more of it: structures that touch the frame."""
    rng = np.random.default_rng(seed)
    ndim = 2 + seed % 2
    size = tuple(int(n) for n in rng.integers(40, 140, 2)) if ndim == 2 else (*rng.integers(6, 26, 2), 70)
    fields = rng.standard_normal((2, *size))
    for axis in [*range(1, ndim + 1)] * 4:
        fields = fields + np.roll(fields, 1, axis) + np.roll(fields, -1, axis)
    field, other = fields[0], fields[0] + rng.uniform(0.1, 1) * fields[1]
    return field > np.quantile(field, rng.uniform(0.5, 0.97)), other > np.quantile(other, rng.uniform(0.5, 0.97))


def all_distances(truth: np.ndarray, prediction: np.ndarray, spacing: tuple[float, ...]) -> list[np.ndarray]:
    """By pixel and by surfel, in C order; the kernels in the form of the references."""
    found = surfel_distances(truth=truth, prediction=prediction, spacing=spacing)
    return [*surface_distances(truth=truth, prediction=prediction, spacing=spacing), found[0], found[2]]


def expected_distances(truth: np.ndarray, prediction: np.ndarray, spacing: tuple[float, ...]) -> list[np.ndarray]:
    codes = [surfels.is_surfel(surfels.codes(mask), mask.ndim) for mask in (truth, prediction)]
    t, p = codes
    corners = [surfaces.distance_map(p, spacing)[t], surfaces.distance_map(t, spacing)[p]]
    return [*surfaces.distances(truth, prediction, spacing), *corners]


@pytest.mark.parametrize("seed", SEEDS)
def test_surfaces(seed: int) -> None:
    for mask in blobs(seed):
        assert np.array_equal(surface(mask=mask), surfaces.surface(mask))


@pytest.mark.parametrize("seed", SEEDS)
def test_distances(seed: int) -> None:
    masks = blobs(seed)
    for spacing in EXACT:
        spacing = spacing[-masks[0].ndim :]
        for found, expected in zip(all_distances(*masks, spacing), expected_distances(*masks, spacing), strict=True):
            assert np.array_equal(found, expected)


def test_distances_that_are_rounded() -> None:
    """SciPy takes one of the pixels that are equally far, whose sums may differ in their last bits: never a lesser."""
    places = differing = 0
    for seed in SEEDS:
        masks = blobs(seed)
        for spacing in ROUNDED:
            spacing = spacing[-masks[0].ndim :]
            pairs = zip(all_distances(*masks, spacing), expected_distances(*masks, spacing), strict=True)
            for found, expected in pairs:
                # A sum of three squares is rounded five times at most, the steps once more each, by 2**-53.
                assert (found <= expected).all() and (expected <= found * (1 + 2**-50)).all()
                places += len(found)
                differing += np.count_nonzero(found != expected)
    assert places > 300_000 and differing < 1e-4 * places


@pytest.mark.parametrize("seed", SEEDS)
def test_surfels_sorted_as_surface_distance_sorts_them(seed: int) -> None:
    masks = blobs(seed)
    for spacing in EXACT:
        spacing = spacing[-masks[0].ndim :]
        found = surfel_distances(truth=masks[0], prediction=masks[1], spacing=spacing)
        for distances, sizes, expected in zip(found[::2], found[1::2], surfels.surfels(*masks, spacing), strict=True):
            order = np.lexsort((sizes, distances))
            assert np.array_equal(distances[order], expected.distances)
            assert np.array_equal(sizes[order], expected.sizes)


@pytest.mark.parametrize("seed", SEEDS)
def test_sizes_in_the_order_of_corners(seed: int) -> None:
    masks = blobs(seed)
    spacing = ROUNDED[seed % len(ROUNDED)][-masks[0].ndim :]
    found = surfel_distances(truth=masks[0], prediction=masks[1], spacing=spacing)
    table = surfels.lengths(spacing) if masks[0].ndim == 2 else surfels.areas(spacing)
    for sizes, mask in zip(found[1::2], masks, strict=True):
        codes = surfels.codes(mask)
        assert np.array_equal(sizes, table[codes[surfels.is_surfel(codes, mask.ndim)]])


@pytest.mark.parametrize("seed", range(200))
def test_tables_of_sizes(seed: int) -> None:
    spacing = np.random.default_rng(seed).uniform(0.05, 6, 3).round(seed % 17).clip(0.1).tolist()
    assert np.array_equal(surfel_sizes(spacing), surfels.areas(spacing))
    assert np.array_equal(surfel_sizes(spacing[:2]), surfels.lengths(spacing[:2]))
