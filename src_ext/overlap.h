/* Masks as the places where their foreground begins and ends, and how many pixels two of them share. */

#ifndef SEGBENCH_OVERLAP_H
#define SEGBENCH_OVERLAP_H

#include <stdint.h>

/* A mask: its begins and ends in turn, in the order of pixels, and the box around it, half open. */
typedef struct {
    int64_t bounds, intervals;
    int64_t left, top, right, bottom;
    int64_t area;
    int64_t broken; /* A run of length 0 stands elsewhere than at the front; at the end it does not matter. */
} extent;

#define EXTENT_WORDS ((int64_t)(sizeof(extent) / sizeof(int64_t)))

/* Up to here halves do not pay; in bounds, of which an interval has two. */
enum { SHORT = 16 };

static inline int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

/* Write begins and ends, and measure. The column that pixels are in is kept, for division is slow. */
static void measure(const uint32_t *runs, int64_t n, int64_t height, int64_t *bounds, extent *mask)
{
    int64_t at = 0, column = 0, first = -1, last = 0, area = 0;
    int64_t top = height, bottom = 0, broken = 0;
    for (int64_t i = 0; i + 1 < n; i += 2) {
        const int64_t begin = at + runs[i], end = begin + runs[i + 1];
        bounds[i] = begin;
        bounds[i + 1] = at = end;
        broken |= (i > 0 && !runs[i]) || !runs[i + 1];
        if (begin == end)
            continue;
        area += end - begin;
        first = first < 0 ? begin : first;
        last = end;
        if (begin - column >= height)
            column = begin - column < 2 * height ? column + height : begin - begin % height;
        const int64_t crosses = end - column > height;
        top = crosses ? 0 : lesser(top, begin - column);
        bottom = crosses ? height : greater(bottom, end - column);
    }
    mask->intervals = n / 2;
    mask->area = area;
    mask->broken = broken;
    mask->left = first < 0 ? 0 : first / height;
    mask->right = first < 0 ? 0 : (last - 1) / height + 1;
    mask->top = top;
    mask->bottom = bottom;
}

/* Return how many of n pairs begin (side 0) or end (side 1) at or before a place. */
static int64_t pairs_until(const int64_t *bounds, int64_t n, int64_t side, int64_t place)
{
    int64_t low = 0, high = n;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (bounds[2 * middle + side] <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Return the pixels that two lists of intervals share. Without branches: which one ends first is anybody's guess. */
static int64_t merged(const int64_t *a, const int64_t *a_end, const int64_t *b, const int64_t *b_end)
{
    int64_t shared = 0;
    while (a < a_end && b < b_end) {
        const int64_t common = lesser(a[1], b[1]) - greater(a[0], b[0]);
        const int64_t a_first = a[1] <= b[1], b_first = b[1] <= a[1];
        shared += common > 0 ? common : 0;
        a += 2 * a_first;
        b += 2 * b_first;
    }
    return shared;
}

/* The same in two halves at once, parted where an interval of `a` begins: a step of one need not wait for the other's. */
static int64_t merged_by_halves(const int64_t *a, const int64_t *a_end, const int64_t *b, const int64_t *b_end)
{
    const int64_t *a_high = a + (a_end - a) / 4 * 2, *a_middle = a_high;
    const int64_t n = (b_end - b) / 2;
    const int64_t *b_low_end = b + 2 * pairs_until(b, n, 0, *a_middle - 1);
    const int64_t *b_high = b_low_end;
    int64_t shared = 0;
    /* An interval of b that reaches beyond belongs to both. */
    if (b_high > b && b_high[-1] > *a_middle)
        b_high -= 2;
    while (a < a_middle && b < b_low_end && a_high < a_end && b_high < b_end) {
        const int64_t low = lesser(a[1], b[1]) - greater(a[0], b[0]);
        const int64_t high = lesser(a_high[1], b_high[1]) - greater(a_high[0], b_high[0]);
        const int64_t a_first = a[1] <= b[1], b_first = b[1] <= a[1];
        const int64_t a_high_first = a_high[1] <= b_high[1], b_high_first = b_high[1] <= a_high[1];
        shared += (low > 0 ? low : 0) + (high > 0 ? high : 0);
        a += 2 * a_first;
        b += 2 * b_first;
        a_high += 2 * a_high_first;
        b_high += 2 * b_high_first;
    }
    return shared + merged(a, a_middle, b, b_low_end) + merged(a_high, a_end, b_high, b_end);
}

/* Return the pixels that two masks share; only the columns of both are looked at. */
static int64_t shared_pixels(const int64_t *bounds, const extent *a, const extent *b, int64_t height)
{
    const int64_t left = greater(a->left, b->left), right = lesser(a->right, b->right);
    const extent *masks[2] = {a, b};
    const int64_t *begins[2], *ends[2];
    if (left >= right || a->top >= b->bottom || b->top >= a->bottom)
        return 0;
    for (int i = 0; i < 2; i++) {
        const extent *mask = masks[i];
        const int64_t *own = bounds + mask->bounds;
        const int64_t skipped = mask->left < left ? pairs_until(own, mask->intervals, 1, left * height) : 0;
        const int64_t kept =
            mask->right > right ? pairs_until(own, mask->intervals, 0, right * height - 1) : mask->intervals;
        begins[i] = own + 2 * skipped;
        ends[i] = own + 2 * kept;
    }
    if (lesser(ends[0] - begins[0], ends[1] - begins[1]) < SHORT)
        return merged(begins[0], ends[0], begins[1], ends[1]);
    return merged_by_halves(begins[0], ends[0], begins[1], ends[1]);
}

/* Walk along the runs of two masks as the official tool does: where both have a run of length 0 in one place, it stops.
   Returns the pixels shared until there, and writes those of either. */
static int64_t walked(
    const uint32_t *a, int64_t a_runs, const uint32_t *b, int64_t b_runs, int64_t *either)
{
    int64_t i = 0, j = 0, shared = 0, whole = 0;
    int64_t a_left = a_runs ? a[0] : 0, b_left = b_runs ? b[0] : 0;
    do {
        const int64_t step = lesser(a_left, b_left);
        whole += (i | j) & 1 ? step : 0;
        shared += i & j & 1 ? step : 0;
        a_left -= step;
        b_left -= step;
        if (!a_left && i + 1 < a_runs)
            a_left = a[++i];
        if (!b_left && j + 1 < b_runs)
            b_left = b[++j];
    } while (a_left || b_left);
    *either = whole;
    return shared;
}

#endif
