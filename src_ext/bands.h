/* Bands along the borders of classes, on bits: one for each pixel of a row, 64 in a word.

Computes
    of two label maps, for every class: pixels, pixels in the band, pixels in the bands of both maps
    of a mask: the bits of its band, pixels, pixels in the band
    A pixel is in the band of its class unless the window around it, (2 width + 1)² pixels, holds one label and
    ends within the image. That is no question of the class, so one erosion of a label map serves all of them: a
    bit says that the 2 × 2 square at a pixel holds one label, and a window does when all (2 width)² squares in it
    do. A mask is eroded alone, within the rows and words that it lies in.
    Windows are eroded along rows, then down columns, as bits (bitrows.h). Pixels are counted by runs of one label,
    from the bits where a run ends.
Shapes
    label maps and masks (rows, columns) in C order; bits (rows, words) with words = ceil(columns / 64), bit i of a
    word is pixel i of 64, and what lies beyond the last pixel is 0 unless said otherwise
Complexity
    O(pixels / 64 · (log width + width / 32)) words + O(runs) additions; labels are read three times, 64 at once
Source
    Cheng, Girshick, Dollár, Berg, Kirillov: Boundary IoU, CVPR 2021, as boundary-iou-api computes it: a pad of one
    pixel of background, `width` erosions with a 3 × 3 square, and what they took away.

One text, compiled once for each instruction set (a *way*); `n_ways` asks the processor.
*/

#ifndef SEGBENCH_BANDS_H
#define SEGBENCH_BANDS_H

#include "bitrows.h"

/* What is counted for each class, in this order. */
enum { TRUTH_PIXELS, PREDICTION_PIXELS, TRUTH_BAND, PREDICTION_BAND, BOTH, COLUMNS };

/* A label map, and the bits that are made of it. */
typedef struct {
    const char *labels;
    ptrdiff_t rows, columns, words, width;
    uint64_t *same;    /* Bit x: pixel x has the label of pixel x + 1. Beyond the last pixel: 1. */
    uint64_t *uniform; /* Bit x of row y: the window around pixel x of row y + width holds one label. */
} label_map;

/* A mask, its bits, and where they are not 0. */
typedef struct {
    const char *pixels;
    ptrdiff_t rows, columns, words, width;
    uint64_t *bits;
    uint64_t *inside; /* Those of the box, its words only: bit x of row y is for row top + width + y. */
    ptrdiff_t top, bottom, left, right; /* Rows and words; bottom and right are not in it. */
    int64_t area, band;
} mask_map;

/* ---------------------------------------------------------------------------------------------- label maps */

INLINED const char *labels_of(const label_map *map, ptrdiff_t y, int size)
{
    return map->labels + y * map->columns * size;
}

/* Whether any window ends within the image. */
INLINED int has_windows(const label_map *map)
{
    return 2 * map->width < map->rows && 2 * map->width < map->columns;
}

INLINED void find_same(equal_64 *equal, int size, label_map *map, ptrdiff_t y)
{
    const char *row = labels_of(map, y, size);
    uint64_t *same = map->same + y * map->words;
    equal_row(equal, size, row, row + size, map->columns - 1, same, map->words);
    same[map->words - 1] |= ~last_pixels(map->columns);
}

/* Fill both kinds of bits; the line is a row with as many words of 0 before it and one behind it. */
INLINED void find_uniform(equal_64 *equal, int size, label_map *map, uint64_t *line)
{
    const ptrdiff_t words = map->words, squares = 2 * map->width;
    find_same(equal, size, map, 0);
    for (ptrdiff_t y = 0; y + 1 < map->rows; y++) {
        const uint64_t *same = map->same + y * words;
        find_same(equal, size, map, y + 1);
        if (!has_windows(map))
            continue;
        equal_row(equal, size, labels_of(map, y, size), labels_of(map, y + 1, size), map->columns, line, words);
        keep(line, same, words);
        keep(line, same + words, words);
        hold_across(line, words, squares);
        move_on(line, words, map->width, map->uniform + y * words);
    }
    if (has_windows(map))
        hold_down(map->uniform, map->rows - 1, words, squares);
}

INLINED void find_band(const label_map *map, ptrdiff_t y, uint64_t *restrict band)
{
    const int inside = has_windows(map) && map->width <= y && y < map->rows - map->width;
    const uint64_t *uniform = map->uniform + (inside ? y - map->width : 0) * map->words;
    for (ptrdiff_t i = 0; i < map->words; i++)
        band[i] = inside ? ~uniform[i] : ~(uint64_t)0;
    band[map->words - 1] &= last_pixels(map->columns);
}

