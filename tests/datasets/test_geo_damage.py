"""TIFF files from strangers: whatever is wrong with them ends in an answer or in one line."""

from __future__ import annotations

import io
import sys
import time
from typing import Any

import imagecodecs
import numpy as np
import pytest

from segbench.datasets import geo
from segbench.datasets.geo import open_raster
from segbench.errors import MissingPackage, ResourceError, UnreadableImage
from tests.datasets.test_geo import refusal, some_values, whole, written
from tests.datasets.tifffiles import page, tiff

GREY = some_values((12, 10), "u1")
PIXELS = bytes(range(60))


def one(**changes: Any) -> bytes:
    """Return a file of 6×10 pixels with some fields changed."""
    return tiff([page(6, 10, 16, **changes)], PIXELS)


class TestRefused:
    def test_the_page_itself_is_read(self) -> None:
        assert whole(one()).tobytes() == PIXELS

    @pytest.mark.parametrize(
        ("data", "found"),
        [
            (b"", "an empty file"),
            (b"sky road car\n", "no TIFF"),
            (b"\x89PNG\r\n\x1a\n" + bytes(60), "no TIFF"),
            (b"II*", "no TIFF"),
            (b"II*\0" + bytes(4), "it has no page"),
            (b"II+\0\4\0\0\0" + bytes(8), "no BigTIFF header"),
            (b"II+\0\x08\0", "no TIFF"),
            (b"II*\0\xff\xff\0\0" + bytes(50), "points to byte"),
            (b"II*\0\x08\0\0\0" + bytes(50), "a directory of 0 entries"),
        ],
    )
    def test_no_header(self, data: bytes, found: str) -> None:
        assert found in refusal(data).found

    @pytest.mark.parametrize(
        ("changes", "found"),
        [
            ({"COMPRESSION": 7}, "compressed by JPEG"),
            ({"COMPRESSION": 6}, "compressed by JPEG"),
            ({"COMPRESSION": 34892}, "compressed by JPEG"),
            ({"COMPRESSION": 4}, "compressed by method 4"),
            ({"COMPRESSION": 50001}, "compressed by method 50001"),
            ({"COMPRESSION": 65535}, "compressed by method 65535"),
            ({"PHOTOMETRIC": 0}, "8-bit TIFF in which white is zero"),
            ({"PHOTOMETRIC": 5}, "photometric interpretation 5"),
            ({"PHOTOMETRIC": 2}, "1 bands with photometric interpretation 2"),
            ({"PHOTOMETRIC": None}, "field 262 is missing"),
            ({"SAMPLES": 2}, "2 bands"),
            ({"SAMPLES": 0}, "0 bands"),
            ({"SAMPLES": 60_000}, "60000 bands"),
            ({"SAMPLES": 3, "BITS": [8, 8, 16]}, "field 258 has several values"),
            ({"SAMPLES": 3, "BITS": [8, 8]}, "field 258 has several values"),
            ({"SAMPLES": 3, "BITS": 1}, "3 bands of 1 bit"),
            ({"BITS": 12}, "12-bit values of format 1"),
            ({"BITS": 0}, "0-bit values"),
            ({"BITS": 24, "FORMAT": 3}, "24-bit values of format 3"),
            ({"BITS": 64, "FORMAT": 6}, "64-bit values of format 6"),
            ({"FORMAT": 3}, "8-bit values of format 3"),
            ({"PREDICTOR": 2}, "with predictor 2"),
            ({"PREDICTOR": 3, "COMPRESSION": 8}, "with predictor 3"),
            ({"PREDICTOR": 77, "COMPRESSION": 8}, "with predictor 77"),
            ({"PREDICTOR": 2, "COMPRESSION": 32773}, "with predictor 2"),
            ({"FILL_ORDER": 2}, "reversed bits"),
            ({"DEPTH": 2}, "a third axis"),
            ({"ROWS": 0}, "0×10 pixels"),
            ({"COLUMNS": 0}, "6×0 pixels"),
            ({"ROWS": 65_536, "COLUMNS": 32_769}, "65536×32769 pixels"),
            ({"ROWS": (1 << 32) - 1, "COLUMNS": (1 << 32) - 1}, "pixels"),
            ({"ROWS": 7, "STRIP_ROWS": 7}, "rows are missing"),
            ({"STRIP_BYTES": 59}, "rows are missing"),
            ({"STRIP_BYTES": 1 << 31}, "its pixels end at byte"),
            ({"STRIPS": 1 << 31}, "its pixels end at byte"),
            ({"STRIPS": 0}, "1 of 1 strips or tiles missing"),
            ({"STRIP_BYTES": 0}, "1 of 1 strips or tiles missing"),
            ({"STRIPS": None}, "its strips or tiles are missing"),
            ({"STRIP_BYTES": None}, "its strips or tiles are missing"),
            ({"STRIP_ROWS": 0}, "its strips or tiles are missing"),
            ({"STRIP_ROWS": 3}, "1 positions and 1 lengths of strips or tiles, 2 are needed"),
            ({"STRIPS": [16, 17]}, "2 positions and 1 lengths"),
            ({"TILES": 16, "TILE_BYTES": 60}, "field 323 is missing"),
            ({"TILES": 16, "TILE_BYTES": 60, "TILE_ROWS": 0, "TILE_COLUMNS": 16}, "its strips or tiles are missing"),
            ({"TILES": 16, "TILE_BYTES": 60, "TILE_ROWS": 6, "TILE_COLUMNS": 16}, "rows are missing"),
            ({"TILES": 16, "TILE_BYTES": 60, "TILE_ROWS": 1 << 31, "TILE_COLUMNS": 1 << 31}, "rows are missing"),
        ],
        ids=str,
    )
    def test_a_field_that_cannot_be(self, changes: dict[str, Any], found: str) -> None:
        assert found in refusal(one(**changes)).found

    def test_a_hint_for_jpeg(self) -> None:
        data = written(np.zeros((16, 16, 3), np.uint8), photometric="rgb", compression="jpeg")
        assert "JPEG changes labels" in refusal(data).mend

    def test_sparse_tiles(self) -> None:
        # A writer leaves out what is empty: the position and the length of such a tile are 0.
        strips = {"STRIP_ROWS": 2, "STRIPS": [16, 0, 56], "STRIP_BYTES": [20, 0, 20]}
        assert "1 of 3 strips or tiles missing" in refusal(one(**strips)).found

    @pytest.mark.parametrize(
        "other",
        [page(5, 10, 16), page(6, 9, 16), page(6, 10, 16, FORMAT=2), page(3, 5, 16, BITS=16, STRIP_BYTES=30)],
        ids=["rows", "columns", "signed", "16 bit"],
    )
    def test_pages_that_differ(self, other: Any) -> None:
        assert "page 1 of" in refusal(tiff([page(6, 10, 16), other], PIXELS * 2)).found

    def test_text_is_not_looked_at(self) -> None:
        data = written(GREY, description="<OME" + "x" * 50, metadata=None, software=b"\xff\n\0a")
        assert np.array_equal(whole(data), GREY)
        ome = written(GREY, ome=True, metadata={"axes": "YX"})
        assert ome.count(b"<OME") == 1
        assert np.array_equal(whole(ome.replace(b"<OME", b"<\0\xff&")), GREY)


