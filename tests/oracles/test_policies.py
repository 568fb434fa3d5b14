"""The policy reference held against measured three-class vectors and hand-computed values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from . import policies

NAN = math.nan

# Truth 000111. A leaves class 2 absent, B predicts it without truth.
A = "000111", "000110"
B = "000111", "002111"


def pair(truth: str, prediction: str) -> policies.Pair:
    """One-row images; v stands for the void id 255."""
    texts = (truth, prediction)
    images = [np.array([[255 if c == "v" else int(c) for c in text]], dtype=np.uint8) for text in texts]
    return images[0], images[1]


def run(*pairs: tuple[str, str], metric: Any = "iou", n: int = 3, **options: Any) -> tuple[float, list[float]]:
    return policies.evaluate([pair(*p) for p in pairs], n, (255,), metric, **options)


def same(found: float, expected: float) -> bool:
    return math.isnan(found) if math.isnan(expected) else found == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("metric", policies.CHOICES[0])
@pytest.mark.parametrize("pool", ["dataset", "image"])
def test_perfect_prediction(metric: str, pool: str) -> None:
    assert run(("01", "01"), ("10", "10"), n=2, metric=metric, pool=pool) == (1.0, [1.0, 1.0])


# A: class 0 3 / 4, class 1 2 / 3, class 2 absent. B: class 0 2 / 3, class 1 3 / 3, class 2 0 / 1.
@pytest.mark.parametrize(
    ("case", "absent", "fp_only", "expected"),
    [
        (A, "skip", "count", (3 / 4 + 2 / 3) / 2),  # .7083
        (A, "propagate", "count", NAN),
        (A, "zero", "count", (3 / 4 + 2 / 3) / 3),  # .4722
        (A, "one", "count", (3 / 4 + 2 / 3 + 1) / 3),
        (B, "skip", "count", (2 / 3 + 1 + 0) / 3),  # .5556
        (B, "propagate", "count", (2 / 3 + 1 + 0) / 3),
        (B, "zero", "count", (2 / 3 + 1 + 0) / 3),
        (B, "skip", "skip", (2 / 3 + 1) / 2),  # .8333
        (B, "propagate", "skip", (2 / 3 + 1) / 2),  # left out is not propagated
    ],
)
def test_three_class_table(case: tuple[str, str], absent: str, fp_only: str, expected: float) -> None:
    value, per_class = run(case, absent=absent, fp_only=fp_only)
    assert same(value, expected)
    absent_score = {"zero": 0.0, "one": 1.0}.get(absent, NAN)
    assert same(per_class[2], absent_score if case == A else (0.0 if fp_only == "count" else NAN))


def test_never_predicted_class_has_dice_and_precision_0() -> None:
    # Class 0: tp 2, fp 2, fn 0: dice 4 / 6, precision 2 / 4. Class 1: tp 0, fn 2.
    assert run(("0011", "0000"), metric="dice", n=2)[1] == [4 / 6, 0.0]
    assert run(("0011", "0000"), metric="precision", n=2)[1] == [0.5, 0.0]


def test_recall_of_a_predicted_only_class() -> None:
    # B: class 0 2 / 3, class 1 3 / 3, class 2 has no truth.
    assert run(B, metric="recall")[1] == [2 / 3, 1.0, 0.0]
    value, per_class = run(B, metric="recall", fp_only="skip")
    assert same(value, (2 / 3 + 1) / 2) and math.isnan(per_class[2])


def test_void_predictions() -> None:
    case = "0011", "0v11"
    # miss: class 0 1 / 2. skip: class 0 1 / 1. Class 1 2 / 2 in both.
    assert run(case, n=2, void_prediction="miss") == (0.75, [0.5, 1.0])
    assert run(case, n=2, void_prediction="skip") == (1.0, [1.0, 1.0])
    with pytest.raises(policies.VoidPredictionError):
        run(case, n=2, void_prediction="error")
    # The missed pixel is counted truth (3 / 4), the skipped one is not (3 / 3). No precision is touched.
    assert run(case, n=2, metric="pixel_accuracy", void_prediction="miss")[0] == 0.75
    assert run(case, n=2, metric="pixel_accuracy", void_prediction="skip")[0] == 1.0
    assert run(case, n=2, metric="precision", void_prediction="miss") == (1.0, [1.0, 1.0])


def test_void_on_void_is_no_error() -> None:
    assert run(("01v", "01v"), n=2, void_prediction="error") == (1.0, [1.0, 1.0])


def test_masking_a_real_class_turns_iou_into_recall() -> None:
    # Truth 0 is dropped, so class 1 keeps 2 hits and 1 miss: 2 / 3, its false positive on truth 0 is gone.
    images = [pair("000111", "100110")]
    iou = policies.evaluate(images, 2, (0,), "iou", absent="skip")
    assert iou[0] == policies.evaluate(images, 2, (0,), "recall", absent="skip")[0] == 2 / 3


def test_pools() -> None:
    first, second = ("0001", "0000"), ("0000", "0000")
    # Pooled: class 0 7 / 8, class 1 0 / 1.
    assert run(first, second, n=2) == (7 / 16, [7 / 8, 0.0])
    # Image 1: class 0 3 / 4, class 1 0, mean 3 / 8. Image 2: class 0 1, class 1 absent, mean 1.
    assert run(first, second, n=2, pool="image") == ((3 / 8 + 1) / 2, [7 / 8, 0.0])
    # Class means 7 / 8 and 0.
    assert run(first, second, n=2, pool="class_then_image") == (7 / 16, [7 / 8, 0.0])
    # With absent = one, class 1 scores 0 and 1: image means 3 / 8 and 1, class means 7 / 8 and 1 / 2.
    assert run(first, second, n=2, pool="image", absent="one") == (11 / 16, [7 / 8, 0.5])
    assert run(first, second, n=2, pool="class_then_image", absent="one")[0] == 11 / 16
    # With absent = zero: image means 3 / 8 and 1 / 2.
    assert run(first, second, n=2, pool="image", absent="zero") == (7 / 16, [7 / 8, 0.0])


@pytest.mark.parametrize("pool", ["image", "class_then_image"])
def test_nan_propagates_through_both_means(pool: str) -> None:
    value, per_class = run(("0001", "0000"), ("0000", "0000"), n=2, pool=pool, absent="propagate")
    assert math.isnan(value) and per_class[0] == 7 / 8 and math.isnan(per_class[1])


def test_wholly_void_image_is_left_out_or_propagates() -> None:
    images = ("0011", "0011"), ("vvvv", "0011")
    assert run(*images, n=2, pool="image") == (1.0, [1.0, 1.0])
    assert math.isnan(run(*images, n=2, pool="image", absent="propagate")[0])
    assert run(*images, n=2, pool="image", metric="pixel_accuracy")[0] == 1.0


def test_classes_in_the_mean() -> None:
    # A without class 2: propagate has nothing to propagate. Class 1 alone: 2 / 3.
    assert same(run(A, classes=[0, 1], absent="propagate")[0], (3 / 4 + 2 / 3) / 2)
    assert run(A, classes=[1])[0] == 2 / 3
    # Accuracy over the truth of class 1 only: 2 of 3; over everything 5 of 6.
    assert run(A, metric="pixel_accuracy", classes=[1])[0] == 2 / 3
    assert run(A, metric="pixel_accuracy")[0] == 5 / 6


def test_frequency_weighted_iou() -> None:
    # A: half of the truth at 3 / 4, half at 2 / 3: 17 / 24. The absent class weighs nothing, NaN or not.
    assert run(A, metric="frequency_weighted_iou", absent="propagate")[0] == 17 / 24
    # B: 1/2 * 2/3 + 1/2 * 1 = 5 / 6. The share is among the chosen classes: class 0 alone 2 / 3.
    assert run(B, metric="frequency_weighted_iou")[0] == 5 / 6
    assert run(B, metric="frequency_weighted_iou", classes=[0, 2])[0] == 2 / 3


def test_unknown_ids_and_options_raise() -> None:
    for bad in (("03", "00"), ("00", "03")):
        with pytest.raises(ValueError):
            run(bad)
    with pytest.raises(ValueError):
        run(A, absent="nan")
    with pytest.raises(ValueError):
        run(A, metric="pixel_accuracy", pool="class_then_image")
