"""FCN: its size, bilinear upsampling, where it cuts, and what it takes over of VGG-16 and of one another."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import vgg16

from segbench.errors import BadParameter
from segbench.models.blocks import bilinear_kernel, bilinear_upsampling
from segbench.models.fcn import Fcn, build, from_vgg16
from segbench.models.measure import measure
from segbench.models.table import find_card
from tests.models.nets import convolutions, he_faults, picture, seeded, without_gradient

#: VGG-16 without its last layer: 14,714,688 of convolutions, fc6 and fc7.
VGG = 14_714_688 + (7 * 7 * 512 + 1) * 4096 + (4096 + 1) * 4096


def narrow(stride: int, **options: object) -> Fcn:
    """A small net whose scores are not 0, else nothing before them would have a gradient."""
    net = seeded(build, stride=stride, width=1 / 32, **options)
    assert isinstance(net, Fcn)
    for layer in (net.score, net.score_pool4, net.score_pool3):
        if layer is not None:
            nn.init.normal_(layer.weight)
    return net


def test_sizes_are_those_of_the_layer_table() -> None:
    scores = {32: 4096 + 1, 16: 4096 + 1 + 512 + 1, 8: 4096 + 1 + 512 + 1 + 256 + 1}
    kernels = {32: 64**2, 16: 4**2 + 32**2, 8: 2 * 4**2 + 16**2}
    for stride, exact in ((32, 136_152_917), (16, 134_815_994), (8, 134_489_759)):
        found = measure(find_card(f"fcn{stride}s"))
        assert found.trainable == VGG + 21 * scores[stride]
        assert found.parameters == found.trainable + 21 * 21 * kernels[stride] == exact
    assert measure(find_card("fcn8s")).trainable == 134_362_751


def test_learned_enlargements_are_those_by_two() -> None:
    fixed, learned = (
        {n for n, p in build(width=1 / 64, learned=x).named_parameters() if p.requires_grad} for x in (False, True)
    )
    assert learned - fixed == {"up_score.weight", "up_pool4.weight"} and fixed < learned


def test_half_the_width_halves_every_channel_but_those_of_classes() -> None:
    whole, half = (build(width=w, classes=5).state_dict() for w in (1 / 16, 1 / 32))
    assert whole.keys() == half.keys()
    for name, weight in whole.items():
        if "weight" in name and not name.startswith(("up", "score", "stages.0.0")):
            assert weight.shape[:2] == (2 * half[name].shape[0], 2 * half[name].shape[1]), name


@pytest.mark.parametrize("stride", [32, 16, 8])
@pytest.mark.parametrize("height, width", [(1, 1), (37, 50), (64, 33)])
def test_outputs_have_the_size_of_the_input(stride: int, height: int, width: int) -> None:
    net = seeded(build, stride=stride, width=1 / 64, classes=4)
    assert net(picture(2, 3, height, width)).shape == (2, 4, height, width)


def test_outputs_of_any_size_are_whole() -> None:
    with torch.device("meta"):
        for stride in (32, 16, 8):
            net = build(stride=stride, width=1 / 64, classes=2)
            for n in range(1, 66):
                assert net(torch.empty(1, 3, n, 500)).shape == (1, 2, n, 500)


@pytest.mark.parametrize("stride", [32, 16, 8])
@pytest.mark.parametrize("learned", [False, True])
def test_gradients_reach_every_parameter(stride: int, learned: bool) -> None:
    assert without_gradient(narrow(stride, learned=learned), picture(1, 3, 40, 56)) == []


def test_scores_begin_at_zero_and_the_others_so_that_values_stay_as_large() -> None:
    assert he_faults(convolutions(seeded(build, width=1 / 8))[:15]) == []
    assert not seeded(build, width=1 / 64)(picture(1, 3, 20, 20)).any()


def test_a_bilinear_kernel_is_a_pyramid() -> None:
    # Stride 2: 1 − |i − 1.5| / 2 at i = 0 … 3.
    assert np.array_equal(bilinear_kernel(4), np.outer([0.25, 0.75, 0.75, 0.25], [0.25, 0.75, 0.75, 0.25]))
    # An odd size has its tip on a tap: 1 − |i − 1| / 2.
    assert np.array_equal(bilinear_kernel(3), np.outer([0.5, 1, 0.5], [0.5, 1, 0.5]))


@pytest.mark.parametrize("factor", [2, 8, 16, 32])
def test_upsampling_begins_as_bilinear_interpolation_of_each_class(factor: int) -> None:
    layer = bilinear_upsampling(3, factor).double()
    kernel = layer.weight
    assert kernel.shape == (3, 3, 2 * factor, 2 * factor) and layer.bias is None and not kernel.requires_grad
    small = picture(1, 3, 5, 6).double()
    border, edge = factor // 2, factor
    large = layer(small)[..., border:-border, border:-border]
    expected = functional.interpolate(small, scale_factor=factor, mode="bilinear", align_corners=False)
    # At the borders interpolation repeats the last value, and a transposed convolution adds nothing.
    inner = np.s_[..., edge:-edge, edge:-edge]
    assert torch.allclose(large[inner], expected[inner], rtol=0, atol=1e-12)


def test_upsampling_keeps_a_constant_and_classes_apart() -> None:
    ones = torch.zeros(1, 4, 6, 6)
    ones[:, 2] = 1
    large = bilinear_upsampling(4, 4)(ones)[..., 4:-4, 4:-4]
    assert torch.equal(large[:, 2], torch.ones_like(large[:, 2]))
    assert not large[:, [0, 1, 3]].any()


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_the_cuts_put_logits_where_they_belong(stride: int) -> None:
    """Scores that tell where they lie are enlarged to the very places.

    With padding 100 and a 3×3 kernel, row o of the first map is row o − 99 of the input. Cell j of pool3 covers rows
    8 j … 8 j + 7 of it, so it lies at 8 j + 3.5 − 99; those of pool4 and pool5 at 16 j + 7.5 − 99 and 32 j + 15.5 − 99.
    fc6 puts cells i … i + 6 of pool5 together, whose middle is i + 3: row 32 i + 12.5.
    """
    net = build(stride=stride, width=1 / 64, classes=1)  # type: ignore[arg-type]
    height = 224
    places = {"score": (32, 12.5), "score_pool4": (16, -91.5), "score_pool3": (8, -95.5)}
    for name, (step, first) in places.items():
        if (layer := getattr(net, name)) is not None:
            layer.register_forward_hook(lambda _, inputs, out, step=step, first=first: _rows(out, step, first))
    streams = {32: 1, 16: 2, 8: 3}[stride]
    logits = net(picture(1, 3, height, height))[0, 0] / streams
    rows = torch.arange(height, dtype=torch.float32)
    # The enlargements by 2 are not cut: their borders, where a kernel finds one cell in place of two, stay in the sum.
    inner = slice(32, height - 32)
    assert torch.allclose(logits[inner, 112], rows[inner], rtol=0, atol=1e-4)


def _rows(out: Tensor, step: int, first: float) -> Tensor:
    """The rows of the input where the cells of a map lie."""
    return (torch.arange(out.shape[-2]) * step + first)[:, None].expand_as(out)


@pytest.mark.parametrize("only, scale", [("score", 1.0), ("score_pool4", 0.01), ("score_pool3", 0.0001)])
def test_trained_at_once_scales_the_copies(only: str, scale: float) -> None:
    plain, at_once = narrow(8).double(), narrow(8, at_once=True).double()
    images = picture(1, 3, 30, 30).double()
    with torch.no_grad():
        for net in (plain, at_once):
            for name in {"score", "score_pool4", "score_pool3"} - {only}:
                nn.init.zeros_(getattr(net, name).weight)
        expected = scale * plain(images)
        assert expected.abs().max() > 0
        assert torch.allclose(at_once(images), expected, rtol=0, atol=1e-12 * float(expected.abs().max()))


def test_only_the_first_convolution_is_padded_by_100() -> None:
    layers = convolutions(build(width=1 / 64))
    assert [layer.padding[0] for layer in layers] == [100] + [1] * 12 + [0] * 5


def test_dropout_is_for_training() -> None:
    net, images = narrow(32), picture(1, 3, 64, 64)
    assert torch.equal(net(images), net(images))
    assert not torch.equal(net.train()(images), net(images))


def vgg_state(width: int) -> dict[str, Tensor]:
    """The state of torchvision's VGG-16, so many times narrower; checked against the real one below."""
    state, i, before = {}, 0, 3
    for stage in ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3):
        for channels in stage:
            state[f"features.{i}.weight"] = picture(channels // width, before, 3, 3, seed=i)
            state[f"features.{i}.bias"] = picture(channels // width, seed=i + 1)
            before, i = channels // width, i + 2
        i += 1
    for layer, (inputs, outputs) in {0: (512 * 49, 4096), 3: (4096, 4096), 6: (4096, 1000 * width)}.items():
        state[f"classifier.{layer}.weight"] = picture(outputs // width, inputs // width, seed=layer)
        state[f"classifier.{layer}.bias"] = picture(outputs // width, seed=layer + 1)
    return state


def test_the_narrow_state_has_the_form_of_torchvisions() -> None:
    with torch.device("meta"):
        real = vgg16(weights=None).state_dict()
    narrow_state = vgg_state(64)
    assert list(real) == list(narrow_state)
    for name, weight in real.items():
        kept = {"features.0.weight": (64, 1), "classifier.6.weight": (1, 64), "classifier.6.bias": (1,)}
        factors = kept.get(name, (64, 64))[: min(weight.ndim, 2)]
        assert weight.shape[:2] == tuple(n * f for n, f in zip(narrow_state[name].shape, factors, strict=False))


def test_what_vgg16_gives_computes_the_same() -> None:
    state = vgg_state(64)
    net = build(width=1 / 64, stride=32).eval()
    adopted = from_vgg16(state, net)
    missing, extra = net.load_state_dict(adopted, strict=False)
    assert not extra and set(missing) == {"score.weight", "score.bias", "up.x32.weight"}
    image = picture(1, 3, 224, 224)
    # fc6 on a 7×7 map is the fully connected layer on its 49 cells, channel by channel.
    cells = picture(1, 8, 7, 7, seed=5)
    connected = functional.linear(cells.flatten(1), state["classifier.0.weight"], state["classifier.0.bias"])
    assert torch.allclose(net.fc6(cells).flatten(1), connected, rtol=1e-4, atol=1e-4)
    connected = functional.linear(connected, state["classifier.3.weight"], state["classifier.3.bias"])
    assert torch.allclose(net.fc7(net.fc6(cells)).flatten(1), connected, rtol=1e-4, atol=1e-3)
    x = image
    for i in (0, 2):
        x = functional.relu(functional.conv2d(x, state[f"features.{i}.weight"], state[f"features.{i}.bias"], padding=1))
    net.stages[0][0].padding = (1, 1)  # type: ignore[index]
    assert torch.allclose(net.stages[0](image), x, rtol=1e-5, atol=1e-5)


def test_each_stride_goes_on_with_the_weights_of_the_one_before() -> None:
    nets = {stride: build(stride=stride, width=1 / 64) for stride in (32, 16, 8)}  # type: ignore[arg-type]
    for coarse, fine, new in ((32, 16, {"score_pool4"}), (16, 8, {"score_pool3"})):
        missing, extra = nets[fine].load_state_dict(nets[coarse].state_dict(), strict=False)
        ups = {f"up.x{fine}.weight", "up_score.weight" if fine == 16 else "up_pool4.weight"}
        assert set(missing) == {f"{name}.{part}" for name in new for part in ("weight", "bias")} | ups
        assert extra == [f"up.x{coarse}.weight"]


def test_other_strides_are_refused() -> None:
    with pytest.raises(BadParameter, match="stride = 4; expected 32, 16 or 8"):
        build(stride=4)  # type: ignore[arg-type]
