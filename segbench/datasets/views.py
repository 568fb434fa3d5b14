"""The prediction of a case that is several files: slices are put together, views are fused."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.forms import Parts
from segbench.datasets.grids import Grid, refuse_other_grid
from segbench.datasets.images import HEADER_BYTES
from segbench.datasets.nifti import HEAD_BYTES, open_nifti
from segbench.datasets.predictions import PredictionSet
from segbench.datasets.probabilities import View, most_likely
from segbench.datasets.slices import check_slices, in_order, restacked
from segbench.datasets.truth import TruthSet
from segbench.datasets.volumes import prediction_volume, truth_grid
from segbench.encoding import Encoding
from segbench.errors import SegbenchError, StrayLabel, SubmissionError, UnreadableImage
from segbench.kernels.confusion import find_code
from segbench.metrics.confusion import stray_error
from segbench.protocols.protocol import Protocol

Labels: TypeAlias = NDArray[np.integer[Any]]

#: A file is never longer than so many bytes a pixel, voxel or probability, and some beside them.
_PIXEL, _VOXEL, _BESIDE = 4, 8, 1 << 20


def check_parts(truth: TruthSet, key: str, predictions: PredictionSet, parts: Parts) -> None:
    """Compare numbers, sizes and headers of the files of a case with its truth; nothing is decoded.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies.
    key : str
        The case.
    predictions : PredictionSet
        Where the files lie.
    parts : Parts
        The files.

    Raises
    ------
    DatasetError
        When the truth is missing or no label volume.
    SubmissionError
        When a slice is missing, there are too many, one has another size or a volume another grid, or a file can hold
        no prediction.
    """
    grid = truth_grid(truth, key)
    form = predictions.naming.form
    with _named(predictions):
        layers = 0
        for axis, files in zip(form.axes, parts.views, strict=True):
            if axis is not None:
                names = in_order(files, grid.shape, axis)
                check_slices((_read(predictions, name, HEADER_BYTES) for name in names), names, grid.shape, axis)
            elif form.rule == "mean":
                layers = _layers(predictions, files[0], grid, truth.protocol, layers)
            else:
                with _about(files[0]):
                    found = open_nifti(_read(predictions, files[0], HEAD_BYTES)).grid
                    refuse_other_grid(truth=grid, prediction=found)


def assembled(truth: TruthSet, predictions: PredictionSet, parts: Parts, grid: Grid) -> tuple[Labels, str]:
    """Read the files of a case.

    Parameters
    ----------
    truth : TruthSet
        Knows the protocol, whose classes probabilities are of.
    predictions : PredictionSet
        Where the files lie, and in which form.
    parts : Parts
        The files.
    grid : Grid
        Where the voxels of the truth lie.

    Returns
    -------
    ndarray of int, shape (x, y, z)
        Ids.
    str
        SHA-256 over the digests of the files: each in hexadecimal and a line feed, views in the order of their names,
        slices in that of their numbers.

    Raises
    ------
    SubmissionError
        As for `check_parts`; or when a file is damaged, or holds a value that is no id.
    """
    case = _Case(predictions, grid, truth.protocol)
    with _named(predictions):
        if predictions.naming.form.rule == "mean":
            labels = case.mean(parts.views)
        else:
            axes = predictions.naming.form.axes
            volumes = [case.volume(files, axis) for files, axis in zip(parts.views, axes, strict=True)]
            labels = volumes[0] if len(volumes) == 1 else voted(volumes)
    return labels, case.digest.hexdigest()


def voted(volumes: Sequence[Labels]) -> Labels:
    """Return what most views say.

    Parameters
    ----------
    volumes : sequence of ndarray of int, shape (x, y, z)
        The label maps, at least one.

    Returns
    -------
    ndarray of int, shape (x, y, z)
        In each voxel the label with the most votes; of those with as many the label of the first view that has one of
        them. Of two views the first always wins.
    """
    dtype = np.result_type(*volumes)
    winner: Labels = np.empty(volumes[0].shape, dtype)
    for x in range(len(winner)):
        planes = [volume[x] for volume in volumes]
        votes = np.zeros((len(planes), *winner.shape[1:]), np.uint8)
        for i, one in enumerate(planes):
            for j in range(i + 1, len(planes)):
                same = one == planes[j]
                votes[i] += same
                votes[j] += same
        winner[x] = planes[0]
        most = votes[0].copy()
        for plane, count in zip(planes[1:], votes[1:], strict=True):
            np.copyto(winner[x], plane, where=count > most)
            np.maximum(most, count, out=most)
    return winner


class _Case:
    """One case while its files are read, one after the other."""

    def __init__(self, predictions: PredictionSet, grid: Grid, protocol: Protocol) -> None:
        self.digest = hashlib.sha256()
        self._predictions, self._grid, self._protocol = predictions, grid, protocol
        # Classes that are still to be seen refuse nothing.
        self._encoding = None if protocol.observed else Encoding(protocol.space)

    def volume(self, files: Mapping[int, str], axis: int | None) -> Labels:
        """Return the labels of one view."""
        shape = self._grid.shape
        if axis is None:
            with _about(files[0]):
                data = self._bytes(files[0], _VOXEL * math.prod(shape))
                return self._known(_signed(prediction_volume(data, self._grid)))
        pixels = math.prod(shape) // shape[axis]
        names = in_order(files, shape, axis)
        return restacked(lambda name: self._bytes(name, _PIXEL * pixels), names, shape, axis, self._known)

    def mean(self, views: Sequence[Mapping[int, str]]) -> Labels:
        """Return the most likely classes by all views."""
        found: list[View] = []
        layers = 0
        for (file,) in (files.values() for files in views):
            layers = _layers(self._predictions, file, self._grid, self._protocol, layers)
            with _about(file):
                data = self._bytes(file, 2 * _VOXEL * math.prod(self._grid.shape) * layers)
                found.append(View(file, open_nifti(data, layers=True)))
        return most_likely(found, _ids(self._protocol, layers))

    def _bytes(self, file: str, most: int) -> bytes:
        data = _read(self._predictions, file, most + _BESIDE + 1)
        if len(data) > most + _BESIDE:
            raise SubmissionError(f"more than {most + _BESIDE} bytes", expected="a file of that size at most")
        self.digest.update(f"{hashlib.sha256(data).hexdigest()}\n".encode())
        return data

    def _known(self, labels: Labels) -> Labels:
        """Refuse values that are no ids, also where other views outvote them."""
        ids = self._encoding
        if ids is not None and find_code(labels=labels, codes=ids.codes, low=ids.low, code=ids.n_codes)[0]:
            raise stray_error(StrayLabel, labels, ids, "prediction")
        return labels


def _layers(predictions: PredictionSet, file: str, grid: Grid, protocol: Protocol, others: int) -> int:
    """Return how many classes a file of probabilities has; `others` is the number of the views before it, or 0."""
    with _about(file):
        head = open_nifti(_read(predictions, file, HEAD_BYTES), layers=True)
        refuse_other_grid(truth=grid, prediction=head.grid)
        n_classes = others if protocol.observed else len(protocol.space.classes)
        if n_classes and head.n_layers != n_classes:
            expected = f"{n_classes} as the first view" if protocol.observed else f"{n_classes}, one for each class"
            raise UnreadableImage(f"{head.n_layers} probabilities a voxel", expected=expected)
    return head.n_layers


def _ids(protocol: Protocol, layers: int) -> list[int]:
    return list(range(layers)) if protocol.observed else [c.id for c in protocol.space.classes]


def _signed(labels: Labels) -> Labels:
    """Return labels of a type that has one above it and all others."""
    if labels.dtype != np.uint64:
        return labels
    if labels.max(initial=0) > np.iinfo(np.int64).max:
        raise StrayLabel(f"label {int(labels.max())}", expected="labels of 63 bits at most")
    return labels.astype(np.int64)


def _read(predictions: PredictionSet, file: str, most: int) -> bytes:
    try:
        return predictions.read(file, most=most)
    except SegbenchError as error:
        # An archive says itself where the file lies; here that is said of all faults in one place.
        error.file = file
        raise


@contextmanager
def _about(file: str) -> Iterator[None]:
    """Say of a fault which file of the submission it is about."""
    try:
        yield
    except SegbenchError as error:
        raise error.about(file) from None


@contextmanager
def _named(predictions: PredictionSet) -> Iterator[None]:
    """Say of a fault where its file lies."""
    try:
        yield
    except SegbenchError as error:
        if error.file is not None:
            error.file = predictions.where(error.file)
        raise
