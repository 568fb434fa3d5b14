"""The documentation of a metric as a function: that of its class, and what all functions of a family share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin, get_type_hints

from segbench.metrics.base import Metric

_LABELS = """\
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

_IMAGES = _LABELS.replace("(height, width) or (depth, height, width)", "(rows, columns)").replace(
    "one image or volume, or a list", "one image, or a list"
)

_SURFACES = f"""\
{_LABELS}
spacing_mm : sequence of float, optional
    How far pixels lie apart along each axis of the arrays, in mm; without it distances are in pixels."""

_LEVELS = """\
Parameters
----------
truth : array_like of int, shape (height, width) or (depth, height, width), or a list of these
    Ids of one image or volume, or a list or tuple of images that may differ in shape; a nested list of three levels
    is a list of images. Whatever has ``__array__`` or ``__dlpack__``. Never changed.
prediction : array_like of uint8 or bool, shape (height, width) or (depth, height, width), or a list of these
    Levels, as many maps as in `truth`: level 0…255 stands for the probability level / 255 of the second class, False
    and True for 0 and 1. Of probabilities p in floats take ``np.round(255*p).astype(np.uint8)``. Never changed.
space : LabelSpace or int
    Two classes, the negative one first; 2 for the ids 0 and 1.
void : int or iterable of int, default ()
    Ids of pixels that are not counted, besides those of `space`: what lies outside the field of view."""

_MEMBRANES = """\
Parameters
----------
truth : array_like of int, shape (rows, columns) or (slices, rows, columns), or a list of these
    Ids of one slice or stack, or a list or tuple of them that may differ in shape; a nested list of three levels is a
    list of slices. Whatever has ``__array__`` or ``__dlpack__``. Never changed.
prediction : array_like of float32, float64, uint8 or bool, shape (rows, columns) or (slices, rows, columns), or a list
    As many maps as in `truth`, of the probability of being inside a cell, from 0 to 1; uint8 stands for 255 times the
    probability, False and True for 0 and 1. Never changed.
space : LabelSpace or int
    Two classes, the membrane first, then the inside of cells; 2 for the ids 0 and 1.
void : int or iterable of int, default ()
    Further ids that are not inside."""

_SEVERAL = """\
Parameters
----------
truth, prediction : array_like, shape (rows, columns) or (classes, rows, columns), or a list of these
    One image, or a list or tuple of images that may differ in shape. Two axes of unsigned integers are bits: bit i,
    worth 2**i, says whether a pixel has class i. Three are a layer of bool, or of 0 and 1, for each class, four such a
    layer (slices, rows, columns) of a volume; a list of layers is a list of images: give one array. The two may
    differ in form. Whatever has ``__array__`` or ``__dlpack__``. Never changed.
space : LabelSpace or int
    The classes, in the order of bits or layers, or their number.
void : int or iterable of int, default ()
    Ids that are no classes. No pixel is void: one without any class is counted as such."""

_LABEL_ERRORS = """\
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
    With ``void_prediction="error"``, when a prediction holds a void value."""

_LEVEL_ERRORS = """\
BadParameter
    For a field with a value it cannot take, a space without exactly two classes, lists of unequal length, no pixel,
    a truth that holds no labels, or a prediction of another dtype.
ShapeMismatch
    When truth and prediction of an image differ in shape.
DatasetError
    When a truth holds a value outside `space` and `void`, or a float that is no whole number."""

_MEMBRANE_ERRORS = """\
BadParameter
    For a space without exactly two classes, lists of unequal length, no pixel, a truth that holds no labels, or a
    prediction of another dtype.
ShapeMismatch
    When truth and prediction of an image differ in shape.
StrayLabel
    When a prediction holds a number below 0 or above 1, or NaN.
DatasetError
    When a truth holds a value outside `space` and `void`, or a float that is no whole number."""

_SEVERAL_ERRORS = """\
BadParameter
    For a field with a value it cannot take, lists of unequal length, no pixel, or a map of two axes that is not
    unsigned or has fewer bits than there are classes.
UnknownName
    When `classes` names neither a class nor a group of `space`.
ShapeMismatch
    When truth and prediction of an image differ in shape, or a prediction has another number of layers.
StrayLabel
    When a prediction holds a bit beyond the last class, or in a layer anything but 0 and 1.
DatasetError
    When a truth does, or has another number of layers."""

