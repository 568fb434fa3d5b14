"""The first pass over volumes whose classes nobody has listed: which ids do truth and predictions hold?

A file that cannot be read holds none here; counting comes upon it again, and says what is wrong with it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.forms import SINGLE, Form
from segbench.datasets.predictions import Naming, open_predictions
from segbench.datasets.truth import TruthSet
from segbench.encoding import LARGEST_SPAN
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

    def __call__(self, chunk: list[Task]) -> list[tuple[set[int], set[int]]]:
        """Return the ids that truth and prediction of each case of a chunk hold."""
        return [self._ids(task) for task in chunk]

    def _ids(self, task: Task) -> tuple[set[int], set[int]]:
        try:
            sample = self.reader.read(task.key, task.file).sample
        except SegbenchError:
            return set(), set()
        return _held(sample.truth), set() if sample.prediction is None else _held(sample.prediction)


def _held(volume: NDArray[Any]) -> set[int]:
    # Plane by plane, so that sorting takes the memory of one. What no label space has room for is a stray, and found
    # again in its own file.
    seen = set[int]().union(*(np.unique(plane).tolist() for plane in volume))
    return {value for value in seen if abs(value) < LARGEST_SPAN // 2}


def observed(
    truth: TruthSet, predictions: Path, *, workers: int, executor: ExecutorKind, form: Form = SINGLE
) -> TruthSet:
    """Return a truth whose protocol has the classes that truth and predictions hold.

    Parameters
    ----------
    truth : TruthSet
        All cases, whatever shard is counted: the classes are those of the whole.
    predictions : Path
        The submission.
    workers, executor
        Where files are read; never changes what is found.
    form : Form
        How the prediction of a case is put together.

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
    true: set[int] = set()
    predicted: set[int] = set()
    with open_predictions(predictions, truth.keys, Naming.of(truth.protocol.kind, truth.layout, form)) as submission:
        files = pair(truth.keys, submission).files
        look = Look(Reader(replace(truth, keys=[]), submission.without_lists()))
        chunks = ([Task(key, file)] for key, file in zip(truth.keys, files, strict=True))
        for _, found in run_chunks(look, chunks, executor=executor, workers=workers):
            for of_truth, of_prediction in found:
                true |= of_truth
                predicted |= of_prediction
            if len(true | predicted) > MOST_IDS:
                raise DatasetError(
                    f"more than {MOST_IDS} different labels in truth and predictions",
                    expected="structures, not instances or intensities",
                    file=str(truth.root),
                )
    return replace(truth, protocol=with_ids(truth.protocol, true, predicted - true))
