"""The kernels on boundaries against the references that were written from the rules alone, and against words."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segbench.kernels.boundary import BORDERS, DEFINITIONS, boundary_counts, boundary_map, mask_boundary_counts
from tests.kernels.boundaries import BOUNDARY_CASES
from tests.oracles import boundary_f, boundary_maps, davis

KINDS = [pair for pair in itertools.product(DEFINITIONS, BORDERS) if pair != ("seg2bmap", "background")]


def cases(kernel, seed, number):
    return itertools.islice(BOUNDARY_CASES[kernel](np.random.default_rng(seed)), number)


@pytest.mark.parametrize("seed", range(3))
def test_boundary_maps(seed):
    for case in cases("boundary_map", seed, 300):
        expected = boundary_maps.boundary(case["mask"], case["definition"], case["border"])
        assert np.array_equal(boundary_map(**case), expected)


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_counts_of_boundary_f(closed, seed):
    """The reference takes a tolerance in pixels, exactly; d² < θ² or d² ≤ θ² is a limit on an integer."""
    rng = np.random.default_rng(100 + seed)
    some_hits = 0
    for case in cases("mask_boundary_counts", 10 + seed, 150):
        tolerance = Fraction(str(rng.choice([0.5, 1, 2, 3, 4.6875, 6, 2.25])))
        limit = tolerance**2
        case["reach_squared"] = math.floor(limit) if closed else math.ceil(limit) - 1
        rules = boundary_f.Rules(
            tolerance_px=float(tolerance), closed=closed, definition=case["definition"], border=case["border"]
        )
        truth, prediction = case["truth"] != 0, case["prediction"] != 0
        expected = boundary_f.count(truth, prediction, rules)
        _, _, n_truth, truth_hits, n_prediction, prediction_hits = mask_boundary_counts(**case).tolist()
        assert (prediction_hits, n_prediction, truth_hits, n_truth) == tuple(expected)
        some_hits += 0 < truth_hits < n_truth
    assert some_hits > 20


@pytest.mark.parametrize("seed", range(2))
def test_f_measure_of_davis(seed):
    rng = np.random.default_rng(seed)
    values = set()
    for case in cases("mask_boundary_counts", 20 + seed, 150):
        case |= {"definition": "seg2bmap", "border": "nothing"}
        # Those of frames of 480 and 1080 rows among them.
        radius = int(rng.choice([1, 2, 3, 8, 18]))
        case["reach_squared"] = radius * radius
        counts = mask_boundary_counts(**case).tolist()
        expected = davis.f_measure(case["truth"], case["prediction"], bound=radius)
        assert f_of(*counts[2:]) == expected
        values.add(expected)
    assert {0.0, 1.0} < values and len(values) > 30


def f_of(n_truth, truth_hits, n_prediction, prediction_hits):
    """What f_measure makes of its counts."""
    if not n_truth or not n_prediction:
        # One that finds nothing has no false ones; one that has nothing to find misses none.
        precision, recall = float(not n_prediction), float(not n_truth)
    else:
        precision, recall = prediction_hits / n_prediction, truth_hits / n_truth
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@pytest.mark.parametrize("seed", range(2))
def test_every_class_of_index_maps(seed):
    for case in cases("boundary_counts", 30 + seed, 60):
        case["reach_squared"] = min(case["reach_squared"], 100)
        counts = boundary_counts(**case)
        around = boundary_maps.offsets(Fraction(case["reach_squared"]), closed=True)
        held = set(np.unique([case["truth"], case["prediction"]]).tolist())
        for c in range(case["n_classes"]):
            if c not in held:
                assert not counts[c].any()
                continue
            t, p = case["truth"] == c, case["prediction"] == c
            edge_t, edge_p = (boundary_maps.boundary(m, case["definition"], case["border"]) for m in (t, p))
            near = (
                (edge_t & boundary_maps.near(edge_p, around)).sum(),
                (edge_p & boundary_maps.near(edge_t, around)).sum(),
            )
            assert counts[c].tolist() == [t.sum(), p.sum(), edge_t.sum(), near[0], edge_p.sum(), near[1]]


small_maps = hnp.array_shapes(min_dims=2, max_dims=2, max_side=9).flatmap(
    lambda shape: st.tuples(*[hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 2, 3, 255]))] * 2)
)


@settings(max_examples=400)
@given(maps=small_maps, kind=st.sampled_from(KINDS), reach=st.integers(-1, 30), left=st.sampled_from([0, 60, 125]))
def test_counts_in_words(maps, kind, reach, left):
    """Maps that begin anywhere in a word of 64 pixels: what stands to the left is no class."""
    wide = [np.pad(labels, ((0, 0), (left, 0)), constant_values=200) for labels in maps]
    definition, border = kind
    counts = boundary_counts(
        truth=wide[0], prediction=wide[1], n_classes=3, reach_squared=reach, definition=definition, border=border
    )
    for c in range(3):
        t, p = (edge_in_words(labels == c, definition, border) for labels in wide)
        hits = [sum(any(squared(a, b) <= reach for b in there) for a in here) for here, there in ((t, p), (p, t))]
        pixels = [int((labels == c).sum()) for labels in wide]
        assert counts[c].tolist() == [*pixels, len(t), hits[0], len(p), hits[1]]


def squared(one, other):
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2


def edge_in_words(mask, definition, border):
    """The boundary pixels, each asked about its neighbours."""
    offsets = {"seg2bmap": [(0, 1), (1, 0), (1, 1)], "inner8": [*itertools.product((-1, 0, 1), repeat=2)]}.get(
        definition, [(-1, 0), (1, 0), (0, -1), (0, 1)]
    )
    found = []
    for y, x in np.ndindex(mask.shape):
        beside = [
            bool(mask[y + dy, x + dx]) if 0 <= y + dy < mask.shape[0] and 0 <= x + dx < mask.shape[1] else None
            for dy, dx in offsets
        ]
        kinds = {False if there is None and border == "background" else there for there in beside} - {None}
        if (not mask[y, x]) in kinds and (mask[y, x] or definition in ("seg2bmap", "thick")):
            found.append((y, x))
    return found
