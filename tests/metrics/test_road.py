"""KITTI road: the metrics of the sweep against a literal transcription, and its traps one by one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.labels import LabelSpace
from segbench.metrics.base import Metric
from segbench.metrics.road import (
    GRID,
    METRICS,
    FnrWp,
    FprWp,
    InterpolatedPrecision,
    MaxF,
    PrecisionWp,
    RecallWp,
    RoadMetric,
    Sweep,
)
from segbench.samples import Sample
from tests.metrics.level_cases import VOID, cases, counted, pixels_of, random_levels, scored, table_of

Pair = tuple[NDArray[np.bool_], NDArray[np.uint8]]


# The rule, written down from the protocol alone: one step a line, nothing shared with the package.


def counts_of_an_image(road: NDArray[np.bool_], levels: NDArray[np.uint8]) -> tuple[Any, Any, int, int]:
    """FN[k] = #{road: v < k} and FP[k] = #{not road: v >= k} at the thresholds k / 255, over valid pixels."""
    p = levels / 255.0
    thresholds = np.arange(256) / 255.0
    fn = np.array([np.sum(p[road] < t) for t in thresholds])
    fp = np.array([np.sum(p[~road] >= t) for t in thresholds])
    return fn, fp, int(np.sum(road)), int(np.sum(~road))


def transcription(pairs: list[Pair]) -> dict[str, Any]:
    """All columns over the images of a category, each image its valid pixels."""
    total_fn, total_fp = np.zeros(256), np.zeros(256)
    n_road = n_other = 0
    for road, levels in pairs:
        fn, fp, road_pixels, other_pixels = counts_of_an_image(road, levels)
        total_fn += fn
        total_fp += fp
        n_road += road_pixels
        n_other += other_pixels
    tp = n_road - total_fn
    rec = tp / float(n_road)
    pre = tp / (tp + total_fp + 1e-10)
    f = 2 * pre * rec / (pre + rec + 1e-10)
    k = int(f.argmax())  # the first of equals: the lowest
    total, n = 0.0, 0
    for r in np.arange(0, 1.1, 0.1):
        total += max(pre[rec >= r])
        n += 1
    return {
        "max_f": f[k],
        "interpolated_precision": total / n,
        "precision_wp": pre[k],
        "recall_wp": rec[k],
        "fpr_wp": total_fp[k] / float(n_other) if n_other else math.nan,
        "fnr_wp": total_fn[k] / float(n_road),
        "k": k,
        "counts": (tp[k], total_fp[k], n_other - total_fp[k], total_fn[k]),
    }


def valid(samples: list[Sample]) -> list[Pair]:
    return [pixels_of([(s.truth, s.prediction)]) for s in samples]


@pytest.mark.parametrize("cls", METRICS)
def test_every_column_is_the_transcription_to_the_last_bit(cls: type[RoadMetric]) -> None:
    n_defined = 0
    for case in cases(300):
        value = scored(cls(), case.samples).value
        if not case.pixels[0].any():
            assert math.isnan(value), f"seed {case.seed}"
            continue
        expected = float(transcription(valid(case.samples))[cls.name])
        assert value.hex() == expected.hex(), f"seed {case.seed}: {value!r}, {expected!r}"
        n_defined += 1
    assert 150 < n_defined < 300


def test_the_working_point_is_the_first_maximum() -> None:
    n_ties = 0
    for case in (case for case in cases(300) if case.pixels[0].any()):
        sweep = Sweep(table_of(*case.pixels))
        expected = transcription(valid(case.samples))
        assert sweep.best == expected["k"], f"seed {case.seed}"
        n_ties += int((sweep.f == sweep.f.max()).sum()) > 1
    assert n_ties > 100


def test_it_is_pooled_over_images() -> None:
    # Images are added before anything is divided: their mean would be another number.
    for case in (case for case in cases(60) if len(case.pairs) > 1 and case.has_both):
        whole = scored(MaxF(), case.samples).value
        joined = Sample(
            ("a",), *(np.concatenate([m.ravel() for m in maps])[None] for maps in zip(*case.pairs, strict=True))
        )
        assert scored(MaxF(), [joined]).value == whole, f"seed {case.seed}"


# The traps.


def of_levels(road: list[int], other: list[int]) -> NDArray[np.int64]:
    return np.stack([np.bincount(v, minlength=256) for v in (np.array(other, int), np.array(road, int))])


def test_one_road_pixel_a_level() -> None:
    # FN[k] = k, as many road pixels as there are lower levels.
    sweep = Sweep(of_levels(list(range(256)), [3, 200]))
    assert (256 - sweep.at_or_above[1]).tolist() == list(range(256))
    assert sweep.at_or_above[0].tolist() == [2] * 4 + [1] * 197 + [0] * 55


