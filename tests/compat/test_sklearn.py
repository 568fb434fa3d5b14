"""`segbench.compat.sklearn` against scikit-learn: the same bits, or a refusal."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.compat import sklearn as ours
from segbench.errors import BadParameter, ShapeMismatch, StrayLabel

theirs = pytest.importorskip("sklearn.metrics")

SCORES = ("jaccard_score", "f1_score", "precision_score", "recall_score")
AVERAGES = (None, "micro", "macro", "weighted")
SHAPES = ((40,), (7, 9), (3, 5, 4), (2, 3, 4, 5), (1,), (1, 1), (70, 80))
DTYPES = (np.uint8, np.int64, np.int16, np.uint16, np.float32, np.int32)
POOLS = ((0, 1), (0, 1, 2, 3, 4), (3, 250, 7), tuple(range(150)), (0, 255, 128, 64))
NEGATIVE = (-5, 0, 70000, 12)


def cases(count: int, pools: tuple[tuple[int, ...], ...] = POOLS) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield pairs that differ in shape, dtype, ids and how often they agree, and with classes on one side only."""
    rng = np.random.default_rng(count)
    for i in range(count):
        shape, pool = SHAPES[i % len(SHAPES)], np.array(pools[rng.integers(len(pools))])
        truth = rng.choice(pool[: rng.integers(1, len(pool) + 1)], size=shape)
        other = rng.choice(rng.permutation(pool)[: rng.integers(1, len(pool) + 1)], size=shape)
        prediction = np.where(rng.random(shape) < rng.random(), truth, other)
        yield truth.astype(DTYPES[i % len(DTYPES)]), prediction.astype(DTYPES[i // 2 % len(DTYPES)])


def sklearn(name: str, truth: NDArray[Any], prediction: NDArray[Any], **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(theirs, name)(truth.ravel().astype(int), prediction.ravel().astype(int), **options)


def same(mine: Any, other: Any) -> None:
    assert type(mine) is type(other) or (isinstance(mine, float) and isinstance(other, float | int))
    if isinstance(mine, np.ndarray):
        assert mine.dtype == other.dtype
    np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("average", AVERAGES)
def test_scores_are_the_same_bits(name: str, average: Any) -> None:
    for i, (truth, prediction) in enumerate(cases(84)):
        zero = (0, 1, 0.0)[i % 3]
        mine = getattr(ours, name)(truth, prediction, average=average, zero_division=zero)
        same(mine, sklearn(name, truth, prediction, average=average, zero_division=zero))


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("average", AVERAGES)
def test_scores_of_some_labels(name: str, average: Any) -> None:
    rng = np.random.default_rng(7)
    for truth, prediction in cases(42, (*POOLS, NEGATIVE)):
        prediction = prediction.astype(truth.dtype) if truth.dtype == np.uint8 else prediction
        labels = rng.permutation(np.union1d(np.union1d(truth, prediction), [3, 9999]).astype(int))
        labels = labels[: rng.integers(1, len(labels) + 1)]
        options = {"labels": labels.tolist(), "average": average, "zero_division": int(rng.integers(2))}
        same(getattr(ours, name)(truth, prediction, **options), sklearn(name, truth, prediction, **options))


@pytest.mark.parametrize("name", SCORES[1:])
@pytest.mark.parametrize("average", AVERAGES)
def test_nan_leaves_out(name: str, average: Any) -> None:
    left_out = 0
    for truth, prediction in cases(42):
        mine = getattr(ours, name)(truth, prediction, average=average, zero_division=math.nan)
        same(mine, sklearn(name, truth, prediction, average=average, zero_division=math.nan))
        left_out += int(np.isnan(getattr(ours, name)(truth, prediction, average=None, zero_division=math.nan)).any())
    assert left_out or name == "f1_score"


@pytest.mark.parametrize("name", SCORES)
def test_two_labels_are_the_default(name: str) -> None:
    answered = 0
    for i, (truth, prediction) in enumerate(cases(120, ((0, 1), (0, 1), (1, 2), (0, 5), (0, 1, 2)))):
        options: dict[str, Any] = {} if i % 2 else {"pos_label": int(truth.flat[0])}
        try:
            expected = sklearn(name, truth, prediction, **options)
        except ValueError:
            with pytest.raises(BadParameter):
                getattr(ours, name)(truth, prediction, **options)
        else:
            same(getattr(ours, name)(truth, prediction, **options), expected)
            answered += 1
    assert 40 < answered < 120


def test_confusion_matrix() -> None:
    rng = np.random.default_rng(3)
    for i, (truth, prediction) in enumerate(cases(210)):
        options: dict[str, Any] = {"normalize": (None, "true", "pred", "all")[i % 4]}
        if i % 3:
            present = np.union1d(truth, [77]).astype(int)
            labels = rng.permutation(present)[: rng.integers(1, len(present) + 1)]
            options["labels"] = labels if np.isin(truth, labels).any() else [*labels, int(truth.flat[0])]
        mine = ours.confusion_matrix(truth, prediction, **options)
        same(mine, sklearn("confusion_matrix", truth, prediction, **options))


def test_accuracy() -> None:
    for i, (truth, prediction) in enumerate(cases(200)):
        mine = ours.accuracy_score(truth, prediction, normalize=bool(i % 3))
        same(mine, sklearn("accuracy_score", truth, prediction, normalize=bool(i % 3)))


def test_booleans_and_lists() -> None:
    truth, prediction = [[True, False], [True, True]], [[True, True], [False, True]]
    for name in SCORES:
        same(getattr(ours, name)(truth, prediction), sklearn(name, np.array(truth), np.array(prediction)))


@pytest.mark.parametrize("name", [*SCORES, "confusion_matrix", "accuracy_score"])
def test_parameters_are_those_of_the_library(name: str) -> None:
    mine, other = (inspect.signature(getattr(module, name)).parameters for module in (ours, theirs))
    assert [(p.name, p.kind) for p in mine.values()] == [(p.name, p.kind) for p in other.values()]
    different = {p for p in mine if mine[p].default != other[p].default}
    assert different <= {"zero_division"}


TRUTH, PREDICTION = np.array([[0, 1], [2, 1]]), np.array([[0, 1], [1, 1]])


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize(
    "options",
    [
        {"average": "binary"},
        {"average": "samples"},
        {"average": "median"},
        {"average": "macro", "pos_label": 2},
        {"average": "macro", "sample_weight": np.ones(4)},
        {"average": "macro", "zero_division": "warn"},
        {"average": "macro", "zero_division": 0.5},
        {"average": "macro", "labels": []},
        {"average": "macro", "labels": [1, 1]},
        {"average": "macro", "labels": [[1, 2]]},
        {"average": "binary", "labels": [0, 1]},
    ],
    ids=str,
)
def test_what_cannot_be_honoured_is_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(BadParameter):
        getattr(ours, name)(TRUTH, PREDICTION, **options)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"labels": [7]}, BadParameter),
        ({"labels": []}, BadParameter),
        ({"normalize": "rows"}, BadParameter),
        ({"sample_weight": np.ones(4)}, BadParameter),
        ({"y_pred": PREDICTION.ravel()}, ShapeMismatch),
        ({"y_pred": PREDICTION + 0.5}, StrayLabel),
        ({"y_pred": [["a", "b"], ["c", "d"]]}, BadParameter),
        ({"y_true": TRUTH[:0], "y_pred": PREDICTION[:0]}, BadParameter),
    ],
    ids=str,
)
def test_what_cannot_be_counted_is_refused(options: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ours.confusion_matrix(**({"y_true": TRUTH, "y_pred": PREDICTION} | options))


def test_accuracy_refuses_weights() -> None:
    with pytest.raises(BadParameter, match="sample_weight"):
        ours.accuracy_score(TRUTH, PREDICTION, sample_weight=np.ones(4))  # type: ignore[arg-type]


def test_inputs_stay_as_they_are() -> None:
    truth, prediction = TRUTH.copy(), PREDICTION.copy()
    truth.setflags(write=False)
    ours.jaccard_score(truth, prediction, average=None)
    assert np.array_equal(prediction, PREDICTION)
