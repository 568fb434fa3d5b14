"""Maps whose classes overlap from the bytes of image files: bits of a grey PNG, or pages of a TIFF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.images import PngHeader, decode_labels, read_header
from segbench.errors import BadParameter, ResourceError, UnreadableImage, counted
from segbench.late import late
from segbench.metrics.layers import MOST_BITS

Labels: TypeAlias = NDArray[np.integer[Any]]

_open_raster = late("segbench.datasets.geo:open_raster")

_GREY = 0  # Colour type of the PNG specification.
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def decode_multilabel(data: bytes, n_classes: int) -> Labels:
    """Decode a map whose classes overlap.

    A grey PNG of 8 or 16 bits holds up to 8 or 16 classes: bit i, worth 2**i, is class i. A TIFF holds a page for each
    class, all of 0 and 1 or all of 0 and 255. Bits beyond the last class are kept, and refused when they are counted.

    Parameters
    ----------
    data : bytes
        The whole file.
    n_classes : int
        How many classes there are, at least one.

    Returns
    -------
    ndarray of uint8, uint16, uint32 or uint64, shape (rows, columns)
        A bit for each class; of more than 63 classes layers of 0 and 1 instead, uint8 of shape (n_classes, rows,
        columns). Either form is what `segbench.metrics.layers.as_layers` takes.

    Raises
    ------
    UnreadableImage
        When the file is damaged, of another kind, or has not room or pages for these classes.
    ResourceError
        When memory does not hold a TIFF.
    BadParameter
        For less than one class.
    """
    if n_classes < 1:
        raise BadParameter(f"{n_classes} classes", expected="at least one")
    return _from_pages(data, n_classes) if data[:4] in _TIFF else _from_bits(data, n_classes)


def _from_bits(data: bytes, n_classes: int) -> Labels:
    expected = _expected(n_classes)
    try:
        header = read_header(data)
    except UnreadableImage as error:
        # Words about labels would mislead here.
        raise UnreadableImage(error.found, expected=expected) from None
    if header.kind != _GREY or header.depth < 8 or header.depth < n_classes:
        raise UnreadableImage(f"{_described(header)} for {_classes(n_classes)}", expected=expected)
    return decode_labels(data, {}).astype(f"u{header.depth // 8}", copy=False)


def _described(header: PngHeader) -> str:
    if header.kind == _GREY:
        return f"a grey PNG of {counted(header.depth, 'bit')}"
    return "an RGB PNG" if header.is_rgb else "a palette PNG, whose index is no set of classes,"


def _from_pages(data: bytes, n_classes: int) -> Labels:
    with _open_raster(data) as raster:
        if (raster.n_pages, raster.bands) != (n_classes, 1) or raster.dtype.kind not in "iu":
            found = f"a TIFF of {counted(raster.n_pages, 'page')} of {counted(raster.bands, 'band')}, {raster.dtype},"
            raise UnreadableImage(f"{found} for {_classes(n_classes)}", expected=_expected(n_classes))
        pages = _masks(raster, n_classes)
        try:
            return _bits(pages, raster.shape, n_classes) if n_classes <= MOST_BITS else _layers(pages)
        except MemoryError:
            raise ResourceError(f"{_classes(n_classes)} of a TIFF", expected="a map that fits into memory") from None


def _masks(raster: Any, n_classes: int) -> Iterator[NDArray[np.bool_]]:
    """Yield the pages as yes and no; a file says yes by one number."""
    said = 0
    for number in range(n_classes):
        page = raster.read(0, raster.shape[0], number)
        mask = page != 0
        values = {*np.unique(page[mask]).tolist(), *([said] if said else [])}
        if len(values) > 1 or not values <= {1, 255}:
            found = f"{', '.join(map(str, sorted(values)[:3]))} in the pages 0 to {number} of a TIFF"
            raise UnreadableImage(found, expected="pages of 0 and 1, or all of 0 and 255")
        said = max(values, default=0)
        yield mask


def _bits(pages: Iterator[NDArray[np.bool_]], shape: tuple[int, int], n_classes: int) -> Labels:
    n_bytes = next(n for n in (1, 2, 4, 8) if 8 * n >= n_classes)
    bits: Labels = np.zeros(shape, f"u{n_bytes}")
    for i, page in enumerate(pages):
        bits |= page.astype(bits.dtype) << i
    return bits


def _layers(pages: Iterator[NDArray[np.bool_]]) -> Labels:
    return np.stack([page.view(np.uint8) for page in pages])


def _classes(n: int) -> str:
    return "1 class" if n == 1 else f"{n} classes"


def _expected(n_classes: int) -> str:
    pages = f"a TIFF of {counted(n_classes, 'page')}"
    bits = "8 or 16" if n_classes <= 8 else "16"
    return f"a grey PNG of {bits} bits, or {pages}" if n_classes <= 16 else pages
