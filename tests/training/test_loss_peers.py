"""The losses against those of others: torch, segmentation_models_pytorch and torchmetrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from segbench.training.losses import parse_loss  # noqa: E402
from segbench.training.pictures import VOID  # noqa: E402
from tests.training.loss_cases import COUNTS, batch  # noqa: E402

SEEDS = range(20)
TIGHT: dict[str, Any] = {"rtol": 1e-12, "atol": 1e-14}


def slopes(loss: Any, logits: Any, *rest: Any) -> Any:
    leaf = logits.clone().requires_grad_()
    return torch.autograd.grad(loss(leaf, *rest), leaf)[0]


def without(truth: Any, index: int) -> Any:
    """Return a truth that has not a class, whose pixels become void."""
    return torch.where(truth == index, VOID, truth)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rule", ["none", "inverse", "median_frequency", "median_frequency_by_image", "enet"])
@pytest.mark.parametrize(("divisor", "reduction"), [("weights", "mean"), ("one", "sum")])
def test_cross_entropy_is_torchs(seed: int, rule: Any, divisor: str, reduction: str) -> None:
    logits, truth = batch(seed)
    theirs = torch.nn.CrossEntropyLoss(
        weight=torch.from_numpy(COUNTS.weights(rule)), ignore_index=VOID, reduction=reduction
    )
    ours = parse_loss(f"cross_entropy(weights={rule},divide_by={divisor})")
    assert torch.allclose(ours(logits, truth, COUNTS), theirs(logits, truth), **TIGHT)
    assert torch.allclose(slopes(ours, logits, truth, COUNTS), slopes(theirs, logits, truth), **TIGHT)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("soft_iou(absent=one)", "JaccardLoss", {}),
        ("soft_iou(absent=one,smooth=2)", "JaccardLoss", {"smooth": 2}),
        ("dice(absent=one)", "DiceLoss", {}),
        # They add to the halved fraction, so that half as much is the same.
        ("dice(absent=one,smooth=1)", "DiceLoss", {"smooth": 0.5}),
        ("tversky(absent=one)", "TverskyLoss", {"alpha": 0.3, "beta": 0.7}),
        ("tversky(absent=one,alpha=1,beta=0.25)", "TverskyLoss", {"alpha": 1, "beta": 0.25}),
    ],
)
@pytest.mark.parametrize("absent", [False, True], ids=["all present", "one absent"])
def test_overlaps_are_those_of_smp(seed: int, text: str, name: str, options: dict[str, Any], absent: bool) -> None:
    smp = pytest.importorskip("segmentation_models_pytorch").losses
    logits, truth = batch(seed)
    truth = without(truth, 2) if absent else truth
    theirs = getattr(smp, name)("multiclass", ignore_index=VOID, **options)
    ours = parse_loss(text)
    assert torch.allclose(ours(logits, truth), theirs(logits, truth), **TIGHT)
    assert torch.allclose(slopes(ours, logits, truth), slopes(theirs, logits, truth), **TIGHT)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("absent", [False, True], ids=["all present", "one absent"])
def test_lovasz_is_that_of_smp(seed: int, absent: bool) -> None:
    smp = pytest.importorskip("segmentation_models_pytorch").losses
    logits, truth = batch(seed)
    truth = without(truth, 2) if absent else truth
    # Theirs takes float32 alone, and steps as differences of numbers up to 1: rounded by 2⁻²⁴ each, and there are 60.
    theirs = smp.LovaszLoss("multiclass", ignore_index=VOID)
    ours = parse_loss("lovasz")
    assert ours(logits, truth).item() == pytest.approx(theirs(logits.float(), truth).item(), abs=60 * 2**-24)
    difference = slopes(ours, logits, truth) - slopes(theirs, logits.float(), truth)
    assert difference.abs().max() < 60 * 2**-24 < slopes(ours, logits, truth).abs().max()


def test_the_difference_to_smp_is_what_it_divides_by() -> None:
    """They divide by all classes, here the present ones are the default: a mixed loss weighs them otherwise."""
    smp = pytest.importorskip("segmentation_models_pytorch").losses
    logits, truth = batch()
    truth = without(truth, 2)
    theirs = smp.JaccardLoss("multiclass", ignore_index=VOID)(logits, truth)
    assert torch.allclose(parse_loss("soft_iou")(logits, truth), theirs * 4 / 3, **TIGHT)


@pytest.mark.parametrize("seed", SEEDS)
def test_total_variation_is_torchmetrics(seed: int) -> None:
    image = pytest.importorskip("torchmetrics.functional.image")
    logits, truth = batch(seed)
    theirs = image.total_variation(logits.softmax(1), reduction="sum") / truth.numel()
    assert torch.allclose(parse_loss("total_variation(void=in)")(logits, truth), theirs, **TIGHT)
    assert torch.allclose(parse_loss("total_variation")(logits, truth.clamp(min=0)), theirs, **TIGHT)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_sum_of_soft_ious_is_the_surveys(seed: int) -> None:
    """Σ_c Σ_i pq / Σ_i (p + q − pq), term by term in NumPy."""
    logits, truth = batch(seed)
    q, y = logits.softmax(1).numpy(), truth.numpy()
    total = 0.0
    for c in range(4):
        p = (y == c)[y != VOID].astype(float)
        own = q[:, c][y != VOID]
        total += (p * own).sum() / (p + own - p * own).sum()
    assert parse_loss("soft_iou(form=sum)")(logits, truth).item() == pytest.approx(4 - total, rel=1e-13)


@pytest.mark.parametrize("seed", SEEDS)
def test_lovasz_of_certain_answers_is_one_minus_iou(seed: int) -> None:
    logits, truth = batch(seed)
    answer = logits.argmax(1)
    counted = truth != VOID
    ious = [
        float(((truth == c) & (answer == c)).sum() / ((truth == c) | ((answer == c) & counted)).sum()) for c in range(4)
    ]
    certain = 1000.0 * torch.nn.functional.one_hot(answer, 4).movedim(-1, 1)
    assert parse_loss("lovasz")(certain, truth).item() == pytest.approx(1 - np.mean(ious), rel=1e-6)
