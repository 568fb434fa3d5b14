"""The losses on four pixels, worked out by hand.

Pixels 1, 2, 3 have the probabilities q of classes 0 and 1, and pixel 4 is void:

    q_0    3/4  1/2  1/4   9/10
    q_1    1/4  1/2  3/4   1/10
    truth   0    1    1    void

Class 0: Σpq = 3/4, Σp = 1, Σq = 3/2. Class 1: Σpq = 1/2 + 3/4 = 5/4, Σp = 2, Σq = 3/2.
"""

from __future__ import annotations

from math import log

import pytest

torch = pytest.importorskip("torch")

from segbench.training.pictures import VOID  # noqa: E402
from segbench.training.weights import ClassCounts  # noqa: E402
from tests.training.loss_cases import logits_of, loss_of  # noqa: E402

LOGITS = logits_of((3 / 4, 1 / 4), (1 / 2, 1 / 2), (1 / 4, 3 / 4), (9 / 10, 1 / 10))
TRUTH = torch.tensor([[[0, 1, 1, VOID]]])
#: Inverse frequencies: 4 pixels / (2 classes · 1) = 2 and 4 / (2 · 3) = 2/3.
COUNTS = ClassCounts((1, 3), (4, 4))
#: −log q_y of the three pixels.
S1, S2, S3 = -log(3 / 4), -log(1 / 2), -log(3 / 4)
CE = (S1 + S2 + S3) / 3
#: Weights 2, 2/3, 2/3 add up to 10/3.
WEIGHTED = 2 * S1 + 2 / 3 * S2 + 2 / 3 * S3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cross_entropy", CE),
        ("cross_entropy(divide_by=one)", 3 * CE),
        ("cross_entropy(weights=inverse)", WEIGHTED / (10 / 3)),
        ("cross_entropy(weights=inverse,divide_by=pixels)", WEIGHTED / 3),
        ("cross_entropy(weights=inverse,divide_by=one)", WEIGHTED),
        # Unions 1 + 3/2 − 3/4 = 7/4 and 2 + 3/2 − 5/4 = 9/4; IoU 3/7 and 5/9, together 62/63.
        ("soft_iou", 1 - 62 / 63 / 2),
        ("soft_iou(form=sum)", 2 - 62 / 63),
        # (3/4 + 1) / (7/4 + 1) = 7/11 and (5/4 + 1) / (9/4 + 1) = 9/13.
        ("soft_iou(smooth=1)", 1 - (7 / 11 + 9 / 13) / 2),
        # (3/2) / (5/2) = 3/5 and (5/2) / (7/2) = 5/7.
        ("dice", 1 - (3 / 5 + 5 / 7) / 2),
        # (3/2 + 1) / (5/2 + 1) = 5/7 and (5/2 + 1) / (7/2 + 1) = 7/9.
        ("dice(smooth=1)", 1 - (5 / 7 + 7 / 9) / 2),
        # Σq² = 9/16 + 4/16 + 1/16 = 7/8 of both; (3/2) / (15/8) = 4/5 and (5/2) / (23/8) = 20/23.
        ("dice(denominator=squares)", 1 - (4 / 5 + 20 / 23) / 2),
        # Too much Σq − Σpq = 3/4 and 1/4, missed Σp − Σpq = 1/4 and 3/4:
        # 0.75 / (0.75 + 0.3 · 0.75 + 0.7 · 0.25) = 75/115 and 1.25 / (1.25 + 0.3 · 0.25 + 0.7 · 0.75) = 125/185.
        ("tversky", 1 - (75 / 115 + 125 / 185) / 2),
        # 0.75 / (0.75 + 0.75) = 1/2 and 1.25 / (1.25 + 0.25) = 5/6.
        ("tversky(alpha=1,beta=0)", 1 - (1 / 2 + 5 / 6) / 2),
        ("ce_dice", 0.1 * CE + 0.9 * (1 - (3 / 5 + 5 / 7) / 2)),
        ("ce_log_iou", CE - log(31 / 63 + 1e-7)),
        # Each class changes by 1/4 and 1/4 over pairs without void: 1, by 3 pixels.
        ("total_variation", 1 / 3),
        # Between pixels 3 and 4 each class changes by 9/10 − 1/4 = 13/20: 1 + 2 · 13/20 = 23/10, by 4 pixels.
        ("total_variation(void=in)", 23 / 40),
        # |p − q| of either class is 1/4, 1/2, 1/4.
        ("l1", 2 * 1 / 3),
        # Class 0: the worst pixel is 2 (1/2), which joins the union: 1 − IoU = 1 − 1/2. Then pixel 1 (1/4), the only
        # one of the class: 1 − 0. Pixel 3 (1/4) changes nothing any more. 1/2 · 1/2 + 1/4 · 1/2 = 3/8.
        # Class 1: pixel 2 (1/2) leaves the intersection, 1 − 1/2; the others (1/4) bring it to 1. The same 3/8.
        ("lovasz", 3 / 8),
        ("2*l1 + 0.5*cross_entropy", 4 / 3 + CE / 2),
    ],
)
def test_by_hand(text: str, expected: float) -> None:
    assert loss_of(text)(LOGITS, TRUTH, COUNTS).item() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Three classes with q = (1/2, 1/4, 1/4) and (1/4, 1/2, 1/4), truth 0 and 1: IoU (1/2) / (1 + 3/4 − 1/2) = 2/5
        # of each of the two, and 0 / (1/2) of the class that is not there.
        ("soft_iou", 3 / 5),
        ("soft_iou(absent=one)", (3 / 5 + 3 / 5 + 0) / 3),
        ("soft_iou(absent=count)", (3 / 5 + 3 / 5 + 1) / 3),
        ("soft_iou(form=sum)", 6 / 5),
        ("soft_iou(form=sum,absent=one)", 6 / 5),
        ("soft_iou(form=sum,absent=count)", 11 / 5),
        # 1 / (1 + 3/4) = 4/7; with 1 added 2 / (11/4) = 8/11, and 1 / (1 + 1/2) of the class that is not there.
        ("dice", 3 / 7),
        ("dice(smooth=1)", 3 / 11),
        ("dice(smooth=1,absent=count)", (3 / 11 + 3 / 11 + 1 / 3) / 3),
        # Errors 1/2 and 1/4 of each of the two: the pixel itself, 1/2 · 1, and then the other, which changes nothing.
        ("lovasz", 1 / 2),
    ],
)
def test_absent_classes(text: str, expected: float) -> None:
    logits = logits_of((1 / 2, 1 / 4, 1 / 4), (1 / 4, 1 / 2, 1 / 4))
    assert loss_of(text)(logits, torch.tensor([[[0, 1]]])).item() == pytest.approx(expected, rel=1e-14)


