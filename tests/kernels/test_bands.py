"""The kernels on bands against their twins, the reference of Boundary IoU, and the rule in words."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segbench.errors import BadParameter, KernelsNotBuilt, ShapeMismatch, StrayLabel
from segbench.kernels import bands, reference_bands
from tests.kernels.banded import BAND_CASES, OneWay, regions
from tests.kernels.comparisons import hold, same
from tests.kernels.turns import others_run_during
from tests.oracles import boundary_iou

KERNELS = {name: getattr(bands, name) for name in BAND_CASES}
TWINS = {name: getattr(reference_bands, name) for name in BAND_CASES}
MAP = np.array([[1, 0, 1], [0, 0, 1]], np.uint8)
TRUTH_PIXELS, PREDICTION_PIXELS, TRUTH_BAND, PREDICTION_BAND, BOTH = range(5)


@pytest.fixture(params=range(len(bands._loops.WAYS)), ids=bands._loops.WAYS)
def way(request, monkeypatch):
    monkeypatch.setattr(bands, "_loops", OneWay(bands._loops, request.param))


def test_every_kernel_has_a_twin_of_the_same_signature():
    own = [n for n, value in inspect.getmembers(bands, inspect.isfunction) if value.__module__ == bands.__name__]
    assert {name for name in own if not name.startswith("_")} == set(BAND_CASES)
    for name, kernel in KERNELS.items():
        assert inspect.signature(kernel) == inspect.signature(TWINS[name])


def test_the_columns_are_those_of_the_loops():
    # One pixel of class 0 in truth, and three in the prediction; of the latter one is true.
    truth, prediction = np.array([[0, 1, 1, 1]], np.uint8), np.array([[0, 0, 0, 1]], np.uint8)
    counts = bands.band_counts(truth=truth, prediction=prediction, n_classes=1, width_px=1)
    named = dict(zip(bands.COLUMNS, counts[0].tolist(), strict=True))
    assert named == {"truth_pixels": 1, "prediction_pixels": 3, "truth_band": 1, "prediction_band": 3, "both": 1}


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_random_cases_every_way(name, way):
    for case in itertools.islice(BAND_CASES[name](np.random.default_rng(1)), 400):
        hold(KERNELS[name], TWINS[name], case)


def test_the_cases_have_bands_insides_and_full_and_empty_masks():
    cases = list(itertools.islice(BAND_CASES["band_counts"](np.random.default_rng(1)), 400))
    counts = [bands.band_counts(**case) for case in cases]
    assert sum((c[:, TRUTH_BAND] < c[:, TRUTH_PIXELS]).any() for c in counts) > 100
    assert sum((c[:, BOTH] > 0).any() and (c[:, BOTH] < c[:, TRUTH_BAND]).any() for c in counts) > 150
    assert sum(c[:, TRUTH_PIXELS].sum() < case["truth"].size for c, case in zip(counts, cases, strict=True)) > 100
    assert sum(len(np.unique(case["truth"])) >= 150 for case in cases) > 20
    assert sum((c[:, TRUTH_BAND] < c[:, TRUTH_PIXELS]).sum() > 4 for c in counts) > 10
    assert {(case["truth"].dtype.itemsize, case["prediction"].dtype.itemsize) for case in cases} == {
        *itertools.product((1, 2), (1, 2))
    }
    masks = [c["mask"] != 0 for c in itertools.islice(BAND_CASES["boundary_band"](np.random.default_rng(1)), 400)]
    assert sum(mask.all() for mask in masks) > 20 and sum(not mask.any() for mask in masks) > 10
    assert any(1 in mask.shape for mask in masks) and sum(mask.shape[1] > 128 for mask in masks) > 100


@pytest.mark.parametrize("name", ["mask_band_counts", "band_counts"])
def test_same_as_the_reference_of_boundary_iou(name):
    for case in itertools.islice(BAND_CASES[name](np.random.default_rng(7)), 150):
        truth, prediction = case["truth"], case["prediction"]
        width = min(case["width_px"], 40)
        # The reference takes a share of the diagonal.
        ratio = width / math.hypot(*truth.shape)
        assert boundary_iou.dilation(truth.shape, ratio) == width
        if name == "band_counts":
            n = case["n_classes"]
            counts = bands.band_counts(truth=truth, prediction=prediction, n_classes=n, width_px=width)
            present = np.union1d(truth, prediction)[:4].tolist()
            rows = [(counts[c], truth == c, prediction == c) for c in present if c < n]
        else:
            counts = bands.mask_band_counts(truth=truth, prediction=prediction, width_px=width)
            rows = [(counts, truth, prediction)]
            same(bands.boundary_band(mask=truth, width_px=width), boundary_iou.band(truth, ratio).copy())
        for row, t, p in rows:
            union = int(row[TRUTH_BAND] + row[PREDICTION_BAND] - row[BOTH])
            assert (int(row[BOTH]), union) == boundary_iou.count(t, p, ratio)
            assert row[TRUTH_PIXELS] == np.count_nonzero(t) and row[PREDICTION_PIXELS] == np.count_nonzero(p)
            assert row[TRUTH_BAND] == np.count_nonzero(boundary_iou.band(t, ratio))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_every_length_of_row(way, dtype):
    rng = np.random.default_rng(0)
    for columns in (*range(1, 70), *range(120, 136), 191, 192, 193, 257):
        # A copy ends where its memory ends, so that a sanitizer sees a read beyond it.
        truth, prediction = (regions(rng, np.arange(3), (12, columns)).astype(dtype) for _ in range(2))
        for width in (1, 2, 5):
            case = {"truth": truth, "prediction": prediction, "width_px": width}
            hold(bands.band_counts, reference_bands.band_counts, case | {"n_classes": 2})
            hold(bands.mask_band_counts, reference_bands.mask_band_counts, case)
        hold(bands.boundary_band, reference_bands.boundary_band, {"mask": truth, "width_px": 2})


def test_every_width_in_a_full_image(way):
    full = np.ones((150, 290), np.uint8)
    for width in range(1, 160):
        hold(bands.boundary_band, reference_bands.boundary_band, {"mask": full, "width_px": width})
        counts = bands.band_counts(truth=full, prediction=full, n_classes=2, width_px=width)
        inner = max(0, 150 - 2 * width) * max(0, 290 - 2 * width)
        assert counts.tolist() == [[0] * 5, [150 * 290] * 2 + [150 * 290 - inner] * 3]


@pytest.mark.parametrize("width", [31, 32, 33, 63, 64, 65, 70])
def test_wide_windows(way, width):
    labels = np.zeros((230, 500), np.uint16)
    labels[:, 240:] = 7
    labels[3, 5] = labels[228, 420] = 300
    case = {"truth": labels, "prediction": np.roll(labels, (2, 3), (0, 1)), "width_px": width}
    counts = bands.band_counts(**case, n_classes=8)
    assert (counts[[0, 7], BOTH] > 0).all() and (counts[[0, 7], TRUTH_BAND] < counts[[0, 7], TRUTH_PIXELS]).all()
    hold(bands.band_counts, reference_bands.band_counts, case | {"n_classes": 8})
    for c in (0, 7, 300):
        masks = {name: case[name] == c for name in ("truth", "prediction")}
        hold(bands.mask_band_counts, reference_bands.mask_band_counts, case | masks)


def test_one_other_pixel_at_every_place(way):
    # Its window, and nothing else, joins the band.
    for x in range(0, 200, 3):
        labels = np.zeros((31, 200), np.uint8)
        labels[15, x] = 9
        frame = np.ones((31, 200), bool)
        frame[3:-3, 3:-3] = False
        frame[12:19, max(0, x - 3) : x + 4] = True
        counts = bands.band_counts(truth=labels, prediction=labels, n_classes=10, width_px=3)
        assert counts[9].tolist() == [1] * 5
        assert counts[0].tolist() == [labels.size - 1] * 2 + [np.count_nonzero(frame) - 1] * 3
        same(bands.boundary_band(mask=labels == 0, width_px=3), frame & (labels == 0))


def test_two_labels_that_are_no_class_still_bound_their_neighbours():
    labels = np.zeros((9, 9), np.uint8)
    labels[4, 4] = 255
    alone = bands.band_counts(truth=labels, prediction=labels, n_classes=1, width_px=1)
    assert alone[0].tolist() == [80, 80, 40, 40, 40]  # 32 pixels at the frame, 8 around the one in the middle
    labels[4, 5] = 254
    counts = bands.band_counts(truth=labels, prediction=labels, n_classes=1, width_px=1)
    assert counts[0].tolist() == [79, 79, 42, 42, 42]  # 10 around the two
    every = bands.band_counts(truth=labels, prediction=labels, n_classes=256, width_px=1)
    assert every[254:].tolist() == [[1] * 5] * 2 and every[0].tolist() == counts[0].tolist()


def test_what_is_outside_counts_as_void_does():
    for case in itertools.islice(BAND_CASES["band_counts"](np.random.default_rng(3)), 60):
        case["n_classes"] = 200
        padded = {name: np.pad(case[name], 4, constant_values=250) for name in ("truth", "prediction")}
        same(bands.band_counts(**case), bands.band_counts(**(case | padded)))


def test_mirrored_and_turned_maps_have_the_same_counts():
    for case in itertools.islice(BAND_CASES["band_counts"](np.random.default_rng(4)), 60):
        expected = bands.band_counts(**case)
        for turn in (np.flipud, np.fliplr, np.transpose):
            turned = {name: turn(case[name]) for name in ("truth", "prediction")}
            same(bands.band_counts(**(case | turned)), expected)
        swapped = {"truth": case["prediction"], "prediction": case["truth"]}
        same(bands.band_counts(**(case | swapped))[:, [1, 0, 3, 2, 4]].copy(), expected)


def test_a_mask_counts_as_its_class_does():
    for case in itertools.islice(BAND_CASES["mask_band_counts"](np.random.default_rng(5)), 100):
        maps = {name: (case[name] != 0).astype(np.uint8) for name in ("truth", "prediction")}
        counts = bands.band_counts(**maps, n_classes=2, width_px=case["width_px"])
        same(bands.mask_band_counts(**case), counts[1].copy())


@settings(max_examples=300)
@given(
    maps=hnp.arrays(np.uint8, st.tuples(st.just(2), st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2)),
    width=st.integers(1, 5),
)
def test_against_the_rule_in_words(maps, width):
    rows, columns = maps.shape[1:]

    def in_band(labels, y, x):
        return any(
            not (0 <= v < rows and 0 <= u < columns) or labels[v, u] != labels[y, x]
            for v in range(y - width, y + width + 1)
            for u in range(x - width, x + width + 1)
        )

    found = [np.array([[in_band(m, y, x) for x in range(columns)] for y in range(rows)]) for m in maps]
    of_class = [[m == c for m in maps] for c in range(2)]
    expected = [
        [t.sum(), p.sum(), (t & found[0]).sum(), (p & found[1]).sum(), (t & p & found[0] & found[1]).sum()]
        for t, p in of_class
    ]
    counts = bands.band_counts(truth=maps[0], prediction=maps[1], n_classes=2, width_px=width)
    assert counts.tolist() == np.array(expected).tolist()
    same(bands.boundary_band(mask=maps[0] == 1, width_px=width), found[0] & (maps[0] == 1))


GOOD = {
    "band_counts": {"truth": MAP, "prediction": MAP, "n_classes": 2, "width_px": 1},
    "mask_band_counts": {"truth": MAP, "prediction": MAP, "width_px": 1},
    "boundary_band": {"mask": MAP, "width_px": 1},
}
BAD_WIDTHS = [({"width_px": width}, BadParameter) for width in (0, -1, 1.0, None, 2**63)]
BAD_PAIRS = [
    ({"truth": MAP.T}, ShapeMismatch),
    ({"truth": MAP[0], "prediction": MAP[0]}, ShapeMismatch),
    ({"truth": MAP[None], "prediction": MAP[None]}, ShapeMismatch),
    ({"truth": MAP[:0], "prediction": MAP[:0]}, BadParameter),
    ({"prediction": MAP.astype(complex)}, BadParameter),
    ({"prediction": np.full((2, 3), 0.5)}, StrayLabel),
]
BAD = [
    *((name, change, error) for name in GOOD for change, error in BAD_WIDTHS),
    *((name, change, error) for name in ("band_counts", "mask_band_counts") for change, error in BAD_PAIRS),
    *(("band_counts", {"n_classes": n}, BadParameter) for n in (0, -1, 2**16, 1.5)),
    ("band_counts", {"truth": MAP.astype(np.int32)}, BadParameter),
    ("band_counts", {"prediction": MAP.astype(np.int64)}, BadParameter),
    ("boundary_band", {"mask": MAP[0]}, ShapeMismatch),
    ("boundary_band", {"mask": MAP[None]}, ShapeMismatch),
    ("boundary_band", {"mask": np.uint8(1)}, ShapeMismatch),
    ("boundary_band", {"mask": MAP[:, :0]}, BadParameter),
    ("boundary_band", {"mask": [[1, 2], [3]]}, BadParameter),
]


@pytest.mark.parametrize(("name", "change", "error"), BAD)
def test_errors(name, change, error):
    case = GOOD[name] | change
    with pytest.raises(error):
        KERNELS[name](**case)
    hold(KERNELS[name], TWINS[name], case)


def test_results_belong_to_the_caller():
    counts = bands.band_counts(**GOOD["band_counts"])
    assert counts.flags.writeable and counts.shape == (2, 5)
    band = bands.boundary_band(**GOOD["boundary_band"])
    assert band.flags.writeable and band.dtype == np.bool_ and not np.shares_memory(band, MAP)


def test_other_threads_run_during_the_loops():
    rng = np.random.default_rng(0)
    image = (rng.random((6000, 6000)) < 0.5).astype(np.uint8)
    bits, lines = bands._scratch(2, image)
    loops, counts = bands._loops, np.zeros((3, 5), np.int64)
    assert others_run_during(lambda: loops.count_labels(image, image, 9, bits, lines, counts))
    four = range(4)
    assert others_run_during(lambda: [loops.count_masks(image, image, 999, bits, lines, counts[0]) for _ in four])
    assert others_run_during(lambda: loops.mark_band(image, 999, bits[0], lines, np.empty_like(image)))


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._bands", None)
    spec = importlib.util.spec_from_file_location("bands_without_build", bands.__file__)
    with pytest.raises(KernelsNotBuilt, match=r"pip install .*in the checkout"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
