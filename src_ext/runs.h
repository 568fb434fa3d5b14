/* Pairs of two label maps, counted by runs of equal pairs.

Computes
    cells[truth->places[t] + prediction->places[p]] += 1 for every pixel, where t and p are *bytes* that stand for
    the two labels. Labels of one byte stand for themselves; wider ones are narrowed to bytes that keep every code
    apart. Maps with too many codes for that are counted pixel by pixel.
    A vector is compared with itself moved on by one pixel, which gives 64 bits: where runs end. The ends are
    listed first and counted afterwards, because a loop over a list mispredicts once, and a loop over the bits of
    a mask once in every mask. Where runs are too short to pay (noise), the plain loop goes on for a while.
Shapes
    strips of pixels, of at most `strip_length`, with any step in bytes between pixels
Complexity
    O(pixels / 64) comparisons + O(runs) additions, or O(pixels) additions in noise; 10 KiB of stack
Source
    fast_hist of FCN's score.py, as in _confusion.pyx; the listing of set bits follows Langdale and Lemire, Parsing
    Gigabytes of JSON per Second, VLDB Journal 28, 2019 (section 3.1.2).

One text, compiled once for each instruction set (a *way*); `n_ways` asks the processor. The words of the scalar
way are 64-bit integers, so it runs anywhere.
*/

#ifndef SEGBENCH_RUNS_H
#define SEGBENCH_RUNS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#define ON_X86 1
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ON_ARM 1
#include <arm_neon.h>
#endif

#define INLINED static inline __attribute__((always_inline))

enum {
    STRIP = 4096,       /* The list of ends, and what it is made from, stay in the first cache. */
    SHORT_STRIP = 1024, /* Where labels are narrowed first: memory would idle while a longer one is counted. */
    LANES = 64,         /* The bits of a mask. */
    AT_ONCE = 3,        /* Ends listed without asking whether they exist; most masks have no more. */
    NOISY = 28,         /* With more ends in a mask, adding pixel by pixel is faster. */
    PAUSE = 256,        /* And it goes on for so many pixels before runs are looked for again. */
};

/* What a label map consists of, and how a pixel becomes a byte. */
typedef enum { BYTES, SHORTS, INTS, LONGS } label_kind;
typedef enum {
    WINDOW, /* Few values in a row have codes: the distance to the first of them is the byte. */
    LOOKUP, /* Few codes: the code is the byte. */
    WIDE,   /* Neither. */
} byte_rule;

typedef struct {
    const char *labels;
    ptrdiff_t strides[3]; /* In bytes: slices, rows, columns. */
    label_kind kind;
    byte_rule rule;
    const int32_t *codes;
    uint64_t span; /* How many codes there are. */
    int64_t low;   /* The value of the first. */
    int32_t outside;
    /* WINDOW: the bytes 0 ... size - 1 stand for the values from base on, and spare for all others. */
    uint64_t base;
    uint32_t size;
    uint8_t spare;
    uint32_t places[256]; /* Where the row (truth) or column (prediction) of a byte begins in the table. */
} label_side;

/* The code of a value; value - low can exceed 63 bits, and unsigned it is exact once value >= low. */
static inline int32_t code_of(int64_t value, const int32_t *codes, uint64_t span, int64_t low, int32_t outside)
{
    uint64_t place = (uint64_t)value - (uint64_t)low;
    if (value < low || place >= span)
        return outside;
    return codes[place] < 0 ? outside : codes[place];
}

static inline int32_t side_code(const label_side *side, int64_t value)
{
    return code_of(value, side->codes, side->span, side->low, side->outside);
}

/* ------------------------------------------------------------------------------------------ labels to bytes */

/* Find a byte for the values outside: the first that no value needs, -1 if all 256 are needed. */
static int spare_byte(const label_side *side, uint64_t covered)
{
    for (uint64_t i = 0; i < covered; i++)
        if (side_code(side, (int64_t)(side->base + i)) == side->outside)
            return (int)i;
    return covered < 256 ? (int)covered : -1;
}

