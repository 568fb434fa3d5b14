"""Windows over large images: for nets that look no farther than they may, to the last bit what the whole gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from segbench.errors import BadParameter
from segbench.harness.windows import check_windows, windowed

Net = Callable[[Tensor], Tensor]


def whole_numbers(*shape: int) -> Tensor:
    """Small whole numbers, whose sums are exact in any order."""
    return torch.randint(-9, 10, shape, generator=torch.Generator().manual_seed(1)).float()


def local(reach: int) -> Net:
    """A net that sees `reach` pixels on each side, padded with zeros."""
    kernel = whole_numbers(2, 3, 2 * reach + 1, 2 * reach + 1)
    return lambda images: functional.conv2d(images, kernel, padding=reach)


def pooled(side: int) -> Net:
    """A net that sees as much as its pools do: cells of `side` pixels from the corner of the image on."""

    def net(images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        cells = functional.max_pool2d(images, side, ceil_mode=True)
        return cells.repeat_interleave(side, -2).repeat_interleave(side, -1)[..., :height, :width]

    return net


#: Images smaller than a tile, as large, larger by one, with a last window of one column, and long ones.
SIZES = [(20, 30), (64, 64), (65, 64), (64, 97), (33, 200), (129, 150), (161, 160)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("tile", "overlap"), [(64, 8), (64, 32), (72, 8), (96, 0), (100, 31), (65, 33), (32, 0)])
def test_local_nets_answer_as_on_the_whole(size: tuple[int, int], tile: int, overlap: int) -> None:
    images = whole_numbers(2, 3, *size)
    net = local(min(4, overlap // 2))
    assert torch.equal(windowed(net, images, tile, overlap), net(images))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", [2, 8, 32])
def test_pools_see_the_same_pixels_together(size: tuple[int, int], side: int) -> None:
    images = whole_numbers(1, 3, *size)
    net = pooled(side)
    assert torch.equal(windowed(net, images, 130, 2 * side), net(images))
    assert torch.equal(windowed(net, images, 64 + side, 2 * side), net(images))


def test_a_net_that_looks_too_far_shows_seams() -> None:
    """So the comparison can fail."""
    images, net = whole_numbers(1, 3, 100, 100), local(1)
    assert not torch.equal(windowed(net, images, 64, 0), net(images))


@pytest.mark.parametrize(("tile", "overlap"), [(64, 8), (64, 32), (100, 31)])
def test_windows_are_no_larger_than_a_tile_and_share_what_they_have_to(tile: int, overlap: int) -> None:
    rows = torch.arange(300.0).expand(1, 1, 40, 300)
    seen: list[tuple[int, int]] = []

    def net(part: Tensor) -> Tensor:
        seen.append((int(part[0, 0, 0, 0]), int(part[0, 0, 0, -1]) + 1))
        assert max(part.shape[-2:]) <= tile
        return part

    assert torch.equal(windowed(net, rows, tile, overlap), rows)
    assert seen[0][0] == 0 and seen[-1][1] == 300 and len(seen) > 3
    for (_, end), (start, _) in zip(seen, seen[1:], strict=False):
        assert end - start >= overlap and start % 32 == 0


def test_no_tile_is_the_whole_image() -> None:
    seen = []
    windowed(lambda part: seen.append(part.shape[-2:]) or part, torch.zeros(1, 1, 700, 800), 0, 64)
    assert seen == [(700, 800)]


@pytest.mark.parametrize(("tile", "overlap"), [(64, 33), (31, 0), (64, 64), (10, 64), (64, -1), (-5, 0)])
def test_tiles_that_cover_nothing_are_refused(tile: int, overlap: int) -> None:
    with pytest.raises(BadParameter, match=f"tiles of {tile} pixels that overlap by {overlap}"):
        check_windows(tile, overlap)


@pytest.mark.parametrize(("tile", "overlap"), [(64, 32), (32, 0), (0, 64), (1000, 64)])
def test_tiles_that_do(tile: int, overlap: int) -> None:
    check_windows(tile, overlap)
