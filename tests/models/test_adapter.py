"""Whatever a net returns: logits of the size of its images, or an error that names model and image."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from segbench.errors import BadLogits, BadParameter, ShapeMismatch, SubmissionError
from segbench.models.adapter import logits_of
from segbench.models.card import Card
from segbench.models.table import find_card
from segbench.models.unet import build
from tests.models.nets import picture, seeded

IMAGES = picture(2, 3, 12, 10)


class Net(nn.Module):
    """A net that returns what a function makes of its images."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Any:
        return self.function(images)


@dataclass
class Output:
    """What transformers returns, in short."""

    logits: Tensor


def card(**fields: Any) -> Card:
    return Card("odd", "An odd net", ("none",), "as it is", nn.Module, classes=2, **fields)


def run(function: Callable[[Tensor], Any], images: Tensor = IMAGES, **fields: Any) -> Tensor:
    return logits_of(Net(function), images, card=card(**fields), classes=2, names=["a.png", "b.png"])


def two(images: Tensor) -> Tensor:
    return images[:, :2] * 3


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: x,
        lambda x: {"out": x, "aux": 2 * x},
        lambda x: {"logits": x},
        lambda x: OrderedDict(out=x),
        lambda x: (x, 2 * x),
        lambda x: [x],
        lambda x: ({"out": x}, None),
        lambda x: Output(x),
    ],
    ids=["tensor", "out", "logits", "ordered", "tuple", "list", "nested", "attribute"],
)
def test_whatever_holds_the_logits(wrap: Callable[[Tensor], Any]) -> None:
    assert torch.equal(run(lambda images: wrap(two(images))), two(IMAGES))


@pytest.mark.parametrize("align_corners", [False, True])
def test_smaller_logits_are_enlarged(align_corners: bool) -> None:
    small = picture(2, 2, 4, 5)
    expected = functional.interpolate(small, (12, 10), mode="bilinear", align_corners=align_corners)
    assert torch.equal(run(lambda _: small, align_corners=align_corners), expected)


