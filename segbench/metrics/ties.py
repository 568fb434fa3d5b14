"""Detections of equal scores: official tools take them in the order of the file, which decides part of the score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segbench.metrics.matchingrules import FALSE, LEFT_OUT, TRUE


def tied(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a number for each row that rows of one class and score share, given `labels` and `scores` in order."""
    begins = np.ones(len(scores), np.int64)
    begins[1:] = (labels[1:] != labels[:-1]) | (scores[1:] != scores[:-1])
    return np.cumsum(begins)


def mixed(outcomes: NDArray[np.uint8], ties: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows share class and score with one that is judged otherwise.

    Parameters
    ----------
    outcomes : ndarray of uint8, shape (n, n_thresholds)
        0 wrong, 1 right, 2 neither.
    ties : ndarray of int64, shape (n,)
        What `tied` returned.

    Returns
    -------
    ndarray of bool, shape (n,)
        Whether at some threshold one of the tie is right and another one wrong.
    """
    found = np.zeros(len(ties), np.bool_)
    shared = np.flatnonzero(np.bincount(ties)[ties] > 1)
    own = ties[shared]
    n = int(own.max(initial=0)) + 1
    for column in outcomes[shared].T:
        right, wrong = (np.bincount(own[column == kind], minlength=n) > 0 for kind in (TRUE, FALSE))
        found[shared] |= (right & wrong)[own]
    return found


def reordered(
    outcomes: NDArray[np.uint8], ties: NDArray[np.int64], rows: NDArray[np.int64], first: int
) -> NDArray[np.uint8]:
    """Return the outcomes when those of one kind come first among equal scores.

    Parameters
    ----------
    outcomes : ndarray of uint8, shape (n, n_thresholds)
        0 wrong, 1 right, 2 neither.
    ties : ndarray of int64, shape (n,)
        What `tied` returned.
    rows : ndarray of int64
        All rows of the ties in which the order matters, ascending.
    first : int
        The kind; those that are neither right nor wrong come next.

    Returns
    -------
    ndarray of uint8, shape (n, n_thresholds)
        Each threshold in an order of its own.
    """
    found, chosen = outcomes.copy(), outcomes[rows]
    keys = np.where(chosen == first, 0, np.where(chosen == LEFT_OUT, 1, 2))
    for t in range(outcomes.shape[1]):
        found[rows, t] = chosen[np.lexsort((keys[:, t], ties[rows])), t]
    return found
