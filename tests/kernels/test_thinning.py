"""The kernels on segments against their twins, and against the reference of ISBI 2012."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys

import numpy as np
import pytest

from segbench.errors import BadParameter, KernelsNotBuilt, ResourceError, ShapeMismatch, StrayLabel
from segbench.kernels import reference_thinning, thinning
from tests.kernels.comparisons import hold, same
from tests.kernels.segmentations import SEGMENT_CASES
from tests.kernels.turns import others_run_during
from tests.oracles import isbi2012

KERNELS = {name: getattr(thinning, name) for name in SEGMENT_CASES}
TWINS = {name: getattr(reference_thinning, name) for name in SEGMENT_CASES}
IMAGE = np.array([[1, 0, 1], [0, 0, 1]], np.uint8)


def test_every_kernel_has_a_twin_of_the_same_signature():
    own = [
        name
        for name, value in inspect.getmembers(thinning, inspect.isfunction)
        if value.__module__ == thinning.__name__
    ]
    assert {name for name in own if not name.startswith("_")} == set(SEGMENT_CASES)
    for name, kernel in KERNELS.items():
        assert inspect.signature(kernel) == inspect.signature(TWINS[name])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_random_cases(name, seed):
    for case in itertools.islice(SEGMENT_CASES[name](np.random.default_rng(seed)), 120):
        hold(KERNELS[name], TWINS[name], case)


def test_the_cases_are_large_full_empty_and_parted():
    cases = list(itertools.islice(SEGMENT_CASES["thinned_segments"](np.random.default_rng(0)), 120))
    images = [case["foreground"] != 0 for case in cases]
    assert sum(min(image.shape) > 32 for image in images) > 30
    assert any(image.all() for image in images) and any(not image.any() for image in images)
    assert any(1 in image.shape for image in images)
    labels = [thinning.thinned_segments(foreground=image) for image in images]
    assert sum((found == 0).any() for found in labels) > 60
    # Lines that touch nothing but lines: the other way to become one.
    assert sum(bool(lines_among_lines(found).any()) for found in labels) > 10


def lines_among_lines(labels):
    """Where a pixel and its four neighbours are lines."""
    framed = np.pad(labels == 0, 1, constant_values=True)
    beside = framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
    return beside & (labels == 0)


@pytest.mark.parametrize(
    ("kernel", "oracle"), [("thinned_segments", "thinned"), ("connected_segments", "connected_regions")]
)
def test_same_as_the_reference_of_isbi_2012(kernel, oracle):
    for case in itertools.islice(SEGMENT_CASES[kernel](np.random.default_rng(9)), 120):
        columns = (case["foreground"] != 0).astype(int).T.tolist()
        expected = np.array(getattr(isbi2012, oracle)(columns), np.int32).T.copy()
        same(KERNELS[kernel](**case), expected)


def test_a_map_at_every_threshold_down_to_none_and_up_to_all():
    rng = np.random.default_rng(4)
    y, x = np.indices((70, 90))
    field = sum(np.cos(rng.normal(0, 0.3) * x + rng.normal(0, 0.3) * y + rng.uniform(0, 7)) for _ in range(6))
    for threshold in np.linspace(field.min() - 1, field.max() + 1, 12):
        hold(thinning.thinned_segments, reference_thinning.thinned_segments, {"foreground": field > threshold})


@pytest.mark.parametrize("size", [(1, 1), (1, 37), (37, 1), (40, 50)])
@pytest.mark.parametrize("value", [0, 1])
def test_one_kind_of_pixel_is_one_segment(size, value):
    image = np.full(size, value, np.uint8)
    assert (thinning.thinned_segments(foreground=image) == 1).all()
    assert (thinning.connected_segments(foreground=image) == value).all()
    for name in ("thinned_segments", "connected_segments"):
        hold(KERNELS[name], TWINS[name], {"foreground": image})


def test_numbers_of_basins_follow_columns_and_of_regions_rows():
    image = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]])
    # Each side lies between two corners; the centre is reached from lines only.
    assert thinning.thinned_segments(foreground=image).tolist() == [[1, 0, 3], [0, 0, 0], [2, 0, 4]]
    assert thinning.connected_segments(foreground=image).tolist() == [[1, 0, 2], [0, 0, 0], [3, 0, 4]]


def test_joint_counts_of_a_small_pair():
    truth, prediction = [[0, 1, 1], [2, 2, 2]], [[0, 0, 3], [3, 3, 0]]
    expected = [[0, 0, 1], [1, 0, 1], [1, 3, 1], [2, 0, 1], [2, 3, 2]]
    assert thinning.joint_counts(truth=truth, prediction=prediction).tolist() == expected


def test_as_many_segments_as_pixels_need_no_table():
    # A table of both would have 10**12 cells.
    labels = np.arange(1, 1_000_001).reshape(1000, 1000)
    counts = thinning.joint_counts(truth=labels, prediction=labels[::-1])
    assert len(counts) == labels.size and (counts[:, 2] == 1).all()
    assert np.array_equal(counts[:, 0], labels.ravel())
    assert np.array_equal(counts[:, 1], labels[::-1].ravel())


BAD_IMAGES = [
    (IMAGE[0], ShapeMismatch),
    (IMAGE[None], ShapeMismatch),
    (IMAGE[:, :0], BadParameter),
    (IMAGE.astype(complex), BadParameter),
    ([[1, 2], [3]], BadParameter),
    (np.array([[0.5]]), StrayLabel),
]
BAD_PAIRS = [
    ({"truth": IMAGE.T, "prediction": IMAGE}, ShapeMismatch),
    ({"truth": IMAGE[0], "prediction": IMAGE[0]}, ShapeMismatch),
    ({"truth": IMAGE[:0], "prediction": IMAGE[:0]}, BadParameter),
    ({"truth": IMAGE + 6, "prediction": IMAGE}, BadParameter),  # 7 is more than six pixels
    ({"truth": IMAGE, "prediction": IMAGE.astype(np.int64) - 1}, BadParameter),
    ({"truth": IMAGE, "prediction": IMAGE * 0.5}, StrayLabel),
]
BAD = [
    *(
        (name, {"foreground": image}, error)
        for name in ("connected_segments", "thinned_segments")
        for image, error in BAD_IMAGES
    ),
    *(("joint_counts", pair, error) for pair, error in BAD_PAIRS),
]


@pytest.mark.parametrize(("name", "case", "error"), BAD)
def test_errors(name, case, error):
    with pytest.raises(error):
        KERNELS[name](**case)
    hold(KERNELS[name], TWINS[name], case)


@pytest.mark.parametrize("kernels", [KERNELS, TWINS], ids=["kernel", "twin"])
def test_more_pixels_than_numbers(kernels):
    # 2**32 pixels in one byte of memory.
    huge = np.broadcast_to(np.uint8(0), (2**16, 2**16))
    for name in ("connected_segments", "thinned_segments"):
        with pytest.raises(ResourceError):
            kernels[name](foreground=huge)
    with pytest.raises(ResourceError):
        kernels["joint_counts"](truth=huge, prediction=huge)


def test_the_last_label_allowed_is_the_number_of_pixels():
    assert thinning.joint_counts(truth=IMAGE + 5, prediction=IMAGE)[:, 0].tolist() == [5, 6]


def test_other_threads_run_during_the_loops():
    rng = np.random.default_rng(0)
    image = (rng.random((2000, 2000)) < 0.5).astype(np.uint8)
    labels, queue = np.empty((2002, 2002), np.int32), np.empty(image.size, np.int32)
    flat = rng.integers(0, 3, (2, image.size)).astype(np.int32)
    work, places, cells = (
        np.empty((5, image.size), np.int32),
        np.empty(4, np.int32),
        np.empty((image.size, 3), np.int64),
    )
    loops = thinning._loops
    assert others_run_during(lambda: loops.thin(image, labels, queue))
    assert others_run_during(lambda: loops.connect(image, labels, queue))
    assert others_run_during(lambda: loops.count_pairs(flat[0], flat[1], work, places, cells))


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._thinning", None)
    spec = importlib.util.spec_from_file_location("thinning_without_build", thinning.__file__)
    with pytest.raises(KernelsNotBuilt, match=r"pip install .*in the checkout"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
