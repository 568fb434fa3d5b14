"""What every kernel accepts: label maps of any origin, as plain integer arrays of equal shape."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, ResourceError, ShapeMismatch, StrayLabel

Labels: TypeAlias = NDArray[np.integer[Any]]

_ACCEPTED = "integers, booleans, or floats that are whole numbers"
_KEPT_KINDS = ("u1", "u2", "i4", "i8")
_KEPT = frozenset(np.dtype(kind) for kind in _KEPT_KINDS)
# The smallest kept dtype that holds every value of the other one; u8 holds more, which is checked.
_WIDER = {"b1": "u1", "i1": "i4", "i2": "i4", "u4": "i8", "u8": "i8"}
_WHOLE_FLOATS = ("f2", "f4", "f8")
_INT64 = np.iinfo(np.int64)
MOST_CELLS = 2**27


def as_labels(labels: Any, *, name: str) -> Labels:
    """Return a label map as a native-endian array of uint8, uint16, int32 or int64.

    Parameters
    ----------
    labels : array_like
        An array, a memory map, a nested list, an image, or any object with ``__array__`` or ``__dlpack__``.
        It is never changed.
    name : str
        What to call it in an error: ``truth`` or ``prediction``.

    Returns
    -------
    ndarray of uint8, uint16, int32 or int64
        The same memory, whatever its strides, when the dtype is one of these four and native; else a copy:
        bool becomes uint8, int8 and int16 become int32, all others become int64.

    Raises
    ------
    StrayLabel
        For a float that is no whole number, or a value that int64 cannot hold; with the first such pixel in C
        order and the count of all.
    BadParameter
        For anything that holds no labels: objects, text, dates, complex numbers, a ragged list, an image of
        several bands, or a masked array with masked pixels.

    Notes
    -----
    O(1) when no copy is made, else O(pixels).
    """
    array = labels if type(labels) is np.ndarray else _as_array(labels, name)
    if array.dtype in _KEPT and array.flags.aligned:
        return array
    kind = f"{array.dtype.kind}{array.dtype.itemsize}"
    if kind in _WHOLE_FLOATS:
        return _from_floats(array, name)
    if kind == "u8":
        _refuse_stray(array, array > _INT64.max, name, expected=f"at most {_INT64.max}")
    target = _WIDER.get(kind, kind)
    if target not in _KEPT_KINDS:
        raise BadParameter(f"{name} of dtype {array.dtype}", expected=_ACCEPTED)
    return np.array(array, dtype=target)


def as_pair(truth: Any, prediction: Any) -> tuple[Labels, Labels]:
    """Return truth and prediction as label maps of equal shape, each with its own dtype."""
    pair = as_labels(truth, name="truth"), as_labels(prediction, name="prediction")
    same_shape(*pair)
    return pair


def as_byte_pair(truth: Any, prediction: Any) -> tuple[Labels, Labels]:
    """Return truth and prediction as 8-bit label maps of equal shape.

    Parameters
    ----------
    truth, prediction : array_like
        As for `as_labels`.

    Returns
    -------
    truth, prediction : ndarray of uint8
        Both, of equal shape.

    Raises
    ------
    ShapeMismatch, StrayLabel, BadParameter
        As in `same_shape` and `as_labels`; BadParameter also for a dtype other than uint8.
    """
    pair = as_pair(truth, prediction)
    for labels, name in zip(pair, ("truth", "prediction"), strict=True):
        if labels.dtype != np.uint8:
            raise BadParameter(f"{name} of dtype {labels.dtype}", expected="uint8", mend="use coded_table")
    return pair


def as_single(labels: Any, *, name: str) -> Labels:
    """Return one label map, an image or a volume."""
    single = as_labels(labels, name=name)
    image_or_volume(single, name=name)
    return single


def same_shape(truth: NDArray[Any], prediction: NDArray[Any]) -> None:
    """Refuse a pair that is not two images, or two volumes, of equal shape.

    Parameters
    ----------
    truth, prediction : ndarray
        (rows, columns) or (slices, rows, columns).

    Raises
    ------
    ShapeMismatch
        When the shapes differ, or have neither two nor three axes.
    BadParameter
        When the shapes agree and hold no pixel.
    """
    if truth.shape != prediction.shape:
        found, expected = _size(prediction.shape), _size(truth.shape)
        raise ShapeMismatch(found, expected=expected, mend=_guess(truth.shape, prediction.shape))
    image_or_volume(truth, name="truth and prediction")


def image_or_volume(labels: NDArray[Any], *, name: str) -> None:
    """Refuse an array that is neither an image nor a volume.

    Parameters
    ----------
    labels : ndarray
        The array.
    name : str
        What to call it in an error.

    Raises
    ------
    ShapeMismatch
        When it has neither two nor three axes.
    BadParameter
        When it holds no pixel.
    """
    if labels.ndim not in (2, 3):
        raise ShapeMismatch(
            f"{name} of {_size(labels.shape)}",
            expected="(rows, columns) or (slices, rows, columns)",
            mend="pass one image or volume at a time" if labels.ndim > 3 else "",
        )
    if not labels.size:
        raise BadParameter(f"{name} of {_size(labels.shape)}", expected="at least one pixel")


def as_codes(codes: Any, *, name: str) -> NDArray[np.int32]:
    """Return a private copy of a code table: the loops index with it while other threads run.

    Parameters
    ----------
    codes : ndarray of int32, shape (N,)
        Code of each value; −1 stands for a value that the code table does not cover.
    name : str
        What to call it in an error.

    Returns
    -------
    ndarray of int32, shape (N,)
        The copy, in C order.

    Raises
    ------
    BadParameter
        When it is no such array, has no code, or holds one below −1.
    """
    if not isinstance(codes, np.ndarray) or codes.dtype != np.int32 or codes.ndim != 1 or not codes.size:
        kind = f"{codes.dtype} of shape {codes.shape}" if isinstance(codes, np.ndarray) else type(codes).__name__
        raise BadParameter(f"{name}: {kind}", expected="a 1-D array of int32 with at least one code")
    copy = np.array(codes, dtype=np.int32, order="C", subok=False)
    if (lowest := int(copy.min())) < -1:
        raise BadParameter(f"{name} holds {lowest}", expected="codes from 0, or -1 for none")
    return copy


def as_code(code: Any, codes: NDArray[np.int32]) -> int:
    """Return a code to look for.

    Parameters
    ----------
    code : int
        0 to ``max(codes) + 1``, which stands for the values outside.
    codes : ndarray of int32, shape (N,)
        The code table.

    Returns
    -------
    int
        The code.

    Raises
    ------
    BadParameter
        When it is no integer, or none of these.
    """
    number = as_int64(code, name="code")
    outside = int(codes.max()) + 1
    if not 0 <= number <= outside:
        raise BadParameter(f"code={number}", expected=f"0 to {outside}")
    return number


def as_int64(value: Any, *, name: str) -> int:
    """Return an integer that fits 64 bits.

    Parameters
    ----------
    value : int
        The integer, of Python or NumPy.
    name : str
        What to call it in an error.

    Returns
    -------
    int
        The integer of Python.

    Raises
    ------
    BadParameter
        When it is no integer, or needs more than 64 bits with its sign.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise BadParameter(f"{name}={value!r}", expected="an integer") from None
    if not _INT64.min <= number <= _INT64.max:
        raise BadParameter(f"{name}={number}", expected="an integer of 64 bits")
    return number


