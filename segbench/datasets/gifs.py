"""GIF files of one picture, judged by their blocks before anything is decoded."""

from __future__ import annotations

import struct

from segbench.errors import UnreadableImage

_SIGNATURES = (b"GIF87a", b"GIF89a")
_SCREEN_BYTES, _FRAME_BYTES = 13, 10
_FRAME, _EXTENSION, _END = 0x2C, 0x21, 0x3B

#: Pixels that one byte of codes becomes at most: a code of 12 bits stands for no more than 4096 of them.
_LARGEST_RATIO = 4096 * 8 // 12 + 1


def only_frame(data: bytes) -> bytes:
    """Return a GIF without what does not bear on its pixels: comments, times, transparency.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    bytes
        A GIF of the same size and palette that holds one frame and nothing else.

    Raises
    ------
    UnreadableImage
        When the file is no GIF, is cut, holds no frame or several, a frame that is not the whole picture, or fewer
        codes than its size needs.
    """
    if not data.startswith(_SIGNATURES):
        raise UnreadableImage("no GIF" if data else "an empty file", expected="a GIF")
    try:
        at, frame = _palette_end(data, _SCREEN_BYTES, 10), b""
        start = at
        while data[at] != _END:
            end = _block_end(data, at)
            if data[at] == _FRAME:
                if frame:
                    raise UnreadableImage("an animated GIF", expected="one picture")
                frame = data[at:end]
            at = end
    except IndexError:
        raise _damaged("cut") from None
    _check(data, frame)
    return data[:start] + frame + bytes([_END])


def _block_end(data: bytes, at: int) -> int:
    """Return where the block at a position ends."""
    if data[at] == _FRAME:
        at = _palette_end(data, at + _FRAME_BYTES, at + 9) + 1
    elif data[at] == _EXTENSION:
        at += 2
    else:
        raise _damaged(f"a block of type {data[at]}")
    while size := data[at]:
        at += 1 + size
    return at + 1


def _palette_end(data: bytes, at: int, flags_at: int) -> int:
    """Return where a palette ends that may stand at a position."""
    flags = data[flags_at]
    return at + (3 << (flags & 7) + 1 if flags & 0x80 else 0)


def _check(data: bytes, frame: bytes) -> None:
    if not frame:
        raise _damaged("no picture")
    screen = struct.unpack_from("<HH", data, 6)
    column, row, width, height = struct.unpack_from("<HHHH", frame, 1)
    if (column, row, width, height) != (0, 0, *screen) or not width or not height:
        raise UnreadableImage(
            f"a GIF with a frame of {height}×{width} pixels at ({row}, {column}) on {screen[1]}×{screen[0]}",
            expected="one that fills the picture",
        )
    if not 1 <= (bits := frame[_palette_end(frame, _FRAME_BYTES, 9)]) <= 8:
        raise _damaged(f"codes of {bits} bits")
    if height * width > _LARGEST_RATIO * len(frame):
        # Said before memory is asked for: sixty bytes may promise gigabytes.
        raise _damaged("pixels are missing")


def _damaged(what: str) -> UnreadableImage:
    return UnreadableImage(f"a damaged GIF: {what}", expected="a complete GIF")
