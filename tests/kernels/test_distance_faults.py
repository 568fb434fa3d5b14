"""Faults put into the loops on distances on purpose: the comparison with the twins must catch every one."""

import itertools

import numpy as np
import pytest

from segbench.kernels import distance, reference_distance
from tests.kernels.comparisons import hold
from tests.kernels.distances import DISTANCE_CASES, OneWay
from tests.kernels.mutants import mutant, unchanged

SOURCES = (
    "_distance.pyx",
    "distance.h",
    "distance_search.h",
    "distance_envelope.h",
    "distance_values.h",
    "distance_passes.h",
)

DIAGONAL = "min(min(beside[x - 1], beside[x + 1]), beside[x])"

# kernel, what is wrong, the right text, the wrong text; none of them can write where it should not
ROW = "((int32_t *)row)[x + i] = base + values[i];"
STRIP = "= base + f->best[y * STRIP + i];"
KEPT = "count < kept[x] ? count : kept[x]"
PRICE = "price(&f->axes[1], f->real, diagonal);"
OTHER_PRICE = "f->axes[1].weight = f->axes[2].weight; f->axes[1].spacing = f->axes[2].spacing; " + PRICE
EARLY = "if (last >= peaks[top].first) {"
LATE = "behind + (meet - slack > (double)behind)"
SLACK = "a->slack = real ? (diagonal / scale + (double)a->n) * 0x1p-48 : 0.0;"
UNIT = "values[i] == INT32_MAX ? HUGE_VAL : values[i] * f->unit"
SQUARE = "a->real[d] = ((double)d * a->spacing) * ((double)d * a->spacing);"
NARROW = "enough * enough * weight - base <= UINT16_MAX"

FAULTS = [
    ("squared_distances", "sources below not met", KEPT, "count"),
    ("squared_distances", "sources above not met", KEPT, "kept[x]"),
    ("squared_distances", "no count goes on to 0", "(count + (count != NONE))", "(count + 1)"),
    ("squared_distances", "search stops a step early", "(VALUE)(base + costs[d])", "(VALUE)(base + costs[d + 1])"),
    ("squared_distances", "search looks ahead only", "least = before < least ? before : least;", ""),
    ("squared_distances", "last steps to one side lost", "if (d <= left)", "if (d < left)"),
    ("squared_distances", "strips too far to tell", "PAD, 0, FAR - 1, f->best + y", "PAD, 0, FAR, f->best + y"),
    ("squared_distances", "rows too far to tell", "PAD, 0, FAR - 1, f->best);", "PAD, 0, FAR, f->best);"),
    ("squared_distances", "base of rows forgotten", ROW, ROW.replace("base + ", "")),
    ("squared_distances", "base of strips forgotten", STRIP, STRIP.replace("base + ", "")),
    ("squared_distances", "costs of another axis", PRICE, OTHER_PRICE),
    ("squared_distances", "parabola dropped too early", EARLY, EARLY.replace(">=", ">")),
    ("squared_distances", "parabolas a pixel late", LATE, LATE.replace("+", "+ 1 +")),
    ("squared_distances", "no slack for rounding", SLACK, "a->slack = 0.0;"),
    ("squared_distances", "value after nothing lost", "x += CHUNK - 1;", "x += CHUNK;"),
    ("squared_distances", "unit ignored", UNIT, UNIT.replace(" * f->unit", "")),
    ("squared_distances", "square rounded otherwise", SQUARE, "a->real[d] = (double)(d * d) * scale;"),
    ("squared_distances", "16 bits overflow", NARROW, NARROW.replace("16", "32")),
    ("chessboard_distances", "no diagonals", DIAGONAL, "beside[x]"),
    ("chessboard_distances", "no diagonal to the left", DIAGONAL, "min(beside[x + 1], beside[x])"),
    ("chessboard_distances", "slices met one way", "for z in range(slices - 2, -1, -1):", "for z in range(0):"),
    ("chessboard_distances", "rows not to the left", "for x in range(n - 2, -1, -1):", "for x in range(0):"),
    ("chessboard_distances", "no diagonal across slices", "_lower(&out[source, y - 1, 0], beside, n)", "pass"),
    ("chessboard_distances", "no source taken for far", "if out[0, 0, 0] >= UNREACHED:", "if z < 0:"),
]


def test_three_faults_for_every_kernel():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in DISTANCE_CASES)


@pytest.mark.parametrize(("kernel", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
# An index out of bounds cannot leave a loop as an exception; Python reports it as unraisable.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_seeded_fault_is_caught(kernel, fault, right, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(distance, "_loops", OneWay(mutant(SOURCES, tmp_path, right, wrong), 0))
    with pytest.raises(AssertionError):
        hold_all(kernel)


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    monkeypatch.setattr(distance, "_loops", OneWay(unchanged(SOURCES, tmp_path), 0))
    for kernel in DISTANCE_CASES:
        hold_all(kernel)


def hold_all(kernel):
    for case in itertools.islice(DISTANCE_CASES[kernel](np.random.default_rng(0)), 300):
        hold(getattr(distance, kernel), getattr(reference_distance, kernel), case)
