/* Boundary pixels of every class of a label map, 64 side by side.

Computes
    scan    pieces: for each class, the boundary pixels of 64 pixels of a row, as the bits of a word
    match   how many of those bits have a bit of the same class in the other map within a distance (nearby.h)
    A class is asked for in three words: where a row is that class, and the rows above and below. What is a boundary
    is then a few operations on words. Only labels that occur in 64 pixels, or beside them, are asked for; a block
    that holds one label ends after one.
Shapes
    label maps (rows, columns) with any strides
Complexity
    O(pixels / 64) comparisons + O(pieces), pieces being no more than boundary pixels
Source
    The definitions are those of segbench/kernels/boundary.py, which names where they come from.

One text, compiled once for each instruction set (a *way*); `n_ways` asks the processor. The words of the scalar
way are 64-bit integers, so it runs anywhere.
*/

#ifndef SEGBENCH_BOUNDARY_H
#define SEGBENCH_BOUNDARY_H

#include <stddef.h>
#include <stdint.h>

#include "lines.h"
#include "nearby.h"

enum { COLUMNS = 6 }; /* What is counted of a class. */
static const uint32_t NONE = UINT32_MAX;

typedef enum { SEG2BMAP, INNER4, INNER8, THICK } boundary_definition;

/* What is found in a map. */
typedef struct {
    piece *pieces; /* Row by row; once sorted, class by class, and each row by row. */
    int64_t capacity, n; /* Pieces beyond the capacity are counted, and not written. */
    uint32_t *parts, *end; /* Of each class: how many pieces, and where they end once sorted. */
    int64_t *pixels, *boundary; /* Of each class, COLUMNS apart. */
} findings;

/* ----------------------------------------------------------------------------------------------------- scan */

/* Where a row of a block is a label, and where its neighbours to the left and to the right are. */
typedef struct {
    word here, left, right;
} label_line;

INLINED label_line line_of(equal_in *equal, int size, const char *labels, uint32_t label)
{
    label_line line;
    line.here = equal(labels, label);
    line.left = line.here << 1 | (label_at(size, labels, -1) == label);
    line.right = line.here >> 1 | (word)(label_at(size, labels, BITS) == label) << (BITS - 1);
    return line;
}

INLINED word edges(boundary_definition definition, label_line above, label_line line, label_line below)
{
    const word here = line.here;
    if (definition == SEG2BMAP)
        return (here ^ line.right) | (here ^ below.here) | (here ^ below.right);
    word all = line.left & line.right & above.here & below.here;
    if (definition == INNER8)
        all &= above.left & above.right & below.left & below.right;
    word found = here & ~all;
    if (definition == THICK)
        found |= ~here & (line.left | line.right | above.here | below.here);
    return found;
}

enum { ABOVE, HERE, BELOW };               /* Rows of a block. */
enum { LEFT = 1, RIGHT = 2, DIAGONAL = 4 }; /* Labels beside a block: those of its row, and the lower right one. */

typedef struct {
    const char *lines[3];
    word inside;  /* The pixels of the image. */
    word rest[3]; /* Pixels whose label is still to be asked for. */
    int beside;   /* The same beside the block. */
    uint32_t place;
} block;

/* A label of the block that was not asked for; NONE when there is none. */
INLINED uint32_t next_label(int size, const block *b)
{
    if (b->rest[HERE])
        return label_at(size, b->lines[HERE], __builtin_ctzll(b->rest[HERE]));
    if (b->rest[BELOW])
        return label_at(size, b->lines[BELOW], __builtin_ctzll(b->rest[BELOW]));
    if (b->rest[ABOVE])
        return label_at(size, b->lines[ABOVE], __builtin_ctzll(b->rest[ABOVE]));
    if (b->beside & LEFT)
        return label_at(size, b->lines[HERE], -1);
    if (b->beside & RIGHT)
        return label_at(size, b->lines[HERE], BITS);
    return b->beside ? label_at(size, b->lines[BELOW], BITS) : NONE;
}

/* Whether a boundary pixel of a class can be one of another class. */
INLINED int spreads(boundary_definition definition)
{
    return definition == SEG2BMAP || definition == THICK;
}

