"""Overlaps of detections with all instances of their image, and who takes whom."""

from __future__ import annotations

import numpy as np
import pytest

from segbench.errors import BadParameter
from segbench.kernels.rle import from_masks
from segbench.metrics import overlaps as module
from segbench.metrics.annotations import Annotations, Detections
from segbench.metrics.matchingrules import Matching
from segbench.metrics.overlaps import Overlaps, best, claims, overlaps
from tests.metrics.detected import BOXES, detections, iou, random_sets, truths


def plain(seed: int, most: int) -> list[tuple[int, int, float]]:
    """Detection, instance and overlap of all pairs that share anything, by image, the surest detection first."""
    true, found = random_sets(seed)
    rows = sorted(range(len(found)), key=lambda i: (found[i][0], -found[i][3], i))
    ranks = {i: sum(found[j][0] == found[i][0] for j in rows[:place]) for place, i in enumerate(rows)}
    return [
        (i, t, value)
        for i in rows
        if ranks[i] < most
        for t, (image, _, box, crowd) in enumerate(true)
        if image == found[i][0] and (value := iou(found[i][2], box, crowd))
    ]


@pytest.mark.parametrize("many", [1, 20, 1 << 22])
@pytest.mark.parametrize("most", [1, 3, 100])
def test_pairs_are_those_of_the_definition(many: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MANY", many)
    n = 0
    for seed in range(100):
        true, found = random_sets(seed)
        pairs = overlaps(BOXES, truths(true), detections(found), most=most)
        listed = zip(pairs.rows[pairs.detections].tolist(), pairs.truths.tolist(), pairs.ious.tolist(), strict=True)
        assert list(listed) == plain(seed, most)
        assert (np.diff(pairs.detections) >= 0).all()
        n += len(pairs.ious)
    assert n > 100


def masks(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    return [(rng.random((7, 9)) < rng.choice([0, 0.3, 0.8])).astype(np.uint8) for _ in range(n)]


def of_masks(drawn: list[np.ndarray], crowd: list[bool] | None) -> tuple[Annotations, Detections]:
    zeros = np.zeros(len(drawn), np.int64)
    shared = {
        "images": zeros,
        "classes": zeros,
        "areas": zeros.astype(float),
        "boxes": None,
        "masks": from_masks(drawn),
    }
    flags = np.array(crowd or [False] * len(drawn))
    found = Detections(**shared, scores=np.linspace(1, 0, len(drawn)), order=zeros + np.arange(len(drawn)))
    return Annotations(**shared, crowd=flags, ignored=~flags & False, unnumbered=~flags & False), found


def test_masks_and_crowds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        drawn, seen = masks(rng, 4), masks(rng, 3)
        crowd = (rng.random(4) < 0.3).tolist()
        pairs = overlaps(Matching("segm"), of_masks(drawn, crowd)[0], of_masks(seen, None)[1], most=100)
        expected = np.zeros((3, 4))
        for (i, t), _ in np.ndenumerate(expected):
            shared = np.sum(drawn[t] & seen[i])
            whole = np.sum(seen[i]) if crowd[t] else np.sum(drawn[t] | seen[i])
            expected[i, t] = shared / whole if shared else 0
        table = np.zeros((3, 4))
        table[pairs.detections, pairs.truths] = pairs.ious
        assert np.array_equal(table, expected)


def test_a_boundary_counts_where_there_is_no_crowd() -> None:
    whole, inner = np.ones((40, 40), np.uint8), np.zeros((40, 40), np.uint8)
    inner[5:35, 5:35] = 1
    for crowd, expected in ((True, 1.0), (False, 0.0)):
        # Bands of one pixel: that of the image's border, and that of the square, share nothing.
        truth, found = of_masks([whole], [crowd])[0], of_masks([inner], None)[1]
        pairs = overlaps(Matching("boundary"), truth, found, most=1)
        assert pairs.ious.tolist() == ([expected] if expected else [])


def test_nothing_on_either_side() -> None:
    row = (0, 0, (0.0, 0.0, 2.0, 2.0), False)
    assert len(overlaps(BOXES, truths([]), detections([]), most=1).ious) == 0
    assert len(overlaps(BOXES, truths([row]), detections([]), most=1).rows) == 0
    assert overlaps(BOXES, truths([]), detections([(3, 0, row[2], 0.5)]), most=1).rows.tolist() == [0]
    with pytest.raises(BadParameter, match="0 detections of an image"):
        overlaps(BOXES, truths([row]), detections([]), most=0)


def made(*pairs: tuple[int, int, float], n: int = 3) -> Overlaps:
    columns = [np.array(column) for column in zip(*pairs, strict=True)] or [np.zeros(0, np.int64)] * 3
    return Overlaps(np.arange(n), *columns)


def test_claims_take_the_best_that_is_free() -> None:
    pairs = made((0, 0, 0.6), (0, 1, 0.6), (1, 0, 0.9), (1, 1, 0.7), (2, 0, 0.9))
    # Of equal overlaps the first instance, unless the other is preferred; the last detection finds nothing free.
    assert claims(pairs, 2).tolist() == [0, 1, -1]
    assert claims(pairs, 2, np.array([False, True, False, False, False])).tolist() == [1, 0, -1]
    assert claims(made(), 2).tolist() == [-1, -1, -1]


def test_best_is_the_first_of_equal_ones() -> None:
    ious, rows = best(made((0, 0, 0.5), (0, 2, 0.8), (0, 3, 0.8), (2, 1, 0.1)))
    assert ious.tolist() == [0.8, 0, 0.1]
    assert rows.tolist() == [2, -1, 1]
