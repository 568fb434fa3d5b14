"""Segments of a binary image, with and without thinned borders, and how two segmentations overlap.

Computes
    connect       4-connected segments of the foreground, numbered from 1 in the order in which rows meet them
    thin          4-connected segments, numbered in the order in which columns meet them, then grown over the
                  background until they meet; pixels where they meet are lines (0)
    count_pairs   for each pair of labels that share pixels, how many, in the order of the labels
Shapes
    images (rows, columns); labels (rows + 2, columns + 2), whose frame spares the loops the question of borders
Complexity
    O(pixels) time. Scratch memory is passed in: one index a pixel, and for pairs six integers a pixel.
Source
    WatershedTransform2D of Fiji's Trainable_Segmentation, the thinning in the scores of ISBI 2012; after Soille and
    Vincent: Determining watersheds in digital pictures via flooding simulations, SPIE 1360, 1990. On a binary image
    its two levels come to this: a background pixel takes the label of its neighbours if they have one, is a line if
    they have several or are lines themselves, and the queue decides who comes first.

The callers in segbench/kernels/thinning.py check shapes and labels; nothing is checked here.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

cdef enum:
    LINE = 0
    DRY = -1  # background, not yet reached
    QUEUED = -2
    UNLABELLED = -3  # foreground, not yet reached
    OUTSIDE = -4  # the frame

cdef enum:
    # Rows of the scratch memory for pairs.
    TRUTH, PREDICTION, LENGTH, BY_PREDICTION, BY_BOTH


cdef struct sheet:
    int32_t *labels
    int32_t *queue
    Py_ssize_t rows
    Py_ssize_t columns
    # To the left, up, to the right and down.
    Py_ssize_t steps[4]


cdef sheet _framed(const uint8_t[:, ::1] foreground, int32_t[:, ::1] labels, int32_t[::1] queue) noexcept nogil:
    cdef sheet s
    cdef Py_ssize_t y, x
    s.labels, s.queue = &labels[0, 0], &queue[0]
    s.rows, s.columns = foreground.shape[0], foreground.shape[1]
    s.steps[0], s.steps[1], s.steps[2], s.steps[3] = -1, -labels.shape[1], 1, labels.shape[1]
    for x in range(labels.shape[1]):
        labels[0, x] = OUTSIDE
        labels[s.rows + 1, x] = OUTSIDE
    for y in range(s.rows):
        labels[y + 1, 0] = OUTSIDE
        labels[y + 1, s.columns + 1] = OUTSIDE
        for x in range(s.columns):
            labels[y + 1, x + 1] = UNLABELLED if foreground[y, x] else DRY
    return s


cdef inline Py_ssize_t _at(const sheet *s, Py_ssize_t y, Py_ssize_t x) noexcept nogil:
    return (y + 1) * (s.columns + 2) + x + 1


cdef void _spread(sheet *s, Py_ssize_t start, int32_t label) noexcept nogil:
    """Give the segment around a pixel its label."""
    cdef Py_ssize_t at, i, waiting = 1
    s.labels[start] = label
    s.queue[0] = <int32_t>start
    while waiting:
        waiting -= 1
        at = s.queue[waiting]
        for i in range(4):
            if s.labels[at + s.steps[i]] == UNLABELLED:
                s.labels[at + s.steps[i]] = label
                s.queue[waiting] = <int32_t>(at + s.steps[i])
                waiting += 1


cdef int32_t _label_by_rows(sheet *s) noexcept nogil:
    cdef Py_ssize_t y, x
    cdef int32_t n = 0
    for y in range(s.rows):
        for x in range(s.columns):
            if s.labels[_at(s, y, x)] == UNLABELLED:
                n += 1
                _spread(s, _at(s, y, x), n)
    return n


cdef int32_t _label_by_columns(sheet *s) noexcept nogil:
    cdef Py_ssize_t y, x
    cdef int32_t n = 0
    for x in range(s.columns):
        for y in range(s.rows):
            if s.labels[_at(s, y, x)] == UNLABELLED:
                n += 1
                _spread(s, _at(s, y, x), n)
    return n


cdef void _fill(sheet *s, int32_t source, int32_t label) noexcept nogil:
    """Replace one label by another."""
    cdef Py_ssize_t y, x
    for y in range(s.rows):
        for x in range(s.columns):
            if s.labels[_at(s, y, x)] == source:
                s.labels[_at(s, y, x)] = label


cdef Py_ssize_t _queue_shores(sheet *s) noexcept nogil:
    """Queue the background beside segments, column by column."""
    cdef Py_ssize_t y, x, at, i, tail = 0
    for x in range(s.columns):
        for y in range(s.rows):
            at = _at(s, y, x)
            if s.labels[at] != DRY:
                continue
            for i in range(4):
                if s.labels[at + s.steps[i]] > 0:
                    s.labels[at] = QUEUED
                    s.queue[tail] = <int32_t>at
                    tail += 1
                    break
    return tail


cdef void _flood(sheet *s) noexcept nogil:
    """Grow the segments over the background."""
    cdef Py_ssize_t at, beside, i, head = 0
    cdef Py_ssize_t tail = _queue_shores(s)
    cdef int32_t label
    cdef bint parted
    while head < tail:
        at = s.queue[head]
        head += 1
        label, parted = LINE, False
        for i in range(4):
            beside = at + s.steps[i]
            if s.labels[beside] > 0:
                parted = parted or (label != LINE and label != s.labels[beside])
                label = s.labels[beside]
            elif s.labels[beside] == DRY:
                s.labels[beside] = QUEUED
                s.queue[tail] = <int32_t>beside
                tail += 1
        s.labels[at] = LINE if parted else label


cdef Py_ssize_t _take_runs(
    const int32_t[::1] truth, const int32_t[::1] prediction, int32_t[:, ::1] work
) noexcept nogil:
    """Write pairs of labels that repeat once, with their number; neighbours mostly have the same pair."""
    cdef Py_ssize_t i, n = -1
    for i in range(truth.shape[0]):
        if n < 0 or truth[i] != work[TRUTH, n] or prediction[i] != work[PREDICTION, n]:
            n += 1
            work[TRUTH, n], work[PREDICTION, n], work[LENGTH, n] = truth[i], prediction[i], 0
        work[LENGTH, n] += 1
    return n + 1


cdef void _sort(
    const int32_t[::1] keys, const int32_t *given, int32_t *order, Py_ssize_t n, int32_t[::1] places
) noexcept nogil:
    """Order runs by their keys, equal ones as given; NULL stands for the order they were taken in."""
    cdef Py_ssize_t i, run
    places[:] = 0
    for i in range(n):
        places[keys[i] + 1] += 1
    for i in range(1, places.shape[0]):
        places[i] += places[i - 1]
    for i in range(n):
        run = i if given == NULL else given[i]
        order[places[keys[run]]] = <int32_t>run
        places[keys[run]] += 1


cdef Py_ssize_t _merge_runs(const int32_t[:, ::1] work, Py_ssize_t n, int64_t[:, ::1] cells) noexcept nogil:
    """Add up the runs of each pair."""
    cdef Py_ssize_t i, run, cell = -1
    for i in range(n):
        run = work[BY_BOTH, i]
        if cell < 0 or work[TRUTH, run] != cells[cell, 0] or work[PREDICTION, run] != cells[cell, 1]:
            cell += 1
            cells[cell, 0], cells[cell, 1], cells[cell, 2] = work[TRUTH, run], work[PREDICTION, run], 0
        cells[cell, 2] += work[LENGTH, run]
    return cell + 1


def connect(const uint8_t[:, ::1] foreground, int32_t[:, ::1] labels, int32_t[::1] queue):
    """Write the segments of the foreground to `labels`, 0 elsewhere."""
    cdef sheet s
    with nogil:
        s = _framed(foreground, labels, queue)
        _label_by_rows(&s)
        _fill(&s, DRY, 0)


def thin(const uint8_t[:, ::1] foreground, int32_t[:, ::1] labels, int32_t[::1] queue):
    """Write the grown segments to `labels`, 0 on the lines between; without foreground all is one segment."""
    cdef sheet s
    with nogil:
        s = _framed(foreground, labels, queue)
        if _label_by_columns(&s):
            _flood(&s)
        else:
            _fill(&s, DRY, 1)


def count_pairs(
    const int32_t[::1] truth,
    const int32_t[::1] prediction,
    int32_t[:, ::1] work,
    int32_t[::1] places,
    int64_t[:, ::1] cells,
):
    """Write (truth label, prediction label, pixels) to `cells`, in order, and return how many there are."""
    cdef Py_ssize_t n
    with nogil:
        n = _take_runs(truth, prediction, work)
        _sort(work[PREDICTION], NULL, &work[BY_PREDICTION, 0], n, places)
        _sort(work[TRUTH], &work[BY_PREDICTION, 0], &work[BY_BOTH, 0], n, places)
        n = _merge_runs(work, n, cells)
    return n
