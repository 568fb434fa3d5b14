"""Stage two of scoring: a chunk of images is read, decoded once and counted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from segbench.codec import canonical_json
from segbench.datasets.files import as_dataset_error, read_truth
from segbench.datasets.images import decode_labels, read_header
from segbench.datasets.predictions import PredictionSet
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError, SegbenchError, SubmissionError
from segbench.labels import Color
from segbench.metrics.base import Content
from segbench.samples import Sample
from segbench.scoring.plan import Plan, States


@dataclass(frozen=True)
class Task:
    """One image to count: its key, and the file of the submission, None where it is missing."""

    key: str
    file: str | None

    def __str__(self) -> str:
        return self.key


@dataclass
class Count:
    """What a chunk of images came to.

    Parameters
    ----------
    states : dict of str to State
        The counts, by family of metrics.
    records : list of str
        One line of the state file for each image.
    truth, predictions : list of str
        One line for each image of what the digests are made of.
    faults : list of SegbenchError
        What was wrong.
    colored : int
        Predictions that were read by their colours.
    """

    states: States
    records: list[str] = field(default_factory=list)
    truth: list[str] = field(default_factory=list)
    predictions: list[str] = field(default_factory=list)
    faults: list[SegbenchError] = field(default_factory=list)
    colored: int = 0


@dataclass(frozen=True)
class Job:
    """Everything a worker needs to count any chunk of a run.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies; its keys are not needed.
    predictions : PredictionSet
        Where predictions lie; its lists are not needed.
    plan : Plan
        What is counted.
    colors : mapping of color to int
        Ids of colour-coded files.
    recording : bool
        Whether lines of the state file are wanted.
    """

    truth: TruthSet
    predictions: PredictionSet
    plan: Plan
    colors: Mapping[Color, int]
    recording: bool

    def __call__(self, chunk: list[Task]) -> Count:
        """Count a chunk."""
        count = Count(self.plan.start())
        for task in chunk:
            try:
                self._count(task, count)
            except SegbenchError as error:
                count.faults += (self._named(fault, task) for fault in error.faults)
        return count

    def _count(self, task: Task, count: Count) -> None:
        truth = self._truth(task.key)
        digest, prediction = None, None
        if task.file is not None:
            data = self.predictions.read(task.file)
            digest = hashlib.sha256(data).hexdigest()
            prediction = decode_labels(data, self.colors)
            count.colored += read_header(data).is_rgb
        key = tuple(task.key.split("/"))
        contents = self.plan.count_into(count.states, Sample(key, truth, prediction))
        count.truth.append(truth_line(list(key), contents))
        count.predictions.append(canonical_json([list(key), digest]))
        if self.recording:
            record = {"key": list(key), "prediction": digest, "counts": contents}
            count.records.append(canonical_json(record))

    def _truth(self, key: str) -> object:
        try:
            return decode_labels(read_truth(self.truth.path(key)), self.colors)
        except SubmissionError as error:
            raise as_dataset_error(error) from None

    def _named(self, fault: SegbenchError, task: Task) -> SegbenchError:
        if isinstance(fault, DatasetError):
            return fault.about(str(self.truth.path(task.key)))
        return fault.about(str(self.predictions.root / str(task.file)))


def truth_line(key: list[str], contents: Mapping[str, Content]) -> str:
    """Return what the truth digest is made of for one image: key, shape and count of each value."""
    counted: dict[int, int] = {}
    for value, _, count in contents["confusion"]["cells"]:
        counted[value] = counted.get(value, 0) + count
    return canonical_json([key, contents["confusion"]["shape"], sorted(counted.items())])
