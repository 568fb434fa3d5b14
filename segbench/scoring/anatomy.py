"""Where detected instances go wrong: errors by kind, confusions, calibration, and what the truth may have wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from segbench.datasets.cocoresults import read_results
from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass
from segbench.kernels.rle import boxes as boxes_of
from segbench.metrics.annotations import Annotations, Columns, Detections, Flags, Integers, Labelled
from segbench.metrics.detection_confusion import detection_confusion
from segbench.metrics.label_errors import Suspicion, label_errors
from segbench.metrics.matching import matched
from segbench.metrics.matchingrules import FALSE, TRUE, Matching
from segbench.metrics.overlaps import Compared, overlaps
from segbench.metrics.ranking import DetectionMetric
from segbench.metrics.reliability import Reliability, reliability
from segbench.metrics.tide import Decomposition, decompose, errors
from segbench.protocols.categories import with_categories, with_iou_type
from segbench.protocols.load import load_protocol
from segbench.protocols.protocol import Protocol
from segbench.scoring.instancetruths import InstanceTruth, open_instances

C = TypeVar("C", bound=Columns)


@dataclass(frozen=True)
class Limits:
    """Where the lines are drawn.

    Parameters
    ----------
    iou : float
        The least IoU of a match.
    background_iou : float
        Up to which IoU a detection is where nothing is.
    least_score : float
        From which score on a detection is sure: only such ones are in the table of confusions, and speak against the
        truth.
    bins : int
        Bins of the score in which calibration is measured.
    """

    iou: float = 0.5
    background_iou: float = 0.1
    least_score: float = 0.5
    bins: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.background_iou <= self.iou < 1:
            found = f"iou={self.iou:g}, background_iou={self.background_iou:g}"
            raise BadParameter(found, expected="0 < background_iou ≤ iou < 1")
        if self.least_score != self.least_score:
            raise BadParameter("least_score=nan", expected="a number")
        if self.bins < 1:
            raise BadParameter(f"bins={self.bins}", expected="at least 1")


@dataclass(frozen=True)
class Material:
    """What is looked at.

    Parameters
    ----------
    protocol : Protocol
        The rules, with the classes of the truth.
    split : str
        Name of the split.
    source : CocoTruth or VocTruth
        The truth as it was read.
    digest : str
        SHA-256 of the results.
    truth : Annotations
        All true instances; with masks their boxes are those of the masks.
    detections : Detections
        All detections.
    labelled : Labelled, optional
        Where not every class is labelled in every image.
    """

    protocol: Protocol
    split: str
    source: InstanceTruth
    digest: str
    truth: Annotations
    detections: Detections
    labelled: Labelled | None

    @property
    def metric(self) -> DetectionMetric:
        """The first metric of the protocol, by whose rules detections are matched."""
        return next(metric for metric in self.protocol.metrics if isinstance(metric, DetectionMetric))

    @property
    def matching(self) -> Matching:
        """How detections are matched."""
        return self.metric.matching

    @property
    def names(self) -> list[str]:
        """The classes."""
        return [c.name for c in self.protocol.space.evaluated]

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.protocol.space.evaluated)

    @property
    def ids(self) -> Integers | None:
        """The ids of true instances, where the truth gives them any."""
        columns = getattr(self.source, "columns", None)
        return None if columns is None else columns.ids

    def excused(self, rows: Integers) -> Flags:
        """Return which of some detections are of a class that is not labelled, or not to the last, in their image."""
        if self.labelled is None:
            return np.zeros(len(rows), np.bool_)
        cells = self.detections.images[rows] * self.n_classes + self.detections.classes[rows]
        return ~np.isin(cells, self.labelled.known) | np.isin(cells, self.labelled.incomplete)


@dataclass(frozen=True)
class Anatomy:
    """Where detected instances go wrong.

    Parameters
    ----------
    material : Material
        What was looked at.
    limits : Limits
        Where the lines were drawn.
    errors : Decomposition
        Errors by kind, and what each kind costs.
    confusion : ndarray of int64, shape (n_classes + 1, n_classes + 1)
        True classes against predicted ones, background last.
    calibration : Reliability, optional
        Precision against score; none where scores are no probabilities.
    of_classes : dict of str to Reliability
        The same of each class that has a detection.
    suspicions : list of Suspicion
        What of the truth should be looked at.
    warnings : tuple of str
        What a reader should know.
    """

    material: Material
    limits: Limits
    errors: Decomposition
    confusion: Integers
    calibration: Reliability | None
    of_classes: dict[str, Reliability]
    suspicions: list[Suspicion]
    warnings: tuple[str, ...]


def anatomy(
    predictions: str | Path,
    *,
    dataset: str,
    split: str | None = None,
    data_root: str | Path | None = None,
    truth: str | Path | None = None,
    iou_type: str | None = None,
    limits: Limits | None = None,
) -> Anatomy:
    """Say where the instances of a submission go wrong.

    Parameters
    ----------
    predictions : path
        Results in the JSON of COCO.
    dataset : str
        Name or alias of a data set of instances, or the path of a protocol in TOML.
    split : str, optional
        Split of the data set, else its default.
    data_root : path, optional
        Where the data set lies in its own layout.
    truth : path, optional
        A truth in the JSON of COCO, in place of the layout.
    iou_type : {"segm", "bbox", "boundary"}, optional
        What is compared; masks by default.
    limits : Limits, optional
        Where the lines are drawn.

    Returns
    -------
    Anatomy
        Errors, confusions, calibration, and suspicions against the truth.

    Raises
    ------
    UsageError, SubmissionError, DatasetError
        As of `segbench.score`.
    """
    roots = [None if path is None else Path(path) for path in (data_root, truth)]
    material = _material(Path(predictions), dataset, split, roots[0], roots[1], iou_type)
    limits = limits or Limits()
    mine, theirs = material.truth, material.detections
    # That LVIS takes 300 detections of an image, and COCO 100, is the number that their metrics take.
    pairs = overlaps(material.matching, mine, theirs, most=material.metric.max_detections)
    compared = Compared(mine, theirs, pairs, material.matching.ignored(mine), material.excused(pairs.rows))
    found = errors(compared, iou=limits.iou, background_iou=limits.background_iou)
    calibration, of_classes, warnings = _calibration(material, limits)
    return Anatomy(
        material,
        limits,
        decompose(compared, found, material.n_classes),
        detection_confusion(compared, material.n_classes, iou=limits.iou, least_score=limits.least_score),
        calibration,
        of_classes,
        label_errors(
            compared,
            iou=limits.iou,
            background_iou=limits.background_iou,
            least_score=limits.least_score,
        ),
        (*_warnings(material), *warnings),
    )


def _material(
    predictions: Path,
    dataset: str,
    split: str | None,
    data_root: Path | None,
    truth: Path | None,
    iou_type: str | None,
) -> Material:
    protocol = load_protocol(dataset)
    if protocol.kind != "instances":
        found = f"anatomy of {protocol.name}, whose predictions are {protocol.kind}"
        raise BadParameter(found, expected="a data set of instances, as coco-instances")
    protocol = protocol if iou_type is None else with_iou_type(protocol, iou_type)
    source, split = open_instances(protocol, split=split, data_root=data_root, truth=truth)
    if source.categories or protocol.observed:
        named = [(c.id, c.name, c.frequency) for c in source.categories]
        protocol = with_categories(protocol, named, file=source.file)
    results = read_results(predictions)
    of_boxes = protocol.policies.get("iou_type") == "bbox"
    true = _decoded(source.annotations(protocol.space, masks=not of_boxes, boxes=of_boxes))
    if not len(true):
        raise DatasetError("no annotation", expected="instances to compare with", file=source.file)
    detections = _decoded(results.detections(source, protocol.space, masks=not of_boxes, boxes=of_boxes))
    is_partial = protocol.policies.get("rules") in ("lvis", "lvis_fixed")
    labelled = source.labelled(protocol.space) if is_partial else None
    return Material(protocol, split, source, results.digest, true, detections, labelled)


def _decoded(columns: C) -> C:
    """Return columns that lack nothing: masks are looked at more than once, and boxes say where something is."""
    if columns.masks is None:
        return replace(columns, areas=columns.sizes())
    columns = replace(columns, masks=columns.runs)
    boxes = boxes_of(columns.runs) if columns.boxes is None else columns.boxes
    return replace(columns, areas=columns.sizes(), boxes=boxes)


def _calibration(
    material: Material, limits: Limits
) -> tuple[Reliability | None, dict[str, Reliability], tuple[str, ...]]:
    """Hold the scores of all detections that count against what became of them."""
    found = matched(
        material.matching,
        material.truth,
        material.detections,
        thresholds=np.array([limits.iou]),
        most=material.metric.max_detections,
        n_classes=material.n_classes,
        labelled=material.labelled,
    )
    outcomes = found.outcomes[:, 0, 0]
    judged = (outcomes == TRUE) | (outcomes == FALSE)
    rows, right = found.rows[judged], outcomes[judged] == TRUE
    scores, labels = material.detections.scores[rows], material.detections.classes[rows]
    try:
        whole = reliability(scores, right, limits.bins)
    except BadParameter as error:
        return None, {}, (f"no calibration: {error.found}",)
    names, classes = material.names, np.unique(labels).tolist()
    return whole, {names[k]: reliability(scores[labels == k], right[labels == k], limits.bins) for k in classes}, ()


def _warnings(material: Material) -> list[str]:
    labels, n = material.detections.classes, material.n_classes
    strange = np.bincount(labels, minlength=n).astype(bool) & (np.bincount(material.truth.classes, minlength=n) == 0)
    if not len(labels):
        return ["no detection at all"]
    if strange.any():
        which = "1 class is" if strange.sum() == 1 else f"{strange.sum()} classes are"
        return [f"{which} predicted without an annotation: AP 0 in TIDE"]
    return []
