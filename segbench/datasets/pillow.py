"""What Pillow reads and writes: unusual PNG files, GIF, sizes of pictures. The only home of Pillow.

The chunks of a PNG are walked by hand first: Pillow may take pixels with a wrong checksum, leaves missing rows at zero,
and follows a second header, each without a word.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.PngImagePlugin import PngImageFile

from segbench.datasets.gifs import only_frame
from segbench.datasets.images import PngHeader, chunks, damaged
from segbench.errors import UnreadableImage

Labels: TypeAlias = NDArray[np.integer[Any]]

#: What Pillow raises on damaged PNG files, as far as fuzzing has shown.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, zlib.error, OverflowError)

#: What photographs of data sets come in.
_PHOTOGRAPHS = ("JPEG", "PNG", "TIFF")

#: Bytes that one byte of a deflate stream becomes at most.
_LARGEST_RATIO = 1032


def png_pixels(data: bytes, header: PngHeader) -> Labels:
    """Decode a PNG.

    Parameters
    ----------
    data : bytes
        The whole file.
    header : PngHeader
        Its header.

    Returns
    -------
    ndarray, shape (height, width) or (height, width, 3)
        The pixels as Pillow gives them: grey of 2 and 4 bits spreads over 0…255, that of 1 bit is boolean.

    Raises
    ------
    UnreadableImage
        When the file is damaged.
    """
    stream = _compressed_pixels(data)
    if header.n_bytes > _LARGEST_RATIO * sum(map(len, stream)):
        # Said before memory is asked for: a header of a hundred bytes may promise terabytes.
        raise damaged("rows are missing")
    pixels = _decode(PngImageFile, data)
    if header.interlaced or not pixels[-1].any():
        # Pillow leaves rows that the file does not hold at zero; so a last row of zeros is the only suspect.
        _refuse_missing_rows(stream, header)
    return pixels


def read_gif(data: bytes) -> NDArray[np.uint8]:
    """Decode a GIF of one frame.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        Palette indices, whatever the palette.

    Raises
    ------
    UnreadableImage
        When the file is damaged, animated, or no GIF.
    """
    return _decode(GifImageFile, only_frame(data)).astype(np.uint8, copy=False)


def image_size(data: bytes) -> tuple[int, int]:
    """Return rows and columns of a JPEG or PNG image; no pixel of its `data` is decoded."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            return image.height, image.width
    except _DAMAGE as error:
        raise damaged(str(error), "image") from None


def write_label_png(path: Path, labels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> None:
    """Write an 8-bit palette PNG.

    Parameters
    ----------
    path : Path
        The file.
    labels : ndarray of uint8, shape (height, width)
        Palette indices.
    palette : ndarray of uint8, shape (256, 3)
        Red, green, blue of each index.
    """
    image = Image.fromarray(labels)
    image.putpalette(palette.astype(np.uint8).tobytes())
    image.save(path, format="PNG")


def write_rgb_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write an RGB PNG from pixels of shape (height, width, 3)."""
    Image.fromarray(pixels).save(path, format="PNG")


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read an image of our own as RGB, shape (height, width, 3)."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def photograph(data: bytes) -> NDArray[np.uint8]:
    """Decode a photograph.

    Parameters
    ----------
    data : bytes
        The whole file, a JPEG, PNG or TIFF.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Red, green, blue; a grey image has three equal ones.

    Raises
    ------
    UnreadableImage
        When the file is damaged, or of another format.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_PHOTOGRAPHS) as image:
            return np.asarray(image.convert("RGB"))
    except (*_DAMAGE, Image.DecompressionBombError) as error:
        raise damaged(str(error), "image") from None


def resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return an image, shape (height, width, 3), at another size, rows and columns; made smaller, it is averaged."""
    rows, columns = size
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize((columns, rows), Image.Resampling.BILINEAR))


def thumbnail(data: bytes, most: int, colors: int) -> tuple[NDArray[np.uint8], bytes]:
    """Decode a photograph for a page: small, and in few colours.

    Parameters
    ----------
    data : bytes
        The whole file, a JPEG, PNG or TIFF.
    most : int
        Pixels of its longer side at most.
    colors : int
        Colours at most, up to 256.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        Palette indices.
    bytes
        Red, green and blue of each index.

    Raises
    ------
    UnreadableImage
        When the file is damaged, or of another format.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_PHOTOGRAPHS) as image:
            # A large JPEG is decoded at a fraction of its size.
            image.draft("RGB", (most, most))
            small = image.convert("RGB")
        small.thumbnail((most, most))
        few = small.quantize(colors)
    except (*_DAMAGE, Image.DecompressionBombError) as error:
        raise damaged(str(error), "image") from None
    return np.asarray(few), bytes(few.getpalette() or ())


def _compressed_pixels(data: bytes) -> list[memoryview]:
    """Return the parts of the compressed pixels, or refuse what Pillow would read in its own way."""
    parts: list[memoryview] = []
    previous = b""
    for kind, content in chunks(data):
        if kind == b"IHDR" and previous:
            raise damaged("two headers")
        if kind == b"acTL":
            raise UnreadableImage("an animated PNG", expected="one label map")
        if kind == b"IDAT" and (not parts or previous == kind):
            parts.append(content)
        previous = kind
    return parts


def _refuse_missing_rows(stream: list[memoryview], header: PngHeader) -> None:
    inflater, missing = zlib.decompressobj(), header.n_bytes
    for part in stream:
        if missing > 0:
            missing -= len(inflater.decompress(part, missing))
    if missing > 0:
        raise damaged("rows are missing")


def _decode(reader: type[ImageFile.ImageFile], data: bytes) -> Labels:
    # The class itself, not Image.open: its limit on pixels is for unknown images, and ours is the size of the truth.
    try:
        with reader(io.BytesIO(data)) as image:
            return np.asarray(image)
    except MemoryError:
        raise UnreadableImage("more pixels than memory holds", expected="an image that fits into memory") from None
    except _DAMAGE as error:
        raise damaged(str(error), reader.format) from None
