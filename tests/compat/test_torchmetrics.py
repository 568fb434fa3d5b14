"""`segbench.compat.torchmetrics` against torchmetrics: equal but for float32, and each named difference."""

from __future__ import annotations

import inspect
import itertools
import math
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from segbench.compat import torchmetrics as ours
from segbench.errors import BadParameter, DatasetError, ShapeMismatch, StrayLabel, VoidPrediction

torch = pytest.importorskip("torch")
theirs = pytest.importorskip("torchmetrics.classification")

RATIOS = (
    "MulticlassJaccardIndex",
    "MulticlassF1Score",
    "MulticlassAccuracy",
    "MulticlassPrecision",
    "MulticlassRecall",
)
ALL = (*RATIOS, "MulticlassConfusionMatrix")
AVERAGES = ("micro", "macro", "weighted", "none", None)
IGNORED = (None, 255, 0, 2, -1)
SHAPES = ((6,), (2, 5, 7), (3, 30, 40), (2, 2, 3, 4), (1, 1))


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more than tensors of this size."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch(rng: np.random.Generator, num_classes: int, ignored: int | None, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return predictions and target, where some classes may be on one side only or on none."""
    target = rng.integers(rng.integers(1, num_classes + 1), size=shape)
    other = rng.permutation(num_classes)[rng.integers(rng.integers(1, num_classes + 1), size=shape)]
    preds = np.where(rng.random(shape) < rng.random(), target, other)
    if ignored is not None:
        target[rng.random(shape) < 0.2] = ignored
    return torch.from_numpy(preds), torch.from_numpy(target)


