/* Text that should be JSON: a place in it, what is wrong with it, space, strings and literals.

Computes
    skip_space, skip_string, skip_literal: the place after what stands here, or a fault
Shapes
    a text of bytes, UTF-8; places are pointers into it, faults hold offsets
Complexity
    O(bytes); strings 16 bytes at a time (SSE2, NEON) or byte by byte (way 0)
Source
    RFC 8259. As in the json module of Python, a lone surrogate may stand in \uXXXX, and nothing may stand raw that is
    no UTF-8 or below a space.

Every function that can fail returns false then and leaves the fault in the text. Nothing is read behind the end.
*/

#ifndef SEGBENCH_JSON_TEXT_H
#define SEGBENCH_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#define JSON_ON_X86 1
#include <emmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define JSON_ON_ARM 1
#include <arm_neon.h>
#endif

/* As in segbench/kernels/jsonfaults.py. */
enum {
    MOST_DEEP = 64,
    MOST_DIGITS = 400,
    MOST_KEYS = 4096,
    KEY_CHAINS = 4096, /* A power of two. */
};
typedef enum {
    FINE,
    EMPTY,
    TRUNCATED,
    SYNTAX,
    TRAILING_COMMA,
    SEVERAL_VALUES,
    ENCODING,
    BAD_UTF8,
    CONTROL_CHARACTER,
    BAD_ESCAPE,
    TOO_DEEP,
    TOO_LONG_NUMBER,
    CONSTANT,
    OUT_OF_RANGE,
    DUPLICATE_KEY,
    TOO_MANY_KEYS,
    TOP_LEVEL,
    NO_OBJECT,
    MISSING_KEY,
    WRONG_TYPE,
    WRONG_LENGTH,
} json_reason;

/* The conversion of numbers that the fast ways leave over. */
typedef double (*slow_number)(const char *digits);

typedef struct {
    const uint8_t *begin, *at, *end;
    int way;
    /* What is wrong, and where; key is a place in KEYS of jsonfaults.py, or -1. */
    json_reason reason;
    int64_t offset, key;
    /* Powers of five for numbers, MOST_POWER in both directions: high and low word of each. */
    const uint64_t *powers;
    slow_number slow;
    /* Keys of the open objects that nobody asks for: hashes, where they begin and end, and the key before in the
       same of KEY_CHAINS chains, or -1; `heads` are the last keys of the chains. */
    uint64_t *hashes;
    int64_t *spans;
    int32_t *links, *heads;
    int64_t n_keys;
} json_text;

static int fails(json_text *t, json_reason reason, const uint8_t *at)
{
    t->reason = reason;
    t->offset = at - t->begin;
    t->key = -1;
    return 0;
}

static int fails_at_key(json_text *t, json_reason reason, const uint8_t *at, int64_t key)
{
    fails(t, reason, at);
    t->key = key;
    return 0;
}

/* The character here is not the one that has to be. */
static int unexpected(json_text *t)
{
    return fails(t, t->at == t->end ? TRUNCATED : SYNTAX, t->at);
}

static inline void skip_space(json_text *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n' || *t->at == '\r' || *t->at == '\t'))
        t->at++;
}

/* The character here after space, 0 at the end; a zero in the text is an error everywhere. */
static inline uint8_t next_character(json_text *t)
{
    skip_space(t);
    return t->at < t->end ? *t->at : 0;
}

static inline int is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The next byte of a string that is not plain ASCII, or the end. */
static inline const uint8_t *skip_plain(const uint8_t *at, const uint8_t *end, int way)
{
#if defined(JSON_ON_X86)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
    for (; way && end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        /* Bytes from 0x80 up are negative. */
        int mask = _mm_movemask_epi8(_mm_or_si128(marks, _mm_cmplt_epi8(bytes, space)));
        if (mask)
            return at + __builtin_ctz((unsigned)mask);
    }
#elif defined(JSON_ON_ARM)
    for (; way && end - at >= 16; at += 16) {
        uint8x16_t bytes = vld1q_u8(at);
        uint8x16_t marks = vorrq_u8(vceqq_u8(bytes, vdupq_n_u8('"')), vceqq_u8(bytes, vdupq_n_u8('\\')));
        marks = vorrq_u8(marks, vcltq_s8(vreinterpretq_s8_u8(bytes), vdupq_n_s8(' ')));
        /* Four bits a byte. */
        uint8x8_t nibbles = vshrn_n_u16(vreinterpretq_u16_u8(marks), 4);
        uint64_t mask = vget_lane_u64(vreinterpret_u64_u8(nibbles), 0);
        if (mask)
            return at + __builtin_ctzll(mask) / 4;
    }
#else
    (void)way;
#endif
    while (at < end && is_plain(*at))
        at++;
    return at;
}

/* How many bytes of `length` are one character of UTF-8 that is not ASCII, 0 for none. */
static int utf8_length(const uint8_t *s, ptrdiff_t length)
{
    uint8_t low = 0x80, high = 0xBF; /* Of the second byte: neither too long a form, nor surrogates, nor too large. */
    int n = s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;
    if (!n || length < n)
        return 0;
    low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : low;
    high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : high;
    if (s[1] < low || s[1] > high)
        return 0;
    for (int i = 2; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

static inline int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The length of an escape that begins here with its backslash; 0 is a fault. */
static int escape_length(json_text *t, const uint8_t *at)
{
    if (t->end - at < 2)
        return fails(t, TRUNCATED, t->end);
    if (at[1] != 'u')
        return at[1] && strchr("\"\\/bfnrt", at[1]) ? 2 : fails(t, BAD_ESCAPE, at);
    for (int i = 2; i < 6; i++) {
        if (at + i == t->end)
            return fails(t, TRUNCATED, t->end);
        if (hex_value(at[i]) < 0)
            return fails(t, BAD_ESCAPE, at);
    }
    return 6;
}

/* A string from its quote on: where the inside lies, and whether it holds a backslash. */
typedef struct {
    const uint8_t *begin, *end;
    int escaped;
} json_string;

static int skip_string(json_text *t, json_string *s)
{
    const uint8_t *at = t->at + 1;
    s->begin = at;
    s->escaped = 0;
    for (;;) {
        int n;
        at = skip_plain(at, t->end, t->way);
        if (at == t->end)
            return fails(t, TRUNCATED, at);
        if (*at == '"')
            break;
        if (*at == '\\') {
            s->escaped = 1;
            n = escape_length(t, at);
        } else if (*at < 0x20)
            n = fails(t, CONTROL_CHARACTER, at);
        else {
            n = utf8_length(at, t->end - at);
            if (!n)
                fails(t, BAD_UTF8, at);
        }
        if (!n)
            return 0;
        at += n;
    }
    s->end = at;
    t->at = at + 1;
    return 1;
}

static int stands_here(const json_text *t, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(t->end - t->at) >= length && !memcmp(t->at, word, length);
}

/* true, false and null; NaN and Infinity are told apart from what is nothing at all. */
static int skip_literal(json_text *t)
{
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++)
        if (stands_here(t, words[i])) {
            t->at += strlen(words[i]);
            return 1;
        }
    if (stands_here(t, "NaN") || stands_here(t, "Infinity"))
        return fails(t, CONSTANT, t->at);
    return unexpected(t);
}

#endif