def test_sums_run_over_the_batch_and_not_image_by_image() -> None:
    # Image 1 is pixels 1 and 2, image 2 pixels 3 and 4: the very sums of one image of all four.
    logits = torch.cat([LOGITS[..., :2], LOGITS[..., 2:]])
    truth = torch.cat([TRUTH[..., :2], TRUTH[..., 2:]])
    for text in ("cross_entropy", "soft_iou", "dice", "tversky", "lovasz", "l1"):
        assert loss_of(text)(logits, truth).item() == pytest.approx(loss_of(text)(LOGITS, TRUTH).item(), rel=1e-14)
    # A pair of pixels in two images is none: only the first, 1/4 of both classes, is left, by 3 pixels.
    assert loss_of("total_variation")(logits, truth).item() == pytest.approx(1 / 6, rel=1e-14)


def test_total_variation_goes_down_columns_too() -> None:
    # q_0 is 1/4 3/4 over 1/2 1/2: changes 1/2 and 0 along rows, 1/4 and 1/4 down, of two classes: 2, by 4 pixels.
    logits = torch.cat([logits_of((1 / 4, 3 / 4), (3 / 4, 1 / 4)), logits_of((1 / 2, 1 / 2), (1 / 2, 1 / 2))], dim=2)
    truth = torch.tensor([[[0, 1], [1, 0]]])
    assert loss_of("total_variation")(logits, truth).item() == pytest.approx(1 / 2, rel=1e-14)
    # Without the first pixel the pairs are 3/4 over 1/2 and 1/2 beside 1/2: 2 · 1/4, by 3 pixels.
    truth[0, 0, 0] = VOID
    assert loss_of("total_variation")(logits, truth).item() == pytest.approx(1 / 6, rel=1e-14)


def test_the_gap_between_two_cells_counts_more() -> None:
    # Cells in pixels 1 and 5, background between: distances 1 and 3, 2 and 2, 3 and 1, which all add up to 4, so
    # w = 1 + 10 exp(−16/50) there. With q = 1/2 everywhere the loss is log 2 · (2 + 3 w) / 5.
    w = 1 + 10 * 2.718281828459045 ** (-16 / 50)
    logits, truth = torch.zeros(1, 2, 1, 5, dtype=torch.float64), torch.tensor([[[1, 0, 0, 0, 1]]])
    assert loss_of("edge_cross_entropy")(logits, truth).item() == pytest.approx(log(2) * (2 + 3 * w) / 5, rel=1e-14)
    assert loss_of("edge_cross_entropy(divide_by=weights)")(logits, truth).item() == pytest.approx(log(2), rel=1e-14)
    # The other way round the background is one pixel at either end, and the cell is one.
    assert loss_of("edge_cross_entropy(background=1)")(logits, truth).item() == pytest.approx(log(2), rel=1e-14)
