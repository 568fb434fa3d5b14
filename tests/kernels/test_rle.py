"""The kernels on masks as runs against their twins, vectors, and input that is refused."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segbench.errors import BadParameter, KernelsNotBuilt
from segbench.kernels import merging, reference_rle, rle
from segbench.kernels.runs import RleFault, as_sizes, as_spans, loose
from tests.kernels.runmasks import RUN_CASES, agree, in_json, string_case
from tests.kernels.turns import others_run_during

KERNELS = {
    "decode_strings": rle.decode_strings,
    "from_counts": rle.from_counts,
    "from_masks": rle.from_masks,
    "decode": rle.decode,
    "encode_strings": rle.encode_strings,
    "areas": rle.areas,
    "boxes": rle.boxes,
    "merge": merging.merge,
    "merge_groups": merging.merge_groups,
}


def test_every_kernel_has_a_twin_of_the_same_signature():
    for name, kernel in KERNELS.items():
        assert inspect.signature(kernel) == inspect.signature(getattr(reference_rle, name))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", KERNELS)
def test_random_cases(name, seed):
    for case in itertools.islice(RUN_CASES[name](np.random.default_rng(seed)), 700):
        agree(name, case)


def test_the_cases_are_valid_and_faulty_with_all_reasons():
    found = [agree("decode_strings", case) for case in cases("decode_strings", 1500)]
    faults = [one[2] for one in found if isinstance(one[0], str)]
    words = ("character", "ends within", "negative", "more than", "fewer than", "no run length")
    assert all(sum(word in fault for fault in faults) > 10 for word in words), faults
    assert sum(not isinstance(one[0], str) for one in found) > 500
    assert sum(b"\\\\" in case["data"] for case in cases("decode_strings", 1500)) > 20
    masks = [case["runs"] for case in cases("areas", 200)]
    assert sum((own.counts == 0).sum() for own in masks) > 500


def cases(name, n):
    return list(itertools.islice(RUN_CASES[name](np.random.default_rng(7)), n))


# Outputs of the official tool.
VECTORS = [
    (np.zeros((2, 2)), b"4"),
    (np.ones((2, 2)), b"04"),
    ([[1, 0], [0, 0]], b"013"),
    ([[0, 1], [0, 0]], b"211"),
    (np.eye(3), b"013000"),
    (np.indices((4, 4)).sum(axis=0) % 2, b"11110O10O10O0"),
]


@pytest.mark.parametrize(("mask", "string"), VECTORS)
def test_vectors(mask, string):
    runs = rle.from_masks([mask])
    assert rle.encode_strings(runs) == [string]
    decoded = rle.decode_strings(string, [0], [len(string)], runs.heights, runs.widths)
    assert np.array_equal(rle.decode(decoded, 0), mask)
    assert rle.areas(decoded).tolist() == [np.count_nonzero(mask)]


def test_a_rectangle():
    mask = np.zeros((100, 100))
    mask[10:60, 20:80] = 1
    runs = rle.from_masks([mask])
    assert runs.counts[:3].tolist() == [2010, 50, 50]
    assert rle.encode_strings(runs)[0].startswith(b"jn1b1b10000")
    assert rle.boxes(runs).tolist() == [[20, 10, 60, 50]]


def test_a_run_across_the_end_of_a_column_is_as_high_as_the_mask():
    runs = rle.from_counts([4, 2, 9], [0, 3], [5], [3])
    assert rle.boxes(runs).tolist() == [[0, 0, 2, 5]]


def test_foreground_of_no_pixels_has_no_box():
    runs = rle.from_counts([5, 0], [0, 2], [5], [1])
    assert rle.boxes(runs).tolist() == [[0, 0, 0, 0]]


def test_union_intersection_and_a_mask_alone():
    runs = rle.from_masks([np.array([[1, 1, 0, 0]]), np.array([[0, 1, 1, 0]]), np.array([[0, 0, 0, 1]])])
    assert rle.merge(runs).counts.tolist() == [0, 4]
    assert rle.merge(rle.select(runs, [0, 1]), intersect=True).counts.tolist() == [1, 1, 2]
    assert rle.merge_groups(runs, [0, 2, 3]).counts.tolist() == [0, 3, 1, 3, 1]
    alone = rle.from_counts([0, 0, 2, 0, 2], [0, 5], [1], [4])
    assert rle.merge(alone).counts.tolist() == [0, 0, 2, 0, 2]


def test_runs_of_length_0_in_one_place_do_not_end_a_union():
    # The official tool stops here, and returns a mask of fewer pixels than its size.
    one, other = [1, 1, 0, 0, 2], [1, 1, 0, 0, 1, 1]
    runs = rle.from_counts(one + other, [0, 5, 11], [4, 4], [1, 1])
    assert rle.merge(runs).counts.tolist() == [1, 1, 1, 1]


def test_empty_lists():
    none = rle.decode_strings(b"", [], [], [], [])
    assert len(none) == len(rle.from_counts([], [0], [], [])) == len(rle.from_masks([])) == 0
    assert rle.encode_strings(none) == []
    assert rle.areas(none).shape == (0,) and rle.boxes(none).shape == (0, 4)
    assert len(rle.merge_groups(none, [0])) == 0
    with pytest.raises(BadParameter):
        rle.merge(none)


@settings(max_examples=300)
@given(size=st.tuples(st.integers(1, 9), st.integers(1, 9)), bits=st.integers(0, 2**81 - 1), escaped=st.booleans())
def test_to_a_string_and_back(size, bits, escaped):
    height, width = size
    mask = np.array([bits >> i & 1 for i in range(height * width)], bool).reshape(height, width)
    (string,) = rle.encode_strings(rle.from_masks([mask]))
    runs = rle.decode_strings(**string_case([in_json(string) if escaped else string], [size], [escaped]))
    assert np.array_equal(rle.decode(runs, 0), mask)
    assert np.repeat(np.arange(len(runs.counts)) % 2, runs.counts).tolist() == mask.T.ravel().tolist()


@settings(max_examples=500)
@given(
    strings=st.lists(st.binary(max_size=12) | st.text(st.characters(codec="ascii"), max_size=12).map(str.encode)),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_any_bytes(strings, size):
    agree("decode_strings", string_case(strings, [size] * len(strings)))


@settings(max_examples=200)
@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=12),
    far=st.sampled_from([1, 2**16, 2**31, 2**32 - 1 - 9 * 12]),
)
def test_large_counts(counts, far):
    counts.append(far)
    runs = rle.from_counts(counts, [0, len(counts)], [1], [sum(counts)])
    agree("encode_strings", {"runs": runs})
    string = rle.encode_strings(runs)[0]
    case = {"data": string, "starts": [0], "lengths": [len(string)], "heights": [1], "widths": [sum(counts)]}
    assert agree("decode_strings", case)[0].tolist() == counts
    assert rle.areas(runs).tolist() == [sum(counts[1::2])]


def escapes(string, every):
    return b"".join(b"\\u%04x" % c if i % every == 0 else in_json(bytes([c])) for i, c in enumerate(string))


@pytest.mark.parametrize("every", [1, 2, 5])
def test_escapes_that_nobody_writes(every):
    rng = np.random.default_rng(0)
    masks = [rng.random((40, 50)) < p for p in (0.01, 0.1, 0.5)]
    runs = rle.from_masks(masks)
    strings = rle.encode_strings(runs)
    assert any(b"\\" in string for string in strings)
    written = [escapes(strings[0], every), in_json(strings[1]), strings[2]]
    case = string_case(written, [(40, 50)] * 3, [True, True, False])
    assert agree("decode_strings", case)[0].tolist() == runs.counts.tolist()


@pytest.mark.parametrize("string", [b"\\", b"0\\", b"0\\4", b"\\u00", b"\\ud800", b"\\u00e9", b"0\\n4", b'0"4'])
def test_escapes_of_what_is_no_mask(string):
    assert agree("decode_strings", string_case([string], [(2, 2)], [True]))[0] == "RleFault"


def test_spans_that_change_meanwhile_do_no_harm():
    strings = [b"0P[l3" * 10] * 2000
    case = string_case(strings, [(2000, 2000)] * 2000)
    whole, stop = case["starts"].copy(), threading.Event()

    def change():
        while not stop.is_set():
            case["starts"][:] = -(2**40)
            case["lengths"][:] = 2**40
            case["starts"][:], case["lengths"][:] = whole, 50

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(200):
            with pytest.raises((BadParameter, RleFault)):
                rle.decode_strings(**case)
    finally:
        stop.set()
        thread.join()


def test_what_the_loops_go_over_twice_is_a_copy():
    starts, lengths, heights = (np.array([value]) for value in (0, 2, 2))
    for given_, taken in zip(
        (starts, lengths, heights, heights),
        (*as_spans(starts, lengths, 2), *as_sizes(heights, heights, 1)[:2]),
        strict=True,
    ):
        assert not np.shares_memory(given_, taken)
    masks = rle.from_masks([np.eye(2)])
    assert not np.shares_memory(loose(masks)[1], masks.offsets)


def test_other_threads_run_during_the_loops():
    rng = np.random.default_rng(0)
    noise = rng.random((1000, 1000)) < 0.5
    runs = rle.concatenate([rle.from_masks([noise])] * 40)
    strings = rle.encode_strings(runs)
    case = string_case(strings, [(1000, 1000)] * 40)
    ends = runs.offsets
    counts = runs.counts.astype(np.int64)
    # Little beside the loops has to be done, but for the pixels, which are written at once.
    assert others_run_during(lambda: rle.decode_strings(**case), turns=5)
    assert others_run_during(lambda: rle.from_counts(counts, ends, runs.heights, runs.widths), turns=5)
    assert others_run_during(lambda: rle.encode_strings(runs), turns=5)
    assert others_run_during(lambda: rle.boxes(runs), turns=5)
    assert others_run_during(lambda: rle.merge(runs), turns=5)
    wide = np.broadcast_to(noise, (5, 1000, 1000)).reshape(5000, 1000)
    assert others_run_during(lambda: rle.from_masks([wide] * 4), turns=5)


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._rle", None)
    for module in (rle, merging):
        spec = importlib.util.spec_from_file_location("without_build", module.__file__)
        with pytest.raises(KernelsNotBuilt, match=r"pip install .*in the checkout"):
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
