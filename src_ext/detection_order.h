/* Rows by class, and by falling score within each; equal scores keep their order. */

#ifndef SEGBENCH_DETECTION_ORDER_H
#define SEGBENCH_DETECTION_ORDER_H

#include <stdint.h>
#include <string.h>

typedef struct {
    uint64_t key;
    int64_t row;
} ranked;

#define RANKED_WORDS ((int64_t)(sizeof(ranked) / sizeof(int64_t)))

/* Up to here, insertion is faster than counting bytes. */
enum { FEW = 40 };

/* An integer that rises as the score falls; the two zeros have the same one. */
static uint64_t falling(double score)
{
    uint64_t bits;
    score += 0.0;
    memcpy(&bits, &score, sizeof bits);
    return bits >> 63 ? bits : ~bits & ~(UINT64_C(1) << 63);
}

static void insert(ranked *rows, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        const ranked own = rows[i];
        int64_t at = i;
        for (; at > 0 && rows[at - 1].key > own.key; at--)
            rows[at] = rows[at - 1];
        rows[at] = own;
    }
}

/* Sort by one byte after the other, the lowest first; bytes that all keys share are left out. */
static void sort_by_bytes(ranked *rows, ranked *spare, int64_t n)
{
    int64_t counts[8][256] = {{0}};
    ranked *from = rows, *to = spare;
    for (int64_t i = 0; i < n; i++)
        for (int byte = 0; byte < 8; byte++)
            counts[byte][rows[i].key >> 8 * byte & 255]++;
    for (int byte = 0; byte < 8; byte++) {
        int64_t place = 0;
        if (counts[byte][from[0].key >> 8 * byte & 255] == n)
            continue;
        for (int value = 0; value < 256; value++) {
            const int64_t count = counts[byte][value];
            counts[byte][value] = place;
            place += count;
        }
        for (int64_t i = 0; i < n; i++)
            to[counts[byte][from[i].key >> 8 * byte & 255]++] = from[i];
        ranked *filled = to;
        to = from;
        from = filled;
    }
    if (from != rows)
        memcpy(rows, from, (size_t)n * sizeof *rows);
}

/* Write the order of rows, and where each class begins. Classes are checked by the caller; work holds 2 n. */
static void order_rows(
    const double *scores, const int64_t *classes, int64_t n, int64_t n_classes, int64_t *order, int64_t *offsets,
    ranked *work)
{
    ranked *spare = work + n;
    for (int64_t k = 0; k <= n_classes; k++)
        offsets[k] = 0;
    for (int64_t i = 0; i < n; i++)
        offsets[classes[i] + 1]++;
    for (int64_t k = 0; k < n_classes; k++)
        offsets[k + 1] += offsets[k];
    /* While rows are dealt out, an offset is the next free place; afterwards all stand one class too far. */
    for (int64_t i = 0; i < n; i++) {
        ranked *row = &work[offsets[classes[i]]++];
        row->key = falling(scores[i]);
        row->row = i;
    }
    for (int64_t k = n_classes; k > 0; k--)
        offsets[k] = offsets[k - 1];
    offsets[0] = 0;
    for (int64_t k = 0; k < n_classes; k++) {
        const int64_t begin = offsets[k], rows = offsets[k + 1] - begin;
        if (rows <= FEW)
            insert(work + begin, rows);
        else
            sort_by_bytes(work + begin, spare, rows);
    }
    for (int64_t i = 0; i < n; i++)
        order[i] = work[i].row;
}

#endif
