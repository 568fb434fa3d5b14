"""Label maps from PNG bytes. Plain files go to our own reader, the rest to Pillow.

The header is read by hand before anything is decoded, so that an image of the wrong size or kind, or one that would
unpack to gigabytes, is refused by its first 33 bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.colors import ColorTable
from segbench.errors import UnreadableImage
from segbench.frozen import dataclass
from segbench.kernels import png
from segbench.labels import Color
from segbench.late import late

Labels: TypeAlias = NDArray[np.integer[Any]]

_png_pixels = late("segbench.datasets.pillow:png_pixels")

#: Bytes of the signature and the first chunk.
HEADER_BYTES = 33

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_KIND_AT = 25  # Position of the colour type in the file.
_DEPTHS = {_GREY: (1, 2, 4, 8, 16), _RGB: (8,), _PALETTE: (1, 2, 4, 8)}
_NAMES = {_GREY: "grey", _RGB: "RGB", _PALETTE: "palette", _GREY_ALPHA: "grey with alpha", _RGBA: "RGB with alpha"}
_OTHER_FORMATS = {b"\xff\xd8\xff": "a JPEG", b"GIF8": "a GIF", b"BM": "a BMP", b"II*\0": "a TIFF", b"MM\0*": "a TIFF"}

#: The seven passes of an interlaced PNG: first row and column, then the steps between rows and columns.
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


@dataclass(frozen=True)
class PngHeader:
    """The first chunk of a PNG file.

    Parameters
    ----------
    height, width : int
        Size in pixels.
    depth : int
        Bits a sample.
    kind : int
        Colour type of the PNG specification: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
    interlaced : bool
        Whether the pixels come in the seven passes of Adam7.
    """

    height: int
    width: int
    depth: int
    kind: int
    interlaced: bool = False

    @property
    def is_rgb(self) -> bool:
        """Whether the file holds colours, which a colour table turns into labels."""
        return self.kind == _RGB

    @property
    def is_plain(self) -> bool:
        """Whether the fast reader takes such files: 8-bit grey or palette, not interlaced."""
        return self.depth == 8 and self.kind in (_GREY, _PALETTE) and not self.interlaced

    @property
    def n_bytes(self) -> int:
        """Bytes of the pixels before compression: each row of each pass begins with the number of its filter."""
        passes = _ADAM7 if self.interlaced else ((0, 0, 1, 1),)
        bits = self.depth * (3 if self.is_rgb else 1)
        sizes = ((-(-(self.height - r) // down), -(-(self.width - c) // right)) for r, c, down, right in passes)
        return sum(rows * (1 + -(-columns * bits // 8)) for rows, columns in sizes if rows > 0 and columns > 0)


def read_header(data: bytes) -> PngHeader:
    """Read the header of a PNG label map.

    Parameters
    ----------
    data : bytes
        At least the first 33 bytes of the file.

    Returns
    -------
    PngHeader
        Size and kind.

    Raises
    ------
    UnreadableImage
        When the bytes are no PNG, or a PNG that cannot hold labels.
    """
    if not data:
        raise UnreadableImage("an empty file", expected="a PNG label map")
    if not data.startswith(_SIGNATURE):
        found = next((name for start, name in _OTHER_FORMATS.items() if data.startswith(start)), "no PNG")
        mend = "JPEG changes labels: save as PNG" if found == "a JPEG" else ""
        raise UnreadableImage(found, expected="a PNG label map", mend=mend)
    if len(data) < HEADER_BYTES or data[12:16] != b"IHDR":
        raise UnreadableImage("a PNG that ends in its header", expected="a complete PNG")
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    if not 0 < width < 1 << 31 or not 0 < height < 1 << 31:
        raise UnreadableImage(f"a PNG of {height}×{width} pixels", expected="at least one pixel, at most 2³¹−1 a side")
    if depth not in _DEPTHS.get(kind, ()):
        raise UnreadableImage(
            f"a {depth}-bit {_NAMES.get(kind, f'type {kind}')} PNG",
            expected="palette, grey (up to 16 bit) or 8-bit RGB",
            mend="save the labels as a palette or grey image",
        )
    return PngHeader(height, width, depth, kind, interlaced=data[28] != 0)


def decode_labels(data: bytes, colors: Mapping[Color, int]) -> Labels:
    """Decode a PNG label map: palette index, grey value, or the id of a colour.

    Parameters
    ----------
    data : bytes
        The whole file.
    colors : mapping of (int, int, int) to int
        Id of each colour, for RGB files.

    Returns
    -------
    ndarray of uint8, uint16, int32 or int64, shape (height, width)
        Values as stored: 1-, 2- and 4-bit values are not scaled. Ids of colours as `ColorTable` returns them.

    Raises
    ------
    UnreadableImage
        When the file is damaged, or RGB where there is no colour table.
    StrayLabel
        When an RGB file holds a colour that is not in the table.
    """
    header = read_header(data)
    plain = png.decode(data) if header.is_plain else None
    if plain is not None:
        return plain
    if header.is_rgb and not colors:
        raise UnreadableImage("an RGB image", expected="palette index or grey value: no colour table is known")
    pixels: Labels = _png_pixels(data, header)
    if header.is_rgb:
        return ColorTable(colors).ids(pixels.astype(np.uint8, copy=False))
    if header.kind == _GREY and header.depth in (2, 4):
        # Pillow spreads the values of packed grey over 0…255; a label is the value itself.
        return pixels // np.uint8(255 // ((1 << header.depth) - 1))
    return pixels.astype(np.uint8) if pixels.dtype == np.bool_ else pixels


def decode_rgb(data: bytes) -> NDArray[np.uint8]:
    """Decode an RGB PNG.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Red, green and blue.

    Raises
    ------
    UnreadableImage
        When the file is damaged, or no RGB image.
    """
    header = read_header(data)
    if not header.is_rgb:
        raise UnreadableImage(f"a {_NAMES[header.kind]} PNG", expected="an RGB PNG")
    pixels: NDArray[np.uint8] = _png_pixels(data, header).astype(np.uint8, copy=False)
    return pixels


def is_rgb(data: bytes) -> bool:
    """Return whether a file, given by its `data` that was decoded before, is a PNG of colours."""
    return data.startswith(_SIGNATURE) and data[_KIND_AT] == _RGB


def palette_of(data: bytes) -> bytes:
    """Return the palette of a PNG, three bytes an index; empty for other files."""
    if not data.startswith(_SIGNATURE) or data[_KIND_AT] != _PALETTE:
        return b""
    if data[37:41] == b"PLTE":
        # Right behind the header, where nearly all writers put it.
        return data[41 : 41 + int.from_bytes(data[33:37], "big")]
    return next((bytes(content) for kind, content in chunks(data) if kind == b"PLTE"), b"")


def chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and content of each chunk up to the end of the image, and refuse a wrong checksum."""
    view, start = memoryview(data), len(_SIGNATURE)
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        kind, end = data[start + 4 : start + 8], start + 8 + length
        if end + 4 > len(data):
            raise damaged(f"cut in chunk {ascii(kind)[2:-1]}")
        if zlib.crc32(view[start + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise damaged(f"wrong checksum of chunk {ascii(kind)[2:-1]}")
        yield kind, view[start + 8 : end]
        if kind == b"IEND":
            return
        start = end + 4


def damaged(what: str, name: str | None = "PNG") -> UnreadableImage:
    """Return the error of a file in which `what` is wrong; `name` is its format."""
    return UnreadableImage(f"a damaged {name}: {what}", expected=f"a complete {name}")
