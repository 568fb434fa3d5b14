"""Metrics as functions of images: `mean_iou(truth=…, prediction=…, space=21, void=255)`.

Every function is made from its metric class: keywords, defaults and documentation are those of the class.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, Protocol, get_args, get_origin, get_type_hints

from segbench.errors import BadParameter
from segbench.labels import LabelSpace
from segbench.metrics import region
from segbench.metrics.base import Metric
from segbench.metrics.running import Running
from segbench.result import Score
from segbench.samples import Key

__all__ = [
    "MetricFunction",
    "ade_score",
    "category_iou",
    "frequency_weighted_iou",
    "function_of",
    "mean_accuracy",
    "mean_dice",
    "mean_iou",
    "mean_precision",
    "mean_recall",
    "pixel_accuracy",
]


class MetricFunction(Protocol):
    """A metric as a function; what else it takes are the fields of its class."""

    __name__: str

    def __call__(
        self,
        *,
        truth: Any,
        prediction: Any,
        space: LabelSpace | int,
        void: int | Iterable[int] = (),
        **fields: Any,
    ) -> Score:
        """Return the score of one image, or of several."""


def function_of(cls: type[Metric[Any]]) -> MetricFunction:
    """Make the function of a metric class that compares label maps.

    Parameters
    ----------
    cls : type of Metric
        A metric that needs nothing but truth and prediction; its fields become keywords.

    Returns
    -------
    function
        With the name of the metric, and a signature and documentation of its own.

    Examples
    --------
    >>> from segbench.metrics.region import MeanDice
    >>> import inspect
    >>> list(inspect.signature(function_of(MeanDice)).parameters)[:5]
    ['truth', 'prediction', 'space', 'void', 'void_prediction']
    """

    def measure(
        *,
        truth: Any,
        prediction: Any,
        space: LabelSpace | int,
        void: int | Iterable[int] = (),
        **fields: Any,
    ) -> Score:
        metric = cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})
        running = Running(metric, space, void)
        for key, one, other in _pairs(truth, prediction):
            running.update(truth=one, prediction=other, key=key)
        return running.compute()

    signature = _signature(cls, inspect.signature(measure, eval_str=True))
    hints = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    measure.__name__ = measure.__qualname__ = cls.name
    measure.__doc__ = _documentation(cls)
    measure.__annotations__ = {**hints, "return": Score}
    measure.__signature__ = signature  # type: ignore[attr-defined]
    return measure


def _signature(cls: type[Metric[Any]], shared: inspect.Signature) -> inspect.Signature:
    kinds, defaults = get_type_hints(cls), cls()
    own = [p for p in shared.parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    own += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=getattr(defaults, name), annotation=kinds[name])
        for name in _fields(cls)
    ]
    return shared.replace(parameters=own)


def _fields(cls: type[Metric[Any]]) -> list[str]:
    """Return the fields of a metric in the order of its definition."""
    return [name for name in inspect.signature(cls).parameters if name in cls.field_names()]


# Images.


def _pairs(truth: Any, prediction: Any) -> Iterator[tuple[Key, Any, Any]]:
    """Yield the pairs of images: of two lists one by one, with the position that names them in errors."""
    several = _is_list_of_images(truth), _is_list_of_images(prediction)
    if not any(several):
        yield (), truth, _present(prediction)
        return
    if not all(several):
        raise BadParameter(
            "a list of images and one image" if several[0] else "one image and a list of images",
            expected="truth and prediction alike: two images, or two lists of images",
        )
    if len(truth) != len(prediction) or not len(truth):
        raise BadParameter(
            f"{len(truth)} images of truth and {len(prediction)} of prediction",
            expected="the same number, at least one",
        )
    for i, (one, other) in enumerate(zip(truth, prediction, strict=True)):
        yield (f"image {i}",), one, _present(other)


def _present(prediction: Any) -> Any:
    # A tally takes None for a missing prediction; here it is rather a slip, which must not become a score.
    if prediction is None:
        raise BadParameter("prediction is None", expected="a label map")
    return prediction


def _is_list_of_images(value: Any) -> bool:
    return isinstance(value, list | tuple) and (not value or _axes(value) > 2)


def _axes(value: Any) -> int:
    """Return how many axes an array, or a nested list by its first items, has; an image object has two."""
    if isinstance(value, list | tuple):
        return 1 + (_axes(value[0]) if value else 0)
    return 0 if isinstance(value, int | float | str) else getattr(value, "ndim", 2)


# Documentation.

_SHARED = """\
Parameters
----------
truth, prediction : array_like of int, shape (height, width) or (depth, height, width), or a list of these
    Ids of one image or volume, or a list or tuple of images that may differ in shape; a nested list of three levels
    is a list of images. Integers and booleans of any width, or floats that are whole numbers; NumPy arrays, memory
    maps, PIL images, CPU tensors, and whatever has ``__array__`` or ``__dlpack__``. Never changed.