/* Note that a label was asked for. */
INLINED void strike(boundary_definition definition, block *b, label_line above, label_line line, label_line below)
{
    b->rest[HERE] &= ~line.here;
    if (!spreads(definition))
        return;
    b->rest[BELOW] &= ~below.here;
    b->beside &= ~(line.right >> (BITS - 1) ? RIGHT : 0);
    if (definition == SEG2BMAP) {
        b->beside &= ~(below.right >> (BITS - 1) ? DIAGONAL : 0);
    } else {
        b->rest[ABOVE] &= ~above.here;
        b->beside &= ~(line.left & 1 ? LEFT : 0);
    }
}

INLINED void add_piece(findings *found, uint32_t label, word bits, uint32_t place)
{
    found->boundary[COLUMNS * label] += __builtin_popcountll(bits);
    found->parts[label]++;
    if (found->n < found->capacity)
        found->pieces[found->n] = (piece){bits, place, label};
    found->n++;
}

/* Ask for a label. */
INLINED void take_label(equal_in *equal, int size, boundary_definition definition, uint32_t n_classes, block *b,
    uint32_t label, findings *found)
{
    const label_line line = line_of(equal, size, b->lines[HERE], label);
    const label_line below = line_of(equal, size, b->lines[BELOW], label);
    const label_line above = definition == SEG2BMAP ? line : line_of(equal, size, b->lines[ABOVE], label);
    strike(definition, b, above, line, below);
    if (label >= n_classes)
        return;
    const word own = line.here & b->inside;
    found->pixels[COLUMNS * label] += own == ALL ? BITS : __builtin_popcountll(own);
    const word bits = edges(definition, above, line, below) & b->inside;
    if (bits)
        add_piece(found, label, bits, b->place);
}

/* Ask for all labels that can have a boundary in a block. */
INLINED void scan_block(
    equal_in *equal, int size, boundary_definition definition, uint32_t n_classes, block *b, findings *found)
{
    b->rest[HERE] = b->inside;
    b->rest[BELOW] = spreads(definition) ? b->inside : 0;
    b->rest[ABOVE] = definition == THICK ? b->inside : 0;
    b->beside = definition == SEG2BMAP ? RIGHT | DIAGONAL : definition == THICK ? LEFT | RIGHT : 0;
    for (uint32_t label = next_label(size, b); label != NONE; label = next_label(size, b))
        take_label(equal, size, definition, n_classes, b, label, found);
}

INLINED void scan_row(equal_in *equal, int size, boundary_definition definition, const label_map *map,
    const char *const *lines, uint32_t place, findings *found)
{
    block b;
    for (int row = ABOVE; row <= BELOW; row++)
        b.lines[row] = lines[row] + size; /* Behind the one on the left. */
    b.place = place;
    for (ptrdiff_t pixels = map->columns; pixels > 0; pixels -= BITS) {
        b.inside = pixels < BITS ? ((word)1 << pixels) - 1 : ALL;
        scan_block(equal, size, definition, map->n_classes, &b, found);
        for (int row = ABOVE; row <= BELOW; row++)
            b.lines[row] += BITS * size;
        b.place++;
    }
}

/* Find the pieces of all classes; lines are three of line_length labels. */
INLINED void scan_map(
    equal_in *equal, int size, boundary_definition definition, const label_map *map, char *lines, findings *found)
{
    const ptrdiff_t length = line_length(map->columns) * size, blocks = blocks_of(map->columns);
    int (*const read)(const label_map *, ptrdiff_t, char *) = size == 1 ? read_bytes : read_shorts;
    char *above = lines, *here = lines + length, *below = lines + 2 * length;
    int some_above = read(map, -1, above), some_here = read(map, 0, here);
    findings own = *found; /* Its pointers stay in registers. */
    for (ptrdiff_t y = 0; y < map->rows; y++) {
        const int some_below = read(map, y + 1, below);
        const uint32_t place = (uint32_t)(y * (blocks + 2) + 1);
        if (some_above || some_here || some_below)
            scan_row(equal, size, definition, map, (const char *[]){above, here, below}, place, &own);
        char *read_already = above;
        above = here, here = below, below = read_already;
        some_above = some_here, some_here = some_below;
    }
    found->n = own.n;
}