/* Add the runs of a row to the columns for pixels, the band, and BOTH unless `both` is NULL. */
INLINED void count_row(int size, const label_map *map, ptrdiff_t y, const uint64_t *band, const uint64_t *both,
    int64_t *counts, uint32_t n_classes, int pixels_column, int band_column)
{
    const char *labels = labels_of(map, y, size);
    const uint64_t *same = map->same + y * map->words;
    ptrdiff_t begin = 0;
    int64_t in_band = 0, in_both = 0;
    for (ptrdiff_t i = 0; i < map->words; i++) {
        uint64_t band_left = band[i], both_left = both ? both[i] : 0;
        for (uint64_t ends = ~same[i]; ends; ends &= ends - 1) {
            const uint64_t until = ends ^ (ends - 1);
            const ptrdiff_t x = i * LANES + __builtin_ctzll(ends);
            const uint32_t label = label_at(labels, x, size);
            int64_t *own = counts + COLUMNS * (ptrdiff_t)(label < n_classes ? label : n_classes);
            own[pixels_column] += x + 1 - begin;
            own[band_column] += in_band + __builtin_popcountll(band_left & until);
            if (both)
                own[BOTH] += in_both + __builtin_popcountll(both_left & until);
            begin = x + 1, in_band = in_both = 0;
            band_left &= ~until, both_left &= ~until;
        }
        in_band += __builtin_popcountll(band_left);
        if (both)
            in_both += __builtin_popcountll(both_left);
    }
}

/* Count two label maps of one shape. `lines` holds five rows and a word, all 0. */
INLINED void count_labels(equal_64 *equal, int size, label_map *truth, label_map *prediction, uint64_t *lines,
    int64_t *counts, uint32_t n_classes)
{
    const ptrdiff_t words = truth->words;
    uint64_t *truth_band = lines + 2 * words + 1, *prediction_band = truth_band + words;
    uint64_t *both = prediction_band + words;
    find_uniform(equal, size, truth, lines + words);
    find_uniform(equal, size, prediction, lines + words);
    for (ptrdiff_t y = 0; y < truth->rows; y++) {
        find_band(truth, y, truth_band);
        find_band(prediction, y, prediction_band);
        equal_row(equal, size, labels_of(truth, y, size), labels_of(prediction, y, size), truth->columns, both, words);
        keep(both, truth_band, words);
        keep(both, prediction_band, words);
        count_row(size, truth, y, truth_band, both, counts, n_classes, TRUTH_PIXELS, TRUTH_BAND);
        count_row(size, prediction, y, prediction_band, NULL, counts, n_classes, PREDICTION_PIXELS, PREDICTION_BAND);
    }
}

/* --------------------------------------------------------------------------------------------------- masks */

/* Write the bits of a row, 1 where a pixel is not 0. */
INLINED void foreground_row(equal_64 *equal, const char *row, ptrdiff_t columns, uint64_t *bits)
{
    static const char zeros[LANES] = {0};
    const ptrdiff_t rest = columns % LANES;
    for (ptrdiff_t x = 0; x + LANES <= columns; x += LANES)
        *bits++ = ~equal(row + x, zeros);
    if (!rest)
        return;
    if (columns > LANES) {
        *bits = ~equal(row + columns - LANES, zeros) >> (LANES - rest);
        return;
    }
    *bits = 0;
    for (ptrdiff_t x = 0; x < rest; x++)
        *bits |= (uint64_t)(row[x] != 0) << x;
}

/* Find the bits of a mask and the box around them. */
INLINED void find_foreground(equal_64 *equal, mask_map *mask)
{
    mask->top = mask->rows, mask->bottom = 0, mask->left = mask->words, mask->right = 0;
    for (ptrdiff_t y = 0; y < mask->rows; y++) {
        uint64_t *bits = mask->bits + y * mask->words;
        ptrdiff_t first = 0, end = mask->words;
        foreground_row(equal, mask->pixels + y * mask->columns, mask->columns, bits);
        while (end && !bits[end - 1])
            end--;
        if (!end)
            continue;
        while (!bits[first])
            first++;
        mask->top = y < mask->top ? y : mask->top;
        mask->bottom = y + 1;
        mask->left = first < mask->left ? first : mask->left;
        mask->right = end > mask->right ? end : mask->right;
    }
}

/* Erode the box of a mask; return how many rows of it can hold something still. */
INLINED ptrdiff_t erode(mask_map *mask, uint64_t *line)
{
    const ptrdiff_t words = mask->right - mask->left, rows = mask->bottom - mask->top, length = 2 * mask->width + 1;
    if (length > rows || length > words * LANES)
        return 0;
    line[words] = 0;
    for (ptrdiff_t y = 0; y < rows; y++) {
        memcpy(line, mask->bits + (mask->top + y) * mask->words + mask->left, (size_t)words * sizeof *line);
        hold_across(line, words, length);
        move_on(line, words, mask->width, mask->inside + y * words);
    }
    hold_down(mask->inside, rows, words, length);
    return rows - length + 1;
}

INLINED int64_t bits_in(const uint64_t *bits, ptrdiff_t words)
{
    int64_t n = 0;
    for (ptrdiff_t i = 0; i < words; i++)
        n += __builtin_popcountll(bits[i]);
    return n;
}