def test_ties_go_to_the_lowest_threshold() -> None:
    # Every k in 1…200 separates perfectly.
    table = of_levels([200, 255], [0])
    assert Sweep(table).best == 1
    assert (RecallWp().value(table), FprWp().value(table), FnrWp().value(table)) == (1.0, 0.0, 0.0)


def test_the_working_point_may_call_everything_road() -> None:
    # One road pixel below the others: F at 0 is 2·1 / (3 + 1), above 0 it is 0.
    table = of_levels([0], [10, 20])
    assert Sweep(table).best == 0
    assert (RecallWp().value(table), FprWp().value(table)) == (1.0, 1.0)


def test_a_small_number_in_the_divisors_keeps_below_one() -> None:
    table = of_levels([255], [0])
    precision = 1 / (1 + 1e-10)
    assert PrecisionWp().value(table) == InterpolatedPrecision().value(table) == precision < 1
    assert MaxF().value(table) == 2 * (precision * 1.0) / (precision + 1.0 + 1e-10) < 1


def test_the_grid_has_eleven_recalls_and_three_are_above_tenths() -> None:
    assert len(GRID) == 11 and GRID[-1] == 1.0
    assert [n for n in range(11) if GRID[n] != n / 10] == [3, 6, 7]
    assert all(GRID[n] == math.nextafter(n / 10, 2) for n in (3, 6, 7))


@pytest.mark.parametrize(("tenths", "reached"), [(2, 3), (3, 3), (4, 5), (6, 6), (7, 7), (8, 9)])
def test_a_recall_of_exactly_three_tenths_does_not_reach_the_grid(tenths: int, reached: int) -> None:
    # Ten road pixels: some at the top with precision 1, the others behind 90 false ones with precision 10 / 100.
    table = of_levels([255] * tenths + [5] * (10 - tenths), [100] * 90)
    # 0, 0.1, … up to the recall where it is on the grid: that many points have precision 1.
    top, bottom = tenths / (tenths + 1e-10), 10 / (100 + 1e-10)
    total = 0.0
    for i in range(11):
        total += top if i < reached else bottom
    assert InterpolatedPrecision().value(table) == total / 11


def test_without_road_nothing_is_defined_and_without_others_one_rate_is_not() -> None:
    assert all(math.isnan(cls().value(of_levels([], [1, 2, 255]))) for cls in METRICS)
    only_road = {cls.name: cls().value(of_levels([10, 20], [])) for cls in METRICS}
    assert math.isnan(only_road.pop("fpr_wp"))
    assert only_road.pop("fnr_wp") == 0.0 and all(value > 1 - 1e-9 for value in only_road.values())


def test_pixels_that_are_not_valid_do_not_count() -> None:
    truth = np.array([[9, 4, VOID, VOID]])
    for levels in ([200, 10, 0, 255], [200, 10, 255, 0]):
        found = transcription([(np.array([True, False]), np.array([200, 10], np.uint8))])
        sample = Sample(("a",), truth, np.array([levels], np.uint8))
        assert {cls.name: scored(cls(), [sample]).value for cls in METRICS} == {
            cls.name: found[cls.name] for cls in METRICS
        }


@pytest.mark.parametrize("cls", [PrecisionWp, RecallWp, FprWp, FnrWp])
def test_single_precision_would_say_the_same_to_seven_digits(cls: type[Metric[Any]]) -> None:
    """The development kit prints the working point by float32 counts, and precision there without 1e-10."""
    for case in (case for case in cases(100) if case.has_both):
        tp, fp, tn, fn = (np.float32(n) for n in transcription(valid(case.samples))["counts"])
        theirs = {PrecisionWp: tp / (tp + fp), RecallWp: tp / (tp + fn), FprWp: fp / (fp + tn), FnrWp: fn / (tp + fn)}[
            cls
        ]
        # One rounding to 24 bits, and at most 1e-10 / 1 of a precision.
        assert math.isclose(scored(cls(), case.samples).value, float(theirs), rel_tol=2**-24 + 1e-10)


def test_a_category_of_the_size_of_the_benchmark() -> None:
    # Ninety-six road scenes in bird's-eye view, here four: 800 × 400 pixels each, with what lies out of view void.
    rng = np.random.default_rng(5)
    samples = []
    for i in range(4):
        road = np.zeros((800, 400), bool)
        road[:, 120 + 10 * i : 300] = True
        truth = np.where(road, 1, 0).astype(np.uint8)
        truth[600:, :100] = 255
        samples.append(Sample((str(i),), truth, random_levels(rng, road)))
    space = LabelSpace.of(2, void=255)
    expected = transcription([((s.truth == 1)[s.truth != 255], s.prediction[s.truth != 255]) for s in samples])
    for cls in METRICS:
        state = counted(cls(), samples, space)
        assert cls().compute(state, space).value == expected[cls.name]
