"""The law book: what every metric keeps, whatever it measures.

`LAWS_OF` says which laws a metric declares; a law it does not declare stands in `EXEMPT` with the reason. A metric
that is added to `METRICS` fails here until it has done one or the other for every law.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import math
import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import FrozenInstanceError, dataclass, replace
from fractions import Fraction
from functools import cache, partial
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from segbench.errors import BadParameter, DatasetError, Refusal, StrayLabel, UnknownName, VoidPrediction
from segbench.labels import LabelClass, LabelSpace
from segbench.metrics import groups, table
from segbench.metrics.base import Content, Metric, Tally
from segbench.metrics.groups import CategoryIou
from segbench.metrics.membrane import THRESHOLD_NAMES
from segbench.metrics.parts import Counts, Rows
from segbench.metrics.region import MeanAccuracy, MeanDice, MeanIou, MeanRecall, PixelAccuracy
from segbench.metrics.resampling import Pool
from segbench.metrics.rules import ClassMean, TableMetric
from segbench.metrics.running import Running
from segbench.metrics.states import State
from segbench.metrics.table import METRICS, parse_metric
from segbench.result import Score
from segbench.samples import Place, Sample

#: Ids with gaps, classes that are not evaluated, two void ids, one of them below all classes.
SPACE = LabelSpace(
    (
        LabelClass("background", 3),
        LabelClass("road", 7, group="flat"),
        LabelClass("pavement", 8, group="flat"),
        LabelClass("it's a \\ car, [old]", 20, group="vehicle", instance_size=5.5),
        LabelClass("parking", 9, group="flat", evaluated=False),
        LabelClass("caravan", 29, group="vehicle", evaluated=False),
        LabelClass("person", 31, group="human", instance_size=2.25),
    ),
    void=(255, 0),
)
#: For maps of probability: two classes, one that is not evaluated, and the void ids of the other space.
BINARY = LabelSpace(
    (LabelClass("background", 3), LabelClass("vessel", 7), LabelClass("unsure", 9, evaluated=False)), void=(255, 0)
)
NEGATIVE, POSITIVE = (c.id for c in BINARY.evaluated)
#: For videos: objects are numbers, and only void says anything of the space.
VIDEO_SPACE = LabelSpace((LabelClass("background", 0), LabelClass("object", 1)), void=(255,))
SIZED = tuple(c for c in SPACE.evaluated if c.instance_size)
CHOSEN = ("all", "foreground", ("person", "flat"))
ODD_CHOICES = ("it's a \\ car, [old]", ("it's a \\ car, [old]", "road"), "flat", ("flat",))

# A throw-away family on rows, to hold the interface to more than tables.


@dataclass(frozen=True)
class ToyTally(Tally):
    """Detections as rows. A sample's truth is how many objects there are, its prediction pairs of score and hit."""

    def start(self) -> State:
        return State({"detections": Rows(("image", "index")), "objects": Counts.zeros(1)})

    def count_one(self, state: State, sample: Sample) -> Content:
        found = [[float(score), bool(hit)] for score, hit in sample.prediction]
        content = {"image": "/".join(sample.key), "objects": int(sample.truth), "found": found}
        self.add_record(state, content)
        return content

    def add_record(self, state: State, content: Content) -> None:
        found = content["found"]
        state.counts("objects").add(np.array([content["objects"]]))
        state.rows("detections").add(
            image=np.array([content["image"]] * len(found), np.str_),
            index=np.arange(len(found)),
            score=np.array([score for score, _ in found], np.float64),
            hit=np.array([hit for _, hit in found], np.bool_),
        )


@dataclass(frozen=True)
class ToyAveragePrecision(Metric[ToyTally]):
    """Mean over objects of the precision at their rank; ties in the order of image and index."""

    name: ClassVar[str] = "toy_average_precision"
    family: ClassVar[str] = "toy"
    formula: ClassVar[str] = "Σ precision at each hit / objects"

    ties: Literal["stable", "hits_last"] = "stable"
    least_score: float = 0.0
    most_found: int = 100

    @classmethod
    def tally(cls, metrics: Sequence[ToyAveragePrecision], space: LabelSpace) -> ToyTally:
        return ToyTally()

    def compute(self, state: State, space: LabelSpace) -> Score:
        rows, objects = state.rows("detections").columns(), int(state.counts("objects").values[0])
        if not objects:
            return Score(math.nan)
        ranked = sorted(zip(rows["score"].tolist(), rows["hit"].tolist(), strict=True), key=self._rank) if rows else []
        kept = [hit for score, hit in ranked if score >= self.least_score][: self.most_found]
        hits = list(itertools.accumulate(kept))
        return Score(
            math.fsum(n / rank for rank, (n, hit) in enumerate(zip(hits, kept, strict=True), 1) if hit) / objects
        )

    def _rank(self, found: tuple[float, bool]) -> tuple[float, bool]:
        return -found[0], found[1] and self.ties == "hits_last"


@pytest.fixture(autouse=True, scope="module")
def toy_is_known() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(table.METRICS, ToyAveragePrecision.name, ToyAveragePrecision)  # type: ignore[arg-type]
        yield


ALL = {**METRICS, ToyAveragePrecision.name: ToyAveragePrecision}
TABLE_METRICS = {name: cls for name, cls in METRICS.items() if issubclass(cls, TableMetric)}


# Settings and samples.