space : LabelSpace or int
    The classes, or their number K for ids 0…K−1.
void : int or iterable of int, default ()
    Ids without a label, besides those of `space`."""

_RESULT = """\
Returns
-------
Score
    ``value`` ({unit}, {direction} is better) and the value of each part in ``per_class``; NaN where undefined.

Raises
------
BadParameter
    For a field with a value it cannot take, lists of unequal length, no pixel, or anything that holds no labels.
UnknownName
    When `classes` names neither a class nor a group of `space`.
ShapeMismatch
    When truth and prediction of an image differ in shape.
StrayLabel
    When a prediction holds a value outside `space` and `void`, or a float that is no whole number.
DatasetError
    When a truth does.
VoidPrediction
    With ``void_prediction="error"``, when a prediction holds a void value.

Notes
-----
{formula}.

For a class, TP is the pixels where both truth and prediction are that class, GT the counted pixels where the truth is,
and PR the counted pixels where the prediction is. Pixels whose truth is void are not counted.

``Running({name}(…), space)`` comes to the same number, and takes images as they come."""

_SECTION = re.compile(r"^(?=\w[\w ]*\n-{3,}$)", re.MULTILINE)
_PARAMETER = re.compile(r"^(\w+) : .*\n((?: +.*(?:\n|$))+)", re.MULTILINE)


def _documentation(cls: type[Metric[Any]]) -> str:
    about, *sections = (part.strip() for part in _SECTION.split(inspect.cleandoc(cls.__doc__ or "")))
    defaults, kinds, rules = cls(), get_type_hints(cls), _rules(cls)
    fields = [
        f"{name} : {_kind(kinds[name])}, default {getattr(defaults, name)!r}\n{rules.get(name, '').rstrip()}"
        for name in _fields(cls)
    ]
    sections = [section for section in sections if not section.startswith("Parameters\n")]
    result = _RESULT.format(
        unit=cls.unit,
        direction="higher" if cls.higher_is_better else "lower",
        formula=cls.formula[0].upper() + cls.formula[1:],
        name=cls.__name__,
    )
    return "\n\n".join((about, "\n".join((_SHARED, *fields)), result, *sections))


def _rules(cls: type[Metric[Any]]) -> dict[str, str]:
    """Return what a class and its parents say of their fields."""
    found: dict[str, str] = {}
    for parent in reversed(cls.__mro__):
        found.update(_PARAMETER.findall(inspect.cleandoc(parent.__doc__ or "")))
    return found


def _kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "{" + ", ".join(repr(choice) for choice in get_args(kind)) + "}"
    return kind.__name__ if kind in (int, float) else "str or list of str"


mean_iou = function_of(region.MeanIou)
pixel_accuracy = function_of(region.PixelAccuracy)
mean_accuracy = function_of(region.MeanAccuracy)
frequency_weighted_iou = function_of(region.FrequencyWeightedIou)
mean_dice = function_of(region.MeanDice)
mean_precision = function_of(region.MeanPrecision)
mean_recall = function_of(region.MeanRecall)
category_iou = function_of(region.CategoryIou)
ade_score = function_of(region.AdeScore)
