"""CMP facades: the rectangles of an annotation, and the label map they make.

An annotation is XML without a root: objects one after the other, each with two ``x`` (from the top, as fractions of
the height), two ``y`` (from the left, as fractions of the width), and a label from 1 to 12.

Source: Tyleček and Šára, Spatial Pattern Templates for Recognition of Objects with Regular Structure, GCPR 2013, and
the data set's list of labels, which has the order of painting.
"""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass

BACKGROUND = 1

#: The labels from the back to the front: background, facade, sill, balcony, door, blind, molding, deco, shop, window,
#: cornice, pillar.
PAINTING_ORDER = (1, 2, 6, 7, 4, 8, 10, 9, 12, 3, 5, 11)

#: How far a rectangle may reach beyond the image, as a fraction of its side: annotators draw over the border, and a
#: coordinate in pixels is far beyond.
_BEYOND = 0.5

_DECLARATION = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<\?xml\s[^>]*\?>")
_FORM = "an object with points (two x, two y, fractions of the sides) and a label from 1 to 12"


@dataclass(frozen=True)
class FacadeObject:
    """One rectangle of an annotation.

    Parameters
    ----------
    label : int
        From 1 to 12.
    top, bottom : float
        Fractions of the height, top ≤ bottom.
    left, right : float
        Fractions of the width, left ≤ right.
    """

    label: int
    top: float
    bottom: float
    left: float
    right: float


def facade_objects(data: bytes) -> list[FacadeObject]:
    """Read an annotation.

    Parameters
    ----------
    data : bytes
        The whole file, in UTF-8, with or without an element around its objects.

    Returns
    -------
    list of FacadeObject
        In the order of the file.

    Raises
    ------
    DatasetError
        When the file is no such XML (one with a document type or entities is none), or holds no object or a wrong
        one; the first fault.

    Examples
    --------
    >>> points = b"<points><x>0.5</x><y>0</y><x>0.25</x><y>1</y></points>"
    >>> facade_objects(b"<object>" + points + b"<label>3</label></object>")
    [FacadeObject(label=3, top=0.25, bottom=0.5, left=0.0, right=1.0)]
    """
    # Within an element a document type is a fault of syntax, so there are no entities and nothing is fetched.
    body = data[match.end() :] if (match := _DECLARATION.match(data)) else data
    try:
        root = ElementTree.fromstring(b"<facade>" + body + b"</facade>")
    except ElementTree.ParseError as error:
        raise DatasetError(f"damaged XML: {error}", expected=_FORM) from None
    objects = [_object(node, number) for number, node in enumerate(root.iter("object"), start=1)]
    if not objects:
        raise DatasetError("an annotation without objects", expected=_FORM)
    return objects


def _object(node: ElementTree.Element, number: int) -> FacadeObject:
    labels = [(part.text or "").strip() for part in node.findall("label")]
    if len(labels) != 1 or labels[0] not in map(str, PAINTING_ORDER):
        raise DatasetError(f"object {number} with label {_quoted(labels)}", expected=_FORM)
    return FacadeObject(int(labels[0]), *_ends(node, "x", number), *_ends(node, "y", number))


def _ends(node: ElementTree.Element, axis: str, number: int) -> tuple[float, float]:
    """Return the two coordinates of an object on one axis, the smaller first."""
    texts = [(part.text or "").strip() for part in node.findall(f"points/{axis}")]
    values = sorted(map(_fraction, texts))
    if len(values) != 2 or not all(-_BEYOND <= value <= 1 + _BEYOND for value in values):
        raise DatasetError(f"object {number} with {axis} {_quoted(texts)}", expected=_FORM)
    return values[0], values[1]


def _fraction(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan  # which lies nowhere


def _quoted(texts: list[str]) -> str:
    """Return what was found, as far as a line holds it."""
    return ", ".join(repr(text[:20]) for text in texts[:4]) or "none"


def rasterised(data: bytes, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw an annotation.

    A pixel is inside a rectangle when its centre is: min · size ≤ index + 0.5 < max · size on both axes. Rectangles are
    filled from the back to the front (`PAINTING_ORDER`), those of one label in the order of the file.

    Parameters
    ----------
    data : bytes
        The whole file of the annotation.
    shape : tuple of int
        Rows and columns of the image.

    Returns
    -------
    ndarray of uint8, shape (rows, columns)
        Labels from 1 to 12; what no rectangle covers is background, 1.

    Raises
    ------
    DatasetError
        When the annotation is damaged; see `facade_objects`.
    BadParameter
        For a shape without pixels.
    """
    rows, columns = shape
    if min(shape) < 1:
        raise BadParameter(f"shape {shape}", expected="(rows, columns), both at least 1")
    labels = np.full(shape, BACKGROUND, np.uint8)
    for found in sorted(facade_objects(data), key=lambda found: PAINTING_ORDER.index(found.label)):
        labels[_inside(found.top, found.bottom, rows), _inside(found.left, found.right, columns)] = found.label
    return labels


def _inside(low: float, high: float, size: int) -> slice:
    """Return the indices whose centres lie in [low · size, high · size)."""
    first, end = np.searchsorted(np.arange(size) + 0.5, (low * size, high * size))
    return slice(int(first), int(end))
