"""Average precision as PASCAL VOC has it, from the true positives alone: recall rises nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.outcomes import LEFT_OUT, TRUE, as_curves

Floats: TypeAlias = NDArray[np.float64]


def average_precision_11(*, outcomes: Any, class_offsets: Any, positives: Any) -> NDArray[np.float64]:
    """Return the mean over the recalls 0, 0.1, … 1 of the best precision there or further on: AP of VOC 2007.

    Parameters
    ----------
    outcomes : array_like of uint8, shape (n, n_areas, n_thresholds)
        0 wrong, 1 right, 2 neither; rows in the order of `order`.
    class_offsets : array_like of int, shape (n_classes + 1,)
        First row of each class, and the number of rows.
    positives : array_like of int, shape (n_classes, n_areas)
        How many truths there are to find.

    Returns
    -------
    ndarray of float64, shape (n_thresholds, n_classes, n_areas)
        -1 where there are no positives.

    Raises
    ------
    BadParameter
        For other outcomes, negative positives, or shapes, dtypes or offsets that do not fit.
    ResourceError
        For more than 2**31 rows.

    Notes
    -----
    voc_ap of the Fast R-CNN family, to the last bit: recalls are ``np.arange(0, 1.1, 0.1)``, and an eleventh of each
    precision is added up.
    """
    return _averages(_mean_at_11, *as_curves(outcomes, class_offsets, positives))


def average_precision_area(*, outcomes: Any, class_offsets: Any, positives: Any) -> NDArray[np.float64]:
    """Return the area below the best precision at each recall or further on: AP of VOC from 2010.

    Parameters
    ----------
    outcomes : array_like of uint8, shape (n, n_areas, n_thresholds)
        0 wrong, 1 right, 2 neither; rows in the order of `order`.
    class_offsets : array_like of int, shape (n_classes + 1,)
        First row of each class, and the number of rows.
    positives : array_like of int, shape (n_classes, n_areas)
        How many truths there are to find.

    Returns
    -------
    ndarray of float64, shape (n_thresholds, n_classes, n_areas)
        -1 where there are no positives.

    Raises
    ------
    BadParameter
        For other outcomes, negative positives, or shapes, dtypes or offsets that do not fit.
    ResourceError
        For more than 2**31 rows.

    Notes
    -----
    voc_ap of the Fast R-CNN family, to the last bit, with its sum by NumPy.
    """
    return _averages(_area_below, *as_curves(outcomes, class_offsets, positives))


def _averages(
    average: Callable[[Floats, Floats], float],
    outcomes: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    positives: NDArray[np.int64],
) -> Floats:
    values = np.full((outcomes.shape[2], *positives.shape), -1.0)
    for k, a in np.argwhere(positives > 0).tolist():
        rows = outcomes[offsets[k] : offsets[k + 1], a]
        for t in range(outcomes.shape[2]):
            values[t, k, a] = average(*_envelope(rows[:, t], int(positives[k, a])))
    return values


def _envelope(outcomes: NDArray[np.uint8], positives: int) -> tuple[Floats, Floats]:
    """Return recall at each true positive, and the best precision there or further on."""
    found = np.flatnonzero(outcomes == TRUE)
    judged = np.cumsum(outcomes != LEFT_OUT)[found]
    true = np.arange(1, len(found) + 1)
    return true / positives, np.maximum.accumulate((true / judged)[::-1])[::-1]


def _mean_at_11(recall: Floats, envelope: Floats) -> float:
    total = 0.0
    for place in np.searchsorted(recall, np.arange(0.0, 1.1, 0.1)).tolist():
        total += float(envelope[place]) / 11.0 if place < len(recall) else 0.0
    return total


def _area_below(recall: Floats, envelope: Floats) -> float:
    # The last step, to a recall of 1 where it is not reached, has precision 0; it takes part in the sum of NumPy.
    recalls = np.concatenate([[0.0], recall, [1.0] if not len(recall) or recall[-1] != 1 else []])
    precision = np.append(envelope, np.zeros(len(recalls) - 1 - len(envelope)))
    return float(np.sum(np.diff(recalls) * precision))
