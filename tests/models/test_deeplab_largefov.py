"""DeepLab v1: its size, its strides and rates, and what it takes over of VGG-16."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from segbench.models.deeplab_largefov import LargeFov, build, from_vgg16
from tests.models.nets import convolutions, he_faults, picture, seeded, size, without_gradient
from tests.models.test_fcn import vgg_state


def test_the_size_is_that_of_the_layer_table() -> None:
    head = (9 * 512 + 1) * 1024 + (1024 + 1) * 1024 + (1024 + 1) * 21
    assert size("deeplab_largefov") == 14_714_688 + head == 20_505_429
    assert size("deeplab_largefov", classes=11) == 20_505_429 - 10 * 1025


def test_half_the_width_halves_every_channel_but_those_of_classes() -> None:
    whole, half = (convolutions(build(width=w, classes=5)) for w in (1 / 16, 1 / 32))
    assert [layer.out_channels for layer in whole[:-1]] == [2 * layer.out_channels for layer in half[:-1]]
    assert (whole[-1].out_channels, half[-1].out_channels) == (5, 5)


def test_only_the_fifth_stage_and_fc6_are_atrous() -> None:
    layers = convolutions(build(width=1 / 64))
    assert [layer.dilation[0] for layer in layers] == [1] * 10 + [2] * 3 + [12, 1, 1]
    assert all(layer.stride == (1, 1) for layer in layers)


@pytest.mark.parametrize("rows, out", [(321, 41), (1, 1), (8, 2), (9, 2), (37, 6), (320, 41)])
def test_logits_come_at_every_eighth_pixel(rows: int, out: int) -> None:
    # Pools of stride 2 with sizes rounded up: 321 → 161 → 81 → 41, and 37 → 19 → 10 → 6.
    net = seeded(build, width=1 / 64, classes=4)
    assert net(picture(2, 3, rows, 17)).shape == (2, 4, out, 3)


def test_a_logit_lies_at_its_pixel() -> None:
    """With every tap but the middle one 0, all that is left is the maximum, then the mean, around pixel 8 k."""
    net = build(width=1 / 64, classes=1)
    with torch.no_grad():
        for layer in convolutions(net):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
            middle = layer.kernel_size[0] // 2
            layer.weight[0, 0, middle, middle] = 1
        image = torch.zeros(1, 3, 81, 81)
        image[0, 0, 40, 40] = 1
        seen = net.eval()(image)[0, 0]
    places = seen.nonzero()
    # What is seen is as far to the left and above of cell 5 as to the right and below.
    assert (places.min(0).values + places.max(0).values).tolist() == [10, 10]
    assert seen[5, 5] == seen.max()
    # The mean of 3×3 finds at the corners of the square of maxima one of nine cells, and all of them in the middle.
    first, last = places.min(0).values.tolist(), places.max(0).values.tolist()
    assert torch.allclose(seen[[first[0], last[0], 5], [first[1], first[1], 5]], torch.tensor([1 / 9, 1 / 9, 1.0]))


def test_the_field_of_view_is_large() -> None:
    """224 pixels, and what the pools of 3 in place of 2 see beyond."""
    net = seeded(build, width=1 / 16).double()
    image = picture(1, 3, 401, 9).double().requires_grad_()
    net(image)[0, 0, 25, 1].backward()
    rows = image.grad.abs().sum((0, 1, 3)).nonzero()[:, 0]  # type: ignore[union-attr]
    # conv1: 2 · 2; then at strides 1, 2, 4 pools of 2 and convolutions of 4, 6 and 6; at 8: pool 2, conv 6; pool 2,
    # dilated conv 12; pool 2, mean 2, fc6 24 cells.
    field = 1 + 4 + (2 + 2 * 4) + (2 * 2 + 4 * 6) + (4 * 2 + 8 * 6) + 8 * (2 + 12 + 2 + 2 + 24)
    assert rows.max() - rows.min() + 1 <= field
    assert rows.max() - rows.min() + 1 > 224


def test_gradients_reach_every_parameter() -> None:
    assert without_gradient(seeded(build, width=1 / 16), picture(1, 3, 57, 41)) == []


def test_the_last_layer_begins_small_and_the_others_so_that_values_stay_as_large() -> None:
    assert he_faults(convolutions(seeded(build, width=1 / 8))[:-1]) == []
    torch.manual_seed(0)
    net = build()
    n = net.fc8.weight.numel()
    assert abs(float(net.fc8.weight.detach().std()) / 0.01 - 1) < 4 / (2 * n) ** 0.5
    assert not net.fc8.bias.any()  # type: ignore[union-attr]


def test_dropout_is_for_training() -> None:
    net, images = seeded(build, width=1 / 16), picture(1, 3, 64, 64)
    assert torch.equal(net(images), net(images))
    assert not torch.equal(net.train()(images), net(images))


def test_it_takes_a_part_of_the_fully_connected_layers() -> None:
    state, net = vgg_state(64), build(width=1 / 64)
    assert isinstance(net, LargeFov)
    adopted = from_vgg16(state, net)
    missing, extra = net.load_state_dict(adopted, strict=False)
    assert set(missing) == {"fc8.weight", "fc8.bias"} and not extra
    full6 = state["classifier.0.weight"].reshape(64, 8, 7, 7)[:, :, [0, 3, 6]][..., [0, 3, 6]]
    chosen = [next(i for i in range(64) if torch.equal(full6[i], weight)) for weight in net.fc6.weight]
    assert chosen == sorted(set(chosen)) and len(chosen) == 16 and chosen != list(range(0, 64, 4))
    assert torch.equal(net.fc7.weight[:, :, 0, 0], state["classifier.3.weight"][chosen][:, chosen])
    assert torch.equal(net.fc6.bias, state["classifier.0.bias"][chosen])
    assert torch.equal(net.fc7.bias, state["classifier.3.bias"][chosen])
    x = image = picture(1, 3, 20, 20)
    for i in (0, 2):
        x = functional.relu(functional.conv2d(x, state[f"features.{i}.weight"], state[f"features.{i}.bias"], padding=1))
    assert torch.allclose(net.stages[0](image), x, rtol=1e-5, atol=1e-5)


def test_the_whole_net_is_its_layer_table() -> None:
    """The same weights in a plain sequence of torch's own layers give the same numbers."""
    net = seeded(build, width=1 / 16, classes=3).eval()
    layers: list[nn.Module] = []
    for stage, stride in zip(net.stages, (2, 2, 2, 1, 1), strict=True):
        layers += [stage, nn.MaxPool2d(3, stride=stride, padding=1, ceil_mode=True)]
    # The mean counts the frame of zeros, as Caffe does.
    layers += [nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=True)]
    layers += [net.fc6, nn.ReLU(), nn.Dropout(0.5), net.fc7, nn.ReLU(), nn.Dropout(0.5), net.fc8]
    image = picture(2, 3, 65, 97)
    assert torch.equal(net(image), nn.Sequential(*layers).eval()(image))
    torch.manual_seed(3)
    trained = net.train()(image)
    torch.manual_seed(3)
    assert torch.equal(trained, nn.Sequential(*layers).train()(image))
