"""Where the truth itself may be wrong: what sure detections contradict, and what nobody sees."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.metrics.annotations import Floats, needed
from segbench.metrics.overlaps import Compared, Overlaps, best

Reason: TypeAlias = Literal["missing", "class", "shape"]
REASONS: tuple[Reason, ...] = get_args(Reason)

#: The least share of its box that an instance fills, unless it is odd.
LEAST_FILL = 0.1


@dataclass(frozen=True)
class Suspicion:
    """Something in the truth that should be looked at.

    Parameters
    ----------
    reason : {'missing', 'class', 'shape'}
        A sure detection where nothing is annotated; one of another class on an annotation that none of its own class
        finds; or an annotation that nothing finds, and whose area does not suit its box.
    weight : float
        How much speaks for it, from 0 to 1: score, score times IoU, or how far the shape is from what is usual.
    truth : int
        Row of the true instance, -1 where one is missing.
    detection : int
        Row of the detection, -1 where there is none.
    """

    reason: Reason
    weight: float
    truth: int
    detection: int


def label_errors(
    compared: Compared,
    *,
    iou: float = 0.5,
    background_iou: float = 0.1,
    least_score: float = 0.5,
) -> list[Suspicion]:
    """Return what of the truth is suspicious, the most suspicious first.

    Parameters
    ----------
    compared : Compared
        Who overlaps whom; true instances have boxes.
    iou : float
        From which IoU on a detection is on an instance.
    background_iou : float
        Up to which IoU it is where nothing is.
    least_score : float
        From which score on a detection is sure.

    Returns
    -------
    list of Suspicion
        By weight; of equal ones as `REASONS` are, then by row.

    Raises
    ------
    BadParameter
        Unless ``0 < background_iou ≤ iou ≤ 1``.
    """
    if not 0 < background_iou <= iou <= 1:
        what = f"a threshold of {iou:g}, and one of {background_iou:g} for background"
        raise BadParameter(what, expected="0 < background ≤ threshold ≤ 1")
    truth, scores = compared.truth, compared.scores
    sure = (scores >= least_score) & ~compared.excused
    told = sure[compared.pairs.detections]
    pairs, same, counts = compared.pairs.where(told), compared.same[told], compared.counts[told]
    on = counts & (pairs.ious >= iou)
    weights = np.clip(scores, 0, 1)
    # Within a crowd of any class nobody looked closely.
    nearest, _ = best(pairs)
    missing = np.flatnonzero(sure & (nearest <= background_iou)).tolist()
    found = [Suspicion("missing", float(weights[i]), -1, int(pairs.rows[i])) for i in missing]
    known, seen = np.zeros(len(truth), np.bool_), compared.regions.copy()
    known[pairs.truths[same & on]] = True
    found += _of_other_class(pairs.where(~same & on & ~known[pairs.truths]), weights)
    seen[pairs.truths[on]] = True
    oddness = _oddness(truth.sizes(), needed(truth.boxes, "boxes"))
    found += [Suspicion("shape", float(oddness[t]), t, -1) for t in np.flatnonzero(~seen & (oddness > 0)).tolist()]
    return sorted(found, key=_place)


def _of_other_class(pairs: Overlaps, weights: Floats) -> list[Suspicion]:
    """Return the detection that speaks most against the class of each instance."""
    weight = weights[pairs.detections] * pairs.ious
    by_truth = np.lexsort((pairs.detections, -weight, pairs.truths))
    truths, firsts = np.unique(pairs.truths[by_truth], return_index=True)
    chosen = by_truth[firsts].tolist()
    rows = pairs.rows[pairs.detections]
    return [Suspicion("class", float(weight[i]), t, int(rows[i])) for t, i in zip(truths.tolist(), chosen, strict=True)]


def _oddness(areas: Floats, boxes: Floats) -> Floats:
    """Return how far the share of its box that each instance fills is from 10 % to 100 %, from 0 to 1."""
    room = np.maximum(boxes[:, 2], 0) * np.maximum(boxes[:, 3], 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        fill = np.where(room > 0, areas / room, 0)
        return np.where(fill > 1, 1 - 1 / fill, np.clip(1 - fill / LEAST_FILL, 0, 1))


def _place(one: Suspicion) -> tuple[float, int, int, int]:
    return -one.weight, REASONS.index(one.reason), one.truth, one.detection