_LABEL_NOTES = """\
For a class, TP is the pixels where both truth and prediction are that class, GT the counted pixels where the truth is,
and PR the counted pixels where the prediction is. Pixels whose truth is void are not counted."""

_CONTOUR_NOTES = """\
Void is cut out of both maps before boundaries are taken: it bounds the classes around it, and what is predicted there
has no boundary. A void prediction is no class."""

_SURFACE_NOTES = """\
The surface of a structure are its pixels with a neighbour along an axis outside it, where what lies beyond the image is
outside. Void is cut out of both maps. Of several images each is measured alone; they share one spacing."""

_TRIMAP_NOTES = """\
TP, GT and PR are those of `mean_iou`, of the pixels inside the band. Pixels whose truth is void are not counted."""

_LEVEL_NOTES = """\
P and N are the counted pixels whose truth is positive and negative. At a threshold, TP and FP are those of them that
reach it, FN and TN the others. Pixels whose truth is void are not counted."""

_MEMBRANE_NOTES = """\
Cells are 4-connected. Those predicted are made of the pixels above a threshold, 0, 0.1, …, 1 added up in floats, and
grow until lines one pixel wide are left between them. Only pixels inside true cells count; each of them on a line is a
predicted cell of its own. A list of slices scores what their stack scores."""

_SEVERAL_NOTES = """\
For a class, TP is the pixels that have it in both truth and prediction, GT those that have it in the truth, and PR
those that have it in the prediction."""

#: What functions of a family share: their parameters, parts, errors and letters.
_FAMILIES = {
    "confusion": (_LABELS, " and the value of each part in ``per_class``", _LABEL_ERRORS, _LABEL_NOTES),
    "contour": (
        _IMAGES,
        " and the value of each class in ``per_class``",
        _LABEL_ERRORS.partition("\nVoidPrediction")[0],
        _CONTOUR_NOTES,
    ),
    "surface": (
        _SURFACES,
        " and the value of each structure in ``per_class``",
        _LABEL_ERRORS.partition("\nVoidPrediction")[0],
        _SURFACE_NOTES,
    ),
    "trimap": (_IMAGES, " and the value of each class in ``per_class``", _LABEL_ERRORS, _TRIMAP_NOTES),
    "levels": (_LEVELS, "", _LEVEL_ERRORS, _LEVEL_NOTES),
    "membrane": (
        _MEMBRANES,
        " and the mean at each threshold in ``per_class``",
        _MEMBRANE_ERRORS,
        _MEMBRANE_NOTES,
    ),
    "multilabel": (_SEVERAL, " and the value of each class in ``per_class``", _SEVERAL_ERRORS, _SEVERAL_NOTES),
}

_RESULT = """\
Returns
-------
Score
    ``value`` ({unit}, {direction} is better){parts}; NaN where undefined.

Raises
------
{errors}

Notes
-----
{formula}.

{notes}

``Running({name}(…), space)`` comes to the same number, and takes images as they come."""

_SECTION = re.compile(r"^(?=\w[\w ]*\n-{3,}$)", re.MULTILINE)
_PARAMETER = re.compile(r"^(\w+) : .*\n((?: +.*(?:\n|$))+)", re.MULTILINE)


def documentation(cls: type[Metric[Any]], fields: Iterable[str]) -> str:
    """Return the docstring of the function of a metric class.

    Parameters
    ----------
    cls : type of Metric
        The class.
    fields : iterable of str
        Its fields, in the order of the function's keywords.

    Returns
    -------
    str
        A numpydoc docstring.
    """
    about, *sections = (part.strip() for part in _SECTION.split(inspect.cleandoc(cls.__doc__ or "")))
    shared, parts, errors, notes = _FAMILIES.get(cls.family, _FAMILIES["confusion"])
    defaults, kinds, rules = cls(), get_type_hints(cls), _rules(cls)
    own = [
        f"{name} : {_kind(kinds[name])}, default {getattr(defaults, name)!r}\n{rules.get(name, '').rstrip()}"
        for name in fields
    ]
    sections = [section for section in sections if not section.startswith("Parameters\n")]
    result = _RESULT.format(
        unit=cls.unit,
        direction="higher" if cls.higher_is_better else "lower",
        parts=parts,
        errors=errors,
        formula=cls.formula[0].upper() + cls.formula[1:],
        notes=notes,
        name=cls.__name__,
    )
    return "\n\n".join((about, "\n".join((shared, *own)), result, *sections))


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