/* Leave the bits of the band, and count. `line` as in find_uniform. */
INLINED void mark_band(equal_64 *equal, mask_map *mask, uint64_t *line)
{
    find_foreground(equal, mask);
    mask->area = mask->band = 0;
    const ptrdiff_t words = mask->right - mask->left, eroded = erode(mask, line), above = mask->top + mask->width;
    for (ptrdiff_t y = mask->top; y < mask->bottom; y++) {
        uint64_t *bits = mask->bits + y * mask->words + mask->left;
        const ptrdiff_t at = y - above;
        mask->area += bits_in(bits, words);
        for (ptrdiff_t i = 0; i < words && 0 <= at && at < eroded; i++)
            bits[i] &= ~mask->inside[at * words + i];
        mask->band += bits_in(bits, words);
    }
}

INLINED ptrdiff_t larger(ptrdiff_t one, ptrdiff_t other)
{
    return one > other ? one : other;
}

INLINED ptrdiff_t smaller(ptrdiff_t one, ptrdiff_t other)
{
    return one < other ? one : other;
}

/* Count the pixels in two bands whose bits are marked. */
INLINED int64_t count_shared(const mask_map *truth, const mask_map *prediction)
{
    const ptrdiff_t left = larger(truth->left, prediction->left), right = smaller(truth->right, prediction->right);
    int64_t n = 0;
    for (ptrdiff_t y = larger(truth->top, prediction->top); y < smaller(truth->bottom, prediction->bottom); y++)
        for (ptrdiff_t i = left; i < right; i++)
            n += __builtin_popcountll(truth->bits[y * truth->words + i] & prediction->bits[y * truth->words + i]);
    return n;
}

/* Write n <= 64 bits as bytes, eight at once: a byte of each, of which its own bit is kept and becomes 1. */
static inline void write_bytes(uint64_t bits, ptrdiff_t n, uint8_t *bytes)
{
    const uint64_t eight = 0x0101010101010101, own = 0x8040201008040201;
    for (ptrdiff_t x = 0; x < n; x += 8) {
        uint64_t spread = (((bits >> x & 0xff) * eight & own) + (eight << 7) - eight) >> 7 & eight;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        spread = __builtin_bswap64(spread);
#endif
        memcpy(bytes + x, &spread, (size_t)(n - x < 8 ? n - x : 8));
    }
}

/* Write 1 for a pixel in the band, 0 for all others. */
static void write_band(const mask_map *mask, uint8_t *band)
{
    for (ptrdiff_t y = 0; y < mask->rows; y++)
        for (ptrdiff_t x = 0; x < mask->columns; x += LANES) {
            const ptrdiff_t n = smaller(LANES, mask->columns - x);
            write_bytes(mask->bits[y * mask->words + x / LANES], n, band + y * mask->columns + x);
        }
}

/* ---------------------------------------------------------------------------------------------------- ways */

typedef void label_counter(label_map *truth, label_map *prediction, int size, uint64_t *lines, int64_t *counts,
    uint32_t n_classes);
typedef int64_t mask_marker(mask_map *truth, mask_map *prediction, uint64_t *line);

/* A marker takes one mask, or two and returns what their bands share. */
#define WAY(name, target)                                                                                              \
    target static void count_##name(label_map *truth, label_map *prediction, int size, uint64_t *lines,                \
        int64_t *counts, uint32_t n_classes)                                                                           \
    {                                                                                                                  \
        if (size == BYTE)                                                                                              \
            count_labels(equal_bytes_##name, BYTE, truth, prediction, lines, counts, n_classes);                       \
        else                                                                                                           \
            count_labels(equal_shorts_##name, SHORT, truth, prediction, lines, counts, n_classes);                     \
    }                                                                                                                  \
    target static int64_t mark_##name(mask_map *truth, mask_map *prediction, uint64_t *line)                           \
    {                                                                                                                  \
        mark_band(equal_bytes_##name, truth, line);                                                                    \
        if (!prediction)                                                                                               \
            return 0;                                                                                                  \
        mark_band(equal_bytes_##name, prediction, line);                                                               \
        return count_shared(truth, prediction);                                                                        \
    }

WAY(words, )
#if defined(ON_X86)
WAY(sse2, )
WAY(avx2, AVX2)
#endif

/* From the slowest to the fastest. */
static const struct {
    const char *name;
    label_counter *count;
    mask_marker *mark;
} ways[] = {
    {"words", count_words, mark_words},
#if defined(ON_X86)
    {"sse2", count_sse2, mark_sse2},
    {"avx2", count_avx2, mark_avx2},
#endif
};

/* How many of the ways this processor can go. */
static int n_ways(void)
{
    int n = (int)(sizeof ways / sizeof *ways);
#if defined(ON_X86)
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
            __builtin_cpu_supports("popcnt")))
        n--;
#endif
    return n;
}

#endif
