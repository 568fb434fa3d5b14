"""Maps whose classes overlap, as one layer of yes and no for each class, whatever form they come in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, DatasetError, SegbenchError, ShapeMismatch, StrayLabel
from segbench.frozen import dataclass
from segbench.kernels.arrays import as_labels
from segbench.metrics.confusion import truth_labels

Labels: TypeAlias = NDArray[np.integer[Any]]

#: Classes that the bits of a map may hold: labels are kept in 64 bits with a sign.
MOST_BITS = 63


@dataclass(frozen=True)
class Layers:
    """One map, by classes; iterating yields a layer of bool for each.

    Parameters
    ----------
    values : ndarray of int
        Without strays: bits, shape (rows, columns), or zeros and ones with the classes along the first axis.
    n_classes : int
        How many classes there are.
    """

    values: Labels
    n_classes: int

    @property
    def has_bits(self) -> bool:
        """Whether bit i of a value is class i."""
        return self.values.ndim == 2

    @property
    def plane(self) -> Labels:
        """An array of the shape of the image or volume."""
        return self.values if self.has_bits else self.values[0]

    def __iter__(self) -> Iterator[NDArray[np.bool_]]:
        for i in range(self.n_classes):
            yield (self.values & (1 << i)) != 0 if self.has_bits else self.values[i] != 0


def as_layers(labels: Any, n_classes: int, *, name: str) -> Layers:
    """Read a map whose classes overlap.

    Parameters
    ----------
    labels : array_like
        Two axes are a map of bits, shape (rows, columns), of an unsigned dtype: bit i, worth 2**i, is class i. More are
        layers of bool, or of the numbers 0 and 1, shape (n_classes, rows, columns) or (n_classes, slices, rows,
        columns). Never changed.
    n_classes : int
        How many classes there are.
    name : str
        What to call it in an error: ``truth`` or ``prediction``.

    Returns
    -------
    Layers
        The map.

    Raises
    ------
    DatasetError
        When a truth has bits beyond the last class, numbers other than 0 and 1, or another number of layers.
    StrayLabel
        When a prediction has such bits or numbers.
    ShapeMismatch
        When a prediction has another number of layers, or too few axes.
    BadParameter
        For what is no such map: of another dtype, of bits too few for the classes, or of anything but numbers.

    Examples
    --------
    >>> import numpy as np
    >>> [layer.tolist() for layer in as_layers(np.array([[0, 1, 2, 3]], np.uint8), 2, name="truth")]
    [[[False, True, False, True]], [[False, False, True, True]]]
    """
    values = truth_labels(labels) if name == "truth" else as_labels(labels, name=name)
    strays: Labels | None
    if values.ndim == 2:
        _refuse_unfit_bits(values, labels, n_classes, name)
        strays = values >> n_classes if n_classes < 8 * values.itemsize else None
    else:
        _refuse_other_layers(values.shape, n_classes, name)
        strays = values >> 1
    if strays is not None and strays.any():
        raise _stray(values, strays != 0, n_classes, name)
    return Layers(values, n_classes)


def _refuse_unfit_bits(values: Labels, given: Any, n_classes: int, name: str) -> None:
    """Refuse what cannot be bits: a list of two axes, or of layers, is more likely a slip than a map of bits."""
    dtype = _dtype(given)
    n_bits = {"u": 8 * dtype.itemsize, "b": 1}.get(dtype.kind, 0)
    if min(n_bits, MOST_BITS) < n_classes:
        raise BadParameter(
            f"{name} of dtype {dtype} with two axes",
            expected=f"(rows, columns) of unsigned integers with a bit for each class, {n_classes} in all, "
            "or (classes, rows, columns) of 0 and 1",
            mend=f"classes beyond {MOST_BITS} need layers" if n_classes > MOST_BITS else "",
        )


def _dtype(given: Any) -> np.dtype[Any]:
    """Return the dtype in which a map came: as labels, bools and wide integers are no longer known."""
    only_dlpack = hasattr(given, "__dlpack__") and not hasattr(given, "__array__")
    return (np.from_dlpack(given) if only_dlpack else np.asarray(given)).dtype


def _refuse_other_layers(shape: tuple[int, ...], n_classes: int, name: str) -> None:
    if len(shape) not in (3, 4) or shape[0] != n_classes:
        kind = DatasetError if name == "truth" else ShapeMismatch
        raise kind(
            f"{name} of shape {shape}",
            expected=f"({n_classes}, rows, columns) or ({n_classes}, slices, rows, columns), a layer for each class, "
            "or (rows, columns) of bits",
        )


def _stray(values: Labels, strays: NDArray[np.bool_], n_classes: int, name: str) -> SegbenchError:
    has_bits = values.ndim == 2
    pixels = strays if has_bits else strays.any(axis=0)
    pixel = tuple(int(i) for i in np.unravel_index(int(np.argmax(pixels)), pixels.shape))
    count = int(np.count_nonzero(pixels))
    if has_bits:
        found, expected = str(values[pixel]), f"0…{2**n_classes - 1}, a bit for each class ({n_classes} in all)"
    else:
        layer = next(i for i in range(n_classes) if strays[(i, *pixel)])
        found, expected = f"{values[(layer, *pixel)]} of layer {layer}", "0 or 1 in every layer"
    axes = ("slice", "row", "column")[-len(pixel) :]
    place = ", ".join(f"{axis} {i}" for axis, i in zip(axes, pixel, strict=True))
    return (DatasetError if name == "truth" else StrayLabel)(
        f"{name} value {found} at {place}, {count} stray pixel{'s'[: count > 1]} in all",
        expected=expected,
        pixel=pixel,
        count=count,
    )