/* The code a byte stands for; one that stands for none, never met, gets a place in the table all the same. */
static int32_t code_of_byte(const label_side *side, uint32_t byte)
{
    if (side->rule == LOOKUP)
        return (int32_t)byte < side->outside ? (int32_t)byte : side->outside;
    return byte < side->size ? side_code(side, (int64_t)(side->base + byte)) : side->outside;
}

/* Choose how labels become bytes, and give every byte its place in the table, where codes lie a step apart. */
static void choose_bytes(label_side *side, uint32_t step)
{
    static const int64_t lowest[] = {0, 0, INT32_MIN, INT64_MIN};
    static const int64_t highest[] = {UINT8_MAX, UINT16_MAX, INT32_MAX, INT64_MAX};
    const int64_t reach = (int64_t)(side->span - 1);
    /* Only values that the dtype can hold: then a difference modulo its range tells inside from outside. */
    int64_t first = side->low, last = first > INT64_MAX - reach ? INT64_MAX : first + reach;
    first = first < lowest[side->kind] ? lowest[side->kind] : first;
    last = last > highest[side->kind] ? highest[side->kind] : last;
    const uint64_t covered = first > last ? 0 : (uint64_t)last - (uint64_t)first + 1;
    int spare = 0;
    if (side->kind == BYTES) { /* Every label is its own byte. */
        side->base = 0;
        side->size = 256;
    } else {
        side->base = covered ? (uint64_t)first : 0;
        side->size = covered > 256 ? 256 : covered ? (uint32_t)covered : 1; /* If none is: 0 is outside, as all. */
        spare = covered > 256 ? -1 : spare_byte(side, covered);
    }
    side->rule = spare >= 0 ? WINDOW : side->outside < 256 ? LOOKUP : WIDE;
    side->spare = spare >= 0 ? (uint8_t)spare : 0;
    for (uint32_t i = 0; i < 256 && side->rule != WIDE; i++)
        side->places[i] = (uint32_t)code_of_byte(side, i) * step;
}

/* All in 32 bits, whose unsigned comparison every vector unit has or can make. */
INLINED uint8_t narrowed(uint64_t place, uint32_t size, uint8_t spare)
{
    uint32_t low = (uint32_t)place, high = (uint32_t)(place >> 32);
    low |= -(uint32_t)(high != 0);
    return low < size ? (uint8_t)low : spare;
}

/* Narrow pixels to bytes, WINDOW. The loop without a step is for the compiler, which makes vectors of it. */
#define NARROW(name, label, number)                                                                                    \
    INLINED void name(const label_side *side, const char *at, ptrdiff_t n, uint8_t *restrict bytes)                    \
    {                                                                                                                  \
        const ptrdiff_t step = side->strides[2];                                                                       \
        const number base = (number)side->base;                                                                        \
        const uint32_t size = side->size;                                                                              \
        const uint8_t spare = side->spare;                                                                             \
        const label *labels = (const label *)at;                                                                       \
        if (step == sizeof(label))                                                                                     \
            for (ptrdiff_t x = 0; x < n; x++)                                                                          \
                bytes[x] = narrowed((number)((number)labels[x] - base), size, spare);                                  \
        else                                                                                                           \
            for (ptrdiff_t x = 0; x < n; x++)                                                                          \
                bytes[x] = narrowed((number)((number) * (const label *)(at + x * step) - base), size, spare);          \
    }

NARROW(narrow_bytes, uint8_t, uint8_t)
NARROW(narrow_shorts, uint16_t, uint16_t)
NARROW(narrow_ints, int32_t, uint32_t)
NARROW(narrow_longs, int64_t, uint64_t)

typedef void narrower(const label_side *side, const char *at, ptrdiff_t n, uint8_t *bytes);