def value_of(metric: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = metric.compute()
    return value.double().numpy() if isinstance(value, torch.Tensor) else value


def agree(mine: Any, other: Any, absent: Any = False) -> None:
    """Compare values; an absent class is NaN here and 0 there."""
    mine, other, absent = np.atleast_1d(mine), np.atleast_1d(other), np.atleast_1d(absent)
    assert np.isnan(mine).tolist() == np.broadcast_to(absent, mine.shape).tolist()
    np.testing.assert_allclose(np.where(absent, 0, mine), np.where(absent, 0, other), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("name", RATIOS)
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("ignored", IGNORED)
def test_ratios(name: str, average: Any, ignored: int | None) -> None:
    rng = np.random.default_rng(1)
    for i in range(15):
        num_classes = (3, 5, 19, 150)[i % 4]
        options = {"num_classes": num_classes, "average": average, "ignore_index": ignored}
        mine, other = getattr(ours, name)(**options), getattr(theirs, name)(**options)
        seen = []
        for _ in range(1 + i % 3):
            preds, target = batch(rng, num_classes, ignored, SHAPES[i % len(SHAPES)])
            mine.update(preds, target)
            other.update(preds, target)
            counted = torch.ones_like(target, dtype=torch.bool) if ignored is None else target != ignored
            seen += [target[counted], preds[counted]]
        present = torch.cat(seen).unique().tolist()
        if not present:
            assert math.isnan(np.max(mine.compute()))
        elif average in ("none", None):
            agree(mine.compute(), value_of(other), [c not in present for c in range(num_classes)])
        else:
            agree(mine.compute(), value_of(other))


@pytest.mark.parametrize("ignored", IGNORED)
@pytest.mark.parametrize("normalize", [None, "none", "true", "pred", "all"])
def test_confusion_matrix(normalize: Any, ignored: int | None) -> None:
    rng = np.random.default_rng(2)
    for i in range(20):
        num_classes = (3, 5, 19, 150)[i % 4]
        mine = ours.MulticlassConfusionMatrix(num_classes, ignored, normalize)
        other = theirs.MulticlassConfusionMatrix(num_classes, ignored, normalize)
        for _ in range(2):
            preds, target = batch(rng, num_classes, ignored, SHAPES[i % len(SHAPES)])
            mine.update(preds, target)
            other.update(preds, target)
        assert mine.compute().dtype == (np.int64 if normalize in (None, "none") else np.float64)
        agree(mine.compute(), value_of(other))


@pytest.mark.parametrize("name", ["MulticlassJaccardIndex", "MulticlassF1Score"])
@pytest.mark.parametrize("zero", [0, 1])
def test_zero_division_is_honoured_where_it_is_given(name: str, zero: int) -> None:
    rng = np.random.default_rng(3)
    for i, average in itertools.product(range(20), ("none", "micro", "macro", "weighted")):
        options = {"num_classes": 9, "average": average, "zero_division": zero}
        mine, other = getattr(ours, name)(**options), getattr(theirs, name)(**options)
        preds, target = batch(rng, 9, None, SHAPES[i % len(SHAPES)])
        mine.update(preds, target)
        other.update(preds, target)
        agree(mine.compute(), value_of(other))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_scores_of_classes(name: str, dtype: Any) -> None:
    generator = torch.Generator().manual_seed(4)
    for shape in ((5,), (2, 6, 7), (2, 3, 4, 5)):
        target = torch.randint(4, shape, generator=generator)
        # Ties too: the first of the largest counts.
        scores = torch.randint(3, (shape[0], 4, *shape[1:]), generator=generator).to(dtype).requires_grad_()
        mine, other = getattr(ours, name)(4), getattr(theirs, name)(4)
        agree(mine(scores, target), other(scores, target))
        agree(mine(scores.detach().numpy(), target.numpy()), other(scores, target))


@pytest.mark.parametrize("name", ALL)
def test_forward_is_the_batch_and_compute_is_all(name: str) -> None:
    rng = np.random.default_rng(5)
    mine, other = getattr(ours, name)(4), getattr(theirs, name)(4)
    for _ in range(5):
        preds, target = batch(rng, 4, None, (2, 40, 40))
        agree(mine(preds, target), other(preds, target))
        agree(mine.forward(preds, target), other.forward(preds, target))
        agree(mine.compute(), value_of(other))
    mine.reset()
    assert np.isnan(mine.compute()).all() or not np.any(mine.compute())


@pytest.mark.parametrize("name", ALL)
def test_merging_and_pickling(name: str) -> None:
    rng = np.random.default_rng(6)
    batches = [batch(rng, 4, 255, (2, 9, 9)) for _ in range(6)]
    whole, parts = getattr(ours, name)(4, ignore_index=255), []
    for preds, target in batches:
        whole.update(preds, target)
        parts.append(pickle.loads(pickle.dumps(getattr(ours, name)(4, ignore_index=255))))
        parts[-1].update(preds, target)
    for order in itertools.islice(itertools.permutations(parts), 0, 720, 37):
        merged = getattr(ours, name)(4, ignore_index=255)
        for part in order:
            merged.merge_state(pickle.loads(pickle.dumps(part)))
        assert pickle.dumps(merged.compute()) == pickle.dumps(whole.compute())


def test_merging_strangers_is_refused() -> None:
    metric = ours.MulticlassJaccardIndex(4)
    kind = ours.MulticlassJaccardIndex
    for stranger in (ours.MulticlassF1Score(4), kind(5), kind(4, ignore_index=0)):
        with pytest.raises(BadParameter, match="incoming_state"):
            metric.merge_state(stranger)  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match="incoming_state"):
        metric.merge_state({"confmat": np.zeros((4, 4))})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ALL)
def test_parameters_come_in_the_order_of_the_library(name: str) -> None:
    mine, other = (list(inspect.signature(getattr(module, name)).parameters.values()) for module in (ours, theirs))
    assert [p.name for p in mine] == [p.name for p in other if p.kind is not inspect.Parameter.VAR_KEYWORD]
    different = {p.name for p, q in zip(mine, other, strict=False) if p.default != q.default}
    assert different <= {"zero_division"}


# The named differences.


def test_absent_is_nan_and_counts_are_integers() -> None:
    preds, target = torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1])
    values = ours.MulticlassJaccardIndex(3, average=None)(preds, target)
    assert isinstance(values, np.ndarray) and values.dtype == np.float64 and math.isnan(values[2])
    assert theirs.MulticlassJaccardIndex(3, average=None)(preds, target)[2] == 0
    assert isinstance(ours.MulticlassJaccardIndex(3)(preds, target), float)
    assert ours.MulticlassConfusionMatrix(3)(preds, target).dtype == np.int64


