"""Losses that are ratios of sums over a batch: soft IoU, Dice, Tversky, and cross entropy together with them."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.training.formulas import FORMULAS
from segbench.training.lossbase import Batch, Loss
from segbench.training.pixel_losses import CrossEntropy


@dataclass(frozen=True)
class Overlap(Loss):
    """One minus a ratio for each class, brought together.

    Parameters
    ----------
    absent : {'skip', 'one', 'count'}
        What becomes of classes that the truth of a batch does not have. ``skip``: left out, the mean is over present
        classes. ``one``: their ratio is 1, so they add nothing and are divided by all the same, as in
        segmentation_models_pytorch. ``count``: the ratio is what it comes to, 0 without `smooth`.
    smooth : float
        Added above and below the line.
    """

    absent: Literal["skip", "one", "count"] = "skip"
    smooth: float = 0.0

    @abstractmethod
    def parts(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return numerators and denominators of a `batch`, without `smooth`, each of shape (classes,)."""

    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a `batch` that is ready."""
        used = self._used(batch)
        divisor = used.sum().clamp(min=1) if self.absent == "skip" else batch.logits.shape[1]
        return self._total(batch) / divisor

    def _total(self, batch: Batch) -> Tensor:
        """Return the sum of one minus the ratio over the classes that are used."""
        above, below = (part + self.smooth for part in self.parts(batch))
        used = self._used(batch)
        # What is not used may be 0 / 0, and the gradient of that would be NaN even where it is multiplied by 0.
        return ((1 - above / torch.where((used > 0) & (below > 0), below, 1)) * used).sum()

    def _used(self, batch: Batch) -> Tensor:
        if self.absent == "count":
            return torch.ones_like(batch.present) * batch.present.amax()
        return batch.present


@dataclass(frozen=True)
class SoftIou(Overlap):
    """Soft IoU: 1 − mean_c (Σ_i pq + smooth) / (Σ_i (p + q − pq) + smooth).

    Parameters
    ----------
    form : {'mean', 'sum'}
        ``sum``: Σ_c (1 − …), which is the number of classes minus the sum of soft IoUs that the survey maximises.

    Notes
    -----
    Rahman & Wang 2016; the sum: Gruss 2017 (survey).
    """

    name: ClassVar[str] = "soft_iou"
    formula: ClassVar[str] = FORMULAS[name].text

    form: Literal["mean", "sum"] = "mean"

    def parts(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return intersections and unions."""
        both, true, predicted = _sums(batch)
        return both, true + predicted - both

    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a `batch` that is ready."""
        return self._total(batch) if self.form == "sum" else super().of(batch)


@dataclass(frozen=True)
class Dice(Overlap):
    """Dice: 1 − mean_c (2 Σ_i pq + smooth) / (Σ_i p + Σ_i q + smooth).

    Parameters
    ----------
    denominator : {'sums', 'squares'}
        ``squares``: Σ_i p² + Σ_i q², as in V-Net.

    Notes
    -----
    Drozdzal et al. 2016; squares: Milletari et al. 2016 (V-Net).
    """

    name: ClassVar[str] = "dice"
    formula: ClassVar[str] = FORMULAS[name].text

    denominator: Literal["sums", "squares"] = "sums"

    def parts(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return twice the intersections, and the sums of sizes."""
        both, true, predicted = _sums(batch)
        if self.denominator == "squares":
            predicted = batch.q.square().sum(dim=(0, 2, 3))
        return 2 * both, true + predicted


@dataclass(frozen=True)
class Tversky(Overlap):
    """Tversky: 1 − mean_c (Σ_i pq + smooth) / (Σ_i pq + alpha Σ_i (1 − p) q + beta Σ_i p (1 − q) + smooth).

    With alpha = beta = ½ it is `Dice`, with both 1 `SoftIou`.

    Parameters
    ----------
    alpha : float
        What is predicted too much counts so much.
    beta : float
        What is missed counts so much.

    Notes
    -----
    Salehi et al. 2017.
    """

    name: ClassVar[str] = "tversky"
    formula: ClassVar[str] = FORMULAS[name].text

    alpha: float = 0.3
    beta: float = 0.7

    def parts(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return intersections, and what they are held against."""
        both, true, predicted = _sums(batch)
        return both, both + self.alpha * (predicted - both) + self.beta * (true - both)


@dataclass(frozen=True)
class CeDice(Loss):
    """Cross entropy and Dice, each with a share: ce · cross_entropy + dice · dice.

    Parameters
    ----------
    ce : float
        Share of `CrossEntropy`.
    dice : float
        Share of `Dice`, over present classes.

    Notes
    -----
    0.1 and 0.9: Gruss 2017 (survey).
    """

    name: ClassVar[str] = "ce_dice"
    formula: ClassVar[str] = FORMULAS[name].text

    ce: float = 0.1
    dice: float = 0.9

    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a `batch` that is ready."""
        return self.ce * CrossEntropy().of(batch) + self.dice * Dice().of(batch)


@dataclass(frozen=True)
class CeLogIou(Loss):
    """Cross entropy minus the logarithm of soft IoU: cross_entropy − log(mean_c Σ_i pq / Σ_i (p + q − pq) + epsilon).

    Parameters
    ----------
    epsilon : float
        Keeps the logarithm finite where the overlap is 0; above 0.

    Raises
    ------
    BadParameter
        For a field with a value it cannot take.

    Notes
    -----
    Iglovikov et al. 2017. The mean is over present classes.
    """

    name: ClassVar[str] = "ce_log_iou"
    formula: ClassVar[str] = FORMULAS[name].text

    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.epsilon > 0:
            raise BadParameter(f"{self.name}: epsilon={self.epsilon}", expected="a number above 0")

    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a `batch` that is ready."""
        # A batch of void alone has a loss of 0, hence an overlap of 1, whose logarithm is that of 1 + epsilon.
        overlap = 1 - SoftIou().of(batch)
        return CrossEntropy().of(batch) - (overlap + self.epsilon).log() * batch.present.amax()


def _sums(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Return Σ pq, Σ p and Σ q of each class over all images."""
    over = (0, 2, 3)
    return (batch.p * batch.q).sum(dim=over), batch.p.sum(dim=over), batch.q.sum(dim=over)
