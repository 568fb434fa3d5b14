"""The residual nets of torchvision at any width: trunks of DeepLab v3 and Mask R-CNN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet  # type: ignore[import-untyped]

from segbench.models.blocks import scaled

#: Blocks of the four stages.
RESNET50, RESNET101 = (3, 4, 6, 3), (3, 4, 23, 3)


def resnet(
    blocks: Sequence[int],
    width: float,
    *,
    norm_layer: Callable[[int], nn.Module] = nn.BatchNorm2d,
    dilated: Sequence[bool] = (False, False, False),
) -> nn.Module:
    """Build a residual net; at width 1 it is torchvision's, with the same names of weights.

    Parameters
    ----------
    blocks : sequence of int
        Blocks of the four stages.
    width : float
        Factor of the channels of the stages; the stem keeps its 64.
    norm_layer : callable
        From channels to a layer that normalises.
    dilated : sequence of bool
        Which of the last three stages are dilated in the place of their stride.

    Returns
    -------
    torch.nn.Module
        With fresh weights, and the layer of 1000 classes that trunks leave out.
    """

    class Scaled(ResNet):  # type: ignore[misc]
        def _make_layer(self, block: Any, planes: int, *rest: Any, **more: Any) -> Any:
            return super()._make_layer(block, scaled(planes, width), *rest, **more)

    net: nn.Module = Scaled(Bottleneck, list(blocks), norm_layer=norm_layer, replace_stride_with_dilation=list(dilated))
    return net


def channels_of(stage: int, width: float) -> int:
    """Return the channels that a stage, from 1 to 4, gives at a `width`."""
    return int(scaled(32 << stage, width) * Bottleneck.expansion)
