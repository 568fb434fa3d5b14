/* Rows of a label map, and where they are a label, 64 pixels at once.

Computes
    read_…   a row of a label map as a line: labels side by side, with one more at either end
    equal_…  which of 64 labels of a line are a given one, as the bits of a word
Shapes
    label maps (rows, columns) of 8 or 16 bits, with any strides; lines of line_length labels
Complexity
    O(pixels) to read, O(1) to compare; no memory beyond what is passed in
*/

#ifndef SEGBENCH_LINES_H
#define SEGBENCH_LINES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nearby.h"

#if defined(__SSE2__)
#define ON_X86 1
#include <immintrin.h>
#endif

typedef struct {
    const char *labels;
    ptrdiff_t rows, columns;
    ptrdiff_t strides[2]; /* In bytes. */
    int is_mask;          /* What is not 0 is class 0, and 0 is no class. */
    uint32_t n_classes;   /* Fewer than there are labels: the largest label is no class. */
    int frame_bounds; /* Whether what is beyond the image is another label. */
} label_map;

static ptrdiff_t blocks_of(ptrdiff_t columns)
{
    return (columns + BITS - 1) / BITS;
}

/* The labels of a row, with one more on the left, and on the right as many as fill the last block, and one more. */
static ptrdiff_t line_length(ptrdiff_t columns)
{
    return blocks_of(columns) * BITS + 2;
}

/* Read a row, and return whether it may hold a class; of a mask this is known.
   Beyond the image is another label, or the nearest pixel again, which differs from nothing new. */
#define READ_LINE(name, label)                                                                                         \
    static int name(const label_map *map, ptrdiff_t y, char *memory)                                                   \
    {                                                                                                                  \
        label *line = (label *)memory + 1;                                                                             \
        const label beyond = (label)-1;                                                                                \
        const ptrdiff_t columns = map->columns, end = line_length(columns) - 1, step = map->strides[1];                \
        const ptrdiff_t nearest = y < 0 ? 0 : y < map->rows ? y : map->rows - 1;                                       \
        const char *at = map->labels + nearest * map->strides[0];                                                      \
        if (nearest != y && map->frame_bounds) {                                                                       \
            for (ptrdiff_t x = -1; x < end; x++)                                                                       \
                line[x] = beyond;                                                                                      \
            return 0;                                                                                                  \
        }                                                                                                              \
        if (step == sizeof(label))                                                                                     \
            memcpy(line, at, (size_t)columns * sizeof(label));                                                         \
        else                                                                                                           \
            for (ptrdiff_t x = 0; x < columns; x++)                                                                    \
                line[x] = *(const label *)(at + x * step);                                                             \
        label some = !map->is_mask;                                                                                    \
        if (map->is_mask)                                                                                              \
            for (ptrdiff_t x = 0; x < columns; x++) {                                                                  \
                some |= line[x];                                                                                       \
                line[x] = line[x] == 0;                                                                                \
            }                                                                                                          \
        line[-1] = map->frame_bounds ? beyond : line[0];                                                               \
        for (ptrdiff_t x = columns; x < end; x++)                                                                      \
            line[x] = map->frame_bounds ? beyond : line[columns - 1];                                                  \
        return some != 0;                                                                                              \
    }

READ_LINE(read_bytes, uint8_t)
READ_LINE(read_shorts, uint16_t)

INLINED uint32_t label_at(int size, const char *labels, ptrdiff_t x)
{
    return size == 1 ? ((const uint8_t *)labels)[x] : ((const uint16_t *)labels)[x];
}

/* Which of 64 labels are the one given. */
typedef word equal_in(const char *labels, uint32_t label);

static inline word equal_bytes_words(const char *labels, uint32_t label)
{
    const word most = 0x7f7f7f7f7f7f7f7f, gather = 0x0102040810204080;
    word found = 0;
    for (int i = 0; i < BITS; i += 8) {
        word differ;
        memcpy(&differ, labels + i, sizeof differ);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        differ = __builtin_bswap64(differ);
#endif
        differ ^= label * (word)0x0101010101010101;
        /* The top bit of every byte that is 0; the product brings the eight bits together. */
        word same = ~(((differ & most) + most) | differ) & ~most;
        found |= ((same >> 7) * gather >> 56) << i;
    }
    return found;
}

static inline word equal_shorts_words(const char *labels, uint32_t label)
{
    word found = 0;
    for (int i = 0; i < BITS; i++)
        found |= (word)(((const uint16_t *)labels)[i] == label) << i;
    return found;
}

#if defined(ON_X86)
#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))

INLINED __m128i load_16(const char *at)
{
    return _mm_loadu_si128((const __m128i *)at);
}

static inline word equal_bytes_sse2(const char *labels, uint32_t label)
{
    const __m128i all = _mm_set1_epi8((char)label);
    word found = 0;
    for (int i = 0; i < BITS; i += 16)
        found |= (word)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(load_16(labels + i), all)) << i;
    return found;
}

static inline word equal_shorts_sse2(const char *labels, uint32_t label)
{
    const __m128i all = _mm_set1_epi16((short)label);
    word found = 0;
    for (int i = 0; i < BITS; i += 16) {
        __m128i low = _mm_cmpeq_epi16(load_16(labels + 2 * i), all);
        __m128i high = _mm_cmpeq_epi16(load_16(labels + 2 * i + 16), all);
        found |= (word)(uint32_t)_mm_movemask_epi8(_mm_packs_epi16(low, high)) << i;
    }
    return found;
}

AVX2 INLINED __m256i load_32(const char *at)
{
    return _mm256_loadu_si256((const __m256i *)at);
}

AVX2 static inline word equal_bytes_avx2(const char *labels, uint32_t label)
{
    const __m256i all = _mm256_set1_epi8((char)label);
    uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load_32(labels), all));
    uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load_32(labels + 32), all));
    return (word)high << 32 | low;
}

AVX2 INLINED uint32_t equal_32_shorts(const char *labels, __m256i all)
{
    __m256i low = _mm256_cmpeq_epi16(load_32(labels), all), high = _mm256_cmpeq_epi16(load_32(labels + 32), all);
    /* Packing works in halves of 16 bytes; the quarters are put in order. */
    return (uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8));
}

AVX2 static inline word equal_shorts_avx2(const char *labels, uint32_t label)
{
    const __m256i all = _mm256_set1_epi16((short)label);
    return (word)equal_32_shorts(labels + 64, all) << 32 | equal_32_shorts(labels, all);
}
#endif

#endif
