"""Faults put into the loops on boundaries on purpose: the comparison with the twins must catch every one."""

import itertools

import numpy as np
import pytest

from segbench.kernels import boundary, reference_boundary
from tests.kernels.boundaries import BOUNDARY_CASES
from tests.kernels.comparisons import hold
from tests.kernels.mutants import mutant, unchanged

SOURCES = ("_boundary.pyx", "boundary.h", "lines.h", "nearby.h")

# kernel, what is wrong, the right text, the wrong text; none of them can write where it should not, or goes on for ever
# (Were a label of a block not struck, its loop would.)
FAULTS = [
    ("boundary_map", "no lower right neighbour", " | (here ^ below.right);", ";"),
    ("boundary_map", "no upper right neighbour", "above.left & above.right &", "above.left &"),
    ("boundary_map", "no lower neighbour", "above.here & below.here;", "above.here;"),
    ("boundary_map", "empty row above a full one skipped", "some_above || some_here || some_below", "some_here"),
    ("boundary_counts", "labels below not asked for", "b->rest[BELOW] = spreads(definition) ?", "b->rest[BELOW] = 0 ?"),
    ("boundary_counts", "label to the right not asked for", "SEG2BMAP ? RIGHT | DIAGONAL :", "SEG2BMAP ? 0 :"),
    ("boundary_counts", "the last class is none", "if (label >= n_classes)", "if (label + 1 >= n_classes)"),
    ("boundary_counts", "pixels beyond the last column", "own = line.here & b->inside", "own = line.here"),
    ("boundary_counts", "canvas not wiped", "wipe(c, p, p_end);", ""),
    ("boundary_counts", "no room made", "return max(found[0].n, found[1].n)", "return min(found[0].n, found[1].n)"),
    (
        "mask_boundary_counts",
        "nothing beside the word",
        "| lowest(reach->half + 1 - gap_before)",
        "| lowest(-gap_before)",
    ),
    (
        "mask_boundary_counts",
        "one pixel less to the right",
        "highest(reach->half + 1 - gap_after)",
        "highest(reach->half - gap_after)",
    ),
    ("mask_boundary_counts", "first block not looked at", "k <= i && (k - 1)", "k < i && (k - 1)"),
    ("mask_boundary_counts", "zero is foreground", "line[x] = line[x] == 0;", "line[x] = line[x] != 0;"),
    (
        "mask_boundary_counts",
        "one distance short",
        "end = 1 + (above > under ? above : under)",
        "end = (above > under ? above : under)",
    ),
]


def test_three_faults_for_every_kernel():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in BOUNDARY_CASES)


@pytest.mark.parametrize(("kernel", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
# An index out of bounds cannot leave a loop as an exception; Python reports it as unraisable.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_seeded_fault_is_caught(kernel, fault, right, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(boundary, "_loops", mutant(SOURCES, tmp_path, right, wrong))
    with pytest.raises(AssertionError):
        hold_all(kernel)


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    monkeypatch.setattr(boundary, "_loops", unchanged(SOURCES, tmp_path))
    for kernel in BOUNDARY_CASES:
        hold_all(kernel)


def hold_all(kernel):
    for case in itertools.islice(BOUNDARY_CASES[kernel](np.random.default_rng(0)), 200):
        hold(getattr(boundary, kernel), getattr(reference_boundary, kernel), case)
