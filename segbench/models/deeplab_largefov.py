"""DeepLab v1 with a large field of view (Chen, Papandreou, Kokkinos, Murphy & Yuille, ICLR 2015) on VGG-16.

The layers of the official net: VGG-16 with 3×3 pools padded by 1 and sizes rounded up, of stride 2 after stages 1 to 3
and 1 after stages 4 and 5; stage 5 dilated by 2; a 3×3 average pool of stride 1; fc6 as a 3×3 convolution of 1024
channels dilated by 12; fc7 as a 1×1 one of 1024; dropout 0.5 after each; a 1×1 convolution to the classes. Logits come
at every eighth pixel.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from segbench.models.blocks import he_normal, scaled, vgg16, vgg16_state
from segbench.models.card import IMAGENET, Card, NamedWeights

#: Strides of the pools after the five stages.
POOL_STRIDES = (2, 2, 2, 1, 1)


class LargeFov(nn.Module):
    """The net; see the module for its layers.

    Parameters
    ----------
    channels, classes : int
        Channels of the input and of the output.
    width : float
        Factor of all other channels.
    """

    def __init__(self, channels: int, classes: int, *, width: float) -> None:
        super().__init__()
        self.stages = vgg16(channels, width, last_dilation=2)
        wide = scaled(1024, width)
        self.fc6 = nn.Conv2d(scaled(512, width), wide, 3, padding=12, dilation=12)
        self.fc7 = nn.Conv2d(wide, wide, 1)
        self.fc8 = nn.Conv2d(wide, classes, 1)
        he_normal(self)
        nn.init.normal_(self.fc8.weight, 0.0, 0.01)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits at every eighth pixel.

        Parameters
        ----------
        images : tensor, shape (n, channels, height, width)
            Images of any size; of 8 k + 1 rows and columns, every eighth pixel has a logit of its own.

        Returns
        -------
        tensor, shape (n, classes, height / 8 + 1, width / 8 + 1)
            Logits; sizes are rounded, but 8 k + 1 pixels give k + 1.
        """
        x = images
        for stage, stride in zip(self.stages, POOL_STRIDES, strict=True):
            x = functional.max_pool2d(stage(x), 3, stride=stride, padding=1, ceil_mode=True)
        x = functional.avg_pool2d(x, 3, stride=1, padding=1)
        for layer in (self.fc6, self.fc7):
            x = functional.dropout(functional.relu(layer(x)), 0.5, self.training)
        logits: Tensor = self.fc8(x)
        return logits


def from_vgg16(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Take torchvision's VGG-16, and of its fully connected layers a part.

    Parameters
    ----------
    state : mapping of str to tensor
        The state of `torchvision.models.vgg16`.
    model : torch.nn.Module
        A `LargeFov`.

    Returns
    -------
    dict of str to tensor
        What it fills of the model: everything but the scores.

    Notes
    -----
    Of 7×7 taps of fc6 the first, middle and last along each axis are kept, and of 4096 neurons as many as the model
    has, chosen at random, always the same ones.
    """
    assert isinstance(model, LargeFov)
    adopted = vgg16_state(state, model.stages, "stages.")
    n, inputs = len(model.fc6.weight), model.fc6.in_channels
    theirs = len(state["classifier.0.bias"])
    chosen = torch.from_numpy(np.sort(np.random.default_rng(0).permutation(theirs)[:n]))
    adopted["fc6.weight"] = state["classifier.0.weight"].reshape(theirs, inputs, 7, 7)[chosen, :, ::3, ::3]
    adopted["fc6.bias"] = state["classifier.0.bias"][chosen]
    adopted["fc7.weight"] = state["classifier.3.weight"][chosen][:, chosen, None, None]
    adopted["fc7.bias"] = state["classifier.3.bias"][chosen]
    return adopted


def build(*, channels: int = 3, classes: int = 21, width: float = 1.0) -> LargeFov:
    """Return a net; `channels`, `classes` and `width` are those of `LargeFov`."""
    return LargeFov(channels, classes, width=width)


CARD = Card(
    name="deeplab_largefov",
    title="DeepLab v1, LargeFOV, on VGG-16",
    source=(
        "Chen, Papandreou, Kokkinos, Murphy & Yuille, Semantic Image Segmentation with Deep Convolutional Nets and "
        "Fully Connected CRFs, ICLR 2015",
        "the authors' Caffe release, in its mirror github.com/TheLegendAli/DeepLab-Context",
    ),
    configuration="21 classes, fc6 of 3×3 taps dilated by 12, 1024 channels, output stride 8",
    build=build,
    classes=21,
    preprocessing=IMAGENET,
    output_stride=8,
    align_corners=True,
    weights={"imagenet": NamedWeights("VGG16_Weights.IMAGENET1K_V1", from_vgg16, partial=True)},
    licence="Apache-2.0; the VGG-16 weights have terms of their own, and those of ImageNet",
    notes=(
        "Trained on truth at every eighth pixel (targets.stride = 8), of crops of 8 k + 1 pixels: 321.",
        "Weights and bias of the last layer learn 10 and 20 times as fast in the official recipe.",
        "Pictures go in as torchvision's weights expect them; the official net takes BGR less the mean colour.",
        "Published numbers with CRF have a dense CRF behind the net, which is no part of it.",
    ),
)