static inline void narrow(const label_side *side, const char *at, ptrdiff_t n, uint8_t *bytes)
{
    switch (side->kind) {
    case BYTES:
        narrow_bytes(side, at, n, bytes);
        break;
    case SHORTS:
        narrow_shorts(side, at, n, bytes);
        break;
    case INTS:
        narrow_ints(side, at, n, bytes);
        break;
    case LONGS:
        narrow_longs(side, at, n, bytes);
    }
}

#if defined(ON_X86)
#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))

AVX2 INLINED __m256i load_32(const char *at)
{
    return _mm256_loadu_si256((const __m256i *)at);
}

/* 16 differences to the base, at most 65535, to their bytes or the spare one. */
AVX2 INLINED __m256i bytes_16(const label_side *side, __m256i places)
{
    const __m256i last = _mm256_set1_epi16((short)(side->size - 1)), spare = _mm256_set1_epi16(side->spare);
    __m256i inside = _mm256_cmpeq_epi16(_mm256_min_epu16(places, last), places);
    return _mm256_blendv_epi8(spare, places, inside);
}

AVX2 INLINED __m256i shorts_16(const label_side *side, const char *at)
{
    return bytes_16(side, _mm256_sub_epi16(load_32(at), _mm256_set1_epi16((short)side->base)));
}

/* Eight differences, those beyond 16 bits held down to them. */
AVX2 INLINED __m256i ints_8(const label_side *side, const char *at)
{
    __m256i places = _mm256_sub_epi32(load_32(at), _mm256_set1_epi32((int)side->base));
    return _mm256_min_epu32(places, _mm256_set1_epi32(UINT16_MAX));
}

/* The same from 64 bits, out of order: 0 1 4 5 2 3 6 7. */
AVX2 INLINED __m256i longs_8(const label_side *side, const char *at)
{
    const __m256i base = _mm256_set1_epi64x((int64_t)side->base), most = _mm256_set1_epi32(UINT16_MAX);
    __m256 a = _mm256_castsi256_ps(_mm256_sub_epi64(load_32(at), base));
    __m256 b = _mm256_castsi256_ps(_mm256_sub_epi64(load_32(at + 32), base));
    __m256i low = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88));
    __m256i high = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd));
    __m256i small = _mm256_cmpeq_epi32(high, _mm256_setzero_si256());
    return _mm256_blendv_epi8(most, _mm256_min_epu32(low, most), small);
}

/* Packing works in halves of 16 bytes, and leaves 32 pixels as: a quarter of each vector, then the other. */
AVX2 static inline void narrow_avx2(const label_side *side, const char *at, ptrdiff_t n, uint8_t *bytes)
{
    static const ptrdiff_t sizes[] = {1, 2, 4, 8};
    const label_kind kind = side->kind;
    const ptrdiff_t size = sizes[kind];
    ptrdiff_t x = 0;
    for (; kind != BYTES && side->strides[2] == size && x + 32 <= n; x += 32) {
        const char *a = at + x * size, *b = a + 8 * size, *c = b + 8 * size, *d = c + 8 * size;
        __m256i first, second;
        if (kind == SHORTS) {
            first = shorts_16(side, a);
            second = shorts_16(side, c);
        } else if (kind == INTS) {
            first = bytes_16(side, _mm256_packus_epi32(ints_8(side, a), ints_8(side, b)));
            second = bytes_16(side, _mm256_packus_epi32(ints_8(side, c), ints_8(side, d)));
        } else {
            first = bytes_16(side, _mm256_packus_epi32(longs_8(side, a), longs_8(side, b)));
            second = bytes_16(side, _mm256_packus_epi32(longs_8(side, c), longs_8(side, d)));
        }
        __m256i packed = _mm256_packus_epi16(first, second);
        __m128i low = _mm256_castsi256_si128(packed), high = _mm256_extracti128_si256(packed, 1);
        __m128i begin = kind == SHORTS ? _mm_unpacklo_epi64(low, high)
                        : kind == INTS ? _mm_unpacklo_epi32(low, high)
                                       : _mm_unpacklo_epi16(low, high);
        __m128i end = kind == SHORTS ? _mm_unpackhi_epi64(low, high)
                      : kind == INTS ? _mm_unpackhi_epi32(low, high)
                                     : _mm_unpackhi_epi16(low, high);
        _mm_storeu_si128((__m128i *)(bytes + x), begin);
        _mm_storeu_si128((__m128i *)(bytes + x + 16), end);
    }
    narrow(side, at + x * side->strides[2], n - x, bytes + x);
}
#endif