@pytest.mark.parametrize("height, width", [(33, 41), (32, 36), (39, 40), (25, 47)])
def test_with_a_stride_cells_lie_at_their_pixels(height: int, width: int) -> None:
    """As DeepLab's: cell i at pixel 8 i, whatever the size of the image."""
    images = torch.zeros(2, 3, height, width)
    cells = -(-height // 8) + 1, -(-width // 8) + 1
    small = picture(2, 2, *cells).double()
    large = run(lambda _: small, images.double(), align_corners=True, output_stride=8)
    assert large.shape == (2, 2, height, width)
    rows, columns = large[:, :, ::8, ::8].shape[-2:]
    assert torch.allclose(large[:, :, ::8, ::8], small[:, :, :rows, :columns], rtol=0, atol=1e-12)
    between = (small[:, :, 0, 0] + small[:, :, 0, 1]) / 2
    assert torch.allclose(large[:, :, 0, 4], between, rtol=0, atol=1e-12)


def test_half_precision_is_enlarged_in_float32() -> None:
    small = picture(2, 2, 4, 5).bfloat16()
    found = run(lambda _: small)
    assert found.dtype == torch.float32
    assert torch.equal(found, functional.interpolate(small.float(), (12, 10), mode="bilinear"))
    assert run(lambda images: two(images).double()).dtype == torch.float64


def test_gradients_go_through() -> None:
    images = IMAGES.clone().requires_grad_()
    run(lambda x: functional.avg_pool2d(two(x), 2), images).sum().backward()
    assert images.grad is not None and images.grad[:, :2].abs().min() > 0 and not images.grad[:, 2].any()


@pytest.mark.parametrize(
    "function, found, expected",
    [
        (lambda x: x, "logits of shape (2, 3, 12, 10)", "(2, 2, height, width): 2 classes"),
        (lambda x: x[:, 0], "logits of shape (2, 12, 10)", "(2, 2, height, width): 2 classes"),
        (lambda x: two(x)[:, :, 0], "logits of shape (2, 2, 10)", "(2, 2, height, width): 2 classes"),
        (lambda x: two(x)[:, :, None], "logits of shape (2, 2, 1, 12, 10)", "(2, 2, height, width): 2 classes"),
        (lambda x: two(x)[:1], "logits of shape (1, 2, 12, 10)", "(2, 2, height, width): 2 classes"),
        (lambda x: two(x)[..., :0], "logits of shape (2, 2, 12, 0)", "(2, 2, height, width): 2 classes"),
        (lambda x: functional.pad(two(x), (1, 0)), "logits of 12×11", "12×10 or smaller"),
        (lambda x: functional.pad(two(x)[..., :5], (0, 0, 1, 0)), "logits of 13×5", "12×10 or smaller"),
    ],
)
def test_other_shapes_are_refused(function: Callable[[Tensor], Any], found: str, expected: str) -> None:
    with pytest.raises(ShapeMismatch) as caught:
        run(function)
    assert caught.value.found == f"model odd gives {found}"
    assert (caught.value.expected, caught.value.file) == (expected, "a.png, b.png")


@pytest.mark.parametrize(
    "function, found",
    [
        (lambda x: None, "a NoneType without logits"),
        (lambda x: {"masks": x}, "a dict without logits"),
        (lambda x: (), "a tuple without logits"),
        (lambda x: [{"boxes": x}], "a list without logits"),
        (lambda x: two(x).argmax(1), "a tensor of torch.int64"),
        (lambda x: x.numpy(), "a ndarray without logits"),
    ],
)
def test_what_holds_no_logits_is_refused(function: Callable[[Tensor], Any], found: str) -> None:
    with pytest.raises(SubmissionError) as caught:
        run(function)
    assert caught.value.found == f"model odd gives {found}"


@pytest.mark.parametrize(
    "value, word", [(float("nan"), "NaN"), (float("inf"), "infinity"), (-float("inf"), "infinity")]
)
def test_numbers_that_are_none_name_the_image(value: float, word: str) -> None:
    def spoilt(images: Tensor) -> Tensor:
        logits = two(images)
        logits[1, 0, 3, 4] = value
        return logits

    with pytest.raises(SubmissionError) as caught:
        run(spoilt)
    assert caught.value.found == f"model odd gives {word} among its logits"
    assert caught.value.file == "b.png"


def test_unpadded_nets_run_in_tiles() -> None:
    net = seeded(build, width=1 / 32)
    images = picture(1, 1, 100, 110)
    with torch.no_grad():
        found = logits_of(net, images, card=find_card("unet"), classes=2, names=["a"])
        tiles = logits_of(net, images, card=find_card("unet"), classes=2, names=["a"], tile=220)
        # 110 + 184 pixels are no 16 k + 12: six more are.
        wide = nn.functional.pad(images, (92, 92 + 6, 92, 92), mode="reflect")
        assert torch.equal(found, net(wide)[..., :110])
    assert torch.allclose(found, tiles, rtol=0, atol=1e-4 * float(found.abs().max()))


def test_what_training_on_several_devices_wraps_runs_in_tiles_too() -> None:
    class Wrapped(nn.Module):
        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

        def forward(self, images: Tensor) -> Any:
            return self.module(images)

    net = seeded(build, width=1 / 64)
    images = picture(1, 1, 20, 20)
    with torch.no_grad():
        expected = logits_of(net, images, card=find_card("unet"), classes=2, names=["a"])
        assert torch.equal(logits_of(Wrapped(net), images, card=find_card("unet"), classes=2, names=["a"]), expected)


@pytest.mark.parametrize("name", ["unet", "unet_half", "fcn32s", "fcn8s", "deeplab_largefov", "segnet", "segnet_basic"])
def test_our_own_nets_give_logits_of_the_size_of_the_image(name: str) -> None:
    found = find_card(name)
    net = seeded(found.construct, width=1 / 64, classes=3)
    with torch.no_grad():
        logits = logits_of(net, picture(1, found.channels, 45, 62), card=found, classes=3, names=["a"])
    assert logits.shape == (1, 3, 45, 62)


def test_nets_of_torchvision() -> None:
    segmentation = pytest.importorskip("torchvision.models.segmentation")
    net = segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=2).eval()
    images = picture(2, 3, 40, 50)
    with torch.no_grad():
        assert torch.equal(logits_of(net, images, card=card(), classes=2, names=["a", "b"]), net(images)["out"])


def test_nets_of_segmentation_models_pytorch() -> None:
    smp = pytest.importorskip("segmentation_models_pytorch")
    net = smp.Unet("resnet18", encoder_weights=None, classes=2).eval()
    images = picture(2, 3, 32, 64)
    with torch.no_grad():
        assert torch.equal(logits_of(net, images, card=card(), classes=2, names=["a", "b"]), net(images))


def test_nets_of_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_sizes": [8, 8, 8, 8], "depths": [1, 1, 1, 1], "decoder_hidden_size": 8}
    heads = {"num_attention_heads": [1, 1, 1, 1], "num_labels": 2}
    net = transformers.SegformerForSemanticSegmentation(transformers.SegformerConfig(**sizes, **heads)).eval()
    images = picture(2, 3, 64, 96)
    with torch.no_grad():
        small = net(images).logits
        assert small.shape == (2, 2, 16, 24)
        expected = functional.interpolate(small, (64, 96), mode="bilinear", align_corners=False)
        assert torch.equal(logits_of(net, images, card=card(), classes=2, names=["a", "b"]), expected)


@pytest.mark.parametrize(
    ("raised", "expected", "words"),
    [
        (KeyError("x"), BadLogits, "model odd gives no answer: KeyError: 'x'"),
        (
            RuntimeError("first line\nsecond"),
            BadLogits,
            "model odd gives no answer: RuntimeError: first line; expected",
        ),
        # What speaks of itself, and memory, pass as they are.
        (BadParameter("an input of 9×9", expected="10×10"), BadParameter, "an input of 9×9; expected 10×10"),
        (torch.OutOfMemoryError("no room"), torch.OutOfMemoryError, "no room"),
    ],
)
def test_what_a_net_raises(raised: Exception, expected: type[Exception], words: str) -> None:
    def fail(images: Tensor) -> Tensor:
        raise raised

    with pytest.raises(expected, match=words) as caught:
        run(fail)
    assert type(caught.value) is expected
