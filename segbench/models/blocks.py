"""What several nets are made of: convolutions in stages, the trunk of VGG-16, bilinear kernels, initial weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segbench.errors import BadParameter

#: Channels of the convolutions of VGG-16 (Simonyan & Zisserman 2015, configuration D), stage by stage.
VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def scaled(channels: int, width: float) -> int:
    """Scale a number of channels.

    Parameters
    ----------
    channels : int
        Channels of the reference.
    width : float
        Factor.

    Returns
    -------
    int
        Their product, rounded, at least 1.

    Raises
    ------
    BadParameter
        For a width that is not positive.
    """
    if not width > 0:
        raise BadParameter(f"width = {width}", expected="a positive factor: 1 is the reference, 0.5 half as wide")
    return max(1, round(channels * width))


def convolution(
    inputs: int,
    outputs: int,
    *,
    kernel: int = 3,
    dilation: int = 1,
    padded: bool = True,
    norm: bool = False,
    bias: bool = True,
) -> list[nn.Module]:
    """Make a convolution with what follows it.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel, dilation : int
        Size of the square kernel, and distance of its taps.
    padded : bool
        Whether the output has the size of the input.
    norm : bool
        Whether batch normalisation stands between the convolution and ReLU.
    bias : bool
        Whether the convolution has one.

    Returns
    -------
    list of torch.nn.Module
        The layers.
    """
    padding = dilation * (kernel // 2) if padded else 0
    conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=bias)
    return [conv, *([nn.BatchNorm2d(outputs)] if norm else []), nn.ReLU(inplace=True)]


def stage(
    inputs: int, widths: Sequence[int], *, dilation: int = 1, padded: bool = True, norm: bool = False
) -> nn.Sequential:
    """Make 3×3 convolutions one after the other.

    Parameters
    ----------
    inputs : int
        Channels of the input.
    widths : sequence of int
        Channels of the output of each convolution.
    dilation, padded, norm
        As of `convolution`.

    Returns
    -------
    torch.nn.Sequential
        The layers.
    """
    layers: list[nn.Module] = []
    for before, after in zip([inputs, *widths], widths, strict=False):
        layers += convolution(before, after, dilation=dilation, padded=padded, norm=norm)
    return nn.Sequential(*layers)


def vgg16(channels: int, width: float, *, norm: bool = False, last_dilation: int = 1) -> nn.ModuleList:
    """Make the five stages of VGG-16 without the pools between them.

    Parameters
    ----------
    channels : int
        Channels of the input.
    width : float
        Factor of all other channels.
    norm : bool
        Whether batch normalisation follows each convolution.
    last_dilation : int
        Dilation of the fifth stage.

    Returns
    -------
    torch.nn.ModuleList
        Five `stage`.
    """
    widths = [[scaled(w, width) for w in stage] for stage in VGG16]
    inputs = [channels, *(ws[-1] for ws in widths)]
    dilations = [1, 1, 1, 1, last_dilation]
    stages = zip(inputs, widths, dilations, strict=False)
    return nn.ModuleList(stage(before, ws, dilation=dilation, norm=norm) for before, ws, dilation in stages)


def vgg16_state(state: Mapping[str, Tensor], stages: nn.ModuleList, prefix: str) -> dict[str, Tensor]:
    """Take the convolutions of torchvision's VGG-16, and their batch normalisation: they are in the same order.

    Parameters
    ----------
    state : mapping of str to tensor
        Its state: ``features.0.weight``, …
    stages : torch.nn.ModuleList
        Made by `vgg16`, with batch normalisation if the state has it.
    prefix : str
        The name of the stages in the model, with its point.

    Returns
    -------
    dict of str to tensor
        The part of the model's state that they fill.
    """
    ours = [name for name, layer in stages.named_modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)]
    parts: dict[int, dict[str, Tensor]] = {}
    for key, weight in state.items():
        if key.startswith("features."):
            _, i, part = key.split(".")
            parts.setdefault(int(i), {})[part] = weight
    pairs = zip(ours, sorted(parts), strict=True)
    return {f"{prefix}{our}.{part}": weight for our, i in pairs for part, weight in parts[i].items()}


def bilinear_kernel(size: int) -> NDArray[np.float64]:
    """Return the kernel of a transposed convolution that interpolates bilinearly.

    Parameters
    ----------
    size : int
        Rows and columns; 2 s for an enlargement of s.

    Returns
    -------
    ndarray of float64, shape (size, size)
        A pyramid: (1 − |i − c| / f) (1 − |j − c| / f) with f = ⌊(size + 1) / 2⌋ and its tip c in the middle.

    Notes
    -----
    As the official code of Long et al. 2015 fills it.
    """
    factor = (size + 1) // 2
    tip = factor - 1 if size % 2 else factor - 0.5
    side = 1 - np.abs(np.arange(size) - tip) / factor
    return np.outer(side, side)


def bilinear_upsampling(classes: int, factor: int, *, learned: bool = False) -> nn.ConvTranspose2d:
    """Make a transposed convolution that begins as bilinear interpolation of each class by itself.

    Parameters
    ----------
    classes : int
        Channels.
    factor : int
        Enlargement; the kernel has twice that size, and the output a border of factor / 2 to cut off.
    learned : bool
        Whether training changes it.

    Returns
    -------
    torch.nn.ConvTranspose2d
        With a dense kernel, zero between different classes, and no bias.
    """
    layer = nn.ConvTranspose2d(classes, classes, 2 * factor, stride=factor, bias=False)
    kernel = np.einsum("ab,ij->abij", np.eye(classes), bilinear_kernel(2 * factor))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(kernel))
    layer.weight.requires_grad_(learned)
    return layer


def he_normal(model: nn.Module) -> None:
    """Draw the weights of convolutions from N(0, 2 / N) with N inputs of a neuron; biases become 0.

    A neuron of a transposed convolution whose kernel is as large as its stride has one tap of each channel.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            taps = 1 if isinstance(layer, nn.ConvTranspose2d) else math.prod(layer.kernel_size)
            nn.init.normal_(layer.weight, 0.0, math.sqrt(2 / (layer.in_channels * taps)))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
