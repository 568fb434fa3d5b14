"""Label maps as maps of codes, for what has to know where in an image a class is.

A code is the position of an id in `LabelSpace.columns`: the evaluated classes come first, so for them it is the class
index, and whatever is not smaller than their number is no class.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.encoding import Encoding
from segbench.errors import BadParameter, DatasetError, StrayLabel
from segbench.frozen import dataclass
from segbench.kernels.arrays import as_labels, image_or_volume, same_shape
from segbench.metrics.confusion import stray_error, truth_labels
from segbench.samples import Sample

Codes: TypeAlias = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class CodePair:
    """Truth and prediction of one image as codes.

    Parameters
    ----------
    truth, prediction : ndarray of uint8 or uint16, shape (rows, columns) or (slices, rows, columns)
        Codes; where there is no prediction, the number of codes.
    n_classes : int
        How many codes are classes.
    """

    truth: Codes
    prediction: Codes
    n_classes: int

    def without_void(self) -> CodePair:
        """Return the pair with void cut out of both maps: no prediction counts where the truth is no class."""
        nowhere = self.prediction.dtype.type(np.iinfo(self.prediction.dtype).max)
        prediction = np.where(self.truth < self.n_classes, self.prediction, nowhere)
        return CodePair(self.truth, prediction, self.n_classes)


def code_pair(sample: Sample, encoding: Encoding, n_classes: int, *, volumes: bool = False) -> CodePair:
    """Translate an image into codes.

    Parameters
    ----------
    sample : Sample
        Label maps of ids; a prediction of None is missing.
    encoding : Encoding
        The codes of the label space.
    n_classes : int
        How many classes are evaluated.
    volumes : bool
        Whether volumes are taken too.

    Returns
    -------
    CodePair
        Both maps.

    Raises
    ------
    ShapeMismatch, StrayLabel, DatasetError, BadParameter
        For the first fault that is found.
    """
    truth = truth_labels(sample.truth)
    image_or_volume(truth, name="truth")
    if truth.ndim != 2 and not volumes:
        raise BadParameter(f"truth of shape {truth.shape}", expected="(rows, columns): boundaries are those of images")
    true_codes = _codes(truth, encoding, DatasetError, "truth")
    if sample.prediction is None:
        return CodePair(true_codes, np.full(truth.shape, encoding.n_codes, true_codes.dtype), n_classes)
    prediction = as_labels(sample.prediction, name="prediction")
    same_shape(truth, prediction)
    return CodePair(true_codes, _codes(prediction, encoding, StrayLabel, "prediction"), n_classes)


def _codes(
    labels: NDArray[np.integer[Any]], encoding: Encoding, kind: type[StrayLabel | DatasetError], what: str
) -> Codes:
    dtype, stray = _smallest(encoding.n_codes)
    look_up = np.where(encoding.codes < 0, stray, encoding.codes).astype(dtype)
    low, high = encoding.low, encoding.low + len(look_up)
    if labels.dtype == np.uint8:
        of_bytes = np.full(256, stray, dtype)
        of_bytes[max(low, 0) : max(high, 0)] = look_up[max(-low, 0) :][: max(256 - max(low, 0), 0)]
        codes: Codes = of_bytes[labels]
    else:
        within = (labels >= low) & (labels < high)
        codes = np.full(labels.shape, stray, dtype)
        codes[within] = look_up[labels[within].astype(np.int64) - low]
    if (codes == stray).any():
        raise stray_error(kind, labels, encoding, what)
    return codes


def _smallest(n_codes: int) -> tuple[type[np.unsignedinteger[Any]], int]:
    """Return the dtype that holds all codes, one for what is missing and one for strays, and the last of these."""
    for dtype in (np.uint8, np.uint16):
        if n_codes < (most := int(np.iinfo(dtype).max)):
            return dtype, most
    raise BadParameter(f"{n_codes} ids", expected="at most 65534 where boundaries are measured")
