"""Masks with the names and arguments of `pycocotools.mask`.

Different by intent:

- `encode` takes arrays of any memory order, and of booleans too; whatever is not 0 is foreground, where pycocotools
  begins a new run at each change of value.
- Where pycocotools takes compressed strings alone, lists of run lengths will do as well.
- Masks whose run lengths do not add up to their size are refused; pycocotools reads beyond them, or says nothing.
- Masks of different sizes are refused in `iou`, `merge` and `decode`; pycocotools has -1, an empty mask, or a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.compat.cocoruns import corners, polygons, refuse_box, rles_of, runs_of
from segbench.errors import BadParameter, BadRle, ShapeMismatch
from segbench.kernels.overlap import box_iou, mask_iou
from segbench.kernels.rle import RleFault, Runs, areas, boxes, from_masks
from segbench.kernels.rle import decode as pixels_of
from segbench.kernels.rle import merge as united

__all__ = ["area", "decode", "encode", "frPyObjects", "iou", "merge", "toBbox"]


def encode(bimask: Any) -> Any:
    """Encode masks.

    Parameters
    ----------
    bimask : array_like of bool or int, shape (height, width) or (height, width, n)
        One mask, or several.

    Returns
    -------
    dict, or list of dict
        ``size``, height and width, and ``counts``, bytes; a list for several masks.

    Raises
    ------
    ShapeMismatch
        For an array of other axes.
    BadRle
        For masks without pixels.

    Examples
    --------
    >>> encode([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    {'size': [3, 3], 'counts': b'013000'}
    """
    array = np.asarray(bimask)
    if array.ndim not in (2, 3):
        raise ShapeMismatch(f"masks of {array.ndim} axes", expected="(height, width) or (height, width, n)")
    try:
        rles = rles_of(from_masks([array] if array.ndim == 2 else list(np.moveaxis(array, 2, 0))))
    except RleFault as error:
        raise BadRle(f"mask {error.index + 1}: {error.found}", expected=error.expected) from None
    return rles[0] if array.ndim == 2 else rles


def decode(rleObjs: Any) -> NDArray[np.uint8]:
    """Return the pixels of masks.

    Parameters
    ----------
    rleObjs : dict, or list of dict
        One mask, or several of one size.

    Returns
    -------
    ndarray of uint8, shape (height, width) or (height, width, n)
        0 and 1, in Fortran order.

    Raises
    ------
    BadRle
        For what is no mask.
    ShapeMismatch
        When sizes differ.
    """
    runs, is_one = _listed(rleObjs)
    if is_one:
        return pixels_of(runs, 0)
    sizes = {*zip(runs.heights.tolist(), runs.widths.tolist(), strict=True)}
    if len(sizes) > 1:
        raise ShapeMismatch("masks of several sizes", expected="one size")
    pixels = np.zeros((*(sizes.pop() if sizes else (0, 0)), len(runs)), np.uint8, order="F")
    for i in range(len(runs)):
        pixels[:, :, i] = pixels_of(runs, i)
    return pixels


def area(rleObjs: Any) -> Any:
    """Return the number of foreground pixels of masks.

    Parameters
    ----------
    rleObjs : dict, or list of dict
        One mask, or several.

    Returns
    -------
    uint32, or ndarray of uint32, shape (n,)
        An array for several.

    Raises
    ------
    BadRle
        For what is no mask.
    """
    runs, is_one = _listed(rleObjs)
    pixels = areas(runs).astype(np.uint32)
    return pixels[0] if is_one else pixels


def toBbox(rleObjs: Any) -> NDArray[np.float64]:
    """Return the boxes around masks.

    Parameters
    ----------
    rleObjs : dict, or list of dict
        One mask, or several.

    Returns
    -------
    ndarray of float64, shape (4,) or (n, 4)
        Left, top, width and height; all 0 for an empty mask.

    Raises
    ------
    BadRle
        For what is no mask.
    """
    runs, is_one = _listed(rleObjs)
    around = boxes(runs)
    return around[0] if is_one else around


def merge(rleObjs: Any, intersect: Any = 0) -> dict[str, Any]:
    """Return the union or the intersection of masks.

    Parameters
    ----------
    rleObjs : list of dict
        Masks of one size.
    intersect : bool
        Whether to intersect.

    Returns
    -------
    dict
        The mask; one of size [0, 0] for an empty list.

    Raises
    ------
    BadRle
        For what is no mask.
    ShapeMismatch
        When sizes differ.
    """
    runs, _ = _listed(list(rleObjs) if not isinstance(rleObjs, Mapping) else [rleObjs])
    return rles_of(united(runs, intersect=bool(intersect)))[0] if len(runs) else {"size": [0, 0], "counts": b""}


def iou(dt: Any, gt: Any, pyiscrowd: Any) -> Any:
    """Return the overlap of each detection with each true instance.

    Parameters
    ----------
    dt, gt : list of dict, or array_like of float, shape (n, 4)
        Masks, or boxes as left, top, width and height; the same for both.
    pyiscrowd : array_like of bool, shape (n_gt,)
        Which true instances are crowds: of these, the union is the detection alone.

    Returns
    -------
    ndarray of float64, shape (n_dt, n_gt)
        Intersection over union; an empty list when either side is empty.

    Raises
    ------
    BadParameter
        For masks on one side and boxes on the other, or crowds of another number.
    BadRle
        For what is no mask.
    ShapeMismatch
        When masks differ in size.
    """
    if len(dt) == 0 or len(gt) == 0:
        return []
    masked = [isinstance(side, list | tuple) and isinstance(side[0], Mapping) for side in (dt, gt)]
    if masked[0] != masked[1]:
        raise BadParameter("masks on one side and boxes on the other", expected="the same on both")
    offsets = {"truth_offsets": [0, len(gt)], "prediction_offsets": [0, len(dt)]}
    crowd = np.asarray(pyiscrowd) != 0
    if masked[0]:
        ious, _ = mask_iou(truth=runs_of(gt), prediction=runs_of(dt), crowd=crowd, **offsets)
    else:
        ious, _ = box_iou(truth=_boxes(gt, "gt"), prediction=_boxes(dt, "dt"), crowd=crowd, **offsets)
    return ious.reshape(len(dt), len(gt))


def frPyObjects(pyobj: Any, h: int, w: int) -> Any:
    """Encode polygons, boxes or lists of run lengths.

    Parameters
    ----------
    pyobj : list or ndarray or dict
        A list of polygons, each x, y, x, y …; an array of boxes, shape (n, 4); a list of dictionaries of ``size`` and
        ``counts``; or one polygon, or one such dictionary.
    h, w : int
        Height and width of the image, for polygons and boxes.

    Returns
    -------
    list of dict, or dict
        The masks; a dictionary where one polygon or dictionary was given.

    Raises
    ------
    BadRle
        For what is no mask.
    BadParameter
        For an object of another form.
    """
    if isinstance(pyobj, Mapping):
        return rles_of(runs_of([pyobj]))[0]
    if isinstance(pyobj, np.ndarray) and pyobj.ndim == 2 and pyobj.shape[1] == 4:
        return _drawn(list(corners(_boxes(pyobj, "boxes"))), h, w)
    if isinstance(pyobj, list | tuple) and len(pyobj):
        if isinstance(pyobj[0], Mapping):
            return rles_of(runs_of(pyobj))
        if isinstance(pyobj[0], list | tuple | np.ndarray):
            return _drawn(list(pyobj), h, w)
    if isinstance(pyobj, list | tuple | np.ndarray) and len(pyobj) and np.ndim(pyobj) == 1:
        return _drawn([pyobj], h, w)[0]
    raise BadParameter(
        f"an object of the kind {type(pyobj).__name__}",
        expected="polygons, boxes as an array of shape (n, 4), or dictionaries of size and counts",
    )


def _drawn(outlines: list[Any], h: int, w: int) -> list[dict[str, Any]]:
    try:
        for outline in outlines[:1]:
            refuse_box(0, outline)
        return rles_of(polygons([[outline] for outline in outlines], [(h, w)] * len(outlines)))
    except RleFault as error:
        raise BadRle(f"polygon {error.index + 1}: {error.found}", expected=error.expected) from None


def _boxes(given: Any, name: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise BadParameter(f"{name}: boxes of other things than numbers", expected="shape (n, 4)") from None
    if array.ndim != 2 or array.shape[1] != 4:
        raise BadParameter(f"{name}: boxes of shape {array.shape}", expected="shape (n, 4)")
    return array


def _listed(rles: Any) -> tuple[Runs, bool]:
    """Return masks, and whether there was one outside of any list."""
    if isinstance(rles, list | tuple):
        return runs_of(rles), False
    return runs_of([rles]), True
