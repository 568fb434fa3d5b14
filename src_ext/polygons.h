/* Polygons as masks, by the rule of COCO: vertices are rounded to a grid five times as fine, edges are walked on it along
   their longer axis, and where they pass the middle of a column of pixels the mask changes, at the row that lies below.

   Of the points of an edge only those on either side of a middle count: between 5 c + 2 and 5 c + 3 for column c. They
   are computed alone, by the expressions with which the official tool computes all, so that every bit is the same. */

#ifndef SEGBENCH_POLYGONS_H
#define SEGBENCH_POLYGONS_H

#include <stdint.h>

#include "rle.h"

#define POLYGON_GRID 5

/* Places that are sorted by insertion. */
#define POLYGON_FEW 32

typedef struct {
    int64_t height, width;
    int64_t *columns;  /* of each crossing */
    int64_t *rows;     /* of each crossing */
    int64_t *begins;   /* two more than crossings: scratch for sorting */
    int64_t *places;   /* of crossings, ascending */
    int64_t n;
} Crossings;

static int64_t polygon_rounded(double coordinate)
{
    return (int64_t)(int)(POLYGON_GRID * coordinate + .5);
}

/* The first column whose middle lies at or after u; its middle is between 5 c + 2 and 5 c + 3. */
static int64_t polygon_first(int64_t u)
{
    return u <= 2 ? 0 : (u + 2) / POLYGON_GRID;
}

static void polygon_cross(Crossings *found, int64_t column, int64_t v)
{
    int64_t row = v <= 2 ? 0 : (v + 2) / POLYGON_GRID;
    found->columns[found->n] = column;
    found->rows[found->n++] = row > found->height ? found->height : row;
}

/* An edge that is at least as wide as high, from left to right. */
static void polygon_flat(Crossings *found, int64_t xs, int64_t ys, int64_t xe, int64_t ye)
{
    double slope = (double)(ye - ys) / (double)(xe - xs);
    for (int64_t c = polygon_first(xs); c < found->width; c++) {
        int64_t t = POLYGON_GRID * c + 2 - xs;
        if (t + 1 > xe - xs)
            break;
        int before = (int)((double)ys + slope * (double)t + .5);
        int behind = (int)((double)ys + slope * (double)(t + 1) + .5);
        polygon_cross(found, c, before < behind ? before : behind);
    }
}

/* Where a steep edge is at step t. */
static int64_t polygon_at(int64_t xs, double slope, int64_t t)
{
    return (int64_t)(int)((double)xs + slope * (double)t + .5);
}

/* An edge that is higher than wide, from the top down. */
static void polygon_steep(Crossings *found, int64_t xs, int64_t ys, int64_t xe, int64_t ye)
{
    int64_t dy = ye - ys, left = xs < xe ? xs : xe, right = xs < xe ? xe : xs;
    double slope = (double)(xe - xs) / (double)dy;
    for (int64_t c = polygon_first(left); c < found->width; c++) {
        int64_t u = POLYGON_GRID * c + 2;
        if (u + 1 > right)
            break;
        /* The step that crosses is near where a straight line would; rounding may put it one before or behind. */
        int64_t t = (int64_t)(((double)u + .5 - (double)xs) / slope);
        t = t < 1 ? 1 : t > dy ? dy : t;
        if (slope > 0) {
            while (t > 1 && polygon_at(xs, slope, t - 1) > u)
                t--;
            while (t < dy && polygon_at(xs, slope, t) <= u)
                t++;
        } else {
            while (t > 1 && polygon_at(xs, slope, t - 1) <= u)
                t--;
            while (t < dy && polygon_at(xs, slope, t) > u)
                t++;
        }
        polygon_cross(found, c, ys + t - 1);
    }
}

static void polygon_edge(Crossings *found, int64_t xs, int64_t ys, int64_t xe, int64_t ye)
{
    int64_t dx = xe > xs ? xe - xs : xs - xe, dy = ye > ys ? ye - ys : ys - ye;
    if (dx >= dy) {
        if (xs < xe)
            polygon_flat(found, xs, ys, xe, ye);
        else if (xs > xe)
            polygon_flat(found, xe, ye, xs, ys);
    } else if (ys < ye) {
        polygon_steep(found, xs, ys, xe, ye);
    } else {
        polygon_steep(found, xe, ye, xs, ys);
    }
}

