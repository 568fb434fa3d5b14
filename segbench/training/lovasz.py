"""The Lovász-softmax loss."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from segbench.frozen import dataclass
from segbench.training.formulas import FORMULAS
from segbench.training.lossbase import Batch, Loss


@dataclass(frozen=True)
class Lovasz(Loss):
    """Lovász-softmax: 1 − IoU of hard predictions, made continuous between them; the mean over present classes.

    For a class, Σ_k e_k · (J_k − J_(k−1)): e = |p − q| of all pixels in descending order, and J_k one minus the IoU
    once the first k of them are wrong and the others right. With probabilities of 0 and 1 it is 1 − IoU itself.

    Notes
    -----
    Berman et al. 2018, who advise to begin with cross entropy, or to mix: ``cross_entropy+lovasz``. O(n log n) for each
    present class and n pixels.
    """

    name: ClassVar[str] = "lovasz"
    formula: ClassVar[str] = FORMULAS[name].text

    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a `batch` that is ready."""
        q, p = (part.transpose(0, 1)[:, batch.valid] for part in (batch.q, batch.p))
        classes = batch.present.nonzero().flatten().tolist()
        # A sum without terms keeps the way back to the logits, with a gradient of zeros.
        total = sum((_extended((p[c] - q[c]).abs(), p[c]) for c in classes), start=batch.q.sum() * 0)
        return total / max(1, len(classes))


def _extended(errors: Tensor, is_class: Tensor) -> Tensor:
    """Return the Lovász extension of 1 − IoU at the errors of a class, which some pixel has."""
    descending, order = errors.sort(descending=True, stable=True)
    # Not a dot product, which adds one by one, and loses a digit in float32.
    return (descending * _steps(is_class[order] > 0, errors.dtype)).sum()


def _steps(is_class: Tensor, dtype: torch.dtype) -> Tensor:
    """Return by how much 1 − IoU grows with each pixel that becomes wrong.

    A pixel of the class leaves the intersection, whose union stays U: 1 / U. Any other joins the union, at the same
    intersection I: I / (U − 1) − I / U. So written nothing cancels, however many pixels there are.
    """
    lost = is_class.cumsum(0)
    size = lost[-1]
    union = size + (~is_class).cumsum(0)
    intersection = size - lost
    joined = intersection.to(dtype) / (union * (union - 1)).clamp(min=1).to(dtype)
    return torch.where(is_class, union.to(dtype).reciprocal(), joined)
