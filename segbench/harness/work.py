"""Predicting a split: image by image, resumed where it was stopped, with a batch that gives way to a full memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from segbench.errors import ResourceError, counted
from segbench.frozen import dataclass
from segbench.harness.cost import Ledger
from segbench.harness.device import Device
from segbench.harness.sinks import Sink
from segbench.models.failures import is_out_of_memory

Image: TypeAlias = NDArray[np.uint8]


class Predictor(Protocol):
    """What answers images of one size."""

    @property
    def parameters(self) -> int:
        """Numbers that were learned."""

    def predict(self, images: Sequence[Image], names: Sequence[str]) -> Sequence[Any]:
        """Return an answer for each image."""


@dataclass
class Work:
    """The images of a job that are predicted by one process.

    Parameters
    ----------
    title : str
        What the job is called in messages.
    keys : sequence of str
        The images, of which those that are predicted already are left alone.
    read : callable
        From a key to its pixels.
    size : callable
        From a key to the bytes of its file, which are written down.
    load : callable
        Makes the predictor; called when there is something to predict.
    sink : Sink
        Where predictions go.
    ledger : Ledger
        Where it is written down what they took.
    device : Device
        What computes.
    batch : int
        Images at a time; halved once when memory is at an end.
    progress : callable, optional
        Told images done and all images.
    note : callable, optional
        Told in words what a reader should know.
    """

    title: str
    keys: Sequence[str]
    read: Callable[[str], Image]
    size: Callable[[str], int]
    load: Callable[[], Predictor]
    sink: Sink
    ledger: Ledger
    device: Device
    batch: int = 1
    progress: Callable[[int, int], None] | None = None
    note: Callable[[str], None] | None = None
    _is_halved: bool = field(default=False, init=False)
    _is_warm: bool = field(default=False, init=False)

    def run(self) -> int:
        """Predict what is not predicted yet.

        Returns
        -------
        int
            Images that were predicted.

        Raises
        ------
        SubmissionError
            When a model answers with NaN, another number of classes, or another size: names model and image.
        ResourceError
            When memory is at an end with half the batch, too.
        DatasetError, OutputProblem
            When an image cannot be read, or a prediction not be written.
        """
        there = self.sink.done()
        left = [key for key in self.keys if key not in there]
        if not left:
            return 0
        self.device.forget_peak()
        predictor = self.load()
        done = len(self.keys) - len(left)
        with self.ledger:
            self.ledger.write({"parameters": predictor.parameters})
            try:
                for keys, images in self._batches(left):
                    self._predict(predictor, keys, images)
                    done += len(keys)
                    if self.progress is not None:
                        self.progress(done, len(self.keys))
            finally:
                peak, whose = self.device.peak_memory()
                self.ledger.write({"peak_memory": peak, "memory_of": whose})
        return len(left)

    def _batches(self, keys: Sequence[str]) -> Iterator[tuple[list[str], list[Image]]]:
        """Yield images of one size at a time, while the next ones are read."""
        waiting: list[str] = []
        images: list[Image] = []
        for key, image in _ahead(self.read, keys, 2 * self.batch):
            if waiting and (len(waiting) >= self.batch or image.shape != images[0].shape):
                yield waiting, images
                waiting, images = [], []
            waiting.append(key)
            images.append(image)
        yield waiting, images

    def _predict(self, predictor: Predictor, keys: list[str], images: list[Image]) -> None:
        for start in range(0, len(keys), self.batch):
            part = slice(start, start + self.batch)
            try:
                self._answer(predictor, keys[part], images[part])
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                full = error
            else:
                continue
            self._halve(keys[part], images[part], full)
            # What this part had is done in halves, and so is the rest.
            self._predict(predictor, keys[start:], images[start:])
            return

    def _halve(self, keys: list[str], images: list[Image], error: BaseException) -> None:
        self.device.release()
        rows, columns = images[0].shape[:2]
        found = f"{self.title}: no memory left for {counted(len(keys), 'image')} of {rows}×{columns} on {self.device}"
        if self._is_halved or self.batch == 1:
            mend = "a smaller --batch, --tile or --resize, or --precision bfloat16; what is predicted is kept"
            raise ResourceError(found, mend=mend, file=keys[0]) from error
        self._is_halved = True
        self.batch = max(1, min(self.batch, len(keys)) // 2)
        if self.note is not None:
            self.note(f"{found}; going on with {self.batch} at a time")

    def _answer(self, predictor: Predictor, keys: list[str], images: list[Image]) -> None:
        is_warm = self._is_warm
        operations = 0 if is_warm else _operations(lambda: predictor.predict(images, keys))
        self.device.wait()
        start = time.perf_counter()
        answers = predictor.predict(images, keys)
        self.device.wait()
        seconds = (time.perf_counter() - start) / len(keys)
        self._is_warm = True
        for key, answer in zip(keys, answers, strict=True):
            self.sink.write(key, answer)
            row: dict[str, Any] = {"key": key, "seconds": seconds, "batch": len(keys), "warming": not is_warm}
            row["bytes"] = self.size(key)
            if not is_warm:
                row |= {"flops": operations / len(keys), "flops_of": list(images[0].shape[:2])}
            self.ledger.write(row)


def _operations(answer: Callable[[], object]) -> int:
    """Return the multiplications and additions of an answer that is thrown away: to count changes its last bits."""
    with FlopCounterMode(display=False) as counter:
        answer()
    total: int = counter.get_total_flops()
    return total


def _ahead(read: Callable[[str], Image], keys: Sequence[str], n: int) -> Iterator[tuple[str, Image]]:
    """Yield each key with its image, the next `n` of which are read meanwhile."""
    with ThreadPoolExecutor(1) as reader:
        pending: list[tuple[str, Future[Image]]] = []
        try:
            for key in keys:
                pending.append((key, reader.submit(read, key)))
                if len(pending) > n:
                    first, image = pending.pop(0)
                    yield first, image.result()
            for first, image in pending:
                yield first, image.result()
        finally:
            for _, image in pending:
                image.cancel()