INLINED int64_t label_at(label_kind kind, const char *at)
{
    switch (kind) {
    case BYTES:
        return *(const uint8_t *)at;
    case SHORTS:
        return *(const uint16_t *)at;
    case INTS:
        return *(const int32_t *)at;
    default:
        return *(const int64_t *)at;
    }
}

static inline int has_bytes(const label_side *side)
{
    return side->kind == BYTES && side->strides[2] == 1;
}

static ptrdiff_t strip_length(const label_side *truth, const label_side *prediction)
{
    return has_bytes(truth) && has_bytes(prediction) ? STRIP : SHORT_STRIP;
}

/* Return the bytes of n pixels: the labels themselves, or the buffer. */
INLINED const uint8_t *bytes_of(
    narrower *narrow_to, const label_side *side, const char *at, ptrdiff_t n, uint8_t *buffer)
{
    if (has_bytes(side))
        return (const uint8_t *)at;
    if (side->rule == WINDOW)
        narrow_to(side, at, n, buffer);
    else
        for (ptrdiff_t x = 0; x < n; x++)
            buffer[x] = (uint8_t)side_code(side, label_at(side->kind, at + x * side->strides[2]));
    return buffer;
}

/* ---------------------------------------------------------------------------------------- where runs end */

/* Bit i of a mask: the pair at i differs from the pair at i + 1. 65 pixels are read. */
typedef uint64_t changes_in(const uint8_t *truth, const uint8_t *prediction);

INLINED uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint64_t changes_words(const uint8_t *truth, const uint8_t *prediction)
{
    const uint64_t most = 0x7f7f7f7f7f7f7f7f, gather = 0x0102040810204080;
    uint64_t mask = 0;
    for (int i = 0; i < LANES; i += 8) {
        uint64_t differ =
            (word_at(truth + i) ^ word_at(truth + i + 1)) | (word_at(prediction + i) ^ word_at(prediction + i + 1));
        if (!differ)
            continue;
        /* The top bit of every byte that is not 0; the product brings the eight bits together. */
        differ = (((differ & most) + most) | differ) & ~most;
        mask |= ((differ >> 7) * gather >> 56) << i;
    }
    return mask;
}

#if defined(ON_X86)
INLINED __m128i same_16(const uint8_t *bytes)
{
    return _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)bytes), _mm_loadu_si128((const __m128i *)(bytes + 1)));
}

static inline uint64_t changes_sse2(const uint8_t *truth, const uint8_t *prediction)
{
    uint64_t same = 0;
    for (int i = 0; i < LANES; i += 16)
        same |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_and_si128(same_16(truth + i), same_16(prediction + i))) << i;
    return ~same;
}

AVX2 INLINED __m256i same_32(const uint8_t *bytes)
{
    return _mm256_cmpeq_epi8(load_32((const char *)bytes), load_32((const char *)bytes + 1));
}

