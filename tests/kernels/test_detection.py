"""The kernels on detections against their twins, and cases worked out by hand."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segbench.errors import BadParameter, KernelsNotBuilt, ResourceError
from segbench.kernels import averages, detection, outcomes, reference_detection
from tests.kernels.comparisons import hold
from tests.kernels.detections import COCO_RANGES, COCO_THRESHOLDS, DETECTION_CASES, RECALLS
from tests.kernels.turns import others_run_during

KERNELS = {name: getattr(detection, name) for name in DETECTION_CASES}
TWINS = {name: getattr(reference_detection, name) for name in DETECTION_CASES}


def test_every_kernel_has_a_twin_of_the_same_signature():
    own = {
        name
        for module in (detection, averages)
        for name, value in inspect.getmembers(module, inspect.isfunction)
        if value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert own == set(DETECTION_CASES)
    for name, kernel in KERNELS.items():
        assert inspect.signature(kernel) == inspect.signature(TWINS[name])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_random_cases(name, seed):
    for case in itertools.islice(DETECTION_CASES[name](np.random.default_rng(seed)), 500):
        KERNELS[name](**case)
        hold(KERNELS[name], TWINS[name], case)


def test_the_cases_reach_every_outcome():
    cases = list(itertools.islice(DETECTION_CASES["match"](np.random.default_rng(0)), 500))
    found = [detection.match(**case) for case in cases]
    counts = np.bincount(np.concatenate([f.outcomes.ravel() for f in found]), minlength=3)
    assert len(counts) == 3 and counts.min() > 3000
    # Crowds that several predictions take, in one area range and threshold.
    assert sum(repeated(f.matched) for f in found) > 30
    # Equal overlaps that decide which truth is taken.
    earlier = [detection.match(**{**case, "with_truths": True, "later_wins": False}).matched for case in cases]
    later = [detection.match(**{**case, "with_truths": True, "later_wins": True}).matched for case in cases]
    assert sum((one != other).any() for one, other in zip(earlier, later, strict=True)) > 40


def repeated(matched):
    cells = matched.reshape(len(matched), int(np.prod(matched.shape[1:]))).T
    return any(len(set(cell[cell >= 0])) < (cell >= 0).sum() for cell in cells)


GROUP = {"pair_offsets": [0, 1], "truth_offsets": [0, 1], "prediction_offsets": [0, 1]}
ONE_PAIR = GROUP | {
    "ious": [0.5],
    "truth_areas": [2000.0],
    "prediction_areas": [2000.0],
    "truth_ignored": [False],
    "truth_reusable": [False],
    "prediction_excused": [False],
    "area_ranges": COCO_RANGES,
    "thresholds": COCO_THRESHOLDS,
}


def test_an_overlap_at_the_threshold_is_enough():
    found = detection.match(**ONE_PAIR)
    assert found.outcomes[0, 0].tolist() == [1] + [0] * 9
    # Neither small nor large: the truth is ignored there, and the prediction lies outside.
    assert found.outcomes[0, [1, 3]].tolist() == [[2] * 10] * 2
    assert found.matched[0, 0].tolist() == [0] + [-1] * 9


@pytest.mark.parametrize(("area", "inside"), [(1024, [1, 2]), (9216, [2, 3]), (1023.5, [1]), (9216.5, [3])])
def test_limits_of_areas_are_included(area, inside):
    case = ONE_PAIR | {"truth_areas": [area], "prediction_areas": [area], "thresholds": [0.5]}
    outcomes = detection.match(**case).outcomes[0, :, 0].tolist()
    assert [a for a in range(1, 4) if outcomes[a] == 1] == inside and outcomes[0] == 1


def test_nearly_one_is_one():
    case = ONE_PAIR | {"thresholds": [1.0, 2.0], "area_ranges": COCO_RANGES[:1]}
    assert detection.match(**case | {"ious": [1 - 1e-10]}).outcomes.ravel().tolist() == [1, 1]
    assert detection.match(**case | {"ious": [np.nextafter(1 - 1e-10, 0)]}).outcomes.ravel().tolist() == [0, 0]


def matched_row(ious, **changes):
    """Whom one prediction takes of several truths."""
    n = len(ious)
    case = ONE_PAIR | {"ious": ious, "pair_offsets": [0, n], "truth_offsets": [0, n], "truth_areas": [2000.0] * n}
    case |= {"truth_ignored": [False] * n, "truth_reusable": [False] * n, "thresholds": [0.5]}
    return detection.match(**case | changes).matched[0, 0, 0]


def test_of_equal_overlaps_the_later_truth_wins():
    assert matched_row([0.7, 0.7, 0.6]) == 1
    assert matched_row([0.7, 0.7, 0.6], later_wins=False) == 0


def test_whoever_counts_is_preferred():
    assert matched_row([0.9, 0.6], truth_ignored=[True, False]) == 1
    assert matched_row([0.9, 0.4], truth_ignored=[True, False]) == 0


def test_the_best_truth_is_meant_whether_taken_or_not():
    case = {"pair_offsets": [0, 4], "truth_offsets": [0, 2], "prediction_offsets": [0, 2], "thresholds": [0.5]}
    case |= {"ious": [0.9, 0.6, 0.8, 0.7]}
    assert detection.match_any(**case).outcomes.ravel().tolist() == [1, 0]
    assert detection.match_any(**case).matched.ravel().tolist() == [0, -1]
    rest = dict.fromkeys(("truth_ignored", "truth_reusable", "prediction_excused"), [False] * 2)
    rest |= {"truth_areas": [1, 1], "prediction_areas": [1, 1], "area_ranges": COCO_RANGES[:1]}
    assert detection.match(**case, **rest).matched.ravel().tolist() == [0, 1]


def curve(found, positives, eps=True):
    n = len(found)
    precision, recall, score_at = detection.precision_recall(
        outcomes=np.array(found, np.uint8).reshape(n, 1, 1),
        scores=np.linspace(1, 0.5, n),
        ranks=np.zeros(n, np.int64),
        class_offsets=[0, n],
        positives=[[positives]],
        recall_thresholds=RECALLS,
        max_detections=[100],
        eps=eps,
    )
    return precision[0, :, 0, 0, 0], recall.item(), score_at[0, :, 0, 0, 0]


def ap(found, positives, eps=True):
    """The mean over ten thresholds with the same outcomes."""
    return np.mean(np.stack([curve(found, positives, eps)[0]] * 10))


def test_averages_of_the_protocol_page():
    # A right one, another detection of the same truth, a right one: 51 recalls at 1 and 50 at 2/3.
    assert ap([1, 0, 1], 2) == 0.8349834983498348
    assert ap([1], 1) == 0.9999999999999998
    assert ap([1], 1, eps=False) == 1.0
    # One of two is found: recalls up to 0.50 are reached.
    assert curve([1], 2)[1] == 0.5 and (curve([1], 2)[0] > 0).sum() == 51
    # A recall of exactly 7/20 does not reach the level 0.35, which is one ulp above.
    assert (curve([1] * 7, 20)[0] > 0).sum() == 35
    assert (curve([0, 2], 1)[0] == 0).all() and curve([], 1)[1] == 0.0
    assert (curve([], 0)[0] == -1).all() and curve([1], 0)[1] == -1


def test_scores_are_those_of_the_first_row_that_reaches_the_recall():
    scores = curve([2, 0, 1, 1], 4)[2]
    first, second, third, fourth = np.linspace(1, 0.5, 4)
    assert scores[0] == first and set(scores[1:26]) == {third} and set(scores[26:51]) == {fourth}
    assert set(scores[51:]) == {0.0}


def test_eleven_points_and_the_area():
    case = {"class_offsets": [0, 3], "positives": [[2]], "outcomes": np.array([1, 0, 1], np.uint8).reshape(3, 1, 1)}
    # Recalls 0, .1 … .5 have precision 1, the others 2/3.
    assert detection.average_precision_11(**case).item() == pytest.approx((6 + 5 * 2 / 3) / 11, abs=1e-15)
    assert detection.average_precision_area(**case).item() == 0.5 + 0.5 * (2 / 3)


doubles = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 0.5, 5e-324, -5e-324])


@settings(max_examples=300)
@given(rows=st.lists(st.tuples(doubles, st.integers(0, 3)), max_size=120))
def test_order_is_that_of_sorted(rows):
    scores, classes = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows], np.int64)
    found, offsets = detection.order(scores, classes, 4)
    assert found.tolist() == sorted(range(len(rows)), key=lambda i: (rows[i][1], -rows[i][0]))
    assert offsets.tolist() == [0, *np.cumsum(np.bincount(classes, minlength=4)).tolist()]


def test_many_rows_are_in_order():
    rng = np.random.default_rng(0)
    for n, classes, digits in ((100_000, 3, 17), (100_000, 80, 3), (50_000, 30_000, 6), (70_000, 1, 0)):
        keys, labels = rng.normal(size=n).round(digits), rng.integers(0, classes, n)
        assert np.array_equal(detection.order(keys, labels, classes)[0], np.lexsort((-keys, labels)))


CURVES = {
    "outcomes": np.ones((1, 1, 1), np.uint8),
    "class_offsets": [0, 1],
    "positives": [[1]],
}
GOOD = {
    "match": ONE_PAIR,
    "match_any": GROUP | {"ious": [0.5], "thresholds": [0.5]},
    "order": {"scores": [0.5], "classes": [0], "n_classes": 1},
    "precision_recall": CURVES | {"scores": [1.0], "ranks": [0], "recall_thresholds": RECALLS, "max_detections": [100]},
    "average_precision_11": CURVES,
    "average_precision_area": CURVES,
}
BAD_GROUPS = [
    {"ious": []},
    {"ious": [[0.5]]},
    {"pair_offsets": [0, 2]},
    {"pair_offsets": [0]},
    {"truth_offsets": [0, 2]},
    {"prediction_offsets": [0, 0, 1]},
    {"prediction_offsets": []},
    {"thresholds": [np.nan]},
    {"thresholds": 0.5},
]
CURVE_KERNELS = ("precision_recall", "average_precision_11", "average_precision_area")
BAD_CURVES = [
    {"outcomes": np.full((1, 1, 1), 3, np.uint8)},
    {"outcomes": np.ones((1, 1, 1))},
    {"outcomes": np.ones((1, 1), np.uint8)},
    {"class_offsets": [0, 2]},
    {"positives": [[-1]]},
    {"positives": [[1, 1]]},
    {"positives": [1]},
]
BAD = [
    *((name, change) for name in ("match", "match_any") for change in BAD_GROUPS),
    *((name, change) for name in CURVE_KERNELS for change in BAD_CURVES),
    *(("match", {name: [False, False]}) for name in ("truth_ignored", "truth_reusable", "prediction_excused")),
    ("match", {"area_ranges": [[0, 1, 2]]}),
    ("match", {"truth_areas": []}),
    ("match", {"prediction_areas": [1, 2]}),
    ("order", {"scores": [np.nan]}),
    ("order", {"scores": ["1"]}),
    ("order", {"classes": [1]}),
    ("order", {"classes": [-1]}),
    ("order", {"classes": [0.0]}),
    ("order", {"classes": [0, 0]}),
    ("order", {"n_classes": 0}),
    ("order", {"n_classes": -1}),
    ("order", {"n_classes": 1.0}),
    ("precision_recall", {"scores": []}),
    ("precision_recall", {"ranks": [0.5]}),
    ("precision_recall", {"max_detections": 100}),
    ("precision_recall", {"recall_thresholds": [[0.5]]}),
]


@pytest.mark.parametrize(("name", "change"), BAD)
def test_errors(name, change):
    case = GOOD[name] | change
    KERNELS[name](**GOOD[name])
    with pytest.raises(BadParameter):
        KERNELS[name](**case)
    hold(KERNELS[name], TWINS[name], case)


def test_more_rows_than_numbers():
    huge = np.broadcast_to(np.uint8(0), (2**31, 0, 1))
    with pytest.raises(ResourceError):
        outcomes.as_curves(huge, [0, 2**31], np.zeros((1, 0), np.int64))


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_nothing_at_all(name):
    for shape in ((0, 1, 1), (2, 0, 1), (2, 1, 0), (0, 0, 0)):
        if "outcomes" in GOOD[name]:
            n = shape[0]
            case = GOOD[name] | {"outcomes": np.ones(shape, np.uint8), "class_offsets": [0, n]}
            case |= {"positives": np.ones((1, shape[1]), np.int64)}
            if name == "precision_recall":
                case |= {"scores": np.ones(n), "ranks": np.zeros(n, np.int64)}
            hold(KERNELS[name], TWINS[name], case)
    for change in ({"recall_thresholds": []}, {"max_detections": np.zeros(0, np.int64)}):
        if name == "precision_recall":
            assert KERNELS[name](**GOOD[name] | change)[0].size == 0
            hold(KERNELS[name], TWINS[name], GOOD[name] | change)
    for change in ({"thresholds": []}, {"area_ranges": np.zeros((0, 2))}):
        if name == "match":
            hold(KERNELS[name], TWINS[name], GOOD[name] | change)


def test_a_group_of_one_side_alone():
    case = ONE_PAIR | {"ious": [], "pair_offsets": [0, 0, 0], "truth_offsets": [0, 1, 1]}
    case |= {"prediction_offsets": [0, 0, 1], "thresholds": [0.0], "area_ranges": COCO_RANGES[:1]}
    assert detection.match(**case).outcomes.ravel().tolist() == [0]


def test_other_threads_run_during_the_loops():
    rng = np.random.default_rng(0)
    truths, predictions = 600, 6000
    ends = {"pair_offsets": [0, truths * predictions], "truth_offsets": [0, truths]}
    ends |= {"prediction_offsets": [0, predictions], "ious": rng.random(truths * predictions)}
    case = ends | {"truth_areas": np.ones(truths), "prediction_areas": np.ones(predictions)}
    case |= {"truth_ignored": np.zeros(truths, bool), "truth_reusable": np.ones(truths, bool)}
    case |= {"prediction_excused": np.zeros(predictions, bool), "area_ranges": COCO_RANGES[:1]}
    assert others_run_during(lambda: detection.match(**case, thresholds=[0.5, 0.9]))
    assert others_run_during(lambda: detection.match_any(**ends, thresholds=[0.5]), turns=2)
    n = 2_000_000
    scores, classes = rng.random(n), rng.integers(0, 3, n)
    assert others_run_during(lambda: detection.order(scores, classes, 3))
    curves = {"outcomes": rng.integers(0, 3, (n, 1, 10)).astype(np.uint8), "scores": scores}
    curves |= {"ranks": np.zeros(n, np.int64), "class_offsets": [0, n], "positives": [[n]]}
    levels = {"recall_thresholds": RECALLS, "max_detections": [1]}
    assert others_run_during(lambda: detection.precision_recall(**curves, **levels))


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._detection", None)
    spec = importlib.util.spec_from_file_location("detection_without_build", detection.__file__)
    with pytest.raises(KernelsNotBuilt, match=r"pip install .*in the checkout"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_a_wide_group_takes_no_longer_than_its_pairs():
    # Two million pairs, none of which reaches a threshold.
    ends = {"pair_offsets": [0, 2_000_000], "truth_offsets": [0, 1000], "prediction_offsets": [0, 2000]}
    flags = {"truth_ignored": np.zeros(1000, bool), "truth_reusable": np.zeros(1000, bool)}
    areas = {"truth_areas": np.ones(1000), "prediction_areas": np.ones(2000)}
    begin = time.process_time()
    detection.match(
        ious=np.zeros(2_000_000),
        prediction_excused=np.zeros(2000, bool),
        area_ranges=COCO_RANGES,
        thresholds=COCO_THRESHOLDS,
        **ends,
        **flags,
        **areas,
    )
    assert time.process_time() - begin < 1
