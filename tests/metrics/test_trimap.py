"""Trimaps: accuracy and mean IoU in a band, against the rules as they are written, and curves from one pass."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench import (
    LabelSpace,
    Running,
    TrimapAccuracy,
    TrimapIou,
    mean_iou,
    pixel_accuracy,
    trimap_accuracy,
    trimap_iou,
)
from segbench.errors import BadParameter, DatasetError, ShapeMismatch, StrayLabel, VoidPrediction
from segbench.metrics.trimap import Trimap
from segbench.samples import Sample
from tests.metrics.label_cases import regions
from tests.oracles import trimap as oracle

N_CLASSES, VOID = 4, (255, 9)
WIDTHS = (1, 2, 2.5, 4, 8, 40)
TRIMAPS = [
    oracle.Trimap(centre, metric, closed, void_edges)
    for centre in ("boundary", "void")
    for metric in ("euclidean", "square")
    for closed in (None, False, True)
    for void_edges in (True, False)
]


def fields(trimap: oracle.Trimap) -> dict[str, str]:
    limit = {None: "usual", False: "open", True: "closed"}[trimap.closed]
    edges = "count" if trimap.void_edges else "skip"
    return {"centre": trimap.centre, "distance": trimap.metric, "limit": limit, "void_edges": edges}


def same(found: float, expected: float) -> bool:
    return found == expected or (math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize("i", range(len(TRIMAPS)))
def test_the_curve_of_the_oracle(i: int) -> None:
    rng, trimap = np.random.default_rng(i), TRIMAPS[i]
    for _ in range(4):
        pairs = [regions(rng, N_CLASSES, VOID, largest=40) for _ in range(int(rng.integers(1, 4)))]
        truths, predictions = ([pair[j] for pair in pairs] for j in (0, 1))
        curve = oracle.evaluate(truths, predictions, N_CLASSES, VOID, WIDTHS, trimap)
        case = {"truth": truths, "prediction": predictions, "space": N_CLASSES, "void": VOID, **fields(trimap)}
        for width in WIDTHS:
            expected, found = curve[width], trimap_iou(**case, band_px=width)
            assert same(found.value, expected.mean_iou), width
            assert all(same(a, b) for a, b in zip(found.per_class.values(), expected.iou, strict=True))
            assert same(trimap_accuracy(**case, band_px=width).value, expected.accuracy), width


def test_one_pass_gives_every_width_and_every_kind_of_band() -> None:
    rng = np.random.default_rng(1)
    space = LabelSpace.of(N_CLASSES, void=VOID)
    metrics: list[Trimap] = [
        kind(band_px=width, **fields(trimap), pool=pool)
        for kind, width, trimap, pool in itertools.product(
            (TrimapIou, TrimapAccuracy), WIDTHS, TRIMAPS[:4], ("dataset", "image")
        )
    ]
    tally = Trimap.tally(metrics, space)
    assert len(tally.widths_px) == 4, "one distance transform for each kind of band"
    state = tally.start()
    samples = [Sample((str(i),), *regions(rng, N_CLASSES, VOID)) for i in range(3)]
    contents = tally.count_into(state, samples)
    rebuilt = tally.start()
    for content in contents:
        tally.add_record(rebuilt, content)
    assert rebuilt.to_bytes() == state.to_bytes()
    for metric in metrics:
        running = Running(metric, space)
        for sample in samples:
            running.update(truth=sample.truth, prediction=sample.prediction)
        score = metric.compute(state, space)
        assert same(score.value, running.compute().value)
        assert all(
            same(a, b) for a, b in zip(score.per_class.values(), running.compute().per_class.values(), strict=True)
        )


def disk(size: int, radius: int) -> NDArray[np.uint8]:
    y, x = np.ogrid[:size, :size]
    return ((y - size // 2) ** 2 + (x - size // 2) ** 2 <= radius * radius).astype(np.uint8)


def test_a_band_as_wide_as_the_image_is_the_whole_image() -> None:
    rng = np.random.default_rng(2)
    truth, prediction = regions(rng, 3, (255,))
    truth.flat[:2] = 0, 1  # there is a boundary
    case = {"truth": truth, "prediction": prediction, "space": 3, "void": 255}
    assert trimap_iou(**case, band_px=1e6).value == mean_iou(**case).value
    assert trimap_accuracy(**case, band_px=1e6).value == pixel_accuracy(**case).value


def test_errors_far_from_the_boundary_are_not_seen() -> None:
    truth = disk(60, 20)
    prediction = truth.copy()
    prediction[30, 30] = 0
    case = {"truth": truth, "prediction": prediction, "space": 2}
    assert trimap_iou(**case, band_px=8).value == 1.0 > trimap_iou(**case, band_px=30).value


def test_an_image_without_a_centre_has_no_band() -> None:
    truth = np.zeros((9, 9), np.uint8)
    for centre in ("boundary", "void"):
        score = trimap_iou(truth=truth, prediction=truth, space=2, void=255, centre=centre, band_px=1e9)
        assert math.isnan(score.value)
        assert math.isnan(trimap_accuracy(truth=truth, prediction=truth, space=2, centre=centre, band_px=1e9).value)


def test_void_is_never_scored_and_widens_nothing() -> None:
    """A frame of void only adds pixels that do not count; around void itself it adds a band."""
    truth = disk(40, 10)
    prediction = np.roll(truth, 2, 0)
    plain = trimap_iou(truth=truth, prediction=prediction, space=2, void=255, void_edges="skip").value
    framed = [np.pad(m, 6, constant_values=v) for m, v in ((truth, 255), (prediction, 0))]
    assert trimap_iou(truth=framed[0], prediction=framed[1], space=2, void=255, void_edges="skip").value == plain
    assert trimap_accuracy(truth=framed[0], prediction=framed[1], space=2, void=255, centre="void").value == 1.0


@pytest.mark.parametrize("move", [np.flipud, np.fliplr, np.transpose])
def test_flips_and_transposes_change_nothing(move) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        truth, prediction = regions(rng, 3, (255,))
        case = {"space": 3, "void": 255, "band_px": 3}
        before = trimap_iou(truth=truth, prediction=prediction, **case).value
        assert same(trimap_iou(truth=move(truth), prediction=move(prediction), **case).value, before)


def test_void_rules_are_those_of_the_region_metrics() -> None:
    truth, prediction = np.array([[0, 0, 1, 1]], np.uint8), np.array([[0, 255, 1, 1]], np.uint8)
    case = {"truth": truth, "prediction": prediction, "space": 2, "void": 255, "band_px": 1}
    assert trimap_accuracy(**case).value == 0.5
    assert trimap_accuracy(**case, void_prediction="skip").value == 1.0
    with pytest.raises(VoidPrediction):
        trimap_accuracy(**case, void_prediction="error")


def test_a_missing_prediction_is_a_miss_in_the_band() -> None:
    metric = TrimapAccuracy(band_px=1.0, void_prediction="skip")
    running = Running(metric, 2, 255)
    running.update(truth=[[0, 0, 1, 1]], prediction=[[0, 0, 1, 1]])
    running.update(truth=[[0, 0, 1, 1]], prediction=None)
    assert running.compute().value == 0.5


def test_faults_are_named() -> None:
    good = np.zeros((4, 5), np.int32)
    stray = good.copy()
    stray[2, 3] = 7
    with pytest.raises(StrayLabel, match="prediction value 7 at row 2, column 3"):
        trimap_iou(truth=good, prediction=stray, space=2)
    with pytest.raises(DatasetError, match="truth value 7 at row 2, column 3"):
        trimap_iou(truth=stray, prediction=good, space=2)
    with pytest.raises(ShapeMismatch):
        trimap_iou(truth=good, prediction=good[:3], space=2)
    with pytest.raises(BadParameter, match="images"):
        trimap_iou(truth=np.zeros((2, 4, 5)), prediction=np.zeros((2, 4, 5)), space=2)
    with pytest.raises(BadParameter, match="above 0"):
        TrimapIou(band_px=0.0)
