/* Rows of bits, one for each pixel: where labels of two rows are equal, and where bits hold all along a window.

Computes
    equal_row   bit x = label x of one row is label x of the other
    hold_across, hold_down   bit = that bit and all of the next length - 1, along a row or down a column
    A vector of labels is compared with another at once. The ANDs of a window come of ANDs with the same bits moved
    on, which doubles its length each time.
Shapes
    labels of 1 or 2 bytes in C order; bits (rows, words) with words = ceil(columns / 64), bit i of a word is pixel i of
    64, and what lies beyond the last pixel is 0
Complexity
    O(pixels / 64 · (log length + length / 64)) words: a row is moved by less than a word at a time
Source
    The doubling shares work between windows as van Herk does (Pattern Recognition Letters 13, 1992), in the form that
    bits allow.

There are several ways to compare. The words of one are 64-bit integers, so it runs anywhere; the others take what a
processor has.
*/

#ifndef SEGBENCH_BITROWS_H
#define SEGBENCH_BITROWS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#define ON_X86 1
#include <immintrin.h>
#endif

#define INLINED static inline __attribute__((always_inline))

enum {
    LANES = 64, /* The bits of a word. */
    BYTE = 1,   /* The sizes of a label. */
    SHORT = 2,
};

/* ------------------------------------------------------------------------------- where 64 labels are equal */

/* Bit i: label i of one is label i of the other. 64 labels of each are read. */
typedef uint64_t equal_64(const char *one, const char *other);

INLINED uint64_t word_at(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint64_t equal_bytes_words(const char *one, const char *other)
{
    const uint64_t most = 0x7f7f7f7f7f7f7f7f, gather = 0x0102040810204080;
    uint64_t differing = 0;
    for (int i = 0; i < LANES; i += 8) {
        uint64_t differ = word_at(one + i) ^ word_at(other + i);
        /* The top bit of every byte that is not 0; the product brings the eight bits together. */
        differ = (((differ & most) + most) | differ) & ~most;
        differing |= ((differ >> 7) * gather >> 56) << i;
    }
    return ~differing;
}

static inline uint64_t equal_shorts_words(const char *one, const char *other)
{
    const uint64_t most = 0x7fff7fff7fff7fff, gather = 0x0001000200040008;
    uint64_t differing = 0;
    for (int i = 0; i < LANES; i += 4) {
        uint64_t differ = word_at(one + SHORT * i) ^ word_at(other + SHORT * i);
        differ = (((differ & most) + most) | differ) & ~most;
        differing |= ((differ >> 15) * gather >> 48) << i;
    }
    return ~differing;
}

#if defined(ON_X86)
INLINED __m128i load_16(const char *at)
{
    return _mm_loadu_si128((const __m128i *)at);
}

static inline uint64_t equal_bytes_sse2(const char *one, const char *other)
{
    uint64_t equal = 0;
    for (int i = 0; i < LANES; i += 16)
        equal |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(load_16(one + i), load_16(other + i))) << i;
    return equal;
}

static inline uint64_t equal_shorts_sse2(const char *one, const char *other)
{
    uint64_t equal = 0;
    for (int i = 0; i < LANES; i += 16) {
        __m128i low = _mm_cmpeq_epi16(load_16(one + SHORT * i), load_16(other + SHORT * i));
        __m128i high = _mm_cmpeq_epi16(load_16(one + SHORT * i + 16), load_16(other + SHORT * i + 16));
        equal |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_packs_epi16(low, high)) << i;
    }
    return equal;
}

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))

AVX2 INLINED __m256i load_32(const char *at)
{
    return _mm256_loadu_si256((const __m256i *)at);
}

AVX2 static inline uint64_t equal_bytes_avx2(const char *one, const char *other)
{
    __m256i low = _mm256_cmpeq_epi8(load_32(one), load_32(other));
    __m256i high = _mm256_cmpeq_epi8(load_32(one + 32), load_32(other + 32));
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32 | (uint32_t)_mm256_movemask_epi8(low);
}

