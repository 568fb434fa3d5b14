"""Classes that overlap: counts and scores against a plain loop and scikit-learn, both forms of a map, and states."""

from __future__ import annotations

import inspect
import itertools
import json
import math
import pickle
from collections.abc import Callable, Iterator
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import f1_score, jaccard_score

import segbench
from segbench import LabelClass, LabelSpace, Running
from segbench.errors import BadParameter, DatasetError, Refusal, SegbenchError, ShapeMismatch, StrayLabel, UnknownName
from segbench.metrics import functions
from segbench.metrics.base import Content
from segbench.metrics.layers import as_layers
from segbench.metrics.multilabel import METRICS, MultiLabelDice, MultiLabelIou, MultiLabelMean, MultiLabelTally
from segbench.metrics.region import MeanDice, MeanIou
from segbench.metrics.rules import AbsentRule, FpOnlyRule, Pool
from segbench.metrics.states import State
from segbench.samples import Sample

#: Ids with gaps, one class that is not evaluated, and a void id, which stands for nothing here.
SPACE = LabelSpace(
    (
        LabelClass("building", 4, group="built"),
        LabelClass("fence", 5, evaluated=False),
        LabelClass("tree", 9, group="grown"),
        LabelClass("crop", 2, group="grown"),
    ),
    void=(255,),
)
IDS, NAMES, K = (4, 9, 2), ("building", "tree", "crop"), 3
TALLY = MultiLabelTally(SPACE)
Mask = NDArray[np.bool_]
Pair = tuple[Mask, Mask]


def bits(layers: Mask, dtype: str = "u1") -> NDArray[np.unsignedinteger[Any]]:
    """The same map, bit i being layer i."""
    values = np.zeros(layers.shape[1:], dtype)
    for i, layer in enumerate(layers):
        for at in zip(*np.nonzero(layer), strict=True):
            values[at] |= values.dtype.type(1 << i)
    return values


