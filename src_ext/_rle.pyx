"""Masks as runs: decoded, encoded, measured, united, and drawn from polygons.

Computes
    decode     strings to counts                    encode    counts to strings
    check      lists of counts, checked             measure   area or bounding box of each mask
    unite      unions and intersections of groups   of_pixels runs of pixels
    fill       pixels of runs                       draw      polygons to counts
Shapes
    counts of all masks one after the other, `offsets` (n + 1,) where those of each begin
Complexity
    O(characters), O(counts) or O(pixels); polygons O(edges + columns that they cross) and their sorting by column.
Source
    rleEncode, rleFrString, rleToString, rleMerge and rleFrPoly of cocodataset/cocoapi, common/maskApi.c, and rleToBbox
    as in the fork on PyPI (ppwwyyxx/cocoapi), to the last bit on everything valid.

The callers in segbench/kernels/rle.py and rasterise.py check shapes and offsets, and see to it that there is room.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t

cdef extern from "rle.h" nogil:
    int64_t rle_ends(const uint8_t *text, int64_t length)
    int rle_decode(const uint8_t *text, int64_t length, bint is_escaped, int64_t pixels, uint32_t *counts)
    int64_t rle_encode(const uint32_t *counts, int64_t m, uint8_t *text)
    int rle_check(const int64_t *given, int64_t m, int64_t pixels, uint32_t *counts)
    int64_t rle_area(const uint32_t *counts, int64_t m)
    void rle_box(const uint32_t *counts, int64_t m, int64_t height, double *box)
    int64_t rle_merge(
        const uint32_t *a, int64_t n_a, const uint32_t *b, int64_t n_b, bint is_intersection, uint32_t *merged
    )
    int64_t rle_of_pixels(const uint8_t *pixels, int64_t n, uint32_t *counts)
    void rle_fill(const uint32_t *counts, int64_t m, uint8_t *pixels)

cdef extern from "polygons.h" nogil:
    ctypedef struct Crossings:
        int64_t height
        int64_t width
        int64_t *columns
        int64_t *rows
        int64_t *begins
        int64_t *places
        int64_t n
    int64_t polygon_most(const double *points, int64_t n, int64_t width)
    int64_t polygon_mask(const double *points, int64_t n, Crossings *found, uint32_t *counts)


def count_ends(
    const uint8_t[::1] data, const int64_t[::1] starts, const int64_t[::1] lengths, int64_t[::1] offsets
):
    """Write where the counts of each string will begin."""
    cdef Py_ssize_t i
    with nogil:
        offsets[0] = 0
        for i in range(starts.shape[0]):
            offsets[i + 1] = offsets[i]
            if lengths[i]:
                offsets[i + 1] += rle_ends(&data[starts[i]], lengths[i])


def decode(
    const uint8_t[::1] data,
    const int64_t[::1] starts,
    const int64_t[::1] lengths,
    const uint8_t[::1] escaped,
    const int64_t[::1] pixels,
    const int64_t[::1] offsets,
    uint32_t[::1] counts,
):
    """Decode every string; return the first that is none, and why, or -1 and 0."""
    cdef Py_ssize_t i, at = -1
    cdef int reason = 0
    with nogil:
        for i in range(starts.shape[0]):
            if lengths[i] == 0:
                reason = 6
            elif offsets[i + 1] == offsets[i]:
                # Nothing is written where no count ends.
                reason = rle_decode(&data[starts[i]], lengths[i], escaped[i], pixels[i], NULL)
            else:
                reason = rle_decode(&data[starts[i]], lengths[i], escaped[i], pixels[i], &counts[offsets[i]])
            if reason:
                at = i
                break
    return at, reason


def check(
    const int64_t[::1] given, const int64_t[::1] offsets, const int64_t[::1] pixels, uint32_t[::1] counts
):
    """Copy lists of counts; return the first that is none, and why, or -1 and 0."""
    cdef Py_ssize_t i, at = -1
    cdef int reason = 0
    with nogil:
        for i in range(pixels.shape[0]):
            if offsets[i + 1] == offsets[i]:
                reason = 6
            else:
                reason = rle_check(&given[offsets[i]], offsets[i + 1] - offsets[i], pixels[i], &counts[offsets[i]])
            if reason:
                at = i
                break
    return at, reason


def encode(const uint32_t[::1] counts, const int64_t[::1] offsets, uint8_t[::1] text, int64_t[::1] ends):
    """Write every mask as a string, one after the other, and where each ends."""
    cdef Py_ssize_t i
    cdef int64_t place = 0
    with nogil:
        for i in range(ends.shape[0]):
            if offsets[i + 1] > offsets[i]:
                place += rle_encode(&counts[offsets[i]], offsets[i + 1] - offsets[i], &text[place])
            ends[i] = place


def measure_areas(const uint32_t[::1] counts, const int64_t[::1] offsets, int64_t[::1] areas):
    """Write the area of every mask."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(areas.shape[0]):
            areas[i] = 0
            if offsets[i + 1] > offsets[i]:
                areas[i] = rle_area(&counts[offsets[i]], offsets[i + 1] - offsets[i])


