"""A job from its plan to its record: images, model, predictions, cost."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from segbench.atomic import write_text
from segbench.codec import pretty_json
from segbench.datasets.cocophotos import CocoPhotos
from segbench.datasets.listing import digest_of
from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass
from segbench.harness.cost import Ledger, batch_of, cost_of, sizes_of
from segbench.harness.detections import Detector
from segbench.harness.device import Device
from segbench.harness.images import Images
from segbench.harness.networks import Net, Networks
from segbench.harness.plan import RECORD, Job
from segbench.harness.record import RunRecord
from segbench.harness.rules import fit_rule
from segbench.harness.sinks import Detections, Maps, Sink
from segbench.harness.work import Predictor, Work
from segbench.training.pictures import Pictures
from segbench.version import __version__


@dataclass(frozen=True)
class Share:
    """Which part of the images a process predicts.

    Parameters
    ----------
    number, count : int
        Every `count`-th image from the `number`-th on, counted from 1.
    """

    number: int = 1
    count: int = 1

    def of(self, keys: Sequence[str]) -> Sequence[str]:
        """Return the part of the `keys`."""
        return keys[self.number - 1 :: self.count]

    def divided(self, rank: int, ranks: int) -> Share:
        """Return what of this part the process `rank`, from 0, of `ranks` predicts."""
        return Share(self.number + rank * self.count, self.count * ranks)


class Run:
    """A job with its images open.

    Parameters
    ----------
    job : Job
        The job; nothing is written before something is predicted.
    share : Share
        What of it is predicted here.

    Raises
    ------
    UsageError, DatasetError
        When the data set is not there, its predictions are none that a model here makes, or the folder is of another
        run.
    """

    def __init__(self, job: Job, share: Share | None = None) -> None:
        self.job, self.share = job, share or Share()
        self._is_of_instances = job.protocol.kind == "instances"
        self._check()
        self.images: Images | CocoPhotos = (
            CocoPhotos.open(job.protocol, split=job.split, data_root=job.data_root)
            if self._is_of_instances
            else Images.open(job.protocol, split=job.split, data_root=job.data_root)
        )
        job.check(self._fitted_on)
        place = (self.share.number, self.share.count)
        self.sink: Sink = Detections(job, place) if self._is_of_instances else Maps(job)
        self._refuse_other_images()

    def _check(self) -> None:
        if not self._is_of_instances:
            return
        if len(self.job.subjects) > 1 or str(self.job.views) != "-":
            raise BadParameter(
                f"{self.job.title}: ensembles, sizes, scales, flips or tiles of instances",
                expected="one model that sees the image as it is",
            )
        if self.job.subjects[0].is_rule:
            raise BadParameter(f"{self.job.title}: a rule that knows no instances", expected="a model that finds them")

    @property
    def has_truth(self) -> bool:
        """Whether what is predicted can be scored here."""
        return isinstance(self.images, CocoPhotos) or self.images.has_truth

    @property
    def missing(self) -> list[str]:
        """The images of the whole split that are not predicted yet."""
        done = self.sink.done()
        return [key for key in self.images.keys if key not in done]

    def predict(
        self,
        device: Device,
        *,
        batch: int = 1,
        progress: Callable[[int, int], None] | None = None,
        note: Callable[[str], None] | None = None,
    ) -> int:
        """Predict what is left of the share into the folder of the job; see `segbench.harness.work.Work.run`."""
        self.job.claim(self._fitted_on)
        work = Work(
            self.job.title,
            self.share.of(self.images.keys),
            self.images.photograph,
            self.images.size,
            lambda: self._load(device),
            self.sink,
            Ledger(self.job.folder, (self.share.number, self.share.count)),
            device,
            batch,
            progress,
            note,
        )
        return work.run()

    @cached_property
    def _fitted_on(self) -> str:
        """The digest of what a rule is fitted on."""
        if not self.job.subjects[0].is_rule:
            return ""
        return digest_of(f"{key} {self._train.size(key)}" for key in self._train.keys)

    def _refuse_other_images(self) -> None:
        """Refuse images that have changed since they were predicted."""
        done = self.sink.done().intersection(self.images.keys)
        for key, size in sizes_of(self.job.folder).items():
            if key in done and self.images.size(key) != size:
                raise DatasetError(
                    f"image {key} of {self.images.size(key)} bytes, which was predicted when it had {size}",
                    expected="the image that was predicted",
                    mend="bring it back, or choose another folder with -o",
                    file=str(self.job.folder),
                )

    @cached_property
    def _train(self) -> Pictures:
        return Pictures.open(self.job.protocol, split="train", data_root=self.job.data_root)

    def _load(self, device: Device) -> Predictor:
        job = self.job
        first = job.subjects[0]
        if isinstance(self.images, CocoPhotos):
            return Detector.load(first, self.images.categories, device)
        if first.is_rule:
            return fit_rule(first.model, self._train, self._ids, job.protocol.kind)
        nets = tuple(Net.load(subject, len(self._ids), device) for subject in job.subjects)
        return Networks(nets, job.views, self._ids, job.protocol.kind)

    @cached_property
    def _ids(self) -> NDArray[np.uint8]:
        ids = [label_class.id for label_class in self.job.protocol.space.evaluated]
        if min(ids) < 0 or max(ids) > 255:
            raise BadParameter(f"{self.job.protocol.name}: ids from {min(ids)} to {max(ids)}", expected="0…255")
        return np.array(ids, np.uint8)

    def finish(self, device: Device) -> tuple[Path, RunRecord]:
        """Put together what all shares have predicted, and write the record beside it.

        Parameters
        ----------
        device : Device
            What has computed.

        Returns
        -------
        Path
            What is scored.
        RunRecord
            The record, as it was written.

        Raises
        ------
        OutputProblem
            When it cannot be written.
        """
        predictions = self.sink.close(self.images.keys)
        job = self.job
        record = RunRecord(
            models=tuple(subject.as_model() for subject in job.subjects),
            dataset=job.protocol.identity,
            split=job.split,
            images=len(self.images.keys),
            device=str(device),
            precision=job.precision,
            batch=batch_of(job.folder),
            views=str(job.views),
            cost=cost_of(job.folder),
            versions=versions(),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_text(job.folder / RECORD, pretty_json(record.as_record()))
        return predictions, record


def versions() -> dict[str, str]:
    """Return the versions of what computes."""
    found: dict[str, Any] = {"torch": torch.__version__, "torchvision": version("torchvision"), "numpy": np.__version__}
    if torch.cuda.is_available():
        found["cuda"] = torch.version.cuda
    return {"segbench": __version__, "python": platform.python_version(), **{k: str(v) for k, v in found.items()}}