@cache
def kinds(cls: type[Metric[Any]]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {name: hints[name] for name in cls.field_names()}


def choices(name: str, kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return {
        "classes": CHOSEN,
        "least_score": (0.0, 0.25, 1e-05),
        "most_found": (100, 3),
        "threshold": (0.5, 0.1, 1.0),
        "tolerance_diagonal": (0.0075, 0.3),
        "tolerance_px": (0.0, 1.5),
        "width_diagonal": (0.02, 0.25),
        "band_px": (4.0, 1.0),
        "percentile": (100.0, 50.0),
        "tolerance_mm": (1.0, 0.0),
        "bound": (0.008, 2.0),
        "thresholds": ("coco", ("0.5", "0.75")),
        "max_detections": (100, 2),
    }[name]


@cache
def every_setting(name: str) -> tuple[Metric[Any], ...]:
    """All combinations of the parameters of a metric; of very many some, in which every choice occurs."""
    cls = ALL[name]
    columns = [choices(field, kind) for field, kind in kinds(cls).items()]
    n = math.prod(map(len, columns))
    some = itertools.islice(itertools.product(*columns), 0, None, 1 if n < 10_000 else n // 200 | 1)
    rows = (dict(zip(kinds(cls), row, strict=True)) for row in some)
    return tuple(cls(**row) for row in rows if fits(row))


def fits(row: dict[str, Any]) -> bool:
    """Whether parameters go together."""
    if row.get("rules") == "sds" and row["area"] != "all":
        return False
    return not (row.get("boundary") == "seg2bmap" and row["border"] != "nothing")


def filled(
    rng: np.random.Generator, ids: Sequence[int], shape: tuple[int, ...], dtype: str = "u1"
) -> NDArray[np.integer[Any]]:
    """A map that holds some of the ids: classes are absent, true only, or predicted only."""
    some = rng.choice(ids, int(rng.integers(1, len(ids) + 1)), replace=False)
    return rng.choice(some, shape).astype(dtype)


def is_soft(metric: Metric[Any]) -> bool:
    """Whether predictions are maps of the probability of the second of two classes."""
    return metric.family in ("levels", "membrane")


def has_bits(metric: Metric[Any]) -> bool:
    """Whether truth and prediction say yes or no of each class."""
    return metric.family == "multilabel"


def is_video(metric: Metric[Any]) -> bool:
    """Whether images are frames of videos, with numbered objects."""
    return metric.family == "video"


def is_detection(metric: Metric[Any]) -> bool:
    """Whether truth and prediction are tables of instances."""
    return metric.family == "detection"


def space_of(metric: Metric[Any]) -> LabelSpace:
    if is_video(metric):
        return VIDEO_SPACE
    return BINARY if is_soft(metric) else SPACE


def right(metric: Metric[Any], truth: int) -> int:
    """What a right prediction says of a pixel that is counted."""
    return 255 * (truth == BINARY.evaluated[1].id) if is_soft(metric) else truth


def given_up(metric: Metric[Any]) -> int:
    """What a prediction says that says nothing: void, or level 0, or no class."""
    return 0 if is_soft(metric) or has_bits(metric) or is_video(metric) else 255


def is_flat(metric: Metric[Any]) -> bool:
    """Whether only images are taken, and no volumes."""
    return metric.family in ("contour", "trimap")


def void_of(metric: Metric[Any]) -> tuple[int, ...]:
    """Values of the truth that are not counted."""
    return () if has_bits(metric) else space_of(metric).void_truth


def may_predict(metric: Metric[Any]) -> tuple[int, ...]:
    if is_soft(metric):
        return tuple(range(256))
    if is_video(metric):
        # As many numbers as a video has objects, or as it may have proposals.
        return tuple(range(2)) if metric.assignment == "identity" else tuple(range(21))  # type: ignore[attr-defined]
    n = len(SPACE.evaluated) if getattr(metric, "void_prediction", "") == "error" else len(SPACE.columns)
    return SPACE.columns[:n]


def one_sample(rng: np.random.Generator, metric: Metric[Any], key: str) -> Sample:
    if metric.family == "toy":
        n = int(rng.integers(0, 6))
        found = [(float(rng.choice([0.1, 0.5, 0.9])), bool(rng.random() < 0.5)) for _ in range(n)]
        return Sample((key,), sum(hit for _, hit in found) + int(rng.integers(0, 3)), found)
    if is_detection(metric):
        return one_image_of_instances(rng, key)
    shape = tuple(rng.integers(1, 9, 3 if rng.random() < 0.2 and not is_flat(metric) else 2).tolist())
    if is_soft(metric):
        sample = one_probability_map(rng, metric, key, shape)
        return as_membranes(rng, sample) if metric.family == "membrane" else sample
    if has_bits(metric):
        return one_map_of_bits(rng, key, shape)
    if is_video(metric):
        return one_frame(rng, metric, int(key.removeprefix("image")))
    truth = filled(rng, SPACE.columns, shape, str(rng.choice(["u1", "i8"])))
    prediction = filled(rng, may_predict(metric), shape, str(rng.choice(["u1", "u2"])))
    agrees = (rng.random(shape) < 0.5) & np.isin(truth, may_predict(metric))
    prediction[agrees] = truth[agrees]
    return Sample((key,), truth, None if rng.random() < 0.1 else prediction, instances_of(rng, truth))


def one_probability_map(rng: np.random.Generator, metric: Metric[Any], key: str, shape: tuple[int, ...]) -> Sample:
    """Few levels with many ties, or many; some pixels right."""
    truth = filled(rng, BINARY.columns, shape, str(rng.choice(["u1", "i8"])))
    levels = rng.choice(rng.integers(0, 256, int(rng.integers(1, 9))), shape).astype(np.uint8)
    agrees = rng.random(shape) < 0.5
    levels[agrees] = np.array([right(metric, t) for t in truth[agrees].tolist()], np.uint8)
    return Sample((key,), truth, None if rng.random() < 0.1 else levels)


def as_membranes(rng: np.random.Generator, sample: Sample) -> Sample:
    """The sample as it is, or with its levels as probabilities in floats."""
    dtype = str(rng.choice(["u1", "f4", "f8"]))
    if sample.prediction is None or dtype == "u1":
        return sample
    return replace(sample, prediction=(sample.prediction / 255).astype(dtype))


def one_frame(rng: np.random.Generator, metric: Metric[Any], i: int) -> Sample:
    """A frame of one of two videos, of one and of two objects; a third one is born late."""
    shape = tuple(rng.integers(1, 9, 2).tolist())
    truth = filled(rng, (0, 1, 2, 3, 255), shape, str(rng.choice(["u1", "i8"])))
    prediction = filled(rng, may_predict(metric), shape, str(rng.choice(["u1", "u2"])))
    agrees = (rng.random(shape) < 0.5) & np.isin(truth, may_predict(metric))
    prediction[agrees] = truth[agrees]
    place = Place(i // 2, 4 + i % 2, 1 + i % 2, first=filled(rng, (0, 1, 2), shape) if i // 2 == 1 else None)
    return Sample((f"video{i % 2}", f"{i:03}"), truth, None if rng.random() < 0.1 else prediction, place=place)


def one_image_of_instances(rng: np.random.Generator, key: str) -> Sample:
    """Rectangles of some classes, some of them found; few scores, so that many are equal."""
    shape = tuple(rng.integers(4, 60, 2).tolist())
    n = int(rng.integers(0, 6))
    masks = np.array([rectangle(rng, shape) for _ in range(n)], np.bool_).reshape(-1, *shape)
    labels = rng.choice([c.id for c in SPACE.evaluated[:3]], n)
    truth = {"labels": labels, "masks": masks, "crowd": rng.random(n) < 0.2, "ignored": rng.random(n) < 0.1}
    others = [rectangle(rng, shape) for _ in range(int(rng.integers(0, 5)))]
    found = [*(np.roll(mask, rng.integers(-1, 2, 2), (0, 1)) for mask in masks if rng.random() < 0.7), *others]
    prediction = {
        "labels": rng.choice([c.id for c in SPACE.evaluated[:3]], len(found)),
        "masks": np.array(found, np.bool_).reshape(-1, *shape),
        "scores": rng.integers(0, 4, len(found)) / 3,
    }
    if rng.random() < 0.5:
        truth["areas"] = rng.choice([50.0, 1024.0, 9216.0, 1e5], n)
    return Sample((key,), truth, None if rng.random() < 0.1 else prediction)


def rectangle(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, np.bool_)
    y, x = (int(rng.integers(0, side)) for side in shape)
    mask[y : y + int(rng.integers(1, shape[0] + 1)), x : x + int(rng.integers(1, shape[1] + 1))] = True
    return mask


def one_map_of_bits(rng: np.random.Generator, key: str, shape: tuple[int, ...]) -> Sample:
    """Some of the classes in each map, some pixels right; bits, or for volumes and sometimes for images layers."""
    n = len(SPACE.evaluated)
    truth, prediction = (
        filled(rng, range(1 << n), shape) & rng.integers(0, 1 << n, dtype=np.uint8) for _ in ("truth", "prediction")
    )
    agrees = rng.random(shape) < 0.5
    prediction[agrees] = truth[agrees]
    forms = [bits_of, layers_of] if len(shape) == 2 else [layers_of]
    truth, prediction = (forms[int(rng.integers(len(forms)))](m) for m in (truth, prediction))
    return Sample((key,), truth, None if rng.random() < 0.1 else prediction)


def bits_of(values: NDArray[np.integer[Any]]) -> NDArray[np.uint16]:
    return values.astype(np.uint16)


def layers_of(values: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    return np.stack([values >> i & 1 for i in range(len(SPACE.evaluated))]).astype(np.uint8)


def values_of(layers: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The bits of a map in either form."""
    if layers.ndim == 2:
        return layers.astype(np.int64)
    return sum((layer.astype(np.int64) << i for i, layer in enumerate(layers)), np.int64(0))


def instances_of(rng: np.random.Generator, truth: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """An instance map: class id × 1000 + number, or the plain id where instances are not told apart."""
    number = rng.integers(0, 3, truth.shape)
    single = np.isin(truth, [c.id for c in (*SIZED, SPACE.classes[5])]) & (number > 0)
    return np.where(single, truth.astype(np.int64) * 1000 + number, truth)


def maps(sample: Sample, change: Callable[[Any], Any]) -> Sample:
    """A sample with every map it has changed in the same way."""
    return Sample(
        sample.key, *(None if m is None else change(m) for m in (sample.truth, sample.prediction, sample.instances))
    )


def strict(metric: Metric[Any], **policies: str) -> Metric[Any]:
    """The metric with those of the policies that it has."""
    return replace(metric, **{k: v for k, v in policies.items() if k in metric.field_names()})


def part_ids(metric: Metric[Any]) -> dict[str, set[int]]:
    """The ids behind each value of a score."""
    if is_soft(metric):
        return {threshold: set() for threshold in THRESHOLD_NAMES if metric.family == "membrane"}
    if metric.family == "instances":
        chosen, by_group = SIZED, metric.name == "category_iiou"
    else:
        chosen, by_group = (
            tuple(SPACE.evaluated[i] for i in SPACE.select(metric.classes)),
            metric.name in GROUP_METRICS,
        )
    if not by_group:
        return {c.name: {c.id} for c in chosen}
    groups = [c.group for c in SPACE.evaluated if c.group in {c.group for c in chosen} - {None}]
    return {str(g): {c.id for c in SPACE.evaluated if c.group == g} for g in dict.fromkeys(groups)}


def several(rng: np.random.Generator, metric: Metric[Any]) -> list[Sample]:
    return [one_sample(rng, metric, f"image{i}") for i in range(int(rng.integers(1, 6)))]


def predicted(rng: np.random.Generator, metric: Metric[Any]) -> list[Sample]:
    """Samples of which every image has a prediction, pixel by pixel as the truth."""
    samples = [sample for sample in several(rng, metric) if sample.prediction is not None]
    return [maps(s, in_layers) for s in samples] if has_bits(metric) else samples


def in_layers(values: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    return layers_of(values) if values.ndim == 2 else values.astype(np.uint8)


def tally_of(metric: Metric[Any]) -> Tally:
    return type(metric).tally((metric,), space_of(metric))


def counted(metric: Metric[Any], samples: Iterable[Sample]) -> State:
    tally = tally_of(metric)
    state = tally.start()
    tally.count_into(state, samples)
    return state


def scored(metric: Metric[Any], samples: Iterable[Sample]) -> Score:
    return metric.compute(counted(metric, samples), space_of(metric))


def bits(score: Score) -> tuple[str, dict[str, str]]:
    """A score to the last bit; NaN is itself."""
    return score.value.hex(), {name: value.hex() for name, value in score.per_class.items()}


def not_lower(after: float, before: float) -> bool:
    """Whether a value did not fall; what is undefined promises nothing, and a rounding of the last bit is no fall."""
    return math.isnan(before) or math.isnan(after) or after >= math.nextafter(before, -math.inf)


# The laws. Each takes a metric and a seed and fails on what breaks it.

Law = Callable[[Metric[Any], np.random.Generator], None]
LAWS: dict[str, Law] = {}


def law(function: Law) -> Law:
    LAWS[function.__name__] = function
    return function


@law
def text_round_trips(metric: Metric[Any], rng: np.random.Generator) -> None:
    assert parse_metric(str(metric)) == metric
    assert parse_metric(f"  {str(metric).replace(',', ' , ')} ") == metric or "'" in str(metric)
    assert str(parse_metric(str(metric))) == str(metric)


@law
def signature_lists_every_field(metric: Metric[Any], rng: np.random.Generator) -> None:
    text = metric.signature()
    assert parse_metric(text) == metric
    assert parse_metric(text).signature() == text
    places = [text.index(f"{field}=") for field in sorted(kinds(type(metric)))]
    assert places == sorted(places)
    assert text.startswith(f"{metric.name}({min(kinds(type(metric)))}=" if places else metric.name)
    differing = {name for name in kinds(type(metric)) if re.search(rf"\b{name}=", str(metric))}
    own = {n for n in kinds(type(metric)) if getattr(metric, n) != getattr(type(metric)(), n)}
    assert differing == own | set(metric.always_shown)


@law
def copies_are_equal(metric: Metric[Any], rng: np.random.Generator) -> None:
    for other in (pickle.loads(pickle.dumps(metric)), copy.deepcopy(metric), replace(metric)):
        assert other == metric and hash(other) == hash(metric) and type(other) is type(metric)


@law
def is_frozen(metric: Metric[Any], rng: np.random.Generator) -> None:
    for name in kinds(type(metric)):
        with pytest.raises(FrozenInstanceError):
            setattr(metric, name, getattr(metric, name))


@law
def any_split_gives_the_same_bits(metric: Metric[Any], rng: np.random.Generator) -> None:
    samples = several(rng, metric)
    whole = counted(metric, samples)
    order = rng.permutation(len(samples)).tolist()
    cuts = sorted(rng.integers(0, len(samples) + 1, int(rng.integers(0, 4))).tolist())
    chunks = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    states = [counted(metric, [samples[i] for i in chunk]) for chunk in chunks]
    while len(states) > 1:  # merged in any order and grouping
        i, j = rng.permutation(len(states))[:2]
        states = [s for k, s in enumerate(states) if k not in (i, j)] + [states[i].merge(states[j])]
    assert states[0].to_bytes() == whole.to_bytes()
    space = space_of(metric)
    assert bits(metric.compute(states[0], space)) == bits(metric.compute(whole, space))


@law
def records_rebuild_the_state(metric: Metric[Any], rng: np.random.Generator) -> None:
    samples = several(rng, metric)
    tally = tally_of(metric)
    state, rebuilt = tally.start(), tally.start()
    contents = tally.count_into(state, samples)
    assert len(contents) == len(samples)
    for content in json.loads(json.dumps(contents, allow_nan=False)):
        tally.add_record(rebuilt, content)
    assert rebuilt.to_bytes() == state.to_bytes()


@law
def a_resample_is_a_data_set(metric: Metric[Any], rng: np.random.Generator) -> None:
    """What is drawn scores as a data set in which the images, or the videos, occur that often under other names."""
    samples, space = several(rng, metric), space_of(metric)
    units: dict[str, list[Sample]] = {}
    for sample in samples:
        units.setdefault(sample.key[0], []).append(sample)
    pool = Pool.of(counted(metric, unit) for unit in units.values())
    assert pool.n_units == len(units)
    weights = rng.integers(0, 4, (3, len(units)))
    for row, state in zip(weights.tolist(), pool.drawn(weights), strict=True):
        drawn = [unit for unit, n in zip(units.values(), row, strict=True) for _ in range(n)]
        copies = [replace(s, key=(f"{i:012}", *s.key[1:])) for i, unit in enumerate(drawn) for s in unit]
        expected = scored(metric, copies)
        assert bits(metric.compute(state, space)) == bits(expected)


@law
def a_file_and_a_pickle_keep_the_score(metric: Metric[Any], rng: np.random.Generator) -> None:
    state, space = counted(metric, several(rng, metric)), space_of(metric)
    tally = pickle.loads(pickle.dumps(tally_of(metric)))
    for other in (State.from_bytes(state.to_bytes()), pickle.loads(pickle.dumps(state)), state.merge(tally.start())):
        assert bits(metric.compute(other, space)) == bits(metric.compute(state, space))


@law
def nothing_is_the_identity(metric: Metric[Any], rng: np.random.Generator) -> None:
    state, nothing, space = counted(metric, several(rng, metric)), tally_of(metric).start(), space_of(metric)
    for merged in (state.merge(nothing), nothing.merge(state)):
        assert merged.to_bytes() == state.to_bytes()
        assert bits(metric.compute(merged, space)) == bits(metric.compute(state, space))


@law
def computing_twice_changes_nothing(metric: Metric[Any], rng: np.random.Generator) -> None:
    state, space = counted(metric, several(rng, metric)), space_of(metric)
    before = state.to_bytes()
    assert bits(metric.compute(state, space)) == bits(metric.compute(state, space))
    metric.warnings(state, space)
    assert state.to_bytes() == before


@law
def a_shared_tally_gives_the_same_score(metric: Metric[Any], rng: np.random.Generator) -> None:
    samples = several(rng, metric)
    others = rng.choice(np.array(every_setting(metric.name), object), 2).tolist()
    metrics = [metric, *(m for m in others if may_predict(m) == may_predict(metric))]
    tally = type(metric).tally(metrics, space_of(metric))
    state = tally.start()
    tally.count_into(state, samples)
    for one in metrics:
        assert bits(one.compute(state, space_of(metric))) == bits(scored(one, samples))


@law
def inputs_stay_as_they_are(metric: Metric[Any], rng: np.random.Generator) -> None:
    samples = several(rng, metric)
    before = copy.deepcopy(samples)
    given = [value for s in samples for value in (*parts_of(s).values(), getattr(s.place, "first", None))]
    for array in (array for array in given if isinstance(array, np.ndarray)):
        array.setflags(write=False)
    counted(metric, samples)
    for one, other in zip(samples, before, strict=True):
        for name, value in parts_of(other).items():
            np.testing.assert_array_equal(parts_of(one)[name], value)


def parts_of(sample: Sample) -> dict[str, Any]:
    """What a sample holds, tables by column."""
    tables = {name: value for name, value in vars(sample).items() if isinstance(value, dict)}
    columns = {f"{name}.{key}": value for name, table in tables.items() for key, value in table.items()}
    return {name: value for name, value in vars(sample).items() if name not in tables} | columns


LOWER_IS_BETTER = (
    *("fpr_wp", "fnr_wp", "j_decay", "f_decay", "t_mean"),
    *("hausdorff_distance", "average_symmetric_surface_distance", "mean_average_surface_distance"),
)


@law
def values_are_fractions_or_undefined(metric: Metric[Any], rng: np.random.Generator) -> None:
    score = scored(metric, several(rng, metric))
    lowest = -1.0 if metric.name in ("mcc", "j_decay", "f_decay") else 0.0
    # Scores of membranes keep the operations of the official tool, whose roundings may lead past either end: sums of up
    # to 512 shares, each rounded to half an ulp of 1 or of their entropy, at most 9 bits.
    # Eleven times 1/11, added as officially, is one ulp above 1.
    slack = {"membrane": 512 * 9 * 2.0**-53, "detection": 2.0**-52}.get(metric.family, 0.0)
    # T is five times a cost of at most one.
    highest = 5.0 if metric.name == "t_mean" else 1.0 + slack if metric.unit == "fraction" else math.inf
    for value in (score.value, *score.per_class.values()):
        assert type(value) is float and (math.isnan(value) or lowest - slack <= value <= highest)
    assert score.unit == ("fraction" if metric.unit == "fraction" else "px") and score.higher_is_better == (
        metric.name not in LOWER_IS_BETTER
    )
    if metric.family not in ("toy", "video"):
        assert list(score.per_class) == list(part_ids(metric))


def perfect(rng: np.random.Generator, metric: Metric[Any]) -> list[Sample]:
    """Samples that are right wherever they are counted."""
    samples = []
    for s in predicted(rng, metric):
        truth = np.where(s.truth == POSITIVE, np.uint8(255), np.uint8(0)) if is_soft(metric) else s.truth
        void = np.isin(s.truth, void_of(metric))
        samples.append(replace(s, prediction=np.where(void, s.prediction, truth)))
    return samples


@law
def perfect_levels_score_the_best(metric: Metric[Any], rng: np.random.Generator) -> None:
    """One, or zero of an error rate; undefined at most where no image, or none of the pool, has both classes."""
    samples = perfect(rng, metric)
    units = [samples] if getattr(metric, "pool", "dataset") == "dataset" else [[s] for s in samples]
    both = [all(any((s.truth == c.id).any() for s in unit) for c in BINARY.evaluated) for unit in units]
    value = scored(metric, samples).value
    assert value == float(metric.higher_is_better) or (math.isnan(value) and not any(both))


@law
def perfect_detections_score_one(metric: Metric[Any], rng: np.random.Generator) -> None:
    """Different instances of any size, none of them ignored: but for the last bits, in which the official tool adds."""
    metric = replace(metric, max_detections=100, area="all")  # type: ignore[call-arg]
    samples = []
    for s in several(rng, metric):
        masks = s.truth["masks"]
        _, rows = np.unique(masks.reshape(len(masks), math.prod(masks.shape[1:])), axis=0, return_index=True)
        truth = {"labels": s.truth["labels"][rows], "masks": masks[rows]}
        samples.append(replace(s, truth=truth, prediction={**truth, "scores": rng.random(len(rows))}))
    score = scored(metric, samples)
    seen = {int(label) for s in samples for label in s.truth["labels"]}
    for name, ids in part_ids(metric).items():
        assert abs(score.per_class[name] - 1) <= 2.0**-50 if ids & seen else math.isnan(score.per_class[name])
    assert math.isnan(score.value) or abs(score.value - 1) <= 2.0**-50


def n_cells(inside: NDArray[np.bool_]) -> int:
    """How many 4-connected regions a slice has, by spreading the largest number of each."""
    numbers = np.where(inside, np.arange(1, inside.size + 1).reshape(inside.shape), 0)
    while True:
        framed = np.pad(numbers, 1)
        beside = (framed[:-2, 1:-1], framed[2:, 1:-1], framed[1:-1, :-2], framed[1:-1, 2:])
        spread = np.where(inside, np.maximum.reduce([numbers, *beside]), 0)
        if np.array_equal(spread, numbers):
            return len(np.unique(numbers[inside]))
        numbers = spread


@law
def perfect_cells_score_one(metric: Metric[Any], rng: np.random.Generator) -> None:
    """The mean of one for each slice with a true cell, for the information with two, and of zero for the others."""
    samples = [replace(s, prediction=s.truth == POSITIVE) for s in several(rng, metric)]
    fewest = {"v_rand": 1, "v_info": 2}[metric.name]
    slices = [inside for s in samples for inside in s.prediction.reshape(-1, *s.truth.shape[-2:])]
    expected = sum(n_cells(inside) >= fewest for inside in slices) / len(slices)
    score = scored(metric, samples)
    for value in (score.value, *score.per_class.values()):
        # The sums over truth, prediction and both take up to 64 cells in different orders.
        assert abs(value - expected) <= 64 * 9 * 2.0**-53


@law
def perfect_videos_score_the_best(metric: Metric[Any], rng: np.random.Generator) -> None:
    """One in every object and in the mean, no decay, nothing above 1; undefined where no frame is scored."""
    samples = [replace(s, prediction=np.where(s.truth <= s.place.n_objects, s.truth, 0)) for s in several(rng, metric)]
    score = scored(metric, samples)
    inner = [s for s in samples if metric.frames == "all" or s.place.index]  # type: ignore[attr-defined]
    by_video = metric.average == "sequences"  # type: ignore[attr-defined]
    names = {s.key[0] if by_video else f"{s.key[0]}_{number + 1}" for s in inner for number in range(s.place.n_objects)}
    best = float(metric.higher_is_better and getattr(metric, "threshold", 0) < 1)
    assert score.per_class == dict.fromkeys(sorted(names), best)
    assert score.value == best or (math.isnan(score.value) and not inner)


@law
def perfect_scores_one(metric: Metric[Any], rng: np.random.Generator) -> None:
    samples = perfect(rng, metric)
    score = scored(metric, samples)
    # In how many units each part is true. What is predicted is also true here, so nothing is predicted only.
    counted_as = {"instances": "instances"}.get(metric.family, "truth")
    units = [samples] if getattr(metric, "pool", "dataset") == "dataset" else [[s] for s in samples]
    seen = []
    for ids in part_ids(metric).values():
        values = [i for c in ids for i in ((c * 1000 + 1, c * 1000 + 2) if metric.family == "instances" else (c,))]
        if has_bits(metric):
            (bit,) = (1 << i for i, c in enumerate(SPACE.evaluated) if c.id in ids)
            seen.append(sum(any((values_of(s.truth) & bit).any() for s in unit) for unit in units))
            continue
        seen.append(sum(any(is_seen(metric, getattr(s, counted_as), values) for s in unit) for unit in units))
    harmless = getattr(metric, "absent", "skip") in ("skip", "one")
    best = 1.0 if metric.higher_is_better else 0.0
    for n, value in zip(seen, score.per_class.values(), strict=True):
        if n and (harmless or n == len(units)):
            assert value == best
    if any(seen) and (harmless or min(seen) == len(units)):
        assert score.value == best


def is_seen(metric: Metric[Any], values: NDArray[np.integer[Any]], ids: list[int]) -> bool:
    """Whether an image shows a part; where the border bounds nothing, what fills it has no boundary."""
    found = np.isin(values, ids)
    unbounded = getattr(metric, "border", "") == "nothing" and metric.both_empty == "skip"  # type: ignore[attr-defined]
    return bool(found.any() and not (unbounded and found.all()))


@law
def perfect_bands_score_one(metric: Metric[Any], rng: np.random.Generator) -> None:
    """One for each class that the band shows: with the widest band, each class of an image that has a centre."""
    metric = strict(metric, absent="skip")
    samples = perfect(rng, metric)
    score = scored(metric, samples)
    assert all(value == 1.0 or math.isnan(value) for value in (score.value, *score.per_class.values()))
    widest = replace(metric, band_px=99.0, centre="void", pool="dataset")  # type: ignore[call-arg]
    in_band = [s.truth for s in samples if np.isin(s.truth, void_of(metric)).any()]
    for ids, value in zip(part_ids(metric).values(), scored(widest, samples).per_class.values(), strict=True):
        assert (value == 1.0) == any(np.isin(truth, list(ids)).any() for truth in in_band)


@law
def permuted_ids_permute_classes(metric: TableMetric, rng: np.random.Generator) -> None:
    samples = several(rng, metric)
    moved = rng.permutation(len(SPACE.evaluated)).tolist()  # class i goes by the id of class moved[i]
    new_id = np.arange(256)
    for i, j in enumerate(moved):
        new_id[SPACE.evaluated[i].id] = SPACE.evaluated[j].id
    plain = replace(metric, classes="all")
    before = scored(plain, samples)
    after = scored(plain, [maps(replace(s, instances=None), lambda m: new_id[m]) for s in samples])
    assert after.value.hex() == before.value.hex()
    names = SPACE.names
    assert [after.per_class[names[j]].hex() for j in moved] == [before.per_class[n].hex() for n in names]


@law
def overlapping_classes_may_be_permuted(metric: Metric[Any], rng: np.random.Generator) -> None:
    samples = [maps(s, in_layers) for s in several(rng, metric)]
    moved = rng.permutation(len(SPACE.evaluated)).tolist()  # layer moved[i] becomes layer i
    plain = replace(metric, classes="all")
    before, after = scored(plain, samples), scored(plain, [maps(s, lambda m: m[moved]) for s in samples])
    assert after.value.hex() == before.value.hex()
    names = SPACE.names
    assert [after.per_class[n].hex() for n in names] == [before.per_class[names[i]].hex() for i in moved]


@law
def pixels_without_a_class_change_nothing(metric: Metric[Any], rng: np.random.Generator) -> None:
    """What neither map gives a class is right and counts for none."""
    samples = [maps(s, in_layers) for s in several(rng, metric)]
    framed = [maps(s, lambda m: np.pad(m, [(0, 0), *[(1, 2)] * (m.ndim - 1)])) for s in samples]
    assert bits(scored(metric, framed)) == bits(scored(metric, samples))


@law
def chosen_classes_keep_their_values(metric: TableMetric, rng: np.random.Generator) -> None:
    samples = several(rng, metric)
    _, some = bits(scored(metric, samples))
    _, every = bits(scored(replace(metric, classes="all"), samples))
    assert some.items() <= every.items()


@law
def a_void_border_changes_nothing(metric: Metric[Any], rng: np.random.Generator) -> None:
    samples = several(rng, metric)
    framed = []
    for s in samples:
        void = int(rng.choice(space_of(metric).void_truth))
        frame = maps(s, lambda m, void=void: np.pad(m, 1, constant_values=void))
        if s.prediction is not None:
            prediction = filled(rng, may_predict(metric), frame.truth.shape, s.prediction.dtype.str)
            prediction[(slice(1, -1),) * frame.truth.ndim] = s.prediction
            frame = replace(frame, prediction=prediction)
        framed.append(frame)
    assert bits(scored(metric, framed)) == bits(scored(metric, samples))


@law
def moving_pixels_together_changes_nothing(metric: Metric[Any], rng: np.random.Generator) -> None:
    samples = several(rng, metric)
    expected = bits(scored(metric, samples))
    moves: tuple[Callable[[Any], Any], ...] = (np.flip, np.fliplr, np.transpose, np.asfortranarray)
    for move in moves:
        moved = [maps(s, partial(moved_by, move, metric)) for s in samples]
        assert bits(scored(metric, moved)) == expected, move.__name__


def moved_by(move: Callable[[Any], Any], metric: Metric[Any], values: NDArray[Any]) -> NDArray[Any]:
    """A map that is moved; of layers each by itself."""
    several_layers = has_bits(metric) and values.ndim > 2
    return np.stack([move(layer) for layer in values]) if several_layers else move(values)


@law
def a_missing_image_is_all_miss(metric: Metric[Any], rng: np.random.Generator) -> None:
    """Under every void rule a missing prediction scores what a void one scores as a miss; levels are all 0."""
    samples = several(rng, metric)
    gone = [replace(s, prediction=None) for s in samples]
    dtype = np.uint8 if is_soft(metric) else None
    void = [replace(s, prediction=np.full_like(s.truth, given_up(metric), dtype)) for s in samples]
    assert bits(scored(metric, gone)) == bits(scored(strict(metric, void_prediction="miss"), void))


def with_pixel(samples: list[Sample], where: tuple[int, int], value: int) -> list[Sample]:
    image, pixel = where
    prediction = samples[image].prediction.copy()
    prediction.flat[pixel] = value
    return [*samples[:image], replace(samples[image], prediction=prediction), *samples[image + 1 :]]


def pixels(metric: Metric[Any], samples: list[Sample], wanted: Callable[[bool], bool]) -> list[tuple[int, int]]:
    """Image and position of the counted pixels of which it is wanted that they are right, or not."""
    return [
        (i, n)
        for i, s in enumerate(samples)
        for n, (t, p) in enumerate(zip(s.truth.flat, s.prediction.flat, strict=True))
        if t not in void_of(metric) and wanted(p == right(metric, t))
    ]


def check_change(
    metric: Metric[Any],
    rng: np.random.Generator,
    wanted: Callable[[bool], bool],
    value: Callable[[int], int],
    allowed: Callable[[float, float], bool],
) -> None:
    """Change one pixel of the wanted kind and compare the values before and after; of an error rate their negatives."""
    samples = predicted(rng, metric)
    places = pixels(metric, samples, wanted)
    if not places:
        return
    where = places[int(rng.integers(len(places)))]
    truth = int(samples[where[0]].truth.flat[where[1]])
    before, after = scored(metric, samples).value, scored(metric, with_pixel(samples, where, value(truth))).value
    sign = 1 if metric.higher_is_better else -1
    assert allowed(sign * after, sign * before), f"{before!r} became {after!r}"


@law
def correcting_a_pixel_never_lowers(metric: Metric[Any], rng: np.random.Generator) -> None:
    check_change(metric, rng, lambda is_right: not is_right, lambda t: right(metric, t), not_lower)


@law
def correcting_under_strict_rules_never_lowers(metric: Metric[Any], rng: np.random.Generator) -> None:
    metric = strict(metric, void_prediction="miss", fp_only="count")
    check_change(metric, rng, lambda is_right: not is_right, lambda t: right(metric, t), not_lower)


@law
def giving_up_a_right_pixel_never_raises(metric: Metric[Any], rng: np.random.Generator) -> None:
    metric = strict(metric, void_prediction="miss")
    check_change(metric, rng, bool, lambda t: given_up(metric), lambda after, before: not_lower(before, after))


@law
def giving_up_any_pixel_never_raises(metric: Metric[Any], rng: np.random.Generator) -> None:
    metric = strict(metric, void_prediction="miss")
    check_change(
        metric, rng, lambda is_right: True, lambda t: given_up(metric), lambda after, before: not_lower(before, after)
    )


@law
def the_value_is_the_mean_over_classes(metric: ClassMean, rng: np.random.Generator) -> None:
    metric = replace(metric, pool="dataset")
    state = counted(metric, several(rng, metric))
    score = metric.compute(state, SPACE)
    defined = [value for value in score.per_class.values() if not math.isnan(value)]
    if not defined or (metric.absent == "propagate" and metric.undefined_classes(state, SPACE)):
        assert math.isnan(score.value)
    else:
        assert score.value == math.fsum(defined) / len(defined)


@law
def where_defined_is_defined(metric: ClassMean, rng: np.random.Generator) -> None:
    metric = replace(metric, pool="dataset", fp_only="count")
    state = counted(metric, several(rng, metric))
    score, other = metric.compute(state, SPACE), metric.where_defined().compute(state, SPACE)
    undefined = metric.undefined_classes(state, SPACE)
    assert [name for name, value in other.per_class.items() if math.isnan(value)] == undefined
    assert math.isnan(other.value) == (len(undefined) == len(other.per_class))
    if not undefined:
        assert bits(score) == bits(other)


#: What a metric on any state keeps.
STATE = {
    "text_round_trips",
    "signature_lists_every_field",
    "copies_are_equal",
    "is_frozen",
    "any_split_gives_the_same_bits",
    "records_rebuild_the_state",
    "a_file_and_a_pickle_keep_the_score",
    "a_resample_is_a_data_set",
    "nothing_is_the_identity",
    "computing_twice_changes_nothing",
    "a_shared_tally_gives_the_same_score",
    "inputs_stay_as_they_are",
    "values_are_fractions_or_undefined",
}
#: What a metric on label maps keeps besides.
MAPS = STATE | {
    "perfect_scores_one",
    "a_void_border_changes_nothing",
    "moving_pixels_together_changes_nothing",
    "a_missing_image_is_all_miss",
    "correcting_under_strict_rules_never_lowers",
    "giving_up_a_right_pixel_never_raises",
}
CHOICE = {"chosen_classes_keep_their_values"}
PERMUTATION = {"permuted_ids_permute_classes"}
#: What a metric on levels keeps besides.
LEVELS = STATE | {
    "a_void_border_changes_nothing",
    "moving_pixels_together_changes_nothing",
    "a_missing_image_is_all_miss",
}
PERFECT = {"perfect_levels_score_the_best"}
#: What a metric on membranes keeps besides.
MEMBRANES = STATE | {"perfect_cells_score_one", "a_missing_image_is_all_miss"}
CORRECTING = {"correcting_a_pixel_never_lowers", "correcting_under_strict_rules_never_lowers"}
GIVING_UP = {"giving_up_a_right_pixel_never_raises"}
#: What a mean over classes that overlap keeps besides.
SEVERAL = (
    MAPS - {"a_void_border_changes_nothing"}
    | CHOICE
    | {"overlapping_classes_may_be_permuted", "pixels_without_a_class_change_nothing"}
    | {"the_value_is_the_mean_over_classes", "where_defined_is_defined"}
)
#: What a mean over classes keeps besides.
CLASS_MEAN = MAPS | CHOICE | {"the_value_is_the_mean_over_classes", "where_defined_is_defined"}

#: What a metric inside a band keeps besides: what a mean over classes does, but for what depends on the whole image.
BAND = (MAPS | CHOICE | PERMUTATION | {"perfect_bands_score_one"}) - {
    "perfect_scores_one",
    "a_void_border_changes_nothing",
}
#: What a metric of boundaries keeps besides.
CONTOUR = STATE | CHOICE | PERMUTATION | {"perfect_scores_one", "a_missing_image_is_all_miss"}

#: What a measure between surfaces keeps besides; those that add no distances keep one more.
SURFACE = CONTOUR
#: What a metric on videos keeps.
VIDEO = STATE | {"perfect_videos_score_the_best", "a_missing_image_is_all_miss"}

#: What a metric on detected instances keeps besides.
DETECTION = STATE | CHOICE | {"perfect_detections_score_one"}
LAWS_OF: dict[str, set[str]] = {
    "mean_iou": CLASS_MEAN | PERMUTATION,
    "mean_dice": CLASS_MEAN | PERMUTATION,
    "mean_precision": CLASS_MEAN | PERMUTATION,
    "mean_recall": CLASS_MEAN | PERMUTATION,
    "mean_accuracy": CLASS_MEAN | PERMUTATION,
    "category_iou": CLASS_MEAN,
    "category_accuracy": CLASS_MEAN,
    "category_frequency_weighted_iou": MAPS | CHOICE,
    "category_pixel_accuracy": MAPS | CHOICE | {"correcting_a_pixel_never_lowers", "giving_up_any_pixel_never_raises"},
    "ade_score": MAPS | CHOICE | PERMUTATION,
    "pixel_accuracy": MAPS
    | CHOICE
    | PERMUTATION
    | {"correcting_a_pixel_never_lowers", "giving_up_any_pixel_never_raises"},
    "frequency_weighted_iou": MAPS | CHOICE | PERMUTATION,
    "mean_iiou": MAPS | {"correcting_a_pixel_never_lowers"},
    "category_iiou": MAPS | {"correcting_a_pixel_never_lowers"},
    "trimap_iou": BAND | {"the_value_is_the_mean_over_classes", "where_defined_is_defined"},
    "trimap_accuracy": BAND | {"correcting_a_pixel_never_lowers", "giving_up_any_pixel_never_raises"},
    "boundary_f": CONTOUR,
    "mean_boundary_iou": CONTOUR
    | {"moving_pixels_together_changes_nothing"}
    | {"the_value_is_the_mean_over_classes", "where_defined_is_defined"},
    "hausdorff_distance": SURFACE | {"moving_pixels_together_changes_nothing"},
    "average_symmetric_surface_distance": SURFACE,
    "mean_average_surface_distance": SURFACE,
    "surface_dice": SURFACE | {"moving_pixels_together_changes_nothing"},
    "auc": LEVELS | PERFECT | CORRECTING | GIVING_UP,
    "average_precision": LEVELS | PERFECT,
    "f1": LEVELS | PERFECT | CORRECTING | GIVING_UP,
    "accuracy": LEVELS | PERFECT | CORRECTING | GIVING_UP,
    "sensitivity": LEVELS | PERFECT | CORRECTING | GIVING_UP | {"giving_up_any_pixel_never_raises"},
    "specificity": LEVELS | PERFECT | CORRECTING | GIVING_UP,
    "mcc": LEVELS | PERFECT | CORRECTING | GIVING_UP,
    "max_f": LEVELS | CORRECTING | GIVING_UP,
    "interpolated_precision": LEVELS | CORRECTING | GIVING_UP,
    "precision_wp": LEVELS | GIVING_UP,
    "recall_wp": LEVELS | PERFECT,
    "fpr_wp": LEVELS | PERFECT | GIVING_UP,
    "fnr_wp": LEVELS | PERFECT,
    "v_rand": MEMBRANES,
    "v_info": MEMBRANES,
    "multilabel_iou": SEVERAL,
    "multilabel_dice": SEVERAL,
    **{name: VIDEO for name, cls in METRICS.items() if cls.family == "video"},
    "t_mean": VIDEO - {"perfect_videos_score_the_best"},
    **{name: DETECTION for name, cls in METRICS.items() if cls.family == "detection"},
    ToyAveragePrecision.name: STATE,
}
GROUP_METRICS = [cls.name for cls in groups.METRICS]
LEVEL_METRICS = [name for name, cls in METRICS.items() if cls.family == "levels"]
BIT_METRICS = [name for name, cls in METRICS.items() if cls.family == "multilabel"]
CELL_METRICS = [name for name, cls in METRICS.items() if cls.family == "membrane"]
BAND_METRICS = [name for name, cls in METRICS.items() if cls.family == "trimap"]
CONTOUR_METRICS = [name for name, cls in METRICS.items() if cls.family == "contour"]
SURFACE_METRICS = [name for name, cls in METRICS.items() if cls.family == "surface"]
DISTANCE_METRICS = [name for name in SURFACE_METRICS if name != "surface_dice"]
VIDEO_METRICS = [name for name, cls in METRICS.items() if cls.family == "video"]
DETECTION_METRICS = [name for name, cls in METRICS.items() if cls.family == "detection"]

NO_BITS = "has no classes that overlap"
NO_VOID = "has no void; says of pixels without a class in a law of its own, pixels_without_a_class_change_nothing"
BY_BITS = "says in a law of its own, overlapping_classes_may_be_permuted, what becomes of other bits"
FEWER_FALSE_BITS = "a bit given up where it is false is one false positive less for its class"
LEFT_OUT_BITS = "fp_only=skip leaves a class out that absent=zero brings back when its last bit is corrected"
NO_MEAN = "its value is no mean over classes"
NO_RULE = "has no rule for absent classes"
FEWER_FALSE = "a wrong pixel given up is one false positive less for the class it was given to"
LEFT_OUT = "fp_only=skip leaves a class out that absent=zero brings back when its last pixel is corrected"
LAST_PIXEL = "a class that was predicted only is absent when its last pixel is given up"
WEIGHTS = "the weights move too when a pixel left out as void comes to be counted"
NO_BAND = "has no band"
ONE_BY_BAND = "says of bands in a law of its own, perfect_bands_score_one, that classes outside are undefined"
FRAMED = "a frame of void bounds what it touches, and is a centre of bands"
UPPER_LEFT = "seg2bmap lies half a pixel to the upper left"
OWN_MEAN = "test_contour holds its means to those of the papers"
LEFT_OUT_IN_BAND = f"inside a band too, {LEFT_OUT}"
FALSE_BOUNDARY = "a wrong pixel given up takes its false boundary with it"
SPUR = "a right pixel given up far from the true boundary takes its predicted boundary with it"
BORROWED = "a wrong pixel near a right one has a boundary near the true one"
RIGHT_INSIDE = "a right pixel beside wrong ones inside the truth belongs to the band of the prediction"
WRONG_INSIDE = "a wrong pixel that is corrected inside the truth may add to the band of the prediction"
LARGER = "the diagonal of a larger image is worse, and a frame of void bounds what it touches"
IN_ORDER = "adds distances, or areas of surface, in the order of the pixels"
OWN_POOL = "test_surface holds its pools to the means of what it measured"
MISSED = "a wrong pixel corrected may be the last one that was predicted of a structure"
SPURIOUS = "a wrong pixel given up may be all that was predicted of a structure that is not there"
DEEPER = "a right pixel given up may uncover pixels inside, nearer to the true surface"
DEEPER_SHARE = f"by tolerance too, {DEEPER}"
NO_MAPS = "has no label maps"
NO_VIDEO = "has no videos"
AS_THE_TRUTH = "a perfect prediction changes as much as the truth does"
NO_DETECTIONS = "has no detections"
OF_INSTANCES = "has no label maps, but tables of instances; test_official_coco holds them to the official tool"
OF_VIDEOS = "test_video_changes says what becomes of frames that are changed"
NO_CLASSES = "has one value and none by class"
ONE_SIDED = "says the best of levels in a law of its own, perfect_levels_score_the_best"
BELOW_ONE = "the 1e-10 in its divisors keeps it below one"
NO_LEVELS = "has no levels"
ONE_BY_CELLS = "says of cells in a law of its own, perfect_cells_score_one, that slices without cells score 0"
NO_CELLS = "has no cells"
NO_PARTS = "has values by threshold and none by class"
GROWS = "what is predicted outside the true cells joins and parts those predicted"
IN_TURN = "thinning goes through a slice in columns from the left"
JOINS = "a pixel corrected may join two predicted cells, where another wrong pixel does not part them"
PARTS = "a pixel given up may part two predicted cells that were one"
FALSE_LEVEL = "a negative pixel given up is right"
TO_THE_TOP = "a positive pixel corrected may rise among false ones, to a lower precision"
FROM_THE_TOP = "a positive pixel given up may leave false ones, for a better precision"
CORRECTED_DOWN = "a pixel corrected may move the working point to a lower threshold"
CORRECTED_UP = "a pixel corrected may move the working point to a higher threshold"
GIVEN_UP_DOWN = "a pixel given up may move the working point to a lower threshold"
CORRECTED = {
    "average_precision": TO_THE_TOP,
    "precision_wp": CORRECTED_DOWN,
    "fpr_wp": CORRECTED_DOWN,
    "recall_wp": CORRECTED_UP,
    "fnr_wp": CORRECTED_UP,
}
EXEMPT: dict[str, dict[str, str]] = {
    "giving_up_any_pixel_never_raises": {
        "mean_iou": FEWER_FALSE,
        "mean_dice": FEWER_FALSE,
        "mean_precision": FEWER_FALSE,
        "category_iou": FEWER_FALSE,
        "category_accuracy": LAST_PIXEL,
        "category_frequency_weighted_iou": FEWER_FALSE,
        "ade_score": FEWER_FALSE,
        "frequency_weighted_iou": FEWER_FALSE,
        "mean_iiou": FEWER_FALSE,
        "category_iiou": FEWER_FALSE,
        "mean_recall": LAST_PIXEL,
        "mean_accuracy": LAST_PIXEL,
        **{name: FALSE_LEVEL for name in LEVEL_METRICS if name != "sensitivity"},
        "recall_wp": GIVEN_UP_DOWN,
        "fnr_wp": GIVEN_UP_DOWN,
        **dict.fromkeys(CELL_METRICS, PARTS),
        **dict.fromkeys(BIT_METRICS, FEWER_FALSE_BITS),
        "trimap_iou": FEWER_FALSE,
        **dict.fromkeys(SURFACE_METRICS, SPURIOUS),
        "boundary_f": FALSE_BOUNDARY,
        "mean_boundary_iou": FALSE_BOUNDARY,
    },
    "giving_up_a_right_pixel_never_raises": {
        "average_precision": FROM_THE_TOP,
        "recall_wp": GIVEN_UP_DOWN,
        "fnr_wp": GIVEN_UP_DOWN,
        **dict.fromkeys(CELL_METRICS, PARTS),
        **dict.fromkeys(DISTANCE_METRICS, DEEPER),
        "surface_dice": DEEPER_SHARE,
        "boundary_f": SPUR,
        "mean_boundary_iou": RIGHT_INSIDE,
    },
    "correcting_under_strict_rules_never_lowers": {
        **CORRECTED,
        **dict.fromkeys(CELL_METRICS, JOINS),
        **dict.fromkeys(SURFACE_METRICS, MISSED),
        "boundary_f": BORROWED,
        "mean_boundary_iou": WRONG_INSIDE,
    },
    "a_void_border_changes_nothing": {
        **dict.fromkeys(CELL_METRICS, GROWS),
        **dict.fromkeys(BIT_METRICS, NO_VOID),
        **dict.fromkeys([*BAND_METRICS, *CONTOUR_METRICS], FRAMED),
        **dict.fromkeys(SURFACE_METRICS, LARGER),
    },
    "pixels_without_a_class_change_nothing": {name: NO_BITS for name in METRICS if name not in BIT_METRICS},
    "overlapping_classes_may_be_permuted": {name: NO_BITS for name in METRICS if name not in BIT_METRICS},
    "moving_pixels_together_changes_nothing": {
        **dict.fromkeys(CELL_METRICS, IN_TURN),
        **dict.fromkeys(("average_symmetric_surface_distance", "mean_average_surface_distance"), IN_ORDER),
        "boundary_f": UPPER_LEFT,
    },
    "perfect_scores_one": {
        **dict.fromkeys(LEVEL_METRICS, ONE_SIDED),
        **dict.fromkeys(CELL_METRICS, ONE_BY_CELLS),
        **dict.fromkeys(BAND_METRICS, ONE_BY_BAND),
    },
    "perfect_bands_score_one": {name: NO_BAND for name in METRICS if name not in BAND_METRICS},
    "perfect_cells_score_one": {name: NO_CELLS for name in METRICS if name not in CELL_METRICS},
    "perfect_detections_score_one": {name: NO_DETECTIONS for name in METRICS if name not in DETECTION_METRICS},
    "perfect_videos_score_the_best": {
        **{name: NO_VIDEO for name in METRICS if name not in VIDEO_METRICS},
        "t_mean": AS_THE_TRUTH,
    },
    "perfect_levels_score_the_best": {
        **{name: NO_LEVELS for name in METRICS if name not in LEVEL_METRICS},
        **dict.fromkeys(("max_f", "interpolated_precision", "precision_wp"), BELOW_ONE),
    },
    "correcting_a_pixel_never_lowers": {
        "mean_iou": LEFT_OUT,
        "mean_dice": LEFT_OUT,
        "mean_precision": LEFT_OUT,
        "mean_recall": LEFT_OUT,
        "mean_accuracy": LEFT_OUT,
        "category_iou": LEFT_OUT,
        "category_accuracy": LEFT_OUT,
        "category_frequency_weighted_iou": WEIGHTS,
        "ade_score": LEFT_OUT,
        "frequency_weighted_iou": WEIGHTS,
        **CORRECTED,
        **dict.fromkeys(CELL_METRICS, JOINS),
        **dict.fromkeys(BIT_METRICS, LEFT_OUT_BITS),
        **dict.fromkeys(SURFACE_METRICS, MISSED),
        "trimap_iou": LEFT_OUT_IN_BAND,
        "boundary_f": BORROWED,
        "mean_boundary_iou": WRONG_INSIDE,
    },
    "permuted_ids_permute_classes": {
        **dict.fromkeys(GROUP_METRICS, "a class that changes its id changes its group"),
        "mean_iiou": "the average size belongs to the id, and instance ids hold class ids",
        "category_iiou": "as mean_iiou",
        **dict.fromkeys(BIT_METRICS, BY_BITS),
        **dict.fromkeys(LEVEL_METRICS, NO_CLASSES),
        **dict.fromkeys(CELL_METRICS, NO_PARTS),
    },
    "chosen_classes_keep_their_values": {
        **dict.fromkeys(("mean_iiou", "category_iiou"), "has no choice of classes"),
        **dict.fromkeys(LEVEL_METRICS, NO_CLASSES),
        **dict.fromkeys(CELL_METRICS, NO_PARTS),
    },
    "the_value_is_the_mean_over_classes": {
        "pixel_accuracy": NO_MEAN,
        "frequency_weighted_iou": NO_MEAN,
        "category_pixel_accuracy": NO_MEAN,
        "category_frequency_weighted_iou": NO_MEAN,
        "ade_score": "the average of two values; test_the_ade_score_is_the_average_of_two holds it",
        "mean_iiou": NO_RULE,
        "category_iiou": NO_RULE,
        "trimap_accuracy": NO_MEAN,
        "boundary_f": OWN_MEAN,
        **dict.fromkeys(SURFACE_METRICS, OWN_POOL),
        **dict.fromkeys(LEVEL_METRICS, NO_CLASSES),
        **dict.fromkeys(CELL_METRICS, NO_PARTS),
    },
    "where_defined_is_defined": {
        "pixel_accuracy": NO_RULE,
        "frequency_weighted_iou": NO_RULE,
        "category_pixel_accuracy": NO_RULE,
        "category_frequency_weighted_iou": NO_RULE,
        "ade_score": "also undefined where classes are predicted and none is true",
        "trimap_accuracy": NO_RULE,
        "boundary_f": NO_RULE,
        **dict.fromkeys(SURFACE_METRICS, NO_RULE),
        "mean_iiou": NO_RULE,
        "category_iiou": NO_RULE,
        **dict.fromkeys(LEVEL_METRICS, NO_CLASSES),
        **dict.fromkeys(CELL_METRICS, NO_PARTS),
    },
}
for _name in LAWS.keys() - STATE:
    EXEMPT.setdefault(_name, {})[ToyAveragePrecision.name] = NO_MAPS
for _name in LAWS.keys() - VIDEO:
    EXEMPT[_name] |= dict.fromkeys(VIDEO_METRICS, OF_VIDEOS)
for _name in LAWS.keys() - DETECTION:
    EXEMPT[_name] |= dict.fromkeys(DETECTION_METRICS, OF_INSTANCES)


def test_every_metric_declares_every_law_or_is_exempt() -> None:
    assert LAWS_OF.keys() == ALL.keys(), "a metric without a row in LAWS_OF"
    for name, declared in LAWS_OF.items():
        exempt = {law for law, reasons in EXEMPT.items() if reasons.get(name)}
        assert declared | exempt == LAWS.keys() and not declared & exempt, name


def declared_laws() -> Iterator[tuple[str, str]]:
    return ((name, law) for name in LAWS_OF for law in sorted(LAWS_OF[name]))


def settings_for(name: str, law: str) -> tuple[Metric[Any], ...]:
    """All settings for laws of text; for laws of counting a sample of 40, another one for every law."""
    every = every_setting(name)
    if name in DETECTION_METRICS and name not in ("ap", "ar_100"):
        # With all parameters given, the others are these two.
        return every[:: len(every) // 6]
    if LAWS[law] in (text_round_trips, signature_lists_every_field, copies_are_equal, is_frozen):
        return every
    if len(every) < 40:
        return every * (40 // len(every))
    first = sorted(LAWS).index(law) % (len(every) // 40 or 1)
    return every[first :: len(every) // 40 or 1]


@pytest.mark.parametrize(("name", "law"), list(declared_laws()))
def test_the_metric_keeps_the_law(name: str, law: str) -> None:
    for seed, metric in enumerate(settings_for(name, law), 1000):
        try:
            LAWS[law](metric, np.random.default_rng(seed))
        except Exception as error:
            error.add_note(f"{metric.signature()}, seed {seed}")
            raise


ROAD, PERSON, VOID = 7, 31, 255
#: Person with holes, so that its surface is inside too; predicted without, the surface is the border alone.
HOLED = [
    [PERSON, ROAD, PERSON, ROAD, PERSON],
    [PERSON, ROAD, PERSON, PERSON, PERSON],
    [PERSON] * 5,
    [PERSON, PERSON, ROAD, PERSON, PERSON],
    [PERSON, PERSON, PERSON, PERSON, ROAD],
]
#: Where the pixel is that is changed, if not the last but one.
PLACES = {DEEPER: 16, DEEPER_SHARE: 16}
#: By reason: parameters, truth, prediction, and what the last but one pixel is changed to. Every person pixel is of
#: one instance.
COUNTEREXAMPLES: dict[str, tuple[dict[str, Any], list[Any], list[Any], int]] = {
    # The second pixel is a false positive of person until it is given up.
    FEWER_FALSE: ({}, [PERSON, ROAD, ROAD], [PERSON, PERSON, ROAD], VOID),
    # Person is predicted only, worth 0 in the mean, until its only pixel is given up.
    LAST_PIXEL: ({}, [ROAD, ROAD, ROAD], [ROAD, PERSON, ROAD], VOID),
    # Person is predicted only and left out; then it is absent and worth 0: 9 / 10 becomes (10 / 10 + 0) / 2.
    LEFT_OUT: (
        {"fp_only": "skip", "absent": "zero", "classes": ("road", "person")},
        [ROAD] * 10,
        [ROAD] * 8 + [PERSON, ROAD],
        ROAD,
    ),
    # Road 4 / 8 alone; then person 1 / 5 with weight 1: (8 · 0.5 + 1 · 0.2) / 9.
    WEIGHTS: (
        {"void_prediction": "skip"},
        [ROAD] * 7 + [PERSON, ROAD],
        [ROAD] * 3 + [PERSON] * 4 + [VOID, ROAD],
        PERSON,
    ),
    # The second pixel is a false positive of class 0 until it is given up: 2 / 3 becomes 2 / 2.
    FEWER_FALSE_BITS: ({}, [0b1, 0b0, 0b1], [0b1, 0b1, 0b1], 0b0),
    # Person, class 4, is predicted only and left out; then it is absent and worth 0: 9 / 10 becomes (10 / 10 + 0) / 2.
    LEFT_OUT_BITS: (
        {"fp_only": "skip", "absent": "zero", "classes": ("road", "person")},
        [0b10] * 10,
        [0b10] * 8 + [0b10000, 0b10],
        0b10,
    ),
    # The third pixel is the highest of all and false; given up, everything is in order.
    FALSE_LEVEL: ({}, [POSITIVE, NEGATIVE, NEGATIVE, POSITIVE], [200, 10, 255, 100], 0),
    # (2/3 + 2/3) / 2 becomes (1/2 + 2/3) / 2, and the other way round.
    TO_THE_TOP: ({}, [NEGATIVE, POSITIVE, POSITIVE], [255, 0, 0], 255),
    FROM_THE_TOP: ({}, [POSITIVE, POSITIVE, NEGATIVE], [0, 255, 255], 0),
    # F1 at 200 is 2·2 / (2 + 3) and at 50 it is 2·3 / (5 + 3); with a false pixel less at 50, 2·3 / (4 + 3) is more.
    CORRECTED_DOWN: ({}, [NEGATIVE, POSITIVE, POSITIVE, NEGATIVE, POSITIVE], [50, 200, 50, 50, 255], 0),
    # F1 at 50 is 2·2 / (5 + 2), at 255 it is 0; with the pixel of 100 there, 2·1 / (1 + 2) is more.
    CORRECTED_UP: ({}, [POSITIVE, NEGATIVE, NEGATIVE, POSITIVE, NEGATIVE], [50, 50, 100, 100, 100], 255),
    # F1 at 255 is 2·2 / (2 + 3) and at 50 it is 2·3 / (5 + 3); given up, 2·1 / (1 + 3), 2·2 / (4 + 3) and at 0 still
    # 2·3 / (5 + 3), the most.
    GIVEN_UP_DOWN: ({}, [POSITIVE, POSITIVE, NEGATIVE, POSITIVE, NEGATIVE], [50, 255, 100, 255, 100], 0),
    # Of two true cells, of 1 and 2 pixels, one is cut in two by a line: AB = B = 2/9 + 1/9, A = 5/9, V = 6/8. As one
    # predicted cell it is AB = A = 5/9, B = 1, V = 10/14, and no information at all.
    # As LEFT_OUT, with something else in the truth that a band may begin at.
    LEFT_OUT_IN_BAND: (
        {"fp_only": "skip", "absent": "zero", "classes": ("road", "person"), "band_px": 40.0},
        [8] + [ROAD] * 9,
        [8] + [ROAD] * 7 + [PERSON, ROAD],
        ROAD,
    ),
    # Person has one false boundary pixel less, or one false pixel less in its band: 2 / 3 becomes 1.
    FALSE_BOUNDARY: ({}, [PERSON, ROAD, ROAD], [PERSON, PERSON, ROAD], VOID),
    # The true boundary of person is the second pixel. Predicted it is that and the fifth, which is right all the same.
    SPUR: ({"border": "nothing"}, [ROAD] + [PERSON] * 5, [ROAD, PERSON, ROAD, ROAD, PERSON, ROAD], VOID),
    # All is wrong, but each class lies beside where it should: F is 1; corrected, the second road has none near it.
    BORROWED: ({"tolerance_px": 1.5}, [PERSON, ROAD, PERSON], [ROAD, PERSON, ROAD], ROAD),
    # Person has 5 pixels, all band; of the 12 predicted the 10 at the border are band, 3 of them in both: 3 / 12. With
    # one given up, the other 11 are all band, 4 of them in both: 4 / 12. Road has 0, so the mean is half of that.
    RIGHT_INSIDE: (
        {},
        [[ROAD, ROAD, ROAD, PERSON], [ROAD, PERSON, PERSON, ROAD], [ROAD, ROAD, PERSON, PERSON]],
        [[PERSON] * 4] * 3,
        VOID,
    ),
    # Person has 7 pixels, all band, as are the 11 predicted, 6 in both: 6 / 12. With the last one right, 10 of the 12
    # predicted are band, 5 in both: 5 / 12. Road has 0.
    WRONG_INSIDE: (
        {},
        [[ROAD, ROAD, PERSON, ROAD], [ROAD, PERSON, PERSON, ROAD], [PERSON] * 4],
        [[PERSON] * 4, [PERSON] * 4, [PERSON, PERSON, ROAD, PERSON]],
        PERSON,
    ),
    # Person is found in the wrong place, and corrected it is found nowhere, which is the worst there is.
    MISSED: ({}, [ROAD, ROAD, PERSON], [ROAD, PERSON, ROAD], ROAD),
    # Person is in neither map any more, which is perfect.
    SPURIOUS: ({}, [ROAD, ROAD, ROAD], [ROAD, PERSON, ROAD], VOID),
    DEEPER: ({}, HOLED, [[PERSON] * 5] * 5, VOID),
    DEEPER_SHARE: ({"tolerance_mm": 0.0}, HOLED, [[PERSON] * 5] * 5, VOID),
    JOINS: ({}, [POSITIVE, NEGATIVE, POSITIVE, POSITIVE], [255, 255, 0, 255], 255),
    PARTS: ({}, [POSITIVE, NEGATIVE, POSITIVE, POSITIVE], [255, 255, 255, 255], 0),
}


@pytest.mark.parametrize("law", [name for name in sorted(LAWS) if name.endswith(("never_raises", "never_lowers"))])
def test_these_exemptions_are_needed(law: str) -> None:
    for name, reason in EXEMPT[law].items():
        if reason in (NO_MAPS, OF_VIDEOS, OF_INSTANCES):
            continue
        fields, truth, prediction, value = COUNTEREXAMPLES[reason]
        metric = METRICS[name](**fields)
        rows, predicted_rows = np.atleast_2d(np.array(truth, np.uint8)), np.atleast_2d(np.array(prediction, np.uint8))
        instances = np.where(rows == PERSON, PERSON * 1000 + 1, rows.astype(np.int64))
        sample = Sample(("a",), rows, predicted_rows, instances)
        sign = 1 if metric.higher_is_better else -1
        before = sign * scored(metric, [sample]).value
        after = sign * scored(metric, with_pixel([sample], (0, PLACES.get(reason, rows.size - 2)), value)).value
        assert (after > before) if "giving_up" in law else (after < before), f"{name}: {before} became {after}"


@pytest.mark.parametrize("name", CELL_METRICS)
def test_membranes_depend_on_what_is_around_and_on_the_turn(name: str) -> None:
    """Both exemptions of the laws of place are needed."""
    metric = METRICS[name]()
    cells = Sample(("a",), np.array([[POSITIVE, NEGATIVE, POSITIVE]]), np.array([[255, 0, 255]], np.uint8))
    joined = maps(cells, lambda m: np.pad(m, 1, constant_values=VOID))  # void in the truth, and inside as predicted
    assert scored(metric, [cells]).value == 1.0 > scored(metric, [joined]).value
    # The line comes to lie beside the right one of two cells: on a true cell, or turned round on the membrane.
    cut = Sample(("a",), np.array([[POSITIVE, NEGATIVE, POSITIVE, POSITIVE]]), np.array([[255, 0, 0, 255]], np.uint8))
    assert scored(metric, [cut]).value < 1.0 == scored(metric, [maps(cut, np.fliplr)]).value


# What text and parameters may be.


def bad_values(cls: type[Metric[Any]]) -> Iterator[tuple[str, Any, str]]:
    """Fields with a value they cannot take, and what the error must name."""
    for name, kind in kinds(cls).items():
        if get_origin(kind) is Literal:
            named = " | ".join(map(str, get_args(kind)))
            yield from (
                (name, value, named) for value in ("nonsense", "", get_args(kind)[0].upper(), 1, None, ["skip"])
            )
        elif kind in (int, float):
            bad = (math.nan, math.inf, True, "1", None, *((0.5,) if kind is int else ()))
            yield from ((name, value, "finite number") for value in bad)
        else:
            yield from ((name, value, "list of names") for value in ((), 3, None, ["road"], ("road", 3)))


@pytest.mark.parametrize("name", ALL)
def test_a_bad_parameter_is_refused_and_the_choices_named(name: str) -> None:
    cases = list(bad_values(ALL[name]))
    assert {field for field, _, _ in cases} == set(kinds(ALL[name]))
    for field, value, named in cases:
        with pytest.raises(BadParameter) as caught:
            ALL[name](**{field: value})
        assert caught.value.found.startswith(f"{name}: {field}="), (field, value)
        assert named in caught.value.expected, (field, value)


def fields_in_order(name: str) -> list[str]:
    return [field.name for field in dataclasses.fields(ALL[name])]


@pytest.mark.parametrize("name", ALL)
def test_bad_text_is_refused_and_the_choices_named(name: str) -> None:
    fields = kinds(ALL[name])
    for text in ("nonsense=1", "nonsense", "=1", "Pool=image"):
        with pytest.raises(BadParameter) as caught:
            parse_metric(f"{name}({text})")
        assert caught.value.expected == (", ".join(fields_in_order(name)) or "no parameters"), text
    for field, kind in fields.items():
        twice = f"{field}={choices(field, kind)[0]}"
        with pytest.raises(BadParameter, match="twice"):
            parse_metric(f"{name}({twice},{twice})")
        wrong = {int: "0.5", float: "much"}.get(kind, "[]" if field in ("classes", "thresholds") else "nonsense")
        with pytest.raises(BadParameter) as caught:
            parse_metric(f"{name}({field}={wrong})")
        assert all(str(choice) in caught.value.expected for choice in get_args(kind) if get_origin(kind) is Literal)
    for text in (f"{name}(", f"{name})", f"{name}()x", f"1{name}", "", "(a=b)", f"{name} {name}"):
        with pytest.raises(BadParameter, match="expected name or name"):
            parse_metric(text)


def test_a_near_miss_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'mean_iou'"):
        parse_metric("mean_iuo")
    with pytest.raises(UnknownName, match="known: .*pixel_accuracy"):
        parse_metric("zzz")
    with pytest.raises(BadParameter, match="did you mean 'absent'"):
        parse_metric("mean_iou(absnet=zero)")
    with pytest.raises(BadParameter, match="did you mean 'propagate'"):
        parse_metric("mean_iou(absent=propagte)")


names = st.text(min_size=1, max_size=12) | st.text("'\\,[]() =", min_size=1, max_size=8)


@settings(derandomize=True, database=None, max_examples=300)
@given(names | st.lists(names, min_size=1, max_size=4).map(tuple))
def test_any_names_of_classes_survive_the_text(classes: str | tuple[str, ...]) -> None:
    metric = MeanIou(classes=classes, absent="zero")
    assert parse_metric(metric.signature()) == metric
    assert parse_metric(str(metric)) == metric


@settings(derandomize=True, database=None, max_examples=200)
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers())
def test_any_numbers_survive_the_text(least_score: float, most_found: int) -> None:
    metric = ToyAveragePrecision(least_score=least_score, most_found=most_found)
    assert parse_metric(metric.signature()) == metric
    assert parse_metric(str(metric)) == metric


def test_a_metric_starts_from_the_instance_of_its_protocol() -> None:
    own = MeanIou(absent="zero", void_prediction="skip")
    found = parse_metric("mean_iou(void_prediction=miss)", {"mean_iou": own}.get)
    assert found == MeanIou(absent="zero")
    assert found.key(own) == "mean_iou(void_prediction=miss)"
    assert own.key(own) == "mean_iou"


@pytest.mark.parametrize("classes", ODD_CHOICES, ids=str)
def test_odd_names_of_classes_can_be_chosen(classes: str | tuple[str, ...]) -> None:
    metric = MeanIou(classes=classes)
    assert parse_metric(str(metric)) == metric
    score = scored(metric, several(np.random.default_rng(7), metric))
    assert set(score.per_class) == {SPACE.names[i] for i in SPACE.select(classes)} and score.per_class


def test_an_unknown_class_is_refused_before_anything_is_counted() -> None:
    for cls in METRICS.values():
        pools = [{"pool": pool} for pool in get_args(kinds(cls).get("pool"))] or [{}]
        for fields in pools if "classes" in cls.field_names() else ():
            with pytest.raises(UnknownName, match="no class 'raod'.*did you mean 'road'"):
                tally_of(cls(classes=("raod",), **fields))


# What metrics have to do with each other.


@pytest.mark.parametrize("seed", range(40))
def test_dice_and_iou_say_the_same_of_a_class(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = several(rng, MeanIou())
    iou, dice = scored(MeanIou(), samples).per_class, scored(MeanDice(), samples).per_class
    most = sum(s.truth.size for s in samples) * 2
    for name in SPACE.names:
        assert math.isnan(iou[name]) == math.isnan(dice[name])
        if not math.isnan(iou[name]):
            ratio = Fraction(iou[name]).limit_denominator(most)  # the counts behind the float
            assert float(ratio) == iou[name] and dice[name] == float(2 * ratio / (1 + ratio)), f"seed {seed}, {name}"


@pytest.mark.parametrize("recall", every_setting("mean_recall")[::5], ids=str)
def test_mean_accuracy_is_mean_recall(recall: MeanRecall) -> None:
    accuracy = MeanAccuracy(**{field: getattr(recall, field) for field in kinds(MeanAccuracy)})
    for seed in range(5):
        samples = several(np.random.default_rng(seed), recall)
        assert bits(scored(accuracy, samples)) == bits(scored(recall, samples)), f"seed {seed}"


def test_the_ade_score_is_the_average_of_two() -> None:
    for seed, metric in enumerate(every_setting("ade_score")[::3]):
        metric = replace(metric, pool="dataset")
        samples = several(np.random.default_rng(seed), metric)
        fields = {name: getattr(metric, name) for name in metric.field_names()}
        iou = scored(MeanIou(**fields), samples)
        accuracy = scored(strict(PixelAccuracy(), **fields), samples).value
        expected = (accuracy + iou.value) / 2
        assert bits(scored(metric, samples)) == (expected.hex(), bits(iou)[1]), f"{metric}, seed {seed}"


@pytest.mark.parametrize("pool", get_args(kinds(CategoryIou)["pool"]))
def test_the_iou_of_a_group_is_that_of_its_classes_made_one(pool: str) -> None:
    for seed, rules in enumerate(
        itertools.product(*(choices(n, kinds(CategoryIou)[n]) for n in ("absent", "fp_only")))
    ):
        category = CategoryIou(**dict(zip(("absent", "fp_only"), rules, strict=True)), pool=pool)
        samples = several(np.random.default_rng(seed), category)
        # Pavement (8) becomes road (7), the other class of its group.
        merged = [maps(s, lambda m: np.where(m == 8, m.dtype.type(7), m)) for s in samples]
        iou = scored(MeanIou(**{name: getattr(category, name) for name in category.field_names()}), merged).per_class
        expected = {"flat": iou["road"], "vehicle": iou[SIZED[0].name], "human": iou["person"]}
        found = scored(category, samples).per_class
        assert {n: v.hex() for n, v in found.items()} == {n: v.hex() for n, v in expected.items()}, f"seed {seed}"


@pytest.mark.parametrize(("name", "part"), [("mean_iiou", "person"), ("category_iiou", "human")])
def test_a_small_instance_weighs_as_much_as_an_average_one(name: str, part: str) -> None:
    truth, prediction = [[PERSON] * 4 + [ROAD] * 2], [[PERSON, PERSON, ROAD, VOID, PERSON, ROAD]]
    sample = Sample(("a",), np.array(truth), np.array(prediction), np.array([[31001, 31002, 31002, 31002, 7, 7]]))
    score = scored(METRICS[name](), [sample])
    # Person instances have 2.25 pixels on average. One of 1 pixel, hit: 2.25 · 1. One of 3 pixels, 1 hit: 0.75 · 1
    # hit, 0.75 · 2 missed. One road pixel predicted person: 1. So 3 / (3 + 1 + 1.5). No car: left out of the mean.
    assert score.value == score.per_class[part] == 3 / 5.5
    assert sum(math.isnan(value) for value in score.per_class.values()) == 1


def test_pools_that_are_one_on_one_image() -> None:
    for name, seed in itertools.product(TABLE_METRICS, range(10)):
        sample = predicted(np.random.default_rng(seed), METRICS[name]())[:1]
        one, other = (scored(METRICS[name](pool=pool), sample) for pool in ("dataset", "image"))
        assert bits(one) == bits(other), f"{name}, seed {seed}"


# Faults, and the accumulator.


def test_a_faulty_sample_is_not_counted_and_all_faults_are_told() -> None:
    good, zeros = np.full((2, 2), 7, np.uint8), np.full((2, 2), 3, np.uint8)
    stray = np.array([[7, 7], [99, 98]])
    for metric in (MeanIou(), MeanIou(pool="image")):
        tally = tally_of(metric)
        state = tally.start()
        with pytest.raises(Refusal) as caught:
            tally.count_into(
                state, [Sample(("a",), good, zeros), Sample(("b",), good, stray), Sample(("c",), stray, good)]
            )
        submission, dataset = caught.value.faults
        assert (type(submission), submission.pixel, submission.count) == (StrayLabel, (1, 0), 2)
        assert (type(dataset), dataset.pixel, dataset.count) == (DatasetError, (1, 0), 2)
        assert state.to_bytes() == counted(metric, [Sample(("a",), good, zeros)]).to_bytes()
        with pytest.raises(StrayLabel):
            tally.count_into(state, [Sample(("b",), good, stray)])


@pytest.mark.parametrize("name", TABLE_METRICS)
def test_a_refused_void_is_told_with_its_first_pixel_whatever_its_id(name: str) -> None:
    metric = TABLE_METRICS[name](void_prediction="error")
    n_several = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        shape = tuple(rng.integers(1, 9, int(rng.integers(2, 4))).tolist())
        prediction = filled(rng, may_predict(metric), shape, str(rng.choice(["u1", "i8"])))
        chosen = np.sort(rng.choice(prediction.size, int(rng.integers(1, prediction.size + 1)), replace=False))
        prediction.flat[chosen] = rng.choice(SPACE.void_truth, chosen.size)
        n_several += len(np.unique(prediction.flat[chosen])) > 1
        with pytest.raises(VoidPrediction) as caught:
            scored(metric, [Sample(("a",), filled(rng, SPACE.columns, shape), prediction)])
        first = tuple(int(i) for i in np.unravel_index(chosen[0], shape))
        assert (caught.value.pixel, caught.value.count) == (first, chosen.size), f"seed {seed}"
        assert f"void value {prediction[first]} " in caught.value.found
    assert n_several > 20


@pytest.mark.parametrize("metric", [MeanIou(), MeanIou(pool="image", absent="zero")], ids=str)
def test_running_is_the_tally_and_the_metric(metric: MeanIou) -> None:
    samples = predicted(np.random.default_rng(3), metric)
    runs = [Running(metric, SPACE) for _ in range(3)]
    for i, sample in enumerate(samples):
        runs[i % 3].update(truth=sample.truth, prediction=sample.prediction, key=sample.key)
    for other in runs[1:]:
        runs[0].merge(pickle.loads(pickle.dumps(other)))
    assert bits(runs[0].compute()) == bits(scored(metric, samples))
    for other in (
        Running(MeanDice(), SPACE),
        Running(replace(metric, absent="one"), SPACE),
        Running(metric, 3, void=4),
    ):
        with pytest.raises(BadParameter):
            runs[0].merge(other)
