"""Maps whose classes overlap: bits of PNG files and pages of TIFF files by value, refusals in one line, and damage."""

from __future__ import annotations

import io
import random
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from segbench.datasets.multilabel import decode_multilabel
from segbench.errors import BadParameter, ResourceError, SegbenchError, UnreadableImage
from segbench.metrics.layers import as_layers
from tests.datasets.damage import DAMAGES
from tests.datasets.pngs import GREY, GREY_ALPHA, PALETTE, RGB, RGBA, chunks_of, png
from tests.datasets.tifffiles import page, tiff


def some(shape: tuple[int, ...], depth: int = 8, seed: int = 0) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, 1 << depth, shape)


def layers(n_classes: int, shape: tuple[int, int] = (13, 21), seed: int = 0) -> NDArray[np.bool_]:
    """A layer for each class, some of them empty and the last one never."""
    rng = np.random.default_rng(seed)
    found = rng.random((n_classes, *shape)) < rng.choice([0, 0.3, 0.8], (n_classes, 1, 1))
    found[-1, -1, 0] = True
    return found


def written(pages: NDArray[Any], **options: Any) -> bytes:
    """A TIFF of several pages; a single one is a file of one page."""
    file = io.BytesIO()
    tifffile.imwrite(file, pages, photometric="minisblack", **options)
    return file.getvalue()


def refusal(data: bytes, n_classes: int) -> UnreadableImage:
    with pytest.raises(UnreadableImage) as caught:
        decode_multilabel(data, n_classes)
    assert caught.value.expected
    assert "\n" not in str(caught.value)
    return caught.value


def decoded_layers(data: bytes, n_classes: int) -> list[Any]:
    return [layer.tolist() for layer in as_layers(decode_multilabel(data, n_classes), n_classes, name="prediction")]


class TestBits:
    @pytest.mark.parametrize("interlaced", [False, True], ids=["plain", "interlaced"])
    @pytest.mark.parametrize(("depth", "n_classes"), [(8, 1), (8, 8), (16, 1), (16, 8), (16, 9), (16, 16)])
    def test_values(self, depth: int, n_classes: int, interlaced: bool) -> None:
        values = some((13, 21), depth)
        decoded = decode_multilabel(png(values, depth=depth, interlaced=interlaced), n_classes)
        assert decoded.dtype == {8: np.uint8, 16: np.uint16}[depth]
        assert np.array_equal(decoded, values)

    @pytest.mark.parametrize(("n_classes", "dtype"), [(5, np.uint8), (8, np.uint8), (12, np.uint16), (16, np.uint16)])
    def test_files_of_pillow_and_their_classes(self, n_classes: int, dtype: type[np.unsignedinteger[Any]]) -> None:
        expected = layers(n_classes)
        file = io.BytesIO()
        Image.fromarray((expected * (1 << np.arange(n_classes))[:, None, None]).sum(axis=0).astype(dtype)).save(
            file, "PNG"
        )
        assert decoded_layers(file.getvalue(), n_classes) == expected.tolist()

    def test_bits_beyond_the_last_class_are_left_to_the_count(self) -> None:
        assert decode_multilabel(png(np.array([[0, 7, 8, 255]])), 3).tolist() == [[0, 7, 8, 255]]

    @pytest.mark.parametrize(
        ("data", "n_classes", "found"),
        [
            (png(some((4, 5))), 9, "a grey PNG of 8 bits for 9 classes"),
            (png(some((4, 5), 16), depth=16), 17, "a grey PNG of 16 bits for 17 classes"),
            (png(some((4, 5), 1), depth=1), 1, "a grey PNG of 1 bit for 1 class"),
            (png(some((4, 5), 4), depth=4), 4, "a grey PNG of 4 bits for 4 classes"),
            (png(some((4, 5)), kind=PALETTE), 3, "a palette PNG, whose index is no set of classes, for 3 classes"),
            (png(some((4, 5, 3)), kind=RGB), 3, "an RGB PNG for 3 classes"),
            (png(some((4, 5, 2)), kind=GREY_ALPHA), 3, "a 8-bit grey with alpha PNG"),
            (png(some((4, 5, 4)), kind=RGBA), 3, "a 8-bit RGB with alpha PNG"),
            (b"\xff\xd8\xff" + bytes(60), 3, "a JPEG"),
            (b"GIF89a" + bytes(60), 3, "a GIF"),
            (b"0 1 2\n", 3, "no PNG"),
            (b"", 3, "an empty file"),
            (png(some((4, 5)))[:20], 3, "a PNG that ends in its header"),
        ],
    )
    def test_refused(self, data: bytes, n_classes: int, found: str) -> None:
        error = refusal(data, n_classes)
        assert error.found == found
        pages = f"a TIFF of {n_classes} page{'s'[: n_classes != 1]}"
        bits = {1: "8 or 16", 3: "8 or 16", 4: "8 or 16", 9: "16"}.get(n_classes)
        assert error.expected == (f"a grey PNG of {bits} bits, or {pages}" if bits else pages)

    @pytest.mark.parametrize("name", DAMAGES)
    def test_a_damaged_png_is_one_error_or_none(self, name: str) -> None:
        damage, _ = DAMAGES[name]
        refused = 0
        for seed in range(40):
            dice = random.Random(f"{name} {seed}")
            depth = dice.choice([8, 16])
            chunks = chunks_of(some((dice.randint(1, 12), dice.randint(1, 12)), depth, seed), depth=depth, kind=GREY)
            try:
                decoded = decode_multilabel(damage(chunks, dice), 8)
            except SegbenchError as error:
                refused += 1
                assert error.exit == 3
            else:
                assert decoded.dtype.kind == "u" and decoded.ndim == 2
        assert refused > 5


