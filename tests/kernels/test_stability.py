"""The kernels on outlines, shape contexts and their matching against their twins, and against the references of T."""

from __future__ import annotations

import importlib.util
import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segbench.errors import BadParameter, KernelsNotBuilt, ResourceError, ShapeMismatch, StrayLabel
from segbench.kernels import reference_stability, stability
from segbench.kernels.polygons import MOST_POINTS, N_BINS, READINGS, most_points
from tests.kernels.comparisons import hold, same
from tests.kernels.outlined import STABILITY_CASES, noise, random_mask, random_outline
from tests.kernels.turns import others_run_during
from tests.oracles import davis_outlines, davis_stability
from tests.oracles.davis_stability import MATLAB, PYTHON

KERNELS = {name: getattr(stability, name) for name in STABILITY_CASES}
TWINS = {name: getattr(reference_stability, name) for name in STABILITY_CASES}
TOOLS = {"python": PYTHON, "matlab": MATLAB}
#: How many cases of each kernel; the twins match by hand.
N_CASES = {"outline": 250, "shape_contexts": 250, "matching_cost": 80}


def same_float(found: float, expected: float) -> None:
    """To the last bit; NaN is itself."""
    assert type(found) is float and found.hex() == expected.hex()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["outline", "shape_contexts"])
def test_random_cases(name, seed):
    for case in itertools.islice(STABILITY_CASES[name](np.random.default_rng(seed)), N_CASES[name]):
        hold(KERNELS[name], TWINS[name], case)


@pytest.mark.parametrize("seed", range(4))
def test_random_costs(seed):
    for case in itertools.islice(
        STABILITY_CASES["matching_cost"](np.random.default_rng(seed)), N_CASES["matching_cost"]
    ):
        same_float(stability.matching_cost(**case), reference_stability.matching_cost(**case))


def test_the_cases_meet_junctions_holes_ties_and_nothing():
    rng = np.random.default_rng(0)
    masks = [random_mask(rng) for _ in range(400)]
    found = [stability.outline(mask=mask) for mask in masks]
    assert sum(not len(points) for points in found) > 40 and sum(len(points) > 12 for points in found) > 40
    assert sum(min(mask.shape) > 32 for mask in masks) > 40 and any(mask.all() for mask in masks)
    assert sum(has_junction(mask) for mask in masks) > 100
    other = [stability.outline(mask=mask, reading="matlab") for mask in masks]
    assert sum(not np.array_equal(one, two) for one, two in zip(found, other, strict=True)) > 40


def has_junction(mask):
    """Whether two pixels touch that have no edge in common, nor a neighbour on both."""
    upper, lower = mask[:-1], mask[1:]
    across = (upper[:, :-1] == lower[:, 1:]) & (upper[:, 1:] == lower[:, :-1])
    return bool((across & (upper[:, :-1] != upper[:, 1:])).any())


@pytest.mark.parametrize("reading", READINGS)
def test_outlines_of_the_reference(reading):
    rng = np.random.default_rng(7)
    n_holes = 0
    for _ in range(150):
        mask = random_mask(rng)
        listed = davis_outlines.contours(mask)
        expected = davis_stability.longest(listed, TOOLS[reading]).tolist() if listed else []
        found = stability.outline(mask=mask, reading=reading)
        same(found, np.array(expected, np.int64).reshape(-1, 2))
        if expected:
            # Holes run the other way round.
            area = np.sum(found[:-1, 0] * found[1:, 1] - found[1:, 0] * found[:-1, 1])
            n_holes += area < 0
    assert n_holes > 5


@pytest.mark.parametrize("reading", READINGS)
def test_shape_contexts_and_costs_of_the_reference(reading):
    tool, rng = TOOLS[reading], np.random.default_rng(8)
    for _ in range(25):
        outlines = [found for found in (random_outline(rng) for _ in range(12)) if len(found)][:2]
        expected = [davis_stability.shape_contexts(davis_stability.upsample(one, tool), tool) for one in outlines]
        found = [stability.shape_contexts(outline=one, reading=reading) for one in outlines]
        for ours, theirs in zip(found, expected, strict=True):
            same(ours, np.ascontiguousarray(theirs, np.int64))
        costs = davis_stability.chi_squared(*expected)
        cost = np.mean(np.array([costs[cell] for cell in davis_stability.matches(costs)]))
        same_float(stability.matching_cost(before=found[0], after=found[1]), float(cost))


# By hand.


