"""The careful way of stage two: one image is read and decoded, and every fault finds its words."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.forms import Parts
from segbench.datasets.images import HEADER_BYTES, is_rgb, palette_of, read_header
from segbench.datasets.instances import instances_map
from segbench.datasets.layouts import SUFFIX
from segbench.datasets.maps import prediction_map, truth_map
from segbench.datasets.predictions import PredictionSet
from segbench.datasets.truth import TruthSet
from segbench.encoding import renumber
from segbench.errors import SubmissionError
from segbench.frozen import dataclass
from segbench.late import late
from segbench.samples import Place, Sample

_assembled = late("segbench.datasets.views:assembled")
_truth_volume = late("segbench.datasets.volumes:truth_volume")
_prediction_volume = late("segbench.datasets.volumes:prediction_volume")

Labels: TypeAlias = NDArray[np.integer[Any]]

#: A file of predictions is never longer than so many bytes a pixel, and some chunks beside them.
_BYTES_PER_PIXEL, _BESIDE = (
    {"labels": 4, "levels": 4, "membranes": 8, "multilabel": 64, "video": 4, "volumes": 8},
    1 << 20,
)


@dataclass(frozen=True)
class Reading:
    """One image as it was read.

    Parameters
    ----------
    sample : Sample
        What a tally counts.
    digest : str or None
        SHA-256 of the file of the prediction, or over the digests of its parts; None where it is missing.
    palette : bytes
        The palette of the prediction, three bytes an index; empty where it has none.
    notes : tuple of str
        What was noticed.
    """

    sample: Sample
    digest: str | None = None
    palette: bytes = b""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """Reads the images of a run.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies; its keys are not needed.
    predictions : PredictionSet
        Where predictions lie; its lists are not needed.
    with_instances : bool
        Whether the maps of instance ids are wanted.
    with_first : bool
        Whether the second frame of a video comes with the truth of the first.
    numbering : mapping of int to int
        Id of each value of a prediction that is not written in ids; empty for ids.
    resize : bool
        Whether a prediction of another size is resized to its truth (nearest pixel).
    """

    truth: TruthSet
    predictions: PredictionSet
    with_instances: bool = False
    with_first: bool = False
    numbering: Mapping[int, int] = field(default_factory=dict)
    resize: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the values of both files are counted as they are, and nothing else is."""
        layout, kind = self.truth.layout, self.truth.protocol.kind
        plain = kind == "labels" and layout.values in ("ids", "colors") and not layout.mask
        return plain and not (self.truth.is_unmasked or self.with_instances or self.numbering or self.resize)

    def read(self, key: str, file: str | None) -> Reading:
        """Read one image.

        Parameters
        ----------
        key : str
            Its key.
        file : str or None
            The file of the submission; None where it is missing.

        Returns
        -------
        Reading
            Truth and prediction, decoded.

        Raises
        ------
        SubmissionError, DatasetError
            For what cannot be read.
        """
        if self.truth.protocol.kind == "volumes":
            return self._volumes(key, file)
        truth = truth_map(self.truth, key)
        name, place = tuple(key.split("/")), self._place(key)
        instances = instances_map(self.truth, key) if self.with_instances else None
        about_truth = ("unmasked",) if self.truth.is_unmasked else ()
        if file is None:
            return Reading(Sample(name, truth, None, instances, place), notes=about_truth)
        data = self._bytes(file, truth.shape)
        prediction, notes = self._prediction(data, truth.shape)
        sample = Sample(name, truth, prediction, instances, place)
        palette = palette_of(data) if self._counts_values else b""
        return Reading(sample, hashlib.sha256(data).hexdigest(), palette, (*about_truth, *notes))

    def _place(self, key: str) -> Place | None:
        """Return where a frame stands in its video; the second frame knows the truth of the first if that is wanted."""
        place = self.truth.place(key)
        if not self.with_first or place is None or place.index != 1:
            return place
        sequence = key.rpartition("/")[0]
        return replace(place, first=truth_map(self.truth, f"{sequence}/{self.truth.videos[sequence].frames[0]}"))

    def _volumes(self, key: str, file: str | None) -> Reading:
        truth, grid = _truth_volume(self.truth, key)
        name, notes = tuple(key.split("/")), () if grid.has_unit else ("unitless",)
        if file is None:
            return Reading(Sample(name, truth, None, spacing=grid.spacing), notes=notes)
        if isinstance(file, Parts):
            prediction, digest = _assembled(self.truth, self.predictions, file, grid)
            return Reading(Sample(name, truth, prediction, spacing=grid.spacing), digest, notes=notes)
        data = self._bytes(file, grid.shape)
        sample = Sample(name, truth, _prediction_volume(data, grid), spacing=grid.spacing)
        return Reading(sample, hashlib.sha256(data).hexdigest(), notes=notes)

    @property
    def _counts_values(self) -> bool:
        """Whether the values of a prediction are ids."""
        return self.truth.protocol.kind == "labels" and not self.numbering

    def _bytes(self, file: str, shape: tuple[int, ...]) -> bytes:
        pixels = math.prod(shape)
        if self.resize and file.lower().endswith(SUFFIX):
            header = read_header(self.predictions.read(file, most=HEADER_BYTES))
            pixels = header.height * header.width
        most = _BYTES_PER_PIXEL[self.truth.protocol.kind] * pixels + _BESIDE
        data = self.predictions.read(file, most=most + 1)
        if len(data) > most:
            raise SubmissionError(f"more than {most} bytes", expected="a file of that size at most")
        return data

    def _prediction(self, data: bytes, shape: tuple[int, ...]) -> tuple[Any, tuple[str, ...]]:
        protocol = self.truth.protocol
        prediction = prediction_map(data, protocol)
        notes = ("rgb",) if self.truth.layout.values != "colors" and is_rgb(data) else ()
        if self.numbering:
            prediction = renumber(np.asarray(prediction), self.numbering)
        if self.resize and prediction.shape != shape and len(prediction.shape) == len(shape) == 2:
            return nearest(np.asarray(prediction), shape), (*notes, "resized")
        return prediction, notes


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
