"""Everything that goes wrong with volumes: one function a case, ``nv_``, and the answer each must get.

Headers are spoilt byte by byte at the offsets of nifti1.h, as no writer would write them.
"""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np

from tests.bad_inputs.cases import Case, Refused, Same
from tests.datasets.niftis import nifti

SHAPE, SPACING = (9, 8, 6), (1.0, 1.5, 2.0)
FIRST, SECOND = "case_001", "case_002"

#: Offsets of fields in the header of NIfTI-1.
DIM, DATATYPE, BITPIX, PIXDIM, OFFSET, SLOPE, INTERCEPT, XYZT, SFORM_CODE, SROW, MAGIC = (
    40, 70, 72, 76, 108, 112, 116, 123, 254, 280, 344,
)  # fmt: skip

_NAN, _INFINITY = float("nan"), float("inf")


def labels(key: str, places: tuple[int, int] = (1, 5)) -> np.ndarray:
    """Two structures of one case; those of the second are longer."""
    found = np.zeros(SHAPE, np.uint8)
    for i, place in enumerate(places, 1):
        found[place : place + 3, 2:6, 1 : 4 + (key == SECOND)] = i
    return found


@dataclass(frozen=True)
class VolumeSite:
    """A folder with truth and predictions of two cases."""

    folder: Path

    @property
    def truth(self) -> Path:
        """The truth."""
        return self.folder / "truth"

    @property
    def predictions(self) -> Path:
        """The submission."""
        return self.folder / "predictions"

    def file(self, key: str = FIRST) -> Path:
        return self.predictions / f"{key}.nii.gz"

    def put(self, data: bytes) -> None:
        """Replace the prediction of the first case."""
        self.file().write_bytes(data)

    def plain(self) -> bytearray:
        """The prediction of the first case, unpacked."""
        return bytearray(gzip.decompress(self.file().read_bytes()))

    def patch(self, *changes: tuple[int, str, object]) -> None:
        """Write fields into the header of the first prediction: an offset, a format of `struct`, and the value."""
        data = self.plain()
        for offset, form, value in changes:
            values = value if isinstance(value, tuple) else (value,)
            struct.pack_into(f"<{form}", data, offset, *values)
        self.put(gzip.compress(bytes(data), mtime=0))


def build(folder: Path) -> VolumeSite:
    """Write truth and submission."""
    site = VolumeSite(folder)
    for path in (site.truth, site.predictions):
        path.mkdir()
    for key in (FIRST, SECOND):
        (site.truth / f"{key}.nii.gz").write_bytes(nifti(labels(key), SPACING))
        site.file(key).write_bytes(nifti(prediction(key), SPACING))
    return site


def prediction(key: str) -> np.ndarray:
    return labels(key, (1, 6))


