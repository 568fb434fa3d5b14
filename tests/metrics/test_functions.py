"""Metrics as functions, and `Running` in a training loop: every kind of input, none of them changed."""

from __future__ import annotations

import inspect
import itertools
import math
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args, get_type_hints

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import segbench
from segbench import LabelClass, LabelSpace, Running, Score, mean_iou
from segbench.errors import (
    BadParameter,
    DatasetError,
    SegbenchError,
    ShapeMismatch,
    StrayLabel,
    UnknownName,
    VoidPrediction,
)
from segbench.metrics import functions
from segbench.metrics.functions import function_of
from segbench.metrics.region import MeanIou, MeanRecall
from segbench.metrics.table import METRICS

torch = pytest.importorskip("torch")

K, VOID = 5, 255
CLASSES = {name: cls for name, cls in METRICS.items() if cls.family in ("confusion", "trimap", "contour")}
GROUPED = LabelSpace(tuple(LabelClass(f"class {i}", i, group="ab"[i % 2]) for i in range(K)))


def label_maps(seed: int, *shape: int, values: int = K) -> NDArray[np.uint8]:
    maps = np.random.default_rng(seed).integers(values, size=shape or (13, 17)).astype(np.uint8)
    maps[..., 0] = VOID
    return maps


TRUTH, PREDICTION = label_maps(1), label_maps(2)
EXPECTED = mean_iou(truth=TRUTH, prediction=PREDICTION, space=K, void=VOID)


# The functions and their classes.


@pytest.mark.parametrize("name", CLASSES)
def test_every_metric_on_label_maps_has_its_function(name: str) -> None:
    function, cls = getattr(functions, name), CLASSES[name]
    assert name in functions.__all__ and getattr(segbench, name) is function
    assert (function.__name__, function.__qualname__, function.__module__) == (name, name, functions.__name__)
    assert pickle.loads(pickle.dumps(function)) is function
    assert getattr(segbench, cls.__name__) is cls


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_class_is_a_name_of_the_package(name: str) -> None:
    assert getattr(segbench, METRICS[name].__name__) is METRICS[name]


@pytest.mark.parametrize("name", CLASSES)
def test_signature_and_annotations_are_those_of_the_class(name: str) -> None:
    function, cls = getattr(functions, name), CLASSES[name]
    signature, plain = inspect.signature(function), cls()
    own = {p: q for p, q in signature.parameters.items() if p not in ("truth", "prediction", "space", "void")}
    assert sorted(own) == list(cls.field_names())
    assert {p: q.default for p, q in own.items()} == {p: getattr(plain, p) for p in own}
    assert all(q.kind is inspect.Parameter.KEYWORD_ONLY for q in signature.parameters.values())
    assert get_type_hints(function)["return"] is signature.return_annotation is Score
    assert {p: get_type_hints(function)[p] for p in own} == {p: get_type_hints(cls)[p] for p in own}


@pytest.mark.parametrize("name", CLASSES)
def test_documentation_says_all(name: str) -> None:
    text = getattr(functions, name).__doc__
    sections = ["Parameters", "Returns", "Raises", "Notes", "Examples"]
    places = [text.index(f"\n{section}\n{'-' * len(section)}\n") for section in sections]
    assert places == sorted(places)
    assert CLASSES[name].formula.casefold() in text.casefold()
    for parameter in inspect.signature(getattr(functions, name)).parameters:
        assert f"\n{parameter} : " in text or f"{parameter}, " in text or f", {parameter} : " in text
    assert all(len(line) <= 120 for line in text.splitlines())
    cited = "References" in (CLASSES[name].__doc__ or "")
    assert cited == ("\nReferences\n----------\n" in text)


@pytest.mark.parametrize("name", CLASSES)
def test_every_field_is_explained(name: str) -> None:
    text = getattr(functions, name).__doc__
    for field in CLASSES[name].field_names():
        assert re.search(rf"^{field} : .*, default .*\n    \S", text, re.MULTILINE), field


def test_a_field_of_ones_own_is_explained_once() -> None:
    @dataclass(frozen=True)
    class Mine(MeanIou):
        """Mean IoU, times something.

        Parameters
        ----------
        times : float
            What it is multiplied with.
        """

        name: ClassVar[str] = "mine"
        times: float = 2.0

    text = function_of(Mine).__doc__ or ""
    assert text.count("\nParameters\n") == 1
    assert "\ntimes : float, default 2.0\n    What it is multiplied with.\n" in text