def test_a_rectangle_starts_at_its_upper_left_corner_and_runs_right():
    mask = np.zeros((9, 12))
    mask[1:5, 2:7] = 7
    assert stability.outline(mask=mask).tolist() == [[2, 1], [7, 1], [7, 5], [2, 5], [2, 1]]


@pytest.mark.parametrize(("height", "width", "n"), [(1, 30, 0), (2, 2, 0), (2, 3, 5), (3, 2, 5), (3, 3, 5)])
def test_the_smallest_object_with_an_outline(height, width, n):
    """The far corner of 2×3 is 2 · 3 / √13 = 1.66 pixels from the diagonal, that of 2×2 is 1.41: 1.5 are needed."""
    assert len(stability.outline(mask=np.ones((height, width)))) == n


def test_of_equally_many_corners_the_tools_take_different_outlines():
    mask = np.zeros((20, 20), np.bool_)
    mask[1:4, 1:4] = mask[1:4, 10:14] = mask[12:16, 1:9] = True
    assert [stability.outline(mask=mask, reading=reading)[0].tolist() for reading in READINGS] == [[1, 1], [1, 12]]


def test_shape_contexts_of_a_square():
    """Mean distance (12 · 3 + 6 · 3√2) / 25 = 2.46: sides and diagonals are in the outermost ring, the first and last
    point in the innermost, sector 0."""
    found = stability.shape_contexts(outline=[[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]])
    assert {int(k): int(found[0, k]) for k in np.flatnonzero(found[0])} == {0: 1, 1: 1, 3: 1, 48: 2}
    # From rows to columns the angles of 45° and 90° are in the same sectors, those of the sides change places.
    turned = stability.shape_contexts(outline=[[0, 0], [3, 0], [3, 4], [0, 0]], reading="matlab")
    plain = stability.shape_contexts(outline=[[0, 0], [0, 3], [4, 3], [0, 0]])
    assert np.array_equal(turned, plain)


def test_a_cost_by_hand():
    """As in test_oracles_davis_stability: four points that see one of five in another ring, one that sees two."""
    outlines = [stability.outline(mask=np.ones(shape)) for shape in ((3, 3), (2, 3))]
    before, after = (stability.shape_contexts(outline=outline) for outline in outlines)
    assert stability.matching_cost(before=before, after=after) == pytest.approx((4 * 1 / 5 + 2 / 5) / 5, abs=1e-14)
    assert stability.matching_cost(before=before, after=before) == 0.0


def test_no_point_no_cost():
    contexts = stability.shape_contexts(outline=[[0, 0], [3, 0], [3, 3], [0, 0]])
    nothing = stability.shape_contexts(outline=stability.outline(mask=np.zeros((3, 4))))
    assert nothing.shape == (0, N_BINS)
    for before, after in ((contexts, nothing), (nothing, contexts), (nothing, nothing)):
        assert math.isnan(stability.matching_cost(before=before, after=after))
        assert math.isnan(reference_stability.matching_cost(before=before, after=after))


# Any input.

small_masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))


@settings(max_examples=200, derandomize=True, database=None)
@given(mask=small_masks, reading=st.sampled_from(READINGS))
def test_any_small_mask(mask, reading):
    hold(stability.outline, reference_stability.outline, {"mask": mask, "reading": reading})


@settings(max_examples=100, derandomize=True, database=None)
@given(mask=small_masks, down=st.integers(0, 5), right=st.integers(0, 5))
def test_a_mask_that_moves_keeps_its_outline_and_costs_nothing(mask, down, right):
    moved = np.pad(mask, ((down, 0), (right, 3)))
    before, after = stability.outline(mask=mask), stability.outline(mask=moved)
    assert np.array_equal(before + [right, down], after)
    contexts = [stability.shape_contexts(outline=one) for one in (before, after)]
    cost = stability.matching_cost(before=contexts[0], after=contexts[1])
    assert cost == 0.0 if len(before) else math.isnan(cost)


@settings(max_examples=60, derandomize=True, database=None)
@given(
    counts=st.tuples(
        *(hnp.arrays(np.int64, st.tuples(st.integers(2, 7), st.just(N_BINS)), elements=st.integers(0, 2)) for _ in "ab")
    )
)
def test_any_counts(counts):
    """Few values, so that paths are equally cheap; costs stay between 0 and 1."""
    case = dict(zip(("before", "after"), counts, strict=True))
    found = stability.matching_cost(**case)
    same_float(found, reference_stability.matching_cost(**case))
    assert 0 <= found <= 1


