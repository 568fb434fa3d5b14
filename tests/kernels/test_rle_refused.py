"""Strings, lists and sizes that are no masks: refused with the index of the first and the reason, as by the twins."""

from __future__ import annotations

import numpy as np
import pytest

from segbench.errors import BadParameter, ShapeMismatch
from segbench.kernels import rle
from segbench.kernels.runs import RleFault, Runs
from tests.kernels.runmasks import agree, joined, string_case

REFUSED = {
    "too long": (b"05", "more than the 4"),
    "far too long": (b"0P[l3", "more than the 4"),
    "too short": (b"03", "fewer than the 4"),
    "2 ** 32 pixels": (b"PPPPPP4", "more than the 4"),
    "2 ** 62": (b"0" + b"P" * 12 + b"4", "more than the 4"),
    "negative": (b"0N", "negative"),
    "cut": (b"0T", "ends within"),
    "cut at once": (b"o", "ends within"),
    "garbage": (b"hello world", "character"),
    "a blank": (b"0 4", "character"),
    "only blanks": (b"    ", "character"),
    "not ASCII": ("0é4".encode(), "character"),
    "bytes printed by Python": (b"b'04'", "character"),
    "empty": (b"", "no run length"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_strings(name):
    string, words = REFUSED[name]
    case = string_case([b"04", string, b"nonsense "], [(2, 2)] * 3)
    _, index, found, expected = agree("decode_strings", case)
    assert index == 1 and words in found and expected


@pytest.mark.parametrize(
    ("size", "is_large"),
    [((0, 2), 0), ((2, 0), 0), ((-2, -2), 0), ((2**16, 2**16), 1), ((2**32, 2**32), 1), ((2**62, 4), 1)],
)
def test_refused_sizes(size, is_large):
    case = string_case([b"04", b"04"], [(2, 2), size])
    assert agree("decode_strings", case)[1] == 1
    counts = {"counts": [0, 4, 4], "offsets": [0, 2, 3], "heights": [2, size[0]], "widths": [2, size[1]]}
    assert f"{size[0]}×{size[1]}" in agree("from_counts", counts)[2]


LISTS = {
    "negative": [5, -1],
    "too long": [0, 5],
    "far too long": [2**62, 2**62],
    "2 ** 32 more": [2**32 + 4],
    "too short": [0, 3],
    "empty": [],
    "not numbers": ["0", "4"],
    "fractions": [0.0, 4.0],
    "truth values": [False, True],
    "of any size": [2**64, 4],
}


@pytest.mark.parametrize("name", LISTS)
def test_refused_lists(name):
    case = {"counts": LISTS[name], "offsets": [0, len(LISTS[name])], "heights": [2], "widths": [2]}
    assert isinstance(agree("from_counts", case), tuple | BadParameter)


GOOD = {"data": b"0404", "starts": [0, 2], "lengths": [2, 2], "heights": [2, 2], "widths": [2, 2]}


@pytest.mark.parametrize(
    "change",
    [
        {"starts": [0, 3]},
        {"starts": [-1, 2]},
        {"starts": [0, 2**62]},
        {"lengths": [2, 2**63 - 1]},
        {"lengths": [2, -1]},
        {"lengths": [2]},
        {"heights": [2]},
        {"widths": [2.0, 2.0]},
        {"escaped": [True]},
        {"starts": [[0, 2]]},
        {"data": b""},
    ],
)
def test_columns_that_do_not_fit(change):
    assert len(rle.decode_strings(**GOOD)) == 2
    with pytest.raises(BadParameter):
        rle.decode_strings(**GOOD | change)
    agree("decode_strings", GOOD | change)


def test_other_refusals():
    runs = rle.from_masks([np.eye(2), np.eye(3)])
    for i in (-1, 2, 2**40):
        with pytest.raises(BadParameter, match="one of 2 masks"):
            rle.decode(runs, i)
    with pytest.raises(ShapeMismatch):
        rle.merge(runs)
    for offsets in ([0, 1], [0, 0, 2], [0, 3], [0, 2, 1, 2]):
        with pytest.raises(BadParameter):
            rle.merge_groups(runs, offsets)
    for mask in (np.eye(2)[0], np.zeros((2, 2, 2))):
        with pytest.raises(ShapeMismatch):
            rle.from_masks([mask])
    with pytest.raises(RleFault, match="0×2"):
        rle.from_masks([np.zeros((0, 2))])
    with pytest.raises(BadParameter):
        rle.boxes(joined([[0]], [(0, 2)]))


def test_offsets_that_do_not_fit_are_refused():
    good = rle.from_masks([np.eye(2), np.eye(2)])
    for offsets in ([0, 4], [0, 9, 8], [0, 4, 9], [1, 4, 8], [0, 2, 4, 8]):
        bad = Runs(good.counts, np.array(offsets), good.heights, good.widths)
        for name in ("areas", "boxes", "encode_strings", "merge"):
            assert isinstance(agree(name, {"runs": bad}), BadParameter)


def test_a_mask_without_runs_is_empty():
    none = joined([[], []], [(2, 2), (2, 2)])
    assert rle.areas(none).tolist() == [0, 0] and rle.boxes(none).tolist() == [[0] * 4] * 2
    assert rle.encode_strings(none) == [b"", b""]
    assert rle.areas(rle.merge(none)).tolist() == [0]
    with pytest.raises(RleFault):
        rle.decode(none, 0)
