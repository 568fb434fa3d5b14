"""The chunks of a PNG file, and its rows before filtering.

Computes
    Chunks        where the compressed pixels of a plain 8-bit grey or palette file lie, every checksum tested;
                  or that the file is damaged; or that it is of a kind for a general reader
    gather        the compressed pixels of several IDAT chunks in one piece
    unfilter      the filters None, Sub, Up, Average and Paeth undone, in place
Shapes
    a file is bytes; rows are (height, 1 + width), each begun by the number of its filter
Complexity
    O(file) and O(pixels), in place. Label maps are flat: where the residuals of a row are zero, Sub and Paeth repeat
    the pixel to the left or copy the row above, 32 or 8 pixels at a time, and only edges are computed one by one.
Source
    Portable Network Graphics (PNG) Specification (Third Edition), W3C: 5 (chunks), 9 (filtering), 11 (the chunks).

Nothing here trusts a length: every chunk is bounded by the file. The caller in segbench/kernels/png.py inflates.
"""

from libc.stdint cimport uint8_t, uint32_t

include "png.pxi"

VERDICTS = {OTHER: "other", PLAIN: "plain", CUT: "cut", CHECKSUM: "checksum", HEADERS: "headers"}


cdef class Chunks:
    """Where the chunks of a file lie, and what is to be said of them.

    Parameters
    ----------
    file : memoryview of bytes
        The file.
    crc32 : callable
        CRC-32 of a buffer.
    """

    #: "plain", "other" for a general reader, "cut", "checksum" or "headers" for damage.
    cdef readonly str verdict
    #: Where the chunk stands that the verdict is about.
    cdef readonly Py_ssize_t at
    cdef readonly Py_ssize_t height
    cdef readonly Py_ssize_t width
    #: Where the first IDAT chunk stands, how many there are, and the bytes of their contents.
    cdef readonly Py_ssize_t first
    cdef readonly Py_ssize_t n_parts
    cdef readonly Py_ssize_t n_bytes

    def __cinit__(self, file, crc32):
        cdef const uint8_t[::1] data = file
        cdef Py_ssize_t size = data.shape[0]
        cdef const uint8_t* bytes_ = &data[0] if size else NULL
        cdef Py_ssize_t length
        cdef layout png
        if begin(&png, bytes_, size):
            length = chunk_length(&png, bytes_, size)
            while length >= 0:
                checksum = crc32(file[png.at + 4 : png.at + CONTENT + length])
                if not take(&png, bytes_, length, checksum):
                    break
                length = chunk_length(&png, bytes_, size)
        self.verdict = VERDICTS[png.verdict]
        self.at, self.height, self.width = png.at, png.height, png.width
        self.first, self.n_parts, self.n_bytes = png.first, png.n_parts, png.n_bytes


def gather(const uint8_t[::1] data, Py_ssize_t first, uint8_t[::1] out):
    """Copy the contents of consecutive IDAT chunks, the first of which stands at `first`, until `out` is full."""
    with nogil:
        join(&data[0], data.shape[0], first, &out[0], out.shape[0])


def unfilter(uint8_t[:, ::1] rows):
    """Undo the filter of each row, in place; return the first row whose filter does not exist, or -1."""
    cdef Py_ssize_t wrong
    with nogil:
        wrong = undo_rows(&rows[0, 0], rows.shape[0], rows.shape[1])
    return wrong
