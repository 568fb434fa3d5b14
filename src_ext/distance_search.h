/* The search for the nearest of many pixels at once; included once for each kind of VALUE, see distance.h.

Computes
    best[i] = min over d of f[i - d * step] + costs[d] and f[i + d * step] + costs[d], for LANES values side by side
    No cost is smaller than one before it and no f is smaller than `base`, so the search may stop where base and the
    next cost reach the largest best: all that it would still find is larger.
Shapes
    f points at the first of LANES values; `left` and `right` steps lie in memory to its two sides
    costs holds SPARE more than steps are made
Complexity
    O(LANES * distance)
*/

/* Improve best by `count` steps to both sides, from d on. */
INLINED void NAMED(look)(
    const VALUE *f, ptrdiff_t step, ptrdiff_t d, int count, const VALUE *costs, VALUE *restrict best)
{
    for (int i = 0; i < LANES; i++) {
        VALUE least = best[i];
        for (int j = 0; j < count; j++) {
            const VALUE cost = costs[d + j];
            const VALUE before = (VALUE)(f[i - (d + j) * step] + cost), after = (VALUE)(f[i + (d + j) * step] + cost);
            least = before < least ? before : least;
            least = after < least ? after : least;
        }
        best[i] = least;
    }
}

/* The same to one side, one step. */
INLINED void NAMED(look_aside)(const VALUE *f, VALUE cost, VALUE *restrict best)
{
    for (int i = 0; i < LANES; i++) {
        const VALUE aside = (VALUE)(f[i] + cost);
        best[i] = aside < best[i] ? aside : best[i];
    }
}

/* Whether a value exceeds the bound, which a loop of the compiler's own would ask one by one. */
INLINED int NAMED(any_above)(const VALUE *values, VALUE bound)
{
    typedef VALUE vector __attribute__((vector_size(32)));
    typedef int64_t flags __attribute__((vector_size(32)));
    flags above = {0};
    for (size_t i = 0; i < LANES; i += sizeof(vector) / sizeof(VALUE)) {
        vector some;
        memcpy(&some, values + i, sizeof some);
        above |= (flags)(some > bound);
    }
    return (above[0] | above[1] | above[2] | above[3]) != 0;
}

/* Return the steps that were made, or -1 when `most` do not suffice, or a value exceeds `limit` after all. */
INLINED ptrdiff_t NAMED(search)(const VALUE *f, ptrdiff_t step, ptrdiff_t left, ptrdiff_t right, const VALUE *costs,
    ptrdiff_t most, VALUE base, VALUE limit, VALUE *restrict best)
{
    const ptrdiff_t near = left < right ? left : right, far = left < right ? right : left;
    ptrdiff_t d = 1;
    memcpy(best, f, LANES * sizeof(VALUE));
    for (;;) {
        if (d > far || !NAMED(any_above)(best, (VALUE)(base + costs[d])))
            return NAMED(any_above)(best, limit) ? -1 : d - 1;
        if (d > most)
            return -1;
        if (d + AT_ONCE - 1 <= near) {
            NAMED(look)(f, step, d, AT_ONCE, costs, best);
            d += AT_ONCE;
            continue;
        }
        if (d <= left)
            NAMED(look_aside)(f - d * step, costs[d], best);
        if (d <= right)
            NAMED(look_aside)(f + d * step, costs[d], best);
        d++;
    }
}
