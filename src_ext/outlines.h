/* The outlines of a mask, simplified, in the order in which the contour tracer of DAVIS 2016 lists them.

An outline runs along edges of pixels, from corner to corner; corner (y, x) is the upper left one of the pixel in row y
and column x. A junction is a corner where two pixels touch that have no edge in common, so that four edges meet.
Pieces lead from junction to junction; loops are made of pieces, or are outlines without a junction. Only the loop that
has the most points once it is simplified is kept.

Follows polycont and psimpl as the tools of DAVIS use them (fperazzi/davis, cpp/polycont and cpp/psimpl). Their lengths
are twice as long; halves change no bit. Holes are told apart by the side on which the foreground lies, to which the
count of the outlines around a loop comes as well: loops never cross, and each parts foreground from background.

Work is O(edges) but for the simplification, which is O(points²) at worst. */

#ifndef SEGBENCH_OUTLINES_H
#define SEGBENCH_OUTLINES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What leads away from a corner, in the order in which a junction's pieces are listed backwards. */
enum { RIGHT = 1, BELOW = 2, LEFT = 4, ABOVE = 8, ALL_WAYS = 15, JUNCTION = 16 };

/* Squares of the tolerances of both simplifications, in pixels: tenths and thrice a half. */
static const double TOLERANCES_SQUARED[2] = {0.05 * 0.05, 1.5 * 1.5};

typedef struct {
    int32_t row, column;
} corner;

typedef struct {
    int64_t begin, end; /* its corners, both junctions with them */
    int32_t first, last;
} piece;

typedef struct {
    corner at;
    int32_t pieces[4], n_pieces; /* not yet taken, in their order */
    int32_t place;               /* on the walk, or -1 */
} junction;

typedef struct {
    int32_t junction, piece;
} stretch;

typedef struct {
    ptrdiff_t first, last;
} span;

typedef struct {
    const uint8_t *mask;
    ptrdiff_t rows, columns, strides[2];
    uint8_t *ways; /* of each corner: edges that were not walked yet, and whether it is a junction */
    junction *junctions;
    piece *pieces;
    stretch *walk;
    corner *lines, *loop, *best; /* of pieces, of the loop at hand, and the outline that is kept */
    uint8_t *kept;
    span *spans;
    int64_t n_junctions, n_pieces, n_lines, n_loop, n_best, n_walk;
    int64_t rank; /* of the outline that is kept in the list */
    int last_of_equals;
} drawing;

/* ------------------------------------------------------------------------------------------------------ edges */

/* Mark a row of corners between two rows of pixels, 0 or 1 with a 0 at either end; count ends of edges, junctions. */
static void mark_row(const uint8_t *up, const uint8_t *low, ptrdiff_t n, uint8_t *ways, int64_t *ends, int64_t *crossed)
{
    int64_t n_ends = 0, n_crossed = 0;
    for (ptrdiff_t x = 0; x < n; x++) {
        const uint8_t above = up[x] ^ up[x + 1], below = low[x] ^ low[x + 1];
        const uint8_t left = up[x] ^ low[x], right = up[x + 1] ^ low[x + 1];
        const uint8_t is_junction = above & below & left & right;
        ways[x] = (uint8_t)(right * RIGHT | below * BELOW | left * LEFT | above * ABOVE | is_junction * JUNCTION);
        n_ends += above + below + left + right;
        n_crossed += is_junction;
    }
    *ends += n_ends;
    *crossed += n_crossed;
}

/* Mark all corners; `lines` are two rows of pixels with a margin of one, of zeros. */
static void mark_edges(drawing *d, uint8_t *lines, int64_t *edges, int64_t *crossed)
{
    uint8_t *up = lines, *low = lines + d->columns + 2;
    *edges = *crossed = 0;
    for (ptrdiff_t y = 0; y <= d->rows; y++) {
        const uint8_t *row = d->mask + y * d->strides[0];
        for (ptrdiff_t x = 0; x < d->columns; x++)
            low[x + 1] = y < d->rows && row[x * d->strides[1]] != 0;
        mark_row(up, low, d->columns + 1, d->ways + y * (d->columns + 1), edges, crossed);
        uint8_t *other = up;
        up = low;
        low = other;
    }
    *edges /= 2;
}

static inline uint8_t *ways_at(const drawing *d, corner c)
{
    return d->ways + c.row * (d->columns + 1) + c.column;
}

/* Walk one edge, which is gone then for both of its corners. */
static corner step(drawing *d, corner c, int way)
{
    *ways_at(d, c) &= (uint8_t)~way;
    c.column += (way == RIGHT) - (way == LEFT);
    c.row += (way == BELOW) - (way == ABOVE);
    *ways_at(d, c) &= (uint8_t)~(way == RIGHT ? LEFT : way == LEFT ? RIGHT : way == BELOW ? ABOVE : BELOW);
    return c;
}

/* Walk from a corner to the next junction, or back to itself; returns how many corners were written. */
static int64_t trace(drawing *d, corner start, int way, corner *line)
{
    int64_t n = 0;
    corner c = start;
    line[n++] = c;
    do {
        line[n++] = c = step(d, c, way);
        way = *ways_at(d, c) & ALL_WAYS;
    } while (!(*ways_at(d, c) & JUNCTION) && !(c.row == start.row && c.column == start.column));
    return n;
}

