"""Fully convolutional networks (Long, Shelhamer & Darrell 2015; Shelhamer, Long & Darrell 2017) on VGG-16.

The layers of the official nets:

- VGG-16, its first convolution padded by 100 and its pools with sizes rounded up; fc6 as a 7×7 convolution without
  padding and fc7 as a 1×1 one, 4096 channels each, with dropout 0.5; a 1×1 convolution to the classes.
- FCN-32s: transposed convolution 64×64 with stride 32, cut to the input from pixel 19 on.
- FCN-16s: 4×4 with stride 2; plus a 1×1 convolution of pool4, cut from 5 on; then 32×32 with stride 16, cut from 27 on.
- FCN-8s: as before up to the sum; again 4×4 with stride 2; plus pool3, cut from 9 on; 16×16 with stride 8, cut from 31.

The transposed convolutions interpolate bilinearly, have no bias, and are not trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from segbench.errors import BadParameter
from segbench.models.blocks import bilinear_upsampling, he_normal, scaled, vgg16, vgg16_state
from segbench.models.card import IMAGENET, Card, NamedWeights

#: Where the official nets cut, by stride: the last enlargement, and the copies of pool4 and pool3.
LAST_CUT = {32: 19, 16: 27, 8: 31}
POOL4_CUT, POOL3_CUT = 5, 9

#: What copies are multiplied by when all streams are trained at once.
_AT_ONCE = {"pool4": 0.01, "pool3": 0.0001}


class Fcn(nn.Module):
    """The net; see the module for its layers.

    Parameters
    ----------
    channels, classes : int
        Channels of the input and of the output.
    stride : {32, 16, 8}
        FCN-32s, FCN-16s or FCN-8s.
    width : float
        Factor of all channels of VGG-16.
    at_once : bool
        Whether copies of pools are scaled down, 0.01 for pool4 and 0.0001 for pool3, as in the official variant whose
        streams are trained together.
    learned : bool
        Whether the enlargements by 2 are trained, as those of the first publication.

    Raises
    ------
    BadParameter
        For another stride.
    """

    def __init__(
        self, channels: int, classes: int, *, stride: Literal[32, 16, 8], width: float, at_once: bool, learned: bool
    ) -> None:
        super().__init__()
        if stride not in LAST_CUT:
            raise BadParameter(f"stride = {stride}", expected="32, 16 or 8")
        self.cut = LAST_CUT[stride]
        self.scales = _AT_ONCE if at_once else {"pool4": 1.0, "pool3": 1.0}
        self.stages = vgg16(channels, width)
        first = next(layer for layer in self.stages.modules() if isinstance(layer, nn.Conv2d))
        first.padding = (100, 100)
        fourth, wide = scaled(512, width), scaled(4096, width)
        self.fc6, self.fc7 = nn.Conv2d(fourth, wide, 7), nn.Conv2d(wide, wide, 1)
        he_normal(self)
        self.score = nn.Conv2d(wide, classes, 1)
        self.score_pool4 = nn.Conv2d(fourth, classes, 1) if stride < 32 else None
        self.score_pool3 = nn.Conv2d(scaled(256, width), classes, 1) if stride < 16 else None
        for layer in (self.score, self.score_pool4, self.score_pool3):
            if layer is not None:
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.up_score = bilinear_upsampling(classes, 2, learned=learned) if stride < 32 else None
        self.up_pool4 = bilinear_upsampling(classes, 2, learned=learned) if stride < 16 else None
        # By its stride: what is begun with the weights of another stride keeps its own.
        self.up = nn.ModuleDict({f"x{stride}": bilinear_upsampling(classes, stride)})

    def forward(self, images: Tensor) -> Tensor:
        """Return logits.

        Parameters
        ----------
        images : tensor, shape (n, channels, height, width)
            Images of any size.

        Returns
        -------
        tensor, shape (n, classes, height, width)
            Logits.
        """
        pools: list[Tensor] = []
        x = images
        for stage in self.stages:
            x = functional.max_pool2d(stage(x), 2, ceil_mode=True)
            pools.append(x)
        for layer in (self.fc6, self.fc7):
            x = functional.dropout(functional.relu(layer(x)), 0.5, self.training)
        x = self.score(x)
        x = self._fused(x, self.up_score, self.score_pool4, pools[3] * self.scales["pool4"], POOL4_CUT)
        x = self._fused(x, self.up_pool4, self.score_pool3, pools[2] * self.scales["pool3"], POOL3_CUT)
        (last,) = self.up.values()
        return _cut(last(x), self.cut, images)

    @staticmethod
    def _fused(x: Tensor, up: nn.Module | None, score: nn.Module | None, pool: Tensor, cut: int) -> Tensor:
        if up is None or score is None:
            return x
        enlarged: Tensor = up(x)
        return enlarged + _cut(score(pool), cut, enlarged)


def _cut(x: Tensor, start: int, like: Tensor) -> Tensor:
    """Return what lies from a row and column on, as large as another tensor."""
    height, width = like.shape[-2:]
    return x[..., start : start + height, start : start + width]


def from_vgg16(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Take all of torchvision's VGG-16 but its last layer: fully connected layers become convolutions.

    Parameters
    ----------
    state : mapping of str to tensor
        The state of `torchvision.models.vgg16`.
    model : torch.nn.Module
        An `Fcn`.

    Returns
    -------
    dict of str to tensor
        What it fills of the model: everything but scores and enlargements.
    """
    assert isinstance(model, Fcn)
    adopted = vgg16_state(state, model.stages, "stages.")
    for ours, theirs in (("fc6", "classifier.0"), ("fc7", "classifier.3")):
        shape = getattr(model, ours).weight.shape
        adopted[f"{ours}.weight"] = state[f"{theirs}.weight"].reshape(len(state[f"{theirs}.bias"]), *shape[1:])
        adopted[f"{ours}.bias"] = state[f"{theirs}.bias"]
    return adopted


