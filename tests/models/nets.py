"""What holds for every net: its size, where its gradients arrive, how wide it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from segbench.models.measure import built_on_meta, measure
from segbench.models.table import find_card


def size(name: str, **options: Any) -> int:
    """The number of parameters of a model, counted on the meta device."""
    if not options:
        return measure(find_card(name)).parameters
    return sum(parameter.numel() for parameter in built_on_meta(find_card(name), **options).parameters())


def seeded(build: Callable[..., nn.Module], seed: int = 0, **options: Any) -> nn.Module:
    """A net with weights that are the same every time, as it is when it predicts.

    Not as it trains: behind batch normalisation by the batch, no bias of a convolution has a gradient.
    """
    torch.manual_seed(seed)
    return build(**options).eval()


def picture(*shape: int, seed: int = 0) -> Tensor:
    """Values that a prepared picture may have."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def without_gradient(net: nn.Module, images: Tensor, read: Callable[[Any], Tensor] = lambda out: out) -> list[str]:
    """Names of trainable parameters that a loss of a random picture leaves without any gradient.

    Nothing on the way may be refused where sums have to come out the same every time.
    """
    torch.use_deterministic_algorithms(True)
    try:
        logits = read(net(images))
        (logits * picture(*logits.shape, seed=1)).sum().backward()
    finally:
        torch.use_deterministic_algorithms(False)
    trained = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
    assert trained
    return [name for name, p in trained if p.grad is None or not p.grad.abs().max() > 0]


def convolutions(net: nn.Module) -> list[nn.Conv2d]:
    """The convolutions in the order in which they were made."""
    return [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]


def he_faults(layers: Iterable[nn.Conv2d | nn.ConvTranspose2d]) -> list[nn.Module]:
    """Layers whose weights are not of N(0, 2 / N), or whose biases are not 0.

    The deviation of n draws is off by σ / √(2 n); four of those are allowed, and what is lost to the mean of few.
    """
    faults: list[nn.Module] = []
    for layer in layers:
        taps = layer.weight[0, 0].numel() if isinstance(layer, nn.Conv2d) else 1
        sigma, n = (2 / (layer.in_channels * taps)) ** 0.5, layer.weight.numel()
        off = abs(float(layer.weight.detach().std()) / sigma - 1)
        if off > 4 / (2 * n) ** 0.5 + 1 / n or layer.bias is None or layer.bias.any():
            faults.append(layer)
    return faults
