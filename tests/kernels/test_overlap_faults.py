"""Faults put into the loops on overlaps on purpose: the comparison with the twins must catch every one."""

import itertools

import numpy as np
import pytest

from segbench.kernels import overlap, reference_overlap
from tests.kernels.comparisons import hold
from tests.kernels.mutants import mutant, unchanged
from tests.kernels.overlapping import OVERLAP_CASES

SOURCES = ("_overlap.pyx", "overlap.h")

BOTTOM = "bottom = crosses ? height : greater(bottom, end - column);"
CROSSES = "top = crosses ? 0 : lesser(top, begin - column);"
APART = "a->top >= b->bottom || "
STOPS = "while (a_left || b_left)"
WIDTH = "_lesser(prediction[2] + prediction[0], truth[2] + truth[0])"

# kernel, what is wrong, the right text, the wrong text; none of them can write where it should not
FAULTS = [
    ("box_iou", "crowds like others", "area if crowd else area", "area"),
    ("box_iou", "the truth's area for crowds", "(area if crowd else", "(truth[2] * truth[3] if crowd else"),
    (
        "box_iou",
        "another order of operations",
        "area + truth[2] * truth[3] - shared",
        "area - shared + truth[2] * truth[3]",
    ),
    ("box_iou", "the farther end", WIDTH, WIDTH.replace("_lesser", "_greater")),
    ("box_iou", "height not looked at", "    if height <= 0:", "    if False:"),
    ("mask_iou", "rows of the last column alone", BOTTOM, "bottom = crosses ? height : end - column;"),
    ("mask_iou", "columns crossed", CROSSES, "top = lesser(top, begin - column);"),
    ("mask_iou", "touching boxes", APART, APART.replace(">=", "+ 1 >=")),
    (
        "mask_iou",
        "first column skipped",
        "own, mask->intervals, 1, left * height)",
        "own, mask->intervals, 0, left * height)",
    ),
    ("mask_iou", "last column skipped", "0, right * height - 1)", "0, (right - 1) * height - 1)"),
    ("mask_iou", "gaps counted", "shared += common > 0 ? common : 0;", "shared += common;"),
    ("mask_iou", "an interval across the middle", "if (b_high > b && b_high[-1] > *a_middle)", "if (0)"),
    ("mask_iou", "the middle itself", "pairs_until(b, n, 0, *a_middle - 1)", "pairs_until(b, n, 1, *a_middle - 1)"),
    ("mask_iou", "broken runs unnoticed", "truth.broken and prediction.broken", "False"),
    ("mask_iou", "broken runs of one suffice", "truth.broken and prediction.broken", "prediction.broken and crowd"),
    ("mask_iou", "never stops early", STOPS, "while (i + 1 < a_runs || j + 1 < b_runs || a_left || b_left)"),
    ("mask_iou", "crowds like others", "prediction.area if crowd else whole", "whole"),
    ("mask_iou", "sizes not looked at", "_same_size(&found, size)", "True"),
]


def test_three_faults_for_every_kernel():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in OVERLAP_CASES)


@pytest.mark.parametrize(("kernel", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
def test_seeded_fault_is_caught(kernel, fault, right, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(overlap, "_loops", mutant(SOURCES, tmp_path, right, wrong))
    with pytest.raises(AssertionError):
        hold_all(kernel)


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    monkeypatch.setattr(overlap, "_loops", unchanged(SOURCES, tmp_path))
    for kernel in OVERLAP_CASES:
        hold_all(kernel)


def hold_all(kernel):
    cases = itertools.islice(OVERLAP_CASES[kernel](np.random.default_rng(0)), 300)
    for case in cases:
        hold(getattr(overlap, kernel), getattr(reference_overlap, kernel), case)
        if kernel == "mask_iou":
            heights = case["prediction"].heights
            other = case["prediction"]._replace(heights=heights + (np.arange(len(heights)) == 0))
            hold(overlap.mask_iou, reference_overlap.mask_iou, case | {"prediction": other})
