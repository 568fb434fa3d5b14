"""Stage two of scoring: a chunk of images is read, decoded once and counted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.files import as_dataset_error, read_truth
from segbench.datasets.images import decode_labels, is_rgb, palette_of, read_header
from segbench.datasets.predictions import PredictionSet
from segbench.datasets.truth import TruthSet
from segbench.encoding import renumber
from segbench.errors import DatasetError, SegbenchError, StrayLabel, SubmissionError, VoidPrediction
from segbench.samples import Sample
from segbench.scoring import hints
from segbench.scoring.outcome import Record
from segbench.scoring.pairing import Fault
from segbench.scoring.plan import Plan, States

Labels = NDArray[np.integer[Any]]

#: A PNG of labels is never longer than this many bytes a pixel and some chunks beside them.
_BYTES_PER_PIXEL, _BESIDE = 4, 1 << 20


@dataclass(frozen=True)
class Task:
    """One image to count.

    Parameters
    ----------
    key : str
        Its key.
    file : str or None
        The file of the submission; None where it is missing.
    """

    key: str
    file: str | None

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True)
class Counted:
    """One image of a chunk: what digests, files and warnings need of it.

    Parameters
    ----------
    key, truth, prediction : str
        Its key, and its lines for both digests.
    missing : bool
        Whether it has no prediction.
    notes : tuple of str
        What was noticed.
    record : Record or None
        The whole record, where it is wanted.
    """

    key: str
    truth: str
    prediction: str
    missing: bool
    notes: tuple[str, ...]
    record: Record | None


@dataclass
class Count:
    """What a chunk of images came to.

    Parameters
    ----------
    states : dict of str to State
        The counts, by family of metrics.
    images : list of Counted
        The images, in order.
    faults : list of (str, SegbenchError)
        What was wrong, with the key of the image.
    """

    states: States
    images: list[Counted] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


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
    recording : bool
        Whether whole records are wanted.
    numbering : mapping of int to int
        Id of each value of a prediction that is not written in ids; empty for ids.
    resize : bool
        Whether a prediction of another size is resized to its truth (nearest pixel).
    """

    truth: TruthSet
    predictions: PredictionSet
    plan: Plan
    recording: bool = False
    numbering: Mapping[int, int] = field(default_factory=dict)
    resize: bool = False

    def __call__(self, chunk: list[Task]) -> Count:
        """Count a chunk."""
        count = Count(self.plan.start())
        for task in chunk:
            try:
                count.images.append(self._counted(task, count.states))
            except SegbenchError as error:
                count.faults += ((task.key, self._named(fault, task)) for fault in error.faults)
        return count

    def _counted(self, task: Task, states: States) -> Counted:
        record = self.record(task, states)
        kept = record if self.recording else None
        missing = task.file is None
        return Counted(task.key, record.truth_line(), record.prediction_line(), missing, record.notes, kept)

    def record(self, task: Task, states: States) -> Record:
        """Count one image into the states and return its record."""
        truth = self._truth(self.truth.path(task.key))
        key = task.key.split("/")
        digest, prediction = None, None
        notes: list[str] = []
        if task.file is not None:
            data = self._read(task.file, truth)
            digest = hashlib.sha256(data).hexdigest()
            prediction, notes = self._prediction(data, truth)
        sample = Sample(tuple(key), truth, prediction, self._instances(task.key))
        counts = self._counts(states, sample)
        if task.file is not None and self._repainted(data, counts):
            notes.append("palette")
        return Record(key, digest, counts, tuple(notes))

    def _repainted(self, data: bytes, counts: Mapping[str, Any]) -> bool:
        """Whether the palette's colours of the values counted stand for other classes."""
        colors = self.truth.protocol.colors
        palette = palette_of(data) if colors and not self.numbering else b""
        used = {cell[1] for cell in counts["confusion"]["cells"]} if palette else set()
        return bool(used) and hints.on_palette(used, palette, colors)

    def _counts(self, states: States, sample: Sample) -> dict[str, Any]:
        try:
            return self.plan.count_one(states, sample)
        except (StrayLabel, VoidPrediction) as error:
            hint = hints.on_values(set(np.unique(sample.prediction).tolist()), self.truth.protocol)
            error.mend = hint or error.mend
            raise

    def _read(self, file: str, truth: Labels) -> bytes:
        most = _BYTES_PER_PIXEL * truth.size + _BESIDE
        if self.resize:
            header = read_header(self.predictions.read(file, most=64))
            most = _BYTES_PER_PIXEL * header.height * header.width + _BESIDE
        data = self.predictions.read(file, most=most + 1)
        if len(data) > most:
            raise SubmissionError(f"more than {most} bytes", expected="a file of that size at most")
        return data

    def _prediction(self, data: bytes, truth: Labels) -> tuple[Labels, list[str]]:
        colors = self.truth.protocol.colors
        labels = decode_labels(data, colors)
        notes = ["rgb"] if is_rgb(data) else []
        if self.numbering:
            labels = renumber(labels, self.numbering)
        if self.resize and labels.shape != truth.shape:
            labels = nearest(labels, truth.shape)
            notes.append("resized")
        return labels, notes

    def _truth(self, path: Path) -> Labels:
        try:
            return decode_labels(read_truth(path), self.truth.protocol.colors)
        except SubmissionError as error:
            raise as_dataset_error(error) from None

    def _instances(self, key: str) -> Labels | None:
        path = self.truth.instances_path(key) if "instances" in self.plan.tallies else None
        if path is None:
            return None
        try:
            return self._truth(path)
        except DatasetError as error:
            raise error.about(str(path)) from None

    def _named(self, fault: SegbenchError, task: Task) -> SegbenchError:
        if isinstance(fault, DatasetError):
            return fault.about(str(self.truth.path(task.key)))
        return fault.about(self.predictions.where(str(task.file)))


def nearest(labels: Labels, shape: tuple[int, ...]) -> Labels:
    """Return a label map of another size: each pixel takes the label at its centre.

    Parameters
    ----------
    labels : ndarray of int, shape (height, width)
        The map.
    shape : (int, int)
        Height and width wanted.

    Returns
    -------
    ndarray of int, shape `shape`
        Pixel i of n takes pixel ⌊(2i + 1) · m / 2n⌋ of m, along both axes.
    """
    rows, columns = ((2 * np.arange(n) + 1) * m // (2 * n) for n, m in zip(shape, labels.shape, strict=True))
    return labels[np.ix_(rows, columns)]
