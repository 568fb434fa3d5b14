"""Every public kernel against its twin: values, dtypes, errors."""

import importlib
import importlib.util
import inspect
import itertools
import pkgutil
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import segbench.kernels
from segbench.errors import BadParameter, KernelsNotBuilt, ResourceError, ShapeMismatch, StrayLabel
from segbench.kernels import confusion, reference
from tests.kernels.comparisons import ARRANGEMENTS, CASES, DTYPES, INT64, OneWay, hold, same
from tests.kernels.turns import others_run_during

#: Held to twins elsewhere: modules with a file of tests and, in most cases, a module of twins of their own.
ELSEWHERE = {
    "png": ("test_png", "reference_png"),  # takes files, not label maps
    "files": ("test_files", None),  # the twin is `open` and `read`
    "pairs": (
        "test_pairs test_count_files",
        None,
    ),  # the twin is made of `png.decode` and `coded_table`, which have theirs
    "thinning": ("test_thinning", "reference_thinning"),  # takes images of foreground, and segments
    "distance": ("test_distance", "reference_distance"),  # takes sources that are near, far, or equally far
    "bands": ("test_bands", "reference_bands"),  # takes pairs with bands in common
    "boundary": ("test_boundary", "reference_boundary"),  # takes index maps that resemble each other, and masks
    "surface": ("test_surface", "reference_surface"),  # takes masks that are alike, and spacings
    "surfels": ("test_surface", "reference_surface"),
    "stability": ("test_stability", "reference_stability"),  # takes masks, outlines and shape contexts
    "records": ("test_records", "reference_records"),  # takes JSON
    "overlap": ("test_overlap", "reference_overlap"),  # takes boxes and masks of groups
    "detection": ("test_detection", "reference_detection"),  # takes overlaps of groups, and outcomes
    "averages": ("test_detection", "reference_detection"),
    "rle": ("test_rle", "reference_rle"),  # takes masks as runs, and strings
    "merging": ("test_rle", "reference_rle"),
    "rasterise": ("test_rasterise", "reference_rle"),  # takes polygons
}
#: What kernels share, and the twins.
NOT_KERNELS = {
    *("arrays", "segments", "reference", "reference_png", "reference_thinning", "widths", "reference_bands"),
    *("contours", "reference_boundary"),
    *("sources", "reference_distance"),
    *("structures", "lattice", "surfelsizes", "reference_surface"),
    *("polygons", "reference_stability"),
    *("groups", "maskruns", "outcomes", "reference_overlap", "reference_detection"),
    *("jsonfaults", "recordcolumns", "reference_json", "reference_records"),
    *("runs", "reference_rle"),
}


def public_kernels():
    for module in pkgutil.iter_modules(segbench.kernels.__path__, "segbench.kernels."):
        name = module.name.rpartition(".")[2]
        if not name.startswith("_") and name not in NOT_KERNELS | ELSEWHERE.keys():
            yield from functions_of(name)


def functions_of(name):
    module = importlib.import_module(f"segbench.kernels.{name}")
    for function, value in inspect.getmembers(module, inspect.isfunction):
        if value.__module__ == module.__name__ and not function.startswith("_"):
            yield function, value


KERNELS = dict(public_kernels())


def test_every_public_kernel_has_cases_and_a_twin_of_the_same_signature():
    assert set(KERNELS) == set(CASES)
    for name, kernel in KERNELS.items():
        assert inspect.signature(kernel) == inspect.signature(getattr(reference, name))


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_others_are_held_elsewhere(name):
    tests, twins = ELSEWHERE[name]
    text = "\n".join(Path(__file__).with_name(f"{file}.py").read_text("utf-8") for file in tests.split())
    kernels = dict(functions_of(name))
    assert kernels and all(re.search(rf"\b{kernel}\b", text) for kernel in kernels)
    if twins:
        assert re.search(rf"\b{twins}\b", text)
        assert {n: inspect.signature(f) for n, f in kernels.items()} == {
            n: inspect.signature(f) for n, f in functions_of(twins) if n in kernels
        }


def test_every_module_of_kernels_is_somewhere():
    names = {module.name for module in pkgutil.iter_modules(segbench.kernels.__path__)}
    homes = {value.__module__.rpartition(".")[2] for value in KERNELS.values()}
    assert {name for name in names if not name.startswith("_")} == homes | NOT_KERNELS | ELSEWHERE.keys()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_random_cases(name, seed):
    for case in itertools.islice(CASES[name](np.random.default_rng(seed)), 700):
        hold(KERNELS[name], getattr(reference, name), case)


@pytest.fixture(params=range(len(confusion._loops.WAYS)), ids=confusion._loops.WAYS)
def way(request, monkeypatch):
    """Let the confusion kernels go one way."""
    monkeypatch.setattr(confusion, "_loops", OneWay(confusion._loops, request.param))


