"""Stage two of scoring: a chunk of images is read, decoded once and counted."""

from __future__ import annotations

from dataclasses import field
from typing import Any

import numpy as np

from segbench.datasets.instances import instances_fault
from segbench.errors import DatasetError, SegbenchError, StrayLabel, VoidPrediction
from segbench.frozen import dataclass
from segbench.metrics.confusion import ConfusionTally
from segbench.samples import Sample
from segbench.scoring import hints
from segbench.scoring.outcome import Notes, Record
from segbench.scoring.pairing import Fault
from segbench.scoring.plain import PlainPair, plain_pairs
from segbench.scoring.plan import Plan, States
from segbench.scoring.reading import Reader


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


@dataclass
class Count:
    """What a chunk of images came to.

    Parameters
    ----------
    states : dict of str to State
        The counts, by family of metrics.
    noted : Notes
        What digests and warnings need of the images.
    records : list of Record
        What was counted of each image, where records are wanted.
    faults : list of (str, SegbenchError)
        What was wrong, with the key of the image.
    """

    states: States
    noted: Notes = field(default_factory=Notes)
    records: list[Record] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """Everything a worker needs to count any chunk of a run.

    Parameters
    ----------
    reader : Reader
        Reads the files.
    plan : Plan
        What is counted.
    recording : bool
        Whether whole records are wanted.
    """

    reader: Reader
    plan: Plan
    recording: bool = False

    def __call__(self, chunk: list[Task]) -> Count:
        """Count a chunk: what is plain all at once, the rest one by one with care."""
        count = Count(self.plan.start())
        palettes = hints.Palettes(self.reader.truth.protocol.colors)
        for task, pair in zip(chunk, self._plain(chunk), strict=True):
            if pair is not None:
                self._take(task, pair, palettes, count)
                continue
            try:
                record = self._record(task, palettes, count.states)
            except SegbenchError as error:
                count.faults += ((task.key, self._named(fault, task)) for fault in error.faults)
                continue
            count.noted.take(record.key, record.truth(), record.prediction, record.notes)
            if self.recording:
                count.records.append(record)
        return count

    def _plain(self, chunk: list[Task]) -> list[PlainPair | None]:
        """Return what the fast lane makes of a chunk."""
        if self.plan.tallies.keys() != {"confusion"} or not self.reader.is_plain:
            return [None] * len(chunk)
        tally = self.plan.tallies["confusion"]
        assert isinstance(tally, ConfusionTally)
        given = [(task.key, task.file) for task in chunk if task.file is not None]
        keys, files = [key for key, _ in given], [file for _, file in given]
        found = iter(plain_pairs(self.reader.truth, self.reader.predictions, tally, keys, files))
        return [None if task.file is None else next(found) for task in chunk]

    def _take(self, task: Task, pair: PlainPair, palettes: hints.Palettes, count: Count) -> None:
        """Count an image that the fast lane has made a table of."""
        tally = self.plan.tallies["confusion"]
        assert isinstance(tally, ConfusionTally)
        tally.add_table(count.states["confusion"], pair.table)
        key = task.key.split("/")
        notes = ("palette",) if palettes.repainted(pair.palette, pair.used) else ()
        count.noted.take(key, [pair.shape, pair.truth], pair.digest, notes)
        if self.recording:
            content = tally.content((*pair.shape,), pair.table)
            count.records.append(Record(key, pair.digest, {"confusion": content}, notes))

    def _record(self, task: Task, palettes: hints.Palettes, states: States) -> Record:
        """Count one image into the states and return its record."""
        reading = self.reader.read(task.key, task.file)
        counts = self._counts(states, reading.sample)
        used = {cell[1] for cell in counts["confusion"]["cells"]} if reading.palette else ()
        notes = (*reading.notes, "palette") if palettes.repainted(reading.palette, used) else reading.notes
        return Record(task.key.split("/"), reading.digest, counts, notes)

    def _counts(self, states: States, sample: Sample) -> dict[str, Any]:
        try:
            return self.plan.count_one(states, sample)
        except (StrayLabel, VoidPrediction) as error:
            if self.reader.truth.protocol.kind == "labels":
                hint = hints.on_values(set(np.unique(sample.prediction).tolist()), self.reader.truth.protocol)
                error.mend = hint or error.mend
            raise
        except DatasetError as error:
            key, shape = "/".join(sample.key), sample.truth.shape
            fault = instances_fault(self.reader.truth, key, shape) if sample.instances is not None else None
            raise fault or error from None

    def _named(self, fault: SegbenchError, task: Task) -> SegbenchError:
        if isinstance(fault, DatasetError):
            return fault.about(self.reader.truth.path(task.key))
        return fault.about(self.reader.predictions.where(str(task.file)))
