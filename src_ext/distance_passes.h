/* The passes over a volume, and the ways to go them; see distance.h. */

/* Where a row of the result begins, and where in it values in whole numbers lie until it is written. */
INLINED char *row_at(const field *f, ptrdiff_t z, ptrdiff_t y)
{
    return f->out + (z * f->axes[1].n + y) * f->row_bytes;
}

INLINED int32_t *whole_at(const field *f, ptrdiff_t z, ptrdiff_t y)
{
    return (int32_t *)(row_at(f, z, y) + f->row_bytes) - f->axes[2].n;
}

/* Counts of the slices that are not done lie together at the end of the memory, which none before them reaches. */
INLINED uint16_t *kept_at(const field *f, ptrdiff_t z, ptrdiff_t y)
{
    return (uint16_t *)row_at(f, f->axes[0].n, 0) - ((f->axes[0].n - z) * f->axes[1].n - y) * f->axes[2].n;
}

/* ------------------------------------------------------------------------------------------ the first axis */

INLINED uint16_t one_more(uint16_t count)
{
    return (uint16_t)(count + (count != NONE));
}

/* Count on from the slice below, to here and to memory. */
INLINED void step_counts(const uint8_t *sources, ptrdiff_t n, uint16_t *restrict counts, uint16_t *restrict kept)
{
    for (ptrdiff_t x = 0; x < n; x++) {
        const uint16_t count = sources[x] ? 0 : one_more(counts[x]);
        counts[x] = count;
        kept[x] = count;
    }
}

/* Count on from the slice above; what was kept has met all sources from here downwards. */
INLINED void meet_counts(const uint16_t *kept, ptrdiff_t n, uint16_t *restrict counts)
{
    for (ptrdiff_t x = 0; x < n; x++) {
        const uint16_t count = one_more(counts[x]);
        counts[x] = count < kept[x] ? count : kept[x];
    }
}

/* Keep the steps to the sources in each slice and those below. */
INLINED void sweep_up(field *f)
{
    const ptrdiff_t n = f->axes[2].n;
    memset(f->counts, 0xff, (size_t)(f->axes[1].n * n) * sizeof *f->counts);
    for (ptrdiff_t z = f->axes[0].n - 1; z >= 0; z--)
        for (ptrdiff_t y = 0; y < f->axes[1].n; y++)
            step_counts(f->sources + z * f->strides[0] + y * f->strides[1], n, f->counts + y * n, kept_at(f, z, y));
}

/* Meet the sources above as well. What stands in `counts` before the first slice is its own. */
INLINED void step_down(field *f, ptrdiff_t z)
{
    const ptrdiff_t n = f->axes[2].n;
    for (ptrdiff_t y = 0; y < f->axes[1].n; y++)
        meet_counts(kept_at(f, z, y), n, f->counts + y * n);
}

/* ------------------------------------------------------------------------------------------ the last axis */

/* Search a row that lies in `padded`; 0 when that is not enough. */
INLINED int search_row_short(field *f, char *row, int32_t base, float *effort)
{
    const ptrdiff_t n = f->axes[2].n;
    uint16_t *values = f->padded + PAD;
    ptrdiff_t steps = 0;
    /* A short row is made longer by copies of its end, which are no nearer to any of its pixels. */
    for (ptrdiff_t x = n; x < STRIP; x++)
        values[x] = values[n - 1];
    for (ptrdiff_t start = 0; start < n; start += STRIP) {
        const ptrdiff_t x = start + STRIP <= n || n < STRIP ? start : n - STRIP;
        const ptrdiff_t made = search_short(values + x, 1, PAD, PAD, f->axes[2].brief, PAD, 0, FAR - 1, f->best);
        if (made < 0)
            return 0;
        steps += made;
        store_short(f, row, x, f->best, base, n < STRIP ? n : STRIP);
    }
    *effort = (float)steps * STRIP / (float)n;
    return 1;
}

