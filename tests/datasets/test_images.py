"""Label maps from PNG bytes: every kind by value, and nothing but our own errors from whatever is damaged."""

from __future__ import annotations

import io
import random
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segbench.datasets.images import HEADER_BYTES, decode_labels, read_header
from segbench.datasets.pillow import read_rgb, write_label_png, write_rgb_png
from segbench.errors import SegbenchError, StrayLabel, UnreadableImage
from tests.datasets.damage import DAMAGES
from tests.datasets.pngs import (
    GREY,
    GREY_ALPHA,
    PALETTE,
    RGB,
    RGBA,
    SIGNATURE,
    bomb,
    chunk,
    chunks_of,
    header,
    join,
    png,
)

LABEL_KINDS = [*((GREY, depth) for depth in (1, 2, 4, 8, 16)), *((PALETTE, depth) for depth in (1, 2, 4, 8))]
SHAPES = [(1, 1), (1, 9), (7, 1), (5, 33), (16, 8), (13, 21)]
COLORS = {(0, 0, 0): 0, (128, 0, 0): 7, (0, 128, 255): 1000}


def some_labels(shape: tuple[int, int], depth: int, seed: int = 0) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, 1 << depth, shape)


def refusal(data: bytes) -> SegbenchError:
    with pytest.raises(SegbenchError) as caught:
        decode_labels(data, {})
    return caught.value


class TestValues:
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    @pytest.mark.parametrize("interlaced", [False, True], ids=["plain", "interlaced"])
    @pytest.mark.parametrize(("kind", "depth"), LABEL_KINDS)
    def test_a_label_is_the_value_in_the_file(
        self, kind: int, depth: int, interlaced: bool, shape: tuple[int, int]
    ) -> None:
        labels = some_labels(shape, depth)
        decoded = decode_labels(png(labels, kind=kind, depth=depth, interlaced=interlaced, parts=2), {})
        assert np.array_equal(decoded, labels)
        assert decoded.dtype.itemsize == (2 if depth == 16 else 1)

    @pytest.mark.parametrize(("kind", "depth"), LABEL_KINDS)
    def test_transparency_changes_nothing(self, kind: int, depth: int) -> None:
        labels = some_labels((9, 10), depth)
        content = bytes(range(1 << min(depth, 8))) if kind == PALETTE else b"\0\1"
        data = png(labels, kind=kind, depth=depth, extra=[(b"tRNS", content)])
        assert np.array_equal(decode_labels(data, {}), labels)

    @pytest.mark.parametrize("colors", [2, 4, 16, 256])
    def test_palette_files_of_pillow(self, colors: int) -> None:
        labels = some_labels((11, 17), colors.bit_length() - 1).astype(np.uint8)
        image = Image.fromarray(labels)
        image.putpalette(bytes(range(256))[:colors] * 3)
        file = io.BytesIO()
        image.save(file, "PNG", bits=colors.bit_length() - 1)
        assert np.array_equal(decode_labels(file.getvalue(), {}), labels)

    @pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16])
    def test_grey_files_of_pillow(self, dtype: type) -> None:
        labels = some_labels((11, 17), 1 if dtype is np.bool_ else 8 * np.dtype(dtype).itemsize).astype(dtype)
        file = io.BytesIO()
        Image.fromarray(labels).save(file, "PNG")
        assert np.array_equal(decode_labels(file.getvalue(), {}), labels)

    def test_the_palette_itself_does_not_matter(self) -> None:
        labels = some_labels((6, 7), 4)
        chunks = chunks_of(labels, kind=PALETTE, depth=4)
        black = [(kind, bytes(len(content)) if kind == b"PLTE" else content) for kind, content in chunks]
        assert np.array_equal(decode_labels(join(black), COLORS), labels)

    def test_files_of_our_own(self, tmp_path: Path) -> None:
        labels = some_labels((20, 30), 8).astype(np.uint8)
        write_label_png(tmp_path / "labels.png", labels, np.zeros((256, 3), np.uint8))
        assert np.array_equal(decode_labels((tmp_path / "labels.png").read_bytes(), {}), labels)
        pixels = some_labels((20, 30, 3), 8).astype(np.uint8)  # type: ignore[arg-type]
        write_rgb_png(tmp_path / "image.png", pixels)
        assert np.array_equal(read_rgb(tmp_path / "image.png"), pixels)


