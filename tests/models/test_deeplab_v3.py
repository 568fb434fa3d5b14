"""DeepLab v3: the size of torchvision's net, and the strides and rates of the paper."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import resnet101
from torchvision.models.segmentation import deeplabv3_resnet101
from torchvision.models.segmentation.deeplabv3 import DeepLabHead

from segbench.errors import BadParameter
from segbench.models.deeplab_v3 import build, from_coco
from tests.models.nets import convolutions, picture, seeded, size, without_gradient


def on_meta(**options: Any) -> nn.Module:
    with torch.device("meta"):
        return build(**options)


def strides_and_rates(net: nn.Module) -> list[tuple[Any, ...]]:
    return [(layer.kernel_size, layer.stride, layer.dilation, layer.padding) for layer in convolutions(net)]


def test_sizes_are_those_that_torchvision_states() -> None:
    assert size("deeplab_v3") == size("deeplab_v3_multigrid") == 58_630_997
    # 3×3 from 1024 to 256 without bias, its batch normalisation, and 1×1 to 21 classes.
    assert size("deeplab_v3", auxiliary=True) == 58_630_997 + 9 * 1024 * 256 + 2 * 256 + 257 * 21 == 60_996_202
    assert size("deeplab_v3", classes=11) == 58_630_997 - 10 * 257


def test_multigrid_rates_grow_from_block_to_block() -> None:
    for stride, rates in ((8, [4, 8, 16]), (16, [2, 4, 8])):
        last: Any = on_meta(multigrid=True, output_stride=stride).backbone["layer4"]  # type: ignore[index]
        assert [block.conv2.dilation for block in last] == [(r, r) for r in rates]
        assert [block.conv2.padding for block in last] == [(r, r) for r in rates]


def test_multigrid_changes_the_last_stage_only() -> None:
    plain, multigrid = on_meta(), on_meta(multigrid=True)
    pairs = zip(plain.named_modules(), multigrid.named_modules(), strict=True)
    changed = {name for (name, a), (_, b) in pairs if isinstance(a, nn.Conv2d) and a.extra_repr() != b.extra_repr()}
    assert changed == {"backbone.layer4.0.conv2", "backbone.layer4.1.conv2", "backbone.layer4.2.conv2"}


def test_output_stride_16_is_what_torchvisions_parts_make() -> None:
    net = on_meta(output_stride=16)
    with torch.device("meta"):
        backbone = resnet101(weights=None, replace_stride_with_dilation=[False, False, True])
        head = DeepLabHead(2048, 21, (6, 12, 18))
    assert strides_and_rates(net) == strides_and_rates(backbone) + strides_and_rates(head)


@pytest.mark.parametrize("stride", [8, 16])
@pytest.mark.parametrize("multigrid", [False, True])
def test_the_last_stage_has_its_stride(stride: int, multigrid: bool) -> None:
    net: Any = on_meta(output_stride=stride, multigrid=multigrid)
    cells = net.backbone(torch.empty(1, 3, 257, 65, device="meta"))["out"]
    assert cells.shape == (1, 2048, 256 // stride + 1, 64 // stride + 1)


def test_outputs_have_the_size_of_the_input_and_gradients_reach_every_parameter() -> None:
    net = seeded(build, classes=3, multigrid=True, auxiliary=True)
    logits = net(picture(1, 3, 37, 50))
    assert {name: out.shape for name, out in logits.items()} == {"out": (1, 3, 37, 50), "aux": (1, 3, 37, 50)}
    assert without_gradient(net, picture(1, 3, 33, 25), lambda out: torch.cat([out["out"], out["aux"]])) == []


def test_weights_with_an_auxiliary_head_fit_a_net_without() -> None:
    plain, both = on_meta(), on_meta(auxiliary=True)
    state = both.state_dict()
    assert from_coco(state, plain).keys() == plain.state_dict().keys()
    assert from_coco(state, both).keys() == state.keys()


def test_other_output_strides_are_refused() -> None:
    with pytest.raises(BadParameter, match="output_stride = 4; expected 8 or 16"):
        build(output_stride=4)  # type: ignore[arg-type]


@pytest.mark.parametrize("auxiliary", [False, True])
def test_at_width_1_it_is_the_net_of_torchvision(auxiliary: bool) -> None:
    torch.manual_seed(5)
    own = build(auxiliary=auxiliary).state_dict()
    torch.manual_seed(5)
    theirs = deeplabv3_resnet101(weights=None, weights_backbone=None, num_classes=21, aux_loss=auxiliary).state_dict()
    assert list(own) == list(theirs)
    assert all(torch.equal(own[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("options", [{}, {"output_stride": 16}, {"multigrid": True, "auxiliary": True}])
def test_every_parameter_of_a_narrow_net_learns(options: dict[str, Any]) -> None:
    net = seeded(build, width=1 / 16, classes=4, **options)
    assert without_gradient(net, picture(2, 3, 49, 65), lambda out: sum(out.values())) == []
