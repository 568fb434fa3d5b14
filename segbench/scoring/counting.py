"""Stage two of scoring: a chunk of images is read, decoded once and counted."""

from __future__ import annotations

from dataclasses import field
from typing import Any, NamedTuple

import numpy as np

from segbench.datasets.instances import instances_fault
from segbench.errors import DatasetError, SegbenchError, StrayLabel, VoidPrediction
from segbench.frozen import dataclass
from segbench.metrics.confusion import ConfusionTally
from segbench.samples import Sample
from segbench.scoring import hints
from segbench.scoring.outcome import Notes, Record
from segbench.scoring.pairing import Fault, check_headers
from segbench.scoring.plain import PlainPair, plain_pairs
from segbench.scoring.plan import Plan, States
from segbench.scoring.reading import Reader


class Task(NamedTuple):
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

    @property
    def is_plain(self) -> bool:
        """Whether images are counted in the fast lane, as far as their files are plain."""
        return self.plan.tallies.keys() == {"confusion"} and self.reader.is_plain

    def __call__(self, chunk: list[Task]) -> Count:
        """Count a chunk: what is plain all at once, the rest one by one with care."""
        count = Count(self.plan.start())
        palettes = hints.Palettes(self.reader.truth.protocol.colors)
        is_plain = self.is_plain
        pairs = self._plain(chunk, count) if is_plain else [None] * len(chunk)
        refused = self._refused([task for task, pair in zip(chunk, pairs, strict=True) if not pair] if is_plain else [])
        for task, pair in zip(chunk, pairs, strict=True):
            if pair is not None:
                self._take(task, pair, palettes, count)
            elif task.key in refused:
                count.faults.append((task.key, refused[task.key]))
            else:
                self._take_care(task, palettes, count)
        return count

    def _refused(self, left: list[Task]) -> dict[str, SegbenchError]:
        """Return the faults in the headers of what the fast lane leaves: nobody has looked at them before."""
        reader = self.reader
        return check_headers(reader.truth, [task.key for task in left], reader.predictions, [t.file for t in left])

    def _plain(self, chunk: list[Task], count: Count) -> list[PlainPair | None]:
        """Count what the fast lane takes of a chunk, and return what it makes of each image."""
        tally = self.plan.tallies["confusion"]
        assert isinstance(tally, ConfusionTally)
        given = [(task.key, task.file) for task in chunk if task.file is not None]
        keys, files = [key for key, _ in given], [file for _, file in given]
        pairs = plain_pairs(self.reader.truth, self.reader.predictions, tally, keys, files)
        tables = [pair.table for pair in pairs if pair is not None]
        # All at once, unless something is asked of each image.
        for table in tables if tally.per_image or not tables else [np.sum(tables, axis=0)]:
            tally.add_table(count.states["confusion"], table)
        found = iter(pairs)
        return [None if task.file is None else next(found) for task in chunk]

    def _take(self, task: Task, pair: PlainPair, palettes: hints.Palettes, count: Count) -> None:
        """Note an image that the fast lane has counted."""
        key = task.key.split("/")
        notes = ("palette",) if palettes.repainted(pair.palette, (value for value, _ in pair.prediction)) else ()
        count.noted.take(key, [pair.shape, pair.truth], pair.digest, notes)
        if self.recording:
            tally = self.plan.tallies["confusion"]
            assert isinstance(tally, ConfusionTally)
            content = tally.content((*pair.shape,), pair.table)
            count.records.append(Record(key, pair.digest, {"confusion": content}, notes))

    def _take_care(self, task: Task, palettes: hints.Palettes, count: Count) -> None:
        """Count an image by itself, and keep its faults."""
        try:
            record = self._record(task, palettes, count.states)
        except SegbenchError as error:
            count.faults += ((task.key, self._named(fault, task)) for fault in error.faults)
            return
        count.noted.take(record.key, record.truth(), record.prediction, record.notes)
        if self.recording:
            count.records.append(record)

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
