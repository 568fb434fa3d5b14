"""Scans behind the outlines of pictures: read in the space of the truth, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.files import as_dataset_error, read_truth
from segbench.datasets.grids import Grid, refuse_other_grid
from segbench.datasets.nifti import open_nifti
from segbench.errors import DatasetError, SubmissionError


def scan(path: Path, grid: Grid) -> NDArray[np.float64]:
    """Read a scan.

    Parameters
    ----------
    path : Path
        The file.
    grid : Grid
        Where the voxels of the truth lie.

    Returns
    -------
    ndarray of float, shape (x, y, z)
        Its values, scaled as the file says.

    Raises
    ------
    DatasetError
        When it is missing, damaged, of several channels, or lies elsewhere.
    """
    try:
        volume = open_nifti(read_truth(path), floats=True)
        refuse_other_grid(truth=grid, prediction=volume.grid)
        return volume.values
    except SubmissionError as error:
        raise as_dataset_error(error).about(str(path)) from None
    except DatasetError as error:
        raise error.about(str(path)) from None