def test_large_counts_stay_exact() -> None:
    metric = ours.MulticlassRecall(2, average="micro")
    metric._table[:] = [[2**53 - 1, 1], [0, 0]]
    assert metric.compute() == (2**53 - 1) / 2**53
    other = theirs.MulticlassRecall(2, average="macro")
    other.update(torch.tensor([0, 1]), torch.tensor([0, 0]))
    other.tp, other.fn = torch.tensor([2**53 - 1, 0]), torch.tensor([1, 0])
    assert other.compute() != (2**53 - 1) / 2**53


@pytest.mark.parametrize("name", RATIOS)
@pytest.mark.parametrize("average", AVERAGES)
def test_nothing_counted_is_nan(name: str, average: Any) -> None:
    metric = getattr(ours, name)(3, average=average, ignore_index=255)
    metric.update(torch.full((2, 2), 1), torch.full((2, 2), 255))
    metric.update(torch.zeros(0, 4, 4, dtype=torch.int64), torch.zeros(0, 4, 4, dtype=torch.int64))
    assert np.isnan(metric.compute()).all()


@pytest.mark.parametrize(
    ("preds", "target", "kind", "said"),
    [
        ([[0, 1]], [[0, 3]], DatasetError, "truth value 3"),
        ([[0, 3]], [[0, 1]], StrayLabel, "prediction value 3"),
        ([[0, 255]], [[0, 1]], VoidPrediction, "1 counted pixels are predicted 255"),
        ([[0, 1, 1]], [[0, 1]], ShapeMismatch, r"preds of shape \(1, 3\)"),
        (np.zeros((2, 3, 4, 5)), np.zeros((3, 2, 4, 5), int), ShapeMismatch, "preds of shape"),
        (np.zeros((1, 4, 2)), np.zeros((1, 2), int), BadParameter, "float scores of 3 classes"),
        (np.zeros((1, 3, 2), int), np.zeros((1, 2), int), BadParameter, "float scores of 3 classes"),
        (np.zeros((1, 3, 3)), np.zeros((1, 2), int), ShapeMismatch, "preds of shape"),
        (torch.zeros(1, 3, 2, dtype=torch.bfloat16), np.zeros((1, 2), int), BadParameter, "BFloat16.*argmax"),
        (torch.zeros(1, 2, device="meta"), np.zeros((1, 2), int), BadParameter, "meta"),
        ([[0.5, 1]], [[0, 1]], StrayLabel, "whole numbers"),
    ],
    ids=lambda value: None,
)
def test_bad_batches_are_refused_and_not_counted(preds: Any, target: Any, kind: Any, said: str) -> None:
    metric = ours.MulticlassConfusionMatrix(3, ignore_index=255)
    for call in (metric.update, metric.forward):
        with pytest.raises(kind, match=said):
            call(preds, target)
    assert not metric.compute().any()


def test_what_compute_returned_is_no_longer_the_metrics() -> None:
    metric = ours.MulticlassConfusionMatrix(2)
    metric.update([[0, 1]], [[0, 0]])
    metric.compute()[:] = 9
    assert metric.compute().tolist() == [[1, 1], [0, 0]]


def test_an_ignored_pixel_may_be_predicted_anything_known() -> None:
    metric = ours.MulticlassJaccardIndex(3, ignore_index=255)
    assert metric([[0, 255]], [[0, 255]]) == 1


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "options",
    [
        {"num_classes": None},
        {"num_classes": 1},
        {"num_classes": 2.5},
        {"ignore_index": 0.5},
        {"average": "samples"},
        {"normalize": "rows"},
        {"top_k": 2},
        {"multidim_average": "samplewise"},
        {"validate_args": False},
        {"zero_division": 0.5},
    ],
    ids=str,
)
def test_what_cannot_be_honoured_is_refused(name: str, options: dict[str, Any]) -> None:
    cls = getattr(ours, name)
    known = options.keys() <= inspect.signature(cls).parameters.keys()
    with pytest.raises(BadParameter if known else TypeError):
        cls(**({"num_classes": 3} | options))
    with pytest.raises(TypeError):
        cls(3, dist_sync_on_step=True)


def test_says_what_it_is() -> None:
    assert repr(ours.MulticlassF1Score(19, ignore_index=255)) == "MulticlassF1Score(num_classes=19, ignore_index=255)"