def measure_boxes(
    const uint32_t[::1] counts,
    const int64_t[::1] offsets,
    const int64_t[::1] heights,
    double[:, ::1] boxes,
):
    """Write the box of every mask."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(boxes.shape[0]):
            boxes[i, 0] = boxes[i, 1] = boxes[i, 2] = boxes[i, 3] = 0
            if offsets[i + 1] > offsets[i]:
                rle_box(&counts[offsets[i]], offsets[i + 1] - offsets[i], heights[i], &boxes[i, 0])


def unite(
    const uint32_t[::1] counts,
    const int64_t[::1] offsets,
    const int64_t[::1] groups,
    bint is_intersection,
    uint32_t[:, ::1] scratch,
    uint32_t[::1] merged,
    int64_t[::1] merged_offsets,
):
    """Unite the masks of each group; `scratch` has two rows that hold the counts of the largest group."""
    cdef Py_ssize_t g, i, row = 0
    cdef int64_t n, k
    with nogil:
        merged_offsets[0] = 0
        for g in range(merged_offsets.shape[0] - 1):
            n = offsets[groups[g] + 1] - offsets[groups[g]]
            for k in range(n):
                scratch[row, k] = counts[offsets[groups[g]] + k]
            for i in range(groups[g] + 1, groups[g + 1]):
                n = rle_merge(
                    &scratch[row, 0],
                    n,
                    &counts[0] + offsets[i],
                    offsets[i + 1] - offsets[i],
                    is_intersection,
                    &scratch[1 - row, 0],
                )
                row = 1 - row
            for k in range(n):
                merged[merged_offsets[g] + k] = scratch[row, k]
            merged_offsets[g + 1] = merged_offsets[g] + n


def of_pixels(const uint8_t[::1] pixels, uint32_t[::1] counts):
    """Write the runs of pixels in column-major order; return how many there are."""
    cdef int64_t n
    with nogil:
        n = rle_of_pixels(&pixels[0], pixels.shape[0], &counts[0])
    return n


def fill(const uint32_t[::1] counts, uint8_t[::1] pixels):
    """Write the pixels of runs that add up to their number, in column-major order."""
    with nogil:
        rle_fill(&counts[0], counts.shape[0], &pixels[0])


def most_crossings(
    const double[::1] points, const int64_t[::1] offsets, const int64_t[::1] widths, int64_t[::1] most
):
    """Write how many crossings each polygon can have."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(most.shape[0]):
            most[i] = 0
            if offsets[i + 1] > offsets[i]:
                most[i] = polygon_most(&points[offsets[i]], offsets[i + 1] - offsets[i], widths[i])


def draw(
    const double[::1] points,
    const int64_t[::1] offsets,
    const int64_t[:, ::1] sizes,
    int64_t[:, ::1] work,
    int64_t[::1] begins,
    uint32_t[::1] counts,
    int64_t[::1] drawn,
    Py_ssize_t first,
):
    """Draw polygons from `first` on while there is room for their counts, and return the first that was not drawn.

    `work` has three rows of crossings; `drawn` tells where the counts of each end, those of the first begin at 0.
    """
    cdef Py_ssize_t i = first
    cdef int64_t place = 0
    cdef Crossings found
    found.columns, found.rows, found.places = &work[0, 0], &work[1, 0], &work[2, 0]
    found.begins = &begins[0]
    with nogil:
        while i < drawn.shape[0] and place + work.shape[1] + 2 <= counts.shape[0]:
            found.height, found.width = sizes[i, 0], sizes[i, 1]
            place += polygon_mask(&points[0] + offsets[i], offsets[i + 1] - offsets[i], &found, &counts[place])
            drawn[i] = place
            i += 1
    return i
