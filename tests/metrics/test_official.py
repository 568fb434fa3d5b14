"""Region metrics against an independent transcription of their rules, scikit-learn and torchmetrics."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.errors import SegbenchError, VoidPrediction
from segbench.labels import LabelSpace
from segbench.metrics.rules import AbsentRule, FpOnlyRule, Pool, TableMetric, VoidRule
from segbench.metrics.states import State
from segbench.metrics.table import METRICS, parse_metric
from segbench.result import Score
from segbench.samples import Sample
from tests.oracles import policies

VOID = (255, 254)
Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Case:
    """A list of images over the class ids 0…K−1, and what is special about it."""

    n_classes: int
    pairs: list[tuple[Labels, Labels]]
    seed: int

    @property
    def space(self) -> LabelSpace:
        return LabelSpace.of(self.n_classes, void=VOID)

    @property
    def samples(self) -> list[Sample]:
        return [Sample((str(i),), truth, prediction) for i, (truth, prediction) in enumerate(self.pairs)]

    @property
    def large(self) -> bool:
        return all(min(truth.shape) > 32 for truth, _ in self.pairs)


def random_case(seed: int, void_prediction: Literal["none", "under void", "anywhere"] = "anywhere") -> Case:
    """Truth in coarse blocks, a prediction that is partly right; classes absent, true only and predicted only."""
    rng = np.random.default_rng(seed)
    n_classes = int(rng.choice([1, 2, 3, 5, 21, 60, 150], p=[0.05, 0.15, 0.25, 0.2, 0.2, 0.1, 0.05]))
    dtype = str(rng.choice(["u1", "u2", "i4", "i8"], p=[0.7, 0.1, 0.1, 0.1]))
    large = rng.random() < 0.65
    pairs = []
    for _ in range(int(rng.integers(1, 4))):
        shape = rng.integers(33, 41, 2) if large else rng.integers(1, 33, 2)
        truth = blocks(rng, subset(rng, n_classes), shape)
        prediction = np.where(rng.random(shape) < rng.random(), truth, blocks(rng, subset(rng, n_classes), shape))
        if rng.random() < 0.7:
            truth = np.where(blocks(rng, np.arange(4), shape) == 0, rng.choice(VOID, shape), truth)
        if void_prediction != "none" and rng.random() < 0.7:
            given_up = blocks(rng, np.arange(4), shape) == 0
            if void_prediction == "under void":
                given_up &= np.isin(truth, VOID)
            prediction = np.where(given_up, rng.choice(VOID, shape), prediction)
        pairs.append((truth.astype(dtype), prediction.astype(dtype)))
    return Case(n_classes, pairs, seed)


def subset(rng: np.random.Generator, n_classes: int) -> NDArray[np.int64]:
    return rng.choice(n_classes, int(rng.integers(1, n_classes + 1)), replace=False)


def blocks(rng: np.random.Generator, values: NDArray[np.int64], shape: Sequence[int]) -> NDArray[np.int64]:
    """Random values in blocks of random size."""
    side = int(rng.integers(1, 9))
    coarse = rng.choice(values, [-(-n // side) for n in shape])
    return coarse.repeat(side, 0).repeat(side, 1)[: shape[0], : shape[1]]


def counted(metrics: Sequence[TableMetric], case: Case) -> State:
    tally = type(metrics[0]).tally(metrics, case.space)
    state = tally.start()
    tally.count_into(state, case.samples)
    return state


def scored(metric: TableMetric, case: Case) -> Score:
    return metric.compute(counted([metric], case), case.space)


def check_refused(metric: TableMetric, case: Case) -> None:
    """Every image that holds a void prediction is refused, and no other."""
    with pytest.raises(SegbenchError) as caught:
        scored(metric, case)
    n_void = sum(bool(np.isin(prediction, VOID).any()) for _, prediction in case.pairs)
    assert [type(fault) for fault in caught.value.faults] == [VoidPrediction] * n_void, f"seed {case.seed}"


def ulps(one: float, other: float) -> float:
    """How many units in the last place two numbers are apart; NaN equals NaN."""
    if math.isnan(one) or math.isnan(other):
        return 0 if math.isnan(one) and math.isnan(other) else math.inf
    return abs(one - other) / math.ulp(max(abs(one), abs(other)))


# Every metric under every combination of rules.

ORACLE_OF = {
    "mean_iou": "iou",
    "mean_dice": "dice",
    "mean_precision": "precision",
    "mean_recall": "recall",
    "mean_accuracy": "recall",
    "pixel_accuracy": "pixel_accuracy",
    "frequency_weighted_iou": "frequency_weighted_iou",
}
#: These two have no rule for absent classes. By class they list recalls and IoUs, where the oracle needs its rules:
#: a recall without truth is left out, an IoU is left out only when there is no prediction either.
LISTED_AS = {
    "pixel_accuracy": {"absent": "skip", "fp_only": "skip"},
    "frequency_weighted_iou": {"absent": "skip", "fp_only": "count"},
}
#: Sums of rounded products, where the oracle rounds one exact fraction.
MOST_ULPS = {"frequency_weighted_iou": 2.0}

Setting = tuple[str, dict[str, str]]


def every_setting() -> list[Setting]:
    """Each metric with each combination of its rules; no class means over images where the oracle has none."""
    found = []
    for name in ORACLE_OF:
        names = sorted(METRICS[name].field_names())
        rules = {"void_prediction": VoidRule, "absent": AbsentRule, "fp_only": FpOnlyRule, "pool": Pool}
        columns = [get_args(rules[n]) if n in rules else ("all", "some") for n in names]
        for row in itertools.product(*columns):
            fields = dict(zip(names, row, strict=True))
            if name not in LISTED_AS or fields["pool"] != "class_then_image":
                found.append((name, fields))
    return found


EVERY = every_setting()
N_SHARDS = 8
CASES_OF_A_SETTING = 4


def branches(case: Case, fields: dict[str, str], chosen: Sequence[int]) -> set[str]:
    """Which rules decide something in this case."""
    met = {f"pool={fields['pool']}"} if len(case.pairs) > 1 else set()
    classes_met = []
    for truth, prediction in case.pairs:
        no_truth, no_prediction = np.isin(truth, VOID), np.isin(prediction, VOID)
        met |= {f"void_prediction={fields['void_prediction']}"} if (no_prediction & ~no_truth).any() else set()
        met |= {"void on void"} if (no_prediction & no_truth).any() else set()
        met |= {"class on void"} if (~no_prediction & no_truth).any() else set()
        counted = ~no_truth & ~no_prediction if fields["void_prediction"] == "skip" else ~no_truth
        classes_met.append([np.isin(chosen, labels[counted]) for labels in (truth, prediction)])
    for true, predicted in [np.any(classes_met, axis=0)] if fields["pool"] == "dataset" else classes_met:
        met |= {f"absent={fields.get('absent')}"} if (~true & ~predicted).any() else set()
        met |= {f"fp_only={fields.get('fp_only')}"} if (~true & predicted).any() else set()
        met |= {"true only"} if (true & ~predicted).any() else set()
    return met


def check_setting(name: str, fields: dict[str, str], case: Case) -> set[str]:
    """Compare one metric with the oracle on one case; return the rules that were exercised."""
    rng = np.random.default_rng(case.seed)
    chosen = (
        sorted(subset(rng, case.n_classes).tolist()) if fields["classes"] == "some" else list(range(case.n_classes))
    )
    classes = tuple(map(str, chosen)) if fields["classes"] == "some" else "all"
    metric = METRICS[name](**{**fields, "classes": classes})
    rules: Any = {k: fields[k] for k in ("void_prediction", "absent", "fp_only", "pool") if k in fields}
    rules = {**LISTED_AS.get(name, {}), **rules}
    where = f"{metric.signature()}, seed {case.seed}"
    met = branches(case, fields, chosen)
    oracle: Any = ORACLE_OF[name]
    try:
        value, listed = policies.evaluate(case.pairs, case.n_classes, VOID, oracle, **rules, classes=chosen)
    except policies.VoidPredictionError:
        check_refused(metric, case)
        return met | {"refused"}
    score = scored(metric, case)
    assert ulps(score.value, value) <= MOST_ULPS.get(name, 0.0), f"{where}: {score.value!r}, oracle {value!r}"
    expected = {str(c): listed[c] for c in chosen}
    assert score.per_class.keys() == expected.keys(), where
    for c in expected:
        assert ulps(score.per_class[c], expected[c]) == 0, (
            f"{where}, class {c}: {score.per_class[c]!r}, {expected[c]!r}"
        )
    return met | ({"undefined"} if math.isnan(value) else set())


@pytest.mark.parametrize("shard", range(N_SHARDS))
def test_every_rule_against_the_transcription(shard: int) -> None:
    met: Counter[str] = Counter()
    n_large = n_cases = 0
    for i in range(shard, len(EVERY), N_SHARDS):
        name, fields = EVERY[i]
        for n in range(CASES_OF_A_SETTING):
            # VOC refuses a void prediction also where the truth is void, the oracle does not: for `error` there is
            # either none, or one on a counted pixel.
            some = "none" if fields["void_prediction"] == "error" and n else "anywhere"
            case = random_case(100 * i + n, void_prediction=some)
            if fields["void_prediction"] == "error" and not n:
                truth, prediction = case.pairs[0]
                truth.flat[0], prediction.flat[0] = 0, 255
            met.update(check_setting(name, fields, case))
            n_cases, n_large = n_cases + 1, n_large + case.large
    assert n_cases * N_SHARDS > 2500 and n_large > n_cases / 2
    rules = {"void_prediction": VoidRule, "absent": AbsentRule, "fp_only": FpOnlyRule, "pool": Pool}
    wanted = {f"{rule}={choice}" for rule, choices in rules.items() for choice in get_args(choices)}
    wanted |= {"void on void", "class on void", "true only", "refused", "undefined"}
    assert {branch for branch in wanted if met[branch] < 10} == set(), met


def test_void_under_void_is_refused_though_the_oracle_only_looks_at_counted_pixels() -> None:
    # The deliberate difference behind `error`: it is a rule of admission, on the whole image (VOCevalseg.m).
    n_refused = 0
    for seed in range(40):
        case = random_case(seed, void_prediction="under void")
        holds_void = any(np.isin(prediction, VOID).any() for _, prediction in case.pairs)
        policies.evaluate(case.pairs, case.n_classes, VOID, "iou", void_prediction="error")
        if holds_void:
            n_refused += 1
            check_refused(METRICS["mean_iou"](void_prediction="error"), case)
        else:
            scored(METRICS["mean_iou"](void_prediction="error"), case)
    assert 10 < n_refused < 40


# scikit-learn. It knows no void: pixels of void truth are taken out, and a void prediction becomes a label beyond the
# K of `labels` (a miss: FN of the truth, FP of nobody), or is taken out too (skip).

N_SKLEARN = 80


def flat(case: Case, void_prediction: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    truth, prediction = (np.concatenate([pair[i].ravel() for pair in case.pairs]).astype(np.int64) for i in (0, 1))
    kept = ~np.isin(truth, VOID)
    if void_prediction == "skip":
        kept &= ~np.isin(prediction, VOID)
    prediction[np.isin(prediction, VOID)] = case.n_classes
    return truth[kept], prediction[kept]


#: The scikit-learn function, zero_division, and the metric with the rules that mean the same:
#: what has no denominator gets zero_division. IoU and F1 lack it only for an absent class; recall lacks it also for a
#: class predicted only; precision lacks it also for a class true only, which segbench counts as 0.
SKLEARN = [
    ("jaccard_score", 0, "mean_iou(absent=zero)"),
    ("jaccard_score", 1, "mean_iou(absent=one)"),
    ("f1_score", 0, "mean_dice(absent=zero)"),
    ("f1_score", 1, "mean_dice(absent=one)"),
    ("f1_score", math.nan, "mean_dice(absent=skip)"),  # macro: a nanmean
    ("precision_score", 0, "mean_precision(absent=zero)"),
    ("recall_score", 0, "mean_recall(absent=zero)"),
    ("recall_score", math.nan, "mean_recall(absent=skip,fp_only=skip)"),
    ("recall_score", 0, "mean_accuracy(absent=zero,fp_only=count)"),
]


@pytest.mark.parametrize(("function", "zero_division", "text"), SKLEARN)
@pytest.mark.parametrize("void_prediction", ["miss", "skip"])
def test_scikit_learn_agrees(function: str, zero_division: float, text: str, void_prediction: str) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    metric = parse_metric(f"{text[:-1]},void_prediction={void_prediction})")
    n_large = 0
    for seed in range(N_SKLEARN):
        case = random_case(seed)
        n_large += case.large
        truth, prediction = flat(case, void_prediction)
        if not truth.size:
            continue
        labels = range(case.n_classes)
        options = {"labels": labels, "zero_division": zero_division}
        listed = getattr(metrics, function)(truth, prediction, average=None, **options)
        score = scored(metric, case)
        found = list(score.per_class.values())
        if math.isnan(zero_division):  # a class left out is NaN in both
            np.testing.assert_array_equal(found, listed, f"seed {seed}")
        assert [v for v in found if not math.isnan(v)] == [v for v in listed if not math.isnan(v)], f"seed {seed}"
        macro = getattr(metrics, function)(truth, prediction, average="macro", **options)
        assert score.value == pytest.approx(macro, rel=1e-13, abs=0, nan_ok=True), f"seed {seed}"
    assert n_large > N_SKLEARN / 2


@pytest.mark.filterwarnings("ignore:(A single label|y_pred contains classes):UserWarning")
def test_scikit_learn_counts_the_same_table_and_accuracies() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    for seed in range(N_SKLEARN):
        case = random_case(seed)
        truth, prediction = flat(case, "skip")
        if not truth.size:
            continue
        accuracy, balanced = (
            parse_metric(f"{text}void_prediction=skip)") for text in ("pixel_accuracy(", "mean_recall(fp_only=skip,")
        )
        state = counted([accuracy], case)
        k = case.n_classes
        expected = metrics.confusion_matrix(truth, prediction, labels=range(k))
        np.testing.assert_array_equal(state.counts("table").values[:k, :k], expected, f"seed {seed}")
        assert accuracy.compute(state, case.space).value == metrics.accuracy_score(truth, prediction), f"seed {seed}"
        # balanced_accuracy_score: the mean recall of the classes in the truth; a class predicted only is left out.
        expected = metrics.balanced_accuracy_score(truth, prediction)
        assert balanced.compute(state, case.space).value == pytest.approx(expected, rel=1e-13), f"seed {seed}"


# torchmetrics. It takes one ignore_index in the truth and refuses it in predictions, so void is predicted nowhere. By
# class, what has no denominator is 0 (absent=zero, fp_only=count); a macro mean leaves classes without TP, FP and FN
# out (absent=skip). MulticlassAccuracy is the mean recall, not pixel accuracy, unless average="micro".

N_TORCH = 60
TORCH = [
    ("MulticlassJaccardIndex", "mean_iou"),
    ("MulticlassF1Score", "mean_dice"),
    ("MulticlassAccuracy", "mean_recall"),
    ("MulticlassPrecision", "mean_precision"),
]


def torch_cases(n: int) -> Iterable[Case]:
    for seed in range(n):
        case = random_case(5000 + seed, void_prediction="none")
        if case.n_classes < 2:  # which torchmetrics refuses
            continue
        pairs = [(np.where(np.isin(t, VOID), 255, t), np.where(np.isin(p, VOID), 0, p)) for t, p in case.pairs]
        yield Case(case.n_classes, pairs, case.seed)


@pytest.mark.parametrize(("function", "name"), TORCH)
def test_torchmetrics_agrees(function: str, name: str) -> None:
    torch = pytest.importorskip("torch")
    classification = pytest.importorskip("torchmetrics.classification")
    for case in torch_cases(N_TORCH):
        by_class, macro = (
            getattr(classification, function)(num_classes=case.n_classes, average=average, ignore_index=255)
            for average in ("none", "macro")
        )
        for truth, prediction in case.pairs:
            maps = torch.from_numpy(prediction.astype(np.int64)), torch.from_numpy(truth.astype(np.int64))
            by_class.update(*maps)
            macro.update(*maps)
        where = f"seed {case.seed}"
        # float32 inside, hence the tolerance.
        listed = scored(METRICS[name](absent="zero"), case).per_class
        np.testing.assert_allclose(list(listed.values()), by_class.compute().numpy(), rtol=1e-6, err_msg=where)
        score = scored(METRICS[name](absent="skip"), case)
        if not math.isnan(score.value):  # nothing counted at all: undefined here, 0 there
            np.testing.assert_allclose(score.value, macro.compute().numpy(), rtol=2e-6, err_msg=where)


def test_torchmetrics_counts_the_same_table_and_pixel_accuracy() -> None:
    torch = pytest.importorskip("torch")
    classification = pytest.importorskip("torchmetrics.classification")
    n_large = n_cases = 0
    for case in torch_cases(N_TORCH):
        k = case.n_classes
        matrix = classification.MulticlassConfusionMatrix(num_classes=k, ignore_index=255)
        micro = classification.MulticlassAccuracy(num_classes=k, average="micro", ignore_index=255)
        for truth, prediction in case.pairs:
            maps = torch.from_numpy(prediction.astype(np.int64)), torch.from_numpy(truth.astype(np.int64))
            matrix.update(*maps)
            micro.update(*maps)
        metric = parse_metric("pixel_accuracy")
        state = counted([metric], case)
        np.testing.assert_array_equal(
            state.counts("table").values[:k, :k], matrix.compute().numpy(), f"seed {case.seed}"
        )
        value = metric.compute(state, case.space).value
        if not math.isnan(value):
            np.testing.assert_allclose(value, micro.compute().numpy(), rtol=1e-6, err_msg=f"seed {case.seed}")
        n_cases, n_large = n_cases + 1, n_large + case.large
    assert n_large > n_cases / 2
