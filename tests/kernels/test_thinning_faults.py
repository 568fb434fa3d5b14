"""Faults put into the loops on segments on purpose: the comparison with the twins must catch every one."""

import itertools

import numpy as np
import pytest

from segbench.kernels import reference_thinning, thinning
from tests.kernels.comparisons import hold
from tests.kernels.mutants import mutant, unchanged
from tests.kernels.segmentations import SEGMENT_CASES

SOURCES = ("_thinning.pyx",)

BY_ROWS = """\
    for y in range(s.rows):
        for x in range(s.columns):
            if s.labels[_at(s, y, x)] == UNLABELLED:"""
BY_COLUMNS = """\
    for x in range(s.columns):
        for y in range(s.rows):
            if s.labels[_at(s, y, x)] == UNLABELLED:"""
SPREAD = "in range(4):\n            if s.labels[at + s.steps[i]] == UNLABELLED"
SHORES = "tail = 0\n    for x in range(s.columns):\n        for y in range(s.rows):"
SHORES_BY_ROWS = "tail = 0\n    for y in range(s.rows):\n        for x in range(s.columns):"
PARTED = "parted = parted or (label != LINE and label != s.labels[beside])"
FRAMED = "for x in range(s.columns):\n            labels[y + 1, x + 1] ="

# kernel, what is wrong, the right text, the wrong text; none of them can write where it should not
# (In which order the neighbours of a pixel join the queue decides nothing: see thinned_segments.)
FAULTS = [
    ("connected_segments", "numbered by columns", BY_ROWS, BY_COLUMNS),
    ("connected_segments", "not spread downwards", SPREAD, SPREAD.replace("4", "3")),
    ("connected_segments", "background left as it is", "_fill(&s, DRY, 0)", "_fill(&s, DRY, DRY)"),
    ("connected_segments", "last column skipped", FRAMED, FRAMED.replace("s.columns", "s.columns - 1")),
    ("thinned_segments", "numbered by rows", BY_COLUMNS, BY_ROWS),
    ("thinned_segments", "shores row by row", SHORES, SHORES_BY_ROWS),
    ("thinned_segments", "lines taken for borders", PARTED, "parted = parted or label != s.labels[beside]"),
    ("thinned_segments", "last neighbour wins", "LINE if parted else label", "label"),
    ("thinned_segments", "one segment stays dry", "_fill(&s, DRY, 1)", "_fill(&s, DRY, 0)"),
    ("thinned_segments", "nothing but shores", "            elif s.labels[beside] == DRY:", "            elif False:"),
    ("joint_counts", "runs one short", "work[LENGTH, n] += 1\n    return", "work[LENGTH, n] = 1\n    return"),
    ("joint_counts", "prediction ignored in runs", " or prediction[i] != work[PREDICTION, n]", ""),
    ("joint_counts", "not sorted by prediction", "&work[BY_PREDICTION, 0], &work", "NULL, &work"),
    ("joint_counts", "runs of a pair not added", "cells[cell, 2] += work", "cells[cell, 2] = work"),
]


def test_three_faults_for_every_kernel():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in SEGMENT_CASES)


@pytest.mark.parametrize(("kernel", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
# An index out of bounds cannot leave a loop as an exception; Python reports it as unraisable.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_seeded_fault_is_caught(kernel, fault, right, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(thinning, "_loops", mutant(SOURCES, tmp_path, right, wrong))
    with pytest.raises(AssertionError):
        hold_all(kernel)


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    monkeypatch.setattr(thinning, "_loops", unchanged(SOURCES, tmp_path))
    for kernel in SEGMENT_CASES:
        hold_all(kernel)


def hold_all(kernel):
    for case in itertools.islice(SEGMENT_CASES[kernel](np.random.default_rng(0)), 60):
        hold(getattr(thinning, kernel), getattr(reference_thinning, kernel), case)
