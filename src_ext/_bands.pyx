"""Bands along the borders of classes, counted in two label maps or two masks.

Computes
    count_labels  for every class of two label maps: its pixels, those in its band, and those in both bands
    count_masks   the same for two masks
    mark_band     the band of a mask
Shapes
    label maps and masks (rows, columns) in C order
    bits (label maps, two kinds, rows, words), (masks, two kinds, rows, words) with words = ceil(columns / 64)
    lines (5 × words + 1,), all 0; counts (n_classes + 1, 5), whose last row takes what is no class, or (5,)
Complexity
    O(pixels / 64 · (log width + width / 32)) words + O(runs) additions (bands.h), whatever the number of classes
Source
    Cheng, Girshick, Dollár, Berg, Kirillov: Boundary IoU, CVPR 2021, as boundary-iou-api computes it: the mask is
    padded with background, eroded `width` times with a 3 × 3 square, and the band is what that took away.

The callers in segbench/kernels/bands.py check shapes, dtypes and the width; nothing is checked here.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "bands.h" nogil:
    cdef enum: TRUTH_PIXELS, PREDICTION_PIXELS, TRUTH_BAND, PREDICTION_BAND, BOTH
    ctypedef struct label_map:
        const char *labels
        Py_ssize_t rows, columns, words, width
        uint64_t *same
        uint64_t *uniform
    ctypedef struct mask_map:
        const char *pixels
        Py_ssize_t rows, columns, words, width
        uint64_t *bits
        uint64_t *inside
        int64_t area, band
    ctypedef struct way:
        const char *name
        void count(label_map *, label_map *, int, uint64_t *, int64_t *, uint32_t) noexcept nogil
        int64_t mark(mask_map *, mask_map *, uint64_t *) noexcept nogil
    const way[] ways
    int n_ways()
    void write_band(const mask_map *, uint8_t *)

ctypedef fused label_t:
    uint8_t
    uint16_t

# The loops that this processor can run, the fastest last.
WAYS = tuple(ways[i].name.decode() for i in range(n_ways()))
cdef int BEST = n_ways() - 1


cdef void _take_labels(
    label_map *map, const label_t[:, ::1] labels, Py_ssize_t width, uint64_t[:, :, ::1] bits
) noexcept nogil:
    map.labels = <const char *>&labels[0, 0]
    map.rows, map.columns, map.words, map.width = labels.shape[0], labels.shape[1], bits.shape[2], width
    map.same, map.uniform = &bits[0, 0, 0], &bits[1, 0, 0]


cdef void _take_mask(
    mask_map *map, const uint8_t[:, ::1] pixels, Py_ssize_t width, uint64_t[:, :, ::1] bits
) noexcept nogil:
    map.pixels = <const char *>&pixels[0, 0]
    map.rows, map.columns, map.words, map.width = pixels.shape[0], pixels.shape[1], bits.shape[2], width
    map.bits, map.inside = &bits[0, 0, 0], &bits[1, 0, 0]


def count_labels(
    const label_t[:, ::1] truth,
    const label_t[:, ::1] prediction,
    Py_ssize_t width,
    uint64_t[:, :, :, ::1] bits,
    uint64_t[::1] lines,
    int64_t[:, ::1] counts,
    int way=BEST,
):
    """Add to the counts of each class, with the loop WAYS[way]."""
    cdef label_map maps[2]
    with nogil:
        _take_labels(&maps[0], truth, width, bits[0])
        _take_labels(&maps[1], prediction, width, bits[1])
        ways[way].count(
            &maps[0], &maps[1], sizeof(label_t), &lines[0], &counts[0, 0], <uint32_t>(counts.shape[0] - 1)
        )


def count_masks(
    const uint8_t[:, ::1] truth,
    const uint8_t[:, ::1] prediction,
    Py_ssize_t width,
    uint64_t[:, :, :, ::1] bits,
    uint64_t[::1] lines,
    int64_t[::1] counts,
    int way=BEST,
):
    """Write the counts of two masks, with the loop WAYS[way]."""
    cdef mask_map maps[2]
    with nogil:
        _take_mask(&maps[0], truth, width, bits[0])
        _take_mask(&maps[1], prediction, width, bits[1])
        counts[BOTH] = ways[way].mark(&maps[0], &maps[1], &lines[bits.shape[3]])
        counts[TRUTH_PIXELS], counts[TRUTH_BAND] = maps[0].area, maps[0].band
        counts[PREDICTION_PIXELS], counts[PREDICTION_BAND] = maps[1].area, maps[1].band


def mark_band(
    const uint8_t[:, ::1] mask,
    Py_ssize_t width,
    uint64_t[:, :, ::1] bits,
    uint64_t[::1] lines,
    uint8_t[:, ::1] band,
    int way=BEST,
):
    """Write 1 to `band` where a pixel of the mask is in it, with the loop WAYS[way], and 0 elsewhere."""
    cdef mask_map map
    with nogil:
        _take_mask(&map, mask, width, bits)
        ways[way].mark(&map, NULL, &lines[bits.shape[2]])
        write_band(&map, &band[0, 0])
