"""TIFF files by windows of rows: aerial images and their label maps, and stacks of pages.

tifffile and imagecodecs are used here and in `lzw` only, and only to undo the compression of a strip or tile: what the
file says of itself is read by `tiffs` and `tiffpages`, so that no text of a stranger's file is looked at, nothing is
logged, and no more is decoded than the rows that are asked for.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.tiffpages import LZW, MOST_PIXELS, UNCOMPRESSED, Page, read_page
from segbench.datasets.tiffs import Source, damaged, read_directories
from segbench.errors import BadParameter, ResourceError, UnreadableImage, counted, require
from segbench.late import late

_undo_lzw = late("segbench.datasets.lzw:undo_lzw")


class _Block(NamedTuple):
    """The decoded strips or tiles that stand side by side, and where they stand."""

    page: int
    down: int
    pixels: NDArray[Any]


class Raster:
    """The pages of a TIFF file, read by windows of rows; a context manager.

    One thread at a time may read. The file must stay open meanwhile; it is not closed here.

    Parameters
    ----------
    source : Source
        The file.
    pages : sequence of Page
        Its pages, of equal size, bands and dtype.
    """

    def __init__(self, source: Source, pages: tuple[Page, ...]) -> None:
        self._source = source
        self._pages = pages
        self._last: _Block | None = None

    def __enter__(self) -> Raster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._last = None

    @property
    def n_pages(self) -> int:
        """How many pages the file has."""
        return len(self._pages)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of every page."""
        return self._pages[0].shape

    @property
    def bands(self) -> int:
        """Values a pixel: 1, 3 or 4."""
        return self._pages[0].bands

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values, native; values of 1, 2 and 4 bit are read as uint8."""
        return self._pages[0].dtype

    def read(self, start: int, stop: int, page: int = 0) -> NDArray[Any]:
        """Read a window of rows.

        Only the strips or tiles that hold these rows are decoded, one row of them at a time; the last one is kept for
        the next window.

        Parameters
        ----------
        start, stop : int
            First row, and the row behind the last one.
        page : int
            Number of the page, from 0 on.

        Returns
        -------
        ndarray of `dtype`, shape (stop − start, columns), or (stop − start, columns, bands) for several bands
            Values as stored: palette indices, and 1-, 2- and 4-bit values that are not scaled. Of 1-bit pages in which
            white is zero, 1 is white and 0 is black, as every viewer shows them.

        Raises
        ------
        UnreadableImage
            When these rows are damaged.
        ResourceError
            When memory does not hold them.
        BadParameter
            For rows or a page that the file does not have.
        """
        rows, columns = self.shape
        if not 0 <= start <= stop <= rows or not 0 <= page < self.n_pages:
            raise BadParameter(
                f"rows {start} to {stop} of page {page}",
                expected=f"{counted(rows, 'row')} and {counted(self.n_pages, 'page')}, from 0 on",
            )
        with _within_memory(stop - start, columns):
            window = np.empty((stop - start, columns, self.bands), self.dtype)
            self._fill(window, start, page)
        return window[..., 0] if self.bands == 1 else window

    def stack(self) -> NDArray[Any]:
        """Read all pages of one band.

        Returns
        -------
        ndarray of `dtype`, shape (pages, rows, columns)
            Values as `read` returns them.

        Raises
        ------
        UnreadableImage
            When a page is damaged, or the pages have several bands.
        ResourceError
            For more than 2**31 pixels, or when memory does not hold them.
        """
        if self.bands != 1:
            raise UnreadableImage(f"a TIFF of {self.bands} bands", expected="pages of one band")
        rows, columns = self.shape
        if self.n_pages * rows * columns > MOST_PIXELS:
            found = counted(self.n_pages, "page")
            raise ResourceError(f"{found} of {rows}×{columns} pixels", expected="at most 2³¹ pixels")
        with _within_memory(self.n_pages * rows, columns):
            pages = np.empty((self.n_pages, rows, columns, 1), self.dtype)
            for number, page in enumerate(pages):
                self._fill(page, 0, number)
        return pages[..., 0]

    def _fill(self, window: NDArray[Any], start: int, page: int) -> None:
        """Fill a window that begins with row `start`."""
        height, stop = self._pages[page].grid[0], start + len(window)
        for down in range(start // height, -(-stop // height) if len(window) else 0):
            top, block = down * height, self._block(page, down)
            first, last = max(start, top), min(stop, top + len(block))
            window[first - start : last - start] = block[first - top : last - top]

    def _block(self, number: int, down: int) -> NDArray[Any]:
        """Return the rows that the segments number `down` hold, shape (rows, columns, bands)."""
        if self._last is None or self._last[:2] != (number, down):
            self._last = None  # Let go first, so that two are never held.
            self._last = _Block(number, down, self._decoded(self._pages[number], down))
        return self._last.pixels

    def _decoded(self, page: Page, down: int) -> NDArray[Any]:
        planes, _, across = page.offsets.shape
        width = page.grid[1]
        if planes == across == 1 and width == page.shape[1]:
            return self._segment(page, (0, down, 0))
        block = np.empty((page.rows_of(down), page.shape[1], page.bands), page.dtype)
        for plane in range(planes):
            bands = slice(None) if planes == 1 else slice(plane, plane + 1)
            for i in range(across):
                part = block[:, i * width : (i + 1) * width, bands]
                part[:] = self._segment(page, (plane, down, i))[:, : part.shape[1]]
        return block

    def _segment(self, page: Page, place: tuple[int, int, int]) -> NDArray[Any]:
        """Return one strip or tile, shape (rows within the page, columns of the segment, samples)."""
        rows, offset, count = page.rows_of(place[1]), int(page.offsets[place]), int(page.counts[place])
        needed = rows * page.row_bytes
        if page.compression == UNCOMPRESSED:
            return _values(self._source.read(offset, needed), page)
        if page.compression == LZW:
            return _values(_undo_lzw(self._source.read(offset, count), rows, page.row_bytes), page)
        # The strip at the end may be filled up to the height of the others.
        most = min(page.grid[0] * page.row_bytes, page.codec.ratio * count)
        data = _decompressed(self._source.read(offset, count), most, page)
        if len(data) < needed:
            raise damaged("rows are missing")
        return _values(memoryview(data)[:needed], page)


def open_raster(file: bytes | BinaryIO) -> Raster:
    """Open a TIFF file: classic or BigTIFF, in either byte order, in strips or tiles.

    Parameters
    ----------
    file : bytes or binary file
        The content, or a file that can seek; it stays open.

    Returns
    -------
    Raster
        Its pages; no pixel is decoded yet. Smaller versions and masks of other pages are passed over.

    Raises
    ------
    UnreadableImage
        When it is no TIFF, is damaged or cut, or of a kind that cannot hold labels: compressed with loss or in a way
        that is not known, of other than 1, 3 or 4 bands, complex, more than 1 bit with white as zero, sparse, of more
        than 2**31 pixels or 10,000 pages, or with pages that differ in size, bands or dtype.
    ResourceError
        When memory does not hold its headers.
    """
    with _within_memory(0, 0):
        source = Source(io.BytesIO(file) if isinstance(file, bytes) else file)
        pages = tuple(map(read_page, read_directories(source)))
    if not pages:
        raise damaged("it has no page")
    _refuse_different(pages)
    _refuse_outside(pages, source.size)
    return Raster(source, pages)


def _refuse_different(pages: tuple[Page, ...]) -> None:
    first = pages[0]
    for number, page in enumerate(pages):
        if (page.shape, page.bands, page.dtype) != (first.shape, first.bands, first.dtype):
            raise UnreadableImage(
                f"page {number} of {_described(page)} behind a page of {_described(first)}",
                expected="pages of equal size, bands and type",
                mend="save them as files of their own",
            )


def _described(page: Page) -> str:
    return f"{page.shape[0]}×{page.shape[1]}×{page.bands} {page.dtype.name}"


def _refuse_outside(pages: tuple[Page, ...], size: int) -> None:
    """Refuse segments behind the end of the file, and such as must overlap: they would be decoded again and again."""
    total = 0
    for page in pages:
        end = int((page.offsets + page.counts).max())
        if end > size:
            raise damaged(f"it has {size} bytes and its pixels end at byte {end}")
        total += int(page.counts.sum())
        if total > size:
            raise damaged("its strips or tiles overlap")


@contextmanager
def _within_memory(rows: int, columns: int) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        what = f"a TIFF of {rows}×{columns} pixels" if rows else "a TIFF with long directories"
        raise ResourceError(what, expected="an image that fits into memory") from None


def _codecs(page: Page) -> tuple[Callable[..., bytes], Callable[..., NDArray[Any]]]:
    """Return what undoes the compression, and what undoes the predictor."""
    require("imagecodecs", extra="geo")  # Without it tifffile goes on, and knows less.
    known = require("tifffile", extra="geo").TIFF
    return known.DECOMPRESSORS[page.compression], known.UNPREDICTORS[page.predictor]


def _decompressed(data: bytes, most: int, page: Page) -> bytes:
    decompress, _ = _codecs(page)
    try:
        return decompress(data, out=most)
    except MemoryError:
        raise
    except Exception as error:  # Each codec has an error of its own, derived from nothing else.
        raise damaged(f"{page.codec.name}: {error}") from None


def _values(data: bytes | memoryview, page: Page) -> NDArray[Any]:
    """Return the values of a decompressed segment, shape (rows, columns of the segment, samples)."""
    rows = len(data) // page.row_bytes
    if page.bits < 8:
        return _unpacked(np.frombuffer(data, np.uint8).reshape(rows, -1), page)
    if page.predictor == 1:
        return np.frombuffer(data, page.stored).reshape(rows, page.grid[1], page.samples)
    # Over the bytes of floats the differences are taken from the highest byte on, whatever the order of the file.
    stored = page.dtype if page.dtype.kind == "f" else page.stored
    values = np.frombuffer(data, stored).reshape(rows, page.grid[1], page.samples).astype(page.dtype)
    _, unpredict = _codecs(page)
    return unpredict(values, axis=-2, out=values)


def _unpacked(packed: NDArray[np.uint8], page: Page) -> NDArray[np.uint8]:
    """Return the values of 1, 2 or 4 bit, the highest bits of a byte first."""
    shifts = np.arange(8 - page.bits, -1, -page.bits, dtype=np.uint8)
    values: NDArray[np.uint8] = packed[:, :, None] >> shifts & np.uint8((1 << page.bits) - 1)
    values = values.reshape(len(packed), -1)[:, : page.grid[1], None]
    return values ^ np.uint8(1) if page.inverted else values