def build(
    *,
    channels: int = 3,
    classes: int = 21,
    stride: Literal[32, 16, 8] = 8,
    width: float = 1.0,
    at_once: bool = False,
    learned: bool = False,
) -> Fcn:
    """Return a net; `channels`, `classes`, `stride`, `width`, `at_once` and `learned` are those of `Fcn`."""
    return Fcn(channels, classes, stride=stride, width=width, at_once=at_once, learned=learned)


def _card(stride: Literal[32, 16, 8], note: str) -> Card:
    return Card(
        name=f"fcn{stride}s",
        title=f"FCN-{stride}s on VGG-16",
        source=(
            "Long, Shelhamer & Darrell, Fully Convolutional Networks for Semantic Segmentation, CVPR 2015; "
            "Shelhamer, Long & Darrell, PAMI 39(4), 2017",
            "github.com/shelhamer/fcn.berkeleyvision.org",
        ),
        configuration=f"21 classes, stride {stride}, dense bilinear upsampling kernels that are not trained",
        build=partial(build, stride=stride),
        classes=21,
        preprocessing=IMAGENET,
        output_stride=1,
        weights={"imagenet": NamedWeights("VGG16_Weights.IMAGENET1K_V1", from_vgg16, partial=True)},
        licence="Apache-2.0; the VGG-16 weights have terms of their own, and those of ImageNet",
        notes=(
            note,
            "Scores begin at 0: at the first step only they have a gradient.",
            "Pictures go in as torchvision's weights expect them; the official nets take BGR less the mean colour.",
            "The official learning rate of 1e-10 is for a loss that is summed over pixels; for a mean, 1e-4 to 1e-3.",
        ),
    )


CARD_32S = _card(32, "Begun with VGG-16.")
CARD_16S = _card(16, "Begun with FCN-32s, whose score it goes on with.")
CARD_8S = _card(8, "Begun with FCN-16s, or trained at once with copies scaled down (at_once=true).")
