"""Plain reference for label volumes: Dice, IoU, HD95, ASSD and surface Dice of each structure of each case.

There is no official tool, and no void. A structure in neither map is perfect; one in only one map has
Dice, IoU and surface Dice 0 and the diagonal of the volume as its distance. A case has the mean over its structures,
the data set the mean over its cases; a structure has the mean over cases. A region is the union of its ids.

Where structures are whatever ids were seen (`observed`), one that no truth holds counts in the cases that predict it
and in no others: else whoever predicts it in one case would be right in all the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tests.oracles import surfaces

#: Of each measure what a structure counts as that is in neither map; one in only one map counts as the other extreme.
PERFECT = {"dice": 1.0, "iou": 1.0, "hd95": 0.0, "assd": 0.0, "surface_dice": 1.0}


class Case(NamedTuple):
    """One volume: ids of truth and prediction, and the spacing along the axes."""

    truth: np.ndarray
    prediction: np.ndarray
    spacing: tuple[float, float, float]


def measured(truth: np.ndarray, prediction: np.ndarray, spacing: Sequence[float], tolerance: float) -> dict[str, float]:
    """Measure one structure, given by its masks."""
    if not truth.any() and not prediction.any():
        return dict(PERFECT)
    if not truth.any() or not prediction.any():
        diagonal = surfaces.diagonal(truth.shape, spacing)
        return {name: 0.0 if best else diagonal for name, best in PERFECT.items()}
    both, t, p = (int(np.count_nonzero(mask)) for mask in (truth & prediction, truth, prediction))
    pair = surfaces.distances(truth, prediction, spacing)
    return {
        "dice": 2 * both / (t + p),
        "iou": both / (t + p - both),
        "hd95": surfaces.percentile_max(pair, 95),
        "assd": surfaces.assd(pair),
        "surface_dice": surfaces.surface_dice(pair, tolerance),
    }


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def evaluate(
    cases: Sequence[Case],
    structures: Mapping[str, Sequence[int]],
    tolerance: float = 1.0,
    *,
    observed: bool = False,
) -> dict[str, tuple[float, dict[str, float]]]:
    """Return by measure the value of the data set, and that of each structure."""
    alone = [n for n, ids in structures.items() if observed and not any(np.isin(c.truth, ids).any() for c in cases)]
    tables = [
        {
            name: measured(np.isin(case.truth, ids), np.isin(case.prediction, ids), case.spacing, tolerance)
            for name, ids in structures.items()
            if name not in alone or np.isin(case.prediction, ids).any()
        }
        for case in cases
    ]
    found = {}
    for measure in PERFECT:
        of_structures = {name: mean([t[name][measure] for t in tables if name in t]) for name in structures}
        by_case = [mean([one[measure] for one in table.values()]) for table in tables]
        found[measure] = mean([value for value in by_case if not math.isnan(value)]), of_structures
    return found
