"""DeepLab v3 (Chen, Papandreou, Schroff & Adam 2017) on the ResNet-101 of torchvision.

torchvision's net has output stride 8, branches of atrous convolutions with rates 12, 24 and 36, and after them one more
3×3 convolution than the paper. The paper's last stage has rates that grow from block to block (multi-grid), and it
trains with output stride 16, where all rates are half as large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

from torch import Tensor, nn
from torchvision.models._utils import IntermediateLayerGetter  # type: ignore[import-untyped]
from torchvision.models.segmentation.deeplabv3 import ASPP, DeepLabV3  # type: ignore[import-untyped]
from torchvision.models.segmentation.fcn import FCNHead  # type: ignore[import-untyped]

from segbench.errors import BadParameter
from segbench.models.blocks import scaled
from segbench.models.card import IMAGENET, Card, NamedWeights
from segbench.models.resnets import RESNET101, channels_of, resnet

#: The rates of the branches at output stride 8.
RATES = (12, 24, 36)

#: The unit rates of the three blocks of the last stage in the paper.
MULTIGRID = (1, 2, 4)


def build(
    *,
    classes: int = 21,
    auxiliary: bool = False,
    multigrid: bool = False,
    output_stride: Literal[8, 16] = 8,
    width: float = 1.0,
) -> nn.Module:
    """Build the net.

    Parameters
    ----------
    classes : int
        Channels of the output.
    auxiliary : bool
        Whether a second head reads the third stage; its logits come beside the others, and learn where the stage of a
        recipe gives them a weight (``auxiliary = 0.5``).
    multigrid : bool
        Whether the blocks of the last stage are dilated by 1, 2 and 4 times its rate.
    output_stride : {8, 16}
        Pixels for each cell of the last stage.
    width : float
        Factor of all channels but those of the stem.

    Returns
    -------
    torch.nn.Module
        From images, shape (n, 3, height, width), to a dict with ``out`` and, with two heads, ``aux``, each of shape
        (n, classes, height, width).

    Raises
    ------
    BadParameter
        For another output stride.
    """
    if output_stride not in (8, 16):
        raise BadParameter(f"output_stride = {output_stride}", expected="8 or 16")
    trunk = resnet(RESNET101, width, dilated=(False, True, True))
    kept = {"layer4": "out", "layer3": "aux"} if auxiliary else {"layer4": "out"}
    second = FCNHead(channels_of(3, width), classes) if auxiliary else None
    net: nn.Module = DeepLabV3(IntermediateLayerGetter(trunk, kept), _head(classes, width), second)
    parts: Any = net
    if output_stride == 16:
        _restride(parts.backbone["layer3"])
        _dilate(parts.backbone["layer4"], (1, 2, 2))
        _halve(parts.classifier[0])
    if multigrid:
        _dilate(parts.backbone["layer4"], tuple(rate * 32 // output_stride for rate in MULTIGRID))
    return net


def _head(classes: int, width: float) -> nn.Module:
    """Return the pyramid and what follows it, as torchvision's head has them."""
    inside = scaled(256, width)
    return nn.Sequential(
        ASPP(channels_of(4, width), RATES, inside),
        nn.Conv2d(inside, inside, 3, padding=1, bias=False),
        nn.BatchNorm2d(inside),
        nn.ReLU(),
        nn.Conv2d(inside, classes, 1),
    )


def _restride(blocks: Any) -> None:
    """Give a dilated stage its stride of 2 again."""
    blocks[0].conv2.stride = blocks[0].downsample[0].stride = (2, 2)
    _dilate(blocks, [1] * len(blocks))


def _dilate(blocks: Any, rates: Sequence[int]) -> None:
    """Set the rates of the 3×3 convolutions of a stage, whose sizes stay as they are."""
    for block, rate in zip(blocks, rates, strict=True):
        block.conv2.dilation = block.conv2.padding = (rate, rate)


def _halve(pyramid: nn.Module) -> None:
    """Halve the rates of the branches."""
    for layer in pyramid.modules():
        if isinstance(layer, nn.Conv2d) and layer.dilation != (1, 1):
            layer.dilation = layer.padding = (layer.dilation[0] // 2, layer.dilation[1] // 2)


def from_coco(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Return torchvision's `state` without the auxiliary head that a `model` may lack."""
    has_auxiliary = any(name.startswith("aux_classifier.") for name, _ in model.named_parameters())
    return {name: weight for name, weight in state.items() if has_auxiliary or not name.startswith("aux_classifier.")}


def from_resnet101(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Return what torchvision's `state` of ResNet-101 gives the trunk of a `model`: all but the last layer."""
    assert hasattr(model, "backbone")
    return {f"backbone.{name}": weight for name, weight in state.items() if not name.startswith("fc.")}


_IMAGENET_WEIGHTS = NamedWeights("ResNet101_Weights.IMAGENET1K_V1", from_resnet101, partial=True)
_CARD: dict[str, Any] = {
    "source": (
        "Chen, Papandreou, Schroff & Adam, Rethinking Atrous Convolution for Semantic Image Segmentation, 2017, "
        "arXiv 1706.05587",
        "torchvision.models.segmentation.deeplabv3_resnet101",
    ),
    "classes": 21,
    "preprocessing": IMAGENET,
    "licence": "Apache-2.0; the net is torchvision's (BSD-3-Clause), weights have the terms of ImageNet or COCO",
}
_NOTES = (
    "Logits come at the size of the input: torchvision enlarges them from every eighth pixel, corners not aligned.",
    "It trains on batches of 2 or more: batch normalisation of the pooled branch needs more than one value.",
    "Nets with the auxiliary head have 2,365,205 parameters more.",
)

CARD = Card(
    name="deeplab_v3",
    title="DeepLab v3 on ResNet-101, as torchvision has it",
    configuration="21 classes, output stride 8, rates 12, 24 and 36, no multi-grid, no auxiliary head",
    build=build,
    weights={
        "imagenet": _IMAGENET_WEIGHTS,
        "coco_voc": NamedWeights("DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1", from_coco),
    },
    notes=_NOTES,
    **_CARD,
)

CARD_MULTIGRID = Card(
    name="deeplab_v3_multigrid",
    title="DeepLab v3 on ResNet-101, multi-grid",
    configuration="21 classes, output stride 8, rates 12, 24 and 36, last stage 4, 8 and 16, no auxiliary head",
    build=partial(build, multigrid=True),
    weights={"imagenet": _IMAGENET_WEIGHTS},
    notes=(*_NOTES, "Trained at output stride 16 first, and at 8 with fixed batch normalisation then, in the paper."),
    **_CARD,
)
