"""Slices put together: numbers, sizes and kinds of PNG."""

from __future__ import annotations

import numpy as np
import pytest

from segbench.datasets.slices import check_slices, in_order, restacked
from segbench.errors import MissingPrediction, SegbenchError, ShapeMismatch, StrayLabel, UnreadableImage
from tests.datasets.pngs import PALETTE, RGB, bomb, png

SHAPE = (7, 6, 70)
LABELS = np.random.default_rng(0).integers(0, 250, SHAPE).astype(np.uint8)


def numbered(numbers: range) -> dict[int, str]:
    return {i: f"{i}.png" for i in numbers}


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_numbers_begin_with_0_or_1(axis: int, first: int) -> None:
    files = numbered(range(first, first + SHAPE[axis]))
    assert in_order(files, SHAPE, axis) == list(files.values())


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ({1, 2, 4, 5, 6}, r"no slice 3, 7 \(2 of 7 missing\)"),
        ({0, 1, 2, 4, 5, 6}, r"no slice 3 \(1 of 7"),
        ({3}, r"no slice 1, 2, 4, 5, 6, 7 \(6 of 7"),
        (set(range(8)), "slice 7; "),
        (set(range(1, 9)), "slice 8 of numbers from 1; "),
        ({1, 2, 900}, "slice 900"),
    ],
)
def test_gaps_and_what_lies_beyond(numbers: set[int], found: str) -> None:
    files = {i: f"{i}.png" for i in numbers}
    with pytest.raises((MissingPrediction, ShapeMismatch), match=found) as caught:
        in_order(files, SHAPE, 0)
    assert "0 to 6 or 1 to 7: axis 0 of the truth is 7 long" in caught.value.expected
    if isinstance(caught.value, ShapeMismatch):
        assert caught.value.file == f"{min(i for i in numbers if i > 6 + (0 not in numbers))}.png"


def test_another_axis_is_thought_of() -> None:
    for axis, other in ((2, 1), (0, 1), (1, 0)):
        with pytest.raises(SegbenchError) as caught:
            in_order(numbered(range(SHAPE[other])), SHAPE, axis)
        assert f"slices(axis={other})" in caught.value.mend
    with pytest.raises(MissingPrediction, match="1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …"):
        in_order({}, SHAPE, 2)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("deep", [False, True])
def test_rows_and_columns_are_the_other_axes(axis: int, deep: bool) -> None:
    labels = LABELS.astype(np.uint16) * 200 if deep else LABELS
    planes = [np.take(labels, i, axis) for i in range(SHAPE[axis])]
    data = {str(i): png(plane, depth=16 if deep else 8) for i, plane in enumerate(planes)}
    check_slices(data.values(), list(data), SHAPE, axis)
    found = restacked(data.__getitem__, list(data), SHAPE, axis)
    np.testing.assert_array_equal(found, labels)
    assert (found.dtype == np.uint8) == (not deep) and found.flags.c_contiguous


def test_depths_may_differ_from_slice_to_slice() -> None:
    planes = {str(i): np.full((7, 6), i, np.uint16) for i in range(70)}
    planes["69"][0, 0] = 60000
    data = {name: png(plane, depth=16 if name in ("3", "69") else 8) for name, plane in planes.items()}
    found = restacked(data.__getitem__, list(data), SHAPE, 2)
    np.testing.assert_array_equal(found, np.stack(list(planes.values()), 2))


def test_palettes_and_few_bits() -> None:
    plane = np.arange(42).reshape(7, 6) % 2
    data = {str(i): png(plane, depth=(1, 2, 4)[i % 3], kind=(0, PALETTE)[i % 2]) for i in range(70)}
    found = restacked(data.__getitem__, list(data), SHAPE, 2)
    np.testing.assert_array_equal(found, np.repeat(plane[..., None], 70, 2))


GOOD = png(LABELS[:, :, 0])


@pytest.mark.parametrize(
    ("data", "kind", "found"),
    [
        (png(LABELS[:, :, 0].T), ShapeMismatch, r"6×7 pixels .*7×6: rows along axis 0 .*along axis 1; transposed\?"),
        (png(LABELS[:5, :, 0]), ShapeMismatch, "5×6 pixels"),
        (png(np.zeros((7, 6, 3), int), kind=RGB), UnreadableImage, "an RGB image"),
        (GOOD[:-30], UnreadableImage, "damaged"),
        (b"text", UnreadableImage, "no PNG"),
        (b"", UnreadableImage, "an empty file"),
        (bomb(30000, 30000), ShapeMismatch, "30000×30000"),
    ],
)
def test_a_bad_slice_is_named(data: bytes, kind: type[SegbenchError], found: str) -> None:
    files = {str(i): data if i == 66 else GOOD for i in range(70)}
    with pytest.raises(kind, match=found) as caught:
        restacked(files.__getitem__, list(files), SHAPE, 2)
    assert caught.value.file == "66"
    if kind is ShapeMismatch or not data.startswith(GOOD[:8]):
        with pytest.raises(kind) as caught:
            check_slices(files.values(), list(files), SHAPE, 2)
        assert caught.value.file == "66"


def test_labels_are_looked_at_slice_by_slice() -> None:
    def check(labels: np.ndarray) -> None:
        if labels[0, 0] == 9:
            raise StrayLabel("9")

    files = {str(i): png(np.full((7, 6), 9 * (i == 68))) for i in range(70)}
    with pytest.raises(StrayLabel) as caught:
        restacked(files.__getitem__, list(files), SHAPE, 2, check)
    assert caught.value.file == "68"
