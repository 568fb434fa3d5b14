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

include "counting.pxi"

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


cdef void _take_bytes(label_side *side, uint32_t step) noexcept nogil:
    """Give every byte the code that it is itself."""
    cdef uint32_t i
    side.rule = WINDOW
    side.base = 0
    side.size = 256
    for i in range(256):
        side.places[i] = i * step


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
        _count(&sides[0], &sides[1], shape, &table[0, 0], table.shape[1], way)


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
        _count(&sides[0], &sides[1], shape, &table[0, 0], table.shape[1], way)


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
