"""The instances of one image as a program holds them: tables of labels, masks or boxes, and scores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, StrayLabel
from segbench.kernels.rle import Runs, areas, boxes, from_masks
from segbench.labels import LabelSpace
from segbench.metrics.annotations import Annotations, Detections, Floats, Integers
from segbench.samples import Key

_TRUTH = ("labels", "boxes", "masks", "areas", "crowd", "ignored")
_PREDICTION = ("labels", "scores", "boxes", "masks")


def image_number(key: Key) -> int:
    """Return the number by which images are ordered.

    Parameters
    ----------
    key : tuple of str
        Ends with the number.

    Returns
    -------
    int
        The number.

    Raises
    ------
    BadParameter
        When it ends with no digit.
    """
    match = re.search(r"(\d{1,9})$", "/".join(key))
    if match is None:
        raise BadParameter(f"key {key!r}", expected="the number of the image at its end, as ('17',)")
    return int(match[1])


def annotations_of(truth: Any, space: LabelSpace, image: int) -> Annotations:
    """Read the true instances of an image.

    Parameters
    ----------
    truth : mapping
        ``labels``: ids, shape (n,). ``masks``: bool, shape (n, rows, columns), and/or ``boxes``: left, top, width and
        height, shape (n, 4). Optionally ``areas``, ``crowd`` and ``ignored``, shape (n,); an area is that of the mask,
        else that of the box.
    space : LabelSpace
        The classes.
    image : int
        The number of the image.

    Returns
    -------
    Annotations
        The instances.

    Raises
    ------
    BadParameter
        For a table with other columns, or of unequal length.
    StrayLabel
        For an id that is no class.
    """
    table = _table(truth, "truth", _TRUTH)
    n = len(table["labels"])
    masks, corners, sizes = _shapes(table, n)
    return Annotations(
        images=np.full(n, image, np.int64),
        classes=_classes(table["labels"], space),
        areas=_column(table, "areas", n, np.float64, sizes),
        boxes=corners,
        masks=masks,
        crowd=_column(table, "crowd", n, np.bool_, np.zeros(n, np.bool_)),
        ignored=_column(table, "ignored", n, np.bool_, np.zeros(n, np.bool_)),
        unnumbered=np.zeros(n, np.bool_),
    )


def detections_of(prediction: Any, space: LabelSpace, image: int) -> Detections:
    """Read the detections of an image.

    Parameters
    ----------
    prediction : mapping
        As `annotations_of` takes it, with ``scores``, shape (n,), and without what only a truth knows; None is an image
        without detections.
    space : LabelSpace
        The classes.
    image : int
        The number of the image.

    Returns
    -------
    Detections
        The instances, in the order given.

    Raises
    ------
    BadParameter
        For a table with other columns, or of unequal length, or a score that is not finite.
    StrayLabel
        For an id that is no class.
    """
    empty = {"labels": np.zeros(0, np.int64), "scores": np.zeros(0), "boxes": np.zeros((0, 4)), "masks": from_masks([])}
    table: Mapping[str, Any] = empty if prediction is None else _table(prediction, "prediction", _PREDICTION)
    n = len(table["labels"])
    masks, corners, sizes = _shapes(table, n)
    scores = _column(table, "scores", n, np.float64, None)
    if not np.isfinite(scores).all():
        raise BadParameter("a score that is not finite", expected="finite scores")
    return Detections(
        images=np.full(n, image, np.int64),
        classes=_classes(table["labels"], space),
        areas=sizes,
        boxes=corners,
        masks=masks,
        scores=scores,
        order=np.arange(n),
    )


def _table(table: Any, name: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(table, Mapping) or "labels" not in table or not set(table) <= set(known):
        found = f"keys {sorted(map(str, table))}" if isinstance(table, Mapping) else type(table).__name__
        raise BadParameter(f"{name} of {found}", expected="a table of " + ", ".join(known))
    return table


def _shapes(table: Mapping[str, Any], n: int) -> tuple[Runs | None, Floats | None, Floats]:
    """Return masks, boxes and areas; what is not given follows from the masks."""
    masks = table.get("masks")
    if masks is not None and not isinstance(masks, Runs):
        masks = from_masks(list(np.asarray(masks)))
    given = table.get("boxes")
    if given is not None:
        corners = np.asarray(given, np.float64).reshape(-1, 4)
    elif masks is not None:
        corners = boxes(masks)
    else:
        raise BadParameter("instances without masks and boxes", expected="one of them")
    sizes = corners[:, 2] * corners[:, 3] if masks is None else areas(masks).astype(np.float64)
    for what, column in (("masks", masks), ("boxes", corners)):
        if column is not None and len(column) != n:
            raise BadParameter(f"{len(column)} {what} and {n} labels", expected="one for each instance")
    return masks, corners, sizes


def _column(table: Mapping[str, Any], name: str, n: int, dtype: Any, default: Any) -> NDArray[Any]:
    column = table.get(name, default)
    if column is None:
        raise BadParameter(f"instances without {name}", expected=name)
    values = np.asarray(column).astype(dtype)
    if values.shape != (n,):
        raise BadParameter(f"{name} of shape {values.shape}", expected=f"{n} values, one for each instance")
    return values


def _classes(labels: Any, space: LabelSpace) -> Integers:
    ids = np.asarray(labels, np.int64).reshape(-1)
    rows = {c.id: i for i, c in enumerate(space.evaluated)}
    stray = next((value for value in ids.tolist() if value not in rows), None)
    if stray is not None:
        raise StrayLabel(f"label {stray}", expected="ids of classes")
    return np.array([rows[value] for value in ids.tolist()], np.int64)
