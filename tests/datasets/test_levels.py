"""Probability maps and binary truth: every kind of file by value, refusals in one line, and damage."""

from __future__ import annotations

import io
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segbench.datasets.levels import decode_binary, decode_levels
from segbench.datasets.pillow import read_gif
from segbench.errors import SegbenchError, UnreadableImage
from tests.datasets.damage import DAMAGES
from tests.datasets.gifs import COMMENT, GREYS, TRANSPARENT, codes, frame, gif, screen
from tests.datasets.pngs import GREY, GREY_ALPHA, PALETTE, RGB, RGBA, chunks_of, png

Decoder = Callable[[bytes], NDArray[np.uint8]]


def some(shape: tuple[int, ...], depth: int = 8, seed: int = 0) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, 1 << depth, shape)


def as_gif(pixels: NDArray[np.uint8], **options: object) -> bytes:
    """Return a GIF written by Pillow, compressed."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "GIF", **options)
    return file.getvalue()


def refusal(decode: Decoder, data: bytes) -> UnreadableImage:
    with pytest.raises(UnreadableImage) as caught:
        decode(data)
    assert caught.value.expected
    assert "\n" not in str(caught.value)
    return caught.value


class TestLevels:
    @pytest.mark.parametrize("interlaced", [False, True], ids=["plain", "interlaced"])
    @pytest.mark.parametrize(
        ("depth", "level"),
        [
            (1, lambda v: 255 * v),
            (2, lambda v: 85 * v),  # 3 · 85 = 255
            (4, lambda v: 17 * v),  # 15 · 17 = 255
            (8, lambda v: v),
            (16, lambda v: v // 256),
        ],
    )
    def test_grey(self, depth: int, level: Callable[[NDArray[np.int64]], NDArray[np.int64]], interlaced: bool) -> None:
        values = some((13, 21), depth)
        decoded = decode_levels(png(values, depth=depth, interlaced=interlaced))
        assert decoded.dtype == np.uint8
        assert np.array_equal(decoded, level(values))

    def test_sixteen_bits_are_cut_not_rounded(self) -> None:
        values = np.array([[0, 255, 256, 0x7FFF, 0x80FF, 65535]])
        # Rounding 255 · v / 65535 would give 0, 1, 1, 127, 128, 255.
        assert decode_levels(png(values, depth=16)).tolist() == [[0, 0, 1, 127, 128, 255]]

    def test_transparency_changes_nothing(self) -> None:
        values = some((9, 10))
        assert np.array_equal(decode_levels(png(values, extra=[(b"tRNS", b"\0\1")])), values)

    @pytest.mark.parametrize(
        ("data", "found"),
        [
            (png(some((4, 5)), kind=PALETTE), "a palette image, whose index is no probability"),
            (png(some((4, 5), 1), kind=PALETTE, depth=1), "a palette image, whose index is no probability"),
            (png(some((4, 5, 3)), kind=RGB), "an RGB image"),
            (png(some((4, 5, 3), 16), kind=RGB, depth=16), "a 16-bit RGB PNG"),
            (png(some((4, 5, 2)), kind=GREY_ALPHA), "a 8-bit grey with alpha PNG"),
            (png(some((4, 5, 4)), kind=RGBA), "a 8-bit RGB with alpha PNG"),
            (b"\xff\xd8\xff" + bytes(60), "a JPEG"),
            (as_gif(np.zeros((4, 5), np.uint8)), "a GIF"),
            (b"II*\0" + bytes(60), "a TIFF"),
            (b"0.1 0.2\n", "no PNG"),
            (b"", "an empty file"),
        ],
    )
    def test_what_is_no_probability(self, data: bytes, found: str) -> None:
        error = refusal(decode_levels, data)
        assert (error.found, error.expected) == (found, "a grey PNG of levels 0…255")
        assert error.mend == "save round(255·p) as an 8-bit grey PNG"

    def test_a_published_map(self, real_data: Path) -> None:
        data = (real_data / "drive-laddernet-preds/test/01.png").read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            expected = np.asarray(image)
        decoded = decode_levels(data)
        assert np.array_equal(decoded, expected)
        assert len(np.unique(decoded)) > 100


class TestBinary:
    @pytest.mark.parametrize(
        ("kind", "depth"),
        [*((GREY, depth) for depth in (1, 2, 4, 8, 16)), *((PALETTE, depth) for depth in (1, 2, 4, 8))],
    )
    def test_png(self, kind: int, depth: int) -> None:
        # Zeros, ones and larger values, each often.
        values = some((13, 21), depth) * some((13, 21), 1, seed=1)
        decoded = decode_binary(png(values, kind=kind, depth=depth))
        assert decoded.dtype == np.uint8
        assert np.array_equal(decoded, values > 0)
        assert set(np.unique(decoded).tolist()) == {0, 1}

    def test_a_faint_pixel_is_positive(self) -> None:
        assert decode_binary(png(np.array([[0, 1, 127, 255]]))).tolist() == [[0, 1, 1, 1]]
        assert decode_binary(png(np.array([[0, 1, 256, 65535]]), depth=16)).tolist() == [[0, 1, 1, 1]]

    def test_the_index_counts_not_the_colour(self) -> None:
        values = some((6, 7), 1).astype(np.uint8)
        black = gif(values, palette=bytes(768))
        assert np.array_equal(decode_binary(black), values)
        white_first = gif(values, palette=GREYS[::-1])
        assert np.array_equal(decode_binary(white_first), values)

    @pytest.mark.parametrize("largest", [1, 255])
    def test_gif(self, largest: int) -> None:
        values = some((31, 43), 1).astype(np.uint8) * np.uint8(largest)
        for data in (gif(values), as_gif(values), as_gif(values, interlace=True), as_gif(values, transparency=0)):
            decoded = decode_binary(data)
            assert decoded.dtype == np.uint8
            assert np.array_equal(decoded, values > 0)

    @pytest.mark.parametrize("kind", [RGB, RGBA, GREY_ALPHA])
    def test_colours_are_refused(self, kind: int) -> None:
        bands = {RGB: 3, RGBA: 4, GREY_ALPHA: 2}[kind]
        assert refusal(decode_binary, png(some((4, 5, bands)), kind=kind)).code == "unreadable-image"

    def test_a_real_truth_survives_the_change_of_format(self, real_data: Path) -> None:
        data = (real_data / "drive/test/manual1/01.png").read_bytes()
        decoded = decode_binary(data)
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image)
        assert np.array_equal(decoded, pixels == 255)
        assert decoded.shape == (584, 565) and 0.05 < decoded.mean() < 0.2
        assert np.array_equal(decode_binary(as_gif(pixels)), decoded)


class TestGif:
    @pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (8, 8), (13, 21), (33, 5)], ids=str)
    @pytest.mark.parametrize("interlaced", [False, True], ids=["plain", "interlaced"])
    def test_values(self, shape: tuple[int, int], interlaced: bool) -> None:
        values = some(shape).astype(np.uint8)
        for options in ({}, {"palette": GREYS}, {"palette": GREYS[::-1]}):
            assert np.array_equal(read_gif(gif(values, interlaced=interlaced, **options)), values)
        assert np.array_equal(read_gif(screen(*shape, b"") + frame(values, interlaced=interlaced) + b";"), values)

    @pytest.mark.parametrize("bits", range(2, 9))
    def test_codes_of_every_width(self, bits: int) -> None:
        values = some((9, 11), bits).astype(np.uint8)
        assert np.array_equal(read_gif(gif(values, bits=bits)), values)

    def test_files_of_pillow(self) -> None:
        for seed, depth in enumerate((1, 2, 4, 8)):
            values = np.repeat(some((40, 9), depth, seed), 7, axis=1).astype(np.uint8)
            image = Image.fromarray(values)
            image.putpalette(bytes(range(256)) * 3)
            file = io.BytesIO()
            image.save(file, "GIF", optimize=False)
            assert np.array_equal(read_gif(file.getvalue()), values)

    def test_what_stands_beside_the_picture_changes_nothing(self) -> None:
        values = some((12, 13)).astype(np.uint8)
        for extra in (COMMENT, TRANSPARENT, b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", b"!\xf9\x04\x0d\0\0\x05\0"):
            assert np.array_equal(read_gif(gif(values, before=extra + COMMENT, after=COMMENT)), values)
        assert np.array_equal(read_gif(gif(values) + b"anything"), values)

    @pytest.mark.parametrize(
        ("data", "found"),
        [
            (b"", "an empty file"),
            (b"GIF88a" + bytes(60), "no GIF"),
            (b"GIF89a", "a damaged GIF: cut"),
            (screen(4, 5) + b";", "a damaged GIF: no picture"),
            (screen(4, 5) + COMMENT + b";", "a damaged GIF: no picture"),
            (screen(4, 5) + b"\0" + frame(np.zeros((4, 5), np.uint8)) + b";", "a damaged GIF: a block of type 0"),
            (gif(np.zeros((4, 5), np.uint8), bits=8, stream=b""), "a damaged GIF: image file is truncated"),
            (gif(np.zeros((4, 5), np.uint8), bits=8, stream=codes([1] * 19)), "a damaged GIF: image file is truncated"),
            (gif(np.zeros((4, 5), np.uint8), bits=9, stream=codes([1] * 20)), "a damaged GIF: codes of 9 bits"),
            (gif(np.zeros((4, 5), np.uint8), bits=0, stream=codes([1] * 20)), "a damaged GIF: codes of 0 bits"),
        ],
    )  # fmt: skip
    def test_refused(self, data: bytes, found: str) -> None:
        assert refusal(read_gif, data).found.startswith(found)

    def test_one_picture_only(self) -> None:
        values = np.zeros((4, 5), np.uint8)
        assert refusal(read_gif, gif(values, after=frame(values))).found == "an animated GIF"
        assert refusal(read_gif, gif(values, after=COMMENT + frame(values))).found == "an animated GIF"

    @pytest.mark.parametrize(("at", "size"), [((0, 0), (4, 4)), ((0, 0), (5, 5)), ((0, 1), (4, 5)), ((1, 0), (4, 5))])
    def test_a_frame_that_is_not_the_picture(self, at: tuple[int, int], size: tuple[int, int]) -> None:
        data = screen(4, 5) + frame(np.zeros(size, np.uint8), at=at) + b";"
        assert refusal(read_gif, data).expected == "one that fills the picture"

    def test_a_picture_without_pixels(self) -> None:
        for shape in ((0, 5), (5, 0)):
            assert "×" in refusal(read_gif, gif(np.zeros(shape, np.uint8))).found

    @pytest.mark.parametrize("missing", [1, 20, 399])
    def test_a_missing_pixel(self, missing: int) -> None:
        values = some((20, 20)).astype(np.uint8)
        for end in (True, False):
            for interlaced in (True, False):
                stream = codes(values.ravel().tolist()[: 400 - missing], end=end)
                assert "damaged GIF" in refusal(read_gif, gif(values, stream=stream, interlaced=interlaced)).found

    def test_every_cut(self) -> None:
        data = gif(some((6, 7)).astype(np.uint8), before=TRANSPARENT)
        assert read_gif(data).shape == (6, 7)
        for end in range(len(data)):
            refusal(read_gif, data[:end])

    def test_a_header_that_promises_too_much_is_not_decoded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = screen(65535, 65535) + frame(np.zeros((1, 1), np.uint8))[:-1] + b"\0;"
        data = data.replace(b",\0\0\0\0\1\0\1\0", b",\0\0\0\0\xff\xff\xff\xff")
        monkeypatch.setattr("segbench.datasets.pillow.GifImageFile", None)
        tracemalloc.start()
        try:
            assert refusal(read_gif, data).found == "a damaged GIF: pixels are missing"
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()

    def test_the_densest_file_there_is(self) -> None:
        # One code stands for thousands of pixels where all are equal, and such a file must not be refused.
        values = np.zeros((4000, 4000), np.uint8)
        data = as_gif(values)
        assert values.size > 1000 * len(data)
        assert not decode_binary(data).any()

    def test_damage_is_one_error_or_none(self) -> None:
        outcomes = {"read": 0, "refused": 0}
        for seed in range(2000):
            dice = random.Random(seed)
            values = some((dice.randint(1, 12), dice.randint(1, 12)), 4, seed).astype(np.uint8)
            data = bytearray(gif(values, before=TRANSPARENT + COMMENT) if seed % 2 else as_gif(values))
            # Half of the damage behind the palette, which is most of the file and means nothing.
            for _ in range(dice.randint(1, 4)):
                data[dice.choice([dice.randrange(len(data)), dice.randrange(max(0, len(data) - 60), len(data))])] = (
                    dice.randrange(256)
                )
            try:
                outcomes["read"] += read_gif(bytes(data)).ndim == 2
            except SegbenchError as error:
                outcomes["refused"] += 1
                assert error.exit == 3
        assert outcomes["read"] > 200 and outcomes["refused"] > 200


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("decode", [decode_levels, decode_binary])
def test_a_damaged_png_is_one_error_or_none(name: str, decode: Decoder) -> None:
    damage, _ = DAMAGES[name]
    refused = 0
    for seed in range(60):
        dice = random.Random(f"{name} {seed}")
        depth = dice.choice([1, 2, 4, 8, 16])
        chunks = chunks_of(some((dice.randint(1, 12), dice.randint(1, 12)), depth, seed), depth=depth)
        try:
            decoded = decode(damage(chunks, dice))
        except SegbenchError as error:
            refused += 1
            assert error.exit == 3
        else:
            assert decoded.dtype == np.uint8 and decoded.ndim == 2
    assert refused > 5
