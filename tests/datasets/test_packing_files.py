"""The PNG and TIFF files that are packed are read by others as they were meant, and by us."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segbench.datasets.geo import open_raster
from segbench.datasets.images import decode_labels, palette_of, read_header
from segbench.datasets.pngwriter import encode_png
from segbench.datasets.tiffwriter import STRIP_BYTES, _directory, float_pages, rgb_tiff, strip_rows
from segbench.errors import ResourceError

SHAPES = [(1, 1), (3, 5), (40, 33), (257, 300)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("with_palette", [False, True])
def test_a_png_is_read_by_others_and_by_us(shape: tuple[int, int], with_palette: bool) -> None:
    rng = np.random.default_rng(shape[0])
    labels = rng.integers(0, 256, shape, dtype=np.uint8)
    palette = rng.integers(0, 256, (256, 3), dtype=np.uint8)
    data = encode_png(labels, palette.tobytes() if with_palette else b"")
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == ("P" if with_palette else "L")
        np.testing.assert_array_equal(np.asarray(image), labels)
        if with_palette:
            np.testing.assert_array_equal(np.asarray(image.convert("RGB")), palette[labels])
    np.testing.assert_array_equal(decode_labels(data, {}), labels)
    assert read_header(data).is_plain
    assert palette_of(data) == (palette.tobytes() if with_palette else b"")


def test_a_png_of_a_view_that_is_not_contiguous() -> None:
    labels = np.arange(200, dtype=np.uint8).reshape(10, 20)
    np.testing.assert_array_equal(decode_labels(encode_png(labels.T[::-1]), {}), labels.T[::-1])


@pytest.mark.parametrize("shape", [*SHAPES, (1000, 1200)])
def test_an_rgb_tiff_is_read_by_others_and_by_us(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(shape[1]).integers(0, 256, (*shape, 3), dtype=np.uint8)
    step = strip_rows(shape[1])
    data = rgb_tiff(shape, (pixels[start : start + step] for start in range(0, shape[0], step)))
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image), pixels)
    np.testing.assert_array_equal(pytest.importorskip("tifffile").imread(io.BytesIO(data)), pixels)
    np.testing.assert_array_equal(open_raster(data).read(0, shape[0]), pixels)


def test_strips_hold_about_a_mebibyte() -> None:
    assert strip_rows(1) == STRIP_BYTES // 3
    assert STRIP_BYTES / 2 < 3 * 6000 * strip_rows(6000) <= STRIP_BYTES
    assert strip_rows(10_000_000) == 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_pages", [1, 2, 7])
def test_a_stack_is_read_by_others_and_by_us(shape: tuple[int, int], n_pages: int) -> None:
    pages = np.random.default_rng(n_pages).random((n_pages, *shape)).astype(np.float32)
    data = b"".join(float_pages(iter(pages), n_pages))
    tifffile = pytest.importorskip("tifffile")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert [(page.shape, page.dtype) for page in file.pages] == [(shape, np.float32)] * n_pages
        for page, expected in zip(file.pages, pages, strict=True):
            np.testing.assert_array_equal(page.asarray(), expected)
    with Image.open(io.BytesIO(data)) as image:
        for number, expected in enumerate(pages):
            image.seek(number)
            np.testing.assert_array_equal(np.asarray(image), expected)
    np.testing.assert_array_equal(open_raster(data).stack(), pages)


def test_pages_are_drawn_one_at_a_time() -> None:
    drawn: list[int] = []

    def pages() -> Any:
        for number in range(3):
            drawn.append(number)
            yield np.zeros((2, 2), np.float32)

    parts = float_pages(pages(), 3)
    seen = [len(drawn) for _ in parts]
    assert seen == [0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(("n_bytes", "fits"), [((1 << 32) - 200, True), ((1 << 32) - 8, False)])
def test_a_tiff_beyond_4_gib_is_refused(n_bytes: int, fits: bool) -> None:
    # Judged by its lengths: nobody wants to hold the pixels.
    if fits:
        assert len(_directory({256: [1]}, [n_bytes], at=8, is_last=True)) == 2 + 3 * 12 + 4
        return
    with pytest.raises(ResourceError, match="at most 4 GiB"):
        _directory({256: [1]}, [n_bytes], at=8, is_last=True)