INLINED void finish_row_whole(field *f, ptrdiff_t z, ptrdiff_t y, float *effort)
{
    const axis *a = &f->axes[2];
    const uint32_t weight = f->axes[0].weight;
    const int flat = f->axes[1].n == 1;
    char *row = row_at(f, z, y);
    int32_t base, *whole = f->doubled ? f->other : (int32_t *)row;
    ptrdiff_t finite = a->n;
    if (flat) {
        base = whole_cost(least_count(f->counts, a->n), weight);
        if (*effort >= FREE)
            finite = count_finite_short(f->counts, a->n);
    } else {
        memcpy(f->line, whole_at(f, z, y), (size_t)a->n * sizeof *f->line);
        base = least_whole(f->line, a->n);
        if (*effort >= FREE)
            finite = count_finite_whole(f->line, a->n);
    }
    if (base < INT32_MAX && try_search(*effort, finite, a->n, MOST_WORTH)) {
        if (flat)
            narrow_counts(f->counts, a->n, weight, (uint32_t)base, enough_steps(weight, (uint32_t)base), f->padded + PAD);
        else
            narrow_values(f->line, a->n, base, f->padded + PAD);
        if (search_row_short(f, row, base, effort))
            return;
    }
    if (flat)
        for (ptrdiff_t x = 0; x < a->n; x++)
            f->line[x] = whole_cost(f->counts[x], weight);
    envelop_whole(f->line, a->n, a->whole, a->halves, 0.0, f->peaks, whole);
    *effort = effort_whole(whole, a->n, base, a->scale);
    if (f->doubled)
        store_whole(f, (double *)row, whole, a->n);
}

INLINED int search_row_real(field *f, double *row, double base, float *effort)
{
    const ptrdiff_t n = f->axes[2].n;
    double *values = f->padded_real + PAD;
    ptrdiff_t steps = 0;
    for (ptrdiff_t x = n; x < STRIP_REAL; x++)
        values[x] = values[n - 1];
    for (ptrdiff_t start = 0; start < n; start += STRIP_REAL) {
        const ptrdiff_t x = start + STRIP_REAL <= n || n < STRIP_REAL ? start : n - STRIP_REAL;
        const ptrdiff_t made =
            search_real(values + x, 1, PAD, PAD, f->axes[2].real, MOST_REAL, base, DBL_MAX, f->best_real);
        if (made < 0)
            return 0;
        steps += made;
        memcpy(row + x, f->best_real, (size_t)(n < STRIP_REAL ? n : STRIP_REAL) * sizeof *row);
    }
    *effort = (float)steps * STRIP_REAL / (float)n;
    return 1;
}

INLINED void finish_row_real(field *f, ptrdiff_t z, ptrdiff_t y, float *effort)
{
    const axis *a = &f->axes[2];
    double *row = (double *)row_at(f, z, y), *values = f->padded_real + PAD;
    if (f->axes[1].n == 1)
        for (ptrdiff_t x = 0; x < a->n; x++)
            values[x] = real_cost(f->counts[x], f->axes[0].spacing);
    else
        memcpy(values, row, (size_t)a->n * sizeof *row);
    const double base = least_real(values, a->n);
    if (try_search(*effort, *effort < FREE ? 0 : count_finite_real(values, a->n), a->n, MOST_WORTH_REAL) &&
        search_row_real(f, row, base, effort))
        return;
    envelop_real(values, a->n, a->real, a->halves, a->slack, f->peaks, row);
    *effort = effort_real(row, a->n, base, a->scale);
}

/* ---------------------------------------------------------------------------------------- the second axis */

