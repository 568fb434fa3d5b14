/* The distance of points to the nearest of many others, all of them on a lattice and given as bits.

Computes
    grow        a tree over rows of bits: a node of a level is the OR of the two by two nodes below it, over slices
                and rows; columns stay as they are
    nearest     the least of (cz + cy) + cx over all points of a tree, where c are the costs of steps along an axis
    No point of a node is nearer than the node's nearest slice and row, and its nearest bit: what cannot be nearer
    than the best so far is left out. Costs of lattice steps grow with the steps and rounding keeps order, so that no
    such bound errs, and the result is the least of the sums as they are rounded.
    Neighbours have neighbours for nearest points: the best begins with the point found last. It is mostly near, and
    then a few rows around are looked at without any tree; else the search begins on a level whose nodes are as large
    as the distance.
Shapes
    a tree holds its levels one after the other, each (slices, rows, words) of 64 bits, down to one node
Complexity
    near points: O(rows within the distance). Far ones: O(levels) rows mostly, and all rows at worst, where everything
    is equally far. A row costs its words within the distance.
Source
    branch and bound as in Roussopoulos, Kelley, Vincent: Nearest neighbor queries, SIGMOD 1995, on a quadtree of rows
*/

#ifndef SEGBENCH_SURFACE_SEARCH_H
#define SEGBENCH_SURFACE_SEARCH_H

#include "surface_bits.h"
#include <math.h>

enum {
    MOST_LEVELS = 64,
    MOST_NODES = 48, /* To begin a search with. */
};

typedef struct {
    bit_view levels[MOST_LEVELS];
    int n_levels;
    const double *costs[3];
} tree;

/* A point, and the nearest one so far; both as slices, rows and columns of the tree, outside of which a point may be. */
typedef struct {
    ptrdiff_t at[3], found[3];
    double best;
} search;

/* ----------------------------------------------------------------------------------------- the tree */

/* Lay the levels out in memory, and return how many words they take. */
static ptrdiff_t plan(tree *t, uint64_t *words, ptrdiff_t slices, ptrdiff_t rows, ptrdiff_t row_words)
{
    ptrdiff_t used = 0;
    for (t->n_levels = 0;; slices = (slices + 1) / 2, rows = (rows + 1) / 2) {
        const bit_view level = {words ? words + used : NULL, slices, rows, row_words, 0};
        t->levels[t->n_levels++] = level;
        used += slices * rows * row_words;
        if (slices == 1 && rows == 1)
            return used;
    }
}

/* Fill all levels but the lowest. */
static void grow(tree *t)
{
    for (int k = 1; k < t->n_levels; k++) {
        const bit_view *below = &t->levels[k - 1], *level = &t->levels[k];
        memset(level->words, 0, (size_t)(level->slices * level->rows * level->row_words) * sizeof(uint64_t));
        for (ptrdiff_t z = 0; z < below->slices; z++)
            for (ptrdiff_t y = 0; y < below->rows; y++) {
                const uint64_t *row = row_of(below, z, y);
                uint64_t *node = row_of(level, z / 2, y / 2);
                for (ptrdiff_t w = 0; w < level->row_words; w++)
                    node[w] |= row[w];
            }
    }
}

/* ----------------------------------------------------------------------------------------- one row */

typedef struct {
    const double *costs;
    double base, best;
} bound;

/* Whether so many steps along the row are still nearer than the best. */
INLINED int is_nearer(const bound *b, ptrdiff_t steps)
{
    return b->base + b->costs[steps] < b->best;
}

/* Return the steps back from a word's last bit, itself `steps` away, to the first bit met; or `found` if less. */
INLINED ptrdiff_t steps_back(const uint64_t *row, ptrdiff_t w, ptrdiff_t steps, ptrdiff_t found, const bound *b)
{
    for (; w >= 0 && steps < found && is_nearer(b, steps); w--, steps += LANES)
        if (row[w]) {
            steps += __builtin_clzll(row[w]);
            return steps < found ? steps : found;
        }
    return found;
}

/* The same onward from a word's first bit. */
INLINED ptrdiff_t steps_on(
    const uint64_t *row, ptrdiff_t w, ptrdiff_t words, ptrdiff_t steps, ptrdiff_t found, const bound *b)
{
    for (; w < words && steps < found && is_nearer(b, steps); w++, steps += LANES)
        if (row[w]) {
            steps += __builtin_ctzll(row[w]);
            return steps < found ? steps : found;
        }
    return found;
}

/* Return how far the nearest bit of a row is from a column, or PTRDIFF_MAX when surely none is nearer than the best. */
INLINED ptrdiff_t steps_to_bit(const uint64_t *row, ptrdiff_t words, ptrdiff_t x, const bound *b)
{
    if (x < 0)
        return steps_on(row, 0, words, -x, PTRDIFF_MAX, b);
    const ptrdiff_t w = x / LANES, i = x % LANES;
    if (w >= words)
        return steps_back(row, words - 1, x - (LANES * words - 1), PTRDIFF_MAX, b);
    const uint64_t onward = row[w] >> i, back = row[w] << (LANES - 1 - i);
    ptrdiff_t found = onward ? __builtin_ctzll(onward) : PTRDIFF_MAX;
    if (back && __builtin_clzll(back) < found)
        found = __builtin_clzll(back);
    found = steps_back(row, w - 1, i + 1, found, b);
    return steps_on(row, w + 1, words, LANES - i, found, b);
}

/* -------------------------------------------------------------------------------------- the search */

/* How far a range of 2^level places is from another place. */
INLINED ptrdiff_t gap(ptrdiff_t node, int level, ptrdiff_t at)
{
    const ptrdiff_t first = node << level, last = first + ((ptrdiff_t)1 << level) - 1;
    return at < first ? first - at : at > last ? at - last : 0;
}

