"""Why average precision is below 1: the errors of a detector by their kinds, and what each kind costs.

After TIDE, whose tool is reproduced in all but the order of images, which is that of their numbers, and in the
rounding of sums.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.kernels.detection import order, precision_recall
from segbench.metrics.annotations import Flags, Floats, Integers
from segbench.metrics.overlaps import Compared, best, claims

#: What can be wrong with a detection; of a true instance it is only that it is missed.
KINDS = ("Cls", "Loc", "Both", "Dupe", "Bkg")
MISS, FALSE_POSITIVE, FALSE_NEGATIVE = "Miss", "FalsePos", "FalseNeg"
ERRORS = (*KINDS, MISS)
#: All that is corrected, one at a time.
CORRECTIONS = (*ERRORS, FALSE_POSITIVE, FALSE_NEGATIVE)

RIGHT, CLS, LOC, BOTH, DUPE, BKG = range(6)

#: Where precision is read.
_RECALLS = np.arange(101) / 100


@dataclass(frozen=True)
class Errors:
    """What is wrong with each detection, and which true instances are missed.

    Parameters
    ----------
    kinds : ndarray of uint8, shape (n,)
        Of each detection that is looked at: 0 right; 1 of another class; 2 badly placed; 3 both; 4 a duplicate; 5 where
        nothing is.
    left_out : ndarray of bool, shape (n,)
        Detections that are neither right nor wrong, in a crowd; their kind is told all the same, as in the tool.
    partners : ndarray of int64, shape (n,)
        Row of the true instance that a detection of kind 0, 1 or 2 is about; else -1.
    mendable : ndarray of bool, shape (n,)
        Detections of kind 1 and 2 that would be right without their error: the surest for a free instance.
    unmatched : ndarray of bool, shape (n_truths,)
        True instances that no detection has found.
    missed : ndarray of bool, shape (n_truths,)
        Those of them that no mended detection would find.
    """

    kinds: NDArray[np.uint8]
    left_out: Flags
    partners: Integers
    mendable: Flags
    unmatched: Flags
    missed: Flags


@dataclass(frozen=True)
class Decomposition:
    """What each kind of error costs.

    Parameters
    ----------
    ap : float
        Average precision at the one threshold, as TIDE measures it.
    delta : mapping of str to float
        By correction, how much higher it would be without this error; NaN where no class would have anything left.
    counts : mapping of str to ndarray of int64, shape (n_classes,)
        By kind, how many errors there are of each class: that of the detection, of a miss that of the instance.
    """

    ap: float
    delta: Mapping[str, float]
    counts: Mapping[str, Integers]


def errors(compared: Compared, *, iou: float = 0.5, background_iou: float = 0.1) -> Errors:
    """Say what is wrong with each detection.

    Parameters
    ----------
    compared : Compared
        Who overlaps whom.
    iou : float
        The least IoU of a match.
    background_iou : float
        The least IoU of a detection that is about an instance at all.

    Returns
    -------
    Errors
        By detection in the order of `pairs.rows`, and by true instance.

    Raises
    ------
    BadParameter
        Unless ``0 < background_iou ≤ iou < 1``.

    Notes
    -----
    The rules, in this order, on the IoU with instances of the same class (a), of other classes (b) and of all (c):
    Loc where ``background_iou ≤ a ≤ iou``, Cls where ``b ≥ iou``, Dupe where an instance of the class that is taken is
    overlapped by ``iou`` or more, Bkg where ``c ≤ background_iou``, else Both.

    References
    ----------
    Bolya et al., TIDE: A general toolbox for identifying object detection errors, ECCV 2020. tidecv 1.0.1: quantify.py.
    """
    if not 0 < background_iou <= iou < 1:
        found = f"a threshold of {iou:g}, and one of {background_iou:g} for background"
        raise BadParameter(found, expected="0 < background ≤ threshold < 1")
    truth, pairs, same, counts = compared.truth, compared.pairs, compared.same, compared.counts
    taken = claims(pairs.where(same & counts & (pairs.ious >= iou)), len(truth))
    unmatched = ~compared.regions
    unmatched[taken[taken >= 0]] = False
    left_out = compared.excused.copy()
    # Strictly more, where a match needs as much: so has the tool.
    left_out[pairs.detections[same & ~counts & (pairs.ious > iou)]] = True
    of_class, nearest = best(pairs.where(same & counts))
    of_others, other = best(pairs.where(~same & counts))
    of_taken, _ = best(pairs.where(same & counts & ~unmatched[pairs.truths]))
    kinds = np.select(
        [
            taken >= 0,
            (of_class >= background_iou) & (of_class <= iou),
            of_others >= iou,
            of_taken >= iou,
            np.maximum(of_class, of_others) <= background_iou,
        ],
        [RIGHT, LOC, CLS, DUPE, BKG],
        BOTH,
    ).astype(np.uint8)
    partners = np.select([taken >= 0, kinds == LOC, kinds == CLS], [taken, nearest, other], -1)
    mendable = _mendable(kinds, partners, unmatched, compared.scores)
    missed = unmatched.copy()
    missed[partners[mendable]] = False
    return Errors(kinds, left_out & (taken < 0), partners, mendable, unmatched, missed)


def _mendable(kinds: NDArray[np.uint8], partners: Integers, unmatched: Flags, scores: Floats) -> Flags:
    """Return the detections that are the surest, of kind Cls or Loc, for an instance that nobody has found."""
    rows = np.flatnonzero((kinds == CLS) | (kinds == LOC))
    rows = rows[unmatched[partners[rows]]]
    by_truth = np.lexsort((rows, -scores[rows], partners[rows]))
    _, firsts = np.unique(partners[rows][by_truth], return_index=True)
    mendable = np.zeros(len(kinds), np.bool_)
    mendable[rows[by_truth][firsts]] = True
    return mendable


def decompose(compared: Compared, found: Errors, n_classes: int) -> Decomposition:
    """Measure what each kind of error costs: average precision when all of its kind are corrected, less what it is.

    Parameters
    ----------
    compared : Compared
        Who overlaps whom.
    found : Errors
        What `errors` returned.
    n_classes : int
        How many classes there are.

    Returns
    -------
    Decomposition
        The costs, each on its own: they do not add up to what is lacking.

    Notes
    -----
    Correcting Cls and Loc makes the surest detection for each free instance right and removes the others; Both, Dupe
    and Bkg are removed; missed instances are no longer asked for. FalsePos gives wrong detections the score 0 and
    right ones 1; FalseNeg asks for no instance that was not found. Average precision is the mean of the best precision
    at 101 recalls or higher ones, and of classes that have an instance or a detection: one that is only predicted
    counts 0, unlike in the official AP. Of equal scores wrong ones come first when something is corrected,
    else the first image does; a cost that is below 0 for this reason is 0.
    """
    truth, labels, scores = compared.truth, compared.labels, compared.scores
    positives = np.bincount(truth.classes[~compared.regions], minlength=n_classes)
    missed, unmatched = (
        np.bincount(truth.classes[which], minlength=n_classes) for which in (found.missed, found.unmatched)
    )
    right, counted = found.kinds == RIGHT, ~found.left_out
    ap = _average_precision(labels[counted], scores[counted], right[counted], positives)
    delta = {}
    for kind, name in enumerate(KINDS, 1):
        mended = (found.kinds == kind) & found.mendable
        rows = _wrong_first((counted & (found.kinds != kind)) | mended, right)
        given = np.where(mended, truth.classes[found.partners], labels) if mended.any() else labels
        corrected = _average_precision(given[rows], scores[rows], (right | mended)[rows], positives)
        delta[name] = max(corrected - ap, 0.0)
    rows = _wrong_first(counted, right)
    columns = labels[rows], scores[rows], right[rows]
    delta[MISS] = max(_average_precision(*columns, positives - missed) - ap, 0.0)
    delta[FALSE_POSITIVE] = _average_precision(columns[0], columns[2].astype(np.float64), columns[2], positives) - ap
    delta[FALSE_NEGATIVE] = _average_precision(*columns, positives - unmatched) - ap
    counts = {n: np.bincount(labels[found.kinds == k], minlength=n_classes) for k, n in enumerate(KINDS, 1)}
    return Decomposition(ap, delta, {**counts, MISS: missed})


def _wrong_first(chosen: Flags, right: Flags) -> Integers:
    return np.concatenate([np.flatnonzero(chosen & ~right), np.flatnonzero(chosen & right)])


def _average_precision(labels: Integers, scores: Floats, right: Flags, positives: Integers) -> float:
    """Return the mean over classes that have anything; of equal scores the first row counts first."""
    rows, offsets = order(scores, labels, len(positives))
    precision, _, _ = precision_recall(
        outcomes=right[rows].astype(np.uint8)[:, None, None],
        scores=scores[rows],
        ranks=np.zeros(len(rows), np.int64),
        class_offsets=offsets,
        positives=positives[:, None],
        recall_thresholds=_RECALLS,
        max_detections=np.array([1]),
        eps=False,
    )
    known = (positives > 0) | (np.diff(offsets) > 0)
    values = np.maximum(precision[0, :, known, 0, 0], 0)
    return math.fsum(values.ravel().tolist()) / values.size if values.size else math.nan
