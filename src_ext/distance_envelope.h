/* The lower envelope of parabolas; included once for each kind of VALUE, see distance.h.

Computes
    out[x] = min over p of f[p] + costs[x - p], where costs[d] = weight * d * d, however far p is
    A parabola stays while a pixel may exist where it is the least. Where two meet is known up to `slack` only, and
    both keep the pixels within: every value is one that was added up and compared, never one that was inferred, so
    rounding cannot show.
Shapes
    f, out (n,), which must not overlap; costs from -(n - 1) to n - 1; halves[d] = 1 / (2 * weight * d)
Complexity
    O(n), with one comparison a pixel where no two parabolas meet
Source
    Felzenszwalb and Huttenlocher: Distance Transforms of Sampled Functions, Theory of Computing 8, 2012; the division
    is a product with a number from a table.
*/

/* Whether the next CHUNK values are nowhere. */
INLINED int NAMED(all_nowhere)(const VALUE *f)
{
    int somewhere = 0;
    for (int i = 0; i < CHUNK; i++)
        somewhere |= f[i] != NOWHERE;
    return !somewhere;
}

/* Stack the parabolas that may be least somewhere, with the first and last pixel of each; return how many. */
INLINED ptrdiff_t NAMED(stack)(const VALUE *f, ptrdiff_t n, const double *halves, double slack, peak *peaks)
{
    ptrdiff_t top = -1;
    for (ptrdiff_t x = 0; x < n; x++) {
        ptrdiff_t first = 0;
        if (f[x] == NOWHERE) {
            if (x + CHUNK < n && NAMED(all_nowhere)(f + x))
                x += CHUNK - 1;
            continue;
        }
        while (top >= 0) {
            const ptrdiff_t p = peaks[top].at;
            double meet = (double)(f[x] - f[p]) * halves[x - p] + 0.5 * (double)(x + p);
            /* Far outside is as good as outside; positive, so that cutting off the fraction rounds down. */
            meet = meet < -1.0 ? -1.0 : meet > (double)n ? (double)n : meet;
            const ptrdiff_t last = (ptrdiff_t)(meet + slack + 2.0) - 2;
            if (last >= peaks[top].first) {
                const ptrdiff_t behind = (ptrdiff_t)(meet - slack + 2.0) - 2;
                peaks[top].last = (int32_t)(last < n ? last : n - 1);
                first = behind + (meet - slack > (double)behind);
                break;
            }
            top--;
        }
        if (first < n) {
            top++;
            peaks[top].at = (int32_t)x;
            peaks[top].first = (int32_t)(first > 0 ? first : 0);
            peaks[top].last = (int32_t)(n - 1);
        } else if (top >= 0)
            peaks[top].last = (int32_t)(n - 1);
    }
    return top + 1;
}

INLINED void NAMED(envelop)(const VALUE *f, ptrdiff_t n, const VALUE *costs, const double *halves, double slack,
    peak *peaks, VALUE *restrict out)
{
    const ptrdiff_t count = NAMED(stack)(f, n, halves, slack, peaks);
    ptrdiff_t done = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        const VALUE height = f[peaks[i].at];
        const VALUE *cost = costs - peaks[i].at;
        const ptrdiff_t end = peaks[i].last + 1;
        ptrdiff_t x = peaks[i].first;
        for (; x < done && x < end; x++) {
            const VALUE value = height + cost[x];
            out[x] = value < out[x] ? value : out[x];
        }
        for (; x < end; x++)
            out[x] = height + cost[x];
        done = end > done ? end : done;
    }
    for (ptrdiff_t x = done; x < n; x++)
        out[x] = NOWHERE;
}
