"""Weights of classes, by hand and against scikit-learn."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from segbench.errors import DatasetError
from segbench.training.weights import ClassCounts

#: Six pixels with a class in the first image, four in the second.
TRUTHS = [np.array([[0, 0, 0, 1], [1, 2, -1, -1]], np.int16), np.array([[0, 0, 2, 2, -1]], np.int16)]


def test_counts() -> None:
    # Class 0: 3 + 2; class 1: 2, in the first image only; class 2: 1 + 2; class 3 nowhere.
    assert ClassCounts.of(TRUTHS, 4) == ClassCounts((5, 2, 3, 0), (10, 6, 10, 0))
    assert ClassCounts.of(iter(TRUTHS), 4) == ClassCounts.of([truth.astype(np.int64) for truth in TRUTHS], 4)
    assert ClassCounts.of([], 2) == ClassCounts((0, 0), (0, 0))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("none", [1, 1, 1, 1]),
        # 10 pixels, 3 classes that occur; the one that does not weighs as much as the heaviest, 10/6.
        ("inverse", [10 / 15, 10 / 6, 10 / 9, 10 / 6]),
        # Shares 0.5, 0.2, 0.3, whose median is 0.3.
        ("median_frequency", [0.3 / 0.5, 0.3 / 0.2, 1, 0.3 / 0.2]),
        # Shares 5/10, 2/6, 3/10, whose median is 1/3.
        ("median_frequency_by_image", [2 / 3, 1, 10 / 9, 10 / 9]),
        ("enet", [1 / log(1.52), 1 / log(1.22), 1 / log(1.32), 1 / log(1.02)]),
    ],
)
def test_by_hand(rule: str, expected: list[float]) -> None:
    weights = ClassCounts.of(TRUTHS, 4).weights(rule)  # type: ignore[arg-type]
    assert weights.dtype == np.float64 and weights.tolist() == pytest.approx(expected, rel=1e-14)


def test_inverse_is_balanced() -> None:
    sklearn = pytest.importorskip("sklearn.utils.class_weight")
    truth = np.random.default_rng(0).choice(5, p=[0.5, 0.3, 0.1, 0.08, 0.02], size=(40, 50))
    theirs = sklearn.compute_class_weight("balanced", classes=np.arange(5), y=truth.ravel())
    assert ClassCounts.of([truth], 5).weights("inverse") == pytest.approx(theirs, rel=1e-14)


def test_nothing_to_weigh() -> None:
    with pytest.raises(DatasetError, match="no pixel of any class"):
        ClassCounts.of([np.full((2, 2), -1)], 3).weights("inverse")
