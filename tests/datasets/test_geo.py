"""TIFF files: every form by value, against tifffile and Pillow; windows of rows; and how much is read for them."""

from __future__ import annotations

import io
import itertools
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from segbench.datasets.geo import open_raster
from segbench.errors import BadParameter, UnreadableImage
from tests.datasets.tifffiles import LONG8, page, tiff

DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8")
COMPRESSIONS = (None, "lzw", "zlib", "deflate", "packbits", "zstd", "lzma")
PREDICTED = ("lzw", "zlib", "deflate", "zstd", "lzma")
LAYOUTS: tuple[dict[str, Any], ...] = ({}, {"rowsperstrip": 7}, {"rowsperstrip": 1}, {"tile": (16, 32)})
KINDS: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((37, 45), {"photometric": "minisblack"}),
    ((37, 45, 3), {"photometric": "rgb", "planarconfig": "contig"}),
    ((3, 37, 45), {"photometric": "rgb", "planarconfig": "separate"}),
    ((37, 45, 4), {"photometric": "rgb", "planarconfig": "contig", "extrasamples": ["unspecified"]}),
    ((4, 37, 45), {"photometric": "minisblack", "planarconfig": "separate"}),
)


def some_values(shape: tuple[int, ...], dtype: str, seed: int = 0) -> NDArray[Any]:
    """Return flat areas with some noise, so that every codec has something to find; negative where it can be."""
    dice = np.random.default_rng(seed)
    values = np.where(dice.random(shape) < 0.3, dice.integers(0, 100, shape), 7)
    if np.dtype(dtype).kind == "f":
        return (values / 8 - 3).astype(dtype)
    return (values - 40 if np.dtype(dtype).kind == "i" else values).astype(dtype)


