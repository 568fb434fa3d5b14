"""Colours to ids: by value, against a plain loop, and every way a colour may be unknown."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from segbench.datasets import colors as colors_module
from segbench.datasets.colors import ColorTable
from segbench.errors import BadParameter, StrayLabel
from segbench.labels import Color

#: The classes of an aerial data set: each channel is 0 or 255.
AERIAL = {
    (255, 255, 255): 0, (0, 0, 255): 1, (0, 255, 255): 2, (0, 255, 0): 3, (255, 255, 0): 4, (255, 0, 0): 5,
}  # fmt: skip


def by_loop(pixels: NDArray[np.uint8], table: Mapping[Color, int]) -> list[list[int | None]]:
    """Return the id of every pixel, None where the table has no such colour."""
    return [[table.get((r, g, b)) for r, g, b in row] for row in pixels.tolist()]


def some_table(n: int, seed: int, lowest: int = 0) -> dict[Color, int]:
    dice = np.random.default_rng(seed)
    packed = dice.choice(1 << 24, n, replace=False).tolist()
    return {(p >> 16, p >> 8 & 255, p & 255): lowest + i for i, p in enumerate(packed)}


def painted(table: Mapping[Color, int], shape: tuple[int, int], seed: int = 0) -> NDArray[np.uint8]:
    choice = np.random.default_rng(seed).integers(0, len(table), shape)
    return np.array(list(table), np.uint8)[choice]


class TestIds:
    @pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (37, 53)], ids=str)
    @pytest.mark.parametrize("n", [1, 2, 7, 32, 150, 255, 256, 1000])
    def test_as_a_plain_loop(self, n: int, shape: tuple[int, int]) -> None:
        table = some_table(n, n)
        pixels = painted(table, shape)
        assert ColorTable(table).ids(pixels).tolist() == by_loop(pixels, table)

    @settings(max_examples=200)
    @given(st.data())
    def test_few_values_a_channel(self, data: st.DataObject) -> None:
        # Colours that share their channels: the numbers of the channels must not run into each other.
        channel = st.sampled_from([0, 1, 64, 254, 255])
        color = st.tuples(channel, channel, channel)
        table = data.draw(st.dictionaries(color, st.integers(-(1 << 40), 1 << 40) | st.integers(0, 255), min_size=1))
        rows = data.draw(st.lists(st.lists(color, min_size=3, max_size=3), min_size=1, max_size=4))
        pixels = np.array(rows, np.uint8)
        expected = by_loop(pixels, table)
        strays = [(r, c) for r, row in enumerate(expected) for c, value in enumerate(row) if value is None]
        if not strays:
            assert ColorTable(table).ids(pixels).tolist() == expected
            return
        with pytest.raises(StrayLabel) as caught:
            ColorTable(table).ids(pixels)
        assert (caught.value.pixel, caught.value.count) == (strays[0], len(strays))

    def test_every_value_of_a_channel(self) -> None:
        grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
        table = {(value, value, value): 255 - value for value in range(256)}
        assert ColorTable(table).ids(grey)[0].tolist() == list(range(255, -1, -1))

    def test_pieces_join(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pixels = painted(AERIAL, (23, 9))
        expected = ColorTable(AERIAL).ids(pixels)
        for piece in (1, 8, 9, 20, 207, 1000):
            monkeypatch.setattr(colors_module, "_PIECE", piece)
            assert np.array_equal(ColorTable(AERIAL).ids(pixels), expected)

    def test_any_memory_order(self) -> None:
        pixels = painted(AERIAL, (16, 20))
        expected = ColorTable(AERIAL).ids(pixels)
        wide = np.zeros((16, 20, 4), np.uint8)
        wide[..., :3] = pixels
        pixels.setflags(write=False)
        for same in (
            pixels,
            np.asfortranarray(pixels),
            wide[..., :3],
            np.moveaxis(np.moveaxis(pixels, 2, 0).copy(), 0, 2),
        ):
            assert np.array_equal(ColorTable(AERIAL).ids(same), expected)

    def test_no_pixels(self) -> None:
        for shape in ((0, 5, 3), (5, 0, 3)):
            assert ColorTable(AERIAL).ids(np.zeros(shape, np.uint8)).shape == shape[:2]


class TestDtype:
    @pytest.mark.parametrize(
        ("ids", "kind"),
        [
            ([0, 255], np.uint8),
            ([7], np.uint8),
            ([0, 256], np.int32),
            ([-1, 3], np.int32),
            (range(255), np.uint8),
            (range(1, 256), np.uint8),
            (range(256), np.int32),  # no value is left to mark strays with
            ([*range(254), *range(254)], np.uint8),
            ([0, (1 << 31) - 1], np.int32),
            ([-(1 << 31), 0], np.int32),
            ([0, 1 << 31], np.int64),
            ([(1 << 63) - 1, (1 << 63) - 2, -(1 << 63)], np.int64),
        ],
        ids=str,
    )
    def test_the_smallest_that_holds_ids_and_strays(self, ids: list[int], kind: type) -> None:
        table = dict(zip(some_table(len(ids), 1), ids, strict=True))
        pixels = painted(table, (40, 40))
        found = ColorTable(table).ids(pixels)
        assert found.dtype == kind and found.tolist() == by_loop(pixels, table)
        pixels[3, 4] = next(color for color in some_table(600, 2) if color not in table)
        with pytest.raises(StrayLabel) as caught:
            ColorTable(table).ids(pixels)
        assert (caught.value.pixel, caught.value.count) == ((3, 4), 1)


class TestStrays:
    def refusal(self, pixels: NDArray[np.uint8], table: Mapping[Color, int] = AERIAL) -> StrayLabel:
        with pytest.raises(StrayLabel) as caught:
            ColorTable(table).ids(pixels)
        return caught.value

    def test_first_pixel_number_and_words(self) -> None:
        pixels = painted(AERIAL, (9, 14))
        pixels[4, 5] = pixels[7, 2] = (1, 2, 3)
        error = self.refusal(pixels)
        assert str(error) == (
            "colour (1, 2, 3) at row 4, column 5, 1 such colour in all; expected a colour of the data set's table in "
            "every pixel; save palette indices or grey values instead"
        )
        assert (error.pixel, error.count) == ((4, 5), 2)
        pixels[8, 8] = (0, 254, 0)
        assert "(1, 2, 3) at row 4, column 5, 2 such colours in all" in str(self.refusal(pixels))
        assert self.refusal(pixels).count == 3

    @pytest.mark.parametrize("wrong", range(3))
    def test_one_wrong_channel(self, wrong: int) -> None:
        pixels = painted(AERIAL, (5, 5))
        pixels[2, 3, wrong] = 128
        assert self.refusal(pixels).pixel == (2, 3)

    def test_known_values_in_an_unknown_order(self) -> None:
        # (255, 0, 255): each channel holds this value somewhere in the table.
        pixels = painted(AERIAL, (5, 5))
        pixels[0, 0] = (255, 0, 255)
        assert "colour (255, 0, 255) at row 0, column 0" in str(self.refusal(pixels))

    def test_swapped_red_and_blue(self) -> None:
        table = {(128, 0, 0): 1, (0, 128, 0): 2, (0, 0, 64): 3}
        pixels = painted(table, (6, 6))
        assert "are red and blue swapped (BGR, the order of OpenCV)?" in str(self.refusal(pixels[..., ::-1], table))
        foreign = pixels[..., ::-1].copy()
        foreign[0, 0] = 9
        assert "swapped" not in str(self.refusal(foreign, table))


class TestBadParameters:
    @pytest.mark.parametrize("table", [{}, {(0, 0, 256): 1}, {(0, -1, 0): 1}, {(0, 0): 1}], ids=str)
    def test_a_table(self, table: dict[Color, int]) -> None:
        with pytest.raises(BadParameter):
            ColorTable(table)

    @pytest.mark.parametrize(
        "pixels", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)], ids=["f", "2", "4"]
    )
    def test_pixels(self, pixels: NDArray[np.uint8]) -> None:
        with pytest.raises(BadParameter, match=r"uint8, \(rows, columns, 3\)"):
            ColorTable(AERIAL).ids(pixels)


def test_much_faster_than_sorting() -> None:
    pixels = painted(AERIAL, (1500, 1500))

    def seconds_of(work: object) -> float:
        start = time.process_time()
        work()  # type: ignore[operator]
        return time.process_time() - start

    by_sorting = seconds_of(lambda: np.unique(pixels.astype(np.int64) @ (65536, 256, 1), return_inverse=True))
    by_look_up = min(seconds_of(lambda: ColorTable(AERIAL).ids(pixels)) for _ in range(3))
    assert 5 * by_look_up < by_sorting
