/* Keys of objects, each once, and whole values that nobody asks for.

Computes
    skip_value: the place after any value, which is checked to be JSON
    take_key: a key, and a fault where its object had it before, however either is escaped
Complexity
    O(bytes), unless keys are made to have the same hash: then O(keys) for a key, of which an object may have MOST_KEYS
*/

#ifndef SEGBENCH_JSON_VALUES_H
#define SEGBENCH_JSON_VALUES_H

#include "json_numbers.h"

enum { END_OF_KEY = -1 };

/* Reads what a string stands for, byte by byte; a character that is written as an escape waits as UTF-8. */
typedef struct {
    const uint8_t *at, *end;
    uint8_t waiting[4];
    int n_waiting, next;
} key_reader;

static unsigned four_digits(const uint8_t *at)
{
    unsigned code = 0;
    for (int i = 0; i < 4; i++)
        code = code << 4 | (unsigned)hex_value(at[i]);
    return code;
}

/* The character of \uXXXX, of two such where they are a pair of surrogates. */
static unsigned escaped_code(key_reader *k)
{
    unsigned code = four_digits(k->at + 2), other;
    k->at += 6;
    if ((code & 0xFC00) != 0xD800 || k->end - k->at < 6 || k->at[0] != '\\' || k->at[1] != 'u')
        return code;
    other = four_digits(k->at + 2);
    if ((other & 0xFC00) != 0xDC00)
        return code;
    k->at += 6;
    return 0x10000 + ((code & 0x3FF) << 10 | (other & 0x3FF));
}

static void wait_for(key_reader *k, unsigned code)
{
    int n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t heads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (int i = n - 1; i > 0; i--, code >>= 6)
        k->waiting[i] = (uint8_t)(0x80 | (code & 0x3F));
    k->waiting[0] = (uint8_t)(heads[n] | code);
    k->n_waiting = n;
    k->next = 0;
}

static int next_byte(key_reader *k)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    if (k->next == k->n_waiting) {
        if (k->at == k->end)
            return END_OF_KEY;
        if (*k->at != '\\')
            return *k->at++;
        if (k->at[1] == 'u')
            wait_for(k, escaped_code(k));
        else {
            const char *name = strchr(names, k->at[1]);
            wait_for(k, name ? (unsigned)values[name - names] : k->at[1]);
            k->at += 2;
        }
    }
    return k->waiting[k->next++];
}

static key_reader reader_of(const uint8_t *begin, const uint8_t *end)
{
    key_reader k = {begin, end, {0, 0, 0, 0}, 0, 0};
    return k;
}

static uint64_t key_hash(const json_string *s)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    key_reader k = reader_of(s->begin, s->end);
    for (int byte = next_byte(&k); byte != END_OF_KEY; byte = next_byte(&k))
        hash = (hash ^ (uint64_t)byte) * UINT64_C(1099511628211);
    return hash;
}

static int same_key(const json_text *t, int64_t place, const json_string *s)
{
    key_reader one = reader_of(t->begin + t->spans[2 * place], t->begin + t->spans[2 * place + 1]);
    key_reader other = reader_of(s->begin, s->end);
    for (;;) {
        int byte = next_byte(&one);
        if (byte != next_byte(&other))
            return 0;
        if (byte == END_OF_KEY)
            return 1;
    }
}

/* Note a key that nobody asks for; the keys of its object are those from `first` on. */
static int note_key(json_text *t, const json_string *s, int64_t first)
{
    uint64_t hash = key_hash(s);
    int32_t *head = &t->heads[hash % KEY_CHAINS];
    /* Later keys come first, so those of the objects around are at the end. */
    for (int32_t i = *head; i >= first; i = t->links[i])
        if (t->hashes[i] == hash && same_key(t, i, s))
            return fails(t, DUPLICATE_KEY, s->begin - 1);
    if (t->n_keys - first >= MOST_KEYS)
        return fails(t, TOO_MANY_KEYS, s->begin - 1);
    t->hashes[t->n_keys] = hash;
    t->spans[2 * t->n_keys] = s->begin - t->begin;
    t->spans[2 * t->n_keys + 1] = s->end - t->begin;
    t->links[t->n_keys] = *head;
    *head = (int32_t)t->n_keys++;
    return 1;
}

