"""Volumes of a data set and of a submission: read in one space, or refused."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.files import as_dataset_error, read_truth
from segbench.datasets.grids import Grid, refuse_other_grid
from segbench.datasets.nifti import HEAD_BYTES, open_nifti
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError, SubmissionError

Labels: TypeAlias = NDArray[np.integer[Any]]


def truth_volume(truth: TruthSet, key: str) -> tuple[Labels, Grid]:
    """Read the truth of a case.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies.
    key : str
        The case.

    Returns
    -------
    ndarray of int, shape (x, y, z)
        Ids, in the order of the axes in the file.
    Grid
        Where the voxels lie.

    Raises
    ------
    DatasetError
        When the file is missing, damaged, or no label volume.
    """
    path = truth.path(key)
    try:
        volume = open_nifti(read_truth(path), floats=True)
        return volume.labels, volume.grid
    except SubmissionError as error:
        raise as_dataset_error(error).about(path) from None


def prediction_volume(data: bytes, grid: Grid) -> Labels:
    """Read the prediction of a case.

    Parameters
    ----------
    data : bytes
        The whole file.
    grid : Grid
        Where the voxels of the truth lie.

    Returns
    -------
    ndarray of int, shape (x, y, z)
        Ids.

    Raises
    ------
    UnreadableImage
        When the file is damaged, or no label volume.
    ShapeMismatch, GeometryMismatch
        When its voxels lie elsewhere; found before anything is unpacked.
    """
    volume = open_nifti(data)
    refuse_other_grid(truth=grid, prediction=volume.grid)
    return volume.labels


def truth_grid(truth: TruthSet, key: str) -> Grid:
    """Read where the voxels of the truth of a case lie; nothing is unpacked.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies.
    key : str
        The case.

    Returns
    -------
    Grid
        Where they lie.

    Raises
    ------
    DatasetError
        When the truth is missing or no label volume.
    """
    path = truth.path(key)
    try:
        return open_nifti(read_truth(path, most=HEAD_BYTES), floats=True).grid
    except SubmissionError as error:
        raise as_dataset_error(error).about(path) from None
    except DatasetError as error:
        raise error.about(path) from None


def check_heads(truth: TruthSet, key: str, head: bytes | None) -> None:
    """Compare the headers of truth and prediction of a case; nothing is unpacked.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies.
    key : str
        The case.
    head : bytes or None
        The first `HEAD_BYTES` of the prediction; None where it is missing.

    Raises
    ------
    DatasetError
        As for `truth_grid`.
    UnreadableImage, ShapeMismatch, GeometryMismatch
        As for `prediction_volume`.
    """
    grid = truth_grid(truth, key)
    if head is not None:
        refuse_other_grid(truth=grid, prediction=open_nifti(head).grid)
