"""Faults put into the loops that read masks on purpose: the comparison with the twins must catch every one."""

import itertools

import numpy as np
import pytest

from tests.kernels.mutants import mutant, unchanged
from tests.kernels.runmasks import RUN_CASES, agree, string_case, use

SOURCES = ("_rle.pyx", "rle.h", "polygons.h")
KERNELS = ("decode_strings", "from_counts", "from_masks", "decode")

# kernels, what is wrong, the right text, the wrong text; none of them writes where it should not, or does not end
FAULTS = [
    ("decode_strings", "other sign", "if (c & 0x10)\n            value -= ", "if (c & 0x08)\n            value -= "),
    ("decode_strings", "differences from the first count", "if (m > 2)\n", "if (m > 1)\n"),
    ("decode_strings", "escapes not looked at", "is_escaped && c ==", "0 && c =="),
    ("decode_strings", "nothing too long", "if (shift > 55)", "if (shift > 50)"),
    ("from_counts", "negative counts", "if (given[i] < 0)", "if (0)"),
    ("from_counts", "too many pixels", "given[i] > pixels - total", "given[i] > pixels - total + 1"),
    ("from_counts", "too few pixels", "m == 0 ? RLE_EMPTY : total == pixels", "m == 0 ? RLE_EMPTY : total <= pixels"),
    ("from_masks", "begins with foreground", "int value = 0;\n    for", "int value = pixels[0] != 0;\n    for"),
    ("from_masks", "only 1 is foreground", "(pixels[i] != 0) != value", "(pixels[i] > 1) != value"),
    ("from_masks", "last run short", "(uint32_t)(n - start);", "(uint32_t)(n - start - (m > 3));"),
    ("decode", "inside out", "(int)(i & 1)", "(int)(~i & 1)"),
    ("decode", "255 instead of 1", "(int)(i & 1)", "-(int)(i & 1)"),
    ("decode", "runs one short", "pixels += counts[i];\n", "pixels += counts[i] - (i == 4 && counts[i]);\n"),
    ("merge_groups", "groups end early", "groups[g + 1]):", "groups[g + 1] - (g > 0)):"),
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
    "decode_strings": [string_case([b"0" + b"P" * 11 + b"0" + b"4"], [(2, 2)])],
}
