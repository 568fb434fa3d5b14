"""Overlap (intersection over union) of the boxes and masks of groups.

Computes
    boxes  IoU of each prediction with each truth of its group, by x, y, width and height
    masks  the same by run lengths
Shapes
    boxes (n, 4); runs of all masks one after the other; overlaps one after the other, group by group, a row of truths
    for each prediction
Complexity
    boxes O(pairs). masks O(runs) to measure each mask once, then O(runs) for each pair whose boxes overlap, of the
    columns that both have. Scratch memory for the largest group is passed in.
Source
    bbIou and rleIou of cocodataset/cocoapi, common/maskApi.c, to the last bit, also where runs have length 0.

The callers in segbench/kernels/overlap.py check shapes and offsets; nothing is checked here but sizes of masks.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t

cdef extern from "overlap.h" nogil:
    ctypedef struct extent:
        int64_t bounds
        int64_t intervals
        int64_t area
        int64_t broken
    const int64_t EXTENT_WORDS
    void measure(const uint32_t *runs, int64_t n, int64_t height, int64_t *bounds, extent *mask)
    int64_t shared_pixels(const int64_t *bounds, const extent *a, const extent *b, int64_t height)
    int64_t walked(const uint32_t *a, int64_t a_runs, const uint32_t *b, int64_t b_runs, int64_t *either)

#: How many integers of scratch memory a mask takes.
WORDS = EXTENT_WORDS


cdef inline double _lesser(double a, double b) noexcept nogil:
    return a if a < b else b


cdef inline double _greater(double a, double b) noexcept nogil:
    return a if a > b else b


cdef inline double _box_iou(const double *truth, const double *prediction, bint crowd) noexcept nogil:
    cdef double width, height, shared, area
    width = _lesser(prediction[2] + prediction[0], truth[2] + truth[0]) - _greater(prediction[0], truth[0])
    if width <= 0:
        return 0
    height = _lesser(prediction[3] + prediction[1], truth[3] + truth[1]) - _greater(prediction[1], truth[1])
    if height <= 0:
        return 0
    area = prediction[2] * prediction[3]
    shared = width * height
    return shared / (area if crowd else area + truth[2] * truth[3] - shared)


def boxes(
    const double[:, ::1] truth,
    const double[:, ::1] prediction,
    const uint8_t[::1] crowd,
    const int64_t[::1] truth_offsets,
    const int64_t[::1] prediction_offsets,
    double[::1] ious,
):
    """Write the overlaps of boxes to `ious`."""
    cdef Py_ssize_t group, t, p, pair = 0
    with nogil:
        for group in range(truth_offsets.shape[0] - 1):
            for p in range(prediction_offsets[group], prediction_offsets[group + 1]):
                for t in range(truth_offsets[group], truth_offsets[group + 1]):
                    ious[pair] = _box_iou(&truth[t, 0], &prediction[p, 0], crowd[t])
                    pair += 1


cdef struct side:
    # Null where there is no run at all.
    const uint32_t *counts
    const int64_t *offsets
    const int64_t *sizes
    # Which mask each row is.
    const int64_t *rows
    # The rows of the group.
    Py_ssize_t begin
    Py_ssize_t end


cdef side _side(
    const uint32_t[::1] counts, const int64_t[::1] offsets, const int64_t[:, ::1] sizes, const int64_t[::1] rows
) noexcept nogil:
    cdef side s
    s.counts = &counts[0] if counts.shape[0] else NULL
    s.offsets = &offsets[0]
    s.sizes = &sizes[0, 0] if sizes.shape[0] else NULL
    s.rows = &rows[0] if rows.shape[0] else NULL
    s.begin = s.end = 0
    return s


cdef inline Py_ssize_t _runs(const side *s, Py_ssize_t row) noexcept nogil:
    return s.offsets[s.rows[row] + 1] - s.offsets[s.rows[row]]


cdef inline const uint32_t *_first(const side *s, Py_ssize_t row) noexcept nogil:
    return s.counts + s.offsets[s.rows[row]]


cdef bint _same_size(const side *s, const int64_t *size) noexcept nogil:
    cdef Py_ssize_t row
    for row in range(s.begin, s.end):
        if s.sizes[2 * s.rows[row]] != size[0] or s.sizes[2 * s.rows[row] + 1] != size[1]:
            return False
    return True


cdef int64_t _measure_all(const side *s, int64_t height, int64_t *bounds, int64_t used, extent *masks) noexcept nogil:
    """Measure the masks of one side of a group, and return how many bounds are used by then."""
    cdef Py_ssize_t row
    for row in range(s.begin, s.end):
        masks[row - s.begin].bounds = used
        measure(_first(s, row), _runs(s, row), height, bounds + used, &masks[row - s.begin])
        used += _runs(s, row)
    return used


cdef double _mask_iou(
    const side *true,
    const side *found,
    Py_ssize_t t,
    Py_ssize_t p,
    const extent *truth,
    const extent *prediction,
    const int64_t *bounds,
    int64_t height,
    bint crowd,
) noexcept nogil:
    cdef int64_t shared, whole
    if truth.broken and prediction.broken:
        shared = walked(_first(true, t), _runs(true, t), _first(found, p), _runs(found, p), &whole)
    else:
        shared = shared_pixels(bounds, truth, prediction, height)
        whole = truth.area + prediction.area - shared
    if not shared:
        return 0
    return <double>shared / <double>(prediction.area if crowd else whole)


cdef void _compare(
    const side *true, const side *found, const uint8_t[::1] crowd, extent *masks, int64_t *bounds, double *ious
) noexcept nogil:
    """Write the overlaps of one group."""
    cdef int64_t height = true.sizes[2 * true.rows[true.begin]]
    cdef extent *theirs = masks + (true.end - true.begin)
    cdef Py_ssize_t t, p, pair = 0
    _measure_all(found, height, bounds, _measure_all(true, height, bounds, 0, masks), theirs)
    for p in range(found.begin, found.end):
        for t in range(true.begin, true.end):
            ious[pair] = _mask_iou(
                true, found, t, p, &masks[t - true.begin], &theirs[p - found.begin], bounds, height, crowd[t]
            )
            pair += 1


def masks(
    const uint32_t[::1] truth_counts,
    const int64_t[::1] truth_runs,
    const int64_t[:, ::1] truth_sizes,
    const int64_t[::1] truth_rows,
    const uint32_t[::1] prediction_counts,
    const int64_t[::1] prediction_runs,
    const int64_t[:, ::1] prediction_sizes,
    const int64_t[::1] prediction_rows,
    const uint8_t[::1] crowd,
    const int64_t[::1] truth_offsets,
    const int64_t[::1] prediction_offsets,
    int64_t[::1] work,
    int64_t[::1] bounds,
    double[::1] ious,
):
    """Write the overlaps of masks to `ious`, and return the first group whose masks differ in size, or -1.

    `work` holds WORDS integers for each mask of the largest group, `bounds` one for each of its runs, and both one
    more.
    """
    cdef side true, found
    cdef const int64_t *size
    cdef Py_ssize_t group, pair = 0, differs = -1
    with nogil:
        true = _side(truth_counts, truth_runs, truth_sizes, truth_rows)
        found = _side(prediction_counts, prediction_runs, prediction_sizes, prediction_rows)
        for group in range(truth_offsets.shape[0] - 1):
            true.begin, true.end = truth_offsets[group], truth_offsets[group + 1]
            found.begin, found.end = prediction_offsets[group], prediction_offsets[group + 1]
            if true.begin == true.end or found.begin == found.end:
                continue
            size = true.sizes + 2 * true.rows[true.begin]
            if not (_same_size(&true, size) and _same_size(&found, size)):
                differs = group
                break
            _compare(&true, &found, crowd, <extent *>&work[0], &bounds[0], &ious[pair])
            pair += (true.end - true.begin) * (found.end - found.begin)
    return differs
