"""How much detections and true instances overlap: by boxes, by masks, or by masks and their inner bands."""

from __future__ import annotations

import numpy as np

from segbench.kernels.overlap import box_iou, mask_iou
from segbench.late import late
from segbench.metrics.annotations import Annotations, Detections, Flags, Floats, Integers, needed
from segbench.metrics.matchingrules import Matching

_inner_bands = late("segbench.metrics.inner_bands:inner_bands")


def instance_ious(
    matching: Matching,
    truth: Annotations,
    detections: Detections,
    *,
    crowd: Flags,
    truth_rows: Integers,
    rows: Integers,
    truth_offsets: Integers,
    prediction_offsets: Integers,
) -> tuple[Floats, Integers]:
    """Return the overlap of each detection with each true instance of its group.

    Parameters
    ----------
    matching : Matching
        What is compared: its `iou_type`, and the width of bands.
    truth : Annotations
        True instances.
    detections : Detections
        Detections.
    crowd : ndarray of bool, shape (n_truth_rows,)
        Which of the true instances are crowds: there it is the share of the detection, and its mask alone decides.
    truth_rows, rows : ndarray of int64
        Which of both are compared, in the order of groups.
    truth_offsets, prediction_offsets : ndarray of int64, shape (n_groups + 1,)
        Where the rows of each group begin.

    Returns
    -------
    ious : ndarray of float64, shape (n_pairs,)
        As `segbench.kernels.overlap.mask_iou` returns it.
    pair_offsets : ndarray of int64, shape (n_groups + 1,)
        Where the pairs of each group begin.

    Raises
    ------
    BadParameter
        For instances without the boxes or masks that are compared.
    """
    offsets = {"truth_offsets": truth_offsets, "prediction_offsets": prediction_offsets}
    if matching.iou_type == "bbox":
        boxes = needed(truth.boxes, "boxes")[truth_rows], needed(detections.boxes, "boxes")[rows]
        return box_iou(truth=boxes[0], prediction=boxes[1], crowd=crowd, **offsets)
    # Masks stay where they are: to move their runs takes longer than to compare them.
    chosen = {"truth_rows": truth_rows, "prediction_rows": rows, **offsets}
    masks = truth.runs, detections.runs
    ious, pair_offsets = mask_iou(truth=masks[0], prediction=masks[1], crowd=crowd, **chosen)
    if matching.iou_type == "boundary":
        bands = [_inner_bands(mask, matching.width_diagonal) for mask in masks]
        of_bands, _ = mask_iou(truth=bands[0], prediction=bands[1], crowd=crowd, **chosen)
        # Within a crowd the boundary says nothing.
        ious = np.where(_of_crowds(crowd, pair_offsets, truth_offsets), ious, np.minimum(ious, of_bands))
    return ious, pair_offsets


def _of_crowds(crowd: Flags, pair_offsets: Integers, truth_offsets: Integers) -> Flags:
    """Return for each pair whether its true instance is a crowd."""
    groups = np.repeat(np.arange(len(pair_offsets) - 1), np.diff(pair_offsets))
    places = np.arange(len(groups)) - pair_offsets[groups]
    return crowd[truth_offsets[groups] + places % np.diff(truth_offsets)[groups]]
