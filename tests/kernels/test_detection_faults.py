"""Faults put into the loops on detections on purpose: the comparison with the twins must catch every one."""

import itertools

import numpy as np
import pytest

from segbench.kernels import detection, reference_detection
from tests.kernels.comparisons import hold
from tests.kernels.detections import DETECTION_CASES
from tests.kernels.mutants import mutant, unchanged

SOURCES = ("_detection.pyx", "detection_match.h", "detection_order.h", "detection_curves.h")
COMPILED = ("match", "match_any", "order", "precision_recall")

OUTSIDE = "return area < range[0] || area > range[1];"
FREE = "if (r->taken[truth * cells + cell] && !r->reusable[g->truths + truth])"
TOO_LITTLE = "if (ious[truth] < least || ("
RIGHT = "ious[best] >= r->limits[t] && !*taken"
BYTES = "byte < 8; byte++) {\n        int64_t place"
REACHED = "while ((double)i / positives < level)"

# kernel, what is wrong, the right text, the wrong text; none of them can write where it should not
FAULTS = [
    ("match", "limits left out", OUTSIDE, OUTSIDE.replace("> range", ">= range")),
    ("match", "crowds taken once", FREE, "if (r->taken[truth * cells + cell])"),
    ("match", "taken all the same", FREE, "if (0)"),
    ("match", "above the threshold only", TOO_LITTLE, TOO_LITTLE.replace("<", "<=")),
    (
        "match",
        "ignored ones like others",
        "part(r->candidates, n, r->outside + a * g->n_truths",
        "part(r->candidates, n, r->outside",
    ),
    ("match", "ignored ones not looked at", "parted + counted, n - counted", "parted + counted, 0"),
    ("match", "a match with an ignored one is right", "= ignored ? LEFT_OUT : TRUE_POSITIVE", "= TRUE_POSITIVE"),
    ("match", "nobody is excused", "r->excused[prediction] || ", ""),
    ("match", "the earlier one wins", "found >= 0 && !r->later_wins && ious", "found >= 0 && ious"),
    ("match", "the first threshold is the lowest", "r.limits[i] < least else least", "r.limits[i] < 0 else least"),
    ("match", "taken all the same where there is no choice", "reusable | (taken[t] ^ 1)", "1"),
    (
        "match",
        "ignored ones right where there is no choice",
        "g->n_truths + truth] ? LEFT_OUT",
        "g->n_truths + truth] ? TRUE_POSITIVE",
    ),
    ("match_any", "the last of equal ones", "ious[i] > ious[best]", "ious[i] >= ious[best]"),
    ("match_any", "above the threshold only", RIGHT, RIGHT.replace(">=", ">")),
    ("match_any", "taken again", RIGHT, RIGHT.replace(" && !*taken", "")),
    ("order", "two zeros", "score += 0.0;", ""),
    ("order", "rising", "return bits >> 63 ? bits :", "return bits >> 63 ? ~bits :"),
    ("order", "not stable", "rows[at - 1].key > own.key", "rows[at - 1].key >= own.key"),
    ("order", "the highest byte left out", BYTES, BYTES.replace("8", "7")),
    ("order", "left where it was", "if (from != rows)", "if (0)"),
    ("precision_recall", "ranks up to the limit", "s->ranks[i] >= limit", "s->ranks[i] > limit"),
    ("precision_recall", "ignored rows judged", "outcomes[c] < 2;", "outcomes[c] < 3;"),
    ("precision_recall", "no envelope", "i = n - 1; i > 0; i--", "i = n - 1; i > n; i--"),
    ("precision_recall", "recall below the level", REACHED, "while (0)"),
    ("precision_recall", "first row is the first right one", "if (level > 0) {", "if (n) {"),
    (
        "precision_recall",
        "goes on after a level out of reach",
        "level != level)\n            break;",
        "level != level)\n            continue;",
    ),
    ("precision_recall", "left-out first row", "first = first < 0 ? i : first;", "first = i;"),
]


def test_three_faults_for_every_compiled_kernel():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in COMPILED)


@pytest.mark.parametrize(("kernel", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
def test_seeded_fault_is_caught(kernel, fault, right, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(detection, "_loops", mutant(SOURCES, tmp_path, right, wrong))
    with pytest.raises(AssertionError):
        hold_all(kernel)


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    monkeypatch.setattr(detection, "_loops", unchanged(SOURCES, tmp_path))
    for kernel in COMPILED:
        hold_all(kernel)


def hold_all(kernel):
    for case in itertools.islice(DETECTION_CASES[kernel](np.random.default_rng(0)), 300):
        hold(getattr(detection, kernel), getattr(reference_detection, kernel), case)
