"""Confusion tables of two label maps, and where a label first occurs.

Computes
    count_bytes   table[t, p] += 1 for every pixel with truth value t and prediction value p, both 8-bit
    count_codes   the same over codes: a value v has the code codes[v - low], and a value the code table does not
                  cover has the code "outside", one more than the largest
    find_code     how many pixels have a code, and the first of them in C order
Shapes
    label maps (slices, rows, columns) with any strides; a 2-D image comes as one slice
    tables (256, 256), or one row and one column more than the largest codes
Complexity
    one pass, O(pixels), less where labels lie in runs (runs.h); 10 KiB of stack beyond the table passed in
Source
    fast_hist in score.py of FCN (Long, Shelhamer, Darrell: Fully Convolutional Networks for Semantic Segmentation,
    CVPR 2015), which is bincount(n * truth + prediction); here a value out of range is counted, never dropped.

The callers in segbench/kernels/confusion.py check shapes, dtypes and codes; nothing is checked here.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

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

# Two names for one list: truth and prediction may differ in dtype.
ctypedef fused truth_t:
    uint8_t
    uint16_t
    int32_t
    int64_t

ctypedef fused prediction_t:
    uint8_t
    uint16_t
    int32_t
    int64_t

# The loops over pixels that this processor can run, the fastest last.
WAYS = tuple(ways[i].name.decode() for i in range(n_ways()))
cdef int BEST = n_ways() - 1


cdef void _take_labels(label_side *side, const truth_t[:, :, :] labels) noexcept nogil:
    cdef Py_ssize_t axis
    side.labels = <const char *>&labels[0, 0, 0]
    for axis in range(3):
        side.strides[axis] = labels.strides[axis]
    if truth_t is uint8_t:
        side.kind = BYTES
    elif truth_t is uint16_t:
        side.kind = SHORTS
    elif truth_t is int32_t:
        side.kind = INTS
    else:
        side.kind = LONGS


cdef void _take_codes(label_side *side, const int32_t[::1] codes, int64_t low, Py_ssize_t outside) noexcept nogil:
    side.codes = &codes[0]
    side.span = <uint64_t>codes.shape[0]
    side.low = low
    side.outside = <int32_t>outside


cdef void _take_bytes(label_side *side, uint32_t step) noexcept nogil:
    """Give every byte the code that it is itself."""
    cdef uint32_t i
    side.rule = WINDOW
    side.base = 0
    side.size = 256
    for i in range(256):
        side.places[i] = i * step


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
    label_side *truth, label_side *prediction, Py_ssize_t *shape, int64_t[:, ::1] table, int way
) noexcept nogil:
    cdef Py_ssize_t z, y, x, n, strip
    cdef Py_ssize_t columns = table.shape[1]
    cdef int64_t *cells = &table[0, 0]
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


cdef Py_ssize_t _find_code(
    const truth_t[:, :, :] labels,
    const int32_t[::1] codes,
    int64_t low,
    Py_ssize_t outside,
    Py_ssize_t code,
    int64_t[::1] first,
) noexcept nogil:
    cdef Py_ssize_t z, y, x
    cdef Py_ssize_t count = 0
    cdef uint64_t span = <uint64_t>codes.shape[0]
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                if code_of(labels[z, y, x], &codes[0], span, low, <int32_t>outside) != code:
                    continue
                if count == 0:
                    first[0], first[1], first[2] = z, y, x
                count += 1
    return count


def count_bytes(
    const uint8_t[:, :, :] truth, const uint8_t[:, :, :] prediction, int64_t[:, ::1] table, int way=BEST
):
    """Add the pairs of 8-bit values to table[truth, prediction], with the loop WAYS[way]."""
    cdef label_side sides[2]
    cdef Py_ssize_t shape[3]
    with nogil:
        shape[0], shape[1], shape[2] = truth.shape[0], truth.shape[1], truth.shape[2]
        _take_labels(&sides[0], truth)
        _take_labels(&sides[1], prediction)
        _take_bytes(&sides[0], <uint32_t>table.shape[1])
        _take_bytes(&sides[1], 1)
        _count(&sides[0], &sides[1], shape, table, way)


def count_codes(
    const truth_t[:, :, :] truth,
    const prediction_t[:, :, :] prediction,
    const int32_t[::1] truth_codes,
    const int32_t[::1] prediction_codes,
    int64_t truth_low,
    int64_t prediction_low,
    int64_t[:, ::1] table,
    int way=BEST,
):
    """Add the pairs of codes to table[truth, prediction], values outside to the last row and column."""
    cdef label_side sides[2]
    cdef Py_ssize_t shape[3]
    with nogil:
        shape[0], shape[1], shape[2] = truth.shape[0], truth.shape[1], truth.shape[2]
        _take_labels(&sides[0], truth)
        _take_labels(&sides[1], prediction)
        _take_codes(&sides[0], truth_codes, truth_low, table.shape[0] - 1)
        _take_codes(&sides[1], prediction_codes, prediction_low, table.shape[1] - 1)
        choose_bytes(&sides[0], <uint32_t>table.shape[1])
        choose_bytes(&sides[1], 1)
        _count(&sides[0], &sides[1], shape, table, way)


def find_code(
    const truth_t[:, :, :] labels,
    const int32_t[::1] codes,
    int64_t low,
    Py_ssize_t outside,
    Py_ssize_t code,
    int64_t[::1] first,
):
    """Return how many pixels have the code, and write (slice, row, column) of the first to `first`."""
    cdef Py_ssize_t count
    with nogil:
        count = _find_code(labels, codes, low, outside, code, first)
    return count
