"""The kernels on distances against their twins, against SciPy, and against the rule itself."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from segbench.errors import BadParameter, KernelsNotBuilt, ResourceError, ShapeMismatch, StrayLabel
from segbench.kernels import distance, reference_distance
from tests.kernels.comparisons import hold, same
from tests.kernels.distances import DISTANCE_CASES, ROUNDED, WHOLE, OneWay, noise, size, sources
from tests.kernels.turns import others_run_during

KERNELS = {name: getattr(distance, name) for name in DISTANCE_CASES}
TWINS = {name: getattr(reference_distance, name) for name in DISTANCE_CASES}
IMAGE = np.array([[1, 0, 1], [0, 0, 1]], np.uint8)
NO_DISTANCE = 2**31 - 1


@pytest.fixture(params=range(len(distance._loops.WAYS)), ids=distance._loops.WAYS)
def way(request, monkeypatch):
    """Let the loops go one way."""
    monkeypatch.setattr(distance, "_loops", OneWay(distance._loops, request.param))


def test_every_kernel_has_a_twin_of_the_same_signature():
    own = [
        name
        for name, value in inspect.getmembers(distance, inspect.isfunction)
        if value.__module__ == distance.__name__
    ]
    assert {name for name in own if not name.startswith("_")} == set(DISTANCE_CASES)
    for name, kernel in KERNELS.items():
        assert inspect.signature(kernel) == inspect.signature(TWINS[name])


def test_the_plain_way_comes_first():
    assert distance._loops.WAYS[0] == "plain"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_random_cases(name, seed, way):
    for case in itertools.islice(DISTANCE_CASES[name](np.random.default_rng(seed)), 400):
        hold(KERNELS[name], TWINS[name], case)


def test_the_cases_are_near_and_far_whole_and_rounded():
    cases = list(itertools.islice(DISTANCE_CASES["squared_distances"](np.random.default_rng(0)), 400))
    images = [case["sources"] != 0 for case in cases]
    assert sum(max(image.shape) > 190 for image in images) > 60
    assert sum(image.ndim == 3 for image in images) > 100
    assert any(image.all() for image in images) and any(not image.any() for image in images)
    farthest = [distance.squared_distances(sources=image).max() for image in images]
    # Farther than a search goes, where only parabolas lead, and well below.
    assert sum(32767 < far < NO_DISTANCE for far in farthest) > 15 and sum(0 < far < 1000 for far in farthest) > 100
    kinds = [case["spacing"] and distance._in_whole_numbers(case["spacing"], case["sources"].shape) for case in cases]
    rounded = sum(case["spacing"] is not None and kind is None for case, kind in zip(cases, kinds, strict=True))
    assert rounded > 80 and sum(kind is not None for kind in kinds) > 80


def scipys_nearest(marks, spacing=None):
    return ndimage.distance_transform_edt(~marks, sampling=spacing, return_distances=False, return_indices=True)


@pytest.mark.parametrize("seed", range(4))
def test_same_as_scipy(seed, way):
    rng = np.random.default_rng(100 + seed)
    for _ in range(250):
        marks = sources(rng) != 0
        if not marks.any():
            continue
        expected = ((scipys_nearest(marks) - np.indices(marks.shape)) ** 2).sum(0).astype(np.int32)
        assert np.array_equal(distance.squared_distances(sources=marks), expected)
        if not marks.all():
            expected = ndimage.distance_transform_cdt(~marks, "chessboard")
            assert np.array_equal(distance.chessboard_distances(sources=marks), expected)


@pytest.mark.parametrize("spacing", WHOLE)
def test_same_as_scipy_with_spacing_in_whole_numbers(spacing, way):
    rng = np.random.default_rng(0)
    whole = 0
    for _ in range(60):
        marks = noise(rng, size(rng))
        if marks.any():
            own = spacing[-marks.ndim :]
            whole += distance._in_whole_numbers(own, marks.shape) is not None
            expected = ndimage.distance_transform_edt(~marks, sampling=own)
            assert np.array_equal(np.sqrt(distance.squared_distances(sources=marks, spacing=own)), expected)
    assert whole > 20


@pytest.mark.parametrize("spacing", [spacing for spacing in ROUNDED if max(spacing) < 1e60])
def test_scipy_takes_one_of_the_nearest_sources(spacing, way):
    # Where several are equally far but for rounding, SciPy may take any; then it may have more than the least sum.
    rng = np.random.default_rng(0)
    for _ in range(40):
        marks = noise(rng, size(rng))
        if not marks.any():
            continue
        own = spacing[-marks.ndim :]
        steps = (scipys_nearest(marks, own) - np.indices(marks.shape)).astype(float)
        lengths = [(step * length) * (step * length) for step, length in zip(steps, own, strict=True)]
        taken = sum(lengths[1:], lengths[0])
        found = distance.squared_distances(sources=marks, spacing=own)
        assert (found <= taken).all()
        # Two sums of equal value, of two roundings in each square and two in the sums: 8 halves of the last bit.
        assert (taken - found <= 8 * 2.0**-53 * found).all()


small = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=3, max_side=5))
lengths = st.floats(1e-3, 1e3) | st.sampled_from([0.5, 1.0, 2.5, 3.0, 0.1, 0.7])


@settings(max_examples=200)
@given(marks=small, spacing=st.tuples(lengths, lengths, lengths))
def test_against_the_rule_in_words(marks, spacing):
    own = spacing[: marks.ndim]
    squares, lengths, moves = (np.full(marks.shape, most) for most in (NO_DISTANCE, np.inf, NO_DISTANCE))
    for pixel in np.ndindex(marks.shape):
        for source in map(tuple, np.argwhere(marks).tolist()):
            steps = [abs(a - b) for a, b in zip(pixel, source, strict=True)]
            square = 0.0
            for step, length in zip(steps, own, strict=True):
                square += (step * length) * (step * length)
            lengths[pixel] = min(lengths[pixel], square)
            squares[pixel] = min(squares[pixel], sum(step * step for step in steps))
            moves[pixel] = min(moves[pixel], max(steps))
    same(distance.squared_distances(sources=marks), squares.astype(np.int32))
    same(distance.squared_distances(sources=marks, spacing=own), lengths)
    same(distance.chessboard_distances(sources=marks), moves.astype(np.int32))


@settings(max_examples=300)
@given(spacing=st.tuples(lengths, lengths, lengths), shape=st.tuples(*[st.integers(1, 600)] * 3))
def test_whole_numbers_are_the_squares(spacing, shape):
    whole = distance._in_whole_numbers(spacing, shape)
    if whole is not None:
        weights, unit = whole
        assert sum(weight * (n - 1) ** 2 for weight, n in zip(weights, shape, strict=True)) <= NO_DISTANCE
        for weight, length, n in zip(weights, spacing, shape, strict=True):
            assert n == 1 or weight * Fraction(unit) == Fraction(length) ** 2


@pytest.mark.parametrize(
    "weight", [1, 2, 25, 8192, 8193, 16383, 32766, 32767, 32768, 40000, 70000, 2_000_000, 1_431_655_770, 2_000_000_000]
)
def test_every_weight_and_base(weight, way):
    # Square roots of these are no floats, so that they cannot be asked for by a spacing of the public function.
    for rows, at in ((1, 0), (30, 0), (30, 29), (3, 1), (2, 0), (2, 1)):
        marks = np.zeros((rows, 1, 70), np.uint8)
        marks[at, 0, 5] = marks[at, 0, 66] = 1
        if weight * (rows - 1) ** 2 + 69**2 > NO_DISTANCE:
            continue
        found = np.empty(marks.shape, np.int32)
        work = np.empty(distance._loops.scratch(*marks.shape, False), np.int8)
        distance._loops.square_whole(marks, np.array([weight, 1, 1], np.uint32), found, work)
        y, x = np.indices((rows, 70))
        expected = weight * (y - at) ** 2 + np.minimum((x - 5) ** 2, (x - 66) ** 2)
        assert np.array_equal(found[:, 0], expected), (rows, at)


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 181, 182, 183, 200, 400])
def test_one_source_at_any_place_of_a_line(length, way):
    for at in sorted({0, 1, length // 2, length - 1} & set(range(length))):
        line = np.zeros(length, bool)
        line[at] = True
        squares = (np.arange(length) - at) ** 2
        for axes in ((1, length), (length, 1), (1, 1, length), (1, length, 1), (length, 1, 1)):
            found = distance.squared_distances(sources=line.reshape(axes))
            assert np.array_equal(found.ravel(), squares)
            spacing = (0.7,) * len(axes)
            expected = (np.abs(np.arange(length) - at) * 0.7) ** 2
            assert np.array_equal(
                distance.squared_distances(sources=line.reshape(axes), spacing=spacing).ravel(), expected
            )


def test_the_longest_side_and_the_longest_diagonal():
    # 46340**2 + 107**2 is 2,147,407,049, the largest int32 2,147,483,647, and 46340**2 + 300**2 exceeds it.
    image = np.zeros((108, 46341), np.uint8)
    image[0, 0] = 1
    assert distance.squared_distances(sources=image)[-1, -1] == 46340**2 + 107**2
    for shape in ((301, 46341), (1, 46342), (40000, 40000)):
        with pytest.raises(ResourceError, match="squared diagonal"):
            distance.squared_distances(sources=np.broadcast_to(np.uint8(0), shape))
    for shape in ((1, 65535), (65535, 1)):
        line = np.zeros(shape, np.uint8)
        line.flat[0] = 1
        assert distance.squared_distances(sources=line, spacing=(0.7, 0.7)).flat[-1] == (65534 * 0.7) ** 2
        assert distance.chessboard_distances(sources=line).flat[-1] == 65534


def test_the_largest_int32_is_no_distance():
    # 7 modulo 8: squares are 0, 1 or 4, and no three of them add up to 7.
    assert NO_DISTANCE % 8 == 7
    assert 7 not in {sum(squares) % 8 for squares in itertools.product((0, 1, 4), repeat=3)}


@pytest.mark.parametrize("shape", [(1, 1), (40, 70), (5, 6, 7)])
def test_without_sources(shape, way):
    none = np.zeros(shape, bool)
    assert (distance.squared_distances(sources=none) == NO_DISTANCE).all()
    assert (distance.chessboard_distances(sources=none) == NO_DISTANCE).all()
    for spacing in (1.0, 0.7):
        assert np.isposinf(distance.squared_distances(sources=none, spacing=(spacing,) * len(shape))).all()


BAD_SOURCES = [
    (IMAGE[0], ShapeMismatch),
    (IMAGE[None, None], ShapeMismatch),
    (IMAGE[:, :0], BadParameter),
    (IMAGE.astype(complex), BadParameter),
    ([[1, 2], [3]], BadParameter),
    (np.array([[0.5]]), StrayLabel),
    (np.broadcast_to(np.uint8(0), (1, 2**16)), ResourceError),
]
BAD_SPACING = [
    1,
    (),
    (1,),
    (1, 1, 1),
    (1, 0),
    (1, -1),
    (1, np.inf),
    (np.nan, 1),
    "ab",
    (1, None),
    (1e200, 1),
    (1, 1e-170),
]
BAD = [
    *((name, {"sources": image}, error) for name in DISTANCE_CASES for image, error in BAD_SOURCES),
    *(("squared_distances", {"sources": IMAGE, "spacing": spacing}, BadParameter) for spacing in BAD_SPACING),
]


@pytest.mark.parametrize(("name", "case", "error"), BAD)
def test_errors(name, case, error):
    with pytest.raises(error):
        KERNELS[name](**case)
    hold(KERNELS[name], TWINS[name], case)


@pytest.mark.parametrize("spacing", [None, (2.5, 1, 1), (0.7, 0.7, 0.7)])
def test_memory_is_the_result_and_a_few_lines(spacing):
    marks = np.zeros((60, 100, 200), bool)
    marks[30, 50, 100] = True
    crop = marks[:, 10:-10]
    tracemalloc.start()
    try:
        found = distance.squared_distances(sources=crop, spacing=spacing)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A slice of counts of two bytes, and lines: of 16 or 64 columns side by side, and costs.
    assert peak - found.nbytes < 2 * 80 * 200 + 100_000


def test_other_threads_run_during_the_loops():
    marks = np.zeros((3000, 1, 3000), np.uint8)
    marks[::50, 0, ::50] = 1
    whole, real = np.empty(marks.shape, np.int32), np.empty(marks.shape)
    weights, spacing = np.ones(3, np.uint32), np.full(3, 0.7)
    loops = distance._loops
    works = [np.empty(loops.scratch(*marks.shape, is_real), np.int8) for is_real in (False, True)]
    assert others_run_during(lambda: loops.square_whole(marks, weights, whole, works[0]), turns=5)
    assert others_run_during(lambda: loops.square_scaled(marks, weights, real, works[0], 1.0), turns=5)
    assert others_run_during(lambda: loops.square_real(marks, spacing, real, works[1]), turns=5)
    assert others_run_during(lambda: loops.count_moves(marks, whole, np.empty(3002, np.int32)), turns=5)


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._distance", None)
    spec = importlib.util.spec_from_file_location("distance_without_build", distance.__file__)
    with pytest.raises(KernelsNotBuilt, match=r"pip install .*in the checkout"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
