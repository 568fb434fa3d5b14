"""From a file of detections to a signed result.

One file answers for all images, so nothing is paired: the file is read into columns, its rows are sorted by image, and
spans of images are counted side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from segbench.datasets.cocoresults import CocoResults, read_results
from segbench.errors import BadParameter, DatasetError, counted
from segbench.frozen import dataclass
from segbench.kernels.detection import order
from segbench.metrics.annotations import Annotations, Columns, Detections, Integers, Labelled
from segbench.metrics.base import Content
from segbench.metrics.detection import DetectionTally
from segbench.metrics.ranking import DetectionMetric
from segbench.metrics.states import State
from segbench.protocols.categories import with_categories
from segbench.protocols.protocol import Protocol
from segbench.result import Result
from segbench.scoring.executors import run_chunks
from segbench.scoring.instancetruths import InstanceTruth, keys_of, keys_of_slices, open_instances
from segbench.scoring.judge import Case, refuse_nothing
from segbench.scoring.lines import LineWriter
from segbench.scoring.options import Options, Slices, shard_of
from segbench.scoring.outcome import Notes, Outcome, Record
from segbench.scoring.perimage import image_lines, image_title
from segbench.scoring.plan import Plan
from segbench.scoring.statefile import header_of

if TYPE_CHECKING:
    # Few runs ask for intervals.
    from segbench.scoring.units import Resampling

FAMILY = "detection"

#: Images counted at a time: enough to outweigh what is done once a span, few enough to hold little.
SPAN = 256


@dataclass(frozen=True)
class ByImage:
    """Columns whose rows are grouped by image.

    Parameters
    ----------
    columns : Annotations or Detections
        The rows as they came.
    rows : ndarray of int64, shape (n,)
        The rows by image, those of each image as they came.
    offsets : ndarray of int64, shape (n_images + 1,)
        Where the rows of each image begin.
    """

    columns: Columns
    rows: Integers
    offsets: Integers

    @classmethod
    def of(cls, columns: Columns, n_images: int) -> ByImage:
        """Group rows by image."""
        # Of 16 bits, numbers are sorted by counting, which is several times as fast.
        narrow = columns.images.astype(np.uint16) if n_images < 1 << 16 else columns.images
        counts = np.bincount(columns.images, minlength=n_images)
        return cls(columns, np.argsort(narrow, kind="stable"), np.concatenate([[0], np.cumsum(counts)]))

    def take(self, images: Sequence[int]) -> Columns:
        """Return the rows of some images, which ascend."""
        first, last = images[0], images[-1] + 1
        if last - first == len(images):
            return self.columns.take(self.rows[self.offsets[first] : self.offsets[last]])
        spans = [self.rows[self.offsets[i] : self.offsets[i + 1]] for i in images]
        return self.columns.take(np.concatenate(spans))


@dataclass(frozen=True)
class Match:
    """What a worker needs to count any span of images.

    Parameters
    ----------
    tally : DetectionTally
        Counts.
    truth, detections : ByImage
        All rows.
    labelled : Labelled, optional
        Where not every class is labelled in every image.
    recording : bool
        Whether contents are wanted.
    """

    tally: DetectionTally
    truth: ByImage
    detections: ByImage
    labelled: Labelled | None = None
    recording: bool = False

    def __call__(self, images: Sequence[int]) -> tuple[State, list[Content]]:
        """Count a span of images."""
        state = self.tally.start()
        truth = cast(Annotations, self.truth.take(images))
        detections = cast(Detections, self.detections.take(images))
        rows = self.tally.count_columns(state, truth, detections, self.labelled)
        return state, self.tally.contents(truth, rows, np.array(images, np.int64)) if self.recording else []


@dataclass(frozen=True)
class InstanceRun:
    """Results held against a truth.

    Parameters
    ----------
    case : Case
        What is counted, under which rules.
    truth : CocoTruth or VocTruth
        The images and what is on them.
    results : CocoResults
        The submission.
    options : Options
        How.
    slices : mapping of str to frozenset of str
        Keys of the images of each slice that is judged on its own.
    """

    case: Case
    truth: InstanceTruth
    results: CocoResults
    options: Options
    slices: Slices = field(default_factory=dict)

    def count(self) -> tuple[Outcome, dict[str, Outcome]]:
        """Count all images.

        Returns
        -------
        Outcome
            The counts of all images.
        dict of str to Outcome
            Those of each slice.

        Raises
        ------
        SubmissionError, DatasetError
            For what is wrong with either file.
        """
        plan, options = self.case.plan, self.options
        whole, parts = self.case.start(), {name: self.case.start() for name in self.slices}
        keys = keys_of(self.truth)
        images = list(range(len(keys)))
        images = images if options.shard is None else shard_of(images, options.shard)
        match = self._match()
        with ExitStack() as files:
            state, lines = (files.enter_context(LineWriter(p)) for p in (options.state, options.per_image))
            state.write([header_of(self.case, len(keys), options.shard).line()])
            lines.write(image_title(options.per_image, plan))
            done = 0
            for span, (counts, contents) in run_chunks(
                match, _spans(images, options.workers), executor="threads", workers=options.workers
            ):
                whole.add_states({FAMILY: counts})
                for record in self._records(keys, span, contents):
                    whole.keep(record)
                    state.write([record.line()])
                    lines.write(image_lines(options.per_image, plan, record))
                    for name in (name for name, chosen in self.slices.items() if record.key[0] in chosen):
                        parts[name].add(plan, record)
                self._note(whole, keys, span)
                done += len(span)
                if options.progress:
                    options.progress(done, len(images))
            if not self.case.is_shard:
                self._refuse_nothing(whole)
        return whole, parts

    def _refuse_nothing(self, whole: Outcome) -> None:
        try:
            refuse_nothing(self.case.plan, whole.states)
        except DatasetError as error:
            raise DatasetError("no annotation", expected=error.expected, file=self.truth.file) from None

    def _match(self) -> Match:
        metrics = [m for m in self.case.plan.metrics.values() if isinstance(m, DetectionMetric)]
        needs_masks = any(metric.iou_type != "bbox" for metric in metrics)
        needs_boxes = any(metric.iou_type == "bbox" for metric in metrics)
        space, n = self.case.protocol.space, len(self.truth.ids)
        truth = self.truth.annotations(space, masks=needs_masks, boxes=needs_boxes)
        found = self.results.detections(self.truth, space, masks=needs_masks, boxes=needs_boxes)
        if any(metric.rules == "lvis_fixed" for metric in metrics):
            found = replace(found, standing=_standing(found, len(space.evaluated)))
        tally = cast(DetectionTally, self.case.plan.tallies[FAMILY])
        is_federated = any(metric.matching.is_federated for metric in metrics)
        labelled = self.truth.labelled(space) if is_federated else None
        options = self.options
        recording = bool(options.state or options.per_image or self.slices or self.case.resampling)
        return Match(tally, ByImage.of(truth, n), ByImage.of(found, n), labelled, recording)

    def _records(self, keys: Sequence[str], span: Sequence[int], contents: list[Content]) -> Iterator[Record]:
        for image, content in zip(span, contents, strict=False):
            described = {**content, "shape": self.truth.sizes[image].tolist(), "truth": self.truth.digest}
            yield Record([keys[image]], self.results.digest, {FAMILY: described})

    def _note(self, whole: Outcome, keys: Sequence[str], span: Sequence[int]) -> None:
        truth, results = self.truth.digest, self.results.digest
        noted = Notes()
        noted.take_alike(
            [keys[image] for image in span], [[size, truth] for size in self.truth.sizes[span].tolist()], results
        )
        whole.note(noted)


def _standing(detections: Detections, n_classes: int) -> Integers:
    """Return the place of each detection by its score among all of its class; of equal ones the first is first."""
    rows, offsets = order(detections.scores, detections.classes, n_classes)
    places = np.empty(len(rows), np.int64)
    places[rows] = np.arange(len(rows)) - np.repeat(offsets[:-1], np.diff(offsets))
    return places


def _spans(images: list[int], workers: int) -> Iterator[list[int]]:
    size = max(1, min(SPAN, -(-len(images) // (4 * workers)))) if workers > 1 else SPAN
    return (images[start : start + size] for start in range(0, len(images), size))


def score_instances(
    protocol: Protocol,
    predictions: Path,
    *,
    metrics: Sequence[str],
    split: str | None,
    data_root: Path | None,
    truth: Path | None,
    slices: Mapping[str, Sequence[str]],
    options: Options,
    resampling: Resampling | None = None,
) -> Result:
    """Score results in the JSON of COCO.

    Parameters
    ----------
    protocol : Protocol
        The data set.
    predictions : Path
        The results.
    metrics : sequence of str
        Metrics beside the protocol's own.
    split, data_root, truth
        As in `segbench.score`; `truth` is a JSON file.
    slices : mapping of str to sequence of str
        Numbers or keys of the images of each slice.
    options : Options
        How.
    resampling : Resampling, optional
        How intervals are made.

    Returns
    -------
    Result
        Scores with signatures.

    Raises
    ------
    UsageError, SubmissionError, DatasetError
        As `segbench.score`.
    """
    if options.missing != "error":
        raise BadParameter(
            f"--missing {options.missing} with instances", expected="--missing error: an image may have no detection"
        )
    for text in metrics:
        protocol.metric(text)
    known, split = open_instances(protocol, split=split, data_root=data_root, truth=truth)
    if known.categories or protocol.observed:
        named = [(c.id, c.name, c.frequency) for c in known.categories]
        protocol = with_categories(protocol, named, file=known.file)
    expected = 0 if truth is not None else protocol.splits.get(split, 0)
    case = Case(
        protocol,
        Plan.of(protocol, metrics),
        split,
        expected=expected,
        slice="-" if options.shard is None else f"shard:{options.shard}",
        resampling=resampling,
    )
    results = read_results(predictions)
    run = InstanceRun(case, known, results, options, keys_of_slices(slices, known))
    whole, parts = run.count()
    result = case.result(whole, parts)
    return replace(result, warnings=(*result.warnings, *_warnings(known, results, case)))


def _warnings(truth: InstanceTruth, results: CocoResults, case: Case) -> list[str]:
    warnings = []
    if not len(results):
        warnings.append("no detection at all: the official tool fails on an empty list")
    iou_types = {metric.iou_type for metric in case.plan.metrics.values() if isinstance(metric, DetectionMetric)}
    if iou_types - {"bbox"} and truth.n_reaching_out:
        n = counted(truth.n_reaching_out, "annotation")
        warnings.append(f"{n} of the truth with polygons beyond the image, which are cut off")
    if iou_types - {"bbox"} and len(results):
        if results.draws_boxes:
            warnings.append("the results have no masks: their boxes are scored as masks, as the official tool does")
        elif results.has_boxes:
            n = counted(len(results), "detection")
            warnings.append(
                f"the results have boxes beside masks, so the areas of {n} are those of their boxes, as in the "
                "official tool; result_area=mask takes those of the masks"
            )
    return warnings
