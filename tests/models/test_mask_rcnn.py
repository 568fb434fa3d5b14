"""Mask R-CNN: the size of torchvision's net, its gradients, and its instances as results of COCO."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.ops.misc import FrozenBatchNorm2d

from segbench.errors import BadParameter, SubmissionError
from segbench.models.mask_rcnn import build, coco_results, from_coco
from tests.models.nets import picture, seeded, size


def test_sizes_are_those_that_torchvision_states() -> None:
    assert size("mask_rcnn") == 44_454_513
    # Fixed batch normalisation has scales and shifts, but not as parameters: 53,120 fewer, two for each channel.
    assert size("mask_rcnn", frozen=True) == 44_401_393
    # For each class a score and four numbers of its box of 1024 each, and a mask of 256, with biases.
    assert size("mask_rcnn", classes=81) == 44_454_513 - 10 * (5 * 1025 + 257)


def test_fixed_normalisation_is_that_of_the_weights() -> None:
    with torch.device("meta"):
        net, trained = build(frozen=True), build()
    norms = [layer for layer in net.modules() if isinstance(layer, FrozenBatchNorm2d)]
    assert len(norms) == 53 and {norm.eps for norm in norms} == {0.0}
    fixed = {name for name, parameter in net.named_parameters() if not parameter.requires_grad}
    assert fixed and all(name.startswith(("backbone.body.conv1", "backbone.body.layer1")) for name in fixed)
    state = net.state_dict()
    assert from_coco(state, net) is state
    with pytest.raises(BadParameter, match="weights 'coco' for trained .*; expected a net built with frozen=true"):
        from_coco(state, trained)


def test_gradients_reach_every_parameter() -> None:
    net = seeded(build, classes=3, smallest_side=64, largest_side=64).train()
    masks = torch.zeros(2, 60, 64, dtype=torch.uint8)
    masks[0, 5:30, 10:50] = 1
    masks[1, 35:55, 5:25] = 1
    boxes = torch.tensor([[10.0, 5, 50, 30], [5, 35, 25, 55]])
    truth = {"boxes": boxes, "labels": torch.tensor([1, 2]), "masks": masks}
    losses = net([picture(3, 60, 64).sigmoid(), picture(3, 60, 64, seed=1).sigmoid()], [truth, truth])
    sum(losses.values()).backward()
    without = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert without == []


def test_odd_sizes_give_results_of_their_size() -> None:
    net = seeded(build, classes=3, smallest_side=64, largest_side=64)
    net.roi_heads.score_thresh = 0.0  # type: ignore[union-attr]
    with torch.no_grad():
        (output,) = net([picture(3, 37, 53).sigmoid()])
    results = coco_results(output, 9)
    assert len(results) == len(output["scores"]) > 0
    assert {tuple(result["segmentation"]["size"]) for result in results} == {(37, 53)}


def found(n: int = 3, height: int = 20, width: int = 30) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(n, 2, generator=generator) * 10
    return {
        "boxes": torch.cat([corners, corners + 5], 1),
        "labels": torch.arange(n) % 2 + 1,
        "scores": torch.rand(n, generator=generator),
        "masks": torch.rand(n, 1, height, width, generator=generator),
    }


def test_results_are_as_coco_has_them() -> None:
    mask = pytest.importorskip("pycocotools.mask")
    output = found()
    results = json.loads(json.dumps(coco_results(output, 42)))
    for i, result in enumerate(results):
        assert result["image_id"] == 42 and result["category_id"] == int(output["labels"][i])
        assert result["score"] == float(output["scores"][i])
        left, top, right, bottom = output["boxes"][i].tolist()
        assert result["bbox"] == [left, top, float(np.float32(right) - np.float32(left)), result["bbox"][3]]
        assert result["bbox"][3] == float(np.float32(bottom) - np.float32(top))
        pixels = (output["masks"][i, 0].numpy() >= 0.5).astype(np.uint8)
        assert result["segmentation"]["size"] == [20, 30]
        assert result["segmentation"]["counts"] == mask.encode(np.asfortranarray(pixels))["counts"].decode()


def test_thresholds_and_categories() -> None:
    output = found()
    output["masks"][0] = 0.5
    full, empty = (coco_results(output, 1, threshold=t)[0]["segmentation"]["counts"] for t in (0.5, 0.51))
    whole: Any = coco_results({**output, "masks": torch.ones_like(output["masks"])}, 1)[0]["segmentation"]["counts"]
    assert full == whole != empty
    assert [r["category_id"] for r in coco_results(output, 1, categories=[0, 17, 90])] == [17, 90, 17]
    with pytest.raises(BadParameter, match="label 2 of mask_rcnn on image 1; expected one of 2 categories"):
        coco_results(output, 1, categories=[0, 17])


def test_an_image_without_instances_has_no_results() -> None:
    assert coco_results(found(0), "a") == []


@pytest.mark.parametrize("part", ["boxes", "labels", "scores", "masks"])
def test_what_is_no_instance_is_refused(part: str) -> None:
    output = found()
    del output[part]
    with pytest.raises(SubmissionError, match=f"image 7: model mask_rcnn gives no {part}"):
        coco_results(output, 7)
    output = found()
    output[part] = output[part][:2]
    with pytest.raises(
        SubmissionError, match="image 7: model mask_rcnn gives boxes, labels, scores and masks of shapes"
    ):
        coco_results(output, 7)
    if part != "labels":
        output = found()
        output[part][1] = torch.nan
        with pytest.raises(SubmissionError, match=f"image 7: model other gives NaN or infinity among its {part}"):
            coco_results(output, 7, model="other")