@pytest.mark.parametrize(
    ("name", "pool"), [(name, pool) for name, cls in CLASSES.items() for pool in get_args(get_type_hints(cls)["pool"])]
)
def test_function_is_running_over_the_images(name: str, pool: str) -> None:
    truths, predictions = [label_maps(i, 9, 8 + i) for i in range(6)], [label_maps(i + 9, 9, 8 + i) for i in range(6)]
    metric: Any = CLASSES[name](pool=pool)  # type: ignore[call-arg]
    running = Running(metric, GROUPED, VOID)
    for truth, prediction in zip(truths, predictions, strict=True):
        running.update(truth=truth, prediction=prediction)
    function = getattr(functions, name)
    score = function(truth=truths, prediction=tuple(predictions), space=GROUPED, void=VOID, pool=pool)
    assert score == running.compute() and 0 < float(score) < 1
    assert float(score) == score.value and isinstance(float(score), float)


def test_function_of_any_class_of_ones_own() -> None:
    class Mine(MeanRecall):
        """Recall by another name."""

        name = "mine"
        higher_is_better = False

    mine = function_of(Mine)
    assert mine.__name__ == "mine" and "lower is better" in (mine.__doc__ or "")
    assert mine(truth=TRUTH, prediction=TRUTH, space=K, void=VOID).value == 1


# What is an image, and what a list of images.


def test_volume_and_list_of_images_differ_where_pooling_does() -> None:
    truth, prediction = label_maps(3, 4, 6, 7), label_maps(4, 4, 6, 7)
    call: dict[str, Any] = {"space": K, "void": VOID, "pool": "image"}
    volume = mean_iou(truth=truth, prediction=prediction, **call)
    images = mean_iou(truth=list(truth), prediction=list(prediction), **call)
    assert volume != images
    assert images == mean_iou(truth=truth.tolist(), prediction=prediction.tolist(), **call)
    assert volume == mean_iou(truth=[truth], prediction=[prediction], **call)
    assert volume == mean_iou(truth=[truth.tolist()], prediction=[prediction.tolist()], **call)


def test_rows_are_one_image() -> None:
    assert mean_iou(truth=TRUTH.tolist(), prediction=PREDICTION.tolist(), space=K, void=VOID) == EXPECTED
    assert mean_iou(truth=tuple(TRUTH), prediction=PREDICTION, space=K, void=VOID) == EXPECTED


@pytest.mark.parametrize(
    ("truth", "prediction", "found"),
    [
        ([TRUTH], PREDICTION, "a list of images and one image"),
        (TRUTH, (PREDICTION,), "one image and a list of images"),
        ([TRUTH, TRUTH], [PREDICTION], "2 images of truth and 1 of prediction"),
        ([], [], "0 images of truth and 0 of prediction"),
        (TRUTH, None, "prediction is None"),
        ([TRUTH], [None], "prediction is None"),
        (None, PREDICTION, "truth of dtype object"),
        (iter([TRUTH]), iter([PREDICTION]), "truth of dtype object"),
        (TRUTH[:0], PREDICTION[:0], "truth and prediction of 0×17"),
    ],
)
def test_odd_lists_are_refused(truth: Any, prediction: Any, found: str) -> None:
    with pytest.raises(BadParameter, match=found):
        mean_iou(truth=truth, prediction=prediction, space=K, void=VOID)


