/* Matching of the predictions of a group with its truths, by area range and threshold. */

#ifndef SEGBENCH_DETECTION_MATCH_H
#define SEGBENCH_DETECTION_MATCH_H

#include <stdint.h>
#include <string.h>

enum { FALSE_POSITIVE, TRUE_POSITIVE, LEFT_OUT };
enum { MOST_REACHED = 64 };

typedef struct {
    const double *truth_areas, *prediction_areas;
    const double *ranges; /* Least and largest area, in turn. */
    const double *limits; /* Least overlap of a match, by threshold. */
    const uint8_t *ignored, *reusable, *excused;
    int64_t n_areas, n_limits;
    int64_t later_wins;
    uint8_t *outcomes;
    int32_t *matched; /* Null where nobody asks. */
    /* Scratch memory for the largest group. */
    uint8_t *taken;      /* by truth, area and limit */
    uint8_t *outside;    /* by area and truth: whether it is ignored */
    int64_t *candidates; /* truths of sufficient overlap, and room to sort them: twice as many as truths */
} rules;

typedef struct {
    int64_t truths, n_truths, predictions, n_predictions;
    const double *ious;
} group;

static int out_of(double area, const double *range)
{
    return area < range[0] || area > range[1];
}

/* Judge a prediction that nothing is matched with. */
static void leave_unmatched(const rules *r, int64_t prediction)
{
    const int64_t cells = r->n_areas * r->n_limits;
    uint8_t *outcomes = r->outcomes + prediction * cells;
    for (int64_t a = 0; a < r->n_areas; a++) {
        const int aside = r->excused[prediction] || out_of(r->prediction_areas[prediction], r->ranges + 2 * a);
        memset(outcomes + a * r->n_limits, aside ? LEFT_OUT : FALSE_POSITIVE, (size_t)r->n_limits);
    }
    if (r->matched)
        memset(r->matched + prediction * cells, -1, (size_t)cells * sizeof *r->matched);
}

static void open_group(const rules *r, const group *g)
{
    memset(r->taken, 0, (size_t)(g->n_truths * r->n_areas * r->n_limits));
    for (int64_t a = 0; a < r->n_areas; a++)
        for (int64_t i = 0; i < g->n_truths; i++)
            r->outside[a * g->n_truths + i] =
                r->ignored[g->truths + i] || out_of(r->truth_areas[g->truths + i], r->ranges + 2 * a);
}

/* Put candidates that count before those that are ignored, and return how many count. */
static int64_t part(const int64_t *candidates, int64_t n, const uint8_t *outside, int64_t *parted)
{
    int64_t counted = 0, at;
    for (int64_t i = 0; i < n; i++)
        counted += !outside[candidates[i]];
    at = 0;
    for (int64_t i = 0, last = counted; i < n; i++)
        parted[outside[candidates[i]] ? last++ : at++] = candidates[i];
    return counted;
}

/* Return the best free candidate, or -1; on equal overlap the later one, or the earlier. */
static int64_t best_of(
    const rules *r, const group *g, const double *ious, const int64_t *candidates, int64_t n, int64_t cell, double least)
{
    const int64_t cells = r->n_areas * r->n_limits;
    int64_t found = -1;
    for (int64_t i = 0; i < n; i++) {
        const int64_t truth = candidates[i];
        if (r->taken[truth * cells + cell] && !r->reusable[g->truths + truth])
            continue;
        if (ious[truth] < least || (found >= 0 && !r->later_wins && ious[truth] == least))
            continue;
        least = ious[truth];
        found = truth;
    }
    return found;
}

