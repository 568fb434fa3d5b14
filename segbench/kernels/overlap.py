"""Overlap (intersection over union) of predictions with the truths of their groups: boxes, and masks as runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import KernelsNotBuilt
from segbench.kernels.groups import Groups, as_boxes, as_column, as_groups
from segbench.kernels.maskruns import MaskRuns, as_mask_runs, refuse_sizes

if TYPE_CHECKING:
    from segbench.kernels.rle import Runs

try:
    import segbench.kernels._overlap as _loops
except ImportError as error:
    raise KernelsNotBuilt(
        f"the compiled kernels do not load: {error}",
        mend="run: pip install . (or make build) in the checkout",
    ) from error


def box_iou(
    *, truth: Any, prediction: Any, crowd: Any, truth_offsets: Any, prediction_offsets: Any
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the overlap of each prediction's box with those of the truths in its group.

    Parameters
    ----------
    truth, prediction : array_like of float, shape (n_truths, 4) and (n_predictions, 4)
        x, y, width and height of each box, in pixels.
    crowd : array_like of bool, shape (n_truths,)
        Which truths stand for any number of instances.
    truth_offsets, prediction_offsets : array_like of int, shape (n_groups + 1,)
        First row of each group, and the number of rows.

    Returns
    -------
    ious : ndarray of float64, shape (n_pairs,)
        Shared area over that of either box, or over the prediction's alone where the truth is a crowd; 0 where no area
        is shared. Group by group, a row of its truths for each of its predictions.
    pair_offsets : ndarray of int64, shape (n_groups + 1,)
        First pair of each group, and the number of pairs.

    Raises
    ------
    BadParameter
        For shapes or offsets that do not fit, or a number that is not finite.
    ResourceError
        For more than 2**31 pairs.

    Notes
    -----
    O(pairs). The same bits as ``mask.iou`` of pycocotools, whose order of operations it has.
    """
    truths, predictions = as_boxes(truth, name="truth"), as_boxes(prediction, name="prediction")
    crowds = as_column(crowd, "bool", (len(truths),), name="crowd")
    groups = as_groups(truth_offsets, prediction_offsets, truths=len(truths), predictions=len(predictions))
    ious = np.empty(int(groups.pair_offsets[-1]))
    _loops.boxes(truths, predictions, crowds.view(np.uint8), groups.truth_offsets, groups.prediction_offsets, ious)
    return ious, groups.pair_offsets


def mask_iou(
    *,
    truth: Runs,
    prediction: Runs,
    crowd: Any,
    truth_offsets: Any,
    prediction_offsets: Any,
    truth_rows: Any = None,
    prediction_rows: Any = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the overlap of each prediction's mask with those of the truths in its group.

    Parameters
    ----------
    truth, prediction : Runs
        The masks, whose runs add up to their sizes. In a group that has both, all masks are of one size.
    crowd : array_like of bool, shape (n_truths,)
        Which truths stand for any number of instances.
    truth_offsets, prediction_offsets : array_like of int, shape (n_groups + 1,)
        First row of each group, and the number of rows.
    truth_rows, prediction_rows : array_like of int, optional
        Which mask each row is; by default each mask is a row.

    Returns
    -------
    ious : ndarray of float64, shape (n_pairs,)
        Shared pixels over those of either mask, or over the prediction's alone where the truth is a crowd; 0 where no
        pixel is shared. Group by group, a row of its truths for each of its predictions.
    pair_offsets : ndarray of int64, shape (n_groups + 1,)
        First pair of each group, and the number of pairs.

    Raises
    ------
    BadParameter
        For shapes or offsets that do not fit, or a mask without pixels.
    ShapeMismatch
        When masks of a group differ in size.
    ResourceError
        For more than 2**31 pairs.

    Notes
    -----
    O(runs) for each pair whose boxes overlap. The same bits as ``mask.iou`` of pycocotools for masks below 2**32
    pixels. This holds even where two masks both have a run of length 0, not at the front, in the same place: there the
    official tool stops to count.
    """
    truths = as_mask_runs(truth, truth_rows, name="truth")
    predictions = as_mask_runs(prediction, prediction_rows, name="prediction")
    crowds = as_column(crowd, "bool", (len(truths.rows),), name="crowd")
    groups = as_groups(truth_offsets, prediction_offsets, truths=len(truths.rows), predictions=len(predictions.rows))
    ious = np.empty(int(groups.pair_offsets[-1]))
    work, bounds = _scratch(truths, predictions, groups)
    differs = _loops.masks(
        *truths,
        *predictions,
        crowds.view(np.uint8),
        groups.truth_offsets,
        groups.prediction_offsets,
        work,
        bounds,
        ious,
    )
    if differs >= 0:
        refuse_sizes(truths, predictions, groups)
    return ious, groups.pair_offsets


def _scratch(truths: MaskRuns, predictions: MaskRuns, groups: Groups) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return memory for the masks, and for the runs, of the largest group."""
    masks = np.diff(groups.truth_offsets) + np.diff(groups.prediction_offsets)
    runs = _sums(truths, groups.truth_offsets) + _sums(predictions, groups.prediction_offsets)
    most = int(masks.max(initial=0)), int(runs.max(initial=0))
    return np.empty((most[0] + 1) * _loops.WORDS, np.int64), np.empty(most[1] + 1, np.int64)


def _sums(masks: MaskRuns, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many runs the rows of each group have together."""
    totals = np.zeros(len(masks.rows) + 1, np.int64)
    np.cumsum(masks.lengths(), out=totals[1:])
    return np.diff(totals[offsets])
