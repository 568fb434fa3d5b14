"""Plain reference for label volumes: Dice, IoU, HD95, ASSD and surface Dice of each structure of each case.

There is no official tool, and no void. A structure in neither map is perfect; one in only one map has
Dice, IoU and surface Dice 0 and the diagonal of the volume as its distance. A case has the mean over its structures,
the data set the mean over its cases; a structure has the mean over cases. A region is the union of its ids.
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


def evaluate(
    cases: Sequence[Case], structures: Mapping[str, Sequence[int]], tolerance: float = 1.0
) -> dict[str, tuple[float, dict[str, float]]]:
    """Return by measure the value of the data set, and that of each structure."""
    tables = [
        {
            name: measured(np.isin(case.truth, ids), np.isin(case.prediction, ids), case.spacing, tolerance)
            for name, ids in structures.items()
        }
        for case in cases
    ]
    found = {}
    for measure in PERFECT:
        by_case = [[table[name][measure] for name in structures] for table in tables]
        of_structures = {name: math.fsum(row[i] for row in by_case) / len(cases) for i, name in enumerate(structures)}
        means = [math.fsum(row) / len(row) for row in by_case]
        found[measure] = math.fsum(means) / len(means), of_structures
    return found
