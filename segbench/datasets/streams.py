"""Files read at any place by any thread, and compressed streams unpacked block by block.

A bomb costs its reader one block, whatever it claims to be.
"""

from __future__ import annotations

import bz2
import lzma
import os
import shutil
import stat
import weakref
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from segbench.errors import SubmissionError

#: Bytes read and unpacked at a time.
BLOCK = 1 << 16

#: Streams one file may chain: a parallel packer starts one each 64 KiB or more, a bomb one each 20 bytes.
_MOST_STREAMS = 1 << 20

#: What unpacking may take: ``xz -9`` needs 65 MiB, a forged header asks for 4 GiB.
_XZ_MEMORY = 1 << 28

_DAMAGE = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class Source:
    """A file opened once and read at any place by any thread.

    Parameters
    ----------
    path : Path
        The file.
    shown : Path
        What messages call it.
    folder : Path, optional
        A private folder that goes with the file when it is closed.

    Raises
    ------
    SubmissionError
        When it is no regular file, or cannot be opened.
    """

    def __init__(self, path: Path, *, shown: Path, folder: Path | None = None) -> None:
        self.path = path
        self._shown = shown
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise SubmissionError(
                f"cannot be opened: {error.strerror}", expected="a readable archive", file=str(shown)
            ) from None
        self._close = weakref.finalize(self, _closed, self._descriptor, folder, os.getpid())
        about = os.fstat(self._descriptor)
        if not stat.S_ISREG(about.st_mode):
            self.close()
            raise SubmissionError("not a regular file", expected="an archive", file=str(shown))
        self.size = about.st_size
        #: Tells whether a file of this path is still the same.
        self.stamp = (about.st_size, about.st_mtime_ns, about.st_ino)

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the file.

        Parameters
        ----------
        offset : int
            Place of the first.
        size : int
            How many.

        Returns
        -------
        bytes
            `size` bytes, fewer only at the end of the file.

        Raises
        ------
        SubmissionError
            When the file cannot be read.
        ValueError
            When it is closed.
        """
        if not self._close.alive:
            raise ValueError("the archive is closed")
        parts = []
        try:
            while size > 0 and (part := os.pread(self._descriptor, size, offset)):
                parts.append(part)
                offset += len(part)
                size -= len(part)
        except OSError as error:
            raise SubmissionError(
                f"cannot be read: {error.strerror}", expected="a readable archive", file=str(self._shown)
            ) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def chunks(self, offset: int, end: int, *, size: int) -> Iterator[bytes]:
        """Yield the bytes between two places, `size` at a time."""
        while offset < end and (chunk := self.read(offset, min(size, end - offset))):
            yield chunk
            offset += len(chunk)

    def close(self) -> None:
        """Close the file; once is enough."""
        self._close()


def _closed(descriptor: int, folder: Path | None, owner: int) -> None:
    os.close(descriptor)
    # A forked child holds the same object, and must not take the folder from its parent.
    if folder is not None and os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


class DamagedStream(Exception):
    """Compressed bytes that are not what they should be; the text says how, as a clause."""


class Decompressor(Protocol):
    """The part that ``bz2`` and ``lzma`` have in common."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without further bytes."""

    @property
    def unused_data(self) -> bytes:
        """Bytes after the end of the stream."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` further bytes."""


class Inflater:
    """``zlib``'s decompressor in the shape of the two others.

    Parameters
    ----------
    wbits : int
        Kind of header, as for `zlib.decompressobj`: −15 for none, 31 for that of gzip.
    """

    def __init__(self, wbits: int) -> None:
        self._object = zlib.decompressobj(wbits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        """Bytes after the end of the stream."""
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` further bytes."""
        block = self._object.decompress(self._object.unconsumed_tail + data, max_length)
        # A full block may leave bytes inside zlib although all input is eaten.
        self.needs_input = len(block) < max_length and not self._object.unconsumed_tail
        return block


def raw_deflate() -> Inflater:
    """Return a decompressor of deflate without a header, as zip has it."""
    return Inflater(-15)


def gzip_stream() -> Inflater:
    """Return a decompressor of one gzip stream; it checks length and checksum."""
    return Inflater(31)


def bzip2_stream() -> Decompressor:
    """Return a decompressor of one bzip2 stream."""
    return bz2.BZ2Decompressor()


def xz_stream() -> Decompressor:
    """Return a decompressor of one xz stream that refuses to take much memory."""
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


def unpacked(chunks: Iterator[bytes], begin: Callable[[], Decompressor], *, several: bool) -> Iterator[bytes]:
    """Yield the content of a compressed file.

    Parameters
    ----------
    chunks : iterator of bytes
        The compressed bytes, none of them empty; drawn only as far as needed.
    begin : callable
        Returns a fresh decompressor.
    several : bool
        Whether streams may follow each other, with zeros between, as parallel packers write them.

    Yields
    ------
    bytes
        At most `BLOCK` bytes.

    Raises
    ------
    DamagedStream
        When the bytes are damaged, end early or go on after the end.
    """
    rest = b""
    for _ in range(_MOST_STREAMS):
        stream = begin()
        yield from _one_stream(stream, rest, chunks)
        rest = _after(stream, chunks)
        if not rest:
            return
        if not several:
            break
    raise DamagedStream("goes on after its end")


def _one_stream(stream: Decompressor, data: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    while not stream.eof:
        if stream.needs_input and not data:
            data = next(chunks, b"")
            if not data:
                raise DamagedStream("ends too early")
        try:
            block = stream.decompress(data, BLOCK)
        except _DAMAGE:
            raise DamagedStream("is damaged") from None
        data = b""
        if block:
            yield block


def _after(stream: Decompressor, chunks: Iterator[bytes]) -> bytes:
    """Return the bytes behind a stream, without the zeros that pad it."""
    rest = stream.unused_data.lstrip(b"\0")
    while not rest:
        chunk = next(chunks, b"")
        if not chunk:
            break
        rest = chunk.lstrip(b"\0")
    return rest
