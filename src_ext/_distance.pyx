"""Squared Euclidean distances, and chessboard distances, of every pixel to the nearest source.

Computes
    square_whole    the least of wz * dz**2 + wy * dy**2 + wx * dx**2 over all sources, with whole weights, as int32,
                    or times a unit as double
    square_real     the least of ((dz * sz)**2 + (dy * sy)**2) + (dx * sx)**2 over all sources, each rounded as written:
                    rounding keeps the order, so the least can be taken axis by axis, and nothing is rounded otherwise
    count_moves     the least of max(|dz|, |dy|, |dx|) over all sources
Shapes
    sources (slices, rows, columns), any strides but columns side by side, whatever is not 0; an image comes as
    (rows, 1, columns). The result has the same shape, in C order.
Complexity
    O(pixels). Scratch memory is passed in: a slice of counts and a few lines (`scratch`), for count_moves one row.
Source
    squares: distance.h. Moves: Borgefors: Distance transformations in digital images, Computer Vision, Graphics, and
    Image Processing 34, 1986; here an axis is finished before the next begins, so that rows are swept side by side.

The callers in segbench/kernels/distance.py check shapes and sizes; nothing is checked here.
"""

from libc.stdint cimport INT32_MAX, int32_t, uint8_t, uint32_t
from libc.string cimport memcpy

cdef extern from "distance.h" nogil:
    ctypedef struct axis:
        Py_ssize_t n
        uint32_t weight
        double spacing
    ctypedef struct field:
        const uint8_t *sources
        Py_ssize_t strides[2]
        axis axes[3]
        char *out
        Py_ssize_t row_bytes
        bint real
        bint doubled
        double unit
    ctypedef struct way:
        const char *name
        void measure(field *) noexcept nogil
    const way[] ways
    int n_ways()
    size_t carve(field *, char *)
    void prepare(field *, double diagonal)

# The loops that this processor can run, the fastest last.
WAYS = tuple(ways[i].name.decode() for i in range(n_ways()))
cdef int BEST = n_ways() - 1

cdef enum:
    UNREACHED = 1 << 30  # More than any count of moves.


cdef void _take_sources(field *f, const uint8_t[:, :, :] sources) noexcept nogil:
    cdef Py_ssize_t i
    f.sources = &sources[0, 0, 0]
    f.strides[0], f.strides[1] = sources.strides[0], sources.strides[1]
    for i in range(3):
        f.axes[i].n = sources.shape[i]


def scratch(slices, rows, columns, bint real):
    """Return how many bytes the squares need beside the result."""
    cdef field f
    f.real = real
    f.axes[0].n, f.axes[1].n, f.axes[2].n = slices, rows, columns
    return carve(&f, NULL)


def square_whole(
    const uint8_t[:, :, :] sources,
    const uint32_t[::1] weights,
    int32_t[:, :, ::1] out,
    char[::1] work,
    int way=BEST,
):
    """Write sums of weighted squares, the largest int32 where there is no source."""
    cdef field f
    f.out, f.row_bytes, f.doubled = <char *>&out[0, 0, 0], out.shape[2] * sizeof(int32_t), False
    _square_whole(&f, sources, weights, work, way)


def square_scaled(
    const uint8_t[:, :, :] sources,
    const uint32_t[::1] weights,
    double[:, :, ::1] out,
    char[::1] work,
    double unit,
    int way=BEST,
):
    """Write sums of weighted squares times a unit, infinity where there is no source."""
    cdef field f
    f.out, f.row_bytes, f.doubled, f.unit = <char *>&out[0, 0, 0], out.shape[2] * sizeof(double), True, unit
    _square_whole(&f, sources, weights, work, way)


cdef void _square_whole(
    field *f, const uint8_t[:, :, :] sources, const uint32_t[::1] weights, char[::1] work, int way
) noexcept:
    cdef Py_ssize_t i
    with nogil:
        f.real = False
        _take_sources(f, sources)
        for i in range(3):
            f.axes[i].weight = weights[i]
        carve(f, &work[0])
        prepare(f, 0)
        ways[way].measure(f)


