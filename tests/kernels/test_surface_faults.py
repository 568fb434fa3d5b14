"""Faults put into the loops on surfaces on purpose: the comparison with the twins must catch every one."""

import itertools

import numpy as np
import pytest

from segbench.kernels import lattice, reference_surface, surface, surfels
from tests.kernels.comparisons import hold
from tests.kernels.mutants import mutant, unchanged
from tests.kernels.surfaces import SURFACE_CASES

SOURCES = ("_surface.pyx", "surface_search.h", "surface_bits.h", "bitrows.h")
KERNELS = {
    "surface": surface.surface,
    "surface_distances": surface.surface_distances,
    "surfel_distances": surfels.surfel_distances,
}

# kernel, what is wrong, the right text, the wrong text; none of them can write where it should not
FAULTS = [
    ("surface", "nothing above", "& row[w - words] & row[w + words]", "& row[w + words]"),
    ("surface", "nothing behind", "row[w - slice]\n                & row[w + slice]", "row[w - slice]"),
    ("surface", "the frame is inside", "const int at_frame = y == 0 ||", "const int at_frame = (y == 0 && z == 0) ||"),
    ("surface", "an image has a depth", "(!b->flat && (z == 0", "((z == 0"),
    ("surface", "pixels of the next word lost", "words ? row[w + 1] <<", "words ? 0 <<"),
    ("surface", "pixels of the last word lost", "return row[w] << 1 | (w ?", "return row[w] << 1 | (0 ?"),
    ("surface", "the box begins where its last row does", "first_of(row, (ptrdiff_t)range[0])", "first_of(row, n)"),
    ("surface", "bits of 1 only", "*pixel != 0", "*pixel == 1"),
    ("surface_distances", "nothing to the left", "found = steps_back(row, w - 1, i + 1, found, b);", ""),
    ("surface_distances", "nothing to the right", "steps_on(row, w + 1, words,", "steps_on(row, words, words,"),
    (
        "surface_distances",
        "the bit to the right wins",
        "if (back && __builtin_clzll(back) < found)",
        "if (back && !onward)",
    ),
    ("surface_distances", "a step too many to the left", "steps += __builtin_clzll(row[w]);", "steps += 1;"),
    ("surface_distances", "rows above not looked at", "y = middle - 1; y >= 0 &&", "y = middle - 1; 0 &&"),
    ("surface_distances", "slices before not looked at", "z = middle - 1; z >= 0; z--", "z = middle - 1; z > 0; z--"),
    (
        "surface_distances",
        "the far half left out",
        "i < 4; i++) {\n        const ptrdiff_t child",
        "i < 3; i++) {\n        const ptrdiff_t child",
    ),
    ("surface_distances", "the gap to the far end", "at < first ? first - at", "at < first ? last - at"),
    ("surface_distances", "the first found stays", "if (s.found[0] >= 0)", "if (0)"),
    ("surface_distances", "the place found is not the pixel", "is_after ? after : x - steps", "x - steps"),
    (
        "surface_distances",
        "sums in another order",
        "costs[0] + costs[1] + costs[2];",
        "costs[0] + (costs[1] + costs[2]);",
    ),
    ("surface_distances", "where the box begins", "s.at[1] = y + (ptrdiff_t)begin[1];", "s.at[1] = y;"),
    ("surface_distances", "a tree of every other row", "z / 2, y / 2)", "z / 2, y / 4 * 2)"),
    ("surfel_distances", "corners of full cubes", "found[w] = any & ~all;", "found[w] = any;"),
    (
        "surfel_distances",
        "the corner behind the last pixel",
        "found.second << 1 | (w ? row",
        "found.second << 1 | (0 ? row",
    ),
    ("surfel_distances", "codes backwards", "code << 2 | first << 1 | second", "code << 2 | second << 1 | first"),
    ("surfel_distances", "rows beyond the frame", "b->rows)\n        return found;", "b->rows)\n        y = z = 0;"),
]


def test_three_faults_for_every_kernel():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in SURFACE_CASES)


@pytest.mark.parametrize(("kernel", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
# An index out of bounds cannot leave a loop as an exception; Python reports it as unraisable.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_seeded_fault_is_caught(kernel, fault, right, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(lattice, "_loops", mutant(SOURCES, tmp_path, right, wrong))
    with pytest.raises(AssertionError):
        hold_all(kernel)


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    monkeypatch.setattr(lattice, "_loops", unchanged(SOURCES, tmp_path))
    for kernel in SURFACE_CASES:
        hold_all(kernel)


def hold_all(kernel):
    for case in itertools.islice(SURFACE_CASES[kernel](np.random.default_rng(0)), 150):
        hold(KERNELS[kernel], getattr(reference_surface, kernel), case)
