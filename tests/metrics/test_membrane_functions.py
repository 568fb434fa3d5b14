"""V^Rand and V^Info as functions and in `Running`: what they take, what they refuse, and that they are one number."""

from __future__ import annotations

import inspect
import math
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import segbench
from segbench import LabelClass, LabelSpace, Running
from segbench.errors import BadParameter, DatasetError, ShapeMismatch, StrayLabel
from segbench.metrics import functions
from segbench.metrics.membrane import METRICS

CLASSES = {cls.name: cls for cls in METRICS}
#: Ids as the files of ISBI 2012 hold them.
SPACE = LabelSpace((LabelClass("membrane", 0), LabelClass("inside", 255)))


def stack(seed: int, n_slices: int = 3) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A truth of blocks between lines, and probabilities that are right in most places."""
    rng = np.random.default_rng(seed)
    truth = np.full((n_slices, 13, 17), 255, np.uint8)
    truth[:, ::4] = truth[:, :, ::5] = 0
    wrong = rng.random(truth.shape) < 0.05
    return truth, np.where(
        (truth > 0) ^ wrong, rng.uniform(0.5, 1, truth.shape), rng.uniform(0, 0.6, truth.shape)
    ).astype(np.float32)


TRUTH, PREDICTION = stack(1)


@pytest.mark.parametrize("name", CLASSES)
def test_every_metric_on_membranes_has_its_function(name: str) -> None:
    function, cls = getattr(functions, name), CLASSES[name]
    assert name in functions.__all__ and getattr(segbench, name) is function
    assert getattr(segbench, cls.__name__) is cls
    assert pickle.loads(pickle.dumps(function)) is function
    assert list(inspect.signature(function).parameters) == ["truth", "prediction", "space", "void"]


@pytest.mark.parametrize("name", CLASSES)
def test_the_documentation_is_that_of_membranes(name: str) -> None:
    text = getattr(functions, name).__doc__
    sections = ["Parameters", "Returns", "Raises", "Notes", "References", "Examples"]
    places = [text.index(f"\n{section}\n{'-' * len(section)}\n") for section in sections]
    assert places == sorted(places)
    assert CLASSES[name].formula.casefold() in text.casefold()
    assert "prediction : array_like of float32, float64, uint8 or bool" in text and "VoidPrediction" not in text
    assert all(len(line) <= 120 for line in text.splitlines())


@pytest.mark.parametrize("name", CLASSES)
def test_function_is_running_over_the_images(name: str) -> None:
    function = getattr(functions, name)
    running = Running(CLASSES[name](), SPACE)
    for truth, prediction in zip(TRUTH, PREDICTION, strict=True):
        running.update(truth=truth, prediction=prediction)
        running = pickle.loads(pickle.dumps(running))
    whole = function(truth=TRUTH, prediction=PREDICTION, space=SPACE)
    assert whole == running.compute() == function(truth=list(TRUTH), prediction=tuple(PREDICTION), space=SPACE)
    assert 0 < whole.value < 1 and whole.value == max(whole.per_class.values())
    # A stack weighs as many slices as it has.
    more = stack(2, 1)
    both = function(truth=[TRUTH, more[0]], prediction=[PREDICTION, more[1]], space=SPACE)
    single = function(truth=more[0], prediction=more[1], space=SPACE)
    for at, value in both.per_class.items():
        assert value == pytest.approx((3 * whole.per_class[at] + single.per_class[at]) / 4, abs=1e-15)


@pytest.mark.parametrize("name", CLASSES)
def test_the_forms_of_a_prediction(name: str) -> None:
    function: Any = getattr(functions, name)
    levels = np.round(PREDICTION * 255).astype(np.uint8)
    expected = function(truth=TRUTH, prediction=levels / np.float32(255), space=SPACE)
    for same in (levels, np.asfortranarray(levels), (levels / np.float32(255)).astype(np.float64)):
        assert function(truth=TRUTH, prediction=same, space=SPACE) == expected
    nested = function(truth=TRUTH.tolist(), prediction=PREDICTION.tolist(), space=SPACE)
    assert nested == function(truth=TRUTH, prediction=PREDICTION, space=SPACE)
    perfect = function(truth=TRUTH > 0, prediction=TRUTH > 0, space=2)
    assert perfect == function(truth=TRUTH, prediction=TRUTH, space=SPACE)
    assert perfect.value == pytest.approx(1, abs=1e-14)


def test_void_is_no_inside() -> None:
    void = np.where(TRUTH == 0, np.uint8(9), TRUTH)
    expected = segbench.v_rand(truth=TRUTH, prediction=PREDICTION, space=SPACE)
    assert segbench.v_rand(truth=void, prediction=PREDICTION, space=SPACE, void=9) == expected


STRAY = np.where(np.indices(TRUTH.shape).sum(axis=0) == 2, np.float32(1.5), PREDICTION)
BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"prediction": None}, BadParameter, "prediction is None"),
    ({"prediction": PREDICTION.astype(np.int32)}, BadParameter, "prediction of dtype int32; expected floats from 0"),
    ({"prediction": PREDICTION[:, :, 1:]}, ShapeMismatch, "17"),
    ({"prediction": STRAY}, StrayLabel, "prediction value 1.5"),
    ({"prediction": PREDICTION * np.nan}, StrayLabel, "prediction value nan"),
    ({"truth": TRUTH + 1}, DatasetError, "truth value 1 "),
    ({"space": 3}, BadParameter, "evaluated classes: 3; expected 2 for membranes"),
    ({"truth": list(TRUTH)}, BadParameter, "a list of images and one image"),
]


@pytest.mark.parametrize(("change", "error", "said"), BAD)
@pytest.mark.parametrize("name", CLASSES)
def test_what_is_refused(name: str, change: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        getattr(functions, name)(**{"truth": TRUTH, "prediction": PREDICTION, "space": SPACE} | change)


def test_running_names_the_image_and_counts_nothing_of_it() -> None:
    running = Running(segbench.VRand(), space=2, void=255)
    assert math.isnan(running.compute().value)
    assert repr(running) == "<Running v_rand: 2 classes, void 255>"
    with pytest.raises(StrayLabel, match=r"^a: prediction value 2\.0"):
        running.update(truth=[[0, 1, 255]], prediction=np.array([[0.0, 2.0, 0.0]]), key=("a",))
    assert math.isnan(running.compute().value)
    running.update(truth=[[0, 1, 255]], prediction=None)
    # Missing is probability 0 everywhere: one cell, which the only true pixel lies in.
    assert running.compute().value == 1.0
