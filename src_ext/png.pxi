"""What two kernels know of PNG files: the walk over the chunks, and the filters undone; see _png.pyx."""

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

cdef enum Verdict:
    OTHER, PLAIN, CUT, CHECKSUM, HEADERS

ctypedef struct layout:
    # Where the walk is; at the end, the chunk that the verdict is about.
    Py_ssize_t at
    Py_ssize_t height
    Py_ssize_t width
    # Where the first IDAT chunk stands, how many there are, and the bytes of their contents.
    Py_ssize_t first
    Py_ssize_t n_parts
    Py_ssize_t n_bytes
    Py_ssize_t beside
    # Where the PLTE chunk stands, if there is one.
    Py_ssize_t palette
    uint32_t previous
    uint8_t color
    bint has_palette
    Verdict verdict


cdef bint begin(layout *png, const uint8_t* file, Py_ssize_t size) noexcept nogil:
    """Read signature and header, and say whether the pixels are of the one kind known here."""
    cdef const uint8_t* chunk = file + SIGNATURE
    cdef const uint8_t* content = chunk + CONTENT
    memset(png, 0, sizeof(layout))
    if size < SIGNATURE + FRAME + HEADER:
        return False
    if memcmp(file, b"\x89PNG\r\n\x1a\n", SIGNATURE) or read(chunk) != HEADER or read(chunk + 4) != IHDR:
        return False
    if not 0 < read(content) <= LARGEST_SIDE or not 0 < read(content + 4) <= LARGEST_SIDE:
        return False
    png.at = SIGNATURE
    png.width = read(content)
    png.height = read(content + 4)
    png.color = content[9]
    if content[8] != 8 or (png.color != GREY and png.color != PALETTE):
        return False
    # The one compression, the one set of filters, no interlacing.
    return content[10] == 0 and content[11] == 0 and content[12] == 0


cdef Py_ssize_t chunk_length(layout *png, const uint8_t* file, Py_ssize_t size) noexcept nogil:
    """Return the length of the content of the chunk at hand, -1 where no whole chunk is left."""
    cdef Py_ssize_t left = size - png.at
    if left < FRAME:
        return -1
    if read(file + png.at) > <uint64_t>(left - FRAME):
        png.verdict = CUT
        return -1
    return read(file + png.at)


cdef bint take(layout *png, const uint8_t* file, Py_ssize_t length, uint32_t checksum) noexcept nogil:
    """Take note of the chunk at hand, and say whether the walk goes on; without a verdict, it ends as OTHER."""
    cdef const uint8_t* chunk = file + png.at
    if checksum != read(chunk + CONTENT + length):
        png.verdict = CHECKSUM
        return False
    if not understood(png, read(chunk + 4), chunk + CONTENT, length):
        return False
    png.at += FRAME + length
    return True


cdef bint understood(layout *png, uint32_t kind, const uint8_t* content, Py_ssize_t length) noexcept nogil:
    cdef uint32_t previous = png.previous
    png.previous = kind
    if kind == IHDR:
        if previous:
            png.verdict = HEADERS
        return not previous
    if kind == PLTE:
        if png.has_palette or png.n_parts or length % 3 or not 3 <= length <= 768:
            return False
        png.has_palette, png.palette = True, png.at
        return True
    if kind == IDAT:
        if png.n_parts == 0:
            png.first = png.at
        png.n_parts += 1
        png.n_bytes += length
        # Pixels in two places: readers differ on the second.
        return png.n_parts == 1 or previous == IDAT
    if kind == IEND:
        if png.has_palette == (png.color == PALETTE):
            png.verdict = PLAIN
        return False
    png.beside += length
    if kind == tRNS and png.n_parts:
        return False
    return png.beside <= MOST_BESIDE and says_nothing(kind, content, length, png.color)


cdef void join(const uint8_t* file, Py_ssize_t size, Py_ssize_t at, uint8_t* out, Py_ssize_t room) noexcept nogil:
    """Copy the contents of consecutive IDAT chunks, the first of which stands at `at`, until `out` is full."""
    cdef Py_ssize_t done = 0
    cdef Py_ssize_t length
    while done < room and size - at >= FRAME:
        # Walked before, yet the bytes may be another thread's to change.
        if read(file + at) > <uint64_t>min(size - at - FRAME, room - done):
            break
        length = read(file + at)
        memcpy(out + done, file + at + CONTENT, length)
        done += length
        at += FRAME + length


cdef Py_ssize_t undo_rows(uint8_t* row, Py_ssize_t height, Py_ssize_t stride) noexcept nogil:
    """Undo the filter of each row, in place; return the first row whose filter does not exist, or -1."""
    cdef Py_ssize_t y
    for y in range(height):
        if row[0] > PAETH:
            return y
        if y == 0:
            undo_first(row[0], row + 1, stride - 1)
        else:
            undo(row[0], row + 1, row + 1 - stride, stride - 1)
        row += stride
    return -1


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


cdef inline uint64_t repeated(uint8_t value) noexcept nogil:
    return value * <uint64_t>0x0101010101010101


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


cdef inline int paeth(int left, int above, int corner) noexcept nogil:
    # Without a branch: which of the three it is follows no pattern.
    cdef int nearest = abs(above - corner)
    cdef int to_above = abs(left - corner)
    cdef int to_corner = abs(left + above - 2 * corner)
    cdef int value = above if to_above < nearest else left
    nearest = to_above if to_above < nearest else nearest
    return corner if to_corner < nearest else value


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
