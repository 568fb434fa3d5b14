"""What a reliability diagram of detected instances shows, before it is drawn: precision against score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass
from segbench.metrics.detection import outcomes_of
from segbench.metrics.matchingrules import AREAS, FALSE, TRUE
from segbench.metrics.ranking import DetectionMetric
from segbench.metrics.reliability import Reliability, reliability
from segbench.scoring.diagrams import check_number, names_of
from segbench.scoring.recount import Recount, recount, refuse_mixed

#: The threshold at which detections are called right, where it was scored.
_USUAL = 0.5


@dataclass(frozen=True)
class ReliabilityDiagram:
    """All that a reliability diagram of detections shows.

    Parameters
    ----------
    terms : mapping of str to str
        What all results have in common, as in their signatures.
    names : list of str
        The results, in the order they were named.
    iou_type : str
        What was compared.
    iou : float
        The IoU from which on a detection is right.
    curves : tuple of Reliability
        Of each result.
    """

    kind: ClassVar[str] = "reliability"

    terms: Mapping[str, str]
    names: list[str]
    iou_type: str
    iou: float
    curves: tuple[Reliability, ...]


def reliability_diagram(paths: Sequence[Path], dataset: str | None = None) -> ReliabilityDiagram:
    """Return what is drawn of results of instances.

    Parameters
    ----------
    paths : sequence of Path
        Results in JSON, their states beside them.
    dataset : str, optional
        The data set, where it is a protocol of one's own.

    Returns
    -------
    ReliabilityDiagram
        The points and their names.

    Raises
    ------
    BadParameter
        When a result is not of instances, has no state, is named twice or may not be compared with the others, or when
        its scores are no probabilities.
    DatasetError
        When a state is damaged, or holds no detection.
    """
    check_number(paths)
    counted = [recount(path, dataset) for path in paths]
    metrics = [_metric(one) for one in counted]
    refuse_mixed(counted)
    common = [iou for iou in metrics[0].ious if all(iou in metric.ious for metric in metrics)]
    iou = _USUAL if _USUAL in common else common[0]
    curves = tuple(_curve(one, metric, iou) for one, metric in zip(counted, metrics, strict=True))
    return ReliabilityDiagram(counted[0].terms, names_of(paths), metrics[0].iou_type, iou, curves)


def _metric(counted: Recount) -> DetectionMetric:
    """Return the metric by whose rules detections were matched: the first one of the result."""
    protocol = counted.case.protocol
    found = next((m for m in counted.case.plan.metrics.values() if isinstance(m, DetectionMetric)), None)
    if found is None:
        raise BadParameter(
            f"a result of {protocol.identity}, whose predictions are {protocol.kind}",
            expected="detected instances, as of coco-instances",
            mend="segbench plot calibration is for probability maps" if protocol.kind == "levels" else "",
            file=counted.file,
        )
    return found


def _curve(counted: Recount, metric: DetectionMetric, iou: float) -> Reliability:
    ranked = metric.ranked(counted.outcome.states[metric.family], counted.case.plan.space).columns
    if not ranked.get("rank", np.zeros(0)).size:
        raise DatasetError("no detection", expected="a score to draw", file=counted.file)
    scores, outcomes = ranked["score"], outcomes_of(ranked, (iou,), AREAS.index("all"))[:, 0, 0]
    judged = (outcomes == TRUE) | (outcomes == FALSE)
    if metric.rules in ("coco", "lvis"):
        # Another metric of the result may have asked for more detections.
        judged &= ranked["rank"] < metric.max_detections
    if not judged.any():
        raise DatasetError("no detection that is right or wrong", expected="a score to draw", file=counted.file)
    try:
        return reliability(scores[judged], outcomes[judged] == TRUE)
    except BadParameter as error:
        raise error.about(counted.file) from None
