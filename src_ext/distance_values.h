/* Values as counts, in whole numbers, narrow and as doubles, and what they tell of the work to come; see distance.h. */

/* ------------------------------------------------------------------------------- values, wide and narrow */

INLINED uint16_t least_count(const uint16_t *counts, ptrdiff_t n)
{
    uint16_t least = NONE;
    for (ptrdiff_t x = 0; x < n; x++)
        least = counts[x] < least ? counts[x] : least;
    return least;
}

INLINED int32_t least_whole(const int32_t *values, ptrdiff_t n)
{
    int32_t least = INT32_MAX;
    for (ptrdiff_t x = 0; x < n; x++)
        least = values[x] < least ? values[x] : least;
    return least;
}

/* Comparisons of doubles keep their order, which a few at once may do side by side. */
INLINED double least_real(const double *values, ptrdiff_t n)
{
    double least[8] = {HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL};
    ptrdiff_t x = 0;
    for (; x + 8 <= n; x += 8)
        for (int i = 0; i < 8; i++)
            least[i] = values[x + i] < least[i] ? values[x + i] : least[i];
    for (; x < n; x++)
        least[0] = values[x] < least[0] ? values[x] : least[0];
    for (int i = 1; i < 8; i++)
        least[0] = least[i] < least[0] ? least[i] : least[0];
    return least[0];
}

/* Return how many steps cost `base` and FAR, or more. */
INLINED uint32_t enough_steps(uint32_t weight, uint32_t base)
{
    return (uint32_t)sqrt(((double)base + FAR) / weight) + 1;
}

/* Counts as costs beyond the base, at most FAR; for most weights 16 bits do, which keep the difference. */
INLINED void narrow_counts(
    const uint16_t *counts, ptrdiff_t n, uint32_t weight, uint32_t base, uint32_t enough, uint16_t *restrict values)
{
    const uint16_t most = enough < NONE ? (uint16_t)enough : NONE, factor = (uint16_t)weight, less = (uint16_t)base;
    if ((uint64_t)enough * enough * weight - base <= UINT16_MAX)
        for (ptrdiff_t x = 0; x < n; x++) {
            const uint16_t count = counts[x] < most ? counts[x] : most;
            const uint16_t cost = (uint16_t)((uint16_t)((uint32_t)count * count) * (uint32_t)factor - less);
            values[x] = cost < FAR ? cost : FAR;
        }
    else
        for (ptrdiff_t x = 0; x < n; x++) {
            const uint32_t count = counts[x], cost = count * count * weight - base;
            values[x] = counts[x] < most && cost < FAR ? (uint16_t)cost : FAR;
        }
}

INLINED void narrow_values(const int32_t *values, ptrdiff_t n, int32_t base, uint16_t *restrict narrow)
{
    for (ptrdiff_t x = 0; x < n; x++)
        narrow[x] = values[x] - base < FAR ? (uint16_t)(values[x] - base) : FAR;
}

INLINED int32_t whole_cost(uint16_t count, uint32_t weight)
{
    return count == NONE ? INT32_MAX : (int32_t)((uint32_t)count * count * weight);
}

INLINED double real_cost(uint16_t count, double spacing)
{
    const double cost = ((double)count * spacing) * ((double)count * spacing);
    return count == NONE ? HUGE_VAL : cost;
}

INLINED void store_whole(const field *f, double *row, const int32_t *values, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        row[i] = values[i] == INT32_MAX ? HUGE_VAL : values[i] * f->unit;
}

/* Values beyond the base, below FAR. */
INLINED void store_short(const field *f, char *row, ptrdiff_t x, const uint16_t *values, int32_t base, ptrdiff_t n)
{
    if (f->doubled)
        for (ptrdiff_t i = 0; i < n; i++)
            ((double *)row)[x + i] = (base + values[i]) * f->unit;
    else
        for (ptrdiff_t i = 0; i < n; i++)
            ((int32_t *)row)[x + i] = base + values[i];
}

/* ---------------------------------------------------------------------------------- which of the two ways */

/* Steps a strip, on average, that cost less than the question, and that cost as much as parabolas everywhere. */
#define FREE 6.0f
#define MOST_WORTH 100.0f
#define MOST_WORTH_REAL 30.0f

INLINED ptrdiff_t count_finite_whole(const int32_t *values, ptrdiff_t n)
{
    int32_t count = 0;
    for (ptrdiff_t x = 0; x < n; x++)
        count += values[x] != INT32_MAX;
    return count;
}

INLINED ptrdiff_t count_finite_short(const uint16_t *counts, ptrdiff_t n)
{
    int32_t count = 0;
    for (ptrdiff_t x = 0; x < n; x++)
        count += counts[x] != NONE;
    return count;
}

INLINED ptrdiff_t count_finite_real(const double *values, ptrdiff_t n)
{
    int64_t count = 0;
    for (ptrdiff_t x = 0; x < n; x++)
        count += values[x] < HUGE_VAL;
    return (ptrdiff_t)count;
}

/* The steps that a search of these would have made. */
INLINED float effort_whole(const int32_t *values, ptrdiff_t n, int32_t base, double scale)
{
    double steps = 0.0;
    for (ptrdiff_t x = 0; x < n; x += STRIP) {
        int32_t most = base;
        for (ptrdiff_t i = x; i < x + STRIP && i < n; i++)
            most = values[i] > most ? values[i] : most;
        steps += most - base < FAR ? sqrt((most - base) / scale) : (double)INT32_MAX;
    }
    return (float)(steps * STRIP / (double)n);
}

INLINED float effort_real(const double *values, ptrdiff_t n, double base, double scale)
{
    double steps = 0.0;
    /* One value of a strip is enough to guess by. */
    for (ptrdiff_t x = 0; x < n; x += STRIP_REAL)
        steps += sqrt((values[x] - base) / scale);
    return base < HUGE_VAL ? (float)(steps * STRIP_REAL / (double)n) : 0.0f;
}

/* Whether to search first: what the row before took decides, and few parabolas are cheap. */
INLINED int try_search(float effort, ptrdiff_t finite, ptrdiff_t n, float most)
{
    return effort < FREE + most * (float)finite / (float)n;
}
