"""The kernels on surfaces against their twins, against distances that are known, and their errors."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segbench.errors import BadParameter, KernelsNotBuilt, ShapeMismatch, StrayLabel
from segbench.kernels import lattice, reference_surface, surface, surfels
from tests.kernels.comparisons import ARRANGEMENTS, hold, same
from tests.kernels.surfaces import SURFACE_CASES
from tests.kernels.turns import others_run_during

KERNELS = {
    "surface": surface.surface,
    "surface_distances": surface.surface_distances,
    "surfel_distances": surfels.surfel_distances,
}
TWINS = {name: getattr(reference_surface, name) for name in KERNELS}
PAIR_KERNELS = ("surface_distances", "surfel_distances")
MASK = np.array([[1, 0, 1], [0, 0, 1]], np.uint8)


class OneWay:
    """The compiled loops, packing rows in one of their WAYS."""

    def __init__(self, loops, way):
        self._loops, self._way = loops, way

    def __getattr__(self, name):
        return getattr(self._loops, name)

    def pack(self, *arguments):
        self._loops.pack(*arguments, self._way)


def test_every_kernel_has_cases_and_a_twin_of_the_same_signature():
    assert set(KERNELS) == set(SURFACE_CASES)
    for name, kernel in KERNELS.items():
        assert inspect.signature(kernel) == inspect.signature(TWINS[name])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_random_cases(name, seed):
    for case in itertools.islice(SURFACE_CASES[name](np.random.default_rng(seed)), 300):
        hold(KERNELS[name], TWINS[name], case)


@pytest.mark.parametrize("way", range(len(lattice._loops.WAYS)), ids=lattice._loops.WAYS)
def test_every_way_to_pack(way, monkeypatch):
    monkeypatch.setattr(lattice, "_loops", OneWay(lattice._loops, way))
    for case in itertools.islice(SURFACE_CASES["surface"](np.random.default_rng(7)), 1000):
        hold(KERNELS["surface"], TWINS["surface"], case)


def test_the_first_way_runs_anywhere():
    assert lattice._loops.WAYS[0] == "words"


def test_the_cases_are_near_far_empty_full_and_of_many_words():
    cases = list(itertools.islice(SURFACE_CASES["surface_distances"](np.random.default_rng(0)), 600))
    found = [surface.surface_distances(**case) for case in cases]
    distances = [np.concatenate(pair) for pair in found]
    assert sum(case["truth"].ndim == 3 for case in cases) > 200
    assert sum(case["truth"].shape[-1] > 128 for case in cases) > 60
    assert sum(not len(pair[0]) and len(pair[1]) > 0 for pair in found) > 10
    assert sum(not len(pair[0]) and not len(pair[1]) for pair in found) > 5
    assert sum((case["truth"] != 0).all() for case in cases) > 5
    assert sum(bool(len(d)) and 0 < np.median(d) < 5 for d in distances) > 100
    assert sum(bool(len(d)) and 50 < d.max() < np.inf for d in distances) > 40
    for one in ("truth", "prediction"):
        assert any(not case[one].flags.c_contiguous for case in cases)


small_masks = hnp.array_shapes(min_dims=2, max_dims=3, max_side=7).flatmap(
    lambda size: st.tuples(hnp.arrays(bool, size), hnp.arrays(bool, size))
)
steps = st.sampled_from([0.1, 0.3, 1.0, 2.5]) | st.floats(1e-3, 1e3)


@settings(max_examples=400)
@given(masks=small_masks, spacing=st.lists(steps, min_size=3, max_size=3))
def test_masks_of_any_kind(masks, spacing):
    truth, prediction = masks
    hold(surface.surface, TWINS["surface"], {"mask": truth})
    case = {"truth": truth, "prediction": prediction, "spacing": spacing[: truth.ndim]}
    for name in PAIR_KERNELS:
        hold(KERNELS[name], TWINS[name], case)


# Bits


def test_every_width_and_every_end_of_a_row():
    for columns in range(1, 200):
        mask = np.ones((3, columns), bool)
        expected = mask.copy()
        expected[1, 1:-1] = False
        assert np.array_equal(surface.surface(mask=mask), expected)
        for last in {0, columns // 2, columns - 1}:
            mask[:] = False
            mask[1, : last + 1] = True
            assert np.array_equal(surface.surface(mask=mask), mask)


def test_a_hole_at_every_place():
    for at in range(1, 139):
        mask = np.ones((5, 140), bool)
        mask[2, at] = False
        hold(surface.surface, TWINS["surface"], {"mask": mask})


def test_two_pixels_at_every_distance_in_a_row():
    mask, other = np.zeros((2, 2, 200), bool)
    for a in (0, 1, 31, 63, 64, 65, 127, 128, 199):
        for b in range(200):
            mask[0, a] = other[1, b] = True
            expected = np.sqrt(np.square(1 * 3.0) + np.square(abs(a - b) * 0.5))
            pair = surface.surface_distances(truth=mask, prediction=other, spacing=(3, 0.5))
            assert [one.tolist() for one in pair] == [[expected], [expected]]
            mask[0, a] = other[1, b] = False


def test_points_far_apart_in_a_large_volume():
    rng = np.random.default_rng(3)
    for n in (1, 2, 5, 40, 400):
        for spacing in ((1, 1, 1), (2.5, 0.8, 0.8), (0.1, 7, 0.3)):
            masks = np.zeros((2, 70, 150, 260), bool)
            for mask in masks:
                mask.reshape(-1)[rng.integers(0, mask.size, n)] = True
            hold(
                surface.surface_distances,
                TWINS["surface_distances"],
                {"truth": masks[0], "prediction": masks[1], "spacing": spacing},
            )


@pytest.mark.parametrize("ends", list(itertools.product((False, True), repeat=3)))
def test_boxes_in_opposite_corners(ends):
    """Every place lies outside the box of the others, on either side of each axis."""
    truth = np.zeros((40, 50, 300), bool)
    truth[2:7, 3:9, 4:130] = True
    axes = [axis for axis, flipped in enumerate(ends) if flipped]
    case = {"truth": truth, "prediction": np.flip(truth, axes), "spacing": (2.5, 0.8, 0.8)}
    for name in PAIR_KERNELS:
        hold(KERNELS[name], TWINS[name], case)


# Memory of any kind


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("name", PAIR_KERNELS)
def test_any_memory(name, arrangement):
    rng = np.random.default_rng(0)
    truth, prediction = rng.random((2, 9, 11, 130)) < 0.04
    case = {"truth": ARRANGEMENTS[arrangement](truth), "prediction": prediction, "spacing": (3, 1, 2)}
    hold(KERNELS[name], TWINS[name], case)


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_axes_in_every_order_of_memory(axes):
    rng = np.random.default_rng(1)
    truth, prediction = rng.random((2, 9, 70, 12)) < 0.02
    laid_out = [mask.transpose(axes).copy().transpose(np.argsort(axes)) for mask in (truth, prediction)]
    for name in PAIR_KERNELS:
        plain = KERNELS[name](truth=truth, prediction=prediction, spacing=(3, 1, 2))
        same(KERNELS[name](truth=laid_out[0], prediction=laid_out[1], spacing=(3, 1, 2)), plain)


@pytest.mark.parametrize("name", PAIR_KERNELS)
def test_memory_beside_the_masks(name):
    """At most three times the masks, though the structures fill the volume; what stays is the result."""
    truth = np.ones((60, 200, 220), bool)
    prediction = truth.copy()
    prediction[:20] = False
    tracemalloc.start()
    found = KERNELS[name](truth=truth, prediction=prediction, spacing=(2.5, 0.8, 0.8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(map(len, found)) > 200_000
    assert peak < 3 * (truth.nbytes + prediction.nbytes)
    # The scratch memory: two sets of bits and a tree for each mask, with some room at the ends of rows.
    assert peak - sum(one.nbytes for one in found) < truth.nbytes


# Errors

BAD_MASKS = [
    (MASK[0], ShapeMismatch),
    (MASK[None, None], ShapeMismatch),
    (MASK[:, :0], BadParameter),
    (MASK.astype(complex), BadParameter),
    ([[1, 2], [3]], BadParameter),
    (np.array([[0.5]]), StrayLabel),
]
BAD_PAIRS = [
    ({"truth": MASK.T}, ShapeMismatch),
    ({"prediction": MASK[:, :2]}, ShapeMismatch),
    ({"truth": MASK[None, None], "prediction": MASK[None, None]}, ShapeMismatch),
    ({"truth": MASK[:0], "prediction": MASK[:0]}, BadParameter),
    ({"prediction": MASK * 0.5}, StrayLabel),
    *(
        ({"spacing": spacing}, BadParameter)
        for spacing in ((1,), (1, 1, 1), (1, 0), (1, -1), (1, np.nan), (np.inf, 1), (1e-200, 1), "ab", None, 1.0)
    ),
]
GOOD_PAIR = {"truth": MASK, "prediction": MASK, "spacing": (1, 1)}
BAD = [
    *(("surface", {"mask": mask}, error) for mask, error in BAD_MASKS),
    *((name, GOOD_PAIR | change, error) for name in PAIR_KERNELS for change, error in BAD_PAIRS),
]


@pytest.mark.parametrize(("name", "case", "error"), BAD)
def test_errors(name, case, error):
    with pytest.raises(error):
        KERNELS[name](**case)
    hold(KERNELS[name], TWINS[name], case)


# Threads and builds


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_other_threads_run_during_a_call(name):
    rng = np.random.default_rng(0)
    truth, prediction = rng.random((2, 120, 200, 200)) < 0.5
    pair = {"truth": truth, "prediction": prediction, "spacing": (1, 1, 1)}
    case = {"mask": np.broadcast_to(truth[0, 0], (500_000, 200))} if name == "surface" else pair
    assert others_run_during(lambda: KERNELS[name](**case))


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._surface", None)
    spec = importlib.util.spec_from_file_location("lattice_without_build", lattice.__file__)
    with pytest.raises(KernelsNotBuilt, match=r"pip install .*in the checkout"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
