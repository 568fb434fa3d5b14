"""What stands in a file of a submission, as the official server of a data set wants it.

Bytes that are right already are kept unchanged; the others are decoded and written anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.files import read_truth
from segbench.datasets.images import read_header
from segbench.datasets.maps import is_tiff, label_map, prediction_map
from segbench.datasets.pictures import picture_path
from segbench.datasets.pngwriter import encode_png
from segbench.datasets.truth import TruthSet
from segbench.encoding import renumber
from segbench.errors import BadParameter, DatasetError, ShapeMismatch, SubmissionError
from segbench.frozen import dataclass
from segbench.late import late
from segbench.metrics.membrane import as_probabilities
from segbench.protocols.packing import Packing
from segbench.samples import Strips

Labels: TypeAlias = NDArray[np.integer[Any]]

_bird = late("segbench.datasets.birdseye:BirdsEye")
_calibration = late("segbench.datasets.birdseye:read_calibration")
_float_pages = late("segbench.datasets.tiffwriter:float_pages")
_levels = late("segbench.datasets.levels:decode_levels")
_open_raster = late("segbench.datasets.geo:open_raster")
_rgb_tiff = late("segbench.datasets.tiffwriter:rgb_tiff")
_strip_rows = late("segbench.datasets.tiffwriter:strip_rows")
_voc_palette = late("segbench.datasets.shapes:palette")

#: Colour types of the PNG specification.
_GREY, _PALETTE = 0, 3


@dataclass(frozen=True)
class Packer:
    """Makes the files that a server wants from those of a submission.

    Parameters
    ----------
    truth : TruthSet
        The images, and what values mean.
    pack : Packing
        The form.
    numbering : mapping of int to int
        Id of each value of a prediction that is not written in ids; empty for ids.
    """

    truth: TruthSet
    pack: Packing
    numbering: Mapping[int, int] = field(default_factory=dict)

    def content(self, key: str, data: bytes) -> bytes:
        """Return the file of an image.

        Parameters
        ----------
        key : str
            The image.
        data : bytes
            The file of the submission, which was checked.

        Returns
        -------
        bytes
            The same bytes, where they have the form already; else the same prediction in the form.

        Raises
        ------
        SubmissionError
            When the file cannot be read, or holds what the form cannot.
        DatasetError
            When the calibration of the image is missing or damaged.
        """
        made = _FORMS[self.pack.holds](self, key, data)
        return data if made is None else made

    def stack(self, predictions: Sequence[tuple[str, Callable[[], bytes]]]) -> Iterator[bytes]:
        """Yield the parts of a stack of pages.

        Parameters
        ----------
        predictions : sequence of (str, callable)
            Name of each file in messages, in the order of the pages, and what reads it. A single one may hold all
            pages.

        Yields
        ------
        bytes
            Parts of a TIFF.

        Raises
        ------
        SubmissionError
            When a file cannot be read, or the pages differ in size.
        """
        pages, n_pages = self._pages(predictions), len(predictions)
        if n_pages == 1:
            data = predictions[0][1]()
            if is_tiff(data) and _is_of_floats(data):
                yield data
                return
            whole = self._probabilities(data)
            pages, n_pages = iter(whole), len(whole)
        yield from _float_pages(pages, n_pages)

    def _pages(self, predictions: Sequence[tuple[str, Callable[[], bytes]]]) -> Iterator[NDArray[np.float32]]:
        first: tuple[int, ...] = ()
        for name, read in predictions:
            page = self._probabilities(read())
            first = first or page.shape
            if len(page) != 1 or page.shape != first:
                found = "×".join(map(str, page.shape if len(page) > 1 else page.shape[1:]))
                expected = f"{first[1]}×{first[2]} as the first"
                raise ShapeMismatch(f"a slice of {found} pixels", expected=expected, file=name)
            yield page[0]

    def _probabilities(self, data: bytes) -> NDArray[np.float32]:
        """Return the probabilities in a file, shape (pages, rows, columns)."""
        floats = as_probabilities(prediction_map(data, self.truth.protocol))
        return floats if floats.ndim == 3 else floats[None]

    def labels(self, data: bytes) -> Labels | Strips:
        """Return the ids in a file, given by its `data`."""
        labels = label_map(data, self.truth.protocol.colors)
        return renumber(np.asarray(labels), self.numbering) if self.numbering else labels

    @cached_property
    def palette(self) -> NDArray[np.uint8]:
        """The colour of each id, shape (256, 3), of objects that of VOC; black where there is none."""
        if self.truth.protocol.kind == "video":
            objects: NDArray[np.uint8] = _voc_palette()
            return objects
        colors = np.zeros((256, 3), np.uint8)
        for value, color in self._colors.items():
            if 0 <= value <= 255:
                colors[value] = color
        return colors

    @cached_property
    def _colors(self) -> Mapping[int, tuple[int, int, int]]:
        of_classes = {c.id: c.color for c in self.truth.protocol.space.classes if c.color is not None}
        return of_classes | dict(self.truth.protocol.void_colors)

    def calibration(self, key: str) -> bytes:
        """Return the calibration file of an image.

        Parameters
        ----------
        key : str
            The image.

        Returns
        -------
        bytes
            The file.

        Raises
        ------
        BadParameter
            When the truth was given by its path, so that nothing is known of what lies beside it.
        DatasetError
            When the file is missing.
        """
        if self.truth.by_path:
            raise BadParameter("--truth without the calibrations of the images", expected="--data-root")
        path = picture_path(self.truth, self.pack.calibration, key)
        try:
            return read_truth(path)
        except DatasetError as error:
            raise error.about(path) from None


def natural(key: str) -> list[tuple[int, int, str]]:
    """Return what sorts a `key` as people do: 2 before 10."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", key)
    return [(0, int(number), number) if number else (1, 0, text) for number, text in parts]