class TestPages:
    @pytest.mark.parametrize("n_classes", [1, 3, 8, 9, 16, 17, 32, 33, 63, 64, 70])
    def test_every_number_of_classes(self, n_classes: int) -> None:
        expected = layers(n_classes)
        decoded = decode_multilabel(written(expected.astype(np.uint8)), n_classes)
        assert decoded.dtype.kind == "u" and decoded.ndim == (2 if n_classes < 64 else 3)
        if n_classes < 64:
            assert decoded.dtype.itemsize * 8 == next(bits for bits in (8, 16, 32, 64) if bits >= n_classes)
        else:
            assert decoded.dtype == np.uint8 and np.array_equal(decoded, expected)
        assert decoded_layers(written(expected.astype(np.uint8)), n_classes) == expected.tolist()

    @pytest.mark.parametrize(
        ("yes", "dtype"), [*((1, dtype) for dtype in ("?", "u1", "i1", "u2", "i4", "u8")), (255, "u1"), (255, "i4")]
    )
    def test_every_form_gives_the_same_bits(self, yes: int, dtype: str) -> None:
        expected = layers(5)
        for options in ({}, {"compression": "zlib"}, {"byteorder": ">", "rowsperstrip": 4}, {"tile": (16, 16)}):
            data = written((expected * yes).astype(dtype), **options)
            assert decoded_layers(data, 5) == expected.tolist(), options

    def test_bits_are_pages_and_say_what_a_png_says(self) -> None:
        pages = np.array([[[1, 0, 0]], [[1, 1, 0]]], np.uint8)
        assert decode_multilabel(written(pages * 255), 2).tolist() == [[3, 2, 0]]
        assert decoded_layers(written(pages), 2) == decoded_layers(png(np.array([[3, 2, 0]])), 2)

    def test_pages_by_the_specification_alone(self) -> None:
        data = tiff([page(2, 3, 16), page(2, 3, 22)], bytes([0, 255, 0, 0, 0, 255, 255, 255, 0, 0, 0, 0]), order=">")
        assert decode_multilabel(data, 2).tolist() == [[2, 3, 0], [0, 0, 1]]

    def test_empty_pages(self) -> None:
        assert not decode_multilabel(written(np.zeros((4, 6, 5), np.uint8)), 4).any()

    @pytest.mark.parametrize(
        ("pages", "found"),
        [
            ([[[0, 2]], [[0, 1]]], "2 in the pages 0 to 0 of a TIFF"),
            ([[[0, 1]], [[0, 7]]], "1, 7 in the pages 0 to 1 of a TIFF"),
            # A file says yes by one number.
            ([[[0, 1]], [[0, 255]]], "1, 255 in the pages 0 to 1 of a TIFF"),
            ([[[1, 255]], [[0, 0]]], "1, 255 in the pages 0 to 0 of a TIFF"),
            ([[[0, 0]], [[254, 255]]], "254, 255 in the pages 0 to 1 of a TIFF"),
            ([[[3, 4]], [[0, 0]]], "3, 4 in the pages 0 to 0 of a TIFF"),
        ],
    )
    def test_other_values(self, pages: list[Any], found: str) -> None:
        error = refusal(written(np.array(pages, np.uint8)), 2)
        assert (error.found, error.expected) == (found, "pages of 0 and 1, or all of 0 and 255")

    def test_a_negative_value(self) -> None:
        assert refusal(written(np.full((2, 3, 4), -1, np.int8)), 2).found == "-1 in the pages 0 to 0 of a TIFF"

    @pytest.mark.parametrize(
        ("data", "n_classes", "found"),
        [
            (written(np.zeros((2, 4, 5), np.uint8)), 3, "a TIFF of 2 pages of 1 band, uint8, for 3 classes"),
            (written(np.zeros((4, 4, 5), np.uint8)), 3, "a TIFF of 4 pages of 1 band, uint8, for 3 classes"),
            (written(np.zeros((3, 4, 5), np.float32)), 3, "a TIFF of 3 pages of 1 band, float32, for 3 classes"),
            (
                written(np.zeros((3, 4, 5), np.uint8), planarconfig="separate"),
                3,
                "a TIFF of 1 page of 3 bands, uint8, for 3 classes",
            ),
        ],
    )
    def test_other_pages(self, data: bytes, n_classes: int, found: str) -> None:
        error = refusal(data, n_classes)
        assert error.found == found
        assert error.expected == f"a grey PNG of 8 or 16 bits, or a TIFF of {n_classes} pages"

    def test_pages_that_differ(self) -> None:
        assert "behind a page of" in refusal(tiff([page(2, 3, 16), page(3, 2, 16)], bytes(6)), 2).found

    def test_every_cut(self) -> None:
        data = written(layers(3, (4, 5)).astype(np.uint8))
        whole, refused = decode_multilabel(data, 3), 0
        for end in range(len(data)):
            try:
                assert np.array_equal(decode_multilabel(data[:end], 3), whole)
            except UnreadableImage:
                refused += 1
        assert refused >= len(data) - 16  # bytes that tifffile leaves behind the last page

    def test_damage_is_one_error_or_none(self) -> None:
        outcomes = {"read": 0, "refused": 0}
        for seed in range(600):
            dice = random.Random(seed)
            options: dict[str, Any] = {"compression": "zlib"} if seed % 2 else {}
            data = bytearray(written(layers(3, (5, 7), seed).astype(np.uint8), **options))
            data[dice.randrange(len(data))] = dice.randrange(256)
            try:
                outcomes["read"] += decode_multilabel(bytes(data), 3).shape[-2:] != ()
            except SegbenchError as error:
                outcomes["refused"] += 1
                assert error.exit in (3, 5)
        assert outcomes["read"] > 50 and outcomes["refused"] > 50

    def test_too_little_memory_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def none(*arguments: Any) -> None:
            raise MemoryError

        data = written(np.zeros((3, 4, 5), np.uint8))
        monkeypatch.setattr("segbench.datasets.multilabel._bits", none)
        with pytest.raises(ResourceError, match="3 classes of a TIFF; expected a map that fits into memory"):
            decode_multilabel(data, 3)


@pytest.mark.parametrize("n_classes", [0, -1])
def test_no_class(n_classes: int) -> None:
    with pytest.raises(BadParameter, match="expected at least one"):
        decode_multilabel(png(some((4, 5))), n_classes)
