"""The first pass over volumes whose classes nobody has listed: which ids do truth and predictions hold?

A file that cannot be read holds none here; counting comes upon it again, and says what is wrong with it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from segbench.datasets.predictions import Naming, open_predictions
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError, SegbenchError
from segbench.frozen import dataclass
from segbench.protocols.observed import MOST_IDS, with_ids
from segbench.scoring.counting import Task
from segbench.scoring.executors import ExecutorKind, run_chunks
from segbench.scoring.pairing import pair
from segbench.scoring.reading import Reader


@dataclass(frozen=True)
class Look:
    """What a worker needs to look at any chunk of cases.

    Parameters
    ----------
    reader : Reader
        Reads the files.
    """

    reader: Reader

    def __call__(self, chunk: list[Task]) -> set[int]:
        """Return the ids that the volumes of a chunk hold."""
        return set().union(*map(self._ids, chunk))

    def _ids(self, task: Task) -> set[int]:
        try:
            sample = self.reader.read(task.key, task.file).sample
        except SegbenchError:
            return set()
        volumes = [sample.truth] if sample.prediction is None else [sample.truth, sample.prediction]
        # Plane by plane, so that sorting takes the memory of one.
        return set().union(*(np.unique(plane).tolist() for volume in volumes for plane in volume))


def observed(truth: TruthSet, predictions: Path, *, workers: int, executor: ExecutorKind) -> TruthSet:
    """Return a truth whose protocol has the classes that truth and predictions hold.

    Parameters
    ----------
    truth : TruthSet
        All cases, whatever shard is counted: the classes are those of the whole.
    predictions : Path
        The submission.
    workers, executor
        Where files are read; never changes what is found.

    Returns
    -------
    TruthSet
        The same cases.

    Raises
    ------
    DatasetError
        When no volume can be read that holds more than background, or there are too many ids for structures.
    SubmissionError, Refusal
        When the submission cannot be opened.
    """
    ids: set[int] = set()
    with open_predictions(predictions, truth.keys, Naming.of(truth.protocol.kind, truth.layout)) as submission:
        files = pair(truth.keys, submission).files
        look = Look(Reader(replace(truth, keys=[]), submission.without_lists()))
        chunks = ([Task(key, file)] for key, file in zip(truth.keys, files, strict=True))
        for _, found in run_chunks(look, chunks, executor=executor, workers=workers):
            ids |= found
            if len(ids) > MOST_IDS:
                raise DatasetError(
                    f"more than {MOST_IDS} different labels in truth and predictions",
                    expected="structures, not instances or intensities",
                    file=str(truth.root),
                )
    return replace(truth, protocol=with_ids(truth.protocol, ids))
