"""How much an outline changes from frame to frame: outlines of masks, shape contexts along them, and their matching.

Computes
    mark       which edges of pixels bound the mask, at each corner; how many there are, and how many junctions
    outline    the simplified outline that has the most points
    resample   points along an outline, at most 3 pixels apart
    distances  of every two points
    contexts   how many points each point sees, by ring and sector
    match      the costs of the pairs of points that answer each other
Shapes
    mask (rows, columns) with any strides; ways (rows + 1, columns + 1); corners (3, edges + 2 junctions + 2, 2) as
    (row, column); outlines (n, 2) as (column, row); points (n, 2); shares and counts (n, 60)
Complexity
    outlines O(pixels) and of their simplification O(points²) at worst; shape contexts O(points²); matching
    O(points² log points) at worst. All memory is passed in.
Source
    The measure T of DAVIS 2016 (Perazzi et al., CVPR 2016), see outlines.h, junctions.h, contexts.h and matching.h

The callers in segbench/kernels/stability.py check shapes and values; nothing is checked here.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

cdef extern from "outlines.h" nogil:
    ctypedef struct corner:
        int32_t row, column
    ctypedef struct piece:
        int64_t begin
    ctypedef struct junction:
        corner at
    ctypedef struct stretch:
        int32_t piece
    ctypedef struct span:
        Py_ssize_t first
    ctypedef struct drawing:
        const uint8_t *mask
        Py_ssize_t rows, columns
        Py_ssize_t strides[2]
        uint8_t *ways
        junction *junctions
        piece *pieces
        stretch *walk
        corner *lines
        corner *loop
        corner *best
        uint8_t *kept
        span *spans
        int64_t n_best, rank
        int last_of_equals
    void mark_edges(drawing *d, uint8_t *lines, int64_t *edges, int64_t *crossed)
    void follow_loops(drawing *d)

cdef extern from "junctions.h" nogil:
    void number_junctions(drawing *d)
    void trace_pieces(drawing *d)
    void join_pieces(drawing *d)

cdef extern from "contexts.h" nogil:
    Py_ssize_t resample_floats(const int64_t *outline, Py_ssize_t n, int rows_first, double *points)
    Py_ssize_t resample_doubles(const int64_t *outline, Py_ssize_t n, int rows_first, double *points)
    void measure_distances(const double *points, Py_ssize_t n, double *distances)
    void count_seen(
        const double *points,
        Py_ssize_t n,
        const double *distances,
        double mean,
        const double *limits,
        int is_lenient,
        int64_t *seen,
    )

cdef extern from "matching.h" nogil:
    ctypedef struct table:
        const double *before
        const double *after
        int32_t n_before, n_after, skip_before, skip_after
        double *costs
        double *distances
        int32_t *places
        int32_t *heap
        int32_t *from_ "from"
    int32_t cheapest_path(table *t, int32_t *path)
    void roll(table *t, const int32_t *path, int32_t n)
    int32_t keep_one_to_one(
        const table *t, const int32_t *path, int32_t n, int32_t *rows, int32_t *columns, double *values
    )

# Bytes of a junction and of a piece, whose memory is passed in.
BYTES_OF_A_JUNCTION, BYTES_OF_A_PIECE = sizeof(junction), sizeof(piece)


cdef drawing _drawing(const uint8_t[:, :] mask, uint8_t[:, ::1] ways) noexcept nogil:
    cdef drawing d
    d.mask, d.ways = &mask[0, 0], &ways[0, 0]
    d.rows, d.columns = mask.shape[0], mask.shape[1]
    d.strides[0], d.strides[1] = mask.strides[0], mask.strides[1]
    d.n_best, d.rank = 0, 0
    return d


def mark(const uint8_t[:, :] mask, uint8_t[::1] lines, uint8_t[:, ::1] ways):
    """Mark the corners and return how many edges and junctions there are; `lines` are zeros."""
    cdef int64_t edges, junctions
    cdef drawing d
    with nogil:
        d = _drawing(mask, ways)
        mark_edges(&d, &lines[0], &edges, &junctions)
    return edges, junctions


def outline(
    const uint8_t[:, :] mask,
    bint last_of_equals,
    uint8_t[:, ::1] ways,
    uint8_t[:, ::1] junctions,
    uint8_t[:, ::1] pieces,
    int32_t[:, ::1] walk,
    int32_t[:, :, ::1] corners,
    uint8_t[::1] kept,
    Py_ssize_t[:, ::1] spans,
):
    """Write the outline to the last of the `corners` and return how many points it has; the ways are used up."""
    cdef drawing d
    with nogil:
        d = _drawing(mask, ways)
        d.last_of_equals = last_of_equals
        d.junctions, d.pieces = <junction *>&junctions[0, 0], <piece *>&pieces[0, 0]
        d.lines, d.loop, d.best = <corner *>&corners[0, 0, 0], <corner *>&corners[1, 0, 0], <corner *>&corners[2, 0, 0]
        d.walk, d.kept, d.spans = <stretch *>&walk[0, 0], &kept[0], <span *>&spans[0, 0]
        number_junctions(&d)
        trace_pieces(&d)
        join_pieces(&d)
        follow_loops(&d)
    return d.n_best


def resample(const int64_t[:, ::1] outline, bint rows_first, bint in_doubles, double[:, ::1] points):
    """Write points and return how many there are."""
    cdef Py_ssize_t n
    with nogil:
        if in_doubles:
            n = resample_doubles(&outline[0, 0], outline.shape[0], rows_first, &points[0, 0])
        else:
            n = resample_floats(&outline[0, 0], outline.shape[0], rows_first, &points[0, 0])
    return n


def distances(const double[:, ::1] points, double[:, ::1] found):
    """Write the distance of every two points."""
    with nogil:
        measure_distances(&points[0, 0], points.shape[0], &found[0, 0])


def contexts(
    const double[:, ::1] points,
    const double[:, ::1] distances,
    double mean,
    const double[::1] limits,
    bint is_lenient,
    int64_t[:, ::1] seen,
):
    """Write how many points each point sees in each bin."""
    with nogil:
        count_seen(&points[0, 0], points.shape[0], &distances[0, 0], mean, &limits[0], is_lenient, &seen[0, 0])


def match(
    const double[:, ::1] before,
    const double[:, ::1] after,
    double[::1] costs,
    double[::1] distances,
    int32_t[:, ::1] cells,
    int32_t[:, ::1] lines,
    double[::1] values,
):
    """Write the costs of the pairs that are kept, by points of `after`, and return how many there are."""
    cdef table t
    cdef int32_t n
    with nogil:
        t.before, t.after = &before[0, 0], &after[0, 0]
        t.n_before, t.n_after = <int32_t>before.shape[0], <int32_t>after.shape[0]
        t.skip_before, t.skip_after = 0, 0
        t.costs, t.distances = &costs[0], &distances[0]
        t.places, t.heap, t.from_ = &cells[0, 0], &cells[1, 0], &cells[2, 0]
        n = cheapest_path(&t, &lines[0, 0])
        roll(&t, &lines[0, 0], n)
        n = cheapest_path(&t, &lines[0, 0])
        n = keep_one_to_one(&t, &lines[0, 0], n, &lines[1, 0], &lines[2, 0], &values[0])
    return n
