/* Points along an outline and what each of them sees: shape contexts, as the tools of DAVIS 2016 compute them.

Follows t_stability.py and sc_compute.m (fperazzi/davis), after Belongie, Malik and Puzicha, Shape Matching and Object
Recognition Using Shape Contexts, TPAMI 2002. Work is O(points²). */

#ifndef SEGBENCH_CONTEXTS_H
#define SEGBENCH_CONTEXTS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

enum { N_RINGS = 5, N_SECTORS = 12, N_BINS = N_RINGS * N_SECTORS };

/* The longest step, in pixels. */
#define STEP 3

/* MATLAB's remainder of what is so near to a whole turn is 0. */
static const double NEARLY = 2e-15;

static const double TURN = 2 * 3.141592653589793;

/* Cut the sides of an outline into equal steps; returns how many points there are, the repeated last one with them. */
#define RESAMPLE(name, real, root)                                                                                     \
    static ptrdiff_t name(const int64_t *outline, ptrdiff_t n, int rows_first, double *points)                         \
    {                                                                                                                  \
        ptrdiff_t found = 0;                                                                                           \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                            \
            const real end[2] = {(real)outline[2 * i + rows_first], (real)outline[2 * i + 1 - rows_first]};            \
            if (i) {                                                                                                   \
                real at[2] = {(real)points[2 * found - 2], (real)points[2 * found - 1]};                               \
                const real side[2] = {end[0] - at[0], end[1] - at[1]};                                                 \
                const real steps = (real)ceil(root(side[0] * side[0] + side[1] * side[1]) / (real)STEP);               \
                for (real k = 1; k < steps; k++, found++) {                                                            \
                    points[2 * found] = at[0] += side[0] / steps;                                                      \
                    points[2 * found + 1] = at[1] += side[1] / steps;                                                  \
                }                                                                                                      \
            }                                                                                                          \
            points[2 * found] = end[0];                                                                                \
            points[2 * found + 1] = end[1];                                                                            \
            found++;                                                                                                   \
        }                                                                                                              \
        return found;                                                                                                  \
    }

RESAMPLE(resample_floats, float, sqrtf)
RESAMPLE(resample_doubles, double, sqrt)

static void measure_distances(const double *points, ptrdiff_t n, double *distances)
{
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < n; j++) {
            const double first = points[2 * j] - points[2 * i], second = points[2 * j + 1] - points[2 * i + 1];
            distances[i * n + j] = sqrt(first * first + second * second);
        }
}

/* The sector of a direction; closed where it begins. */
static int sector_of(double first, double second, int is_lenient)
{
    /* The remainders of two angles below four right angles, and of one below eight: both exact. */
    double angle = atan2(second, first) + TURN;
    if (angle >= TURN)
        angle -= TURN;
    if (is_lenient && TURN - angle < NEARLY)
        angle = 0;
    /* The last angle below a whole turn divides to N_SECTORS itself; there is no such sector to write to. */
    const int sector = (int)floor(angle / (TURN / N_SECTORS));
    return sector < N_SECTORS ? sector : N_SECTORS - 1;
}

/* Count the points that each point sees, by ring and sector; it sees itself. Rings are limited by shares of the mean
 * distance, of which the nearest is the last ring; what is beyond all of them is not seen. */
static void count_seen(const double *points, ptrdiff_t n, const double *distances, double mean, const double *limits,
    int is_lenient, int64_t *seen)
{
    for (ptrdiff_t i = 0; i < n; i++, seen += N_BINS) {
        for (int k = 0; k < N_BINS; k++)
            seen[k] = 0;
        for (ptrdiff_t j = 0; j < n; j++) {
            const double share = distances[i * n + j] / mean;
            int ring = 0;
            for (int k = 0; k < N_RINGS; k++)
                ring += share < limits[k];
            if (ring)
                seen[(ring - 1) * N_SECTORS + sector_of(points[2 * j] - points[2 * i],
                                                  points[2 * j + 1] - points[2 * i + 1], is_lenient)]++;
        }
    }
}

#endif
