"""NIfTI files for tests, written by nibabel."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import ArrayLike


def nifti(
    labels: ArrayLike,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    *,
    affine: ArrayLike | None = None,
    unit: str = "mm",
    scaling: tuple[float, float] | None = None,
    packed: bool = True,
    kind: Any = nibabel.Nifti1Image,
) -> bytes:
    """Return the bytes of a volume; a `scaling` is only written down, the labels are stored as they are."""
    array = np.asarray(labels)
    image = kind(array, np.diag([*spacing, 1.0]) if affine is None else affine, dtype=array.dtype)
    image.header.set_xyzt_units(unit)
    data = bytearray(image.to_bytes())
    if scaling is not None:
        data[112:120] = np.array(scaling, "<f4").tobytes()  # scl_slope and scl_inter
    return gzip.compress(bytes(data), 1, mtime=0) if packed else bytes(data)


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
