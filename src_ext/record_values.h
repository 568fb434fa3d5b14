/* What one record of a COCO file says, key by key, from JSON.

Computes
    read_value: the value of a key, checked to be of the type it has to be
Shapes
    scalars into a record; run lengths and polygons straight behind those of the records before, where there is room
Complexity
    O(bytes)
Source
    https://cocodataset.org/#format-data and #format-results, as pycocotools 2.0.11 reads them
*/

#ifndef SEGBENCH_RECORD_VALUES_H
#define SEGBENCH_RECORD_VALUES_H

#include "json_values.h"

/* Places in KEYS of segbench/kernels/jsonfaults.py. */
enum { ID, IMAGE_ID, CATEGORY_ID, SCORE, AREA, ISCROWD, IGNORE, BBOX, SEGMENTATION, N_NAMES };
enum { SIZE = N_NAMES, COUNTS, ANNOTATIONS };
#define BIT(key) (1u << (key))

#define NAMED(text) {text, sizeof text - 1}
static const key_name RECORD_NAMES[] = {NAMED("id"),      NAMED("image_id"), NAMED("category_id"),
                                        NAMED("score"),   NAMED("area"),     NAMED("iscrowd"),
                                        NAMED("ignore"),  NAMED("bbox"),     NAMED("segmentation")};
static const key_name MASK_NAMES[] = {NAMED("size"), NAMED("counts")};
static const key_name TOP_NAMES[] = {NAMED("annotations"), NAMED("images"), NAMED("categories")};

/* As in segbench/kernels/recordcolumns.py. */
enum { NO_MASK, STRING, RUNS, POLYGONS };

/* How a call ends; FULL + 0, 1, 2, 3 names what has to grow. */
enum { DONE, FAULT, FULL_ROWS, FULL_POLYGONS, FULL_POINTS, FULL_COUNTS };

typedef struct {
    /* One a record. `values` are scores or areas; results have no ids, crowd and ignore. */
    int64_t *starts, *ids, *image_ids, *category_ids, *counts_starts, *counts_lengths, *sizes;
    double *values, *boxes;
    uint8_t *kinds, *escaped, *crowd, *ignore;
    uint16_t *seen; /* BIT(key) for each key that came. */
    /* One more than records; the first is 0. */
    int64_t *list_offsets, *annotation_polygons;
    /* Any number. */
    int64_t *polygon_offsets, *list_counts;
    double *points;
    int64_t room[4]; /* For rows, polygons, points and counts. */
} record_columns;

typedef struct {
    json_text text;
    record_columns columns;
    int64_t n[4]; /* Rows, polygons, points and counts so far. */
    int truth, phase, waiting, full;
    json_walk top, list;
    const uint8_t *opened; /* Where the outermost bracket is. */
    int64_t spans[6]; /* Of the values of TOP_NAMES. */
} record_scan;

/* What a record says before it is a row. */
typedef struct {
    int64_t ids[3], size[2], counts_start, counts_length;
    double value, box[4];
    uint8_t kind, escaped, crowd, ignore;
} record;

static int value_begins_as_number(const json_text *t)
{
    return t->at < t->end && (*t->at == '-' || is_digit(t, t->at));
}

/* A value of another type, unless it is none at all. */
static int wrong_type(json_text *t, int64_t key)
{
    const uint8_t *begin = t->at;
    if (begin < t->end && (*begin == '"' || *begin == '[' || *begin == '{'))
        return fails_at_key(t, WRONG_TYPE, begin, key);
    return skip_scalar(t) ? fails_at_key(t, WRONG_TYPE, begin, key) : 0;
}

static inline int read_finite(json_text *t, int64_t key, json_number *number)
{
    const uint8_t *begin = t->at;
    if (!value_begins_as_number(t))
        return wrong_type(t, key);
    if (!read_number(t, number))
        return 0;
    return isinf(number->value) ? fails_at_key(t, OUT_OF_RANGE, begin, key) : 1;
}

static int within_range(json_text *t, int64_t key, int64_t whole, const uint8_t *begin)
{
    int64_t most = (int64_t)EXACT_WHOLE;
    return whole < -most || whole > most ? fails_at_key(t, OUT_OF_RANGE, begin, key) : 1;
}

/* A whole number, which may be written as 5.0. */
static int read_id(json_text *t, int64_t key, int64_t *id)
{
    const uint8_t *begin = t->at;
    json_number number;
    if (!read_finite(t, key, &number))
        return 0;
    if (!number.is_whole) {
        if (number.value != floor(number.value))
            return fails_at_key(t, WRONG_TYPE, begin, key);
        number.whole = fabs(number.value) > (double)EXACT_WHOLE ? INT64_MAX : (int64_t)number.value;
    }
    *id = number.whole;
    return within_range(t, key, number.whole, begin);
}

/* A whole number written with digits alone. */
static inline int read_whole(json_text *t, int64_t key, int64_t least, int64_t *whole)
{
    const uint8_t *begin = t->at;
    json_number number;
    if (!read_finite(t, key, &number))
        return 0;
    if (!number.is_whole || number.whole < least)
        return fails_at_key(t, WRONG_TYPE, begin, key);
    *whole = number.whole;
    return within_range(t, key, number.whole, begin);
}

static int read_flag(json_text *t, int64_t key, uint8_t *flag)
{
    const uint8_t *begin = t->at;
    json_number number = {0, 0, 0};
    *flag = stands_here(t, "true");
    if (*flag || stands_here(t, "false"))
        return skip_literal(t);
    if (!read_finite(t, key, &number))
        return 0;
    *flag = number.value == 1;
    return *flag || number.value == 0 ? 1 : fails_at_key(t, WRONG_TYPE, begin, key);
}