def _of_ids(packer: Packer, key: str, data: bytes) -> bytes | None:
    with_palette = packer.pack.holds == "indexed"
    if not (packer.numbering or is_tiff(data)):
        header = read_header(data)
        if header.is_plain and (header.kind == _PALETTE or not with_palette):
            return None
    labels = np.asarray(packer.labels(data))
    if labels.min() < 0 or labels.max() > 255:
        raise SubmissionError(f"ids from {labels.min()} to {labels.max()}", expected="0…255, which an 8-bit PNG holds")
    return encode_png(labels.astype(np.uint8), packer.palette.tobytes() if with_palette else b"")


def _of_colors(packer: Packer, key: str, data: bytes) -> bytes | None:
    if is_tiff(data) and not packer.numbering:
        raster = _open_raster(data)
        if (raster.n_pages, raster.bands, raster.dtype) == (1, 3, np.uint8):
            return None
    labels = packer.labels(data)
    rows, columns = labels.shape
    step = _strip_rows(columns)
    spans = ((start, min(start + step, rows)) for start in range(0, rows, step))
    made: bytes = _rgb_tiff((rows, columns), (packer.palette[_rows(labels, *span)] for span in spans))
    return made


def _of_levels(packer: Packer, key: str, data: bytes) -> bytes | None:
    header = read_header(data)
    if header.is_plain and header.kind == _GREY:
        return None
    return encode_png(_levels(data))


def _of_road_from_above(packer: Packer, key: str, data: bytes) -> bytes:
    calibration = packer.calibration(key)
    try:
        view = _bird(_calibration(calibration)).view(_levels(data))
    except DatasetError as error:
        raise error.about(picture_path(packer.truth, packer.pack.calibration, key)) from None
    return encode_png(view)


_FORMS: Mapping[str, Callable[[Packer, str, bytes], bytes | None]] = {
    "ids": _of_ids,
    "indexed": _of_ids,
    "colors": _of_colors,
    "levels": _of_levels,
    "birdseye": _of_road_from_above,
}


def _rows(labels: Labels | Strips, start: int, stop: int) -> Labels:
    rows: Labels = labels.read(start, stop) if isinstance(labels, Strips) else labels[start:stop]
    return rows


def _is_of_floats(data: bytes) -> bool:
    """Whether a TIFF is a plain stack of 32-bit floats, neither compressed nor a BigTIFF, which few readers know."""
    raster = _open_raster(data)
    n_bytes = raster.n_pages * raster.shape[0] * raster.shape[1] * 4
    return bool(raster.dtype == np.float32 and data[2:4] in (b"*\0", b"\0*") and len(data) > n_bytes)
