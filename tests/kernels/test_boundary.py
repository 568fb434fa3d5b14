"""The kernels on boundaries against their twins, and in cases worked out by hand."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys

import numpy as np
import pytest

from segbench.errors import BadParameter, KernelsNotBuilt, ResourceError, ShapeMismatch, StrayLabel
from segbench.kernels import boundary, reference_boundary
from segbench.kernels.boundary import BORDERS, COLUMNS, DEFINITIONS, boundary_counts, boundary_map, mask_boundary_counts
from tests.kernels.boundaries import BOUNDARY_CASES, REACHES
from tests.kernels.comparisons import hold
from tests.kernels.turns import others_run_during

KERNELS = {name: getattr(boundary, name) for name in BOUNDARY_CASES}
TWINS = {name: getattr(reference_boundary, name) for name in BOUNDARY_CASES}
MASK = np.array([[0, 1, 1], [0, 1, 0]], np.uint8)
DAVIS = {"definition": "seg2bmap", "border": "nothing"}
KINDS = [pair for pair in itertools.product(DEFINITIONS, BORDERS) if pair != ("seg2bmap", "background")]


class OneWay:
    """The compiled loops, each going one of its WAYS."""

    def __init__(self, loops, way):
        self._loops, self._way, self.rooms = loops, way, []

    def count(self, *arguments):
        self.rooms.append(arguments[7].shape[1])
        return self._loops.count(*arguments, self._way)

    def mark(self, *arguments):
        self._loops.mark(*arguments, self._way)


@pytest.fixture(params=range(len(boundary._loops.WAYS)), ids=boundary._loops.WAYS)
def way(request, monkeypatch):
    one = OneWay(boundary._loops, request.param)
    monkeypatch.setattr(boundary, "_loops", one)
    return one


def test_every_kernel_has_a_twin_of_the_same_signature():
    own = [
        name
        for name, value in inspect.getmembers(boundary, inspect.isfunction)
        if value.__module__ == boundary.__name__
    ]
    assert {name for name in own if not name.startswith("_")} == set(BOUNDARY_CASES)
    for name, kernel in KERNELS.items():
        assert inspect.signature(kernel) == inspect.signature(TWINS[name])


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_random_cases(name, seed, way):
    for case in itertools.islice(BOUNDARY_CASES[name](np.random.default_rng(seed)), 200):
        hold(KERNELS[name], TWINS[name], case)


def test_the_cases_reach_every_rule_dtype_and_size():
    cases = list(itertools.islice(BOUNDARY_CASES["boundary_counts"](np.random.default_rng(0)), 400))
    assert {(case["definition"], case["border"]) for case in cases} == set(KINDS)
    dtypes = {(case["truth"].dtype.itemsize, case["prediction"].dtype.itemsize) for case in cases}
    assert dtypes == set(itertools.product((1, 2), (1, 2)))
    assert {case["reach_squared"] for case in cases} == set(REACHES)
    shapes = [case["truth"].shape for case in cases]
    assert sum(columns > 128 for _, columns in shapes) > 50
    assert any(rows == 1 for rows, _ in shapes) and any(columns == 1 for _, columns in shapes)
    counts = [boundary_counts(**case) for case in cases]
    assert sum(rows[:, :2].sum() < 2 * case["truth"].size for rows, case in zip(counts, cases, strict=True)) > 100
    assert sum(bool(((rows[:, 0] > 0) & (rows[:, 1] == 0)).any()) for rows in counts) > 50  # absent from one
    some = [bool(((rows[:, 3] > 0) & (rows[:, 3] < rows[:, 2])).any()) for rows in counts]
    assert sum(some) > 80


@pytest.mark.parametrize("name", ["boundary_counts", "mask_boundary_counts"])
@pytest.mark.parametrize(("definition", "border"), KINDS)
def test_every_width(definition, border, name, way):
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(0, 3, (2, 3, 60), dtype=np.uint8), 5, axis=2)
    rules = {"definition": definition, "border": border, "reach_squared": 4}
    rules |= {"n_classes": 2} if name == "boundary_counts" else {}
    for n in (*range(1, 20), *range(60, 70), *range(125, 131), 192, 193):
        # A copy ends where its memory ends, so that a sanitizer sees a read beyond it.
        truth, prediction = labels[:, :, :n].copy()
        hold(KERNELS[name], TWINS[name], {"truth": truth, "prediction": prediction} | rules)
        if name == "boundary_counts":
            pair = {"truth": truth.astype(np.uint16), "prediction": prediction.astype(np.uint16)}
            hold(KERNELS[name], TWINS[name], pair | rules)


@pytest.mark.parametrize("dy", [0, 3, -3])
def test_a_hit_is_a_squared_distance_within_the_reach(dy, way):
    """One pixel each, at every distance along a row: across words, and beyond several of them."""
    for begin, end in itertools.product((0, 63, 64, 130), range(330)):
        truth, prediction = np.zeros((2, 7, 330), bool)
        truth[3, begin] = prediction[3 + dy, end] = True
        squared = (begin - end) ** 2 + dy * dy
        for reach in {squared - 1, squared, squared + 1} if squared else {0}:
            counts = mask_boundary_counts(truth=truth, prediction=prediction, reach_squared=reach)
            near = int(squared <= reach)
            assert counts.tolist() == [1, 1, 1, near, 1, near], (begin, end, reach)


def test_a_disk_of_hits():
    """A pixel amid pixels: those within the reach are what a disk covers."""
    y, x = np.ogrid[-40:41, -90:91]
    truth = np.ones((81, 181), np.uint8)
    truth[::2, ::2] = 0  # every pixel of the mask has a neighbour outside it
    prediction = np.zeros_like(truth)
    prediction[40, 91] = 1
    for reach in (0, 1, 2, 24, 25, 26, 400, 70**2):
        inside = (truth == 1) & ((y**2 + (x - 1) ** 2) <= reach)
        case = {"truth": truth, "prediction": prediction, "reach_squared": reach}
        assert mask_boundary_counts(**case, definition="inner8")[3] == inside.sum()


def square(shift=0, shape=(480, 854)):
    mask = np.zeros(shape, bool)
    mask[100:200, 100 + shift : 200 + shift] = True
    return mask


def test_pixels_of_a_square():
    # A 100 × 100 square has 4 · 99 pixels on its edge and 4 · 100 beside it. What seg2bmap finds is the ring of a
    # square of 101 × 101, 4 · 100 pixels.
    pixels = {kind: boundary_map(mask=square(), definition=kind[0], border=kind[1]).sum() for kind in KINDS}
    by_definition = {"inner4": 396, "inner8": 396, "thick": 796, "seg2bmap": 400}
    assert pixels == {kind: by_definition[kind[0]] for kind in KINDS}
    corner = square()[100:300, 100:300]
    # In the corner of the image two edges of 100 pixels lie inside the image, and share one.
    assert boundary_map(mask=corner, border="nothing").sum() == 199 and boundary_map(mask=corner).sum() == 396
    assert boundary_map(mask=corner, **DAVIS).sum() == 199


def test_the_cliff_at_the_reach():
    # Moved by eight pixels within eight, all hit; by nine, what stands upright misses but for its ends.
    moved = [
        mask_boundary_counts(truth=square(), prediction=square(shift), reach_squared=64, **DAVIS).tolist()
        for shift in (8, 9)
    ]
    assert moved[0] == [10_000, 10_000, 400, 400, 400, 400]
    assert moved[1] == [10_000, 10_000, 400, 216, 400, 216]


def test_a_mask_that_fills_the_image_has_no_boundary_but_the_frame():
    full = np.ones((50, 130), bool)
    for definition in DEFINITIONS:
        assert not boundary_map(mask=full, definition=definition, border="nothing").any()
    for definition in DEFINITIONS[1:]:
        assert boundary_map(mask=full, definition=definition).sum() == 2 * 50 + 2 * 130 - 4


def test_no_class_bounds_and_has_no_boundary():
    truth = np.zeros((5, 9), np.uint8)
    truth[:, 4:] = 255
    truth[:, 7:] = 254
    counts = boundary_counts(truth=truth, prediction=truth, n_classes=2, reach_squared=0, border="nothing")
    assert counts.tolist() == [[20, 20, 5, 5, 5, 5], [0] * 6]


@pytest.mark.parametrize("definition", DEFINITIONS[1:])
def test_flips_transposes_and_swaps_change_nothing(definition, way):
    cases = BOUNDARY_CASES["boundary_counts"](np.random.default_rng(5))
    for case in itertools.islice(cases, 40):
        case["definition"] = definition
        case["border"] = "nothing"
        counts = boundary_counts(**case)
        for turn in (np.transpose, np.flipud, np.fliplr):
            turned = case | {name: turn(case[name]) for name in ("truth", "prediction")}
            assert np.array_equal(boundary_counts(**turned), counts)
        swapped = case | {"truth": case["prediction"], "prediction": case["truth"]}
        assert np.array_equal(boundary_counts(**swapped), counts[:, [1, 0, 4, 5, 2, 3]])


def test_a_frame_of_no_class_is_the_background_beyond_the_image(way):
    for case in itertools.islice(BOUNDARY_CASES["boundary_counts"](np.random.default_rng(6)), 60):
        if case["definition"] == "seg2bmap" or case["n_classes"] > 255:
            continue
        inside = boundary_counts(**case | {"border": "background"})
        framed = {
            name: np.pad(case[name], 3, constant_values=np.iinfo(case[name].dtype).max)
            for name in ("truth", "prediction")
        }
        for border in BORDERS:
            if case["definition"] != "thick":
                assert np.array_equal(boundary_counts(**case | framed | {"border": border}), inside)


def test_a_class_of_a_map_is_a_mask(way):
    for case in itertools.islice(BOUNDARY_CASES["boundary_counts"](np.random.default_rng(7)), 60):
        counts = boundary_counts(**case)
        del case["n_classes"]
        for c in np.unique(case["truth"]).tolist():
            if c < len(counts):
                masks = {name: case[name] == c for name in ("truth", "prediction")}
                assert np.array_equal(mask_boundary_counts(**case | masks), counts[c])


def test_room_is_made_for_noise(way):
    truth, prediction = np.random.default_rng(0).integers(0, 150, (2, 24, 130), dtype=np.uint8)
    case = {"truth": truth, "prediction": prediction, "n_classes": 150, "reach_squared": 2, **DAVIS}
    hold(boundary_counts, TWINS["boundary_counts"], case)
    first, second = way.rooms
    assert second > first


BAD_MASKS = [
    (MASK[0], ShapeMismatch),
    (MASK[None], ShapeMismatch),
    (MASK[:, :0], BadParameter),
    (MASK.astype(complex), BadParameter),
    (MASK * 0.5, StrayLabel),
]
BAD_RULES = [
    {"definition": "inner"},
    {"definition": 4},
    {"border": "frame"},
    {"definition": "seg2bmap"},
]
BAD_REACHES = [-2, 1.0, None, True]
COUNTS = {"truth": MASK, "prediction": MASK, "reach_squared": 1}
GOOD = {"boundary_map": {"mask": MASK}, "boundary_counts": COUNTS | {"n_classes": 2}, "mask_boundary_counts": COUNTS}
COUNTED = ("boundary_counts", "mask_boundary_counts")
BAD = [
    *(("boundary_map", {"mask": mask}, error) for mask, error in BAD_MASKS),
    *((name, {"prediction": MASK.T}, ShapeMismatch) for name in COUNTED),
    *(("mask_boundary_counts", {"truth": mask, "prediction": mask}, error) for mask, error in BAD_MASKS),
    *(("boundary_counts", {"truth": mask, "prediction": mask}, error) for mask, error in BAD_MASKS),
    ("boundary_counts", {"prediction": MASK.astype(np.int32)}, BadParameter),
    ("boundary_counts", {"truth": MASK.astype(np.int64)}, BadParameter),
    *(("boundary_counts", {"n_classes": n}, BadParameter) for n in (0, -1, 65536, 2.0, None)),
    *((name, {"reach_squared": reach}, BadParameter) for name in COUNTED for reach in BAD_REACHES),
    *((name, rules, BadParameter) for name in GOOD for rules in BAD_RULES),
]


@pytest.mark.parametrize(("name", "change", "error"), BAD)
def test_errors(name, change, error):
    case = GOOD[name] | change
    with pytest.raises(error):
        KERNELS[name](**case)
    hold(KERNELS[name], TWINS[name], case)


@pytest.mark.parametrize("kernels", [KERNELS, TWINS], ids=["kernel", "twin"])
def test_more_pixels_than_numbers(kernels):
    # 2**32 pixels in one byte of memory.
    huge = np.broadcast_to(np.uint8(0), (2**16, 2**16))
    for name, good in GOOD.items():
        with pytest.raises(ResourceError):
            kernels[name](**{key: huge if value is MASK else value for key, value in good.items()})


def test_the_largest_number_of_classes():
    labels = np.array([[65534, 65535], [254, 255]], np.uint16)
    counts = boundary_counts(truth=labels, prediction=labels, n_classes=65535, reach_squared=0)
    assert np.flatnonzero(counts.any(axis=1)).tolist() == [254, 255, 65534]
    assert counts.sum() == 3 * len(COLUMNS)


def test_other_threads_run_during_the_loops():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 21, (2, 1500, 1500), dtype=np.uint8)
    case = {"truth": truth, "prediction": prediction, "reach_squared": 25}
    assert others_run_during(lambda: boundary_counts(**case, n_classes=21))
    assert others_run_during(lambda: [mask_boundary_counts(**case) for _ in range(5)])
    assert others_run_during(lambda: [boundary_map(mask=truth) for _ in range(10)])


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._boundary", None)
    spec = importlib.util.spec_from_file_location("boundary_without_build", boundary.__file__)
    with pytest.raises(KernelsNotBuilt, match=r"pip install .*in the checkout"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