def pairs(seed: int, n: int, k: int = K) -> Iterator[Pair]:
    """Truth and prediction in layers: images and volumes, small and large, related or not, with classes left out."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        shape = tuple(rng.integers(1, (9, 60)[i % 2], 3 if i % 5 == 4 else 2).tolist())
        truth = rng.random((k, *shape)) < rng.random((k,) + (1,) * len(shape))
        prediction = truth ^ (rng.random(truth.shape) < 0.3) if rng.random() < 0.7 else rng.random(truth.shape) < 0.5
        truth[rng.random(k) < 0.25] = False
        prediction[rng.random(k) < 0.25] = False
        yield truth, prediction


def counted(truth: Any, prediction: Any, tally: MultiLabelTally = TALLY) -> tuple[State, Content]:
    state = tally.start()
    return state, tally.count_one(state, Sample(("a",), truth, prediction))


# The oracle: a plain loop over pixels, and the rules written out.


def looped(truth: Mask, prediction: Mask | None) -> list[list[int]]:
    """Hits, false positives and misses of each class."""
    found = []
    for k in range(len(truth)):
        hits = false_positives = misses = 0
        for pixel in np.ndindex(truth.shape[1:]):
            true = bool(truth[(k, *pixel)])
            said = prediction is not None and bool(prediction[(k, *pixel)])
            hits += true and said
            false_positives += said and not true
            misses += true and not said
        found.append([hits, false_positives, misses])
    return found


def of_class(name: str, counts: list[int], absent: str, fp_only: str) -> float | None:
    """The value of a class: None is left out, NaN is undefined."""
    hits, false_positives, misses = counts
    if hits + false_positives + misses == 0:
        return {"propagate": math.nan, "skip": None, "zero": 0.0, "one": 1.0}[absent]
    if hits + misses == 0 and fp_only == "skip":
        return None
    if name == "multilabel_iou":
        return hits / (hits + false_positives + misses)
    return 2 * hits / (2 * hits + false_positives + misses)


def average(values: list[float | None]) -> float | None:
    some = [value for value in values if value is not None]
    return math.fsum(some) / len(some) if some else None


def expected(metric: MultiLabelMean, images: list[list[list[int]]]) -> tuple[float, list[float]]:
    """Value and values of the chosen classes, from the counts of each image."""

    def row(counts: list[list[int]]) -> list[float | None]:
        return [of_class(metric.name, one, metric.absent, metric.fp_only) for one in counts]

    if metric.pool == "dataset":
        values = row([[sum(numbers) for numbers in zip(*rows, strict=True)] for rows in zip(*images, strict=True)])
        value = average(values)
    else:
        rows = [row(counts) for counts in images]
        values = [average([row[k] for row in rows]) for k in range(len(images[0]))]
        value = average([average(row) for row in rows] if metric.pool == "image" else values)
    return (math.nan if value is None else value), [math.nan if v is None else v for v in values]


def every(cls: type[MultiLabelMean]) -> Iterator[MultiLabelMean]:
    for absent, fp_only, pool in itertools.product(get_args(AbsentRule), get_args(FpOnlyRule), get_args(Pool)):
        yield cls(absent=absent, fp_only=fp_only, pool=pool)


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_a_loop(seed: int) -> None:
    for truth, prediction in pairs(seed, 10):
        for said in (prediction, None):
            state, content = counted(truth, said)
            loop = looped(truth, said)
            assert state.counts("counts").values.tolist() == loop
            assert content["shape"] == list(truth.shape[1:])
            assert content["truth"] == [[i, h + m] for i, (h, _, m) in zip(IDS, loop, strict=True) if h + m]
            assert content["cells"] == [[i, *row] for i, row in zip(IDS, loop, strict=True) if any(row)]


def test_the_pairs_reach_every_rule() -> None:
    counts = [counted(*pair)[0].counts("counts").values.tolist() for pair in pairs(0, 20)]
    rows = [row for image in counts for row in image]
    assert any(h + f + m == 0 for h, f, m in rows) and any(h + m == 0 < f for h, f, m in rows)
    assert any(h + f == 0 < m for h, f, m in rows) and any(h and f and m for h, f, m in rows)
    assert any((truth.sum(axis=0) == K).any() and (truth.sum(axis=0) == 0).any() for truth, _ in pairs(0, 20))


@pytest.mark.parametrize("cls", METRICS, ids=lambda cls: cls.name)
def test_every_rule_and_pool_is_that_of_the_loop(cls: type[MultiLabelMean]) -> None:
    listed = list(pairs(7, 9))
    loops = [looped(*pair) for pair in listed]
    for metric in every(cls):
        for images in (slice(0, 1), slice(3, 5), slice(0, 9)):
            state = (tally := cls.tally((metric,), SPACE)).start()
            tally.count_into(state, [Sample((str(i),), *pair) for i, pair in enumerate(listed[images])])
            score = metric.compute(state, SPACE)
            value, values = expected(metric, loops[images])
            assert np.array_equal([score.value, *score.per_class.values()], [value, *values], equal_nan=True), metric
            assert tuple(score.per_class) == NAMES


@pytest.mark.parametrize(("cls", "official"), [(MultiLabelIou, jaccard_score), (MultiLabelDice, f1_score)])
def test_scikit_learn_says_the_same_of_flattened_maps(
    cls: type[MultiLabelMean], official: Callable[..., NDArray[np.float64]]
) -> None:
    n_between = n_absent = 0
    for truth, prediction in pairs(3, 30):
        state, _ = counted(truth, prediction)
        flat = [m.reshape(K, -1).T.astype(int) for m in (truth, prediction)]
        # Its zero_division is what a class scores that neither map has.
        zero, one = (official(*flat, average=None, zero_division=number).tolist() for number in (0, 1))
        assert list(cls(absent="zero").compute(state, SPACE).per_class.values()) == zero
        assert list(cls(absent="one").compute(state, SPACE).per_class.values()) == one
        defined = [math.nan if a != b else a for a, b in zip(zero, one, strict=True)]
        assert np.array_equal(list(cls().compute(state, SPACE).per_class.values()), defined, equal_nan=True)
        n_between += sum(0 < value < 1 for value in defined)
        n_absent += sum(map(math.isnan, defined))
    assert n_between > 40 and n_absent > 3


def test_by_hand() -> None:
    truth = np.array([[0b001, 0b011, 0b111, 0b000]], np.uint8)
    prediction = np.array([[0b001, 0b001, 0b010, 0b010]], np.uint8)
    state, content = counted(truth, prediction)
    # Class 0: hits in pixels 0 and 1, a miss in 2. Class 1: a hit in 2, false in 3, missed in 1. Class 2: missed in 2.
    assert content["cells"] == [[4, 2, 0, 1], [9, 1, 1, 1], [2, 0, 0, 1]]
    assert content["truth"] == [[4, 3], [9, 2], [2, 1]]
    assert MultiLabelIou().compute(state, SPACE).value == math.fsum([2 / 3, 1 / 3, 0]) / 3
    assert MultiLabelDice().compute(state, SPACE).value == math.fsum([4 / 5, 2 / 4, 0]) / 3
    grown = MultiLabelIou(classes=("grown",)).compute(state, SPACE)
    assert grown.per_class == {"tree": 1 / 3, "crop": 0.0} and grown.value == 1 / 6


def test_classes_that_do_not_overlap_score_as_label_maps() -> None:
    rng = np.random.default_rng(5)
    space = LabelSpace.of(4)
    for _ in range(10):
        truth, prediction = rng.integers(0, 4, (2, 7, 9))
        layers = [np.stack([m == i for i in range(4)]) for m in (truth, prediction)]
        for cls, twin in ((MultiLabelIou, MeanIou), (MultiLabelDice, MeanDice)):
            plain = Running(twin(), space)
            plain.update(truth=truth, prediction=prediction)
            running = Running(cls(), space)
            running.update(truth=layers[0], prediction=layers[1])
            assert running.compute() == plain.compute()


# Forms.

FORMS: dict[str, Callable[[Mask], Any]] = {
    **{dtype: lambda m, dtype=dtype: bits(m, dtype) for dtype in ("u1", "u2", "u4", "u8", ">u2", ">u4")},
    "layers": lambda m: m,
    "layers of bytes": lambda m: m.astype(np.uint8),
    "layers of int64": lambda m: m.astype(np.int64),
    "layers of floats": lambda m: m.astype(np.float32),
    "nested layers": lambda m: m.tolist(),
    "layers, Fortran": np.asfortranarray,
    "bits, Fortran": lambda m: np.asfortranarray(bits(m)),
    "PIL": lambda m: Image.fromarray(bits(m)),
    "PIL of 16 bits": lambda m: Image.fromarray(bits(m, "u2")),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_bits(form: str) -> None:
    tally = MultiLabelIou.tally([MultiLabelIou(), MultiLabelIou(pool="image")], SPACE)
    for truth, prediction in (pair for pair in pairs(11, 12) if pair[0].ndim == 3):
        plain, content = counted(truth, prediction, tally)
        one, other = FORMS[form](truth), FORMS[form](prediction)
        for maps in ((one, other), (truth, other), (one, prediction)):
            state, same = counted(*maps, tally)
            assert state.to_bytes() == plain.to_bytes() and same == content
        assert counted(one, None, tally)[1] == counted(truth, None, tally)[1]


@pytest.mark.parametrize(
    ("k", "dtype"), [(1, "u1"), (8, "u1"), (9, "u2"), (16, "u2"), (31, "u4"), (32, "u4"), (33, "u8"), (63, "u8")]
)
def test_every_bit_of_a_dtype(k: int, dtype: str) -> None:
    (layers,) = (truth for truth, _ in pairs(k, 1, k))
    assert [layer.tolist() for layer in as_layers(bits(layers, dtype), k, name="truth")] == layers.tolist()


@pytest.mark.parametrize(("k", "dtype"), [(1, "u1"), (7, "u1"), (9, "u2"), (15, "u2"), (31, "u4"), (62, "u8")])
def test_the_first_bit_beyond_the_classes_is_a_stray(k: int, dtype: str) -> None:
    values = np.array([[0, (1 << k) - 1, 1 << k]], dtype)
    with pytest.raises(StrayLabel, match=rf"expected 0…{2**k - 1}, a bit for each class \({k} in all\)") as caught:
        as_layers(values, k, name="prediction")
    assert (caught.value.pixel, caught.value.count) == ((0, 2), 1)


def test_a_bool_image_is_the_bit_of_a_single_class_only() -> None:
    mask = np.array([[True, False]])
    assert counted(mask, mask, MultiLabelTally(LabelSpace.of(1)))[1]["cells"] == [[0, 1, 0, 0]]
    with pytest.raises(BadParameter, match=r"truth of dtype bool with two axes; expected .* a bit for each class, 3"):
        counted(mask, mask)


def test_inputs_stay_as_they_are() -> None:
    for truth, prediction in pairs(2, 4):
        before = truth.copy(), prediction.copy()
        for array in (truth, prediction):
            array.setflags(write=False)
        counted(truth, prediction)
        assert np.array_equal(truth, before[0]) and np.array_equal(prediction, before[1])


# States.


@pytest.mark.parametrize("seed", range(3))
def test_merge_and_records(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rules = list(zip(get_args(Pool), ("skip", "one", "propagate"), strict=True))
    metrics = [cls(pool=pool, absent=absent) for cls in METRICS for pool, absent in rules]
    tally = MultiLabelMean.tally(metrics, SPACE)
    samples = [Sample((str(i),), *pair) for i, pair in enumerate(pairs(seed, 9))]
    samples[4] = Sample(("4",), samples[4].truth, None)
    whole = tally.start()
    records = json.loads(json.dumps(tally.count_into(whole, samples), allow_nan=False))
    parts = [tally.start() for _ in range(3)]
    for i in rng.permutation(len(samples)):
        tally.count_one(parts[rng.integers(3)], samples[i])
    a, b, c = parts
    rebuilt = tally.start()
    for i in rng.permutation(len(records)):
        tally.add_record(rebuilt, records[i])
    same = (a.merge(b).merge(c), c.merge(a.merge(b)), rebuilt, State.from_bytes(whole.to_bytes()))
    assert {state.to_bytes() for state in same} == {whole.to_bytes()}
    again = pickle.loads(pickle.dumps(tally)).start()
    assert again.merge(whole).to_bytes() == whole.to_bytes()


def test_nothing_to_judge() -> None:
    nothing, some = np.zeros((2, 2), np.uint8), np.array([[0, 0], [0, 2]], np.uint8)
    assert TALLY.is_empty(TALLY.start())
    assert TALLY.is_empty(counted(nothing, nothing)[0]) and TALLY.is_empty(counted(nothing, None)[0])
    # A false positive is judged though no truth is there, and so is a miss.
    assert not TALLY.is_empty(counted(nothing, some)[0]) and not TALLY.is_empty(counted(some, None)[0])
    assert MultiLabelIou().compute(counted(nothing, some)[0], SPACE).value == 0.0


def test_undefined_classes_and_where_defined() -> None:
    state, _ = counted(np.array([[1, 0]], np.uint8), np.array([[1, 2]], np.uint8))
    metric = MultiLabelDice(absent="propagate")
    assert math.isnan(metric.compute(state, SPACE).value)
    assert metric.undefined_classes(state, SPACE) == ["crop"]
    assert metric.where_defined() == MultiLabelDice()
    assert metric.where_defined().compute(state, SPACE).value == 0.5


def test_a_class_that_is_not_known_is_refused_before_anything_is_counted() -> None:
    for pool in ("dataset", "image"):
        with pytest.raises(UnknownName, match="did you mean 'tree'"):
            MultiLabelIou.tally((MultiLabelIou(classes=("tre",), pool=pool),), SPACE)  # type: ignore[arg-type]


# Faults.

GOOD = np.array([[1, 2, 4], [0, 7, 3]], np.uint8)
LAYERS = np.stack([GOOD >> i & 1 for i in range(K)])


def layers_with(value: float, *places: tuple[int, ...]) -> NDArray[Any]:
    layers = LAYERS.astype(type(value))
    for place in places:
        layers[place] = value
    return layers


STRAYS: list[tuple[Any, tuple[int, ...], int, str]] = [
    (np.array([[1, 2, 4], [8, 7, 255]], np.uint8), (1, 0), 2, "value 8 at row 1, column 0, 2 stray pixels in all"),
    (
        np.array([[1, 2, 4], [0, 7, 1 << 31]], np.uint32),
        (1, 2),
        1,
        "value 2147483648 at row 1, column 2, 1 stray pixel ",
    ),
    (np.full((2, 3), 1 << 63, np.uint64), (0, 0), 6, "9223372036854775808"),
    (layers_with(2, (2, 0, 1)), (0, 1), 1, "value 2 of layer 2 at row 0, column 1, 1 stray pixel in all"),
    # The first pixel in the order of the image, though layer 0 has another one behind it; one pixel counts once.
    (layers_with(-1, (0, 1, 2), (1, 0, 2), (2, 0, 2)), (0, 2), 2, "value -1 of layer 1 at row 0, column 2, 2 stray"),
    (layers_with(255, *np.ndindex(3, 2, 3)), (0, 0), 6, "value 255 of layer 0"),
    (layers_with(0.5, (1, 0, 2)), (1, 0, 2), 1, "value 0.5"),
]


@pytest.mark.parametrize(("stray", "pixel", "count", "said"), STRAYS)
def test_strays(stray: Any, pixel: tuple[int, ...], count: int, said: str) -> None:
    state = TALLY.start()
    for sample, kind in ((Sample(("a",), GOOD, stray), StrayLabel), (Sample(("a",), stray, GOOD), DatasetError)):
        with pytest.raises(kind) as caught:
            TALLY.count_one(state, sample)
        assert (caught.value.pixel, caught.value.count) == (pixel, count)
        assert said in caught.value.found and caught.value.expected and "\n" not in str(caught.value)
    with pytest.raises(DatasetError):
        TALLY.count_one(state, Sample(("a",), stray, None))
    assert state.to_bytes() == TALLY.start().to_bytes()


def test_a_stray_of_a_volume() -> None:
    volume = np.zeros((K, 2, 3, 4), np.uint8)
    volume[1, 1, 0, 3] = 7
    with pytest.raises(StrayLabel, match="value 7 of layer 1 at slice 1, row 0, column 3") as caught:
        counted(np.zeros_like(volume), volume)
    assert caught.value.pixel == (1, 0, 3)


@pytest.mark.parametrize(
    ("labels", "as_prediction", "as_truth"),
    [
        (LAYERS[:2], ShapeMismatch, DatasetError),
        (np.concatenate([LAYERS, LAYERS]), ShapeMismatch, DatasetError),
        (np.moveaxis(LAYERS, 0, -1), ShapeMismatch, DatasetError),
        (GOOD[0], ShapeMismatch, DatasetError),
        (LAYERS[:, None, None], ShapeMismatch, DatasetError),
        (GOOD.T, ShapeMismatch, ShapeMismatch),
        (LAYERS[:, None], ShapeMismatch, ShapeMismatch),
        (LAYERS[:, :, :2], ShapeMismatch, ShapeMismatch),
        (GOOD.astype(np.int32), BadParameter, BadParameter),
        (GOOD.astype(float), BadParameter, BadParameter),
        (GOOD.tolist(), BadParameter, BadParameter),
        (GOOD > 0, BadParameter, BadParameter),
        (LAYERS.astype(complex), BadParameter, BadParameter),
        ("text", BadParameter, BadParameter),
    ],
)
def test_other_faults(labels: Any, as_prediction: type[SegbenchError], as_truth: type[SegbenchError]) -> None:
    with pytest.raises(as_prediction) as caught:
        counted(GOOD, labels)
    assert type(caught.value) is as_prediction and caught.value.expected
    with pytest.raises(as_truth) as caught:
        counted(labels, GOOD)
    assert type(caught.value) is as_truth and caught.value.expected


@pytest.mark.parametrize("empty", [np.zeros((0, 3), np.uint8), np.zeros((K, 2, 0), bool), np.zeros((K, 0, 2, 2), bool)])
def test_no_pixel(empty: Any) -> None:
    for prediction in (empty, None):
        with pytest.raises(BadParameter, match="expected at least one pixel"):
            counted(empty, prediction)


@pytest.mark.parametrize(("k", "dtype"), [(9, "u1"), (17, "u2"), (33, "u4"), (64, "u8")])
def test_a_dtype_with_too_few_bits(k: int, dtype: str) -> None:
    values = np.zeros((2, 2), dtype)
    with pytest.raises(BadParameter) as caught:
        counted(values, values, MultiLabelTally(LabelSpace.of(k)))
    assert caught.value.mend == ("classes beyond 63 need layers" if k == 64 else "")
    layers = np.zeros((k, 2, 2), bool)
    layers[-1, 0, 1] = True
    assert counted(layers, layers, MultiLabelTally(LabelSpace.of(k)))[1]["cells"] == [[k - 1, 1, 0, 0]]


def test_all_faults_of_a_chunk_are_told() -> None:
    state = TALLY.start()
    samples = [Sample(("a",), GOOD, GOOD), Sample(("b",), GOOD, GOOD + 8), Sample(("c",), GOOD + 8, GOOD)]
    with pytest.raises(Refusal) as caught:
        TALLY.count_into(state, samples)
    assert [type(fault) for fault in caught.value.faults] == [StrayLabel, DatasetError]
    assert state.to_bytes() == counted(GOOD, GOOD)[0].to_bytes()


# As functions.


@pytest.mark.parametrize("cls", METRICS, ids=lambda cls: cls.name)
def test_every_metric_has_its_function(cls: type[MultiLabelMean]) -> None:
    function = getattr(functions, cls.name)
    assert cls.name in functions.__all__ and getattr(segbench, cls.name) is function
    assert getattr(segbench, cls.__name__) is cls and cls.family == "multilabel"
    assert pickle.loads(pickle.dumps(function)) is function
    given = ["truth", "prediction", "space", "void", "pool", "classes", "absent", "fp_only"]
    assert list(inspect.signature(function).parameters) == given
    twin = MeanIou() if cls is MultiLabelIou else MeanDice()
    assert {name: getattr(cls(), name) for name in given[4:]} == {name: getattr(twin, name) for name in given[4:]}
    text = function.__doc__
    sections = ["Parameters", "Returns", "Raises", "Notes", "Examples"]
    places = [text.index(f"\n{section}\n{'-' * len(section)}\n") for section in sections]
    assert places == sorted(places) and cls.formula.casefold() in text.casefold()
    assert "VoidPrediction" not in text and "bit i" in text and all(len(line) <= 120 for line in text.splitlines())


@pytest.mark.parametrize("cls", METRICS, ids=lambda cls: cls.name)
def test_function_is_running_over_the_images(cls: type[MultiLabelMean]) -> None:
    truths, predictions = zip(*pairs(21, 10), strict=True)
    function = getattr(functions, cls.name)
    for pool in get_args(Pool):
        running = Running(cls(pool=pool), SPACE)
        for truth, prediction in zip(truths, predictions, strict=True):
            running.update(truth=truth, prediction=prediction)
        score = function(truth=list(truths), prediction=predictions, space=SPACE, pool=pool)
        assert score == running.compute() and 0 < score.value < 1


def test_lists_are_images_and_layers_are_one_array() -> None:
    truth, prediction = GOOD, np.array([[1, 2, 0], [4, 7, 1]], np.uint8)
    one = segbench.multilabel_iou(truth=truth, prediction=prediction, space=3)
    assert one == segbench.multilabel_iou(truth=[truth], prediction=(prediction,), space=3)
    layers = np.stack([prediction >> i & 1 for i in range(K)])
    assert one == segbench.multilabel_iou(truth=LAYERS, prediction=layers, space=3)
    # A list of bool layers would be a list of images with one class each: refused, not scored.
    with pytest.raises(BadParameter, match="truth of dtype bool with two axes"):
        segbench.multilabel_iou(truth=list(LAYERS > 0), prediction=list(layers > 0), space=3)
    with pytest.raises(BadParameter, match="truth of dtype int64 with two axes"):
        segbench.multilabel_iou(truth=LAYERS.tolist(), prediction=layers.tolist(), space=3)
    with pytest.raises(BadParameter, match="prediction is None"):
        segbench.multilabel_iou(truth=truth, prediction=None, space=3)


def test_void_ids_have_no_effect() -> None:
    expected = segbench.multilabel_dice(truth=GOOD, prediction=GOOD & 3, space=SPACE)
    assert segbench.multilabel_dice(truth=GOOD, prediction=GOOD & 3, space=SPACE, void=(0, 7)) == expected
    with pytest.raises(DatasetError):
        segbench.multilabel_dice(truth=GOOD | 8, prediction=GOOD, space=SPACE, void=range(10, 20))