/* Packing works in halves of 16 bytes; the permutation puts the quarters in order. */
AVX2 INLINED uint32_t equal_shorts_32(const char *one, const char *other)
{
    __m256i low = _mm256_cmpeq_epi16(load_32(one), load_32(other));
    __m256i high = _mm256_cmpeq_epi16(load_32(one + 32), load_32(other + 32));
    return (uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8));
}

AVX2 static inline uint64_t equal_shorts_avx2(const char *one, const char *other)
{
    return (uint64_t)equal_shorts_32(one + 64, other + 64) << 32 | equal_shorts_32(one, other);
}
#endif

INLINED uint32_t label_at(const char *labels, ptrdiff_t x, int size)
{
    return size == BYTE ? ((const uint8_t *)labels)[x] : ((const uint16_t *)labels)[x];
}

/* The lowest n of 64 bits, 0 <= n < 64. */
INLINED uint64_t lowest(ptrdiff_t n)
{
    return ((uint64_t)1 << n) - 1;
}

/* The bits of the last word of a row that are pixels. */
INLINED uint64_t last_pixels(ptrdiff_t columns)
{
    return columns % LANES ? lowest(columns % LANES) : ~(uint64_t)0;
}

/* Write where n labels of two rows are equal; from there on 0. */
INLINED void equal_row(
    equal_64 *equal, int size, const char *one, const char *other, ptrdiff_t n, uint64_t *bits, ptrdiff_t words)
{
    ptrdiff_t i = 0, last = n - LANES, rest = n % LANES;
    for (; (i + 1) * LANES <= n; i++)
        bits[i] = equal(one + i * LANES * size, other + i * LANES * size);
    if (i == words)
        return;
    bits[i] = 0;
    if (rest && last >= 0) /* Read from further back, so that nothing beyond the row is; the known bits go. */
        bits[i] = equal(one + last * size, other + last * size) >> (LANES - rest);
    else
        for (ptrdiff_t x = 0; x < rest; x++)
            bits[i] |= (uint64_t)(label_at(one, x, size) == label_at(other, x, size)) << x;
}

/* ------------------------------------------------------------------------------------------------- erosion */

/* Let bit x of a row say that bits x to x + length - 1 are 1. Behind its words stands one more, 0. */
INLINED void hold_across(uint64_t *row, ptrdiff_t words, ptrdiff_t length)
{
    for (ptrdiff_t held = 1, step; held < length; held += step) {
        step = held < length - held ? held : length - held;
        step = step < LANES ? step : LANES - 1;
        for (ptrdiff_t i = 0; i < words; i++)
            row[i] &= row[i] >> step | row[i + 1] << 1 << (LANES - 1 - step);
    }
}

/* Move the bits of a row on, which begins in `moved` as it does here. Before the row stand as many words, all 0. */
INLINED void move_on(const uint64_t *row, ptrdiff_t words, ptrdiff_t by, uint64_t *restrict moved)
{
    const ptrdiff_t bits = by % LANES;
    row -= by / LANES;
    for (ptrdiff_t i = 0; i < words; i++)
        moved[i] = row[i] << bits | row[i - 1] >> 1 >> (LANES - 1 - bits);
}

INLINED void keep(uint64_t *restrict bits, const uint64_t *restrict others, ptrdiff_t words)
{
    for (ptrdiff_t i = 0; i < words; i++)
        bits[i] &= others[i];
}

/* Let row y say what rows y to y + length - 1 all do, as far as there are so many. */
INLINED void hold_down(uint64_t *bits, ptrdiff_t rows, ptrdiff_t words, ptrdiff_t length)
{
    for (ptrdiff_t held = 1, step; held < length; held += step) {
        step = held < length - held ? held : length - held;
        rows -= step;
        for (ptrdiff_t y = 0; y < rows; y++)
            keep(bits + y * words, bits + (y + step) * words, words);
    }
}

#endif
