"""Label volumes in NIfTI, and the only place that knows nibabel.

The bytes are unpacked here, never further than the header says the volume goes; nibabel reads the header.
"""

from __future__ import annotations

import logging
import math
import zlib
from collections.abc import Iterable
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.grids import Grid
from segbench.errors import UnreadableImage, require
from segbench.frozen import dataclass

Labels: TypeAlias = NDArray[np.integer[Any]]

#: So many bytes of a file hold its header, packed or not.
HEAD_BYTES = 1 << 16

#: Voxels of the largest volume: four times those of a whole body at 1 mm.
_MOST_VOXELS = 1 << 30

#: A byte of a packed file stands for no more bytes than this, by the format of deflate.
_MOST_PACKED = 1032

#: Bytes behind the voxels that are passed over.
_SLACK = 1 << 16

#: How far, as a share, pixdim and affine may be apart: both are rounded to 32 bits.
_SAME_STEP = 1e-3

#: Packed bytes that are read at once, at first and at most.
_BLOCK, _LARGEST_BLOCK = 1 << 9, 1 << 20

#: Voxels of a strip.
_LINE = 64

_AS_LABELS = "save labels.astype(uint8), with slope 1 and intercept 0"
_GZIP = b"\x1f\x8b"
_MAGICS = (b"n+1\0", b"n+2\0")
_PAIRS = (b"ni1\0", b"ni2\0")
#: Every file begins with the size of its header, 348 or 540, in either order of bytes; the shorter one is the least.
_BEGINNINGS = tuple(size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big"))
_LEAST = 348

#: Units of length by their codes, in mm: metres, millimetres, micrometres.
_UNITS = {1: 1000.0, 2: 1.0, 3: 0.001}

#: nibabel tells of what it mends in a header; nobody asked.
_SILENT = logging.Logger("segbench.nifti")
_SILENT.addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Nifti:
    """A label volume of which only the header was read.

    Parameters
    ----------
    data : bytes
        The file.
    grid : Grid
        Where its voxels lie.
    dtype : dtype
        Of the voxels as stored.
    offset : int
        Where they begin in the unpacked file.
    slope, intercept : float
        What stands in the file is multiplied by the one, then the other is added.
    n_layers : int
        How many volumes follow each other along the fourth axis; 0 for the labels of one.
    """

    data: bytes
    grid: Grid
    dtype: np.dtype[Any]
    offset: int
    slope: float = 1.0
    intercept: float = 0.0
    n_layers: int = 0

    @cached_property
    def labels(self) -> Labels:
        """The voxels, an array of int in the order of the axes in the file.

        Raises
        ------
        UnreadableImage
            When the file is cut or damaged, goes on behind the voxels, or its scaling makes no whole numbers.
        """
        native = self._native()
        is_plain = self.dtype.kind != "f" and (self.slope, self.intercept) == (1.0, 0.0)
        return native if is_plain else self._whole(self._scaled(native))

    @property
    def values(self) -> NDArray[np.float64]:
        """The voxels of a scan, whatever numbers they are; raises as `labels` does for a cut or damaged file."""
        return self._scaled(self._native())

    def _native(self) -> NDArray[Any]:
        n = math.prod(self.grid.shape)
        voxels = np.frombuffer(self._voxels(n * self.dtype.itemsize), self.dtype, n, self.offset)
        return _row_major(voxels.reshape(self.grid.shape, order="F"), self.dtype.newbyteorder("="))

    def _scaled(self, native: NDArray[Any]) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = native * np.float64(self.slope) + np.float64(self.intercept)
        return scaled

    def _voxels(self, size: int) -> bytes:
        end = self.offset + size
        if self.data[:2] != _GZIP:
            if len(self.data) < end:
                raise _cut(f"{len(self.data)} bytes", end)
            if len(self.data) > end + _SLACK:
                raise _too_long(end)
            return self.data
        if end > _MOST_PACKED * len(self.data):
            raise _cut(f"{len(self.data)} packed bytes", end)
        return _unpacked(self.data, end)

    def _whole(self, values: NDArray[np.float64]) -> Labels:
        if not np.array_equal(values, np.rint(values)) or np.abs(values).max(initial=0) > 2.0**53:
            scaled = f" after scl_slope {self.slope:g}, scl_inter {self.intercept:g}" * (self.dtype.kind != "f")
            raise UnreadableImage(
                f"labels that are no whole numbers{scaled}", expected="whole numbers", mend=_AS_LABELS
            )
        return values.astype(np.int64)


def open_nifti(data: bytes, *, floats: bool = False, layers: bool = False) -> Nifti:
    """Read the header of a label volume, or of probabilities.

    Parameters
    ----------
    data : bytes
        A file ``.nii`` or ``.nii.gz``; for the header alone its first `HEAD_BYTES` are enough.
    floats : bool
        Whether labels may be stored as floats, as those of some data sets are; they must be whole numbers.
    layers : bool
        Whether it holds no labels but, along a fourth axis, the probabilities of classes, as floats.

    Returns
    -------
    Nifti
        The volume; its voxels are unpacked when they are asked for.

    Raises
    ------
    UnreadableImage
        When it is no NIfTI file, or one that holds no label volume: of floats, colours or several volumes. A fourth
        axis and those after it may be 1 long. Of probabilities: one without them.
    MissingPackage
        When nibabel is not installed.
    """
    head = _unpacked_head(data)
    header = _header(head)
    dtype = _checked_dtype(header, floats=floats) if not layers else _checked_probabilities(header)
    shape, n_layers = _checked_shape(header, layers=layers)
    slope, intercept = _scaling(header)
    return Nifti(data, _grid(header, shape), dtype, _checked_offset(header), slope, intercept, n_layers)


def _unpacked_head(data: bytes) -> bytes:
    if data[:2] != _GZIP:
        return data[:HEAD_BYTES]
    try:
        return zlib.decompressobj(31).decompress(data[:HEAD_BYTES], HEAD_BYTES)
    except zlib.error as error:
        raise _damaged(error) from None


def _header(head: bytes) -> Any:
    magic = next((head[at : at + 4] for at in (344, 4) if head[at : at + 4] in (*_MAGICS, *_PAIRS)), b"")
    if magic in _PAIRS:
        raise UnreadableImage(
            "the header of a pair .hdr and .img", expected="one .nii or .nii.gz", mend="save it as .nii.gz"
        )
    if not magic and head[:4] in _BEGINNINGS and len(head) < _LEAST:
        raise _cut(f"{len(head)} bytes", _LEAST)
    if not magic:
        raise UnreadableImage("not a NIfTI file", expected="a volume .nii or .nii.gz")
    nibabel = require("nibabel", extra="volumes")
    kind = nibabel.Nifti1Header if magic == _MAGICS[0] else nibabel.Nifti2Header
    try:
        # Of the header alone: extensions, however long, are passed over.
        header = kind(head[: kind.sizeof_hdr], check=False)
        _check_spacing(header["pixdim"][1:4].tolist())
        header.check_fix(logger=_SILENT, error_level=40)
        # Both are asked again where they are needed; of a damaged header nibabel raises errors of its own.
        header.get_data_shape()
        header.get_best_affine()
        return header
    except UnreadableImage:
        raise
    except Exception as error:
        # nibabel raises errors of many kinds for damaged headers.
        raise UnreadableImage(f"a damaged NIfTI header: {error}", expected="a whole volume") from None


def _check_spacing(spacing: list[float]) -> None:
    # Looked at before nibabel makes 1 of 0; of a negative number it takes the size.
    if not all(math.isfinite(step) and step for step in spacing):
        raise UnreadableImage(f"a spacing (pixdim) of {spacing}", expected="three numbers above 0, in mm")


def _checked_offset(header: Any) -> int:
    offset, least = float(header["vox_offset"]), len(header.binaryblock)
    if not (offset >= least and offset.is_integer()):
        raise UnreadableImage(f"voxels that begin at byte {offset:g}", expected=f"a whole number from {least} on")
    return int(offset)


def _checked_dtype(header: Any, *, floats: bool) -> np.dtype[Any]:
    dtype: np.dtype[Any] = header.get_data_dtype()
    if dtype.kind in ("iuf" if floats else "iu"):
        return dtype
    what = {"f": f"{dtype.name}: probabilities?", "c": "complex numbers"}.get(dtype.kind, "colours")
    raise UnreadableImage(f"voxels of {what}", expected="labels: integers", mend=_AS_LABELS)


def _checked_probabilities(header: Any) -> np.dtype[Any]:
    dtype: np.dtype[Any] = header.get_data_dtype()
    if dtype.kind != "f":
        mend = "volumes of labels are fused by vote: --input 'fused(vote,3)'"
        raise UnreadableImage(f"voxels of {dtype.name}", expected="probabilities: floats", mend=mend)
    return dtype


def _checked_shape(header: Any, *, layers: bool) -> tuple[tuple[int, ...], int]:
    whole = tuple(int(n) for n in header.get_data_shape())
    shape, rest = whole[:3], whole[3 + layers :]
    shown = "×".join(map(str, whole))
    n_layers = whole[3] if layers and len(whole) > 3 else 0
    if layers and (n_layers < 2 or any(n != 1 for n in rest)):
        raise UnreadableImage(f"{len(whole)} axes: {shown}", expected="four, the last with a value for each class")
    if len(shape) < 3 or any(n != 1 for n in rest):
        mend = "save one label map, not one volume a class" if rest else ""
        raise UnreadableImage(f"{len(whole)} axes: {shown}", expected="one volume of three axes", mend=mend)
    if min(shape) < 1:
        raise UnreadableImage(f"a volume of {shown} voxels", expected="one voxel at least")
    if math.prod(shape) > _MOST_VOXELS:
        raise UnreadableImage(f"a header of {shown} voxels", expected=f"at most {_MOST_VOXELS} voxels")
    return shape, n_layers


def _scaling(header: Any) -> tuple[float, float]:
    try:
        slope, intercept = header.get_slope_inter()
    except Exception as error:
        raise UnreadableImage(f"a scaling that cannot be used: {error}", expected="scl_slope 1, scl_inter 0") from None
    return (1.0, 0.0) if slope is None else (float(slope), float(intercept or 0.0))


def _grid(header: Any, shape: tuple[int, ...]) -> Grid:
    unit = int(header["xyzt_units"]) % 8
    scale = _UNITS.get(unit, 1.0)
    spacing = tuple(float(step) * scale for step in header["pixdim"][1:4])
    affine = np.array(header.get_best_affine(), np.float64)
    affine[:3] *= scale
    if not np.isfinite(affine).all() or np.linalg.matrix_rank(affine[:3, :3]) < 3:
        raise UnreadableImage("an affine that is singular or no number", expected="three axes in space")
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.allclose(steps, np.abs(spacing), rtol=_SAME_STEP, atol=0):
        # Distances are by the one, the place in space by the other.
        raise UnreadableImage(
            f"a spacing (pixdim) of {_sized(spacing)}, by its affine {_sized(steps)}",
            expected="the same",
            mend="save it again with the spacing that is right in both",
        )
    is_placed = bool(header["sform_code"] > 0 or header["qform_code"] > 0)
    return Grid(shape, spacing, tuple(map(tuple, affine.tolist())), unit in _UNITS, is_placed)


def _row_major(voxels: Labels, dtype: np.dtype[Any]) -> Labels:
    """Return voxels whose last axis is that of neighbours in memory; by strips of cache lines, four times as fast."""
    native: Labels = np.empty(voxels.shape, dtype)
    for y in range(voxels.shape[1]):
        for z in range(0, voxels.shape[2], _LINE):
            native[:, y, z : z + _LINE] = voxels[:, y, z : z + _LINE]
    return native


def _sized(steps: Iterable[float]) -> str:
    return "×".join(f"{abs(step):g}" for step in steps)


def _unpacked(data: bytes, end: int) -> bytes:
    """Unpack a file of `end` bytes, to its last byte but never much further."""
    parts: list[bytes] = []
    left, at, packed = end + _SLACK, 0, memoryview(data)
    while packed[at : at + 2] == _GZIP:
        unpacker, size = zlib.decompressobj(31), _BLOCK
        # In blocks, as what lies behind a member is copied: a file of many short ones would be copied for each.
        while not unpacker.eof:
            block = packed[at : at + size]
            if not block:
                raise _cut(f"{sum(map(len, parts))} bytes", end)
            try:
                part = unpacker.decompress(block, left + 1)
            except zlib.error as error:
                raise _damaged(error) from None
            if len(part) > left:
                raise _too_long(end)
            left, at = left - len(part), at + len(block) - len(unpacker.unused_data)
            parts.append(part)
            size = min(2 * size, _LARGEST_BLOCK)
    whole = b"".join(parts)
    if len(whole) < end:
        raise _cut(f"{len(whole)} bytes", end)
    return whole


def _damaged(error: zlib.error) -> UnreadableImage:
    return UnreadableImage(f"damaged gzip data: {error}", expected="a whole .nii.gz", mend="copy or save it again")


def _cut(found: str, end: int) -> UnreadableImage:
    return UnreadableImage(
        f"a cut file: {found}", expected=f"{end} bytes, as its header says", mend="copy or save it again"
    )


def _too_long(end: int) -> UnreadableImage:
    return UnreadableImage("more bytes than its header says", expected=f"{end} bytes, and little behind them")
