"""Checking of a submission whose truth is not on disk, as that of a test split.

Every check of a scored run that needs no truth: names, duplicates, values; and sizes, by the images of the split. Each
prediction is counted against a truth that is void in every pixel, so that faults come from the same place and in the
same words.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from segbench.datasets.files import LARGEST_FILE
from segbench.datasets.images import palette_of
from segbench.datasets.pictures import picture_path, picture_size
from segbench.datasets.predictions import PredictionSet
from segbench.datasets.truth import TruthSet
from segbench.errors import Refusal, ShapeMismatch, UnclaimedFile, counted, printable
from segbench.frozen import dataclass
from segbench.samples import Sample
from segbench.scoring.counting import Job, Task
from segbench.scoring.executors import ExecutorKind, run_chunks
from segbench.scoring.outcome import SHOWN
from segbench.scoring.pairing import Fault, pair
from segbench.scoring.plan import Plan
from segbench.scoring.reading import Reader, Reading
from segbench.scoring.run import spans

#: Families of metrics that need more of the truth than its label map.
_MORE = ("instances",)


@dataclass(frozen=True)
class BlindReader(Reader):
    """Reads predictions, each beside a truth that is void in every pixel."""

    @property
    def is_plain(self) -> bool:
        """Whether both files are counted as they are: there is only one."""
        return False

    def read(self, key: str, file: str | None) -> Reading:
        """Read one prediction, see `Reader`.

        Parameters
        ----------
        key : str
            Its key.
        file : str or None
            The file of the submission.

        Returns
        -------
        Reading
            The prediction beside void.

        Raises
        ------
        SubmissionError, DatasetError
            For what cannot be read.
        ShapeMismatch
            When the image has another size.
        """
        size = picture_size(self.truth, key)
        data = self.predictions.read(str(file), most=LARGEST_FILE) if size is None else self._bytes(str(file), size)
        prediction, notes = self._prediction(data, ())
        if size is not None and tuple(prediction.shape) != size:
            found = "×".join(map(str, prediction.shape))
            raise ShapeMismatch(f"{found} pixels (rows × columns)", expected=f"{size[0]}×{size[1]} as the image")
        sample = Sample(tuple(key.split("/")), self._void(prediction.shape), prediction, place=self.truth.place(key))
        return Reading(
            sample, hashlib.sha256(data).hexdigest(), palette_of(data) if self._counts_values else b"", notes
        )

    def _void(self, shape: tuple[int, ...]) -> Any:
        space = self.truth.protocol.space
        # A space in which every id is a class has no void; nobody looks at what is counted.
        return np.full(shape, next(iter(space.void_truth), space.columns[0]), np.uint8)


@dataclass(frozen=True)
class Blind:
    """A submission and the images it is for.

    Parameters
    ----------
    truth : TruthSet
        The images; their truth is not read.
    predictions : PredictionSet
        The submission.
    strict : bool
        Whether a file that belongs to no image is a fault.
    """

    truth: TruthSet
    predictions: PredictionSet
    strict: bool = False

    def check(
        self,
        numbering: Mapping[int, int],
        *,
        workers: int,
        executor: ExecutorKind,
        progress: Callable[[int, int], None] | None,
    ) -> list[str]:
        """Check every prediction.

        Parameters
        ----------
        numbering : mapping of int to int
            Id of each value of a prediction that is not written in ids; empty for ids.
        workers, executor
            Where predictions are read.
        progress : callable, optional
            Called with the images done and all images.

        Returns
        -------
        list of str
            Warnings, what could not be checked among them.

        Raises
        ------
        SubmissionError, DatasetError, Refusal
            With every fault found, in the order of the keys.
        """
        paired = pair(self.truth.keys, self.predictions)
        faults = [*paired.faults, *(self._unclaimed(name) for name in paired.unclaimed if self.strict)]
        pairs = zip(self.truth.keys, paired.files, strict=True)
        tasks = [Task(key, file) for key, file in pairs if file is not None]
        chunks = (tasks[span] for span in spans(len(tasks), workers))
        done = 0
        for chunk, count in run_chunks(self._job(numbering), chunks, executor=executor, workers=workers):
            faults += count.faults
            done += len(chunk)
            if progress is not None:
                progress(done, len(tasks))
        if faults:
            ordered = [fault for _, fault in sorted(faults, key=lambda fault: fault[0])]
            raise ordered[0] if len(ordered) == 1 else Refusal(ordered)
        return [*self._unchecked(), *self._of_numbers(paired.unclaimed)]

    def _job(self, numbering: Mapping[int, int]) -> Job:
        protocol = self.truth.protocol
        plan = Plan.of(protocol, own=[metric for metric in protocol.metrics if metric.family not in _MORE])
        reader = BlindReader(replace(self.truth, keys=[]), self.predictions.without_lists(), numbering=numbering)
        return Job(reader, plan)

    def _unclaimed(self, name: str) -> Fault:
        fault = UnclaimedFile(
            "belongs to no image of the split",
            expected="only the predictions of the split",
            mend="remove it, or leave out --strict",
            file=self.predictions.where(name),
        )
        return self.predictions.key(name), fault

    def _unchecked(self) -> list[str]:
        if self.truth.layout.values == "road_birdseye":
            return []
        split, keys, pattern = self.truth.split, self.truth.keys, self.truth.layout.truth
        unseen = sum(not os.path.exists(picture_path(self.truth, pattern, key)) for key in keys)
        which = "none of its images is" if unseen == len(keys) else f"{unseen} of its {len(keys)} images are not"
        return [f"the truth of {split} is not on disk, and {which} there: not every size was checked"] if unseen else []

    def _of_numbers(self, unclaimed: Sequence[str]) -> list[str]:
        warnings = []
        n, expected = len(self.truth.keys), self.truth.expected
        if expected and n != expected:
            warnings.append(f"{counted(n, 'image')}, the official {self.truth.split} split has {expected}")
        if unclaimed:
            names = ", ".join(map(printable, unclaimed[:SHOWN])) + ", …"[: 3 * (len(unclaimed) > SHOWN)]
            verb = "belongs" if len(unclaimed) == 1 else "belong"
            warnings.append(f"{counted(len(unclaimed), 'file')} {verb} to no image of the split: {names}")
        return warnings