def empty_table(truth_codes: NDArray[np.int32], prediction_codes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return zeros with a row or column for each code and one for the values outside.

    Parameters
    ----------
    truth_codes, prediction_codes : ndarray of int32, shape (N,)
        Code tables, each of its own length.

    Returns
    -------
    ndarray of int64, shape (max(truth_codes) + 2, max(prediction_codes) + 2)
        The zeros.

    Raises
    ------
    ResourceError
        When 1 GiB does not hold them.
    """
    rows = columns = int(truth_codes.max()) + 2
    if prediction_codes is not truth_codes:
        columns = int(prediction_codes.max()) + 2
    if rows * columns > MOST_CELLS:
        raise ResourceError(f"a table of {rows} × {columns} cells", expected=f"at most {MOST_CELLS} cells (1 GiB)")
    return np.zeros((rows, columns), dtype=np.int64)


def _as_array(labels: Any, name: str) -> NDArray[Any]:
    if isinstance(labels, np.ma.MaskedArray) and (masked := int(np.count_nonzero(labels.mask))):
        raise BadParameter(
            f"{name} is a masked array with {masked} masked pixels",
            expected="a label in every pixel",
            mend="fill them with the void id: .filled(id)",
        )
    _refuse_bands(labels, name)
    # An array whose only door is DLPack would become an array of one object.
    only_dlpack = hasattr(labels, "__dlpack__") and not hasattr(labels, "__array__")
    try:
        return np.from_dlpack(labels) if only_dlpack else np.asarray(labels)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        _refuse_unreadable(labels, name, error)


def _refuse_bands(labels: Any, name: str) -> None:
    # A colour image would pass for a volume of three columns.
    bands = labels.getbands() if hasattr(labels, "getbands") else ()
    if len(bands) > 1:
        raise BadParameter(
            f"{name} is an image of {len(bands)} bands ({''.join(bands)})", expected="one band of labels"
        )


def _refuse_unreadable(labels: Any, name: str, error: Exception) -> NoReturn:
    if isinstance(labels, (list, tuple)):
        raise BadParameter(f"{name} is a ragged list", expected="rows of equal length") from error
    found = f"{name} ({type(labels).__name__}) does not read as an array: {error}"
    raise BadParameter(found, expected=_ACCEPTED) from error


def _from_floats(array: NDArray[Any], name: str) -> Labels:
    # Comparing and rounding a signalling NaN would warn; it is refused like any other NaN.
    with np.errstate(invalid="ignore"):
        exact = array.astype(np.float64)
        # 2.0**63 itself does not fit; NaN fails every comparison.
        whole = (exact == np.floor(exact)) & (exact >= -(2.0**63)) & (exact < 2.0**63)
    _refuse_stray(array, ~whole, name, expected="whole numbers of 64 bits")
    return exact.astype(np.int64)


def _refuse_stray(array: NDArray[Any], stray: NDArray[np.bool_], name: str, *, expected: str) -> None:
    count = int(np.count_nonzero(stray))
    if count:
        pixel = tuple(int(i) for i in np.unravel_index(int(np.argmax(stray)), stray.shape))
        found = f"value {array[pixel].item()!r} in {name} at pixel {pixel}"
        raise StrayLabel(found, expected=expected, pixel=pixel, count=count)


def _size(shape: Sequence[int]) -> str:
    if len(shape) == 2:
        return f"{shape[0]}×{shape[1]} pixels (rows × columns)"
    if len(shape) == 3:
        return f"{shape[0]}×{shape[1]}×{shape[2]} voxels (slices × rows × columns)"
    return f"shape {tuple(shape)}"


def _guess(truth: tuple[int, ...], prediction: tuple[int, ...]) -> str:
    if prediction == truth[::-1]:
        return "transposed?"
    if len(prediction) <= len(truth):
        return ""
    if (1,) * (len(prediction) - len(truth)) + truth == prediction:
        return "drop the leading axes of length 1"
    if prediction[:-1] == truth:
        return "a colour image?" if prediction[-1] in (3, 4) else "scores of classes? take argmax(axis=-1)"
    if prediction[-len(truth) :] == truth:
        axis = len(prediction) - len(truth) - 1
        return f"scores of classes? take argmax(axis={axis})"
    return ""
