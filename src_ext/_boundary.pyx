"""Boundary pixels of masks and of every class of label maps, and which of them lie near those of another map.

Computes
    count   for each class of two maps: its pixels, its boundary pixels, and those of them that are near a boundary
            pixel of the other map's same class
    mark    the boundary pixels of a mask
Shapes
    maps and masks (rows, columns) with any strides; counts (n_classes, 6); reach (distances between rows + 1, 2)
    scratch: lines (3, boundary.h: line_length), pieces (3, capacity, 2), ends (2, 2, n_classes), and a canvas
    (rows + 1, blocks + 2) of zeros, which is left so; a block is 64 columns
Complexity
    O(pixels / 64) comparisons + O(boundary pixels), see boundary.h
Source
    seg2bmap and f_measure of DAVIS (Perazzi et al., CVPR 2016); perimeters as Csurka et al., BMVC 2013, use them.

The callers in segbench/kernels/boundary.py check shapes, dtypes and parameters; nothing is checked here.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "boundary.h" nogil:
    ctypedef uint64_t word
    ctypedef enum boundary_definition: SEG2BMAP, INNER4, INNER8, THICK
    ctypedef struct label_map:
        const char *labels
        Py_ssize_t rows, columns
        Py_ssize_t strides[2]
        int is_mask
        uint32_t n_classes
        int frame_bounds
    ctypedef struct piece:
        word bits
        uint32_t place, label
    ctypedef struct findings:
        piece *pieces
        int64_t capacity, n
        uint32_t *parts
        uint32_t *end
        int64_t *pixels
        int64_t *boundary
    ctypedef struct reach_row:
        int64_t half
    ctypedef struct canvas:
        word *words
        Py_ssize_t rows, blocks, first, last
        const reach_row *reach
        Py_ssize_t n_reach
    ctypedef struct way:
        const char *name
        void scan(const label_map *, int, boundary_definition, char *, findings *) noexcept nogil
        void match(canvas *, const findings *, const findings *, uint32_t, int64_t *) noexcept nogil
    const way[] ways
    int n_ways()
    void plan_steps(reach_row *reach, Py_ssize_t n)
    void sort_pieces(findings *found, uint32_t n_classes, piece *sorted)
    void mark_pieces(const findings *found, Py_ssize_t columns, uint8_t *marks)

ctypedef fused label_t:
    uint8_t
    uint16_t

# The loops that this processor can run, the fastest last.
WAYS = tuple(ways[i].name.decode() for i in range(n_ways()))
cdef int BEST = n_ways() - 1


cdef label_map _map(const label_t[:, :] labels, bint frame_bounds) noexcept nogil:
    cdef label_map map
    map.labels = <const char *>&labels[0, 0]
    map.rows, map.columns = labels.shape[0], labels.shape[1]
    map.strides[0], map.strides[1] = labels.strides[0], labels.strides[1]
    map.frame_bounds = frame_bounds
    map.is_mask, map.n_classes = True, 1
    return map


cdef findings _nothing(uint64_t[:, ::1] pieces, uint32_t[:, ::1] ends, int64_t[:, ::1] counts, int side) noexcept nogil:
    cdef findings found
    ends[:, :] = 0
    found.pieces, found.capacity, found.n = <piece *>&pieces[0, 0], pieces.shape[0], 0
    found.parts, found.end = &ends[0, 0], &ends[1, 0]
    found.pixels, found.boundary = &counts[0, side], &counts[0, 2 + 2 * side]
    return found


def count(
    const label_t[:, :] truth,
    const label_t[:, :] prediction,
    bint are_masks,
    int definition,
    bint frame_bounds,
    int64_t[:, ::1] reach,
    char[:, ::1] lines,
    uint64_t[:, :, ::1] pieces,
    uint32_t[:, :, ::1] ends,
    uint64_t[:, ::1] words,
    int64_t[:, ::1] counts,
    int way=BEST,
):
    """Write the counts and return how many pieces a map has; if that is beyond the capacity, no hit is counted."""
    cdef label_map[2] maps
    cdef findings[2] found
    cdef canvas painted
    cdef int side
    with nogil:
        counts[:, :] = 0
        maps[0], maps[1] = _map(truth, frame_bounds), _map(prediction, frame_bounds)
        for side in range(2):
            maps[side].is_mask, maps[side].n_classes = are_masks, <uint32_t>counts.shape[0]
            found[side] = _nothing(pieces[2], ends[side], counts, side)
            ways[way].scan(&maps[side], sizeof(label_t), <boundary_definition>definition, &lines[0, 0], &found[side])
            if found[side].n <= found[side].capacity:
                sort_pieces(&found[side], maps[side].n_classes, <piece *>&pieces[side, 0, 0])
        if found[0].n <= found[0].capacity and found[1].n <= found[1].capacity:
            painted.words, painted.rows, painted.blocks = &words[0, 0], truth.shape[0], words.shape[1] - 2
            painted.reach, painted.n_reach = <reach_row *>&reach[0, 0], reach.shape[0] - 1
            plan_steps(<reach_row *>&reach[0, 0], painted.n_reach)
            ways[way].match(&painted, &found[0], &found[1], maps[0].n_classes, &counts[0, 0])
    return max(found[0].n, found[1].n)


def mark(
    const uint8_t[:, :] mask,
    int definition,
    bint frame_bounds,
    char[:, ::1] lines,
    uint64_t[:, ::1] pieces,
    uint32_t[:, ::1] ends,
    int64_t[:, ::1] counts,
    uint8_t[:, ::1] marks,
    int way=BEST,
):
    """Set the boundary pixels of a mask to 1 in `marks`, which is zeros; there is room for a piece in every block."""
    cdef label_map map
    cdef findings found
    with nogil:
        map = _map(mask, frame_bounds)
        found = _nothing(pieces, ends, counts, 0)
        ways[way].scan(&map, 1, <boundary_definition>definition, &lines[0, 0], &found)
        mark_pieces(&found, map.columns, &marks[0, 0])
