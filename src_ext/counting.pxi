"""What two kernels know of counting: the sides of a pair, and the walk over its pixels; see _confusion.pyx."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef extern from "runs.h" nogil:
    ctypedef enum label_kind: BYTES, SHORTS, INTS, LONGS
    ctypedef enum byte_rule: WINDOW, LOOKUP, WIDE
    ctypedef struct label_side:
        const char *labels
        Py_ssize_t strides[3]
        label_kind kind
        byte_rule rule
        const int32_t *codes
        uint64_t span
        int64_t low
        int32_t outside
        uint64_t base
        uint32_t size
        uint32_t places[256]
    ctypedef struct way:
        const char *name
        void count(
            const label_side *, const char *, const label_side *, const char *, Py_ssize_t, int64_t *
        ) noexcept nogil
    const way[] ways
    int n_ways()
    int32_t code_of(int64_t value, const int32_t *codes, uint64_t span, int64_t low, int32_t outside)
    void choose_bytes(label_side *side, uint32_t step)
    Py_ssize_t strip_length(const label_side *, const label_side *)
    void count_wide(
        const label_side *, const char *, const label_side *, const char *, Py_ssize_t, int64_t *, Py_ssize_t
    )


cdef void _take_codes(label_side *side, const int32_t[::1] codes, int64_t low, Py_ssize_t outside) noexcept nogil:
    side.codes = &codes[0]
    side.span = <uint64_t>codes.shape[0]
    side.low = low
    side.outside = <int32_t>outside


cdef Py_ssize_t _reach(
    const label_side *truth, const label_side *prediction, const Py_ssize_t *shape, int axis
) noexcept nogil:
    """How far apart the pixels along an axis lie, in both maps together; an axis that leads nowhere is the farthest."""
    cdef Py_ssize_t t = truth.strides[axis]
    cdef Py_ssize_t p = prediction.strides[axis]
    if shape[axis] == 1 or (t == 0 and p == 0):
        return PY_SSIZE_T_MAX
    return (-t if t < 0 else t) + (-p if p < 0 else p)


cdef void _swap_axes(
    label_side *truth, label_side *prediction, Py_ssize_t *shape, int one, int other
) noexcept nogil:
    shape[one], shape[other] = shape[other], shape[one]
    truth.strides[one], truth.strides[other] = truth.strides[other], truth.strides[one]
    prediction.strides[one], prediction.strides[other] = prediction.strides[other], prediction.strides[one]


cdef void _straighten(label_side *truth, label_side *prediction, Py_ssize_t *shape) noexcept nogil:
    """Put the axis with the smallest steps last, and make one axis of two where the steps allow it.

    The order of pixels does not matter to a count, and one long row is faster than many short ones.
    """
    cdef int axis, turn
    for turn in range(3):
        axis = turn % 2
        if _reach(truth, prediction, shape, axis) < _reach(truth, prediction, shape, axis + 1):
            _swap_axes(truth, prediction, shape, axis, axis + 1)
    for axis in range(1, -1, -1):
        if shape[axis] > 1 and (
            truth.strides[axis] != truth.strides[2] * shape[2]
            or prediction.strides[axis] != prediction.strides[2] * shape[2]
        ):
            break
        shape[2] *= shape[axis]
        shape[axis] = 1


cdef void _count(
    label_side *truth, label_side *prediction, Py_ssize_t *shape, int64_t *cells, Py_ssize_t columns, int way
) noexcept nogil:
    cdef Py_ssize_t z, y, x, n, strip
    cdef const char *t
    cdef const char *p
    cdef bint wide = truth.rule == WIDE or prediction.rule == WIDE
    _straighten(truth, prediction, shape)
    strip = strip_length(truth, prediction)
    for z in range(shape[0]):
        for y in range(shape[1]):
            t = truth.labels + z * truth.strides[0] + y * truth.strides[1]
            p = prediction.labels + z * prediction.strides[0] + y * prediction.strides[1]
            x = 0
            while x < shape[2]:
                n = min(shape[2] - x, strip)
                if wide:
                    count_wide(truth, t, prediction, p, n, cells, columns)
                else:
                    ways[way].count(truth, t, prediction, p, n, cells)
                t += n * truth.strides[2]
                p += n * prediction.strides[2]
                x += n
