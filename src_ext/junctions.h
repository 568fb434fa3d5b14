/* Loops through corners where pixels touch: pieces of outlines from junction to junction, put together. */

#ifndef SEGBENCH_JUNCTIONS_H
#define SEGBENCH_JUNCTIONS_H

#include "outlines.h"

/* Junctions are numbered row by row. */
static void number_junctions(drawing *d)
{
    d->n_junctions = 0;
    for (int32_t y = 0; y <= d->rows; y++)
        for (int32_t x = 0; x <= d->columns; x++)
            if (*ways_at(d, (corner){y, x}) & JUNCTION)
                d->junctions[d->n_junctions++] = (junction){.at = {y, x}, .place = -1};
}

static int32_t junction_at(const drawing *d, corner c)
{
    int64_t low = 0, high = d->n_junctions - 1;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const corner at = d->junctions[middle].at;
        if (at.row < c.row || (at.row == c.row && at.column < c.column))
            low = middle + 1;
        else
            high = middle;
    }
    return (int32_t)low;
}

static void enlist(drawing *d, int32_t at, int32_t number)
{
    junction *j = &d->junctions[at];
    j->pieces[j->n_pieces++] = number;
}

static void strike(drawing *d, int32_t at, int32_t number)
{
    junction *j = &d->junctions[at];
    int32_t n = 0;
    for (int32_t k = 0; k < j->n_pieces; k++)
        if (j->pieces[k] != number)
            j->pieces[n++] = j->pieces[k];
    j->n_pieces = n;
}

/* Walk all pieces: from the last junction to the first, and from each upward, left, down and right. */
static void trace_pieces(drawing *d)
{
    d->n_pieces = d->n_lines = 0;
    for (int32_t from = (int32_t)d->n_junctions - 1; from >= 0; from--)
        for (int way = ABOVE; way; way /= 2) {
            const corner start = d->junctions[from].at;
            if (!(*ways_at(d, start) & way))
                continue;
            const int64_t n = trace(d, start, way, d->lines + d->n_lines);
            const int32_t to = junction_at(d, d->lines[d->n_lines + n - 1]);
            const int32_t number = (int32_t)d->n_pieces++;
            d->pieces[number] = (piece){d->n_lines, d->n_lines + n, from, to};
            d->n_lines += n;
            enlist(d, from, number);
            if (to != from)
                enlist(d, to, number);
        }
}

/* The corner next to a junction on a piece. */
static corner near_junction(const drawing *d, int32_t at, int32_t number)
{
    const piece *p = &d->pieces[number];
    return at == p->first ? d->lines[p->begin + 1] : d->lines[p->end - 2];
}

/* Walk a piece and return the junction at its other end. */
static int32_t take(drawing *d, int32_t at, int32_t number)
{
    const piece *p = &d->pieces[number];
    const int32_t to = at == p->first ? p->last : p->first;
    strike(d, at, number);
    strike(d, to, number);
    d->junctions[at].place = (int32_t)d->n_walk;
    d->walk[d->n_walk++] = (stretch){at, number};
    return to;
}

/* If the walk has been at a junction before, what it walked since then is a loop. */
static void cut(drawing *d, int32_t at, int64_t *rank)
{
    const int32_t from = d->junctions[at].place;
    if (from < 0)
        return;
    d->n_loop = 0;
    for (int64_t k = from; k < d->n_walk; k++) {
        const stretch s = d->walk[k];
        const piece *p = &d->pieces[s.piece];
        const int64_t n = p->end - p->begin - 1;
        for (int64_t i = 0; i < n; i++)
            d->loop[d->n_loop++] = d->lines[s.junction == p->first ? p->begin + i : p->end - 1 - i];
        d->junctions[s.junction].place = -1;
    }
    d->loop[d->n_loop++] = d->junctions[at].at;
    d->n_walk = from;
    judge(d, ++*rank);
}

/* Put pieces together: from the last junction that has any left on, its first piece, then at each junction the first
 * one that does not go straight on. */
static void join_pieces(drawing *d)
{
    int64_t rank = 0;
    d->n_walk = 0;
    for (int32_t last = (int32_t)d->n_junctions - 1; last >= 0; last--)
        while (d->junctions[last].n_pieces) {
            int32_t at = take(d, last, d->junctions[last].pieces[0]);
            cut(d, at, &rank);
            while (d->n_walk) {
                const int32_t *choice = d->junctions[at].pieces;
                const corner ours = near_junction(d, at, d->walk[d->n_walk - 1].piece);
                const corner theirs = near_junction(d, at, choice[0]);
                const int straight = ours.row == theirs.row || ours.column == theirs.column;
                at = take(d, at, choice[straight]);
                cut(d, at, &rank);
            }
        }
}

#endif
