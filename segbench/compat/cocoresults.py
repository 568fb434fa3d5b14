"""Results as pycocotools completes them: every detection has an id, an area, a box and a mask."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.compat.cocorecords import boxes_in, ids_in
from segbench.compat.cocoruns import corners, segmentations
from segbench.errors import BadJson, BadParameter, BadRle
from segbench.kernels.rle import RleFault, areas, boxes

_COLUMNS = 7
_LISTS = (list, tuple, np.ndarray)


def rows_of_array(data: NDArray[Any]) -> list[dict[str, Any]]:
    """Return results that are given as an array.

    Parameters
    ----------
    data : ndarray, shape (n, 7)
        Image, left, top, width, height, score and category.

    Returns
    -------
    list of dict
        The results.

    Raises
    ------
    BadParameter
        For an array of another shape.
    """
    if np.ndim(data) != 2 or data.shape[1] != _COLUMNS:
        expected = "shape (n, 7): image, left, top, width, height, score, category"
        raise BadParameter(f"results of shape {np.shape(data)}", expected=expected)
    return [
        {"image_id": int(row[0]), "bbox": row[1:5], "score": row[5], "category_id": int(row[6])}
        for row in data.tolist()
    ]


def detections_of(results: Any, images: AbstractSet[Any]) -> list[dict[str, Any]]:
    """Return copies of `results`, completed; what the first one has decides how, as in pycocotools.

    Parameters
    ----------
    results : sequence of dict
        The results.
    images : set
        The ids of images.

    Returns
    -------
    list of dict
        With ids from 1. Where the first has a box, areas are those of boxes and masks that lack are drawn as boxes;
        else areas are those of masks, and boxes that lack are drawn around them.

    Raises
    ------
    BadParameter
        When the results are no list.
    BadJson
        For a result without image or shape, or of an unknown image.
    BadRle
        For a mask that is none.
    """
    if not isinstance(results, list | tuple):
        raise BadParameter(f"results of the kind {type(results).__name__}", expected="a list, a file or an array")
    for i, result in enumerate(results):
        if not isinstance(result, dict):
            raise BadJson(
                f"result {i + 1}: {type(result).__name__}", expected="objects of image_id, category_id, score"
            )
    if not results:
        return []
    for key in ("image_id", "category_id"):
        ids = ids_in(results, key, "result", BadJson)
        stranger = next((i for i, one in enumerate(ids) if key == "image_id" and one not in images), None)
        if stranger is not None:
            found = f"result {stranger + 1}: image_id {ids[stranger]!r}, which the truth does not have"
            raise BadJson(found, expected="ids of its images")
    first = results[0]
    if first.get("bbox") is not None and not _is_empty(first["bbox"]):
        completed = _with_boxes(results)
    elif "segmentation" in first:
        completed = _with_masks(results)
    else:
        raise BadJson("result 1: no bbox and no segmentation", expected="one of them: captions and key points are none")
    return [{**one, "id": i + 1, "iscrowd": 0} for i, one in enumerate(completed)]


def _is_empty(box: Any) -> bool:
    return isinstance(box, _LISTS) and not len(box)


def _with_boxes(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    given = [result.get("bbox") for result in results]
    table, wrong = boxes_in(given)
    if wrong >= 0:
        found = "no bbox, which the first result has" if given[wrong] is None else f"bbox {given[wrong]!r}"
        raise BadJson(f"result {wrong + 1}: {found}", expected="left, top, width and height in all of them")
    sizes = (table[:, 2] * table[:, 3]).tolist()
    outlines = corners(table).tolist()
    return [
        {**result, "segmentation": result.get("segmentation", [outline]), "area": size}
        for result, outline, size in zip(results, outlines, sizes, strict=True)
    ]


def _with_masks(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        runs = segmentations([result.get("segmentation") for result in results], None)
    except RleFault as error:
        raise BadRle(f"result {error.index + 1}: {error.found}", expected=error.expected) from None
    return [
        {**result, "area": size, "bbox": result.get("bbox", box)}
        for result, size, box in zip(results, areas(runs).tolist(), boxes(runs).tolist(), strict=True)
    ]
