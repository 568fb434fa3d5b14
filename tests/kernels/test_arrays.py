"""What kernels accept as label maps, and what they say to everything else."""

import numpy as np
import pytest
from PIL import Image

from segbench.errors import BadParameter, ResourceError, ShapeMismatch, StrayLabel
from segbench.kernels.arrays import as_byte_pair, as_codes, as_int64, as_labels, empty_table, same_shape

KEPT = ("uint8", "uint16", "int32", "int64")


class ArrayOnly:
    def __init__(self, array):
        self._array = array

    def __array__(self, dtype=None, copy=None):
        return self._array


class DlpackOnly:
    def __init__(self, array):
        self._array = array

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


def labels_of(values, name="prediction"):
    return as_labels(values, name=name)


@pytest.mark.parametrize("dtype", KEPT)
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a,
        lambda a: a.T,
        lambda a: a[::-1, ::-2],
        lambda a: a[1::2],
        lambda a: np.broadcast_to(a[:1], a.shape),
        lambda a: np.broadcast_to(a[0, 0], a.shape),
    ],
)
def test_good_arrays_are_not_copied(dtype, view):
    array = view(np.arange(48, dtype=dtype).reshape(6, 8))
    array.flags.writeable = False
    assert labels_of(array) is array


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("bool", "uint8"),
        ("int8", "int32"),
        ("int16", "int32"),
        ("uint32", "int64"),
        ("uint64", "int64"),
        ("float16", "int64"),
        ("float32", "int64"),
        ("float64", "int64"),
        *((">" + np.dtype(kept).str[1:], kept) for kept in KEPT[1:]),
        (">i2", "int32"),
        (">u4", "int64"),
        (">u8", "int64"),
        (">f4", "int64"),
        ("longlong", "int64"),
    ],
)
def test_dtypes(dtype, expected):
    array = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    before = array.tobytes()
    labels = labels_of(array)
    assert labels.dtype == np.dtype(expected)
    assert labels.dtype.isnative
    assert type(labels) is np.ndarray
    assert np.array_equal(labels, array)
    assert (array.tobytes(), array.dtype) == (before, np.dtype(dtype))


def test_booleans_are_zero_and_one_whatever_their_bytes():
    raw = np.array([[0, 1, 2, 255]], dtype=np.uint8).view(bool)
    assert labels_of(raw).tolist() == [[0, 1, 1, 1]]


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint32", "uint64", "float32", "float64"])
def test_values_survive(dtype):
    limits = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else None
    ends = [limits.min, min(limits.max, 2**63 - 1)] if limits else [-(2**63), 2**53, -7, 2**24]
    array = np.array([ends], dtype=dtype)
    assert labels_of(array).tolist() == [ends]


def test_unaligned_memory_is_copied():
    raw = np.zeros(17, dtype=np.uint8)
    labels = labels_of(raw[1:].view(np.int32).reshape(2, 2))
    assert labels.flags.aligned


@pytest.mark.parametrize("dtype", KEPT)
def test_memory_maps_and_subclasses_lose_their_class_and_keep_their_memory(dtype, tmp_path):
    np.arange(12, dtype=dtype).tofile(tmp_path / "labels")
    mapped = np.memmap(tmp_path / "labels", dtype=dtype, mode="r", shape=(3, 4))
    labels = labels_of(mapped)
    assert type(labels) is np.ndarray
    assert np.shares_memory(labels, mapped)


@pytest.mark.parametrize("wrap", [ArrayOnly, DlpackOnly, lambda a: a.tolist(), lambda a: tuple(a.tolist()), memoryview])
def test_other_carriers(wrap):
    array = np.array([[3, 1], [2, 0]])
    assert labels_of(wrap(array)).tolist() == array.tolist()


@pytest.mark.parametrize(
    ("mode", "dtype"), [("L", "uint8"), ("P", "uint8"), ("1", "uint8"), ("I", "int32"), ("I;16", "uint16")]
)
def test_images(mode, dtype):
    image = Image.new(mode, (5, 4), 1)
    labels = labels_of(image)
    assert (labels.dtype, labels.shape) == (np.dtype(dtype), (4, 5))
    assert (labels == 1).all()


def test_tensors():
    torch = pytest.importorskip("torch")
    tensor = torch.arange(6).reshape(2, 3)
    assert labels_of(tensor).tolist() == tensor.tolist()
    assert labels_of(tensor.T.to(torch.uint8)).dtype == np.uint8
    with pytest.raises(BadParameter, match=r"Tensor.*does not read as an array"):
        labels_of(tensor.to(torch.bfloat16))
    with pytest.raises(BadParameter, match="grad"):
        labels_of(tensor.float().requires_grad_())


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.array([["a"]]), "prediction of dtype <U1"),
        (np.array([[b"a"]]), "prediction of dtype |S1"),
        (np.array([[1 + 0j]]), "prediction of dtype complex128"),
        (np.array([[1, 2]], dtype=object), "prediction of dtype object"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), "prediction of dtype datetime64[D]"),
        (np.array([[1]], dtype="timedelta64[s]"), "prediction of dtype timedelta64[s]"),
        (np.zeros((2, 2), dtype=[("r", "u1")]), "prediction of dtype [('r', 'u1')]"),
        (np.zeros((2, 2), dtype=np.longdouble), f"prediction of dtype {np.dtype(np.longdouble)}"),
        (None, "prediction of dtype object"),
        ({1: 2}, "prediction of dtype object"),
        ([[2**70]], "prediction of dtype object"),
        ("labels.png", "prediction of dtype <U10"),
        ([[1, 2], [3]], "prediction is a ragged list"),
        (([1, 2], [3, [4]]), "prediction is a ragged list"),
        (Image.new("RGB", (5, 4)), "prediction is an image of 3 bands (RGB)"),
    ],
)
def test_what_holds_no_labels(values, found):
    with pytest.raises(BadParameter) as caught:
        labels_of(values)
    assert caught.value.found == found
    assert caught.value.expected