def test_many_equally_cheap_paths():
    """Points that see the same cost nothing: which path is found is up to the queue."""
    rng = np.random.default_rng(3)
    for _ in range(150):
        kinds = np.eye(N_BINS, dtype=np.int64)[: int(rng.integers(1, 4))]
        before, after = (kinds[rng.integers(0, len(kinds), int(rng.integers(2, 20)))] for _ in "ab")
        case = {"before": before, "after": after}
        same_float(stability.matching_cost(**case), reference_stability.matching_cost(**case))


def test_a_noisy_mask():
    mask = noise(np.random.default_rng(6), (70, 90))
    hold(stability.outline, reference_stability.outline, {"mask": mask})


def test_points_never_exceed_their_bound():
    rng = np.random.default_rng(1)
    for _ in range(300):
        outline = random_outline(rng)
        for reading in READINGS:
            assert len(stability.shape_contexts(outline=outline, reading=reading)) <= most_points(outline)


# Faults.

SQUARE = [[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]]
COUNTS = np.ones((4, N_BINS), np.int64)
BAD = [
    ("outline", {"mask": np.ones((3, 3)), "reading": "matlap"}, BadParameter),
    ("outline", {"mask": np.ones((3, 3, 3))}, ShapeMismatch),
    ("outline", {"mask": np.ones((0, 3))}, BadParameter),
    ("outline", {"mask": np.ones((3, 3), complex)}, BadParameter),
    ("outline", {"mask": np.full((3, 3), 0.5)}, StrayLabel),
    ("shape_contexts", {"outline": SQUARE, "reading": ""}, BadParameter),
    ("shape_contexts", {"outline": SQUARE[:4]}, BadParameter),
    ("shape_contexts", {"outline": SQUARE[:1]}, BadParameter),
    ("shape_contexts", {"outline": [SQUARE[0]] * 4}, BadParameter),
    ("shape_contexts", {"outline": np.array(SQUARE) - 1}, BadParameter),
    ("shape_contexts", {"outline": np.array(SQUARE) + 2**31 - 3}, BadParameter),
    # As floats of 32 bits these two corners are 128 apart, more than there would be room for.
    ("shape_contexts", {"outline": [[2**31 - 65, 0], [2**31 - 64, 0], [2**31 - 65, 0]]}, BadParameter),
    ("shape_contexts", {"outline": np.ones((4, 3), int)}, ShapeMismatch),
    ("shape_contexts", {"outline": np.array(SQUARE) / 2}, StrayLabel),
    ("shape_contexts", {"outline": np.array(SQUARE) * 2**20}, ResourceError),
    ("matching_cost", {"before": COUNTS[:1], "after": COUNTS}, BadParameter),
    ("matching_cost", {"before": COUNTS, "after": -COUNTS}, BadParameter),
    ("matching_cost", {"before": COUNTS, "after": COUNTS * 2**15}, BadParameter),
    ("matching_cost", {"before": COUNTS[:, :59], "after": COUNTS}, ShapeMismatch),
    ("matching_cost", {"before": COUNTS, "after": COUNTS[0]}, ShapeMismatch),
    ("matching_cost", {"before": COUNTS / 2, "after": COUNTS}, StrayLabel),
    (
        "matching_cost",
        {"before": COUNTS, "after": np.broadcast_to(COUNTS[:1], (MOST_POINTS + 1, N_BINS))},
        ResourceError,
    ),
]


@pytest.mark.parametrize(("name", "case", "error"), BAD)
def test_errors(name, case, error):
    with pytest.raises(error):
        KERNELS[name](**case)
    hold(KERNELS[name], TWINS[name], case)


def test_other_threads_run_during_the_loops():
    mask = noise(np.random.default_rng(0), (1500, 1500))
    circle = 400 + 380 * np.stack([f(np.linspace(0, 2 * np.pi, 500)) for f in (np.cos, np.sin)], axis=1)
    circle = np.rint(circle).astype(int)
    contexts = stability.shape_contexts(outline=circle)
    away = contexts[:, ::-1].copy()
    assert others_run_during(lambda: stability.outline(mask=mask))
    assert others_run_during(lambda: stability.shape_contexts(outline=circle))
    assert others_run_during(lambda: stability.matching_cost(before=contexts, after=away))


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._stability", None)
    spec = importlib.util.spec_from_file_location("stability_without_build", stability.__file__)
    with pytest.raises(KernelsNotBuilt, match=r"pip install .*in the checkout"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
