"""From the files of an image to the maps that are counted: what a data set's truth looks like, and what it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.colors import ColorTable
from segbench.datasets.files import as_dataset_error, read_truth
from segbench.datasets.images import HEADER_BYTES, decode_labels, decode_rgb, read_header
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError, SubmissionError, UnreadableImage
from segbench.labels import Color
from segbench.late import late
from segbench.protocols.protocol import Protocol
from segbench.samples import Strips

Labels: TypeAlias = NDArray[np.integer[Any]]

decode_binary = late("segbench.datasets.levels:decode_binary")
decode_levels = late("segbench.datasets.levels:decode_levels")
decode_multilabel = late("segbench.datasets.multilabel:decode_multilabel")
image_size = late("segbench.datasets.pillow:image_size")
open_raster = late("segbench.datasets.geo:open_raster")
rasterised = late("segbench.datasets.facades:rasterised")
calibration_name = late("segbench.datasets.road:calibration_name")
road_from_above = late("segbench.datasets.birdseye:road_from_above")
road_truth = late("segbench.datasets.road:road_truth")

#: Rows and columns of the road seen from above.
_FROM_ABOVE = (800, 400)


def truth_map(truth: TruthSet, key: str) -> Labels | Strips:
    """Read the truth of an image.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies, and what its values mean.
    key : str
        The image.

    Returns
    -------
    ndarray of int, shape (height, width) or (depth, height, width), or Strips
        A label map of ids, void outside the field of view.

    Raises
    ------
    DatasetError
        When a file is missing, damaged, or does not fit the others.
    """
    path = truth.path(key)
    try:
        labels = _MEANINGS[truth.layout.values](truth, key, read_truth(path))
    except SubmissionError as error:
        raise as_dataset_error(error).about(path) from None
    return labels if not truth.layout.mask else _masked(np.asarray(labels), truth, key)


def truth_size(truth: TruthSet, key: str) -> tuple[int, int] | None:
    """Return rows and columns of the truth of an image without decoding it; None where only decoding tells.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies.
    key : str
        The image.

    Returns
    -------
    (int, int) or None
        The size.

    Raises
    ------
    DatasetError
        When the file is missing, or damaged at its beginning.
    """
    if truth.layout.values == "road_birdseye":
        return _FROM_ABOVE
    if truth.layout.suffix != ".png":
        return None
    try:
        header = read_header(read_truth(truth.path(key), most=HEADER_BYTES))
    except UnreadableImage as error:
        raise as_dataset_error(error) from None
    return header.height, header.width


def prediction_map(data: bytes, protocol: Protocol) -> Labels | Strips | NDArray[Any]:
    """Decode a prediction.

    Parameters
    ----------
    data : bytes
        The whole file: a PNG, or a TIFF where the data set has such.
    protocol : Protocol
        Says what predictions hold.

    Returns
    -------
    ndarray, shape (height, width) or (depth, height, width), or Strips
        Ids for ``labels``; levels of 8 bits for ``levels``; levels or probabilities for ``membranes``; a bit for each
        class for ``multilabel``; numbers of objects for ``video``.

    Raises
    ------
    UnreadableImage
        When the file is damaged, or of a kind that cannot hold such a prediction.
    StrayLabel
        When a colour is not in the table.
    """
    if protocol.kind == "labels":
        return label_map(data, protocol.colors)
    if protocol.kind == "membranes":
        return _probabilities(data)
    if protocol.kind == "video":
        numbers: Labels = decode_binary(data) if protocol.layout.values == "positive" else decode_labels(data, {})
        return numbers
    several = protocol.kind == "multilabel"
    found: Labels = decode_multilabel(data, len(protocol.space.evaluated)) if several else decode_levels(data)
    return found


def label_map(data: bytes, colors: Mapping[Color, int]) -> Labels | Strips:
    """Decode a label map: a PNG, or a TIFF in strips.

    Parameters
    ----------
    data : bytes
        The whole file.
    colors : mapping of color to int
        Id of each colour of the data set.

    Returns
    -------
    ndarray of int, shape (height, width), or Strips
        Ids.

    Raises
    ------
    UnreadableImage
        When the file is damaged or can hold no labels.
    StrayLabel
        When a colour is not in the table; of a TIFF, when the strip is read.
    """
    if not is_tiff(data):
        return decode_labels(data, colors)
    raster = open_raster(data)
    if raster.n_pages != 1:
        raise UnreadableImage(f"{raster.n_pages} pages", expected="one label map")
    if raster.bands == 1:
        return Strips(raster.shape, raster.read)
    if not colors:
        raise UnreadableImage("an RGB image", expected="ids: no colour table is known")
    table = ColorTable(colors)
    return Strips(raster.shape, lambda start, stop: table.ids(raster.read(start, stop)[..., :3]))


def is_tiff(data: bytes) -> bool:
    """Return whether `data` begin as a TIFF does."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _probabilities(data: bytes) -> NDArray[Any]:
    """Return levels of 8 bits or probabilities; what has 16 bits is no level, and is not cut to one."""
    if is_tiff(data):
        values = _stack(data)
        if values.dtype.kind == "f" or values.dtype == np.uint8:
            return values
    else:
        levels: NDArray[np.uint8] = decode_levels(data)
        if read_header(data).depth <= 8:
            return levels
        values = decode_labels(data, {}).astype(np.uint16)
    if values.dtype != np.uint16:
        expected = "probabilities from 0 to 1 as floats, or grey of 8 or 16 bits"
        raise UnreadableImage(f"a TIFF of {values.dtype}", expected=expected)
    return values.astype(np.float32) / np.float32(65535)


