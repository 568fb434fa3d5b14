/* Numbers of JSON, to the last bit what Python's float() makes of them.

Computes
    read_number: the double nearest to what is written, and the whole number where one is written
Complexity
    O(digits)
Source
    Clinger: How to read floating point numbers accurately, PLDI 1990 (small powers of ten are exact); Lemire: Number
    parsing at a gigabyte per second, Software: Practice and Experience 51, 2021 (the product with a power of five in
    128 bits). What neither decides is left to Python's own conversion.
*/

#ifndef SEGBENCH_JSON_NUMBERS_H
#define SEGBENCH_JSON_NUMBERS_H

#include "json_text.h"

#include <float.h>
#include <math.h>

enum {
    EXACT_POWER = 22, /* 10**22 is the largest power of ten that a double holds. */
    MOST_POWER = 64,  /* Of the table of powers of five. */
    KEPT_DIGITS = 19, /* As many always fit into 64 bits. */
};
#define EXACT_WHOLE (UINT64_C(1) << 53)

typedef struct {
    double value;
    int is_whole;     /* Written with digits alone; `whole` is right up to 2**53, and beyond it for more. */
    int64_t whole;
} json_number;

/* Digits as they are written: the first 19 of them, the power of ten that goes with them, whether others follow. */
typedef struct {
    uint64_t digits;
    int64_t power;
    int n_kept, negative, cut;
} decimal;

static inline int is_digit(const json_text *t, const uint8_t *at)
{
    return at < t->end && (uint8_t)(*at - '0') < 10;
}

/* Take digits up to the first character that is none, where not all are kept; see below. */
static const uint8_t *take_many_digits(const json_text *t, const uint8_t *at, decimal *d, int fraction)
{
    for (; is_digit(t, at); at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (d->n_kept < KEPT_DIGITS) {
            d->digits = d->digits * 10 + digit;
            d->n_kept += d->digits != 0; /* Zeros in front count for nothing. */
            d->power -= fraction;
        } else {
            d->cut |= digit != 0;
            d->power += !fraction;
        }
    }
    return at;
}

/* Take digits up to the first character that is none; `fraction` is 1 behind the point, else 0. */
static inline const uint8_t *take_digits(const json_text *t, const uint8_t *begin, decimal *d, int fraction)
{
    const uint8_t *at = begin;
    uint64_t digits = d->digits; /* May wrap around; then it is not used. */
    while (is_digit(t, at))
        digits = digits * 10 + (unsigned)(*at++ - '0');
    if (at - begin > KEPT_DIGITS - d->n_kept)
        return take_many_digits(t, begin, d, fraction);
    d->digits = digits;
    d->n_kept += (int)(at - begin);
    d->power -= fraction * (at - begin);
    return at;
}

static const uint8_t *take_exponent(json_text *t, const uint8_t *at, decimal *d)
{
    int64_t power = 0;
    int negative = at + 1 < t->end && at[1] == '-';
    at += 1 + (at + 1 < t->end && (at[1] == '-' || at[1] == '+'));
    if (!is_digit(t, at)) {
        t->at = at;
        return unexpected(t), NULL;
    }
    for (; is_digit(t, at); at++)
        if (power < 100000)
            power = power * 10 + (*at - '0');
    d->power += negative ? -power : power;
    return at;
}

/* digits * 10**power where it is within the table and not a tie that 128 bits leave open; else false. */
static int nearest_double(const json_text *t, uint64_t digits, int64_t power, double *value)
{
    if (digits == 0 || power < -MOST_POWER || power > MOST_POWER)
        return 0;
    const uint64_t *five = t->powers + 2 * (power + MOST_POWER);
    int zeros = __builtin_clzll(digits);
    digits <<= zeros;
    unsigned __int128 product = (unsigned __int128)digits * five[0];
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if ((high & 0x1FF) == 0x1FF) {
        uint64_t more = (uint64_t)(((unsigned __int128)digits * five[1]) >> 64);
        low += more;
        high += low < more;
        if (low == UINT64_MAX)
            return 0;
    }
    int upper = (int)(high >> 63), shift = upper + 64 - 52 - 3;
    uint64_t mantissa = high >> shift;
    /* floor(power * log2(10)) + 63, for the binary exponent. */
    int64_t exponent = (((152170 + 65536) * power) >> 16) + 63 + upper - zeros;
    /* Halfway between two doubles, exactly: to the even one. Only small powers of five divide so evenly. */
    if (low <= 1 && power >= -4 && power <= 23 && (mantissa & 3) == 1 && mantissa << shift == high)
        mantissa &= ~UINT64_C(1);
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa >> 53) {
        mantissa >>= 1;
        exponent++;
    }
    uint64_t bits = (mantissa & ~(UINT64_C(1) << 52)) | (uint64_t)(exponent + 1023) << 52;
    memcpy(value, &bits, sizeof bits);
    return 1;
}

static double slow_double(const json_text *t, const uint8_t *begin, const uint8_t *end)
{
    char digits[MOST_DIGITS + 1];
    size_t length = (size_t)(end - begin);
    memcpy(digits, begin, length);
    digits[length] = 0;
    return t->slow(digits);
}

static double as_double(const json_text *t, const decimal *d, const uint8_t *begin, const uint8_t *end)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double value, above;
    if (d->digits == 0)
        value = 0;
    else if (FLT_EVAL_METHOD == 0 && !d->cut && d->digits <= EXACT_WHOLE && d->power >= -EXACT_POWER
             && d->power <= EXACT_POWER) {
        value = (double)d->digits;
        value = d->power < 0 ? value / tens[-d->power] : value * tens[d->power];
    } else if (!nearest_double(t, d->digits, d->power, &value))
        return slow_double(t, begin, end);
    /* Further digits lie between these and the next: they decide nothing where both are the same double. */
    else if (d->cut && (!nearest_double(t, d->digits + 1, d->power, &above) || above != value))
        return slow_double(t, begin, end);
    return d->negative ? -value : value;
}

/* A number that begins here with a minus or a digit. */
static int read_number(json_text *t, json_number *number)
{
    decimal d = {0, 0, 0, 0, 0};
    const uint8_t *begin = t->at, *at = begin, *whole_end;
    d.negative = *at == '-';
    at += d.negative;
    if (!is_digit(t, at)) {
        t->at = at;
        return stands_here(t, "Infinity") ? fails(t, CONSTANT, begin) : unexpected(t);
    }
    at = *at == '0' ? at + 1 : take_digits(t, at, &d, 0);
    whole_end = at;
    number->is_whole = 1;
    if (at < t->end && *at == '.') {
        if (!is_digit(t, at + 1)) {
            t->at = at + 1;
            return unexpected(t);
        }
        at = take_digits(t, at + 1, &d, 1);
    }
    if (at < t->end && (*at == 'e' || *at == 'E') && !(at = take_exponent(t, at, &d)))
        return 0;
    number->is_whole = at == whole_end;
    if (at - begin > MOST_DIGITS)
        return fails(t, TOO_LONG_NUMBER, begin);
    number->whole = d.power || d.digits > INT64_MAX ? INT64_MAX : (int64_t)d.digits;
    number->whole = d.negative ? -number->whole : number->whole;
    number->value = as_double(t, &d, begin, at);
    t->at = at;
    return 1;
}

#endif
