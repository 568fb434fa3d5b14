/* Squared Euclidean distances to the nearest source, axis by axis.

Computes
    counts      steps to the nearest source along the first axis, in 16 bits, two sweeps over rows
    planes      the least of counts and steps along the second axis, strips of LANES columns at once (volumes only)
    rows        the least of those and steps along the third axis
    A line is searched outwards from all its pixels at once, which takes as many steps as the nearest source is away;
    where that is far, parabolas are stacked instead. What the line before has cost decides.
    Whole numbers are searched in 16 bits: what comes out as FAR may be farther, and the line is done by parabolas.
Shapes
    sources (slices, rows, columns), columns side by side; an image comes with one row in each slice
    out the same in C order, of int32 or double. Until it is written, its end holds the counts of the slices to come,
    and the end of a row its values in whole numbers: beyond it, only the counts of a slice and a few lines are needed
    (`carve`).
Complexity
    O(pixels). Only when doubles hardly tell the steps along an axis from none (spacings millions of times apart),
    parabolas are kept that others hide, and a line of n can take n * n.
Source
    the separation by axes: Saito and Toriwaki, Pattern Recognition 27, 1994; parabolas: see distance_envelope.h

One text, compiled once for each instruction set (a *way*), as in runs.h.
*/

#ifndef SEGBENCH_DISTANCE_H
#define SEGBENCH_DISTANCE_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINED static inline __attribute__((always_inline))

enum {
    NONE = UINT16_MAX, /* The count where no source is on the line. */
    FAR = 32767,       /* Two of them have room in 16 bits. */
    AT_ONCE = 4,       /* Steps made before asking whether they suffice. */
    PAD = 192,         /* More than the steps of any search: 182 * 182 > FAR. */
    SPARE = 8,
    CHUNK = 16,        /* Values skipped, and columns turned into lines, at once. */
    STRIP = 64,        /* Values side by side: of whole numbers, */
    STRIP_REAL = 16,   /* and of doubles. */
    MOST_REAL = 96,    /* Steps of a search in doubles. */
};

typedef struct {
    int32_t at, first, last;
} peak;

#define VALUE int32_t
#define NAMED(name) name##_whole
#define NOWHERE INT32_MAX
#include "distance_envelope.h"
#undef VALUE
#undef NAMED
#undef NOWHERE

#define VALUE double
#define NAMED(name) name##_real
#define NOWHERE HUGE_VAL
#define LANES STRIP_REAL
#include "distance_envelope.h"
#include "distance_search.h"
#undef VALUE
#undef NAMED
#undef NOWHERE
#undef LANES

#define VALUE uint16_t
#define NAMED(name) name##_short
#define LANES STRIP
#include "distance_search.h"
#undef VALUE
#undef NAMED
#undef LANES

/* What steps along an axis cost. */
typedef struct {
    ptrdiff_t n;
    uint32_t weight;    /* In whole numbers, */
    double spacing;     /* or as the distance of two pixels. */
    double scale;       /* The cost of one step. */
    double slack;
    int32_t *whole;     /* The costs of -(n - 1) to n - 1 steps, */
    double *real;       /* one of the two, */
    uint16_t *brief;    /* and of 0 to PAD + SPARE, at most FAR. */
    double *halves;
} axis;

typedef struct {
    const uint8_t *sources;
    ptrdiff_t strides[2];  /* In bytes: slices, rows. */
    axis axes[3];
    char *out;
    ptrdiff_t row_bytes;
    int real;              /* Costs are doubles. */
    int doubled;           /* The result is. */
    double unit;           /* What a whole number stands for then. */
    /* Lines of memory. */
    uint16_t *counts, *padded, *strip, *best;
    int32_t *line, *other;
    double *padded_real, *strip_real, *best_real, *line_real, *other_real;
    peak *peaks;
    float *efforts;        /* The steps that a strip or a row took last, on average. */
} field;

/* ------------------------------------------------------------------------------------------------- memory */

INLINED void *piece(char *base, size_t *used, ptrdiff_t count, size_t size)
{
    char *at = base ? base + *used : NULL;
    *used += ((size_t)count * size + 63) & ~(size_t)63;
    return at;
}