/* Let a place sink to where a heap of n has it. */
static void polygon_sink(int64_t *places, int64_t i, int64_t n)
{
    int64_t place = places[i];
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && places[child + 1] > places[child];
        if (places[child] <= place)
            break;
        places[i] = places[child];
    }
    places[i] = place;
}

/* Sort the places of one column: by insertion, for most columns have few; many as a heap, for insertion is quadratic. */
static void polygon_sort_column(int64_t *places, int64_t n)
{
    if (n <= POLYGON_FEW) {
        for (int64_t i = 1; i < n; i++) {
            int64_t place = places[i], k = i;
            for (; k > 0 && places[k - 1] > place; k--)
                places[k] = places[k - 1];
            places[k] = place;
        }
        return;
    }
    for (int64_t i = n / 2; i-- > 0;)
        polygon_sink(places, i, n);
    for (int64_t last = n - 1; last > 0; last--) {
        int64_t greatest = places[0];
        places[0] = places[last];
        places[last] = greatest;
        polygon_sink(places, 0, last);
    }
}

/* Sort the crossings by place: columns by counting, then each column. An outline that is closed crosses every column
   between its first and its last one, so there are no more columns than crossings. */
static void polygon_sort(Crossings *found)
{
    int64_t *begins = found->begins, *places = found->places, low = found->width, high = -1, begin = 0;
    for (int64_t i = 0; i < found->n; i++) {
        low = found->columns[i] < low ? found->columns[i] : low;
        high = found->columns[i] > high ? found->columns[i] : high;
    }
    if (high < 0)
        return;
    memset(begins, 0, (size_t)(high - low + 2) * sizeof *begins);
    for (int64_t i = 0; i < found->n; i++)
        begins[found->columns[i] - low + 1]++;
    for (int64_t c = 0; c <= high - low; c++)
        begins[c + 1] += begins[c];
    for (int64_t i = 0; i < found->n; i++)
        places[begins[found->columns[i] - low]++] = found->columns[i] * found->height + found->rows[i];
    /* Now each column begins where the one before it ended. */
    for (int64_t c = 0; c <= high - low; c++) {
        polygon_sort_column(places + begin, begins[c] - begin);
        begin = begins[c];
    }
}

/* The runs between crossings; two at one place take each other away. */
static int64_t polygon_runs(const Crossings *found, uint32_t *counts)
{
    int64_t n = found->n + 1, end = found->height * found->width, m = 0, before = 0, j = 0;
#define POLYGON_STEP(step) \
    do { \
        int64_t place = j < found->n ? found->places[j] : end; \
        (step) = place - before; \
        before = place; \
        j++; \
    } while (0)
    int64_t step;
    POLYGON_STEP(step);
    counts[m++] = (uint32_t)step;
    while (j < n) {
        POLYGON_STEP(step);
        if (step > 0) {
            counts[m++] = (uint32_t)step;
        } else if (j < n) {
            POLYGON_STEP(step);
            counts[m - 1] += (uint32_t)step;
        }
    }
#undef POLYGON_STEP
    return m;
}

/* The runs of one polygon of n numbers x, y, x, y …; there must be room for all its crossings and two counts more. */
static int64_t polygon_mask(const double *points, int64_t n, Crossings *found, uint32_t *counts)
{
    int64_t vertices = n / 2;
    found->n = 0;
    for (int64_t i = 0; i < vertices; i++) {
        int64_t next = i + 1 < vertices ? i + 1 : 0;
        polygon_edge(found, polygon_rounded(points[2 * i]), polygon_rounded(points[2 * i + 1]),
                     polygon_rounded(points[2 * next]), polygon_rounded(points[2 * next + 1]));
    }
    polygon_sort(found);
    return polygon_runs(found, counts);
}

/* How many crossings a polygon can have. */
static int64_t polygon_most(const double *points, int64_t n, int64_t width)
{
    int64_t vertices = n / 2, most = 0;
    for (int64_t i = 0; i < vertices; i++) {
        int64_t next = i + 1 < vertices ? i + 1 : 0;
        int64_t dx = polygon_rounded(points[2 * next]) - polygon_rounded(points[2 * i]);
        int64_t columns = (dx < 0 ? -dx : dx) / POLYGON_GRID + 1;
        most += columns < width ? columns : width;
    }
    return most;
}

#endif
