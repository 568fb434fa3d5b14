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
    one pass, O(pixels); no memory beyond the table passed in
Source
    fast_hist in score.py of FCN (Long, Shelhamer, Darrell: Fully Convolutional Networks for Semantic Segmentation,
    CVPR 2015), which is bincount(n * truth + prediction); here a value out of range is counted, never dropped.

The callers in segbench/kernels/confusion.py check shapes, dtypes and codes; nothing is checked here.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t

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


cdef inline Py_ssize_t code_of(
    int64_t value, const int32_t[::1] codes, int64_t low, Py_ssize_t outside
) noexcept nogil:
    # value - low can exceed 63 bits. Unsigned it is exact once value >= low.
    cdef uint64_t place = <uint64_t>value - <uint64_t>low
    if value < low or place >= <uint64_t>codes.shape[0]:
        return outside
    cdef int32_t code = codes[<Py_ssize_t>place]
    return outside if code < 0 else code


cdef void _count_bytes(
    const uint8_t[:, :, :] truth, const uint8_t[:, :, :] prediction, int64_t[:, ::1] table
) noexcept nogil:
    cdef Py_ssize_t z, y, x
    for z in range(truth.shape[0]):
        for y in range(truth.shape[1]):
            for x in range(truth.shape[2]):
                table[truth[z, y, x], prediction[z, y, x]] += 1


cdef void _count_codes(
    const truth_t[:, :, :] truth,
    const prediction_t[:, :, :] prediction,
    const int32_t[::1] truth_codes,
    const int32_t[::1] prediction_codes,
    int64_t truth_low,
    int64_t prediction_low,
    int64_t[:, ::1] table,
) noexcept nogil:
    cdef Py_ssize_t z, y, x, row, column
    cdef Py_ssize_t last_row = table.shape[0] - 1
    cdef Py_ssize_t last_column = table.shape[1] - 1
    for z in range(truth.shape[0]):
        for y in range(truth.shape[1]):
            for x in range(truth.shape[2]):
                row = code_of(truth[z, y, x], truth_codes, truth_low, last_row)
                column = code_of(prediction[z, y, x], prediction_codes, prediction_low, last_column)
                table[row, column] += 1


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
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                if code_of(labels[z, y, x], codes, low, outside) != code:
                    continue
                if count == 0:
                    first[0], first[1], first[2] = z, y, x
                count += 1
    return count


def count_bytes(const uint8_t[:, :, :] truth, const uint8_t[:, :, :] prediction, int64_t[:, ::1] table):
    """Add the pairs of 8-bit values to table[truth, prediction]."""
    with nogil:
        _count_bytes(truth, prediction, table)


def count_codes(
    const truth_t[:, :, :] truth,
    const prediction_t[:, :, :] prediction,
    const int32_t[::1] truth_codes,
    const int32_t[::1] prediction_codes,
    int64_t truth_low,
    int64_t prediction_low,
    int64_t[:, ::1] table,
):
    """Add the pairs of codes to table[truth, prediction], values outside to the last row and column."""
    with nogil:
        _count_codes(truth, prediction, truth_codes, prediction_codes, truth_low, prediction_low, table)


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
