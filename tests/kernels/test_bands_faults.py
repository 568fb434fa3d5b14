"""Faults put into the loops on bands on purpose: the comparison with the twins must catch every one."""

import itertools

import numpy as np
import pytest

from segbench.kernels import bands, reference_bands
from tests.kernels.banded import BAND_CASES, OneWay
from tests.kernels.comparisons import hold
from tests.kernels.mutants import mutant, unchanged

SOURCES = ("_bands.pyx", "bands.h", "bitrows.h")

SQUARES = "keep(line, same + words, words);"
INSIDE = "map->width <= y && y < map->rows - map->width;"
SHARED = "keep(both, prediction_band, words);"
OWN = "label < n_classes ? label : n_classes"
REST_BAND = "in_band += __builtin_popcountll(band_left);"
KNOWN = "equal(one + last * size, other + last * size) >> (LANES - rest)"
BOX = "mask->right = end > mask->right ? end : mask->right;"
WORD_BYTES = "(((differ & most) + most) | differ) & ~most;\n        differing |= ((differ >> 7)"
AVX2_BYTES = "_mm256_cmpeq_epi8(load_32(one + 32), load_32(other + 32))"

# kernel, what is wrong, the right text, the wrong text; none of them can write where it should not
FAULTS = [
    ("band_counts", "runs a pixel short", "+= x + 1 - begin;", "+= x - begin;"),
    ("band_counts", "squares of three pixels", SQUARES, ""),
    ("band_counts", "windows a pixel too small", "squares = 2 * map->width;", "squares = 2 * map->width - 1;"),
    (
        "band_counts",
        "windows off their centre",
        "line, words, map->width, map->uniform",
        "line, words, 0, map->uniform",
    ),
    ("band_counts", "nothing held down", "hold_down(map->uniform, map->rows - 1, words, squares);", ";"),
    ("band_counts", "frame at the bottom forgotten", INSIDE, "map->width <= y && y < map->rows;"),
    ("band_counts", "both without the prediction", SHARED, ""),
    ("band_counts", "other values are the last class", OWN, "label < n_classes ? label : n_classes - 1"),
    ("band_counts", "band of a run that began in another word", REST_BAND, "in_band = 0;"),
    ("band_counts", "known bits kept", KNOWN, KNOWN.replace("LANES - rest", "0")),
    (
        "mask_band_counts",
        "words: top bit ignored",
        WORD_BYTES,
        WORD_BYTES.replace("(((", "((").replace(" | differ)", ""),
    ),
    ("band_counts", "SSE2: half the labels of 16 bits", "_mm_packs_epi16(low, high)", "_mm_packs_epi16(low, low)"),
    ("band_counts", "AVX2: quarters out of order", ", 0xd8)", ", 0xe4)"),
    ("mask_band_counts", "box of the last row alone", BOX, "mask->right = end;"),
    ("mask_band_counts", "box without its last row", "mask->bottom = y + 1;", "mask->bottom = y;"),
    ("mask_band_counts", "windows a pixel too small", "length = 2 * mask->width + 1;", "length = 2 * mask->width;"),
    ("mask_band_counts", "AVX2: half the pixels", AVX2_BYTES, AVX2_BYTES.replace(" + 32", "")),
    (
        "boundary_band",
        "inside lost where it starts late",
        "moved[i] = row[i] << bits | row[i - 1]",
        "moved[i] = row[i] << bits | row[i]",
    ),
    ("boundary_band", "bits moved by a whole word", "step = step < LANES ? step : LANES - 1;", ""),
    ("boundary_band", "any value but 1 is background", "(row[x] != 0)", "(row[x] == 1)"),
    ("boundary_band", "bytes of other bits", "0x8040201008040201", "0x0102040810204080"),
]


def test_three_faults_for_every_kernel():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in BAND_CASES)


@pytest.mark.parametrize(("kernel", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
# An index out of bounds cannot leave a loop as an exception; Python reports it as unraisable.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_seeded_fault_is_caught(kernel, fault, right, wrong, tmp_path, monkeypatch):
    if fault.startswith(("AVX2", "SSE2")) and fault[:4].lower() not in bands._loops.WAYS:
        pytest.skip(f"no {fault[:4]} here")
    loops = mutant(SOURCES, tmp_path, right, wrong)
    with pytest.raises(AssertionError):
        hold_all(kernel, loops, monkeypatch)


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    loops = unchanged(SOURCES, tmp_path)
    for kernel in BAND_CASES:
        hold_all(kernel, loops, monkeypatch)


def hold_all(kernel, loops, monkeypatch):
    for way in range(len(loops.WAYS)):
        monkeypatch.setattr(bands, "_loops", OneWay(loops, way))
        for case in itertools.islice(BAND_CASES[kernel](np.random.default_rng(0)), 80):
            hold(getattr(bands, kernel), getattr(reference_bands, kernel), case)
