"""Records of COCO files, from JSON into columns.

Computes
    scan          the rows of a results or truth file, until it ends, is at fault, or a column is full
Shapes
    the data any bytes; a column an entry a record; what varies in length one after another, with offsets
Complexity
    O(bytes), hundreds of megabytes a second; no memory is taken
Source
    records.h, and below it record_values.h, json_values.h, json_numbers.h and json_text.h

The caller in segbench/kernels/records.py makes the columns, lets them grow and calls again, and raises.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t
from libc.string cimport memset

cdef extern from "Python.h":
    double PyOS_string_to_double(const char *text, char **end, void *overflow) except? -1.0

cdef extern from "records.h":
    ctypedef double (*slow_number)(const char *) noexcept nogil

    ctypedef struct json_text:
        const uint8_t *begin
        const uint8_t *at
        const uint8_t *end
        int way
        int reason
        int64_t offset
        int64_t key
        const uint64_t *powers
        slow_number slow
        uint64_t *hashes
        int64_t *spans
        int32_t *links
        int32_t *heads

    ctypedef struct record_columns:
        int64_t *starts
        int64_t *ids
        int64_t *image_ids
        int64_t *category_ids
        int64_t *counts_starts
        int64_t *counts_lengths
        int64_t *sizes
        double *values
        double *boxes
        uint8_t *kinds
        uint8_t *escaped
        uint8_t *crowd
        uint8_t *ignore
        uint16_t *seen
        int64_t *list_offsets
        int64_t *annotation_polygons
        int64_t *polygon_offsets
        int64_t *list_counts
        double *points
        int64_t room[4]

    ctypedef struct record_scan:
        json_text text
        record_columns columns
        int64_t n[4]
        int truth
        int waiting
        int64_t spans[6]

    int scan_file(record_scan *) noexcept nogil

cdef extern from *:
    """
    #if defined(JSON_ON_X86) || defined(JSON_ON_ARM)
    #define N_JSON_WAYS 2
    #else
    #define N_JSON_WAYS 1
    #endif
    """
    int N_JSON_WAYS
    int KEY_CHAINS

#: Way 0 goes through strings byte by byte, way 1 by vectors where the machine has them.
WAYS = tuple(range(N_JSON_WAYS))
#: How many chains of keys there are; their heads are -1 when a scan begins.
CHAINS = KEY_CHAINS
#: Bytes of what a scan remembers between calls.
MEMORY = sizeof(record_scan)


cdef double _slow(const char *text) noexcept with gil:
    """Python's own conversion, for the few numbers that are written with very many digits."""
    return PyOS_string_to_double(text, NULL, NULL)


cdef void _set_columns(record_columns *c, dict columns):
    c.starts = _integers(columns["starts"])
    c.ids = _integers(columns["ids"])
    c.image_ids = _integers(columns["image_ids"])
    c.category_ids = _integers(columns["category_ids"])
    c.counts_starts = _integers(columns["counts_starts"])
    c.counts_lengths = _integers(columns["counts_lengths"])
    c.sizes = _integers(columns["sizes"])
    c.values = _floats(columns["values"])
    c.boxes = _floats(columns["boxes"])
    c.kinds = _bytes(columns["kinds"])
    c.escaped = _bytes(columns["escaped"])
    c.crowd = _bytes(columns["crowd"])
    c.ignore = _bytes(columns["ignore"])
    c.seen = _shorts(columns["seen"])
    c.list_offsets = _integers(columns["list_offsets"])
    c.annotation_polygons = _integers(columns["annotation_polygons"])
    c.polygon_offsets = _integers(columns["polygon_offsets"])
    c.list_counts = _integers(columns["list_counts"])
    c.points = _floats(columns["points"])
    for i, room in enumerate(columns["room"]):
        c.room[i] = room


cdef int64_t *_integers(int64_t[::1] column) except? NULL:
    return &column[0]


cdef double *_floats(double[::1] column) except? NULL:
    return &column[0]


cdef uint8_t *_bytes(uint8_t[::1] column) except? NULL:
    return &column[0]


cdef uint16_t *_shorts(uint16_t[::1] column) except? NULL:
    return &column[0]


def scan(
    const uint8_t[::1] data,
    bint truth,
    dict columns,
    int64_t[::1] memory,
    const uint64_t[:, ::1] powers,
    uint64_t[::1] hashes,
    int64_t[::1] spans,
    int32_t[::1] links,
    int32_t[::1] heads,
    Py_ssize_t begin,
    int way,
):
    """Begin a scan where `begin` is, or go on with one where it is negative.

    Returns how it ended (DONE, FAULT, FULL_ROWS and so on), how many rows, polygons, points and counts there are, the
    fault as its reason, offset, record and key, the spans of the values beside the records, and the place reached.
    """
    cdef record_scan *s = <record_scan *>&memory[0]
    cdef const uint8_t *text = &data[0]
    cdef int outcome
    if begin >= 0:
        memset(s, 0, sizeof(record_scan))
        memset(s.spans, 255, sizeof(s.spans))
        s.text.begin, s.text.at, s.text.end = text, text + begin, text + data.shape[0]
        s.truth, s.text.way = truth, way
        s.text.powers, s.text.slow = &powers[0, 0], _slow
        s.text.hashes, s.text.spans = &hashes[0], &spans[0]
        s.text.links, s.text.heads = &links[0], &heads[0]
    _set_columns(&s.columns, columns)
    with nogil:
        outcome = scan_file(s)
    return (
        outcome,
        (s.n[0], s.n[1], s.n[2], s.n[3]),
        (s.text.reason, s.text.offset, s.n[0] if s.waiting else -1, s.text.key),
        (s.spans[2], s.spans[3], s.spans[4], s.spans[5]),
        s.text.at - s.text.begin,
    )
