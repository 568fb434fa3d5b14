/* Which points of two outlines answer each other, and at what cost: a cheapest path through the table of all pairs.

A cell of the table is entered at half the chi-squared distance of two shape contexts. Paths lead right, down and
diagonally from the first to the last cell. Which of several cheapest paths is found depends on the queue: as in the
tools of DAVIS 2016 it is the heap with four children of Boost's dijkstra_shortest_paths, and a path is only replaced by
a cheaper one. Follows mex_match_dijkstra.cpp and t_stability.py (fperazzi/davis).

Costs are worked out where a path may lead; most of the table lies too far off. Work is O(cells · log cells) at worst. */

#ifndef SEGBENCH_MATCHING_H
#define SEGBENCH_MATCHING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { CONTEXT = 60, LANES = 8, CHILDREN = 4, NOT_REACHED = -1 };

/* Divisors are never 0, as in the official tool. */
static const double LITTLE = 2.2204e-16;

typedef struct {
    const double *before, *after;    /* shares, a row of CONTEXT for each point */
    int32_t n_before, n_after;       /* rows and columns of the table */
    int32_t skip_before, skip_after; /* how many rows and columns come last */
    double *costs;                   /* of cells, by points; 0 also where it is not known yet */
    double *distances;               /* of cells, by place in the table, as all that follows */
    int32_t *places, *heap, *from;
    int32_t n_heap;
} table;

/* Half the chi-squared distance of two rows of shares, added as NumPy adds 60 numbers: in eight lanes, then the rest. */
static double chi_squared(const double *a, const double *b)
{
    double terms[CONTEXT], lanes[LANES] = {0};
    for (int k = 0; k < CONTEXT; k++) {
        const double off = a[k] - b[k];
        terms[k] = off * off / (a[k] + b[k] + LITTLE);
    }
    for (int k = 0; k + LANES <= CONTEXT; k += LANES)
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane] += terms[k + lane];
    double total = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    for (int k = CONTEXT / LANES * LANES; k < CONTEXT; k++)
        total += terms[k];
    return 0.5 * total;
}

/* The points that meet in a cell of the table. */
static inline void points_of(const table *t, int32_t cell, int32_t *before, int32_t *after)
{
    *before = cell / t->n_after + t->skip_before;
    *after = cell % t->n_after + t->skip_after;
    *before -= *before >= t->n_before ? t->n_before : 0;
    *after -= *after >= t->n_after ? t->n_after : 0;
}

static double cost_of(const table *t, int32_t cell)
{
    int32_t before, after;
    points_of(t, cell, &before, &after);
    double *cost = &t->costs[(ptrdiff_t)before * t->n_after + after];
    if (*cost == 0)
        *cost = chi_squared(t->before + (ptrdiff_t)before * CONTEXT, t->after + (ptrdiff_t)after * CONTEXT);
    return *cost;
}

/* ------------------------------------------------------------------------------------------------------ queue */

static inline void put(table *t, int32_t at, int32_t cell)
{
    t->heap[at] = cell;
    t->places[cell] = at;
}

/* Let a cell rise while it is nearer than what is above it. */
static void rise(table *t, int32_t cell)
{
    int32_t at = t->places[cell];
    while (at && t->distances[cell] < t->distances[t->heap[(at - 1) / CHILDREN]]) {
        put(t, at, t->heap[(at - 1) / CHILDREN]);
        at = (at - 1) / CHILDREN;
    }
    put(t, at, cell);
}

/* Take the nearest cell; the last one goes to the head and sinks while a child, the first of equals, is nearer. */
static int32_t pop(table *t)
{
    const int32_t found = t->heap[0], cell = t->heap[--t->n_heap];
    int32_t at = 0;
    if (!t->n_heap)
        return found;
    for (int32_t first = 1; first < t->n_heap; first = CHILDREN * at + 1) {
        const int32_t end = first + CHILDREN < t->n_heap ? first + CHILDREN : t->n_heap;
        int32_t least = first;
        for (int32_t child = first + 1; child < end; child++)
            if (t->distances[t->heap[child]] < t->distances[t->heap[least]])
                least = child;
        if (!(t->distances[t->heap[least]] < t->distances[cell]))
            break;
        put(t, at, t->heap[least]);
        at = least;
    }
    put(t, at, cell);
    return found;
}

static void relax(table *t, int32_t from, int32_t cell)
{
    const int is_new = t->places[cell] == NOT_REACHED;
    /* No path is cheaper than the one to a cell behind it: spares the cost of what was left already. */
    if (!is_new && t->distances[cell] <= t->distances[from])
        return;
    const double distance = t->distances[from] + cost_of(t, cell);
    if (!is_new && !(distance < t->distances[cell]))
        return;
    t->distances[cell] = distance;
    t->from[cell] = from;
    if (is_new)
        t->places[cell] = t->n_heap++;
    rise(t, cell);
}

/* Find a cheapest path and write its cells from the last to the first; returns how many there are. The search ends
 * where the last cell is taken: what comes later cannot be nearer. */
static int32_t cheapest_path(table *t, int32_t *path)
{
    const int32_t last = t->n_before * t->n_after - 1, width = t->n_after;
    int32_t cell, n = 0;
    memset(t->places, NOT_REACHED, sizeof *t->places * ((size_t)last + 1));
    t->distances[0] = 0;
    t->n_heap = 1;
    put(t, 0, 0);
    while ((cell = pop(t)) != last) {
        const int right = cell % width < width - 1, down = cell <= last - width;
        if (right)
            relax(t, cell, cell + 1);
        if (down)
            relax(t, cell, cell + width);
        if (right && down)
            relax(t, cell, cell + width + 1);
    }
    for (path[n++] = last; path[n - 1]; n++)
        path[n] = t->from[path[n - 1]];
    return n;
}

/* ---------------------------------------------------------------------------------------------------- matching */

/* Let the cheapest cell of a path come last in the table, the first one met of equals, but not the free one. */
static void roll(table *t, const int32_t *path, int32_t n)
{
    int32_t best = path[0];
    for (int32_t k = 1; k < n - 1; k++)
        if (cost_of(t, path[k]) < cost_of(t, best))
            best = path[k];
    t->skip_before = best / t->n_after + 1;
    t->skip_after = best % t->n_after + 1;
}

/* Of each row of points keep the cheapest cell, of each column of those the cheapest again; of equals the first one on
 * the way, then the upper one. `kept` is a cell for each row, `columns` one for each column. */
static int32_t keep_one_to_one(const table *t, const int32_t *path, int32_t n, int32_t *rows, int32_t *columns,
    double *values)
{
    int32_t before, after, found = 0;
    memset(rows, NOT_REACHED, sizeof *rows * (size_t)t->n_before);
    memset(columns, NOT_REACHED, sizeof *columns * (size_t)t->n_after);
    for (int32_t k = 0; k < n; k++) {
        points_of(t, path[k], &before, &after);
        if (rows[before] == NOT_REACHED || cost_of(t, path[k]) < cost_of(t, rows[before]))
            rows[before] = path[k];
    }
    for (int32_t row = 0; row < t->n_before; row++) {
        points_of(t, rows[row], &before, &after);
        if (columns[after] == NOT_REACHED || cost_of(t, rows[row]) < cost_of(t, columns[after]))
            columns[after] = rows[row];
    }
    for (int32_t column = 0; column < t->n_after; column++)
        if (columns[column] != NOT_REACHED)
            values[found++] = cost_of(t, columns[column]);
    return found;
}

#endif
