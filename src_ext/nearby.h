/* Which pixels lie near others of their kind, asked for 64 pixels of a row at once.

Computes
    count_hits  how many bits of some pieces have a painted bit within a Euclidean distance
    A piece is some of the 64 pixels of a block, as the bits of a word. Pieces of one map are painted on a canvas of
    bits; a piece of the other map looks at the rows of it from the nearest outwards, two at once, until each of its
    bits has met one. What a row has in store for a block is a word: its bits, spread sideways by what the distance
    of the row leaves of the reach.
Shapes
    a canvas (rows + 1, blocks + 2) of words, all 0 but where it is painted: one row and one block at either end
    never are
Complexity
    O(pieces) where two maps are alike, at most O(pieces x reach) for a reach of up to 63 pixels; beyond, words in the
    row are looked at as well until one is not 0
Source
    hits of f_measure of DAVIS (Perazzi et al.: A Benchmark Dataset and Evaluation Methodology for Video Object
    Segmentation, CVPR 2016), which dilates by a disk instead.
*/

#ifndef SEGBENCH_NEARBY_H
#define SEGBENCH_NEARBY_H

#include <stddef.h>
#include <stdint.h>

#define INLINED static inline __attribute__((always_inline))

typedef uint64_t word;

enum {
    BITS = 64,
    STEPS = 6, /* Shifts of 1, 2, 4 ... 32 spread a bit over a word. */
};
static const word ALL = ~(word)0;

/* Boundary pixels of one class in one block. */
typedef struct {
    word bits;
    uint32_t place; /* On the canvas. */
    uint32_t label;
} piece;

/* A distance between rows, and what it leaves for the distance between columns. */
typedef struct {
    int64_t half;
    uint8_t steps[8];
} reach_row;

/* Prepare the distances between rows: a word spreads by h bits in steps that double, but for the last. */
static void plan_steps(reach_row *reach, ptrdiff_t n)
{
    for (ptrdiff_t d = 0; d < n; d++) {
        int64_t done = 1, all = reach[d].half < BITS ? reach[d].half + 1 : BITS;
        for (int i = 0; i < STEPS; i++) {
            int64_t step = done < all - done ? done : all - done;
            reach[d].steps[i] = (uint8_t)step;
            done += step;
        }
    }
}

INLINED word spread(word bits, const uint8_t *steps)
{
    word up = bits, down = bits;
    for (int i = 0; i < STEPS; i++) {
        up |= up << steps[i];
        down |= down >> steps[i];
    }
    return up | down;
}

/* The lowest n bits, n at most 64; none if n is negative. */
INLINED word lowest(int64_t n)
{
    return n <= 0 ? 0 : ALL >> (BITS - n);
}

INLINED word highest(int64_t n)
{
    return n <= 0 ? 0 : ALL << (BITS - n);
}

/* Which pixels of a block have a bit at most `half` columns away, half < 64, in either of two rows. */
INLINED word near_in_rows(const word *one, const word *other, const reach_row *reach)
{
    const word here = one[0] | other[0], before = one[-1] | other[-1], after = one[1] | other[1];
    if (!(here | before | after))
        return 0;
    /* A bit put in so that there is one: it is 64 pixels away from the block, which is too far. */
    const int64_t gap_before = __builtin_clzll(before | 1) + 1, gap_after = __builtin_ctzll(after | ~(ALL >> 1)) + 1;
    return spread(here, reach->steps) | lowest(reach->half + 1 - gap_before) | highest(reach->half + 1 - gap_after);
}

/* The same for any half; i is the block, of so many. */
static word near_in_wide_rows(const word *one, const word *other, int64_t half, ptrdiff_t i, ptrdiff_t blocks)
{
    word found = 0;
    if (one[0] | other[0])
        return ALL;
    for (ptrdiff_t k = 1; k <= i && (k - 1) * BITS < half; k++)
        if (one[-k] | other[-k]) {
            int64_t n = half + 1 - ((k - 1) * BITS + __builtin_clzll(one[-k] | other[-k]) + 1);
            found = lowest(n < BITS ? n : BITS);
            break;
        }
    for (ptrdiff_t k = 1; k < blocks - i && (k - 1) * BITS < half; k++)
        if (one[k] | other[k]) {
            int64_t n = half + 1 - ((k - 1) * BITS + __builtin_ctzll(one[k] | other[k]) + 1);
            return found | highest(n < BITS ? n : BITS);
        }
    return found;
}

/* Where the pieces of one class are painted, and the rows that hold any. */
typedef struct {
    word *words;
    ptrdiff_t rows, blocks, first, last;
    const reach_row *reach;
    ptrdiff_t n_reach;
} canvas;

/* Which bits of a piece in row y, block i are near a painted one. */
INLINED word hits_of(const canvas *c, word bits, ptrdiff_t y, ptrdiff_t i)
{
    const ptrdiff_t stride = c->blocks + 2, above = y - c->first, under = c->last - y;
    const word *here = c->words + y * stride + 1 + i, *nowhere = c->words + c->rows * stride + 1 + i;
    ptrdiff_t d = above < 0 ? -above : under < 0 ? -under : 0;
    ptrdiff_t end = 1 + (above > under ? above : under);
    word pending = bits;
    end = end < c->n_reach ? end : c->n_reach;
    for (; pending && d < end; d++) {
        const word *up = d <= above && d >= -under ? here - d * stride : nowhere;
        const word *down = d <= under && d >= -above ? here + d * stride : nowhere;
        pending &= ~(c->reach[d].half < BITS ? near_in_rows(up, down, c->reach + d)
                                             : near_in_wide_rows(up, down, c->reach[d].half, i, c->blocks));
    }
    return bits & ~pending;
}

INLINED int64_t count_hits(const canvas *c, const piece *p, const piece *end)
{
    const ptrdiff_t stride = c->blocks + 2;
    ptrdiff_t y = p->place / stride, begin = y * stride; /* Where row y begins. */
    int64_t hits = 0;
    for (; p < end; p++) {
        for (; begin + stride <= (ptrdiff_t)p->place; begin += stride)
            y++;
        hits += __builtin_popcountll(hits_of(c, p->bits, y, p->place - begin - 1));
    }
    return hits;
}

static void paint(canvas *c, const piece *p, const piece *end)
{
    c->first = p->place / (c->blocks + 2);
    c->last = end[-1].place / (c->blocks + 2);
    for (; p < end; p++)
        c->words[p->place] = p->bits;
}

static void wipe(canvas *c, const piece *p, const piece *end)
{
    for (; p < end; p++)
        c->words[p->place] = 0;
}

#endif
