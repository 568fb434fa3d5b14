"""How the pixels of a TIFF page lie: what its fields mean, and what no label map or probability map may be.

The pixels of a page are cut into strips (all columns) or tiles, here both called segments; each is compressed on its
own. With `separate` planes every band has segments of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets import tiffs
from segbench.datasets.tiffs import Directory, damaged
from segbench.errors import UnreadableImage
from segbench.frozen import dataclass

Fields: TypeAlias = Mapping[int, NDArray[np.uint64]]

#: Pixels that a page, or a stack of pages, may have.
MOST_PIXELS = 1 << 31

#: Bytes of an uncompressed strip that are read at a time.
_PIECE = 1 << 20

_SEPARATE, _HORIZONTAL, _FLOATING = 2, 2, 3


class Codec(NamedTuple):
    """A lossless compression: its name, and how many bytes one byte becomes at most."""

    name: str
    ratio: int


UNCOMPRESSED, LZW = 1, 5
#: By the number in the file. LZW: a code of 12 bits stands for less than 4096 bytes. PackBits: two bytes stand for 128.
#: Zstandard: a block of 128 KiB takes at least four bytes. LZMA: a match of 273 bytes takes 14 decisions of at least
#: log2(2048/2017) bits. Deflate: a match of 258 bytes takes two bits.
CODECS = {
    UNCOMPRESSED: Codec("none", 1),
    LZW: Codec("LZW", 2731),
    8: Codec("deflate", 1032),
    32946: Codec("deflate", 1032),
    32773: Codec("PackBits", 64),
    34925: Codec("LZMA", 8192),
    50000: Codec("Zstandard", 1 << 15),
}
_JPEG = (6, 7, 33007, 34892)
_PREDICTED = ("LZW", "deflate", "LZMA", "Zstandard")

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = range(4)
_BANDS = {_WHITE_IS_ZERO: (1,), _BLACK_IS_ZERO: (1, 3, 4), _RGB: (3, 4), _PALETTE: (1,)}

_UNSIGNED, _SIGNED, _FLOAT, _UNTOLD = 1, 2, 3, 4
_LETTERS = {_UNSIGNED: "u", _SIGNED: "i", _FLOAT: "f", _UNTOLD: "u"}
_DEPTHS = {_UNSIGNED: (8, 16, 32, 64), _SIGNED: (8, 16, 32, 64), _FLOAT: (16, 32, 64), _UNTOLD: (8, 16, 32, 64)}
_PACKED_DEPTHS = (1, 2, 4)


@dataclass(frozen=True)
class Page:
    """One page: its size, and where and how its pixels are stored.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    bands : int
        Values a pixel.
    bits : int
        Bits a value.
    dtype : dtype
        Of the values, in the byte order of the machine; packed bits become uint8.
    stored : dtype
        Of the values, in the byte order of the file.
    compression : int
        A key of `CODECS`.
    predictor : int
        1 none, 2 differences between neighbours, 3 the same over the bytes of floats.
    inverted : bool
        Whether 0 and 1 are to be swapped, so that 1 is white.
    grid : (int, int)
        Rows and columns of a segment.
    offsets, counts : ndarray of int64, shape (planes, segments down, segments across)
        Position and length of each segment in the file.
    """

    shape: tuple[int, int]
    bands: int
    bits: int
    dtype: np.dtype[Any]
    stored: np.dtype[Any]
    compression: int
    predictor: int
    inverted: bool
    grid: tuple[int, int]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def codec(self) -> Codec:
        """The compression of the segments."""
        return CODECS[self.compression]

    @property
    def samples(self) -> int:
        """Values a pixel within one segment: 1 where each band has segments of its own."""
        return self.bands // len(self.offsets)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of a segment before compression."""
        return -(-self.grid[1] * self.samples * self.bits // 8)

    def rows_of(self, down: int) -> int:
        """Return how many rows of the page the segments number `down` hold."""
        return min(self.grid[0], self.shape[0] - down * self.grid[0])


def read_page(directory: Directory) -> Page:
    """Return the page that a directory describes.

    Parameters
    ----------
    directory : Directory
        As `tiffs.read_directories` yields it.

    Returns
    -------
    Page
        The page. Whether its segments lie within the file is not known yet.

    Raises
    ------
    UnreadableImage
        When it is damaged, or of a kind that cannot hold labels.
    """
    order, fields = directory
    shape = _one(fields, tiffs.ROWS), _one(fields, tiffs.COLUMNS)
    if not all(shape) or shape[0] * shape[1] > MOST_PIXELS:
        raise UnreadableImage(f"a TIFF of {shape[0]}×{shape[1]} pixels", expected="at least one pixel, at most 2³¹")
    bands = _one(fields, tiffs.SAMPLES)
    compression, photometric = _one(fields, tiffs.COMPRESSION), _one(fields, tiffs.PHOTOMETRIC)
    _refuse_unknown_codec(compression)
    bits = _one(fields, tiffs.BITS, bands)
    _refuse_unknown_kind(photometric, bands, bits)
    stored = _stored(_one(fields, tiffs.FORMAT, bands), bits, order)
    if bits not in (8, 16, 32, 64) and bands > 1:
        raise UnreadableImage(f"a TIFF of {bands} bands of {bits} bit", expected="8 bit a band")
    predictor = _predictor(fields, CODECS[compression], stored, bits)
    if _one(fields, tiffs.FILL_ORDER) != 1 or _one(fields, tiffs.DEPTH) != 1:
        raise UnreadableImage("a TIFF with reversed bits or a third axis", expected="fill order 1 and image depth 1")
    grid, offsets, counts = _segments(fields, shape, bands)
    native, inverted = stored.newbyteorder("="), photometric == _WHITE_IS_ZERO
    page = Page(shape, bands, bits, native, stored, compression, predictor, inverted, grid, offsets, counts)
    _refuse_missing_rows(page)
    return _in_pieces(page)


def _one(fields: Fields, tag: int, n: int = 1) -> int:
    """Return the value of a field, which may be repeated for each of `n` bands."""
    values = fields.get(tag)
    if values is None:
        raise damaged(f"field {tag} is missing")
    if len(values) > 1 and (len(values) != n or (values != values[0]).any()):
        raise UnreadableImage(f"a TIFF whose field {tag} has several values", expected="the same for every band")
    return int(values[0])


def _refuse_unknown_codec(compression: int) -> None:
    if compression not in CODECS:
        name = "JPEG" if compression in _JPEG else f"method {compression}"
        mend = "JPEG changes labels: save without it" if compression in _JPEG else "save it in one of these ways"
        known = ", ".join(dict.fromkeys(codec.name for codec in CODECS.values()))
        raise UnreadableImage(f"a TIFF compressed by {name}", expected=f"a compression among {known}", mend=mend)


def _refuse_unknown_kind(photometric: int, bands: int, bits: int) -> None:
    if bands not in _BANDS.get(photometric, ()):
        raise UnreadableImage(
            f"a TIFF of {bands} bands with photometric interpretation {photometric}",
            expected="grey or palette in one band, or 3 or 4 bands",
            mend="save the labels as a grey image",
        )
    if photometric == _WHITE_IS_ZERO and bits != 1:
        raise UnreadableImage(
            f"a {bits}-bit TIFF in which white is zero",
            expected="black is zero: readers differ on what the values mean",
            mend="save the labels as a grey image with photometric interpretation 1",
        )


def _stored(kind: int, bits: int, order: str) -> np.dtype[Any]:
    if bits in _PACKED_DEPTHS and kind in (_UNSIGNED, _UNTOLD):
        return np.dtype(np.uint8)
    if bits not in _DEPTHS.get(kind, ()):
        raise UnreadableImage(
            f"a TIFF of {bits}-bit values of format {kind}",
            expected="whole numbers of 1, 2, 4, 8, 16, 32 or 64 bit, or floats of 16, 32 or 64",
        )
    return np.dtype(f"{order}{_LETTERS[kind]}{bits // 8}")


def _predictor(fields: Fields, codec: Codec, stored: np.dtype[Any], bits: int) -> int:
    predictor = _one(fields, tiffs.PREDICTOR)
    if predictor == 1:
        return predictor
    if codec.name not in _PREDICTED or predictor != (_FLOATING if stored.kind == "f" else _HORIZONTAL) or bits < 8:
        raise UnreadableImage(
            f"a TIFF of {stored.name} values, compression {codec.name}, with predictor {predictor}",
            expected="predictor 2 for compressed whole numbers of 8 bit or more, 3 for compressed floats, or none",
        )
    return predictor


def _segments(
    fields: Fields, shape: tuple[int, int], bands: int
) -> tuple[tuple[int, int], NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of a segment, and position and length of each."""
    if tiffs.TILES in fields:
        grid = _one(fields, tiffs.TILE_ROWS), _one(fields, tiffs.TILE_COLUMNS)
        offsets, counts = fields.get(tiffs.TILES), fields.get(tiffs.TILE_BYTES)
    else:
        grid = min(_one(fields, tiffs.STRIP_ROWS), shape[0]), shape[1]
        offsets, counts = fields.get(tiffs.STRIPS), fields.get(tiffs.STRIP_BYTES)
    if not all(grid) or offsets is None or counts is None:
        raise damaged("its strips or tiles are missing")
    planes = bands if _one(fields, tiffs.PLANES) == _SEPARATE else 1
    places = planes, -(-shape[0] // grid[0]), -(-shape[1] // grid[1])
    n = places[0] * places[1] * places[2]
    if len(offsets) != n or len(counts) != n:
        raise damaged(f"{len(offsets)} positions and {len(counts)} lengths of strips or tiles, {n} are needed")
    if missing := int(np.count_nonzero((offsets == 0) | (counts == 0))):
        raise UnreadableImage(
            f"a TIFF with {missing} of {n} strips or tiles missing", expected="all of them", mend="save it not sparse"
        )
    if max(int(offsets.max()), int(counts.max())) >= 1 << 62:
        raise damaged("it points beyond its end")
    return grid, offsets.astype(np.int64).reshape(places), counts.astype(np.int64).reshape(places)


def _refuse_missing_rows(page: Page) -> None:
    """Refuse a page whose compressed bytes cannot become its pixels, before memory is asked for."""
    _, down, _ = page.counts.shape
    for number, lengths in ((0, page.counts[:, :-1]), (down - 1, page.counts[:, -1:])):
        if lengths.size and page.rows_of(number) * page.row_bytes > page.codec.ratio * int(lengths.min()):
            raise damaged("rows are missing")


def _in_pieces(page: Page) -> Page:
    """Return the page with its one uncompressed strip cut into smaller ones, which rows allow."""
    rows = max(1, _PIECE // page.row_bytes)
    if page.compression != UNCOMPRESSED or page.counts.shape[1:] != (1, 1) or rows >= page.grid[0]:
        return page
    if page.grid[1] != page.shape[1]:
        return page
    starts = np.arange(0, page.shape[0], rows)
    lengths = np.minimum(rows, page.shape[0] - starts) * page.row_bytes
    offsets = page.offsets + (starts * page.row_bytes)[None, :, None]
    counts = np.broadcast_to(lengths[None, :, None], offsets.shape)
    return replace(page, grid=(rows, page.grid[1]), offsets=offsets, counts=counts)