static int read_box(json_text *t, double *box)
{
    const uint8_t *begin = t->at;
    json_number number;
    int n = 0, more;
    if (begin == t->end || *begin != '[')
        return wrong_type(t, BBOX);
    json_walk w = walk_of(t);
    while ((more = next_item(t, &w, ']')) == 1) {
        skip_space(t);
        if (n == 4)
            return fails_at_key(t, WRONG_LENGTH, begin, BBOX);
        if (!read_finite(t, BBOX, &number))
            return 0;
        box[n++] = number.value;
    }
    if (more < 0)
        return 0;
    return n == 4 ? 1 : fails_at_key(t, WRONG_LENGTH, begin, BBOX);
}

static int read_size(json_text *t, int64_t *size)
{
    const uint8_t *begin = t->at;
    int n = 0, more;
    if (begin == t->end || *begin != '[')
        return wrong_type(t, SIZE);
    json_walk w = walk_of(t);
    while ((more = next_item(t, &w, ']')) == 1) {
        skip_space(t);
        if (n == 2)
            return fails_at_key(t, WRONG_LENGTH, begin, SIZE);
        if (!read_whole(t, SIZE, INT64_MIN, &size[n++]))
            return 0;
    }
    if (more < 0)
        return 0;
    return n == 2 ? 1 : fails_at_key(t, WRONG_LENGTH, begin, SIZE);
}

/* Whether one more of a kind (FULL_POLYGONS and so on) has no room. */
static inline int is_full(record_scan *s, int kind)
{
    if (s->n[kind - FULL_ROWS] < s->columns.room[kind - FULL_ROWS])
        return 0;
    s->full = kind;
    return 1;
}

static int read_counts(record_scan *s, record *r)
{
    json_text *t = &s->text;
    json_string string;
    int more;
    if (t->at < t->end && *t->at == '"') {
        if (!skip_string(t, &string))
            return 0;
        r->kind = STRING;
        r->counts_start = string.begin - t->begin;
        r->counts_length = string.end - string.begin;
        r->escaped = (uint8_t)string.escaped;
        return 1;
    }
    if (t->at == t->end || *t->at != '[')
        return wrong_type(t, COUNTS);
    json_walk w = walk_of(t);
    r->kind = RUNS;
    while ((more = next_item(t, &w, ']')) == 1) {
        skip_space(t);
        if (is_full(s, FULL_COUNTS))
            return 0;
        int64_t *count = &s->columns.list_counts[s->n[FULL_COUNTS - FULL_ROWS]++];
        if (!read_whole(t, COUNTS, 0, count))
            return 0;
    }
    return more == 0;
}

static int read_runs(record_scan *s, record *r, int depth)
{
    json_text *t = &s->text;
    const uint8_t *begin = t->at;
    json_walk w = walk_of(t);
    int place, more;
    while ((more = next_member(t, &w, MASK_NAMES, 2, &place)) == 1) {
        int fine = place == 0 ? read_size(t, r->size) : place == 1 ? read_counts(s, r) : skip_value(t, depth);
        if (!fine)
            return 0;
    }
    if (more < 0)
        return 0;
    for (int i = 0; i < 2; i++)
        if (!(w.seen >> i & 1))
            return fails_at_key(t, MISSING_KEY, begin, SIZE + i);
    return 1;
}

static int read_polygon(record_scan *s)
{
    json_text *t = &s->text;
    int64_t *n = &s->n[FULL_POINTS - FULL_ROWS];
    json_number number;
    int more;
    if (t->at == t->end || *t->at != '[')
        return wrong_type(t, SEGMENTATION);
    json_walk w = walk_of(t);
    while ((more = next_item(t, &w, ']')) == 1) {
        skip_space(t);
        if (is_full(s, FULL_POINTS) || !read_finite(t, SEGMENTATION, &number))
            return 0;
        s->columns.points[(*n)++] = number.value;
    }
    return more == 0;
}

static int read_polygons(record_scan *s, record *r)
{
    json_text *t = &s->text;
    int64_t *n = &s->n[FULL_POLYGONS - FULL_ROWS];
    int more;
    json_walk w = walk_of(t);
    r->kind = POLYGONS;
    while ((more = next_item(t, &w, ']')) == 1) {
        skip_space(t);
        if (is_full(s, FULL_POLYGONS) || !read_polygon(s))
            return 0;
        s->columns.polygon_offsets[++*n] = s->n[FULL_POINTS - FULL_ROWS];
    }
    return more == 0;
}

static int read_mask(record_scan *s, record *r, int depth)
{
    json_text *t = &s->text;
    if (t->at < t->end && *t->at == '{')
        return read_runs(s, r, depth + 1);
    if (t->at < t->end && *t->at == '[')
        return read_polygons(s, r);
    return wrong_type(t, SEGMENTATION);
}

/* Read the value of a key; `depth` is that of the value. */
static int read_value(record_scan *s, record *r, int key, int depth)
{
    json_text *t = &s->text;
    json_number number;
    switch (key) {
    case ID:
    case IMAGE_ID:
    case CATEGORY_ID:
        return read_id(t, key, &r->ids[key]);
    case SCORE:
    case AREA:
        if (!read_finite(t, key, &number))
            return 0;
        r->value = number.value;
        return 1;
    case ISCROWD:
        return read_flag(t, key, &r->crowd);
    case IGNORE:
        return read_flag(t, key, &r->ignore);
    case BBOX:
        return read_box(t, r->box);
    default:
        return read_mask(s, r, depth);
    }
}

#endif
