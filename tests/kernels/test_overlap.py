"""The kernels on overlaps against their twins, and against pycocotools."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as official

from segbench.errors import BadParameter, KernelsNotBuilt, ResourceError, ShapeMismatch
from segbench.kernels import groups, overlap, reference_overlap
from tests.kernels.comparisons import hold
from tests.kernels.overlapping import OVERLAP_CASES, broken, joined, mask, runs_of
from tests.kernels.turns import others_run_during

KERNELS = {name: getattr(overlap, name) for name in OVERLAP_CASES}
TWINS = {name: getattr(reference_overlap, name) for name in OVERLAP_CASES}


def test_every_kernel_has_a_twin_of_the_same_signature():
    for name, kernel in KERNELS.items():
        assert inspect.signature(kernel) == inspect.signature(TWINS[name])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_random_cases(name, seed):
    for case in itertools.islice(OVERLAP_CASES[name](np.random.default_rng(seed)), 400):
        hold(KERNELS[name], TWINS[name], case)


def official_ious(case, items):
    """What pycocotools says of each group, one after the other."""
    found = []
    for group in range(len(case["truth_offsets"]) - 1):
        truths = range(*case["truth_offsets"][group : group + 2].tolist())
        predictions = range(*case["prediction_offsets"][group : group + 2].tolist())
        if len(truths) and len(predictions):
            crowd = case["crowd"][truths.start : truths.stop].astype(int).tolist()
            theirs, own = items(case["prediction"], predictions), items(case["truth"], truths)
            found.append(np.ravel(official.iou(theirs, own, crowd)))
    return np.concatenate(found) if found else np.zeros(0)


def as_official_masks(masks, rows):
    return [official.frPyObjects(as_counts(masks, i), *as_counts(masks, i)["size"]) for i in rows]


def as_counts(masks, i):
    counts = masks.counts[masks.offsets[i] : masks.offsets[i + 1]].tolist()
    return {"size": [int(masks.heights[i]), int(masks.widths[i])], "counts": counts}


def as_official_boxes(boxes, rows):
    return boxes[rows.start : rows.stop]


OFFICIAL = {"box_iou": as_official_boxes, "mask_iou": as_official_masks}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_same_as_pycocotools(name, seed):
    for case in itertools.islice(OVERLAP_CASES[name](np.random.default_rng(100 + seed)), 1000):
        ious, pair_offsets = KERNELS[name](**case)
        expected = official_ious(case, OFFICIAL[name])
        assert np.array_equal(ious, expected), (ious, expected)
        sizes = np.diff(case["truth_offsets"]) * np.diff(case["prediction_offsets"])
        assert pair_offsets.tolist() == [0, *np.cumsum(sizes).tolist()]


def test_the_cases_are_crowds_ties_empty_and_broken():
    rng = np.random.default_rng(0)
    found = [(case, *overlap.mask_iou(**case)) for case in itertools.islice(OVERLAP_CASES["mask_iou"](rng), 600)]
    values = np.concatenate([ious for _, ious, _ in found])
    assert (values == 0).sum() > 300 and (values == 1).sum() > 50 and ((values > 0) & (values < 1)).sum() > 1000
    stopped = 0
    for case, ious, _ in found:
        # As if no run had length 0: only where the official tool stops to count is there a difference.
        stopped += int((ious != overlap.mask_iou(**{**case, **unbroken(case)})[0]).sum())
    assert stopped > 100


def unbroken(case):
    return {name: joined_again(case[name]) for name in ("truth", "prediction")}


def joined_again(masks):
    dense = [dense_mask(masks, i) for i in range(len(masks.heights))]
    return joined([runs_of(image) for image in dense], masks.heights, masks.widths)


def dense_mask(masks, i):
    counts = masks.counts[masks.offsets[i] : masks.offsets[i + 1]]
    size = int(masks.widths[i]), int(masks.heights[i])
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(size).T


@settings(max_examples=300)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    bits=st.tuples(st.integers(0, 2**81 - 1), st.integers(0, 2**81 - 1)),
    crowd=st.booleans(),
)
def test_two_masks_counted_pixel_by_pixel(size, bits, crowd):
    height, width = size
    images = [np.array([b >> i & 1 for i in range(height * width)], bool).reshape(height, width) for b in bits]
    pair = [joined([runs_of(image)], np.array([height]), np.array([width])) for image in images]
    shared, either = (images[0] & images[1]).sum(), (images[0] | images[1]).sum()
    whole = images[1].sum() if crowd else either
    one = np.array([0, 1])
    ious, _ = overlap.mask_iou(
        truth=pair[0], prediction=pair[1], crowd=[crowd], truth_offsets=one, prediction_offsets=one
    )
    assert ious.tolist() == [int(shared) / int(whole) if shared else 0.0]


def test_large_masks_of_many_runs():
    rng = np.random.default_rng(0)
    images = [rng.random((500, 300)) < p for p in (0.02, 0.5, 0.98)] + [mask(rng, 500, 300) for _ in range(12)]
    sizes = np.full(len(images), 500), np.full(len(images), 300)
    masks = joined([broken(rng, runs_of(image)) for image in images], *sizes)
    ends = np.array([0, len(images)])
    case = {"truth": masks, "prediction": masks, "crowd": np.arange(len(images)) % 3 == 0}
    case |= {"truth_offsets": ends, "prediction_offsets": ends}
    hold(overlap.mask_iou, reference_overlap.mask_iou, case)
    assert np.array_equal(overlap.mask_iou(**case)[0], official_ious(case, as_official_masks))


ONE = joined([[0, 6]], np.array([2]), np.array([3]))
GOOD = {
    "box_iou": {
        "truth": [[0, 0, 2, 3]],
        "prediction": [[0, 0, 2, 3.0]],
        "crowd": [False],
        "truth_offsets": [0, 1],
        "prediction_offsets": [0, 1],
    },
    "mask_iou": {
        "truth": ONE,
        "prediction": ONE,
        "crowd": [False],
        "truth_offsets": [0, 1],
        "prediction_offsets": [0, 1],
    },
}
BAD_GROUPS = [
    ({"truth_offsets": [0, 2]}, BadParameter),
    ({"truth_offsets": [1, 1]}, BadParameter),
    ({"prediction_offsets": [0, 1, 0, 1]}, BadParameter),
    ({"prediction_offsets": [0, 0, 1]}, BadParameter),
    ({"prediction_offsets": []}, BadParameter),
    ({"prediction_offsets": [[0, 1]]}, BadParameter),
    ({"prediction_offsets": [0.0, 1.0]}, BadParameter),
    ({"crowd": []}, BadParameter),
    ({"crowd": [0.0]}, BadParameter),
]
BAD = [
    *((name, change, error) for name in GOOD for change, error in BAD_GROUPS),
    ("box_iou", {"truth": [[0, 0, 1, np.inf]]}, BadParameter),
    ("box_iou", {"prediction": [[0, np.nan, 1, 1]]}, BadParameter),
    ("box_iou", {"prediction": [[0, 0, 1]]}, BadParameter),
    ("box_iou", {"prediction": [0, 0, 1, 1]}, BadParameter),
    ("box_iou", {"prediction": [["0", "0", "1", "1"]]}, BadParameter),
    ("mask_iou", {"prediction": joined([[0, 6]], np.array([3]), np.array([2]))}, ShapeMismatch),
    ("mask_iou", {"prediction": joined([[0]], np.array([0]), np.array([2]))}, BadParameter),
    ("mask_iou", {"prediction": ONE._replace(offsets=np.array([0, 3]))}, BadParameter),
    ("mask_iou", {"prediction": ONE._replace(offsets=np.array([0, 2, 1, 2]))}, BadParameter),
    ("mask_iou", {"prediction": ONE._replace(heights=np.array([2, 2]))}, BadParameter),
]


@pytest.mark.parametrize(("name", "change", "error"), BAD)
def test_errors(name, change, error):
    case = GOOD[name] | change
    KERNELS[name](**GOOD[name])
    with pytest.raises(error):
        KERNELS[name](**case)
    hold(KERNELS[name], TWINS[name], case)


def test_more_pairs_than_memory():
    ends = np.array([0, 2**16])
    with pytest.raises(ResourceError):
        groups.as_groups(ends, ends, truths=2**16, predictions=2**16)


def test_sizes_may_differ_where_nothing_is_compared():
    pair = joined([[0, 6], [3, 3]], np.array([2, 3]), np.array([3, 2]))
    ious, _ = overlap.mask_iou(
        truth=ONE, prediction=pair, crowd=[False], truth_offsets=[0, 1, 1], prediction_offsets=[0, 1, 2]
    )
    assert ious.tolist() == [1.0]


def test_a_mask_without_a_run_is_empty():
    none = joined([[]], np.array([2]), np.array([3]))
    for pair in ((none, ONE), (ONE, none), (none, none)):
        case = GOOD["mask_iou"] | {"truth": pair[0], "prediction": pair[1]}
        assert overlap.mask_iou(**case)[0].tolist() == [0.0]


def test_other_threads_run_during_the_loops():
    rng = np.random.default_rng(0)
    image = rng.random((400, 400)) < 0.5
    masks = joined([runs_of(image)] * 30, np.full(30, 400), np.full(30, 400))
    ends = [0, 30]
    case = {"truth": masks, "prediction": masks, "crowd": np.zeros(30, bool)}
    assert others_run_during(lambda: overlap.mask_iou(**case, truth_offsets=ends, prediction_offsets=ends))
    many = np.tile([0.0, 0.0, 5.0, 5.0], (5000, 1))
    case = {"truth": many, "prediction": many, "crowd": np.zeros(5000, bool)}
    ends = [0, 5000]
    assert others_run_during(lambda: overlap.box_iou(**case, truth_offsets=ends, prediction_offsets=ends))


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._overlap", None)
    spec = importlib.util.spec_from_file_location("overlap_without_build", overlap.__file__)
    with pytest.raises(KernelsNotBuilt, match=r"pip install .*in the checkout"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
