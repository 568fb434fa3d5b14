"""Mask R-CNN (He, Gkioxari, Dollár & Girshick 2017) on ResNet-50 with a feature pyramid, as torchvision has it.

Its instances become results as COCO has them, their masks encoded by the kernels that also count them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.backbone_utils import BackboneWithFPN  # type: ignore[import-untyped]
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead  # type: ignore[import-untyped]
from torchvision.models.detection.mask_rcnn import (  # type: ignore[import-untyped]
    MaskRCNN,
    MaskRCNNHeads,
    MaskRCNNPredictor,
)
from torchvision.ops.misc import FrozenBatchNorm2d  # type: ignore[import-untyped]

from segbench.errors import BadParameter, SubmissionError
from segbench.kernels.rle import encode_strings, from_masks
from segbench.models.blocks import scaled
from segbench.models.card import Card, NamedWeights, Preprocessing
from segbench.models.resnets import RESNET50, channels_of, resnet

#: What the net returns for each image.
_PARTS = ("boxes", "labels", "scores", "masks")


def build(
    *,
    classes: int = 91,
    frozen: bool = False,
    smallest_side: int = 800,
    largest_side: int = 1333,
    width: float = 1.0,
) -> nn.Module:
    """Build the net.

    Parameters
    ----------
    classes : int
        Classes with the background, which is 0; 91 are the category ids of COCO, some of which are unused.
    frozen : bool
        Whether batch normalisation is fixed, and its variances are taken as they are, as torchvision's weights need it;
        then the stem and the first stage are not trained either.
    smallest_side, largest_side : int
        What images are resized to inside: the shorter side to the first, unless the longer one exceeds the second.
    width : float
        Factor of all channels but those of the stem.

    Returns
    -------
    torch.nn.Module
        From a list of images, (3, height, width) with values from 0 to 1, to a list of dictionaries of boxes, labels,
        scores and masks; while it trains, from images and their truth to losses.
    """
    pyramid, inside, large = scaled(256, width), scaled(256, width), scaled(1024, width)
    net: nn.Module = MaskRCNN(
        _backbone(frozen, width, pyramid),
        min_size=smallest_side,
        max_size=largest_side,
        box_head=TwoMLPHead(pyramid * 7**2, large),
        box_predictor=FastRCNNPredictor(large, classes),
        mask_head=MaskRCNNHeads(pyramid, (inside,) * 4, 1),
        mask_predictor=MaskRCNNPredictor(inside, inside, classes),
    )
    return net


def _backbone(frozen: bool, width: float, pyramid: int) -> nn.Module:
    """Return the trunk with its feature pyramid."""
    trunk = resnet(RESNET50, width, norm_layer=partial(FrozenBatchNorm2d, eps=0.0) if frozen else nn.BatchNorm2d)
    for name, parameter in trunk.named_parameters():
        parameter.requires_grad_(not (frozen and name.startswith(("conv1.", "layer1."))))
    kept = {f"layer{stage}": str(stage - 1) for stage in range(1, 5)}
    net: nn.Module = BackboneWithFPN(trunk, kept, [channels_of(stage, width) for stage in range(1, 5)], pyramid)
    return net


def from_coco(state: Mapping[str, Tensor], model: nn.Module) -> Mapping[str, Tensor]:
    """Take torchvision's weights whole.

    Parameters
    ----------
    state : mapping of str to tensor
        The state of torchvision's net.
    model : torch.nn.Module
        Made by `build`.

    Returns
    -------
    mapping of str to tensor
        The same.

    Raises
    ------
    BadParameter
        When the model has not the fixed batch normalisation that goes with them.
    """
    if any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules()):
        raise BadParameter("weights 'coco' for trained batch normalisation", expected="a net built with frozen=true")
    return state


def coco_results(
    output: Mapping[str, Tensor],
    image_id: int | str,
    *,
    categories: Sequence[int] | None = None,
    threshold: float = 0.5,
    model: str = "mask_rcnn",
) -> list[dict[str, Any]]:
    """Turn what the net finds on an image into results.

    Parameters
    ----------
    output : mapping of str to tensor
        ``boxes`` (n, 4) as left, top, right, bottom; ``labels`` (n,); ``scores`` (n,); ``masks`` (n, 1, height, width),
        the probability of each pixel.
    image_id : int or str
        Id of the image in the truth.
    categories : sequence of int, optional
        Id of the category of each label; by default a label is its category's id.
    threshold : float
        Pixels of at least this probability are foreground.
    model : str
        Name of the model, for errors.

    Returns
    -------
    list of dict
        As a results file of COCO has them: ``image_id``, ``category_id``, ``segmentation`` of compressed run lengths,
        ``bbox`` as left, top, width, height, and ``score``; in the order of the output.

    Raises
    ------
    SubmissionError
        When a part is missing or of another shape, or a number is NaN or infinite.
    BadParameter
        For a label without a category.
    """
    boxes, labels, scores, masks = (part.detach().cpu() for part in _parts(output, image_id, model))
    ids = labels.tolist()
    if categories is not None and (strange := [i for i in ids if not 0 <= i < len(categories)]):
        found = f"label {strange[0]} of {model} on image {image_id}"
        raise BadParameter(found, expected=f"one of {len(categories)} categories, from 0 up")
    runs = from_masks([mask[0].numpy() >= threshold for mask in masks])
    corners = torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1).double().tolist()
    columns = zip(ids, corners, scores.double().tolist(), encode_strings(runs), strict=True)
    return [
        {
            "image_id": image_id,
            "category_id": label if categories is None else int(categories[label]),
            "segmentation": {"size": list(masks.shape[2:]), "counts": counts.decode("ascii")},
            "bbox": box,
            "score": score,
        }
        for label, box, score, counts in columns
    ]


def _parts(output: Mapping[str, Tensor], image_id: int | str, model: str) -> list[Tensor]:
    """Return the parts of an output in their order, or refuse it."""

    def refused(found: str, expected: str) -> SubmissionError:
        return SubmissionError(f"model {model} gives {found}", expected=expected, file=f"image {image_id}")

    if missing := [name for name in _PARTS if name not in output]:
        raise refused(f"no {missing[0]}", f"instances with {', '.join(_PARTS)}")
    parts = [output[name] for name in _PARTS]
    n = len(parts[0])
    shapes = [tuple(part.shape) for part in parts]
    if shapes[:3] != [(n, 4), (n,), (n,)] or len(shapes[3]) != 4 or shapes[3][:2] != (n, 1):
        expected = f"({n}, 4), ({n},), ({n},) and ({n}, 1, height, width)"
        raise refused(f"boxes, labels, scores and masks of shapes {shapes}", expected)
    for name, part in zip(_PARTS, parts, strict=True):
        if not torch.isfinite(part).all():
            raise refused(f"NaN or infinity among its {name}", "finite numbers")
    return parts


CARD = Card(
    name="mask_rcnn",
    title="Mask R-CNN on ResNet-50 with FPN, as torchvision has it",
    source=(
        "He, Gkioxari, Dollár & Girshick, Mask R-CNN, ICCV 2017",
        "torchvision.models.detection.maskrcnn_resnet50_fpn",
    ),
    configuration="91 classes with background, built without weights, so with batch normalisation that is trained",
    build=build,
    classes=91,
    task="instances",
    preprocessing=Preprocessing(),
    weights={"coco": NamedWeights("MaskRCNN_ResNet50_FPN_Weights.COCO_V1", from_coco)},
    licence="Apache-2.0; the net is torchvision's (BSD-3-Clause), its weights come under the terms of COCO",
    notes=(
        "It normalises colours itself: values go in from 0 to 1.",
        "The weights coco need frozen=true: fixed batch normalisation, with which 44,401,393 parameters are left.",
        "On CPU a smallest side of 128 pixels is bearable; 800 is the reference.",
    ),
)