def hold_bytes(truth, prediction):
    """Hold both confusion kernels to their twins on two 8-bit maps, the second one also on wider copies."""
    hold(confusion.byte_table, reference.byte_table, {"truth": truth, "prediction": prediction})
    codes = np.append(np.arange(40, dtype=np.int32), np.int32(-1))
    for dtypes in itertools.product(DTYPES, DTYPES):
        pair = [labels.astype(dtype) for labels, dtype in zip((truth, prediction), dtypes, strict=True)]
        case = {"truth": pair[0], "prediction": pair[1], "truth_codes": codes, "prediction_codes": codes[::-1]}
        case |= {"truth_low": 0, "prediction_low": 3}
        hold(confusion.coded_table, reference.coded_table, case)


def test_the_ways_begin_with_the_plain_and_the_portable_one():
    assert confusion._loops.WAYS[:2] == ("plain", "words")


@pytest.mark.parametrize("name", ["byte_table", "coded_table"])
def test_random_cases_every_way(name, way):
    for case in itertools.islice(CASES[name](np.random.default_rng(9)), 500):
        hold(KERNELS[name], getattr(reference, name), case)


def test_every_length_of_run(way):
    for length in range(1, 140):
        truth = (np.arange(301, dtype=np.int64) // length % 251).astype(np.uint8)[None]
        hold(confusion.byte_table, reference.byte_table, {"truth": truth, "prediction": np.flip(truth)})
        if length % 16 < 2:
            hold_bytes(truth, np.full_like(truth, 7))


def test_every_length_of_row(way):
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(0, 256, (2, 900), dtype=np.uint8), 10, axis=1)
    for n in (*range(1, 200), *range(4090, 4103), *range(4155, 4166), 8191, 8192, 8193, 8257):
        # A copy ends where its memory ends, so that a sanitizer sees a read beyond it.
        truth, prediction = labels[:, :n].copy()[:, None]
        hold(confusion.byte_table, reference.byte_table, {"truth": truth, "prediction": prediction})
    for n in (*range(1, 70), *range(1020, 1030), *range(1085, 1092), 2048, 2049):
        hold_bytes(*labels[:, :n].copy()[:, None])


def test_one_change_at_every_place(way):
    for at in range(1, 270):
        truth, prediction = np.zeros((2, 1, 270), dtype=np.uint8)
        truth[0, at:] = 128
        prediction[0, at // 2 :] = 255
        hold(confusion.byte_table, reference.byte_table, {"truth": truth, "prediction": prediction})


def test_noise_at_every_place(way):
    rng = np.random.default_rng(0)
    for begin in range(0, 700, 7):
        truth, prediction = np.ones((2, 1, 700), dtype=np.uint8)
        truth[0, begin : begin + int(rng.integers(1, 300))] = rng.integers(2)
        noisy = prediction[0, begin : begin + int(rng.integers(1, 300))]
        noisy[:] = rng.integers(0, 256, len(noisy))
        hold(confusion.byte_table, reference.byte_table, {"truth": truth, "prediction": prediction})


@pytest.mark.parametrize("pairs", [2, 3, 5])
def test_pairs_in_turn(way, pairs):
    truth = np.resize(np.arange(pairs, dtype=np.uint8), (37, 211))
    hold_bytes(truth, truth)
    hold_bytes(truth, truth[::-1, ::-1])


def test_every_alignment(way):
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(0, 40, 40, dtype=np.uint8), 9)
    for begin, other in itertools.product(range(33), (0, 1, 15, 32)):
        truth, prediction = labels[None, begin : begin + 300], labels[None, other : other + 300]
        hold(confusion.byte_table, reference.byte_table, {"truth": truth, "prediction": prediction})
    for begin in range(9):
        hold_bytes(labels[None, begin : begin + 300], labels[None, :300])


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_axes_in_every_order(way, axes):
    rng = np.random.default_rng(0)
    truth, prediction = np.repeat(rng.integers(0, 5, (2, 9, 10, 3), dtype=np.uint8), 30, axis=3)
    case = {"truth": truth.transpose(axes), "prediction": prediction.transpose(axes)}
    hold(confusion.byte_table, reference.byte_table, case)
    hold(confusion.byte_table, reference.byte_table, case | {"prediction": prediction.transpose(axes).copy()})
    hold(confusion.byte_table, reference.byte_table, {key: value[:, ::2, :-1] for key, value in case.items()})


def test_counts_beyond_32_bits():
    row = np.zeros(1 << 16, dtype=np.uint8)
    row[:5] = 1
    rows = np.broadcast_to(row, (70_000, 1 << 16))
    table = confusion.byte_table(truth=rows, prediction=rows)
    assert (table[0, 0], table[1, 1], table.sum()) == (70_000 * 65_531, 350_000, 70_000 << 16)


