"""SegNet and SegNet-Basic: their size, where maxima return to, and what they take over of VGG-16."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import vgg16_bn

from segbench.models.segnet import SegNet, build, build_basic, from_vgg16_bn, unpooled
from tests.models.nets import convolutions, he_faults, picture, seeded, size, without_gradient

BUILDS = pytest.mark.parametrize("make", [build, build_basic])


def counted(layers: list[tuple[int, int]], taps: int) -> int:
    """Weights, biases, and scales and shifts of batch normalisation."""
    return sum((taps * inputs + 1) * outputs + 2 * outputs for inputs, outputs in layers)


def test_sizes_are_those_of_the_layer_tables() -> None:
    encoder = [3, 64, 64, 128, 128, *[256] * 3, *[512] * 6]
    decoder = [512, *[512] * 3, 512, 512, 256, 256, 256, 128, 128, 64, 64]
    layers = [*zip(encoder, encoder[1:], strict=False), *zip(decoder, decoder[1:], strict=False)]
    assert size("segnet") == counted(layers, 9) + (9 * 64 + 1) * 11 == 29_449_355
    assert size("segnet", classes=21) == counted(layers, 9) + (9 * 64 + 1) * 21 == 29_455_125
    basic = counted([(3, 64), *[(64, 64)] * 7], 49) + 65 * 11
    assert size("segnet_basic") == basic == 1_416_587
    assert size("segnet_basic", bias=False) == basic - 8 * 64 == 1_416_075


@BUILDS
def test_half_the_width_halves_every_channel_but_those_of_classes(make: Callable[..., nn.Module]) -> None:
    whole, half = (convolutions(make(width=w, classes=5)) for w in (1 / 16, 1 / 32))
    assert [layer.out_channels for layer in whole[:-1]] == [2 * layer.out_channels for layer in half[:-1]]
    assert (whole[-1].out_channels, half[-1].out_channels) == (5, 5)


@BUILDS
@pytest.mark.parametrize("height, width", [(1, 1), (37, 50), (64, 33), (90, 119)])
def test_outputs_have_the_size_of_the_input(make: Callable[..., nn.Module], height: int, width: int) -> None:
    net = seeded(make, width=1 / 32, classes=4)
    assert net(picture(2, 3, height, width)).shape == (2, 4, height, width)


@BUILDS
def test_gradients_reach_every_parameter(make: Callable[..., nn.Module]) -> None:
    assert without_gradient(seeded(make, width=1 / 8), picture(1, 3, 61, 75)) == []


@BUILDS
def test_weights_begin_so_that_values_stay_as_large(make: Callable[..., nn.Module]) -> None:
    assert he_faults(convolutions(seeded(make, width=1 / 4))) == []


def test_maxima_return_to_their_places() -> None:
    """A net whose convolutions pass values on: what comes out is every 2×2 block's maximum, where it was."""
    passing = nn.ModuleList([nn.Identity()])
    net = SegNet(passing, passing)
    image = torch.tensor([[[[1.0, 5, 2], [3, 4, 9], [7, 6, 8]]]])
    # Of the blocks of 5, 9, 7, 8 the last three are cut by the border.
    assert net(image).tolist() == [[[[0, 5, 0], [0, 0, 9], [7, 0, 8]]]]


def test_unpooling_is_that_of_torch() -> None:
    image = picture(2, 3, 11, 14)
    maxima, places = functional.max_pool2d(image, 2, ceil_mode=True, return_indices=True)
    expected = functional.max_unpool2d(maxima, places, 2, output_size=(11, 14))
    assert torch.equal(unpooled(maxima, places, (11, 14)), expected)


def test_two_levels_return_to_their_places() -> None:
    passing = nn.ModuleList([nn.Identity(), nn.Identity()])
    image = picture(2, 3, 13, 10)
    out = SegNet(passing, passing)(image)
    for n, channel, row, column in torch.cartesian_prod(*map(torch.arange, (2, 3, 4, 3))).tolist():
        block = (n, channel, slice(4 * row, 4 * row + 4), slice(4 * column, 4 * column + 4))
        expected = torch.where(image[block] == image[block].max(), image[block], 0.0)
        assert torch.equal(out[block], expected)


def test_the_decoder_of_the_basic_net_has_no_relu() -> None:
    basic, whole = build_basic(width=1 / 64), build(width=1 / 64)
    assert sum(isinstance(layer, nn.ReLU) for layer in basic.encoder.modules()) == 4
    assert not any(isinstance(layer, nn.ReLU) for layer in basic.decoder.modules())
    assert sum(isinstance(layer, nn.ReLU) for layer in whole.decoder.modules()) == 12
    assert isinstance(whole.decoder[-1][-1], nn.Conv2d)  # type: ignore[index]


def test_the_basic_net_normalises_responses() -> None:
    image = 255 * picture(1, 3, 4, 5).abs()
    # (1 + α / 5 · Σ x²)^β over all three channels, which the five around each comprise.
    expected = image / (1 + 1e-4 / 5 * (image**2).sum(1, keepdim=True)) ** 0.75
    assert torch.allclose(build_basic(width=1 / 64).normalise(image), expected, rtol=1e-5, atol=0)
    assert torch.equal(build(width=1 / 64).normalise(image), image)


def test_what_vgg16_gives_computes_the_same() -> None:
    torch.manual_seed(0)
    state = {f"features.{key}": weight for key, weight in _narrow_vgg16_bn().state_dict().items()}
    net = build(width=1 / 32).eval()
    missing, extra = net.load_state_dict(from_vgg16_bn(state, net), strict=False)
    assert not extra and all(name.startswith("decoder.") for name in missing)
    features = _narrow_vgg16_bn().eval()
    features.load_state_dict({key.removeprefix("features."): weight for key, weight in state.items()})
    x = picture(1, 3, 64, 64)
    expected = features(x)
    for level in net.encoder:
        x = functional.max_pool2d(level(x), 2)
    assert torch.allclose(x, expected, rtol=1e-5, atol=1e-6)


def _narrow_vgg16_bn() -> nn.Module:
    """The convolutions of torchvision's net, 32 times narrower, with running statistics that are not the first ones."""
    with torch.device("meta"):
        real = vgg16_bn(weights=None).features
    layers: list[nn.Module] = []
    for layer in real:
        if isinstance(layer, nn.Conv2d):
            inputs = layer.in_channels if layer.in_channels == 3 else layer.in_channels // 32
            layers.append(nn.Conv2d(inputs, layer.out_channels // 32, 3, padding=1))
        elif isinstance(layer, nn.BatchNorm2d):
            norm = nn.BatchNorm2d(layer.num_features // 32)
            for values in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
                assert values is not None
                values.uniform_(0.5, 1.5)
            layers.append(norm)
        else:
            layers.append(layer)
    return nn.Sequential(*layers)