/* -------------------------------------------------------------------------------------------- simplification */

/* Drop inner points that are nearer than the tolerance to the last one that was kept. */
static ptrdiff_t thin(corner *points, ptrdiff_t n, double tolerance_squared)
{
    ptrdiff_t kept = 1;
    for (ptrdiff_t i = 1; i < n - 1; i++) {
        const int64_t y = points[i].row - points[kept - 1].row, x = points[i].column - points[kept - 1].column;
        if (!((double)(y * y + x * x) < tolerance_squared))
            points[kept++] = points[i];
    }
    points[kept++] = points[n - 1];
    return kept;
}

/* The square of the distance of a point from a segment; how far along it the foot lies has 32 bits. */
static double off_segment(corner p, corner start, corner end)
{
    const int64_t vy = end.row - start.row, vx = end.column - start.column;
    const int64_t wy = p.row - start.row, wx = p.column - start.column;
    const int64_t length = vy * vy + vx * vx, along = wy * vy + wx * vx;
    double y = start.row, x = start.column;
    if (along > 0 && length <= along) {
        y = end.row;
        x = end.column;
    } else if (along > 0) {
        const double fraction = (float)along / (float)length;
        y += fraction * (double)vy;
        x += fraction * (double)vx;
    }
    return (p.row - y) * (p.row - y) + (p.column - x) * (p.column - x);
}

/* Split at the farthest point, the last of equals, while it is farther than the tolerance; what splits is kept. */
static ptrdiff_t split(drawing *d, corner *points, ptrdiff_t n, double tolerance_squared)
{
    ptrdiff_t n_spans = 1, kept = 0;
    memset(d->kept, 0, (size_t)n);
    d->kept[0] = d->kept[n - 1] = 1;
    d->spans[0] = (span){0, n - 1};
    while (n_spans) {
        const span s = d->spans[--n_spans];
        ptrdiff_t far = s.first;
        double most = tolerance_squared;
        for (ptrdiff_t i = s.first + 1; i < s.last; i++) {
            const double off = off_segment(points[i], points[s.first], points[s.last]);
            if (off > tolerance_squared && off >= most) {
                most = off;
                far = i;
            }
        }
        if (far > s.first) {
            d->kept[far] = 1;
            d->spans[n_spans++] = (span){s.first, far};
            d->spans[n_spans++] = (span){far, s.last};
        }
    }
    for (ptrdiff_t i = 0; i < n; i++)
        if (d->kept[i])
            points[kept++] = points[i];
    return kept;
}

static ptrdiff_t simplify(drawing *d, corner *points, ptrdiff_t n, double tolerance_squared)
{
    return n < 3 ? n : split(d, points, thin(points, n, tolerance_squared), tolerance_squared);
}

/* ------------------------------------------------------------------------------------------------------ loops */

static int is_foreground(const drawing *d, ptrdiff_t y, ptrdiff_t x)
{
    const int inside = y >= 0 && y < d->rows && x >= 0 && x < d->columns;
    return inside && d->mask[y * d->strides[0] + x * d->strides[1]] != 0;
}

/* Whether a loop has background inside: on its right while it runs clockwise. */
static int is_hole(const drawing *d)
{
    const corner a = d->loop[0], b = d->loop[1];
    int64_t area = 0;
    for (int64_t i = 0; i + 1 < d->n_loop; i++) {
        const corner p = d->loop[i], q = d->loop[i + 1];
        area += (int64_t)p.column * q.row - (int64_t)q.column * p.row;
    }
    const int right = is_foreground(d, a.row - (b.column < a.column || b.row < a.row),
        a.column - (b.column < a.column || b.row > a.row));
    return (area > 0) != right;
}

/* As the official tool has it, in floats. */
static int is_clockwise(const corner *points, ptrdiff_t n)
{
    float total = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const corner a = points[i], b = points[i + 1 < n ? i + 1 : 0];
        total += (float)((int64_t)(b.row - a.row) * ((int64_t)b.column + a.column));
    }
    return total > 0;
}

/* Simplify the loop at hand and keep it if it has more points than the one kept; of equals their rank decides. */
static void judge(drawing *d, int64_t rank)
{
    const int hole = is_hole(d);
    ptrdiff_t n = (ptrdiff_t)d->n_loop;
    for (int i = 0; i < 2; i++)
        n = simplify(d, d->loop, n, TOLERANCES_SQUARED[i]);
    const int is_later = (rank > d->rank) == d->last_of_equals;
    if (n < 4 || n < d->n_best || (n == d->n_best && !is_later))
        return;
    const int backwards = is_clockwise(d->loop, n) == hole;
    for (ptrdiff_t i = 0; i < n; i++)
        d->best[i] = d->loop[backwards ? n - 1 - i : i];
    d->n_best = n;
    d->rank = rank;
}

/* Loops without a junction, row by row. The last one found is listed first. */
static void follow_loops(drawing *d)
{
    int64_t rank = 0;
    for (int32_t y = 0; y < d->rows; y++)
        for (int32_t x = 0; x <= d->columns; x++)
            if (*ways_at(d, (corner){y, x}) & BELOW) {
                d->n_loop = trace(d, (corner){y, x}, BELOW, d->loop);
                judge(d, --rank);
            }
}

#endif
