/* Masks as bits, and the surfaces in them.

Computes
    find_box        the least box that holds every pixel of a mask
    pack_rows       the bits of a mask whose pixels lie side by side; pack_deep those of one with any strides
    surface_row     the pixels with a neighbour along an axis outside the mask
    corner_row      the corners of the pixel lattice with pixels of both kinds around them; `code_at` says which
Shapes
    masks (slices, rows, columns), not 0 is in the mask; what is beyond them is outside
    bits (slices, rows, words) with words = ceil(columns / 64), bit i of a word is pixel i of 64, and what lies beyond
    the last pixel is 0. Corner x stands before pixel x; an axis of n pixels has n + 1.
    An image is one slice, which is `flat`: nothing is before or behind it, and that is not outside.
Complexity
    O(pixels) bytes for the box, O(pixels of the box / 64) words from there on

Rows are packed in several ways: one runs anywhere, another takes what x86 always has (bitrows.h).
*/

#ifndef SEGBENCH_SURFACE_BITS_H
#define SEGBENCH_SURFACE_BITS_H

#include "bitrows.h"

/* Pixels in memory; strides in bytes. */
typedef struct {
    const char *pixels;
    ptrdiff_t shape[3], strides[3];
} mask_view;

typedef struct {
    uint64_t *words;
    ptrdiff_t slices, rows, row_words;
    int flat;
} bit_view;

/* -------------------------------------------------------------------------------------------- the box */

INLINED int any_of(const char *row, ptrdiff_t n)
{
    ptrdiff_t x = 0;
    uint64_t some = 0;
    for (; x + 8 <= n; x += 8)
        some |= word_at(row + x);
    for (; x < n; x++)
        some |= (uint8_t)row[x];
    return some != 0;
}

/* The first pixel of a row, or n. */
INLINED ptrdiff_t first_of(const char *row, ptrdiff_t n)
{
    ptrdiff_t x = 0;
    while (x + 8 <= n && !word_at(row + x))
        x += 8;
    while (x < n && !row[x])
        x++;
    return x;
}

/* One beyond the last pixel of a row, or `begin` where none is from there on. */
INLINED ptrdiff_t end_of(const char *row, ptrdiff_t begin, ptrdiff_t n)
{
    while (n - 8 >= begin && !word_at(row + n - 8))
        n -= 8;
    while (n > begin && !row[n - 1])
        n--;
    return n;
}

INLINED void widen(int64_t *range, ptrdiff_t at)
{
    range[0] = at < range[0] ? at : range[0];
    range[1] = at + 1 > range[1] ? at + 1 : range[1];
}

/* A row with pixels side by side. */
INLINED int widen_by_row(const char *row, ptrdiff_t n, int64_t *range)
{
    if (!any_of(row, n))
        return 0;
    range[0] = first_of(row, (ptrdiff_t)range[0]);
    range[1] = end_of(row, (ptrdiff_t)range[1], n);
    return 1;
}

INLINED int widen_by_steps(const char *row, ptrdiff_t n, ptrdiff_t stride, int64_t *range)
{
    int some = 0;
    for (ptrdiff_t x = 0; x < n; x++)
        if (row[x * stride]) {
            widen(range, x);
            some = 1;
        }
    return some;
}

/* Write where the pixels of a mask begin and end along each axis; an empty mask ends before it begins. */
static void find_box(const mask_view *m, int64_t *box)
{
    for (int i = 0; i < 3; i++) {
        box[2 * i] = m->shape[i];
        box[2 * i + 1] = 0;
    }
    for (ptrdiff_t z = 0; z < m->shape[0]; z++)
        for (ptrdiff_t y = 0; y < m->shape[1]; y++) {
            const char *row = m->pixels + z * m->strides[0] + y * m->strides[1];
            const int some = m->strides[2] == 1 ? widen_by_row(row, m->shape[2], box + 4)
                                                : widen_by_steps(row, m->shape[2], m->strides[2], box + 4);
            if (some) {
                widen(box, z);
                widen(box + 2, y);
            }
        }
}

/* ------------------------------------------------------------------------------------------ packing */

INLINED uint64_t *row_of(const bit_view *b, ptrdiff_t z, ptrdiff_t y)
{
    return b->words + (z * b->rows + y) * b->row_words;
}

INLINED void pack_row(equal_64 *equal, const char *row, ptrdiff_t n, uint64_t *bits)
{
    static const char nothing[LANES] = {0};
    char rest[LANES] = {0};
    for (; n >= LANES; n -= LANES, row += LANES)
        *bits++ = ~equal(row, nothing);
    if (n) {
        memcpy(rest, row, (size_t)n);
        *bits = ~equal(rest, nothing);
    }
}

INLINED void pack_rows(equal_64 *equal, const mask_view *m, const bit_view *b)
{
    for (ptrdiff_t z = 0; z < m->shape[0]; z++)
        for (ptrdiff_t y = 0; y < m->shape[1]; y++)
            pack_row(equal, m->pixels + z * m->strides[0] + y * m->strides[1], m->shape[2], row_of(b, z, y));
}

