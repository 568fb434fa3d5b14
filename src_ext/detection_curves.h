/* Precision and recall along ranked predictions of a class, for all areas and thresholds in one sweep.

   Only at a true positive does recall rise, and only there can precision be the best of what follows: between two of
   them it falls. So the true positives are listed, with how many predictions were judged by then. */

#ifndef SEGBENCH_DETECTION_CURVES_H
#define SEGBENCH_DETECTION_CURVES_H

#include <stdint.h>
#include <string.h>

typedef struct {
    const uint8_t *outcomes; /* by row, area and threshold */
    const double *scores;
    const int64_t *ranks;
    const int64_t *positives; /* by class and area */
    const double *levels;     /* of recall */
    const int64_t *limits;    /* of ranks */
    int64_t n_classes, n_areas, n_thresholds, n_levels, n_limits;
    double eps;
    double *precision, *recall, *score_at;
    /* Scratch memory: a few numbers for each area and threshold, and lists for the class that has most. */
    int32_t *judged;   /* predictions that are right or wrong */
    int64_t *begins;   /* of lists; one more than areas × thresholds */
    int64_t *ends;
    int32_t *judged_by, *rows;
    double *envelope;
    int64_t room; /* for true positives, in all lists together */
} curves;

/* Count true positives by area and threshold, and return their sum. */
static int64_t count_true(const uint8_t *outcomes, int64_t n, int64_t cells, int32_t *counts)
{
    int64_t sum = 0;
    memset(counts, 0, (size_t)cells * sizeof *counts);
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < cells; c++)
            counts[c] += outcomes[i * cells + c] == 1;
    for (int64_t c = 0; c < cells; c++)
        sum += counts[c];
    return sum;
}

/* Give every list its place: `judged` still holds how many true positives there are. There is room for all, unless
   another thread changes the outcomes meanwhile. */
static void place_lists(curves *s, int64_t cells)
{
    s->begins[0] = 0;
    for (int64_t c = 0; c < cells; c++) {
        const int64_t end = s->begins[c] + s->judged[c];
        s->begins[c + 1] = end < s->room ? end : s->room;
    }
}

/* List the true positives among rows of a rank below the limit; return the first such row, or -1. */
static int64_t sweep(curves *s, int64_t begin, int64_t end, int64_t cells, int64_t limit)
{
    int64_t first = -1;
    memset(s->judged, 0, (size_t)cells * sizeof *s->judged);
    memcpy(s->ends, s->begins, (size_t)cells * sizeof *s->ends);
    for (int64_t i = begin; i < end; i++) {
        const uint8_t *outcomes = s->outcomes + i * cells;
        int32_t *judged = s->judged;
        int any = 0;
        if (s->ranks[i] >= limit)
            continue;
        first = first < 0 ? i : first;
        for (int64_t c = 0; c < cells; c++) {
            judged[c] += outcomes[c] < 2;
            any |= outcomes[c] & 1;
        }
        if (!any)
            continue;
        for (int64_t c = 0; c < cells; c++)
            /* The second condition as above. */
            if (outcomes[c] == 1 && s->ends[c] < s->begins[c + 1]) {
                s->judged_by[s->ends[c]] = judged[c];
                s->rows[s->ends[c]++] = (int32_t)(i - begin);
            }
    }
    return first;
}

/* Write the best precision at each true positive or later. */
static void envelop(const int32_t *judged_by, int64_t n, double eps, double *envelope)
{
    for (int64_t i = 0; i < n; i++)
        envelope[i] = (double)(i + 1) / ((double)judged_by[i] + eps);
    for (int64_t i = n - 1; i > 0; i--)
        envelope[i - 1] = envelope[i] > envelope[i - 1] ? envelope[i] : envelope[i - 1];
}

/* Return how many true positives it takes to reach a recall of more than 0, which n do reach. */
static int64_t reaching(double level, int64_t n, double positives)
{
    /* The product is off by a rounding at most, so this is none too many; only division decides. */
    int64_t i = (int64_t)(level * positives);
    i = i < 1 ? 1 : i > n ? n : i;
    while ((double)i / positives < level)
        i++;
    return i;
}

/* Write the curve of one class, area, threshold and limit; `first` is its first row, -1 for none. */
static void write_curve(
    curves *s, int64_t k, int64_t a, int64_t t, int64_t m, int64_t begin, int64_t first)
{
    const int64_t c = a * s->n_thresholds + t, list = s->begins[c], n = s->ends[c] - list;
    const double positives = (double)s->positives[k * s->n_areas + a];
    const int64_t step = s->n_classes * s->n_areas * s->n_limits;
    const int64_t place = (k * s->n_areas + a) * s->n_limits + m;
    double *precision = s->precision + t * s->n_levels * step + place;
    double *score_at = s->score_at + t * s->n_levels * step + place;
    int64_t l = 0;
    envelop(s->judged_by + list, n, s->eps, s->envelope);
    s->recall[t * step + place] = n ? (double)n / positives : 0;
    for (; l < s->n_levels && first >= 0; l++) {
        const double level = s->levels[l];
        int64_t row = first, at = 0;
        if (level > (double)n / positives || level != level)
            break;
        if (level > 0) {
            at = reaching(level, n, positives) - 1;
            row = begin + s->rows[list + at];
        }
        precision[l * step] = n ? s->envelope[at] : 0;
        score_at[l * step] = s->scores[row];
    }
    /* As in the official tool: after a recall that is not reached no other is looked at. */
    for (; l < s->n_levels; l++)
        precision[l * step] = score_at[l * step] = 0;
}

/* Write all curves of a class, where there are positives. */
static void trace(curves *s, int64_t k, int64_t begin, int64_t end)
{
    const int64_t cells = s->n_areas * s->n_thresholds;
    count_true(s->outcomes + begin * cells, end - begin, cells, s->judged);
    place_lists(s, cells);
    for (int64_t m = 0; m < s->n_limits; m++) {
        const int64_t first = sweep(s, begin, end, cells, s->limits[m]);
        for (int64_t a = 0; a < s->n_areas; a++)
            for (int64_t t = 0; t < s->n_thresholds && s->positives[k * s->n_areas + a]; t++)
                write_curve(s, k, a, t, m, begin, first);
    }
}

#endif