/* Search the columns of a strip of a slice; 0 when that is not enough. */
INLINED int search_strip_short(field *f, ptrdiff_t z, ptrdiff_t x, ptrdiff_t width, int32_t base, float *effort)
{
    const ptrdiff_t n = f->axes[1].n;
    const uint32_t weight = f->axes[0].weight, enough = enough_steps(weight, (uint32_t)base);
    ptrdiff_t steps = 0;
    for (ptrdiff_t y = 0; y < n; y++) {
        uint16_t *values = f->strip + y * STRIP;
        narrow_counts(f->counts + y * f->axes[2].n + x, width, weight, (uint32_t)base, enough, values);
        for (ptrdiff_t i = width; i < STRIP; i++)
            values[i] = values[width - 1];
    }
    for (ptrdiff_t y = 0; y < n; y++) {
        const ptrdiff_t made = search_short(
            f->strip + y * STRIP, STRIP, y, n - 1 - y, f->axes[1].brief, PAD, 0, FAR - 1, f->best + y * STRIP);
        if (made < 0)
            return 0;
        steps += made;
    }
    for (ptrdiff_t y = 0; y < n; y++)
        for (ptrdiff_t i = 0; i < width; i++)
            whole_at(f, z, y)[x + i] = base + f->best[y * STRIP + i];
    *effort = (float)steps / (float)n;
    return 1;
}

/* Do a few columns by parabolas, and return the effort of a search for all of them together. */
INLINED float envelop_columns_whole(field *f, ptrdiff_t z, ptrdiff_t x, ptrdiff_t width, int32_t base)
{
    const axis *a = &f->axes[1];
    float sum = 0.0f;
    for (ptrdiff_t y = 0; y < a->n; y++)
        for (ptrdiff_t i = 0; i < width; i++)
            f->line[i * a->n + y] = whole_cost(f->counts[y * f->axes[2].n + x + i], f->axes[0].weight);
    for (ptrdiff_t i = 0; i < width; i++) {
        int32_t *line = f->line + i * a->n, *other = f->other + i * a->n;
        envelop_whole(line, a->n, a->whole, a->halves, 0.0, f->peaks, other);
        sum += effort_whole(other, a->n, base, a->scale);
    }
    for (ptrdiff_t y = 0; y < a->n; y++)
        for (ptrdiff_t i = 0; i < width; i++)
            whole_at(f, z, y)[x + i] = f->other[i * a->n + y];
    return sum;
}

INLINED void spread_strip_whole(field *f, ptrdiff_t z, ptrdiff_t x, ptrdiff_t width, float *effort)
{
    uint16_t least = NONE;
    float sum = 0.0f;
    for (ptrdiff_t y = 0; y < f->axes[1].n; y++) {
        const uint16_t count = least_count(f->counts + y * f->axes[2].n + x, width);
        least = count < least ? count : least;
    }
    const int32_t base = whole_cost(least, f->axes[0].weight);
    if (least == NONE) {
        for (ptrdiff_t y = 0; y < f->axes[1].n; y++)
            for (ptrdiff_t i = 0; i < width; i++)
                whole_at(f, z, y)[x + i] = INT32_MAX;
        return;
    }
    if (*effort < MOST_WORTH && search_strip_short(f, z, x, width, base, effort))
        return;
    for (ptrdiff_t i = 0; i < width; i += CHUNK) {
        const ptrdiff_t columns = width - i < CHUNK ? width - i : CHUNK;
        sum += envelop_columns_whole(f, z, x + i, columns, base);
    }
    *effort = sum / (float)width;
}

INLINED int search_strip_real(field *f, double base, float *effort)
{
    const ptrdiff_t n = f->axes[1].n;
    ptrdiff_t steps = 0;
    for (ptrdiff_t y = 0; y < n; y++) {
        const ptrdiff_t made = search_real(f->strip_real + y * STRIP_REAL, STRIP_REAL, y, n - 1 - y, f->axes[1].real,
            MOST_REAL, base, DBL_MAX, f->best_real + y * STRIP_REAL);
        if (made < 0)
            return 0;
        steps += made;
    }
    *effort = (float)steps / (float)n;
    return 1;
}