CODES = np.array([0, 2, 1], dtype=np.int32)
LABELS = np.zeros((3, 4), dtype=np.uint8)
STRAY = np.array([[0.0, 1.0], [0.5, np.nan]])
BAD_PAIRS = [
    ({"prediction": LABELS.T}, ShapeMismatch),
    ({"prediction": LABELS[:2]}, ShapeMismatch),
    ({"prediction": LABELS[None]}, ShapeMismatch),
    ({"truth": LABELS[0], "prediction": LABELS[0]}, ShapeMismatch),
    ({"truth": LABELS[None, None], "prediction": LABELS[None, None]}, ShapeMismatch),
    ({"truth": LABELS[:0], "prediction": LABELS[:0]}, BadParameter),
    ({"truth": LABELS.astype(complex)}, BadParameter),
    ({"prediction": [[1, 2], [3]]}, BadParameter),
    ({"truth": STRAY, "prediction": STRAY}, StrayLabel),
]
BAD_CODES = [
    (CODES.astype(np.int64), BadParameter),
    (CODES.tolist(), BadParameter),
    (CODES[None], BadParameter),
    (CODES[:0], BadParameter),
    (-CODES, BadParameter),
]
GOOD = {
    "byte_table": {"truth": LABELS, "prediction": LABELS},
    "coded_table": {
        "truth": LABELS,
        "prediction": LABELS,
        "truth_codes": CODES,
        "prediction_codes": CODES,
        "truth_low": 0,
        "prediction_low": 0,
    },
    "find_code": {"labels": LABELS, "codes": CODES, "low": 0, "code": 0},
}
BAD = [
    *(("byte_table", change, error) for change, error in BAD_PAIRS),
    ("byte_table", {"prediction": LABELS.astype(np.int32)}, BadParameter),
    *(("coded_table", change, error) for change, error in BAD_PAIRS),
    *(("coded_table", {"truth_codes": codes}, error) for codes, error in BAD_CODES),
    *(("coded_table", {"prediction_codes": codes}, error) for codes, error in BAD_CODES),
    ("coded_table", {"truth_low": 2**63}, BadParameter),
    ("coded_table", {"prediction_low": -(2**63) - 1}, BadParameter),
    ("coded_table", {"truth_low": 0.0}, BadParameter),
    ("coded_table", {"truth_codes": np.array([2**31 - 1], dtype=np.int32)}, ResourceError),
    *(("find_code", {"codes": codes}, error) for codes, error in BAD_CODES),
    ("find_code", {"labels": LABELS[0]}, ShapeMismatch),
    ("find_code", {"labels": LABELS[None, None]}, ShapeMismatch),
    ("find_code", {"labels": LABELS[:, :0]}, BadParameter),
    ("find_code", {"labels": STRAY}, StrayLabel),
    ("find_code", {"low": 2**63}, BadParameter),
    ("find_code", {"low": None}, BadParameter),
    ("find_code", {"code": -1}, BadParameter),
    ("find_code", {"code": 4}, BadParameter),
    ("find_code", {"code": 0.0}, BadParameter),
]


@pytest.mark.parametrize(("name", "change", "error"), BAD)
def test_errors(name, change, error):
    case = GOOD[name] | change
    with pytest.raises(error):
        KERNELS[name](**case)
    hold(KERNELS[name], getattr(reference, name), case)


def test_the_cases_reach_every_dtype_pair_arrangement_and_extreme():
    cases = list(itertools.islice(CASES["coded_table"](np.random.default_rng(0)), 2000))
    dtypes = {(c["truth"].dtype.newbyteorder("="), c["prediction"].dtype.newbyteorder("=")) for c in cases}
    assert dtypes == set(itertools.product(DTYPES, DTYPES))
    assert sum(min(c["truth"].shape[-2:]) > 32 for c in cases) > 700
    assert sum(c["truth"].ndim == 3 for c in cases) > 300
    assert sum(np.shares_memory(c["truth"], c["prediction"]) for c in cases) > 50
    assert {len(c["truth_codes"]) for c in cases} >= {1, 150, 255, 256, 257}
    assert {c["truth_codes"].max() > 254 for c in cases} == {True, False}
    lone = [c["truth"] for c in cases if c["truth"].dtype == np.int64]
    assert any((t == INT64.min).any() for t in lone) and any((t == INT64.max).any() for t in lone)
    assert {c["truth_low"] for c in cases} >= {INT64.min, INT64.max, 2**40 + 3, -1}


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_arrangements_change_the_memory_and_not_the_labels(arrangement):
    labels = np.arange(15 * 17, dtype=np.int32).reshape(15, 17)
    other = ARRANGEMENTS[arrangement](labels)
    assert other.shape == labels.shape
    if "equal" in arrangement:
        assert 0 in other.strides
    else:
        assert np.array_equal(other, labels)


