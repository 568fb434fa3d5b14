from __future__ import annotations

import gzip
import struct

import nibabel
import numpy as np
import pytest

from segbench.datasets.nifti import HEAD_BYTES, open_nifti
from segbench.errors import UnreadableImage
from tests.datasets.niftis import nifti

LABELS = np.random.default_rng(0).integers(0, 5, (7, 5, 3)).astype(np.uint8)
PLAIN = nifti(LABELS, packed=False)


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i2", "i4", "u4", "i8"])
@pytest.mark.parametrize("packed", [False, True])
def test_integers_in_the_order_of_the_axes(dtype: str, packed: bool) -> None:
    found = open_nifti(nifti(LABELS.astype(dtype), (0.5, 0.5, 3.0), packed=packed))
    assert found.labels.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(found.labels, LABELS)
    assert (found.grid.shape, found.grid.spacing, found.grid.has_unit) == ((7, 5, 3), (0.5, 0.5, 3.0), True)


def test_big_endian_headers_and_nifti_2() -> None:
    image = nibabel.Nifti1Image(LABELS, np.eye(4))
    swapped = nibabel.Nifti1Image(LABELS, np.eye(4), image.header.as_byteswapped())
    for data in (swapped.to_bytes(), nifti(LABELS, kind=nibabel.Nifti2Image)):
        np.testing.assert_array_equal(open_nifti(data).labels, LABELS)


@pytest.mark.parametrize(("unit", "scale"), [("mm", 1.0), ("meter", 1000.0), ("micron", 0.001), ("unknown", 1.0)])
def test_units(unit: str, scale: float) -> None:
    grid = open_nifti(nifti(LABELS, (1.0, 2.0, 4.0), unit=unit)).grid
    assert grid.spacing == (scale, 2 * scale, 4 * scale)
    np.testing.assert_array_equal(grid.affine, np.diag([scale, 2 * scale, 4 * scale, 1.0]))
    assert grid.has_unit == (unit != "unknown")


def test_without_qform_and_sform_the_affine_is_that_of_nibabel() -> None:
    image = nibabel.Nifti1Image(LABELS, None)
    image.header.set_zooms((2.0, 3.0, 4.0))
    grid = open_nifti(image.to_bytes()).grid
    assert grid.spacing == (2.0, 3.0, 4.0)
    np.testing.assert_array_equal(grid.affine, nibabel.Nifti1Image.from_bytes(image.to_bytes()).affine)


def test_scaling_is_applied_and_must_come_out_whole() -> None:
    found = open_nifti(nifti(LABELS, scaling=(2.0, 1.0)))
    np.testing.assert_array_equal(found.labels, 2 * LABELS.astype(int) + 1)
    assert found.labels.dtype == np.int64
    with pytest.raises(UnreadableImage, match="no whole numbers after scl_slope 0.5"):
        open_nifti(nifti(LABELS, scaling=(0.5, 0.0))).labels  # noqa: B018
    # A slope of 0 means none.
    np.testing.assert_array_equal(open_nifti(nifti(LABELS, scaling=(0.0, 7.0))).labels, LABELS)


def test_floats_are_taken_only_where_they_may_be_and_are_whole() -> None:
    data = nifti(LABELS.astype(np.float32))
    with pytest.raises(UnreadableImage, match=r"voxels of float32: probabilities\?") as caught:
        open_nifti(data)
    assert "labels.astype(uint8)" in caught.value.mend
    np.testing.assert_array_equal(open_nifti(data, floats=True).labels, LABELS)
    for value in (0.5, np.nan, 1e30):
        odd = LABELS.astype(np.float32)
        odd[1, 2, 1] = value
        with pytest.raises(UnreadableImage, match="no whole numbers"):
            open_nifti(nifti(odd), floats=True).labels  # noqa: B018


def test_axes() -> None:
    np.testing.assert_array_equal(open_nifti(nifti(LABELS[..., None])).labels, LABELS)
    with pytest.raises(UnreadableImage, match="4 axes: 7×5×3×2"):
        open_nifti(nifti(np.stack([LABELS, LABELS], -1)))
    with pytest.raises(UnreadableImage, match="2 axes: 7×5"):
        open_nifti(nifti(LABELS[..., 0]))


@pytest.mark.parametrize("dtype", ["c8", [("R", "u1"), ("G", "u1"), ("B", "u1")]])
def test_colours_and_complex_numbers_are_no_labels(dtype: object) -> None:
    with pytest.raises(UnreadableImage, match=r"colours|complex numbers"):
        open_nifti(nifti(np.zeros((3, 3, 3), dtype), packed=False))  # type: ignore[arg-type]


