"""The twelve numbers of COCO, and the lines in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter
from segbench.frozen import dataclass

_TITLES = {"precision": "Average Precision  (AP)", "recall": "Average Recall     (AR)"}

#: The first line reads this place whatever `maxDets` says.
_USUAL_LIMIT = 100


@dataclass(frozen=True)
class Line:
    """One of the twelve numbers.

    Parameters
    ----------
    table : {'precision', 'recall'}
        What is averaged.
    place : int, optional
        Which entry of `maxDets` holds the number of detections; None for 100.
    threshold : float, optional
        The overlap; None for all.
    area : str
        The name of the areas.
    """

    table: str
    place: int | None = 2
    threshold: float | None = None
    area: str = "all"

    def limit(self, params: Any) -> int:
        """Return how many detections count, as `params` say."""
        return _USUAL_LIMIT if self.place is None else int(params.maxDets[self.place])

    def value(self, tables: Mapping[str, Any], params: Any) -> float:
        """Return the mean over all that is defined.

        Parameters
        ----------
        tables : mapping of str to ndarray
            Precision and recall, as `COCOeval.accumulate` leaves them.
        params : Params
            What their axes are.

        Returns
        -------
        float
            -1 where nothing is defined.
        """
        areas = [a for a, name in enumerate(params.areaRngLbl) if name == self.area]
        limits = [m for m, limit in enumerate(params.maxDets) if limit == self.limit(params)]
        cells = tables[self.table]
        if self.threshold is not None:
            cells = cells[np.asarray(params.iouThrs) == self.threshold]
        cells = cells[..., areas, :][..., limits]
        defined = cells[cells > -1]
        return float(np.mean(defined)) if len(defined) else -1.0

    def text(self, value: float, params: Any) -> str:
        """Return the line that shows a `value`, with what `params` it is of."""
        thresholds = [self.threshold] if self.threshold is not None else [params.iouThrs[0], params.iouThrs[-1]]
        overlap = ":".join(f"{threshold:0.2f}" for threshold in thresholds)
        where = f"IoU={overlap:<9} | area={self.area:>6} | maxDets={self.limit(params):>3d}"
        return f" {_TITLES[self.table]} @[ {where} ] = {value:0.3f}\n"


LINES = (
    Line("precision", None),
    Line("precision", threshold=0.5),
    Line("precision", threshold=0.75),
    *(Line("precision", area=area) for area in ("small", "medium", "large")),
    *(Line("recall", place) for place in range(3)),
    *(Line("recall", area=area) for area in ("small", "medium", "large")),
)


def summary(tables: Mapping[str, Any], params: Any) -> tuple[NDArray[np.float64], str]:
    """Return the twelve numbers, and the table that shows them.

    Parameters
    ----------
    tables : mapping of str to ndarray
        Precision and recall, as `COCOeval.accumulate` leaves them.
    params : Params
        What their axes are.

    Returns
    -------
    stats : ndarray of float64, shape (12,)
        -1 where nothing is defined.
    text : str
        A line for each.

    Raises
    ------
    BadParameter
        For less than three entries of `maxDets`.
    """
    limits: Sequence[int] = params.maxDets
    if len(limits) < 3:
        raise BadParameter(f"maxDets={list(limits)}", expected="three of them, which the lines of the summary name")
    values = [line.value(tables, params) for line in LINES]
    return np.array(values), "".join(line.text(value, params) for line, value in zip(LINES, values, strict=True))
