"""Which predictions are right, in which order they count, and the curves of precision and recall they make.

Computes
    match      the outcome of each prediction of a group, by area range and threshold
    match_any  the same where a prediction takes its best truth, free or not
    order      rows by class, and by falling score within each
    curves     precision, score and recall at levels of recall, by class, area, threshold and limit of ranks
Shapes
    overlaps one after the other, group by group, a row of truths for each prediction; outcomes (predictions, areas,
    thresholds); precision and scores (thresholds, levels, classes, areas, limits)
Complexity
    match O(pairs + sufficient overlaps × areas × thresholds). order O(rows). curves O(rows × areas × thresholds ×
    limits). Scratch memory is passed in.
Source
    evaluateImg and accumulate of cocodataset/cocoapi, PythonAPI/pycocotools/cocoeval.py, to the last bit; match_any
    after voc_eval_sds of msracver/FCIS.

The callers in segbench/kernels/detection.py check shapes, offsets and classes; nothing is checked here.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

cdef extern from "detection_order.h" nogil:
    ctypedef struct ranked:
        pass
    const int64_t RANKED_WORDS
    void order_rows(
        const double *scores, const int64_t *classes, int64_t n, int64_t n_classes, int64_t *order, int64_t *offsets,
        ranked *work
    )

cdef extern from "detection_match.h" nogil:
    ctypedef struct rules:
        const double *truth_areas
        const double *prediction_areas
        const double *ranges
        const double *limits
        const uint8_t *ignored
        const uint8_t *reusable
        const uint8_t *excused
        int64_t n_areas
        int64_t n_limits
        int64_t later_wins
        uint8_t *outcomes
        int32_t *matched
        uint8_t *taken
        uint8_t *outside
        int64_t *candidates
    ctypedef struct group:
        int64_t truths
        int64_t n_truths
        int64_t predictions
        int64_t n_predictions
        const double *ious
    void match_group(const rules *r, const group *g, double least)
    void match_group_any(const rules *r, const group *g)

cdef extern from "detection_curves.h" nogil:
    ctypedef struct curves_t "curves":
        const uint8_t *outcomes
        const double *scores
        const int64_t *ranks
        const int64_t *positives
        const double *levels
        const int64_t *limits
        int64_t n_classes
        int64_t n_areas
        int64_t n_thresholds
        int64_t n_levels
        int64_t n_limits
        double eps
        double *precision
        double *recall
        double *score_at
        int32_t *judged
        int64_t *begins
        int64_t *ends
        int32_t *judged_by
        int32_t *rows
        double *envelope
        int64_t room
    int64_t count_true_of "count_true"(const uint8_t *outcomes, int64_t n, int64_t cells, int32_t *counts)
    void trace(curves_t *s, int64_t k, int64_t begin, int64_t end)

#: How many integers of scratch memory a row takes that is put in order.
WORDS = RANKED_WORDS


cdef void _match_all(
    rules *r,
    const double[::1] ious,
    const int64_t[::1] pairs,
    const int64_t[::1] truths,
    const int64_t[::1] predictions,
    bint best_only,
) noexcept nogil:
    cdef group g
    cdef Py_ssize_t i
    cdef double least = r.limits[0]
    for i in range(1, r.n_limits):
        least = r.limits[i] if r.limits[i] < least else least
    for i in range(truths.shape[0] - 1):
        g.truths, g.n_truths = truths[i], truths[i + 1] - truths[i]
        g.predictions, g.n_predictions = predictions[i], predictions[i + 1] - predictions[i]
        g.ious = &ious[pairs[i]] if pairs[i] < pairs[i + 1] else NULL
        if best_only:
            match_group_any(r, &g)
        else:
            match_group(r, &g, least)


def match(
    const double[::1] ious,
    const int64_t[::1] pair_offsets,
    const int64_t[::1] truth_offsets,
    const int64_t[::1] prediction_offsets,
    const double[::1] truth_areas,
    const double[::1] prediction_areas,
    const uint8_t[::1] truth_ignored,
    const uint8_t[::1] truth_reusable,
    const uint8_t[::1] prediction_excused,
    const double[:, ::1] area_ranges,
    const double[::1] limits,
    bint later_wins,
    uint8_t[:, :, ::1] outcomes,
    int32_t[:, :, ::1] matched,
    uint8_t[::1] taken,
    uint8_t[::1] outside,
    int64_t[::1] candidates,
):
    """Write outcomes, and the row of the truth matched where `matched` has a row for each prediction.

    Only overlaps, truths and `matched` may be empty. `limits` are below 1. For the largest group, `taken` holds truths ×
    areas × thresholds, `outside` truths × areas, `candidates` twice the truths; all hold one more.
    """
    cdef rules r
    with nogil:
        r.truth_areas = &truth_areas[0] if truth_areas.shape[0] else NULL
        r.ignored = &truth_ignored[0] if truth_ignored.shape[0] else NULL
        r.reusable = &truth_reusable[0] if truth_reusable.shape[0] else NULL
        r.prediction_areas, r.excused = &prediction_areas[0], &prediction_excused[0]
        r.ranges, r.limits = &area_ranges[0, 0], &limits[0]
        r.n_areas, r.n_limits, r.later_wins = area_ranges.shape[0], limits.shape[0], later_wins
        r.outcomes = &outcomes[0, 0, 0]
        r.matched = &matched[0, 0, 0] if matched.shape[0] else NULL
        r.taken, r.outside, r.candidates = &taken[0], &outside[0], &candidates[0]
        _match_all(&r, ious, pair_offsets, truth_offsets, prediction_offsets, False)


def match_any(
    const double[::1] ious,
    const int64_t[::1] pair_offsets,
    const int64_t[::1] truth_offsets,
    const int64_t[::1] prediction_offsets,
    const double[::1] limits,
    uint8_t[:, :, ::1] outcomes,
    int32_t[:, :, ::1] matched,
    uint8_t[::1] taken,
):
    """Write outcomes and the row of the truth matched; `taken` holds truths × thresholds of the largest group."""
    cdef rules r
    with nogil:
        r.limits, r.n_areas, r.n_limits = &limits[0], 1, limits.shape[0]
        r.outcomes, r.matched, r.taken = &outcomes[0, 0, 0], &matched[0, 0, 0], &taken[0]
        _match_all(&r, ious, pair_offsets, truth_offsets, prediction_offsets, True)


def order(
    const double[::1] scores,
    const int64_t[::1] classes,
    int64_t n_classes,
    int64_t[::1] rows,
    int64_t[::1] offsets,
    int64_t[::1] work,
):
    """Write the order of rows and the offsets of classes; `work` holds twice WORDS integers a row; no row fails."""
    with nogil:
        order_rows(
            &scores[0], &classes[0], scores.shape[0], n_classes, &rows[0], &offsets[0], <ranked *>&work[0]
        )


def most_true(const uint8_t[:, :, ::1] outcomes, const int64_t[::1] class_offsets, int32_t[::1] counts):
    """Return how many true positives the class has that has most, over all areas and thresholds together."""
    cdef int64_t most = 0, found, cells = outcomes.shape[1] * outcomes.shape[2]
    cdef Py_ssize_t k
    with nogil:
        for k in range(class_offsets.shape[0] - 1):
            if class_offsets[k] < class_offsets[k + 1]:
                found = count_true_of(
                    &outcomes[class_offsets[k], 0, 0], class_offsets[k + 1] - class_offsets[k], cells, &counts[0]
                )
                most = max(most, found)
    return most


def curves(
    const uint8_t[:, :, ::1] outcomes,
    const double[::1] scores,
    const int64_t[::1] ranks,
    const int64_t[::1] class_offsets,
    const int64_t[:, ::1] positives,
    const double[::1] levels,
    const int64_t[::1] limits,
    double eps,
    double[:, :, :, :, ::1] precision,
    double[:, :, :, ::1] recall,
    double[:, :, :, :, ::1] score_at,
    int32_t[::1] judged,
    int64_t[:, ::1] places,
    int32_t[:, ::1] lists,
    double[::1] envelope,
):
    """Write precision, recall and scores where there are positives, and nothing elsewhere.

    Only levels may be none. `judged` holds areas × thresholds, `places` two rows of one more, `lists` two rows and
    `envelope` one of what `most_true` says, or one.
    """
    cdef curves_t s
    cdef Py_ssize_t k
    with nogil:
        s.outcomes, s.scores, s.ranks, s.positives = &outcomes[0, 0, 0], &scores[0], &ranks[0], &positives[0, 0]
        s.levels, s.limits = &levels[0] if levels.shape[0] else NULL, &limits[0]
        s.n_classes, s.n_areas = positives.shape[0], positives.shape[1]
        s.n_thresholds, s.n_levels, s.n_limits = outcomes.shape[2], levels.shape[0], limits.shape[0]
        s.eps = eps
        s.recall = &recall[0, 0, 0, 0]
        s.precision = &precision[0, 0, 0, 0, 0] if levels.shape[0] else NULL
        s.score_at = &score_at[0, 0, 0, 0, 0] if levels.shape[0] else NULL
        s.judged, s.begins, s.ends = &judged[0], &places[0, 0], &places[1, 0]
        s.judged_by, s.rows, s.envelope, s.room = &lists[0, 0], &lists[1, 0], &envelope[0], lists.shape[1]
        for k in range(class_offsets.shape[0] - 1):
            trace(&s, k, class_offsets[k], class_offsets[k + 1])