/* Forget the keys from `first` on, the last one first. */
static inline void drop_keys(json_text *t, int64_t first)
{
    for (; t->n_keys > first; t->n_keys--)
        t->heads[t->hashes[t->n_keys - 1] % KEY_CHAINS] = t->links[t->n_keys - 1];
}

typedef struct {
    const char *text;
    ptrdiff_t length;
} key_name;

static int is_escaped_name(const json_string *s, const key_name *name)
{
    key_reader k = reader_of(s->begin, s->end);
    ptrdiff_t same = 0;
    while (same < name->length && next_byte(&k) == (uint8_t)name->text[same])
        same++;
    return same == name->length && next_byte(&k) == END_OF_KEY;
}

/* The place of a key among `names`, or -1. */
static inline int place_of(const json_string *s, const key_name *names, int n)
{
    ptrdiff_t length = s->end - s->begin;
    for (int i = 0; i < n; i++) {
        if (s->escaped ? is_escaped_name(s, &names[i])
                       : length == names[i].length && !memcmp(s->begin, names[i].text, (size_t)length))
            return i;
    }
    return -1;
}

/* The members of an object, or the items of a list, one after another. */
typedef struct {
    int64_t first; /* Of its keys that were noted. */
    int begun;
    unsigned seen; /* Which of the names came. */
} json_walk;

static json_walk walk_of(json_text *t)
{
    json_walk w = {t->n_keys, 0, 0};
    t->at++; /* The bracket. */
    return w;
}

/* Go to the next item before the closing bracket: 1, or 0 where there is none left, or -1 for a fault. */
static inline int next_item(json_text *t, json_walk *w, uint8_t closing)
{
    uint8_t c = next_character(t);
    if (c == closing) {
        t->at++;
        drop_keys(t, w->first);
        return 0;
    }
    if (w->begun) {
        if (c != ',')
            return unexpected(t) - 1;
        t->at++;
        if (next_character(t) == closing)
            return fails(t, TRAILING_COMMA, t->at) - 1;
    }
    w->begun = 1;
    return 1;
}

/* Go to the value of the next member. `place` is that of its key in `names`, -1 for others. */
static inline int next_member(json_text *t, json_walk *w, const key_name *names, int n, int *place)
{
    json_string key;
    int more = next_item(t, w, '}');
    if (more != 1)
        return more;
    if (t->at == t->end || *t->at != '"')
        return unexpected(t) - 1;
    if (!skip_string(t, &key))
        return -1;
    *place = place_of(&key, names, n);
    if (*place < 0) {
        if (!note_key(t, &key, w->first))
            return -1;
    } else if (w->seen >> *place & 1)
        return fails(t, DUPLICATE_KEY, key.begin - 1) - 1;
    else
        w->seen |= 1u << *place;
    if (next_character(t) != ':')
        return unexpected(t) - 1;
    t->at++;
    skip_space(t);
    return 1;
}

/* A value that is neither list nor object. */
static int skip_scalar(json_text *t)
{
    json_string string;
    json_number number;
    if (t->at == t->end)
        return unexpected(t);
    if (*t->at == '"')
        return skip_string(t, &string);
    if (*t->at == '-' || is_digit(t, t->at))
        return read_number(t, &number);
    return skip_literal(t);
}

/* Any value, which lies in `depth` lists and objects. */
static int skip_value(json_text *t, int depth)
{
    json_walk walks[MOST_DEEP];
    uint8_t closings[MOST_DEEP];
    int place, more, open = 0;
    for (;;) {
        uint8_t c = next_character(t);
        if (c == '[' || c == '{') {
            if (depth + open == MOST_DEEP)
                return fails(t, TOO_DEEP, t->at);
            walks[open] = walk_of(t);
            closings[open++] = c == '[' ? ']' : '}';
        } else if (!skip_scalar(t))
            return 0;
        do {
            if (!open)
                return 1;
            more = closings[open - 1] == ']' ? next_item(t, &walks[open - 1], ']')
                                             : next_member(t, &walks[open - 1], NULL, 0, &place);
            if (more < 0)
                return 0;
            open -= !more;
        } while (!more);
    }
}

#endif
