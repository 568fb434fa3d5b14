"""The photographs of a data set: their pixels, or small enough to stand on a page."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.files import as_dataset_error, read_truth
from segbench.datasets.pictures import PHOTO_SUFFIXES, picture_path
from segbench.datasets.pngwriter import encode_png
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError, SubmissionError
from segbench.late import late

_photograph = late("segbench.datasets.pillow:photograph")
_thumbnail = late("segbench.datasets.pillow:thumbnail")

#: Pixels of the longer side of a photograph on a page, and its colours.
_MOST, _COLORS = 400, 128


def photo_png(truth: TruthSet, key: str) -> bytes | None:
    """Return the photograph of an image as a small PNG.

    Parameters
    ----------
    truth : TruthSet
        Where the data set lies.
    key : str
        The image, one of those of the truth.

    Returns
    -------
    bytes or None
        A file of few colours; None where there is no photograph, or none that can be read.
    """
    path = photo_path(truth, key)
    if path is None:
        return None
    try:
        return encode_png(*_thumbnail(read_truth(path), _MOST, _COLORS))
    except (SubmissionError, DatasetError):
        # A page is worth having without it, and nothing is counted of it.
        return None


def open_photograph(path: str) -> NDArray[np.uint8]:
    """Return the pixels of a photograph.

    Parameters
    ----------
    path : str
        A JPEG, PNG or TIFF.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Red, green, blue; a grey image has three equal ones.

    Raises
    ------
    DatasetError
        When the file is missing or damaged.
    """
    try:
        pixels: NDArray[np.uint8] = _photograph(read_truth(path))
    except SubmissionError as error:
        raise as_dataset_error(error).about(path) from None
    except DatasetError as error:
        raise error.about(path) from None
    return pixels


def photo_path(truth: TruthSet, key: str) -> str | None:
    """Return the file of the photograph of an image; None where there is none."""
    pattern = truth.layout.images
    if not pattern:
        return None
    names = [pattern[:-2] + suffix for suffix in PHOTO_SUFFIXES] if pattern.endswith(".*") else [pattern]
    paths = [picture_path(truth, name, key) for name in names]
    return next((path for path in paths if os.path.isfile(path) and path != truth.path(key)), None)
