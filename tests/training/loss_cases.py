"""Losses in their variants, and batches to compute them of."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from segbench.training.lossbase import Loss  # noqa: E402
from segbench.training.losses import LOSSES, parse_loss  # noqa: E402
from segbench.training.pictures import VOID  # noqa: E402
from segbench.training.weights import ClassCounts  # noqa: E402

torch.set_num_threads(1)

#: Every loss as it is by default, and every choice that changes what is computed.
VARIANTS = (
    *LOSSES,
    *(
        f"cross_entropy(weights={rule})"
        for rule in ("inverse", "median_frequency", "median_frequency_by_image", "enet")
    ),
    *(f"cross_entropy(weights=enet,divide_by={divisor})" for divisor in ("pixels", "one")),
    "edge_cross_entropy(weights=inverse,w0=3,sigma=2,divide_by=weights)",
    *(f"soft_iou(form=sum,absent={absent})" for absent in ("skip", "one", "count")),
    *(f"dice(absent={absent},smooth=1,denominator=squares)" for absent in ("one", "count")),
    "tversky(alpha=1,beta=0)",
    "ce_dice(ce=0.5,dice=0.25)",
    "ce_log_iou(epsilon=0.01)",
    "cross_entropy(weights=enet)+0.5*total_variation+2*lovasz",
)

#: How often the four classes occur that `batch` has, more or less.
COUNTS = ClassCounts((40, 30, 20, 6), (96, 90, 60, 24))


def loss_of(text: str) -> Loss:
    return parse_loss(text)


def batch(seed: int = 0, images: int = 2, rows: int = 5, columns: int = 6, classes: int = 4) -> tuple[Tensor, Tensor]:
    """Return logits in double and a truth with void: neither has an order or a gap."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(images, classes, rows, columns, generator=generator, dtype=torch.float64)
    truth = torch.randint(-1, classes, (images, rows, columns), generator=generator)
    assert (truth == VOID).any() and len(truth.unique()) == classes + 1
    return logits, truth


def gradient(loss: Loss, logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss, and its gradient by the logits."""
    leaf = logits.clone().requires_grad_()
    value = loss(leaf, truth, COUNTS)
    (found,) = torch.autograd.grad(value, leaf)
    return value.detach(), found


def logits_of(*probabilities: tuple[float, ...]) -> Tensor:
    """Return logits of one row of pixels with these probabilities of the classes."""
    return torch.tensor(probabilities, dtype=torch.float64).log().T[None, :, None]