/* The compiler makes a loop for each definition. */
INLINED void scan_as_defined(equal_in *equal, int size, boundary_definition definition, const label_map *map,
    char *lines, findings *found)
{
    switch (definition) {
    case SEG2BMAP:
        scan_map(equal, size, SEG2BMAP, map, lines, found);
        break;
    case INNER4:
        scan_map(equal, size, INNER4, map, lines, found);
        break;
    case INNER8:
        scan_map(equal, size, INNER8, map, lines, found);
        break;
    case THICK:
        scan_map(equal, size, THICK, map, lines, found);
    }
}

/* Put the pieces of each class together, in other memory. */
static void sort_pieces(findings *found, uint32_t n_classes, piece *sorted)
{
    uint32_t begin = 0;
    for (uint32_t label = 0; label < n_classes; label++) {
        found->end[label] = begin;
        begin += found->parts[label];
    }
    for (int64_t n = 0; n < found->n; n++)
        sorted[found->end[found->pieces[n].label]++] = found->pieces[n];
    found->pieces = sorted;
}

/* Set the pixels of all pieces of a map to 1. */
static void mark_pieces(const findings *found, ptrdiff_t columns, uint8_t *marks)
{
    const ptrdiff_t stride = blocks_of(columns) + 2;
    for (int64_t n = 0; n < found->n; n++) {
        const ptrdiff_t place = found->pieces[n].place;
        uint8_t *at = marks + place / stride * columns + (place % stride - 1) * BITS;
        for (word bits = found->pieces[n].bits; bits; bits &= bits - 1)
            at[__builtin_ctzll(bits)] = 1;
    }
}

/* ---------------------------------------------------------------------------------------------------- match */

/* Count the hits of every class on a canvas of zeros, which is left so. */
INLINED void match_maps(
    canvas *c, const findings *truth, const findings *prediction, uint32_t n_classes, int64_t *counts)
{
    for (uint32_t label = 0; label < n_classes; label++, counts += COLUMNS) {
        const piece *t_end = truth->pieces + truth->end[label], *t = t_end - truth->parts[label];
        const piece *p_end = prediction->pieces + prediction->end[label], *p = p_end - prediction->parts[label];
        if (t == t_end || p == p_end)
            continue;
        paint(c, t, t_end);
        counts[5] = count_hits(c, p, p_end);
        wipe(c, t, t_end);
        paint(c, p, p_end);
        counts[3] = count_hits(c, t, t_end);
        wipe(c, p, p_end);
    }
}

/* ----------------------------------------------------------------------------------------------------- ways */

#define WAY(name, bytes, shorts, target)                                                                               \
    target static void scan_##name(                                                                                    \
        const label_map *map, int size, boundary_definition definition, char *lines, findings *found)                  \
    {                                                                                                                  \
        if (size == 1)                                                                                                 \
            scan_as_defined(bytes, 1, definition, map, lines, found);                                                  \
        else                                                                                                           \
            scan_as_defined(shorts, 2, definition, map, lines, found);                                                 \
    }                                                                                                                  \
    target static void match_##name(                                                                                   \
        canvas *c, const findings *truth, const findings *prediction, uint32_t n_classes, int64_t *counts)             \
    {                                                                                                                  \
        match_maps(c, truth, prediction, n_classes, counts);                                                           \
    }

WAY(words, equal_bytes_words, equal_shorts_words, )
#if defined(ON_X86)
WAY(sse2, equal_bytes_sse2, equal_shorts_sse2, )
WAY(avx2, equal_bytes_avx2, equal_shorts_avx2, AVX2)
#endif

/* From the slowest to the fastest. */
static const struct {
    const char *name;
    void (*scan)(const label_map *map, int size, boundary_definition definition, char *lines, findings *found);
    void (*match)(canvas *c, const findings *truth, const findings *prediction, uint32_t n_classes, int64_t *counts);
} ways[] = {
    {"words", scan_words, match_words},
#if defined(ON_X86)
    {"sse2", scan_sse2, match_sse2},
    {"avx2", scan_avx2, match_avx2},
#endif
};

/* How many of the ways this processor can go. */
static int n_ways(void)
{
    int n = (int)(sizeof ways / sizeof *ways);
#if defined(ON_X86)
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
            __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("popcnt")))
        n--;
#endif
    return n;
}

#endif