def test_error_names_the_image() -> None:
    wrong = PREDICTION.copy()
    wrong[2, 3] = 77
    with pytest.raises(StrayLabel, match=r"^image 1: prediction value 77 at row 2, column 3") as caught:
        mean_iou(truth=[TRUTH, TRUTH], prediction=[PREDICTION, wrong], space=K, void=VOID)
    assert caught.value.pixel == (2, 3)
    with pytest.raises(StrayLabel, match="^prediction value 77"):
        mean_iou(truth=TRUTH, prediction=wrong, space=K, void=VOID)
    running = Running(MeanIou(), K, VOID)
    with pytest.raises(StrayLabel, match="^train/000123: prediction value 77"):
        running.update(truth=TRUTH, prediction=wrong, key=("train", "000123"))


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (TypeError, {"absnt": "skip"}),
        (BadParameter, {"absent": "skp"}),
        (UnknownName, {"classes": "sky"}),
        (UnknownName, {"classes": ["0", "sky"]}),
        (StrayLabel, {"truth": TRUTH % 2, "space": 2}),
        (DatasetError, {"void": ()}),
        (ShapeMismatch, {"prediction": PREDICTION.T}),
        (VoidPrediction, {"void_prediction": "error"}),
        (BadParameter, {"space": 0}),
    ],
)
def test_errors_are_those_the_documentation_lists(kind: type[Exception], change: dict[str, Any]) -> None:
    call: dict[str, Any] = {"truth": TRUTH, "prediction": PREDICTION, "space": K, "void": VOID}
    with pytest.raises(kind):
        mean_iou(**(call | change))
    if issubclass(kind, SegbenchError):
        assert kind.__name__ in (mean_iou.__doc__ or "")


def test_a_silent_swap_is_impossible() -> None:
    with pytest.raises(TypeError, match=r"mean_iou\(\) takes 0 positional arguments"):
        mean_iou(TRUTH, PREDICTION, space=K)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"mean_iou\(\) missing 1 required keyword-only argument: 'space'"):
        mean_iou(truth=TRUTH, prediction=PREDICTION)  # type: ignore[call-arg]


def test_classes_may_be_a_list() -> None:
    chosen = mean_iou(truth=TRUTH, prediction=PREDICTION, space=K, void=VOID, classes=["1", "3"])
    assert list(chosen.per_class) == ["1", "3"]


def test_undefined_is_nan() -> None:
    score = mean_iou(truth=[[VOID]], prediction=[[0]], space=2, void=VOID)
    assert math.isnan(score.value) and all(math.isnan(value) for value in score.per_class.values())


# Kinds of input.


class OnlyArray:
    """An object whose only door is ``__array__``."""

    def __init__(self, labels: NDArray[Any]) -> None:
        self.labels = labels

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.labels if dtype is None else self.labels.astype(dtype)


class OnlyInterface:
    """An object whose only door is ``__array_interface__``."""

    def __init__(self, labels: NDArray[Any]) -> None:
        self.labels = labels

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self.labels.__array_interface__


class OnlyDlpack:
    """An object whose only door is DLPack."""

    def __init__(self, labels: NDArray[Any]) -> None:
        self.labels = labels

    def __dlpack__(self, **options: Any) -> Any:
        return self.labels.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.labels.__dlpack_device__()


def every_other(labels: NDArray[Any]) -> NDArray[Any]:
    wide = np.full((labels.shape[0] * 2, labels.shape[1] * 3), 99, labels.dtype)
    wide[::2, ::3] = labels
    return wide[::2, ::3]


def locked(labels: NDArray[Any]) -> NDArray[Any]:
    copy = labels.copy()
    copy.setflags(write=False)
    return copy


def unaligned(labels: NDArray[Any]) -> NDArray[Any]:
    raw = np.zeros(labels.size * 4 + 1, np.uint8)[1:]
    raw[:] = np.frombuffer(labels.astype(np.int32).tobytes(), np.uint8)
    return raw.view(np.int32).reshape(labels.shape)


DTYPES = ["u1", "u2", "u4", "u8", "i2", "i4", "i8", ">u2", ">i4", ">i8", "f2", "f4", "f8", ">f8"]
NUMPY: dict[str, Callable[[NDArray[Any]], Any]] = {
    **{d: (lambda a, d=d: a.astype(d)) for d in DTYPES},  # type: ignore[misc]
    "Fortran order": np.asfortranarray,
    "every other": every_other,
    "reversed": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "transposed": lambda a: a.T.copy().T,
    "read-only": locked,
    "unaligned": unaligned,
    "nested list": lambda a: a.tolist(),
    "nested tuple": lambda a: tuple(map(tuple, a.tolist())),
    "list of rows": list,
    "PIL": Image.fromarray,
    "PIL palette": lambda a: _palette(a),
    "PIL 32 bit": lambda a: Image.fromarray(a.astype(np.int32)),
    "__array__": OnlyArray,
    "__array_interface__": OnlyInterface,
    "DLPack": OnlyDlpack,
}
TORCH: dict[str, Callable[[NDArray[Any]], Any]] = {
    **{
        str(d): (lambda a, d=d: torch.from_numpy(a.copy()).to(d))  # type: ignore[misc]
        for d in (torch.uint8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float32, torch.float64)
    },
    "channels last": lambda a: _channels_last(a),
    "torch transposed": lambda a: torch.from_numpy(a.T.copy()).T,
    "torch expanded": lambda a: torch.from_numpy(a.copy()).expand(3, *a.shape)[1],
    "torch inference": lambda a: _in_inference_mode(a),
    "torch parameter of labels": lambda a: torch.nn.Parameter(torch.from_numpy(a.copy()), requires_grad=False),
}