INLINED void envelop_columns_real(field *f, ptrdiff_t width, double base, float *effort)
{
    const axis *a = &f->axes[1];
    float sum = 0.0f;
    for (ptrdiff_t y = 0; y < a->n; y++)
        for (ptrdiff_t i = 0; i < STRIP_REAL; i++)
            f->line_real[i * a->n + y] = f->strip_real[y * STRIP_REAL + i];
    for (ptrdiff_t i = 0; i < width; i++) {
        double *line = f->line_real + i * a->n, *other = f->other_real + i * a->n;
        envelop_real(line, a->n, a->real, a->halves, a->slack, f->peaks, other);
        sum += effort_real(other, a->n, base, a->scale);
    }
    for (ptrdiff_t y = 0; y < a->n; y++)
        for (ptrdiff_t i = 0; i < width; i++)
            f->best_real[y * STRIP_REAL + i] = f->other_real[i * a->n + y];
    *effort = sum / (float)width;
}

INLINED void spread_strip_real(field *f, ptrdiff_t z, ptrdiff_t x, ptrdiff_t width, float *effort)
{
    const ptrdiff_t n = f->axes[1].n;
    const double spacing = f->axes[0].spacing;
    for (ptrdiff_t y = 0; y < n; y++) {
        const uint16_t *counts = f->counts + y * f->axes[2].n + x;
        double *values = f->strip_real + y * STRIP_REAL;
        /* All of a strip at a time: what lies behind the last row is memory, too. */
        for (ptrdiff_t i = 0; i < STRIP_REAL; i++)
            values[i] = real_cost(counts[i], spacing);
        for (ptrdiff_t i = width; i < STRIP_REAL; i++)
            values[i] = values[width - 1];
    }
    const double base = least_real(f->strip_real, n * STRIP_REAL);
    if (*effort >= MOST_WORTH_REAL || !search_strip_real(f, base, effort))
        envelop_columns_real(f, width, base, effort);
    for (ptrdiff_t y = 0; y < n; y++)
        memcpy((double *)row_at(f, z, y) + x, f->best_real + y * STRIP_REAL, (size_t)width * sizeof(double));
}

/* -------------------------------------------------------------------------------------------------- all */

INLINED void finish_row(field *f, ptrdiff_t z, ptrdiff_t y)
{
    float *effort = &f->efforts[f->axes[2].n];
    if (f->real)
        finish_row_real(f, z, y, effort);
    else
        finish_row_whole(f, z, y, effort);
}

INLINED void finish_slice(field *f, ptrdiff_t z)
{
    const ptrdiff_t n = f->axes[2].n, strip = f->real ? STRIP_REAL : STRIP;
    for (ptrdiff_t x = 0; x < n && f->axes[1].n > 1; x += strip) {
        const ptrdiff_t width = n - x < strip ? n - x : strip;
        if (f->real)
            spread_strip_real(f, z, x, width, &f->efforts[x / strip]);
        else
            spread_strip_whole(f, z, x, width, &f->efforts[x / strip]);
    }
    for (ptrdiff_t y = 0; y < f->axes[1].n; y++)
        finish_row(f, z, y);
}

INLINED void measure(field *f)
{
    sweep_up(f);
    for (ptrdiff_t z = 0; z < f->axes[0].n; z++) {
        step_down(f, z);
        finish_slice(f, z);
    }
}

typedef void measurer(field *f);

#define WAY(name, target)                                                                                              \
    target static void name(field *f)                                                                 \
    {                                                                                                                  \
        measure(f);                                                                                             \
    }

WAY(measure_plain, )
#if defined(__SSE2__)
WAY(measure_avx2, __attribute__((target("avx2"))))
#endif

/* From the slowest to the fastest. */
static const struct {
    const char *name;
    measurer *measure;
} ways[] = {
    {"plain", measure_plain},
#if defined(__SSE2__)
    {"avx2", measure_avx2},
#endif
};

/* How many of the ways this processor can go. */
static int n_ways(void)
{
    int n = (int)(sizeof ways / sizeof *ways);
#if defined(__SSE2__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2"))
        n--;
#endif
    return n;
}
