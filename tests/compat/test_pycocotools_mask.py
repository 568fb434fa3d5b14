"""`segbench.compat.pycocotools.mask` against `pycocotools.mask`: the same values, types and memory order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pycocotools import mask as theirs

from segbench.compat.pycocotools import mask as mine
from segbench.errors import BadParameter, BadRle, SegbenchError, ShapeMismatch

SHAPES = ((1, 1), (3, 3), (40, 60), (7, 1), (1, 9), (120, 33))
EYE = {"size": [3, 3], "counts": b"013000"}


def masks(rng: np.random.Generator, n: int) -> np.ndarray:
    """Noise of some density, rectangles, nothing, or all."""
    h, w = SHAPES[rng.integers(len(SHAPES))]
    stack = np.zeros((h, w, n), np.uint8, order="F")
    for i in range(n):
        density = rng.choice([0, 0.02, 0.5, 0.98, 1])
        stack[:, :, i] = rng.random((h, w)) < density
        if rng.random() < 0.5:
            stack[rng.integers(h) :, : rng.integers(w) + 1, i] = 1
    return stack


def same(own: Any, other: Any) -> None:
    assert type(own) is type(other)
    if isinstance(own, np.ndarray | np.generic):
        assert own.dtype == other.dtype
        assert own.shape == other.shape
        assert np.array_equal(own, other)
    else:
        assert own == other


def test_same_as_pycocotools() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        stack = masks(rng, int(rng.integers(1, 6)))
        rles = theirs.encode(stack)
        same(mine.encode(stack), rles)
        same(mine.encode(stack[:, :, 0]), theirs.encode(stack[:, :, 0]))
        if rng.random() < 0.5:
            rles = [{**rle, "counts": rle["counts"].decode("ascii")} for rle in rles]
        for form in (rles, rles[0]):
            for name in ("decode", "area", "toBbox"):
                same(getattr(mine, name)(form), getattr(theirs, name)(form))
            assert mine.decode(form).flags.f_contiguous
        for intersect in (0, 1, False, True):
            same(mine.merge(rles, intersect), theirs.merge(rles, intersect))
        crowd = rng.integers(0, 2, len(rles)).tolist()
        same(mine.iou(rles[:2], rles, crowd), theirs.iou(rles[:2], rles, crowd))
        same(mine.iou(rles, rles, np.array(crowd, np.uint8)), theirs.iou(rles, rles, np.array(crowd, np.uint8)))


def test_same_boxes() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        found, true = (rng.choice([0, 1, 2.5, 7, 40], (int(rng.integers(1, 6)), 4)) for _ in range(2))
        crowd = rng.integers(0, 2, len(true)).tolist()
        with np.errstate(invalid="ignore"):
            same(mine.iou(found, true, crowd), theirs.iou(found, true, crowd))
        same(mine.iou(found.tolist(), true.tolist(), crowd), theirs.iou(found.tolist(), true.tolist(), crowd))


def test_same_outlines() -> None:
    rng = np.random.default_rng(2)
    for _ in range(300):
        h, w = SHAPES[rng.integers(len(SHAPES))]
        outlines = [rng.uniform(-5, 70, int(rng.integers(6, 15))).round(2).tolist() for _ in range(3)]
        same(mine.frPyObjects(outlines, h, w), theirs.frPyObjects(outlines, h, w))
        boxes = rng.uniform(-5, 60, (4, 4)).round(1)
        same(mine.frPyObjects(boxes, h, w), theirs.frPyObjects(boxes, h, w))
        counts = rng.multinomial(h * w, np.full(5, 0.2)).tolist()
        lists = [{"size": [h, w], "counts": counts}, {"size": [w, h], "counts": [0, h * w]}]
        for form in (lists, lists[0]):
            same(mine.frPyObjects(form, h, w), theirs.frPyObjects(form, h, w))


def test_nothing() -> None:
    for name in ("area", "toBbox", "merge"):
        same(getattr(mine, name)([]), getattr(theirs, name)([]))
    for sides in ([[], []], [[EYE], []], [[], [EYE]]):
        crowd = [0] * len(sides[1])
        same(mine.iou(*sides, crowd), theirs.iou(*sides, crowd))
    assert mine.encode(np.zeros((3, 3, 0), np.uint8)) == []
    assert mine.decode([]).size == 0


@pytest.mark.parametrize(
    "array", [np.eye(3), np.eye(3) > 0, np.eye(3, dtype=np.int64) * 7, np.eye(3, dtype=np.uint8), np.eye(3).tolist()]
)
def test_encode_takes_any_array(array: Any) -> None:
    assert mine.encode(array) == EYE


def test_encode_knows_two_values() -> None:
    """pycocotools begins a run at each change of value: of 7 next to 3 it makes a hole."""
    labels = np.array([[7, 3], [1, 0]], np.uint8, order="F")
    assert mine.decode(mine.encode(labels)).tolist() == [[1, 1], [1, 0]]
    assert theirs.decode(theirs.encode(labels)).tolist() == [[1, 1], [0, 0]]


def test_lists_of_run_lengths_are_masks() -> None:
    rle = {"size": [3, 3], "counts": [0, 1, 3, 1, 3, 1]}
    assert mine.area(rle) == 3
    assert np.array_equal(mine.decode(rle), np.eye(3))


def test_one_polygon() -> None:
    outline = [0, 0, 2, 0, 2, 2]
    assert mine.frPyObjects(outline, 5, 5) == theirs.frPyObjects([outline], 5, 5)[0]
    assert mine.frPyObjects(np.array(outline), 5, 5) == theirs.frPyObjects([outline], 5, 5)[0]


SHORT, LONG = {"size": [4, 3], "counts": "013000"}, {"size": [2, 3], "counts": b"013000"}
ONE = {"size": [2, 2], "counts": b"04"}
REFUSED: dict[str, tuple[type[SegbenchError], str, tuple[Any, ...], str]] = {
    "too short": (BadRle, "decode", (SHORT,), "mask 1: run lengths of fewer than the 12 pixels"),
    "too long": (BadRle, "area", ([EYE, LONG],), "mask 2: run lengths of more than the 6 pixels"),
    "no size": (BadRle, "toBbox", ({"counts": b"04"},), "mask 1: a dictionary of counts"),
    "no dictionary": (BadRle, "area", ("abc",), "mask 1: str"),
    "size of one number": (BadRle, "area", ({"size": [3], "counts": b"9"},), "a size of [3]"),
    "a size of texts": (BadRle, "area", ({"size": ["3", "3"], "counts": b"9"},), "a size of ['3', '3']"),
    "counts of another kind": (BadRle, "area", ({"size": [3, 3], "counts": 9},), "counts of the kind int"),
    "a letter beyond": (BadRle, "area", ({"size": [3, 3], "counts": "9é"},), "mask 1"),
    "halves of pixels": (BadRle, "area", ({"size": [1, 9], "counts": [1.5, 7.5]},), "no whole numbers"),
    "negative": (BadRle, "area", ({"size": [1, 9], "counts": [-1, 10]},), "mask 1"),
    "sizes differ, decoded": (ShapeMismatch, "decode", ([EYE, ONE],), "several sizes"),
    "sizes differ, merged": (ShapeMismatch, "merge", ([EYE, ONE],), "several sizes"),
    "sizes differ, compared": (ShapeMismatch, "iou", ([EYE], [ONE], [0]), "3×3"),
    "masks and boxes": (BadParameter, "iou", ([EYE], [[0, 0, 1, 1]], [0]), "masks on one side"),
    "boxes of three": (BadParameter, "iou", ([[0, 0, 1]], [[0, 0, 1]], [0]), "shape (1, 3)"),
    "boxes of texts": (BadParameter, "iou", ([["a"]], [["b"]], [0]), "other things than numbers"),
    "too many crowds": (BadParameter, "iou", ([EYE], [EYE], [0, 1]), "crowd of shape (2,)"),
    "a mask of one axis": (ShapeMismatch, "encode", (np.zeros(3),), "1 axes"),
    "a mask without pixels": (BadRle, "encode", (np.zeros((0, 3)),), "0×3 pixels"),
    "a box that looks like a polygon": (BadRle, "frPyObjects", ([[0, 0, 2, 2]], 5, 5), "polygon 1: a polygon of 4"),
    "no polygon": (BadParameter, "frPyObjects", ([], 5, 5), "kind list"),
    "a polygon of texts": (BadRle, "frPyObjects", ([["a"] * 6], 5, 5), "other things than numbers"),
    "a polygon far away": (BadRle, "frPyObjects", ([[0, 0, 1e300, 0, 2, 2]], 5, 5), "coordinate"),
    "a text": (BadParameter, "frPyObjects", ("abc", 5, 5), "kind str"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input(name: str) -> None:
    kind, function, arguments, text = REFUSED[name]
    with pytest.raises(kind) as caught:
        getattr(mine, function)(*arguments)
    assert text in str(caught.value)
    assert caught.value.expected
