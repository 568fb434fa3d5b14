"""Every byte of small TIFF files changed or cut off: an answer or a refusal, and nothing said beside it."""

from __future__ import annotations

import io
import logging
import random
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tifffile

from segbench.datasets.geo import open_raster
from segbench.errors import UnreadableImage
from tests.datasets.test_geo import some_values, whole, written

GREY = some_values((12, 10), "u1")

FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "lzw strips": {"compression": "lzw", "predictor": True, "rowsperstrip": 5},
    "deflate big": {"compression": "zlib", "bigtiff": True, "byteorder": ">"},
    "packbits": {"compression": "packbits", "rowsperstrip": 4, "byteorder": ">"},
    "zstd tiles": {"compression": "zstd", "tile": (16, 16)},
    "lzma": {"compression": "lzma"},
}


def files() -> Iterator[tuple[str, bytes]]:
    for name, options in FORMS.items():
        yield name, written(GREY, metadata=None, software=False, **options)
    yield "bits", written(GREY > 7, metadata=None, software=False, compression="packbits")
    rgb = some_values((3, 9, 7), "u2")
    yield "planes", written(rgb, photometric="rgb", planarconfig="separate", metadata=None, compression="lzw")
    yield "floats", written(some_values((2, 9, 7), "f4"), photometric="minisblack", metadata=None, compression="zlib",
                            predictor=True)  # fmt: skip


def outcome(data: bytes) -> str:
    """Read all that a file holds: "read" or "refused"; anything else is raised."""
    try:
        with open_raster(data) as raster:
            for number in range(raster.n_pages):
                pixels = raster.read(0, raster.shape[0], number)
                assert pixels.shape[:2] == raster.shape and pixels.dtype == raster.dtype
    except UnreadableImage as error:
        assert "\n" not in str(error) and error.found and error.expected
        return "refused"
    return "read"


FILES = list(files())


@pytest.mark.parametrize(("name", "data"), FILES, ids=[name for name, _ in FILES])
class TestEveryByte:
    @pytest.fixture(autouse=True)
    def silent(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
        with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
            warnings.simplefilter("error")
            yield
        assert not caplog.records and capfd.readouterr() == ("", "")

    def test_cut_anywhere(self, name: str, data: bytes) -> None:
        outcomes = [outcome(data[:n]) for n in range(len(data))]
        assert outcomes.count("refused") > 0.8 * len(data)

    def test_every_flipped_byte(self, name: str, data: bytes) -> None:
        outcomes = []
        for i in range(len(data)):
            for mask in (1, 0x80, 0xFF):
                outcomes.append(outcome(data[:i] + bytes([data[i] ^ mask]) + data[i + 1 :]))
        assert "read" in outcomes and "refused" in outcomes

    def test_numbers_in_the_header(self, name: str, data: bytes) -> None:
        dice = random.Random(name)
        extremes = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\1\0"]
        outcomes = set()
        for _ in range(1500):
            changed = bytearray(data)
            for _ in range(dice.randint(1, 3)):
                at = dice.randrange(len(data) - 4)
                changed[at : at + 4] = dice.choice([*extremes, dice.randbytes(4), data[at + 1 : at + 5]])
            outcomes.add(outcome(bytes(changed)))
        assert outcomes == {"read", "refused"}


def test_tifffile_agrees_on_what_is_read() -> None:
    """Where both read a damaged file and find one page of the same size, they find the same values."""
    data = written(GREY, metadata=None, software=False, compression="packbits", rowsperstrip=4)
    compared = 0
    logging.getLogger("tifffile").addFilter(lambda _: False)
    for i in range(len(data)):
        changed = data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]
        if outcome(changed) == "read":
            try:
                with tifffile.TiffFile(io.BytesIO(changed)) as file:
                    reference = file.pages[0].asarray()
            except Exception:
                continue
            if reference.shape == GREY.shape:
                compared += 1
                assert np.array_equal(whole(changed), reference), i
    assert compared > 50
