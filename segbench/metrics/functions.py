"""Metrics as functions of images: `mean_iou(truth=…, prediction=…, space=21, void=255)`.

Every function is made from its metric class: keywords, defaults and documentation are those of the class.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias, get_type_hints

from segbench.errors import BadParameter, counted
from segbench.labels import LabelSpace
from segbench.metrics import (
    binary,
    boundary_iou,
    groups,
    membrane,
    multilabel,
    region,
    road,
    surface_measures,
    trimap,
)
from segbench.metrics import boundary_f as contours
from segbench.metrics.base import Metric
from segbench.metrics.documentation import documentation
from segbench.metrics.running import Running
from segbench.result import Score
from segbench.samples import Key

__all__ = [
    "MetricFunction",
    "accuracy",
    "ade_score",
    "auc",
    "average_precision",
    "average_symmetric_surface_distance",
    "boundary_f",
    "category_accuracy",
    "category_frequency_weighted_iou",
    "category_iou",
    "category_pixel_accuracy",
    "f1",
    "fnr_wp",
    "fpr_wp",
    "frequency_weighted_iou",
    "function_of",
    "hausdorff_distance",
    "interpolated_precision",
    "max_f",
    "mcc",
    "mean_accuracy",
    "mean_average_surface_distance",
    "mean_boundary_iou",
    "mean_dice",
    "mean_iou",
    "mean_precision",
    "mean_recall",
    "multilabel_dice",
    "multilabel_iou",
    "pixel_accuracy",
    "precision_wp",
    "recall_wp",
    "sensitivity",
    "specificity",
    "surface_dice",
    "trimap_accuracy",
    "trimap_iou",
    "v_info",
    "v_rand",
]

_Spacing: TypeAlias = Sequence[float] | None


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
    """Make the function of a metric class that compares maps.

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
        spacing = fields.pop("spacing_mm", None) if cls.family == "surface" else None
        metric = cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})
        running = Running(metric, space, void)
        for key, one, other in _pairs(truth, prediction):
            running.update(truth=one, prediction=other, key=key, spacing=spacing)
        return running.compute()

    signature = _signature(cls, inspect.signature(measure, eval_str=True))
    hints = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    measure.__name__ = measure.__qualname__ = cls.name
    measure.__doc__ = documentation(cls, _fields(cls))
    measure.__annotations__ = {**hints, "return": Score}
    measure.__signature__ = signature  # type: ignore[attr-defined]
    return measure


def _signature(cls: type[Metric[Any]], shared: inspect.Signature) -> inspect.Signature:
    kinds, defaults = get_type_hints(cls), cls()
    own = [p for p in shared.parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    if cls.family == "surface":
        own.append(inspect.Parameter("spacing_mm", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Spacing))
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
            f"{counted(len(truth), 'image')} of truth and {len(prediction)} of prediction",
            expected="the same number, at least one",
        )
    for i, (one, other) in enumerate(zip(truth, prediction, strict=True)):
        yield (f"image {i}",), one, _present(other)


def _present(prediction: Any) -> Any:
    # A tally takes None for a missing prediction; here it is rather a slip, which must not become a score.
    if prediction is None:
        raise BadParameter("prediction is None", expected="a map")
    return prediction


def _is_list_of_images(value: Any) -> bool:
    return isinstance(value, list | tuple) and (not value or _axes(value) > 2)


def _axes(value: Any) -> int:
    """Return how many axes an array, or a nested list by its first items, has; an image object has two."""
    if isinstance(value, list | tuple):
        return 1 + (_axes(value[0]) if value else 0)
    return 0 if isinstance(value, int | float | str) else getattr(value, "ndim", 2)


mean_iou = function_of(region.MeanIou)
pixel_accuracy = function_of(region.PixelAccuracy)
mean_accuracy = function_of(region.MeanAccuracy)
frequency_weighted_iou = function_of(region.FrequencyWeightedIou)
mean_dice = function_of(region.MeanDice)
mean_precision = function_of(region.MeanPrecision)
mean_recall = function_of(region.MeanRecall)
category_iou = function_of(groups.CategoryIou)
category_accuracy = function_of(groups.CategoryAccuracy)
category_frequency_weighted_iou = function_of(groups.CategoryFrequencyWeightedIou)
category_pixel_accuracy = function_of(groups.CategoryPixelAccuracy)
ade_score = function_of(region.AdeScore)
auc = function_of(binary.Auc)
average_precision = function_of(binary.AveragePrecision)
f1 = function_of(binary.F1)
accuracy = function_of(binary.Accuracy)
sensitivity = function_of(binary.Sensitivity)
specificity = function_of(binary.Specificity)
mcc = function_of(binary.Mcc)
max_f = function_of(road.MaxF)
interpolated_precision = function_of(road.InterpolatedPrecision)
precision_wp = function_of(road.PrecisionWp)
recall_wp = function_of(road.RecallWp)
fpr_wp = function_of(road.FprWp)
fnr_wp = function_of(road.FnrWp)
v_rand = function_of(membrane.VRand)
v_info = function_of(membrane.VInfo)
multilabel_iou = function_of(multilabel.MultiLabelIou)
multilabel_dice = function_of(multilabel.MultiLabelDice)
trimap_iou = function_of(trimap.TrimapIou)
trimap_accuracy = function_of(trimap.TrimapAccuracy)
boundary_f = function_of(contours.BoundaryF)
mean_boundary_iou = function_of(boundary_iou.MeanBoundaryIou)
hausdorff_distance = function_of(surface_measures.HausdorffDistance)
average_symmetric_surface_distance = function_of(surface_measures.AverageSymmetricSurfaceDistance)
mean_average_surface_distance = function_of(surface_measures.MeanAverageSurfaceDistance)
surface_dice = function_of(surface_measures.SurfaceDice)
