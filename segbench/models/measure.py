"""How large models are, counted without the memory that they take."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from segbench.frozen import dataclass
from segbench.models.card import Card


@dataclass(frozen=True)
class Measured:
    """The size of a model.

    Parameters
    ----------
    name, configuration : str
        Of its card.
    parameters : int
        Numbers in its parameters; running statistics are none.
    trainable : int
        Those among them that training changes: fixed upsampling kernels are left out.
    """

    name: str
    configuration: str
    parameters: int
    trainable: int


def built_on_meta(card: Card, **options: Any) -> nn.Module:
    """Return the model of a `card`, built with `options` on the meta device: shapes without numbers."""
    with torch.device("meta"):
        return card.construct(**options)


def measure(card: Card) -> Measured:
    """Return the size of the reference configuration of a `card`."""
    parameters = list(built_on_meta(card).parameters())
    trainable = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
    return Measured(card.name, card.configuration, sum(map(torch.numel, parameters)), trainable)