static void match_one(const rules *r, const group *g, int64_t prediction, const double *ious, int64_t n)
{
    const int64_t cells = r->n_areas * r->n_limits, *parted = r->candidates + g->n_truths;
    for (int64_t a = 0; a < r->n_areas; a++) {
        const int64_t counted =
            part(r->candidates, n, r->outside + a * g->n_truths, r->candidates + g->n_truths);
        for (int64_t t = 0; t < r->n_limits; t++) {
            const int64_t cell = a * r->n_limits + t;
            int64_t found = best_of(r, g, ious, parted, counted, cell, r->limits[t]);
            const int ignored = found < 0;
            if (ignored)
                found = best_of(r, g, ious, parted + counted, n - counted, cell, r->limits[t]);
            if (found < 0)
                continue;
            r->taken[found * cells + cell] = 1;
            r->outcomes[prediction * cells + cell] = ignored ? LEFT_OUT : TRUE_POSITIVE;
            if (r->matched)
                r->matched[prediction * cells + cell] = (int32_t)(g->truths + found);
        }
    }
}

/* The same for a single candidate and up to as many thresholds as a cache line holds: most predictions have no choice.
   Nothing is jumped over, so that the compiler makes vectors of the loops. */
static void match_only(const rules *r, const group *g, int64_t prediction, const double *ious)
{
    const int64_t n = r->n_limits, cells = r->n_areas * n, truth = r->candidates[0];
    const uint8_t reusable = r->reusable[g->truths + truth] != 0;
    const int32_t row = (int32_t)(g->truths + truth);
    uint8_t reached[MOST_REACHED];
    for (int64_t t = 0; t < n; t++)
        reached[t] = !(ious[truth] < r->limits[t]);
    for (int64_t a = 0; a < r->n_areas; a++) {
        const uint8_t outcome = r->outside[a * g->n_truths + truth] ? LEFT_OUT : TRUE_POSITIVE;
        uint8_t *taken = r->taken + truth * cells + a * n;
        uint8_t *outcomes = r->outcomes + prediction * cells + a * n;
        for (int64_t t = 0; t < n; t++) {
            const uint8_t hit = reached[t] & (reusable | (taken[t] ^ 1));
            reached[t] = reached[t] | (uint8_t)(hit << 1);
            taken[t] |= hit;
            outcomes[t] = hit ? outcome : outcomes[t];
        }
        if (r->matched) {
            int32_t *matched = r->matched + prediction * cells + a * n;
            for (int64_t t = 0; t < n; t++)
                matched[t] = reached[t] & 2 ? row : matched[t];
        }
        for (int64_t t = 0; t < n; t++)
            reached[t] &= 1;
    }
}

/* Match the predictions of a group, the surest first. `least` is the lowest limit. */
static void match_group(const rules *r, const group *g, double least)
{
    int opened = 0;
    for (int64_t p = 0; p < g->n_predictions; p++) {
        const double *ious = g->ious + p * g->n_truths;
        int64_t n = 0;
        leave_unmatched(r, g->predictions + p);
        for (int64_t i = 0; i < g->n_truths; i++)
            if (!(ious[i] < least))
                r->candidates[n++] = i;
        if (!n)
            continue;
        if (!opened)
            open_group(r, g);
        opened = 1;
        if (n == 1 && r->n_limits <= MOST_REACHED)
            match_only(r, g, g->predictions + p, ious);
        else
            match_one(r, g, g->predictions + p, ious, n);
    }
}

/* Match each prediction with its best truth, the first of equal ones; who comes second is wrong. */
static void match_group_any(const rules *r, const group *g)
{
    memset(r->taken, 0, (size_t)(g->n_truths * r->n_limits));
    for (int64_t p = 0; p < g->n_predictions; p++) {
        const double *ious = g->ious + p * g->n_truths;
        const int64_t first = (g->predictions + p) * r->n_limits;
        int64_t best = 0;
        for (int64_t i = 1; i < g->n_truths; i++)
            best = ious[i] > ious[best] ? i : best;
        for (int64_t t = 0; t < r->n_limits; t++) {
            uint8_t *taken = r->taken + best * r->n_limits + t;
            const int right = g->n_truths && ious[best] >= r->limits[t] && !*taken;
            r->outcomes[first + t] = right ? TRUE_POSITIVE : FALSE_POSITIVE;
            r->matched[first + t] = right ? (int32_t)(g->truths + best) : -1;
            if (right)
                *taken = 1;
        }
    }
}

#endif
