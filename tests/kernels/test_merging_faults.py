"""Faults put into the loops that measure, write and unite runs: the comparison with the twins must catch every one."""

import itertools

import numpy as np
import pytest

from tests.kernels.mutants import mutant, unchanged
from tests.kernels.runmasks import RUN_CASES, agree, joined, use

SOURCES = ("_rle.pyx", "rle.h", "polygons.h")
KERNELS = ("encode_strings", "areas", "boxes", "merge", "merge_groups")

CROSSES = "if (first < last) {"

# kernels, what is wrong, the right text, the wrong text; none of them writes where it should not, or does not end
FAULTS = [
    ("encode_strings", "differences from the second count", "if (i > 2)", "if (i > 1)"),
    (
        "encode_strings",
        "negative numbers end early",
        "value != -1 : value != 0",
        "value != -1 && value != -2 : value != 0",
    ),
    ("encode_strings", "sign not looked at", "(c & 0x10) ? value != -1", "(c & 0x10) && value < 0 ? value != -1"),
    ("areas", "background", "for (int64_t i = 1; i < m; i += 2)", "for (int64_t i = 0; i < m; i += 2)"),
    ("areas", "last run left out", "i = 1; i < m; i += 2", "i = 1; i < m - 1; i += 2"),
    ("areas", "8 bits", "area += counts[i];", "area += (uint8_t)counts[i];"),
    ("boxes", "runs of length 0", "if (i % 2 == 0 || counts[i] == 0)", "if (i % 2 == 0)"),
    ("boxes", "runs across columns", CROSSES, "if (0) {"),
    ("boxes", "runs that fill a column", CROSSES, "if (first < last || y == 0) {"),
    ("boxes", "width without the last", "(double)(right - left + 1)", "(double)(right - left + (right != 2))"),
    ("merge merge_groups", "or for and", "in_a && in_b", "in_a || in_b"),
    ("merge merge_groups", "and for or", ": in_a || in_b;", ": in_a && in_b;"),
    ("merge merge_groups", "runs of length 0", "while (rest_b == 0 && j < n_b)", "if (rest_b == 0 && j < n_b)"),
    ("merge merge_groups", "last step left out", "run += step;", "run += step - (i == n_a && j == n_b && m > 1);"),
]


def test_three_faults_for_every_kernel():
    assert all(sum(name in fault[0].split() for fault in FAULTS) >= 3 for name in KERNELS)


@pytest.mark.parametrize(("kernels", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
def test_seeded_fault_is_caught(kernels, fault, right, wrong, tmp_path, monkeypatch):
    use(monkeypatch, mutant(SOURCES, tmp_path, right, wrong))
    for kernel in kernels.split():
        with pytest.raises(AssertionError):
            hold_all(kernel)


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    use(monkeypatch, unchanged(SOURCES, tmp_path))
    for kernel in KERNELS:
        hold_all(kernel)


def hold_all(kernel):
    """Hold to the twin on random cases, and on what they have seldom."""
    for case in [*SELDOM.get(kernel, []), *itertools.islice(RUN_CASES[kernel](np.random.default_rng(0)), 200)]:
        agree(kernel, case)


SELDOM = {
    "areas": [{"runs": joined([[1, 299]], [(10, 30)])}],
}