def _palette(labels: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(labels, mode="L").convert("P")
    image.putdata(labels.ravel().tolist())
    return image


def _channels_last(labels: NDArray[np.uint8]) -> Any:
    scores = torch.nn.functional.one_hot(torch.from_numpy(labels.astype(np.int64)), 256).permute(2, 0, 1)[None].float()
    return scores.to(memory_format=torch.channels_last).argmax(1)[0]


def _in_inference_mode(labels: NDArray[np.uint8]) -> Any:
    with torch.inference_mode():
        return torch.from_numpy(labels.copy()) + 0


@pytest.mark.parametrize("kind", [*NUMPY, *TORCH])
def test_every_kind_of_input(kind: str) -> None:
    made = {**NUMPY, **TORCH}[kind]
    truth, prediction = made(TRUTH.copy()), made(PREDICTION.copy())
    before = np.asarray(truth).copy(), np.asarray(prediction).copy()
    for call in ({"truth": truth, "prediction": prediction}, {"truth": [truth], "prediction": [prediction]}):
        assert mean_iou(**call, space=K, void=VOID) == EXPECTED
    running = Running(MeanIou(), K, VOID)
    running.update(truth=truth, prediction=prediction)
    running.update(truth=TRUTH, prediction=prediction)
    assert running.compute() == EXPECTED
    assert all(np.array_equal(a, b) for a, b in zip(before, map(np.asarray, (truth, prediction)), strict=True))


def test_memory_maps(tmp_path: Path) -> None:
    for name, labels in (("truth", TRUTH), ("prediction", PREDICTION)):
        np.save(tmp_path / name, labels)
    maps = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("truth", "prediction")]
    assert mean_iou(truth=maps[0], prediction=maps[1], space=K, void=VOID) == EXPECTED
    raw = np.memmap(tmp_path / "raw", np.uint16, "w+", shape=TRUTH.shape)
    raw[:] = TRUTH
    assert mean_iou(truth=raw, prediction=maps[1], space=K, void=VOID) == EXPECTED


@pytest.mark.parametrize("dtype", [np.bool_, torch.bool])
def test_booleans(dtype: Any) -> None:
    truth, prediction = TRUTH > 2, PREDICTION > 2
    expected = mean_iou(truth=truth.astype(int), prediction=prediction.astype(int), space=2)
    if dtype is torch.bool:
        assert mean_iou(truth=torch.from_numpy(truth), prediction=torch.from_numpy(prediction), space=2) == expected
    assert mean_iou(truth=truth, prediction=prediction, space=2) == expected


