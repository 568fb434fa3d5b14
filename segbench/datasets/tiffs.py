"""The headers of TIFF files, read by hand: no name, path or text of a file is looked at.

A TIFF is a chain of directories, one a page, whose entries point anywhere into the file. Of each page the entries that
say where and how its pixels lie are read, and judged before anything is decoded: a directory that comes twice, a size
that the compressed bytes cannot hold, and pixels beyond the end of the file are all refused here. No byte of a file
needs to be read twice for its headers, so a file that asks for it is refused too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segbench.errors import UnreadableImage

#: Pages that a file may have.
MOST_PAGES = 10_000

#: Entries that the directory of a page may have; tools write some thirty.
_MOST_ENTRIES = 4096

#: Fields of a directory that are read, by their numbers in the TIFF specification.
SUBFILE, COLUMNS, ROWS, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
STRIPS, SAMPLES, STRIP_ROWS, STRIP_BYTES, PLANES, PREDICTOR = 273, 277, 278, 279, 284, 317
TILE_COLUMNS, TILE_ROWS, TILES, TILE_BYTES, FORMAT, DEPTH = 322, 323, 324, 325, 339, 32997
_READ = frozenset({
    SUBFILE, COLUMNS, ROWS, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, STRIPS, SAMPLES, STRIP_ROWS,
    STRIP_BYTES, PLANES, PREDICTOR, TILE_COLUMNS, TILE_ROWS, TILES, TILE_BYTES, FORMAT, DEPTH,
})  # fmt: skip
#: What holds where a field is left out.
_DEFAULTS = {tag: np.array([value], np.uint64) for tag, value in {
    SUBFILE: 0, BITS: 1, COMPRESSION: 1, FILL_ORDER: 1, SAMPLES: 1, STRIP_ROWS: (1 << 32) - 1, PLANES: 1,
    PREDICTOR: 1, FORMAT: 1, DEPTH: 1,
}.items()}  # fmt: skip

#: The types of whole numbers: BYTE, SHORT, LONG, IFD, LONG8, IFD8.
_WHOLE = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}

#: A page that is a smaller version of another one, or its mask.
_BESIDE = 1 | 4


class _Form(NamedTuple):
    """How numbers are written: byte order, and the widths of classic TIFF or BigTIFF."""

    order: str
    pointer: str
    counter: str
    entry: np.dtype[np.void]

    @property
    def inline(self) -> int:
        """Bytes of values that stand in the entry itself."""
        return self.entry["value"].itemsize


class Directory(NamedTuple):
    """What one page says of itself.

    Parameters
    ----------
    order : {'<', '>'}
        Byte order of the file.
    fields : mapping of int to ndarray of uint64
        Values by the number of the field, none of them empty; what the page leaves out has its default, or is missing.
    """

    order: str
    fields: Mapping[int, NDArray[np.uint64]]


@dataclass
class Source:
    """The file, of which no more is read for headers than it has bytes.

    Parameters
    ----------
    file : binary file
        It can seek, and stays open.
    """

    file: BinaryIO
    size: int = field(init=False)

    def __post_init__(self) -> None:
        try:
            self.size = self.file.seek(0, 2)
        except OSError as error:
            raise _unreadable(error) from None
        self._left = self.size

    def read(self, start: int, n: int) -> bytes:
        """Return some bytes.

        Parameters
        ----------
        start : int
            Position of the first one.
        n : int
            How many.

        Returns
        -------
        bytes
            All of them.

        Raises
        ------
        UnreadableImage
            When the file ends before, or cannot be read.
        """
        if start + n > self.size:
            raise damaged(f"it has {self.size} bytes and points to byte {start + n}")
        try:
            self.file.seek(start)
            data = self.file.read(n)
            while len(data) < n and (more := self.file.read(n - len(data))):
                data += more
        except OSError as error:
            raise _unreadable(error) from None
        if len(data) < n:
            raise damaged("it became shorter while it was read")
        return data

    def read_header(self, start: int, n: int) -> bytes:
        """Return `n` bytes of a header: all headers together are no longer than the file."""
        self._left -= n
        if self._left < 0:
            raise damaged("its directories overlap")
        return self.read(start, n)


def read_directories(source: Source) -> Iterator[Directory]:
    """Yield what each page says of where and how its pixels lie.

    Parameters
    ----------
    source : Source
        The file.

    Yields
    ------
    Directory
        In the order of the pages. Smaller versions and masks of other pages are passed over.

    Raises
    ------
    UnreadableImage
        When the file is no TIFF, or its directories are damaged, go in a circle, or are too many.
    """
    form, at = _start(source)
    seen: set[int] = set()
    while at:
        if at in seen:
            raise damaged("its directories go in a circle")
        if len(seen) == MOST_PAGES:
            raise UnreadableImage(f"a TIFF of more than {MOST_PAGES} pages", expected="so many at most")
        seen.add(at)
        fields, at = _directory(source, form, at)
        if not int(fields[SUBFILE][0]) & _BESIDE:
            yield Directory(form.order, fields)


def _start(source: Source) -> tuple[_Form, int]:
    """Return how numbers are written, and where the first directory lies."""
    head = source.read(0, min(16, source.size))
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if not head:
        raise UnreadableImage("an empty file", expected="a TIFF")
    if order is None or len(head) < 8 or (version := _number(head[2:4], order)) not in (42, 43):
        raise UnreadableImage("no TIFF", expected="a TIFF", mend="save the file as TIFF")
    if version == 42:
        return _form(order, "u4", "u2"), _number(head[4:8], order)
    if len(head) < 16 or head[4:8] != np.array([8, 0], f"{order}u2").tobytes():
        raise damaged("its header is no BigTIFF header")
    return _form(order, "u8", "u8"), _number(head[8:16], order)


def _form(order: str, pointer: str, counter: str) -> _Form:
    value = f"V{pointer[1]}"
    kinds = [("tag", f"{order}u2"), ("type", f"{order}u2"), ("count", f"{order}{pointer}"), ("value", value)]
    return _Form(order, pointer, counter, np.dtype(kinds))


def _directory(source: Source, form: _Form, at: int) -> tuple[dict[int, NDArray[np.uint64]], int]:
    """Return the fields of a page, and where the next directory lies."""
    width = np.dtype(form.counter).itemsize
    n = _number(source.read_header(at, width), form.order)
    if not 0 < n <= _MOST_ENTRIES:
        raise damaged(f"a directory of {n} entries")
    body = source.read_header(at + width, n * form.entry.itemsize + form.inline)
    entries = np.frombuffer(body, form.entry, n)
    fields, found = dict(_DEFAULTS), set[int]()
    for i, tag in enumerate(entries["tag"].tolist()):
        if tag in found:
            raise damaged(f"field {tag} comes twice")
        if tag in _READ:
            found.add(tag)  # Only these: what is not read may be as it likes.
            fields[tag] = _values(source, form, entries[i])
    return fields, _number(body[-form.inline :], form.order)


def _values(source: Source, form: _Form, entry: Any) -> NDArray[np.uint64]:
    tag, count, kind = int(entry["tag"]), int(entry["count"]), _WHOLE.get(int(entry["type"]))
    if kind is None or not count:
        raise damaged(f"field {tag} holds no whole number")
    dtype = np.dtype(f"{form.order}{kind}")
    data = entry["value"].tobytes()
    if count * dtype.itemsize > form.inline:
        data = source.read_header(_number(data, form.order), count * dtype.itemsize)
    return np.frombuffer(data, dtype, count).astype(np.uint64)


def _number(data: bytes, order: str) -> int:
    return int.from_bytes(data, "little" if order == "<" else "big")


def damaged(what: str) -> UnreadableImage:
    """Return the refusal of a TIFF in which something is wrong."""
    return UnreadableImage(f"a damaged TIFF: {what}", expected="a complete TIFF")


def _unreadable(error: OSError) -> UnreadableImage:
    return UnreadableImage(f"cannot be read: {error.strerror or error}", expected="a readable file")