def _stack(data: bytes) -> NDArray[Any]:
    """Return the pages of a TIFF, shape (pages, rows, columns); of a single one (rows, columns)."""
    stack: NDArray[Any] = open_raster(data).stack()
    return stack if len(stack) > 1 else stack[0]


def _of_ids(truth: TruthSet, key: str, data: bytes) -> Labels | Strips:
    if truth.protocol.kind == "membranes" and is_tiff(data):
        stack: Labels = _stack(data).astype(np.int64)
        return stack
    if truth.protocol.kind == "multilabel":
        several: Labels = decode_multilabel(data, len(truth.protocol.space.evaluated))
        return several
    return label_map(data, truth.protocol.colors)


def _of_positives(truth: TruthSet, key: str, data: bytes) -> Labels:
    negative, positive = (c.id for c in truth.protocol.space.evaluated)
    return np.where(decode_binary(data) > 0, np.uint8(positive), np.uint8(negative))


def _of_road(truth: TruthSet, key: str, data: bytes) -> Labels:
    labels: Labels = road_truth(decode_rgb(data))
    return labels


def _of_road_from_above(truth: TruthSet, key: str, data: bytes) -> Labels:
    path = truth.file(truth.layout.calibration, calibration_name(key).removesuffix(".txt"))
    try:
        labels: Labels = road_from_above(decode_rgb(data), read_truth(path))
    except DatasetError as error:
        raise error.about(path) from None
    return labels


def _of_rectangles(truth: TruthSet, key: str, data: bytes) -> Labels:
    path = truth.file(truth.layout.images, key)
    try:
        shape = image_size(read_truth(path))
    except SubmissionError as error:
        raise as_dataset_error(error).about(path) from None
    except DatasetError as error:
        raise error.about(path) from None
    labels: Labels = rasterised(data, shape)
    return labels


_MEANINGS: Mapping[str, Callable[[TruthSet, str, bytes], Labels | Strips]] = {
    "ids": _of_ids,
    "colors": _of_ids,
    "positive": _of_positives,
    "road": _of_road,
    "road_birdseye": _of_road_from_above,
    "rectangles": _of_rectangles,
}


def _masked(labels: Labels, truth: TruthSet, key: str) -> Labels:
    """Return a label map that is void where the mask of the image is 0."""
    path = truth.file(truth.layout.mask, key)
    try:
        inside = decode_binary(read_truth(path)) > 0
    except SubmissionError as error:
        raise as_dataset_error(error).about(path) from None
    except DatasetError as error:
        raise error.about(path) from None
    if inside.shape != labels.shape:
        found = f"a mask of {inside.shape[0]}×{inside.shape[1]} pixels"
        raise DatasetError(found, expected=f"{labels.shape[0]}×{labels.shape[1]} as the truth", file=path)
    return np.where(inside, labels, np.asarray(truth.protocol.space.void[0], labels.dtype))