def square_real(
    const uint8_t[:, :, :] sources,
    const double[::1] spacing,
    double[:, :, ::1] out,
    char[::1] work,
    int way=BEST,
):
    """Write sums of squared lengths, infinity where there is no source."""
    cdef field f
    cdef Py_ssize_t i
    cdef double diagonal = 0
    with nogil:
        f.out, f.row_bytes, f.real, f.doubled = <char *>&out[0, 0, 0], out.shape[2] * sizeof(double), True, True
        _take_sources(&f, sources)
        for i in range(3):
            f.axes[i].spacing = spacing[i]
            diagonal += (f.axes[i].n * spacing[i]) * (f.axes[i].n * spacing[i])
        carve(&f, &work[0])
        prepare(&f, diagonal)
        ways[way].measure(&f)


cdef void _start(const uint8_t[:, :, :] sources, int32_t[:, :, ::1] out) noexcept nogil:
    cdef Py_ssize_t z, y, x
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                out[z, y, x] = 0 if sources[z, y, x] else UNREACHED


cdef void _lower(const int32_t *others, int32_t *row, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t x
    for x in range(n):
        row[x] = min(row[x], others[x])


cdef void _move(int32_t *beside, int32_t *row, Py_ssize_t n) noexcept nogil:
    """Make a move from another row, straight or by a diagonal; there is room for a value at its two ends."""
    cdef Py_ssize_t x
    (beside - 1)[0] = beside[n] = UNREACHED
    for x in range(n):
        row[x] = min(row[x], min(min(beside[x - 1], beside[x + 1]), beside[x]) + 1)


cdef void _move_slice(int32_t[:, :, ::1] out, Py_ssize_t source, Py_ssize_t z, int32_t *beside) noexcept nogil:
    """Make a move from a slice to the next."""
    cdef Py_ssize_t y, n = out.shape[2]
    for y in range(out.shape[1]):
        memcpy(beside, &out[source, y, 0], <size_t>n * sizeof(int32_t))
        if y:
            _lower(&out[source, y - 1, 0], beside, n)
        if y + 1 < out.shape[1]:
            _lower(&out[source, y + 1, 0], beside, n)
        _move(beside, &out[z, y, 0], n)


cdef void _move_row(
    int32_t[:, :, ::1] out, Py_ssize_t z, Py_ssize_t source, Py_ssize_t y, int32_t *beside
) noexcept nogil:
    """Make a move from a row to the next of the slice."""
    memcpy(beside, &out[z, source, 0], <size_t>out.shape[2] * sizeof(int32_t))
    _move(beside, &out[z, y, 0], out.shape[2])


cdef void _move_along(int32_t *row, Py_ssize_t n) noexcept nogil:
    """Make all moves within a row."""
    cdef Py_ssize_t x
    for x in range(1, n):
        row[x] = min(row[x], row[x - 1] + 1)
    for x in range(n - 2, -1, -1):
        row[x] = min(row[x], row[x + 1] + 1)


cdef void _count_moves(int32_t[:, :, ::1] out, int32_t *beside) noexcept nogil:
    cdef Py_ssize_t z, y, slices = out.shape[0], rows = out.shape[1]
    for z in range(1, slices):
        _move_slice(out, z - 1, z, beside)
    for z in range(slices - 2, -1, -1):
        _move_slice(out, z + 1, z, beside)
    for z in range(slices):
        for y in range(1, rows):
            _move_row(out, z, y - 1, y, beside)
        for y in range(rows - 2, -1, -1):
            _move_row(out, z, y + 1, y, beside)
        for y in range(rows):
            _move_along(&out[z, y, 0], out.shape[2])


def count_moves(const uint8_t[:, :, :] sources, int32_t[:, :, ::1] out, int32_t[::1] work):
    """Write distances; `work` has room for a row and two more. Without sources, all are the largest int32."""
    cdef Py_ssize_t z, y, x
    with nogil:
        _start(sources, out)
        _count_moves(out, &work[1])
        if out[0, 0, 0] >= UNREACHED:
            out[:, :, :] = INT32_MAX
