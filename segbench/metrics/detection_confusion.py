"""Which classes detections confuse: a table over classes and background."""

from __future__ import annotations

import numpy as np

from segbench.errors import BadParameter
from segbench.metrics.annotations import Integers
from segbench.metrics.overlaps import Compared, claims


def detection_confusion(
    compared: Compared, n_classes: int, *, iou: float = 0.5, least_score: float = -np.inf
) -> Integers:
    """Count what detections take instances for.

    Each detection, the surest first, takes the free instance of its image that it overlaps most, of whatever class; of
    equal overlaps one of its own class, then the first.

    Parameters
    ----------
    compared : Compared
        Who overlaps whom.
    n_classes : int
        How many classes there are.
    iou : float
        The least IoU of a match.
    least_score : float
        Detections with a lower score are not looked at.

    Returns
    -------
    ndarray of int64, shape (n_classes + 1, n_classes + 1)
        A row for each true class, a column for each predicted one, background last: its row are detections where
        nothing is, its column instances that were not found.

    Raises
    ------
    BadParameter
        For a threshold that is not above 0 and up to 1.
    """
    if not 0 < iou <= 1:
        raise BadParameter(f"a threshold of {iou:g}", expected="a number above 0 and up to 1")
    truth, labels, seen = compared.truth, compared.labels, compared.scores >= least_score
    near = (compared.pairs.ious >= iou) & seen[compared.pairs.detections]
    pairs, same, counts = compared.pairs.where(near), compared.same[near], compared.counts[near]
    taken = claims(pairs.where(counts), len(truth), preferred=same[counts])
    left_out = ~seen | compared.excused
    left_out[pairs.detections[same & ~counts]] = True
    matched, nowhere = taken >= 0, (taken < 0) & ~left_out
    unmatched = ~compared.regions
    unmatched[taken[matched]] = False
    table = np.zeros((n_classes + 1, n_classes + 1), np.int64)
    np.add.at(table, (truth.classes[taken[matched]], labels[matched]), 1)
    np.add.at(table[n_classes], labels[nowhere], 1)
    np.add.at(table[:, n_classes], truth.classes[unmatched], 1)
    return table


def most_frequent(table: Integers, n: int) -> list[tuple[int, int, int]]:
    """Return the most frequent confusions of two classes: true class, predicted class, and how often.

    Parameters
    ----------
    table : ndarray of int64, shape (n_classes + 1, n_classes + 1)
        What `detection_confusion` returned.
    n : int
        How many at most.

    Returns
    -------
    list of (int, int, int)
        Of equal numbers the lower row first. What is right is left out, and so is background.
    """
    wrong = table[:-1, :-1].copy()
    np.fill_diagonal(wrong, 0)
    cells = np.argsort(-wrong, axis=None, kind="stable")[:n]
    places = zip(*np.unravel_index(cells, wrong.shape), strict=True)
    return [(int(row), int(column), int(wrong[row, column])) for row, column in places if wrong[row, column]]
