/* Masks as runs: strings to counts and back, areas, boxes, unions.

   Pixels are in column-major order; counts alternate background, foreground, background first. A string holds a count
   in groups of 5 bits, lowest first, each one character from '0' (48): bit 32 says that another group follows, and bit
   16 of the last group is the sign. From the fourth count on it is the difference to the count before the last. */

#ifndef SEGBENCH_RLE_H
#define SEGBENCH_RLE_H

#include <stdint.h>
#include <string.h>

enum {
    RLE_FINE = 0,
    RLE_CHARACTER = 1,
    RLE_CUT = 2,
    RLE_NEGATIVE = 3,
    RLE_LONG = 4,
    RLE_SHORT = 5,
    RLE_EMPTY = 6,
    RLE_ESCAPE = 7,
};

/* Counts end with each character that no group follows. A backslash is none, so that two for one change nothing. */
static int64_t rle_ends(const uint8_t *text, int64_t length)
{
    int64_t ends = 0;
    for (int64_t i = 0; i < length; i++)
        ends += ((uint8_t)(text[i] - 48) & 0x20) == 0;
    return ends;
}

/* Decode a string whose counts there is room for; pixels is height times width. Of JSON a backslash is two. */
static int rle_decode(const uint8_t *text, int64_t length, int is_escaped, int64_t pixels, uint32_t *counts)
{
    int64_t m = 0, total = 0, i = 0;
    if (length == 0)
        return RLE_EMPTY;
    while (i < length) {
        unsigned c = (unsigned)text[i++] - 48, shift = 5;
        /* Most counts are one character: less than 32, of which 16 is the sign. */
        int64_t value = (int64_t)(c & 0x1f);
        while (c & ~0x1fu) {
            if (c > 63)
                return RLE_CHARACTER;
            if (is_escaped && c == '\\' - 48 && (i == length || text[i++] != '\\'))
                return RLE_ESCAPE;
            if (i == length)
                return RLE_CUT;
            if (shift > 55)
                return RLE_LONG;
            c = (unsigned)text[i++] - 48;
            value |= (int64_t)(c & 0x1f) << shift;
            shift += 5;
        }
        if (c & 0x10)
            value -= (int64_t)1 << shift;
        if (m > 2)
            value += counts[m - 2];
        if (value < 0)
            return RLE_NEGATIVE;
        /* Before it is added, so that nothing overflows. */
        if (value > pixels - total)
            return RLE_LONG;
        total += value;
        counts[m++] = (uint32_t)value;
    }
    return total == pixels ? RLE_FINE : RLE_SHORT;
}

static int64_t rle_encode(const uint32_t *counts, int64_t m, uint8_t *text)
{
    int64_t length = 0;
    for (int64_t i = 0; i < m; i++) {
        int64_t value = counts[i];
        int more = 1;
        if (i > 2)
            value -= counts[i - 2];
        while (more) {
            unsigned c = (unsigned)(value & 0x1f);
            /* Of negative numbers as well the sign moves in from the left. */
            value >>= 5;
            more = (c & 0x10) ? value != -1 : value != 0;
            text[length++] = (uint8_t)((more ? c | 0x20 : c) + 48);
        }
    }
    return length;
}

static int rle_check(const int64_t *given, int64_t m, int64_t pixels, uint32_t *counts)
{
    int64_t total = 0;
    for (int64_t i = 0; i < m; i++) {
        if (given[i] < 0)
            return RLE_NEGATIVE;
        if (given[i] > pixels - total)
            return RLE_LONG;
        total += given[i];
        counts[i] = (uint32_t)given[i];
    }
    return m == 0 ? RLE_EMPTY : total == pixels ? RLE_FINE : RLE_SHORT;
}

static int64_t rle_area(const uint32_t *counts, int64_t m)
{
    int64_t area = 0;
    for (int64_t i = 1; i < m; i += 2)
        area += counts[i];
    return area;
}

/* Left, top, width and height; all 0 for an empty mask. */
static void rle_box(const uint32_t *counts, int64_t m, int64_t height, double *box)
{
    int64_t left = INT64_MAX, right = -1, top = INT64_MAX, bottom = -1, place = 0;
    for (int64_t i = 0; i < m; i++) {
        int64_t start = place;
        place += counts[i];
        if (i % 2 == 0 || counts[i] == 0)
            continue;
        int64_t first = start / height, last = (place - 1) / height;
        int64_t y = start - first * height, y_end = place - 1 - last * height;
        if (first < last) {
            /* What crosses a column's end has pixels in its last and in the next one's first row. */
            y = 0;
            y_end = height - 1;
        }
        left = first < left ? first : left;
        right = last > right ? last : right;
        top = y < top ? y : top;
        bottom = y_end > bottom ? y_end : bottom;
    }
    if (right < 0)
        left = top = 0, right = bottom = -1;
    box[0] = (double)left;
    box[1] = (double)top;
    box[2] = (double)(right - left + 1);
    box[3] = (double)(bottom - top + 1);
}

/* The union or intersection of two masks of one size; as many counts as both have together are enough room. */
static int64_t rle_merge(const uint32_t *a, int64_t n_a, const uint32_t *b, int64_t n_b, int is_intersection,
                         uint32_t *merged)
{
    int64_t i = 0, j = 0, m = 0;
    uint32_t rest_a = 0, rest_b = 0, run = 0;
    int in_a = 1, in_b = 1, inside = 0;
    for (;;) {
        while (rest_a == 0 && i < n_a) {
            rest_a = a[i++];
            in_a = !in_a;
        }
        while (rest_b == 0 && j < n_b) {
            rest_b = b[j++];
            in_b = !in_b;
        }
        uint32_t step = rest_a < rest_b ? rest_a : rest_b;
        if (step == 0)
            break;
        int is_inside = is_intersection ? in_a && in_b : in_a || in_b;
        if (is_inside != inside) {
            merged[m++] = run;
            run = 0;
            inside = is_inside;
        }
        run += step;
        rest_a -= step;
        rest_b -= step;
    }
    merged[m++] = run;
    return m;
}

/* The runs of pixels in column-major order. */
static int64_t rle_of_pixels(const uint8_t *pixels, int64_t n, uint32_t *counts)
{
    int64_t m = 0, start = 0;
    int value = 0;
    for (int64_t i = 0; i < n; i++)
        if ((pixels[i] != 0) != value) {
            counts[m++] = (uint32_t)(i - start);
            start = i;
            value = !value;
        }
    counts[m++] = (uint32_t)(n - start);
    return m;
}

static void rle_fill(const uint32_t *counts, int64_t m, uint8_t *pixels)
{
    for (int64_t i = 0; i < m; i++) {
        memset(pixels, (int)(i & 1), counts[i]);
        pixels += counts[i];
    }
}

#endif
