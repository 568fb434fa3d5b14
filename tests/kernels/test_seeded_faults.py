"""Faults put into the compiled loops on purpose: the comparison with the twins must catch every one."""

import itertools

import numpy as np
import pytest

from segbench.kernels import confusion, reference
from tests.kernels.comparisons import CASES, OneWay, hold
from tests.kernels.mutants import mutant, unchanged

SOURCES = ("_confusion.pyx", "counting.pxi", "runs.h")

FIRST = "if count == 0:\n                    first[0], first[1], first[2] = z, y, x"
SEARCH = "for x in range(labels.shape[2]):"
TAKEN = "_take_labels(&sides[0], truth)\n        _take_labels(&sides[1], prediction)\n        _take_bytes"
LAST_ROW = "_take_codes(&sides[0], truth_codes, truth_low, table.shape[0] - 1)"
BYTES = "side.places[i] = i * step"
LAST_SLICE = "for z in range(shape[0]):"
INSIDE = "value < low || place >= span"
FIRST_VALUE = "first = first < lowest[side->kind] ? lowest[side->kind] : first;"
AVX2_MASK = "and_si256(same_32(truth + 32), same_32(prediction + 32))"
SSE2_MASK = "and_si128(same_16(truth + i), same_16(prediction + i))"
WORD_MASK = "(((differ & most) + most) | differ) & ~most"
LAST_RUN = "if (begin < n)\n        add(pairs, n - 1, n - begin);"
RUN_BEFORE_NOISE = "if (begin < x)\n            add(pairs, x - 1, x - begin);"
WIDE = "cells[row * columns + column] += 1;"

# kernel, what is wrong, the right text, the wrong text; none of them can write where it should not
FAULTS = [
    ("byte_table", "axes swapped", TAKEN, TAKEN.replace("0", "2").replace("1", "0").replace("2", "1")),
    ("byte_table", "last slice skipped", LAST_SLICE, "for z in range(max(1, shape[0] - 1)):"),
    ("byte_table", "value 255 taken for 254", BYTES, "side.places[i] = min(i, <uint32_t>254) * step"),
    ("byte_table", "known bits counted again", ">> (x - from)", ">> 0"),
    ("byte_table", "last vector lost", "if (x < n - 1) {", "if (n < 0) {"),
    ("byte_table", "last run lost", LAST_RUN, ""),
    ("byte_table", "run before noise lost", RUN_BEFORE_NOISE, ""),
    ("byte_table", "pixel after noise lost", "x = begin;\n    }", "x = begin += begin + 1 < n;\n    }"),
    ("byte_table", "runs counted again", "begin = add_runs(pairs, ends, listed", "add_runs(pairs, ends, listed"),
    ("byte_table", "last runs counted again", "begin = add_runs(pairs, ends, found", "add_runs(pairs, ends, found"),
    (
        "byte_table",
        "ends beyond the first few lost",
        "listed += found;",
        "listed += found > AT_ONCE ? AT_ONCE : found;",
    ),
    (
        "byte_table",
        "ends beyond the first few misplaced",
        "ends[i] = (uint16_t)(x + __builtin_ctzll(mask));",
        "ends[i] = (uint16_t)x;",
    ),
    ("byte_table", "length one short", "add(pairs, next - 1, next - begin);", "add(pairs, next - 1, ends[i] - begin);"),
    ("byte_table", "plain loop without its end", "for (; x < end; x++)", "for (; x < end - 1; x++)"),
    ("byte_table", "AVX2: prediction ignored", AVX2_MASK, AVX2_MASK.replace("prediction", "truth")),
    ("byte_table", "SSE2: prediction ignored", SSE2_MASK, SSE2_MASK.replace("prediction", "truth")),
    ("byte_table", "SSE2: mask moved", "same_16(prediction + i))) << i", "same_16(prediction + i))) << (i & 32)"),
    ("byte_table", "words: top bit ignored", WORD_MASK, "((differ & most) + most) & ~most"),
    (
        "coded_table",
        "last row taken for the one before",
        LAST_ROW,
        LAST_ROW.replace(" - 1", " - 1 - (table.shape[0] > 1)"),
    ),
    (
        "coded_table",
        "low of the truth",
        "prediction_codes, prediction_low, table",
        "prediction_codes, truth_low, table",
    ),
    ("coded_table", "low not tested", INSIDE, "place >= span"),
    ("coded_table", "32-bit difference", "uint64_t place = (uint64_t)value -", "uint64_t place = (uint32_t)value -"),
    ("coded_table", "dtype's lowest value ignored", FIRST_VALUE, ""),
    ("coded_table", "no spare byte", "return covered < 256 ? (int)covered : -1;", "return 255;"),
    ("coded_table", "value with a code taken for spare", "== side->outside)", "== 0)"),
    ("coded_table", "high half ignored", "low |= -(uint32_t)(high != 0);", ""),
    ("coded_table", "bound one late", "return low < size ?", "return low <= size ?"),
    (
        "coded_table",
        "AVX2: high half ignored",
        "_mm256_cmpeq_epi32(high, _mm256_setzero_si256())",
        "_mm256_set1_epi8(-1)",
    ),
    (
        "coded_table",
        "AVX2: 32 bits cut",
        "return _mm256_min_epu32(places, _mm256_set1_epi32(UINT16_MAX));",
        "return places;",
    ),
    ("coded_table", "AVX2: bound one late", "(short)(side->size - 1)", "(short)side->size"),
    ("coded_table", "AVX2: order of halves", "_mm_unpackhi_epi32(low, high)", "_mm_unpackhi_epi32(high, low)"),
    ("coded_table", "wide pixels lost", WIDE, f"if (x) {WIDE}"),
    ("find_code", "last position", FIRST, FIRST.replace("count == 0", "True")),
    ("find_code", "row and column swapped", FIRST, FIRST.replace("z, y, x", "z, x, y")),
    ("find_code", "column order", SEARCH, "for x in reversed(range(labels.shape[2])):"),
    ("find_code", "last column skipped", SEARCH, "for x in range(labels.shape[2] - 1):"),
    ("find_code", "bound one early", INSIDE, INSIDE.replace(">= span", ">= span - 1")),
]


def test_three_faults_for_every_kernel():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in CASES)


@pytest.mark.parametrize(("kernel", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
# An index out of bounds cannot leave a loop as an exception; Python reports it as unraisable.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_seeded_fault_is_caught(kernel, fault, right, wrong, tmp_path, monkeypatch):
    if fault.startswith(("AVX2", "SSE2")) and fault[:4].lower() not in confusion._loops.WAYS:
        pytest.skip(f"no {fault[:4]} here")
    loops = mutant(SOURCES, tmp_path, right, wrong)
    with pytest.raises(AssertionError):
        hold_every_way(kernel, loops, monkeypatch)


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    loops = unchanged(SOURCES, tmp_path)
    for kernel in CASES:
        hold_every_way(kernel, loops, monkeypatch)


def hold_every_way(kernel, loops, monkeypatch):
    for case in itertools.islice(CASES[kernel](np.random.default_rng(0)), 700):
        for way in range(len(loops.WAYS) if kernel != "find_code" else 1):
            monkeypatch.setattr(confusion, "_loops", OneWay(loops, way))
            hold(getattr(confusion, kernel), getattr(reference, kernel), case)