extremes = st.sampled_from([INT64.min, INT64.min + 1, -1, 0, 1, 2**40 + 7, INT64.max - 1, INT64.max])
label_maps = hnp.arrays(
    np.int64,
    hnp.array_shapes(min_dims=2, max_dims=3, max_side=6),
    elements=extremes | st.integers(INT64.min, INT64.max) | st.integers(-3, 9),
)
code_tables = hnp.arrays(np.int32, st.integers(1, 6), elements=st.integers(-1, 150))


def code_in_words(value, codes, low):
    """The rule itself, in integers that cannot overflow."""
    code = int(codes[value - low]) if low <= value < low + len(codes) else -1
    return code if code >= 0 else int(codes.max()) + 1


@settings(max_examples=400)
@given(labels=label_maps, codes=code_tables, low=extremes | st.integers(-3, 9), data=st.data())
def test_find_code_against_the_rule_in_words(labels, codes, low, data):
    code = data.draw(st.integers(0, int(codes.max()) + 1))
    at = [i for i, v in np.ndenumerate(labels) if code_in_words(int(v), codes, low) == code]
    case = {"labels": labels, "codes": codes, "low": low, "code": code}
    same(confusion.find_code(**case), (len(at), at[0] if at else ()))
    hold(confusion.find_code, reference.find_code, case)


@settings(max_examples=400)
@given(
    labels=label_maps,
    codes=st.tuples(code_tables, code_tables),
    low=st.tuples(extremes, extremes) | st.tuples(st.integers(-3, 9), st.integers(-3, 9)),
)
def test_coded_table_against_the_rule_in_words(labels, codes, low):
    other = np.flip(labels)
    pairs = zip(labels.flat, other.flat, strict=True)
    words = Counter(tuple(code_in_words(int(v), c, b) for v, c, b in zip(p, codes, low, strict=True)) for p in pairs)
    case = {"truth": labels, "prediction": other, "truth_codes": codes[0], "prediction_codes": codes[1]}
    case |= {"truth_low": low[0], "prediction_low": low[1]}
    table = confusion.coded_table(**case)
    assert {tuple(map(int, at)): int(table[tuple(at)]) for at in np.argwhere(table)} == words
    assert table.shape == (codes[0].max() + 2, codes[1].max() + 2)
    hold(confusion.coded_table, reference.coded_table, case)


@settings(max_examples=200)
@given(labels=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=3, max_side=8)))
def test_byte_table_against_counting_by_hand(labels):
    other = np.flip(labels)
    table = confusion.byte_table(truth=labels, prediction=other)
    assert {tuple(map(int, at)): int(table[tuple(at)]) for at in np.argwhere(table)} == Counter(
        (int(t), int(p)) for t, p in zip(labels.flat, other.flat, strict=True)
    )


@pytest.mark.parametrize("at", [(0, 0), (0, 39), (17, 0), (16, 23), (39, 39)])
@pytest.mark.parametrize("arrange", ARRANGEMENTS.values(), ids=ARRANGEMENTS)
def test_first_position(at, arrange):
    labels = np.zeros((40, 40), dtype=np.int32)
    labels[at] = labels[39, 39] = labels[min(at[0] + 1, 39), 0] = 7
    labels = arrange(labels)
    expected = np.argwhere(labels == 7)
    found = confusion.find_code(labels=labels, codes=np.zeros(5, dtype=np.int32), low=0, code=1)
    assert found == (len(expected), tuple(expected[0].tolist()) if len(expected) else ())


def test_positions_of_a_volume_name_the_slice():
    labels = np.zeros((3, 4, 5), dtype=np.uint16)
    labels[1, 3, 2] = labels[2, 0, 0] = 300
    codes = np.arange(256, dtype=np.int32)
    assert confusion.find_code(labels=labels, codes=codes, low=0, code=256) == (2, (1, 3, 2))
    assert confusion.find_code(labels=labels, codes=codes, low=0, code=9) == (0, ())


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_other_threads_run_during_a_call(name):
    # Zero strides: a hundred million pixels in one byte of memory.
    huge = np.broadcast_to(np.uint8(1), (10_000, 10_000))
    case = {key: huge if value is LABELS else value for key, value in GOOD[name].items()}
    assert others_run_during(lambda: KERNELS[name](**case))


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._confusion", None)
    spec = importlib.util.spec_from_file_location("confusion_without_build", confusion.__file__)
    with pytest.raises(KernelsNotBuilt, match="pip install .*in the checkout") as caught:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert caught.value.exit == 6