class TestLoopsAndBombs:
    @pytest.mark.parametrize("n", [1, 3])
    def test_directories_in_a_circle(self, n: int) -> None:
        # The first directory follows the pixels, which begin at byte 16.
        assert "in a circle" in refusal(tiff([page(2, 3, 16)] * n, bytes(6 * n), last=16 + 6 * n)).found

    def test_too_many_pages(self) -> None:
        pages = [page(1, 1, 16 + i) for i in range(10_001)]
        start = time.process_time()
        assert open_raster(tiff(pages[:10_000], bytes(10_000))).stack().shape == (10_000, 1, 1)
        assert "more than 10000 pages" in refusal(tiff(pages, bytes(10_001))).found
        assert time.process_time() - start < 60

    def test_a_directory_of_too_many_entries(self) -> None:
        fields = dict.fromkeys(range(1000, 6000), 1)
        assert "a directory of" in refusal(tiff([fields | page(6, 10, 16)], PIXELS)).found

    def test_a_field_that_comes_twice(self) -> None:
        data = bytearray(one())
        at = data.index(b"\x01\x01\x04\0\x01\0\0\0")  # field 257
        data[at] = 0
        assert "field 256 comes twice" in refusal(bytes(data)).found

    def test_values_that_are_read_again_and_again(self) -> None:
        # Each page would read the same long list of positions.
        n = 4000
        first = page(n, 1, 16, STRIP_ROWS=1, STRIPS=[16 + i for i in range(n)], STRIP_BYTES=[1] * n)
        data = tiff([first], bytes(n))
        assert whole(data).shape == (n, 1)
        directory = data[16 + n : 16 + n + 2 + 12 * len(first) + 4]
        copies = b""
        for i in range(1, 4):
            link = 0 if i == 3 else len(data) + i * len(directory)
            copies += directory[:-4] + link.to_bytes(4, "little")
        linked = bytearray(data + copies)
        linked[16 + n + len(directory) - 4 : 16 + n + len(directory)] = len(data).to_bytes(4, "little")
        assert "directories overlap" in refusal(bytes(linked)).found

    def test_strips_that_overlap(self) -> None:
        strips = {"ROWS": 600, "STRIP_ROWS": 6, "STRIPS": [16] * 100, "STRIP_BYTES": [60] * 100}
        assert "overlap" in refusal(one(**strips)).found

    @pytest.mark.parametrize("compression", [5, 8, 32946, 32773, 34925, 50000])
    def test_a_header_that_promises_too_much_is_not_decoded(
        self, compression: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(geo, "_codecs", None)
        changes = {"ROWS": 40_000, "COLUMNS": 50_000, "STRIP_ROWS": 40_000, "COMPRESSION": compression}
        assert "rows are missing" in refusal(one(**changes)).found

    @pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", "zstd", "lzma"])
    def test_what_compresses_best_is_read(self, compression: str) -> None:
        data = written(np.zeros((4096, 4096), np.uint8), compression=compression, rowsperstrip=4096)
        assert not whole(data).any()

    @pytest.mark.parametrize("encode", ["deflate", "lzw", "zstd", "lzma", "packbits"])
    def test_more_pixels_than_the_header_says(self, encode: str) -> None:
        codes = {"deflate": 8, "lzw": 5, "zstd": 50000, "lzma": 34925, "packbits": 32773}
        stream = getattr(imagecodecs, f"{encode}_encode")(bytes(1 << 18))
        data = tiff([page(6, 10, 16, COMPRESSION=codes[encode], STRIP_BYTES=len(stream))], stream)
        try:
            assert whole(data).shape == (6, 10)
        except UnreadableImage as error:
            assert "damaged" in error.found

    def test_a_stack_that_is_too_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(geo, "MOST_PIXELS", 119)
        with open_raster(tiff([page(6, 10, 16), page(6, 10, 76)], PIXELS * 2)) as raster:
            assert raster.read(0, 6).size == 60
            with pytest.raises(ResourceError, match="2 pages of 6×10 pixels"):
                raster.stack()

    def test_no_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def starved(*_: object) -> None:
            raise MemoryError

        data = written(GREY, compression="zlib")
        monkeypatch.setattr(geo, "_decompressed", starved)
        with open_raster(data) as raster, pytest.raises(ResourceError, match="12×10 pixels"):
            raster.read(0, 12)
        monkeypatch.setattr(geo, "read_page", starved)
        with pytest.raises(ResourceError):
            open_raster(data)

    @pytest.mark.parametrize("package", ["tifffile", "imagecodecs"])
    def test_a_missing_package(self, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingPackage, match=r"segbench\[geo\]"):
            whole(written(GREY, compression="zlib"))
        assert np.array_equal(whole(written(GREY)), GREY), "nothing is compressed: nothing is needed"


class Shrinking(io.BytesIO):
    """A file that ends earlier than it said."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size) if self.tell() < 12 else b""


class Broken(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize(("kind", "found"), [(Shrinking, "became shorter"), (Broken, "Input/output error")])
def test_a_file_that_fails(kind: type[io.BytesIO], found: str) -> None:
    with pytest.raises(UnreadableImage, match=found):
        open_raster(kind(one()))
