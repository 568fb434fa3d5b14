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

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport abs
from libc.string cimport memcmp, memcpy, memset

cdef enum:
    SIGNATURE = 8  # bytes
    # Length, kind and checksum of a chunk; its content stands between kind and checksum.
    FRAME = 12
    CONTENT = 8
    HEADER = 13
    LARGEST_SIDE = 0x7FFFFFFF
    GREY = 0
    PALETTE = 3
    # Beside its pixels a label map holds little; a general reader has limits of its own for more.
    MOST_BESIDE = 1 << 16

cdef enum Kind:
    IHDR = 0x49484452
    PLTE = 0x504C5445
    IDAT = 0x49444154
    IEND = 0x49454E44
    tRNS = 0x74524E53
    gAMA = 0x67414D41
    cHRM = 0x6348524D
    sRGB = 0x73524742
    pHYs = 0x70485973
    tIME = 0x74494D45
    bKGD = 0x624B4744
    sBIT = 0x73424954
    tEXt = 0x74455874

cdef enum Filter:
    NONE, SUB, UP, AVERAGE, PAETH

cdef enum:
    BLOCK = 32
    WORD = 8


cdef inline uint32_t read(const uint8_t* at) noexcept nogil:
    """Four bytes as the file has them, most significant first."""
    return <uint32_t>at[0] << 24 | <uint32_t>at[1] << 16 | <uint32_t>at[2] << 8 | at[3]


cdef bint says_nothing(uint32_t kind, const uint8_t* content, Py_ssize_t length, uint8_t color) noexcept nogil:
    """Whether a chunk is well formed and has no word on the stored values, so that any reader passes over it."""
    if kind == tRNS:
        return 1 <= length <= 256 if color == PALETTE else length == 2
    if kind == gAMA:
        return length == 4
    if kind == cHRM:
        return length == 32
    if kind == sRGB:
        return length == 1
    if kind == pHYs:
        return length == 9
    if kind == tEXt:
        # Readers may keep texts beside what they use themselves, "transparency" or "gamma", all in lower case.
        return length > 4 and (c"A" <= content[0] <= c"Z" or memcmp(content, b"date:", 5) == 0)
    return kind == tIME or kind == bKGD or kind == sBIT


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

    cdef uint8_t _color
    cdef bint _has_palette
    cdef uint32_t _previous
    cdef Py_ssize_t _beside

    def __cinit__(self, file, crc32):
        cdef const uint8_t[::1] data = file
        self.verdict = "other"
        if data.shape[0] >= SIGNATURE + FRAME + HEADER and self._is_plain(&data[0]):
            self._walk(file, data, crc32)

    cdef bint _is_plain(self, const uint8_t* file) noexcept:
        """Read signature and header, and say whether the pixels are of the one kind known here."""
        cdef const uint8_t* chunk = file + SIGNATURE
        cdef const uint8_t* content = chunk + CONTENT
        if memcmp(file, b"\x89PNG\r\n\x1a\n", SIGNATURE) or read(chunk) != HEADER or read(chunk + 4) != IHDR:
            return False
        if not 0 < read(content) <= LARGEST_SIDE or not 0 < read(content + 4) <= LARGEST_SIDE:
            return False
        self.width = read(content)
        self.height = read(content + 4)
        self._color = content[9]
        if content[8] != 8 or (self._color != GREY and self._color != PALETTE):
            return False
        # The one compression, the one set of filters, no interlacing.
        return content[10] == 0 and content[11] == 0 and content[12] == 0

    cdef _walk(self, file, const uint8_t[::1] data, crc32):
        cdef Py_ssize_t left = data.shape[0] - SIGNATURE
        cdef Py_ssize_t length
        cdef const uint8_t* chunk
        self.at = SIGNATURE
        while left >= FRAME:
            chunk = &data[0] + self.at
            if read(chunk) > <uint64_t>(left - FRAME):
                self.verdict = "cut"
                return
            length = read(chunk)
            if <uint32_t>crc32(file[self.at + 4 : self.at + CONTENT + length]) != read(chunk + CONTENT + length):
                self.verdict = "checksum"
                return
            if not self._take(read(chunk + 4), chunk + CONTENT, length):
                return
            self.at += FRAME + length
            left -= FRAME + length

    cdef bint _take(self, uint32_t kind, const uint8_t* content, Py_ssize_t length) noexcept:
        """Take note of a chunk, and say whether the walk goes on; where it ends without a verdict, it is "other"."""
        cdef uint32_t previous = self._previous
        self._previous = kind
        if kind == IHDR:
            if previous:
                self.verdict = "headers"
            return not previous
        if kind == PLTE:
            if self._has_palette or self.n_parts or length % 3 or not 3 <= length <= 768:
                return False
            self._has_palette = True
            return True
        if kind == IDAT:
            if self.n_parts == 0:
                self.first = self.at
            self.n_parts += 1
            self.n_bytes += length
            # Pixels in two places: readers differ on the second.
            return self.n_parts == 1 or previous == IDAT
        if kind == IEND:
            if self._has_palette == (self._color == PALETTE):
                self.verdict = "plain"
            return False
        self._beside += length
        if kind == tRNS and self.n_parts:
            return False
        return self._beside <= MOST_BESIDE and says_nothing(kind, content, length, self._color)


def gather(const uint8_t[::1] data, Py_ssize_t first, uint8_t[::1] out):
    """Copy the contents of consecutive IDAT chunks, the first of which stands at `first`, until `out` is full."""
    cdef const uint8_t* file = &data[0]
    cdef Py_ssize_t at = first
    cdef Py_ssize_t done = 0
    cdef Py_ssize_t length
    with nogil:
        while done < out.shape[0] and data.shape[0] - at >= FRAME:
            # Walked before, yet the bytes may be another thread's to change.
            if read(file + at) > <uint64_t>min(data.shape[0] - at - FRAME, out.shape[0] - done):
                break
            length = read(file + at)
            memcpy(&out[0] + done, file + at + CONTENT, length)
            done += length
            at += FRAME + length


