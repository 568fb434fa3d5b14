"""A TIFF writer of our own for tests: any field with any value, right or wrong.

Written after the TIFF 6.0 and BigTIFF specifications alone.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

COLUMNS, ROWS, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
STRIPS, SAMPLES, STRIP_ROWS, STRIP_BYTES, PLANES, PREDICTOR = 273, 277, 278, 279, 284, 317
TILE_COLUMNS, TILE_ROWS, TILES, TILE_BYTES, FORMAT, DEPTH = 322, 323, 324, 325, 339, 32997
SUBFILE = 254

LONG, LONG8, ASCII = 4, 16, 2

Fields = Mapping[int, int | Sequence[int]]


def page(rows: int, columns: int, at: int, **changes: int | Sequence[int] | None) -> dict[int, int | Sequence[int]]:
    """Return the fields of an 8-bit grey page with one uncompressed strip at `at`; None leaves a field out."""
    fields: dict[int, int | Sequence[int] | None] = {
        COLUMNS: columns, ROWS: rows, BITS: 8, COMPRESSION: 1, PHOTOMETRIC: 1, STRIPS: at, SAMPLES: 1,
        STRIP_ROWS: rows, STRIP_BYTES: rows * columns,
    }  # fmt: skip
    fields |= {globals()[name]: value for name, value in changes.items()}
    return {tag: value for tag, value in sorted(fields.items()) if value is not None}


def tiff(
    pages: Sequence[Fields], pixels: bytes, *, order: str = "<", big: bool = False, last: int = 0, kind: int = LONG
) -> bytes:
    """Return a file: the header, the pixels (which therefore begin at byte 16), then the directories.

    Parameters
    ----------
    pages : sequence of mapping
        The fields of each page.
    pixels : bytes
        Whatever the pages point to.
    last : int
        What follows the last directory: 0, or the position of a directory.
    kind : int
        The type of all fields.
    """
    pointer = "Q" if big else "I"
    mark = b"II" if order == "<" else b"MM"
    version = struct.pack(f"{order}HHH", 43, 8, 0) if big else struct.pack(f"{order}H", 42)
    data = bytearray(16) + pixels
    head = mark + version
    at_next = len(head)
    data[:at_next] = head
    for fields in pages:
        data[at_next : at_next + struct.calcsize(pointer)] = struct.pack(order + pointer, len(data))
        at_next = _append(data, fields, order, pointer, kind)
    data[at_next : at_next + struct.calcsize(pointer)] = struct.pack(order + pointer, last)
    return bytes(data)


def _append(data: bytearray, fields: Fields, order: str, pointer: str, kind: int) -> int:
    """Append a directory and its values, and return where the position of the next one belongs."""
    width = struct.calcsize(pointer)
    start = len(data)
    counter = "Q" if pointer == "Q" else "H"
    end = start + struct.calcsize(counter) + len(fields) * (4 + 2 * width)
    values = bytearray()
    directory = bytearray(struct.pack(order + counter, len(fields)))
    for tag, value in fields.items():
        listed = [value] if isinstance(value, int) else list(value)
        stored = struct.pack(f"{order}{len(listed)}{'Q' if kind == LONG8 else 'I'}", *listed)
        directory += struct.pack(f"{order}HH{pointer}", tag, kind, len(listed))
        if len(stored) <= width:
            directory += stored.ljust(width, b"\0")
        else:
            directory += struct.pack(order + pointer, end + width + len(values))
            values += stored
    data += directory + bytes(width) + values
    return end
