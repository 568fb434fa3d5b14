"""The images of a split whose truth is not on disk: what they are called, and how large they are."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from segbench.datasets.files import as_dataset_error, read_truth
from segbench.datasets.layouts import find_root, split_keys, truth_folder, truth_names
from segbench.datasets.maps import is_tiff
from segbench.datasets.road import calibration_name, keys_of
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError, SubmissionError
from segbench.late import late
from segbench.protocols.protocol import Layout, Protocol

_image_size = late("segbench.datasets.pillow:image_size")
_open_raster = late("segbench.datasets.geo:open_raster")

#: Suffixes of photographs where the data set fixes none, in the order they are tried.
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")

#: Rows and columns of the road seen from above.
_FROM_ABOVE = (800, 400)


def open_pictures(protocol: Protocol, *, split: str, data_root: Path | None = None) -> TruthSet:
    """Find the images of a split, as if they were its truth.

    Parameters
    ----------
    protocol : Protocol
        The data set.
    split : str
        A split of the protocol, or the one its server scores.
    data_root : Path, optional
        Where the data set lies in its layout.

    Returns
    -------
    TruthSet
        The images: in its layout the pattern of the truth is that of the images.

    Raises
    ------
    BadParameter
        When it is not known where the data set lies.
    DatasetError
        When the images or their list are not there, or have other names than the data set gives them.
    """
    layouts = [found for layout in protocol.layouts_of(split) if (found := _of_pictures(layout, protocol)).truth]
    # A name that the data set itself gives goes before one with any suffix.
    layouts.sort(key=lambda layout: layout.truth.endswith("*"))
    if not layouts:
        raise DatasetError(f"{protocol.name} names no folder of images", expected="the truth of the split")
    files = 0 if protocol.pack is None or split != protocol.pack.split else protocol.pack.files
    shown = replace(protocol, layouts=tuple(layouts), splits={split: files, **protocol.splits})
    root, layout = find_root(shown, data_root, split)
    layout = _settled(layout, root, split)
    keys = split_keys(shown, layout, root, split)
    if _is_road(layout):
        keys = sorted(key for street in keys for key in keys_of(street))
    return TruthSet(shown, layout, split, root, keys)


def as_pictures(truth: TruthSet) -> TruthSet:
    """Return the images of a split whose `truth` is not on disk, as `open_pictures` does."""
    layout = _settled(_of_pictures(truth.layout, truth.protocol), truth.root, truth.split)
    return replace(truth, layout=layout)


def picture_path(truth: TruthSet, pattern: str, key: str) -> str:
    """Return a file of the picture of an image, by a `pattern`: those of KITTI road belong to its street."""
    return truth.file(pattern, calibration_name(key).removesuffix(".txt") if _is_road(truth.layout) else key)


def picture_size(truth: TruthSet, key: str) -> tuple[int, int] | None:
    """Return rows and columns of the prediction that an image wants.

    Parameters
    ----------
    truth : TruthSet
        As `open_pictures` returns it.
    key : str
        The image.

    Returns
    -------
    (int, int) or None
        The size; None where the picture is not on disk.

    Raises
    ------
    DatasetError
        When the picture is damaged.
    """
    if truth.layout.values == "road_birdseye":
        return _FROM_ABOVE
    path = picture_path(truth, truth.layout.truth, key)
    if not os.path.exists(path):
        return None
    try:
        data = read_truth(path)
        rows, columns = _open_raster(data).shape if is_tiff(data) else _image_size(data)
    except SubmissionError as error:
        raise as_dataset_error(error).about(path) from None
    except DatasetError as error:
        raise error.about(path) from None
    return rows, columns


def _of_pictures(layout: Layout, protocol: Protocol) -> Layout:
    """Return a layout in which the images stand for the truth."""
    pattern = layout.images or (protocol.pack.images if protocol.pack else "")
    return replace(layout, truth=pattern, instances="", mask="")


def _settled(layout: Layout, root: Path, split: str) -> Layout:
    """Return a layout of images with the suffix that lies in their folder, where the data set fixes none."""
    if not layout.truth.endswith(".*"):
        return layout
    choices = [replace(layout, truth=layout.truth.removesuffix(".*") + suffix) for suffix in PHOTO_SUFFIXES]
    folder = truth_folder(root, layout, split)
    return next((found for found in choices if truth_names(folder, found)), choices[0])


def _is_road(layout: Layout) -> bool:
    return layout.values in ("road", "road_birdseye")
