"""What a diagram of probability maps shows, before it is drawn: points, marks and words.

Points are those of `segbench.metrics.curves`, of the pixels of all images together. A binary map, whose only levels are
0 and 255, has one working point and no curve: nothing is known of it between or beyond.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass
from segbench.late import late
from segbench.metrics.binary import AtThreshold, Auc, AveragePrecision, ThresholdMetric, lowest_positive
from segbench.metrics.curves import calibration, precision_recall, roc
from segbench.metrics.levels import N_LEVELS, Levels
from segbench.metrics.road import RoadMetric, Sweep
from segbench.scoring.plan import Plan
from segbench.scoring.recount import Recount, recount, refuse_mixed

_instance_diagram = late("segbench.scoring.instancecurves:instance_diagram")

Kind: TypeAlias = Literal["roc", "pr", "calibration"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: Results in one diagram: as many as colours and dashes tell apart.
MOST = 12

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """What is drawn of one result.

    Parameters
    ----------
    name : str
        The result.
    summary : str
        Its number in the legend, as ``AUC 0.9787``.
    x, y : ndarray of float64, shape (points,)
        The points, in the order in which a line joins them.
    is_curve : bool
        Whether a line joins them.
    marks : mapping of str to (float, float)
        Working points by what they are.
    shares : ndarray of float64, shape (points,)
        In a reliability diagram the share of all pixels that a point stands for; otherwise empty.
    """

    name: str
    summary: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    is_curve: bool
    marks: Mapping[str, Point]
    shares: NDArray[np.float64]


@dataclass(frozen=True)
class Diagram:
    """All that one figure shows.

    Parameters
    ----------
    kind : {'roc', 'pr', 'calibration'}
        What is drawn.
    terms : mapping of str to str
        What all results have in common, as in their signatures.
    positive : float
        Share of the counted pixels whose truth is positive; NaN where instances are counted.
    series : tuple of Series
        The results, in the order they were named.
    """

    kind: Kind
    terms: Mapping[str, str]
    positive: float
    series: tuple[Series, ...]

    @property
    def names(self) -> list[str]:
        """The results."""
        return [series.name for series in self.series]


def diagram(paths: Sequence[Path], kind: Kind, dataset: str | None = None) -> Diagram:
    """Return what is drawn of results.

    Parameters
    ----------
    paths : sequence of Path
        Results in JSON, their states beside them.
    kind : {'roc', 'pr', 'calibration'}
        What is drawn.
    dataset : str, optional
        The data set, where it is a protocol of one's own.

    Returns
    -------
    Diagram
        The points and their names.

    Raises
    ------
    BadParameter
        When a result is of something else, has no state, is named twice or may not be compared with the others.
    DatasetError
        When a state is damaged, or the truth has too few classes for the curve.
    """
    check_number(paths)
    results = [recount(path, dataset) for path in paths]
    if kind == "pr" and all("detection" in one.outcome.states for one in results):
        refuse_mixed(results)
        drawn: Diagram = _instance_diagram(results, names_of(paths))
        return drawn
    counted = [_of_levels(one) for one in results]
    refuse_mixed(counted)
    tables = [one.outcome.states["levels"].counts("levels").values for one in counted]
    negative, positive = tables[0].sum(axis=1).tolist()
    if not positive + negative or (kind != "calibration" and not positive) or (kind == "roc" and not negative):
        which = "no pixel" if not positive + negative else f"no {'negative' if positive else 'positive'} pixel"
        raise DatasetError(f"{kind}: the truth has {which}", expected="pixels of both classes")
    series = zip(names_of(paths), tables, counted, strict=True)
    parts = tuple(_SERIES[kind](name, table, one.case.plan) for name, table, one in series)
    return Diagram(kind, counted[0].terms, positive / (positive + negative), parts)


def check_number(paths: Sequence[Path]) -> None:
    """Refuse results that are none, too many or named twice.

    Parameters
    ----------
    paths : sequence of Path
        The results.

    Raises
    ------
    BadParameter
        When they cannot be told apart in one figure.
    """
    if not 1 <= len(paths) <= MOST:
        raise BadParameter(f"{len(paths)} results", expected=f"1 to {MOST} in one figure")
    for i, path in enumerate(paths):
        if path.absolute() in [other.absolute() for other in paths[:i]]:
            raise BadParameter("the same result twice", expected="each once", file=str(path))


def names_of(paths: Sequence[Path]) -> list[str]:
    """Return a name for each result: its file without suffix, with the folders where two would be equal."""
    stems = [path.stem for path in paths]
    return [
        stem if stems.count(stem) == 1 else str(path.with_suffix("")) for stem, path in zip(stems, paths, strict=True)
    ]


def is_binary(levels: Levels) -> bool:
    """Return whether no other `levels` occur than 0 and 255."""
    return not levels[:, 1 : N_LEVELS - 1].any()


def working_points(plan: Plan, levels: Levels) -> dict[str, AtThreshold]:
    """Return the counts at each threshold that metrics of a run were taken at.

    Parameters
    ----------
    plan : Plan
        The metrics.
    levels : ndarray of int64, shape (2, 256)
        Pixels by class and level.

    Returns
    -------
    dict of str to AtThreshold
        By what the threshold is called.
    """
    metrics = plan.metrics.values()
    thresholds = sorted({metric.threshold for metric in metrics if isinstance(metric, ThresholdMetric)})
    lowest = {f"threshold {threshold}": lowest_positive(threshold) for threshold in thresholds}
    if levels[1].any() and any(isinstance(metric, RoadMetric) for metric in metrics):
        lowest["threshold of the highest F1"] = Sweep(levels).best
    return {name: AtThreshold.of(levels, level) for name, level in lowest.items()}


def _of_levels(counted: Recount) -> Recount:
    protocol = counted.case.protocol
    if protocol.kind != "levels":
        raise BadParameter(
            f"a result of {protocol.identity}, whose predictions are {protocol.kind}",
            expected="probability maps, as of drive, chasedb or kitti-road (pr also of instances)",
            file=counted.file,
        )
    return counted


def _roc(name: str, levels: Levels, plan: Plan) -> Series:
    if is_binary(levels):
        x, y = point = _rates(AtThreshold.of(levels, N_LEVELS - 1))
        return _point(name, point, f"TPR {_number(y)}, FPR {_number(x)}")
    curve = roc(levels)
    summary = f"AUC {_number(Auc().value(levels))}"
    marks = {threshold: _rates(counts) for threshold, counts in working_points(plan, levels).items()}
    return Series(name, summary, curve.false_positive_rate, curve.true_positive_rate, True, marks, _NOTHING)


def _pr(name: str, levels: Levels, plan: Plan) -> Series:
    if is_binary(levels):
        x, y = point = _recall_precision(AtThreshold.of(levels, N_LEVELS - 1))
        return _point(name, point, f"precision {_number(y)}, recall {_number(x)}")
    curve = precision_recall(levels)
    # Not "AP": that of KITTI road is another number.
    summary = f"average precision {_number(AveragePrecision().value(levels))}"
    marks = {threshold: _recall_precision(counts) for threshold, counts in working_points(plan, levels).items()}
    # The end at recall 0 has no threshold; precision 1 there would be a line up the axis that nothing was measured on.
    precision = np.append(curve.precision[:-1], curve.precision[-2])
    return Series(name, summary, curve.recall, precision, True, _defined(marks), _NOTHING)


def _calibration(name: str, levels: Levels, plan: Plan) -> Series:
    curve = calibration(levels)
    summary = f"ECE {_number(curve.expected_error)}"
    shares = curve.pixels / curve.pixels.sum()
    return Series(name, summary, curve.predicted, curve.observed, not is_binary(levels), {}, shares)


def _point(name: str, point: Point, summary: str) -> Series:
    kept = _defined({"": point}).values()
    x, y = (np.array([place[axis] for place in kept], np.float64) for axis in (0, 1))
    return Series(name, summary, x, y, False, {}, _NOTHING)


def _rates(counts: AtThreshold) -> Point:
    """Return false and true positive rate; the truth has both classes."""
    return counts.fp / (counts.fp + counts.tn), counts.tp / (counts.tp + counts.fn)


def _recall_precision(counts: AtThreshold) -> Point:
    called = counts.tp + counts.fp
    return counts.tp / (counts.tp + counts.fn), counts.tp / called if called else math.nan


def _defined(marks: Mapping[str, Point]) -> dict[str, Point]:
    """Leave out points without a precision: where nothing is called positive."""
    return {name: point for name, point in marks.items() if not math.isnan(point[1])}


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"


_NOTHING: NDArray[np.float64] = np.empty(0)
_NOTHING.setflags(write=False)

_SERIES = {"roc": _roc, "pr": _pr, "calibration": _calibration}