def unfilter(uint8_t[:, ::1] rows):
    """Undo the filter of each row, in place; return the first row whose filter does not exist, or -1."""
    cdef Py_ssize_t stride = rows.shape[1]
    cdef Py_ssize_t width = stride - 1
    cdef Py_ssize_t y
    cdef Py_ssize_t wrong = -1
    cdef uint8_t* row = &rows[0, 0]
    with nogil:
        for y in range(rows.shape[0]):
            if row[0] > PAETH:
                wrong = y
                break
            if y == 0:
                undo_first(row[0], row + 1, width)
            else:
                undo(row[0], row + 1, row + 1 - stride, width)
            row += stride
    return wrong


cdef void undo_first(uint8_t filter, uint8_t* row, Py_ssize_t width) noexcept nogil:
    """The row above the first is all zeros."""
    cdef Py_ssize_t x
    if filter == AVERAGE:
        for x in range(1, width):
            row[x] += row[x - 1] >> 1
    elif filter == SUB or filter == PAETH:
        undo_sub(row, width)


cdef void undo(uint8_t filter, uint8_t* row, const uint8_t* above, Py_ssize_t width) noexcept nogil:
    if filter == SUB:
        undo_sub(row, width)
    elif filter == UP:
        undo_up(row, above, width)
    elif filter == AVERAGE:
        undo_average(row, above, width)
    elif filter == PAETH:
        undo_paeth(row, above, width)


cdef inline uint64_t word(const uint8_t* at) noexcept nogil:
    cdef uint64_t bits
    memcpy(&bits, at, WORD)
    return bits


cdef inline bint all_are(uint8_t value, const uint8_t* at, Py_ssize_t n) noexcept nogil:
    """Whether BLOCK or WORD bytes have one value."""
    cdef uint64_t same = value * <uint64_t>0x0101010101010101
    cdef uint64_t differ = word(at) ^ same
    if n == BLOCK:
        differ |= (word(at + 8) ^ same) | (word(at + 16) ^ same) | (word(at + 24) ^ same)
    return differ == 0


cdef inline Py_ssize_t zeros(const uint8_t* residuals, Py_ssize_t left) noexcept nogil:
    """How many residuals are known to be zero: BLOCK, WORD or none."""
    if left >= BLOCK and all_are(0, residuals, BLOCK):
        return BLOCK
    return WORD if left >= WORD and all_are(0, residuals, WORD) else 0


# A length known to the compiler is one or two stores instead of a call.
cdef inline void fill(uint8_t* at, uint8_t value, Py_ssize_t n) noexcept nogil:
    if n == BLOCK:
        memset(at, value, BLOCK)
    else:
        memset(at, value, WORD)


cdef inline void copy(uint8_t* at, const uint8_t* source, Py_ssize_t n) noexcept nogil:
    if n == BLOCK:
        memcpy(at, source, BLOCK)
    else:
        memcpy(at, source, WORD)


cdef void undo_sub(uint8_t* row, Py_ssize_t width) noexcept nogil:
    cdef Py_ssize_t x = 0
    cdef Py_ssize_t n, end
    cdef uint8_t left = 0
    while x < width:
        n = zeros(row + x, width - x)
        if n:
            fill(row + x, left, n)
            x += n
            continue
        end = min(x + WORD, width)
        while x < end:
            left = <uint8_t>(left + row[x])
            row[x] = left
            x += 1


cdef void undo_up(uint8_t* row, const uint8_t* above, Py_ssize_t width) noexcept nogil:
    cdef Py_ssize_t x
    for x in range(width):
        row[x] += above[x]


cdef void undo_average(uint8_t* row, const uint8_t* above, Py_ssize_t width) noexcept nogil:
    cdef Py_ssize_t x = 0
    cdef Py_ssize_t n, end
    cdef uint8_t left = 0
    while x < width:
        n = zeros(row + x, width - x)
        if n and all_are(left, above + x, n):
            fill(row + x, left, n)
            x += n
            continue
        end = min(x + WORD, width)
        while x < end:
            left = <uint8_t>(row[x] + ((<int>left + <int>above[x]) >> 1))
            row[x] = left
            x += 1


cdef inline uint8_t paeth(int left, int above, int corner) noexcept nogil:
    cdef int to_left = abs(above - corner)
    cdef int to_above = abs(left - corner)
    cdef int to_corner = abs(left + above - 2 * corner)
    if to_left <= to_above and to_left <= to_corner:
        return <uint8_t>left
    return <uint8_t>above if to_above <= to_corner else <uint8_t>corner


cdef void undo_paeth(uint8_t* row, const uint8_t* above, Py_ssize_t width) noexcept nogil:
    cdef Py_ssize_t x = 0
    cdef Py_ssize_t n, end
    cdef uint8_t left = 0
    cdef uint8_t corner = 0
    while x < width:
        n = zeros(row + x, width - x)
        if n and left == corner:
            # The pixel above is predicted, and is then both left and corner of the next.
            copy(row + x, above + x, n)
            x += n
            left = corner = above[x - 1]
            continue
        if n and all_are(corner, above + x, n):
            # Above and corner are equal: the pixel to the left is predicted.
            fill(row + x, left, n)
            x += n
            continue
        end = min(x + WORD, width)
        while x < end:
            left = <uint8_t>(row[x] + paeth(left, above[x], corner))
            row[x] = left
            corner = above[x]
            x += 1
