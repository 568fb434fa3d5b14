/* Records of COCO files, from JSON into columns.

Computes
    scan_file: the rows of a results file (a list of detections) or of a truth file (an object with "annotations")
Shapes
    one column a key; lists of varying length lie one after another, and offsets say where each record's begin
Complexity
    O(bytes); a record that finds a column full is read again when there is room
Source
    https://cocodataset.org/#format-data and #format-results, as pycocotools 2.0.11 reads them

A scan stops when a column is full, and goes on where it was when it is called again.
*/

#ifndef SEGBENCH_RECORDS_H
#define SEGBENCH_RECORDS_H

#include "record_values.h"

enum { AT_THE_BEGINNING, IN_OBJECT, IN_RECORDS };

static void write_row(record_scan *s, const record *r, const uint8_t *begin, unsigned seen)
{
    record_columns *c = &s->columns;
    int64_t row = s->n[0]++;
    c->starts[row] = begin - s->text.begin;
    c->image_ids[row] = r->ids[IMAGE_ID];
    c->category_ids[row] = r->ids[CATEGORY_ID];
    c->values[row] = r->value;
    memcpy(&c->boxes[4 * row], r->box, sizeof r->box);
    c->kinds[row] = r->kind;
    c->counts_starts[row] = r->counts_start;
    c->counts_lengths[row] = r->counts_length;
    c->escaped[row] = r->escaped;
    memcpy(&c->sizes[2 * row], r->size, sizeof r->size);
    c->seen[row] = (uint16_t)seen;
    c->annotation_polygons[row + 1] = s->n[FULL_POLYGONS - FULL_ROWS];
    c->list_offsets[row + 1] = s->n[FULL_COUNTS - FULL_ROWS];
    if (s->truth) {
        c->ids[row] = r->ids[ID];
        c->crowd[row] = r->crowd;
        c->ignore[row] = r->ignore;
    }
}

static int read_record(record_scan *s)
{
    json_text *t = &s->text;
    const uint8_t *begin = t->at;
    const unsigned results = BIT(IMAGE_ID) | BIT(CATEGORY_ID) | BIT(SCORE) | BIT(BBOX) | BIT(SEGMENTATION);
    const unsigned wanted = s->truth ? ~BIT(SCORE) : results;
    const int depth = s->truth ? 3 : 2;
    record r = {{0, 0, 0}, {-1, -1}, -1, 0, NAN, {NAN, NAN, NAN, NAN}, NO_MASK, 0, 0, 0};
    int place, more;
    if (begin == t->end || *begin != '{')
        return wrong_type(t, -1) || t->reason != WRONG_TYPE ? 0 : fails(t, NO_OBJECT, begin);
    json_walk w = walk_of(t);
    while ((more = next_member(t, &w, RECORD_NAMES, N_NAMES, &place)) == 1) {
        int asked = place >= 0 && (wanted >> place & 1);
        if (!(asked ? read_value(s, &r, place, depth) : skip_value(t, depth)))
            return 0;
    }
    if (more < 0)
        return 0;
    for (int key = IMAGE_ID; key <= (s->truth ? CATEGORY_ID : SCORE); key++)
        if (!(w.seen & BIT(key)))
            return fails_at_key(t, MISSING_KEY, begin, key);
    write_row(s, &r, begin, w.seen & wanted);
    return 1;
}

/* Read records up to the end of their list, or until a column is full. */
static int scan_records(record_scan *s)
{
    json_text *t = &s->text;
    for (;;) {
        if (!s->waiting) {
            int more = next_item(t, &s->list, ']');
            if (more != 1)
                return more ? FAULT : DONE;
            skip_space(t);
        }
        s->waiting = 1;
        if (is_full(s, FULL_ROWS))
            return FULL_ROWS;
        const uint8_t *begin = t->at;
        int64_t n_keys = t->n_keys, n[4];
        memcpy(n, s->n, sizeof n);
        s->full = 0;
        if (!read_record(s)) {
            if (!s->full)
                return FAULT;
            t->at = begin;
            drop_keys(t, n_keys);
            memcpy(s->n, n, sizeof n);
            return s->full;
        }
        s->waiting = 0;
    }
}

static int begin_file(record_scan *s)
{
    json_text *t = &s->text;
    uint8_t c = next_character(t);
    if (t->at == t->end)
        return fails(t, EMPTY, t->at);
    if (c != (s->truth ? '{' : '[')) {
        const uint8_t *begin = t->at;
        return c == '{' || c == '[' || skip_scalar(t) ? fails(t, TOP_LEVEL, begin) : 0;
    }
    s->opened = t->at;
    s->phase = s->truth ? IN_OBJECT : IN_RECORDS;
    *(s->truth ? &s->top : &s->list) = walk_of(t);
    return 1;
}

/* Go through the members of the object around the records; 1 is the end, 0 a fault, -1 that records begin. */
static int scan_object(record_scan *s)
{
    json_text *t = &s->text;
    int place, more;
    while ((more = next_member(t, &s->top, TOP_NAMES, 3, &place)) == 1) {
        const uint8_t *begin = t->at;
        if (place == 0) {
            if (begin == t->end || *begin != '[')
                return wrong_type(t, ANNOTATIONS);
            s->phase = IN_RECORDS;
            s->list = walk_of(t);
            return -1;
        }
        if (!skip_value(t, 1))
            return 0;
        if (place > 0) {
            s->spans[2 * place] = begin - t->begin;
            s->spans[2 * place + 1] = t->at - t->begin;
        }
    }
    if (more < 0)
        return 0;
    return s->top.seen & 1 ? 1 : fails_at_key(t, MISSING_KEY, s->opened, ANNOTATIONS);
}

static int scan_file(record_scan *s)
{
    json_text *t = &s->text;
    if (s->phase == AT_THE_BEGINNING && !begin_file(s))
        return FAULT;
    for (;;) {
        int ended = 1;
        if (s->phase == IN_RECORDS) {
            int outcome = scan_records(s);
            if (outcome != DONE)
                return outcome;
            s->phase = IN_OBJECT;
        }
        if (s->truth)
            ended = scan_object(s);
        if (!ended)
            return FAULT;
        if (ended == 1)
            break;
    }
    skip_space(t);
    return t->at == t->end ? DONE : (fails(t, SEVERAL_VALUES, t->at), FAULT);
}

#endif
