"""The map of instance ids that lies beside a truth: as metrics count it, and as its file is complained of."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.files import as_dataset_error, read_truth
from segbench.datasets.images import decode_labels
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError, SubmissionError

Labels: TypeAlias = NDArray[np.integer[Any]]

#: What metrics take: an instance id is class id × this + number.
PER_CLASS = 1000


def instances_map(truth: TruthSet, key: str) -> Labels | None:
    """Read the map of instance ids of an image, class id × 1000 + number; None where the data set has none.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies.
    key : str
        The image.

    Returns
    -------
    ndarray of int, shape (height, width), or None
        Instance ids; below 1000 a class id without instances.

    Raises
    ------
    DatasetError
        When the file is missing or damaged.
    """
    path = truth.instances_path(key)
    return None if path is None else _counted(_values(path), truth.layout.instance_base)


def instances_fault(truth: TruthSet, key: str, shape: tuple[int, ...]) -> DatasetError | None:
    """Return what is wrong with the map of instance ids of an image, said in the values of its file.

    A metric knows no files, and sees instance ids of one base only, so what it complains of is looked at again.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies.
    key : str
        The image.
    shape : tuple of int
        Shape of its truth.

    Returns
    -------
    DatasetError or None
        The fault, about the map; None where the map is in order.
    """
    path = truth.instances_path(key)
    if path is None:
        return None
    values, base = _values(path), truth.layout.instance_base
    if values.shape != shape:
        found, expected = ("×".join(map(str, size)) for size in (values.shape, shape))
        return DatasetError(f"an instance map of {found} pixels", expected=f"{expected} as the truth", file=path)
    with_instances = [c.id for c in truth.protocol.space.classes if not c.evaluated or c.instance_size is not None]
    counted = _counted(values, base)
    bad = (counted > PER_CLASS) & ~np.isin(counted // PER_CLASS, with_instances)
    if not bad.any():
        return None
    row, column = np.argwhere(bad)[0].tolist()
    return DatasetError(
        f"instance id {values[row, column]} at row {row}, column {column}",
        expected=f"class id × {base} + number, of a class that has instances",
        file=path,
        pixel=(row, column),
        count=int(bad.sum()),
    )


def _values(path: str) -> Labels:
    """Return a map of instance ids as its file holds it."""
    try:
        return decode_labels(read_truth(path), {})
    except SubmissionError as error:
        raise as_dataset_error(error).about(path) from None
    except DatasetError as error:
        raise error.about(path) from None


def _counted(values: Labels, base: int) -> Labels:
    """Return instance ids of one base as those that metrics take; number 0 is no instance in another base."""
    if base == PER_CLASS:
        return values
    wide = values.astype(np.int64)
    return np.where(wide % base > 0, wide // base * PER_CLASS + wide % base, wide // base)
