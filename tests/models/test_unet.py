"""U-Net: its size, the sizes it takes, and what it does in tiles."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from segbench.errors import BadParameter, ShapeMismatch
from segbench.models.tiles import tiled
from segbench.models.unet import VALID, build
from tests.models.nets import convolutions, he_faults, picture, seeded, size, without_gradient


def counted(channels: int, classes: int, base: int) -> int:
    """Weights and biases of the layer table."""
    widths = [base * 2**i for i in range(5)]
    total = 0
    for before, w in pairwise([channels, *widths]):
        total += (9 * before + 1) * w + (9 * w + 1) * w
    for fine, coarse in pairwise(widths):
        total += (4 * coarse * fine + fine) + (9 * 2 * fine + 1) * fine + (9 * fine + 1) * fine
    return total + (base + 1) * classes


def test_sizes_are_those_of_the_layer_table() -> None:
    assert size("unet") == counted(1, 2, 64) == 31_030_658
    assert size("unet", channels=3, classes=21) == counted(3, 21, 64) == 31_033_045
    assert size("unet_half") == size("unet", width=0.5) == counted(1, 2, 32) == 7_759_554
    assert size("unet", width=0.25, channels=3, classes=12) == counted(3, 12, 16)


def test_the_padding_changes_no_size_and_the_norm_adds_two_numbers_a_channel() -> None:
    channels = 2 * 2 * (64 + 128 + 256 + 512) + 2 * 1024
    assert size("unet", padding="same") == size("unet")
    assert size("unet", norm=True) == size("unet") + 2 * channels


def test_it_has_23_convolutions() -> None:
    net = build()
    assert len(convolutions(net)) + sum(isinstance(layer, nn.ConvTranspose2d) for layer in net.modules()) == 23


@pytest.mark.parametrize("rows, out", [(572, 388), (188, 4), (204, 20)])
def test_unpadded_sizes(rows: int, out: int) -> None:
    with torch.device("meta"):
        net = build(width=1 / 64)
        assert net(torch.empty(1, 1, rows, 188)).shape == (1, 2, out, 4)


@pytest.mark.parametrize("rows", [572 + 8, 571, 187, 172, 12])
def test_unpadded_sizes_that_a_pool_would_cut_are_refused(rows: int) -> None:
    with torch.device("meta"), pytest.raises(ShapeMismatch, match=f"an input of 188×{rows}; expected 16 k"):
        build(width=1 / 64)(torch.empty(1, 1, 188, rows))


@pytest.mark.parametrize("height, width", [(1, 1), (16, 32), (37, 50), (63, 17)])
def test_padded_outputs_have_the_size_of_the_input(height: int, width: int) -> None:
    net = seeded(build, width=1 / 16, padding="same", norm=True, channels=3, classes=5)
    assert net(picture(2, 3, height, width)).shape == (2, 5, height, width)


def test_what_a_padded_input_lacks_repeats_its_border() -> None:
    net = seeded(build, width=1 / 16, padding="same")
    images = picture(1, 1, 10, 30)
    larger = torch.cat([images, images[..., -1:].expand(-1, -1, -1, 2)], -1)
    larger = torch.cat([larger, larger[..., -1:, :].expand(-1, -1, 6, -1)], -2)
    assert torch.equal(net(images), net(larger)[..., :10, :30])
    # Of 16×32 pixels nothing lacks.
    assert torch.equal(net(larger), net._whole(larger))


@pytest.mark.parametrize("options", [{"padding": "valid"}, {"padding": "same", "norm": True}], ids=str)
def test_gradients_reach_every_parameter(options: dict[str, object]) -> None:
    net = seeded(build, width=1 / 8, **options)
    assert without_gradient(net, picture(1, 1, 188, 188)) == []


def test_the_copies_come_from_the_centre() -> None:
    """Where the copy of level 1 is all that counts, an output pixel sees the 5×5 input pixels around it in place."""
    net = build(width=1 / 64, dropout=0.0).double().eval()
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1.0)
        if isinstance(layer, nn.ConvTranspose2d):
            nn.init.zeros_(layer.weight)
    images = torch.zeros(1, 1, 188, 188, dtype=torch.float64)
    images[..., 92 + 1, 92 + 2] = 1.0
    # Two convolutions on the way down, two on the way up: 9 taps along each axis around the pixel, none lost here.
    seen = net(images)[0, 0]
    kernel = torch.tensor([1.0, 4, 10, 16, 19, 16, 10, 4, 1], dtype=torch.float64)
    rows, columns = kernel[torch.arange(4) - 1 + 4], kernel[torch.arange(4) - 2 + 4]
    assert torch.equal(seen, rows[:, None] * columns)


def test_weights_begin_as_the_paper_says() -> None:
    net = seeded(build, width=0.25)
    assert he_faults(layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)) == []


def test_dropout_is_at_the_end_of_the_contracting_path_only() -> None:
    net = build(width=1 / 16, padding="same", dropout=1.0)
    seen: list[torch.Tensor] = []
    for layer in (*net.down, *net.up):
        layer.register_forward_hook(lambda _, inputs, out: seen.append(inputs[0]))
    net(picture(1, 1, 32, 32).abs() + 1)
    # With everything dropped, level 5 gets zeros of level 4, and the first step up those of level 5.
    empty = [not inputs.any() for inputs in seen[:6]]
    assert empty == [False, False, False, False, True, True]


def test_other_paddings_and_widths_are_refused() -> None:
    with pytest.raises(BadParameter, match="padding = 'full'; expected 'valid' or 'same'"):
        build(padding="full")  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match="width = 0"):
        build(width=0)


@pytest.mark.parametrize("height, width, tile", [(150, 97, 252), (200, 33, 220), (68, 69, 252), (64, 130, 204)])
def test_tiles_give_what_one_large_tile_gives(height: int, width: int, tile: int) -> None:
    net = seeded(build, width=1 / 32, classes=3).double()
    images = picture(1, 1, height, width).double()
    with torch.no_grad():
        whole, tiles = tiled(net, images, VALID), tiled(net, images, VALID, tile)
    assert whole.shape == (1, 3, height, width)
    # Sums of the same numbers; only their order may differ with the size of the tile.
    assert (whole - tiles).abs().max() <= 1e-12 * whole.abs().max()


def test_the_margin_is_the_mirrored_image() -> None:
    net = seeded(build, width=1 / 32)
    images = picture(1, 1, 100, 100)
    with torch.no_grad():
        mirrored = nn.functional.pad(images, (92, 92, 92, 92), mode="reflect")
        # 100 + 184 = 284 = 16 · 17 + 12: a size that the net takes as it is.
        assert torch.equal(tiled(net, images, VALID), net(mirrored))


def test_small_images_are_mirrored_more_than_once() -> None:
    net = seeded(build, width=1 / 32)
    images = picture(1, 1, 4, 1)
    rows = torch.tensor([0, 1, 2, 3, 2, 1]).repeat(40)  # the period of four mirrored rows
    start = 6 * 16 - 92  # a multiple of the period before the first row, less the margin
    with torch.no_grad():
        around = images[..., rows[start : start + 188], :].expand(-1, -1, -1, 188)
        assert torch.equal(tiled(net, images, VALID), net(around)[..., :1])


def test_outputs_of_tiles_of_another_phase_would_differ() -> None:
    """Why of 68 pixels only 64 are used: a tile that begins elsewhere pools other pixels together."""
    net = seeded(build, width=1 / 32).double()
    images = picture(1, 1, 284, 252).double()
    with torch.no_grad():
        whole = net(images)
        in_phase, out_of_phase = net(images[..., 16 : 16 + 252, :]), net(images[..., 4 : 4 + 252, :])
    assert torch.allclose(whole[..., 16 : 16 + 68, :], in_phase, rtol=0, atol=1e-12)
    assert not torch.allclose(whole[..., 4 : 4 + 68, :], out_of_phase, rtol=0, atol=1e-3 * float(whole.abs().max()))


def test_tiles_that_the_net_does_not_take_are_refused() -> None:
    with pytest.raises(BadParameter, match=r"tiles of 570 pixels; expected 16 k \+ 12, from 204 up"):
        tiled(nn.Identity(), torch.zeros(1, 1, 9, 9), VALID, 570)
    with pytest.raises(BadParameter, match="tiles of 188 pixels"):
        tiled(nn.Identity(), torch.zeros(1, 1, 9, 9), VALID, 188)


def test_tiles_carry_gradients() -> None:
    net = seeded(build, width=1 / 8)
    images = picture(1, 1, 70, 10)
    assert without_gradient(_Tiled(net), images) == []


class _Tiled(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return tiled(self.net, images, VALID, 220)