AVX2 static inline uint64_t changes_avx2(const uint8_t *truth, const uint8_t *prediction)
{
    __m256i low = _mm256_and_si256(same_32(truth), same_32(prediction));
    __m256i high = _mm256_and_si256(same_32(truth + 32), same_32(prediction + 32));
    return ~((uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32 | (uint32_t)_mm256_movemask_epi8(low));
}
#elif defined(ON_ARM)
INLINED uint8x16_t changed_16(const uint8_t *truth, const uint8_t *prediction, uint8x16_t bits)
{
    uint8x16_t same = vandq_u8(
        vceqq_u8(vld1q_u8(truth), vld1q_u8(truth + 1)), vceqq_u8(vld1q_u8(prediction), vld1q_u8(prediction + 1)));
    return vbicq_u8(bits, same);
}

static inline uint64_t changes_neon(const uint8_t *truth, const uint8_t *prediction)
{
    /* One bit in each byte; three pairwise sums bring those of eight neighbours together. */
    const uint8x16_t bits = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
    uint8x16_t low = vpaddq_u8(changed_16(truth, prediction, bits), changed_16(truth + 16, prediction + 16, bits));
    uint8x16_t high =
        vpaddq_u8(changed_16(truth + 32, prediction + 32, bits), changed_16(truth + 48, prediction + 48, bits));
    low = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(low, low)), 0);
}
#endif

/* ---------------------------------------------------------------------------------------------- counting */

typedef struct {
    const uint8_t *truth, *prediction;
    const uint32_t *rows, *columns;
    int64_t *cells;
} byte_pairs;

INLINED uint32_t place_of(const byte_pairs *pairs, ptrdiff_t x)
{
    return pairs->rows[pairs->truth[x]] + pairs->columns[pairs->prediction[x]];
}

INLINED void add(const byte_pairs *pairs, ptrdiff_t x, ptrdiff_t count)
{
    pairs->cells[place_of(pairs, x)] += count;
}

/* The plain loop. Four places are looked up before the first addition: stores would hold up the look-ups. */
INLINED void add_each(const byte_pairs *pairs, ptrdiff_t begin, ptrdiff_t end)
{
    int64_t *cells = pairs->cells;
    ptrdiff_t x = begin;
    for (; x + 4 <= end; x += 4) {
        uint32_t a = place_of(pairs, x), b = place_of(pairs, x + 1);
        uint32_t c = place_of(pairs, x + 2), d = place_of(pairs, x + 3);
        cells[a]++, cells[b]++, cells[c]++, cells[d]++;
    }
    for (; x < end; x++)
        add(pairs, x, 1);
}

/* Add the runs that end at the pixels listed, the first from begin on; return where the next begins. */
INLINED ptrdiff_t add_runs(const byte_pairs *pairs, const uint16_t *ends, int n, ptrdiff_t begin)
{
    for (int i = 0; i < n; i++) {
        ptrdiff_t next = ends[i] + 1;
        add(pairs, next - 1, next - begin);
        begin = next;
    }
    return begin;
}

/* Write x + i for every bit i of the mask, and up to AT_ONCE numbers without meaning behind them. */
INLINED void list_ends(uint64_t mask, int n, ptrdiff_t x, uint16_t *ends)
{
    const uint64_t never_zero = (uint64_t)1 << 63;
    for (int i = 0; i < AT_ONCE; i++, mask &= mask - 1)
        ends[i] = (uint16_t)(x + __builtin_ctzll(mask | never_zero));
    for (int i = AT_ONCE; i < n; i++, mask &= mask - 1)
        ends[i] = (uint16_t)(x + __builtin_ctzll(mask));
}

/* List where runs end from *x on; stop at noise, or where no whole mask is left. Return how many are listed. */
INLINED int list_runs(changes_in *changes, const byte_pairs *pairs, ptrdiff_t n, ptrdiff_t *x, uint16_t *ends)
{
    ptrdiff_t at = *x;
    int listed = 0;
    for (; at + LANES < n; at += LANES) {
        uint64_t mask = changes(pairs->truth + at, pairs->prediction + at);
        int found = __builtin_popcountll(mask);
        if (found > NOISY)
            break;
        list_ends(mask, found, at, ends + listed);
        listed += found;
    }
    *x = at;
    return listed;
}

