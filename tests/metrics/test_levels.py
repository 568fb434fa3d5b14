"""The tally of levels: what is counted, what is refused, what is recorded; and its metrics as functions."""

from __future__ import annotations

import inspect
import itertools
import json
import math
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import segbench
from segbench import LabelClass, LabelSpace, Running
from segbench.errors import BadParameter, DatasetError, Refusal, SegbenchError, ShapeMismatch
from segbench.metrics import functions
from segbench.metrics.binary import F1, Accuracy, Auc, AveragePrecision, Mcc
from segbench.metrics.confusion import ConfusionTally
from segbench.metrics.levels import LevelsTally, as_levels
from segbench.metrics.table import METRICS
from segbench.samples import Sample
from tests.metrics.level_cases import NEGATIVE, POSITIVE, SPACE, SWAPPED, VOID, cases, counted, scored, table_of

torch = pytest.importorskip("torch")

CLASSES = {name: cls for name, cls in METRICS.items() if cls.family == "levels"}
TRUTH = np.array([[NEGATIVE, POSITIVE, VOID], [POSITIVE, NEGATIVE, NEGATIVE]])
LEVELS = np.array([[0, 255, 7], [128, 128, 3]], np.uint8)


# What is counted.


def test_levels_are_the_histograms_of_the_counted_pixels() -> None:
    for case in cases(300):
        expected = table_of(*case.pixels)
        assert np.array_equal(counted(Auc(), case.samples).counts("levels").values, expected), f"seed {case.seed}"
        swapped = counted(Auc(), case.samples, SWAPPED).counts("levels").values
        assert np.array_equal(swapped, expected[::-1]), f"seed {case.seed}"


def test_a_class_that_is_not_evaluated_is_not_counted() -> None:
    space = LabelSpace((*SPACE.classes, LabelClass("unsure", 5, evaluated=False)), void=SPACE.void)
    truth = np.where(TRUTH == NEGATIVE, 5, TRUTH)
    table = counted(Auc(), [Sample(("a",), truth, LEVELS)], space).counts("levels").values
    assert table[0].sum() == 0 and np.flatnonzero(table[1]).tolist() == [128, 255]


@pytest.mark.parametrize("space", [1, 3, 21], ids=str)
def test_a_space_of_another_number_of_classes_is_refused(space: int) -> None:
    with pytest.raises(BadParameter, match=f"evaluated classes: {space}; expected 2"):
        LevelsTally(LabelSpace.of(space, void=255))
    with pytest.raises(BadParameter, match="evaluated classes"):
        segbench.auc(truth=TRUTH, prediction=LEVELS, space=space, void=(4, 9, 200))


def test_a_missing_prediction_is_level_zero_everywhere() -> None:
    for case in cases(100):
        gone = [Sample(s.key, s.truth, None) for s in case.samples]
        zero = [Sample(s.key, s.truth, np.zeros_like(s.prediction)) for s in case.samples]
        for metric in (Auc(), F1(pool="image"), Accuracy()):
            assert counted(metric, gone).to_bytes() == counted(metric, zero).to_bytes(), f"seed {case.seed}"


# What a prediction may be.


class OnlyArray:
    """An object whose only door is ``__array__``."""

    def __init__(self, levels: NDArray[Any]) -> None:
        self.levels = levels

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.levels if dtype is None else self.levels.astype(dtype)


class OnlyDlpack:
    """An object whose only door is DLPack."""

    def __init__(self, levels: NDArray[Any]) -> None:
        self.levels = levels

    def __dlpack__(self, **options: Any) -> Any:
        return self.levels.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.levels.__dlpack_device__()


FORMS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "array": lambda a: a,
    "Fortran order": np.asfortranarray,
    "reversed": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "PIL": Image.fromarray,
    "torch": lambda a: torch.from_numpy(a.copy()),
    "unmasked": np.ma.masked_array,
    "__array__": OnlyArray,
    "DLPack": OnlyDlpack,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_levels_and_of_booleans(form: str) -> None:
    assert np.array_equal(as_levels(FORMS[form](LEVELS)), LEVELS)
    mask = LEVELS > 100
    levels = as_levels(FORMS[form](mask))
    assert levels.dtype == np.uint8 and np.array_equal(levels, np.where(mask, 255, 0))
    score = segbench.auc(truth=TRUTH, prediction=FORMS[form](LEVELS), space=SPACE)
    assert score == scored(Auc(), [Sample(("a",), TRUTH, LEVELS)])


def test_a_list_of_booleans_is_a_mask() -> None:
    assert as_levels([[True, False]]).tolist() == [[255, 0]]