def changed(at: int, code: str, *values: float) -> bytes:
    """Return the volume, not packed, with some bytes of its header changed."""
    data = bytearray(PLAIN)
    struct.pack_into("<" + code, data, at, *values)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "not a NIfTI file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(400), "not a NIfTI file"),
        (PLAIN[:300], "a cut file: 300 bytes; expected 348"),
        (gzip.compress(b"text", mtime=0), "not a NIfTI file"),
        (b"\x1f\x8b" + bytes(400), "damaged gzip data"),
        (PLAIN[:344] + b"ni1\0" + PLAIN[348:], r"a pair \.hdr and \.img"),
        (changed(42, "3h", 32767, 32767, 32767), "32767×32767×32767 voxels"),
        (changed(42, "3h", 0, 5, 3), "0×5×3 voxels"),
        (changed(42, "3h", -7, 5, 3), "-7×5×3 voxels"),
        (changed(70, "h", 999), "a damaged NIfTI header"),
        (changed(80, "f", 0.0), r"a spacing \(pixdim\)"),
        (changed(80, "f", float("nan")), r"a spacing \(pixdim\)|damaged"),
        (changed(280, "4f", 0.0, 0.0, 0.0, 0.0), "an affine that is singular"),
        (changed(280, "4f", float("inf"), 0.0, 0.0, 0.0), "an affine that is singular"),
        (changed(108, "f", 8.0), "voxels that begin at byte 8|damaged"),
    ],
)
def test_damaged_headers(data: bytes, found: str) -> None:
    with pytest.raises(UnreadableImage, match=found):
        open_nifti(data)


@pytest.mark.parametrize("at", range(0, 348, 3))
def test_no_byte_of_a_header_leads_to_another_error(at: int) -> None:
    for value in (0x00, 0x7F, 0xFF):
        data = PLAIN[:at] + bytes([value]) + PLAIN[at + 1 :]
        try:
            open_nifti(data, floats=True).labels  # noqa: B018
        except UnreadableImage:
            continue


def test_cut_and_overlong_files() -> None:
    packed = gzip.compress(PLAIN)
    damaged = packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:]
    for data, found in [
        (PLAIN[:-1], "a cut file: 456 bytes"),  # 352 + 105 - 1
        (packed[:-9], "a cut file"),
        (damaged, "damaged gzip data"),
        (gzip.compress(PLAIN[:-1]), "a cut file: 456 bytes"),
        (PLAIN + bytes(1 << 17), "more bytes than its header says"),
        (gzip.compress(PLAIN + bytes(1 << 24)), "more bytes than its header says"),
    ]:
        with pytest.raises(UnreadableImage, match=found):
            open_nifti(data).labels  # noqa: B018
    several = gzip.compress(PLAIN[:400]) + gzip.compress(PLAIN[400:])
    np.testing.assert_array_equal(open_nifti(several).labels, LABELS)


def test_a_header_that_no_file_of_that_length_can_fill_costs_nothing() -> None:
    # 1024³ voxels are allowed, but not from some hundred bytes.
    data = gzip.compress(changed(42, "3h", 1024, 1024, 1024))
    with pytest.raises(UnreadableImage, match="a cut file: [0-9]+ packed bytes"):
        open_nifti(data).labels  # noqa: B018


def test_the_first_bytes_are_enough_for_the_grid() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (60, 60, 60)).astype(np.uint8)
    for packed in (False, True):
        data = nifti(noise, packed=packed)
        assert len(data) > HEAD_BYTES
        assert open_nifti(data[:HEAD_BYTES]).grid == open_nifti(data).grid


def test_a_turn_that_is_none_and_a_shape_below_zero_are_damage() -> None:
    """What nibabel finds only when it is asked for affine and shape."""
    image = nibabel.Nifti1Image(np.zeros((3, 4, 5), np.uint8), np.eye(4))
    image.header["qform_code"], image.header["sform_code"], image.header["quatern_b"] = 1, 0, 2
    turned = nifti(np.zeros((3, 4, 5), np.uint8))
    turned = image.header.binaryblock + turned[len(image.header.binaryblock) :]
    with pytest.raises(UnreadableImage, match="w2 should be positive"):
        open_nifti(turned)
    image.header["dim"][:5] = 3, -1, 1, 1, 1
    with pytest.raises(UnreadableImage, match="damaged NIfTI header"):
        open_nifti(image.header.binaryblock + turned[len(image.header.binaryblock) :])


@pytest.mark.parametrize("count", [1, 100_000])
def test_files_of_many_members(count: int) -> None:
    """All are empty but the first and the last; what lies behind each is not copied for it."""
    whole, empty = nifti(LABELS, packed=False), gzip.compress(b"", mtime=0)
    data = gzip.compress(whole[:-1]) + count * empty + gzip.compress(whole[-1:])
    assert np.array_equal(open_nifti(data).labels, LABELS)


def test_a_long_extension_is_passed_over() -> None:
    image = nibabel.Nifti1Image(LABELS, np.eye(4))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, b"x" * 100_000))
    for data in (image.to_bytes(), gzip.compress(image.to_bytes())):
        assert open_nifti(data[:HEAD_BYTES]).grid.shape == LABELS.shape
        assert np.array_equal(open_nifti(data).labels, LABELS)


def test_a_spacing_that_the_affine_contradicts_is_refused() -> None:
    image = nibabel.Nifti1Image(LABELS, np.diag([1.0, 1.0, 2.0, 1.0]))
    image.header["pixdim"][1:4] = 10
    with pytest.raises(UnreadableImage, match="10×10×10, by its affine 1×1×2"):
        open_nifti(image.header.binaryblock + image.to_bytes()[348:])