def test_masked_arrays():
    mask = [[True, False], [False, True]]
    with pytest.raises(BadParameter, match="truth is a masked array with 2 masked pixels"):
        as_labels(np.ma.MaskedArray([[1, 2], [3, 4]], mask=mask), name="truth")
    assert labels_of(np.ma.MaskedArray([[1, 2]], mask=False)).tolist() == [[1, 2]]
    assert type(labels_of(np.ma.MaskedArray([[1, 2]]))) is np.ndarray


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
@pytest.mark.parametrize("value", [0.5, -1.5, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floats_that_are_no_labels(dtype, value, order):
    array = np.ones((4, 5), dtype=dtype, order=order)
    array[3, 0] = array[1, 4] = value
    with pytest.raises(StrayLabel) as caught:
        labels_of(array)
    assert caught.value.found == f"value {value!r} in prediction at pixel (1, 4)"
    assert (caught.value.pixel, caught.value.count) == ((1, 4), 2)


@pytest.mark.parametrize("value", [2.0**63, -(2.0**63) * 1.5, 1e300])
def test_whole_floats_beyond_64_bits(value):
    with pytest.raises(StrayLabel, match="of 64 bits"):
        labels_of(np.array([[0.0, value]]))


def test_a_signalling_nan_is_refused_without_a_warning():
    signalling = np.array([[0x7FA00000]], dtype=np.uint32).view(np.float32)
    with pytest.raises(StrayLabel, match="nan"):
        labels_of(signalling)


@pytest.mark.parametrize("dtype", ["<u8", ">u8"])
def test_unsigned_values_beyond_63_bits(dtype):
    array = np.zeros((2, 3, 4), dtype=dtype)
    array[1, 0, 3] = 2**63
    array[1, 2, 0] = 2**64 - 1
    with pytest.raises(StrayLabel) as caught:
        as_labels(array, name="truth")
    assert caught.value.found == f"value {2**63} in truth at pixel (1, 0, 3)"
    assert (caught.value.pixel, caught.value.count) == ((1, 0, 3), 2)


@pytest.mark.parametrize(
    ("truth", "prediction", "found", "mend"),
    [
        ((480, 640), (640, 480), "640×480 pixels (rows × columns)", "transposed?"),
        ((480, 640), (480, 320), "480×320 pixels (rows × columns)", ""),
        (
            (480, 640),
            (1, 480, 640),
            "1×480×640 voxels (slices × rows × columns)",
            "drop the leading axes of length 1",
        ),
        (
            (480, 640),
            (21, 480, 640),
            "21×480×640 voxels (slices × rows × columns)",
            "scores of classes? take argmax(axis=0)",
        ),
        ((48, 64), (1, 21, 48, 64), "shape (1, 21, 48, 64)", "scores of classes? take argmax(axis=1)"),
        ((480, 640), (480, 640, 3), "480×640×3 voxels (slices × rows × columns)", "a colour image?"),
        (
            (48, 64),
            (48, 64, 21),
            "48×64×21 voxels (slices × rows × columns)",
            "scores of classes? take argmax(axis=-1)",
        ),
        ((3, 4, 5), (5, 4, 3), "5×4×3 voxels (slices × rows × columns)", "transposed?"),
        ((3, 4, 5), (4, 5), "4×5 pixels (rows × columns)", ""),
        ((3, 4), (12,), "shape (12,)", ""),
        ((3, 4), (0, 4), "0×4 pixels (rows × columns)", ""),
    ],
)
def test_shapes_that_differ(truth, prediction, found, mend):
    with pytest.raises(ShapeMismatch) as caught:
        same_shape(np.zeros(truth, np.uint8), np.zeros(prediction, np.uint8))
    assert (caught.value.found, caught.value.mend) == (found, mend)
    assert caught.value.expected.startswith(f"{truth[0]}×{truth[1]}")


@pytest.mark.parametrize("shape", [(), (7,), (1, 2, 3, 4)])
def test_shapes_that_are_no_image(shape):
    with pytest.raises(ShapeMismatch, match="rows, columns"):
        same_shape(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (2, 3, 0)])
def test_images_without_a_pixel(shape):
    with pytest.raises(BadParameter, match="at least one pixel"):
        same_shape(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))


def test_bytes_only():
    labels = np.zeros((2, 2), np.uint8)
    assert as_byte_pair(labels, labels.astype(bool))[1].dtype == np.uint8
    with pytest.raises(BadParameter, match="prediction of dtype int32; expected uint8; use coded_table"):
        as_byte_pair(labels, labels.astype(np.int32))


def test_codes_are_a_private_copy():
    codes = np.arange(10, dtype=np.int32)[::2]
    copy = as_codes(codes, name="codes")
    assert copy.tolist() == codes.tolist()
    assert copy.flags.c_contiguous
    assert not np.shares_memory(copy, codes)
    with pytest.raises(BadParameter, match=r"codes: float64 of shape \(3,\)"):
        as_codes(np.zeros(3), name="codes")


def test_integers():
    assert as_int64(np.uint8(3), name="low") == 3
    for wrong in (2**63, -(2**63) - 1, 1.0, "1", None):
        with pytest.raises(BadParameter, match="low="):
            as_int64(wrong, name="low")


def test_a_table_beyond_a_gibibyte_is_refused_before_it_is_made():
    codes = np.array([2**14], dtype=np.int32)
    with pytest.raises(ResourceError, match="16386 × 16386 cells"):
        empty_table(codes, codes)