INLINED void add_strip(changes_in *changes, const byte_pairs *pairs, ptrdiff_t n)
{
    uint16_t ends[STRIP + AT_ONCE];
    ptrdiff_t x = 0, begin = 0;
    if (n <= LANES) {
        add_each(pairs, 0, n);
        return;
    }
    for (;;) {
        int listed = list_runs(changes, pairs, n, &x, ends);
        begin = add_runs(pairs, ends, listed, begin);
        if (x + LANES >= n)
            break;
        if (begin < x)
            add(pairs, x - 1, x - begin);
        begin = x + PAUSE < n ? x + PAUSE : n;
        add_each(pairs, x, begin);
        x = begin;
    }
    if (x < n - 1) {
        /* The last mask is read from further back, so that nothing beyond the strip is; its known bits go. */
        ptrdiff_t from = n - 1 - LANES;
        uint64_t mask = changes(pairs->truth + from, pairs->prediction + from) >> (x - from);
        int found = __builtin_popcountll(mask);
        list_ends(mask, found, x, ends);
        begin = add_runs(pairs, ends, found, begin);
    }
    if (begin < n)
        add(pairs, n - 1, n - begin);
}

/* Count n <= strip_length pixels of two sides whose rule is not WIDE. */
INLINED void count_strip(narrower *narrow_to, changes_in *changes, const label_side *truth, const char *truth_at,
    const label_side *prediction, const char *prediction_at, ptrdiff_t n, int64_t *cells)
{
    uint8_t truth_bytes[SHORT_STRIP], prediction_bytes[SHORT_STRIP];
    byte_pairs pairs = {
        bytes_of(narrow_to, truth, truth_at, n, truth_bytes),
        bytes_of(narrow_to, prediction, prediction_at, n, prediction_bytes),
        truth->places,
        prediction->places,
        cells,
    };
    if (changes)
        add_strip(changes, &pairs, n);
    else
        add_each(&pairs, 0, n);
}

typedef void strip_counter(const label_side *, const char *, const label_side *, const char *, ptrdiff_t, int64_t *);

#define WAY(name, narrow, changes, target)                                                                             \
    target static void name(const label_side *truth, const char *truth_at, const label_side *prediction,               \
        const char *prediction_at, ptrdiff_t n, int64_t *cells)                                                        \
    {                                                                                                                  \
        count_strip(narrow, changes, truth, truth_at, prediction, prediction_at, n, cells);                            \
    }

WAY(count_plain, narrow, NULL, )
WAY(count_words, narrow, changes_words, )
#if defined(ON_X86)
WAY(count_sse2, narrow, changes_sse2, )
WAY(count_avx2, narrow_avx2, changes_avx2, AVX2)
#elif defined(ON_ARM)
WAY(count_neon, narrow, changes_neon, )
#endif

/* From the slowest to the fastest. */
static const struct {
    const char *name;
    strip_counter *count;
} ways[] = {
    {"plain", count_plain},
    {"words", count_words},
#if defined(ON_X86)
    {"sse2", count_sse2},
    {"avx2", count_avx2},
#elif defined(ON_ARM)
    {"neon", count_neon},
#endif
};

/* How many of the ways this processor can go. */
static int n_ways(void)
{
    int n = (int)(sizeof ways / sizeof *ways);
#if defined(ON_X86)
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
            __builtin_cpu_supports("popcnt")))
        n--;
#endif
    return n;
}

/* Count n pixels of any two sides one by one; columns is the width of the table. */
static void count_wide(const label_side *truth, const char *truth_at, const label_side *prediction,
    const char *prediction_at, ptrdiff_t n, int64_t *cells, ptrdiff_t columns)
{
    for (ptrdiff_t x = 0; x < n; x++) {
        ptrdiff_t row = side_code(truth, label_at(truth->kind, truth_at + x * truth->strides[2]));
        ptrdiff_t column =
            side_code(prediction, label_at(prediction->kind, prediction_at + x * prediction->strides[2]));
        cells[row * columns + column] += 1;
    }
}

#endif
