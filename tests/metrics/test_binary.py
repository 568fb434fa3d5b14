"""Metrics on probability maps against scikit-learn, exact fractions, and the region metrics of the same masks.

scikit-learn adds rounded terms (trapezes under the ROC curve, steps under the precision-recall curve) and divides by
rounded roots: there 1e-14 is allowed. Where it divides two counts once, both are equal to the last bit.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from decimal import Decimal, getcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn import metrics as sklearn_metrics

from segbench.errors import BadParameter
from segbench.labels import LabelSpace
from segbench.metrics.base import Metric
from segbench.metrics.binary import (
    F1,
    METRICS,
    Accuracy,
    Auc,
    AveragePrecision,
    Mcc,
    Sensitivity,
    Specificity,
    ThresholdMetric,
    lowest_positive,
    root,
)
from segbench.metrics.curves import roc
from segbench.metrics.region import MeanDice, MeanRecall, PixelAccuracy
from segbench.metrics.table import parse_metric
from segbench.samples import Sample
from tests.metrics.level_cases import Case, cases, scored, table_of

Pixels = tuple[NDArray[np.bool_], NDArray[np.uint8]]
N_CASES = 400
ROUNDED = 1e-14

#: What scikit-learn says of positive pixels and their levels.
AREAS: dict[type[Metric[Any]], Callable[..., float]] = {
    Auc: sklearn_metrics.roc_auc_score,
    AveragePrecision: sklearn_metrics.average_precision_score,
}
AT_THRESHOLD: dict[type[ThresholdMetric], Callable[..., float]] = {
    F1: sklearn_metrics.f1_score,
    Accuracy: sklearn_metrics.accuracy_score,
    Sensitivity: sklearn_metrics.recall_score,
    Specificity: lambda true, predicted: sklearn_metrics.recall_score(true, predicted, pos_label=0),
    Mcc: sklearn_metrics.matthews_corrcoef,
}


def quietly(function: Callable[..., float], *args: Any) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(function(*args))


def is_defined(cls: type[Metric[Any]], true: NDArray[np.bool_], called: NDArray[np.bool_]) -> bool:
    """Whether the formula of a metric divides by more than zero."""
    if cls is Auc:
        return bool(true.any() and not true.all())
    if cls is Mcc:
        return bool(true.any() and not true.all() and called.any() and not called.all())
    needed = {F1: true | called, Accuracy: np.ones_like(true), Specificity: ~true}
    return bool(needed.get(cls, true).any())


# Against scikit-learn.


@pytest.mark.parametrize("cls", AREAS)
def test_areas_equal_scikit_learn(cls: type[Metric[Any]]) -> None:
    n_defined = 0
    for case in cases(N_CASES):
        positive, levels = case.pixels
        value = scored(cls(), case.samples).value
        if is_defined(cls, positive, positive):
            expected = quietly(AREAS[cls], positive, levels / 255)
            assert math.isclose(value, expected, rel_tol=ROUNDED, abs_tol=0.0), f"seed {case.seed}"
            n_defined += 1
        else:
            assert math.isnan(value), f"seed {case.seed}"
    assert 200 < n_defined < N_CASES


@pytest.mark.parametrize("cls", AT_THRESHOLD)
def test_values_at_a_threshold_equal_scikit_learn(cls: type[ThresholdMetric]) -> None:
    n_defined = 0
    for case in cases(N_CASES):
        positive, levels = case.pixels
        for threshold in (0.5, 0.2, 0.49803921568627, 1.0):
            called = levels / 255 >= threshold
            value = scored(cls(threshold=threshold), case.samples).value
            where = f"seed {case.seed}, {threshold}"
            if not is_defined(cls, positive, called):
                assert math.isnan(value), where
                continue
            expected = quietly(AT_THRESHOLD[cls], positive, called)
            if cls is Mcc:
                # Its sums cancel: the error is absolute.
                assert math.isclose(value, expected, rel_tol=ROUNDED, abs_tol=ROUNDED), where
            else:
                assert value == expected, where
            n_defined += 1
    assert 600 < n_defined < 4 * N_CASES  # mcc is undefined most often, where a mask is one-sided


@pytest.mark.parametrize("cls", METRICS)
def test_means_over_images_equal_scikit_learn(cls: type[Metric[Any]]) -> None:
    for case in cases(100):
        expected = []
        for truth, levels in Case(case.seed, case.pairs).pairs:
            positive, levels = Case(case.seed, [(truth, levels)]).pixels
            called = levels >= 128
            if is_defined(cls, positive, called):
                scores = levels / 255 if cls in AREAS else called
                expected.append(quietly({**AREAS, **AT_THRESHOLD}[cls], positive, scores))
        value = scored(cls(pool="image"), case.samples).value  # type: ignore[call-arg]
        if expected:
            mean = math.fsum(expected) / len(expected)
            assert math.isclose(value, mean, rel_tol=ROUNDED, abs_tol=ROUNDED), f"seed {case.seed}"
        else:
            assert math.isnan(value), f"seed {case.seed}"


# Where scikit-learn says something else: undefined is undefined here.

NOTHING, ALL = np.zeros(6, bool), np.ones(6, bool)
SOME = np.array([0, 1, 1, 0, 1, 0], bool)


@pytest.mark.parametrize(
    ("cls", "truth", "prediction", "theirs"),
    [
        (Auc, ALL, SOME, math.nan),
        (Auc, NOTHING, SOME, math.nan),
        (AveragePrecision, NOTHING, SOME, 0.0),
        (F1, NOTHING, NOTHING, 0.0),
        (Sensitivity, NOTHING, SOME, 0.0),
        (Specificity, ALL, SOME, 0.0),
        (Mcc, NOTHING, SOME, 0.0),
        (Mcc, ALL, SOME, 0.0),
        (Mcc, SOME, NOTHING, 0.0),
        (Mcc, SOME, ALL, 0.0),
        (Mcc, ALL, ALL, 0.0),
    ],
)
def test_what_is_undefined_is_nan_where_scikit_learn_has_a_number(
    cls: type[Metric[Any]], truth: NDArray[np.bool_], prediction: NDArray[np.bool_], theirs: float
) -> None:
    found = quietly({**AREAS, **AT_THRESHOLD}[cls], truth, prediction)
    assert found == theirs or (math.isnan(found) and math.isnan(theirs))
    sample = Sample(("a",), truth[np.newaxis].astype(np.uint8), prediction[np.newaxis])
    for pool in ("dataset", "image"):
        assert math.isnan(scored(cls(pool=pool), [sample], LabelSpace.of(2)).value)  # type: ignore[call-arg]


@pytest.mark.parametrize("cls", METRICS)
def test_nothing_counted_is_undefined_where_scikit_learn_raises_or_has_a_number(cls: type[Metric[Any]]) -> None:
    sample = Sample(("a",), np.full((2, 2), 255), np.zeros((2, 2), np.uint8))
    assert math.isnan(scored(cls(), [sample], LabelSpace.of(2, void=255)).value)
    if cls is Accuracy:
        with pytest.raises(ValueError, match="empty"):
            sklearn_metrics.accuracy_score([], [])


def test_one_sided_images_that_are_defined_agree() -> None:
    positive = Sample(("a",), np.ones((1, 6), np.uint8), SOME[np.newaxis])
    for cls, expected in ((AveragePrecision, 1.0), (F1, 2 * 3 / (6 + 3)), (Accuracy, 0.5), (Sensitivity, 0.5)):
        assert scored(cls(), [positive], LabelSpace.of(2)).value == expected
        assert quietly({**AREAS, **AT_THRESHOLD}[cls], ALL, SOME) == expected


# Exactly.


def exact_auc(positive: NDArray[np.bool_], levels: NDArray[np.uint8]) -> Fraction:
    """Of all pairs the share in order, pair by pair."""
    high, low = levels[positive].astype(int)[:, np.newaxis], levels[~positive].astype(int)
    return Fraction(int((2 * (high > low) + (high == low)).sum()), 2 * high.size * low.size)


def exact_average_precision(positive: NDArray[np.bool_], levels: NDArray[np.uint8]) -> Fraction:
    """The mean over positive pixels of the precision among pixels of their level or more."""
    total = Fraction(0)
    for level, n in zip(*np.unique(levels[positive], return_counts=True), strict=True):
        called = positive[levels >= level]
        total += int(n) * Fraction(int(called.sum()), len(called))
    return total / int(positive.sum())


def test_areas_are_exact() -> None:
    n_auc = 0
    for case in cases(N_CASES):
        positive, levels = case.pixels
        if case.has_both and len(levels) < 3000:
            assert scored(Auc(), case.samples).value == float(exact_auc(positive, levels)), f"seed {case.seed}"
            n_auc += 1
        if positive.any():
            value, exact = scored(AveragePrecision(), case.samples).value, exact_average_precision(positive, levels)
            # Each term is rounded once, their exact sum once, and the division once.
            assert abs(Fraction(value) - exact) <= 2 * Fraction(math.ulp(float(exact))), f"seed {case.seed}"
            assert value <= 1.0
    assert n_auc > 150


def test_mcc_is_rounded_once() -> None:
    getcontext().prec = 120
    n_irrational = 0
    for case in cases(N_CASES):
        positive, levels = case.pixels
        called = levels >= 128
        if not is_defined(Mcc, positive, called):
            continue
        tp, fp = int((positive & called).sum()), int((~positive & called).sum())
        fn, tn = int((positive & ~called).sum()), int((~positive & ~called).sum())
        below = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        expected = Decimal(tp * tn - fp * fn) / Decimal(below).sqrt()
        assert scored(Mcc(), case.samples).value == float(expected), f"seed {case.seed}"
        n_irrational += math.isqrt(below) ** 2 != below
    assert n_irrational > 100


@pytest.mark.parametrize(
    ("tp", "fn", "fp", "tn"), [(2**50, 3, 5, 2**50), (10**15, 10**15, 10**15, 10**15 + 1), (1, 2**52, 2**52, 1)]
)
def test_large_counts_stay_exact(tp: int, fn: int, fp: int, tn: int) -> None:
    table = np.zeros((2, 256), np.int64)
    table[1, 255], table[1, 0], table[0, 255], table[0, 0] = tp, fn, fp, tn
    getcontext().prec = 120
    root = Decimal((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)).sqrt()
    assert Mcc().value(table) == float(Decimal(tp * tn - fp * fn) / root)
    assert F1().value(table) == float(Fraction(2 * tp, 2 * tp + fp + fn))
    pairs = Fraction(2 * tp * tn + tp * fp + fn * tn, 2 * (tp + fn) * (fp + tn))
    assert Auc().value(table) == float(pairs)


@pytest.mark.parametrize("shift", [0, 1, 40, 200])
@pytest.mark.parametrize("scale", [0, 60])
def test_a_root_beside_a_tie_is_rounded_the_right_way(shift: int, scale: int) -> None:
    # (2**53 + 1) / 2**54 is half way between 0.5 and the next double; squared it is a little more or less, or tied.
    tie, whole = (2**53 + 1) ** 2 << shift, 1 << 108 + shift + 2 * scale
    low, high = math.ldexp(0.5, -scale), math.ldexp(math.nextafter(0.5, 1), -scale)
    assert [root(tie + step, whole) for step in (-1, 0, 1)] == [low, low, high]


def test_mcc_of_plus_and_minus_one() -> None:
    truth = np.array([[0, 1, 1, 0, 1]], np.uint8)
    for levels, expected in ((truth * 255, 1.0), (255 - truth * 255, -1.0)):
        assert scored(Mcc(), [Sample(("a",), truth, levels.astype(np.uint8))], LabelSpace.of(2)).value == expected


def test_the_same_mask_scores_the_same_as_a_label_map() -> None:
    space = LabelSpace.of(2, void=255)
    for case in cases(150):
        positive, levels = case.pixels
        if not case.has_both:
            continue
        truth, mask = positive.astype(np.uint8)[np.newaxis], (levels >= 128).astype(np.uint8)[np.newaxis]
        as_levels = [Sample(("a",), truth, levels[np.newaxis])]
        as_labels = Sample(("a",), truth, mask)

        def region(metric: Metric[Any], sample: Sample = as_labels) -> Any:
            tally = metric.tally((metric,), space)
            state = tally.start()
            tally.count_into(state, [sample])
            return metric.compute(state, space)

        assert scored(F1(), as_levels, space).value == region(MeanDice()).per_class["1"]
        assert scored(Accuracy(), as_levels, space).value == region(PixelAccuracy()).value
        recalls = region(MeanRecall()).per_class
        assert scored(Specificity(), as_levels, space).value == recalls["0"]
        assert scored(Sensitivity(), as_levels, space).value == recalls["1"]


def test_areas_depend_on_the_order_of_levels_only() -> None:
    for case in cases(100):
        positive, levels = case.pixels
        if not case.has_both or len(np.unique(levels)) > 100:
            continue
        values, rank = np.unique(levels, return_inverse=True)
        other = np.sort(np.random.default_rng(case.seed).choice(256, len(values), replace=False))[rank]
        for cls in (Auc, AveragePrecision):
            assert cls().value(table_of(positive, levels)) == cls().value(table_of(positive, other.astype(np.uint8)))


# The threshold.


@pytest.mark.parametrize(
    ("threshold", "lowest"),
    [(0.5, 128), (0.2, 51), (0.4, 102), (0.6, 153), (0.8, 204), (1.0, 255), (1, 255), (0.1, 26), (1e-300, 1)],
)
def test_the_lowest_positive_level(threshold: float, lowest: int) -> None:
    assert lowest_positive(threshold) == lowest
    table = np.zeros((2, 256), np.int64)
    table[1] = 1
    assert Sensitivity(threshold=threshold).value(table) == (256 - lowest) / 256


def test_a_decimal_threshold_is_exact() -> None:
    for n in range(1, 10_001):
        threshold = float(f"0.{n:04d}") if n < 10_000 else 1.0
        assert lowest_positive(threshold) == math.ceil(255 * Fraction(n, 10_000)), threshold


def test_a_threshold_of_a_curve_is_its_level() -> None:
    for level in range(1, 256):
        assert lowest_positive(level / 255) == level
        for near in (math.nextafter(level / 255, 0.0), math.nextafter(level / 255, 1.0)):
            assert lowest_positive(near) == np.flatnonzero(np.arange(256) / 255 >= near)[0]
    # Taken as they are, many of these doubles lie above their level: the exception is needed.
    assert math.ceil(255 * Fraction(0.2)) == 52 and lowest_positive(0.2) == 51


def test_the_points_of_the_roc_curve_are_the_values_at_its_thresholds() -> None:
    for case in (case for case in cases(60) if case.has_both):
        curve = roc(table_of(*case.pixels))
        points = zip(curve.thresholds, curve.true_positive_rate, curve.false_positive_rate, strict=True)
        for threshold, sensitivity, false_rate in list(points)[1:]:
            if threshold == 0:
                continue
            assert scored(Sensitivity(threshold=threshold), case.samples).value == sensitivity
            specificity = scored(Specificity(threshold=threshold), case.samples).value
            assert math.isclose(1 - specificity, false_rate, rel_tol=0.0, abs_tol=2**-53)


@pytest.mark.parametrize("threshold", [0, 0.0, -0.5, 1.0000000000000002, 128])
@pytest.mark.parametrize("cls", AT_THRESHOLD)
def test_a_threshold_outside_is_refused(cls: type[ThresholdMetric], threshold: float) -> None:
    with pytest.raises(BadParameter, match=f"{cls.name}: threshold={threshold}; expected above 0, at most 1"):
        cls(threshold=threshold)
    with pytest.raises(BadParameter, match="threshold="):
        parse_metric(f"{cls.name}(threshold={threshold})")


def test_a_whole_threshold_is_written_as_it_is_read() -> None:
    assert F1(threshold=1).signature() == F1(threshold=1.0).signature() == "f1(pool=dataset,threshold=1)"
    assert parse_metric("f1(threshold=1)").signature() == F1(threshold=1).signature()
    assert str(F1(threshold=np.float64(0.25))) == "f1(threshold=0.25)"


# Real maps: DRIVE inside the field of view.


def real_maps(folder: Path, entry: str) -> list[Sample]:
    """Twenty retinas: positive 1, negative 0, and 255 outside the field of view."""
    read = {name: folder / "drive" / "test" / name for name in ("mask", "manual1")}
    samples = []
    for path in sorted(read["mask"].glob("*.png")):
        seen, vessel = (np.asarray(Image.open(read[name] / path.name)) > 0 for name in ("mask", "manual1"))
        levels = np.asarray(Image.open(folder / entry / "test" / path.name))
        samples.append(Sample((path.stem,), np.where(seen, vessel, 255).astype(np.uint8), levels))
    return samples


@pytest.mark.parametrize("entry", ["drive-laddernet-preds", "drive-retina-unet-preds"])
def test_drive_equals_scikit_learn(entry: str, real_data: Path) -> None:
    samples = real_maps(real_data, entry)
    assert len(samples) == 20
    truth = np.concatenate([s.truth[s.truth != 255] for s in samples]) == 1
    levels = np.concatenate([s.prediction[s.truth != 255] for s in samples])
    space = LabelSpace.of(2, void=255)
    tally = Auc.tally(tuple(cls() for cls in METRICS), space)
    state = tally.start()
    tally.count_into(state, samples)
    values = {cls: cls().compute(state, space).value for cls in METRICS}
    for cls, reference in AREAS.items():
        assert math.isclose(values[cls], reference(truth, levels / 255), rel_tol=ROUNDED)
    for cls, reference in AT_THRESHOLD.items():
        expected = reference(truth, levels >= 128)
        assert math.isclose(values[cls], expected, rel_tol=ROUNDED) if cls is Mcc else values[cls] == expected
    # Published maps of good networks: a swapped class or a wrong field of view would show.
    assert values[Auc] > 0.97 and values[Sensitivity] < values[Specificity]
