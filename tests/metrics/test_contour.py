"""Boundary F and Boundary IoU of label maps against what is written in the papers, word for word."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench import BoundaryF, MeanBoundaryIou, Running, boundary_f, mean_boundary_iou
from segbench.errors import BadParameter, DatasetError, ShapeMismatch, StrayLabel
from segbench.result import Score
from tests.metrics.label_cases import regions
from tests.oracles import boundary_f as bf
from tests.oracles import boundary_iou as biou
from tests.oracles import davis

N_CLASSES, VOID = 4, (255, 9)
Maps = list[NDArray[np.uint8]]


def images(rng: np.random.Generator) -> tuple[Maps, Maps]:
    pairs = [regions(rng, N_CLASSES, VOID) for _ in range(int(rng.integers(1, 4)))]
    return [truth for truth, _ in pairs], [prediction for _, prediction in pairs]


def same(found: float, expected: float) -> bool:
    return found == expected or (math.isnan(found) and math.isnan(expected))


def by_class(score: Score) -> dict[int, float]:
    return {int(name): value for name, value in score.per_class.items() if not math.isnan(value)}


def defined(values: dict[int, float]) -> dict[int, float]:
    return {c: value for c, value in values.items() if not math.isnan(value)}


RULES = [
    bf.Rules(tolerance_diagonal=diagonal, tolerance_px=px, closed=closed, definition=definition, border=border)
    for diagonal, px in ((Fraction(3, 400), None), (0.05, None), (0.0075, 2), (0.0075, 1.5), (0.0075, 5))
    for closed in (False, True)
    for definition, border in (
        ("inner4", "background"),
        ("inner4", "nothing"),
        ("inner8", "background"),
        ("thick", "background"),
        ("thick", "nothing"),
        ("seg2bmap", "nothing"),
    )
]


@pytest.mark.parametrize("i", range(len(RULES)))
def test_boundary_f_is_what_the_paper_says(i: int) -> None:
    rng, rules = np.random.default_rng(i), RULES[i]
    rules = rules._replace(one_empty=("zero", "skip")[i % 2])
    metric = {
        "tolerance_diagonal": float(rules.tolerance_diagonal),
        "tolerance_px": float(rules.tolerance_px or 0),
        "limit": "closed" if rules.closed else "open",
        "boundary": rules.definition,
        "border": rules.border,
        "one_empty": rules.one_empty,
    }
    for _ in range(6):
        truths, predictions = images(rng)
        expected = bf.evaluate(truths, predictions, range(N_CLASSES), VOID, rules)
        case = {"truth": truths, "prediction": predictions, "space": N_CLASSES, "void": VOID, **metric}
        by_image = boundary_f(**case)
        assert same(by_image.value, expected.mean)
        assert by_class(by_image) == expected.per_class
        assert same(boundary_f(**case, pool="class_then_image").value, expected.class_mean)
        pooled = boundary_f(**case, pool="dataset")
        assert same(pooled.value, expected.pooled)
        assert by_class(pooled) == expected.pooled_per_class


@pytest.mark.parametrize("seed", range(60))
def test_boundary_iou_is_what_the_api_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ratio = float(rng.choice([0.02, 0.005, 0.1, 0.5]))
    truths, predictions = images(rng)
    for pool in ("dataset", "image"):
        expected, per_class = biou.evaluate(truths, predictions, range(N_CLASSES), VOID, ratio, pool)
        case = {"truth": truths, "prediction": predictions, "space": N_CLASSES, "void": VOID}
        score = mean_boundary_iou(**case, width_diagonal=ratio, pool=pool)
        assert same(score.value, expected)
        assert by_class(score) == defined(per_class)


@pytest.mark.parametrize("seed", range(40))
def test_the_f_of_davis_is_boundary_f_with_its_rules(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, prediction = regions(rng, 2, largest=200)
    truth[0, 0] = 1  # the object is in the truth
    rules = {"tolerance_diagonal": 0.008, "rounding": "up", "limit": "closed", "boundary": "seg2bmap"}
    rules |= {"border": "nothing", "both_empty": "one", "classes": "1"}
    score = boundary_f(truth=truth, prediction=prediction, space=2, **rules)
    # The official tool rounds precision, recall and their product one after the other.
    assert score.value == pytest.approx(davis.f_measure(truth == 1, prediction == 1), rel=4 * 2.0**-53, abs=0)


def square(shape: tuple[int, int], top: int, left: int, side: int) -> NDArray[np.uint8]:
    labels = np.zeros(shape, np.uint8)
    labels[top : top + side, left : left + side] = 1
    return labels


def test_the_cliff_at_the_tolerance() -> None:
    """480 × 854, a square of 100: moved by 8 pixels all of its boundary is hit, by 9 only what runs along the way."""
    truth = square((480, 854), 200, 300, 100)
    davis_rules = {"tolerance_diagonal": 0.008, "rounding": "up", "limit": "closed", "boundary": "seg2bmap"}
    case = {"space": 2, "classes": "1", "border": "nothing", **davis_rules}
    moved = [boundary_f(truth=truth, prediction=square((480, 854), 200, 300 + n, 100), **case).value for n in (1, 8, 9)]
    assert moved[:2] == [1.0, 1.0]
    assert moved[2] == pytest.approx(0.54, abs=0.005)  # protocols of DAVIS give two digits


def test_theta_is_six_at_640_by_480() -> None:
    """A shift by exactly the tolerance is a hit only when the limit is closed."""
    truth, prediction = (square((480, 640), 100, left, 100) for left in (100, 106))
    case = {"truth": truth, "prediction": prediction, "space": 2, "classes": "1"}
    assert boundary_f(**case, limit="closed").value == 1.0
    assert boundary_f(**case, limit="open").value < 0.6
    # Both perimeters of 396 pixels, of which along each horizontal side all but the outermost are hit.
    counts = bf.count(truth, prediction)
    assert boundary_f(**case).value == float(bf.f_score(counts))


@pytest.mark.parametrize(("shape", "width"), [((375, 500), 12), ((225, 300), 8), ((480, 640), 16), ((10, 10), 1)])
def test_half_a_pixel_is_rounded_to_even(shape: tuple[int, int], width: int) -> None:
    assert MeanBoundaryIou().cut().width_px(shape) == width


def test_one_object_of_boundary_iou_on_a_larger_canvas_has_a_wider_band() -> None:
    scores = []
    for shape in ((100, 100), (1000, 1000)):
        truth, prediction = square(shape, 10, 10, 60), square(shape, 14, 10, 60)
        scores.append(mean_boundary_iou(truth=truth, prediction=prediction, space=2, classes="1").value)
    assert scores[0] < scores[1]


@pytest.mark.parametrize("measure", [boundary_f, mean_boundary_iou])
def test_a_perfect_map_scores_one_and_void_is_no_boundary_to_be_found(measure) -> None:
    truth = square((40, 50), 10, 10, 20)
    truth[:, 25:28] = 255
    prediction = truth.copy()
    prediction[truth == 255] = np.random.default_rng(0).integers(0, 2, int((truth == 255).sum()))
    assert measure(truth=truth, prediction=prediction, space=2, void=255).value == 1.0


@pytest.mark.parametrize("measure", [boundary_f, mean_boundary_iou])
@pytest.mark.parametrize("move", [np.flipud, np.fliplr, np.transpose])
def test_flips_and_transposes_change_nothing(measure, move) -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        truth, prediction = regions(rng, 3, (255,))
        score = measure(truth=truth, prediction=prediction, space=3, void=255)
        moved = measure(truth=move(truth), prediction=move(prediction), space=3, void=255)
        assert same(score.value, moved.value)


def test_a_class_that_fills_the_image_has_no_boundary_unless_the_border_is_one() -> None:
    full = np.ones((20, 30), np.uint8)
    case = {"truth": full, "prediction": full, "space": 2}
    assert boundary_f(**case).value == 1.0
    assert math.isnan(boundary_f(**case, border="nothing").value)
    assert boundary_f(**case, border="nothing", both_empty="one").value == 1.0
    # The trap of DAVIS: a full truth and an empty prediction have no boundary either.
    empty = np.zeros((20, 30), np.uint8)
    rules = {"boundary": "seg2bmap", "border": "nothing", "both_empty": "one", "classes": "1"}
    assert boundary_f(truth=full, prediction=empty, space=2, **rules).value == 1.0
    assert mean_boundary_iou(truth=full, prediction=empty, space=2, classes="1").value == 0.0


def test_a_class_only_predicted_counts_when_asked_for() -> None:
    truth, prediction = np.zeros((20, 20), np.uint8), square((20, 20), 5, 5, 6)
    case = {"truth": truth, "prediction": prediction, "space": 2, "classes": "1"}
    assert math.isnan(boundary_f(**case).value)
    assert boundary_f(**case, fp_only="count").value == 0.0
    assert mean_boundary_iou(**case).value == 0.0
    assert math.isnan(mean_boundary_iou(**case, fp_only="skip").value)


def test_the_pool_of_the_data_set_leaves_false_positives_of_other_images_to_fp_only() -> None:
    """An object found in its own image, and found again in an image without it."""
    with_object, without = square((20, 20), 5, 5, 6), np.zeros((20, 20), np.uint8)
    case = {"truth": [with_object, without], "prediction": [with_object, with_object], "space": 2, "classes": "1"}
    assert boundary_f(**case, pool="dataset").value == 1.0
    # 20 boundary pixels are true, 40 predicted, 20 of them hit: 2 · 1 · ½ / (1 + ½).
    assert boundary_f(**case, pool="dataset", fp_only="count").value == 2 / 3


def test_a_void_prediction_is_no_class() -> None:
    truth = square((20, 20), 5, 5, 6)
    void = np.full((20, 20), 255, np.uint8)
    assert boundary_f(truth=truth, prediction=void, space=2, void=255).value == 0.0
    assert mean_boundary_iou(truth=truth, prediction=void, space=2, void=255).value == 0.0
    running = Running(BoundaryF(), 2, 255)
    running.update(truth=truth, prediction=None)
    assert running.compute().value == 0.0


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64", "float64", "bool"])
def test_every_dtype_and_more_ids_than_bytes(dtype: str) -> None:
    truth, prediction = square((30, 30), 5, 5, 9), square((30, 30), 6, 5, 9)
    expected = boundary_f(truth=truth, prediction=prediction, space=2)
    found = boundary_f(truth=truth.astype(dtype), prediction=prediction.astype(dtype), space=2)
    assert found == expected
    if dtype in ("uint16", "int32", "int64"):
        many = boundary_f(truth=truth.astype(dtype) * 299, prediction=prediction.astype(dtype) * 299, space=300)
        assert (many.per_class["0"], many.per_class["299"]) == (expected.per_class["0"], expected.per_class["1"])


@pytest.mark.parametrize("measure", [boundary_f, mean_boundary_iou])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_faults_are_named(measure, dtype) -> None:
    good = np.zeros((4, 5), dtype)
    stray = good.copy()
    stray[2, 3] = 7
    with pytest.raises(StrayLabel, match="prediction value 7 at row 2, column 3"):
        measure(truth=good, prediction=stray, space=2)
    with pytest.raises(DatasetError, match="truth value 7 at row 2, column 3"):
        measure(truth=stray, prediction=good, space=2)
    with pytest.raises(ShapeMismatch):
        measure(truth=good, prediction=good[:3], space=2)
    with pytest.raises(BadParameter, match="boundaries are those of images"):
        measure(truth=np.zeros((2, 4, 5), dtype), prediction=np.zeros((2, 4, 5), dtype), space=2)
    with pytest.raises(BadParameter, match="at least one pixel"):
        measure(truth=good[:0], prediction=good[:0], space=2)


def test_lengths_below_zero_and_seg2bmap_with_a_border_are_refused() -> None:
    with pytest.raises(BadParameter, match="tolerance_px=-1"):
        BoundaryF(tolerance_px=-1.0)
    with pytest.raises(BadParameter, match="border=nothing"):
        BoundaryF(boundary="seg2bmap")
    with pytest.raises(BadParameter, match="width_diagonal=2"):
        MeanBoundaryIou(width_diagonal=2.0)


@pytest.mark.parametrize(("side", "offset"), [(400, (3, 3))])
def test_the_tolerance_is_compared_as_it_is_written(side: int, offset: tuple[int, int]) -> None:
    """0.0075 of the diagonal of 400 × 400 is √18, the distance of (3, 3): a hit when closed, none when open."""
    truth, prediction = np.zeros((2, side, side), np.uint8)
    truth[50, 50] = prediction[50 + offset[0], 50 + offset[1]] = 1
    case = {"truth": truth, "prediction": prediction, "space": 2, "classes": "1"}
    assert boundary_f(**case, limit="closed").value == 1.0
    assert boundary_f(**case).value == 0.0


def test_running_merges_to_the_same_bits() -> None:
    rng = np.random.default_rng(3)
    metric = replace(BoundaryF(), pool="image")
    pairs = [regions(rng, 3, (255,)) for _ in range(8)]
    whole, parts = Running(metric, 3, 255), [Running(metric, 3, 255) for _ in range(3)]
    for i, (truth, prediction) in enumerate(pairs):
        whole.update(truth=truth, prediction=prediction)
        parts[i % 3].update(truth=truth, prediction=prediction)
    parts[2].merge(parts[0])
    parts[2].merge(parts[1])
    assert parts[2].state.to_bytes() == whole.state.to_bytes()
