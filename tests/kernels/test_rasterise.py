"""Polygons drawn as masks, against the twin that walks every point, and what is refused."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segbench.errors import BadParameter, KernelsNotBuilt, ResourceError
from segbench.kernels import rasterise as module
from segbench.kernels import reference_rle, rle
from segbench.kernels.rasterise import rasterise
from segbench.kernels.runs import LARGEST_COORDINATE
from tests.kernels.runmasks import RUN_CASES, agree, polygon_case
from tests.kernels.turns import others_run_during

CANVAS = (20, 20)


def test_a_twin_of_the_same_signature():
    assert inspect.signature(rasterise) == inspect.signature(reference_rle.rasterise)


@pytest.mark.parametrize("seed", range(3))
def test_random_cases(seed):
    for case in itertools.islice(RUN_CASES["rasterise"](np.random.default_rng(seed)), 400):
        agree("rasterise", case)


def test_the_cases_are_empty_full_and_between():
    cases = itertools.islice(RUN_CASES["rasterise"](np.random.default_rng(0)), 500)
    shares = np.concatenate([share(rasterise(**case)) for case in cases])
    assert (shares == 0).sum() > 50 and ((shares > 0) & (shares < 1)).sum() > 300


def share(runs):
    return rle.areas(runs) / (runs.heights * runs.widths)


def draw(*polygons, size=CANVAS):
    return agree_on([list(polygons)], [size])


def agree_on(drawn, sizes):
    case = polygon_case(drawn, sizes)
    agree("rasterise", case)
    return rasterise(**case)


def area(*polygons, size=CANVAS):
    return int(rle.areas(draw(*polygons, size=size))[0])


def square(low, high):
    return [low, low, high, low, high, high, low, high]


# On a canvas of 20×20; pixels as the official tool draws them.
AREAS = [
    (square(0, 9), 81),
    (square(2, 5), 9),
    (square(2.4, 5.4), 9),
    (square(2.49, 5.49), 9),
    (square(2.5, 5.5), 9),
    (square(2.6, 5.6), 9),
    ([2, 2, 10, 2, 2, 10], 28),
    ([10, 10, 2, 10, 10, 2], 36),
    ([2, 2, 10, 2, 10, 2, 2, 2], 0),
    ([2, 2, 10, 2, 10, 2.4, 2, 2.4], 0),
    (square(30, 40), 0),
    (square(-9, -2), 0),
    (square(-5, 5), 25),
    ([2, 2, 10, 10, 10, 2, 2, 10], 32),
    ([2, 2, 10, 2, 2, 10, 7], 28),
    ([2, 3, 6, 3, 6, 8, 2, 8], 20),
]


@pytest.mark.parametrize(("polygon", "pixels"), AREAS)
def test_areas_of_the_official_tool(polygon, pixels):
    assert area(polygon) == pixels


@pytest.mark.parametrize(("low", "first"), [(2, 2), (2.4, 2), (2.49, 2), (2.5, 3), (2.6, 3)])
def test_where_a_square_begins(low, first):
    assert rle.boxes(draw(square(low, low + 3))).tolist() == [[first, first, 3, 3]]


def test_several_polygons_are_united():
    assert area(square(0, 4), square(2, 6)) == 16 + 16 - 4
    runs = agree_on([[square(0, 4), square(2, 6)], [square(1, 2)]], [CANVAS, (3, 3)])
    assert rle.areas(runs).tolist() == [28, 1]


def test_even_and_odd_within_one_polygon():
    twice = square(2, 8) + square(2, 8)
    assert area(twice) == 0


def test_the_smallest_and_the_largest_image():
    assert area(square(0, 1), size=(1, 1)) == 1
    rng = np.random.default_rng(0)
    for _ in range(20):
        draw((rng.random(60) * 1400 - 200).round(2), size=(1000, 1000))
    # A row of so many columns that nothing may be made for each of them.
    assert rle.areas(rasterise(square(-5, 5), [0, 8], [0, 1], [1], [2**32 - 1])).tolist() == [5]
    assert rle.areas(rasterise(square(-5, 5), [0, 8], [0, 1], [2**32 - 1], [1])).tolist() == [5]


numbers = st.floats(-60, 60) | st.integers(-200, 200).map(lambda n: n / 5) | st.integers(-80, 80).map(lambda n: n / 2)


@settings(max_examples=400)
@given(
    drawn=st.lists(st.lists(numbers, min_size=4, max_size=15), min_size=1, max_size=3),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
)
def test_any_polygons(drawn, size):
    draw(*drawn, size=size)


@settings(max_examples=200)
@given(corners=st.tuples(*[st.integers(0, 30)] * 4))
def test_a_rectangle_of_whole_numbers_is_its_pixels(corners):
    left, right = sorted(corners[:2])
    top, bottom = sorted(corners[2:])
    mask = np.zeros((30, 30), np.uint8)
    mask[top:bottom, left:right] = 1
    runs = draw([left, top, right, top, right, bottom, left, bottom], size=(30, 30))
    assert np.array_equal(rle.decode(runs, 0), mask)


@settings(max_examples=100)
@given(
    points=st.lists(st.sampled_from([-1e8, -1e8 + 0.2, -1e6, -3.3, 0.0, 2.5, 9.7, 1e4, 12345678.9, 1e8]), min_size=4)
)
def test_giant_coordinates_are_drawn_within_the_image(points):
    begin = time.process_time()
    runs = rasterise(points, [0, len(points)], [0, 1], [9], [13])
    assert time.process_time() - begin < 1
    assert runs.counts.sum() == 9 * 13


def test_a_giant_polygon_covers_the_image():
    assert area_alone(square(-LARGEST_COORDINATE, LARGEST_COORDINATE)) == 400
    assert area_alone([-1e7, -1e7, 1e7, -1e7, 0, 1e7]) == 400


def area_alone(polygon):
    return int(rle.areas(rasterise(polygon, [0, len(polygon)], [0, 1], [20], [20]))[0])


REFUSED = {
    "two numbers": ([[[1, 2]]], "a polygon of 2 numbers", 0),
    "no number": ([[square(0, 3)], [square(0, 3), []]], "a polygon of 0 numbers", 1),
    "no polygon": ([[square(0, 3)], []], "a mask without polygons", 1),
    "not a number": ([[square(0, 3)], [square(0, 3)], [square(0, 3), [0, 0, np.nan, 1, 1, 1]]], "coordinate nan", 2),
    "infinite": ([[[0, 0, -np.inf, 1, 1, 1]]], "coordinate -inf", 0),
    "giant": ([[square(0, 1e300)]], "coordinate 1e+300", 0),
    "beyond 32 bits": ([[square(0, 1e9)]], "coordinate 1e+09", 0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    drawn, words, index = REFUSED[name]
    found = agree("rasterise", polygon_case(drawn, [CANVAS] * len(drawn)))
    assert found[:2] == ("RleFault", index) and words in found[2]


GOOD = polygon_case([[square(0, 3)]], [CANVAS])


@pytest.mark.parametrize(
    "change",
    [
        {"polygon_offsets": [0, 9]},
        {"polygon_offsets": [8]},
        {"polygon_offsets": []},
        {"annotation_offsets": [0, 2]},
        {"annotation_offsets": [0, 1, 0, 1]},
        {"heights": [20, 20]},
        {"widths": [20.0]},
        {"points": ["0"] * 8},
        {"points": [[0, 1, 2, 3, 4, 5, 6, 7]]},
    ],
)
def test_columns_that_do_not_fit(change):
    assert isinstance(agree("rasterise", GOOD | change), BadParameter)


@pytest.mark.parametrize("size", [(0, 4), (4, -1), (2**32, 2**32)])
def test_refused_sizes(size):
    assert agree("rasterise", polygon_case([[square(0, 3)]], [size]))[0] == "RleFault"


def test_empty_lists():
    assert len(rasterise([], [0], [0], [], [])) == 0


def zigzag(n, left, right):
    y = np.random.default_rng(0).random(n) * 480
    return np.stack([np.where(np.arange(n) % 2, right, left), y], axis=1).ravel()


def drawn_one(points, size=(480, 640)):
    return rasterise(points, [0, len(points)], [0, 1], [size[0]], [size[1]])


def test_a_million_crossings_of_one_column():
    begin = time.process_time()
    runs = drawn_one(zigzag(1_000_000, 10.1, 10.9))
    # Insertion would take minutes.
    assert time.process_time() - begin < 5
    assert rle.boxes(runs)[0, 2] <= 1 and runs.counts.sum() == 480 * 640


@pytest.mark.parametrize("n", [31, 32, 33, 34, 35, 64, 65, 257, 1000])
def test_many_crossings_of_few_columns(n):
    for right in (10.9, 13.2, 40):
        draw(zigzag(n, 10.1, right), size=(480, 50))


def test_more_crossings_than_memory():
    with pytest.raises(ResourceError, match="a polygon whose edges pass"):
        drawn_one(zigzag(200_000, 0, 640))
    # Many are well: a thousand edges across all columns.
    assert drawn_one(zigzag(1000, 0, 640)).counts.sum() == 480 * 640


def test_more_counts_than_are_drawn_at_a_time(monkeypatch):
    cases = list(itertools.islice(RUN_CASES["rasterise"](np.random.default_rng(5)), 100))
    monkeypatch.setattr(module, "_ROOM", 1)
    for case in cases:
        agree("rasterise", case)


def test_other_threads_run_during_the_loops():
    star = zigzag(300, 0, 640)
    case = polygon_case([[star]] * 40, [(480, 640)] * 40)
    assert others_run_during(lambda: rasterise(**case), turns=5)


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._rle", None)
    spec = importlib.util.spec_from_file_location("without_build", module.__file__)
    with pytest.raises(KernelsNotBuilt, match=r"pip install .*in the checkout"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
