"""Surfaces of masks, and the distances between two of them.

Computes
    find_box    where the pixels of a mask begin and end
    pack        a mask as bits
    mark        the surface pixels of packed bits, or the corners of the lattice where their surface passes
    unpack      bits as bytes
    measure     the distance of every bit of one set to the nearest one of another
    read_sizes  a number for each corner, by the pixels around it
Shapes
    masks (slices, rows, columns) with any strides; bits (slices, rows, words), 64 columns in a word; an image is one
    flat slice. A tree of bits is one array of words, whose first are the bits themselves.
Complexity
    O(pixels) bytes for the box, O(pixels of the box / 64) words, and the search of surface_search.h
Source
    surfels: surface-distance of DeepMind (google-deepmind/surface-distance); for the rest see the headers

The callers in segbench/kernels/surface.py check shapes and allocate; nothing is checked here.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from "surface_search.h" nogil:
    ctypedef struct mask_view:
        const char *pixels
        Py_ssize_t shape[3]
        Py_ssize_t strides[3]
    ctypedef struct bit_view:
        uint64_t *words
        Py_ssize_t slices, rows, row_words
        bint flat
    ctypedef struct way:
        const char *name
        void pack(const mask_view *, const bit_view *) noexcept nogil
    ctypedef struct tree:
        bit_view levels[64]
        int n_levels
        const double *costs[3]
    const way[] ways
    int n_ways()
    void find_box_in "find_box"(const mask_view *, int64_t *)
    void pack_deep(const mask_view *, const bit_view *)
    uint64_t *row_of(const bit_view *, Py_ssize_t, Py_ssize_t)
    int64_t surface_row(const bit_view *, Py_ssize_t, Py_ssize_t, uint64_t *)
    int64_t corner_row(const bit_view *, Py_ssize_t, Py_ssize_t, uint64_t *, Py_ssize_t)
    unsigned code_at(const bit_view *, Py_ssize_t, Py_ssize_t, Py_ssize_t)
    Py_ssize_t plan(tree *, uint64_t *, Py_ssize_t, Py_ssize_t, Py_ssize_t)
    void grow(tree *)
    void measure_bits(const tree *, const bit_view *, const int64_t *, double *)

cdef extern from *:
    int __builtin_ctzll(unsigned long long) noexcept nogil

# The ways to pack rows that this processor has, the fastest last.
WAYS = tuple(ways[i].name.decode() for i in range(n_ways()))
cdef int BEST = n_ways() - 1


cdef mask_view _mask(const uint8_t[:, :, :] mask) noexcept nogil:
    cdef mask_view m
    cdef int i
    m.pixels = <const char *>&mask[0, 0, 0]
    for i in range(3):
        m.shape[i], m.strides[i] = mask.shape[i], mask.strides[i]
    return m


cdef bit_view _bits(const uint64_t[:, :, ::1] bits, bint flat) noexcept nogil:
    cdef bit_view b
    b.words = <uint64_t *>&bits[0, 0, 0]
    b.slices, b.rows, b.row_words, b.flat = bits.shape[0], bits.shape[1], bits.shape[2], flat
    return b


def find_box(const uint8_t[:, :, :] mask, int64_t[:, ::1] box):
    """Write the first pixel of a mask along each axis, and one beyond the last; without pixels, 0 beyond."""
    cdef mask_view m
    with nogil:
        m = _mask(mask)
        find_box_in(&m, &box[0, 0])


def pack(const uint8_t[:, :, :] mask, uint64_t[:, :, ::1] bits, int way=BEST):
    """Write a mask as bits."""
    cdef mask_view m
    cdef bit_view b
    with nogil:
        m, b = _mask(mask), _bits(bits, False)
        if m.strides[2] == 1:
            ways[way].pack(&m, &b)
        else:
            pack_deep(&m, &b)


def mark(const uint64_t[:, :, ::1] bits, bint flat, bint corners, uint64_t[:, :, ::1] found):
    """Write the surface pixels of a mask, or the corners where its surface passes, and return how many there are."""
    cdef bit_view b
    cdef Py_ssize_t z, y
    cdef int64_t n = 0
    with nogil:
        b = _bits(bits, flat)
        for z in range(found.shape[0]):
            for y in range(found.shape[1]):
                if corners:
                    n += corner_row(&b, z, y, &found[z, y, 0], found.shape[2])
                else:
                    n += surface_row(&b, z, y, &found[z, y, 0])
    return n


def unpack(const uint64_t[:, :, ::1] bits, uint8_t[:, :, :] marks):
    """Set the places of bits to 1; the others are left as they are."""
    cdef Py_ssize_t z, y, w
    cdef uint64_t word
    with nogil:
        for z in range(bits.shape[0]):
            for y in range(bits.shape[1]):
                for w in range(bits.shape[2]):
                    word = bits[z, y, w]
                    while word:
                        marks[z, y, w * 64 + __builtin_ctzll(word)] = 1
                        word &= word - 1


def tree_words(slices, rows, words):
    """Return how many words a tree over such bits takes."""
    cdef tree t
    return plan(&t, NULL, slices, rows, words)


def measure(
    const uint64_t[:, :, ::1] bits,
    const int64_t[::1] begin,
    uint64_t[::1] words,
    shape,
    const double[::1] slices,
    const double[::1] rows,
    const double[::1] columns,
    double[::1] distances,
):
    """Write the distance of each bit, in C order, to the nearest bit of a tree, whose upper levels are made here.

    `begin` is the place of the first bit in the tree, `shape` that of the lowest level; `slices`, `rows` and `columns`
    are what steps along the axes cost.
    """
    cdef tree t
    cdef bit_view b
    cdef Py_ssize_t n_slices, n_rows, n_words
    n_slices, n_rows, n_words = shape
    with nogil:
        b = _bits(bits, False)
        plan(&t, &words[0], n_slices, n_rows, n_words)
        t.costs[0], t.costs[1], t.costs[2] = &slices[0], &rows[0], &columns[0]
        grow(&t)
        measure_bits(&t, &b, &begin[0], &distances[0])


def read_sizes(
    const uint64_t[:, :, ::1] bits,
    bint flat,
    const uint64_t[:, :, ::1] corners,
    const double[::1] table,
    double[::1] sizes,
):
    """Write what a table says of the pixels around each corner, in C order."""
    cdef bit_view b
    cdef Py_ssize_t z, y, w, n = 0
    cdef uint64_t word
    with nogil:
        b = _bits(bits, flat)
        for z in range(corners.shape[0]):
            for y in range(corners.shape[1]):
                for w in range(corners.shape[2]):
                    word = corners[z, y, w]
                    while word:
                        sizes[n] = table[code_at(&b, z, y, w * 64 + __builtin_ctzll(word))]
                        n += 1
                        word &= word - 1