def nv_truncated(site: VolumeSite) -> None:
    data = site.file().read_bytes()
    site.put(data[: len(data) // 2])


def nv_truncated_by_its_checksum(site: VolumeSite) -> None:
    site.put(site.file().read_bytes()[:-4])


def nv_truncated_unpacked(site: VolumeSite) -> None:
    _unpacked(site, site.plain()[:-1])


def nv_empty(site: VolumeSite) -> None:
    site.put(b"")


def nv_header_alone(site: VolumeSite) -> None:
    site.put(gzip.compress(bytes(site.plain()[:348])))


def nv_cut_header(site: VolumeSite) -> None:
    site.put(gzip.compress(bytes(site.plain()[:347])))


def nv_text_as_gz(site: VolumeSite) -> None:
    site.put(b"these are not the voxels\n" * 40)


def nv_unpacked_as_gz(site: VolumeSite) -> None:
    # The first bytes say what a file is, not its name.
    site.put(bytes(site.plain()))


def nv_packed_as_nii(site: VolumeSite) -> None:
    site.file().rename(site.predictions / f"{FIRST}.nii")


def nv_packed_twice(site: VolumeSite) -> None:
    site.put(gzip.compress(site.file().read_bytes()))


def nv_flipped_packed_bytes(site: VolumeSite) -> None:
    data = bytearray(site.file().read_bytes())
    data[len(data) // 2] ^= 0xFF
    site.put(bytes(data))


def nv_bad_crc(site: VolumeSite) -> None:
    data = bytearray(site.file().read_bytes())
    data[-8] ^= 0xFF
    site.put(bytes(data))


def nv_no_magic(site: VolumeSite) -> None:
    site.patch((MAGIC, "4s", b"nope"))


def nv_analyze(site: VolumeSite) -> None:
    site.patch((MAGIC, "4s", b"\0\0\0\0"))


def nv_nine_dims(site: VolumeSite) -> None:
    site.patch((DIM, "h", 9))


def nv_no_dims(site: VolumeSite) -> None:
    site.patch((DIM, "h", 0))


def nv_header_bomb(site: VolumeSite) -> None:
    site.patch((DIM, "4h", (3, 32767, 32767, 32767)))


def nv_header_larger_than_memory(site: VolumeSite) -> None:
    # Just below the limit of voxels, of doubles: the truth has another shape, which is found first.
    site.patch((DIM, "4h", (3, 1024, 1024, 1023)), (DATATYPE, "h", 1024), (BITPIX, "h", 64))


def nv_negative_dim(site: VolumeSite) -> None:
    site.patch((DIM + 4, "h", -8))


def nv_zero_dim(site: VolumeSite) -> None:
    site.patch((DIM + 4, "h", 0))


def nv_negative_dim_behind(site: VolumeSite) -> None:
    site.patch((DIM, "h", 4), (DIM + 8, "h", -1))


def nv_two_axes(site: VolumeSite) -> None:
    site.patch((DIM, "h", 2))


def nv_four_axes(site: VolumeSite) -> None:
    site.put(nifti(np.stack([prediction(FIRST)] * 2, axis=-1), SPACING))


def nv_four_axes_the_last_of_one(site: VolumeSite) -> None:
    site.put(nifti(prediction(FIRST)[..., None], SPACING))


def nv_nan_pixdim(site: VolumeSite) -> None:
    site.patch((PIXDIM + 4, "f", _NAN))


def nv_zero_pixdim(site: VolumeSite) -> None:
    site.patch((PIXDIM + 8, "f", 0.0))


def nv_infinite_pixdim(site: VolumeSite) -> None:
    site.patch((PIXDIM + 8, "f", _INFINITY))


def nv_pixdim_against_sform(site: VolumeSite) -> None:
    site.patch((PIXDIM + 4, "f", 3.0))


def nv_nan_sform(site: VolumeSite) -> None:
    site.patch((SROW, "f", _NAN))


def nv_nan_origin(site: VolumeSite) -> None:
    site.patch((SROW + 12, "f", _NAN))


def nv_singular_sform(site: VolumeSite) -> None:
    site.patch((SROW, "12f", (0.0,) * 12))


def nv_float_labels(site: VolumeSite) -> None:
    site.put(nifti(prediction(FIRST).astype(np.float32), SPACING))


def nv_probabilities(site: VolumeSite) -> None:
    site.put(nifti(prediction(FIRST) / 2, SPACING))


def nv_complex(site: VolumeSite) -> None:
    site.put(nifti(prediction(FIRST).astype(np.complex64), SPACING))


def nv_rgb(site: VolumeSite) -> None:
    colors = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    site.put(nifti(colors, SPACING))


def nv_binary_datatype(site: VolumeSite) -> None:
    site.patch((DATATYPE, "h", 1), (BITPIX, "h", 1))


def nv_unknown_datatype(site: VolumeSite) -> None:
    site.patch((DATATYPE, "h", 3))


def nv_negative_datatype(site: VolumeSite) -> None:
    site.patch((DATATYPE, "h", -2))


def nv_bitpix_of_another_type(site: VolumeSite) -> None:
    # The code of the type decides.
    site.patch((BITPIX, "h", 16))


def nv_int64(site: VolumeSite) -> None:
    site.put(nifti(prediction(FIRST).astype(np.int64), SPACING))


def nv_nifti_2(site: VolumeSite) -> None:
    site.put(nifti(prediction(FIRST), SPACING, kind=nibabel.Nifti2Image))


def nv_label_out_of_space(site: VolumeSite) -> None:
    spoilt = prediction(FIRST)
    spoilt[3, 2, 1] = 3
    site.put(nifti(spoilt, SPACING))


def nv_negative_label(site: VolumeSite) -> None:
    spoilt = prediction(FIRST).astype(np.int16)
    spoilt[3, 2, 1] = -1
    site.put(nifti(spoilt, SPACING))


def nv_largest_uint64(site: VolumeSite) -> None:
    spoilt = prediction(FIRST).astype(np.uint64)
    spoilt[3, 2, 1] = 2**64 - 1
    site.put(nifti(spoilt, SPACING))


def nv_zero_slope(site: VolumeSite) -> None:
    # By the standard a slope of 0 means: not scaled.
    site.patch((SLOPE, "2f", (0.0, 5.0)))


def nv_nan_slope(site: VolumeSite) -> None:
    # nibabel writes NaN where there is no scaling.
    site.patch((SLOPE, "2f", (_NAN, _NAN)))


def nv_infinite_slope(site: VolumeSite) -> None:
    site.patch((SLOPE, "2f", (_INFINITY, 0.0)))


def nv_nan_intercept(site: VolumeSite) -> None:
    site.patch((SLOPE, "2f", (1.0, _NAN)))


def nv_half_slope(site: VolumeSite) -> None:
    site.patch((SLOPE, "2f", (0.5, 0.0)))


def nv_slope_undone(site: VolumeSite) -> None:
    site.put(nifti(prediction(FIRST) * 2, SPACING, scaling=(0.5, 0.0)))


def nv_offset_in_header(site: VolumeSite) -> None:
    site.patch((OFFSET, "f", 100.0))


def nv_offset_between_bytes(site: VolumeSite) -> None:
    site.patch((OFFSET, "f", 352.5))


def nv_offset_nan(site: VolumeSite) -> None:
    site.patch((OFFSET, "f", _NAN))


def nv_offset_huge(site: VolumeSite) -> None:
    site.patch((OFFSET, "f", 3e38))


def nv_offset_negative(site: VolumeSite) -> None:
    site.patch((OFFSET, "f", -352.0))


def nv_gzip_bomb(site: VolumeSite) -> None:
    # Nearly 1 GB of zeros behind a volume, in as many bytes as a prediction of its size may have.
    site.put(_bomb(site, 60))


def nv_gzip_bomb_of_megabytes(site: VolumeSite) -> None:
    # 4 GB in 4 MB: not even unpacked.
    site.put(_bomb(site, 256))


def _bomb(site: VolumeSite, count: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    block = packer.compress(bytes(site.plain())) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block + zeros * count


def nv_many_empty_members(site: VolumeSite) -> None:
    # Legal, and harmless: each holds nothing.
    site.put(site.file().read_bytes() + gzip.compress(b"", mtime=0) * 2000)


def nv_flipped_axis(site: VolumeSite) -> None:
    affine = np.diag([-1.0, 1.5, 2.0, 1.0])
    affine[0, 3] = SHAPE[0] - 1
    site.put(nifti(prediction(FIRST)[::-1], affine=affine))


def nv_permuted_axes(site: VolumeSite) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.diag(SPACING)[:, [1, 0, 2]]
    site.put(nifti(prediction(FIRST).transpose(1, 0, 2), affine=affine))


def nv_moved_by_half_a_voxel(site: VolumeSite) -> None:
    site.patch((SROW + 12, "f", 0.5))


def nv_moved_by_a_hair(site: VolumeSite) -> None:
    site.patch((SROW + 12, "f", 0.01))


def nv_another_spacing(site: VolumeSite) -> None:
    site.put(nifti(prediction(FIRST), (1.0, 1.5, 2.2)))


def nv_micrometres(site: VolumeSite) -> None:
    site.patch((XYZT, "B", 3))


def nv_one_slice_short(site: VolumeSite) -> None:
    site.put(nifti(prediction(FIRST)[:, :, :-1], SPACING))


def nv_trailing_bytes(site: VolumeSite) -> None:
    _unpacked(site, site.plain() + b"more")


def nv_trailing_megabyte(site: VolumeSite) -> None:
    _unpacked(site, site.plain() + bytes(1 << 20))


def nv_trailing_bytes_behind_gzip(site: VolumeSite) -> None:
    site.put(site.file().read_bytes() + b"more")


def nv_pair(site: VolumeSite) -> None:
    data = site.plain()
    site.file().unlink()
    struct.pack_into("<4s", data, MAGIC, b"ni1\0")
    (site.predictions / f"{FIRST}.hdr").write_bytes(data[:348])
    (site.predictions / f"{FIRST}.img").write_bytes(data[352:])


def nv_header_of_a_pair(site: VolumeSite) -> None:
    site.patch((MAGIC, "4s", b"ni1\0"))


def nv_symlink(site: VolumeSite) -> None:
    site.file().rename(site.folder / "elsewhere.nii.gz")
    site.file().symlink_to(site.folder / "elsewhere.nii.gz")


def nv_symlink_to_truth(site: VolumeSite) -> None:
    site.file().unlink()
    site.file().symlink_to(site.truth / f"{FIRST}.nii.gz")


def nv_fifo(site: VolumeSite) -> None:
    site.file().unlink()
    os.mkfifo(site.file())


def nv_folder(site: VolumeSite) -> None:
    site.file().unlink()
    site.file().mkdir()


def nv_two_files(site: VolumeSite) -> None:
    (site.predictions / f"{FIRST}.nii").write_bytes(site.plain())


def nv_upper_case_suffix(site: VolumeSite) -> None:
    site.file().rename(site.predictions / f"{FIRST}.NII.GZ")


def nv_missing(site: VolumeSite) -> None:
    site.file().unlink()


def nv_name_with_newline(site: VolumeSite) -> None:
    shutil.copy(site.file(), site.predictions / f"{FIRST}\n\x1b[31m.nii.gz")


def nv_truth_truncated(site: VolumeSite) -> None:
    path = site.truth / f"{FIRST}.nii.gz"
    path.write_bytes(path.read_bytes()[:-9])


def nv_truth_of_probabilities(site: VolumeSite) -> None:
    (site.truth / f"{FIRST}.nii.gz").write_bytes(nifti(labels(FIRST) / 2, SPACING))


def nv_truth_of_whole_floats(site: VolumeSite) -> None:
    (site.truth / f"{FIRST}.nii.gz").write_bytes(nifti(labels(FIRST).astype(np.float32), SPACING))


def nv_truth_of_another_shape(site: VolumeSite) -> None:
    (site.truth / f"{FIRST}.nii.gz").write_bytes(nifti(labels(FIRST)[1:], SPACING))


def nv_truth_with_nan(site: VolumeSite) -> None:
    spoilt = labels(FIRST).astype(np.float32)
    spoilt[0, 0, 0] = np.nan
    (site.truth / f"{FIRST}.nii.gz").write_bytes(nifti(spoilt, SPACING))


def nv_truth_label_out_of_space(site: VolumeSite) -> None:
    spoilt = labels(FIRST)
    spoilt[1, 2, 3] = 9
    (site.truth / f"{FIRST}.nii.gz").write_bytes(nifti(spoilt, SPACING))


def _unpacked(site: VolumeSite, data: bytes | bytearray) -> None:
    """Put an unpacked file in the place of the packed one."""
    site.file().unlink()
    (site.predictions / f"{FIRST}.nii").write_bytes(data)


_FILE = f"/predictions/{FIRST}.nii.gz"
_PLAIN = f"/predictions/{FIRST}.nii"
_TRUTH = f"/truth/{FIRST}.nii.gz"
_LEFT_OVER = "1 file belongs to no image"


def _unreadable(file: str = _FILE, mend: str = "") -> Refused:
    return Refused("unreadable-image", file=file, mend=mend)


CASES = (
    Case(nv_truncated, _unreadable(mend="copy or save it again")),
    Case(nv_truncated_by_its_checksum, _unreadable(mend="copy or save it again")),
    Case(nv_truncated_unpacked, _unreadable(_PLAIN, "copy or save it again")),
    Case(nv_empty, _unreadable()),
    Case(nv_header_alone, _unreadable()),
    Case(nv_cut_header, _unreadable()),
    Case(nv_text_as_gz, _unreadable()),
    Case(nv_unpacked_as_gz, Same()),
    Case(nv_packed_as_nii, Same()),
    Case(nv_packed_twice, _unreadable()),
    Case(nv_flipped_packed_bytes, _unreadable()),
    Case(nv_bad_crc, _unreadable(mend="copy or save it again")),
    Case(nv_no_magic, _unreadable()),
    Case(nv_analyze, _unreadable()),
    Case(nv_nine_dims, _unreadable()),
    Case(nv_no_dims, _unreadable()),
    Case(nv_header_bomb, _unreadable()),
    Case(nv_header_larger_than_memory, Refused("shape-mismatch", file=_FILE)),
    Case(nv_negative_dim, _unreadable()),
    Case(nv_zero_dim, _unreadable()),
    Case(nv_negative_dim_behind, _unreadable()),
    Case(nv_two_axes, _unreadable()),
    Case(nv_four_axes, _unreadable(mend="save one label map")),
    Case(nv_four_axes_the_last_of_one, Same()),
    Case(nv_nan_pixdim, _unreadable()),
    Case(nv_zero_pixdim, _unreadable()),
    Case(nv_infinite_pixdim, _unreadable()),
    Case(nv_pixdim_against_sform, _unreadable(mend="save it again with the spacing")),
    Case(nv_nan_sform, _unreadable()),
    Case(nv_nan_origin, _unreadable()),
    Case(nv_singular_sform, _unreadable()),
    Case(nv_float_labels, _unreadable(mend="astype(uint8)")),
    Case(nv_probabilities, _unreadable(mend="astype(uint8)")),
    Case(nv_complex, _unreadable(mend="astype(uint8)")),
    Case(nv_rgb, _unreadable(mend="astype(uint8)")),
    Case(nv_binary_datatype, _unreadable()),
    Case(nv_unknown_datatype, _unreadable()),
    Case(nv_negative_datatype, _unreadable()),
    Case(nv_bitpix_of_another_type, Same()),
    Case(nv_int64, Same()),
    Case(nv_nifti_2, Same()),
    Case(nv_label_out_of_space, Refused("stray-label", file=_FILE, pixel=(3, 2, 1))),
    Case(nv_negative_label, Refused("stray-label", file=_FILE, pixel=(3, 2, 1))),
    Case(nv_largest_uint64, Refused("stray-label", file=_FILE, pixel=(3, 2, 1))),
    Case(nv_zero_slope, Same()),
    Case(nv_nan_slope, Same()),
    Case(nv_infinite_slope, Same()),
    Case(nv_nan_intercept, _unreadable()),
    Case(nv_half_slope, _unreadable(mend="slope 1 and intercept 0")),
    Case(nv_slope_undone, Same()),
    Case(nv_offset_in_header, _unreadable()),
    Case(nv_offset_between_bytes, _unreadable()),
    Case(nv_offset_nan, _unreadable()),
    Case(nv_offset_huge, _unreadable()),
    Case(nv_offset_negative, _unreadable()),
    Case(nv_gzip_bomb, _unreadable()),
    Case(nv_gzip_bomb_of_megabytes, Refused("submission-error", file=_FILE)),
    Case(nv_many_empty_members, Same()),
    Case(nv_flipped_axis, Refused("geometry-mismatch", file=_FILE, mend="reorient it")),
    Case(nv_permuted_axes, Refused("shape-mismatch", file=_FILE, mend="permuted axes?")),
    Case(nv_moved_by_half_a_voxel, Refused("geometry-mismatch", file=_FILE, mend="resample it")),
    Case(nv_moved_by_a_hair, Same()),
    Case(nv_another_spacing, Refused("geometry-mismatch", file=_FILE, mend="resample it")),
    Case(nv_micrometres, Refused("geometry-mismatch", file=_FILE, mend="resample it")),
    Case(nv_one_slice_short, Refused("shape-mismatch", file=_FILE, mend="resample it")),
    Case(nv_trailing_bytes, Same()),
    Case(nv_trailing_megabyte, _unreadable(_PLAIN)),
    Case(nv_trailing_bytes_behind_gzip, Same()),
    Case(nv_pair, Refused("missing-prediction", file=_FILE)),
    Case(nv_header_of_a_pair, _unreadable(mend="save it as .nii.gz")),
    Case(nv_symlink, _unreadable(mend="put a copy in its place")),
    Case(nv_symlink_to_truth, _unreadable(mend="put a copy in its place")),
    Case(nv_fifo, _unreadable()),
    Case(nv_folder, Refused("missing-prediction", file=_FILE)),
    Case(nv_two_files, Refused("duplicate-prediction", file=_FILE)),
    Case(nv_upper_case_suffix, Same()),
    Case(nv_missing, Refused("missing-prediction", file=_FILE)),
    Case(nv_name_with_newline, Same(_LEFT_OVER)),
    Case(nv_truth_truncated, Refused("dataset-error", 4, _TRUTH)),
    Case(nv_truth_of_probabilities, Refused("dataset-error", 4, _TRUTH)),
    Case(nv_truth_of_whole_floats, Same()),
    Case(nv_truth_of_another_shape, Refused("shape-mismatch", file=_FILE)),
    Case(nv_truth_with_nan, Refused("dataset-error", 4, _TRUTH)),
    Case(nv_truth_label_out_of_space, Refused("dataset-error", 4, _TRUTH, pixel=(1, 2, 3))),
)