/* Slices are the inner loop: where columns are far apart in memory, they often are what lies side by side. */
static void pack_deep(const mask_view *m, const bit_view *b)
{
    const ptrdiff_t slice_words = b->rows * b->row_words;
    memset(b->words, 0, (size_t)(b->slices * slice_words) * sizeof(uint64_t));
    for (ptrdiff_t y = 0; y < m->shape[1]; y++)
        for (ptrdiff_t x = 0; x < m->shape[2]; x++) {
            const char *pixel = m->pixels + y * m->strides[1] + x * m->strides[2];
            uint64_t *word = row_of(b, 0, y) + x / LANES;
            for (ptrdiff_t z = 0; z < m->shape[0]; z++, pixel += m->strides[0], word += slice_words)
                *word |= (uint64_t)(*pixel != 0) << (x % LANES);
        }
}

static void pack_words(const mask_view *m, const bit_view *b)
{
    pack_rows(equal_bytes_words, m, b);
}

#if defined(ON_X86)
static void pack_sse2(const mask_view *m, const bit_view *b)
{
    pack_rows(equal_bytes_sse2, m, b);
}
#endif

typedef struct {
    const char *name;
    void (*pack)(const mask_view *, const bit_view *);
} way;

/* The fastest last. */
static const way ways[] = {
    {"words", pack_words},
#if defined(ON_X86)
    {"sse2", pack_sse2},
#endif
};

static int n_ways(void)
{
    return (int)(sizeof ways / sizeof *ways);
}

/* ----------------------------------------------------------------------------------------- surfaces */

/* What lies before each pixel of a word, and behind it. */
INLINED uint64_t before(const uint64_t *row, ptrdiff_t w)
{
    return row[w] << 1 | (w ? row[w - 1] >> (LANES - 1) : 0);
}

INLINED uint64_t behind(const uint64_t *row, ptrdiff_t w, ptrdiff_t words)
{
    return row[w] >> 1 | (w + 1 < words ? row[w + 1] << (LANES - 1) : 0);
}

/* Write the surface pixels of a row, and return how many there are. */
INLINED int64_t surface_row(const bit_view *b, ptrdiff_t z, ptrdiff_t y, uint64_t *found)
{
    const ptrdiff_t words = b->row_words, slice = b->flat ? 0 : b->rows * words;
    const int at_frame = y == 0 || y == b->rows - 1 || (!b->flat && (z == 0 || z == b->slices - 1));
    const uint64_t *row = row_of(b, z, y);
    int64_t n = 0;
    for (ptrdiff_t w = 0; w < words; w++) {
        uint64_t inside = 0;
        if (!at_frame && row[w])
            inside = before(row, w) & behind(row, w, words) & row[w - words] & row[w + words] & row[w - slice]
                & row[w + slice];
        found[w] = row[w] & ~inside;
        n += __builtin_popcountll(found[w]);
    }
    return n;
}

/* ------------------------------------------------------------------------------------------ corners */

/* A word of a row that may lie outside, with what lies before its pixels: the two pixels around each corner. */
typedef struct {
    uint64_t first, second;
} around;

INLINED around beside_corners(const bit_view *b, ptrdiff_t z, ptrdiff_t y, ptrdiff_t w)
{
    around found = {0, 0};
    if (z < 0 || z >= b->slices || y < 0 || y >= b->rows)
        return found;
    const uint64_t *row = row_of(b, z, y);
    found.second = w < b->row_words ? row[w] : 0;
    found.first = found.second << 1 | (w ? row[w - 1] >> (LANES - 1) : 0);
    return found;
}

/* Write the corners of a row that have pixels of both kinds around them, and return how many there are. */
INLINED int64_t corner_row(const bit_view *b, ptrdiff_t z, ptrdiff_t y, uint64_t *found, ptrdiff_t words)
{
    int64_t n = 0;
    for (ptrdiff_t w = 0; w < words; w++) {
        uint64_t any = 0, all = ~(uint64_t)0;
        for (ptrdiff_t before_z = b->flat ? 0 : -1; before_z <= 0; before_z++)
            for (ptrdiff_t before_y = -1; before_y <= 0; before_y++) {
                const around pixels = beside_corners(b, z + before_z, y + before_y, w);
                any |= pixels.first | pixels.second;
                all &= pixels.first & pixels.second;
            }
        found[w] = any & ~all;
        n += __builtin_popcountll(found[w]);
    }
    return n;
}

/* The pixels around a corner as bits, the first in C order the highest. */
INLINED unsigned code_at(const bit_view *b, ptrdiff_t z, ptrdiff_t y, ptrdiff_t x)
{
    unsigned code = 0;
    for (ptrdiff_t before_z = b->flat ? 0 : -1; before_z <= 0; before_z++)
        for (ptrdiff_t before_y = -1; before_y <= 0; before_y++) {
            const around pixels = beside_corners(b, z + before_z, y + before_y, x / LANES);
            const unsigned first = pixels.first >> (x % LANES) & 1, second = pixels.second >> (x % LANES) & 1;
            code = code << 2 | first << 1 | second;
        }
    return code;
}

#endif
