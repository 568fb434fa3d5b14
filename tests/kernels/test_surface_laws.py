"""What holds of surfaces and their distances whatever the masks, and pairs whose distances are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from segbench.kernels.surface import surface, surface_distances
from segbench.kernels.surfels import surfel_distances
from tests.kernels.comparisons import same

each_kernel = pytest.mark.parametrize("kernel", [surface_distances, surfel_distances], ids=["pixels", "surfels"])


def blobs():
    rng = np.random.default_rng(5)
    field = rng.standard_normal((24, 40, 90))
    for axis in [0, 1, 2] * 3:
        field = field + np.roll(field, 1, axis) + np.roll(field, -1, axis)
    return field > np.quantile(field, 0.8), np.roll(field, (1, 2, 3), (0, 1, 2)) > np.quantile(field, 0.85)


@each_kernel
def test_swapped_masks_swap_the_results(kernel):
    truth, prediction = blobs()
    found = kernel(truth=truth, prediction=prediction, spacing=(3, 1, 2))
    half = len(found) // 2
    same(kernel(truth=prediction, prediction=truth, spacing=(3, 1, 2)), found[half:] + found[:half])


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_transposed_masks_have_the_same_distances(axes):
    """By pixel, with a spacing whose squares are exact, sums in any order are equal."""
    truth, prediction = blobs()
    plain = surface_distances(truth=truth, prediction=prediction, spacing=(3, 1, 2))
    spacing = [(3, 1, 2)[axis] for axis in axes]
    turned = [mask.transpose(axes).copy() for mask in (truth, prediction)]
    found = surface_distances(truth=turned[0], prediction=turned[1], spacing=spacing)
    same(tuple(map(np.sort, found)), tuple(map(np.sort, plain)))


@each_kernel
def test_empty_surroundings_change_nothing(kernel):
    masks = blobs()
    plain = kernel(truth=masks[0], prediction=masks[1], spacing=(2.5, 0.8, 0.8))
    wide = [np.pad(mask, ((1, 7), (13, 2), (70, 5))) for mask in masks]
    same(kernel(truth=wide[0], prediction=wide[1], spacing=(2.5, 0.8, 0.8)), plain)


def test_an_image_has_no_neighbours_in_depth():
    image = np.ones((4, 5), bool)
    assert surface(mask=image).sum() == 14
    assert surface(mask=image[None]).sum() == 20


def test_a_disk_with_a_hole():
    """Radius 20 with a hole of 3 × 3: 12 pixels around the hole are 17 px and more from the rim, the others on it."""
    y, x = np.mgrid[-24:25, -24:25]
    truth = x**2 + y**2 <= 400
    case = {"truth": truth, "prediction": truth & ((abs(x) > 1) | (abs(y) > 1)), "spacing": (1, 1)}
    to, back = surface_distances(**case)
    assert not to.any() and np.count_nonzero(back) == 12
    # (20, 1) is outside, so (19, 1) is rim: 17 from (2, 1), and the nearest of (2, 0). So it is on all sides.
    assert sorted(back)[-12:] == [17.0] * 8 + [np.sqrt(290)] * 4
    assert (np.percentile(back, 95), np.percentile(np.append(back, to), 95)) == (17, 4.25)
    # From the corner (1.5, 0.5) of the hole to the corner (17.5, 8.5), between (17, 8) and (18, 9), which is outside.
    assert surfel_distances(**case)[2].max() == np.sqrt(16**2 + 8**2)


# Empty masks


@pytest.mark.parametrize("size", [(5, 6), (4, 5, 6)])
def test_empty_masks(size):
    none, some = np.zeros(size, bool), np.zeros(size, bool)
    some[tuple(n // 2 for n in size)] = True
    spacing = (1.5,) * len(size)
    corners = 2 ** len(size)
    assert not surface(mask=none).any()
    for pair in surface_distances(truth=none, prediction=none, spacing=spacing):
        assert pair.shape == (0,) and pair.dtype == np.float64
    to, back = surface_distances(truth=some, prediction=none, spacing=spacing)
    assert (to.tolist(), back.tolist()) == ([np.inf], [])
    to, to_sizes, back, back_sizes = surfel_distances(truth=none, prediction=some, spacing=spacing)
    assert (to.tolist(), to_sizes.tolist(), back.tolist()) == ([], [], [np.inf] * corners)
    assert len(back_sizes) == corners and (back_sizes > 0).all()
