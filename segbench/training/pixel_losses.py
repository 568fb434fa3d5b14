"""Losses that are sums over pixels: cross entropy, with weights of classes and edges, L1, and total variation."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.training.edges import edge_weights
from segbench.training.formulas import FORMULAS
from segbench.training.lossbase import Batch, Loss
from segbench.training.weights import Rule

Divisor: TypeAlias = Literal["weights", "pixels", "one"]


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Cross entropy: Σ_i w(y) · (−log q_y) / Σ_i w(y).

    Parameters
    ----------
    weights : str
        How classes are weighed; the rules are those of `ClassCounts.weights`.
    divide_by : {'weights', 'pixels', 'one'}
        What the sum is divided by: the weights of its pixels, as torch does, so that the weights of classes have no
        influence on the size of steps; the number of its pixels; or 1, which is the sum that FCN was trained with, at
        learning rates some 10⁵ times smaller.

    Notes
    -----
    Median frequency: Eigen & Fergus 2015, Badrinarayanan et al. 2017 (SegNet). ``enet``: Paszke et al. 2016. The sum:
    Long et al. 2015 (FCN).
    """

    name: ClassVar[str] = "cross_entropy"
    formula: ClassVar[str] = FORMULAS[name].text

    weights: Rule = "none"
    divide_by: Divisor = "weights"

    @property
    def needs_counts(self) -> bool:
        """Whether classes are weighed."""
        return self.weights != "none"

    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a `batch` that is ready."""
        return _divided(batch, _weights(batch, self.weights), self.divide_by)


@dataclass(frozen=True)
class EdgeCrossEntropy(Loss):
    """Cross entropy that counts background between close cells more: Σ_i w_i · (−log q_y) / N.

    w_i = w(y) + w0 · exp(−(d1 + d2)² / (2 sigma²)) on background; see `segbench.training.edges.edge_weights`.

    Parameters
    ----------
    weights : str
        How classes are weighed; the rules are those of `ClassCounts.weights`.
    w0 : float
        The weight that an edge adds at most.
    sigma : float
        In pixels, how far apart cells may lie; above 0.
    background : int
        Index of the class that is no cell.
    divide_by : {'pixels', 'weights', 'one'}
        What the sum is divided by, as in `CrossEntropy`; the paper has the sum itself.

    Raises
    ------
    BadParameter
        For a field with a value it cannot take.

    Notes
    -----
    Ronneberger et al. 2015 (U-Net), equations 1 and 2. The weights are computed for each batch, on the CPU.
    """

    name: ClassVar[str] = "edge_cross_entropy"
    formula: ClassVar[str] = FORMULAS[name].text

    weights: Rule = "none"
    w0: float = 10.0
    sigma: float = 5.0
    background: int = 0
    divide_by: Literal["pixels", "weights", "one"] = "pixels"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sigma > 0:
            raise BadParameter(f"{self.name}: sigma={self.sigma}", expected="a number of pixels above 0")

    @property
    def needs_counts(self) -> bool:
        """Whether classes are weighed."""
        return self.weights != "none"

    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a `batch` that is ready."""
        if self.background >= batch.logits.shape[1]:
            expected = f"one of {batch.logits.shape[1]} classes, from 0 on"
            raise BadParameter(f"{self.name}: background={self.background}", expected=expected)
        truths = batch.truth.cpu().numpy()
        maps = [edge_weights(t, background=self.background, w0=self.w0, sigma=self.sigma) for t in truths]
        edges = torch.from_numpy(np.stack(maps)).to(batch.logits)
        return _divided(batch, _weights(batch, self.weights) + edges, self.divide_by)


@dataclass(frozen=True)
class L1(Loss):
    """How far probabilities are from the truth: Σ_c Σ_i |p − q| / N, which is 2 Σ_i (1 − q_y) / N.

    Summed over classes, not averaged: 0 where the truth is certain, 2 where another class is.

    Notes
    -----
    Isola et al. 2017 (pix2pix), whose L1 is of colours; here it is of probabilities.
    """

    name: ClassVar[str] = "l1"
    formula: ClassVar[str] = FORMULAS[name].text

    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a `batch` that is ready."""
        return (batch.p - batch.q).abs().sum() / batch.n_valid


@dataclass(frozen=True)
class TotalVariation(Loss):
    """How much probabilities change from pixel to pixel, along rows and columns.

    Σ_c Σ_xy (|q(x+1, y) − q(x, y)| + |q(x, y+1) − q(x, y)|) / N. The truth does not enter but by its void, so it is
    of use beside another loss alone: ``cross_entropy+0.1*total_variation(void=in)``.

    Parameters
    ----------
    void : {'out', 'in'}
        Whether pairs with a void pixel are left out, or all pairs of the image count, and N is the number of all
        pixels: so images of which only a few pixels are labelled are smoothed where nothing else is known.

    Notes
    -----
    Javanmardi et al. 2016. The gradient of |0| is taken as 0.
    """

    name: ClassVar[str] = "total_variation"
    formula: ClassVar[str] = FORMULAS[name].text

    void: Literal["out", "in"] = "out"

    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a `batch` that is ready."""
        if self.void == "in":
            q, counted = batch.logits.softmax(dim=1), torch.ones_like(batch.valid)
        else:
            q, counted = batch.q, batch.valid
        changes = sum((_changes(q, counted, axis) for axis in (-2, -1)), start=q.new_zeros(()))
        return changes / counted.sum().clamp(min=1)


def _changes(q: Tensor, counted: Tensor, axis: int) -> Tensor:
    """Return the sum of all changes along an axis between two pixels that are counted."""
    n = q.shape[axis] - 1
    both = counted.narrow(axis, 1, n) & counted.narrow(axis, 0, n)
    return (q.diff(dim=axis).abs() * both.unsqueeze(1)).sum()


def _weights(batch: Batch, rule: Rule) -> Tensor:
    """Return the weight of each pixel by its class."""
    return batch.class_weights(rule)[batch.truth.clamp(min=0)]


def _divided(batch: Batch, weights: Tensor, divisor: Divisor) -> Tensor:
    """Return the weighted sum of surprises, divided; 0 where there is nothing to divide."""
    total = (weights * batch.surprise).sum()
    if divisor == "one":
        return total
    if divisor == "pixels":
        return total / batch.n_valid
    weight = (weights * batch.valid).sum()
    return total / torch.where(weight > 0, weight, 1)