@pytest.mark.parametrize(
    "prediction",
    [
        LEVELS / 255,
        (LEVELS / 255).astype(np.float32),
        np.round(LEVELS / 255),
        LEVELS.astype(np.float64),
        np.full(LEVELS.shape, np.nan),
        LEVELS.astype(np.int64),
        LEVELS.astype(np.int8),
        LEVELS.astype(np.uint16),
        np.full(LEVELS.shape, 2**64 - 1, np.uint64),
        LEVELS.tolist(),
        torch.full(LEVELS.shape, 0.5),
    ],
    ids=lambda p: str(getattr(p, "dtype", "list")),
)
def test_other_dtypes_are_refused_and_told_how_to_make_levels(prediction: Any) -> None:
    with pytest.raises(BadParameter, match="prediction of dtype .*expected levels") as caught:
        scored(Auc(), [Sample(("a",), TRUTH, prediction)])
    assert "np.round(255*p).astype(np.uint8)" in caught.value.mend


@pytest.mark.parametrize(
    "prediction",
    [
        np.array([["a"]]),
        np.zeros((2, 3), np.complex64),
        [[1], [1, 2]],
        Image.fromarray(np.zeros((2, 3, 3), np.uint8)),
        np.ma.masked_equal(LEVELS, 7),
        torch.zeros(2, 3, requires_grad=True),
        torch.zeros(2, 3, device="meta"),
    ],
    ids=["text", "complex", "ragged", "bands", "masked", "grad", "meta"],
)
def test_what_holds_no_numbers_is_refused(prediction: Any) -> None:
    with pytest.raises(BadParameter):
        as_levels(prediction)


def test_what_the_mend_says_works() -> None:
    p = np.random.default_rng(3).random((40, 50))
    levels = np.round(255 * p).astype(np.uint8)
    assert np.abs(levels / 255 - p).max() <= 0.5 / 255 + 1e-12
    truth = np.where(p > 0.5, POSITIVE, NEGATIVE)
    assert scored(Auc(), [Sample(("a",), truth, levels)]).value > 0.99


# Faults.


def test_strays_of_the_truth_are_told_as_by_the_tally_of_tables() -> None:
    truth = np.where(TRUTH == VOID, 77, TRUTH)
    truth[1, 2] = 300
    faults = []
    for tally, prediction in ((LevelsTally(SPACE), LEVELS), (ConfusionTally(SPACE), np.full_like(TRUTH, POSITIVE))):
        with pytest.raises(DatasetError, match="truth value 77 at row 0, column 2, 2 stray pixels in all") as caught:
            tally.count_one(tally.start(), Sample(("a",), truth, prediction))
        faults.append(caught.value.as_record())
    assert faults[0] == faults[1] and faults[0]["pixel"] == [0, 2] and faults[0]["count"] == 2


def test_a_faulty_sample_is_not_counted_and_all_faults_are_told() -> None:
    good = Sample(("a",), TRUTH, LEVELS)
    bad = [
        Sample(("b",), TRUTH, LEVELS.T),
        Sample(("c",), TRUTH + 1, LEVELS),
        Sample(("d",), TRUTH, LEVELS / 255),
        Sample(("e",), TRUTH / 8, LEVELS),
        Sample(("f",), TRUTH + 1, None),
    ]
    for metric in (Auc(), Mcc(pool="image")):
        tally = metric.tally((metric,), SPACE)
        state = tally.start()
        with pytest.raises(Refusal) as caught:
            tally.count_into(state, [*bad[:2], good, *bad[2:]])
        kinds: list[type[SegbenchError]] = [ShapeMismatch, DatasetError, BadParameter, DatasetError, DatasetError]
        assert [type(fault) for fault in caught.value.faults] == kinds
        assert state.to_bytes() == counted(metric, [good]).to_bytes()


# Records and merging.


def test_a_record_holds_the_truth_and_the_levels_that_occur() -> None:
    tally = LevelsTally(SPACE)
    content = tally.count_one(tally.start(), Sample(("a",), TRUTH, LEVELS))
    assert content == {
        "shape": [2, 3],
        "truth": [[NEGATIVE, 3], [POSITIVE, 2], [VOID, 1]],
        "cells": [
            [NEGATIVE, 0, 1],
            [NEGATIVE, 3, 1],
            [NEGATIVE, 128, 1],
            [POSITIVE, 128, 1],
            [POSITIVE, 255, 1],
        ],
    }


def test_records_rebuild_the_state_and_count_every_truth_pixel() -> None:
    metrics = (Auc(pool="image"), AveragePrecision(), F1(pool="image", threshold=0.2), Mcc(pool="image"))
    for case in cases(200):
        tally = Auc.tally(metrics, SPACE)
        state, rebuilt = tally.start(), tally.start()
        contents = tally.count_into(state, case.samples)
        for content in json.loads(json.dumps(contents, allow_nan=False)):
            tally.add_record(rebuilt, content)
        assert rebuilt.to_bytes() == state.to_bytes(), f"seed {case.seed}"
        for content, (truth, _) in zip(contents, case.pairs, strict=True):
            values, counts = np.unique(truth, return_counts=True)
            assert dict(content["truth"]) == dict(zip(values.tolist(), counts.tolist(), strict=True))
            assert content["shape"] == list(truth.shape)


