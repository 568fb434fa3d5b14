"""Confusion tables straight from the bytes of PNG files, pair by pair, without a word to the interpreter.

Computes
    count_pairs   for each pair of plain 8-bit grey or palette files of equal size: inflated, unfiltered, and
                  tables[i, t, p] += 1 for every pixel with truth code t and prediction code p
    count_files   the same of files on disk, with size, palette and SHA-256 of each prediction
Shapes
    files are bytes or paths; tables (pairs, codes + 1, codes + 1), the last row and column for values without a code;
    sizes (pairs, 3): height, width, bytes of the palette; palettes (pairs, 768); digests (pairs, 32)
Complexity
    O(files + pixels), with two buffers for each side, as large as the largest file and image so far
Source
    the walk over chunks and the filters in png.pxi, the count in counting.pxi and runs.h; libdeflate inflates, by the
    functions of its C interface (libdeflate.h), and OpenSSL digests, by SHA256 (openssl/sha.h): the caller has found
    their addresses

A pair that is anything but plain and whole is left uncounted, without a reason: the careful readers find that.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uintptr_t
from libc.stdlib cimport free, malloc

include "png.pxi"
include "counting.pxi"
include "files.pxi"

# The C interface of libdeflate.
ctypedef void *(*allocate)() noexcept nogil
ctypedef void (*release)(void *) noexcept nogil
ctypedef int (*inflate)(void *, const void *, size_t, void *, size_t, size_t *) noexcept nogil
ctypedef uint32_t (*checksum)(uint32_t, const void *, size_t) noexcept nogil
# The C interface of OpenSSL.
ctypedef uint8_t *(*digester)(const uint8_t *, size_t, uint8_t *) noexcept nogil

ctypedef struct inflater:
    allocate alloc
    release release
    inflate inflate
    checksum crc32
    void *state

ctypedef struct buffer:
    uint8_t *bytes
    size_t size

ctypedef struct workspace:
    # The compressed pixels of one file in one piece, and the rows of both.
    buffer gathered
    buffer truth
    buffer prediction
    # The files themselves, where they are read here.
    pile[2] files

ctypedef struct file:
    const uint8_t *bytes
    Py_ssize_t size

cdef enum:
    # Bytes that one byte of a deflate stream becomes at most.
    LARGEST_RATIO = 1032
    # Bytes of a workspace that is kept, and how many are.
    LARGEST_SPARE = 1 << 24
    MOST_SPARE = 8

cdef int BEST = n_ways() - 1


# What earlier calls worked in: memory fresh from the system costs as much as inflating into it.
cdef workspace[MOST_SPARE] spares
cdef int n_spares = 0


cdef void borrow(workspace *room) noexcept:
    """Take a spare workspace; the caller holds the interpreter."""
    global n_spares
    memset(room, 0, sizeof(workspace))
    if n_spares:
        n_spares -= 1
        room[0] = spares[n_spares]


cdef void hand_back(workspace *room) noexcept:
    global n_spares
    cdef size_t rows = room.truth.size + room.prediction.size
    cdef size_t files = room.files[0].size + room.files[1].size
    if n_spares < MOST_SPARE and room.gathered.size + rows + files <= LARGEST_SPARE:
        spares[n_spares] = room[0]
        n_spares += 1
        return
    free(room.gathered.bytes)
    free(room.truth.bytes)
    free(room.prediction.bytes)
    free(room.files[0].bytes)
    free(room.files[1].bytes)


cdef bint grow(buffer *room, size_t size) noexcept nogil:
    if size > room.size:
        free(room.bytes)
        room.bytes = <uint8_t *>malloc(size)
        room.size = size if room.bytes != NULL else 0
    return room.bytes != NULL


cdef bint walked(layout *png, const file *data, const inflater *library) noexcept nogil:
    """Find the compressed pixels, and say whether the file is plain and whole."""
    cdef Py_ssize_t length
    if not begin(png, data.bytes, data.size):
        return False
    length = chunk_length(png, data.bytes, data.size)
    while length >= 0:
        if not take(png, data.bytes, length, library.crc32(0, data.bytes + png.at + 4, length + 4)):
            break
        length = chunk_length(png, data.bytes, data.size)
    return png.verdict == PLAIN


cdef bint decoded(
    const layout *png, const file *data, const inflater *library, buffer *gathered, buffer *rows
) noexcept nogil:
    """Fill the rows of a walked file, each behind the number of its filter, and say whether that went well."""
    cdef const uint8_t *stream
    cdef Py_ssize_t size
    cdef size_t found = 0
    size = png.height * (png.width + 1)
    # Asked before memory is: a header of a hundred bytes may promise terabytes.
    if size > LARGEST_RATIO * png.n_bytes or not grow(rows, size):
        return False
    stream = data.bytes + png.first + CONTENT
    if png.n_parts > 1:
        if not grow(gathered, png.n_bytes):
            return False
        join(data.bytes, data.size, png.first, gathered.bytes, png.n_bytes)
        stream = gathered.bytes
    if library.inflate(library.state, stream, png.n_bytes, rows.bytes, size, &found) != 0 or found != <size_t>size:
        return False
    return undo_rows(rows.bytes, png.height, png.width + 1) < 0


cdef void face(label_side *side, const buffer *rows, const layout *png) noexcept nogil:
    """Let a side of the count look at decoded rows."""
    side.labels = <const char *>rows.bytes + 1
    side.strides[0] = 0
    side.strides[1] = png.width + 1
    side.strides[2] = 1


cdef bint count_one(
    const file *pair,
    const inflater *library,
    workspace *room,
    label_side *sides,
    int64_t *cells,
    Py_ssize_t columns,
    layout *seen,
) noexcept nogil:
    """Count one pair, and say whether it was plain; nothing is counted of one that was not, and nothing `seen`."""
    cdef layout truth, prediction
    cdef Py_ssize_t[3] shape
    if not walked(&truth, &pair[0], library) or not walked(&prediction, &pair[1], library):
        return False
    # Before anything is inflated: what has not the size of its truth may be of any size.
    if truth.height != prediction.height or truth.width != prediction.width:
        return False
    if not decoded(&truth, &pair[0], library, &room.gathered, &room.truth):
        return False
    if not decoded(&prediction, &pair[1], library, &room.gathered, &room.prediction):
        return False
    face(&sides[0], &room.truth, &truth)
    face(&sides[1], &room.prediction, &prediction)
    shape[0], shape[1], shape[2] = 1, truth.height, truth.width
    _count(&sides[0], &sides[1], shape, cells, columns, BEST)
    seen[0] = prediction
    return True


cdef bint read_pair(const char *const *paths, int64_t most, workspace *room, file *pair) noexcept nogil:
    """Read both files of a pair, and say whether both are there and have no more bytes than they may."""
    cdef int i
    for i in range(2):
        room.files[i].used = 0
        # A file of the submission may be no link. A byte more than is taken: what goes on is not whole.
        pair[i].size = read_one(paths[i], most + 1, i == 0, &room.files[i])
        pair[i].bytes = <const uint8_t *>room.files[i].bytes
        if not 0 <= pair[i].size <= most:
            return False
    return True


cdef void note(const file *data, const layout *png, int64_t *size, uint8_t *palette) noexcept nogil:
    """Say of a counted file how large its image is, and what its palette."""
    size[0], size[1], size[2] = png.height, png.width, 0
    if png.has_palette:
        size[2] = read(data.bytes + png.palette)
        memcpy(palette, data.bytes + png.palette + CONTENT, size[2])


cdef void prepare(label_side *sides, const int32_t[::1] codes, int64_t low, Py_ssize_t n) noexcept nogil:
    """Give both sides their codes, for tables of n × n cells."""
    cdef int i
    for i in range(2):
        _take_codes(&sides[i], codes, low, n - 1)
        sides[i].kind = BYTES
        choose_bytes(&sides[i], <uint32_t>n if i == 0 else 1)


cdef inflater library_at(addresses):
    """The functions at the addresses of alloc_decompressor, free_decompressor, zlib_decompress and crc32."""
    cdef inflater library
    library.alloc = <allocate><uintptr_t>addresses[0]
    library.release = <release><uintptr_t>addresses[1]
    library.inflate = <inflate><uintptr_t>addresses[2]
    library.crc32 = <checksum><uintptr_t>addresses[3]
    library.state = library.alloc()
    return library


cdef bytes member(list truths, list predictions, Py_ssize_t i):
    """Return what stands at `i` when the two sides take turns."""
    return (predictions if i % 2 else truths)[i // 2]


def count_pairs(
    list truths,
    list predictions,
    const int32_t[::1] codes,
    int64_t low,
    int64_t[:, :, ::1] tables,
    uint8_t[::1] counted,
    addresses,
):
    """Add each pair that is plain to its table and mark it in `counted`."""
    cdef Py_ssize_t n = counted.shape[0]
    cdef Py_ssize_t i
    cdef label_side[2] sides
    cdef bytes data
    cdef workspace room
    cdef layout seen
    cdef inflater library = library_at(addresses)
    cdef file *files = <file *>malloc(2 * n * sizeof(file) + 1)
    borrow(&room)
    try:
        if files == NULL or library.state == NULL:
            return
        for i in range(2 * n):
            data = member(truths, predictions, i)
            files[i].bytes, files[i].size = data, len(data)
        with nogil:
            prepare(sides, codes, low, tables.shape[2])
            for i in range(n):
                counted[i] = count_one(
                    &files[2 * i], &library, &room, sides, &tables[i, 0, 0], tables.shape[2], &seen
                )
    finally:
        hand_back(&room)
        free(files)
        if library.state != NULL:
            library.release(library.state)


def count_files(
    list truths,
    list predictions,
    int64_t most,
    const int32_t[::1] codes,
    int64_t low,
    int64_t[:, :, ::1] tables,
    uint8_t[::1] counted,
    int64_t[:, ::1] sizes,
    uint8_t[:, ::1] palettes,
    uint8_t[:, ::1] digests,
    addresses,
    uintptr_t sha256,
):
    """Read each pair of files, add it to its table if it is plain, and note what its prediction is."""
    cdef Py_ssize_t n = counted.shape[0]
    cdef Py_ssize_t i
    cdef label_side[2] sides
    cdef file[2] pair
    cdef bytes path
    cdef workspace room
    cdef layout seen
    cdef inflater library = library_at(addresses)
    cdef const char **paths = <const char **>malloc(2 * n * sizeof(char *) + 1)
    borrow(&room)
    try:
        if paths == NULL or library.state == NULL:
            return
        for i in range(2 * n):
            path = member(truths, predictions, i)
            paths[i] = path
        with nogil:
            prepare(sides, codes, low, tables.shape[2])
            for i in range(n):
                if not read_pair(&paths[2 * i], most, &room, pair):
                    continue
                if count_one(pair, &library, &room, sides, &tables[i, 0, 0], tables.shape[2], &seen):
                    counted[i] = True
                    note(&pair[1], &seen, &sizes[i, 0], &palettes[i, 0])
                    (<digester>sha256)(pair[1].bytes, pair[1].size, &digests[i, 0])
    finally:
        hand_back(&room)
        free(paths)
        if library.state != NULL:
            library.release(library.state)