INLINED double cost_of(const tree *t, int axis, ptrdiff_t node, int level, ptrdiff_t at)
{
    return t->costs[axis][gap(node, level, at)];
}

INLINED ptrdiff_t clamped(ptrdiff_t at, ptrdiff_t n)
{
    return at < 0 ? 0 : at < n ? at : n - 1;
}

static void look(const tree *t, search *s, int level, ptrdiff_t z, ptrdiff_t y);

/* Look at what is below a node, the nearer half first. */
static void descend(const tree *t, search *s, int level, ptrdiff_t z, ptrdiff_t y)
{
    const bit_view *below = &t->levels[level];
    const ptrdiff_t near_z = 2 * z + (s->at[0] >= (2 * z + 1) << level);
    const ptrdiff_t near_y = 2 * y + (s->at[1] >= (2 * y + 1) << level);
    for (int i = 0; i < 4; i++) {
        const ptrdiff_t child_z = near_z ^ (i >> 1), child_y = near_y ^ (i & 1);
        if (child_z < below->slices && child_y < below->rows)
            look(t, s, level, child_z, child_y);
    }
}

/* Look at a node, and at what is below it if that may be nearer. */
static void look(const tree *t, search *s, int level, ptrdiff_t z, ptrdiff_t y)
{
    const bit_view *nodes = &t->levels[level];
    const double base = cost_of(t, 0, z, level, s->at[0]) + cost_of(t, 1, y, level, s->at[1]);
    if (!(base < s->best))
        return;
    const bound b = {t->costs[2], base, s->best};
    const ptrdiff_t x = s->at[2], steps = steps_to_bit(row_of(nodes, z, y), nodes->row_words, x, &b);
    if (steps == PTRDIFF_MAX || !is_nearer(&b, steps))
        return;
    if (level) {
        descend(t, s, level - 1, z, y);
        return;
    }
    const uint64_t *row = row_of(nodes, z, y);
    const ptrdiff_t after = x + steps;
    const int is_after = after >= 0 && after < LANES * nodes->row_words && row[after / LANES] >> (after % LANES) & 1;
    s->best = base + b.costs[steps];
    s->found[0] = z;
    s->found[1] = y;
    s->found[2] = is_after ? after : x - steps;
}

/* Look at the nodes of a slice, from the nearest outwards. */
INLINED void look_around(const tree *t, search *s, int level, ptrdiff_t z, double base)
{
    const ptrdiff_t rows = t->levels[level].rows, middle = clamped(s->at[1] >> level, rows);
    for (ptrdiff_t y = middle; y < rows && base + cost_of(t, 1, y, level, s->at[1]) < s->best; y++)
        look(t, s, level, z, y);
    for (ptrdiff_t y = middle - 1; y >= 0 && base + cost_of(t, 1, y, level, s->at[1]) < s->best; y--)
        look(t, s, level, z, y);
}

/* How many nodes along an axis begin nearer than the best, about. */
INLINED ptrdiff_t nodes_within(const tree *t, const search *s, int axis, int level)
{
    const ptrdiff_t n = axis ? t->levels[level].rows : t->levels[level].slices;
    const double steps = sqrt(s->best / t->costs[axis][1]);
    if (!(steps < (double)((n << level) + 1)))
        return n;
    const ptrdiff_t within = 2 * ((ptrdiff_t)steps >> level) + 1;
    return within < n ? within : n;
}

/* Find the nearest point: the best holds a point of the tree already, or infinity. */
INLINED void find_nearest(const tree *t, search *s)
{
    int level = 0;
    while (level < t->n_levels - 1 && nodes_within(t, s, 0, level) * nodes_within(t, s, 1, level) > MOST_NODES)
        level++;
    const ptrdiff_t slices = t->levels[level].slices, middle = clamped(s->at[0] >> level, slices);
    for (ptrdiff_t z = middle; z < slices; z++) {
        const double base = cost_of(t, 0, z, level, s->at[0]);
        if (!(base < s->best))
            break;
        look_around(t, s, level, z, base);
    }
    for (ptrdiff_t z = middle - 1; z >= 0; z--) {
        const double base = cost_of(t, 0, z, level, s->at[0]);
        if (!(base < s->best))
            break;
        look_around(t, s, level, z, base);
    }
}

INLINED double cost_between(const tree *t, const ptrdiff_t *one, const ptrdiff_t *other)
{
    double costs[3];
    for (int i = 0; i < 3; i++)
        costs[i] = t->costs[i][one[i] < other[i] ? other[i] - one[i] : one[i] - other[i]];
    return costs[0] + costs[1] + costs[2];
}

/* Write the distance of every bit, in C order, to the nearest point of a tree; `begin` is where the bits begin in it. */
static void measure_bits(const tree *t, const bit_view *bits, const int64_t *begin, double *distances)
{
    search s = {{0, 0, 0}, {-1, 0, 0}, HUGE_VAL};
    for (ptrdiff_t z = 0; z < bits->slices; z++)
        for (ptrdiff_t y = 0; y < bits->rows; y++)
            for (ptrdiff_t w = 0; w < bits->row_words; w++)
                for (uint64_t word = row_of(bits, z, y)[w]; word; word &= word - 1) {
                    s.at[0] = z + (ptrdiff_t)begin[0];
                    s.at[1] = y + (ptrdiff_t)begin[1];
                    s.at[2] = w * LANES + __builtin_ctzll(word) + (ptrdiff_t)begin[2];
                    if (s.found[0] >= 0)
                        s.best = cost_between(t, s.at, s.found);
                    find_nearest(t, &s);
                    *distances++ = sqrt(s.best);
                }
}

#endif