class TestColours:
    def pixels(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        choice = np.random.default_rng(3).integers(0, len(COLORS), (9, 14))
        return np.array(list(COLORS))[choice], np.array(list(COLORS.values()))[choice]

    @pytest.mark.parametrize("interlaced", [False, True])
    def test_a_colour_is_its_id(self, interlaced: bool) -> None:
        pixels, ids = self.pixels()
        assert np.array_equal(decode_labels(png(pixels, kind=RGB, interlaced=interlaced), COLORS), ids)

    def test_a_foreign_colour_is_a_stray(self) -> None:
        pixels, _ = self.pixels()
        pixels[4, 5] = pixels[7, 2] = (1, 2, 3)
        with pytest.raises(StrayLabel, match=r"colour \(1, 2, 3\) at row 4, column 5") as caught:
            decode_labels(png(pixels, kind=RGB), COLORS)
        assert (caught.value.pixel, caught.value.count) == ((4, 5), 2)

    def test_no_table_no_labels(self) -> None:
        assert refusal(png(self.pixels()[0], kind=RGB)).found == "an RGB image"


class TestHeader:
    @pytest.mark.parametrize(
        ("data", "found"),
        [
            (b"", "an empty file"),
            (b"sky road car\n", "no PNG"),
            (b"\xff\xd8\xff\xe0" + bytes(60), "a JPEG"),
            (b"GIF89a" + bytes(60), "a GIF"),
            (b"BM" + bytes(60), "a BMP"),
            (b"II*\0" + bytes(60), "a TIFF"),
            (SIGNATURE, "a PNG that ends in its header"),
            (png(np.zeros((3, 3), int))[: HEADER_BYTES - 1], "a PNG that ends in its header"),
            (join([(b"IDAT", bytes(20))]), "a PNG that ends in its header"),
            (join([header(0, 5)]), "a PNG of 0×5 pixels"),
            (join([header(5, 0)]), "a PNG of 5×0 pixels"),
            (join([header(1 << 31, 1)]), "a PNG of 2147483648×1 pixels"),
            (join([header(4, 4, 16, RGB)]), "a 16-bit RGB PNG"),
            (join([header(4, 4, 8, GREY_ALPHA)]), "a 8-bit grey with alpha PNG"),
            (join([header(4, 4, 8, RGBA)]), "a 8-bit RGB with alpha PNG"),
            (join([header(4, 4, 16, PALETTE)]), "a 16-bit palette PNG"),
            (join([header(4, 4, 3, GREY)]), "a 3-bit grey PNG"),
            (join([header(4, 4, 8, 7)]), "a 8-bit type 7 PNG"),
        ],
    )  # fmt: skip
    def test_refused_by_the_first_bytes(self, data: bytes, found: str) -> None:
        with pytest.raises(UnreadableImage) as caught:
            read_header(data[:HEADER_BYTES])
        assert caught.value.found == found
        assert caught.value.expected

    def test_a_jpeg_is_told_how_to_mend(self) -> None:
        assert "save as PNG" in refusal(b"\xff\xd8\xff" + bytes(60)).mend

    def test_size_and_kind(self) -> None:
        found = read_header(png(np.zeros((3, 5), int), kind=PALETTE, depth=2, interlaced=True)[:HEADER_BYTES])
        assert (found.height, found.width, found.depth, found.kind, found.interlaced) == (3, 5, 2, PALETTE, True)


class TestDamage:
    """What Pillow takes without a word, and we do not."""

    @pytest.mark.parametrize("interlaced", [False, True], ids=["plain", "interlaced"])
    @pytest.mark.parametrize(("kind", "depth"), LABEL_KINDS)
    @pytest.mark.parametrize("shape", [(5, 33), (13, 21), (9, 8)], ids=str)
    def test_a_missing_row(self, kind: int, depth: int, interlaced: bool, shape: tuple[int, int]) -> None:
        data = png(some_labels(shape, depth), kind=kind, depth=depth, interlaced=interlaced, n_rows=-1)
        assert "rows are missing" in refusal(data).found

    def test_a_missing_row_of_colours(self) -> None:
        pixels = np.zeros((4, 6, 3), int)
        assert decode_labels(png(pixels, kind=RGB), COLORS).shape == (4, 6)
        with pytest.raises(UnreadableImage, match="rows are missing"):
            decode_labels(png(pixels, kind=RGB, n_rows=3), COLORS)

    def test_pixels_in_two_places(self) -> None:
        *start, first, second, end = chunks_of(np.zeros((40, 40), int), parts=2)
        assert decode_labels(join([*start, first, second, end]), {}).shape == (40, 40)
        assert refusal(join([*start, first, (b"tEXt", b"a\0b"), second, end])).code == "unreadable-image"

    @pytest.mark.parametrize("i", range(4), ids=["IHDR", "PLTE", "IDAT", "IEND"])
    def test_a_wrong_checksum(self, i: int) -> None:
        chunks = chunks_of(some_labels((8, 8), 8), kind=PALETTE)
        data = join(chunks[:i]) + chunk(*chunks[i], checksum=1) + join(chunks[i + 1 :])[len(SIGNATURE) :]
        assert f"wrong checksum of chunk {chunks[i][0].decode()}" in refusal(data).found

    def test_every_flipped_pixel_bit(self) -> None:
        data = png(some_labels((12, 12), 5))
        start = data.index(b"IDAT") + 4
        for i in range(start, len(data) - 16):
            assert refusal(data[:i] + bytes([data[i] ^ 16]) + data[i + 1 :]).code == "unreadable-image"

    @pytest.mark.parametrize("at", [1, 2], ids=["before the pixels", "behind them"])
    def test_two_headers(self, at: int) -> None:
        chunks = chunks_of(some_labels((8, 8), 4), depth=4)
        chunks.insert(at, header(8, 8, 8))
        assert "two headers" in refusal(join(chunks)).found

    def test_a_moving_picture(self) -> None:
        chunks = chunks_of(some_labels((8, 8), 8), extra=[(b"acTL", b"\0\0\0\1\0\0\0\0")])
        assert refusal(join(chunks)).found == "an animated PNG"

    def test_what_follows_the_end_is_not_read(self) -> None:
        labels = some_labels((8, 8), 8)
        assert np.array_equal(decode_labels(png(labels) + b"anything", {}), labels)
        assert np.array_equal(decode_labels(join(chunks_of(labels)[:-1]), {}), labels)

    @pytest.mark.parametrize("text", [b"zTXt", b"iCCP"])
    def test_a_text_that_unpacks_to_gigabytes(self, text: bytes) -> None:
        compressed = bomb(4000, 4000)  # its pixels serve as a stream of 16 MB
        start = compressed.index(b"IDAT") + 4
        chunks = chunks_of(some_labels((8, 8), 8), extra=[(text, b"key\0\0" + compressed[start:-16])])
        peak, error = peak_of(join(chunks))
        assert error is not None and error.code == "unreadable-image"
        assert peak < 8 << 20

    @pytest.mark.parametrize("size", [(20_000, 20_000), ((1 << 31) - 1, 1), ((1 << 31) - 1, (1 << 31) - 1)], ids=str)
    def test_a_header_that_promises_too_much_is_not_decoded(
        self, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chunks = [header(*size), *chunks_of(some_labels((8, 8), 8))[1:]]
        monkeypatch.setattr("segbench.datasets.pillow.PngImageFile", None)
        assert "rows are missing" in refusal(join(chunks)).found

    def test_many_small_chunks(self) -> None:
        labels = some_labels((8, 8), 8)
        data = png(labels, extra=[(b"tEXt", b"k\0v")] * 20_000)
        start = time.perf_counter()
        assert np.array_equal(decode_labels(data, {}), labels)
        assert time.perf_counter() - start < 5


def peak_of(data: bytes) -> tuple[int, SegbenchError | None]:
    tracemalloc.start()
    try:
        decode_labels(data, {})
    except SegbenchError as error:
        return tracemalloc.get_traced_memory()[1], error
    finally:
        tracemalloc.stop()
    return 0, None


def damaged(name: str) -> Iterator[tuple[int, bytes]]:
    damage, n = DAMAGES[name]
    for seed in range(n):
        dice = random.Random(f"{name} {seed}")
        kind, depth = dice.choice([*LABEL_KINDS, (RGB, 8)])
        shape = (dice.randint(1, 12), dice.randint(1, 12), *((3,) if kind == RGB else ()))
        pixels = np.random.default_rng(seed).integers(0, 1 << depth, shape)
        chunks = chunks_of(
            pixels, kind=kind, depth=depth, interlaced=dice.random() < 0.3, parts=dice.randint(1, min(3, shape[0]))
        )
        yield seed, damage(chunks, dice)


def as_pillow_reads(data: bytes) -> NDArray[np.int64]:
    """Return what Pillow makes of a file, packed grey divided by what Pillow multiplied it with; RGB as 24 bits."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        pixels = np.asarray(image).astype(np.int64)
    depth, kind = data[24], data[25]
    if kind == GREY and depth in (2, 4):
        return pixels // {2: 85, 4: 17}[depth]
    return pixels @ (65536, 256, 1) if kind == RGB else pixels


class EveryColour(dict[tuple[int, int, int], int]):
    """A colour table that holds the colours of one file, each with its 24 bits as id."""

    def __init__(self, data: bytes) -> None:
        try:
            values = np.unique(as_pillow_reads(data)).tolist()
        except Exception:
            values = [0]
        super().__init__({(value >> 16, value >> 8 & 255, value & 255): value for value in values})


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_read_as_pillow_does_or_refused(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    outcomes = {"decoded": 0, "refused": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the reference
        files = [(seed, data, EveryColour(data) if data[25:26] == b"\2" else {}) for seed, data in damaged(name)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of ours
        for seed, data, colors in files:
            start = time.perf_counter()
            try:
                decoded = decode_labels(data, colors)
            except SegbenchError as error:
                outcomes["refused"] += 1
                assert error.exit == 3, f"seed {seed}"
            else:
                outcomes["decoded"] += 1
                assert np.array_equal(decoded, as_pillow_reads(data)), f"seed {seed}"
            assert time.perf_counter() - start < 5, f"seed {seed}"
    assert capfd.readouterr() == ("", "")
    # Damage that is always, or never, found would say that the test tests nothing.
    assert outcomes["refused"] > 0.2 * len(files)
    assert outcomes["decoded"] > 0 or name in ("wrong_checksum", "two_headers", "compressed_bomb")
