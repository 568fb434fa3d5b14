"""Faults put into the loops on outlines on purpose: the comparison with the twins must catch every one."""

import itertools
import math

import numpy as np
import pytest

from segbench.kernels import reference_stability, stability
from tests.kernels.comparisons import hold
from tests.kernels.mutants import mutant, unchanged
from tests.kernels.outlined import STABILITY_CASES

SOURCES = ("_stability.pyx", "outlines.h", "junctions.h", "contexts.h", "matching.h")

N_CASES = {"outline": 200, "shape_contexts": 60, "matching_cost": 90}
CORNER = "{(real)outline[2 * i + rows_first], (real)outline[2 * i + 1 - rows_first]}"
MIRRORED = "{(real)outline[2 * i + 1 - rows_first], (real)outline[2 * i + rows_first]}"
LANES = "((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))"
IN_A_ROW = "(((lanes[0] + lanes[1]) + lanes[2]) + lanes[3])"
CHEAPER = "cost_of(t, rows[row]) < cost_of(t, columns[after])"

# kernel, what is wrong, the right text, the wrong text; none of them can write where it should not
FAULTS = [
    ("outline", "split at the first of equals", "off > tolerance_squared && off >= most", "off > most"),
    ("outline", "pieces from the right on", "way = ABOVE; way; way /= 2", "way = RIGHT; way < JUNCTION; way *= 2"),
    ("outline", "straight on at junctions", "choice[straight]", "choice[0]"),
    ("outline", "holes run as the others", "n) == hole", "n) == 0"),
    ("outline", "loops listed as they are found", "judge(d, --rank)", "judge(d, ++rank)"),
    ("outline", "too fine", "1.5 * 1.5", "1.4 * 1.4"),
    ("shape_contexts", "longer steps", "#define STEP 3", "#define STEP 4"),
    ("shape_contexts", "points do not see themselves", "if (ring)", "if (ring && i != j)"),
    ("shape_contexts", "mirrored", CORNER, MIRRORED),
    ("shape_contexts", "steps in 32 bits", "doubles, double, sqrt)", "doubles, float, sqrtf)"),
    ("matching_cost", "a heap of two children", "CHILDREN = 4", "CHILDREN = 2"),
    (
        "matching_cost",
        "the last child of equals",
        "[child]] < t->distances[t->heap[least]]",
        "[child]] <= t->distances[t->heap[least]]",
    ),
    ("matching_cost", "the free cell counts", "k < n - 1", "k < n"),
    ("matching_cost", "a column too few is moved", "best % t->n_after + 1", "best % t->n_after"),
    ("matching_cost", "lanes added in a row", LANES, IN_A_ROW),
    ("matching_cost", "dearest of a column", CHEAPER, CHEAPER.replace("<", ">")),
]


def test_three_faults_for_every_kernel():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in STABILITY_CASES)


@pytest.mark.parametrize(("kernel", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
def test_seeded_fault_is_caught(kernel, fault, right, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(stability, "_loops", mutant(SOURCES, tmp_path, right, wrong))
    with pytest.raises(AssertionError):
        hold_all(kernel)


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    monkeypatch.setattr(stability, "_loops", unchanged(SOURCES, tmp_path))
    for kernel in STABILITY_CASES:
        hold_all(kernel)


def hold_all(kernel):
    for case in itertools.islice(STABILITY_CASES[kernel](np.random.default_rng(0)), N_CASES[kernel]):
        if kernel != "matching_cost" or all(map(len, case.values())):
            hold(getattr(stability, kernel), getattr(reference_stability, kernel), case)
        else:
            assert math.isnan(stability.matching_cost(**case))