static ptrdiff_t longest(const field *f)
{
    return f->axes[1].n > f->axes[2].n ? f->axes[1].n : f->axes[2].n;
}

/* Lay the lines out in memory, and return how much of it they take; without memory, only that. */
static size_t carve(field *f, char *base)
{
    size_t used = 0;
    const ptrdiff_t n = longest(f), wide = f->axes[2].n + 2 * PAD + STRIP, tall = f->axes[1].n > 1 ? f->axes[1].n : 0;
    for (int i = 1; i < 3; i++) {
        axis *a = &f->axes[i];
        if (f->real) {
            a->real = (double *)piece(base, &used, 2 * a->n + PAD + SPARE, sizeof(double)) + (base ? a->n : 0);
        } else {
            a->whole = (int32_t *)piece(base, &used, 2 * a->n, sizeof(int32_t)) + (base ? a->n : 0);
            a->brief = piece(base, &used, PAD + SPARE, sizeof(uint16_t));
        }
        a->halves = piece(base, &used, a->n + 1, sizeof(double));
    }
    f->counts = piece(base, &used, f->axes[1].n * f->axes[2].n + STRIP, sizeof(uint16_t));
    f->peaks = piece(base, &used, n, sizeof(peak));
    f->efforts = piece(base, &used, f->axes[2].n + 1, sizeof(float));
    if (f->real) {
        f->padded_real = piece(base, &used, wide, sizeof(double));
        f->strip_real = piece(base, &used, tall * STRIP_REAL, sizeof(double));
        f->best_real = piece(base, &used, tall * STRIP_REAL + STRIP_REAL, sizeof(double));
        f->line_real = piece(base, &used, CHUNK * n, sizeof(double));
        f->other_real = piece(base, &used, CHUNK * n, sizeof(double));
    } else {
        f->padded = piece(base, &used, wide, sizeof(uint16_t));
        f->strip = piece(base, &used, tall * STRIP, sizeof(uint16_t));
        f->best = piece(base, &used, tall * STRIP + STRIP, sizeof(uint16_t));
        f->line = piece(base, &used, CHUNK * n, sizeof(int32_t));
        f->other = piece(base, &used, CHUNK * n, sizeof(int32_t));
    }
    return used;
}

/* ------------------------------------------------------------------------------------------------- tables */

/* Write what steps along an axis cost. */
static void price(axis *a, int real, double diagonal)
{
    const double scale = real ? a->spacing * a->spacing : (double)a->weight;
    a->scale = scale;
    /* Errors of rounding, of sums up to the diagonal and of where parabolas meet, many times over. */
    a->slack = real ? (diagonal / scale + (double)a->n) * 0x1p-48 : 0.0;
    a->slack = a->slack < (double)a->n ? a->slack : (double)a->n;
    a->halves[0] = 0.0;
    for (ptrdiff_t d = 1; d < a->n; d++)
        a->halves[d] = 0.5 / (scale * (double)d);
    if (real) {
        for (ptrdiff_t d = -(a->n - 1); d < a->n + PAD + SPARE; d++)
            a->real[d] = ((double)d * a->spacing) * ((double)d * a->spacing);
        return;
    }
    for (ptrdiff_t d = -(a->n - 1); d < a->n; d++)
        a->whole[d] = (int32_t)((uint64_t)(d * d) * a->weight);
    for (ptrdiff_t d = 0; d < PAD + SPARE; d++) {
        const uint64_t cost = (uint64_t)(d * d) * a->weight;
        a->brief[d] = cost < FAR ? (uint16_t)cost : FAR;
    }
}

/* Make ready; the memory has been carved. */
static void prepare(field *f, double diagonal)
{
    const ptrdiff_t wide = f->axes[2].n + 2 * PAD + STRIP;
    price(&f->axes[1], f->real, diagonal);
    price(&f->axes[2], f->real, diagonal);
    for (ptrdiff_t x = 0; x < wide; x++) {
        if (f->real)
            f->padded_real[x] = HUGE_VAL;
        else
            f->padded[x] = FAR;
    }
    for (ptrdiff_t x = 0; x <= f->axes[2].n; x++)
        f->efforts[x] = 0.0f;
}

#include "distance_values.h"
#include "distance_passes.h"

#endif