def test_images_merge_to_the_same_bytes_in_any_order() -> None:
    metric = Auc(pool="image")
    samples = [sample for case in cases(8) for sample in case.samples][:4]
    assert len(samples) == 4
    states = [counted(metric, [sample]) for sample in samples]
    forms = set()
    for a, b, c, d in itertools.permutations(states):
        forms |= {a.merge(b).merge(c).merge(d).to_bytes(), a.merge(b).merge(c.merge(d)).to_bytes()}
    assert forms == {counted(metric, samples).to_bytes()}


@pytest.mark.parametrize("name", [name for name, cls in CLASSES.items() if "pool" in cls.field_names()])
def test_a_mean_over_images_leaves_out_where_it_is_undefined(name: str) -> None:
    n_mixed = 0
    for case in cases(200):
        values = [scored(CLASSES[name](), [sample]).value for sample in case.samples]
        defined = [value for value in values if not math.isnan(value)]
        n_mixed += 0 < len(defined) < len(values)
        found = scored(CLASSES[name](pool="image"), case.samples).value  # type: ignore[call-arg]
        if defined:
            assert found == math.fsum(defined) / len(defined), f"seed {case.seed}"
        else:
            assert math.isnan(found), f"seed {case.seed}"
    assert n_mixed > 5 or name == "accuracy"  # accuracy is undefined only where all is void


def test_only_means_over_images_are_kept_beside_the_levels() -> None:
    tally = Auc.tally((Auc(), Auc(pool="image"), F1()), SPACE)
    assert set(tally.start().parts) == {"levels", "auc(pool=image)"}


# As functions.


@pytest.mark.parametrize("name", CLASSES)
def test_every_metric_on_levels_has_its_function(name: str) -> None:
    function, cls = getattr(functions, name), CLASSES[name]
    assert name in functions.__all__ and getattr(segbench, name) is function
    assert getattr(segbench, cls.__name__) is cls
    assert pickle.loads(pickle.dumps(function)) is function
    own = [p for p in inspect.signature(function).parameters if p not in ("truth", "prediction", "space", "void")]
    assert sorted(own) == list(cls.field_names())
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in inspect.signature(function).parameters.values())


@pytest.mark.parametrize("name", CLASSES)
def test_the_documentation_is_that_of_levels(name: str) -> None:
    text = getattr(functions, name).__doc__
    sections = ["Parameters", "Returns", "Raises", "Notes", "Examples"]
    places = [text.index(f"\n{section}\n{'-' * len(section)}\n") for section in sections]
    assert places == sorted(places)
    assert CLASSES[name].formula.casefold() in text.casefold()
    assert "prediction : array_like of uint8 or bool" in text and "StrayLabel" not in text
    assert all(len(line) <= 120 for line in text.splitlines())
    for field in CLASSES[name].field_names():
        assert re.search(rf"^{field} : .*, default .*\n    \S", text, re.MULTILINE), field


@pytest.mark.parametrize("name", CLASSES)
def test_function_is_running_over_the_images(name: str) -> None:
    case = next(case for case in cases(50) if len(case.pairs) == 3 and case.has_both)
    running = Running(CLASSES[name](), SPACE)
    for sample in case.samples:
        running.update(truth=sample.truth, prediction=sample.prediction)
        running = pickle.loads(pickle.dumps(running))
    truths, levels = ([pair[i] for pair in case.pairs] for i in (0, 1))
    score = getattr(functions, name)(truth=truths, prediction=levels, space=SPACE)
    assert score == running.compute() == scored(CLASSES[name](), case.samples)
    assert score.per_class == {} and not math.isnan(score.value)


def test_running_takes_a_number_of_classes() -> None:
    running = Running(Auc(), space=2, void=255)
    running.update(truth=[[0, 1, 255]], prediction=np.array([[10, 20, 0]], np.uint8))
    assert running.compute().value == 1.0
    assert repr(running) == "<Running auc: 2 classes, void 255>"
    with pytest.raises(BadParameter, match="a: prediction of dtype float64"):
        running.update(truth=[[0, 1, 255]], prediction=np.array([[0.1, 0.2, 0.0]]), key=("a",))
    assert running.compute().value == 1.0


def test_an_image_without_a_prediction_is_a_slip_in_a_function() -> None:
    with pytest.raises(BadParameter, match="prediction is None"):
        segbench.auc(truth=TRUTH, prediction=None, space=SPACE)