def written(pixels: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def bands_last(pixels: NDArray[Any], kind: dict[str, Any]) -> NDArray[Any]:
    return np.moveaxis(pixels, 0, -1) if kind.get("planarconfig") == "separate" else pixels


def whole(data: bytes, number: int = 0) -> NDArray[Any]:
    with open_raster(data) as raster:
        return raster.read(0, raster.shape[0], number)


def refusal(data: bytes) -> UnreadableImage:
    with pytest.raises(UnreadableImage) as caught, open_raster(data) as raster:
        for number in range(raster.n_pages):
            raster.read(0, raster.shape[0], number)
    assert caught.value.expected and "\n" not in str(caught.value)
    return caught.value


class TestForms:
    """Files that tifffile wrote, by value and against what tifffile reads."""

    @pytest.mark.parametrize("compression", COMPRESSIONS)
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_every_form(self, dtype: str, compression: str | None) -> None:
        # tifffile writes no differences of 64-bit integers.
        predictors = (False, True) if compression in PREDICTED and dtype not in ("u8", "i8") else (False,)
        layouts = LAYOUTS[1::2] if compression == "lzma" else LAYOUTS  # its encoder takes its time
        for i, ((shape, kind), layout, order, predictor) in enumerate(
            itertools.product(KINDS, layouts, "<>", predictors)
        ):
            pixels = some_values(shape, dtype, i)
            options = {"compression": compression, "predictor": predictor, "byteorder": order, "bigtiff": i % 3 == 0}
            data = written(pixels, **kind, **layout, **options)
            assert np.array_equal(tifffile.imread(io.BytesIO(data)), pixels), "the reference itself differs"
            found = whole(data)
            assert found.dtype == np.dtype(dtype), (kind, layout, options)
            assert np.array_equal(found, bands_last(pixels, kind)), (kind, layout, options)

    @pytest.mark.parametrize("compression", COMPRESSIONS)
    @pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
    def test_one_bit(self, photometric: str, compression: str | None) -> None:
        for columns, layout in itertools.product((1, 7, 8, 9, 45), LAYOUTS):
            mask = np.random.default_rng(columns).random((37, columns)) < 0.5
            data = written(mask, photometric=photometric, compression=compression, **layout)
            white = mask if photometric == "minisblack" else ~mask
            found = whole(data)
            assert found.dtype == np.uint8
            assert np.array_equal(found, white), (columns, layout)
            if compression != "lzma":  # which Pillow's TIFF library may be built without
                assert np.array_equal(found, np.asarray(Image.open(io.BytesIO(data)))), (columns, layout)

    @pytest.mark.parametrize("bits", [2, 4])
    @pytest.mark.parametrize("columns", [1, 3, 4, 5, 8, 9])
    def test_packed_values_are_not_scaled(self, bits: int, columns: int) -> None:
        values = np.random.default_rng(columns).integers(0, 1 << bits, (5, columns))
        rows = ["".join(f"{value:0{bits}b}" for value in row) for row in values.tolist()]
        n = -(-columns * bits // 8)
        packed = b"".join(int(row.ljust(8 * n, "0"), 2).to_bytes(n, "big") for row in rows)
        found = whole(tiff([page(5, columns, 16, BITS=bits, STRIP_BYTES=len(packed))], packed))
        assert found.dtype == np.uint8 and np.array_equal(found, values)

    @pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16", "I", "F"])
    @pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits"])
    def test_what_pillow_writes(self, mode: str, compression: str) -> None:
        values = some_values((23, 31), "u1")
        image = Image.fromarray(values)
        if mode == "P":
            image.putpalette(bytes(range(255, -1, -1)) * 3)
        image = image if mode in "LP" else image.convert(mode)
        file = io.BytesIO()
        image.save(file, format="TIFF", compression=compression)
        found = whole(file.getvalue())
        assert np.array_equal(found, np.asarray(Image.open(file)))
        assert mode != "P" or np.array_equal(found, values), "palette indices"

    def test_float_differences_as_pillow_reads_them(self) -> None:
        # Not in the other byte order: there Pillow 13 returns floats with their bytes swapped.
        pixels = some_values((20, 30), "f4")
        data = written(pixels, compression="zlib", predictor=True, byteorder="<")
        assert np.array_equal(whole(data), np.asarray(Image.open(io.BytesIO(data))))

    @pytest.mark.parametrize("big", [False, True])
    @pytest.mark.parametrize("order", "<>")
    def test_files_by_the_specification_alone(self, order: str, big: bool) -> None:
        pages = [page(2, 3, 16), page(2, 3, 22)]
        for kind in (4, LONG8) if big else (4,):
            with open_raster(tiff(pages, bytes(range(12)), order=order, big=big, kind=kind)) as raster:
                assert (raster.n_pages, raster.shape, raster.bands, raster.dtype) == (2, (2, 3), 1, np.uint8)
                assert raster.stack().tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]

    @pytest.mark.parametrize("columns", [1, 3])
    def test_a_last_strip_filled_up(self, columns: int) -> None:
        parts = [imagecodecs.deflate_encode(bytes([i]) * 4 * columns) for i in (1, 2)]
        fields = page(5, columns, 16, COMPRESSION=8, STRIP_ROWS=4, STRIPS=[16, 16 + len(parts[0])],
                      STRIP_BYTES=[len(part) for part in parts])  # fmt: skip
        assert whole(tiff([fields], b"".join(parts)))[:, 0].tolist() == [1, 1, 1, 1, 2]

    def test_smaller_versions_and_masks_are_passed_over(self) -> None:
        pages = [page(2, 3, 16), page(1, 2, 16, SUBFILE=1), page(2, 3, 16, SUBFILE=4), page(2, 3, 22, SUBFILE=2)]
        assert open_raster(tiff(pages, bytes(12))).n_pages == 2
        assert "no page" in refusal(tiff(pages[1:2], bytes(12))).found

    @pytest.mark.parametrize("name", ["mask2d.tif", "img2d.tif", "mask3d.tif", "img3d.tif"])
    def test_real_files(self, real_data: Path, name: str) -> None:
        data = (real_data / "stardist-nuclei" / name).read_bytes()
        expected = tifffile.imread(io.BytesIO(data))
        with open_raster(data) as raster:
            found = raster.stack()
        assert np.array_equal(found, expected.reshape(found.shape)) and found.any()


class TestWindows:
    @pytest.mark.parametrize("layout", LAYOUTS, ids=str)
    @pytest.mark.parametrize("compression", [None, "lzw"])
    @pytest.mark.parametrize("shape", [(61, 45), (61, 45, 3), (3, 61, 45)], ids=str)
    def test_windows_equal_the_whole(
        self, shape: tuple[int, ...], compression: str | None, layout: dict[str, Any]
    ) -> None:
        kind = next(kind for form, kind in KINDS if len(form) == len(shape) and (form[0] == 3) == (shape[0] == 3))
        pixels = some_values(shape, "u2")
        dice = random.Random(str(layout))
        with open_raster(io.BytesIO(written(pixels, compression=compression, **kind, **layout))) as raster:
            for _ in range(40):
                start, stop = sorted(dice.choices(range(62), k=2))
                expected = bands_last(pixels, kind)[start:stop]
                found = raster.read(start, stop)
                assert found.shape == expected.shape and np.array_equal(found, expected), (start, stop)

    @pytest.mark.parametrize("compression", [None, "zlib"])
    @pytest.mark.parametrize("dtype", ["u1", "f4"])
    def test_pages(self, dtype: str, compression: str | None) -> None:
        pixels = some_values((5, 21, 17), dtype)
        with open_raster(written(pixels, photometric="minisblack", compression=compression, rowsperstrip=4)) as raster:
            assert raster.n_pages == 5
            assert raster.stack().dtype == np.dtype(dtype) and np.array_equal(raster.stack(), pixels)
            for number in (3, 0, 4, 4, 1):
                assert np.array_equal(raster.read(6, 15, number), pixels[number, 6:15])

    @pytest.mark.parametrize("window", [(-1, 3), (3, 2), (0, 6), (6, 6)])
    def test_rows_that_are_not_there(self, window: tuple[int, int]) -> None:
        with open_raster(written(np.zeros((5, 4), np.uint8))) as raster:
            assert raster.read(5, 5).shape == (0, 4)
            with pytest.raises(BadParameter, match="5 rows and 1 page,"):
                raster.read(*window)
            for number in (-1, 1):
                with pytest.raises(BadParameter):
                    raster.read(0, 1, number)

    def test_bands_are_no_stack(self) -> None:
        data = written(np.zeros((5, 4, 3), np.uint8), photometric="rgb")
        with open_raster(data) as raster, pytest.raises(UnreadableImage, match="3 bands"):
            raster.stack()

    def test_the_file_stays_open(self, tmp_path: Path) -> None:
        (tmp_path / "a.tif").write_bytes(written(some_values((9, 8), "u1")))
        with (tmp_path / "a.tif").open("rb") as file:
            with open_raster(file) as raster:
                assert np.array_equal(raster.read(0, 9), some_values((9, 8), "u1"))
            assert not file.closed

    def test_results_belong_to_the_caller(self) -> None:
        with open_raster(written(np.ones((9, 8), np.uint8), compression="zlib")) as raster:
            raster.read(0, 9)[:] = 5
            assert raster.read(0, 9).max() == 1


class Watched(io.BytesIO):
    """A file that notes what is read of it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads: list[tuple[int, int]] = []

    def read(self, size: int | None = -1) -> bytes:
        start = self.tell()
        data = super().read(size)
        self.reads.append((start, len(data)))
        return data


class TestReads:
    def test_only_the_strips_of_the_rows(self) -> None:
        file = Watched(written(some_values((100, 40), "u1"), compression="zlib", rowsperstrip=10))
        (strips,) = [p.dataoffsets for p in tifffile.TiffFile(file).pages]
        with open_raster(file) as raster:
            file.reads.clear()
            raster.read(25, 42)
        assert [start for start, _ in file.reads] == list(strips[2:5])

    def test_each_strip_once_for_neighbours(self) -> None:
        file = Watched(written(some_values((100, 40), "u1"), compression="zlib", rowsperstrip=10))
        with open_raster(file) as raster:
            file.reads.clear()
            for row in range(100):
                raster.read(row, row + 1)
        assert len(file.reads) == len(set(file.reads)) == 10

    @pytest.mark.parametrize("dtype", ["u1", "f4", "?"])
    @pytest.mark.parametrize(("shape", "kind"), [((4096, 1001), KINDS[0][1]), ((3, 4096, 1001), KINDS[2][1])], ids=str)
    def test_rows_of_one_long_strip_that_is_not_compressed(
        self, shape: tuple[int, ...], kind: dict[str, Any], dtype: str
    ) -> None:
        if dtype == "?" and len(shape) == 3:
            pytest.skip("bits come in one band")
        pixels = np.random.default_rng(0).integers(0, 2 if dtype == "?" else 200, shape).astype(dtype)
        file = Watched(written(pixels, **kind))
        assert len(tifffile.TiffFile(file).pages[0].dataoffsets) == (shape[0] if len(shape) == 3 else 1)
        with open_raster(file) as raster:
            file.reads.clear()
            assert np.array_equal(raster.read(2000, 2100), bands_last(pixels, kind)[2000:2100])
        # At most two pieces of a mebibyte for each band.
        assert sum(n for _, n in file.reads) <= raster.bands * 2 << 20

    @pytest.mark.parametrize("compression", [None, "lzw"])
    def test_windows_of_a_large_file_take_little_memory(self, tmp_path: Path, compression: str | None) -> None:
        pixels = np.zeros((6000, 6000, 3), np.uint8)
        pixels[:, ::7] = 255
        path = tmp_path / "large.tif"
        layout = {"rowsperstrip": 16} if compression else {}
        tifffile.imwrite(path, pixels, photometric="rgb", compression=compression, **layout)
        code = (
            "import re, sys\n"
            "from segbench.datasets.geo import open_raster\n"
            "import imagecodecs, tifffile\n"
            "def peak(): return int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
            "start, total = peak(), 0\n"
            "with open(sys.argv[1], 'rb') as file, open_raster(file) as raster:\n"
            "    for row in range(0, 6000, 256):\n"
            "        total += int(raster.read(row, min(row + 256, 6000)).sum(dtype='u8'))\n"
            "print(total, peak() - start)\n"
        )
        if not Path("/proc/self/status").exists():
            pytest.skip("this system does not tell the peak of a process")
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        total, kib = map(int, done.stdout.split())
        assert total == int(pixels.sum(dtype="u8"))
        assert kib < 100 * 1024