class Elsewhere:
    """What NumPy meets in a CUDA tensor."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        raise TypeError(
            "can't convert cuda:0 device type tensor to numpy. "
            "Use Tensor.cpu() to copy the tensor to host memory first."
        )


@pytest.mark.parametrize(
    ("labels", "kind", "said"),
    [
        (Elsewhere(), BadParameter, r"prediction \(Elsewhere\).*\.cpu\(\)"),
        (torch.zeros(13, 17, requires_grad=True), BadParameter, r"requires grad.*detach\(\)"),
        (torch.zeros(13, 17, dtype=torch.bfloat16), BadParameter, "BFloat16"),
        (torch.full((13, 17), 0.5), StrayLabel, "value 0.5 in prediction.*whole numbers"),
        (torch.full((K, 13, 17), 0.5), StrayLabel, "value 0.5 in prediction.*whole numbers"),
        (torch.zeros(K, 13, 17, dtype=torch.int64), ShapeMismatch, r"scores of classes\? take argmax\(axis=0\)"),
        (torch.zeros(1, 13, 17, dtype=torch.int64), ShapeMismatch, "drop the leading axes of length 1"),
        (torch.zeros(13, 17).to_sparse(), BadParameter, "to_dense"),
        (torch.zeros(13, 17, device="meta"), BadParameter, "meta"),
        (torch.zeros(13, 17, dtype=torch.complex64), BadParameter, "complex64"),
        (Image.fromarray(np.zeros((13, 17, 3), np.uint8)), BadParameter, "image of 3 bands"),
        (np.ma.masked_equal(PREDICTION, 1), BadParameter, "masked"),
        ([[0, 1], [0]], BadParameter, "ragged"),
        ([["road", "sky"]], BadParameter, "dtype <U4"),
        (np.full((13, 17), np.nan), StrayLabel, "nan"),
    ],
    ids=lambda value: None,
)
def test_what_holds_no_labels_is_refused(labels: Any, kind: Any, said: str) -> None:
    with pytest.raises(kind, match=said):
        mean_iou(truth=TRUTH, prediction=labels, space=K, void=VOID)
    running = Running(MeanIou(), K, VOID)
    with pytest.raises(kind, match=said):
        running.update(truth=TRUTH, prediction=labels)
    assert not running.state.counts("table").values.any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_tensors_ask_for_cpu() -> None:
    with pytest.raises(BadParameter, match=r"\.cpu\(\)"):
        mean_iou(truth=TRUTH, prediction=torch.from_numpy(PREDICTION).cuda(), space=K, void=VOID)


# Running in a training loop.


def test_training_loop_and_a_pickle_in_the_middle_of_an_epoch() -> None:
    torch.manual_seed(0)
    model = torch.nn.Conv2d(3, K, 1).to(memory_format=torch.channels_last)
    batches = [(torch.randn(2, 3, 8, 9), torch.randint(K, (2, 8, 9))) for _ in range(4)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    running, predictions = Running(MeanIou(), space=K, void=VOID), []
    for images, truths in batches:
        optimizer.zero_grad()
        logits = model(images)
        torch.nn.functional.cross_entropy(logits, truths, ignore_index=VOID).backward()
        optimizer.step()
        for truth, prediction in zip(truths, logits.argmax(1), strict=True):
            running.update(truth=truth, prediction=prediction)
        predictions += list(logits.argmax(1))
        running = pickle.loads(pickle.dumps(running))
    truths_seen = [truth for _, truths in batches for truth in truths]
    assert running.compute() == mean_iou(truth=truths_seen, prediction=predictions, space=K, void=VOID)
    with pytest.raises(StrayLabel, match="whole numbers"):
        running.update(truth=batches[0][1], prediction=logits.detach())


@pytest.mark.parametrize("pool", ["dataset", "image", "class_then_image"])
def test_running_objects_merge_in_any_order(pool: Any) -> None:
    def part(seed: int) -> Running[Any]:
        running = Running(MeanIou(pool=pool), K, VOID)
        for i in range(seed + 1):
            running.update(truth=label_maps(seed * 7 + i), prediction=label_maps(seed * 11 + i + 50))
        return running

    forms = set()
    for order in itertools.permutations(range(4)):
        whole = Running(MeanIou(pool=pool), K, VOID)
        for i in order:
            whole.merge(pickle.loads(pickle.dumps(part(i))))
        forms.add((whole.state.to_bytes(), pickle.dumps(whole.compute())))
    assert len(forms) == 1


def test_merge_leaves_the_other_alone_and_refuses_strangers() -> None:
    one, other = Running(MeanIou(), K, VOID), Running(MeanIou(), K, VOID)
    other.update(truth=TRUTH, prediction=PREDICTION)
    one.merge(other)
    one.update(truth=TRUTH, prediction=TRUTH)
    assert other.compute() == EXPECTED != one.compute()
    for stranger in (Running(MeanIou(pool="image"), K, VOID), Running(MeanIou(), K + 1, VOID)):
        with pytest.raises(BadParameter):
            one.merge(stranger)


def test_running_says_what_it_is() -> None:
    assert repr(Running(MeanIou(), K)) == "<Running mean_iou: 5 classes, void none>"
    assert repr(Running(MeanIou(pool="image"), 150, (0, VOID))) == (
        "<Running mean_iou(pool=image): 149 classes, void 0, 255>"
    )
